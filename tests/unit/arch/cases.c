/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "machine.h"
#include "sys.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* machine.S */
void machine_switch(struct ut_context *from, const struct ut_context *to, uint64_t *registers);
uint64_t machine_control(void);
void machine_set_control(uint64_t control);

enum { ROUNDS = 1000, STACK = 64 * 1024 };

#define CONTROLS (sizeof machine_controls / sizeof *machine_controls)

static struct ut_context here, there;
static char other_stack[STACK] __attribute__((aligned(16)));
static const char *complaint;

static void fill(uint64_t *registers, uint64_t *seed)
{
    for (int i = 0; i < MACHINE_REGISTERS; i++)
        registers[i] = *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
}

/* Switch with all registers full; they must be the same when we are switched back to. */
static void switch_full(struct ut_context *from, const struct ut_context *to, uint64_t *seed)
{
    uint64_t before[MACHINE_REGISTERS], after[MACHINE_REGISTERS];
    fill(before, seed);
    memcpy(after, before, sizeof after);
    machine_switch(from, to, after);
    if (memcmp(before, after, sizeof after) != 0)
        complaint = "a callee-saved register has changed";
}

static void full_peer(void)
{
    for (uint64_t seed = 2;;)
        switch_full(&there, &here, &seed);
}

static const char *registers_survive(void)
{
    uint64_t seed = 1;
    machine_prepare(&there, other_stack + STACK, full_peer);
    here.thread_pointer = ut_arch_thread_pointer();
    for (int i = 0; i < ROUNDS; i++)
        switch_full(&here, &there, &seed);
    return complaint;
}

/* Each side has control words of its own, in all combinations. */
static void control_peer(void)
{
    for (unsigned i = 0;; i++) {
        uint64_t mine = machine_controls[i % CONTROLS];
        machine_set_control(mine);
        ut_arch_switch(&there, &here);
        if (machine_control() != mine)
            complaint = "the other side's control words have changed";
    }
}

static const char *control_words_survive(void)
{
    uint64_t usual = machine_control();
    machine_prepare(&there, other_stack + STACK, control_peer);
    here.thread_pointer = ut_arch_thread_pointer();
    for (unsigned i = 0; i < CONTROLS * CONTROLS * 2; i++) {
        uint64_t mine = machine_controls[i / CONTROLS % CONTROLS];
        machine_set_control(mine);
        ut_arch_switch(&here, &there);
        if (machine_control() != mine)
            complaint = "our control words have changed";
    }
    machine_set_control(usual);
    return complaint;
}

/* The thread pointer: a context that borrows a sleeping thread's. */

static __thread int variable;

static struct lender {
    _Atomic bool ready, done;
    uintptr_t thread_pointer;
    int *variable;
    pthread_t handle;
} lender;

static void *lend(void *unused)
{
    (void)unused;
    variable = 42;
    lender.thread_pointer = ut_arch_thread_pointer();
    lender.variable = &variable;
    lender.handle = pthread_self();
    atomic_store(&lender.ready, true);
    while (!atomic_load(&lender.done))
        sched_yield();
    return NULL;
}

static void borrower(void)
{
    for (;;) {
        if (ut_arch_thread_pointer() != lender.thread_pointer)
            complaint = "the thread pointer was not switched";
        if (&variable != lender.variable || ++variable != *lender.variable)
            complaint = "thread-local variables are not the other thread's";
        if (!pthread_equal(pthread_self(), lender.handle))
            complaint = "pthread_self() is not the other thread";
        ut_arch_switch(&there, &here);
    }
}

static const char *thread_pointer_is_switched(void)
{
    pthread_t thread, self = pthread_self();
    int *ours = &variable;
    *ours = 7;
    if (pthread_create(&thread, NULL, lend, NULL) != 0)
        return "no thread to be had";
    while (!atomic_load(&lender.ready))
        sched_yield();
    machine_prepare(&there, other_stack + STACK, borrower);
    there.thread_pointer = lender.thread_pointer;
    here.thread_pointer = ut_arch_thread_pointer();
    for (int i = 0; i < ROUNDS; i++) {
        ut_arch_switch(&here, &there);
        if (*ours != 7 || &variable != ours || !pthread_equal(pthread_self(), self))
            complaint = "our thread pointer did not come back";
    }
    if (*lender.variable != 42 + ROUNDS)
        complaint = "the other thread's variable was not written";
    atomic_store(&lender.done, true);
    pthread_join(thread, NULL);
    return complaint;
}

static const char *thread_pointer_by_system_call(void)
{
    ut_arch_init(false);
    const char *result = thread_pointer_is_switched();
    ut_arch_init(true);
    return result;
}

/* A thread that leaves its stack, continued by us. */

static struct leaver {
    struct ut_context context; /* these two as struct ut_departures has it */
    struct leaver *next;
    pthread_t handle;
    long first_thread, second_thread;
    int *variable;
} leaver;

static struct ut_departures departures;

static void *leave(void *argument)
{
    (void)argument;
    volatile double kept = 1.5; /* something on this stack */
    variable = 99;
    leaver.variable = &variable;
    leaver.handle = pthread_self();
    leaver.context.thread_pointer = ut_arch_thread_pointer();
    leaver.first_thread = ut_syscall0(SYS_gettid);
    uint64_t all = ~UINT64_C(0);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    ut_arch_leave_thread(&leaver.context, &departures);
    leaver.second_thread = ut_syscall0(SYS_gettid);
    if (variable != 99 || &variable != leaver.variable || kept != 1.5)
        complaint = "it lost its variables";
    if (!pthread_equal(pthread_self(), leaver.handle))
        complaint = "it is another thread now";
    for (;;)
        ut_arch_switch(&leaver.context, &here);
    return NULL;
}

static const char *a_left_thread_goes_on_elsewhere(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave, NULL) != 0)
        return "no thread to be had";
    while (!__atomic_load_n(&departures.last, __ATOMIC_ACQUIRE))
        sched_yield();
    if (departures.last != &leaver || leaver.next)
        return "it is not entered among those who left";
    here.thread_pointer = ut_arch_thread_pointer();
    for (int i = 0; i < ROUNDS; i++)
        ut_arch_switch(&here, &leaver.context);
    if (leaver.second_thread != ut_syscall0(SYS_gettid) ||
        leaver.second_thread == leaver.first_thread)
        return "it was not continued by this kernel thread";
    return complaint;
}

const struct switch_case switch_cases[] = {
    {"callee-saved registers survive", registers_survive},
    {"control words survive", control_words_survive},
    {"the thread pointer is switched", thread_pointer_is_switched},
    {"the thread pointer is switched by system call", thread_pointer_by_system_call},
    {"a left thread goes on elsewhere", a_left_thread_goes_on_elsewhere},
    {0},
};
