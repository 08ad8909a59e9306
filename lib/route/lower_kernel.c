/* SPDX-License-Identifier: MIT
 * What leaves the problem: entries that the constraints decide, entries beyond a token's best, entries that the bound
 * decides. The last two need the known table: every table that is as good as it stays. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* ------------------------------------------------------------------------------------------------------ constraints */

/* A token with all its experts takes no other; one that needs all that are left takes them. */
static int lower_kernel_token(spr_lowering *l, int64_t t)
{
    int64_t ones = 0, open = 0;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        ones += l->state[i] == SPR_LOWER_ONE;
        open += l->state[i] == SPR_LOWER_FREE;
    }
    if (open == 0 || (ones < l->terms.need[t] && ones + open > l->terms.need[t]))
        return 0;
    const uint8_t state = ones == l->terms.need[t] ? SPR_LOWER_ZERO : SPR_LOWER_ONE;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (l->state[i] == SPR_LOWER_FREE)
            l->state[i] = state;
    return 1;
}

static void lower_kernel_count(spr_lowering *l)
{
    const size_t experts = (size_t)l->terms.experts;
    memset(l->candidates, 0, experts * sizeof l->candidates[0]);
    memset(l->settled, 0, experts * sizeof l->settled[0]);
    for (int64_t i = 0; i < l->entries; i++) {
        l->candidates[l->expert[i]] += l->state[i] != SPR_LOWER_ZERO;
        l->settled[l->expert[i]] += l->state[i] == SPR_LOWER_ONE;
    }
}

/* Experts that are full without their free entries lose them. */
static int lower_kernel_full(spr_lowering *l)
{
    int changed = 0;
    lower_kernel_count(l);
    for (int64_t i = 0; i < l->entries; i++)
        if (l->state[i] == SPR_LOWER_FREE && l->settled[l->expert[i]] >= l->terms.supply[l->expert[i]]) {
            l->state[i] = SPR_LOWER_ZERO;
            changed = 1;
        }
    return changed;
}

/* Places that a token touches whatever it takes: one of its experts is there for sure, or the other places cannot hold
 * all of them. */
static void lower_kernel_places(const spr_lowering *l, const int32_t *map, int64_t places, uint8_t *always)
{
    for (int64_t t = 0; always != NULL && t < l->terms.tokens; t++) {
        int64_t possible = 0;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            possible += l->state[i] != SPR_LOWER_ZERO;
        for (int64_t p = 0; p < places; p++) {
            int64_t here = 0, ones = 0;
            for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
                if (map[l->expert[i]] == p) {
                    here += l->state[i] != SPR_LOWER_ZERO;
                    ones += l->state[i] == SPR_LOWER_ONE;
                }
            always[t * places + p] = ones > 0 || (here > 0 && possible - here < l->terms.need[t]);
        }
    }
}

/* Capacities that can bind. All experts together have room places too many, so none has more than that left. */
static void lower_kernel_capacities(spr_lowering *l)
{
    int64_t room = 0;
    for (int64_t t = 0; t < l->terms.tokens; t++)
        room -= l->terms.need[t];
    for (int64_t e = 0; e < l->terms.experts; e++)
        room += l->terms.supply[e] < l->candidates[e] ? (int64_t)l->terms.supply[e] : l->candidates[e];
    for (int64_t e = 0; e < l->terms.experts; e++) {
        spr__lower_row *row = &l->capacity[e];
        memset(row, 0, sizeof *row);
        row->exists = l->terms.supply[e] < l->candidates[e];
        if (!row->exists)
            continue;
        row->right = (int64_t)l->terms.supply[e];
        row->range = row->right - l->settled[e] < room ? row->right - l->settled[e] : room;
        row->range = row->range > 0 ? row->range : 0;
    }
}

void spr__lower_settle(spr_lowering *l)
{
    int changed = 1;
    while (changed) {
        changed = 0;
        for (int64_t t = 0; t < l->terms.tokens; t++)
            changed |= lower_kernel_token(l, t);
        changed |= lower_kernel_full(l);
    }
    lower_kernel_count(l);
    memset(l->members, 0, (size_t)l->terms.devices * sizeof l->members[0]);
    for (int64_t e = 0; e < l->terms.experts; e++) {
        l->always[e] = l->always[e] || l->settled[e] > 0;
        l->members[l->terms.device[e]] += l->candidates[e] > 0;
    }
    lower_kernel_places(l, l->terms.device, l->terms.devices, l->device_always);
    lower_kernel_places(l, l->terms.node, l->terms.nodes, l->node_always);
    lower_kernel_capacities(l);
}

/* ------------------------------------------------------------------------------------------------------- candidates */

static int lower_kernel_known(const spr_lowering *l, int64_t t, int32_t expert)
{
    for (int64_t i = 0; i < l->terms.k; i++)
        if (l->table[t * l->terms.k + i] == expert)
            return 1;
    return 0;
}

/* scratch: [candidates] */
void spr__lower_prune(spr_lowering *l, int64_t candidates, int64_t *scratch)
{
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        int64_t count = 0;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            const double value = spr__lower_value(l, t, i);
            int64_t at = count;
            if (count == candidates && !(value > spr__lower_value(l, t, scratch[count - 1])))
                continue;
            if (count < candidates)
                count++;
            else
                at--;
            for (; at > 0 && spr__lower_value(l, t, scratch[at - 1]) < value; at--)
                scratch[at] = scratch[at - 1];
            scratch[at] = i;
        }
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            int best = 0;
            for (int64_t j = 0; j < count && !best; j++)
                best = scratch[j] == i;
            if (!best && l->state[i] == SPR_LOWER_FREE && !lower_kernel_known(l, t, l->expert[i])) {
                l->state[i] = SPR_LOWER_ZERO;
                l->report.pruned++;
            }
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------ bound */

static double lower_kernel_positive(double rest)
{
    return rest > 0.0 ? rest : 0.0;
}

/* By how much the bound rises when an entry that was not chosen is 1: another one of the token has to go, and what it
 * makes active or touches must be paid for. */
static double lower_kernel_rise(const spr_lowering *l, const spr__lower_dual *d, int64_t t, int64_t entry)
{
    const spr__terms *terms = &l->terms;
    const int32_t e = l->expert[entry];
    double rise = d->cost[entry] - d->low[t];
    if (d->open >= 0 && !l->always[e])
        rise += lower_kernel_positive(d->rest[e]);
    if (d->at_device >= 0)
        rise += lower_kernel_positive(d->rest_device[t * terms->devices + terms->device[e]]);
    if (d->at_node >= 0)
        rise += lower_kernel_positive(d->rest_node[t * terms->nodes + terms->node[e]]);
    return rise;
}

void spr__lower_note(const spr_lowering *l, spr__lower_dual *d, double bound)
{
    for (int64_t e = 0; e < l->terms.experts; e++)
        d->rise[e] = lower_kernel_positive(-d->rest[e]);
    for (int64_t t = 0; t < l->terms.tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            if (l->state[i] != SPR_LOWER_FREE)
                continue;
            const double rise = d->chosen[i] ? d->high[t] - d->cost[i] : lower_kernel_rise(l, d, t, i);
            double *noted = d->chosen[i] ? &d->if_zero[i] : &d->if_one[i];
            *noted = bound + rise > *noted ? bound + rise : *noted;
            d->rise[l->expert[i]] += d->chosen[i] ? rise : 0.0;
        }
    for (int64_t e = 0; e < l->terms.experts; e++)
        if (bound + d->rise[e] > d->if_closed[e])
            d->if_closed[e] = bound + d->rise[e];
}

int64_t spr__lower_kernelise(spr_lowering *l, const spr__lower_dual *d)
{
    const double most = l->known + 1e-9 * (l->unit + fabs(l->known)) + 1e-15 * d->magnitude;
    int64_t found = 0;
    for (int64_t i = 0; i < l->entries; i++)
        if (l->state[i] == SPR_LOWER_FREE && (d->if_one[i] > most || d->if_zero[i] > most)) {
            l->state[i] = d->if_one[i] > most ? SPR_LOWER_ZERO : SPR_LOWER_ONE;
            found++;
        }
    for (int64_t e = 0; e < l->terms.experts; e++)
        if (d->open >= 0 && l->candidates[e] > 0 && !l->always[e] && d->if_closed[e] > most) {
            l->always[e] = 1;
            found++;
        }
    return found;
}
