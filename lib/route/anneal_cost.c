/* SPDX-License-Identifier: MIT
 * What each expert would cost a token now: the linear part of H around the table. */
#include "anneal.h"

#include <math.h>

#include "../base/exact.h"

/* loads as if the token were not there */
typedef struct cost_view {
    const spr__arrangement *at;
    int64_t token;
} cost_view;

static double cost_of_load(const cost_view *view, int32_t e)
{
    const spr__terms *terms = view->at->terms;
    const int here = spr__uses(view->at, view->token, e);
    const double load = view->at->loads[e] - here;
    const int32_t d = terms->device[e];
    double cost = 0.0;
    if (terms->balance > 0.0 && terms->target[e] > 0.0)
        cost += terms->balance * (load - terms->target[e] + 0.5) / terms->target[e];
    if (terms->device_balance > 0.0 && terms->device_target[d] > 0.0) {
        const double c = terms->cost[e], work = view->at->work[d] - (here ? c : 0.0);
        cost += terms->device_balance * c * (work - terms->device_target[d] + 0.5 * c) / terms->device_target[d];
    }
    if (load == 0.0) {
        const int32_t others = view->at->active[d] - (here && view->at->loads[e] == 1);
        if (terms->active_limit > 0 && others >= terms->active_limit)
            return INFINITY;
        cost += terms->activation[e] + terms->level * (others + 0.5);
    }
    return load + 1.0 > terms->supply[e] ? INFINITY : cost;
}

void spr__anneal_field(spr__annealer *annealer, int64_t t)
{
    const spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    const float *value = terms->value + t * terms->width;
    const int32_t *ids = at->ids + t * terms->k;
    double *field = annealer->reselect.field;
    const cost_view view = {at, t};
    for (int32_t e = 0; e < terms->experts; e++)
        field[e] = value[e] > -INFINITY ? cost_of_load(&view, e) - (double)value[e] : INFINITY;
    /* pairs with the experts that the token has now */
    for (int64_t i = 0; i < terms->k && terms->pair != NULL; i++)
        for (int32_t e = 0; e < terms->experts && ids[i] >= 0; e++)
            field[e] += (double)terms->pair[ids[i] * terms->width + e];
}
