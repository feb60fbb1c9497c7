/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo(3), getnameinfo(3), gethostbyname(3). glibc: nss/getaddrinfo.c,
 * resolv/res_send.c. They go through nsswitch modules, which may do anything: blocking regions. But
 * libc's resolver waits for name servers in libc's own poll; if that leads to ours (inner.c), it
 * parks, in the middle of the region. By TCP, for long answers, it blocks.
 */
#include "names.h"

#include "config.h"
#include "inner.h"
#include "lot.h"
#include "real.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <resolv.h>

/*
 * A gate lets SOFT look-ups in. If none comes out for a while, those who wait go in all the same,
 * up to HARD.
 */
#define GATE_TIME (5 * UT_MILLISECOND)

struct gate {
    _Atomic unsigned inside;
    _Atomic unsigned long come_out;
};

/*
 * Where look-ups do not park: libc's take locks of its own, where coroutines can only wait with
 * their kernel threads; so half as many as there are lanes go in together. If a server is slow,
 * waiting for it together is best, but each holds a kernel thread: many, not thousands.
 */
enum { MOST_REGIONS = 64 };
static struct gate regions;

/* These hold a lock of libc's while they wait; see above. */
static struct gate by_name, by_name2, by_address;

static bool take_place(struct gate *gate, unsigned most)
{
    unsigned count = atomic_load(&gate->inside);
    while (count < most)
        if (atomic_compare_exchange_weak(&gate->inside, &count, count + 1))
            return true;
    return false;
}

/* Wait once for a place: true if it was given. In a critical section. */
static bool await_place(struct gate *gate, unsigned soft, unsigned hard,
                        enum ut_wait_outcome *outcome)
{
    struct ut_lot_waiter waiter;
    unsigned long seen = atomic_load(&gate->come_out);
    ut_lot_enqueue(&waiter, &gate->inside, 1);
    if (take_place(gate, soft)) {
        if (ut_lot_abort(&waiter)) /* a place that was meant for us is free for another */
            ut_lot_wake(&gate->inside, 1);
        return true;
    }
    bool full = atomic_load(&gate->inside) >= hard;
    if (full && hard > 1)
        ut_count(look_ups_delayed);
    *outcome = ut_lot_wait(&waiter, "name look-up",
                           full ? UT_FOREVER : ut_clock_now() + GATE_TIME);
    return *outcome == UT_WAIT_TIMED_OUT && atomic_load(&gate->come_out) == seen &&
           take_place(gate, hard);
}

static void enter(struct ut_coro *self, struct gate *gate, unsigned soft, unsigned hard)
{
    for (;;) {
        enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
        ut_critical_begin();
        bool inside = take_place(gate, soft) || await_place(gate, soft, hard, &outcome);
        ut_critical_end();
        if (inside)
            return;
        if (outcome == UT_WAIT_INTERRUPTED)
            ut_shim_attend(self, true); /* handlers do not end a look-up */
    }
}

static void leave(struct gate *gate)
{
    ut_critical_begin();
    atomic_fetch_add(&gate->come_out, 1);
    atomic_fetch_sub(&gate->inside, 1);
    if (ut_lot_occupied(&gate->inside))
        ut_lot_wake(&gate->inside, 1);
    ut_critical_end();
}

/* A look-up under way; a module may make another one in it. */
struct look_up {
    struct gate *gate; /* that it has passed, or NULL */
    bool outer;        /* the one around it parks */
    bool done;         /* not unwound by a cancellation */
};

static __thread bool parks; /* the calling coroutine is in a look-up that does */

bool ut_names_park(void)
{
    return parks;
}

/* OWN: the gate before what holds a lock. */
static struct look_up begin(struct gate *own)
{
    struct ut_coro *self = ut_shim_self();
    struct look_up look_up = {.outer = parks};
    if (!self || ut_config_leaves(UT_CONFIG_NAMES))
        return look_up;
    look_up.gate = ut_inner_polls() ? own : &regions;
    if (look_up.gate == &regions)
        enter(self, &regions, (ut_lane_count + 1) / 2, MOST_REGIONS);
    else if (own)
        enter(self, own, 1, 1);
    parks = ut_inner_polls();
    return look_up;
}

/* Also when a cancellation unwinds. */
static void end(struct look_up *look_up)
{
    struct ut_coro *self = ut_shim_self();
    parks = look_up->outer;
    if (look_up->gate)
        leave(look_up->gate);
    if (!look_up->done && self)
        self->spoiled = true; /* it is in libc's list of the thread's look-ups for ever */
}

void ut_names_thread_ended(void)
{
    if (!_res.nscount)
        return;
    res_nclose(&_res); /* sockets of a look-up that was cancelled, too */
    _res.options = 0;  /* not initialised; and what the program changed is forgotten */
}

void ut_names_forked(void)
{
    regions = by_name = by_name2 = by_address = (struct gate){0};
}

#define LOOK_UP(symbol, own_gate, expression)                                                      \
    ({                                                                                             \
        __attribute__((cleanup(end), unused)) struct look_up look_up_ = begin(own_gate);           \
        __typeof__(expression) found_ = UT_REGION(symbol, false, expression);                      \
        look_up_.done = true;                                                                      \
        found_;                                                                                    \
    })

/* NAME is an address in writing, or missing: nobody has to be asked. */
static bool is_numeric(const char *name)
{
    struct in6_addr address;
    return !name || inet_pton(AF_INET, name, &address) == 1 ||
           inet_pton(AF_INET6, name, &address) == 1;
}

UT_EXPORT int getaddrinfo(const char *restrict node, const char *restrict service,
                          const struct addrinfo *restrict hints,
                          struct addrinfo **restrict result)
{
    if (is_numeric(node))
        return real(getaddrinfo)(node, service, hints, result);
    return LOOK_UP("getaddrinfo", NULL, real(getaddrinfo)(node, service, hints, result));
}

UT_EXPORT int getnameinfo(const struct sockaddr *restrict address, socklen_t length,
                          char *restrict node, socklen_t node_size, char *restrict service,
                          socklen_t service_size, int flags)
{
    if (flags & NI_NUMERICHOST)
        return real(getnameinfo)(address, length, node, node_size, service, service_size, flags);
    return LOOK_UP("getnameinfo", NULL, real(getnameinfo)(address, length, node, node_size,
                                                           service, service_size, flags));
}

UT_EXPORT struct hostent *gethostbyname(const char *name)
{
    return LOOK_UP("gethostbyname", &by_name, real(gethostbyname)(name));
}

UT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    return LOOK_UP("gethostbyname2", &by_name2, real(gethostbyname2)(name, family));
}

UT_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    return LOOK_UP("gethostbyaddr", &by_address, real(gethostbyaddr)(address, length, family));
}

UT_EXPORT int gethostbyname_r(const char *restrict name, struct hostent *restrict entry,
                              char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyname_r", NULL,
                   real(gethostbyname_r)(name, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyname2_r(const char *restrict name, int family,
                               struct hostent *restrict entry, char *restrict buffer, size_t size,
                               struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyname2_r", NULL,
                   real(gethostbyname2_r)(name, family, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyaddr_r(const void *restrict address, socklen_t length, int family,
                              struct hostent *restrict entry, char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyaddr_r", NULL,
                   real(gethostbyaddr_r)(address, length, family, entry, buffer, size, result,
                                           error));
}
