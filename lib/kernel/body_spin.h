/* SPDX-License-Identifier: MIT
 * Template of a variant of the annealer's loops: included once per spin_vectors_*.h, which has defined SPIN(name), TARGET,
 * INLINE, the types and the operations on them. */
#define KERNEL static TARGET

INLINE half SPIN(load_small_row)(const int8_t *p) { return SPIN(half_widen)(p); }
INLINE half SPIN(load_whole_row)(const int16_t *p) { return SPIN(half_load)(p); }

#define ROW int8_t
#define ROWS(name) SPIN(small_##name)
#define LOAD_ROW SPIN(load_small_row)
#include "body_dense.h"
#define ROW int16_t
#define ROWS(name) SPIN(whole_##name)
#define LOAD_ROW SPIN(load_whole_row)
#include "body_dense.h"
#define ROW float
#define ROWS(name) SPIN(real_##name)
#define LOAD_ROW SPIN(real_load)
#include "body_dense_real.h"
#define ROW int8_t
#define ROWS(name) SPIN(wide_small_##name)
#define LOAD_ROW SPIN(real_small)
#include "body_dense_real.h"
#define ROW int16_t
#define ROWS(name) SPIN(wide_whole_##name)
#define LOAD_ROW SPIN(real_half)
#include "body_dense_real.h"
#include "body_replicas.h"

static const spr__spin_kernel SPIN(table) = {
    VARIANT, SPIN(small_sweep), SPIN(whole_sweep), SPIN(real_sweep), SPIN(largest), SPIN(small_row), SPIN(whole_row),
    SPIN(real_row), SPIN(replicas_small), SPIN(replicas_whole), SPIN(replicas_real), SPIN(settle_small),
    SPIN(settle_whole), SPIN(thresholds_small), SPIN(thresholds_whole), SPIN(ladder_small), SPIN(ladder_whole), SPIN(sums_small), SPIN(sums_whole),
    SPIN(wide_small_sweep), SPIN(wide_whole_sweep), SPIN(wide_small_row), SPIN(wide_whole_row), SPIN(wide_small_choose),
    SPIN(wide_whole_choose), SPIN(real_choose)};

#undef KERNEL
#undef INLINE
#undef TARGET
#undef VARIANT
#undef SPIN
#undef small
#undef half
#undef real
#undef small_mask
#undef half_mask
#undef real_mask
