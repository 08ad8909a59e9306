/* SPDX-License-Identifier: MIT
 * One column per expert: Megatron's routing_map and probs, ONNX Runtime's router_weights. */
#include "layout.h"

#include <string.h>

spr_status spr_layout_dense(const int32_t *ids, const float *weights, int64_t tokens, int64_t k, int64_t experts,
                            uint8_t *map, float *dense, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    if (check.status == SPR_OK && tokens > 0 && map == NULL && dense == NULL)
        check.status = spr__fail(error, SPR_ERROR_ARGUMENT, "map and dense are NULL; at least one must be given");
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    if (weights != NULL || dense != NULL)
        spr__layout_array(&check, "weights", weights, SPR__LAYOUT_FLOAT, SPR__LAYOUT_READ, tokens, k);
    if (map != NULL)
        spr__layout_array(&check, "map", map, SPR__LAYOUT_UINT8, SPR__LAYOUT_WRITE, tokens, experts);
    if (dense != NULL)
        spr__layout_array(&check, "dense", dense, SPR__LAYOUT_FLOAT, SPR__LAYOUT_WRITE, tokens, experts);
    spr__layout_arrays_done(&check);
    spr__layout_ids(&check, ids, tokens, k, experts);
    if (check.status != SPR_OK)
        return check.status;

    for (int64_t t = 0; map != NULL && t < tokens; t++) {
        uint8_t *row = map + t * experts;
        memset(row, 0, (size_t)experts);
        for (int64_t flat = t * k; flat < (t + 1) * k; flat++)
            if (ids[flat] >= 0)
                row[ids[flat]] = 1;
    }
    for (int64_t t = 0; dense != NULL && t < tokens; t++) {
        float *row = dense + t * experts;
        for (int64_t e = 0; e < experts; e++)
            row[e] = 0.0f;
        for (int64_t flat = t * k; flat < (t + 1) * k; flat++)
            if (ids[flat] >= 0)
                row[ids[flat]] = weights[flat];
    }
    return SPR_OK;
}
