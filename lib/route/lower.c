/* SPDX-License-Identifier: MIT
 * Settings, reports, and the size of a lowering before there is one. */
#include "lower.h"

#include <string.h>

#include "../base/exact.h"

/* --------------------------------------------------------------------------------------------------------- settings */

spr_status spr__lower_read_settings(const spr_lower_settings *settings, int64_t experts, int64_t k,
                                    spr_lower_settings *known, spr_error *error)
{
    memset(known, 0, sizeof *known);
    if (settings == NULL)
        return SPR_OK;
    const size_t least = offsetof(spr_lower_settings, constraints);
    if (settings->size < least || settings->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE,
                         "settings->size is %zu; accepted is sizeof(spr_lower_settings) = "
                         "%zu", settings->size, sizeof *known);
    for (size_t i = sizeof *known; i < settings->size; i++)
        if (((const unsigned char *)settings)[i] != 0)
            return spr__fail(error, SPR_ERROR_STRUCT_SIZE,
                             "settings has a nonzero byte at %zu, beyond the %zu bytes that "
                             "this version knows", i, sizeof *known);
    memcpy(known, settings, settings->size < sizeof *known ? settings->size : sizeof *known);
    if (known->candidates != 0 && (known->candidates < k || known->candidates > INT32_MAX))
        return spr__fail(error, SPR_ERROR_OPTION_RANGE,
                         "settings->candidates is %lld; accepted is 0 or k = %lld and more",
                         (long long)known->candidates, (long long)k);
    if (known->kernelise != 0 && known->kernelise != 1)
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "settings->kernelise is %lld; accepted is 0 or 1",
                         (long long)known->kernelise);
    if (known->constraints != 0 && known->constraints != 1)
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "settings->constraints is %lld; accepted is 0 or 1",
                         (long long)known->constraints);
    if (known->most_variables < 0 || known->most_couplings < 0)
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "settings->most_%s is %lld; accepted is 0 or more",
                         known->most_variables < 0 ? "variables" : "couplings",
                         (long long)(known->most_variables < 0 ? known->most_variables : known->most_couplings));
    if (known->candidates >= experts)
        known->candidates = 0;
    return SPR_OK;
}

static spr_status lower_check_report(const spr_lower_report *report, spr_error *error)
{
    if (report == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "report is NULL");
    if (report->size < sizeof *report || report->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE,
                         "report->size is %zu; accepted is sizeof(spr_lower_report) = %zu",
                         report->size, sizeof *report);
    return SPR_OK;
}

static void lower_give_report(const spr_lower_report *from, spr_lower_report *to)
{
    const size_t size = to->size;
    memset(to, 0, size);
    *to = *from;
    to->size = size;
}

/* --------------------------------------------------------------------------------------------------------- estimate */

/* Numbers of things >= 0; INT64_MAX is "too many". */
static int64_t lower_times(int64_t a, int64_t b)
{
    return a != 0 && b > INT64_MAX / a ? INT64_MAX : a * b;
}

static int64_t lower_plus(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t lower_pairs(int64_t n)
{
    return n % 2 == 0 ? lower_times(n / 2, n > 0 ? n - 1 : 0) : lower_times((n - 1) / 2, n);
}

static int64_t lower_digits(int64_t room)
{
    int64_t digits = 0;
    for (; room > 0; room /= 2)
        digits++;
    return digits;
}

static int64_t lower_device_of(const spr_plan *plan, int64_t e)
{
    const int64_t devices = plan->options.devices;
    return devices == 0 ? 0 : plan->device != NULL ? plan->device[e] : e * devices / plan->options.experts;
}

/* Capacities and loads: one square over the column of each expert. */
static void lower_estimate_loads(const spr_plan *plan, int64_t tokens, spr_lower_report *report)
{
    const spr__options *o = &plan->options;
    for (int64_t e = 0; e < o->experts; e++) {
        const int64_t capacity = spr__expert_capacity(plan, tokens, e);
        const int64_t digits = capacity < tokens ? lower_digits(capacity) : 0;
        report->slacks += digits;
        if (capacity < tokens)
            report->couplings = lower_plus(report->couplings, lower_pairs(tokens + digits));
        else if (o->balance_weight > 0.0)
            report->couplings = lower_plus(report->couplings, lower_pairs(tokens));
    }
}

/* Devices: works, active experts. */
static void lower_estimate_devices(const spr_plan *plan, int64_t tokens, spr_lower_report *report)
{
    const spr__options *o = &plan->options;
    const int64_t devices = o->devices > 0 ? o->devices : 1;
    for (int64_t d = 0; d < devices; d++) {
        int64_t experts = 0;
        for (int64_t e = 0; e < o->experts; e++)
            experts += lower_device_of(plan, e) == d;
        if (o->device_balance_weight > 0.0)
            report->couplings = lower_plus(report->couplings, lower_pairs(lower_times(tokens, experts)));
        const int limited = o->active_limit > 0 && o->active_limit < experts;
        const int64_t digits = limited ? lower_digits(o->active_limit) : 0;
        report->slacks += digits;
        if (limited || o->active_level_weight > 0.0)
            report->couplings = lower_plus(report->couplings, lower_pairs(experts + digits));
    }
}

/* Bits of every token at places. */
static int64_t lower_estimate_places(int64_t tokens, int64_t experts, int64_t places, double cost, int64_t limit,
                                     spr_lower_report *report)
{
    const int limited = limit > 0 && limit < places;
    const int64_t digits = limited ? lower_digits(limit) : 0;
    if (places <= 0 || !(cost > 0.0 || limited))
        return 0;
    report->slacks = lower_plus(report->slacks, lower_times(tokens, digits));
    report->couplings = lower_plus(report->couplings, lower_times(tokens, experts));
    if (limited)
        report->couplings = lower_plus(report->couplings, lower_times(tokens, lower_pairs(places + digits)));
    return lower_times(tokens, places);
}

spr_status spr_lower_estimate(const spr_plan *plan, int64_t tokens, const spr_lower_settings *settings,
                              spr_lower_report *report, spr_error *error)
{
    spr_lower_settings known;
    spr_lower_report r;
    if (plan == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "plan is NULL");
    const spr__options *o = &plan->options;
    spr_status status = lower_check_report(report, error);
    if (status == SPR_OK && !plan->sealed)
        status = spr__fail(error, SPR_ERROR_STATE, "the plan is not sealed");
    if (status == SPR_OK)
        status = spr__lower_read_settings(settings, o->experts, o->k, &known, error);
    if (status == SPR_OK && (tokens < 0 || tokens > INT32_MAX))
        status = spr__fail(error, SPR_ERROR_SIZE, "tokens is %lld; accepted is 0..%d", (long long)tokens, INT32_MAX);
    if (status != SPR_OK)
        return status;
    memset(&r, 0, sizeof r);
    /* candidates are joined by those of the known table and those that must be kept */
    int64_t wide = known.candidates > 0 ? known.candidates + o->k + o->keep_top : o->experts;
    wide = wide < o->experts ? wide : o->experts;
    r.assignments = lower_times(tokens, wide);
    r.pruned = lower_times(tokens, o->experts) - r.assignments;
    /* with constraints only the pairs of a token and the ORs are couplings */
    const int64_t within = known.constraints == 0 || plan->pair != NULL ? lower_times(tokens, lower_pairs(wide)) : 0;
    r.couplings = within;
    lower_estimate_loads(plan, tokens, &r);
    lower_estimate_devices(plan, tokens, &r);
    r.couplings = known.constraints == 1 ? within : r.couplings;
    if (o->activation_weight > 0.0 || o->active_level_weight > 0.0 || o->active_limit > 0) {
        r.actives = o->experts;
        r.couplings = lower_plus(r.couplings, r.assignments);
    }
    r.devices = lower_estimate_places(tokens, wide, o->devices, o->device_touch_weight, o->device_limit, &r);
    r.nodes = lower_estimate_places(tokens, wide, o->nodes, o->node_touch_weight, o->node_limit, &r);
    r.slacks = known.constraints == 1 ? 0 : r.slacks;
    r.variables = lower_plus(lower_plus(lower_plus(r.assignments, r.actives), lower_plus(r.devices, r.nodes)),
                             r.slacks);
    r.variables = r.variables > 0 ? r.variables : 1;
    lower_give_report(&r, report);
    return spr__ok(error);
}

/* ----------------------------------------------------------------------------------------------------------- report */

spr_status spr_lowering_report(const spr_lowering *lowering, spr_lower_report *report, spr_error *error)
{
    if (lowering == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "lowering is NULL");
    spr_status status = lower_check_report(report, error);
    if (status != SPR_OK)
        return status;
    lower_give_report(&lowering->report, report);
    return spr__ok(error);
}
