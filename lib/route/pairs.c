/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <math.h>
#include <string.h>

static size_t pairs_width(const spr_plan *plan)
{
    return ((size_t)plan->options.experts + 15) / 16 * 16;
}

static size_t pairs_bytes(const spr_plan *plan)
{
    return (size_t)plan->options.experts * pairs_width(plan) * sizeof(float);
}

void spr__pairs_drop(spr_plan *plan)
{
    spr__release(&plan->memory, plan->pair, pairs_bytes(plan));
    plan->pair = NULL;
}

static spr_status pairs_make(spr_plan *plan, float **pair, spr_error *error)
{
    if (plan->options.experts == 0 || plan->options.experts > SPR_MAX_BALANCED_EXPERTS)
        return spr__fail(error, SPR_ERROR_SIZE, "array \"coactivation\" with experts = %lld; accepted is 1..%d",
                         (long long)plan->options.experts, SPR_MAX_BALANCED_EXPERTS);
    *pair = (float *)spr__allocate(&plan->memory, pairs_bytes(plan));
    if (*pair == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for array \"coactivation\" of %zu bytes", pairs_bytes(plan));
    memset(*pair, 0, pairs_bytes(plan));
    return SPR_OK;
}

static spr_status pairs_check(const spr_plan *plan, const void *values, int64_t count, int64_t wanted, spr_error *error)
{
    if (values == NULL && count != 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "values of array \"coactivation\" is NULL but count is %lld",
                         (long long)count);
    if (values != NULL && (count != wanted || plan->options.experts == 0))
        return spr__fail(error, SPR_ERROR_SIZE, "count of array \"coactivation\" is %lld; accepted is experts*experts = "
                         "%lld", (long long)count, (long long)wanted);
    if ((uintptr_t)values % sizeof(float) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "values of array \"coactivation\" is at %p; it must be aligned to 4 "
                         "bytes", values);
    return SPR_OK;
}

spr_status spr__pairs_set_dense(spr_plan *plan, const float *values, int64_t count, spr_error *error)
{
    const int64_t experts = plan->options.experts, width = (int64_t)pairs_width(plan);
    float *pair = NULL;
    spr_status status = pairs_check(plan, values, count, experts * experts, error);
    if (status != SPR_OK)
        return status;
    for (int64_t e = 0; e < experts && values != NULL; e++)
        for (int64_t f = 0; f < experts; f++) {
            if (!isfinite(values[e * experts + f]))
                return spr__fail(error, SPR_ERROR_NOT_FINITE, "array \"coactivation\" holds %g at row %lld, column %lld; it "
                                 "must be finite", (double)values[e * experts + f], (long long)e, (long long)f);
            if (values[e * experts + f] != values[f * experts + e])
                return spr__fail(error, SPR_ERROR_CONFLICT, "array \"coactivation\" holds %g at row %lld, column %lld but %g "
                                 "at row %lld, column %lld; it must be symmetric", (double)values[e * experts + f],
                                 (long long)e, (long long)f, (double)values[f * experts + e], (long long)f, (long long)e);
        }
    if (values != NULL)
        status = pairs_make(plan, &pair, error);
    if (status != SPR_OK)
        return status;
    for (int64_t e = 0; e < experts && values != NULL; e++)
        for (int64_t f = 0; f < experts; f++)
            pair[e * width + f] = e == f ? 0.0f : values[e * experts + f];
    spr__pairs_drop(plan);
    plan->pair = pair;
    return spr__ok(error);
}

static spr_status pairs_check_entry(const spr_plan *plan, const float *pair, int64_t i, int32_t e, int32_t f, float value,
                                    spr_error *error)
{
    const int64_t experts = plan->options.experts;
    if (e < 0 || e >= experts || f < 0 || f >= experts || e == f)
        return spr__fail(error, SPR_ERROR_EXPERT_ID, "entry %lld of \"coactivation\" is the pair %d, %d; accepted are "
                         "different experts of 0..%lld", (long long)i, (int)e, (int)f, (long long)experts - 1);
    if (!isfinite(value))
        return spr__fail(error, SPR_ERROR_NOT_FINITE, "entry %lld of \"coactivation\" is %g; it must be finite",
                         (long long)i, (double)value);
    /* a pair that is listed has a number there, and NaN marks those that are not */
    if (!isnan(pair[e * (int64_t)pairs_width(plan) + f]))
        return spr__fail(error, SPR_ERROR_CONFLICT, "entry %lld of \"coactivation\" lists the pair %d, %d again; once is "
                         "accepted", (long long)i, (int)e, (int)f);
    return SPR_OK;
}

spr_status spr_plan_set_pairs(spr_plan *plan, const char *name, const int32_t *first, const int32_t *second,
                              const float *values, int64_t count, spr_error *error)
{
    if (plan == NULL || name == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", plan == NULL ? "plan" : "name");
    if (plan->sealed)
        return spr__fail(error, SPR_ERROR_STATE, "plan is sealed; \"%.80s\" can only be set before spr_plan_seal", name);
    if (strcmp(name, "coactivation") != 0)
        return spr__fail(error, SPR_ERROR_OPTION_NAME, "pairs \"%.80s\" do not exist; accepted is coactivation", name);
    if (count < 0 || (count > 0 && (first == NULL || second == NULL || values == NULL)))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "count of \"coactivation\" is %lld; first, second and values must hold "
                         "that many", (long long)count);
    if (((uintptr_t)first | (uintptr_t)second | (uintptr_t)values) % 4 != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "first, second and values must be aligned to 4 bytes");
    float *pair = NULL;
    spr_status status = pairs_make(plan, &pair, error);
    if (status != SPR_OK)
        return status;
    const int64_t width = (int64_t)pairs_width(plan), cells = plan->options.experts * width;
    for (int64_t i = 0; i < cells; i++)
        pair[i] = NAN;
    for (int64_t i = 0; i < count && status == SPR_OK; i++) {
        status = pairs_check_entry(plan, pair, i, first[i], second[i], values[i], error);
        if (status == SPR_OK)
            pair[first[i] * width + second[i]] = pair[second[i] * width + first[i]] = values[i];
    }
    if (status != SPR_OK) {
        spr__release(&plan->memory, pair, pairs_bytes(plan));
        return status;
    }
    for (int64_t i = 0; i < cells; i++)
        pair[i] = isnan(pair[i]) ? 0.0f : pair[i];
    spr__pairs_drop(plan);
    plan->pair = pair;
    return spr__ok(error);
}
