/* SPDX-License-Identifier: MIT */
/*
 * mixed SECONDS [SEED [PLAIN]]: the main thread, native threads (the start routines that begin with
 * native_, which `run` leaves native), coroutines, threads of libc's and raw threads contend for
 * the same objects, with numbers that show each lost or doubled wake-up. What each does, in which
 * order and with which pauses, follows from SEED. PLAIN: coroutines and native threads only, for
 * valgrind, which knows no raw threads and finds fault with libc's notifications.
 */
#include "mixed.h"

enum { CROWD = 12, NATIVES = 4, BARRIER = 6, ROUNDS = 10, HANGS = 10 };

struct worker workers[WORKERS];
_Atomic bool stop, quiet;
static pthread_barrier_t rest;
static _Atomic bool taken[WORKERS], over;

/* The table */

struct worker *worker_enter(const char *kind)
{
    for (int i = LASTING; i < WORKERS; i++)
        if (!atomic_exchange(&taken[i], true)) {
            workers[i].kind = kind;
            return &workers[i];
        }
    return NULL;
}

void worker_leave(struct worker *worker)
{
    worker_at(worker, NULL);
    atomic_store(&taken[worker - workers], false);
}

void worker_at(struct worker *worker, const char *what)
{
    atomic_store_explicit(&worker->at, what, memory_order_relaxed);
    atomic_store_explicit(&worker->steps, worker->steps + 1, memory_order_relaxed);
}

/* Those who work */

/*
 * Rounds, and a rest now and then: until the last one has come to rest nobody new touches anything, so
 * that no later wake-up makes up for a lost one. All leave together, because one decides.
 */
static void *work(void *worker)
{
    static _Atomic bool last;
    do {
        for (int i = 0; i < ROUNDS; i++)
            objects_round(worker);
        worker_at(worker, "the rest");
        atomic_store(&quiet, true);
        if (pthread_barrier_wait(&rest) == PTHREAD_BARRIER_SERIAL_THREAD) {
            atomic_store(&last, atomic_load(&stop));
            atomic_store(&quiet, false);
        }
        pthread_barrier_wait(&rest);
    } while (!atomic_load(&last));
    worker_at(worker, NULL);
    return NULL;
}

void *native_work(void *worker)
{
    return work(worker);
}

static void *talk(void *worker)
{
    foreign_talk_by_pipes(worker);
    worker_at(worker, NULL);
    return NULL;
}

void *native_juggle(void *worker)
{
    foreign_talk_by_futex(worker);
    worker_at(worker, NULL);
    return NULL;
}

/* Half natives, half coroutines; all leave together, because one decides in each round. */

static pthread_barrier_t barrier;
static _Atomic uint64_t barrier_count;

static void *meet(void *worker)
{
    static _Atomic bool last;
    for (uint64_t i = 0;; i++) {
        worker_at(worker, "a barrier");
        CHECK(atomic_load(&barrier_count) / BARRIER == i);
        int result = pthread_barrier_wait(&barrier);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_store(&last, atomic_load(&stop));
        else
            CHECK(result == 0);
        atomic_fetch_add(&barrier_count, 1);
        pthread_barrier_wait(&barrier);
        CHECK(atomic_load(&barrier_count) == (i + 1) * BARRIER);
        bool leave = atomic_load(&last);
        pthread_barrier_wait(&barrier);
        if (leave)
            break;
    }
    worker_at(worker, NULL);
    return NULL;
}

void *native_meet(void *worker)
{
    return meet(worker);
}

/* Who does nothing new for HANGS seconds hangs: say so, and leave the rest to `run`. */

static void report(const uint64_t *seen)
{
    for (int i = 0; i < WORKERS; i++) {
        const char *at = atomic_load(&workers[i].at);
        if (at)
            dprintf(2, "%s %d: at %s%s\n", workers[i].kind, i, at,
                    atomic_load(&workers[i].steps) == seen[i] ? ", hangs" : "");
    }
}

void *native_watch(void *unused)
{
    uint64_t seen[WORKERS] = {0};
    int since[WORKERS] = {0};
    bool said = false;
    for (int second = 0; !atomic_load(&over); second++) {
        for (int i = 0; i < 20 && !atomic_load(&over); i++)
            usleep(50000);
        bool hangs = false;
        for (int i = 0; i < WORKERS; i++) {
            uint64_t steps = atomic_load(&workers[i].steps);
            if (!atomic_load(&workers[i].at) || steps != seen[i])
                since[i] = second;
            seen[i] = steps;
            hangs |= second - since[i] >= HANGS;
        }
        if (hangs && !said)
            report(seen);
        said |= hangs;
    }
    return unused;
}

static void *alarm_clock(void *seconds)
{
    struct timespec time = {.tv_sec = (long)seconds};
    nanosleep(&time, NULL);
    atomic_store(&stop, true);
    return NULL;
}

/* A place for one who lasts. By the main thread only, in the same order each time. */
static struct worker *make_worker(const char *kind)
{
    static int made;
    CHECK(made < LASTING);
    workers[made].kind = kind;
    return &workers[made++];
}

static void start(pthread_t *thread, const char *kind, void *(*routine)(void *))
{
    MUST(pthread_create(thread, NULL, routine, make_worker(kind)));
}

static void say_result(bool visited)
{
    uint64_t total = 0, least = UINT64_MAX, visits = 0;
    for (int i = 0; i < WORKERS; i++) {
        uint64_t rounds = workers[i].account.rounds;
        total += rounds;
        if (i <= CROWD + NATIVES && rounds < least)
            least = rounds;
        if (i >= LASTING)
            visits += rounds;
    }
    CHECK(least > 0 && (visits > 0 || !visited));
    printf("%lu rounds, at least %lu each, %lu in notifications, %lu meetings\n",
           (unsigned long)total, (unsigned long)least, (unsigned long)visits,
           (unsigned long)atomic_load(&barrier_count) / BARRIER);
}

int main(int argc, char **argv)
{
    long seconds = argument(argc, argv, 1, 5), seed = argument(argc, argv, 2, 1);
    bool plain = argc > 3;
    pthread_t threads[CROWD + NATIVES + BARRIER + 3], watch;
    struct worker *self = make_worker("main");
    int made = 0;
    printf("seed %ld\n", seed);
    fflush(stdout);
    objects_make((uint32_t)seed);
    MUST(pthread_barrier_init(&barrier, NULL, BARRIER));
    MUST(pthread_barrier_init(&rest, NULL, CROWD + NATIVES + 1));
    MUST(pthread_create(&watch, NULL, native_watch, NULL));
    if (!plain)
        foreign_start();
    for (int i = 0; i < CROWD; i++)
        start(&threads[made++], "coroutine", work);
    for (int i = 0; i < NATIVES; i++)
        start(&threads[made++], "native", native_work);
    for (int i = 0; i < BARRIER; i++)
        start(&threads[made++], i % 2 ? "coroutine" : "native", i % 2 ? meet : native_meet);
    if (!plain) {
        start(&threads[made++], "coroutine", talk);
        start(&threads[made++], "native", native_juggle);
    }
    MUST(pthread_create(&threads[made++], NULL, alarm_clock, (void *)seconds));
    work(self);
    for (int i = 0; i < made; i++)
        MUST(pthread_join(threads[i], NULL));
    if (!plain)
        foreign_end();
    atomic_store(&over, true);
    MUST(pthread_join(watch, NULL));
    objects_check();
    say_result(!plain);
    return 0;
}
