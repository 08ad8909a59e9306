/* SPDX-License-Identifier: MIT
 * Which x become variables. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* Marks the token's experts of the known table and its c best by value; the first of equal ones. */
static void lower_fix_candidates(const spr_lowering *lowering, int64_t t, int64_t most, uint8_t *keep)
{
    const spr__terms *terms = &lowering->terms;
    const int64_t experts = terms->experts;
    const float *row = terms->value + t * terms->width;
    for (int64_t e = 0; e < experts; e++) {
        int64_t better = 0;
        for (int64_t f = 0; most > 0 && f < experts; f++)
            better += row[f] > row[e] || (row[f] == row[e] && f < e);
        keep[e] = most == 0 || better < most;
    }
    for (int64_t i = 0; i < terms->k; i++)
        if (lowering->known[t * terms->k + i] >= 0)
            keep[lowering->known[t * terms->k + i]] = 1;
}

/* What x = 1 (x = 0) costs at least beyond D, in tables that keep all constraints. */
static double lower_fix_cost_one(const spr__terms *terms, const spr__lower_bound *b, int64_t t, int64_t e)
{
    const double far = b->reduced[t * terms->experts + e] - b->last[t];
    double cost = far > 0.0 && b->last[t] > -INFINITY ? far : 0.0;
    cost += b->room[e] > 0.0 ? b->room[e] : 0.0;
    cost += fmax(0.0, b->touch_room[t * terms->devices + terms->device[e]]);
    return cost + fmax(0.0, b->node_room[t * terms->nodes + terms->node[e]]);
}

static double lower_fix_cost_zero(const spr__terms *terms, const spr__lower_bound *b, int64_t t, int64_t e)
{
    const double far = b->next[t] - b->reduced[t * terms->experts + e];
    return far > 0.0 ? far : 0.0;
}

/* Once a token has all its experts, the others are 0; when it needs all that are left, they are 1. */
static void lower_fix_follow(spr_lowering *lowering, int64_t t)
{
    const spr__terms *terms = &lowering->terms;
    int32_t *var = lowering->var + t * terms->experts;
    int64_t ones = 0, open = 0;
    for (int64_t e = 0; e < terms->experts; e++) {
        ones += var[e] == SPR_LOWER_ONE;
        open += var[e] >= 0;
    }
    if (open == 0 || (ones < terms->need[t] && ones + open > terms->need[t]))
        return;
    for (int64_t e = 0; e < terms->experts; e++)
        if (var[e] >= 0) {
            const int full = ones >= terms->need[t];
            var[e] = full ? SPR_LOWER_ZERO : SPR_LOWER_ONE;
            lowering->report.fixed_zero += full;
            lowering->report.fixed_one += !full;
        }
}

void spr__lower_fix(spr_lowering *lowering, const spr__lower_bound *bound, const spr_lower_settings *settings)
{
    const spr__terms *terms = &lowering->terms;
    const int64_t experts = terms->experts;
    const double most = lowering->gap + 1e-9 * (lowering->gap + bound->scale);
    uint8_t *keep = lowering->taken;
    for (int64_t t = 0; t < terms->tokens; t++) {
        lower_fix_candidates(lowering, t, settings->candidates < experts ? settings->candidates : 0, keep);
        for (int64_t e = 0; e < experts; e++) {
            int32_t *var = &lowering->var[t * experts + e];
            if (!spr__lower_may(terms, t, e))
                *var = SPR_LOWER_NONE;
            else if (spr__keeps(terms, t, (int32_t)e))
                *var = SPR_LOWER_ONE;
            else if (!keep[e]) {
                *var = SPR_LOWER_PRUNED;
                lowering->report.pruned++;
            } else if (settings->kernelise && lower_fix_cost_one(terms, bound, t, e) > most) {
                *var = SPR_LOWER_ZERO;
                lowering->report.fixed_zero++;
            } else if (settings->kernelise && lower_fix_cost_zero(terms, bound, t, e) > most) {
                *var = SPR_LOWER_ONE;
                lowering->report.fixed_one++;
            } else
                *var = 0;
        }
        if (settings->kernelise)
            lower_fix_follow(lowering, t);
    }
}
