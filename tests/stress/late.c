/* SPDX-License-Identifier: MIT */
/*
 * late THREADS: that many threads wait with short time-outs in every way; how late each wait ended
 * is said in microseconds, as median and 90th percentile over all, and by how much the earliest was
 * early, by the clock. That must be never, but for SO_RCVTIMEO, which the kernel counts in ticks; for that
 * the native runs beside say what is allowed.
 */
#include "stress.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/select.h>
#include <sys/socket.h>

enum { WAITS = 60, RECV = 6, WAYS = 7, MOST = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static long late[MOST * WAITS];

static int64_t clock_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static struct timespec after(clockid_t clock, int64_t ns)
{
    int64_t then = clock_now(clock) + ns;
    return (struct timespec){then / 1000000000, then % 1000000000};
}

static void wait_somehow(int way, int us, int fd)
{
    struct timespec span = {0, us * 1000}, until = after(CLOCK_MONOTONIC, us * 1000ll);
    struct timeval interval = {0, us};
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char byte;
    switch (way) {
    case 0:
        CHECK(nanosleep(&span, NULL) == 0);
        break;
    case 1:
        CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
        break;
    case 2:
        CHECK(ppoll(&one, 1, &span, NULL) == 0);
        break;
    case 3:
        CHECK(select(0, NULL, NULL, NULL, &interval) == 0);
        break;
    case 4:
        pthread_mutex_lock(&lock);
        CHECK(pthread_cond_clockwait(&never, &lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT);
        pthread_mutex_unlock(&lock);
        break;
    case 5:
        CHECK(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until) == -1);
        break;
    default: /* the kernel rounds it up to ticks of its own */
        CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &interval, sizeof interval) == 0);
        CHECK(recv(fd, &byte, 1, 0) == -1 && errno == EAGAIN);
    }
}

static void *routine(void *argument)
{
    long index = (long)argument;
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    for (int i = 0; i < WAITS; i++) {
        int us = 2000 + (int)(index * 37 + i * 101) % 4000;
        int64_t begin = clock_now(CLOCK_MONOTONIC);
        wait_somehow((int)(index + i) % WAYS, us, ends[0]);
        long over = (long)((clock_now(CLOCK_MONOTONIC) - begin) / 1000) - us;
        if ((index + i) % WAYS != RECV && over < 0)
            fprintf(stderr, "way %ld was early by %ld us\n", (index + i) % WAYS, -over);
        CHECK(over >= 0 || (index + i) % WAYS == RECV);
        late[index * WAITS + i] = over;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}

int main(int argc, char **argv)
{
    pthread_t threads[MOST];
    long count = argument(argc, argv, 1, 20);
    CHECK(count > 0 && count <= MOST && sem_init(&semaphore, 0, 0) == 0);
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, routine, (void *)i));
    for (long i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL));
    qsort(late, (size_t)count * WAITS, sizeof *late, compare);
    printf("early_us %ld\n", late[0] < 0 ? -late[0] : 0);
    printf("median_us %ld\np90_us %ld\n", late[count * WAITS / 2], late[count * WAITS * 9 / 10]);
    return 0;
}
