/* SPDX-License-Identifier: MIT */
/*
 * mixed SECONDS: the main thread, native threads (the start routines that begin with native_, which
 * `run` leaves native) and coroutines contend for the same mutex, condition, rwlock, semaphore,
 * barrier and pipe, with numbers that show each lost or doubled wake-up.
 */
#include "stress.h"

#include <semaphore.h>

enum { CROWD = 12, NATIVES = 4, BARRIER = 6, ITEMS = 16 };

static _Atomic bool stop;

/* Counter under a mutex, and one under an rwlock. */
static pthread_mutex_t count_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t counted, pair_low, pair_high;

/* A bounded queue by conditions. */
static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static uint64_t queue[ITEMS], queue_head, queue_tail;

/* Another by semaphores, and one by a pipe. */
static sem_t tokens;
static _Atomic int holders;
static int items[2];
static pthread_barrier_t barrier;
static _Atomic uint64_t barrier_count;

struct account {
    uint64_t counted, produced, consumed, piped, unpiped, rounds;
};

static void count(struct account *account)
{
    MUST(pthread_mutex_lock(&count_mutex));
    counted++;
    MUST(pthread_mutex_unlock(&count_mutex));
    account->counted++;
}

static void read_or_write(uint32_t random)
{
    if (random % 4 == 0) {
        MUST(pthread_rwlock_wrlock(&rwlock));
        pair_low++;
        pair_high += 2;
    } else {
        MUST(pthread_rwlock_rdlock(&rwlock));
    }
    CHECK(pair_high == 2 * pair_low);
    MUST(pthread_rwlock_unlock(&rwlock));
}

static void produce(struct account *account, uint64_t value)
{
    MUST(pthread_mutex_lock(&queue_mutex));
    while (queue_tail - queue_head == ITEMS)
        MUST(pthread_cond_wait(&not_full, &queue_mutex));
    queue[queue_tail++ % ITEMS] = value;
    MUST(pthread_cond_signal(&not_empty));
    MUST(pthread_mutex_unlock(&queue_mutex));
    account->produced += value;
}

static void consume(struct account *account)
{
    MUST(pthread_mutex_lock(&queue_mutex));
    while (queue_tail == queue_head)
        MUST(pthread_cond_wait(&not_empty, &queue_mutex));
    account->consumed += queue[queue_head++ % ITEMS];
    MUST(pthread_cond_signal(&not_full));
    MUST(pthread_mutex_unlock(&queue_mutex));
}

static void hold_token(void)
{
    while (sem_wait(&tokens) < 0)
        CHECK(errno == EINTR);
    CHECK(atomic_fetch_add(&holders, 1) < 3);
    atomic_fetch_sub(&holders, 1);
    CHECK(sem_post(&tokens) == 0);
}

/*
 * Each produces one item and then consumes one, here and in the pipe: what is there never runs
 * out for good, and a lost wake-up shows as a hang.
 */
static void one_round(struct account *account, uint32_t *random)
{
    uint64_t value = random_next(random) % 1000, got;
    count(account);
    read_or_write(random_next(random));
    produce(account, value);
    consume(account);
    hold_token();
    CHECK(write(items[1], &value, sizeof value) == sizeof value);
    account->piped += value;
    CHECK(read(items[0], &got, sizeof got) == sizeof got);
    account->unpiped += got;
    account->rounds++;
}

static void *work(void *opaque)
{
    struct account *account = opaque;
    uint32_t random = (uint32_t)(uintptr_t)opaque;
    while (!atomic_load(&stop))
        one_round(account, &random);
    return NULL;
}

/* Half natives, half coroutines; all leave together, because one decides in each round. */
static void *meet(void *unused)
{
    static _Atomic bool over;
    for (uint64_t i = 0;; i++) {
        CHECK(atomic_load(&barrier_count) / BARRIER == i);
        int result = pthread_barrier_wait(&barrier);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_store(&over, atomic_load(&stop));
        else
            CHECK(result == 0);
        atomic_fetch_add(&barrier_count, 1);
        pthread_barrier_wait(&barrier);
        CHECK(atomic_load(&barrier_count) == (i + 1) * BARRIER);
        bool leave = atomic_load(&over);
        pthread_barrier_wait(&barrier);
        if (leave)
            return unused;
    }
}

void *native_work(void *account)
{
    return work(account);
}

void *native_meet(void *unused)
{
    return meet(unused);
}

static void *alarm_clock(void *seconds)
{
    struct timespec time = {.tv_sec = (long)seconds};
    nanosleep(&time, NULL);
    atomic_store(&stop, true);
    return NULL;
}

static void sum_up(const struct account *accounts, int workers)
{
    struct account total = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < workers; i++) {
        total.counted += accounts[i].counted;
        total.produced += accounts[i].produced;
        total.consumed += accounts[i].consumed;
        total.piped += accounts[i].piped;
        total.unpiped += accounts[i].unpiped;
        total.rounds += accounts[i].rounds;
        if (accounts[i].rounds < least)
            least = accounts[i].rounds;
    }
    CHECK(total.counted == counted && pair_high == 2 * pair_low);
    CHECK(total.produced == total.consumed && queue_head == queue_tail);
    CHECK(total.piped == total.unpiped && total.rounds == counted);
    CHECK(least > 0);
    printf("%lu rounds, at least %lu each, %lu meetings\n", (unsigned long)total.rounds,
           (unsigned long)least, (unsigned long)atomic_load(&barrier_count) / BARRIER);
}

int main(int argc, char **argv)
{
    static struct account accounts[CROWD + NATIVES + 1];
    pthread_t threads[CROWD + NATIVES + BARRIER + 1];
    int made = 0, workers = 0;
    CHECK(sem_init(&tokens, 0, 3) == 0 && pipe(items) == 0);
    MUST(pthread_barrier_init(&barrier, NULL, BARRIER));
    for (int i = 0; i < CROWD; i++)
        MUST(pthread_create(&threads[made++], NULL, work, &accounts[workers++]));
    for (int i = 0; i < NATIVES; i++)
        MUST(pthread_create(&threads[made++], NULL, native_work, &accounts[workers++]));
    for (int i = 0; i < BARRIER; i++)
        MUST(pthread_create(&threads[made++], NULL, i % 2 ? meet : native_meet, NULL));
    MUST(pthread_create(&threads[made++], NULL, alarm_clock,
                        (void *)argument(argc, argv, 1, 5)));
    work(&accounts[workers++]);
    for (int i = 0; i < made; i++)
        MUST(pthread_join(threads[i], NULL));
    sum_up(accounts, workers);
    return 0;
}
