/* SPDX-License-Identifier: MIT */
/*
 * What all kinds of threads contend for. Each operation leaves every object as it found it, or adds
 * to it what it also adds to the worker's account; whoever puts something into a queue takes
 * something out next. So nobody waits for good, and a lost wake-up shows as a hang.
 */
#include "mixed.h"

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/eventfd.h>

enum { KINDS = 5, ITEMS = 16, TOKENS = 3 };

/* A counter under each type of mutex. */
static struct {
    pthread_mutex_t mutex;
    int inside;
    uint64_t count;
} counters[KINDS];

/* A pair under a lock that prefers readers, and under one that prefers writers. */
static struct {
    pthread_rwlock_t lock;
    uint64_t low, high;
} pairs[2];

/* A bounded queue by conditions, others by semaphore, pipe and eventfd, and a spinning counter. */
static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static uint64_t queue[ITEMS], queue_head, queue_tail;
static sem_t tokens;
static _Atomic int holders;
static int items[2], events;
static pthread_spinlock_t spin;
static uint64_t spun;

static struct timespec soon(uint32_t microseconds)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += microseconds * 1000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void make_counter(int kind)
{
    static const int types[KINDS] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
                                     PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP,
                                     PTHREAD_MUTEX_NORMAL};
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes));
    MUST(pthread_mutexattr_settype(&attributes, types[kind]));
    if (kind == KINDS - 1)
        MUST(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    MUST(pthread_mutex_init(&counters[kind].mutex, &attributes));
}

void objects_make(uint32_t seed)
{
    pthread_rwlockattr_t attributes;
    for (int kind = 0; kind < KINDS; kind++)
        make_counter(kind);
    MUST(pthread_rwlock_init(&pairs[0].lock, NULL));
    MUST(pthread_rwlockattr_init(&attributes));
    MUST(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    MUST(pthread_rwlock_init(&pairs[1].lock, &attributes));
    MUST(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
    CHECK(sem_init(&tokens, 0, TOKENS) == 0 && pipe(items) == 0);
    CHECK((events = eventfd(TOKENS, EFD_SEMAPHORE)) >= 0);
    for (int i = 0; i < WORKERS; i++)
        workers[i].random = (seed + 1) * 2654435761u ^ ((uint32_t)i + 1) * 0x9e3779b9u;
}

static bool lock_somehow(pthread_mutex_t *mutex, uint32_t how)
{
    struct timespec end = soon(300);
    int error = how % 8 == 0   ? pthread_mutex_trylock(mutex)
                : how % 8 == 1 ? pthread_mutex_timedlock(mutex, &end)
                               : pthread_mutex_lock(mutex);
    CHECK(error == 0 || (how % 8 == 0 && error == EBUSY) || (how % 8 == 1 && error == ETIMEDOUT));
    return error == 0;
}

static void count(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    int kind = (int)(random % KINDS);
    pthread_mutex_t *mutex = &counters[kind].mutex;
    if (!lock_somehow(mutex, random >> 8))
        return;
    CHECK(counters[kind].inside++ == 0);
    if (kind == 1)
        MUST(pthread_mutex_lock(mutex));
    if (kind == 2)
        CHECK(pthread_mutex_lock(mutex) == EDEADLK);
    if ((random >> 16 & 15) == 0)
        usleep(random >> 20 & 127); /* the others wait for a sleeper */
    counters[kind].count++;
    if (kind == 1)
        MUST(pthread_mutex_unlock(mutex));
    counters[kind].inside--;
    MUST(pthread_mutex_unlock(mutex));
    worker->account.counted++;
}

static int enter_somehow(pthread_rwlock_t *lock, bool writes, uint32_t how)
{
    struct timespec end = soon(300);
    if (how % 8 == 0)
        return writes ? pthread_rwlock_trywrlock(lock) : pthread_rwlock_tryrdlock(lock);
    if (how % 8 == 1)
        return writes ? pthread_rwlock_timedwrlock(lock, &end)
                      : pthread_rwlock_timedrdlock(lock, &end);
    return writes ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock);
}

static void read_or_write(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    int which = random & 1;
    bool writes = (random >> 1) % 4 == 0;
    pthread_rwlock_t *lock = &pairs[which].lock;
    int error = enter_somehow(lock, writes, random >> 8);
    if (error) {
        CHECK(error == EBUSY || error == ETIMEDOUT);
        return;
    }
    if (writes) {
        pairs[which].low++;
        pairs[which].high += 2;
        worker->account.wrote++;
    }
    CHECK(pairs[which].high == 2 * pairs[which].low);
    MUST(pthread_rwlock_unlock(lock));
}

static void await_change(pthread_cond_t *cond, uint32_t how)
{
    struct timespec end = soon(200);
    int error = how % 8 ? pthread_cond_wait(cond, &queue_mutex)
                        : pthread_cond_timedwait(cond, &queue_mutex, &end);
    CHECK(error == 0 || error == ETIMEDOUT);
}

static void produce(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    MUST(pthread_mutex_lock(&queue_mutex));
    while (queue_tail - queue_head == ITEMS)
        await_change(&not_full, random);
    queue[queue_tail++ % ITEMS] = random;
    if (random >> 8 & 7)
        MUST(pthread_cond_signal(&not_empty));
    else
        MUST(pthread_cond_broadcast(&not_empty));
    MUST(pthread_mutex_unlock(&queue_mutex));
    worker->account.produced += random;
}

static void consume(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    MUST(pthread_mutex_lock(&queue_mutex));
    while (queue_tail == queue_head)
        await_change(&not_empty, random);
    worker->account.consumed += queue[queue_head++ % ITEMS];
    bool late = random >> 8 & 1;
    if (!late)
        MUST(pthread_cond_signal(&not_full));
    MUST(pthread_mutex_unlock(&queue_mutex));
    if (late)
        MUST(pthread_cond_signal(&not_full));
}

static void produce_and_consume(struct worker *worker)
{
    produce(worker);
    worker_at(worker, "a queue's other end");
    consume(worker);
}

static void hold_token(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    struct timespec end = soon(300);
    if ((random % 4 ? sem_wait(&tokens) : sem_timedwait(&tokens, &end)) < 0) {
        CHECK(errno == ETIMEDOUT);
        return;
    }
    CHECK(atomic_fetch_add(&holders, 1) < TOKENS);
    if (random % 16 == 1)
        sched_yield();
    atomic_fetch_sub(&holders, 1);
    CHECK(sem_post(&tokens) == 0);
}

static void read_one(int fd, uint64_t *got, bool look_first)
{
    if (look_first) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        CHECK(poll(&one, 1, 1) >= 0);
    }
    CHECK(read(fd, got, sizeof *got) == sizeof *got);
}

static void pass_through_pipe(struct worker *worker)
{
    uint64_t value = random_next(&worker->random), got;
    CHECK(write(items[1], &value, sizeof value) == sizeof value);
    worker->account.piped += value;
    read_one(items[0], &got, value & 1);
    worker->account.unpiped += got;
}

static void take_event(struct worker *worker)
{
    uint64_t one = 1, got;
    read_one(events, &got, random_next(&worker->random) % 4 == 0);
    CHECK(got == 1);
    CHECK(write(events, &one, sizeof one) == sizeof one);
}

static void spin_a_little(struct worker *worker)
{
    MUST(pthread_spin_lock(&spin));
    spun++;
    MUST(pthread_spin_unlock(&spin));
    worker->account.spun++;
}

static void pause_somehow(struct worker *worker)
{
    uint32_t random = random_next(&worker->random);
    if (random % 16 == 0)
        usleep(random >> 8 & 255);
    else if (random % 16 < 4)
        sched_yield();
}

void objects_round(struct worker *worker)
{
    static const struct {
        const char *name;
        void (*act)(struct worker *worker);
    } operations[] = {
        {"a mutex", count},
        {"an rwlock", read_or_write},
        {"a queue", produce_and_consume},
        {"a semaphore", hold_token},
        {"a pipe", pass_through_pipe},
        {"an eventfd", take_event},
        {"a spin lock", spin_a_little},
        {"a pause", pause_somehow},
        {"a message", foreign_send},
    };
    enum { OPERATIONS = sizeof operations / sizeof *operations, PER_ROUND = 8 };
    for (int i = 0; i < PER_ROUND; i++) {
        uint32_t next = (random_next(&worker->random) >> 4) % OPERATIONS;
        worker_at(worker, operations[next].name);
        operations[next].act(worker);
    }
    worker->account.rounds++;
}

void objects_check(void)
{
    struct account total = {0};
    uint64_t counted = 0, tokens_left, value;
    for (int i = 0; i < WORKERS; i++) {
        struct account *account = &workers[i].account;
        total.counted += account->counted;
        total.spun += account->spun;
        total.wrote += account->wrote;
        total.produced += account->produced;
        total.consumed += account->consumed;
        total.piped += account->piped;
        total.unpiped += account->unpiped;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        CHECK(counters[kind].inside == 0 && counters[kind].count > 0);
        counted += counters[kind].count;
    }
    CHECK(total.counted == counted && total.spun == spun);
    CHECK(total.wrote == pairs[0].low + pairs[1].low);
    CHECK(total.produced == total.consumed && queue_head == queue_tail);
    CHECK(total.piped == total.unpiped);
    for (tokens_left = 0; sem_trywait(&tokens) == 0; tokens_left++)
        ;
    CHECK(tokens_left == TOKENS);
    for (int i = 0; i < TOKENS; i++)
        CHECK(read(events, &value, sizeof value) == sizeof value && value == 1);
    struct pollfd empty[] = {{.fd = events, .events = POLLIN}, {.fd = items[0], .events = POLLIN}};
    CHECK(poll(empty, 2, 0) == 0);
}
