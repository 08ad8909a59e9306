/* SPDX-License-Identifier: MIT
 * Makes a lowering from H in structured form: copies, checks the known table, finds the bound, fixes, builds. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* ----------------------------------------------------------------------------------------------------------- memory */

static void lower_new_lay(spr__arena *arena, const spr__terms *terms, int64_t entries, spr_lowering *l)
{
    const size_t tokens = (size_t)terms->tokens, experts = (size_t)terms->experts, width = (size_t)terms->width;
    const size_t devices = (size_t)terms->devices, nodes = (size_t)terms->nodes, routes = tokens * (size_t)terms->k;
    const size_t count = (size_t)entries;
    const size_t by_device = spr__lower_counts_devices(terms) ? tokens * devices : 0;
    const size_t by_node = spr__lower_counts_nodes(terms) ? tokens * nodes : 0;
    spr__terms *to = &l->terms;
    spr__arena_take(arena, 1, sizeof *l);
    to->value = (const float *)spr__arena_take(arena, tokens * width, sizeof(float));
    to->need = (const int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    to->keep = (const uint64_t *)spr__arena_take(arena, terms->keep != NULL ? tokens * (size_t)terms->words : 0, 8);
    to->target = (const double *)spr__arena_take(arena, experts, sizeof(double));
    to->device_target = (const double *)spr__arena_take(arena, devices, sizeof(double));
    to->cost = (const double *)spr__arena_take(arena, experts, sizeof(double));
    to->supply = (const double *)spr__arena_take(arena, experts, sizeof(double));
    to->device = (const int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    to->node = (const int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    to->activation = (const double *)spr__arena_take(arena, experts, sizeof(double));
    to->pair = (const float *)spr__arena_take(arena, terms->pair != NULL ? experts * width : 0, sizeof(float));
    l->start = (int32_t *)spr__arena_take(arena, tokens + 1, sizeof(int32_t));
    l->expert = (int32_t *)spr__arena_take(arena, count, sizeof(int32_t));
    l->literal = (int32_t *)spr__arena_take(arena, count, sizeof(int32_t));
    l->state = (uint8_t *)spr__arena_take(arena, count, 1);
    l->candidates = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    l->settled = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    l->members = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    l->always = (uint8_t *)spr__arena_take(arena, experts, 1);
    l->active = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    l->device_always = (uint8_t *)spr__arena_take(arena, by_device, 1);
    l->node_always = (uint8_t *)spr__arena_take(arena, by_node, 1);
    l->on_device = (int32_t *)spr__arena_take(arena, by_device, sizeof(int32_t));
    l->on_node = (int32_t *)spr__arena_take(arena, by_node, sizeof(int32_t));
    l->capacity = (spr__lower_row *)spr__arena_take(arena, experts, sizeof(spr__lower_row));
    l->active_limit = (spr__lower_row *)spr__arena_take(arena, devices, sizeof(spr__lower_row));
    l->device_limit = (spr__lower_row *)spr__arena_take(arena, tokens, sizeof(spr__lower_row));
    l->node_limit = (spr__lower_row *)spr__arena_take(arena, tokens, sizeof(spr__lower_row));
    l->rank = (float *)spr__arena_take(arena, tokens * width, sizeof(float));
    l->table = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
}

static void lower_new_lay_repair(spr__arena *arena, const spr__terms *terms, int64_t entries, spr_lowering *l)
{
    const size_t tokens = (size_t)terms->tokens, experts = (size_t)terms->experts, count = (size_t)entries;
    const size_t places = (size_t)(terms->devices + terms->nodes);
    spr__lower_repair spare, *r = (spr__lower_repair *)spr__arena_take(arena, 1, sizeof *r);
    l->repair = r;
    r = r != NULL ? r : &spare;
    r->on = (uint8_t *)spr__arena_take(arena, count, 1);
    r->loads = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    r->opened = (int32_t *)spr__arena_take(arena, places, sizeof(int32_t));
    r->work = (double *)spr__arena_take(arena, places, sizeof(double));
    r->routes = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    r->touches = (int32_t *)spr__arena_take(arena, places, sizeof(int32_t));
    r->judge = (int32_t *)spr__arena_take(arena, 2 * experts + places, sizeof(int32_t));
}

/* For arrays that are const to everybody else. */
static void lower_new_copy(const void *to, const void *from, size_t bytes)
{
    void *target;
    memcpy(&target, &to, sizeof target);
    if (from != NULL && bytes > 0)
        memcpy(target, from, bytes);
}

static void lower_new_copy_terms(const spr__terms *from, spr_lowering *l)
{
    const spr__terms at = l->terms;
    const size_t tokens = (size_t)from->tokens, experts = (size_t)from->experts, width = (size_t)from->width;
    lower_new_copy(at.value, from->value, tokens * width * sizeof(float));
    lower_new_copy(l->rank, from->value, tokens * width * sizeof(float));
    lower_new_copy(at.need, from->need, tokens * sizeof(int32_t));
    lower_new_copy(at.keep, from->keep, tokens * (size_t)from->words * 8);
    lower_new_copy(at.target, from->target, experts * sizeof(double));
    lower_new_copy(at.device_target, from->device_target, (size_t)from->devices * sizeof(double));
    lower_new_copy(at.cost, from->cost, experts * sizeof(double));
    lower_new_copy(at.supply, from->supply, experts * sizeof(double));
    lower_new_copy(at.device, from->device, experts * sizeof(int32_t));
    lower_new_copy(at.node, from->node, experts * sizeof(int32_t));
    lower_new_copy(at.activation, from->activation, experts * sizeof(double));
    lower_new_copy(at.pair, from->pair, experts * width * sizeof(float));
    l->terms = *from;
    l->terms.value = at.value;
    l->terms.need = at.need;
    l->terms.keep = from->keep != NULL ? at.keep : NULL;
    l->terms.target = at.target;
    l->terms.device_target = at.device_target;
    l->terms.cost = at.cost;
    l->terms.supply = at.supply;
    l->terms.device = at.device;
    l->terms.node = at.node;
    l->terms.activation = at.activation;
    l->terms.pair = from->pair != NULL ? at.pair : NULL;
}

static int lower_new_allowed(const spr__terms *terms, int64_t t, int64_t e)
{
    return terms->need[t] > 0 && terms->value[t * terms->width + e] > -INFINITY;
}

static void lower_new_list_entries(spr_lowering *l)
{
    int64_t next = 0;
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        l->start[t] = (int32_t)next;
        for (int64_t e = 0; e < l->terms.experts; e++)
            if (lower_new_allowed(&l->terms, t, e)) {
                l->expert[next] = (int32_t)e;
                l->state[next++] = spr__keeps(&l->terms, t, (int32_t)e) ? SPR_LOWER_ONE : SPR_LOWER_FREE;
            }
    }
    l->start[l->terms.tokens] = (int32_t)next;
}

static spr_status lower_new_no_memory(size_t bytes, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_MEMORY, "no memory for the %zu bytes of a lowering", bytes);
}

static spr_status lower_new_open(const spr__terms *terms, spr__memory memory, spr_lowering **lowering, spr_error *error)
{
    int64_t entries = 0;
    spr_lowering measured;
    spr__arena arena = {NULL, 0};
    for (int64_t i = 0; i < terms->tokens * terms->experts; i++)
        entries += lower_new_allowed(terms, i / terms->experts, i % terms->experts);
    if (entries > INT32_MAX - 1)
        return spr__fail(error, SPR_ERROR_SIZE, "the batch has %lld allowed pairs of token and expert; accepted is "
                         "0..2147483646", (long long)entries);
    memset(&measured, 0, sizeof measured);
    lower_new_lay(&arena, terms, entries, &measured);
    lower_new_lay_repair(&arena, terms, entries, &measured);
    void *block = arena.used < SIZE_MAX ? spr__allocate(&memory, arena.used) : NULL;
    if (block == NULL)
        return lower_new_no_memory(arena.used, error);
    spr_lowering *l = (spr_lowering *)block;
    const size_t bytes = arena.used;
    memset(block, 0, bytes);
    arena = (spr__arena){(char *)block, 0};
    lower_new_lay(&arena, terms, entries, l);
    lower_new_lay_repair(&arena, terms, entries, l);
    l->memory = memory;
    l->block_bytes = bytes;
    l->entries = entries;
    lower_new_copy_terms(terms, l);
    lower_new_list_entries(l);
    if (!spr__lower_counts_devices(terms)) {
        l->device_always = NULL;
        l->on_device = NULL;
    }
    if (!spr__lower_counts_nodes(terms)) {
        l->node_always = NULL;
        l->on_node = NULL;
    }
    *lowering = l;
    return SPR_OK;
}

void spr_lowering_free(spr_lowering *lowering)
{
    if (lowering == NULL)
        return;
    const spr__memory memory = lowering->memory;
    spr_problem_free(lowering->problem);
    spr__release(&memory, lowering->variables, lowering->variable_bytes);
    spr__release(&memory, lowering, lowering->block_bytes);
}

/* ------------------------------------------------------------------------------------------------------ known table */

static spr_status lower_new_check_token(const spr_lowering *l, int64_t t, const int32_t *ids, spr_error *error)
{
    const spr__terms *terms = &l->terms;
    int64_t routes = 0;
    for (int64_t j = 0; j < terms->k; j++) {
        if (ids[j] < -1 || ids[j] >= terms->experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "ids holds %d at token %lld, slot %lld; accepted is -1..%lld",
                             (int)ids[j], (long long)t, (long long)j, (long long)terms->experts - 1);
        if (ids[j] < 0)
            continue;
        routes++;
        if (spr__lower_find(l, t, ids[j]) < 0)
            return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids holds expert %d at token %lld, to which it is forbidden",
                             (int)ids[j], (long long)t);
        for (int64_t i = 0; i < j; i++)
            if (ids[i] == ids[j])
                return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids holds expert %d twice at token %lld", (int)ids[j],
                                 (long long)t);
    }
    if (routes != terms->need[t])
        return spr__fail(error, SPR_ERROR_INFEASIBLE, "ids holds %lld experts at token %lld, which needs %d",
                         (long long)routes, (long long)t, (int)terms->need[t]);
    return SPR_OK;
}

/* Keeps the table, with its H. */
static spr_status lower_new_take_table(spr_lowering *l, const int32_t *ids, spr_error *error)
{
    spr__violation v;
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        const spr_status status = lower_new_check_token(l, t, ids + t * l->terms.k, error);
        if (status != SPR_OK)
            return status;
    }
    spr__lower_read(l, ids, l->repair->on);
    spr__lower_write(l, l->repair->on, NULL, l->table);
    l->known = spr__terms_energy(&l->terms, l->table, l->repair->judge, &v);
    l->report.known = l->known;
    if (spr__violated(&v))
        return spr__fail(error, SPR_ERROR_INFEASIBLE,
                         "ids violates constraints: %lld routes over capacity, %lld experts of "
                         "the floor missing, active experts over the limit by %lld, devices by %lld, nodes by %lld",
                         (long long)v.overload, (long long)v.kept, (long long)v.active, (long long)v.devices,
                         (long long)v.nodes);
    return SPR_OK;
}

/* The largest coefficient of H; 1 where all are 0. */
static double lower_new_unit(const spr_lowering *l)
{
    const spr__terms *terms = &l->terms;
    double unit = terms->touch_device;
    unit = terms->touch_node > unit ? terms->touch_node : unit;
    unit = terms->level > unit ? terms->level : unit;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            unit = fabs(spr__lower_value(l, t, i)) > unit ? fabs(spr__lower_value(l, t, i)) : unit;
    for (int64_t e = 0; e < terms->experts; e++) {
        unit = terms->activation[e] > unit ? terms->activation[e] : unit;
        if (spr__lower_has_balance(terms, e) && terms->balance / terms->target[e] > unit)
            unit = terms->balance / terms->target[e];
        for (int64_t f = 0; f < terms->experts && terms->pair != NULL; f++)
            unit = fabs((double)terms->pair[e * terms->width + f]) > unit
                ? fabs((double)terms->pair[e * terms->width + f])
                                                                           : unit;
    }
    return unit > 0.0 ? unit : 1.0;
}

/* ------------------------------------------------------------------------------------------------------------- make */

/* Bound, candidates, kernel: what is fixed makes a better bound, which may fix more. */
static void lower_new_reduce(spr_lowering *l, spr__lower_dual *d, const spr_lower_settings *settings)
{
    enum { ROUNDS = 4 };
    spr__lower_settle(l);
    spr__lower_dual_start(l, d);
    spr__lower_dual_climb(l, d);
    l->report.bound = d->bound;
    if (settings->candidates > 0) {
        int64_t best[4096];
        spr__lower_prune(l, settings->candidates, best);
        spr__lower_settle(l);
        spr__lower_dual_climb(l, d);
    }
    for (int round = 0; round < ROUNDS && settings->kernelise == 1 && spr__lower_kernelise(l, d) > 0; round++) {
        spr__lower_settle(l);
        spr__lower_dual_climb(l, d);
    }
    if (l->report.pruned == 0 && d->bound > l->report.bound)
        l->report.bound = d->bound;
    l->report.bound = l->report.bound < l->known ? l->report.bound : l->known;
}

/* What the kernel, and what follows from it, has fixed. */
static void lower_new_count_fixed(spr_lowering *l, int kernelise)
{
    int64_t zero = 0, one = 0;
    for (int64_t t = 0; t < l->terms.tokens && kernelise; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            zero += l->state[i] == SPR_LOWER_ZERO;
            one += l->state[i] == SPR_LOWER_ONE && !spr__keeps(&l->terms, t, l->expert[i]);
        }
    l->report.fixed_zero = zero - (kernelise ? l->report.pruned : 0);
    l->report.fixed_one = one;
}

static spr_status lower_new_make(spr_lowering *l, spr__lower_dual *d, const spr_lower_settings *settings,
                                 spr_error *error)
{
    const int64_t most = settings->most_variables > 0 ? settings->most_variables : 1000000;
    lower_new_reduce(l, d, settings);
    lower_new_count_fixed(l, settings->kernelise == 1);
    spr__lower_lay_out(l, NULL);
    if (l->report.variables > most || l->report.variables > INT32_MAX - 1)
        return spr__fail(error, SPR_ERROR_SIZE, "the problem would have %lld variables; accepted is "
                         "settings->most_variables = %lld", (long long)l->report.variables, (long long)most);
    l->variable_bytes = (size_t)l->report.variables * sizeof l->variables[0];
    l->variables = (spr__lower_variable *)spr__allocate(&l->memory, l->variable_bytes);
    if (l->variables == NULL)
        return lower_new_no_memory(l->variable_bytes, error);
    spr__lower_lay_out(l, l->variables);
    return spr__lower_build(l, d, settings, error);
}

static spr_status lower_new_with_dual(spr_lowering *l, const spr_lower_settings *settings, spr_error *error)
{
    spr__lower_dual dual;
    spr__arena arena = {NULL, 0};
    spr__lower_dual_lay(&arena, l, settings->kernelise == 1, &dual);
    const size_t bytes = arena.used;
    void *block = bytes < SIZE_MAX ? spr__allocate(&l->memory, bytes) : NULL;
    if (block == NULL)
        return lower_new_no_memory(bytes, error);
    memset(block, 0, bytes);
    arena = (spr__arena){(char *)block, 0};
    spr__lower_dual_lay(&arena, l, settings->kernelise == 1, &dual);
    const spr_status status = lower_new_make(l, &dual, settings, error);
    spr__release(&l->memory, block, bytes);
    return status;
}

spr_status spr__lowering_new(const spr__terms *terms, const int32_t *ids, const spr_lower_settings *settings,
                             spr__memory memory, spr_lowering **lowering, spr_error *error)
{
    spr_lower_settings known;
    spr_lowering *l;
    *lowering = NULL;
    spr_status status = spr__lower_read_settings(settings, terms->experts, terms->k, &known, error);
    if (status == SPR_OK)
        status = lower_new_open(terms, memory, &l, error);
    if (status != SPR_OK)
        return status;
    l->report.size = sizeof l->report;
    l->unit = lower_new_unit(l);
    l->objects = (int32_t)known.constraints;
    status = lower_new_take_table(l, ids, error);
    if (status == SPR_OK)
        status = lower_new_with_dual(l, &known, error);
    if (status != SPR_OK) {
        spr_lowering_free(l);
        return status;
    }
    *lowering = l;
    return spr__ok(error);
}

const spr_problem *spr_lowering_problem(const spr_lowering *lowering)
{
    return lowering != NULL ? lowering->problem : NULL;
}
