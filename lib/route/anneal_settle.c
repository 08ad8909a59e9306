/* SPDX-License-Identifier: MIT
 * Towards a table that keeps the limits of devices and nodes, where capacity leaves so little room that no start keeps
 * them: they may be exceeded at first, at a price that rises. */
#include "anneal.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum { SETTLE_ROUNDS = 6, SETTLE_MOVES_PER_ROUTE = 200 };

static int64_t settle_beyond(const spr__arrangement *at)
{
    const spr__terms *terms = at->terms;
    int64_t beyond = 0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        if (terms->device_limit > 0 && at->touched[t] > terms->device_limit)
            beyond += at->touched[t] - terms->device_limit;
        if (terms->node_limit > 0 && at->nodes_touched[t] > terms->node_limit)
            beyond += at->nodes_touched[t] - terms->node_limit;
    }
    return beyond;
}

int spr__anneal_settle(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel,
                       const spr__effort *effort, int32_t *ids)
{
    spr__arrangement *at = &annealer->at;
    spr__effort round = *effort;
    spr__arrangement_open(at, terms, ids);
    spr__reselect_open(&annealer->reselect, terms, kernel);
    const double scale = spr__anneal_scale(annealer);
    round.moves = terms->tokens * terms->k * SETTLE_MOVES_PER_ROUTE;
    round.hot = round.cold = 0.0;
    for (int i = 0; i < SETTLE_ROUNDS && settle_beyond(at) > 0; i++) {
        at->excess = scale * (double)(1 << i);
        round.seed = effort->seed + (uint64_t)i;
        /* the end of the walk counts here, not the best of it */
        annealer->best_energy = -INFINITY;
        spr__anneal_at(annealer, &round, 0.3 * scale, 0.02 * scale);
    }
    at->excess = 0.0;
    memcpy(ids, at->ids, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
    return settle_beyond(at) == 0;
}
