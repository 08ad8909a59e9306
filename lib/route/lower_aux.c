/* SPDX-License-Identifier: MIT
 * The variables' numbers: x, then active, device, node bits, then slack. An auxiliary bit that only one x can set is
 * that x, and one that a fixed x sets is 1. */
#include "lower.h"

#include <string.h>

#include "../base/exact.h"

/* Numbers as they are given out; names and rows are written in the second pass. */
typedef struct lower_aux {
    spr_lowering *to;
    int64_t next, rows;
} lower_aux;

static int32_t lower_aux_name(lower_aux *at, int64_t first, int64_t second)
{
    if (at->to->first != NULL) {
        at->to->first[at->next] = (int32_t)first;
        at->to->second[at->next] = (int32_t)second;
    }
    return (int32_t)(at->next++ & INT32_MAX);
}

/* What the OR of some x is: folds one of them in. -5 = more than one variable. */
enum { LOWER_AUX_MANY = -5 };

static int32_t lower_aux_fold(int32_t so_far, int32_t code)
{
    if (so_far == SPR_LOWER_ONE || code == SPR_LOWER_ONE)
        return SPR_LOWER_ONE;
    return code < 0 ? so_far : so_far == SPR_LOWER_NONE ? code : LOWER_AUX_MANY;
}

/* ORs of every token over the places of map: codes [T][places]. */
static void lower_aux_fold_places(const spr_lowering *lowering, const int32_t *map, int64_t places, int32_t *codes)
{
    const spr__terms *terms = &lowering->terms;
    for (int64_t i = 0; i < terms->tokens * places; i++)
        codes[i] = SPR_LOWER_NONE;
    for (int64_t i = 0; i < terms->tokens * terms->experts; i++) {
        int32_t *code = &codes[i / terms->experts * places + map[i % terms->experts]];
        *code = lower_aux_fold(*code, lowering->var[i]);
    }
}

/* How many of count codes may be 1, and how many are. */
static int64_t lower_aux_possible(const int32_t *codes, int64_t count, int64_t *ones)
{
    int64_t possible = 0;
    *ones = 0;
    for (int64_t i = 0; i < count; i++) {
        possible += codes[i] != SPR_LOWER_NONE;
        *ones += codes[i] == SPR_LOWER_ONE;
    }
    return possible;
}

/* Bits of tokens at places, where there is a cost or where the limit can bind. */
static void lower_aux_places(lower_aux *at, const int32_t *map, int64_t places, int32_t *codes, double cost,
                             int64_t limit)
{
    int64_t ones;
    if (codes == NULL)
        return;
    lower_aux_fold_places(at->to, map, places, codes);
    for (int64_t t = 0; t < at->to->terms.tokens; t++) {
        int32_t *row = codes + t * places;
        const int binds = limit > 0 && lower_aux_possible(row, places, &ones) > limit;
        for (int64_t d = 0; d < places; d++)
            if (row[d] == LOWER_AUX_MANY)
                row[d] = cost > 0.0 || binds ? lower_aux_name(at, t, d) : SPR_LOWER_NONE;
    }
}

/* Does the limit of active experts bind on the device? Without codes of experts that nothing can activate. */
static int64_t lower_aux_possible_active(const spr_lowering *lowering, int64_t d, int64_t *ones)
{
    int64_t possible = 0;
    *ones = 0;
    for (int64_t e = 0; e < lowering->terms.experts; e++) {
        possible += lowering->terms.device[e] == d && lowering->active[e] != SPR_LOWER_NONE;
        *ones += lowering->terms.device[e] == d && lowering->active[e] == SPR_LOWER_ONE;
    }
    return possible;
}

static void lower_aux_active(lower_aux *at)
{
    spr_lowering *to = at->to;
    const spr__terms *terms = &to->terms;
    for (int64_t e = 0; e < terms->experts; e++) {
        to->active[e] = SPR_LOWER_NONE;
        for (int64_t t = 0; t < terms->tokens; t++)
            to->active[e] = lower_aux_fold(to->active[e], to->var[t * terms->experts + e]);
    }
    /* device by device, so that a limit sees all its experts before they are numbered */
    for (int64_t d = 0; d < terms->devices; d++) {
        int64_t ones;
        const int binds = terms->active_limit > 0 && lower_aux_possible_active(to, d, &ones) > terms->active_limit;
        for (int64_t e = 0; e < terms->experts; e++)
            if (terms->device[e] == d && to->active[e] == LOWER_AUX_MANY)
                to->active[e] = terms->activation[e] > 0.0 || terms->level > 0.0 || binds ? lower_aux_name(at, e, 0)
                                                                                         : SPR_LOWER_NONE;
    }
}

/* A row with its slack: 0..room in digits 1, 2, 4, ..., rest. */
static void lower_aux_row(lower_aux *at, int32_t kind, int64_t index, int64_t room)
{
    spr__lower_row row = {kind, (int32_t)index, (int32_t)(room > 0 ? room : 0),
                          (int32_t)(at->next & INT32_MAX), 0, 0.0};
    int64_t left = row.room;
    for (int64_t digit = 1; left > 0; digit *= 2) {
        lower_aux_name(at, at->rows, digit < left ? digit : left);
        left -= digit < left ? digit : left;
        row.digits++;
    }
    if (at->to->rows != NULL)
        at->to->rows[at->rows] = row;
    at->rows++;
}

static void lower_aux_capacity_rows(lower_aux *at)
{
    const spr_lowering *to = at->to;
    const spr__terms *terms = &to->terms;
    for (int64_t e = 0; e < terms->experts; e++) {
        int64_t ones = 0, possible = 0;
        for (int64_t t = 0; t < terms->tokens; t++) {
            possible += to->var[t * terms->experts + e] >= 0;
            ones += to->var[t * terms->experts + e] == SPR_LOWER_ONE;
        }
        if (terms->supply[e] < (double)(possible + ones))
            lower_aux_row(at, SPR_LOWER_CAPACITY, e, (int64_t)terms->supply[e] - ones);
    }
}

/* Codes are numbers by now; bits that no limit and no cost made are NONE or still an x. */
static void lower_aux_limit_rows(lower_aux *at, int32_t kind, const int32_t *codes, int64_t places, int64_t limit)
{
    for (int64_t t = 0; codes != NULL && limit > 0 && t < at->to->terms.tokens; t++) {
        int64_t ones;
        if (lower_aux_possible(codes + t * places, places, &ones) > limit)
            lower_aux_row(at, kind, t, limit - ones);
    }
}

static void lower_aux_rows(lower_aux *at)
{
    const spr__terms *terms = &at->to->terms;
    lower_aux_capacity_rows(at);
    for (int64_t d = 0; terms->active_limit > 0 && d < terms->devices; d++) {
        int64_t ones;
        if (lower_aux_possible_active(at->to, d, &ones) > terms->active_limit)
            lower_aux_row(at, SPR_LOWER_ACTIVE, d, terms->active_limit - ones);
    }
    lower_aux_limit_rows(at, SPR_LOWER_DEVICES, at->to->device, terms->devices, terms->device_limit);
    lower_aux_limit_rows(at, SPR_LOWER_NODES, at->to->node, terms->nodes, terms->node_limit);
}

static void lower_aux_pass(lower_aux *at)
{
    spr_lowering *to = at->to;
    const spr__terms *terms = &to->terms;
    spr_lower_report *report = &to->report;
    at->next = at->rows = 0;
    for (int64_t i = 0; i < terms->tokens * terms->experts; i++)
        if (to->var[i] >= 0)
            to->var[i] = lower_aux_name(at, i / terms->experts, i % terms->experts);
    report->assignments = at->next;
    lower_aux_active(at);
    report->actives = at->next - report->assignments;
    lower_aux_places(at, terms->device, terms->devices, to->device, terms->touch_device, terms->device_limit);
    report->devices = at->next - report->assignments - report->actives;
    lower_aux_places(at, terms->node, terms->nodes, to->node, terms->touch_node, terms->node_limit);
    report->nodes = at->next - report->assignments - report->actives - report->devices;
    lower_aux_rows(at);
    report->slacks = at->next - report->assignments - report->actives - report->devices - report->nodes;
    report->variables = at->next > 0 ? at->next : 1;
    to->row_count = at->rows;
}

static void lower_aux_lay(spr__arena *arena, spr_lowering *to)
{
    to->first = (int32_t *)spr__arena_take(arena, (size_t)to->report.variables, sizeof(int32_t));
    to->second = (int32_t *)spr__arena_take(arena, (size_t)to->report.variables, sizeof(int32_t));
    to->rows = (spr__lower_row *)spr__arena_take(arena, (size_t)to->row_count, sizeof(spr__lower_row));
}

spr_status spr__lower_number(spr_lowering *lowering, const spr_lower_settings *settings, spr_error *error)
{
    const int64_t most = settings->most_variables > 0 ? settings->most_variables : 1000000;
    lower_aux at = {lowering, 0, 0};
    spr__arena arena = {NULL, 0};
    lower_aux_pass(&at);
    if (lowering->report.variables > most || lowering->report.variables > INT32_MAX - 1)
        return spr__fail(error, SPR_ERROR_SIZE, "the problem would have %lld variables; accepted is "
                         "most_variables = %lld", (long long)lowering->report.variables, (long long)most);
    lower_aux_lay(&arena, lowering);
    lowering->names_bytes = arena.used + SPR_ALIGNMENT;
    if (arena.used <= SIZE_MAX - SPR_ALIGNMENT)
        lowering->names = spr__allocate(&lowering->memory, lowering->names_bytes);
    if (lowering->names == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", lowering->names_bytes);
    memset(lowering->names, 0, lowering->names_bytes);
    arena = (spr__arena){(char *)lowering->names +
                         (SPR_ALIGNMENT - (uintptr_t)lowering->names % SPR_ALIGNMENT) % SPR_ALIGNMENT, 0};
    lower_aux_lay(&arena, lowering);
    lower_aux_pass(&at);
    return SPR_OK;
}
