/* SPDX-License-Identifier: MIT
 * Combine weights of ids that are already there. */
#include "call.h"
#include "../base/half.h"

#include <math.h>

typedef struct weigh_context {
    const spr__call *call;
    const int32_t *ids;
    float *weights;
    spr__weighting weighting;
    int reload;                  /* read whole rows again; otherwise only what is selected */
} weigh_context;

static float weigh_logit(const spr__call *call, int64_t token, int64_t expert)
{
    const char *row = call->logits + token * call->row_bytes;
    if (call->dtype == SPR_FLOAT32)
        return ((const float *)(const void *)row)[expert];
    const uint16_t half = ((const uint16_t *)(const void *)row)[expert];
    return call->dtype == SPR_FLOAT16 ? spr__half_to_float(half) : spr__bfloat_to_float(half);
}

static void weigh_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const weigh_context *weigh = (const weigh_context *)context;
    const spr__call *call = weigh->call;
    const int64_t width = call->plan->width, k = call->plan->options.k;
    for (int64_t block = first; block < last; block++) {
        const int64_t start = block * SPR_BLOCK;
        const int64_t count = call->tokens - start < SPR_BLOCK ? call->tokens - start : SPR_BLOCK;
        if (weigh->reload)
            spr__load_block(call, block, SPR_BLOCK, chunk->rows);
        const float *maximum = chunk->maximum, *sum = chunk->sum;
        if (call->has_sums) {
            maximum = call->workspace->shift + start;
            sum = call->workspace->total + start;
        } else if (weigh->weighting.score == SPR_SCORE_SOFTMAX) {
            call->kernel->to_tile(chunk->rows, width, chunk->tile);
            call->kernel->softmax_sums(chunk->tile, call->plan->options.experts, chunk->maximum, chunk->sum);
        }
        for (int64_t r = 0; r < count; r++)
            for (int64_t j = 0; j < k; j++) {
                int32_t e = weigh->ids[(start + r) * k + j];
                chunk->values[j * SPR_BLOCK + r] = e < 0            ? -INFINITY
                                                   : weigh->reload ? chunk->rows[r * width + e]
                                                                   : weigh_logit(call, start + r, e);
            }
        call->kernel->weigh(chunk->values, (int32_t)k, &weigh->weighting, maximum, sum);
        for (int64_t r = 0; r < count; r++)
            for (int64_t j = 0; j < k; j++)
                weigh->weights[(start + r) * k + j] = chunk->values[j * SPR_BLOCK + r];
    }
}

spr_status spr__weigh(spr__call *call, const int32_t *ids, float *weights, int normalize, spr_error *error)
{
    const int64_t experts = call->plan->options.experts, k = call->plan->options.k;
    for (int64_t i = 0; ids != call->ids && i < call->tokens * k; i++)
        if (ids[i] < -1 || ids[i] >= experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "ids holds %d at token %lld, slot %lld; accepted is -1..%lld",
                             (int)ids[i], (long long)(i / k), (long long)(i % k), (long long)experts - 1);
    weigh_context context = {call, ids, weights, call->plan->weighting, 0};
    if (!normalize && call->plan->normalized) {
        context.weighting.normalize = 0;
        if (call->plan->options.score == spr__score_softmax)
            context.weighting.score = SPR_SCORE_SOFTMAX;
    }
    /* ids from outside may name masked experts, and softmax over all needs all */
    context.reload = ids != call->ids || (context.weighting.score == SPR_SCORE_SOFTMAX && !call->has_sums);
    spr__for_blocks(call->workspace, call->blocks, weigh_blocks, &context);
    return spr__ok(error);
}
