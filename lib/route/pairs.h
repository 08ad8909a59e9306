/* SPDX-License-Identifier: MIT
 * Pair couplings of a plan: [experts][width], symmetric, zero diagonal. */
#ifndef SPR_ROUTE_PAIRS_H
#define SPR_ROUTE_PAIRS_H

#include "plan.h"

/* values: [experts*experts], or NULL with count 0 to remove the couplings. */
spr_status spr__pairs_set_dense(spr_plan *plan, const float *values, int64_t count, spr_error *error);
void spr__pairs_drop(spr_plan *plan);

#endif
