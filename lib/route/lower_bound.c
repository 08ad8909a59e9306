/* SPDX-License-Identifier: MIT
 * The Lagrangian bound of H. The constraints get multipliers, balance and level are replaced by tangents with a slope
 * of their own, pairs by half of what they give back to each end; then every bit decides for itself. The multipliers
 * climb by projected subgradients with Polyak's step; what they are worth at the end is added up with an allowance
 * for rounding.
 *
 *   slope[e], work[d], level[d]   tangents of expert balance, device balance, active experts squared
 *   price[e]                      capacity;   active[d], device[t], node[t]: limits
 *   open, at_device, at_node      per entry: an expert, a device, a node is in use where the entry is 1 */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum { LOWER_BOUND_SWEEPS = 600, LOWER_BOUND_PATIENCE = 12 };
#define LOWER_BOUND_WORK 4e8     /* entries looked at, at most */

static void lower_bound_number(const spr_lowering *l, spr__lower_dual *d)
{
    const spr__terms *terms = &l->terms;
    d->slope = 0;
    d->work = d->slope + terms->experts;
    d->free = d->price = d->work + terms->devices;
    d->level = d->price + terms->experts;
    d->active = d->level + terms->devices;
    d->device = d->active + terms->devices;
    d->node = d->device + terms->tokens;
    d->count = d->node + terms->tokens;
    d->open = d->at_device = d->at_node = -1;
    if (spr__lower_counts_active(terms)) {
        d->open = d->count;
        d->count += l->entries;
    }
    if (spr__lower_counts_devices(terms)) {
        d->at_device = d->count;
        d->count += l->entries;
    }
    if (spr__lower_counts_nodes(terms)) {
        d->at_node = d->count;
        d->count += l->entries;
    }
}

void spr__lower_dual_lay(spr__arena *arena, const spr_lowering *l, int kernelise, spr__lower_dual *d)
{
    const size_t experts = (size_t)l->terms.experts, tokens = (size_t)l->terms.tokens, entries = (size_t)l->entries;
    const size_t devices = (size_t)l->terms.devices, nodes = (size_t)l->terms.nodes;
    memset(d, 0, sizeof *d);
    lower_bound_number(l, d);
    double **const vectors[] = {&d->at, &d->best, &d->gradient, &d->direction};
    for (int i = 0; i < 4; i++)
        *vectors[i] = (double *)spr__arena_take(arena, (size_t)d->count, sizeof(double));
    double **const per_expert[] = {&d->base, &d->size, &d->pair, &d->sum, &d->rest};
    for (int i = 0; i < 5; i++)
        *per_expert[i] = (double *)spr__arena_take(arena, experts, sizeof(double));
    d->touch = (double *)spr__arena_take(arena, devices + nodes, sizeof(double));
    d->cost = (double *)spr__arena_take(arena, entries, sizeof(double));
    d->low = (double *)spr__arena_take(arena, tokens, sizeof(double));
    d->high = (double *)spr__arena_take(arena, tokens, sizeof(double));
    d->loads = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    d->opened = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    d->rest_device = (double *)spr__arena_take(arena, d->at_device >= 0 ? tokens * devices : 0, sizeof(double));
    d->rest_node = (double *)spr__arena_take(arena, d->at_node >= 0 ? tokens * nodes : 0, sizeof(double));
    d->if_one = (double *)spr__arena_take(arena, kernelise ? entries : 0, sizeof(double));
    d->if_zero = (double *)spr__arena_take(arena, kernelise ? entries : 0, sizeof(double));
    d->if_closed = (double *)spr__arena_take(arena, kernelise ? experts : 0, sizeof(double));
    d->rise = (double *)spr__arena_take(arena, kernelise ? experts : 0, sizeof(double));
    if (!kernelise)
        d->if_one = NULL;
    d->chosen = (uint8_t *)spr__arena_take(arena, entries, 1);
    d->open_now = (uint8_t *)spr__arena_take(arena, experts, 1);
}

/* ------------------------------------------------------------------------------------------------------------ start */

/* A token with n experts gets back at most the n - 1 best partners of each, half of it counted at each end. */
static void lower_bound_pairs(const spr_lowering *l, spr__lower_dual *d)
{
    const spr__terms *terms = &l->terms;
    double best[64];
    d->pair_least = 0.0;
    for (int64_t e = 0; e < terms->experts; e++) {
        int64_t count = 0;
        d->pair[e] = 0.0;
        for (int64_t f = 0; terms->pair != NULL && f < terms->experts; f++) {
            double value = (double)terms->pair[e * terms->width + f];
            if (value >= 0.0 || f == e || l->candidates[f] == 0)
                continue;
            d->pair_least = -value > d->pair_least ? -value : d->pair_least;
            int64_t at = count < terms->k - 1 ? count++ : terms->k - 1;
            for (; at > 0 && best[at - 1] > value; at--)
                if (at < terms->k - 1)
                    best[at] = best[at - 1];
            if (at < terms->k - 1)
                best[at] = value;
        }
        for (int64_t i = 0; i < count; i++)
            d->pair[e] += 0.5 * best[i];
    }
}

/* Tangents at the known table. */
static void lower_bound_tangents(const spr_lowering *l, spr__lower_dual *d)
{
    const spr__terms *terms = &l->terms;
    for (int64_t e = 0; e < terms->experts; e++)
        if (spr__lower_has_balance(terms, e))
            d->at[d->slope + e] = terms->balance * (d->loads[e] / terms->target[e] - 1.0);
    for (int64_t g = 0; g < terms->devices; g++) {
        double work = 0.0;
        int64_t active = 0;
        for (int64_t e = 0; e < terms->experts; e++)
            if (terms->device[e] == g) {
                work += terms->cost[e] * d->loads[e];
                active += d->loads[e] > 0;
            }
        if (spr__lower_has_work(terms, g))
            d->at[d->work + g] = terms->device_balance * (work / terms->device_target[g] - 1.0);
        d->at[d->level + g] = terms->level * (double)active;
    }
}

/* Each user of an active expert, each route of a touched device or node, bears an equal part of its cost. */
static void lower_bound_share(const spr_lowering *l, spr__lower_dual *d, int64_t t)
{
    const spr__terms *terms = &l->terms;
    const int32_t *ids = l->table + t * terms->k;
    for (int64_t i = 0; i < terms->k && ids[i] >= 0; i++) {
        const int64_t entry = spr__lower_find(l, t, ids[i]);
        const int32_t device = terms->device[ids[i]], node = terms->node[ids[i]];
        int devices = 0, nodes = 0;
        for (int64_t j = 0; j < terms->k && ids[j] >= 0; j++) {
            devices += terms->device[ids[j]] == device;
            nodes += terms->node[ids[j]] == node;
        }
        if (d->open >= 0)
            d->at[d->open + entry] = (terms->activation[ids[i]] + d->at[d->level + device]) / d->loads[ids[i]];
        if (d->at_device >= 0)
            d->at[d->at_device + entry] = terms->touch_device / devices;
        if (d->at_node >= 0)
            d->at[d->at_node + entry] = terms->touch_node / nodes;
    }
}

void spr__lower_dual_start(const spr_lowering *l, spr__lower_dual *d)
{
    memset(d->at, 0, (size_t)d->count * sizeof d->at[0]);
    memset(d->loads, 0, (size_t)l->terms.experts * sizeof d->loads[0]);
    for (int64_t i = 0; i < l->terms.tokens * l->terms.k; i++)
        if (l->table[i] >= 0)
            d->loads[l->table[i]]++;
    lower_bound_pairs(l, d);
    lower_bound_tangents(l, d);
    for (int64_t t = 0; t < l->terms.tokens; t++)
        lower_bound_share(l, d, t);
    for (int64_t i = 0; d->if_one != NULL && i < l->entries; i++)
        d->if_one[i] = d->if_zero[i] = -INFINITY;
    for (int64_t e = 0; d->if_one != NULL && e < l->terms.experts; e++)
        d->if_closed[e] = -INFINITY;
    memcpy(d->best, d->at, (size_t)d->count * sizeof d->at[0]);
}

/* ------------------------------------------------------------------------------------------------------- evaluation */

typedef struct lower_bound_sum {
    double value, size;
} lower_bound_sum;

static void lower_bound_add(lower_bound_sum *sum, double value)
{
    sum->value += value;
    sum->size += fabs(value);
}

static void lower_bound_bases(const spr_lowering *l, spr__lower_dual *d)
{
    const spr__terms *terms = &l->terms;
    for (int64_t e = 0; e < terms->experts; e++) {
        const double work = terms->cost[e] * d->at[d->work + terms->device[e]];
        d->base[e] = d->at[d->slope + e] + d->at[d->price + e] + work + d->pair[e];
        d->size[e] = fabs(d->at[d->slope + e]) + d->at[d->price + e] + fabs(work) - d->pair[e];
        d->sum[e] = 0.0;
    }
    memset(d->loads, 0, (size_t)terms->experts * sizeof d->loads[0]);
}

/* Reduced costs of a token's entries. Returns the largest sum of absolute values behind one. */
static double lower_bound_costs(const spr_lowering *l, spr__lower_dual *d, int64_t t)
{
    const spr__terms *terms = &l->terms;
    double largest = 0.0;
    memset(d->touch, 0, (size_t)(terms->devices + terms->nodes) * sizeof d->touch[0]);
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        const int32_t e = l->expert[i], device = terms->device[e], node = terms->node[e];
        const double value = spr__lower_value(l, t, i);
        double multipliers = 0.0;
        d->chosen[i] = l->state[i] == SPR_LOWER_ONE;
        d->cost[i] = INFINITY;
        if (l->state[i] == SPR_LOWER_ZERO)
            continue;
        if (d->open >= 0 && !l->always[e]) {
            multipliers += d->at[d->open + i];
            d->sum[e] += d->at[d->open + i];
        }
        if (d->at_device >= 0 && !l->device_always[t * terms->devices + device]) {
            multipliers += d->at[d->at_device + i];
            d->touch[device] += d->at[d->at_device + i];
        }
        if (d->at_node >= 0 && !l->node_always[t * terms->nodes + node]) {
            multipliers += d->at[d->at_node + i];
            d->touch[terms->devices + node] += d->at[d->at_node + i];
        }
        d->cost[i] = d->base[e] - value + multipliers;
        const double size = d->size[e] + fabs(value) + multipliers;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* Chooses the cheapest of the free entries, as many as the token still needs. */
static void lower_bound_choose(const spr_lowering *l, spr__lower_dual *d, int64_t t)
{
    int64_t best[65], most = l->terms.need[t] + 1, count = 0;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        most -= l->state[i] == SPR_LOWER_ONE;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        if (l->state[i] != SPR_LOWER_FREE || (count == most && !(d->cost[i] < d->cost[best[most - 1]])))
            continue;
        int64_t at = count < most ? count++ : most - 1;
        for (; at > 0 && d->cost[best[at - 1]] > d->cost[i]; at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
    d->low[t] = most > 1 && count > 0 ? d->cost[best[(count < most ? count : most - 1) - 1]] : -INFINITY;
    d->high[t] = count == most ? d->cost[best[most - 1]] : INFINITY;
    for (int64_t j = 0; j < count && j < most - 1; j++)
        d->chosen[best[j]] = 1;
}

/* Does each place (device or node) of a token pay? Adds what it brings and writes the gradient. */
static void lower_bound_touch(const spr_lowering *l, spr__lower_dual *d, int64_t t, int nodes, lower_bound_sum *sum)
{
    const spr__terms *terms = &l->terms;
    const int64_t places = nodes ? terms->nodes : terms->devices, first = nodes ? d->at_node : d->at_device;
    const int64_t limit = nodes ? terms->node_limit : terms->device_limit, at = (nodes ? d->node : d->device) + t;
    const int32_t *map = nodes ? terms->node : terms->device;
    const uint8_t *always = (nodes ? l->node_always : l->device_always) + t * places;
    const double cost = (nodes ? terms->touch_node : terms->touch_device) + d->at[at];
    double *touch = d->touch + (nodes ? terms->devices : 0);
    int64_t touched = 0;
    for (int64_t p = 0; p < places; p++) {
        const double rest = cost - touch[p];
        (nodes ? d->rest_node : d->rest_device)[t * places + p] = always[p] ? 0.0 : rest;
        sum->size += touch[p];
        touch[p] = always[p] || rest < 0.0 ? 1.0 : 0.0;
        if (touch[p] == 0.0)
            continue;
        lower_bound_add(sum, rest);
        touched++;
    }
    if (spr__lower_binds(limit, terms->need[t])) {
        lower_bound_add(sum, -d->at[at] * (double)limit);
        d->gradient[at] = (double)(touched - limit);
    }
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (l->state[i] != SPR_LOWER_ZERO && !always[map[l->expert[i]]])
            d->gradient[first + i] = (double)d->chosen[i] - touch[map[l->expert[i]]];
}

static void lower_bound_token(const spr_lowering *l, spr__lower_dual *d, int64_t t, lower_bound_sum *sum)
{
    const double largest = lower_bound_costs(l, d, t);
    lower_bound_choose(l, d, t);
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (d->chosen[i]) {
            sum->value += d->cost[i];
            d->loads[l->expert[i]]++;
        }
    sum->size += (double)(2 * l->terms.need[t] + 1) * largest;
    if (d->at_device >= 0)
        lower_bound_touch(l, d, t, 0, sum);
    if (d->at_node >= 0)
        lower_bound_touch(l, d, t, 1, sum);
}

/* min over x = 0..most of weight (x - target)^2 / (2 target) - slope x; whole: over whole numbers. Writes where. */
static double lower_bound_tangent(double weight, double target, double slope, double most, int whole, double *where)
{
    double x = target * (1.0 + slope / weight), least = INFINITY;
    for (int i = 0; i <= whole; i++) {
        double y = whole ? floor(x) + i : x;
        y = y < 0.0 ? 0.0 : y > most ? most : y;
        const double value = 0.5 * weight * (y - target) * (y - target) / target - slope * y;
        if (value < least) {
            least = value;
            *where = y;
        }
    }
    return least;
}

static void lower_bound_experts(const spr_lowering *l, spr__lower_dual *d, lower_bound_sum *sum)
{
    const spr__terms *terms = &l->terms;
    memset(d->opened, 0, (size_t)terms->devices * sizeof d->opened[0]);
    for (int64_t e = 0; e < terms->experts; e++) {
        const int32_t device = terms->device[e];
        double load = 0.0;
        if (spr__lower_has_balance(terms, e)) {
            const double slope = d->at[d->slope + e];
            lower_bound_add(sum, lower_bound_tangent(terms->balance, terms->target[e], slope, l->candidates[e], 1,
                                                     &load));
            sum->size += fabs(slope * load);
            d->gradient[d->slope + e] = d->loads[e] - load;
        }
        if (l->capacity[e].exists) {
            lower_bound_add(sum, -d->at[d->price + e] * (double)l->capacity[e].right);
            d->gradient[d->price + e] = (double)(d->loads[e] - l->capacity[e].right);
        }
        d->rest[e] = terms->activation[e] + d->at[d->level + device] + d->at[d->active + device] - d->sum[e];
        d->open_now[e] = l->candidates[e] > 0 && d->open >= 0 && (l->always[e] || d->rest[e] < 0.0);
        sum->size += fabs(d->sum[e]);
        if (d->open_now[e]) {
            lower_bound_add(sum, d->rest[e]);
            d->opened[device]++;
        }
    }
}

static void lower_bound_devices(const spr_lowering *l, spr__lower_dual *d, lower_bound_sum *sum)
{
    const spr__terms *terms = &l->terms;
    for (int64_t g = 0; g < terms->devices; g++) {
        double work = 0.0, most = 0.0, where = 0.0;
        for (int64_t e = 0; e < terms->experts; e++)
            if (terms->device[e] == g) {
                work += terms->cost[e] * d->loads[e];
                most += terms->cost[e] * l->candidates[e];
            }
        if (spr__lower_has_work(terms, g)) {
            const double slope = d->at[d->work + g];
            lower_bound_add(sum, lower_bound_tangent(terms->device_balance, terms->device_target[g], slope,
                                                     most * (1.0 + 1e-12), 0, &where));
            sum->size += fabs(slope * where);
            d->gradient[d->work + g] = work - where;
        }
        if (terms->level > 0.0) {
            const double slope = d->at[d->level + g];
            double active = floor(slope / terms->level + 0.5);
            active = active < 0.0 ? 0.0 : active > l->members[g] ? l->members[g] : active;
            lower_bound_add(sum, 0.5 * terms->level * active * active - slope * active);
            sum->size += slope * active;
            d->gradient[d->level + g] = d->opened[g] - active;
        }
        if (terms->active_limit > 0) {
            lower_bound_add(sum, -d->at[d->active + g] * (double)terms->active_limit);
            d->gradient[d->active + g] = (double)(d->opened[g] - terms->active_limit);
        }
    }
}

/* Value of the multipliers, less what rounding may have added. */
static double lower_bound_evaluate(const spr_lowering *l, spr__lower_dual *d)
{
    lower_bound_sum sum = {l->terms.constant, fabs(l->terms.constant)};
    memset(d->gradient, 0, (size_t)d->count * sizeof d->gradient[0]);
    lower_bound_bases(l, d);
    for (int64_t t = 0; t < l->terms.tokens; t++)
        lower_bound_token(l, d, t, &sum);
    lower_bound_experts(l, d, &sum);
    lower_bound_devices(l, d, &sum);
    for (int64_t t = 0; d->open >= 0 && t < l->terms.tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            if (l->state[i] != SPR_LOWER_ZERO && !l->always[l->expert[i]])
                d->gradient[d->open + i] = (double)d->chosen[i] - d->open_now[l->expert[i]];
    d->magnitude = sum.size;
    /* every partial sum is off by at most 2^-53 of the sum of absolute values, per addition */
    return sum.value - 2.3e-16 * (double)(4 * d->count + 4 * l->entries + 1000) * sum.size;
}

/* ------------------------------------------------------------------------------------------------------------ climb */

/* The next direction: the gradient and some of the last one, without what leads out of bounds. Returns its square. */
static double lower_bound_turn(spr__lower_dual *d, double keep)
{
    double square = 0.0;
    for (int64_t i = 0; i < d->count; i++) {
        double step = d->gradient[i] + keep * d->direction[i];
        if (i >= d->free && d->at[i] <= 0.0 && step < 0.0)
            step = 0.0;
        d->direction[i] = step;
        square += step * step;
    }
    return square;
}

static void lower_bound_step(spr__lower_dual *d, double length)
{
    for (int64_t i = 0; i < d->count; i++) {
        const double next = d->at[i] + length * d->direction[i];
        d->at[i] = i >= d->free && !(next > 0.0) ? 0.0 : next;
    }
}

/* Multipliers of entries that are dearer than what their token takes are not needed for the bound. Without them, what
 * they were a part of costs the other entries more. */
static void lower_bound_slacken(const spr_lowering *l, spr__lower_dual *d)
{
    const int64_t kinds[] = {d->at_node, d->at_device, d->open};
    for (int64_t t = 0; t < l->terms.tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            double spare = d->cost[i] - d->low[t];
            if (d->chosen[i] || l->state[i] != SPR_LOWER_FREE)
                continue;
            for (int kind = 0; kind < 3 && spare > 0.0; kind++) {
                double *at = kinds[kind] >= 0 ? &d->at[kinds[kind] + i] : NULL;
                if (at == NULL)
                    continue;
                const double part = *at < spare ? *at : spare;
                *at -= part;
                spare -= part;
            }
        }
}

void spr__lower_dual_climb(const spr_lowering *l, spr__lower_dual *d)
{
    const double sweep = (double)(d->count + 8 * l->entries + 1);
    const int64_t most = LOWER_BOUND_WORK / sweep < LOWER_BOUND_SWEEPS ? (int64_t)(LOWER_BOUND_WORK / sweep) + 4
                                                                       : LOWER_BOUND_SWEEPS;
    double pace = 1.0;
    int64_t stalled = 0;
    d->bound = -INFINITY;
    /* a capacity that can no longer be exceeded has no price */
    for (int64_t e = 0; e < l->terms.experts; e++)
        if (!l->capacity[e].exists)
            d->best[d->price + e] = 0.0;
    memcpy(d->at, d->best, (size_t)d->count * sizeof d->at[0]);
    memset(d->direction, 0, (size_t)d->count * sizeof d->direction[0]);
    for (int64_t i = 0; i < most && pace > 1e-3; i++) {
        const double value = lower_bound_evaluate(l, d), gap = l->known - value;
        if (value > d->bound) {
            stalled = 0;
            d->bound = value;
            memcpy(d->best, d->at, (size_t)d->count * sizeof d->at[0]);
        } else if (++stalled >= LOWER_BOUND_PATIENCE) {
            stalled = 0;
            pace *= 0.6;
        }
        if (d->if_one != NULL && value > 2.0 * d->bound - l->known)
            spr__lower_note(l, d, value);
        const double square = lower_bound_turn(d, 0.7);
        if (!(gap > 1e-9 * l->unit) || !(square > 0.0))
            break;
        lower_bound_step(d, pace * gap / square);
    }
    memcpy(d->at, d->best, (size_t)d->count * sizeof d->at[0]);
    d->bound = lower_bound_evaluate(l, d);
    if (d->if_one == NULL)
        return;
    lower_bound_slacken(l, d);
    const double value = lower_bound_evaluate(l, d);
    spr__lower_note(l, d, value);
    memcpy(d->at, d->best, (size_t)d->count * sizeof d->at[0]);
    d->bound = lower_bound_evaluate(l, d);
    spr__lower_note(l, d, d->bound);
}
