/* SPDX-License-Identifier: MIT */
/* Every way of reading and every buffering on streams over TCP; both ends are threads that wait for
 * each other all the time. */
#include <locale.h>
#include <wchar.h>

#include "net.h"

enum { PAIRS = 12, ROUNDS = 20 };

static int ends[PAIRS][2];
static const int modes[] = {_IOFBF, _IOLBF, _IONBF};

static FILE *stream_on(int fd, const char *mode, int number)
{
    FILE *stream = fdopen(fd, mode);
    expect(stream && setvbuf(stream, NULL, modes[number % 3], number % 2 ? 7 : 4096) == 0);
    return stream;
}

static void read_one(FILE *in, int way, int number, int round)
{
    char line[64] = "", expected[64], *allocated = NULL;
    wchar_t wide[64];
    size_t size = 0;
    int first, second, c;
    snprintf(expected, sizeof expected, "%d %d\n", number, round);
    switch (way) {
    case 0:
        expect(fgets(line, sizeof line, in) && strcmp(line, expected) == 0);
        break;
    case 1:
        expect(getline(&allocated, &size, in) > 0 && strcmp(allocated, expected) == 0);
        free(allocated);
        break;
    case 2:
        expect(fread(line, 1, strlen(expected), in) == strlen(expected) &&
               strcmp(line, expected) == 0);
        break;
    case 3:
        expect(fscanf(in, "%d %d", &first, &second) == 2 && first == number && second == round);
        expect(getc(in) == '\n');
        break;
    case 4:
        c = getc(in);
        expect(ungetc(c, in) == c);
        for (char *next = line; (c = getc_unlocked(in)) != EOF; next++) {
            *next = (char)c;
            if (c == '\n')
                break;
        }
        expect(strcmp(line, expected) == 0);
        break;
    default:
        expect(fgetws(wide, 64, in) && swscanf(wide, L"%d %d", &first, &second) == 2);
        expect(first == number && second == round);
    }
}

/* Some streams are wide, from their first character on. */
static bool is_wide(int number)
{
    return number % 4 == 3;
}

static int way_of(int number, int round)
{
    return is_wide(number) ? 5 : round % 5;
}

static void *talks(void *argument)
{
    int number = index_of(argument) / 2, side = index_of(argument) % 2, fd = ends[number][side];
    FILE *in = stream_on(fd, "r", number), *out = stream_on(dup(fd), "w", number + 1);
    for (int i = 0; i < ROUNDS; i++) {
        if (side == 0) {
            expect(fprintf(out, "%d %d\n", number, i) > 0 && fflush(out) == 0);
            read_one(in, way_of(number, i), number, i);
        } else {
            read_one(in, way_of(number, i), number, i);
            expect(fprintf(out, "%d %d\n", number, i) > 0 && fflush(out) == 0);
        }
    }
    expect(fclose(out) == 0);
    expect(shutdown(fd, SHUT_WR) == 0);
    expect(is_wide(number) ? fgetwc(in) == WEOF : getc(in) == EOF);
    expect(feof(in) && !ferror(in));
    expect(strcmp(blocking_word(fd), "blocking") == 0);
    expect(fclose(in) == 0);
    return NULL;
}

int main(void)
{
    pthread_t threads[2 * PAIRS];
    setlocale(LC_ALL, "C.UTF-8");
    for (int i = 0; i < PAIRS; i++)
        tcp_pair(ends[i]);
    start_many(threads, 2 * PAIRS, talks);
    join_many(threads, 2 * PAIRS);
    return finished();
}
