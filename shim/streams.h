/* SPDX-License-Identifier: MIT */
/* Streams: see streams.c. */
#ifndef UT_STREAMS_H
#define UT_STREAMS_H

/* Have libc's streams read and write as the program's own calls do. At the start of the runtime. */
void ut_streams_start(void);

#endif
