/* SPDX-License-Identifier: MIT
 * Sealing: do the options fit together, and what follows from them? */
#include "plan.h"

static spr_status seal_check_shape(const spr_plan *plan, spr_error *error)
{
    const spr__options *o = &plan->options;
    if (o->experts == 0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"experts\" is not set; accepted is 1..%d", SPR_MAX_EXPERTS);
    if (o->k == 0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"k\" is not set; accepted is 1..%d", SPR_MAX_K);
    if (o->k > o->experts)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"k\" is %lld; accepted is 1..experts = %lld",
                         (long long)o->k, (long long)o->experts);
    if (plan->allowed != NULL) {
        int64_t open = 0;
        for (int64_t e = 0; e < o->experts; e++)
            open += plan->allowed[e];
        if (open < o->k)
            return spr__fail(error, SPR_ERROR_CONFLICT, "array \"allowed\" leaves %lld experts; k = %lld need at least "
                             "as many", (long long)open, (long long)o->k);
    }
    return SPR_OK;
}

static spr_status seal_check_groups(const spr_plan *plan, spr_error *error)
{
    const spr__options *o = &plan->options;
    if (o->experts % o->groups != 0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"groups\" is %lld; it must divide experts = %lld",
                         (long long)o->groups, (long long)o->experts);
    if (o->group_limit > o->groups)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"group_limit\" is %lld; accepted is 0..groups = %lld",
                         (long long)o->group_limit, (long long)o->groups);
    int64_t size = o->experts / o->groups;
    if (o->group_limit > 0 && o->group_limit * size < o->k)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"group_limit\" is %lld: that leaves a token %lld experts; "
                         "k = %lld need at least as many", (long long)o->group_limit, (long long)(o->group_limit * size),
                         (long long)o->k);
    if (o->group_limit > 0 && o->group_score == spr__group_score_topk_sum &&
        (o->k < o->group_limit || o->k / o->group_limit > size))
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"group_score\" is topk_sum: k / group_limit = %lld; accepted "
                         "is 1..experts/groups = %lld", (long long)(o->k / o->group_limit), (long long)size);
    if (o->group_limit > 0 && o->group_score == spr__group_score_top2_sum && size < 2)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"group_score\" is top2_sum: experts/groups is %lld; it must "
                         "be at least 2", (long long)size);
    return SPR_OK;
}

static spr_status seal_check_objective(const spr_plan *plan, spr_error *error)
{
    const spr__options *o = &plan->options;
    int soft = o->balance_weight > 0 || o->device_balance_weight > 0;
    if (o->devices > o->experts)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"devices\" is %lld; accepted is 0..experts = %lld",
                         (long long)o->devices, (long long)o->experts);
    if (o->device_balance_weight > 0 && o->devices == 0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"device_balance_weight\" is %g but \"devices\" is 0",
                         o->device_balance_weight);
    if (plan->device != NULL)
        for (int64_t e = 0; e < o->experts; e++)
            if (plan->device[e] >= o->devices)
                return spr__fail(error, SPR_ERROR_CONFLICT, "array \"device\" holds %d at %lld; accepted is 0..devices-1 "
                                 "= %lld", (int)plan->device[e], (long long)e, (long long)o->devices - 1);
    if (soft && o->overflow == spr__overflow_drop)
        return spr__fail(error, SPR_ERROR_CONFLICT, "options \"balance_weight\" and \"device_balance_weight\" need "
                         "\"overflow\" = reroute, not drop");
    if (o->mode == spr__mode_causal && o->overflow == spr__overflow_drop && o->drop_order != spr__drop_order_position)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"mode\" is causal with \"overflow\" = drop: \"drop_order\" "
                         "must be position, otherwise later tokens push out earlier ones");
    if (plan->balanced && o->experts > SPR_MAX_BALANCED_EXPERTS)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"experts\" is %lld; with capacity or balance accepted is "
                         "1..%d", (long long)o->experts, SPR_MAX_BALANCED_EXPERTS);
    return SPR_OK;
}

static spr_status seal_choose_kernel(spr_plan *plan, spr_error *error)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512", "neon"};
    int64_t choice = plan->options.kernel;
    plan->kernel = choice == spr__kernel_auto ? spr__kernel_best() : spr__kernel_find(names[choice]);
    if (plan->kernel == NULL)
        return spr__fail(error, SPR_ERROR_UNSUPPORTED, "option \"kernel\" is %s; this CPU or build does not have it",
                         names[choice]);
    return SPR_OK;
}

static void seal_derive(spr_plan *plan)
{
    const spr__options *o = &plan->options;
    static const int32_t scores[] = {SPR_SCORE_SOFTMAX, SPR_SCORE_SOFTMAX_SELECTED, SPR_SCORE_SIGMOID,
                                     SPR_SCORE_SQRT_SOFTPLUS};
    static const int32_t group_scores[] = {SPR_GROUP_MAX, SPR_GROUP_TOP2_SUM, SPR_GROUP_TOPK_SUM};
    plan->width = (o->experts + 15) / 16 * 16;
    plan->words = (plan->width + 63) / 64;
    plan->has_capacity = plan->capacity != NULL || o->capacity > 0 || o->capacity_factor > 0;
    plan->balanced = o->balance_weight > 0 || o->device_balance_weight > 0 ||
                     (plan->has_capacity && o->overflow == spr__overflow_reroute);
    plan->grouped = o->group_limit > 0 && o->group_limit < o->groups;
    plan->normalized = o->normalize == spr__normalize_sum || (o->normalize == spr__normalize_sum_if_many && o->k > 1);

    plan->weighting.score = scores[o->score];
    plan->weighting.normalize = plan->normalized;
    plan->weighting.epsilon = (float)o->normalize_epsilon;
    plan->weighting.scale = (float)o->scaling_factor;
    /* p_i / sum p_j over the selected is their softmax: the sum over all experts cancels */
    if (o->score == spr__score_softmax && plan->normalized && o->normalize_epsilon == 0.0)
        plan->weighting.score = SPR_SCORE_SOFTMAX_SELECTED;

    plan->grouping.groups = (int32_t)o->groups;
    plan->grouping.limit = (int32_t)o->group_limit;
    plan->grouping.size = (int32_t)(o->experts / o->groups);
    plan->grouping.score = group_scores[o->group_score];
    plan->grouping.best = o->group_limit > 0 ? (int32_t)(o->k / o->group_limit) : 1;
    plan->grouping.zero = o->group_mask == spr__group_mask_zero;
}

spr_status spr_plan_seal(spr_plan *plan, spr_error *error)
{
    if (plan == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "plan is NULL");
    if (plan->sealed)
        return spr__ok(error);
    spr_status status = seal_check_shape(plan, error);
    if (status == SPR_OK)
        status = seal_check_groups(plan, error);
    if (status == SPR_OK) {
        seal_derive(plan);
        status = seal_check_objective(plan, error);
    }
    if (status == SPR_OK)
        status = seal_choose_kernel(plan, error);
    if (status != SPR_OK)
        return status;
    plan->sealed = 1;
    return spr__ok(error);
}
