/* SPDX-License-Identifier: MIT */
#include "shake.h"

#include "coro.h"
#include "critical.h"
#include "sched.h"
#include "sys.h"

static uint32_t identity(void)
{
    if (ut_tls.coro)
        return ut_tls.coro->thread_id;
    return (uint32_t)ut_syscall0(SYS_gettid);
}

/*
 * Each thread has a generator of its own, in its TLS: nothing is shared, so that shaking orders
 * nothing that was not ordered before. A handler may run in between, and only repeats a number.
 */
static uint32_t random_number(void)
{
    uint32_t x = ut_tls.random;
    if (!x)
        x = ((ut_config.seed ? (uint32_t)ut_config.seed : 1) ^ identity()) * 0x9e3779b9u | 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    ut_tls.random = x;
    return x;
}

bool ut_shake_toss(void)
{
    return random_number() >> 8 & 1;
}

void ut_shake_maybe_yield(struct ut_coro *self)
{
    if (random_number() >> 8 & 3)
        return;
    ut_critical_begin();
    ut_sched_yield(self);
    ut_critical_end();
}

#ifdef UT_SHAKE

static void spin(uint32_t turns)
{
    for (uint32_t i = 0; i < turns; i++)
        ut_arch_relax();
}

static void sleep_shortly(uint32_t microseconds)
{
    struct timespec time = {.tv_nsec = microseconds * 1000};
    ut_syscall2(SYS_nanosleep, &time, NULL); /* a signal may end it: its handler is a delay, too */
}

/* One point of eight, most often by a delay that others on other CPUs just fit into. */
void ut_shake(void)
{
    uint32_t number = random_number() >> 8;
    if (number % 8)
        return;
    uint32_t kind = number / 8 % 16, size = number / 128;
    if (kind == 0)
        sleep_shortly(1 + size % 40);
    else if (kind < 4)
        ut_syscall0(SYS_sched_yield);
    else
        spin(size % 256);
}

void ut_shake_and_move(struct ut_coro *self)
{
    if (random_number() >> 8 & 15)
        ut_shake();
    else
        ut_sched_yield(self);
}

#endif
