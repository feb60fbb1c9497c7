/* SPDX-License-Identifier: MIT */
#include "protocol.h"

uint64_t hash_add(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ next[i]) * 0x100000001b3u;
    return hash;
}

/* The finaliser of splitmix64. */
uint64_t hash_spread(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}
