/* SPDX-License-Identifier: MIT */
#include "arch.h"

#include "arch/cases.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

/* Indices: a parameter is copied to the test's process, where pointers would not be valid. */
ParameterizedTestParameters(switch, cases)
{
    static int indices[64];
    size_t count = 0;
    for (; switch_cases[count].name; count++)
        indices[count] = (int)count;
    return cr_make_param_array(int, indices, count);
}

ParameterizedTest(int *index, switch, cases, .timeout = 30)
{
    const struct switch_case *one = &switch_cases[*index];
    ut_arch_init(true);
    const char *complaint = one->run();
    cr_assert_null(complaint, "%s: %s", one->name, complaint);
}
