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
    if (plan->node != NULL)
        for (int64_t e = 0; e < o->experts; e++)
            if (plan->node[e] >= o->nodes)
                return spr__fail(error, SPR_ERROR_CONFLICT, "array \"node\" holds %d at %lld; accepted is 0..nodes-1 = %lld",
                                 (int)plan->node[e], (long long)e, (long long)o->nodes - 1);
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

static int64_t seal_device_of(const spr_plan *plan, int64_t e)
{
    const spr__options *o = &plan->options;
    return o->devices == 0 ? 0 : plan->device != NULL ? plan->device[e] : e * o->devices / o->experts;
}

static int64_t seal_node_of(const spr_plan *plan, int64_t e)
{
    const spr__options *o = &plan->options;
    return o->nodes == 0 ? 0 : plan->node != NULL ? plan->node[e] : e * o->nodes / o->experts;
}

/* A device lies in one node. */
static spr_status seal_check_nodes(const spr_plan *plan, spr_error *error)
{
    const int64_t experts = plan->options.experts;
    if (plan->options.devices == 0 || plan->options.nodes == 0)
        return SPR_OK;
    for (int64_t e = 0; e < experts; e++)
        for (int64_t f = 0; f < e; f++)
            if (seal_device_of(plan, e) == seal_device_of(plan, f) && seal_node_of(plan, e) != seal_node_of(plan, f))
                return spr__fail(error, SPR_ERROR_CONFLICT, "experts %lld and %lld are on device %lld but on nodes %lld and "
                                 "%lld; a device lies in one node", (long long)f, (long long)e,
                                 (long long)seal_device_of(plan, e), (long long)seal_node_of(plan, f),
                                 (long long)seal_node_of(plan, e));
    return SPR_OK;
}

/* Most experts that a token can get from its limit best-equipped devices or nodes, of which each gives at most so many (0 =
 * all it has). */
static int64_t seal_reach(const spr_plan *plan, int64_t places, int64_t limit, int64_t most,
                          int64_t (*of)(const spr_plan *, int64_t))
{
    int64_t reach = 0, last = INT64_MAX, taken = 0;
    /* sizes from the largest down, counting equal ones */
    while (taken < limit && taken < places) {
        int64_t best = 0, many = 0;
        for (int64_t p = 0; p < places; p++) {
            int64_t size = 0;
            for (int64_t e = 0; e < plan->options.experts; e++)
                size += of(plan, e) == p && (plan->allowed == NULL || plan->allowed[e]);
            size = most > 0 && size > most ? most : size;
            many = size == best ? many + 1 : size > best && size < last ? 1 : many;
            best = size > best && size < last ? size : best;
        }
        if (best == 0)
            break;
        many = many < limit - taken ? many : limit - taken;
        reach += many * best;
        taken += many;
        last = best;
    }
    return reach;
}

static spr_status seal_check_reach(const spr_plan *plan, const char *name, int64_t limit, int64_t reach, spr_error *error)
{
    if (limit == 0 || reach >= plan->options.k)
        return SPR_OK;
    return spr__fail(error, SPR_ERROR_CONFLICT, "option \"%s\" is %lld: that leaves a token %lld experts; k = %lld need at "
                     "least as many", name, (long long)limit, (long long)reach, (long long)plan->options.k);
}

static spr_status seal_check_quadratic(const spr_plan *plan, spr_error *error)
{
    const spr__options *o = &plan->options;
    const int64_t devices = o->devices > 0 ? o->devices : 1;
    if (!plan->quadratic)
        return SPR_OK;
    if (o->devices == 0 && (o->device_touch_weight > 0.0 || o->device_limit > 0))
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"%s\" needs devices, but \"devices\" is 0",
                         o->device_limit > 0 ? "device_limit" : "device_touch_weight");
    if (o->nodes == 0 && (o->node_touch_weight > 0.0 || o->node_limit > 0))
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"%s\" needs nodes, but \"nodes\" is 0",
                         o->node_limit > 0 ? "node_limit" : "node_touch_weight");
    if (o->nodes > o->experts)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"nodes\" is %lld; accepted is 0..experts = %lld",
                         (long long)o->nodes, (long long)o->experts);
    if (o->keep_top > o->k)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"keep_top\" is %lld; accepted is 0..k = %lld",
                         (long long)o->keep_top, (long long)o->k);
    if (o->mode == spr__mode_causal)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"mode\" is causal, but quadratic terms are set: they would let "
                         "later tokens decide");
    if (o->overflow == spr__overflow_drop && plan->has_capacity)
        return spr__fail(error, SPR_ERROR_CONFLICT, "option \"overflow\" is drop, but quadratic terms are set; they need "
                         "reroute");
    spr_status status = seal_check_nodes(plan, error);
    if (status == SPR_OK)
        status = seal_check_reach(plan, "device_limit", o->device_limit,
                                  o->device_limit > 0 ? seal_reach(plan, devices, o->device_limit, o->active_limit,
                                                                     seal_device_of) : 0, error);
    if (status == SPR_OK)
        status = seal_check_reach(plan, "node_limit", o->node_limit,
                                  o->node_limit > 0 ? seal_reach(plan, o->nodes, o->node_limit, 0, seal_node_of) : 0, error);
    if (status == SPR_OK)
        status = seal_check_reach(plan, "active_limit", o->active_limit, o->active_limit * devices, error);
    return status;
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
    plan->quadratic = o->device_touch_weight > 0.0 || o->node_touch_weight > 0.0 || o->device_limit > 0 ||
                      o->node_limit > 0 || o->activation_weight > 0.0 || o->active_level_weight > 0.0 ||
                      o->active_limit > 0 || o->hysteresis_weight > 0.0 || o->keep_top > 0 || plan->pair != NULL;
    plan->priced = o->balance_weight > 0 || o->device_balance_weight > 0 ||
                   (plan->has_capacity && o->overflow == spr__overflow_reroute);
    plan->balanced = plan->priced || plan->quadratic;
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
        status = seal_check_quadratic(plan, error);
    if (status == SPR_OK)
        status = seal_choose_kernel(plan, error);
    if (status != SPR_OK)
        return status;
    plan->sealed = 1;
    return spr__ok(error);
}
