/* SPDX-License-Identifier: MIT */
#ifndef DEMO_TRANSFER_H
#define DEMO_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

/* Sends everything; false when the peer is gone. */
bool transfer_all(int socket, const void *bytes, size_t length);

#endif
