/* SPDX-License-Identifier: MIT
 * The judge: H and its violations from scratch. Deliberately plain. */
#include "terms.h"

#include <string.h>

#include "../base/exact.h"

int spr__violated(const spr__violation *v)
{
    return v->missing + v->overload + v->active + v->devices + v->nodes + v->kept > 0;
}

/* A token's own part: affinity, pairs, devices and nodes touched. mark: [devices + nodes], last token seen there. */
static double terms_token_energy(const spr__terms *terms, int64_t t, const int32_t *ids, int32_t *mark,
                                 spr__violation *violation)
{
    int64_t devices = 0, nodes = 0, routes = 0;
    double affinity = 0.0, pairs = 0.0;
    for (int64_t i = 0; i < terms->k; i++) {
        const int32_t e = ids[i];
        if (e < 0)
            continue;
        int32_t *device = &mark[terms->device[e]], *node = &mark[terms->devices + terms->node[e]];
        affinity += (double)terms->value[t * terms->width + e];
        devices += *device != (int32_t)t;
        nodes += *node != (int32_t)t;
        *device = *node = (int32_t)t;
        routes++;
        for (int64_t j = 0; j < i && terms->pair != NULL; j++)
            if (ids[j] >= 0)
                pairs += (double)terms->pair[e * terms->width + ids[j]];
    }
    violation->missing += terms->need[t] - routes;
    violation->devices += terms->device_limit > 0 && devices > terms->device_limit ? devices - terms->device_limit : 0;
    violation->nodes += terms->node_limit > 0 && nodes > terms->node_limit ? nodes - terms->node_limit : 0;
    for (int64_t w = 0; w < terms->words && terms->keep != NULL; w++) {
        uint64_t kept = terms->keep[t * terms->words + w];
        for (int64_t i = 0; i < terms->k; i++)
            if (ids[i] >= 0 && ids[i] / 64 == w)
                kept &= ~((uint64_t)1 << (ids[i] & 63));
        for (; kept != 0; kept &= kept - 1)
            violation->kept++;
    }
    return pairs + terms->touch_device * (double)devices + terms->touch_node * (double)nodes - affinity;
}

/* What the loads cost: balance, active experts. */
static double terms_load_energy(const spr__terms *terms, const int32_t *loads, int32_t *active,
                                spr__violation *violation)
{
    double sum = 0.0;
    memset(active, 0, (size_t)terms->devices * sizeof active[0]);
    for (int64_t e = 0; e < terms->experts; e++) {
        const double load = loads[e], over = load - terms->supply[e];
        if (terms->balance > 0.0 && terms->target[e] > 0.0)
            sum += 0.5 * terms->balance * (load - terms->target[e]) * (load - terms->target[e]) / terms->target[e];
        if (loads[e] > 0) {
            sum += terms->activation[e];
            active[terms->device[e]]++;
        }
        violation->overload += over > 0.0 ? (int64_t)over : 0;
    }
    for (int64_t d = 0; d < terms->devices; d++) {
        sum += 0.5 * terms->level * (double)active[d] * (double)active[d];
        if (terms->active_limit > 0 && active[d] > terms->active_limit)
            violation->active += active[d] - terms->active_limit;
    }
    for (int64_t d = 0; d < terms->devices && terms->device_balance > 0.0; d++) {
        double work = 0.0;
        for (int64_t e = 0; e < terms->experts; e++)
            work += terms->device[e] == d ? terms->cost[e] * loads[e] : 0.0;
        if (terms->device_target[d] > 0.0)
            sum += 0.5 * terms->device_balance * (work - terms->device_target[d]) * (work - terms->device_target[d]) /
                   terms->device_target[d];
    }
    return sum;
}

double spr__terms_energy(const spr__terms *terms, const int32_t *ids, int32_t *scratch, spr__violation *violation)
{
    int32_t *loads = scratch, *active = loads + terms->experts, *mark = active + terms->experts;
    spr__violation spare;
    double energy = terms->constant;
    violation = violation != NULL ? violation : &spare;
    memset(violation, 0, sizeof *violation);
    memset(loads, 0, (size_t)terms->experts * sizeof loads[0]);
    for (int64_t i = 0; i < terms->devices + terms->nodes; i++)
        mark[i] = -1;
    for (int64_t t = 0; t < terms->tokens; t++) {
        energy += terms_token_energy(terms, t, ids + t * terms->k, mark, violation);
        for (int64_t i = 0; i < terms->k; i++)
            if (ids[t * terms->k + i] >= 0)
                loads[ids[t * terms->k + i]]++;
    }
    return energy + terms_load_energy(terms, loads, active, violation);
}
