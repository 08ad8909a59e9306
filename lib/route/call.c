/* SPDX-License-Identifier: MIT
 * Checking a batch. */
#include "call.h"
#include "../base/array.h"

#include <math.h>
#include <string.h>

/* what batches had in the first header */
#define CALL_FIRST_SIZE (offsetof(spr_batch, bias) + sizeof ((spr_batch *)NULL)->bias)

static spr_status call_check_bias(const float *bias, int64_t experts, spr_error *error)
{
    for (int64_t e = 0; e < experts; e++)
        if (!isfinite(bias[e]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "batch->bias[%lld] is %g; it must be finite", (long long)e,
                             (double)bias[e]);
    return SPR_OK;
}

/* A struct of a later header may be longer than ours; what we do not know must be zero. */
static spr_status call_check_size(const spr_batch *batch, spr_error *error)
{
    /* an older header's struct ends with one of ours: all fields since the first one have 8 bytes */
    if (batch->size < CALL_FIRST_SIZE || (batch->size < sizeof *batch && (batch->size - CALL_FIRST_SIZE) % 8 != 0))
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "batch->size is %zu; accepted is sizeof(spr_batch) = %zu",
                         batch->size, sizeof *batch);
    if (batch->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "batch->size is %zu; accepted is up to 4096", batch->size);
    for (size_t i = sizeof *batch; i < batch->size; i++)
        if (((const unsigned char *)batch)[i] != 0)
            return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "batch has a nonzero byte at %zu, beyond the %zu bytes that "
                             "this version knows", i, sizeof *batch);
    if (batch->reserved != 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "batch->reserved is %d; it must be 0", (int)batch->reserved);
    return SPR_OK;
}

/* What batches of a later header than the first bring. known: a copy, zero where the caller has nothing. */
static spr_status call_take_quadratic(spr__call *call, const spr_batch *known, spr_error *error)
{
    const spr__options *o = &call->plan->options;
    const void *arrays[] = {known->activation, known->previous};
    static const char *const names[] = {"activation", "previous"};
    for (int i = 0; i < 2; i++)
        if ((uintptr_t)arrays[i] % 4 != 0)
            return spr__fail(error, SPR_ERROR_ALIGNMENT, "batch->%s is at %p; it must be aligned to 4 bytes", names[i],
                             arrays[i]);
    for (int64_t e = 0; known->activation != NULL && e < o->experts; e++)
        if (!(known->activation[e] >= 0.0f && known->activation[e] <= 1e6f))
            return spr__fail(error, isfinite(known->activation[e]) ? SPR_ERROR_OPTION_RANGE : SPR_ERROR_NOT_FINITE, "batch->activation[%lld] is %g; accepted is 0..1e6", (long long)e,
                             (double)known->activation[e]);
    for (int64_t i = 0; known->previous != NULL && i < known->tokens * o->k; i++)
        if (known->previous[i] < -1 || known->previous[i] >= o->experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "batch->previous holds %d at token %lld, slot %lld; accepted is "
                             "-1..%lld", (int)known->previous[i], (long long)(i / o->k), (long long)(i % o->k),
                             (long long)o->experts - 1);
    call->resident = known->resident;
    call->activation = known->activation != NULL ? known->activation : call->plan->activation;
    call->previous = known->previous;
    return SPR_OK;
}

spr_status spr__call_begin(spr__call *call, spr_workspace *workspace, const spr_batch *batch, spr_error *error)
{
    if (workspace == NULL || batch == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", workspace == NULL ? "workspace" : "batch");
    spr_status status = call_check_size(batch, error);
    if (status != SPR_OK)
        return status;
    const spr_plan *plan = workspace->plan;
    int64_t experts = plan->options.experts, stride = batch->row_stride != 0 ? batch->row_stride : experts;
    if (batch->tokens < 0 || batch->tokens > workspace->max_tokens)
        return spr__fail(error, SPR_ERROR_TOKENS, "batch->tokens is %lld; accepted is 0..%lld, the workspace's max_tokens",
                         (long long)batch->tokens, (long long)workspace->max_tokens);
    if (batch->dtype != SPR_FLOAT32 && batch->dtype != SPR_FLOAT16 && batch->dtype != SPR_BFLOAT16)
        return spr__fail(error, SPR_ERROR_DTYPE, "batch->dtype is %d; accepted is 0 (float32), 1 (float16), 2 (bfloat16)",
                         (int)batch->dtype);
    int64_t element = batch->dtype == SPR_FLOAT32 ? 4 : 2;
    if (stride < experts || stride > (INT64_MAX / element) / (batch->tokens + 1))
        return spr__fail(error, SPR_ERROR_STRIDE, "batch->row_stride is %lld; accepted is experts = %lld or more, or 0",
                         (long long)batch->row_stride, (long long)experts);
    if (batch->logits == NULL && batch->tokens > 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "batch->logits is NULL but batch->tokens is %lld",
                         (long long)batch->tokens);
    if ((uintptr_t)batch->bias % sizeof(float) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "batch->bias is at %p; it must be aligned to 4 bytes",
                         (const void *)batch->bias);
    if (batch->bias != NULL)
        status = call_check_bias(batch->bias, experts, error);
    if (status != SPR_OK)
        return status;
    memset(call, 0, sizeof *call);
    call->workspace = workspace;
    call->plan = plan;
    call->kernel = plan->kernel;
    call->tokens = batch->tokens;
    call->blocks = spr__blocks(batch->tokens);
    call->logits = (const char *)batch->logits;
    call->row_bytes = stride * element;
    call->dtype = batch->dtype;
    call->token_mask = batch->token_mask;
    call->bias = batch->bias != NULL ? batch->bias : plan->bias;
    spr_batch known;
    memset(&known, 0, sizeof known);
    memcpy(&known, batch, batch->size < sizeof known ? batch->size : sizeof known);
    return call_take_quadratic(call, &known, error);
}

static spr_status call_blame_row(const spr__call *call, int64_t token, spr_error *error)
{
    int64_t experts = call->plan->options.experts;
    float one;
    for (int64_t e = 0; e < experts; e++) {
        float padded[SPR_BLOCK];
        const char *at = call->logits + token * call->row_bytes + e * (call->dtype == SPR_FLOAT32 ? 4 : 2);
        if (call->kernel->load_row(at, call->dtype, 1, SPR_BLOCK, padded)) {
            one = padded[0];
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "batch->logits holds %g at token %lld, expert %lld; NaN and +inf "
                             "are not accepted unless option \"nonfinite\" is drop", (double)one, (long long)token,
                             (long long)e);
        }
    }
    return SPR_OK;
}

/* takes_part: 0 masked, 1 routed, 2 not finite (load.c) */
spr_status spr__call_check_finite(spr__call *call, spr_error *error)
{
    const uint8_t *takes_part = call->workspace->takes_part;
    int64_t valid = 0, bad = 0;
    for (int64_t t = 0; t < call->tokens; t++) {
        valid += takes_part[t] == 1;
        bad += takes_part[t] == 2;
    }
    call->statistics.tokens = valid;
    call->statistics.not_finite = bad;
    if (bad > 0 && call->plan->options.nonfinite == spr__nonfinite_error)
        for (int64_t t = 0; t < call->tokens; t++)
            if (takes_part[t] == 2)
                return call_blame_row(call, t, error);
    return SPR_OK;
}
