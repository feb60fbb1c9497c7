/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include "critical.h"
#include "libc.h"

__thread struct ut_tls ut_tls;
void (*ut_critical_deliver)(void);
struct ut_libc ut_libc;
