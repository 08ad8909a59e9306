/* SPDX-License-Identifier: MIT
 * How many tokens an expert may take. */
#include "plan.h"

#include <math.h>

#include "../base/exact.h"

/* Megatron-LM get_capacity, DeepSpeed _capacity, Tutel: the same formula with other roundings. */
static int64_t capacity_uniform(const spr__options *o, int64_t tokens)
{
    double exact = (double)(tokens * o->k) / (double)o->experts * o->capacity_factor;
    double whole = o->capacity_rounding == spr__capacity_rounding_ceil ? ceil(exact) : floor(exact);
    int64_t capacity = o->capacity > 0 ? o->capacity : whole < 2147483647.0 ? (int64_t)whole : 2147483647;
    if (capacity < o->capacity_minimum)
        capacity = o->capacity_minimum;
    return (capacity + o->capacity_multiple - 1) / o->capacity_multiple * o->capacity_multiple;
}

int64_t spr__expert_capacity(const spr_plan *plan, int64_t tokens, int64_t expert)
{
    if (plan->capacity != NULL)
        return plan->capacity[expert];
    return plan->has_capacity ? capacity_uniform(&plan->options, tokens) : INT64_MAX;
}

spr_status spr_plan_capacity(const spr_plan *plan, int64_t tokens, int64_t *capacity, spr_error *error)
{
    if (plan == NULL || capacity == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", plan == NULL ? "plan" : "capacity");
    if (!plan->sealed)
        return spr__fail(error, SPR_ERROR_STATE, "plan is not sealed; call spr_plan_seal first");
    if (tokens < 0 || tokens > INT32_MAX)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "tokens is %lld; accepted is 0..2147483647", (long long)tokens);
    *capacity = -1;
    if (plan->capacity != NULL) {
        for (int64_t e = 0; e < plan->options.experts; e++)
            if (plan->capacity[e] > *capacity)
                *capacity = plan->capacity[e];
    } else if (plan->has_capacity) {
        *capacity = capacity_uniform(&plan->options, tokens);
    }
    return spr__ok(error);
}
