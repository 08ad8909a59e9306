/* SPDX-License-Identifier: MIT
 * The problem: every term of H and every constraint as linear parts and couplings of the variables. One and the same
 * code counts entries first and writes them then. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

typedef struct lower_build {
    spr_lowering *to;
    const spr__lower_bound *bound;
    int64_t entries;
    int32_t *rows, *columns;     /* NULL while counting, as values and linear */
    double *values, *linear;
    double offset;
    int32_t *bits;               /* of the linear form that is being put together, with their factors */
    double *factors;
    int64_t held;
    double constant;
} lower_build;

static void lower_build_linear(lower_build *b, int32_t code, double value)
{
    if (b->linear == NULL)
        return;
    if (code >= 0)
        b->linear[code] += value;
    else if (code == SPR_LOWER_ONE)
        b->offset += value;
}

static void lower_build_product(lower_build *b, int32_t one, int32_t other, double value)
{
    if (one < 0 || other < 0 || one == other) {
        if (spr__lower_can(one) && spr__lower_can(other))
            lower_build_linear(b, one >= 0 ? one : other, value);
        return;
    }
    if (b->values != NULL) {
        b->rows[b->entries] = one;
        b->columns[b->entries] = other;
        b->values[b->entries] = value;
    }
    b->entries++;
}

static void lower_build_form(lower_build *b, double constant)
{
    b->held = 0;
    b->constant = constant;
}

static void lower_build_take(lower_build *b, int32_t code, double factor)
{
    if (code == SPR_LOWER_ONE)
        b->constant += factor;
    if (code < 0 || factor == 0.0)
        return;
    b->bits[b->held] = code;
    b->factors[b->held++] = factor;
}

/* weight * form^2 */
static void lower_build_square(lower_build *b, double weight)
{
    const int64_t n = b->held;
    if (b->values == NULL) {
        b->entries += n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
        return;
    }
    b->offset += weight * b->constant * b->constant;
    for (int64_t i = 0; i < n; i++) {
        b->linear[b->bits[i]] += weight * b->factors[i] * (b->factors[i] + 2.0 * b->constant);
        for (int64_t j = 0; j < i; j++)
            lower_build_product(b, b->bits[j], b->bits[i], 2.0 * weight * b->factors[i] * b->factors[j]);
    }
}

/* A constraint's weight enters the report. */
static double lower_build_weight(lower_build *b, double multiplier, double least)
{
    spr_lower_report *report = &b->to->report;
    double weight = fabs(multiplier) + b->to->gap + b->to->margin;
    weight = weight > least ? weight : least;
    if (report->largest_weight == 0.0 || weight < report->smallest_weight)
        report->smallest_weight = weight;
    report->largest_weight = weight > report->largest_weight ? weight : report->largest_weight;
    return weight;
}

/* weight * x (1 - y) */
static void lower_build_or(lower_build *b, int32_t x, int32_t y, double multiplier, double least)
{
    if (x < 0 || y < 0 || x == y)
        return;
    const double weight = lower_build_weight(b, multiplier, least);
    lower_build_linear(b, x, weight);
    lower_build_product(b, x, y, -weight);
}

static void lower_build_tokens(lower_build *b)
{
    const spr__terms *terms = &b->to->terms;
    const int64_t experts = terms->experts;
    for (int64_t t = 0; t < terms->tokens; t++) {
        const int32_t *var = b->to->var + t * experts;
        lower_build_form(b, -(double)terms->need[t]);
        for (int64_t e = 0; e < experts; e++) {
            lower_build_linear(b, var[e], -(double)terms->value[t * terms->width + e]);
            lower_build_take(b, var[e], 1.0);
            for (int64_t f = 0; f < e && terms->pair != NULL && spr__lower_can(var[e]); f++)
                if (spr__lower_can(var[f]) && terms->pair[e * terms->width + f] != 0.0f)
                    lower_build_product(b, var[f], var[e], (double)terms->pair[e * terms->width + f]);
        }
        if (b->held == 0)
            continue;
        const double many = 0.5 * b->bound->attraction * (double)(terms->need[t] + 1);
        lower_build_square(b, lower_build_weight(b, fabs(b->bound->token[t]) + many, 0.0));
    }
}

static void lower_build_balance(lower_build *b)
{
    const spr__terms *terms = &b->to->terms;
    for (int64_t e = 0; terms->balance > 0.0 && e < terms->experts; e++) {
        if (!(terms->target[e] > 0.0))
            continue;
        lower_build_form(b, -terms->target[e]);
        for (int64_t t = 0; t < terms->tokens; t++)
            lower_build_take(b, b->to->var[t * terms->experts + e], 1.0);
        lower_build_square(b, 0.5 * terms->balance / terms->target[e]);
    }
    for (int64_t d = 0; terms->device_balance > 0.0 && d < terms->devices; d++) {
        if (!(terms->device_target[d] > 0.0))
            continue;
        lower_build_form(b, -terms->device_target[d]);
        for (int64_t i = 0; i < terms->tokens * terms->experts; i++)
            if (terms->device[i % terms->experts] == d)
                lower_build_take(b, b->to->var[i], terms->cost[i % terms->experts]);
        lower_build_square(b, 0.5 * terms->device_balance / terms->device_target[d]);
    }
}

static void lower_build_active(lower_build *b)
{
    const spr__terms *terms = &b->to->terms;
    const int32_t *active = b->to->active;
    for (int64_t d = 0; terms->level > 0.0 && d < terms->devices; d++) {
        lower_build_form(b, 0.0);
        for (int64_t e = 0; e < terms->experts; e++)
            if (terms->device[e] == d)
                lower_build_take(b, active[e], 1.0);
        lower_build_square(b, 0.5 * terms->level);
    }
    for (int64_t e = 0; e < terms->experts; e++) {
        const double most = terms->activation[e] + terms->level * (double)terms->experts;
        lower_build_linear(b, active[e], terms->activation[e]);
        for (int64_t t = 0; t < terms->tokens; t++) {
            const int64_t i = t * terms->experts + e;
            lower_build_or(b, b->to->var[i], active[e], b->bound->open != NULL ? b->bound->open[i] : 0.0, most);
        }
    }
}

static void lower_build_places(lower_build *b, const int32_t *map, int64_t places, const int32_t *codes, double cost,
                               const double *multipliers)
{
    const spr__terms *terms = &b->to->terms;
    if (codes == NULL)
        return;
    for (int64_t i = 0; i < terms->tokens * places; i++)
        lower_build_linear(b, codes[i], cost);
    for (int64_t i = 0; i < terms->tokens * terms->experts; i++)
        lower_build_or(b, b->to->var[i], codes[i / terms->experts * places + map[i % terms->experts]],
                       multipliers != NULL ? multipliers[i] : 0.0, cost);
}

/* The variables of a row. Fixed ones have left its room. */
static void lower_build_take_row(lower_build *b, const spr__lower_row *row)
{
    const spr_lowering *to = b->to;
    const spr__terms *terms = &to->terms;
    const int64_t experts = terms->experts, places = row->kind == SPR_LOWER_DEVICES ? terms->devices : terms->nodes;
    const int32_t *codes = row->kind == SPR_LOWER_DEVICES ? to->device : to->node;
    lower_build_form(b, 0.0);
    for (int64_t t = 0; row->kind == SPR_LOWER_CAPACITY && t < terms->tokens; t++)
        lower_build_take(b, to->var[t * experts + row->index], 1.0);
    for (int64_t e = 0; row->kind == SPR_LOWER_ACTIVE && e < experts; e++)
        if (terms->device[e] == row->index)
            lower_build_take(b, to->active[e], 1.0);
    for (int64_t d = 0; row->kind >= SPR_LOWER_DEVICES && d < places; d++)
        lower_build_take(b, codes[row->index * places + d], 1.0);
    for (int32_t i = 0; i < row->digits; i++)
        lower_build_take(b, row->first + i, (double)to->second[row->first + i]);
    b->constant = -(double)row->room;
}

static void lower_build_rows(lower_build *b)
{
    const double *const multipliers[] = {b->bound->price, b->bound->limit_active, b->bound->limit_device,
                                         b->bound->limit_node};
    for (int64_t i = 0; i < b->to->row_count; i++) {
        spr__lower_row *row = &b->to->rows[i];
        lower_build_take_row(b, row);
        row->weight = lower_build_weight(b, multipliers[row->kind][row->index], 0.0);
        lower_build_square(b, row->weight);
    }
}

static void lower_build_all(lower_build *b)
{
    const spr__terms *terms = &b->to->terms;
    b->entries = 0;
    b->offset = terms->constant;
    lower_build_tokens(b);
    lower_build_balance(b);
    lower_build_active(b);
    lower_build_places(b, terms->device, terms->devices, b->to->device, terms->touch_device, b->bound->touch);
    lower_build_places(b, terms->node, terms->nodes, b->to->node, terms->touch_node, b->bound->touch_node);
    lower_build_rows(b);
}

/* Everything that building needs besides the entries. */
static void lower_build_lay(spr__arena *arena, int64_t variables, int64_t entries, lower_build *b)
{
    b->bits = (int32_t *)spr__arena_take(arena, (size_t)variables, sizeof(int32_t));
    b->factors = (double *)spr__arena_take(arena, (size_t)variables, sizeof(double));
    b->linear = (double *)spr__arena_take(arena, (size_t)variables, sizeof(double));
    b->rows = (int32_t *)spr__arena_take(arena, (size_t)entries, sizeof(int32_t));
    b->columns = (int32_t *)spr__arena_take(arena, (size_t)entries, sizeof(int32_t));
    b->values = (double *)spr__arena_take(arena, (size_t)entries, sizeof(double));
}

/* Returns NULL when there is no memory. */
static void *lower_build_open(spr_lowering *lowering, int64_t entries, lower_build *b, size_t *bytes)
{
    spr__arena arena = {NULL, 0};
    lower_build_lay(&arena, lowering->report.variables, entries, b);
    *bytes = arena.used + SPR_ALIGNMENT;
    char *block = arena.used > SIZE_MAX - SPR_ALIGNMENT ? NULL : (char *)spr__allocate(&lowering->memory, *bytes);
    if (block == NULL)
        return NULL;
    arena = (spr__arena){block + (SPR_ALIGNMENT - (uintptr_t)block % SPR_ALIGNMENT) % SPR_ALIGNMENT, 0};
    lower_build_lay(&arena, lowering->report.variables, entries, b);
    memset(b->linear, 0, (size_t)lowering->report.variables * sizeof(double));
    return block;
}

spr_status spr__lower_build(spr_lowering *lowering, const spr__lower_bound *bound, const spr_lower_settings *settings,
                            spr_error *error)
{
    const int64_t most = settings->most_couplings > 0 ? settings->most_couplings : 100000000;
    lower_build b;
    size_t bytes;
    memset(&b, 0, sizeof b);
    b.to = lowering;
    b.bound = bound;
    void *block = lower_build_open(lowering, 0, &b, &bytes);
    if (block == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", bytes);
    b.values = NULL;
    b.linear = NULL;
    lower_build_all(&b);
    spr__release(&lowering->memory, block, bytes);
    if (b.entries > most)
        return spr__fail(error, SPR_ERROR_SIZE, "the problem would have up to %lld couplings; accepted is "
                         "most_couplings = %lld", (long long)b.entries, (long long)most);
    block = lower_build_open(lowering, b.entries + 1, &b, &bytes);
    if (block == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", bytes);
    lower_build_all(&b);
    spr_status status = spr_problem_from_entries(lowering->memory.function, lowering->memory.user, SPR_QUBO,
                                                 lowering->report.variables, b.linear, b.entries, b.rows, b.columns,
                                                 b.values, b.offset, &lowering->problem, error);
    spr__release(&lowering->memory, block, bytes);
    return status == SPR_OK ? spr_problem_size(lowering->problem, NULL, &lowering->report.couplings, error) : status;
}
