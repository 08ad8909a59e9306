/* SPDX-License-Identifier: MIT */
#include "arrangement.h"

#include <string.h>

#include "../base/exact.h"

void spr__arrangement_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__arrangement *arrangement)
{
    const size_t width = (size_t)plan->width, k = (size_t)plan->options.k;
    const size_t devices = (size_t)(plan->options.devices > 0 ? plan->options.devices : 1);
    const size_t nodes = (size_t)(plan->options.nodes > 0 ? plan->options.nodes : 1);
    memset(arrangement, 0, sizeof *arrangement);
    arrangement->ids = (int32_t *)spr__arena_take(arena, tokens * k, sizeof(int32_t));
    arrangement->taken = (uint64_t *)spr__arena_take(arena, tokens * (size_t)plan->words, sizeof(uint64_t));
    arrangement->loads = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    arrangement->work = (double *)spr__arena_take(arena, devices, sizeof(double));
    arrangement->active = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    arrangement->on_device = (uint8_t *)spr__arena_take(arena, tokens * devices, 1);
    arrangement->on_node = (uint8_t *)spr__arena_take(arena, tokens * nodes, 1);
    arrangement->touched = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    arrangement->nodes_touched = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    /* no move changes a slot more than twice */
    arrangement->journal_size = (int64_t)(2 * tokens * k + 16);
    arrangement->journal = (spr__change *)spr__arena_take(arena, (size_t)arrangement->journal_size, sizeof(spr__change));
}

void spr__arrangement_open(spr__arrangement *a, const spr__terms *terms, const int32_t *ids)
{
    const size_t tokens = (size_t)terms->tokens, devices = (size_t)terms->devices, nodes = (size_t)terms->nodes;
    a->terms = terms;
    a->excess = 0.0;
    memset(a->ids, -1, tokens * (size_t)terms->k * sizeof a->ids[0]);
    memset(a->taken, 0, tokens * (size_t)terms->words * sizeof a->taken[0]);
    memset(a->loads, 0, (size_t)terms->width * sizeof a->loads[0]);
    memset(a->active, 0, devices * sizeof a->active[0]);
    memset(a->on_device, 0, tokens * devices);
    memset(a->on_node, 0, tokens * nodes);
    memset(a->touched, 0, tokens * sizeof a->touched[0]);
    memset(a->nodes_touched, 0, tokens * sizeof a->nodes_touched[0]);
    for (size_t d = 0; d < devices; d++)
        a->work[d] = 0.0;
    a->energy = 0.0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = 0; i < terms->k; i++) {
            a->journal_used = 0;
            if (ids[t * terms->k + i] >= 0)
                spr__arrangement_set(a, t, i, ids[t * terms->k + i]);
        }
    spr__arrangement_commit(a);
}

void spr__arrangement_commit(spr__arrangement *a)
{
    a->journal_used = 0;
    a->committed = a->energy;
}

/* (w/2) ((x + by - aim)^2 - (x - aim)^2) / aim */
static double arrangement_square(double weight, double x, double by, double aim)
{
    return aim > 0.0 ? 0.5 * weight * by * (2.0 * (x - aim) + by) / aim : 0.0;
}

static double arrangement_balance_change(const spr__arrangement *a, int32_t from, int32_t to)
{
    const spr__terms *terms = a->terms;
    double change = 0.0;
    if (terms->balance > 0.0) {
        change += from >= 0 ? arrangement_square(terms->balance, a->loads[from], -1.0, terms->target[from]) : 0.0;
        change += to >= 0 ? arrangement_square(terms->balance, a->loads[to], 1.0, terms->target[to]) : 0.0;
    }
    if (terms->device_balance > 0.0) {
        const int32_t d = from >= 0 ? terms->device[from] : -1, g = to >= 0 ? terms->device[to] : -1;
        const double less = from >= 0 ? -terms->cost[from] : 0.0, more = to >= 0 ? terms->cost[to] : 0.0;
        if (d >= 0)
            change += arrangement_square(terms->device_balance, a->work[d], d == g ? less + more : less,
                                         terms->device_target[d]);
        if (g >= 0 && g != d)
            change += arrangement_square(terms->device_balance, a->work[g], more, terms->device_target[g]);
    }
    return change;
}

/* u and A: the last token leaves an expert, the first one comes */
static double arrangement_active_change(const spr__arrangement *a, int32_t from, int32_t to)
{
    const spr__terms *terms = a->terms;
    const int closes = from >= 0 && a->loads[from] == 1, opens = to >= 0 && a->loads[to] == 0;
    double change = 0.0;
    if (closes)
        change -= terms->activation[from] + terms->level * (a->active[terms->device[from]] - 0.5);
    if (opens) {
        const int same = closes && terms->device[from] == terms->device[to];
        change += terms->activation[to] + terms->level * (a->active[terms->device[to]] - same + 0.5);
    }
    return change;
}

static int64_t arrangement_beyond(int64_t touched, int64_t limit)
{
    return limit > 0 && touched > limit ? touched - limit : 0;
}

static double arrangement_touch_change(const spr__arrangement *a, int64_t t, int32_t from, int32_t to)
{
    const spr__terms *terms = a->terms;
    const uint8_t *on_device = a->on_device + t * terms->devices, *on_node = a->on_node + t * terms->nodes;
    const int32_t d = from >= 0 ? terms->device[from] : -1, g = to >= 0 ? terms->device[to] : -1;
    const int32_t n = from >= 0 ? terms->node[from] : -1, m = to >= 0 ? terms->node[to] : -1;
    const int devices = d != g ? (g >= 0 && on_device[g] == 0) - (d >= 0 && on_device[d] == 1) : 0;
    const int nodes = n != m ? (m >= 0 && on_node[m] == 0) - (n >= 0 && on_node[n] == 1) : 0;
    double change = terms->touch_device * devices + terms->touch_node * nodes;
    if (a->excess > 0.0) {
        const int64_t beyond = arrangement_beyond(a->touched[t] + devices, terms->device_limit) -
                               arrangement_beyond(a->touched[t], terms->device_limit) +
                               arrangement_beyond(a->nodes_touched[t] + nodes, terms->node_limit) -
                               arrangement_beyond(a->nodes_touched[t], terms->node_limit);
        change += a->excess * (double)beyond;
    }
    return change;
}

static double arrangement_pair_change(const spr__arrangement *a, int64_t t, int64_t slot, int32_t from, int32_t to)
{
    const spr__terms *terms = a->terms;
    const int32_t *ids = a->ids + t * terms->k;
    double change = 0.0;
    for (int64_t i = 0; i < terms->k; i++)
        if (i != slot && ids[i] >= 0) {
            change += to >= 0 ? (double)terms->pair[to * terms->width + ids[i]] : 0.0;
            change -= from >= 0 ? (double)terms->pair[from * terms->width + ids[i]] : 0.0;
        }
    return change;
}

double spr__arrangement_price(const spr__arrangement *a, int64_t t, int64_t slot, int32_t to)
{
    const spr__terms *terms = a->terms;
    const int32_t from = a->ids[t * terms->k + slot];
    const float *value = terms->value + t * terms->width;
    double change = (from >= 0 ? (double)value[from] : 0.0) - (to >= 0 ? (double)value[to] : 0.0);
    if (terms->balance > 0.0 || terms->device_balance > 0.0)
        change += arrangement_balance_change(a, from, to);
    change += arrangement_active_change(a, from, to);
    if (terms->touch_device > 0.0 || terms->touch_node > 0.0 || a->excess > 0.0)
        change += arrangement_touch_change(a, t, from, to);
    if (terms->pair != NULL)
        change += arrangement_pair_change(a, t, slot, from, to);
    return change;
}

int spr__arrangement_allows(const spr__arrangement *a, int64_t t, int64_t slot, int32_t to)
{
    const spr__terms *terms = a->terms;
    const int32_t from = a->ids[t * terms->k + slot];
    if (from >= 0 && spr__keeps(terms, t, from))
        return 0;
    if (to < 0)
        return 1;
    if (!(terms->value[t * terms->width + to] > -3.0e38f) || a->loads[to] + 1.0 > terms->supply[to])
        return 0;
    const int32_t d = from >= 0 ? terms->device[from] : -1, g = terms->device[to];
    if (terms->active_limit > 0 && a->loads[to] == 0) {
        const int freed = from >= 0 && a->loads[from] == 1 && d == g;
        if (a->active[g] - freed >= terms->active_limit)
            return 0;
    }
    if (a->excess > 0.0)
        return 1;
    if (terms->device_limit > 0 && a->on_device[t * terms->devices + g] == 0) {
        const int freed = d >= 0 && a->on_device[t * terms->devices + d] == 1;
        if (a->touched[t] - freed >= terms->device_limit)
            return 0;
    }
    const int32_t n = from >= 0 ? terms->node[from] : -1, m = terms->node[to];
    if (terms->node_limit > 0 && a->on_node[t * terms->nodes + m] == 0) {
        const int freed = n >= 0 && a->on_node[t * terms->nodes + n] == 1;
        if (a->nodes_touched[t] - freed >= terms->node_limit)
            return 0;
    }
    return 1;
}

static void arrangement_count(spr__arrangement *a, int64_t t, int32_t e, int32_t by)
{
    const spr__terms *terms = a->terms;
    const int32_t d = terms->device[e], n = terms->node[e];
    uint8_t *on_device = &a->on_device[t * terms->devices + d], *on_node = &a->on_node[t * terms->nodes + n];
    a->active[d] += by > 0 ? a->loads[e] == 0 : -(a->loads[e] == 1);
    a->touched[t] += by > 0 ? *on_device == 0 : -(*on_device == 1);
    a->nodes_touched[t] += by > 0 ? *on_node == 0 : -(*on_node == 1);
    a->loads[e] += by;
    a->work[d] += by * terms->cost[e];
    *on_device = (uint8_t)(*on_device + by);
    *on_node = (uint8_t)(*on_node + by);
    a->taken[t * terms->words + e / 64] ^= (uint64_t)1 << (e & 63);
}

void spr__arrangement_set(spr__arrangement *a, int64_t t, int64_t slot, int32_t to)
{
    int32_t *place = &a->ids[t * a->terms->k + slot];
    const int32_t from = *place;
    if (from == to)
        return;
    a->energy += spr__arrangement_price(a, t, slot, to);
    a->journal[a->journal_used++] = (spr__change){(int32_t)t, (int32_t)slot, from};
    if (from >= 0)
        arrangement_count(a, t, from, -1);
    if (to >= 0)
        arrangement_count(a, t, to, 1);
    *place = to;
}

void spr__arrangement_undo(spr__arrangement *a, int64_t mark)
{
    while (a->journal_used > mark) {
        const spr__change *last = &a->journal[a->journal_used - 1];
        spr__arrangement_set(a, last->token, last->slot, last->before);
        a->journal_used -= 2;
    }
    /* exactly what it was: no drift */
    if (mark == 0)
        a->energy = a->committed;
}

void spr__arrangement_assign(spr__arrangement *a, int64_t t, const int32_t *experts)
{
    const spr__terms *terms = a->terms;
    const int64_t need = terms->need[t];
    int64_t next = 0;
    for (int64_t i = 0; i < terms->k; i++) {
        const int32_t e = a->ids[t * terms->k + i];
        int stays = 0;
        for (int64_t j = 0; j < need && e >= 0; j++)
            stays |= experts[j] == e;
        if (stays)
            continue;
        while (next < need && spr__uses(a, t, experts[next]))
            next++;
        spr__arrangement_set(a, t, i, next < need ? experts[next] : -1);
    }
}
