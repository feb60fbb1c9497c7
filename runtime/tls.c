/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include "critical.h"
#include "libc.h"

__thread struct ut_tls ut_tls __attribute__((aligned(64)));
void (*ut_critical_deliver)(void);
struct ut_libc ut_libc;
