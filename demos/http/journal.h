/* SPDX-License-Identifier: MIT */
#ifndef HTTP_JOURNAL_H
#define HTTP_JOURNAL_H

#include <stddef.h>

/* Appends to the file at `path`; NULL keeps no journal. Ends the program if it cannot be opened. */
void journal_open(const char *path);

/* One line for each answer. The threads take turns: a mutex is held while the line goes to the
 * file. */
void journal_write(const char *target, int status, size_t length);

void journal_close(void);

#endif
