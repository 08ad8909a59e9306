/* SPDX-License-Identifier: MIT
 * The NEON variant. */
#include "kernel.h"
#include "../../include/spinroute.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>

#include "../base/exact.h"
#include "fast.h"

#define VARIANT "neon"
#define LANE(name) spr__neon_##name
#include "lanes_neon.h"
#include "body.h"

const spr__kernel *spr__neon_kernel(void)
{
    return &spr__neon_table;
}
#else
const spr__kernel *spr__neon_kernel(void)
{
    return NULL;
}
#endif
