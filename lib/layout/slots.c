/* SPDX-License-Identifier: MIT
 * Places in each expert's buffer of fixed capacity, slot-major, as DeepSpeed, GShard and Tutel want them. */
#include "layout.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static void slots_check_capacity(spr__layout_check *check, const int32_t *counts, int64_t experts, int64_t capacity)
{
    if (check->status != SPR_OK)
        return;
    for (int64_t e = 0; e < experts; e++)
        if (counts[e] > capacity) {
            check->status = spr__fail(check->error, SPR_ERROR_SIZE,
                                      "capacity is %" PRId64 "; it must be at least %" PRId32
                                      ", the routes of expert %" PRId64, capacity, counts[e], e);
            return;
        }
}

spr_status spr_layout_slots(const int32_t *ids, const float *weights, int64_t tokens, int64_t k, int64_t experts,
                            int64_t capacity, int32_t slot_order, int32_t *indices, int32_t *locations, float *gates,
                            int32_t *counts, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    spr__layout_range(&check, "capacity", capacity, 1, INT32_MAX);
    spr__layout_range(&check, "slot_order", slot_order, 0, 1);
    spr__layout_int32_routes(&check, tokens, k);
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "weights", weights, SPR__LAYOUT_FLOAT, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "indices", indices, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, k, tokens);
    spr__layout_array(&check, "locations", locations, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, k, tokens);
    spr__layout_array(&check, "gates", gates, SPR__LAYOUT_FLOAT, SPR__LAYOUT_WRITE, k, tokens);
    spr__layout_array(&check, "counts", counts, SPR__LAYOUT_INT32, SPR__LAYOUT_WRITE, experts, 1);
    spr__layout_arrays_done(&check);

    int32_t total[SPR__LAYOUT_EXPERTS + 1];
    spr__layout_count_ids(&check, ids, tokens, k, experts, total);
    slots_check_capacity(&check, total + 1, experts, capacity);
    if (check.status != SPR_OK)
        return check.status;

    /* The places given so far are the locations to come; when all are given they are the counts. */
    memset(counts, 0, (size_t)experts * sizeof *counts);
    int64_t outer_end = slot_order ? k : tokens, inner_end = slot_order ? tokens : k;
    for (int64_t outer = 0; outer < outer_end; outer++)
        for (int64_t inner = 0; inner < inner_end; inner++) {
            int64_t t = slot_order ? inner : outer, slot = slot_order ? outer : inner;
            int64_t from = t * k + slot, to = slot * tokens + t;
            int32_t id = ids[from];
            indices[to] = id;
            locations[to] = id >= 0 ? counts[id]++ : -1;
            gates[to] = id >= 0 ? weights[from] : 0.0f;
        }
    assert(memcmp(counts, total + 1, (size_t)experts * sizeof *counts) == 0);
    return SPR_OK;
}
