/* SPDX-License-Identifier: MIT */
/* Threads that want the CPU all the time. */
#include "abuse.h"

#include <sys/syscall.h>

/* Twice the same in registers: wherever the loop was interrupted, both must have survived. */
struct computation {
    uint64_t one, other;
};

static inline void compute(struct computation *state, long steps)
{
    uint64_t one = state->one, other = state->other;
    for (long i = 0; i < steps; i++) {
        one = one * UINT64_C(6364136223846793005) + 1;
        other = other * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(one), "+r"(other));
    }
    state->one = one;
    state->other = other;
    CHECK(one == other);
}

/* busy-loop: never enters any library. */

static void loop(long index)
{
    struct computation state = {(uint64_t)index, (uint64_t)index};
    abuse_enter();
    while (!atomic_load_explicit(&over, memory_order_relaxed))
        compute(&state, 1000);
}

const struct abuse abuse_busy_loop = {.name = "busy-loop", .commit = loop};

/* bursts: computes 15 ms, longer than any scheduler's slice, and then enters the library briefly. */

static void burst(long index)
{
    struct computation state = {(uint64_t)index, (uint64_t)index};
    int ends[2];
    CHECK(pipe(ends) == 0);
    abuse_enter();
    do {
        int64_t end = now_ns() + 15 * 1000 * 1000;
        char sent = (char)state.one, got = (char)~sent;
        while (now_ns() < end)
            compute(&state, 1000);
        CHECK(write(ends[1], &sent, 1) == 1);
        CHECK(read(ends[0], &got, 1) == 1 && got == sent);
    } while (!atomic_load(&over));
    close(ends[0]);
    close(ends[1]);
}

const struct abuse abuse_bursts = {.name = "bursts", .commit = burst};

/* Spin locks as programs write them, without a call. */

static _Atomic int locked;
static long turns; /* changed under the lock, by a read and a write that another could come between */

static void lock(void)
{
    while (atomic_exchange_explicit(&locked, 1, memory_order_acquire))
        while (atomic_load_explicit(&locked, memory_order_relaxed))
            ; /* no pause, no yield */
}

static void unlock(void)
{
    atomic_store_explicit(&locked, 0, memory_order_release);
}

/* spin-blocked: the holder sleeps in a call that no library sees. */

static int wake_holder[2];

static void prepare_spin(long count)
{
    (void)count;
    CHECK(pipe(wake_holder) == 0);
}

static void spin(long index)
{
    char byte;
    if (index == HOLDER) {
        lock();
        abuse_enter();
        CHECK(kernel_call(SYS_read, wake_holder[0], (long)&byte, 1, 0) == 1 && byte == 'w');
    } else {
        abuse_enter();
        lock();
        CHECK(atomic_load(&over));
    }
    *(volatile long *)&turns = turns + 1;
    unlock();
}

static void release_spin(long count)
{
    (void)count;
    CHECK(write(wake_holder[1], "w", 1) == 1);
}

static void check_spin(long count)
{
    CHECK(turns == count + 1);
}

const struct abuse abuse_spin_blocked = {.name = "spin-blocked", .prepare = prepare_spin,
                                         .commit = spin, .holder = true, .release = release_spin,
                                         .finish = check_spin};

/* spin-contended: nobody blocks, but whoever holds the lock may lose its CPU to those who spin. */

static _Atomic long turns_taken;

static void contend(long index)
{
    struct computation state = {(uint64_t)index, (uint64_t)index};
    long mine = 0;
    abuse_enter();
    do {
        lock();
        compute(&state, 50000);
        *(volatile long *)&turns = turns + 1;
        unlock();
        mine++;
    } while (!atomic_load_explicit(&over, memory_order_relaxed));
    atomic_fetch_add(&turns_taken, mine);
}

static void check_turns(long count)
{
    CHECK(turns >= count && turns == atomic_load(&turns_taken));
}

const struct abuse abuse_spin_contended = {.name = "spin-contended", .commit = contend,
                                           .finish = check_turns};
