/* SPDX-License-Identifier: MIT */
/* A hundred thousand signals directed at random threads, which talk over sockets, wait for locks and sleep:
 * each queued one arrives, once, at its thread, with its values in order; of the others at least the last one;
 * and no byte of the conversations is lost. */
#include <sched.h>
#include <signal.h>

#include "net.h"

enum { THREADS = 16, SIGNALS = 100000, AHEAD = 500 };

struct target {
    pthread_t thread;
    int ends[2];
    long sent, received, out_of_order; /* queued ones */
    int marks, last_mark;              /* others: a mark is set, then signalled */
    long bytes;
};

static struct target targets[THREADS];
static __thread struct target *mine;
static int stop;
static pthread_barrier_t ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long turns;

static void handle_queued(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    mine->out_of_order += info->si_value.sival_int != (int)mine->received;
    __atomic_fetch_add(&mine->received, 1, __ATOMIC_SEQ_CST);
}

static void handle_plain(int number)
{
    (void)number;
    __atomic_store_n(&mine->last_mark, __atomic_load_n(&mine->marks, __ATOMIC_SEQ_CST),
                     __ATOMIC_SEQ_CST);
}

static void *echoes(void *argument)
{
    int fd = index_of(argument);
    char text[64];
    for (ssize_t got; (got = recv(fd, text, sizeof text, 0)) != 0;)
        if (got > 0)
            must_sys(send(fd, text, (size_t)got, 0));
    return NULL;
}

static void exchange(int fd)
{
    char text[32], back[32];
    memset(text, 'a' + (int)(mine->bytes % 26), sizeof text);
    expect(send(fd, text, sizeof text, 0) == sizeof text);
    for (size_t have = 0; have < sizeof back;) {
        ssize_t got = recv(fd, back + have, sizeof back - have, 0);
        expect(got > 0);
        have += (size_t)got;
    }
    expect(memcmp(text, back, sizeof text) == 0);
    mine->bytes += sizeof text;
}

static void *works(void *argument)
{
    mine = &targets[index_of(argument)];
    sigset_t all, before;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &before));
    pthread_t partner = start(echoes, (void *)(intptr_t)mine->ends[1]);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL));
    pthread_barrier_wait(&ready);
    for (int round = 0; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST); round++) {
        exchange(mine->ends[0]);
        pthread_mutex_lock(&lock);
        turns++;
        pthread_mutex_unlock(&lock);
        if (round % 7 == 0)
            usleep(50);
    }
    shutdown(mine->ends[0], SHUT_WR);
    join(partner);
    return NULL;
}

static void signal_one(struct target *target, bool queued)
{
    union sigval value = {.sival_int = (int)target->sent};
    if (!queued) {
        __atomic_fetch_add(&target->marks, 1, __ATOMIC_SEQ_CST);
        must(pthread_kill(target->thread, SIGUSR1));
        return;
    }
    while (target->sent - __atomic_load_n(&target->received, __ATOMIC_SEQ_CST) > AHEAD)
        sched_yield();
    must(pthread_sigqueue(target->thread, SIGRTMIN, value));
    target->sent++;
}

/* A handler for the last of its kind has run, or will: nothing else is sent any more. */
static void await(const struct target *target)
{
    while (__atomic_load_n(&target->received, __ATOMIC_SEQ_CST) != target->sent ||
           __atomic_load_n(&target->last_mark, __ATOMIC_SEQ_CST) != target->marks)
        sched_yield();
}

int main(void)
{
    struct sigaction queued = {.sa_sigaction = handle_queued, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction plain = {.sa_handler = handle_plain, .sa_flags = SA_RESTART};
    must_sys(sigaction(SIGRTMIN, &queued, NULL));
    must_sys(sigaction(SIGUSR1, &plain, NULL));
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGRTMIN);
    sigaddset(&both, SIGUSR1);
    must(pthread_barrier_init(&ready, NULL, THREADS + 1));
    for (int i = 0; i < THREADS; i++) {
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, targets[i].ends));
        targets[i].thread = start(works, (void *)(intptr_t)i);
    }
    must(pthread_sigmask(SIG_BLOCK, &both, NULL));
    pthread_barrier_wait(&ready);
    unsigned seed = 1;
    for (int i = 0; i < SIGNALS; i++)
        signal_one(&targets[rand_r(&seed) % THREADS], i % 4 != 0);
    for (int i = 0; i < THREADS; i++)
        await(&targets[i]);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < THREADS; i++) {
        join(targets[i].thread);
        say("thread %d: all received %d, out of order %ld\n", i,
            targets[i].received == targets[i].sent, targets[i].out_of_order);
    }
    return finished();
}
