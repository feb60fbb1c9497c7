/* SPDX-License-Identifier: MIT */
#include "lot.h"

#include "engine.h"

#include <criterion/criterion.h>
#include <signal.h>

/* One that waits, coroutine or native thread. */
struct party {
    const void *address;
    uint32_t tag;
    int64_t deadline;
    _Atomic bool queued;
    _Atomic unsigned turn; /* in which order they were woken, from 1 */
    _Atomic uint32_t outcome;
};

static _Atomic unsigned turns;
static uint32_t object, elsewhere; /* their addresses are what is waited for */

static void *wait_in_lot(void *argument)
{
    struct party *party = argument;
    struct ut_lot_waiter waiter;
    ut_critical_begin();
    ut_lot_enqueue(&waiter, party->address, party->tag);
    atomic_store(&party->queued, true);
    atomic_store(&party->outcome, ut_lot_wait(&waiter, "lot", party->deadline));
    ut_critical_end();
    atomic_store(&party->turn, atomic_fetch_add(&turns, 1) + 1);
    return NULL;
}

static struct party party_at(const void *address, uint32_t tag)
{
    return (struct party){.address = address, .tag = tag, .deadline = UT_FOREVER};
}

static unsigned wake(const void *address, unsigned most, uint32_t tags)
{
    ut_critical_begin();
    unsigned woken = ut_lot_wake_tagged(address, most, tags);
    ut_critical_end();
    return woken;
}

enum { MOST = 200 };

/* Parties that wait one after the other, every third one a native thread. */
struct crowd {
    unsigned count;
    struct party party[MOST];
    struct ut_coro *coro[MOST];
    pthread_t thread[MOST];
    bool joined[MOST];
};

static struct crowd crowd;

static void join_crowd_one(unsigned i)
{
    if (crowd.joined[i])
        return;
    crowd.joined[i] = true;
    if (crowd.coro[i])
        engine_join(crowd.coro[i]);
    else
        pthread_join(crowd.thread[i], NULL);
}

static void add(struct party party, bool native)
{
    unsigned i = crowd.count++;
    crowd.party[i] = party;
    if (native)
        cr_assert_eq(pthread_create(&crowd.thread[i], NULL, wait_in_lot, &crowd.party[i]), 0);
    else
        crowd.coro[i] = engine_launch(wait_in_lot, &crowd.party[i]);
    until(atomic_load(&crowd.party[i].queued));
}

static void gather(unsigned count)
{
    engine_start(2);
    for (unsigned i = 0; i < count; i++)
        add(party_at(&object, 1u << i % 2), i % 3 == 2);
}

static void join_crowd(void)
{
    for (unsigned i = 0; i < crowd.count; i++)
        join_crowd_one(i);
    cr_assert_not(ut_lot_occupied(&object));
    cr_assert_not(ut_lot_occupied(&elsewhere));
}

Test(lot, nobody_waits)
{
    cr_assert_not(ut_lot_occupied(&object));
    cr_assert_not(ut_lot_has(&object, ~0u));
    cr_assert_eq(wake(&object, 1, ~0u), 0);
}

Test(lot, wakes_in_order, .timeout = 30)
{
    gather(9);
    for (unsigned i = 0; i < 9; i++) {
        cr_assert(ut_lot_occupied(&object));
        cr_assert_eq(wake(&object, 1, ~0u), 1);
        join_crowd_one(i); /* hangs if it was another one */
        cr_assert_eq(crowd.party[i].turn, i + 1);
        cr_assert_eq(crowd.party[i].outcome, UT_WAIT_WOKEN);
    }
    cr_assert_eq(wake(&object, 1, ~0u), 0);
    cr_assert_not(ut_lot_occupied(&object));
}

static void wake_next(const void *address)
{
    ut_critical_begin();
    ut_lot_wake_next(address);
    ut_critical_end();
}

/* One after the other: who is woken is noted until it has arrived. */
Test(lot, the_next_one_until_it_arrives, .timeout = 30)
{
    struct ut_lot_waiter mine;
    ut_critical_begin();
    ut_lot_enqueue(&mine, &object, 1);
    ut_critical_end();
    gather(6);
    cr_assert_not(ut_lot_next_on_its_way(&object));
    wake_next(&object); /* this thread, which does not come yet */
    cr_assert(ut_lot_next_on_its_way(&object));
    cr_assert_not(ut_lot_next_on_its_way(&elsewhere));
    cr_assert_eq(atomic_load(&turns), 0);
    ut_critical_begin();
    cr_assert_eq(ut_lot_wait(&mine, "lot", UT_FOREVER), UT_WAIT_WOKEN);
    ut_critical_end();
    cr_assert_not(ut_lot_next_on_its_way(&object));
    for (unsigned i = 0; i < 6; i++) {
        wake_next(&object);
        join_crowd_one(i); /* hangs if it was another one */
        cr_assert_eq(crowd.party[i].turn, i + 1);
        cr_assert_not(ut_lot_next_on_its_way(&object));
    }
    wake_next(&object);
    cr_assert_not(ut_lot_next_on_its_way(&object));
}

/* A note of one that is no longer there would keep all others asleep. */
Test(lot, nobody_is_on_its_way_who_did_not_wait, .timeout = 30)
{
    struct ut_lot_waiter mine;
    engine_start(1);
    ut_critical_begin();
    ut_lot_enqueue(&mine, &object, 1);
    ut_lot_wake_next(&object);
    cr_assert(ut_lot_abort(&mine)); /* it takes the wake-up */
    cr_assert_not(ut_lot_next_on_its_way(&object));
    ut_lot_enqueue(&mine, &object, 1);
    cr_assert_not(ut_lot_abort(&mine));
    ut_lot_wake_next(&object);
    cr_assert_not(ut_lot_next_on_its_way(&object));
    ut_critical_end();
}

/* More than are gathered at a time. */
Test(lot, wakes_all, .timeout = 30)
{
    gather(MOST);
    cr_assert_eq(wake(&object, MOST - 1, ~0u), MOST - 1);
    cr_assert_eq(wake(&object, UINT32_MAX, ~0u), 1);
    join_crowd();
}

Test(lot, only_those_at_the_address, .timeout = 30)
{
    gather(2);
    add(party_at(&elsewhere, 1), false);
    add(party_at(&elsewhere, 1), true);
    cr_assert_eq(wake(&elsewhere, 10, ~0u), 2);
    join_crowd_one(2);
    join_crowd_one(3);
    cr_assert(ut_lot_has(&object, ~0u));
    cr_assert_not(ut_lot_has(&elsewhere, ~0u));
    cr_assert_eq(wake(&object, 10, ~0u), 2);
    join_crowd();
}

/* Two addresses of one bucket are still two addresses. */
Test(lot, a_shared_bucket_is_no_shared_address, .timeout = 30)
{
    static char memory[1 << 16];
    char *twin = memory + 1;
    while (twin < memory + sizeof memory && ut_lot_bucket(twin) != ut_lot_bucket(memory))
        twin++;
    cr_assert_lt(twin, memory + sizeof memory);
    engine_start(1);
    add(party_at(memory, 1), false);
    add(party_at(twin, 1), false);
    cr_assert_eq(wake(twin, 10, ~0u), 1);
    join_crowd_one(1);
    cr_assert(ut_lot_has(memory, ~0u));
    cr_assert_eq(wake(memory, 10, ~0u), 1);
    join_crowd_one(0);
}

Test(lot, only_those_with_the_tag, .timeout = 30)
{
    gather(6); /* tags 1 2 1 2 1 2 */
    cr_assert_not(ut_lot_has(&object, 4));
    cr_assert_eq(wake(&object, 10, 4), 0);
    cr_assert_eq(wake(&object, 2, 2), 2);
    join_crowd_one(1);
    join_crowd_one(3);
    cr_assert_eq(wake(&object, 10, 2), 1);
    join_crowd_one(5);
    cr_assert_not(ut_lot_has(&object, 2));
    cr_assert(ut_lot_has(&object, 1));
    cr_assert_eq(wake(&object, 10, 1 | 2), 3);
    for (unsigned i = 0; i < 6; i += 2)
        join_crowd_one(i);
}

Test(lot, requeues_without_waking, .timeout = 30)
{
    unsigned woken = 0;
    gather(8);
    ut_critical_begin();
    cr_assert_eq(ut_lot_requeue(&object, &elsewhere, 2, 4, &woken), 6);
    ut_critical_end();
    cr_assert_eq(woken, 2);
    join_crowd_one(0);
    join_crowd_one(1);
    cr_assert_eq(atomic_load(&turns), 2);
    for (unsigned i = 2; i < 6; i++) { /* in the same order, behind none */
        cr_assert_eq(wake(&elsewhere, 1, ~0u), 1);
        join_crowd_one(i);
    }
    cr_assert_eq(wake(&elsewhere, 1, ~0u), 0);
    cr_assert_eq(wake(&object, 10, ~0u), 2);
    join_crowd_one(6);
    join_crowd_one(7);
}

Test(lot, requeue_to_the_same_address_moves_nobody, .timeout = 30)
{
    unsigned woken = 0;
    gather(3);
    ut_critical_begin();
    cr_assert_eq(ut_lot_requeue(&object, &object, 1, 10, &woken), 1);
    ut_critical_end();
    cr_assert_eq(wake(&object, 10, ~0u), 2);
    join_crowd();
}

/* Deadlines */

static void expect_timeout(bool native, int64_t deadline)
{
    struct party late = party_at(&object, 1);
    unsigned i = crowd.count;
    late.deadline = deadline;
    add(late, native);
    join_crowd_one(i);
    cr_assert_eq(crowd.party[i].outcome, UT_WAIT_TIMED_OUT);
    cr_assert_geq(ut_clock_now(), deadline);
    cr_assert_not(ut_lot_occupied(&object));
}

Test(lot, coroutines_time_out, .timeout = 20)
{
    engine_start(1);
    expect_timeout(false, ut_clock_now() + 3 * UT_MILLISECOND);
    expect_timeout(false, 0);
    expect_timeout(false, -1);
}

Test(lot, native_threads_time_out, .timeout = 20)
{
    engine_start(1);
    expect_timeout(true, ut_clock_now() + 3 * UT_MILLISECOND);
    expect_timeout(true, 0);
}

/* Absolute times of CLOCK_REALTIME become such when they lie before the machine's start. */
Test(lot, native_threads_time_out_long_ago, .timeout = 20)
{
    engine_start(1);
    expect_timeout(true, -1);
    expect_timeout(true, -1600000000 * UT_SECOND);
}

Test(lot, who_was_requeued_still_times_out, .timeout = 30)
{
    unsigned woken;
    engine_start(2);
    for (int native = 0; native < 2; native++) {
        struct party party = party_at(&object, 1);
        party.deadline = ut_clock_now() + 200 * UT_MILLISECOND;
        add(party, native);
        ut_critical_begin();
        /* Unless this machine was very slow, and it has timed out already. */
        ut_lot_requeue(&object, &elsewhere, 0, 1, &woken);
        ut_critical_end();
        join_crowd_one((unsigned)native);
        cr_assert_eq(crowd.party[native].outcome, UT_WAIT_TIMED_OUT);
        cr_assert_not(ut_lot_occupied(&elsewhere));
    }
}

/* Interruptions */

static void handler(int signal)
{
    (void)signal;
}

static _Atomic bool interrupted;

static void *signal_until_interrupted(void *thread)
{
    while (!atomic_load(&interrupted)) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

Test(lot, a_handler_interrupts_a_native_thread, .timeout = 30)
{
    pthread_t self = pthread_self(), signaller;
    struct ut_lot_waiter waiter;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    cr_assert_eq(pthread_create(&signaller, NULL, signal_until_interrupted, &self), 0);
    ut_critical_begin();
    ut_lot_enqueue(&waiter, &object, 1);
    cr_assert_eq(ut_lot_wait(&waiter, "lot", UT_FOREVER), UT_WAIT_INTERRUPTED);
    atomic_store(&interrupted, true);
    cr_assert_eq(ut_tls.critical, 1);
    ut_critical_end();
    pthread_join(signaller, NULL);
    cr_assert_not(ut_lot_occupied(&object));
}

Test(lot, an_interrupted_coroutine_leaves, .timeout = 30)
{
    gather(2);
    ut_critical_begin();
    ut_wait_interrupt(crowd.coro[0]);
    ut_critical_end();
    join_crowd_one(0);
    cr_assert_eq(crowd.party[0].outcome, UT_WAIT_INTERRUPTED);
    cr_assert_eq(wake(&object, 10, ~0u), 1);
    join_crowd_one(1);
}

/* Not to wait after all */

static void *enqueue_and_abort(void *unused)
{
    struct ut_lot_waiter waiter;
    for (int i = 0; i < 1000; i++) {
        ut_critical_begin();
        ut_lot_enqueue(&waiter, &object, 1);
        must(!ut_lot_abort(&waiter));
        ut_lot_enqueue(&waiter, &object, 1);
        must(ut_lot_wake(&object, 1) == 1);
        must(ut_lot_abort(&waiter)); /* it was chosen */
        ut_critical_end();
    }
    return unused;
}

Test(lot, may_be_aborted, .timeout = 30)
{
    engine_start(1);
    enqueue_and_abort(NULL);
    cr_assert_not(ut_lot_occupied(&object));
    engine_run(enqueue_and_abort, NULL);
    cr_assert_not(ut_lot_occupied(&object));
}

/*
 * No lost wake-up: a semaphore as the shim makes one, with coroutines and native threads on both
 * sides, some with deadlines. Every unit that is put is taken, once.
 */

enum { TAKERS = 6, PUTTERS = 4, UNITS = 30000 };

static _Atomic int units;
static _Atomic unsigned taken, timeouts;

static bool try_take(void)
{
    int before = atomic_load(&units);
    while (before > 0)
        if (atomic_compare_exchange_weak(&units, &before, before - 1))
            return true;
    return false;
}

static void take_unit(int64_t patience)
{
    struct ut_lot_waiter waiter;
    for (;;) {
        if (try_take())
            return;
        ut_critical_begin();
        ut_lot_enqueue(&waiter, &units, 1);
        bool got = try_take();
        if (got)
            got = !ut_lot_abort(&waiter) || (ut_lot_wake(&units, 1), true);
        else if (ut_lot_wait(&waiter, "unit", ut_clock_add(ut_clock_now(), patience)) ==
                 UT_WAIT_TIMED_OUT)
            atomic_fetch_add(&timeouts, 1);
        ut_critical_end();
        if (got)
            return;
    }
}

static void *take_units(void *number)
{
    int64_t patience = (uintptr_t)number % 3 ? UT_FOREVER : 20 * UT_MICROSECOND;
    for (int i = 0; i < UNITS / TAKERS; i++) {
        take_unit(patience);
        atomic_fetch_add(&taken, 1);
    }
    return NULL;
}

static void *put_units(void *unused)
{
    for (int i = 0; i < UNITS / PUTTERS; i++) {
        atomic_fetch_add(&units, 1);
        if (ut_lot_occupied(&units)) {
            ut_critical_begin();
            ut_lot_wake(&units, 1);
            ut_critical_end();
        }
        if (ut_tls.coro)
            engine_yield();
        else
            sched_yield();
    }
    return unused;
}

Test(lot, loses_no_wake_up, .timeout = 120)
{
    enum { ALL = TAKERS + PUTTERS };
    pthread_t threads[ALL];
    struct ut_coro *coros[ALL] = {0};
    engine_start(2);
    for (uintptr_t i = 0; i < ALL; i++) {
        void *(*start)(void *) = i < TAKERS ? take_units : put_units;
        if (i % 2)
            cr_assert_eq(pthread_create(&threads[i], NULL, start, (void *)i), 0);
        else
            coros[i] = engine_launch(start, (void *)i);
    }
    for (int i = 0; i < ALL; i++)
        if (i % 2)
            pthread_join(threads[i], NULL);
        else
            engine_join(coros[i]);
    cr_assert_eq(atomic_load(&taken), UNITS);
    cr_assert_eq(atomic_load(&units), 0);
    cr_assert_not(ut_lot_occupied(&units));
}

/* Waking and requeueing while the waiters time out. */

static _Atomic bool enough;

static void *wait_briefly(void *address)
{
    struct ut_lot_waiter waiter;
    for (int i = 0; i < 3000; i++) {
        ut_critical_begin();
        ut_lot_enqueue(&waiter, address, 1);
        ut_lot_wait(&waiter, "brief", ut_clock_now() + i % 5 * 10 * UT_MICROSECOND);
        must(!waiter.queued);
        ut_critical_end();
    }
    return NULL;
}

static void *move_about(void *unused)
{
    unsigned woken;
    for (unsigned i = 0; !atomic_load(&enough); i++) {
        ut_critical_begin();
        if (i % 3 == 0)
            ut_lot_wake(&object, 1);
        else if (i % 3 == 1)
            ut_lot_requeue(&object, &elsewhere, i % 2, 2, &woken);
        else
            ut_lot_requeue(&elsewhere, &object, i % 2, 3, &woken);
        ut_critical_end();
    }
    return unused;
}

Test(lot, requeue_and_timeout_may_meet, .timeout = 120)
{
    pthread_t mover, native[2];
    struct ut_coro *coros[4];
    engine_start(2);
    cr_assert_eq(pthread_create(&mover, NULL, move_about, NULL), 0);
    for (int i = 0; i < 4; i++)
        coros[i] = engine_launch(wait_briefly, i % 2 ? &object : &elsewhere);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&native[i], NULL, wait_briefly, &object), 0);
    for (int i = 0; i < 4; i++)
        engine_join(coros[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(native[i], NULL);
    atomic_store(&enough, true);
    pthread_join(mover, NULL);
    cr_assert_not(ut_lot_occupied(&object));
    cr_assert_not(ut_lot_occupied(&elsewhere));
}
