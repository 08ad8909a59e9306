/* SPDX-License-Identifier: MIT
 * Lowering: the order of its steps, and what is copied. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* -------------------------------------------------------------------------------------------------------- settings */

static spr_status lower_read_settings(const spr_lower_settings *settings, int64_t experts, int64_t k,
                                      spr_lower_settings *known, spr_error *error)
{
    memset(known, 0, sizeof *known);
    if (settings == NULL)
        return SPR_OK;
    if (settings->size < sizeof *known || settings->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "settings->size is %zu; accepted is "
                         "sizeof(spr_lower_settings) = %zu", settings->size, sizeof *known);
    for (size_t i = sizeof *known; i < settings->size; i++)
        if (((const unsigned char *)settings)[i] != 0)
            return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "settings has a nonzero byte at %zu, beyond the %zu bytes "
                             "that this version knows", i, sizeof *known);
    *known = *settings;
    if (known->candidates != 0 && (known->candidates < k || known->candidates > INT32_MAX))
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "settings->candidates is %lld; accepted is 0, or k = %lld and "
                         "more", (long long)known->candidates, (long long)k);
    if (known->kernelise != 0 && known->kernelise != 1)
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "settings->kernelise is %lld; accepted is 0 or 1",
                         (long long)known->kernelise);
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
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "report->size is %zu; accepted is "
                         "sizeof(spr_lower_report) = %zu", report->size, sizeof *report);
    return SPR_OK;
}

static void lower_give_report(const spr_lower_report *from, spr_lower_report *to)
{
    const size_t size = to->size;
    memset(to, 0, size);
    *to = *from;
    to->size = size;
}

/* -------------------------------------------------------------------------------------------------------- estimate */

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
        status = lower_read_settings(settings, o->experts, o->k, &known, error);
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
    r.couplings = lower_times(tokens, lower_pairs(wide));
    lower_estimate_loads(plan, tokens, &r);
    lower_estimate_devices(plan, tokens, &r);
    if (o->activation_weight > 0.0 || o->active_level_weight > 0.0 || o->active_limit > 0) {
        r.actives = o->experts;
        r.couplings = lower_plus(r.couplings, r.assignments);
    }
    r.devices = lower_estimate_places(tokens, wide, o->devices, o->device_touch_weight, o->device_limit, &r);
    r.nodes = lower_estimate_places(tokens, wide, o->nodes, o->node_touch_weight, o->node_limit, &r);
    r.variables = lower_plus(lower_plus(r.assignments, r.actives), lower_plus(r.devices, r.nodes));
    r.variables = lower_plus(r.variables, r.slacks);
    r.variables = r.variables > 0 ? r.variables : 1;
    lower_give_report(&r, report);
    return spr__ok(error);
}

/* ---------------------------------------------------------------------------------------------------------- copies */

static void *lower_copy(spr__arena *arena, const void *from, size_t count, size_t size)
{
    void *to = spr__arena_take(arena, from != NULL ? count : 0, size);
    if (to != NULL && from != NULL && count > 0)
        memcpy(to, from, count * size);
    return from != NULL ? to : NULL;
}

/* Copies of terms' arrays and the lowering's own; measures when arena->base is NULL. */
static void lower_lay(spr__arena *arena, const spr__terms *from, const int32_t *ids, spr_lowering *to)
{
    const size_t tokens = (size_t)from->tokens, experts = (size_t)from->experts, width = (size_t)from->width;
    const size_t devices = (size_t)from->devices, nodes = (size_t)from->nodes, routes = tokens * (size_t)from->k;
    spr__terms *terms = &to->terms;
    *terms = *from;
    terms->value = (const float *)lower_copy(arena, from->value, tokens * width, sizeof(float));
    terms->need = (const int32_t *)lower_copy(arena, from->need, tokens, sizeof(int32_t));
    terms->keep = (const uint64_t *)lower_copy(arena, from->keep, tokens * (size_t)from->words, sizeof(uint64_t));
    terms->target = (const double *)lower_copy(arena, from->target, experts, sizeof(double));
    terms->device_target = (const double *)lower_copy(arena, from->device_target, devices, sizeof(double));
    terms->cost = (const double *)lower_copy(arena, from->cost, experts, sizeof(double));
    terms->supply = (const double *)lower_copy(arena, from->supply, experts, sizeof(double));
    terms->device = (const int32_t *)lower_copy(arena, from->device, experts, sizeof(int32_t));
    terms->node = (const int32_t *)lower_copy(arena, from->node, experts, sizeof(int32_t));
    terms->activation = (const double *)lower_copy(arena, from->activation, experts, sizeof(double));
    terms->pair = (const float *)lower_copy(arena, from->pair, experts * width, sizeof(float));
    to->known = (int32_t *)lower_copy(arena, ids, routes, sizeof(int32_t));
    to->rank = (float *)lower_copy(arena, from->value, tokens * width, sizeof(float));
    to->var = (int32_t *)spr__arena_take(arena, tokens * experts, sizeof(int32_t));
    to->active = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    to->device = (int32_t *)spr__arena_take(arena, tokens * devices, sizeof(int32_t));
    to->node = (int32_t *)spr__arena_take(arena, tokens * nodes, sizeof(int32_t));
    to->scratch = (int32_t *)spr__arena_take(arena, 2 * experts + devices + nodes, sizeof(int32_t));
    to->found = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
    to->loads = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    to->opened = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    to->taken = (uint8_t *)spr__arena_take(arena, tokens * experts + experts, 1);
    if (!(terms->touch_device > 0.0 || terms->device_limit > 0))
        to->device = NULL;
    if (!(terms->touch_node > 0.0 || terms->node_limit > 0))
        to->node = NULL;
}

static spr_status lower_check_ids(const spr__terms *terms, const int32_t *ids, spr_error *error)
{
    const int64_t k = terms->k;
    for (int64_t i = 0; i < terms->tokens * k; i++) {
        const long long t = i / k;
        if (ids[i] < -1 || ids[i] >= terms->experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "ids holds %d at token %lld, slot %lld; accepted is -1..%lld",
                             (int)ids[i], t, (long long)(i % k), (long long)terms->experts - 1);
        if (ids[i] >= 0 && !spr__lower_may(terms, t, ids[i]))
            return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids has token %lld at expert %d, which it may not use", t,
                             (int)ids[i]);
        for (int64_t j = i - i % k; j < i; j++)
            if (ids[i] >= 0 && ids[j] == ids[i])
                return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids has token %lld at expert %d twice", t, (int)ids[i]);
    }
    return SPR_OK;
}

static spr_status lower_check_known(spr_lowering *lowering, spr_error *error)
{
    const spr__terms *terms = &lowering->terms;
    spr__violation v;
    lowering->report.known = spr__terms_energy(terms, lowering->known, lowering->scratch, &v);
    int64_t loads_and_more = 0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        int64_t routes = 0;
        for (int64_t i = 0; i < terms->k; i++)
            routes += lowering->known[t * terms->k + i] >= 0;
        loads_and_more += routes != terms->need[t];
    }
    if (loads_and_more > 0)
        return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids has %lld tokens with fewer or more experts than they need",
                         (long long)loads_and_more);
    if (spr__violated(&v))
        return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids violates %s by %lld",
                         v.overload ? "capacity" : v.active ? "active_limit" : v.devices ? "device_limit"
                         : v.nodes  ? "node_limit" : "keep_top",
                         (long long)(v.overload ? v.overload : v.active ? v.active : v.devices ? v.devices
                                     : v.nodes  ? v.nodes : v.kept));
    if (!isfinite(lowering->report.known))
        return spr__fail(error, SPR_ERROR_NOT_FINITE, "H of ids is %g; it must be finite", lowering->report.known);
    return SPR_OK;
}

static spr_status lower_make(spr_lowering *lowering, const spr_lower_settings *settings, spr_error *error)
{
    spr__lower_bound bound;
    spr_status status = lower_check_known(lowering, error);
    if (status == SPR_OK)
        status = spr__lower_bound_open(lowering, &bound, error);
    if (status != SPR_OK)
        return status;
    spr_lower_report *report = &lowering->report;
    report->bound = bound.bound < report->known ? bound.bound : report->known;
    lowering->gap = report->known - report->bound;
    /* far above rounding, far below the weights; 1 where H is 0 everywhere */
    lowering->margin = lowering->gap / 64.0 + bound.scale / 1024.0;
    lowering->margin = lowering->margin > 0.0 ? lowering->margin : 1.0;
    spr__lower_fix(lowering, &bound, settings);
    status = spr__lower_number(lowering, settings, error);
    if (status == SPR_OK)
        status = spr__lower_build(lowering, &bound, settings, error);
    spr__lower_bound_close(&lowering->memory, &bound);
    return status;
}

spr_status spr__lowering_new(const spr__terms *terms, const int32_t *ids, const spr_lower_settings *settings,
                             spr__memory memory, spr_lowering **lowering, spr_error *error)
{
    spr_lower_settings known;
    spr_lowering draft;
    spr__arena arena = {NULL, 0};
    *lowering = NULL;
    memset(&draft, 0, sizeof draft);
    spr_status status = lower_read_settings(settings, terms->experts, terms->k, &known, error);
    if (status == SPR_OK)
        status = lower_check_ids(terms, ids, error);
    if (status != SPR_OK)
        return status;
    lower_lay(&arena, terms, ids, &draft);
    spr_lowering *made = NULL;
    if (arena.used <= SIZE_MAX - SPR_ALIGNMENT)
        made = (spr_lowering *)spr__allocate(&memory, sizeof *made);
    if (made == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", sizeof *made);
    memset(made, 0, sizeof *made);
    made->memory = memory;
    made->block_bytes = arena.used + SPR_ALIGNMENT;
    made->block = spr__allocate(&memory, made->block_bytes);
    if (made->block == NULL) {
        const size_t bytes = made->block_bytes;
        spr_lowering_free(made);
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", bytes);
    }
    arena = (spr__arena){(char *)made->block +
                         (SPR_ALIGNMENT - (uintptr_t)made->block % SPR_ALIGNMENT) % SPR_ALIGNMENT, 0};
    lower_lay(&arena, terms, ids, made);
    status = lower_make(made, &known, error);
    if (status != SPR_OK) {
        spr_lowering_free(made);
        return status;
    }
    *lowering = made;
    return spr__ok(error);
}

void spr_lowering_free(spr_lowering *lowering)
{
    if (lowering == NULL)
        return;
    const spr__memory memory = lowering->memory;
    spr_problem_free(lowering->problem);
    spr__release(&memory, lowering->names, lowering->names_bytes);
    spr__release(&memory, lowering->block, lowering->block_bytes);
    spr__release(&memory, lowering, sizeof *lowering);
}

const spr_problem *spr_lowering_problem(const spr_lowering *lowering)
{
    return lowering != NULL ? lowering->problem : NULL;
}

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
