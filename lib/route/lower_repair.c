/* SPDX-License-Identifier: MIT
 * A table that breaks constraints, repaired by the cheapest moves in sight. A move is worth first what it does to the
 * sum of violations, then what it does to H. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

typedef struct lower_repair_price {
    int64_t violation;
    double energy;
} lower_repair_price;

static int lower_repair_less(lower_repair_price a, lower_repair_price b)
{
    return a.violation != b.violation ? a.violation < b.violation : a.energy < b.energy;
}

static const lower_repair_price lower_repair_never = {INT64_MAX / 4, 0.0};

/* ------------------------------------------------------------------------------------------------------------ moves */

/* Routes of the token at each device and node. */
static void lower_repair_turn_to(const spr_lowering *l, spr__lower_repair *r, int64_t t)
{
    if (r->token == t)
        return;
    r->token = t;
    memset(r->touches, 0, (size_t)(l->terms.devices + l->terms.nodes) * sizeof r->touches[0]);
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (r->on[i]) {
            r->touches[l->terms.device[l->expert[i]]]++;
            r->touches[l->terms.devices + l->terms.node[l->expert[i]]]++;
        }
}

static double lower_repair_square(double weight, double target, double from, double step)
{
    return 0.5 * weight * step * (2.0 * (from - target) + step) / target;
}

/* What switching the entry on costs, in the state without it. */
static lower_repair_price lower_repair_add(const spr_lowering *l, const spr__lower_repair *r, int64_t t, int64_t i)
{
    const spr__terms *terms = &l->terms;
    const int32_t e = l->expert[i], d = terms->device[e], n = terms->node[e];
    const int32_t *devices = r->touches, *nodes = r->touches + terms->devices;
    lower_repair_price price = {r->loads[e] >= terms->supply[e], -spr__lower_value(l, t, i)};
    if (spr__lower_has_balance(terms, e))
        price.energy += lower_repair_square(terms->balance, terms->target[e], r->loads[e], 1.0);
    if (spr__lower_has_work(terms, d))
        price.energy += lower_repair_square(terms->device_balance, terms->device_target[d], r->work[d], terms->cost[e]);
    if (r->loads[e] == 0) {
        price.energy += terms->activation[e] + terms->level * (r->opened[d] + 0.5);
        price.violation += terms->active_limit > 0 && r->opened[d] >= terms->active_limit;
    }
    int64_t touched = 0;
    for (int64_t p = 0; p < terms->devices && devices[d] == 0 && terms->device_limit > 0; p++)
        touched += devices[p] > 0;
    price.violation += touched > 0 && touched >= terms->device_limit;
    touched = 0;
    for (int64_t p = 0; p < terms->nodes && nodes[n] == 0 && terms->node_limit > 0; p++)
        touched += nodes[p] > 0;
    price.violation += touched > 0 && touched >= terms->node_limit;
    price.energy += (devices[d] == 0 ? terms->touch_device : 0.0) + (nodes[n] == 0 ? terms->touch_node : 0.0);
    for (int64_t j = l->start[t]; terms->pair != NULL && j < l->start[t + 1]; j++)
        if (r->on[j])
            price.energy += (double)terms->pair[e * terms->width + l->expert[j]];
    return price;
}

static void lower_repair_switch(const spr_lowering *l, spr__lower_repair *r, int64_t t, int64_t i, int on)
{
    const int32_t e = l->expert[i], d = l->terms.device[e], step = on ? 1 : -1;
    r->on[i] = (uint8_t)on;
    r->opened[d] += on ? r->loads[e] == 0 : -(r->loads[e] == 1);
    r->loads[e] += step;
    r->work[d] += step * l->terms.cost[e];
    r->routes[t] += step;
    if (r->token == t) {
        r->touches[d] += step;
        r->touches[l->terms.devices + l->terms.node[e]] += step;
    }
}

/* What switching the entry off costs; the state is left as it was. */
static lower_repair_price lower_repair_drop(const spr_lowering *l, spr__lower_repair *r, int64_t t, int64_t i)
{
    lower_repair_switch(l, r, t, i, 0);
    const lower_repair_price gain = lower_repair_add(l, r, t, i);
    lower_repair_switch(l, r, t, i, 1);
    return (lower_repair_price){-gain.violation, -gain.energy};
}

static int lower_repair_may_go(const spr_lowering *l, const spr__lower_repair *r, int64_t t, int64_t i)
{
    return r->on[i] && !spr__keeps(&l->terms, t, l->expert[i]);
}

/* Cheapest entry to switch on, not the expert, not at the place (of map), -1 = none. */
static int64_t lower_repair_best(const spr_lowering *l, const spr__lower_repair *r, int64_t t, int32_t expert,
                                 const int32_t *map, int32_t place, lower_repair_price *price)
{
    int64_t best = -1;
    *price = lower_repair_never;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        if (r->on[i] || l->expert[i] == expert || (map != NULL && map[l->expert[i]] == place))
            continue;
        const lower_repair_price here = lower_repair_add(l, r, t, i);
        if (best < 0 || lower_repair_less(here, *price)) {
            best = i;
            *price = here;
        }
    }
    return best;
}

static void lower_repair_fill(const spr_lowering *l, spr__lower_repair *r, int64_t t, int32_t expert,
                              const int32_t *map,
                              int32_t place)
{
    lower_repair_price price;
    lower_repair_turn_to(l, r, t);
    while (r->routes[t] < l->terms.need[t]) {
        const int64_t i = lower_repair_best(l, r, t, expert, map, place, &price);
        if (i < 0)
            return;
        lower_repair_switch(l, r, t, i, 1);
    }
}

/* ------------------------------------------------------------------------------------------------------ constraints */

static void lower_repair_count(const spr_lowering *l, spr__lower_repair *r)
{
    const spr__terms *terms = &l->terms;
    r->token = -1;
    memset(r->loads, 0, (size_t)terms->experts * sizeof r->loads[0]);
    memset(r->opened, 0, (size_t)terms->devices * sizeof r->opened[0]);
    memset(r->routes, 0, (size_t)terms->tokens * sizeof r->routes[0]);
    for (int64_t d = 0; d < terms->devices; d++)
        r->work[d] = 0.0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            if (r->on[i]) {
                r->on[i] = 0;
                lower_repair_switch(l, r, t, i, 1);
            }
}

/* Every token has what it keeps, and as many experts as it needs. */
static void lower_repair_token(const spr_lowering *l, spr__lower_repair *r, int64_t t)
{
    lower_repair_turn_to(l, r, t);
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (!r->on[i] && spr__keeps(&l->terms, t, l->expert[i]))
            lower_repair_switch(l, r, t, i, 1);
    while (r->routes[t] > l->terms.need[t]) {
        lower_repair_price least = lower_repair_never;
        int64_t worst = -1;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            if (!lower_repair_may_go(l, r, t, i))
                continue;
            const lower_repair_price price = lower_repair_drop(l, r, t, i);
            if (worst < 0 || lower_repair_less(price, least)) {
                worst = i;
                least = price;
            }
        }
        if (worst < 0)
            break;
        lower_repair_switch(l, r, t, worst, 0);
    }
    lower_repair_fill(l, r, t, -1, NULL, 0);
}

/* The cheapest move of a route from the expert to another one; 0 if none mends anything. */
static int lower_repair_relieve(const spr_lowering *l, spr__lower_repair *r, int32_t expert)
{
    lower_repair_price least = {0, 0.0};
    int64_t from = -1, to = -1, token = -1;
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        const int64_t i = spr__lower_find(l, t, expert);
        lower_repair_price price;
        if (i < 0 || !lower_repair_may_go(l, r, t, i))
            continue;
        lower_repair_turn_to(l, r, t);
        const lower_repair_price drop = lower_repair_drop(l, r, t, i);
        lower_repair_switch(l, r, t, i, 0);
        const int64_t best = lower_repair_best(l, r, t, expert, NULL, 0, &price);
        lower_repair_switch(l, r, t, i, 1);
        price.violation += drop.violation;
        price.energy += drop.energy;
        if (best >= 0 && price.violation < 0 && (from < 0 || lower_repair_less(price, least))) {
            least = price;
            from = i;
            to = best;
            token = t;
        }
    }
    if (from < 0)
        return 0;
    lower_repair_turn_to(l, r, token);
    lower_repair_switch(l, r, token, from, 0);
    lower_repair_switch(l, r, token, to, 1);
    return 1;
}

/* All routes of the expert go elsewhere. */
static void lower_repair_close(const spr_lowering *l, spr__lower_repair *r, int32_t expert)
{
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        const int64_t i = spr__lower_find(l, t, expert);
        if (i < 0 || !r->on[i])
            continue;
        lower_repair_turn_to(l, r, t);
        lower_repair_switch(l, r, t, i, 0);
        lower_repair_fill(l, r, t, expert, NULL, 0);
    }
}

/* The device's active expert with the fewest routes that nobody must keep, or -1. */
static int32_t lower_repair_dispensable(const spr_lowering *l, const spr__lower_repair *r, int32_t device)
{
    int32_t best = -1;
    for (int32_t e = 0; e < l->terms.experts; e++) {
        int kept = 0;
        if (l->terms.device[e] != device || r->loads[e] == 0 || (best >= 0 && r->loads[e] >= r->loads[best]))
            continue;
        for (int64_t t = 0; t < l->terms.tokens && !kept; t++)
            kept = spr__keeps(&l->terms, t, e);
        best = kept ? best : e;
    }
    return best;
}

static void lower_repair_device(const spr_lowering *l, spr__lower_repair *r, int32_t device)
{
    for (int64_t i = 0; i < l->terms.experts && r->opened[device] > l->terms.active_limit; i++) {
        const int32_t e = lower_repair_dispensable(l, r, device);
        if (e < 0)
            return;
        lower_repair_close(l, r, e);
    }
}

/* The token leaves the places with the fewest of its routes until it is within the limit. */
static void lower_repair_places(const spr_lowering *l, spr__lower_repair *r, int64_t t, const int32_t *map,
                                int64_t places,
                                int64_t limit, int64_t first)
{
    lower_repair_turn_to(l, r, t);
    for (int64_t round = 0; round < places; round++) {
        int64_t touched = 0, worst = -1;
        for (int64_t p = 0; p < places; p++) {
            const int32_t here = r->touches[first + p];
            int kept = 0;
            touched += here > 0;
            for (int64_t i = l->start[t]; i < l->start[t + 1] && here > 0 && !kept; i++)
                kept = map[l->expert[i]] == p && spr__keeps(&l->terms, t, l->expert[i]);
            if (here > 0 && !kept && (worst < 0 || here < r->touches[first + worst]))
                worst = p;
        }
        if (touched <= limit || worst < 0)
            return;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            if (r->on[i] && map[l->expert[i]] == worst)
                lower_repair_switch(l, r, t, i, 0);
        lower_repair_fill(l, r, t, -1, map, (int32_t)worst);
    }
}

static void lower_repair_round(const spr_lowering *l, spr__lower_repair *r)
{
    const spr__terms *terms = &l->terms;
    for (int64_t t = 0; t < terms->tokens; t++) {
        if (terms->device_limit > 0)
            lower_repair_places(l, r, t, terms->device, terms->devices, terms->device_limit, 0);
        if (terms->node_limit > 0)
            lower_repair_places(l, r, t, terms->node, terms->nodes, terms->node_limit, terms->devices);
    }
    for (int32_t d = 0; d < terms->devices && terms->active_limit > 0; d++)
        lower_repair_device(l, r, d);
    for (int32_t e = 0; e < terms->experts; e++)
        while (r->loads[e] > terms->supply[e] && lower_repair_relieve(l, r, e))
            ;
}

void spr__lower_repair_run(const spr_lowering *l, spr__lower_repair *r)
{
    lower_repair_count(l, r);
    for (int64_t t = 0; t < l->terms.tokens; t++)
        lower_repair_token(l, r, t);
    for (int round = 0; round < 3; round++) {
        lower_repair_round(l, r);
        for (int64_t t = 0; t < l->terms.tokens; t++)
            lower_repair_fill(l, r, t, -1, NULL, 0);
    }
}
