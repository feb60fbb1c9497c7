/* SPDX-License-Identifier: MIT */
/* A library with thread-locals, for plugins.c. */
__thread long plugin_initialised = 4711;
__thread long plugin_zero[200];

long *plugin_variable(void)
{
    return &plugin_initialised;
}

long plugin_step(void)
{
    plugin_zero[plugin_initialised % 200]++;
    return plugin_initialised++ - 4711;
}
