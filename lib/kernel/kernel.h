/* SPDX-License-Identifier: MIT
 * The inner loops of routing as a table of functions; one table per CPU variant, all with the same bits.
 *
 * Data is processed in blocks of SPR_BLOCK tokens. A "rows" block is [SPR_BLOCK][width], one token per row; a "tile" is
 * its transpose [width][SPR_BLOCK], one token per SIMD lane, so that sums and maxima over experts run in a fixed order
 * whatever the lane count. width = experts rounded up to 16; the padding holds -inf. Both are 64-byte aligned. */
#ifndef SPR_KERNEL_KERNEL_H
#define SPR_KERNEL_KERNEL_H

#include <stdint.h>

enum { SPR_BLOCK = 16, SPR_LEVELS = 7, SPR_MAX_K = 64, SPR_MAX_EXPERTS = 4096 };

enum spr__score { SPR_SCORE_SOFTMAX, SPR_SCORE_SOFTMAX_SELECTED, SPR_SCORE_SIGMOID, SPR_SCORE_SQRT_SOFTPLUS };
enum spr__group_score { SPR_GROUP_MAX, SPR_GROUP_TOP2_SUM, SPR_GROUP_TOPK_SUM };

/* How selected logits become combine weights. */
typedef struct spr__weighting {
    int32_t score;               /* enum spr__score */
    int32_t normalize;           /* divide by the sum? */
    float epsilon;               /* added to the sum */
    float scale;
} spr__weighting;

/* Which groups of experts a token may use. */
typedef struct spr__grouping {
    int32_t groups;
    int32_t limit;               /* groups a token may use */
    int32_t size;                /* experts per group */
    int32_t score;               /* enum spr__group_score */
    int32_t best;                /* experts summed for SPR_GROUP_TOPK_SUM */
    int32_t zero;                /* other groups get score 0 instead of -inf */
} spr__grouping;

typedef struct spr__kernel {
    const char *name;

    /* Converts one row of experts logits (dtype SPR_FLOAT32 ...) to float, pads it to width with -inf, and returns
     * nonzero if a logit is NaN or +inf. */
    int (*load_row)(const void *logits, int32_t dtype, int64_t experts, int64_t width, float *row);

    /* tile[c][r] = rows[r][c], and back. */
    void (*to_tile)(const float *rows, int64_t width, float *tile);
    void (*to_rows)(const float *tile, int64_t width, float *rows);

    /* Maximum and sum of exp(x - maximum) over experts of each token; maximum 0 and sum 1 for a row of -inf. */
    void (*softmax_sums)(const float *tile, int64_t experts, float *maximum, float *sum);

    /* The same bits for a single row. */
    void (*softmax_sums_row)(const float *row, int64_t experts, int64_t width, float *maximum, float *sum);

    /* Replaces logits in the tile by scores; -inf stays. For softmax, maximum and sum are written as above. */
    void (*score)(float *tile, int64_t experts, int32_t score, float *maximum, float *sum);

    /* Takes experts out of the tile that are in no chosen group of their token. scratch: [groups rounded up to 16][16]. */
    void (*limit_groups)(float *tile, const spr__grouping *grouping, float *scratch);

    /* threshold[r] = k-th largest of tile[e][r] - prices[e], -inf if there are fewer; prices may be NULL for zeros. */
    void (*threshold)(const float *tile, int64_t width, int32_t k, const float *prices, float *threshold);

    /* The same for a single row, k <= 16. */
    float (*threshold_row)(const float *row, int64_t width, int32_t k);

    /* Bit e of words[] is set if the token takes expert e: the k largest of row[e] - prices[e] (ties: smaller e), given
     * their threshold; never a -inf. Returns how many bits were set. words: [width/64 rounded up]. */
    int32_t (*pick_row)(const float *row, int64_t width, int32_t k, const float *prices, float threshold,
                        uint64_t *words);

    /* Orders each lane's k entries by value, descending; equal values keep their order. place[j][r] is the new slot of
     * entry j. */
    void (*order)(const float *values, int32_t k, int32_t *place);

    /* Turns logits[k][16] of selected experts (-inf = no route) into combine weights in place. */
    void (*weigh)(float *logits, int32_t k, const spr__weighting *weighting, const float *maximum, const float *sum);

    /* margin[r] = (threshold + next smaller value)/2 of tile - prices: where a price change starts to move the token. */
    void (*margin)(const float *tile, int64_t width, const float *prices, const float *threshold, float *margin);

    /* counts[j][e] += number of lanes with tile[e][r] - margin[r] > levels[j][e]; a lane with margin +inf never counts. */
    void (*count)(const float *tile, int64_t experts, int64_t width, const float *margin, const float *levels,
                  int32_t *counts);

    /* For every listed token t that uses expert e: cost[f] = min(cost[f], rows[t][e] - rows[t][f]) over all f in
     * first..last-1 (multiples of 16) that t does not use (taken: words 64-bit words per token); carrier[f] = token where
     * it fell. */
    void (*offer_rows)(const float *rows, int64_t width, const int32_t *tokens, int64_t count, int64_t e,
                       const uint64_t *taken, int64_t words, int64_t first, int64_t last, float *cost,
                       int32_t *carrier);

    /* One step of Dijkstra's algorithm: open[f] = min(open[f], from + max(0, cost[f] + potential[f] - own)); previous[f]
     * = source where it fell. open of a node that is done is -inf. */
    void (*relax_row)(const float *cost, const float *potential, int64_t width, float from, float own, int32_t source,
                      float *open, int32_t *previous);

    /* Index of the smallest entry that is not -inf (the first of equal ones), -1 if the rest is +inf. */
    int64_t (*nearest)(const float *open, int64_t width);

    /* Largest value of a row, and the smallest one that is not -inf (+inf if there is none). */
    void (*span_row)(const float *row, int64_t width, float *most, float *least);

    /* Whole numbers, for the search over open experts: whole[f] = (row[f] - most) * scale, at least none, which -inf
     * becomes. */
    void (*to_whole)(const float *row, int64_t width, float most, float scale, int32_t none, int32_t *whole);

    /* Index of the largest entry (the first of equal ones). */
    int64_t (*largest_place)(const float *row, int64_t width);

    /* gain[f] += max(0, row[f] - worst) - max(0, row[f] - worst_before) */
    void (*move_gain)(const int32_t *row, int64_t width, int32_t worst_before, int32_t worst, int32_t *gain);

    /* saved[f] = max(0, min(row[f], worst) - next) */
    void (*saving)(const int32_t *row, int64_t width, int32_t worst, int32_t next, int32_t *saved);

    /* sum[f] += row[f];  difference[f] = row[f] - less[f] */
    void (*whole_add)(const int32_t *row, int64_t width, int32_t *sum);
    void (*whole_subtract)(const int32_t *row, const int32_t *less, int64_t width, int32_t *difference);

    /* sums[f] = saved[f] + (device[f] == own ? same[f] : other[f]); index of the largest (the first of equal ones). */
    int64_t (*best_swap)(const int32_t *saved, const int32_t *same, const int32_t *other, const int32_t *device,
                         int32_t own, int64_t width, int32_t *sums);

    /* For rows rows of base and least, stride apart: least[i] = min(least[i], base[i-j] + add[j]) for i = 0..count-1 and
     * j = first..last. base has entries back to -last. */
    void (*least_sums)(const double *base, const double *add, int64_t first, int64_t last, int64_t rows, int64_t stride,
                       int64_t count, double *least);

    /* places[e] = how many keys are smaller than keys[e], or equal with a smaller index; count a multiple of 8. */
    void (*rank)(const double *keys, int64_t count, int64_t *places);
} spr__kernel;

/* Table of a variant ("portable", "avx2", "avx512", "neon"), or NULL if this build or CPU does not have it. */
const spr__kernel *spr__kernel_find(const char *name);

/* The fastest table this CPU has. */
const spr__kernel *spr__kernel_best(void);

/* One per variant; the pointer is NULL where the target is another architecture. */
const spr__kernel *spr__portable_kernel(void);
const spr__kernel *spr__avx2_kernel(void);
const spr__kernel *spr__avx512_kernel(void);
const spr__kernel *spr__neon_kernel(void);

#endif
