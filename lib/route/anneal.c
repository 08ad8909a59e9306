/* SPDX-License-Identifier: MIT
 * The schedule of the annealer: greedy pass, annealing, descent; the best table is kept. */
#include "anneal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "../base/exact.h"

void spr__annealer_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__annealer *annealer)
{
    const size_t width = (size_t)plan->width, routes = tokens * (size_t)plan->options.k;
    memset(annealer, 0, sizeof *annealer);
    spr__arrangement_lay(arena, plan, tokens, &annealer->at);
    spr__reselect_lay(arena, plan, &annealer->reselect);
    annealer->price = (double *)spr__arena_take(arena, width, sizeof(double));
    annealer->step = (double *)spr__arena_take(arena, width, sizeof(double));
    annealer->side = (double *)spr__arena_take(arena, width, sizeof(double));
    annealer->shut = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    annealer->best = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
    annealer->queue = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
    const size_t places = (size_t)(plan->options.devices + plan->options.nodes) + 2;
    annealer->scratch = (int32_t *)spr__arena_take(arena, 2 * width + places, sizeof(int32_t));
}

/* tokens up to which pairs of them are swept */
enum { ANNEAL_SMALL = 64 };

static void anneal_remember(spr__annealer *annealer)
{
    const spr__arrangement *at = &annealer->at;
    if (!(at->energy < annealer->best_energy))
        return;
    memcpy(annealer->best, at->ids, (size_t)(at->terms->tokens * at->terms->k) * sizeof annealer->best[0]);
    annealer->best_energy = at->energy;
}

/* Keeps a move that does not worsen H by more than allowed, takes back any other. */
static int anneal_decide(spr__annealer *annealer, double allowed)
{
    spr__arrangement *at = &annealer->at;
    if (at->energy - at->committed > allowed) {
        spr__arrangement_undo(at, 0);
        return 0;
    }
    spr__arrangement_commit(at);
    return 1;
}

/* Smallest improvement worth a move: above the rounding of H. */
static double anneal_grain(const spr__annealer *annealer)
{
    return 1e-12 * (1.0 + fabs(annealer->at.energy));
}

#ifndef NDEBUG
/* What the moves have added up to, against H from scratch: in test builds only. */
static int anneal_agrees(const spr__annealer *annealer, double base)
{
    const spr__arrangement *at = &annealer->at;
    const double energy = spr__terms_energy(at->terms, at->ids, annealer->scratch, NULL);
    return fabs(energy - base - at->energy) <= 1e-7 * (1.0 + fabs(energy) + fabs(base));
}
#endif

static int anneal_try(spr__annealer *annealer, int made, double grain)
{
    return made && anneal_decide(annealer, -grain);
}

/* Affinity and fees alone, with every touch counted as a gain: if that is no gain, the exchange is not tried. */
static int anneal_exchange_hopeful(const spr__annealer *annealer, int32_t e, int32_t f)
{
    const spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    double gain = terms->activation[e] - terms->activation[f];
    if (terms->level > 0.0)
        gain += terms->level * (at->active[terms->device[e]] - at->active[terms->device[f]]);
    for (int64_t t = 0; t < terms->tokens; t++)
        if (spr__uses(at, t, e))
            gain += (double)terms->value[t * terms->width + f] - (double)terms->value[t * terms->width + e] +
                    terms->touch_device + terms->touch_node;
    return gain > 0.0 || terms->pair != NULL || terms->balance > 0.0 || terms->device_balance > 0.0;
}

/* The same for opening f: what tokens gain at most, less what it costs. */
static int anneal_opening_hopeful(const spr__arrangement *at, int32_t f)
{
    const spr__terms *terms = at->terms;
    double gain = -terms->activation[f] - terms->level * (at->active[terms->device[f]] + 0.5);
    if (terms->pair != NULL || terms->balance > 0.0 || terms->device_balance > 0.0)
        return 1;
    for (int64_t t = 0; t < terms->tokens; t++) {
        const float *value = terms->value + t * terms->width;
        double most = 0.0;
        for (int64_t i = 0; i < terms->need[t]; i++) {
            const int32_t e = at->ids[t * terms->k + i];
            if (e < 0)
                continue;
            const double saved = at->loads[e] == 1 ? terms->activation[e] + terms->level * at->active[terms->device[e]] : 0.0;
            const double one = (double)value[f] - (double)value[e] + terms->touch_device + terms->touch_node + saved;
            most = one > most ? one : most;
        }
        gain += most;
    }
    return gain > 0.0;
}

/* Every expert closed or opened when that lowers H. */
static int anneal_sweep_experts(spr__annealer *annealer)
{
    const spr__terms *terms = annealer->at.terms;
    const double grain = anneal_grain(annealer);
    int improved = 0;
    for (int32_t e = 0; e < terms->experts; e++) {
        if (annealer->at.loads[e] > 0)
            improved |= anneal_try(annealer, spr__anneal_close(annealer, e), grain);
        if (annealer->at.loads[e] == 0 && anneal_opening_hopeful(&annealer->at, e))
            improved |= anneal_try(annealer, spr__anneal_open(annealer, e), grain);
    }
    for (int32_t e = 0; e < terms->experts; e++)
        for (int32_t f = 0; f < terms->experts && annealer->at.loads[e] > 0; f++)
            if (annealer->at.loads[f] == 0 && anneal_exchange_hopeful(annealer, e, f))
                improved |= anneal_try(annealer, spr__anneal_exchange(annealer, e, f), grain);
    return improved;
}

static int anneal_sweep_tokens(spr__annealer *annealer, int devices)
{
    const spr__terms *terms = annealer->at.terms;
    const double grain = anneal_grain(annealer);
    int improved = 0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        improved |= anneal_try(annealer, spr__anneal_reselect(annealer, t), grain);
        for (int32_t d = 0; devices && d < terms->devices; d++)
            if (annealer->at.on_device[t * terms->devices + d] > 0)
                improved |= anneal_try(annealer, spr__anneal_leave_device(annealer, t, d), grain);
    }
    return improved;
}

/* No expert of a smaller value can replace e in this token: the most that leaving e can save is not enough. */
static float anneal_lowest(const spr__arrangement *at, int64_t t, int32_t e)
{
    const spr__terms *terms = at->terms;
    if (e < 0 || terms->pair != NULL || terms->balance > 0.0 || terms->device_balance > 0.0)
        return -INFINITY;
    double saving = terms->touch_device + terms->touch_node;
    if (at->loads[e] == 1)
        saving += terms->activation[e] + terms->level * at->active[terms->device[e]];
    /* rounded down */
    return (float)((double)terms->value[t * terms->width + e] - saving * 1.000001 - 1e-30);
}

/* All single replacements, best first within a slot. */
static int anneal_sweep_slots(spr__annealer *annealer)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    const double grain = anneal_grain(annealer);
    int improved = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = 0; i < terms->need[t]; i++) {
            double least = -grain;
            int32_t to = -1;
            const float lowest = anneal_lowest(at, t, at->ids[t * terms->k + i]);
            const float *value = terms->value + t * terms->width;
            for (int32_t f = 0; f < terms->experts; f++)
                if (value[f] >= lowest && !spr__uses(at, t, f) && spr__arrangement_allows(at, t, i, f)) {
                    const double change = spr__arrangement_price(at, t, i, f);
                    if (change < least) {
                        least = change;
                        to = f;
                    }
                }
            if (to >= 0) {
                spr__arrangement_set(at, t, i, to);
                spr__arrangement_commit(at);
                improved = 1;
            }
        }
    return improved;
}

static int anneal_sets_cost(const spr__terms *terms)
{
    for (int64_t e = 0; e < terms->experts; e++)
        if (terms->activation[e] > 0.0)
            return 1;
    return terms->level > 0.0;
}

/* Small batches under capacity: every two tokens renegotiate. */
static int anneal_sweep_pairs(spr__annealer *annealer)
{
    const spr__terms *terms = annealer->at.terms;
    const double grain = anneal_grain(annealer);
    int improved = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t s = 0; s < terms->tokens; s++)
            improved |= anneal_try(annealer, spr__anneal_renegotiate(annealer, t, s), grain);
    return improved;
}

static int anneal_is_full(const spr__arrangement *at)
{
    for (int64_t e = 0; e < at->terms->experts; e++)
        if (at->loads[e] >= at->terms->supply[e])
            return 1;
    return 0;
}

/* A local optimum under re-selection, replacement, leaving a device, closing and opening. */
static void anneal_descend(spr__annealer *annealer, const spr__effort *effort)
{
    const spr__terms *terms = annealer->at.terms;
    const int sets = anneal_sets_cost(terms), devices = terms->touch_device > 0.0 || terms->touch_node > 0.0;
    /* two pairs count as a move */
    const int pairs = terms->tokens <= ANNEAL_SMALL && 2 * effort->moves >= terms->tokens * terms->tokens;
    for (int i = 0; i < 100; i++) {
        int improved = anneal_sweep_tokens(annealer, devices);
        improved |= anneal_sweep_slots(annealer);
        if (sets)
            improved |= anneal_sweep_experts(annealer);
        if (!improved && pairs && anneal_is_full(&annealer->at))
            improved |= anneal_sweep_pairs(annealer);
        if (!improved)
            break;
    }
}

/* One random move; returns nonzero if it changed something. */
static int anneal_propose(spr__annealer *annealer, uint64_t bits, uint64_t more, int sets)
{
    const spr__terms *terms = annealer->at.terms;
    const uint32_t kind = (uint32_t)(more >> 26 & 63);
    if (sets && kind == 0) {
        const int32_t e = (int32_t)((bits >> 32) * (uint64_t)terms->experts >> 32);
        const int32_t f = (int32_t)((bits & 0xffffffffu) * (uint64_t)terms->experts >> 32);
        if (annealer->at.loads[e] > 0 && annealer->at.loads[f] == 0)
            return spr__anneal_exchange(annealer, e, f);
        return annealer->at.loads[e] > 0 ? spr__anneal_close(annealer, e) : spr__anneal_open(annealer, e);
    }
    const int64_t t = (int64_t)((bits >> 32) * (uint64_t)terms->tokens >> 32);
    if (kind < 4)
        return spr__anneal_renegotiate(annealer, t, (int64_t)((bits & 0xffffffffu) * (uint64_t)terms->tokens >> 32));
    if (kind < 10) {
        const int32_t d = (int32_t)((bits & 0xffffffffu) * (uint64_t)terms->devices >> 32);
        return kind < 7 || annealer->at.on_device[t * terms->devices + d] == 0
                   ? spr__anneal_reselect(annealer, t)
                   : spr__anneal_leave_device(annealer, t, d);
    }
    return kind < 36 ? spr__anneal_replace(annealer, bits, more) : spr__anneal_swap(annealer, bits, more);
}

/* What a route is worth against the next best, on average: the scale of temperatures. */
double spr__anneal_scale(const spr__annealer *annealer)
{
    const spr__terms *terms = annealer->at.terms;
    double sum = 0.0;
    int64_t routes = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = 0; i < terms->need[t]; i++) {
            const int32_t e = annealer->at.ids[t * terms->k + i];
            sum += e >= 0 ? fabs((double)terms->value[t * terms->width + e]) : 0.0;
            routes++;
        }
    return routes > 0 && sum > 0.0 ? sum / (double)routes : 1.0;
}

/* What one more active expert costs, on average. */
static double anneal_opening(const spr__terms *terms)
{
    double sum = 0.0;
    for (int64_t e = 0; e < terms->experts; e++)
        sum += terms->activation[e];
    return sum / (double)terms->experts + terms->level;
}

void spr__anneal_at(spr__annealer *annealer, const spr__effort *effort, double hot, double cold)
{
    spr__arrangement *at = &annealer->at;
    const int sets = anneal_sets_cost(at->terms);
    spr__cooling cooling;
    spr__cooling_open(&cooling, effort, hot, cold);
    for (int64_t i = 0; i < effort->moves; i++) {
        const uint64_t bits = spr__random(effort->seed, 2, 3 * (uint64_t)i);
        const uint64_t more = spr__random(effort->seed, 2, 3 * (uint64_t)i + 1);
        int accepted = 0;
        if (anneal_propose(annealer, bits, more, sets)) {
            const double allowed = cooling.temperature *
                                   spr__exponential(spr__random(effort->seed, 2, 3 * (uint64_t)i + 2));
            const double worse = at->energy - at->committed;
            accepted = 1;
            if (worse > 0.0 && at->committed < annealer->best_energy && worse <= allowed) {
                /* the best so far is about to be left: it is stored now, not at every improvement */
                spr__arrangement_undo(at, 0);
                anneal_remember(annealer);
                accepted = anneal_propose(annealer, bits, more, sets);
            }
            accepted = accepted && anneal_decide(annealer, allowed);
        }
        spr__cooling_count(&cooling, accepted);
    }
    anneal_remember(annealer);
}

void spr__anneal(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel, const spr__effort *effort,
                 int32_t *ids)
{
    spr__arrangement_open(&annealer->at, terms, ids);
    spr__reselect_open(&annealer->reselect, terms, kernel);
#ifndef NDEBUG
    const double base = spr__terms_energy(terms, ids, annealer->scratch, NULL) - annealer->at.energy;
#endif
    annealer->best_energy = INFINITY;
    anneal_remember(annealer);
    anneal_descend(annealer, effort);
    anneal_remember(annealer);
    if (effort->moves > 0 && terms->tokens > 0) {
        const double scale = spr__anneal_scale(annealer);
        spr__anneal_at(annealer, effort, 0.1 * scale + 0.3 * anneal_opening(terms), 0.002 * scale);
        assert(anneal_agrees(annealer, base));
        spr__arrangement_open(&annealer->at, terms, annealer->best);
        anneal_descend(annealer, effort);
        anneal_remember(annealer);
    }
    assert(anneal_agrees(annealer, base));
    memcpy(ids, annealer->best, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
}
