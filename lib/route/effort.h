/* SPDX-License-Identifier: MIT
 * How long and how hot to anneal: counted moves, temperatures, random numbers. */
#ifndef SPR_ROUTE_EFFORT_H
#define SPR_ROUTE_EFFORT_H

#include <stdint.h>
#include "../base/exponential.h"
#include "../base/random.h"

typedef struct spr__effort {
    int64_t moves;               /* proposals; 0 = descent only */
    int32_t adaptive;            /* temperatures follow the acceptance */
    double hot, cold;            /* 0 = from the batch */
    uint64_t seed;
} spr__effort;

/* The falling temperature. */
typedef struct spr__cooling {
    double temperature, cold, factor;
    int64_t stage_moves;         /* proposals per temperature */
    int64_t left;                /* of this stage */
    int64_t accepted;
    int32_t adaptive;
} spr__cooling;

void spr__cooling_open(spr__cooling *cooling, const spr__effort *effort, double hot, double cold);

/* After each proposal: counts, and goes to the next temperature when the stage is over. */
void spr__cooling_count(spr__cooling *cooling, int accepted);

#endif
