/* SPDX-License-Identifier: MIT
 * Assignment in token order: no token's experts depend on a later token. */
#include "call.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* Threshold of one row for any k. */
static float causal_threshold(const spr__call *call, spr__chunk *chunk, const float *row)
{
    const int64_t width = call->plan->width;
    const int32_t k = (int32_t)call->plan->options.k;
    if (k <= 16)
        return call->kernel->threshold_row(row, width, k);
    for (int64_t e = 0; e < width; e++)
        for (int64_t r = 0; r < SPR_BLOCK; r++)
            chunk->tile[e * SPR_BLOCK + r] = row[e];
    call->kernel->threshold(chunk->tile, width, k, NULL, chunk->threshold);
    return chunk->threshold[0];
}

void spr__assign_in_order(spr__call *call, const float *prices)
{
    spr_workspace *workspace = call->workspace;
    const spr__market *market = &workspace->market;
    const int64_t width = call->plan->width, experts = call->plan->options.experts, words = call->plan->words;
    const int32_t k = (int32_t)call->plan->options.k;
    spr__chunk *chunk = &workspace->chunks[0];
    float *asked = chunk->keys, *row = chunk->rows;
    for (int64_t e = 0; e < width; e++)
        asked[e] = e < experts && market->supply[e] >= 1.0 ? prices[e] : INFINITY;
    memset(workspace->counts, 0, (size_t)width * sizeof workspace->counts[0]);
    for (int64_t t = 0; t < call->tokens; t++) {
        uint64_t *taken = workspace->taken + t * words;
        for (int64_t e = 0; e < width; e++)
            row[e] = workspace->rows[t * width + e] - asked[e];
        call->kernel->pick_row(row, width, k, NULL, causal_threshold(call, chunk, row), taken);
        for (int64_t w = 0; w < words; w++)
            for (uint64_t rest = taken[w]; rest != 0; rest &= rest - 1) {
                int64_t e = w * 64 + __builtin_ctzll(rest);
                /* the last place: closed to the tokens that follow */
                if ((double)++workspace->counts[e] >= market->supply[e])
                    asked[e] = INFINITY;
            }
    }
}
