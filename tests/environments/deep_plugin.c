/* SPDX-License-Identifier: MIT */
/* What deep_host opens. */
#include <unistd.h>

void *plugin_waits(void *argument)
{
    char byte;
    return (void *)(long)read(*(int *)argument, &byte, 1);
}
