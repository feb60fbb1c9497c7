/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names are taken as they come, without percent-decoding; nothing above the directory can be named.
 * */
static bool is_harmless(const char *name)
{
    while (*name) {
        size_t length = strcspn(name, "/");

        if (length == 2 && name[0] == '.' && name[1] == '.')
            return false;
        name += length;
        name += strspn(name, "/");
    }
    return true;
}

static int open_target(const char *target, int directory)
{
    char name[1024];
    size_t length;

    target += strspn(target, "/");
    length = strcspn(target, "?#");
    memcpy(name, target, length);
    name[length] = '\0';
    if (!is_harmless(name))
        return -1;
    return openat(directory, length ? name : "index.html", O_RDONLY | O_CLOEXEC);
}

static char *read_whole(int file, size_t length)
{
    char *text = malloc(length + 1);
    size_t held = 0;

    while (text && held < length) {
        ssize_t got = read(file, text + held, length - held);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            free(text);
            return NULL;
        }
        held += (size_t)got;
    }
    return text;
}

bool answer_file(int socket, const struct request *request, int directory)
{
    int file = open_target(request->target, directory);
    struct stat status;
    char *text = NULL;
    bool alive;

    if (file < 0)
        return answer_error(socket, request, 404);
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        text = read_whole(file, (size_t)status.st_size);
    close(file);
    if (!text)
        return answer_error(socket, request, 404);
    alive = answer_text(socket, request, 200, text, (size_t)status.st_size);
    free(text);
    return alive;
}
