/* SPDX-License-Identifier: MIT
 * Variables: entries that are free, ORs that are neither known nor the same as a variable, slack digits of limits. */
#include "lower.h"

#include <string.h>

/* Gives out variables; with names NULL it only counts. */
typedef struct lower_rows {
    spr__lower_variable *names;
    int64_t next, kinds[SPR_LOWER_KINDS];
} lower_rows;

static int32_t lower_rows_new(lower_rows *rows, int32_t kind, int64_t first, int64_t second)
{
    if (rows->names != NULL)
        rows->names[rows->next] = (spr__lower_variable){kind, (int32_t)first, (int32_t)second};
    rows->kinds[kind]++;
    return (int32_t)(rows->next++ & INT32_MAX);
}

static void lower_rows_slack(lower_rows *rows, int32_t kind, int64_t index, spr__lower_row *row)
{
    int64_t left = row->exists ? row->range : 0;
    row->digits = 0;
    row->first = (int32_t)(rows->next & INT32_MAX);
    for (int64_t digit = 1; left > 0; digit *= 2) {
        const int64_t now = digit < left ? digit : left;
        lower_rows_new(rows, kind, index, now);
        row->digits++;
        left -= now;
    }
}

static void lower_rows_limit(spr__lower_row *row, int64_t limit, int64_t possible, int64_t least)
{
    memset(row, 0, sizeof *row);
    row->exists = limit > 0 && possible > limit;
    row->right = limit;
    row->range = limit > least ? limit - least : 0;
}

static void lower_rows_active_limits(spr_lowering *l)
{
    for (int64_t d = 0; d < l->terms.devices; d++) {
        int64_t ones = 0;
        for (int64_t e = 0; e < l->terms.experts; e++)
            ones += l->terms.device[e] == d && l->candidates[e] > 0 && l->always[e];
        lower_rows_limit(&l->active_limit[d], l->terms.active_limit, l->members[d], ones);
    }
}

static void lower_rows_actives(spr_lowering *l, lower_rows *rows)
{
    const spr__terms *terms = &l->terms;
    lower_rows_active_limits(l);
    for (int64_t e = 0; e < terms->experts; e++) {
        const int matters = terms->activation[e] > 0.0 || terms->level > 0.0
            || l->active_limit[terms->device[e]].exists;
        l->active[e] = !matters || l->candidates[e] == 0 ? SPR_LOWER_NEVER : SPR_LOWER_ALWAYS;
        if (l->active[e] == SPR_LOWER_ALWAYS && !l->always[e] && l->candidates[e] > 1)
            l->active[e] = lower_rows_new(rows, SPR_LOWER_ACTIVE, e, 0);
        else if (l->active[e] == SPR_LOWER_ALWAYS && !l->always[e])
            for (int64_t t = 0; t < terms->tokens; t++) {
                const int64_t i = spr__lower_find(l, t, (int32_t)e);
                l->active[e] = i >= 0 && l->state[i] == SPR_LOWER_FREE ? l->literal[i] : l->active[e];
            }
    }
}

/* A token's devices (nodes): row is its limit, literals [places]. */
static void lower_rows_touches(spr_lowering *l, lower_rows *rows, int64_t t, int nodes)
{
    const spr__terms *terms = &l->terms;
    const int64_t places = nodes ? terms->nodes : terms->devices, limit = nodes ? terms->node_limit
        : terms->device_limit;
    const int32_t *map = nodes ? terms->node : terms->device;
    const uint8_t *always = (nodes ? l->node_always : l->device_always) + t * places;
    spr__lower_row *row = nodes ? &l->node_limit[t] : &l->device_limit[t];
    int32_t *literal = (nodes ? l->on_node : l->on_device) + t * places;
    int64_t possible = 0, sure = 0;
    for (int64_t p = 0; p < places; p++)
        literal[p] = SPR_LOWER_NEVER;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        int32_t *at = &literal[map[l->expert[i]]];
        /* the first entry stands for the place; a second one makes it many, which is marked as always */
        if (l->state[i] == SPR_LOWER_FREE)
            *at = *at == SPR_LOWER_NEVER ? l->literal[i] : SPR_LOWER_ALWAYS;
    }
    for (int64_t p = 0; p < places; p++) {
        possible += always[p] || literal[p] != SPR_LOWER_NEVER;
        sure += always[p];
    }
    lower_rows_limit(row, spr__lower_binds(limit, terms->need[t]) ? limit : 0, possible, sure > 0 ? sure : 1);
    const int matters = row->exists || (nodes ? terms->touch_node : terms->touch_device) > 0.0;
    for (int64_t p = 0; p < places; p++)
        if (!matters)
            literal[p] = SPR_LOWER_NEVER;
        else if (always[p])
            literal[p] = SPR_LOWER_ALWAYS;
        else if (literal[p] == SPR_LOWER_ALWAYS)
            literal[p] = lower_rows_new(rows, nodes ? SPR_LOWER_NODE : SPR_LOWER_DEVICE, t, p);
}

/* Constraints need no slack. */
static void lower_rows_slacks(spr_lowering *l, lower_rows *rows)
{
    if (l->objects)
        return;
    for (int64_t e = 0; e < l->terms.experts; e++)
        lower_rows_slack(rows, SPR_LOWER_CAPACITY, e, &l->capacity[e]);
    for (int64_t d = 0; d < l->terms.devices; d++)
        lower_rows_slack(rows, SPR_LOWER_ACTIVE_LIMIT, d, &l->active_limit[d]);
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        lower_rows_slack(rows, SPR_LOWER_DEVICE_LIMIT, t, &l->device_limit[t]);
        lower_rows_slack(rows, SPR_LOWER_NODE_LIMIT, t, &l->node_limit[t]);
    }
}

static void lower_rows_report(spr_lowering *l, const lower_rows *rows)
{
    spr_lower_report *report = &l->report;
    report->variables = rows->next;
    report->assignments = rows->kinds[SPR_LOWER_X];
    report->actives = rows->kinds[SPR_LOWER_ACTIVE];
    report->devices = rows->kinds[SPR_LOWER_DEVICE];
    report->nodes = rows->kinds[SPR_LOWER_NODE];
    report->slacks = rows->kinds[SPR_LOWER_CAPACITY] + rows->kinds[SPR_LOWER_ACTIVE_LIMIT] +
                     rows->kinds[SPR_LOWER_DEVICE_LIMIT] + rows->kinds[SPR_LOWER_NODE_LIMIT];
}

void spr__lower_lay_out(spr_lowering *l, spr__lower_variable *variables)
{
    lower_rows rows;
    memset(&rows, 0, sizeof rows);
    rows.names = variables;
    for (int64_t t = 0; t < l->terms.tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
            l->literal[i] = l->state[i] == SPR_LOWER_FREE   ? lower_rows_new(&rows, SPR_LOWER_X, t, l->expert[i])
                            : l->state[i] == SPR_LOWER_ONE ? SPR_LOWER_ALWAYS
                                                           : SPR_LOWER_NEVER;
    lower_rows_actives(l, &rows);
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        if (l->on_device != NULL)
            lower_rows_touches(l, &rows, t, 0);
        if (l->on_node != NULL)
            lower_rows_touches(l, &rows, t, 1);
    }
    lower_rows_slacks(l, &rows);
    if (rows.next == 0)
        lower_rows_new(&rows, SPR_LOWER_UNUSED, 0, 0);
    lower_rows_report(l, &rows);
}
