/* SPDX-License-Identifier: MIT */
#include "graph.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum {
    GRAPH_BINS = 2048,
    GRAPH_STRIP = 16,            /* columns that become stale together; 64 strips make the widest row */
    GRAPH_DEPTH = 1               /* an expert may be left for a loss up to this many times the largest gap */
};

static uint64_t *graph_taken(const spr__exchange *exchange, int64_t token)
{
    return exchange->call->workspace->taken + token * exchange->words;
}

static const float *graph_affinity(const spr__exchange *exchange, int64_t token)
{
    return exchange->call->workspace->rows + token * exchange->width;
}

/* Which contested tokens (by their place in the list) may leave expert e. */
static uint64_t *graph_holders(const spr__exchange *exchange, int64_t e)
{
    return exchange->graph->holders + e * exchange->contested_words;
}

/* The gap below which at least wanted tokens lie, by bins of its leading bits: exponent and three bits more. */
static float graph_reach(const spr__call *call, int64_t wanted)
{
    int32_t bins[GRAPH_BINS] = {0};
    int64_t bin = 0, seen = 0;
    uint32_t bits;
    float reach;
    for (int64_t t = 0; t < call->tokens; t++) {
        memcpy(&bits, &call->workspace->gap[t], sizeof bits);
        bins[bits >> 20 & (GRAPH_BINS - 1)] += call->workspace->takes_part[t] == 1;
    }
    while (bin < GRAPH_BINS - 1 && (seen += bins[bin]) < wanted)
        bin++;
    bits = (uint32_t)(bin + 1) << 20;
    memcpy(&reach, &bits, sizeof reach);
    return reach < INFINITY ? reach : INFINITY;
}

/* Lists the contested tokens; returns how much a token may lose by leaving an expert. */
static float graph_contest(spr__exchange *exchange, int64_t wanted)
{
    const spr__call *call = exchange->call;
    const int all = wanted >= call->statistics.tokens;
    const float reach = all ? INFINITY : graph_reach(call, wanted);
    exchange->contested = 0;
    for (int64_t t = 0; t < call->tokens; t++)
        if (call->workspace->takes_part[t] == 1 && (all || call->workspace->gap[t] < reach))
            exchange->graph->contested[exchange->contested++] = (int32_t)t;
    exchange->contested_words = (exchange->contested + 63) / 64;
    exchange->complete = all;
    return GRAPH_DEPTH * reach;
}

static void graph_offer(spr__exchange *exchange, const int32_t *tokens, int64_t count, int64_t e, int64_t first,
                        int64_t last)
{
    exchange->call->kernel->offer_rows(exchange->call->workspace->rows, exchange->width, tokens, count, e,
                                       exchange->call->workspace->taken, exchange->words, first, last,
                                       exchange->graph->cost + e * exchange->width,
                                       exchange->graph->carrier + e * exchange->width);
}

void spr__exchange_open(spr__exchange *exchange, int64_t wanted)
{
    spr__graph *graph = exchange->graph;
    const float depth = graph_contest(exchange, wanted);
    const float *prices = exchange->call->workspace->market.asked;
    memset(graph->holders, 0, (size_t)(exchange->experts * exchange->contested_words) * sizeof(uint64_t));
    memset(graph->stale, 0xff, (size_t)exchange->experts * sizeof(uint64_t));
    for (int64_t i = 0; i < exchange->contested; i++) {
        const int64_t token = graph->contested[i];
        const uint64_t *taken = graph_taken(exchange, token);
        uint64_t firm[SPR_MAX_BALANCED_EXPERTS / 64] = {0};
        graph->place[token] = (int32_t)i;
        /* experts worth so much to the token that it will not leave them */
        if (!exchange->complete)
            exchange->call->kernel->pick_row(graph_affinity(exchange, token), exchange->width, INT32_MAX, prices,
                                             exchange->call->workspace->next[token] + depth, firm);
        for (int64_t w = 0; w < exchange->words; w++)
            for (uint64_t rest = taken[w] & ~firm[w]; rest != 0; rest &= rest - 1)
                spr__set_bit(graph_holders(exchange, w * 64 + __builtin_ctzll(rest)), i);
    }
}

/* Columns first..last-1 of row e from the tokens that may leave e. */
static void graph_rebuild(spr__exchange *exchange, int64_t e, int64_t count, int64_t first, int64_t last)
{
    float *cost = exchange->graph->cost + e * exchange->width;
    int32_t *carrier = exchange->graph->carrier + e * exchange->width;
    for (int64_t f = first; f < last; f++) {
        cost[f] = INFINITY;
        carrier[f] = -1;
    }
    graph_offer(exchange, exchange->graph->offering, count, e, first, last);
}

const float *spr__exchange_row(spr__exchange *exchange, int64_t e)
{
    spr__graph *graph = exchange->graph;
    if (graph->stale[e] != 0) {
        const uint64_t *holders = graph_holders(exchange, e);
        int64_t count = 0;
        for (int64_t w = 0; w < exchange->contested_words; w++)
            for (uint64_t rest = holders[w]; rest != 0; rest &= rest - 1)
                graph->offering[count++] = graph->contested[w * 64 + __builtin_ctzll(rest)];
        if (graph->stale[e] == UINT64_MAX)
            graph_rebuild(exchange, e, count, 0, exchange->width);
        else
            for (uint64_t rest = graph->stale[e]; rest != 0; rest &= rest - 1) {
                const int64_t first = __builtin_ctzll(rest) * GRAPH_STRIP;
                graph_rebuild(exchange, e, count, first, first + GRAPH_STRIP);
            }
        graph->stale[e] = 0;
    }
    return graph->cost + e * exchange->width;
}

static uint64_t graph_strip(int64_t f)
{
    return (uint64_t)1 << (f / GRAPH_STRIP);
}

double spr__exchange_loss(const spr__exchange *exchange, int64_t u, int64_t v)
{
    const float *row = graph_affinity(exchange, exchange->graph->carrier[u * exchange->width + v]);
    return (double)row[u] - (double)row[v];
}

void spr__exchange_move(spr__exchange *exchange, int64_t token, int64_t u, int64_t v)
{
    spr__graph *graph = exchange->graph;
    uint64_t *taken = graph_taken(exchange, token);
    const float *row = graph_affinity(exchange, token);
    spr__clear_bit(taken, u);
    spr__set_bit(taken, v);
    spr__clear_bit(graph_holders(exchange, u), graph->place[token]);
    spr__set_bit(graph_holders(exchange, v), graph->place[token]);
    for (int64_t f = 0; f < exchange->experts; f++)
        if (!(graph->stale[u] & graph_strip(f)) && graph->carrier[u * exchange->width + f] == token)
            graph->stale[u] |= graph_strip(f);
    for (int64_t w = 0; w < exchange->words; w++)
        for (uint64_t rest = taken[w]; rest != 0; rest &= rest - 1) {
            const int64_t e = w * 64 + __builtin_ctzll(rest), at = e * exchange->width;
            if (!spr__bit(graph_holders(exchange, e), graph->place[token]))
                continue;
            if (e == v) {
                const int32_t one = (int32_t)token;
                if (graph->stale[v] != UINT64_MAX)
                    graph_offer(exchange, &one, 1, v, 0, exchange->width);
                continue;
            }
            if (!(graph->stale[e] & graph_strip(v)) && graph->carrier[at + v] == token)
                graph->stale[e] |= graph_strip(v);
            if (!(graph->stale[e] & graph_strip(u)) && row[e] - row[u] < graph->cost[at + u]) {
                graph->cost[at + u] = row[e] - row[u];
                graph->carrier[at + u] = (int32_t)token;
            }
        }
}
