/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>

static int cpu_has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

int spr__cpu_has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt") && cpu_has_f16c();
}

int spr__cpu_has_avx512(void)
{
    return spr__cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#else

int spr__cpu_has_avx2(void)
{
    return 0;
}

int spr__cpu_has_avx512(void)
{
    return 0;
}

#endif
