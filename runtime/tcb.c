/* SPDX-License-Identifier: MIT */
/*
 * How a thread control block (TCB) without a kernel thread is made: glibc's own pthread_create
 * makes a thread on a stack of ours. The thread undoes what ties the TCB to its kernel thread,
 * saves its registers as a coroutine, and leaves by a raw exit system call. glibc believes that the
 * thread lives on: it is on its lists, has a dynamic thread vector and a static TLS block.
 *
 * Nobody waits for that: on a busy machine it takes a while until the newborn gets a CPU. Its
 * birth is like a wait (wait.h): it is launched when both it has left its kernel thread, which the
 * maker learns, and its creator has launched it.
 *
 * Three ties: rseq (glibc 2.35: the kernel writes the CPU number into the TCB), the robust list,
 * and the address that the kernel clears when the thread ends, which glibc takes for the death of the thread.
 * The thread id in the TCB is the futex owner of mutexes: it is replaced by a virtual one, above
 * all kernel ids (PID_MAX_LIMIT, 2^22) and below FUTEX_TID_MASK.
 *
 * Rejected: building a TCB by hand (_dl_allocate_tls and a struct pthread of our own): its layout
 * changes with each glibc, and glibc's lists of threads would not know it.
 */
#include "tcb.h"

#include "carrier.h"
#include "coro.h"
#include "critical.h"
#include "libc.h"
#include "lock.h"
#include "log.h"
#include "lot.h"
#include "sched.h"
#include "shake.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <locale.h>
#include <stdatomic.h>
#include <string.h>

#define RSEQ_SIGNATURE 0x53053053 /* x86-64, aarch64 little endian differs: see below */
#define VIRTUAL_ID_FIRST 0x400000u
#define VIRTUAL_ID_SPAN 0x3fb00000u
#define IDS_PER_PROCESS 32672u

enum { MOST_BIRTHS = 8 }; /* at a time: each is a kernel thread meanwhile */

enum { RSEQ_UNREGISTER = 1, RSEQ_FAILED = -2, RSEQ_SIZE = 32 };

/*
 * Ids of different processes should differ, for mutexes in shared memory record them as owners.
 * With the default pid_max of 32,768 the first 32,672 threads of each process have ids of their own.
 */
static uint32_t virtual_id(void)
{
    static _Atomic uint32_t made;
    uint64_t process = (uint64_t)ut_syscall0(SYS_getpid);
    uint64_t number = process * IDS_PER_PROCESS + atomic_fetch_add(&made, 1);
    return VIRTUAL_ID_FIRST + (uint32_t)(number % VIRTUAL_ID_SPAN);
}

/* An id that is used again was given up so many threads ago: who still knows it has had time. */
enum { RESTING = 1024 };

static uint32_t another_id(uint32_t given_up)
{
    static _Atomic uint32_t resting[RESTING], next;
    uint32_t id = atomic_exchange(&resting[atomic_fetch_add(&next, 1) % RESTING], given_up);
    return id ? id : virtual_id();
}

static void unregister_rseq(void)
{
    if (!ut_libc.rseq_offset)
        return;
#ifdef __aarch64__
    const uint32_t signature = 0xd428bc00;
#else
    const uint32_t signature = RSEQ_SIGNATURE;
#endif
    char *area = (char *)ut_arch_thread_pointer() + *ut_libc.rseq_offset;
    ut_syscall4(SYS_rseq, area, RSEQ_SIZE, RSEQ_UNREGISTER, signature);
    int failed = RSEQ_FAILED; /* sched_getcpu() and allocators ask the kernel instead */
    memcpy(area + 4, &failed, sizeof failed);
}

static uint32_t *field(pthread_t thread, const uint32_t *descriptor)
{
    return descriptor ? (uint32_t *)((char *)thread + descriptor[2]) : NULL;
}

static void untie(struct ut_coro *coro)
{
    static struct robust_list_head none = {.list = {&none.list}};
    size_t length = 0;
    unregister_rseq();
    ut_syscall3(SYS_get_robust_list, 0, &coro->robust, &length);
    ut_syscall2(SYS_set_robust_list, &none, sizeof none);
    ut_syscall1(SYS_set_tid_address, NULL);
    *field(pthread_self(), ut_libc.tid_field) = coro->thread_id;
}

/*
 * Block every signal, also glibc's own: a handler must not run on the stack once it belongs to
 * others. setuid's signal may have been sent while glibc still had the kernel's id of this
 * thread, and somebody waits for its handler: so that runs first.
 */
static void block_all(void)
{
    const uint64_t all = ~UINT64_C(0), but_glibcs = UT_MASK_EVERY;
    uint64_t pending = 0;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    while (ut_syscall2(SYS_rt_sigpending, &pending, sizeof pending) == 0 &&
           (pending & ~UT_MASK_EVERY)) {
        ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &but_glibcs, NULL, sizeof all);
        ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    }
}

static void *newborn(void *argument)
{
    struct ut_coro *coro = argument;
    ut_tls.coro = coro;
    ut_tls.critical = 1; /* as after every switch; ut_coro_run ends it */
    coro->context.thread_pointer = ut_arch_thread_pointer();
    untie(coro);
    ut_shake();
    block_all();
    ut_arch_leave_thread(&coro->context, &ut_carrier_departures);
    ut_coro_run(coro);
    return NULL;
}

/* How many are being born; a futex word. */
static _Atomic uint32_t births;

/* Wait until fewer than MOST are. */
static void await_births(uint32_t most)
{
    uint32_t count;
    while ((count = atomic_load(&births)) >= most)
        ut_sys_futex_wait(&births, count, UT_FOREVER);
}

void ut_tcb_settle(struct ut_coro *born)
{
    struct ut_coro *first = NULL, *next;
    for (; born; born = next) { /* first come, first served */
        next = born->next;
        born->next = first;
        first = born;
    }
    for (; first; first = next) {
        next = first->next;
        atomic_fetch_sub(&births, 1);
        ut_sys_futex_wake(&births, 1);
        ut_shake();
        /* Pairs with ut_sched_launch: the second of the two makes it runnable. */
        if (atomic_exchange(&first->parking, UT_CORO_PARKED) == UT_CORO_WOKEN)
            ut_sched_make_runnable(first);
    }
}

static int give_birth(struct ut_coro *coro, pthread_t *thread)
{
    pthread_attr_t attributes;
    uint64_t all = UT_MASK_EVERY, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, coro->stack, coro->stack_size);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    int error = ut_libc.pthread_create(thread, &attributes, newborn, coro);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    pthread_attr_destroy(&attributes);
    return error;
}

void ut_tcb_rename(struct ut_coro *coro)
{
    coro->thread_id = another_id(coro->thread_id);
    *field(coro->handle, ut_libc.tid_field) = coro->thread_id;
}

int ut_tcb_make(struct ut_coro *coro)
{
    pthread_t thread;
    int error;
    coro->thread_id = virtual_id();
    await_births(MOST_BIRTHS);
    atomic_fetch_add(&births, 1);
    /* Those that are being born are kernel threads that may be one too many, for a moment. */
    while ((error = give_birth(coro, &thread)) == EAGAIN && atomic_load(&births) > 1)
        await_births(atomic_load(&births));
    if (error) {
        atomic_fetch_sub(&births, 1);
        return -error;
    }
    coro->handle = thread;
    coro->tls = (struct ut_tls *)((char *)thread + ((char *)&ut_tls - (char *)pthread_self()));
    coro->cancel_state = field(thread, ut_libc.cancel_field);
    return 0;
}

/*
 * The loader has its list of modules locked while that is walked through. A child that was forked in that
 * moment by another thread would find it locked for ever, so nobody forks meanwhile.
 */
static struct ut_lock walking;

void ut_tcb_fork_begin(void)
{
    ut_lock_acquire(&walking);
}

void ut_tcb_fork_end(void)
{
    ut_lock_release(&walking);
}

void ut_tcb_forked(void)
{
    walking = (struct ut_lock){0};
    atomic_store(&births, 0);
}

/* Thread-local variables */

/* Modules whose thread-local state must survive: libc's (allocator caches and more) and ours. */
static bool keeps_its_state(const struct dl_phdr_info *info, const ElfW(Phdr) *segment)
{
    const char *block = info->dlpi_tls_data, *end = block + segment->p_memsz;
    const char *libc = (const char *)&errno, *own = (const char *)&ut_tls;
    return (libc >= block && libc < end) || (own >= block && own < end) ||
           strstr(info->dlpi_name, "/libpthread") || strstr(info->dlpi_name, "/ld-linux");
}

static int renew_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (!info->dlpi_tls_data) /* no thread-local variables, or none used by this thread */
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_TLS || keeps_its_state(info, segment))
            continue;
        memcpy(info->dlpi_tls_data, (const void *)(info->dlpi_addr + segment->p_vaddr),
               segment->p_filesz);
        memset((char *)info->dlpi_tls_data + segment->p_filesz, 0,
               segment->p_memsz - segment->p_filesz);
    }
    return 0;
}

void ut_tcb_renew(void)
{
    ut_lock_acquire(&walking);
    dl_iterate_phdr(renew_module, NULL);
    ut_lock_release(&walking);
    uselocale(LC_GLOBAL_LOCALE);
    errno = 0;
}

void ut_tcb_uncancel(struct ut_coro *coro)
{
    if (coro->cancel_state)
        __atomic_store_n(coro->cancel_state, 0, __ATOMIC_RELAXED);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
}

void ut_tcb_pardon(struct ut_coro *coro)
{
    enum { CANCELED = 8 }; /* glibc: CANCELED_BITMASK */
    if (coro->cancel_state)
        __atomic_fetch_and(coro->cancel_state, ~(uint32_t)CANCELED, __ATOMIC_RELAXED);
}

/* Robust mutexes: what the kernel's exit_robust_list does for a thread that ends. */

static void abandon(uint32_t *word, uint32_t thread_id)
{
    uint32_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
    while ((value & FUTEX_TID_MASK) == thread_id) {
        uint32_t orphan = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (!__atomic_compare_exchange_n(word, &value, orphan, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_RELAXED))
            continue;
        ut_shake();
        if (value & FUTEX_WAITERS) /* other processes, or native threads */
            ut_syscall3(SYS_futex, word, FUTEX_WAKE, 1);
        ut_lot_wake(word, 1);
        return;
    }
}

void ut_tcb_abandon_robust(struct ut_coro *coro)
{
    struct robust_list_head *head = coro->robust;
    if (!head)
        return;
    struct robust_list *entry = head->list.next;
    for (unsigned limit = ROBUST_LIST_LIMIT; entry != &head->list && limit; limit--) {
        /* Bit 0 marks a priority-inheriting mutex; the word lies at a fixed distance. */
        struct robust_list *here = (struct robust_list *)((uintptr_t)entry & ~(uintptr_t)1);
        struct robust_list *next = here->next;
        abandon((uint32_t *)((char *)here + head->futex_offset), coro->thread_id);
        entry = (struct robust_list *)((uintptr_t)next & ~(uintptr_t)1);
    }
    head->list.next = &head->list;
}
