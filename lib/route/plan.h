/* SPDX-License-Identifier: MIT
 * The plan: options, arrays, and what sealing derives from them. */
#ifndef SPR_ROUTE_PLAN_H
#define SPR_ROUTE_PLAN_H

#include "options.h"
#include "../base/allocator.h"
#include "../kernel/kernel.h"

/* experts beyond this can be routed but not balanced: the repair keeps an experts x experts graph */
enum { SPR_MAX_BALANCED_EXPERTS = 1024 };

struct spr_plan {
    spr__memory memory;
    int32_t sealed;
    spr__options options;

    /* copies of the caller's arrays, each [experts] or NULL */
    float *bias, *cost, *share, *activation;
    int32_t *allowed, *capacity, *device, *node;
    float *pair;                 /* [experts][width], coactivation; NULL if none */

    /* set by spr_plan_seal */
    const spr__kernel *kernel;
    int64_t width;               /* experts rounded up to a multiple of 16 */
    int64_t words;               /* 64-bit words that hold one bit per expert */
    int32_t has_capacity;
    int32_t balanced;            /* the solver is needed, not just top-k */
    int32_t priced;              /* capacity or balance: prices are needed */
    int32_t quadratic;           /* a quadratic term or limit is set */
    int32_t grouped;
    int32_t normalized;
    spr__weighting weighting;
    spr__grouping grouping;
};

/* C of expert e for that many unmasked tokens; INT64_MAX without capacity. */
int64_t spr__expert_capacity(const spr_plan *plan, int64_t tokens, int64_t expert);

#endif
