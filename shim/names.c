/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo(3), getnameinfo(3), gethostbyname(3). glibc: nss/getaddrinfo.c.
 * They go through nsswitch modules, which may do anything: blocking regions. Most answers come
 * from a file or a local cache within 100 µs: whether one waits for a server the monitor sees.
 */
#include "real.h"

#include <netdb.h>

UT_EXPORT int getaddrinfo(const char *restrict node, const char *restrict service,
                          const struct addrinfo *restrict hints,
                          struct addrinfo **restrict result)
{
    return UT_REGION("getaddrinfo", false, real(getaddrinfo)(node, service, hints, result));
}

UT_EXPORT int getnameinfo(const struct sockaddr *restrict address, socklen_t length,
                          char *restrict node, socklen_t node_size, char *restrict service,
                          socklen_t service_size, int flags)
{
    return UT_REGION("getnameinfo", false, real(getnameinfo)(address, length, node, node_size,
                                                           service, service_size, flags));
}

UT_EXPORT struct hostent *gethostbyname(const char *name)
{
    return UT_REGION("gethostbyname", false, real(gethostbyname)(name));
}

UT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    return UT_REGION("gethostbyname2", false, real(gethostbyname2)(name, family));
}

UT_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    return UT_REGION("gethostbyaddr", false, real(gethostbyaddr)(address, length, family));
}

UT_EXPORT int gethostbyname_r(const char *restrict name, struct hostent *restrict entry,
                              char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyname_r", false,
                     real(gethostbyname_r)(name, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyname2_r(const char *restrict name, int family,
                               struct hostent *restrict entry, char *restrict buffer, size_t size,
                               struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyname2_r", false,
                     real(gethostbyname2_r)(name, family, entry, buffer, size, result, error));
}

UT_EXPORT int gethostbyaddr_r(const void *restrict address, socklen_t length, int family,
                              struct hostent *restrict entry, char *restrict buffer, size_t size,
                              struct hostent **restrict result, int *restrict error)
{
    return UT_REGION("gethostbyaddr_r", false,
                     real(gethostbyaddr_r)(address, length, family, entry, buffer, size, result,
                                           error));
}
