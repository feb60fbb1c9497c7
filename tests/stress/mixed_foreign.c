/* SPDX-License-Identifier: MIT */
/*
 * Those who come from elsewhere: threads that libc makes for itself and that run our functions
 * (SIGEV_THREAD of timers, name look-ups and message queues), and raw threads, which have no thread
 * control block of their own and so make system calls without libc.
 */
#include "mixed.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

/* Notifications */

enum { TIMERS = 2, NAMES = 2, MESSAGES = 8 };

static _Atomic int inside; /* notifications under way */
static timer_t timers[TIMERS];
static mqd_t mailbox = -1;
static _Atomic uint64_t sent, received;

/*
 * A round in a thread of libc's, then ASK for the next notification. One that begins after stop
 * does nothing, and foreign_end waits for those that began before.
 */
static void visit(const char *kind, void (*ask)(int which), int which)
{
    atomic_fetch_add(&inside, 1);
    bool works = !atomic_load(&stop) && !atomic_load(&quiet);
    struct worker *worker = works ? worker_enter(kind) : NULL;
    if (worker) {
        objects_round(worker);
        worker_leave(worker);
    }
    if (ask && !atomic_load(&stop))
        ask(which);
    atomic_fetch_sub(&inside, 1);
}

static void on_timer(union sigval unused)
{
    (void)unused;
    visit("timer", NULL, 0);
}

static void start_timer(int which)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
    struct itimerspec often = {{0, (3 + 2 * which) * 1000000}, {0, 1000000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timers[which]) == 0);
    CHECK(timer_settime(timers[which], 0, &often, NULL) == 0);
}

static void on_name(union sigval which);

static void look_up(int which)
{
    static const char *const names[NAMES] = {"127.0.0.1", "localhost"};
    static struct gaicb requests[NAMES];
    struct gaicb *request = &requests[which];
    if (request->ar_name) { /* the last one has ended, or we would not be here */
        CHECK(gai_error(request) == 0 && request->ar_result);
        freeaddrinfo(request->ar_result);
    }
    *request = (struct gaicb){.ar_name = names[which]};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_name,
                             .sigev_value.sival_int = which};
    CHECK(getaddrinfo_a(GAI_NOWAIT, &request, 1, &event) == 0);
}

static void on_name(union sigval which)
{
    visit("look-up", look_up, which.sival_int);
}

static void drain_mailbox(void)
{
    char byte;
    while (mq_receive(mailbox, &byte, 1, NULL) == 1)
        atomic_fetch_add(&received, 1);
    CHECK(errno == EAGAIN);
}

static void on_message(union sigval unused);

/* Register first, then empty it: the next notification comes when a message finds it empty. */
static void await_message(int unused)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_message};
    (void)unused;
    CHECK(mq_notify(mailbox, &event) == 0 || errno == EBUSY);
    drain_mailbox();
}

static void on_message(union sigval unused)
{
    (void)unused;
    visit("message", await_message, 0);
}

static void open_mailbox(void)
{
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = MESSAGES, .mq_msgsize = 1};
    snprintf(name, sizeof name, "/mixed-%d", (int)getpid());
    mailbox = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attributes);
    CHECK(mailbox >= 0 && mq_unlink(name) == 0);
}

void foreign_send(struct worker *worker)
{
    if (mailbox < 0 || random_next(&worker->random) % 64)
        return;
    if (mq_send(mailbox, "m", 1, 0) == 0)
        atomic_fetch_add(&sent, 1);
    else
        CHECK(errno == EAGAIN);
}

/* Raw threads. They run with their creator's thread pointer, and must not use it. */

enum { RAW = 2, RAW_STACK = 64 * 1024, LAST = 255 };

static _Atomic int raw_alive[RAW]; /* cleared by the kernel */
static char raw_stacks[RAW][RAW_STACK] __attribute__((aligned(64)));
static int to_raw[2], from_raw[2];
static _Atomic uint32_t ball; /* even: the native thread's turn; odd: the raw one's */

static inline __attribute__((always_inline)) long raw_call(long number, long a, const void *b,
                                                           long c)
{
#ifdef __x86_64__
    long result;
    register long timeout __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(timeout)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x2 __asm__("x2") = c;
    register const void *x1 __asm__("x1") = b;
    register long x3 __asm__("x3") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

/* By the same inline call on both sides: syscall() may be more than a system call. */
static inline __attribute__((always_inline)) void pass_ball(uint32_t value)
{
    atomic_store(&ball, value);
    raw_call(SYS_futex, (long)&ball, (const void *)(FUTEX_WAKE | FUTEX_PRIVATE_FLAG), 1);
}

static inline __attribute__((always_inline)) uint32_t await_ball(uint32_t side)
{
    uint32_t value;
    while ((value = atomic_load(&ball)) % 2 != side)
        raw_call(SYS_futex, (long)&ball, (const void *)(FUTEX_WAIT | FUTEX_PRIVATE_FLAG), value);
    return value;
}

static __attribute__((no_stack_protector)) int raw_echo(void *unused)
{
    unsigned char byte = 0;
    (void)unused;
    while (byte != LAST) {
        while (raw_call(SYS_read, to_raw[0], &byte, 1) != 1)
            ;
        while (raw_call(SYS_write, from_raw[1], &byte, 1) != 1)
            ;
    }
    return 0;
}

static __attribute__((no_stack_protector)) int raw_juggle(void *unused)
{
    (void)unused;
    for (;;) {
        uint32_t value = await_ball(1);
        if (value == UINT32_MAX)
            return 0;
        pass_ball(value + 1);
    }
}

static void start_raw(int which, int (*run)(void *))
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
    atomic_store(&raw_alive[which], 1);
    char *top = raw_stacks[which] + RAW_STACK;
    CHECK(clone(run, top, flags, NULL, NULL, NULL, &raw_alive[which]) > 0);
}

void foreign_talk_by_pipes(struct worker *worker)
{
    unsigned char byte, answer;
    do {
        byte = atomic_load(&stop) ? LAST : (unsigned char)(random_next(&worker->random) % LAST);
        worker_at(worker, "writing to a raw thread");
        CHECK(write(to_raw[1], &byte, 1) == 1);
        worker_at(worker, "reading from a raw thread");
        CHECK(read(from_raw[0], &answer, 1) == 1 && answer == byte);
    } while (byte != LAST);
}

void foreign_talk_by_futex(struct worker *worker)
{
    while (!atomic_load(&stop)) {
        worker_at(worker, "a futex with a raw thread");
        pass_ball((await_ball(0) + 1) & 0xffff);
        await_ball(0);
    }
    pass_ball(UINT32_MAX);
}

void foreign_start(void)
{
    sigset_t all, before;
    open_mailbox();
    await_message(0);
    for (int i = 0; i < TIMERS; i++)
        start_timer(i);
    for (int i = 0; i < NAMES; i++)
        look_up(i);
    CHECK(pipe(to_raw) == 0 && pipe(from_raw) == 0);
    sigfillset(&all); /* no handler may run there */
    MUST(pthread_sigmask(SIG_SETMASK, &all, &before));
    start_raw(0, raw_echo);
    start_raw(1, raw_juggle);
    MUST(pthread_sigmask(SIG_SETMASK, &before, NULL));
}

void foreign_end(void)
{
    for (int i = 0; i < TIMERS; i++)
        CHECK(timer_delete(timers[i]) == 0);
    while (atomic_load(&inside) || atomic_load(&raw_alive[0]) || atomic_load(&raw_alive[1]))
        usleep(1000);
    drain_mailbox();
    CHECK(atomic_load(&sent) == atomic_load(&received));
}
