/* SPDX-License-Identifier: MIT
 * Who gets each token, as DeepEP's get_dispatch_layout: a token is sent once to a rank, whatever it uses there. */
#include "layout.h"

#include <string.h>

/* Tokens per rank and per node. tokens_per_node may be NULL. */
static void dispatch_ranks(const int32_t *ids, int64_t tokens, int64_t k, uint32_t experts_per_rank,
                           uint32_t ranks_per_node, int64_t ranks, int32_t *tokens_per_rank, int32_t *tokens_per_node,
                           uint8_t *token_in_rank)
{
    int32_t last_token[SPR__LAYOUT_EXPERTS]; /* last_token[node]: the token counted there last, plus one */
    memset(last_token, 0, ((size_t)ranks / ranks_per_node) * sizeof *last_token);

    for (int64_t t = 0; t < tokens; t++) {
        const int32_t *row = ids + t * k;
        uint8_t *in_rank = token_in_rank + t * ranks;
        memset(in_rank, 0, (size_t)ranks);
        for (int64_t slot = 0; slot < k; slot++) {
            if (row[slot] < 0)
                continue;
            uint32_t rank = (uint32_t)row[slot] / experts_per_rank, node = rank / ranks_per_node;
            tokens_per_rank[rank] += !in_rank[rank];
            in_rank[rank] = 1;
            if (tokens_per_node != NULL && last_token[node] != (int32_t)t + 1) {
                last_token[node] = (int32_t)t + 1;
                tokens_per_node[node]++;
            }
        }
    }
}

spr_status spr_layout_dispatch(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t ranks,
                               int64_t nodes, int32_t *tokens_per_rank, int32_t *tokens_per_node,
                               int32_t *tokens_per_expert, uint8_t *token_in_rank, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    spr__layout_divides(&check, "ranks", ranks, "experts", experts);
    spr__layout_divides(&check, "nodes", nodes, "ranks", ranks);
    spr__layout_int32_routes(&check, tokens, k);
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "tokens_per_rank", tokens_per_rank, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, ranks, 1);
    if (tokens_per_node != NULL)
        spr__layout_array(&check, "tokens_per_node", tokens_per_node, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, nodes, 1);
    spr__layout_array(&check, "tokens_per_expert", tokens_per_expert, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, experts, 1);
    spr__layout_array(&check, "token_in_rank", token_in_rank, SPR__LAYOUT_UINT8, SPR__LAYOUT_WRITE, tokens, ranks);
    spr__layout_arrays_done(&check);
    spr__layout_ids(&check, ids, tokens, k, experts);
    if (check.status != SPR_OK)
        return check.status;

    memset(tokens_per_rank, 0, (size_t)ranks * sizeof *tokens_per_rank);
    if (tokens_per_node != NULL)
        memset(tokens_per_node, 0, (size_t)nodes * sizeof *tokens_per_node);
    memset(tokens_per_expert, 0, (size_t)experts * sizeof *tokens_per_expert);
    for (int64_t flat = 0; flat < tokens * k; flat++)
        if (ids[flat] >= 0)
            tokens_per_expert[ids[flat]]++;
    dispatch_ranks(ids, tokens, k, (uint32_t)(experts / ranks), (uint32_t)(ranks / nodes), ranks, tokens_per_rank,
                   tokens_per_node, token_in_rank);
    return SPR_OK;
}
