/* SPDX-License-Identifier: MIT
 * Building a plan: options, presets and arrays. */
#include "pairs.h"
#include "presets.h"

#include <math.h>
#include <string.h>

spr_status spr_plan_new(spr_allocator allocator, void *user, spr_plan **plan, spr_error *error)
{
    if (plan == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "plan is NULL");
    *plan = NULL;
    spr__memory memory = spr__memory_of(allocator, user);
    spr_plan *made = (spr_plan *)spr__allocate(&memory, sizeof *made);
    if (made == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a plan of %zu bytes", sizeof *made);
    memset(made, 0, sizeof *made);
    made->memory = memory;
    spr__options_reset(&made->options);
    *plan = made;
    return spr__ok(error);
}

static void plan_drop_array(spr_plan *plan, void *slot)
{
    void *array;
    memcpy(&array, slot, sizeof array);
    spr__release(&plan->memory, array, (size_t)plan->options.experts * 4);
    array = NULL;
    memcpy(slot, &array, sizeof array);
}

static void plan_drop_arrays(spr_plan *plan)
{
    plan_drop_array(plan, &plan->bias);
    plan_drop_array(plan, &plan->cost);
    plan_drop_array(plan, &plan->share);
    plan_drop_array(plan, &plan->allowed);
    plan_drop_array(plan, &plan->capacity);
    plan_drop_array(plan, &plan->device);
    plan_drop_array(plan, &plan->activation);
    plan_drop_array(plan, &plan->node);
    spr__pairs_drop(plan);
}

void spr_plan_free(spr_plan *plan)
{
    if (plan == NULL)
        return;
    plan_drop_arrays(plan);
    spr__memory memory = plan->memory;
    spr__release(&memory, plan, sizeof *plan);
}

static spr_status plan_check_open(const spr_plan *plan, const char *name, spr_error *error)
{
    if (plan == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "plan is NULL");
    if (name == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "name is NULL");
    if (plan->sealed)
        return spr__fail(error, SPR_ERROR_STATE, "plan is sealed; \"%.80s\" can only be set before spr_plan_seal", name);
    return SPR_OK;
}

/* Options are changed in a copy: a failure leaves the plan as it was, a new number of experts removes the arrays. */
static spr_status plan_commit(spr_plan *plan, const spr__options *changed, spr_status status)
{
    if (status != SPR_OK)
        return status;
    if (changed->experts != plan->options.experts)
        plan_drop_arrays(plan);
    plan->options = *changed;
    return SPR_OK;
}

spr_status spr_plan_set_preset(spr_plan *plan, const char *name, spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    spr__options changed = plan->options;
    return plan_commit(plan, &changed, spr__preset_apply(&changed, name, error));
}

spr_status spr_plan_set_integer(spr_plan *plan, const char *name, int64_t value, spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    spr__options changed = plan->options;
    return plan_commit(plan, &changed, spr__options_set_integer(&changed, name, value, error));
}

spr_status spr_plan_set_real(spr_plan *plan, const char *name, double value, spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    spr__options changed = plan->options;
    return plan_commit(plan, &changed, spr__options_set_real(&changed, name, value, error));
}

spr_status spr_plan_set_text(spr_plan *plan, const char *name, const char *value, spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    if (value == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "value of option \"%.80s\" is NULL", name);
    spr__options changed = plan->options;
    return plan_commit(plan, &changed, spr__options_set_text(&changed, name, value, error));
}

static spr_status plan_check_get(const spr_plan *plan, const char *name, const void *value, spr_error *error)
{
    if (plan == NULL || name == NULL || value == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", plan == NULL ? "plan" : name == NULL ? "name" : "value");
    return SPR_OK;
}

spr_status spr_plan_get_integer(const spr_plan *plan, const char *name, int64_t *value, spr_error *error)
{
    spr_status status = plan_check_get(plan, name, value, error);
    return status != SPR_OK ? status : spr__options_get_integer(&plan->options, name, value, error);
}

spr_status spr_plan_get_real(const spr_plan *plan, const char *name, double *value, spr_error *error)
{
    spr_status status = plan_check_get(plan, name, value, error);
    return status != SPR_OK ? status : spr__options_get_real(&plan->options, name, value, error);
}

spr_status spr_plan_get_text(const spr_plan *plan, const char *name, const char **value, spr_error *error)
{
    spr_status status = plan_check_get(plan, name, value, error);
    return status != SPR_OK ? status : spr__options_get_text(&plan->options, name, value, error);
}

/* The slot of a float array (or of an int32 array), NULL if the name is no such array. */
static void *plan_float_slot(spr_plan *plan, const char *name)
{
    return strcmp(name, "bias") == 0    ? &plan->bias
           : strcmp(name, "cost") == 0  ? &plan->cost
           : strcmp(name, "share") == 0 ? &plan->share
           : strcmp(name, "activation") == 0 ? &plan->activation
                                        : NULL;
}

static void *plan_int32_slot(spr_plan *plan, const char *name)
{
    return strcmp(name, "allowed") == 0    ? &plan->allowed
           : strcmp(name, "capacity") == 0 ? &plan->capacity
           : strcmp(name, "device") == 0   ? &plan->device
           : strcmp(name, "node") == 0     ? &plan->node
                                           : NULL;
}

static spr_status plan_check_array(const spr_plan *plan, const char *name, const void *slot, const void *other_slot,
                                   const char *type, const void *values, int64_t count, spr_error *error)
{
    if (slot == NULL && other_slot != NULL)
        return spr__fail(error, SPR_ERROR_OPTION_TYPE, "array \"%s\" does not hold %s values", name, type);
    if (slot == NULL)
        return spr__fail(error, SPR_ERROR_OPTION_NAME,
                         "array \"%.80s\" does not exist; accepted are bias, cost, share, activation, coactivation "
                         "(float), allowed, capacity, device, node (int32)", name);
    if (values == NULL && count != 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "values of array \"%s\" is NULL but count is %lld", name,
                         (long long)count);
    if (values != NULL && (count != plan->options.experts || count == 0))
        return spr__fail(error, SPR_ERROR_SIZE, "count of array \"%s\" is %lld; accepted is experts = %lld", name,
                         (long long)count, (long long)plan->options.experts);
    if ((uintptr_t)values % 4 != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "values of array \"%s\" is at %p; it must be aligned to 4 bytes",
                         name, values);
    return SPR_OK;
}

static spr_status plan_store_array(spr_plan *plan, void *slot, const char *name, const void *values, spr_error *error)
{
    void *copy = NULL;
    size_t bytes = (size_t)plan->options.experts * 4;
    if (values != NULL) {
        copy = spr__allocate(&plan->memory, bytes);
        if (copy == NULL)
            return spr__fail(error, SPR_ERROR_MEMORY, "no memory for array \"%s\" of %zu bytes", name, bytes);
        memcpy(copy, values, bytes);
    }
    plan_drop_array(plan, slot);
    memcpy(slot, &copy, sizeof copy);
    return spr__ok(error);
}

spr_status spr_plan_set_array_float(spr_plan *plan, const char *name, const float *values, int64_t count,
                                    spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    if (strcmp(name, "coactivation") == 0)
        return spr__pairs_set_dense(plan, values, count, error);
    void *slot = plan_float_slot(plan, name);
    status = plan_check_array(plan, name, slot, plan_int32_slot(plan, name), "float", values, count, error);
    if (status != SPR_OK)
        return status;
    for (int64_t e = 0; e < count; e++) {
        if (!isfinite(values[e]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "array \"%s\" holds %g at %lld; it must be finite", name,
                             (double)values[e], (long long)e);
        const int zero = slot == (void *)&plan->activation;
        if (slot != (void *)&plan->bias && !((values[e] >= 1e-6f || (zero && values[e] >= 0.0f)) && values[e] <= 1e6f))
            return spr__fail(error, SPR_ERROR_OPTION_RANGE, "array \"%s\" holds %g at %lld; accepted is %s..1e6", name,
                             (double)values[e], (long long)e, zero ? "0" : "1e-6");
    }
    return plan_store_array(plan, slot, name, values, error);
}

spr_status spr_plan_set_array_int32(spr_plan *plan, const char *name, const int32_t *values, int64_t count,
                                    spr_error *error)
{
    spr_status status = plan_check_open(plan, name, error);
    if (status != SPR_OK)
        return status;
    void *slot = plan_int32_slot(plan, name);
    status = plan_check_array(plan, name, slot, plan_float_slot(plan, name), "int32", values, count, error);
    if (status != SPR_OK)
        return status;
    const int place = slot == (void *)&plan->device || slot == (void *)&plan->node;
    const int32_t most = slot == (void *)&plan->allowed ? 1 : place ? 4095 : INT32_MAX;
    for (int64_t e = 0; e < count; e++)
        if (values[e] < 0 || values[e] > most)
            return spr__fail(error, SPR_ERROR_OPTION_RANGE, "array \"%s\" holds %d at %lld; accepted is 0..%d", name,
                             (int)values[e], (long long)e, (int)most);
    return plan_store_array(plan, slot, name, values, error);
}
