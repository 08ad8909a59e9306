/* SPDX-License-Identifier: MIT
 * Quadratic terms in a routing call: which solver serves them, and which table is kept. */
#include "quadratic.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

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
    const double *prices = call->plan->priced ? call->workspace->market.total : NULL;
    const int overloaded = spr__anneal_start(&q->annealer, terms, call->kernel, prices);
    if (!overloaded || !best->any || spr__violated(&best->violation))
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
