/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: load --port PORT [options]\n"
    "  --connections N   connections to hold open (64)\n"
    "  --active N        how many of them go on asking, one request at a time each (all)\n"
    "  --requests N      requests in all; the same N gives the same answers_hash (10000)\n"
    "  --seconds S       ask for so long instead\n"
    "  --rate R          R requests per second in all, on a fixed schedule: latencies count from it\n"
    "  --size BYTES      of an echo message (64)\n"
    "  --path TARGET     ask HTTP for TARGET instead of echo; up to 16, taken in turn\n"
    "  --volatile NAME   a header that may differ from answer to answer, besides Date: not hashed\n"
    "  --new-connections ask HTTP with a connection for each request\n"
    "  --socks5 PORT     the server is a SOCKS5 relay: go through it to 127.0.0.1:PORT\n"
    "  --window N        connections opened at the same time (64)\n"
    "  --patience S      give up after S seconds without an answer (15)\n"
    "  --step            say \"open\" and \"loaded\", and wait for a line of input after each\n";

static const struct option names[] = {
    { "port", required_argument, NULL, 'p' },     { "connections", required_argument, NULL, 'c' },
    { "active", required_argument, NULL, 'a' },   { "requests", required_argument, NULL, 'r' },
    { "seconds", required_argument, NULL, 's' },  { "size", required_argument, NULL, 'b' },
    { "path", required_argument, NULL, 'u' },     { "socks5", required_argument, NULL, 'k' },
    { "window", required_argument, NULL, 'w' },   { "patience", required_argument, NULL, 't' },
    { "step", no_argument, NULL, 'e' },           { "rate", required_argument, NULL, 'q' },
    { "new-connections", no_argument, NULL, 'n' }, { "volatile", required_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 },
};

static double number(const char *text, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value > 0 && value <= most))
        errx(2, "not a number from above 0 to %.0f: %s", most, text);
    return value;
}

static void take(struct options *options, int name, const char *value)
{
    switch (name) {
    case 'p': options->port = (unsigned)number(value, 65535); break;
    case 'c': options->connections = (unsigned)number(value, 1e6); break;
    case 'a': options->active = (unsigned)number(value, 1e6); break;
    case 'r': options->requests = (uint64_t)number(value, 1e12); break;
    case 'q': options->rate = number(value, 1e7); break;
    case 's': options->seconds = number(value, 1e6); break;
    case 'b': options->size = (unsigned)number(value, LARGEST_MESSAGE); break;
    case 'k': options->socks_port = (unsigned)number(value, 65535); break;
    case 'w': options->window = (unsigned)number(value, 1e6); break;
    case 't': options->patience = (unsigned)number(value, 1e6); break;
    case 'e': options->stepped = true; break;
    case 'n': options->closing = true; break;
    case 'v':
        if (options->volatile_header)
            errx(2, "more than one volatile header");
        options->volatile_header = value;
        break;
    case 'u':
        if (options->path_count == MOST_PATHS)
            errx(2, "more than %d paths", MOST_PATHS);
        options->paths[options->path_count++] = value;
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

void options_parse(struct options *options, int count, char **arguments)
{
    int name;

    *options = (struct options){
        .connections = 64, .window = 64, .patience = 15, .size = 64, .requests = 10000,
    };
    while ((name = getopt_long(count, arguments, "", names, NULL)) != -1)
        take(options, name, optarg);
    if (options->port == 0 || optind != count) {
        fputs(usage, stderr);
        exit(2);
    }
    if (options->active == 0 || options->active > options->connections)
        options->active = options->connections;
}
