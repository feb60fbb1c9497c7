/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo(3), getnameinfo(3), gethostbyname(3). glibc: nss/getaddrinfo.c.
 * They go through nsswitch modules, which may do anything: blocking regions. Most answers come
 * from a file or a local cache within 100 µs: whether one waits for a server the monitor sees.
 */
#include "lot.h"
#include "real.h"

#include <arpa/inet.h>
#include <netdb.h>

/*
 * The gate. libc's look-ups take locks of its own, where coroutines can only wait with their
 * kernel threads; so half as many as there are lanes go in together. If none comes out for a while,
 * those who wait go in all the same: then a server is slow, and waiting for it together is best.
 */
#define GATE_TIME (5 * UT_MILLISECOND)

static _Atomic unsigned inside;
static _Atomic unsigned long come_out;

static bool has_room(void)
{
    unsigned count = atomic_load(&inside);
    while (count < (ut_lane_count + 1) / 2)
        if (atomic_compare_exchange_weak(&inside, &count, count + 1))
            return true;
    return false;
}

static struct ut_coro *enter(void)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return NULL;
    ut_critical_begin();
    while (!has_room()) {
        struct ut_lot_waiter waiter;
        unsigned long seen = atomic_load(&come_out);
        int64_t deadline = ut_clock_now() + GATE_TIME;
        ut_lot_enqueue(&waiter, &inside, 1);
        if (has_room()) {
            if (ut_lot_abort(&waiter)) /* a place that was meant for us is free for another */
                ut_lot_wake(&inside, 1);
            break;
        }
        if (ut_lot_wait(&waiter, "name look-up", deadline) != UT_WAIT_WOKEN &&
            atomic_load(&come_out) == seen) {
            atomic_fetch_add(&inside, 1);
            break;
        }
    }
    ut_critical_end();
    return self;
}

/* Also when a cancellation unwinds. */
static void leave(struct ut_coro **self)
{
    if (!*self)
        return;
    ut_critical_begin();
    atomic_fetch_add(&come_out, 1);
    atomic_fetch_sub(&inside, 1);
    if (ut_lot_occupied(&inside))
        ut_lot_wake(&inside, 1);
    ut_critical_end();
}

#define LOOK_UP(symbol, expression)                                                                \
    ({                                                                                             \
        __attribute__((cleanup(leave), unused)) struct ut_coro *entered_ = enter();                \
        UT_REGION(symbol, false, expression);                                                      \
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
    return LOOK_UP("getaddrinfo", real(getaddrinfo)(node, service, hints, result));
}

UT_EXPORT int getnameinfo(const struct sockaddr *restrict address, socklen_t length,
                          char *restrict node, socklen_t node_size, char *restrict service,
                          socklen_t service_size, int flags)
{
    if (flags & NI_NUMERICHOST)
        return real(getnameinfo)(address, length, node, node_size, service, service_size, flags);
    return LOOK_UP("getnameinfo", real(getnameinfo)(address, length, node, node_size,
                                                           service, service_size, flags));
}

UT_EXPORT struct hostent *gethostbyname(const char *name)
{
    return LOOK_UP("gethostbyname", real(gethostbyname)(name));
}

UT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    return LOOK_UP("gethostbyname2", real(gethostbyname2)(name, family));
}

UT_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    return LOOK_UP("gethostbyaddr", real(gethostbyaddr)(address, length, family));
}

UT_EXPORT int gethostbyname_r(const char *restrict name, struct hostent *restrict entry,
                              char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyname_r",
                   real(gethostbyname_r)(name, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyname2_r(const char *restrict name, int family,
                               struct hostent *restrict entry, char *restrict buffer, size_t size,
                               struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyname2_r",
                   real(gethostbyname2_r)(name, family, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyaddr_r(const void *restrict address, socklen_t length, int family,
                              struct hostent *restrict entry, char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return LOOK_UP("gethostbyaddr_r",
                   real(gethostbyaddr_r)(address, length, family, entry, buffer, size, result,
                                           error));
}
