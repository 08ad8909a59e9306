/* SPDX-License-Identifier: MIT
 * Plain top-k: one pass over the logits, a block of 16 tokens at a time, nothing kept but ids and weights. */
#include "call.h"

#include <math.h>
#include <string.h>

/* tokens in a block up to which rows are searched one by one */
enum { SELECT_FEW = 3 };

void spr__write_ids(const spr__call *call, spr__chunk *chunk, int64_t block, const float *rows, const uint64_t *words,
                    int64_t words_step)
{
    const int64_t width = call->plan->width, k = call->plan->options.k, word_count = call->plan->words;
    const int64_t first = block * SPR_BLOCK, count = call->tokens - first < SPR_BLOCK ? call->tokens - first : SPR_BLOCK;
    for (int64_t r = 0; r < count; r++) {
        int64_t j = 0;
        for (int64_t w = 0; w < word_count; w++)
            for (uint64_t rest = words[r * words_step + w]; rest != 0; rest &= rest - 1, j++) {
                int64_t e = w * 64 + __builtin_ctzll(rest);
                chunk->chosen[j * SPR_BLOCK + r] = (int32_t)e;
                chunk->values[j * SPR_BLOCK + r] = rows[r * width + e];
            }
        for (; j < k; j++) {
            chunk->chosen[j * SPR_BLOCK + r] = -1;
            chunk->values[j * SPR_BLOCK + r] = -INFINITY;
        }
    }
    for (int64_t r = count; r < SPR_BLOCK; r++)
        for (int64_t j = 0; j < k; j++)
            chunk->values[j * SPR_BLOCK + r] = -INFINITY;
    call->kernel->order(chunk->values, (int32_t)k, chunk->place);
    for (int64_t r = 0; r < count; r++)
        for (int64_t j = 0; j < k; j++)
            call->ids[(first + r) * k + chunk->place[j * SPR_BLOCK + r]] = chunk->chosen[j * SPR_BLOCK + r];
}

/* weights of the block's ids from its logits, which are still at hand */
static void select_weigh(const spr__call *call, spr__chunk *chunk, int64_t block)
{
    const int64_t width = call->plan->width, k = call->plan->options.k, first = block * SPR_BLOCK;
    const int64_t count = call->tokens - first < SPR_BLOCK ? call->tokens - first : SPR_BLOCK;
    for (int64_t r = 0; r < count; r++)
        for (int64_t j = 0; j < k; j++) {
            int32_t e = call->ids[(first + r) * k + j];
            chunk->values[j * SPR_BLOCK + r] = e < 0 ? -INFINITY : chunk->rows[r * width + e];
        }
    call->kernel->weigh(chunk->values, (int32_t)k, &call->plan->weighting, chunk->maximum, chunk->sum);
    for (int64_t r = 0; r < count; r++)
        for (int64_t j = 0; j < k; j++)
            call->weights[(first + r) * k + j] = chunk->values[j * SPR_BLOCK + r];
}

typedef struct select_context {
    spr__call *call;
    int weights;
} select_context;

static void select_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const select_context *select = (const select_context *)context;
    const spr__call *call = select->call;
    const spr_plan *plan = call->plan;
    const spr__kernel *kernel = call->kernel;
    const int64_t width = plan->width;
    const int32_t k = (int32_t)plan->options.k;
    const int logits = spr__keys_are_logits(call) && call->bias == NULL && !plan->grouped;
    const int sums = select->weights && spr__needs_sums(plan);
    uint64_t words[SPR_BLOCK][SPR_MAX_EXPERTS / 64];
    for (int64_t block = first; block < last; block++) {
        const int64_t count = call->tokens - block * SPR_BLOCK;
        const int few = count <= SELECT_FEW && logits && k <= 16;
        const float *keys = chunk->rows;
        spr__load_block(call, block, few ? count : SPR_BLOCK, chunk->rows);
        if (!few) {
            kernel->to_tile(chunk->rows, width, chunk->tile);
            if (sums)
                kernel->softmax_sums(chunk->tile, plan->options.experts, chunk->maximum, chunk->sum);
            if (!logits) {
                float maximum[SPR_BLOCK], sum[SPR_BLOCK];
                memcpy(maximum, chunk->maximum, sizeof maximum);
                memcpy(sum, chunk->sum, sizeof sum);
                spr__make_keys(call, chunk, chunk->tile, 0);
                memcpy(chunk->maximum, maximum, sizeof maximum);
                memcpy(chunk->sum, sum, sizeof sum);
                kernel->to_rows(chunk->tile, width, chunk->keys);
                keys = chunk->keys;
            }
            kernel->threshold(chunk->tile, width, k, NULL, chunk->threshold);
        } else if (sums) {
            for (int64_t r = 0; r < count; r++)
                kernel->softmax_sums_row(chunk->rows + r * width, plan->options.experts, width, &chunk->maximum[r],
                                         &chunk->sum[r]);
        }
        for (int64_t r = 0; r < SPR_BLOCK && r < count; r++) {
            if (few)
                chunk->threshold[r] = kernel->threshold_row(chunk->rows + r * width, width, k);
            kernel->pick_row(keys + r * width, width, k, NULL, chunk->threshold[r], words[r]);
        }
        spr__write_ids(call, chunk, block, keys, words[0], SPR_MAX_EXPERTS / 64);
        if (select->weights)
            select_weigh(call, chunk, block);
    }
}

void spr__select_plain(spr__call *call, int weights)
{
    select_context context = {call, weights};
    spr__for_blocks(call->workspace, call->blocks, select_blocks, &context);
}
