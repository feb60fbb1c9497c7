/* SPDX-License-Identifier: MIT */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "request.h"

/* Each sends one whole answer, writes the journal, and returns false when the connection must end.
 * */
bool answer_text(int socket, const struct request *request, int status, const char *text,
                 size_t length);
bool answer_error(int socket, const struct request *request, int status);

/* A file of the directory that the server was given. */
bool answer_file(int socket, const struct request *request, int directory);

/* Asks the slow upstream, waits for its answer and passes it on. */
struct upstream {
    const char *host;
    const char *port;
};
bool answer_slow(int socket, const struct request *request, const struct upstream *upstream);

#endif
