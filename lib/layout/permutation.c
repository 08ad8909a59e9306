/* SPDX-License-Identifier: MIT
 * What Megatron-LM's token dispatcher permutes and splits by: a stable counting sort of token ids by expert. */
#include "layout.h"

#include <assert.h>
#include <string.h>

spr_status spr_layout_permutation(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t ranks,
                                  int64_t *sorted_indices, int64_t sorted_size, int64_t *tokens_per_expert,
                                  int64_t *input_splits, int64_t *routes, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    spr__layout_divides(&check, "ranks", ranks, "experts", experts);
    spr__layout_size(&check, "sorted_size", sorted_size, 0, "a number of elements");
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "sorted_indices", sorted_indices, SPR__LAYOUT_INT64, SPR__LAYOUT_WRITE, sorted_size, 1);
    spr__layout_array(&check, "tokens_per_expert", tokens_per_expert, SPR__LAYOUT_INT64, SPR__LAYOUT_WRITE, experts, 1);
    spr__layout_array(&check, "input_splits", input_splits, SPR__LAYOUT_INT64, SPR__LAYOUT_WRITE, ranks, 1);
    spr__layout_array(&check, "routes", routes, SPR__LAYOUT_INT64, SPR__LAYOUT_WRITE, 1, 1);
    spr__layout_arrays_done(&check);
    int64_t all = spr__layout_ids(&check, ids, tokens, k, experts);
    spr__layout_size(&check, "sorted_size", sorted_size, all, "the number of routes");
    if (check.status != SPR_OK)
        return check.status;

    int64_t *next = tokens_per_expert; /* counts, then each expert's next free place, then counts again */
    memset(next, 0, (size_t)experts * sizeof *next);
    for (int64_t flat = 0; flat < tokens * k; flat++)
        if (ids[flat] >= 0)
            next[ids[flat]]++;

    int64_t first = 0, experts_per_rank = experts / ranks;
    memset(input_splits, 0, (size_t)ranks * sizeof *input_splits);
    for (int64_t e = 0; e < experts; e++) {
        int64_t count = next[e];
        input_splits[e / experts_per_rank] += count;
        next[e] = first;
        first += count;
    }
    assert(first == all);

    for (int64_t t = 0; t < tokens; t++)
        for (int64_t flat = t * k; flat < (t + 1) * k; flat++)
            if (ids[flat] >= 0)
                sorted_indices[next[ids[flat]]++] = t;

    /* Each expert's next place has moved to the first place of the one after it. */
    for (int64_t e = experts - 1; e > 0; e--)
        tokens_per_expert[e] = next[e] - next[e - 1];
    *routes = all;
    return SPR_OK;
}
