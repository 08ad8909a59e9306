/* SPDX-License-Identifier: MIT
 * The workspace: every byte of scratch memory of a routing call. */
#ifndef SPR_ROUTE_WORKSPACE_H
#define SPR_ROUTE_WORKSPACE_H

#include "plan.h"

/* Scratch of one worker: blocks are handed out in chunks, a chunk has its own scratch. */
typedef struct spr__chunk {
    float *rows;                 /* [16][width] logits */
    float *keys;                 /* [16][width] what is selected by */
    float *tile;                 /* [width][16] */
    float *groups;               /* [groups rounded up to 16][16], plans with group limits only */
    float *values;               /* [k][16] */
    int32_t *chosen;             /* [k][16] */
    int32_t *place;              /* [k][16] */
    uint64_t *words;             /* [words] */
    int32_t *counts;             /* [SPR_LEVELS][width], balanced plans only */
    float maximum[SPR_BLOCK], sum[SPR_BLOCK], threshold[SPR_BLOCK], margin[SPR_BLOCK];
} spr__chunk;

/* Per-expert state of the price solver, all [width] unless said otherwise. */
typedef struct spr__market {
    double *price;               /* expert's own price p */
    double *total;               /* p + c * device price: what a token pays */
    double *step;                /* distance of trial prices */
    double *device_price;        /* [devices] */
    double *supply;              /* capacity C, +inf if none */
    double *target;              /* mu */
    double *device_target;       /* [devices] nu */
    double *device_work;         /* [devices] W, kept by the repair */
    double *cost;                /* c */
    int32_t *device;             /* device of the expert, 0 without devices */
    float *levels;               /* [SPR_LEVELS][width] trial prices, ascending */
    int32_t *demand;             /* [SPR_LEVELS][width] routes at the trial prices */
    float *asked;                /* total, in float: the prices selection uses */
} spr__market;

/* The repair's graph, see graph.h. */
typedef struct spr__graph {
    float *cost;                 /* [width][width] */
    int32_t *carrier;            /* [width][width] */
    float *potential;            /* [width] prices, as the repair moves them */
    float *distance;             /* [width] from the sources, +inf where not reached yet */
    float *open;                 /* [width] the same, tentative; -inf once final */
    int32_t *previous;           /* [width] */
    uint64_t *stale;             /* [experts] strips of 16 columns of the row to be computed anew, as bits */
    int32_t *contested;          /* [tokens] tokens near a change of mind */
    int32_t *offering;           /* [tokens] scratch: those that may leave an expert */
    int32_t *place;              /* [tokens] where a contested token stands in that list */
    uint64_t *holders;           /* [experts][tokens/64] contested tokens of each expert as bits */
    int32_t *path;               /* [width] experts of a path, last first */
    int32_t *chain;              /* [width] tokens of its arcs */
} spr__graph;

struct spr_workspace {
    const spr_plan *plan;
    spr__memory memory;
    void *block;                 /* NULL when the memory is the caller's */
    size_t block_bytes;
    int64_t max_tokens;
    int64_t chunk_blocks;        /* blocks per chunk */
    spr_parallel_for parallel_for;
    void *parallel_user;

    spr__chunk *chunks;
    float *prices;               /* [width] carried from call to call */
    int32_t has_prices;
    int32_t *counts;             /* [width] */
    int32_t *offsets;            /* [width+1] */
    int32_t *sorted;             /* [max_tokens*k], plans that may drop */
    float *weights;              /* [max_tokens*k], plans that may drop */
    uint64_t *drop_keys;         /* [max_tokens], plans that may drop */
    uint8_t *takes_part;         /* [max_tokens rounded up to 16] */
    float *shift, *total;        /* [max_tokens rounded up to 16] softmax maximum and sum of each token, balanced plans
                                    whose weights need them */

    /* balanced plans only */
    float *rows, *tiles;         /* affinity, both forms, of all tokens */
    uint64_t *taken;             /* [tokens][words] experts of each token as bits */
    float *gap;                  /* [tokens] how little separates the last chosen from the first not chosen */
    float *next;                 /* [tokens] value of the first not chosen */
    double *block_affinity;      /* [blocks] */
    double *block_slack;         /* [blocks] rounding allowance of the bound */
    double *block_routes;        /* [blocks] */
    spr__market market;
    spr__graph graph;
    struct spr__quadratic *quadratic;    /* plans with quadratic terms only, see quadratic.h */
};

static inline int64_t spr__blocks(int64_t tokens)
{
    return (tokens + SPR_BLOCK - 1) / SPR_BLOCK;
}

/* Calls work(context, chunk, first, last) so that all blocks are covered: in one piece, or over the host's threads. */
typedef void (*spr__work)(void *context, spr__chunk *chunk, int64_t first, int64_t last);
void spr__for_blocks(spr_workspace *workspace, int64_t blocks, spr__work work, void *context);

/* How many chunks spr__for_blocks used for that many blocks. */
int64_t spr__chunks_used(const spr_workspace *workspace, int64_t blocks);

#endif
