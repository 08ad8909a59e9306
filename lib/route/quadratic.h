/* SPDX-License-Identifier: MIT
 * The stage of a routing call that serves the quadratic terms. */
#ifndef SPR_ROUTE_QUADRATIC_H
#define SPR_ROUTE_QUADRATIC_H

#include "anneal.h"
#include "call.h"
#include "interchange.h"

/* Its scratch memory, in workspaces of plans with such terms. */
typedef struct spr__quadratic {
    int32_t *need;               /* [tokens] */
    uint64_t *keep;              /* [tokens][words] */
    double *activation;          /* [width] */
    int32_t *device, *node;      /* [width] */
    int32_t *scratch;            /* for the judge */
    int32_t *found;              /* [tokens][k] a candidate */
    int32_t *best;               /* [tokens][k] the best table so far */
    spr__interchange interchange;
    spr__annealer annealer;
} spr__quadratic;

spr__quadratic *spr__quadratic_lay(spr__arena *arena, const spr_plan *plan, size_t tokens);

/* Before prices: takes the floor from the affinities, then adds hysteresis to them (rows and tiles). Returns nonzero if that
 * changed any. */
int spr__quadratic_prepare(spr__call *call);

/* H of this batch; what it points to lies in the workspace. After spr__quadratic_prepare and spr__market_open. */
void spr__terms_open(spr__call *call, spr__terms *terms);

/* Improves call->ids, or makes them where there are none yet (has_start 0). Fills energy, bound and the statistics of the
 * terms; limit_excess is not 0 if limits could not be kept. */
void spr__quadratic_solve(spr__call *call, int has_start);

/* The same statistics for a table in which the drop policy had the last word. */
void spr__quadratic_judge(spr__call *call);

#endif
