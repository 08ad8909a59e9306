/* SPDX-License-Identifier: MIT
 * H of a batch from the call: the terms in structured form, and the memory behind them. */
#include "quadratic.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

spr__quadratic *spr__quadratic_lay(spr__arena *arena, const spr_plan *plan, size_t tokens)
{
    const spr__options *o = &plan->options;
    const size_t width = (size_t)plan->width, routes = tokens * (size_t)o->k;
    spr__quadratic spare;
    spr__quadratic *q = (spr__quadratic *)spr__arena_take(arena, 1, sizeof *q), *made = q;
    q = q != NULL ? q : &spare;
    memset(q, 0, sizeof *q);
    q->need = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    q->keep = (uint64_t *)spr__arena_take(arena, o->keep_top > 0 ? tokens * (size_t)plan->words : 0, sizeof(uint64_t));
    q->activation = (double *)spr__arena_take(arena, width, sizeof(double));
    q->device = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    q->node = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    q->scratch = (int32_t *)spr__arena_take(arena, 2 * width + (size_t)(o->devices + o->nodes) + 2, sizeof(int32_t));
    q->found = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
    q->best = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
    if (o->activation_weight > 0.0 || o->active_level_weight > 0.0 || o->active_limit > 0)
        spr__interchange_lay(arena, plan, tokens, &q->interchange);
    spr__annealer_lay(arena, plan, tokens, &q->annealer);
    return made;
}

/* The token's best experts that it must keep, by affinity without hysteresis. */
static void batch_terms_keep_top(const spr__call *call, int64_t t)
{
    const int64_t width = call->plan->width, words = call->plan->words;
    const float *row = call->workspace->rows + t * width;
    uint64_t *keep = call->workspace->quadratic->keep + t * words;
    memset(keep, 0, (size_t)words * sizeof keep[0]);
    for (int64_t i = 0; i < call->plan->options.keep_top && call->workspace->takes_part[t] == 1; i++) {
        int64_t best = -1;
        for (int64_t e = 0; e < call->plan->options.experts; e++)
            if (row[e] > -INFINITY && !(keep[e / 64] >> (e & 63) & 1) && (best < 0 || row[e] > row[best]))
                best = e;
        if (best >= 0)
            keep[best / 64] |= (uint64_t)1 << (best & 63);
    }
}

/* Is the slot's expert in an earlier slot too? */
static int batch_terms_repeated(const int32_t *ids, int64_t slot)
{
    for (int64_t i = 0; i < slot; i++)
        if (ids[i] == ids[slot])
            return 1;
    return 0;
}

int spr__quadratic_prepare(spr__call *call)
{
    const spr__options *o = &call->plan->options;
    const int64_t width = call->plan->width, k = o->k;
    int changed = 0;
    const float bonus = (float)(2.0 * o->hysteresis_weight);
    for (int64_t t = 0; o->keep_top > 0 && t < call->tokens; t++)
        batch_terms_keep_top(call, t);
    for (int64_t i = 0; call->previous != NULL && o->hysteresis_weight > 0.0 && i < call->tokens * k; i++) {
        const int32_t e = call->previous[i];
        const int64_t t = i / k;
        if (e < 0 || batch_terms_repeated(call->previous + t * k, i % k))
            continue;
        call->workspace->rows[t * width + e] += bonus;
        changed = 1;
        call->workspace->tiles[(t / SPR_BLOCK * width + e) * SPR_BLOCK + t % SPR_BLOCK] += bonus;
    }
    return changed;
}

static void batch_terms_open_experts(const spr__call *call)
{
    const spr__options *o = &call->plan->options;
    const spr_plan *plan = call->plan;
    spr__quadratic *q = call->workspace->quadratic;
    for (int64_t e = 0; e < o->experts; e++) {
        const double factor = call->resident != NULL && call->resident[e] ? o->resident_factor : 1.0;
        const double own = call->activation != NULL ? (double)call->activation[e] : 1.0;
        q->activation[e] = o->activation_weight * factor * own;
        q->device[e] = call->workspace->market.device[e];
        q->node[e] = o->nodes == 0 ? 0 : plan->node != NULL ? plan->node[e] : (int32_t)(e * o->nodes / o->experts);
    }
}

/* k experts, or as many as are allowed. */
static int32_t batch_terms_need(const spr__call *call, int64_t t)
{
    const float *row = call->workspace->rows + t * call->plan->width;
    const int64_t k = call->plan->options.k;
    int64_t allowed = 0;
    for (int64_t e = 0; e < call->plan->options.experts && allowed < k; e++)
        allowed += row[e] > -INFINITY;
    return call->workspace->takes_part[t] == 1 ? (int32_t)allowed : 0;
}

/* h sum [x != previous] = h (routes + previous routes) - 2h (routes in both), the last of which the values hold */
static double batch_terms_constant(const spr__call *call)
{
    const int32_t *need = call->workspace->quadratic->need;
    const int64_t k = call->plan->options.k;
    int64_t routes = 0;
    for (int64_t t = 0; call->previous != NULL && t < call->tokens; t++) {
        routes += need[t];
        for (int64_t i = 0; i < k; i++)
            routes += call->previous[t * k + i] >= 0 && call->workspace->takes_part[t] == 1 &&
                      !batch_terms_repeated(call->previous + t * k, i);
    }
    return call->plan->options.hysteresis_weight * (double)routes;
}

void spr__terms_open(spr__call *call, spr__terms *terms)
{
    const spr__options *o = &call->plan->options;
    const spr__market *market = &call->workspace->market;
    spr__quadratic *q = call->workspace->quadratic;
    memset(terms, 0, sizeof *terms);
    batch_terms_open_experts(call);
    for (int64_t t = 0; t < call->tokens; t++)
        q->need[t] = batch_terms_need(call, t);
    terms->tokens = call->tokens;
    terms->experts = o->experts;
    terms->k = o->k;
    terms->width = call->plan->width;
    terms->words = call->plan->words;
    terms->value = call->workspace->rows;
    terms->need = q->need;
    terms->keep = o->keep_top > 0 ? q->keep : NULL;
    terms->balance = o->balance_weight;
    terms->device_balance = o->device_balance_weight;
    terms->target = market->target;
    terms->device_target = market->device_target;
    terms->cost = market->cost;
    terms->supply = market->supply;
    terms->devices = o->devices > 0 ? o->devices : 1;
    terms->nodes = o->nodes > 0 ? o->nodes : 1;
    terms->device = q->device;
    terms->node = q->node;
    terms->touch_device = o->devices > 0 ? o->device_touch_weight : 0.0;
    terms->touch_node = o->nodes > 0 ? o->node_touch_weight : 0.0;
    terms->device_limit = o->device_limit < o->devices ? o->device_limit : 0;
    terms->node_limit = o->node_limit < o->nodes ? o->node_limit : 0;
    terms->activation = q->activation;
    terms->level = o->active_level_weight;
    terms->active_limit = o->active_limit;
    terms->pair = call->plan->pair;
    terms->constant = batch_terms_constant(call);
}
