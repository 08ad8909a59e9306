/* SPDX-License-Identifier: MIT
 * From tables to states and back, whatever the state: routes too many are removed, worst first, then routes that are
 * missing are added, cheapest first, where the constraints leave room. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* ---------------------------------------------------------------------------------------------------------- encode */

void spr__lower_slack(const spr_lowering *lowering, uint8_t *bits)
{
    const spr__terms *terms = &lowering->terms;
    for (int64_t i = 0; i < lowering->row_count; i++) {
        const spr__lower_row *row = &lowering->rows[i];
        const int64_t places = row->kind == SPR_LOWER_DEVICES ? terms->devices : terms->nodes;
        const int32_t *codes = row->kind == SPR_LOWER_DEVICES ? lowering->device : lowering->node;
        int64_t left = row->room;
        for (int64_t t = 0; row->kind == SPR_LOWER_CAPACITY && t < terms->tokens; t++) {
            const int32_t var = lowering->var[t * terms->experts + row->index];
            left -= var >= 0 && bits[var];
        }
        for (int64_t e = 0; row->kind == SPR_LOWER_ACTIVE && e < terms->experts; e++)
            left -= terms->device[e] == row->index && lowering->active[e] >= 0 && bits[lowering->active[e]];
        for (int64_t d = 0; row->kind >= SPR_LOWER_DEVICES && d < places; d++)
            left -= codes[row->index * places + d] >= 0 && bits[codes[row->index * places + d]];
        /* the last digit is at most one more than all others together, so that taking the largest first never fails */
        for (int32_t digit = row->digits - 1; digit >= 0; digit--) {
            int64_t others = 0;
            for (int32_t j = 0; j < digit; j++)
                others += lowering->second[row->first + j];
            bits[row->first + digit] = left > others;
            left -= left > others ? lowering->second[row->first + digit] : 0;
        }
    }
}

/* Auxiliary bits are the ORs of their x. */
static void lower_decode_or(const spr_lowering *lowering, uint8_t *bits)
{
    const spr__terms *terms = &lowering->terms;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t e = 0; e < terms->experts; e++) {
            const int32_t var = lowering->var[t * terms->experts + e];
            if (var < 0 || !bits[var])
                continue;
            const int32_t codes[] = {
                lowering->active[e],
                lowering->device != NULL ? lowering->device[t * terms->devices + terms->device[e]] : SPR_LOWER_NONE,
                lowering->node != NULL ? lowering->node[t * terms->nodes + terms->node[e]] : SPR_LOWER_NONE};
            for (int i = 0; i < 3; i++)
                if (codes[i] >= 0)
                    bits[codes[i]] = 1;
        }
}

static spr_status lower_decode_refuse(const spr_lowering *lowering, int64_t t, int32_t e, spr_error *error)
{
    const int32_t var = lowering->var[t * lowering->terms.experts + e];
    return spr__fail(error, SPR_ERROR_CONFLICT, "ids has token %lld at expert %d, which %s", (long long)t, (int)e,
                     var == SPR_LOWER_ZERO     ? "the kernel left out"
                     : var == SPR_LOWER_PRUNED ? "is none of the candidates"
                                               : "the token may not use");
}

spr_status spr_lowering_encode(const spr_lowering *lowering, const int32_t *ids, uint8_t *bits, spr_error *error)
{
    if (lowering == NULL || bits == NULL || (ids == NULL && lowering->terms.tokens > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL",
                         lowering == NULL ? "lowering" : bits == NULL ? "bits" : "ids");
    const spr__terms *terms = &lowering->terms;
    const int64_t experts = terms->experts, k = terms->k;
    for (int64_t i = 0; i < terms->tokens * k; i++)
        if (ids[i] < -1 || ids[i] >= experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "ids holds %d at token %lld, slot %lld; accepted is -1..%lld",
                             (int)ids[i], (long long)(i / k), (long long)(i % k), (long long)experts - 1);
    memset(bits, 0, (size_t)lowering->report.variables);
    for (int64_t i = 0; i < terms->tokens * k; i++) {
        if (ids[i] < 0)
            continue;
        const int32_t var = lowering->var[i / k * experts + ids[i]];
        if (!spr__lower_can(var))
            return lower_decode_refuse(lowering, i / k, ids[i], error);
        if (var >= 0)
            bits[var] = 1;
    }
    for (int64_t i = 0; i < terms->tokens * experts; i++) {
        int found = lowering->var[i] != SPR_LOWER_ONE;
        for (int64_t j = 0; j < k && !found; j++)
            found = ids[i / experts * k + j] == i % experts;
        if (!found)
            return spr__fail(error, SPR_ERROR_CONFLICT, "ids has token %lld without expert %lld, which is fixed there",
                             (long long)(i / experts), (long long)(i % experts));
    }
    lower_decode_or(lowering, bits);
    spr__lower_slack(lowering, bits);
    return spr__ok(error);
}

/* ---------------------------------------------------------------------------------------------------------- repair */

static uint8_t *lower_decode_row(const spr_lowering *lowering, int64_t t)
{
    return lowering->taken + t * lowering->terms.experts;
}

static void lower_decode_set(spr_lowering *lowering, int64_t t, int64_t e, int on)
{
    const int32_t device = lowering->terms.device[e];
    if (on && lowering->loads[e]++ == 0)
        lowering->opened[device]++;
    if (!on && --lowering->loads[e] == 0)
        lowering->opened[device]--;
    lower_decode_row(lowering, t)[e] = (uint8_t)on;
}

/* Routes of the token at a place, and places it touches. */
static int64_t lower_decode_at(const spr_lowering *lowering, int64_t t, const int32_t *map, int32_t place)
{
    const uint8_t *row = lower_decode_row(lowering, t);
    int64_t count = 0;
    for (int64_t e = 0; e < lowering->terms.experts; e++)
        count += row[e] && map[e] == place;
    return count;
}

static int64_t lower_decode_touched(const spr_lowering *lowering, int64_t t, const int32_t *map, int64_t places)
{
    int64_t touched = 0;
    for (int32_t d = 0; d < places; d++)
        touched += lower_decode_at(lowering, t, map, d) > 0;
    return touched;
}

/* What x = 1 costs beside the other routes there are. */
static double lower_decode_cost(const spr_lowering *lowering, int64_t t, int64_t e)
{
    const spr__terms *terms = &lowering->terms;
    const uint8_t *row = lower_decode_row(lowering, t);
    const int32_t device = terms->device[e];
    const double load = lowering->loads[e] - (row[e] != 0);
    double cost = -(double)terms->value[t * terms->width + e];
    if (terms->balance > 0.0 && terms->target[e] > 0.0)
        cost += terms->balance * ((load + 0.5) / terms->target[e] - 1.0);
    if (terms->device_balance > 0.0 && terms->device_target[device] > 0.0) {
        double work = row[e] ? -terms->cost[e] : 0.0;
        for (int64_t f = 0; f < terms->experts; f++)
            work += terms->device[f] == device ? terms->cost[f] * lowering->loads[f] : 0.0;
        cost += terms->device_balance * terms->cost[e] *
                ((work + 0.5 * terms->cost[e]) / terms->device_target[device] - 1.0);
    }
    if (load < 1.0)
        cost += terms->activation[e] + terms->level * ((double)lowering->opened[device] - (row[e] != 0) + 0.5);
    if (terms->touch_device > 0.0 && lower_decode_at(lowering, t, terms->device, device) == (row[e] != 0))
        cost += terms->touch_device;
    if (terms->touch_node > 0.0 && lower_decode_at(lowering, t, terms->node, terms->node[e]) == (row[e] != 0))
        cost += terms->touch_node;
    for (int64_t f = 0; f < terms->experts && terms->pair != NULL; f++)
        cost += row[f] && f != e ? (double)terms->pair[e * terms->width + f] : 0.0;
    return cost;
}

/* Removes the token's dearest route that it need not keep; at: only of that device, or node (-1 = any). 0 if none. */
static int lower_decode_drop(spr_lowering *lowering, int64_t t, const int32_t *map, int32_t place)
{
    const spr__terms *terms = &lowering->terms;
    const uint8_t *row = lower_decode_row(lowering, t);
    int64_t worst = -1;
    double most = 0.0;
    for (int64_t e = 0; e < terms->experts; e++) {
        if (!row[e] || (map != NULL && map[e] != place) || spr__keeps(terms, t, (int32_t)e))
            continue;
        const double cost = lower_decode_cost(lowering, t, e);
        if (worst < 0 || cost > most) {
            worst = e;
            most = cost;
        }
    }
    if (worst >= 0)
        lower_decode_set(lowering, t, worst, 0);
    return worst >= 0;
}

/* Leaves the places whose routes are worth least until the limit is kept. */
static void lower_decode_leave(spr_lowering *lowering, int64_t t, const int32_t *map, int64_t places, int64_t limit)
{
    const spr__terms *terms = &lowering->terms;
    const uint8_t *row = lower_decode_row(lowering, t);
    while (limit > 0 && lower_decode_touched(lowering, t, map, places) > limit) {
        int32_t worst = -1;
        double least = 0.0;
        for (int32_t d = 0; d < places; d++) {
            double worth = 0.0;
            int64_t routes = 0, kept = 0;
            for (int64_t e = 0; e < terms->experts; e++)
                if (row[e] && map[e] == d) {
                    worth -= lower_decode_cost(lowering, t, e);
                    kept += spr__keeps(terms, t, (int32_t)e);
                    routes++;
                }
            if (routes > 0 && kept == 0 && (worst < 0 || worth < least)) {
                worst = d;
                least = worth;
            }
        }
        if (worst < 0)
            return;
        while (lower_decode_drop(lowering, t, map, worst)) {
        }
    }
}

/* Closes experts with the fewest routes where too many are active, then removes the dearest routes of full experts. */
static void lower_decode_unload(spr_lowering *lowering)
{
    const spr__terms *terms = &lowering->terms;
    for (int32_t d = 0; d < terms->devices; d++)
        while (terms->active_limit > 0 && lowering->opened[d] > terms->active_limit) {
            int64_t least = -1;
            for (int64_t e = 0; e < terms->experts; e++) {
                int kept = terms->device[e] != d || lowering->loads[e] == 0;
                for (int64_t t = 0; t < terms->tokens && !kept; t++)
                    kept = lower_decode_row(lowering, t)[e] && spr__keeps(terms, t, (int32_t)e);
                if (!kept && (least < 0 || lowering->loads[e] < lowering->loads[least]))
                    least = e;
            }
            if (least < 0)
                break;
            for (int64_t t = 0; t < terms->tokens; t++)
                if (lower_decode_row(lowering, t)[least])
                    lower_decode_set(lowering, t, least, 0);
        }
    for (int64_t e = 0; e < terms->experts; e++)
        while ((double)lowering->loads[e] > terms->supply[e]) {
            int64_t worst = -1;
            double most = 0.0;
            for (int64_t t = 0; t < terms->tokens; t++) {
                if (!lower_decode_row(lowering, t)[e] || spr__keeps(terms, t, (int32_t)e))
                    continue;
                const double cost = lower_decode_cost(lowering, t, e);
                if (worst < 0 || cost > most) {
                    worst = t;
                    most = cost;
                }
            }
            if (worst < 0)
                break;
            lower_decode_set(lowering, worst, e, 0);
        }
}

/* May the token take the expert beside its others? full: also where there is no place left. */
static int lower_decode_fits(const spr_lowering *lowering, int64_t t, int64_t e, int full)
{
    const spr__terms *terms = &lowering->terms;
    if (!spr__lower_may(terms, t, e) || lower_decode_row(lowering, t)[e])
        return 0;
    if (!full && (double)lowering->loads[e] + 1.0 > terms->supply[e])
        return 0;
    if (terms->active_limit > 0 && lowering->loads[e] == 0 &&
        lowering->opened[terms->device[e]] >= terms->active_limit)
        return 0;
    if (terms->device_limit > 0 && lower_decode_at(lowering, t, terms->device, terms->device[e]) == 0 &&
        lower_decode_touched(lowering, t, terms->device, terms->devices) >= terms->device_limit)
        return 0;
    return !(terms->node_limit > 0 && lower_decode_at(lowering, t, terms->node, terms->node[e]) == 0 &&
             lower_decode_touched(lowering, t, terms->node, terms->nodes) >= terms->node_limit);
}

/* Cheapest expert that fits, or -1. */
static int64_t lower_decode_cheapest(const spr_lowering *lowering, int64_t t, int64_t except)
{
    int64_t best = -1;
    double least = 0.0;
    for (int64_t e = 0; e < lowering->terms.experts; e++) {
        if (e == except || !lower_decode_fits(lowering, t, e, 0))
            continue;
        const double cost = lower_decode_cost(lowering, t, e);
        if (best < 0 || cost < least) {
            best = e;
            least = cost;
        }
    }
    return best;
}

/* A full expert makes place: another token moves on from it. */
static int lower_decode_push(spr_lowering *lowering, int64_t t)
{
    const spr__terms *terms = &lowering->terms;
    for (int64_t e = 0; e < terms->experts; e++) {
        if (!lower_decode_fits(lowering, t, e, 1))
            continue;
        for (int64_t u = 0; u < terms->tokens; u++) {
            if (u == t || !lower_decode_row(lowering, u)[e] || spr__keeps(terms, u, (int32_t)e))
                continue;
            lower_decode_set(lowering, u, e, 0);
            lower_decode_set(lowering, t, e, 1);
            const int64_t other = lower_decode_cheapest(lowering, u, e);
            if (other >= 0) {
                lower_decode_set(lowering, u, other, 1);
                return 1;
            }
            lower_decode_set(lowering, t, e, 0);
            lower_decode_set(lowering, u, e, 1);
        }
    }
    return 0;
}

static int64_t lower_decode_count(const spr_lowering *lowering, int64_t t)
{
    int64_t count = 0;
    for (int64_t e = 0; e < lowering->terms.experts; e++)
        count += lower_decode_row(lowering, t)[e];
    return count;
}

/* Takes the state's x, with what is fixed. Returns the number of routes that had to be added or removed. */
static int64_t lower_decode_repair(spr_lowering *lowering, const uint8_t *bits)
{
    const spr__terms *terms = &lowering->terms;
    const int64_t experts = terms->experts;
    int64_t removed = 0, added = 0, before = 0;
    memset(lowering->taken, 0, (size_t)(terms->tokens * experts));
    memset(lowering->loads, 0, (size_t)experts * sizeof lowering->loads[0]);
    memset(lowering->opened, 0, (size_t)terms->devices * sizeof lowering->opened[0]);
    for (int64_t i = 0; i < terms->tokens * experts; i++)
        if (spr__lower_bit(lowering->var[i], bits)) {
            lower_decode_set(lowering, i / experts, i % experts, 1);
            before++;
        }
    lower_decode_unload(lowering);
    for (int64_t t = 0; t < terms->tokens; t++) {
        lower_decode_leave(lowering, t, terms->node, terms->nodes, terms->node_limit);
        lower_decode_leave(lowering, t, terms->device, terms->devices, terms->device_limit);
        while (lower_decode_count(lowering, t) > terms->need[t] && lower_decode_drop(lowering, t, NULL, 0)) {
        }
    }
    removed = before;
    for (int64_t t = 0; t < terms->tokens; t++)
        removed -= lower_decode_count(lowering, t);
    for (int64_t t = 0; t < terms->tokens; t++)
        while (lower_decode_count(lowering, t) < terms->need[t]) {
            const int64_t best = lower_decode_cheapest(lowering, t, -1);
            if (best >= 0)
                lower_decode_set(lowering, t, best, 1);
            else if (!lower_decode_push(lowering, t))
                return -1;
            added++;
        }
    return removed > added ? removed : added;
}

/* Ids of a token in the order of rank, best first; equal ones by number. */
static void lower_decode_write(const spr_lowering *lowering, const uint8_t *row, int64_t t, int32_t *ids)
{
    const spr__terms *terms = &lowering->terms;
    const float *rank = lowering->rank + t * terms->width;
    int64_t held = 0;
    for (int32_t e = 0; e < terms->experts && held < terms->k; e++) {
        if (!row[e])
            continue;
        int64_t slot = held++;
        for (; slot > 0 && rank[e] > rank[ids[slot - 1]]; slot--)
            ids[slot] = ids[slot - 1];
        ids[slot] = e;
    }
    for (; held < terms->k; held++)
        ids[held] = -1;
}

spr_status spr_lowering_decode(spr_lowering *lowering, const uint8_t *bits, int32_t *ids, double *energy,
                               int64_t *repairs, spr_error *error)
{
    if (lowering == NULL || bits == NULL || (ids == NULL && lowering->terms.tokens > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL",
                         lowering == NULL ? "lowering" : bits == NULL ? "bits" : "ids");
    const spr__terms *terms = &lowering->terms;
    for (int64_t i = 0; i < lowering->report.variables; i++)
        if (bits[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "bits[%lld] is %d; accepted is 0 or 1", (long long)i,
                             (int)bits[i]);
    int64_t changed = lower_decode_repair(lowering, bits);
    double found = INFINITY;
    spr__violation violation;
    if (changed >= 0) {
        for (int64_t t = 0; t < terms->tokens; t++)
            lower_decode_write(lowering, lower_decode_row(lowering, t), t, lowering->found + t * terms->k);
        found = spr__terms_energy(terms, lowering->found, lowering->scratch, &violation);
        if (spr__violated(&violation) || !(found <= lowering->report.known))
            changed = -1;
    }
    if (changed < 0) {
        found = lowering->report.known;
        for (int64_t t = 0; t < terms->tokens; t++) {
            uint8_t *row = lower_decode_row(lowering, t);
            memset(row, 0, (size_t)terms->experts);
            for (int64_t i = 0; i < terms->k; i++)
                if (lowering->known[t * terms->k + i] >= 0)
                    row[lowering->known[t * terms->k + i]] = 1;
            lower_decode_write(lowering, row, t, lowering->found + t * terms->k);
        }
    }
    if (terms->tokens > 0)
        memcpy(ids, lowering->found, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
    if (energy != NULL)
        *energy = found;
    if (repairs != NULL)
        *repairs = changed;
    return spr__ok(error);
}
