/* SPDX-License-Identifier: MIT
 * Logits that talk a softmax-top-k router into a given table. */
#include "layout.h"

#include <inttypes.h>
#include <math.h>

/* Finite, so that 0 * logit stays 0 in the router's arithmetic, and so low that its exponential is 0. */
static const float log_weights_never = -1e30f;

static void log_weights_check(spr__layout_check *check, const float *weights, int64_t tokens, int64_t k)
{
    if (check->status != SPR_OK)
        return;
    for (int64_t flat = 0; flat < tokens * k; flat++)
        if (!(weights[flat] >= 0.0f && weights[flat] < INFINITY)) {
            check->status = spr__fail(check->error, SPR_ERROR_NOT_FINITE,
                                      "weights of token %" PRId64 ", slot %" PRId64
                                      " is %g; it must be finite and >= 0", flat / k, flat % k, (double)weights[flat]);
            return;
        }
}

spr_status spr_layout_log_weights(const int32_t *ids, const float *weights, int64_t tokens, int64_t k, int64_t experts,
                                  float *log_weights, spr_error *error)
{
    spr__layout_check check;
    spr__layout_begin(&check, error);
    spr__layout_shape(&check, tokens, k, experts);
    spr__layout_array(&check, "ids", ids, SPR__LAYOUT_INT32, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "weights", weights, SPR__LAYOUT_FLOAT, SPR__LAYOUT_READ, tokens, k);
    spr__layout_array(&check, "log_weights", log_weights, SPR__LAYOUT_FLOAT, SPR__LAYOUT_WRITE, tokens, experts);
    spr__layout_arrays_done(&check);
    spr__layout_ids(&check, ids, tokens, k, experts);
    log_weights_check(&check, weights, tokens, k);
    if (check.status != SPR_OK)
        return check.status;

    for (int64_t t = 0; t < tokens; t++) {
        float *row = log_weights + t * experts;
        for (int64_t e = 0; e < experts; e++)
            row[e] = log_weights_never;
        for (int64_t flat = t * k; flat < (t + 1) * k; flat++)
            if (ids[flat] >= 0 && weights[flat] > 0.0f)
                row[ids[flat]] = (float)log((double)weights[flat]); /* rounding to float hides the libm */
    }
    return SPR_OK;
}
