/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo(3), getnameinfo(3), gethostbyname(3). glibc: nss/getaddrinfo.c.
 * They go through nsswitch modules, which may do anything: blocking regions, and the lane is
 * handed over at once when a server may have to be asked.
 */
#include "real.h"

#include <arpa/inet.h>
#include <netdb.h>

/* NAME is an address in writing, or missing: no server knows better. */
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
    bool slow = !is_numeric(node) && !(hints && (hints->ai_flags & AI_NUMERICHOST));
    return UT_REGION("getaddrinfo", slow, real(getaddrinfo)(node, service, hints, result));
}

UT_EXPORT int getnameinfo(const struct sockaddr *restrict address, socklen_t length,
                          char *restrict node, socklen_t node_size, char *restrict service,
                          socklen_t service_size, int flags)
{
    bool slow = node && node_size && !(flags & NI_NUMERICHOST);
    return UT_REGION("getnameinfo", slow, real(getnameinfo)(address, length, node, node_size,
                                                           service, service_size, flags));
}

UT_EXPORT struct hostent *gethostbyname(const char *name)
{
    return UT_REGION("gethostbyname", !is_numeric(name), real(gethostbyname)(name));
}

UT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    return UT_REGION("gethostbyname2", !is_numeric(name), real(gethostbyname2)(name, family));
}

UT_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    return UT_REGION("gethostbyaddr", true, real(gethostbyaddr)(address, length, family));
}

UT_EXPORT int gethostbyname_r(const char *restrict name, struct hostent *restrict entry,
                              char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyname_r", !is_numeric(name),
                     real(gethostbyname_r)(name, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyname2_r(const char *restrict name, int family,
                               struct hostent *restrict entry, char *restrict buffer, size_t size,
                               struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyname2_r", !is_numeric(name),
                     real(gethostbyname2_r)(name, family, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyaddr_r(const void *restrict address, socklen_t length, int family,
                              struct hostent *restrict entry, char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyaddr_r", true,
                     real(gethostbyaddr_r)(address, length, family, entry, buffer, size, result,
                                           error));
}
