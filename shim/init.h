/* SPDX-License-Identifier: MIT */
#ifndef UT_INIT_H
#define UT_INIT_H

#include "shim.h"

/* Start the runtime if that has not been tried. False: threads must be native. Any context. */
bool ut_shim_start(void);

#endif
