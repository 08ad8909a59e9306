/* SPDX-License-Identifier: MIT
 * What two coupled variables imply together (after Glover, Lewis and Kochenberger, 2018). For each of the four values of a
 * pair there is a list of moves that cannot cost anything whatever the others are; where the moves leave only states with
 * x_i fixed, x_i = x_j or x_i = 1 - x_j, that is how it is. A move ends in a state that stays, so no optimum is lost. */
#include "work.h"

#include <math.h>

#include "../base/exact.h"

/* Rows longer than this are not tried: there one coupling is too little. */
enum { PAIRS_DEGREE = 64 };

/* What x = 1 costs at least and at most, without the other one; and the coupling. */
typedef struct pairs_range {
    double low_i, high_i, low_j, high_j, weight, margin;
} pairs_range;

static pairs_range pairs_look(const spr__residue *work, int32_t i, int32_t j, double weight)
{
    const double below = weight < 0.0 ? weight : 0.0, above = weight > 0.0 ? weight : 0.0;
    const pairs_range range = {work->low[i] - below, work->high[i] - above, work->low[j] - below, work->high[j] - above,
                               weight,
                               spr__work_margin(work, fabs(work->low[i]) + fabs(work->high[i]) + fabs(work->low[j]) +
                                                          fabs(work->high[j]) + fabs(weight))};
    return range;
}

/* x_i = 0: both states with x_i = 1 can be left for one with x_i = 0. */
static int pairs_zero(const pairs_range *r)
{
    return (r->low_i >= r->margin || r->low_i - r->high_j >= r->margin) &&
           (r->low_i + r->weight >= r->margin || r->low_i + r->low_j + r->weight >= r->margin);
}

/* x_i = 1. */
static int pairs_one(const pairs_range *r)
{
    return (r->high_i <= -r->margin || r->high_i + r->high_j + r->weight <= -r->margin) &&
           (r->high_i + r->weight <= -r->margin || r->high_i - r->low_j <= -r->margin);
}

/* x_i = x_j: both (1,0) and (0,1) can be left for (0,0) or (1,1). */
static int pairs_equal(const pairs_range *r)
{
    return (r->high_i + r->weight <= -r->margin || r->low_j >= r->margin) &&
           (r->low_i >= r->margin || r->high_j + r->weight <= -r->margin);
}

/* x_i = 1 - x_j: both (0,0) and (1,1) can be left for (0,1) or (1,0). */
static int pairs_opposite(const pairs_range *r)
{
    return (r->high_i <= -r->margin || r->high_j <= -r->margin) &&
           (r->low_i + r->weight >= r->margin || r->low_j + r->weight >= r->margin);
}

/* Nonzero if i or j is gone. */
static int pairs_try(spr__residue *work, int32_t i, int32_t j, double weight)
{
    const pairs_range r = pairs_look(work, i, j, weight);
    const pairs_range turned = {r.low_j, r.high_j, r.low_i, r.high_i, r.weight, r.margin};
    if (pairs_zero(&r) || pairs_one(&r))
        spr__work_fix(work, i, !pairs_zero(&r), SPR__RULE_PAIR, j);
    else if (pairs_zero(&turned) || pairs_one(&turned))
        spr__work_fix(work, j, !pairs_zero(&turned), SPR__RULE_PAIR, i);
    else if (pairs_equal(&r) || pairs_opposite(&r)) {
        const int i_goes = work->degree[i] <= work->degree[j];
        spr__work_merge(work, i_goes ? i : j, i_goes ? j : i, !pairs_equal(&r), SPR__RULE_PAIR);
    } else
        return 0;
    return 1;
}

static int pairs_row(spr__residue *work, int32_t i)
{
    for (int32_t half = work->first[i]; half >= 0; half = work->next[half]) {
        const int32_t j = work->to[half];
        if ((j > i || work->degree[j] > PAIRS_DEGREE) && pairs_try(work, i, j, work->value[half / 2]))
            return 1;
    }
    return 0;
}

int spr__reduce_pairs(spr__residue *work, const spr__presolve_limits *limits)
{
    int found = 0;
    for (int32_t i = 0; i < work->variables && work->effort < work->most_effort; i++) {
        if (work->degree[i] < 0 || work->degree[i] > PAIRS_DEGREE)
            continue;
        if (i % 1024 == 0 && limits->late != NULL && limits->late(limits->user))
            break;
        work->effort += work->degree[i];
        found |= pairs_row(work, i);
    }
    return found;
}
