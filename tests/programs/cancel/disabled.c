/* SPDX-License-Identifier: MIT */
/* A thread that has disabled cancellation waits in every way while it is cancelled, gets what it waits for, and
 * is cancelled only when it has enabled it again and reaches a point. */
#include <poll.h>
#include <semaphore.h>

#include "net.h"

enum { WAYS = 9 };

static int ends[2];
static sem_t semaphore, about_to_wait, go_on;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool ready;
static pthread_t other;
static long results[WAYS];

static long wait_for(int way)
{
    char byte;
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    struct timespec moment = {0, 30 * MILLISECOND};
    long result = 0;
    switch (way) {
    case 0: return read(ends[0], &byte, 1);
    case 1: result = poll(&waits, 1, -1); read(ends[0], &byte, 1); return result;
    case 2: return sem_wait(&semaphore);
    case 3:
        pthread_mutex_lock(&lock);
        while (!ready)
            result = pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        return result;
    case 4: result = pthread_mutex_lock(&held); pthread_mutex_unlock(&held); return result;
    case 5: return nanosleep(&moment, NULL);
    case 6: return pthread_join(other, NULL);
    case 7: return recv(ends[0], &byte, 1, MSG_WAITALL);
    default: usleep(1000); return 0;
    }
}

static void *waits(void *argument)
{
    int way = index_of(argument), old;
    must(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    sem_post(&about_to_wait);
    results[way] = wait_for(way);
    sem_wait(&go_on); /* has been cancelled for certain */
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
    pthread_testcancel();
    results[way] = 1000;
    return NULL;
}

static void *waits_too(void *argument)
{
    sem_wait(argument);
    return NULL;
}

static void release(int way, sem_t *last)
{
    must_sys(way == 0 || way == 1 || way == 7 ? write(ends[1], "x", 1) : 0);
    if (way == 2)
        sem_post(&semaphore);
    if (way == 3) {
        pthread_mutex_lock(&lock);
        ready = true;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    if (way == 4)
        pthread_mutex_unlock(&held);
    if (way == 6)
        sem_post(last);
}

int main(void)
{
    sem_t last;
    sem_init(&last, 0, 0);
    sem_init(&semaphore, 0, 0);
    sem_init(&about_to_wait, 0, 0);
    sem_init(&go_on, 0, 0);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_mutex_lock(&held);
    other = start(waits_too, &last);
    for (int way = 0; way < WAYS; way++) {
        pthread_t thread = start(waits, (void *)(intptr_t)way);
        must_sys(sem_wait(&about_to_wait));
        settle();
        must(pthread_cancel(thread));
        must(pthread_cancel(thread)); /* once more is as good */
        release(way, &last);
        sem_post(&go_on);
        expect(join(thread) == PTHREAD_CANCELED);
        say("way %d: %ld\n", way, results[way]);
    }
    return finished();
}
