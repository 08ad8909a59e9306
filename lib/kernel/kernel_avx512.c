/* SPDX-License-Identifier: MIT
 * The AVX-512 variant. */
#include "kernel.h"
#include "../../include/spinroute.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "../base/exact.h"
#include "fast.h"

#define VARIANT "avx512"
#define LANE(name) spr__avx512_##name
#include "lanes_avx512.h"
#include "body.h"

const spr__kernel *spr__avx512_kernel(void)
{
    return &spr__avx512_table;
}
#else
const spr__kernel *spr__avx512_kernel(void)
{
    return NULL;
}
#endif
