/* SPDX-License-Identifier: MIT
 * Block-aligned table, as vLLM's moe_align_block_size: a counting sort whose groups start at multiples of block. */
#include "layout.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static void blocks_check_map(spr__layout_check *check, const int32_t *expert_map, int64_t experts)
{
    if (check->status != SPR_OK || expert_map == NULL)
        return;
    for (int64_t e = 0; e < experts; e++)
        if (expert_map[e] < -1 || expert_map[e] >= experts) {
            check->status = spr__fail(check->error, SPR_ERROR_EXPERT_ID,
                                      "expert_map of expert %" PRId64 " is %" PRId32 "; it must be -1..%" PRId64, e,
                                      expert_map[e], experts - 1);
            return;
        }
}

/* Names the blocks and turns counts into the place of each expert's first route; returns the end of the last block. */
static int64_t blocks_lay(int32_t *counts, int64_t experts, int64_t block, const int32_t *expert_map,
                          int32_t *block_experts, int64_t block_experts_size)
{
    int64_t used = 0;
    for (int64_t e = 0; e < experts; e++) {
        int64_t blocks = (counts[e + 1] + block - 1) / block;
        counts[e + 1] = (int32_t)(used * block);
        for (int64_t end = used + blocks; used < end; used++)
            block_experts[used] = expert_map != NULL ? expert_map[e] : (int32_t)e;
    }
    assert(used <= block_experts_size);
    if (block_experts_size > used)
        memset(block_experts + used, 0, (size_t)(block_experts_size - used) * sizeof *block_experts);
    return used * block;
}

spr_status spr_layout_blocks(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t block,
                             const int32_t *expert_map, int32_t *sorted, int64_t sorted_size, int32_t *block_experts,
                             int64_t block_experts_size, int32_t *padded, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    spr__layout_range(&check, "block", block, 1, 65536);
    spr__layout_int32_routes(&check, tokens, k);
    if (check.status != SPR_OK)
        return check.status;

    /* no more experts than routes can have a part-filled block */
    int64_t routes = tokens * k, needed = routes + (routes < experts ? routes : experts) * (block - 1);
    spr__layout_size(&check, "sorted_size", sorted_size, needed, "tokens*k + min(experts, tokens*k)*(block-1)");
    if (check.status == SPR_OK && needed > INT32_MAX)
        check.status = spr__fail(error, SPR_ERROR_SIZE,
                                 "block is %" PRId64 "; tokens*k + min(experts, tokens*k)*(block-1) is then %" PRId64
                                 " and must be at most %" PRId32, block, needed, INT32_MAX);
    spr__layout_size(&check, "block_experts_size", block_experts_size,
                     sorted_size / block + (sorted_size % block > 0), "ceil(sorted_size / block)");
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    if (expert_map != NULL)
        spr__layout_array(&check, "expert_map", expert_map, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, experts, 1);
    spr__layout_array(&check, "sorted", sorted, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, sorted_size, 1);
    spr__layout_array(&check, "block_experts", block_experts, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, block_experts_size,
                      1);
    spr__layout_array(&check, "padded", padded, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, 1, 1);
    spr__layout_arrays_done(&check);
    blocks_check_map(&check, expert_map, experts);

    int32_t next[SPR__LAYOUT_EXPERTS + 1]; /* next[e+1]: first the routes of expert e, then its next free place */
    spr__layout_count_ids(&check, ids, tokens, k, experts, next);
    if (check.status != SPR_OK)
        return check.status;

    int64_t end = blocks_lay(next, experts, block, expert_map, block_experts, block_experts_size);
    assert(end <= needed && end % block == 0);
    for (int64_t flat = 0; flat < routes; flat++)
        if (ids[flat] >= 0)
            sorted[next[ids[flat] + 1]++] = (int32_t)flat;

    /* An expert's filler begins where its routes ended and stops at the next block. */
    for (int64_t e = 0; e < experts; e++)
        for (int64_t i = next[e + 1]; i % block != 0; i++)
            sorted[i] = (int32_t)routes;
    for (int64_t i = end; i < sorted_size; i++)
        sorted[i] = (int32_t)routes;
    *padded = (int32_t)end;
    return SPR_OK;
}
