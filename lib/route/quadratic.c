/* SPDX-License-Identifier: MIT
 * Quadratic terms in a routing call: which solver serves them, and which table is kept. */
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
static void quadratic_keep_top(const spr__call *call, int64_t t)
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
static int quadratic_repeated(const int32_t *ids, int64_t slot)
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
        quadratic_keep_top(call, t);
    for (int64_t i = 0; call->previous != NULL && o->hysteresis_weight > 0.0 && i < call->tokens * k; i++) {
        const int32_t e = call->previous[i];
        const int64_t t = i / k;
        if (e < 0 || quadratic_repeated(call->previous + t * k, i % k))
            continue;
        call->workspace->rows[t * width + e] += bonus;
        changed = 1;
        call->workspace->tiles[(t / SPR_BLOCK * width + e) * SPR_BLOCK + t % SPR_BLOCK] += bonus;
    }
    return changed;
}

static void quadratic_open_experts(const spr__call *call)
{
    const spr__options *o = &call->plan->options;
    const spr_plan *plan = call->plan;
    spr__quadratic *q = call->workspace->quadratic;
    for (int64_t e = 0; e < o->experts; e++) {
        const double factor = call->resident != NULL && call->resident[e] ? o->resident_factor : 1.0;
        q->activation[e] = o->activation_weight * factor * (call->activation != NULL ? (double)call->activation[e] : 1.0);
        q->device[e] = call->workspace->market.device[e];
        q->node[e] = o->nodes == 0 ? 0 : plan->node != NULL ? plan->node[e] : (int32_t)(e * o->nodes / o->experts);
    }
}

/* k experts, or as many as are allowed. */
static int32_t quadratic_need(const spr__call *call, int64_t t)
{
    const float *row = call->workspace->rows + t * call->plan->width;
    const int64_t k = call->plan->options.k;
    int64_t allowed = 0;
    for (int64_t e = 0; e < call->plan->options.experts && allowed < k; e++)
        allowed += row[e] > -INFINITY;
    return call->workspace->takes_part[t] == 1 ? (int32_t)allowed : 0;
}

/* h sum [x != previous] = h (routes + previous routes) - 2h (routes in both), the last of which the values hold */
static double quadratic_constant(const spr__call *call)
{
    const int32_t *need = call->workspace->quadratic->need;
    const int64_t k = call->plan->options.k;
    int64_t routes = 0;
    for (int64_t t = 0; call->previous != NULL && t < call->tokens; t++) {
        routes += need[t];
        for (int64_t i = 0; i < k; i++)
            routes += call->previous[t * k + i] >= 0 && call->workspace->takes_part[t] == 1 &&
                      !quadratic_repeated(call->previous + t * k, i);
    }
    return call->plan->options.hysteresis_weight * (double)routes;
}

void spr__terms_open(spr__call *call, spr__terms *terms)
{
    const spr__options *o = &call->plan->options;
    const spr__market *market = &call->workspace->market;
    spr__quadratic *q = call->workspace->quadratic;
    memset(terms, 0, sizeof *terms);
    quadratic_open_experts(call);
    for (int64_t t = 0; t < call->tokens; t++)
        q->need[t] = quadratic_need(call, t);
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
    terms->constant = quadratic_constant(call);
}

/* The candidate becomes the best table when it violates less, or as little at less H. */
typedef struct quadratic_best {
    spr__violation violation;
    double energy;
    int any;
} quadratic_best;

/* Capacity and k come first: they are never given up for a limit. */
static int64_t quadratic_excess(const spr__violation *v)
{
    return ((v->missing + v->overload) << 32) + v->active + v->devices + v->nodes + v->kept;
}

/* Returns nonzero if the candidate keeps all constraints. */
static int quadratic_offer(spr__quadratic *q, const spr__terms *terms, const int32_t *ids, quadratic_best *best)
{
    spr__violation violation;
    const double energy = spr__terms_energy(terms, ids, q->scratch, &violation);
    const int64_t excess = quadratic_excess(&violation), before = quadratic_excess(&best->violation);
    if (best->any && (excess > before || (excess == before && !(energy < best->energy))))
        return excess == 0;
    best->any = 1;
    best->energy = energy;
    best->violation = violation;
    memcpy(q->best, ids, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
    return excess == 0;
}

static int quadratic_counts_active(const spr__options *o)
{
    return o->activation_weight > 0.0 || o->active_level_weight > 0.0 || o->active_limit > 0;
}

static void quadratic_search(spr__call *call, const spr__terms *terms, const spr__effort *effort, quadratic_best *best)
{
    const spr__options *o = &call->plan->options;
    spr__quadratic *q = call->workspace->quadratic;
    if (quadratic_counts_active(o)) {
        spr__interchange_solve(&q->interchange, terms, call->kernel, effort, q->found);
        call->statistics.moves += effort->moves;
        /* where nothing else couples the tokens, the search over open experts is all there is to do */
        if (quadratic_offer(q, terms, q->found, best) && spr__interchange_fits(terms))
            return;
    }
    if (!spr__anneal_start(&q->annealer, terms, call->kernel, call->plan->priced ? call->workspace->market.total : NULL) || !best->any || spr__violated(&best->violation))
        quadratic_offer(q, terms, q->annealer.at.ids, best);
    if (best->violation.devices + best->violation.nodes > 0) {
        memcpy(q->found, q->best, (size_t)(terms->tokens * terms->k) * sizeof q->found[0]);
        spr__anneal_settle(&q->annealer, terms, call->kernel, effort, q->found);
        quadratic_offer(q, terms, q->found, best);
    }
    if (spr__violated(&best->violation))
        return;
    memcpy(q->found, q->best, (size_t)(terms->tokens * terms->k) * sizeof q->found[0]);
    spr__anneal(&q->annealer, terms, call->kernel, effort, q->found);
    call->statistics.moves += effort->moves;
    quadratic_offer(q, terms, q->found, best);
}

/* Bits of the best table; spr__read_ids orders them, by affinities that hysteresis has left again. */
static void quadratic_write(spr__call *call)
{
    const int64_t k = call->plan->options.k, words = call->plan->words;
    const int32_t *best = call->workspace->quadratic->best;
    uint64_t *taken = call->workspace->taken;
    memset(taken, 0, (size_t)(call->blocks * SPR_BLOCK * words) * sizeof taken[0]);
    for (int64_t i = 0; i < call->tokens * k; i++)
        if (best[i] >= 0)
            taken[i / k * words + best[i] / 64] |= (uint64_t)1 << (best[i] & 63);
    if (call->previous != NULL && call->plan->options.hysteresis_weight > 0.0)
        spr__compute_affinity(call);
    spr__read_ids(call);
}

/* The k-th smallest activation costs summed up; marks those taken. */
static double quadratic_cheapest(const spr__terms *terms, int64_t count, int32_t *taken)
{
    double sum = 0.0;
    memset(taken, 0, (size_t)terms->experts * sizeof taken[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t best = -1;
        for (int64_t e = 0; e < terms->experts; e++)
            if (!taken[e] && (best < 0 || terms->activation[e] < terms->activation[best]))
                best = e;
        sum += terms->activation[best];
        taken[best] = 1;
    }
    return sum;
}

/* What the quadratic terms cost at least: each token touches a device and a node, its experts are active, and no pair is
 * worth more than the best one. */
static double quadratic_least(spr__quadratic *q, const spr__terms *terms)
{
    double least = terms->constant, pair = 0.0;
    int64_t most = 0;
    for (int64_t e = 0; e < terms->experts && terms->pair != NULL; e++)
        for (int64_t f = 0; f < e; f++)
            pair = (double)terms->pair[e * terms->width + f] < pair ? (double)terms->pair[e * terms->width + f] : pair;
    for (int64_t t = 0; t < terms->tokens; t++) {
        const int64_t need = terms->need[t];
        most = need > most ? need : most;
        least += (need > 0 ? terms->touch_device + terms->touch_node : 0.0) + pair * (double)(need * (need - 1) / 2);
    }
    least += quadratic_cheapest(terms, most, q->scratch);
    return least + 0.5 * terms->level * (double)(most * most) / (double)terms->devices;
}

/* Routes that are not in the previous table. */
static int64_t quadratic_changed(const spr__call *call, const int32_t *ids)
{
    const int64_t k = call->plan->options.k;
    int64_t changed = 0;
    for (int64_t i = 0; call->previous != NULL && i < call->tokens * k; i++) {
        int before = 0;
        for (int64_t j = i / k * k; j < i / k * k + k; j++)
            before |= call->previous[j] == ids[i];
        changed += ids[i] >= 0 && !before;
    }
    return changed;
}

static int64_t quadratic_beyond(const spr__violation *v)
{
    return v->active + v->devices + v->nodes + v->kept;
}

/* H and what it is made of, for the statistics. The affinities are without hysteresis again. */
static void quadratic_account(spr__call *call, const spr__terms *terms, const quadratic_best *best)
{
    spr_statistics *s = &call->statistics;
    spr__quadratic *q = call->workspace->quadratic;
    const int64_t k = terms->k;
    double affinity = 0.0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        double sum = 0.0;
        for (int64_t i = 0; i < k; i++) {
            const int32_t e = q->best[t * k + i];
            sum += e >= 0 ? (double)terms->value[t * terms->width + e] : 0.0;
        }
        affinity += sum;
    }
    s->affinity = affinity;
    s->energy = best->energy;
    s->changed = quadratic_changed(call, q->best);
    s->lower_bound += quadratic_least(q, terms);
}

void spr__quadratic_solve(spr__call *call, int has_start)
{
    const spr__options *o = &call->plan->options;
    const spr__effort effort = {o->anneal_moves, o->anneal_schedule == spr__anneal_schedule_adaptive, o->anneal_hot,
                                o->anneal_cold, (uint64_t)o->seed};
    spr__terms terms;
    quadratic_best best;
    memset(&best, 0, sizeof best);
    spr__terms_open(call, &terms);
    if (has_start) {
        quadratic_offer(call->workspace->quadratic, &terms, call->ids, &best);
        call->statistics.start_energy = best.energy;
    } else if (call->want_statistics || !spr__interchange_fits(&terms)) {
        /* top-k; the search over open experts starts there by itself and is not to depend on who wants statistics */
        spr__assign(call, NULL);
        spr__read_ids(call);
        if (spr__interchange_fits(&terms))
            call->statistics.start_energy = spr__terms_energy(&terms, call->ids, call->workspace->quadratic->scratch, NULL);
        else {
            quadratic_offer(call->workspace->quadratic, &terms, call->ids, &best);
            call->statistics.start_energy = best.energy;
        }
    }
    quadratic_search(call, &terms, &effort, &best);
    quadratic_write(call);
    if (call->want_statistics)
        quadratic_account(call, &terms, &best);
    call->statistics.limit_excess = quadratic_beyond(&best.violation) + best.violation.missing;
}

void spr__quadratic_judge(spr__call *call)
{
    spr__terms terms;
    spr__violation violation;
    spr__energy(call);
    spr__quadratic_prepare(call);
    spr__terms_open(call, &terms);
    call->statistics.energy = spr__terms_energy(&terms, call->ids, call->workspace->quadratic->scratch, &violation);
    call->statistics.changed = quadratic_changed(call, call->ids);
    call->statistics.limit_excess = quadratic_beyond(&violation);
}
