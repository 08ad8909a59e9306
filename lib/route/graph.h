/* SPDX-License-Identifier: MIT
 * The repair's graph. Nodes are experts; arc e -> f is the token that loses least affinity by using f instead of e. Only
 * contested tokens, those closest to a change of mind, are in it, each with the experts it might leave. */
#ifndef SPR_ROUTE_GRAPH_H
#define SPR_ROUTE_GRAPH_H

#include "call.h"

typedef struct spr__exchange {
    spr__call *call;
    spr__graph *graph;
    int64_t width, words, experts;
    int64_t contested;           /* tokens in graph->contested */
    int64_t contested_words;
    int complete;                /* all tokens, with all their experts */
} spr__exchange;

/* Makes the graph of the wanted tokens with the smallest gaps (a few more when gaps are alike), or of all. */
void spr__exchange_open(spr__exchange *exchange, int64_t wanted);

/* Arcs out of e, up to date. */
const float *spr__exchange_row(spr__exchange *exchange, int64_t e);

/* What the token of arc u -> v loses by the move. */
double spr__exchange_loss(const spr__exchange *exchange, int64_t u, int64_t v);

/* Moves the token from u to v: arcs that relied on it become stale, arcs it now offers are added. */
void spr__exchange_move(spr__exchange *exchange, int64_t token, int64_t u, int64_t v);

static inline int spr__bit(const uint64_t *words, int64_t bit)
{
    return (int)(words[bit >> 6] >> (bit & 63)) & 1;
}

static inline void spr__set_bit(uint64_t *words, int64_t bit)
{
    words[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

static inline void spr__clear_bit(uint64_t *words, int64_t bit)
{
    words[bit >> 6] &= ~((uint64_t)1 << (bit & 63));
}

#endif
