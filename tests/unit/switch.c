/* SPDX-License-Identifier: MIT */
#include "arch.h"

#include "arch/cases.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

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

#ifdef __x86_64__
/* A function whose first instructions are BYTES, with room for the eight that are looked at. */
static bool encode(const char *bytes, size_t size, intptr_t distance, uint64_t *code)
{
    static _Alignas(16) unsigned char function[16];
    memset(function, 0x90, sizeof function);
    memcpy(function, bytes, size);
    const void *target = (const void *)((intptr_t)function + distance);
    return ut_arch_encode_jump(function, target, code);
}

#define encode_bytes(bytes, distance, code) encode((bytes), sizeof(bytes) - 1, (distance), (code))

Test(switch, a_jump_takes_the_place_of_known_beginnings_only)
{
    static const unsigned char jump[] = {0xe9, 0xfb, 0x0f, 0x00, 0x00};
    uint64_t code = 0;
    cr_expect(encode_bytes("\x80\x3d\1\2\3\4\0", 0x1000, &code));
    cr_expect_eq(memcmp(&code, jump, sizeof jump), 0);
    cr_expect_eq(((unsigned char *)&code)[7], 0x90, "what is behind the jump stays");
    cr_expect(encode_bytes("\xf3\x0f\x1e\xfa\x80\x3d\1\2\3\4\0", 0x1000, &code));
    cr_expect(encode_bytes("\x8b\x05\1\2\3\4", -0x1000, &code));
    cr_expect(encode_bytes("\x64\x8b\x04\x25\x18\0\0\0", 0x7fffffff, &code));
    cr_expect_not(encode_bytes("\x55\x48\x89\xe5", 0x1000, &code), "a frame");
    cr_expect_not(encode_bytes("\xcc\x3d\1\2\3\4\0", 0x1000, &code), "a breakpoint");
    cr_expect_not(encode_bytes("\xe9\1\2\3\4", 0x1000, &code), "another's jump");
    cr_expect_not(encode_bytes("\x80\x3d\1\2\3\4\0", (INT64_C(1) << 31) + 8, &code), "far away");
    cr_expect_not(encode_bytes("\x80\x3d\1\2\3\4\0", -(INT64_C(1) << 32), &code), "far away");
}
#endif
