/* SPDX-License-Identifier: MIT
 * The annealer's loops in NEON. */
#include "spin.h"
#include "../base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>

#include "spin_places.h"
#include "../base/exact.h"
#include "fast.h"

#define VARIANT "neon"
#define SPIN(name) spr__neon_spin_##name
#include "spin_vectors_neon.h"
#include "body_spin.h"

const spr__spin_kernel *spr__neon_spin(void)
{
    return &spr__neon_spin_table;
}
#else
const spr__spin_kernel *spr__neon_spin(void)
{
    return NULL;
}
#endif
