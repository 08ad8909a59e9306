/* SPDX-License-Identifier: MIT
 * Moves after pricing: shortest augmenting paths between experts (successive shortest paths for minimum cost flow).
 *
 * A path from an expert that has too much to one with room is a chain of moves that changes the load of its two ends
 * only. Arc costs are taken relative to the prices, so they are not negative and Dijkstra's algorithm finds the cheapest
 * path, stopping at the first expert with room; the prices then follow the distances. First, paths from experts over
 * capacity; if there are none left, no assignment exists. Then any path that lowers H, up to the plan's limit. */
#include "graph.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum {
    REPAIR_ALL_TOKENS = 256,     /* batches up to this size are contested entirely */
    REPAIR_PER_MOVE = 4,         /* contested tokens per expected move, at first */
    REPAIR_WIDEN = 2,            /* times as many when they do not suffice */
    REPAIR_CHAIN = 4             /* moves in a row that are tried together */
};

typedef struct repair_state {
    spr__exchange exchange;
    const spr__options *options;
    spr__market *market;
    spr__graph *graph;
    int32_t *loads;
    int64_t experts, width;
    double least_gain;           /* improvements below it are rounding */
} repair_state;

/* How H changes, besides affinity, when e gives up one route (sign -1) or takes one more (sign +1). */
static double repair_change(const repair_state *state, int64_t e, double sign)
{
    const spr__market *market = state->market;
    const double a = state->options->balance_weight, b = state->options->device_balance_weight;
    double change = 0.0;
    if (a > 0.0 && market->target[e] > 0.0)
        change += a / (2.0 * market->target[e]) * (2.0 * sign * (state->loads[e] - market->target[e]) + 1.0);
    const int32_t d = market->device[e];
    if (b > 0.0 && market->device_target[d] > 0.0)
        change += b / (2.0 * market->device_target[d]) * market->cost[e] *
                  (2.0 * sign * (market->device_work[d] - market->device_target[d]) + market->cost[e]);
    return change;
}

/* The same for one route from one expert to another; on one device, giving and taking partly cancel. */
static double repair_change_pair(const repair_state *state, int64_t from, int64_t to)
{
    const spr__market *market = state->market;
    const double b = state->options->device_balance_weight;
    const int32_t d = market->device[from];
    double change = repair_change(state, from, -1.0) + repair_change(state, to, 1.0);
    if (b > 0.0 && market->device[to] == d && market->device_target[d] > 0.0)
        change -= b * market->cost[from] * market->cost[to] / market->device_target[d];
    return change;
}

static int repair_has_room(const repair_state *state, int64_t e)
{
    return state->loads[e] < state->market->supply[e];
}

static int repair_is_over(const repair_state *state, int64_t e)
{
    return state->loads[e] > state->market->supply[e];
}

/* Where paths start: at experts over capacity, all alike; or at all that have something to give, at what H then loses. */
static void repair_sources(repair_state *state, int only_over)
{
    spr__graph *graph = state->graph;
    for (int64_t e = 0; e < state->width; e++) {
        graph->distance[e] = graph->open[e] = INFINITY;
        graph->previous[e] = -1;
    }
    for (int64_t e = 0; e < state->experts; e++)
        if (only_over && repair_is_over(state, e))
            graph->open[e] = 0.0f;
        else if (!only_over && state->loads[e] > 0)
            graph->open[e] = (float)(repair_change(state, e, -1.0) + graph->potential[e]);
}

/* The nearest expert that is not done; its distance is final. -1 if there is none. */
static int64_t repair_next(repair_state *state)
{
    spr__graph *graph = state->graph;
    const int64_t e = state->exchange.call->kernel->nearest(graph->open, state->width);
    if (e >= 0) {
        graph->distance[e] = graph->open[e];
        graph->open[e] = -INFINITY;
    }
    return e;
}

static void repair_expand(repair_state *state, int64_t e)
{
    spr__graph *graph = state->graph;
    const float *cost = spr__exchange_row(&state->exchange, e);
    state->exchange.call->kernel->relax_row(cost, graph->potential, state->width, graph->distance[e],
                                            graph->potential[e], (int32_t)e, graph->open, graph->previous);
}

/* Cheapest path from an expert over capacity to one with room: its end, or -1. */
static int64_t repair_search_over(repair_state *state)
{
    repair_sources(state, 1);
    for (int64_t e; (e = repair_next(state)) >= 0;) {
        if (repair_has_room(state, e))
            return e;
        repair_expand(state, e);
    }
    return -1;
}

/* Cheapest path between any two experts, if it lowers H: its end, or -1. */
static int64_t repair_search_any(repair_state *state)
{
    const spr__graph *graph = state->graph;
    double best_value = -state->least_gain, most = -INFINITY;
    int64_t best = -1;
    for (int64_t f = 0; f < state->experts; f++)
        if (repair_has_room(state, f)) {
            double gain = graph->potential[f] - repair_change(state, f, 1.0);
            most = gain > most ? gain : most;
        }
    repair_sources(state, 0);
    for (int64_t e; (e = repair_next(state)) >= 0;) {
        /* no end is worth more than that */
        if (!(graph->distance[e] - most < best_value))
            break;
        if (graph->previous[e] >= 0 && repair_has_room(state, e)) {
            double value = graph->distance[e] - graph->potential[e] + repair_change(state, e, 1.0);
            if (value < best_value) {
                best_value = value;
                best = e;
            }
        }
        repair_expand(state, e);
    }
    return best;
}

/* The single move that lowers H most (or raises it least), counted exactly: with device balance the searches above see
 * the two ends of a path apart. Tokens in chain[0..moved-1] stay. Leaves it as a path of two; returns its change of H. */
static double repair_best_move(repair_state *state, int64_t moved)
{
    spr__graph *graph = state->graph;
    double best = INFINITY;
    for (int64_t e = 0; e < state->experts; e++) {
        const float *cost = spr__exchange_row(&state->exchange, e);
        for (int64_t f = 0; f < state->experts; f++) {
            if (!(cost[f] < INFINITY) || !repair_has_room(state, f))
                continue;
            const double change = cost[f] + repair_change_pair(state, e, f);
            if (!(change < best))
                continue;
            int stays = 0;
            for (int64_t i = 0; i < moved; i++)
                stays |= graph->chain[i] == graph->carrier[e * state->width + f];
            if (stays)
                continue;
            best = change;
            graph->path[0] = (int32_t)f;
            graph->path[1] = (int32_t)e;
        }
    }
    return best;
}

/* Experts from the path's end back to its start in graph->path. */
static int64_t repair_trace(repair_state *state, int64_t end)
{
    int64_t length = 0;
    for (int64_t e = end; e >= 0 && length < state->experts; e = state->graph->previous[e])
        state->graph->path[length++] = (int32_t)e;
    return length;
}

/* True change of H along the traced path, from the affinities and in double: H falls with every path taken for its gain,
 * so the search cannot go round in circles. */
static double repair_path_change(const repair_state *state, int64_t length)
{
    const int32_t *path = state->graph->path;
    const int64_t from = path[length - 1], to = path[0];
    double change = repair_change_pair(state, from, to);
    for (int64_t i = length - 1; i > 0; i--)
        change += spr__exchange_loss(&state->exchange, path[i], path[i - 1]);
    return change;
}

/* Prices follow the distances, so that arcs keep costs that are not negative. */
static void repair_reprice(repair_state *state, int64_t end)
{
    spr__graph *graph = state->graph;
    for (int64_t e = 0; e < state->experts; e++)
        if (graph->distance[e] < graph->distance[end])
            graph->potential[e] += graph->distance[end] - graph->distance[e];
}

/* Makes the moves of a path. */
static void repair_apply(repair_state *state, int64_t length)
{
    spr__graph *graph = state->graph;
    spr__market *market = state->market;
    const int32_t *path = graph->path;
    const int64_t from = path[length - 1], to = path[0];
    for (int64_t i = 0; i < length - 1; i++)
        graph->chain[i] = graph->carrier[path[i + 1] * state->width + path[i]];
    for (int64_t i = length - 2; i >= 0; i--)
        spr__exchange_move(&state->exchange, graph->chain[i], path[i + 1], path[i]);
    state->loads[from]--;
    state->loads[to]++;
    market->device_work[market->device[from]] -= market->cost[from];
    market->device_work[market->device[to]] += market->cost[to];
    state->exchange.call->statistics.repair_paths++;
}

static void repair_shift(repair_state *state, int64_t token, int64_t from, int64_t to)
{
    spr__market *market = state->market;
    spr__exchange_move(&state->exchange, token, from, to);
    state->loads[from]--;
    state->loads[to]++;
    market->device_work[market->device[from]] -= market->cost[from];
    market->device_work[market->device[to]] += market->cost[to];
}

/* A few best moves in a row, each for better or worse (Kernighan and Lin 1970); they stay if H is lower at some point,
 * otherwise all are taken back. Returns whether H fell. */
static int repair_chain(repair_state *state)
{
    spr__graph *graph = state->graph;
    int32_t from[REPAIR_CHAIN], to[REPAIR_CHAIN];
    double change = 0.0;
    int64_t moved = 0;
    const int64_t most = state->experts < REPAIR_CHAIN ? state->experts : REPAIR_CHAIN;
    while (moved < most) {
        const double step = repair_best_move(state, moved);
        if (!(step < INFINITY))
            break;
        from[moved] = graph->path[1];
        to[moved] = graph->path[0];
        graph->chain[moved] = graph->carrier[from[moved] * state->width + to[moved]];
        /* the exact loss: cost is rounded */
        change += step - graph->cost[from[moved] * state->width + to[moved]] +
                  spr__exchange_loss(&state->exchange, from[moved], to[moved]);
        repair_shift(state, graph->chain[moved], from[moved], to[moved]);
        moved++;
        if (change < -state->least_gain) {
            state->exchange.call->statistics.repair_paths++;
            return 1;
        }
    }
    while (moved-- > 0)
        repair_shift(state, graph->chain[moved], to[moved], from[moved]);
    return 0;
}

static int64_t repair_over(const repair_state *state)
{
    int64_t over = 0;
    for (int64_t e = 0; e < state->experts; e++)
        if (repair_is_over(state, e))
            over += state->loads[e] - (int64_t)state->market->supply[e];
    return over;
}

/* Moves that are to be expected: routes over capacity, and places that have a price but are empty. */
static int64_t repair_expected(const repair_state *state)
{
    const int64_t tokens = state->exchange.call->statistics.tokens;
    double empty = 0.0;
    for (int64_t e = 0; e < state->experts; e++)
        if (state->market->price[e] > 0.0 && repair_has_room(state, e) && state->market->supply[e] < INFINITY)
            empty += state->market->supply[e] - state->loads[e];
    if (state->options->balance_weight > 0.0 || state->options->device_balance_weight > 0.0)
        empty = (double)(state->experts + tokens / 64);
    return repair_over(state) + (int64_t)(empty < (double)tokens ? empty : (double)tokens);
}

int64_t spr__repair(spr__call *call)
{
    spr_workspace *workspace = call->workspace;
    const int64_t experts = call->plan->options.experts, width = call->plan->width, tokens = call->statistics.tokens;
    repair_state state = {{call, &workspace->graph, width, call->plan->words, experts, 0, 0, 0}, &call->plan->options,
                          &workspace->market, &workspace->graph, workspace->counts, experts, width, 0.0};
    memcpy(state.graph->potential, workspace->market.asked, (size_t)width * sizeof(float));
    for (int64_t d = 0; d <= call->plan->options.devices; d++)
        state.market->device_work[d] = 0.0;
    for (int64_t e = 0; e < experts; e++)
        state.market->device_work[state.market->device[e]] += state.market->cost[e] * state.loads[e];
    const int64_t expected = repair_expected(&state);
    int64_t wanted = tokens <= REPAIR_ALL_TOKENS ? tokens : 64 + REPAIR_PER_MOVE * expected;
    if (expected == 0)
        return 0;
    state.least_gain = 1e-6 * fabs(call->taken_affinity) / call->taken_routes;
    spr__exchange_open(&state.exchange, wanted);
    while (repair_over(&state) > 0) {
        int64_t end = repair_search_over(&state);
        if (end >= 0) {
            repair_reprice(&state, end);
            repair_apply(&state, repair_trace(&state, end));
        } else if (!state.exchange.complete) {
            wanted *= REPAIR_WIDEN;
            spr__exchange_open(&state.exchange, wanted);
        } else {
            break;
        }
    }
    for (int64_t left = call->plan->options.repair_paths; left > 0; left--) {
        int64_t end = repair_search_any(&state), length = end < 0 ? 0 : repair_trace(&state, end);
        if (length >= 2 && repair_path_change(&state, length) < -state.least_gain) {
            repair_reprice(&state, end);
            repair_apply(&state, length);
        } else if (!(call->plan->options.device_balance_weight > 0.0) || !repair_chain(&state)) {
            break;
        }
    }
    return repair_over(&state);
}
