/* SPDX-License-Identifier: MIT
 * The annealer's loops in AVX2. */
#include "spin.h"
#include "../base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "spin_places.h"
#include "../base/exact.h"
#include "fast.h"

#define VARIANT "avx2"
#define SPIN(name) spr__avx2_spin_##name
#include "spin_vectors_avx2.h"
#include "body_spin.h"

const spr__spin_kernel *spr__avx2_spin(void)
{
    return &spr__avx2_spin_table;
}
#else
const spr__spin_kernel *spr__avx2_spin(void)
{
    return NULL;
}
#endif
