/* SPDX-License-Identifier: MIT
 * From a state of the reduced problem to one of the whole: the steps backwards. */
#include "presolve.h"

#include "../base/exact.h"

static uint8_t restore_step(const spr__step *step, const uint8_t *bits)
{
    double cost = step->linear;
    switch (step->kind) {
    case SPR__STEP_FIX: return (uint8_t)step->value;
    case SPR__STEP_EQUAL: return bits[step->neighbour[0]];
    case SPR__STEP_OPPOSITE: return !bits[step->neighbour[0]];
    default: break;
    }
    for (int k = 0; k < 3; k++)
        if (step->neighbour[k] >= 0 && bits[step->neighbour[k]])
            cost += step->weight[k];
    return cost < 0.0;
}

void spr__presolve_restore(const spr_reduction *reduction, const uint8_t *reduced, uint8_t *bits)
{
    for (int64_t k = 0; k < reduction->left; k++)
        bits[reduction->kept[k]] = reduced[k];
    for (int64_t s = reduction->variables - reduction->left - 1; s >= 0; s--)
        bits[reduction->steps[s].variable] = restore_step(&reduction->steps[s], bits);
}

void spr__presolve_project(const spr_reduction *reduction, const uint8_t *bits, uint8_t *reduced)
{
    for (int64_t k = 0; k < reduction->left; k++)
        reduced[k] = bits[reduction->kept[k]];
}
