/* SPDX-License-Identifier: MIT
 * Affinities of the whole batch, and every token's best experts at given prices. */
#include "call.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static void assign_affinity_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const spr__call *call = (const spr__call *)context;
    const int64_t width = call->plan->width;
    for (int64_t block = first; block < last; block++) {
        float *tile = call->workspace->tiles + block * width * SPR_BLOCK;
        spr__load_block(call, block, SPR_BLOCK, chunk->rows);
        call->kernel->to_tile(chunk->rows, width, tile);
        spr__make_keys(call, chunk, tile, 1);
        if (call->has_sums) {
            memcpy(call->workspace->shift + block * SPR_BLOCK, chunk->maximum, sizeof chunk->maximum);
            memcpy(call->workspace->total + block * SPR_BLOCK, chunk->sum, sizeof chunk->sum);
        }
        call->kernel->to_rows(tile, width, call->workspace->rows + block * SPR_BLOCK * width);
    }
}

void spr__compute_affinity(spr__call *call)
{
    const spr__options *o = &call->plan->options;
    /* the softmax that scores is the softmax that weighs: its sums are kept */
    call->has_sums = o->affinity == spr__affinity_score && o->score == spr__score_softmax;
    spr__for_blocks(call->workspace, call->blocks, assign_affinity_blocks, call);
}

typedef struct assign_context {
    const spr__call *call;
    const float *prices;
} assign_context;

static void assign_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const assign_context *assign = (const assign_context *)context;
    const spr__call *call = assign->call;
    spr_workspace *workspace = call->workspace;
    const int64_t width = call->plan->width, words = call->plan->words;
    const int32_t k = (int32_t)call->plan->options.k;
    memset(chunk->counts, 0, (size_t)width * sizeof chunk->counts[0]);
    for (int64_t block = first; block < last; block++) {
        const float *tile = workspace->tiles + block * width * SPR_BLOCK;
        const float *rows = workspace->rows + block * width * SPR_BLOCK;
        double affinity = 0.0, slack = 0.0;
        int64_t routes = 0;
        call->kernel->threshold(tile, width, k, assign->prices, chunk->threshold);
        call->kernel->margin(tile, width, assign->prices, chunk->threshold, chunk->margin);
        for (int64_t r = 0; r < SPR_BLOCK; r++) {
            const int64_t t = block * SPR_BLOCK + r;
            uint64_t *taken = workspace->taken + t * words;
            routes += call->kernel->pick_row(rows + r * width, width, k, assign->prices, chunk->threshold[r], taken);
            double sum = 0.0;
            for (int64_t w = 0; w < words; w++)
                for (uint64_t rest = taken[w]; rest != 0; rest &= rest - 1) {
                    int64_t e = w * 64 + __builtin_ctzll(rest);
                    chunk->counts[e]++;
                    sum += rows[r * width + e];
                }
            affinity += sum;
            if (chunk->threshold[r] > -INFINITY)
                slack += fabs((double)chunk->threshold[r]);
            /* the margin lies half way between the last chosen and the first not chosen */
            const float half = chunk->threshold[r] - chunk->margin[r];
            workspace->gap[t] = chunk->threshold[r] > -INFINITY ? 2.0f * half : INFINITY;
            workspace->next[t] = chunk->threshold[r] > -INFINITY ? chunk->margin[r] - half : -INFINITY;
        }
        workspace->block_affinity[block] = affinity;
        workspace->block_slack[block] = slack;
        workspace->block_routes[block] = (double)routes;
    }
}

void spr__assign(spr__call *call, const float *prices)
{
    spr_workspace *workspace = call->workspace;
    const int64_t width = call->plan->width;
    assign_context context = {call, prices};
    spr__for_blocks(workspace, call->blocks, assign_blocks, &context);
    memset(workspace->counts, 0, (size_t)width * sizeof workspace->counts[0]);
    for (int64_t c = 0; c < spr__chunks_used(workspace, call->blocks); c++)
        for (int64_t e = 0; e < width; e++)
            workspace->counts[e] += workspace->chunks[c].counts[e];
    call->taken_affinity = call->taken_slack = call->taken_routes = 0.0;
    for (int64_t block = 0; block < call->blocks; block++) {
        call->taken_affinity += workspace->block_affinity[block];
        call->taken_slack += workspace->block_slack[block];
        call->taken_routes += workspace->block_routes[block];
    }
}
