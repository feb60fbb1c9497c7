/* SPDX-License-Identifier: MIT */
/* setuid(2) and its like, which glibc has every thread of the process carry out. */
#ifndef UT_CREDENTIALS_H
#define UT_CREDENTIALS_H

/* Take glibc's signal over, after its first pthread_create, which installs the handler. */
void ut_credentials_start(void);

#endif
