/* SPDX-License-Identifier: MIT
 * Lowering a batch: from the call to H in structured form. */
#include "lower.h"

#include <string.h>

#include "quadratic.h"
#include "../base/array.h"

#include "../base/exact.h"

static spr_status lower_batch_check(const spr__call *call, const spr_batch *batch, const int32_t *ids, spr_error *error)
{
    const spr__options *o = &call->plan->options;
    if (ids == NULL && call->tokens > 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "ids is NULL");
    if (!call->plan->balanced)
        return spr__fail(error, SPR_ERROR_UNSUPPORTED, "the plan has nothing to lower: its H is plain top-k; set a "
                         "capacity, a balance or a quadratic option, for example balance_weight");
    const size_t element = batch->dtype == SPR_FLOAT32 ? 4 : 2;
    const size_t bytes = batch->tokens == 0 ? 0 : (size_t)(call->row_bytes * (batch->tokens - 1)) +
                                                      (size_t)o->experts * element;
    const spr__array arrays[] = {{"batch->logits", batch->logits, bytes, element, 0},
                                 {"ids", ids, (size_t)(call->tokens * o->k) * 4, 4, 0}};
    return spr__check_arrays(arrays, 2, error);
}

/* A workspace whose plan has no quadratic terms has no scratch for their H: lends it one. block: to release. */
static spr_status lower_batch_lend(spr__call *call, spr__quadratic *lent, const spr__memory *memory, void **block,
                                   size_t *bytes, spr_error *error)
{
    const size_t tokens = (size_t)call->tokens, width = (size_t)call->plan->width;
    spr__arena arena = {NULL, 0};
    *block = NULL;
    *bytes = 0;
    if (call->workspace->quadratic != NULL)
        return SPR_OK;
    memset(lent, 0, sizeof *lent);
    for (int pass = 0; pass < 2; pass++) {
        lent->need = (int32_t *)spr__arena_take(&arena, tokens, sizeof(int32_t));
        lent->activation = (double *)spr__arena_take(&arena, width, sizeof(double));
        lent->device = (int32_t *)spr__arena_take(&arena, width, sizeof(int32_t));
        lent->node = (int32_t *)spr__arena_take(&arena, width, sizeof(int32_t));
        if (pass == 1)
            break;
        *bytes = arena.used + SPR_ALIGNMENT;
        *block = spr__allocate(memory, *bytes);
        if (*block == NULL)
            return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", *bytes);
        arena = (spr__arena){(char *)*block + (SPR_ALIGNMENT - (uintptr_t)*block % SPR_ALIGNMENT) % SPR_ALIGNMENT, 0};
    }
    call->workspace->quadratic = lent;
    return SPR_OK;
}

spr_status spr_lower(spr_workspace *workspace, const spr_batch *batch, const int32_t *ids,
                     const spr_lower_settings *settings, spr_allocator allocator, void *user, spr_lowering **lowering,
                     spr_error *error)
{
    const spr__memory memory = spr__memory_of(allocator, user);
    spr__call call;
    spr__terms terms;
    spr__quadratic lent;
    void *block;
    size_t bytes;
    if (lowering == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "lowering is NULL");
    *lowering = NULL;
    spr_status status = spr__call_begin(&call, workspace, batch, error);
    if (status == SPR_OK)
        status = lower_batch_check(&call, batch, ids, error);
    if (status != SPR_OK)
        return status;
    spr__compute_affinity(&call);
    status = spr__call_check_finite(&call, error);
    if (status == SPR_OK)
        status = lower_batch_lend(&call, &lent, &memory, &block, &bytes, error);
    if (status != SPR_OK)
        return status;
    spr__quadratic_prepare(&call);
    spr__market_open(&call);
    spr__terms_open(&call, &terms);
    status = spr__lowering_new(&terms, ids, settings, memory, lowering, error);
    if (status == SPR_OK && call.previous != NULL && call.plan->options.hysteresis_weight > 0.0) {
        /* hysteresis has no say in the order of a token's experts */
        spr__compute_affinity(&call);
        memcpy((*lowering)->rank, workspace->rows, (size_t)(call.tokens * call.plan->width) * sizeof(float));
    }
    if (workspace->quadratic == &lent)
        workspace->quadratic = NULL;
    spr__release(&memory, block, bytes);
    return status;
}
