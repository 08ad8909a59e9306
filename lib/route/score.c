/* SPDX-License-Identifier: MIT
 * From logits to what is selected by. */
#include "call.h"

#include <math.h>

#include "../base/exact.h"

int spr__keys_are_logits(const spr__call *call)
{
    const spr_plan *plan = call->plan;
    if (plan->options.score == spr__score_softmax_selected)
        return 1;
    /* Every score function is increasing, so without bias and group sums the logits give the same order. */
    return call->bias == NULL && (!plan->grouped || (plan->grouping.score == SPR_GROUP_MAX && !plan->grouping.zero));
}

int spr__needs_sums(const spr_plan *plan)
{
    return plan->weighting.score == SPR_SCORE_SOFTMAX;
}

void spr__make_keys(const spr__call *call, spr__chunk *chunk, float *tile, int affinity)
{
    static const int32_t scores[] = {SPR_SCORE_SOFTMAX, SPR_SCORE_SOFTMAX, SPR_SCORE_SIGMOID, SPR_SCORE_SQRT_SOFTPLUS};
    const spr_plan *plan = call->plan;
    const int64_t experts = plan->options.experts;
    const int logits = affinity ? plan->options.affinity == spr__affinity_logit : spr__keys_are_logits(call);
    if (!logits) {
        call->kernel->score(tile, experts, scores[plan->options.score], chunk->maximum, chunk->sum);
    }
    if (call->bias != NULL)
        for (int64_t e = 0; e < experts; e++)
            for (int64_t r = 0; r < SPR_BLOCK; r++)
                tile[e * SPR_BLOCK + r] += call->bias[e];
    if (plan->grouped)
        call->kernel->limit_groups(tile, &plan->grouping, chunk->groups);
}

static void score_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const spr__call *call = (const spr__call *)context;
    const int64_t width = call->plan->width, experts = call->plan->options.experts;
    for (int64_t block = first; block < last; block++) {
        spr__load_block(call, block, SPR_BLOCK, chunk->rows);
        call->kernel->to_tile(chunk->rows, width, chunk->tile);
        spr__make_keys(call, chunk, chunk->tile, 1);
        call->kernel->to_rows(chunk->tile, width, chunk->keys);
        for (int64_t r = 0; r < SPR_BLOCK && block * SPR_BLOCK + r < call->tokens; r++)
            for (int64_t e = 0; e < experts; e++)
                call->scores[(block * SPR_BLOCK + r) * experts + e] = chunk->keys[r * width + e];
    }
}

void spr__compute_scores(spr__call *call)
{
    spr__for_blocks(call->workspace, call->blocks, score_blocks, call);
}
