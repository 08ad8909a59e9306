/* SPDX-License-Identifier: MIT
 * Moves after pricing: shortest augmenting paths on a graph whose nodes are experts.
 *
 * Arc e -> f stands for the token that loses least affinity by using f instead of e. A path from an expert that has too
 * much to one with room is a chain of moves that changes the load of its two ends only; the shortest one is the cheapest
 * repair (successive shortest paths for minimum cost flow). First, paths from experts over capacity; if there are none
 * left, no assignment exists. Then any path that lowers H, up to the plan's limit. Only contested tokens, those close to
 * a change of mind, are looked at, more of them when a path costs more than the contest covers. */
#include "call.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum {
    REPAIR_ALL_TOKENS = 256,     /* batches up to this size are contested entirely */
    REPAIR_PER_MOVE = 8,         /* contested tokens per expected move */
    REPAIR_BATCH = 16,           /* paths taken from one search at most */
    REPAIR_BINS = 2048
};

typedef struct repair_state {
    spr__call *call;
    spr__graph *graph;
    const spr__market *market;
    int32_t *loads;
    int64_t width, words, experts;
    int64_t contested;           /* tokens in graph->contested */
    float reach;                 /* gap up to which tokens are contested */
    double least_gain;           /* improvements below it are rounding */
} repair_state;

static int repair_has(const uint64_t *words, int64_t bit)
{
    return (int)(words[bit >> 6] >> (bit & 63)) & 1;
}

static void repair_set(uint64_t *words, int64_t bit)
{
    words[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

static void repair_clear(uint64_t *words, int64_t bit)
{
    words[bit >> 6] &= ~((uint64_t)1 << (bit & 63));
}

static uint64_t *repair_taken(const repair_state *state, int64_t token)
{
    return state->call->workspace->taken + token * state->words;
}

static const float *repair_row(const repair_state *state, int64_t token)
{
    return state->call->workspace->rows + token * state->width;
}

/* Chooses as contested the tokens with the smallest gaps, at least wanted of them. */
static void repair_contest(repair_state *state, int64_t wanted)
{
    const spr__call *call = state->call;
    const float *gap = call->workspace->gap;
    int32_t bins[REPAIR_BINS] = {0};
    int64_t bin = 0, seen = 0;
    state->reach = INFINITY;
    if (wanted < call->statistics.tokens) {
        /* bins by the leading bits of the (non-negative) gap: its exponent and three bits more */
        for (int64_t t = 0; t < call->tokens; t++) {
            uint32_t bits;
            memcpy(&bits, &gap[t], sizeof bits);
            bins[bits >> 20 & (REPAIR_BINS - 1)] += call->workspace->takes_part[t] == 1;
        }
        while (bin < REPAIR_BINS - 1 && (seen += bins[bin]) < wanted)
            bin++;
        uint32_t bits = (uint32_t)(bin + 1) << 20;
        memcpy(&state->reach, &bits, sizeof bits);
        if (!(state->reach < INFINITY))
            state->reach = INFINITY;
    }
    state->contested = 0;
    for (int64_t t = 0; t < call->tokens; t++)
        if (call->workspace->takes_part[t] == 1 && (state->reach == INFINITY || gap[t] < state->reach))
            state->graph->contested[state->contested++] = (int32_t)t;
}

static void repair_clear_row(repair_state *state, int64_t e)
{
    float *cost = state->graph->cost + e * state->width;
    for (int64_t f = 0; f < state->width; f++)
        cost[f] = INFINITY;
    memset(state->graph->carrier + e * state->width, 0xff, (size_t)state->width * sizeof(int32_t));
}

static void repair_offer(repair_state *state, int64_t token, int64_t e)
{
    const float *row = repair_row(state, token);
    state->call->kernel->offer_row(row, state->width, row[e], (int32_t)token, repair_taken(state, token),
                                   state->graph->cost + e * state->width, state->graph->carrier + e * state->width);
}

static void repair_build(repair_state *state)
{
    for (int64_t e = 0; e < state->experts; e++)
        repair_clear_row(state, e);
    for (int64_t i = 0; i < state->contested; i++) {
        const int64_t token = state->graph->contested[i];
        const uint64_t *taken = repair_taken(state, token);
        for (int64_t w = 0; w < state->words; w++)
            for (uint64_t rest = taken[w]; rest != 0; rest &= rest - 1)
                repair_offer(state, token, w * 64 + __builtin_ctzll(rest));
    }
    memset(state->graph->stale, 0, (size_t)state->words * sizeof(uint64_t));
}

static void repair_rebuild_row(repair_state *state, int64_t e)
{
    repair_clear_row(state, e);
    for (int64_t i = 0; i < state->contested; i++)
        if (repair_has(repair_taken(state, state->graph->contested[i]), e))
            repair_offer(state, state->graph->contested[i], e);
    repair_clear(state->graph->stale, e);
}

/* What H loses when e gives up one route (sign -1) or pays for one more (sign +1), besides affinity. */
static double repair_change(const repair_state *state, int64_t e, double sign)
{
    const spr__market *market = state->market;
    const double a = state->call->plan->options.balance_weight, b = state->call->plan->options.device_balance_weight;
    double change = 0.0;
    if (a > 0.0 && market->target[e] > 0.0)
        change += a / (2.0 * market->target[e]) * (2.0 * sign * (state->loads[e] - market->target[e]) + 1.0);
    const int32_t d = market->device[e];
    if (b > 0.0 && market->device_target[d] > 0.0) {
        double work = 0.0;
        for (int64_t f = 0; f < state->experts; f++)
            if (market->device[f] == d)
                work += market->cost[f] * state->loads[f];
        change += b / (2.0 * market->device_target[d]) *
                  (2.0 * sign * market->cost[e] * (work - market->device_target[d]) + market->cost[e] * market->cost[e]);
    }
    return change;
}

/* The two ends on one device: giving and taking partly cancel. */
static double repair_same_device(const repair_state *state, int64_t from, int64_t to)
{
    const spr__market *market = state->market;
    const double b = state->call->plan->options.device_balance_weight;
    const int32_t d = market->device[from];
    if (!(b > 0.0) || market->device[to] != d || !(market->device_target[d] > 0.0))
        return 0.0;
    return -b * market->cost[from] * market->cost[to] / market->device_target[d];
}

/* Shortest distances from the sources: those over capacity, or all that have anything to give. */
static void repair_search(repair_state *state, int only_over)
{
    spr__graph *graph = state->graph;
    for (int64_t e = 0; e < state->width; e++) {
        graph->distance[e] = INFINITY;
        graph->previous[e] = -1;
    }
    memset(graph->frontier, 0, (size_t)state->words * sizeof(uint64_t));
    for (int64_t e = 0; e < state->experts; e++)
        if (only_over ? state->loads[e] > state->market->supply[e] : state->loads[e] > 0) {
            graph->distance[e] = (float)repair_change(state, e, -1.0);
            repair_set(graph->frontier, e);
        }
    /* rounding could make a cycle look profitable: labels are corrected a bounded number of times */
    int64_t budget = 32 * state->experts;
    for (int busy = 1; busy;) {
        busy = 0;
        for (int64_t w = 0; w < state->words; w++)
            while (graph->frontier[w] != 0 && budget-- > 0) {
                const int64_t e = w * 64 + __builtin_ctzll(graph->frontier[w]);
                repair_clear(graph->frontier, e);
                if (repair_has(graph->stale, e))
                    repair_rebuild_row(state, e);
                state->call->kernel->relax_row(graph->cost + e * state->width, state->width, graph->distance[e],
                                               (float)state->least_gain, (int32_t)e, graph->distance, graph->previous,
                                               graph->frontier);
                busy = 1;
            }
    }
}

/* Nodes from sink back to source in graph->path; 0 if the labels hold a cycle or cross a node already used. */
static int64_t repair_trace(repair_state *state, int64_t sink)
{
    spr__graph *graph = state->graph;
    int64_t length = 0;
    for (int64_t e = sink; e >= 0; e = graph->previous[e]) {
        if (length > state->experts || repair_has(graph->visited, e))
            return 0;
        graph->path[length++] = (int32_t)e;
        if (length > 1 && e == sink)
            return 0;
    }
    return length;
}

/* True change of H along the traced path. */
static double repair_path_change(const repair_state *state, int64_t length)
{
    const spr__graph *graph = state->graph;
    const int64_t from = graph->path[length - 1], to = graph->path[0];
    double change = repair_change(state, from, -1.0) + repair_change(state, to, 1.0) + repair_same_device(state, from, to);
    for (int64_t i = length - 1; i > 0; i--)
        change += graph->cost[graph->path[i] * state->width + graph->path[i - 1]];
    return change;
}

/* Token moves from expert u to v: arcs that relied on it become stale, arcs it now offers are added. */
static void repair_move(repair_state *state, int64_t token, int64_t u, int64_t v)
{
    spr__graph *graph = state->graph;
    uint64_t *taken = repair_taken(state, token);
    const float *row = repair_row(state, token);
    repair_clear(taken, u);
    repair_set(taken, v);
    repair_set(graph->stale, u);
    for (int64_t w = 0; w < state->words; w++)
        for (uint64_t rest = taken[w]; rest != 0; rest &= rest - 1) {
            const int64_t e = w * 64 + __builtin_ctzll(rest);
            if (e == v) {
                repair_offer(state, token, v);
                continue;
            }
            if (graph->carrier[e * state->width + v] == token)
                repair_set(graph->stale, e);
            if (row[e] - row[u] < graph->cost[e * state->width + u]) {
                graph->cost[e * state->width + u] = row[e] - row[u];
                graph->carrier[e * state->width + u] = (int32_t)token;
            }
        }
}

static void repair_apply(repair_state *state, int64_t length)
{
    spr__graph *graph = state->graph;
    int32_t carriers[SPR_MAX_BALANCED_EXPERTS];
    for (int64_t i = length - 1; i > 0; i--)
        carriers[i] = graph->carrier[graph->path[i] * state->width + graph->path[i - 1]];
    for (int64_t i = length - 1; i > 0; i--)
        repair_move(state, carriers[i], graph->path[i], graph->path[i - 1]);
    for (int64_t i = 0; i < length; i++)
        repair_set(graph->visited, graph->path[i]);
    state->loads[graph->path[length - 1]]--;
    state->loads[graph->path[0]]++;
    state->call->statistics.repair_paths++;
}

/* The reachable sink with room that is cheapest and not done; -1 if none. */
static int64_t repair_best_sink(const repair_state *state, double *value)
{
    int64_t best = -1;
    *value = INFINITY;
    for (int64_t f = 0; f < state->experts; f++) {
        if (state->graph->done[f] || state->graph->previous[f] < 0 || !(state->loads[f] < state->market->supply[f]))
            continue;
        double total = state->graph->distance[f] + repair_change(state, f, 1.0);
        if (total < *value) {
            *value = total;
            best = f;
        }
    }
    return best;
}

/* Is every arc that a cheaper path could use in the graph? True if the path's cost at current prices is within reach. */
static int repair_covered(const repair_state *state, int64_t length)
{
    const spr__graph *graph = state->graph;
    double cost = 0.0;
    if (state->reach == INFINITY)
        return 1;
    for (int64_t i = length - 1; i > 0; i--)
        cost += graph->cost[graph->path[i] * state->width + graph->path[i - 1]];
    cost += (double)state->market->asked[graph->path[0]] - (double)state->market->asked[graph->path[length - 1]];
    return cost <= state->reach;
}

/* Takes disjoint paths from one search, cheapest first. Returns how many; *short_of = a path needs more tokens. */
static int64_t repair_take_paths(repair_state *state, int only_over, int64_t most, int *short_of)
{
    spr__graph *graph = state->graph;
    int64_t taken = 0, room = state->call->plan->options.device_balance_weight > 0.0 ? 1 : REPAIR_BATCH;
    memset(graph->done, 0, (size_t)state->width);
    memset(graph->visited, 0, (size_t)state->words * sizeof(uint64_t));
    *short_of = 0;
    while (taken < room && taken < most) {
        double value;
        int64_t sink = repair_best_sink(state, &value);
        if (sink < 0)
            break;
        graph->done[sink] = 1;
        int64_t length = repair_trace(state, sink);
        if (length < 2)
            continue;
        if (only_over && !(state->loads[graph->path[length - 1]] > state->market->supply[graph->path[length - 1]]))
            continue;
        if (!only_over && !(repair_path_change(state, length) < -state->least_gain))
            continue;
        if (only_over && !repair_covered(state, length)) {
            *short_of = taken == 0;
            break;
        }
        repair_apply(state, length);
        taken++;
    }
    return taken;
}

static int64_t repair_over(const repair_state *state)
{
    int64_t over = 0;
    for (int64_t e = 0; e < state->experts; e++)
        if (state->loads[e] > state->market->supply[e])
            over += state->loads[e] - (int64_t)state->market->supply[e];
    return over;
}

static int repair_any_room(const repair_state *state)
{
    for (int64_t e = 0; e < state->experts; e++)
        if (state->loads[e] < state->market->supply[e])
            return 1;
    return 0;
}

/* Moves that are to be expected: routes over capacity, and places that have a price but are empty. */
static int64_t repair_expected(const repair_state *state)
{
    const spr__options *o = &state->call->plan->options;
    int64_t moves = repair_over(state);
    double empty = 0.0;
    for (int64_t e = 0; e < state->experts; e++)
        if (state->market->price[e] > 0.0 && state->loads[e] < state->market->supply[e] &&
            state->market->supply[e] < INFINITY)
            empty += state->market->supply[e] - state->loads[e];
    if (o->balance_weight > 0.0 || o->device_balance_weight > 0.0)
        empty = (double)(state->experts + state->call->statistics.tokens / 64);
    const double most = (double)state->call->statistics.tokens;
    return moves + (int64_t)(empty < most ? empty : most);
}

int64_t spr__repair(spr__call *call)
{
    spr_workspace *workspace = call->workspace;
    repair_state state = {call, &workspace->graph, &workspace->market, workspace->counts, call->plan->width,
                          call->plan->words, call->plan->options.experts, 0, 0.0f, 0.0};
    const int64_t tokens = call->statistics.tokens;
    const double routes = call->taken_routes > 0.0 ? call->taken_routes : 1.0;
    state.least_gain = 1e-6 * fabs(call->taken_affinity) / routes;
    int64_t expected = repair_expected(&state), wanted = 64 + REPAIR_PER_MOVE * expected;
    if (expected == 0)
        return 0;
    if (tokens <= REPAIR_ALL_TOKENS)
        wanted = tokens;
    repair_contest(&state, wanted);
    repair_build(&state);
    while (repair_over(&state) > 0 && repair_any_room(&state)) {
        int short_of;
        repair_search(&state, 1);
        if (repair_take_paths(&state, 1, INT64_MAX, &short_of) > 0)
            continue;
        if (state.reach == INFINITY)
            break;
        wanted = short_of ? wanted * 4 : tokens;
        repair_contest(&state, wanted);
        repair_build(&state);
    }
    int64_t left = call->plan->options.repair_paths;
    while (left > 0) {
        int short_of;
        repair_search(&state, 0);
        int64_t taken = repair_take_paths(&state, 0, left, &short_of);
        if (taken == 0)
            break;
        left -= taken;
    }
    return repair_over(&state);
}
