/* SPDX-License-Identifier: MIT
 * One routing call: the checked batch, where results go, and the stages in the order in which they run. */
#ifndef SPR_ROUTE_CALL_H
#define SPR_ROUTE_CALL_H

#include "workspace.h"

typedef struct spr__call {
    spr_workspace *workspace;
    const spr_plan *plan;
    const spr__kernel *kernel;

    /* batch */
    int64_t tokens, blocks;
    const char *logits;
    int64_t row_bytes;
    int32_t dtype;
    const uint8_t *token_mask;
    const float *bias;           /* of the batch or the plan, or NULL */
    const uint8_t *resident;     /* [experts] or NULL */
    const float *activation;     /* [experts] of the batch or the plan, or NULL */
    const int32_t *previous;     /* [tokens,k] or NULL */

    /* results; ids is [tokens,k] and never NULL in spr_route and spr_select */
    int32_t *ids;
    float *weights;              /* [tokens,k] or NULL */
    float *scores;               /* spr_scores only */
    int want_statistics;
    int has_sums;                /* workspace shift and total hold this batch's */
    spr_statistics statistics;
    double taken_routes;         /* routes of the Lagrangian selection */
    double taken_affinity;
    double taken_slack;
} spr__call;

/* Checks a batch and fills a call from it. */
spr_status spr__call_begin(spr__call *call, spr_workspace *workspace, const spr_batch *batch, spr_error *error);

/* After the first pass over the logits: counts tokens, or fails on the first row that is not finite. */
spr_status spr__call_check_finite(spr__call *call, spr_error *error);

/* load.c: the first count rows of a block as float, -inf where a token or an expert does not take part. */
void spr__load_block(const spr__call *call, int64_t block, int64_t count, float *rows);

/* score.c: the tile's logits become selection keys: cheap ones that give the same order, or with affinity set the s of H. */
void spr__make_keys(const spr__call *call, spr__chunk *chunk, float *tile, int affinity);
int spr__keys_are_logits(const spr__call *call);
int spr__needs_sums(const spr_plan *plan);
void spr__compute_scores(spr__call *call);              /* spr_scores */

/* select.c: plain top-k with its weights, straight from the logits. */
void spr__select_plain(spr__call *call, int weights);

/* Writes the ids of 16 rows in rank order: bits of words -> ids by row value. Used by every selection. */
void spr__write_ids(const spr__call *call, spr__chunk *chunk, int64_t block, const float *rows, const uint64_t *words,
                    int64_t words_step);

/* weigh.c: weights of call->ids with that normalisation. */
spr_status spr__weigh(spr__call *call, const int32_t *ids, float *weights, int normalize, spr_error *error);

/* market.c: capacities, targets and prices of this batch. */
void spr__market_open(spr__call *call);
void spr__market_ask(spr__market *market, int64_t experts, int64_t width);

/* sweep.c: prices at which demand meets supply. */
void spr__find_prices(spr__call *call);

/* assign.c: affinity of all tokens; every token's k best at the asked prices. */
void spr__compute_affinity(spr__call *call);
void spr__assign(spr__call *call, const float *prices);

/* causal.c: the same, token after token, with full experts closed. */
void spr__assign_in_order(spr__call *call, const float *prices);

/* repair.c: moves until no expert is over capacity and no chain of moves improves. Returns routes left over capacity. */
int64_t spr__repair(spr__call *call);

/* objective.c */
void spr__read_ids(spr__call *call);
void spr__greedy_statistics(spr__call *call);
void spr__bound(spr__call *call);
void spr__energy(spr__call *call);

/* drop.c: removes routes over capacity from ids (and weights). Returns how many. */
int64_t spr__drop(spr__call *call, const float *keys);

/* table.c: counts, offsets, sorted, positions from ids. Any output may be NULL. */
void spr__tabulate(const int32_t *ids, int64_t routes, int64_t experts, int32_t *counts, int32_t *offsets,
                   int32_t *sorted, int32_t *positions);

#endif
