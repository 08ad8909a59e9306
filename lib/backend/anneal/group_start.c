/* SPDX-License-Identifier: MIT
 * Before the first state: prices of limits by subgradient steps on the linear part, the order of candidates they give, and a
 * first state, group by group in order of regret. Prices as in M.L. Fisher, "The Lagrangian relaxation method for solving
 * integer programming problems", 1981; regret as in S. Martello and P. Toth, "An algorithm for the generalized assignment
 * problem", 1981. */
#include "group.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* Linear part, with squares as if they were on target. */
static double group_start_plain(const spr__group_state *state, int64_t variable)
{
    double cost = state->linear[variable];
    for (int64_t at = state->squares.row[variable]; at < state->squares.row[variable + 1]; at++) {
        const double factor = state->squares.factor[at];
        cost += state->squares.weight[state->squares.index[at]] * (factor * factor);
    }
    return cost;
}

/* work [n]: that, with prices. */
static void group_start_reduce(spr__group_state *state)
{
    const spr__group_limits *limits = &state->limits;
    if (!state->has_plain)
        for (int64_t i = 0; i < state->n; i++)
            state->plain[i] = group_start_plain(state, i);
    state->has_plain = 1;
    for (int64_t i = 0, at = 0; i < state->n; i++) {
        double cost = state->plain[i];
        for (const int64_t end = limits->row[i + 1]; at < end; at++)
            cost += limits->price[limits->index[at]] * (double)limits->weight[at];
        state->work[i] = cost;
    }
}

/* Moves the k smallest of a group by work[] to the front of list, in any order. Quick where they mostly are there already. */
static void group_start_smallest(const double *work, int32_t *list, int64_t members, int64_t k)
{
    int64_t worst = 0;
    if (k == 0)
        return;
    for (int64_t i = 1; i < k; i++)
        worst = work[list[i]] > work[list[worst]] ? i : worst;
    double most = work[list[worst]];
    for (int64_t i = k; i < members; i++) {
        const int32_t v = list[i];
        if (!(work[v] < most))
            continue;
        list[i] = list[worst];
        list[worst] = v;
        worst = 0;
        for (int64_t j = 1; j < k; j++)
            worst = work[list[j]] > work[list[worst]] ? j : worst;
        most = work[list[worst]];
    }
}

/* Spread of the linear part: what the first steps of prices hope for, for each slot. */
static double group_start_spread(const spr__group_state *state)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < state->n; i++) {
        low = state->linear[i] < low ? state->linear[i] : low;
        high = state->linear[i] > high ? state->linear[i] : high;
    }
    return high > low ? high - low : 1.0;
}

static void group_start_load(const spr__group_limits *limits, int32_t variable)
{
    for (int64_t at = limits->row[variable]; at < limits->row[variable + 1]; at++)
        limits->load[limits->index[at]] += limits->weight[at];
}

/* The value of the Lagrangian at the prices, and the loads of what is cheapest there. */
static double group_start_lagrangian(spr__group_state *state)
{
    const spr__group_groups *groups = &state->groups;
    spr__group_limits *limits = &state->limits;
    double value = 0.0;
    memset(limits->load, 0, (size_t)limits->count * sizeof limits->load[0]);
    group_start_reduce(state);
    for (int64_t i = 0; i < state->n && groups->slots_free > 0; i++) {
        if (groups->owner[i] < 0 && state->work[i] < 0.0) {
            value += state->work[i];
            group_start_load(limits, (int32_t)i);
        }
    }
    for (int64_t g = 0; g < groups->count; g++) {
        int32_t *list = groups->candidate + groups->start[g];
        group_start_smallest(state->work, list, groups->start[g + 1] - groups->start[g], groups->take[g]);
        for (int32_t i = 0; i < groups->take[g]; i++) {
            value += state->work[list[i]];
            group_start_load(limits, list[i]);
        }
    }
    for (int64_t c = 0; c < limits->count; c++)
        value -= limits->price[c] * (double)limits->most[c];
    return value;
}

/* A step towards a value that is a hope above the best one; the hope shrinks when it is not met. 0 when little is left. */
int spr__group_price_step(spr__group_state *state, int64_t step)
{
    enum { PATIENCE = 4, GUESSES = 24 };
    spr__group_limits *limits = &state->limits;
    double value = group_start_lagrangian(state);
    double norm = 0.0;
    if (step == 0)
        state->hope = 0.1 * group_start_spread(state) * (double)state->groups.slots;
    if (step == 0 || value > state->bound) {
        state->missed = step > 0 && value > state->bound + 0.1 * state->hope ? 0 : state->missed;
        state->bound = value;
        memcpy(limits->best_price, limits->price, (size_t)limits->count * sizeof limits->price[0]);
        memcpy(limits->best_load, limits->load, (size_t)limits->count * sizeof limits->load[0]);
    }
    /* the first hopes are guesses, and given up as soon as a step goes far down */
    if (++state->missed > PATIENCE || (step < GUESSES && value < state->bound - 0.25 * state->hope)) {
        state->hope *= 0.5;
        state->missed = 0;
        memcpy(limits->price, limits->best_price, (size_t)limits->count * sizeof limits->price[0]);
        memcpy(limits->load, limits->best_load, (size_t)limits->count * sizeof limits->load[0]);
        memset(limits->slope, 0, (size_t)limits->count * sizeof limits->slope[0]);
        value = state->bound;
        if (!(state->hope > 1e-4 * fabs(state->bound)))
            return 0;
    }
    /* against zigzags a step keeps a part of the one before */
    for (int64_t c = 0; c < limits->count; c++) {
        const double off = (double)(limits->load[c] - limits->most[c]) / limits->mean[c];
        limits->slope[c] = off + 0.7 * limits->slope[c];
        norm += limits->slope[c] > 0.0 || limits->price[c] > 0.0 ? limits->slope[c] * limits->slope[c] : 0.0;
    }
    const double size = norm > 0.0 ? (state->bound + state->hope - value) / norm : 0.0;
    for (int64_t c = 0; c < limits->count; c++) {
        const double price = limits->price[c] + size * limits->slope[c] / limits->mean[c];
        limits->price[c] = price > 0.0 ? price : 0.0;
    }
    return norm > 0.0;
}

/* The best prices are the prices. */
void spr__group_price_end(spr__group_state *state)
{
    memcpy(state->limits.price, state->limits.best_price, (size_t)state->limits.count * sizeof(double));
}

/* Heap sort of a list by key, ties by number. */
static int group_start_less(const double *key, int32_t a, int32_t b)
{
    return key[a] < key[b] || (key[a] == key[b] && a < b);
}

static void group_start_sort(const double *key, int32_t *list, int64_t count)
{
    int64_t sorted = 1;
    while (sorted < count && !group_start_less(key, list[sorted], list[sorted - 1]))
        sorted++;
    if (sorted >= count)
        return;
    for (int64_t end = count, root = count / 2; end > 1;) {
        int32_t item;
        if (root > 0)
            item = list[--root];
        else {
            item = list[--end];
            list[end] = list[0];
        }
        int64_t at = root;
        for (int64_t child; (child = 2 * at + 1) < end; at = child) {
            child += child + 1 < end && group_start_less(key, list[child], list[child + 1]);
            if (!group_start_less(key, item, list[child]))
                break;
            list[at] = list[child];
        }
        list[at] = item;
    }
}

/* So many candidates of a group are in order; the rest lies behind them in any order. */
static int64_t group_start_lead(const spr__group_groups *groups, int64_t g)
{
    const int64_t members = groups->start[g + 1] - groups->start[g], lead = (int64_t)groups->take[g] + SPR_GROUP_LEAD;
    return lead < members ? lead : members;
}

void spr__group_order(spr__group_state *state)
{
    const spr__group_groups *groups = &state->groups;
    const spr__group_limits *limits = &state->limits;
    for (int64_t i = 0; i < state->n && !state->loaded; i++)
        state->work[i] = limits->row[i] < limits->row[i + 1] ? (double)limits->index[limits->row[i]] : INFINITY;
    for (int64_t g = 0; g < groups->count && !state->loaded; g++)
        group_start_sort(state->work, groups->at_limit + groups->start[g], groups->start[g + 1] - groups->start[g]);
    group_start_reduce(state);
    for (int64_t g = 0; g < groups->count; g++) {
        const int64_t lead = group_start_lead(groups, g);
        int32_t *list = groups->candidate + groups->start[g];
        group_start_smallest(state->work, list, groups->start[g + 1] - groups->start[g], lead);
        group_start_sort(state->work, list, lead);
    }
}

/* What a variable would exceed limits by, in parts of their bounds; loads include what is 1 so far. */
static double group_start_over(const spr__group_state *state, int32_t variable)
{
    const spr__group_limits *limits = &state->limits;
    double over = 0.0;
    for (int64_t at = limits->row[variable]; at < limits->row[variable + 1]; at++) {
        const int32_t c = limits->index[at];
        const int64_t by = limits->load[c] + limits->weight[at] - limits->most[c];
        over += by > 0 ? (double)(by < limits->weight[at] ? by : limits->weight[at]) / ((double)limits->most[c] + 1.0) : 0.0;
    }
    return over;
}

static void group_start_take(spr__group_state *state, int32_t variable)
{
    const spr__group_limits *limits = &state->limits;
    state->bits[variable] = 1;
    for (int64_t at = limits->row[variable]; at < limits->row[variable + 1]; at++)
        limits->load[limits->index[at]] += limits->weight[at];
}

/* k of a group, the first of its candidates that fit, or those that exceed least. */
static void group_start_fill(spr__group_state *state, int64_t g)
{
    const spr__group_groups *groups = &state->groups;
    const int32_t *list = groups->candidate + groups->start[g];
    const int64_t members = groups->start[g + 1] - groups->start[g], lead = group_start_lead(groups, g);
    for (int32_t taken = 0; taken < groups->take[g]; taken++) {
        int32_t best = -1;
        double least = INFINITY;
        for (int64_t i = 0; i < members && (least > 0.0 || i > lead); i++) {
            if (state->bits[list[i]])
                continue;
            const double over = group_start_over(state, list[i]);
            if (over < least || (i >= lead && over == least && state->work[list[i]] < state->work[best])) {
                least = over;
                best = list[i];
            }
        }
        group_start_take(state, best);
    }
}

/* Groups in order of what the second choice costs more; then what in no group helps and fits. Candidates are in order, and
 * work holds their costs. */
void spr__group_greedy(spr__group_state *state)
{
    const spr__group_groups *groups = &state->groups;
    memset(state->bits, 0, (size_t)state->n);
    memset(state->limits.load, 0, (size_t)state->limits.count * sizeof state->limits.load[0]);
    /* the slots are not needed yet, and hold the order; regrets lie where the groups' first variables are */
    int32_t *order = groups->slot;
    for (int64_t g = 0; g < groups->count; g++) {
        const int32_t *list = groups->candidate + groups->start[g], k = groups->take[g];
        const int64_t members = groups->start[g + 1] - groups->start[g];
        order[g] = (int32_t)g;
        state->field[g] = k > 0 && k < members ? state->work[list[k - 1]] - state->work[list[k]] : -INFINITY;
    }
    group_start_sort(state->field, order, groups->count);
    for (int64_t g = 0; g < groups->count; g++)
        group_start_fill(state, order[g]);
    for (int64_t i = 0; i < state->n; i++)
        if (groups->owner[i] < 0 && state->work[i] < 0.0 && !(group_start_over(state, (int32_t)i) > 0.0))
            group_start_take(state, (int32_t)i);
}
