/* SPDX-License-Identifier: MIT
 * The problem: every term of H and every constraint, in literals. Squares do nearly everything. Runs twice: to count,
 * and to write. */
#include "lower.h"

#include <string.h>

#include "../base/exact.h"

typedef struct lower_build {
    const spr_lowering *l;
    const spr__lower_dual *dual;
    spr__lower_weights weights;
    int64_t couplings;           /* at most; entries of the same pair of x are counted once where that is easy */
    int64_t entries;
    int32_t *rows, *columns;     /* NULL: count only */
    double *values, *linear, offset;

    /* squares and constraints as objects: lists, one behind the other; NULL: count only */
    int64_t square_lists, square_members, limit_lists, limit_members;
    int64_t *square_start, *limit_start;
    int32_t *square_member, *limit_member, *limit_kind;
    double *square_factor, *square_weight, *square_target, *limit_bound;

    /* the square at hand: sum of factors times literals + constant */
    int64_t count;
    int32_t *group;
    double *factor, constant;
} lower_build;

/* --------------------------------------------------------------------------------------------------------- literals */

static void lower_build_linear(lower_build *b, int32_t literal, double value)
{
    if (literal == SPR_LOWER_ALWAYS)
        b->offset += value;
    else if (literal >= 0 && b->rows != NULL)
        b->linear[literal] += value;
}

static void lower_build_couple(lower_build *b, int32_t first, int32_t second, double value)
{
    if (first < 0 || second < 0) {
        if (first != SPR_LOWER_NEVER && second != SPR_LOWER_NEVER)
            lower_build_linear(b, first < 0 ? second : first, value);
        return;
    }
    if (b->rows != NULL) {
        b->rows[b->entries] = first;
        b->columns[b->entries] = second;
        b->values[b->entries] = value;
    }
    b->entries++;
}

static void lower_build_take(lower_build *b, int32_t literal, double factor)
{
    if (literal == SPR_LOWER_ALWAYS)
        b->constant += factor;
    if (literal < 0)
        return;
    b->group[b->count] = literal;
    b->factor[b->count++] = factor;
}

/* Adds scale * (what was taken)^2 and forgets it. known: the first so many literals were a square before. */
static void lower_build_square(lower_build *b, double scale, int64_t known)
{
    const int64_t n = b->count;
    b->couplings += n * (n - 1) / 2 - (known > 0 ? known * (known - 1) / 2 : 0);
    b->offset += scale * b->constant * b->constant;
    for (int64_t i = 0; b->rows != NULL && i < n; i++) {
        const double factor = b->factor[i];
        lower_build_linear(b, b->group[i], scale * (factor * factor + 2.0 * factor * b->constant));
        for (int64_t j = 0; j < i; j++)
            lower_build_couple(b, b->group[i], b->group[j], 2.0 * scale * factor * b->factor[j]);
    }
    if (b->rows == NULL)
        b->entries += n * (n - 1) / 2;
    b->count = 0;
    b->constant = 0.0;
}

/* The same as an object, where that saves couplings. */
static void lower_build_sum(lower_build *b, double scale, int64_t known)
{
    if (!b->l->objects || b->count < 2) {
        lower_build_square(b, scale, known);
        return;
    }
    for (int64_t i = 0; b->rows != NULL && i < b->count; i++) {
        b->square_member[b->square_members + i] = b->group[i];
        b->square_factor[b->square_members + i] = b->factor[i];
    }
    b->square_members += b->count;
    if (b->rows != NULL) {
        b->square_weight[b->square_lists] = scale;
        b->square_target[b->square_lists] = -b->constant;
        b->square_start[b->square_lists + 1] = b->square_members;
    }
    b->square_lists++;
    b->count = 0;
    b->constant = 0.0;
}

/* A constraint: what was taken is, or is at most, minus the constant. */
static void lower_build_constraint(lower_build *b, int32_t kind)
{
    /* what cannot be exceeded needs none */
    if (b->count > 0 && (kind == SPR_EXACTLY || (double)b->count > -b->constant)) {
        for (int64_t i = 0; b->rows != NULL && i < b->count; i++)
            b->limit_member[b->limit_members + i] = b->group[i];
        b->limit_members += b->count;
        if (b->rows != NULL) {
            b->limit_kind[b->limit_lists] = kind;
            b->limit_bound[b->limit_lists] = -b->constant;
            b->limit_start[b->limit_lists + 1] = b->limit_members;
        }
        b->limit_lists++;
    }
    b->count = 0;
    b->constant = 0.0;
}

/* A limit: what was taken + slack = right. */
static void lower_build_row(lower_build *b, const spr__lower_row *row, double multiplier, int64_t known)
{
    int64_t left = row->range;
    for (int32_t i = 0; i < row->digits; i++) {
        const int64_t digit = (int64_t)1 << i < left ? (int64_t)1 << i : left;
        lower_build_take(b, row->first + i, (double)digit);
        left -= digit;
    }
    b->constant -= (double)row->right;
    if (b->l->objects)
        lower_build_constraint(b, SPR_AT_MOST);
    else
        lower_build_square(b, spr__lower_weight(&b->weights, multiplier, 0.0), known);
}

/* x without its OR's bit. */
static void lower_build_or(lower_build *b, int32_t x, int32_t bit, double multiplier, double least)
{
    if (x < 0 || bit < 0 || x == bit)
        return;
    const double weight = spr__lower_weight(&b->weights, multiplier, least);
    lower_build_linear(b, x, weight);
    lower_build_couple(b, x, bit, -weight);
    b->couplings += b->rows == NULL;
}

/* ------------------------------------------------------------------------------------------------------------ terms */

static double lower_build_multiplier(const lower_build *b, int64_t first, int64_t i)
{
    return first >= 0 ? b->dual->at[first + i] : 0.0;
}

static void lower_build_pairs(lower_build *b, int64_t t)
{
    const spr_lowering *l = b->l;
    for (int64_t i = l->start[t]; i < l->start[t + 1] && l->terms.pair != NULL; i++)
        for (int64_t j = l->start[t]; j < i && l->literal[i] != SPR_LOWER_NEVER; j++) {
            const double pair = (double)l->terms.pair[l->expert[i] * l->terms.width + l->expert[j]];
            if (pair != 0.0)
                lower_build_couple(b, l->literal[i], l->literal[j], pair);
        }
}

static void lower_build_touches(lower_build *b, int64_t t, int nodes)
{
    const spr_lowering *l = b->l;
    const spr__terms *terms = &l->terms;
    const int64_t places = nodes ? terms->nodes : terms->devices;
    const int32_t *map = nodes ? terms->node : terms->device;
    const int32_t *literal = (nodes ? l->on_node : l->on_device) + t * places;
    const double cost = nodes ? terms->touch_node : terms->touch_device;
    const spr__lower_row *row = nodes ? &l->node_limit[t] : &l->device_limit[t];
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        lower_build_or(b, l->literal[i], literal[map[l->expert[i]]],
                       lower_build_multiplier(b, nodes ? b->dual->at_node : b->dual->at_device, i), cost);
    for (int64_t p = 0; p < places; p++)
        lower_build_linear(b, literal[p], cost);
    if (!row->exists)
        return;
    for (int64_t p = 0; p < places; p++)
        lower_build_take(b, literal[p], 1.0);
    lower_build_row(b, row, b->dual->at[(nodes ? b->dual->node : b->dual->device) + t], 0);
}

static void lower_build_token(lower_build *b, int64_t t)
{
    const spr_lowering *l = b->l;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        lower_build_linear(b, l->literal[i], -spr__lower_value(l, t, i));
        lower_build_take(b, l->literal[i], 1.0);
    }
    if (b->count > 0) {
        b->constant -= l->terms.need[t];
        if (l->objects)
            lower_build_constraint(b, SPR_EXACTLY);
        else
            lower_build_square(b, spr__lower_weight(&b->weights, spr__lower_token_multiplier(b->dual, l, t), 0.0), 0);
    }
    b->constant = 0.0;
    lower_build_pairs(b, t);
    if (l->on_device != NULL)
        lower_build_touches(b, t, 0);
    if (l->on_node != NULL)
        lower_build_touches(b, t, 1);
}

static void lower_build_take_expert(lower_build *b, int64_t e, double factor)
{
    for (int64_t t = 0; t < b->l->terms.tokens; t++) {
        const int64_t i = spr__lower_find(b->l, t, (int32_t)e);
        if (i >= 0)
            lower_build_take(b, b->l->literal[i], factor);
    }
}

/* The most that the active bit of an expert can save. */
static double lower_build_activation(const lower_build *b, int64_t e)
{
    const spr__terms *terms = &b->l->terms;
    const int64_t members = b->l->members[terms->device[e]], limit = terms->active_limit;
    const double most = (double)(limit > 0 && limit < members ? limit : members);
    return terms->activation[e] + terms->level * (most - 0.5);
}

static void lower_build_expert(lower_build *b, int64_t e)
{
    const spr_lowering *l = b->l;
    const spr__terms *terms = &l->terms;
    /* counted before: by the device's balance, by the expert's */
    int known = spr__lower_has_work(terms, terms->device[e]) && terms->cost[e] != 0.0;
    if (spr__lower_has_balance(terms, e)) {
        lower_build_take_expert(b, e, 1.0);
        b->constant -= terms->target[e];
        lower_build_sum(b, 0.5 * terms->balance / terms->target[e], known ? b->count : 0);
        known = 1;
    }
    if (l->capacity[e].exists) {
        lower_build_take_expert(b, e, 1.0);
        lower_build_row(b, &l->capacity[e], b->dual->at[b->dual->price + e], known ? b->count : 0);
    }
    lower_build_linear(b, l->active[e], terms->activation[e]);
    for (int64_t t = 0; l->active[e] >= 0 && t < terms->tokens; t++) {
        const int64_t i = spr__lower_find(l, t, (int32_t)e);
        if (i >= 0)
            lower_build_or(b, l->literal[i], l->active[e], lower_build_multiplier(b, b->dual->open, i),
                           lower_build_activation(b, e));
    }
}

static void lower_build_device(lower_build *b, int64_t d)
{
    const spr_lowering *l = b->l;
    const spr__terms *terms = &l->terms;
    for (int64_t e = 0; e < terms->experts && spr__lower_has_work(terms, d); e++)
        if (terms->device[e] == d && terms->cost[e] != 0.0)
            lower_build_take_expert(b, e, terms->cost[e]);
    if (spr__lower_has_work(terms, d)) {
        b->constant -= terms->device_target[d];
        lower_build_sum(b, 0.5 * terms->device_balance / terms->device_target[d], 0);
    }
    for (int round = 0; round < 2; round++) {
        if (round == 0 ? !(terms->level > 0.0) : !l->active_limit[d].exists)
            continue;
        for (int64_t e = 0; e < terms->experts; e++)
            if (terms->device[e] == d)
                lower_build_take(b, l->active[e], 1.0);
        if (round == 0)
            lower_build_sum(b, 0.5 * terms->level, 0);
        else
            lower_build_row(b, &l->active_limit[d], b->dual->at[b->dual->active + d], terms->level > 0.0 ? b->count
                            : 0);
    }
}

static void lower_build_run(lower_build *b)
{
    const spr__terms *terms = &b->l->terms;
    b->entries = b->couplings = 0;
    b->square_lists = b->square_members = b->limit_lists = b->limit_members = 0;
    b->offset = terms->constant;
    for (int64_t t = 0; t < terms->tokens; t++)
        lower_build_token(b, t);
    for (int64_t d = 0; d < terms->devices; d++)
        lower_build_device(b, d);
    for (int64_t e = 0; e < terms->experts; e++)
        lower_build_expert(b, e);
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static void lower_build_lay(spr__arena *arena, lower_build *b, int counted)
{
    const size_t variables = (size_t)b->l->report.variables;
    b->group = (int32_t *)spr__arena_take(arena, variables, sizeof(int32_t));
    b->factor = (double *)spr__arena_take(arena, variables, sizeof(double));
    b->linear = (double *)spr__arena_take(arena, variables, sizeof(double));
    const size_t entries = counted ? (size_t)b->entries + 1 : 0;
    b->values = (double *)spr__arena_take(arena, entries, sizeof(double));
    b->rows = (int32_t *)spr__arena_take(arena, entries, sizeof(int32_t));
    b->columns = (int32_t *)spr__arena_take(arena, entries, sizeof(int32_t));
    const size_t squares = counted ? (size_t)b->square_lists : 0, limits = counted ? (size_t)b->limit_lists : 0;
    const size_t in_squares = counted ? (size_t)b->square_members : 0, in_limits = counted ? (size_t)b->limit_members : 0;
    b->square_start = (int64_t *)spr__arena_take(arena, squares + 1, sizeof(int64_t));
    b->square_weight = (double *)spr__arena_take(arena, squares, sizeof(double));
    b->square_target = (double *)spr__arena_take(arena, squares, sizeof(double));
    b->square_member = (int32_t *)spr__arena_take(arena, in_squares, sizeof(int32_t));
    b->square_factor = (double *)spr__arena_take(arena, in_squares, sizeof(double));
    b->limit_start = (int64_t *)spr__arena_take(arena, limits + 1, sizeof(int64_t));
    b->limit_bound = (double *)spr__arena_take(arena, limits, sizeof(double));
    b->limit_kind = (int32_t *)spr__arena_take(arena, limits, sizeof(int32_t));
    b->limit_member = (int32_t *)spr__arena_take(arena, in_limits, sizeof(int32_t));
    if (!counted)
        b->rows = NULL;
}

/* One block for all arrays; NULL when there is none. */
static void *lower_build_allocate(lower_build *b, int counted, size_t *bytes)
{
    spr__arena arena = {NULL, 0};
    lower_build_lay(&arena, b, counted);
    *bytes = arena.used;
    void *block = arena.used < SIZE_MAX - SPR_ALIGNMENT
                      ? spr__allocate(&b->l->memory, *bytes = arena.used + SPR_ALIGNMENT)
                      : NULL;
    if (block == NULL)
        return NULL;
    memset(block, 0, *bytes);
    arena = (spr__arena){(char *)block + (SPR_ALIGNMENT - (uintptr_t)block % SPR_ALIGNMENT) % SPR_ALIGNMENT, 0};
    lower_build_lay(&arena, b, counted);
    return block;
}

static spr_status lower_build_no_memory(size_t bytes, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_MEMORY, "no memory for the %zu bytes of a lowering", bytes);
}

static spr_status lower_build_too_large(int64_t couplings, const char *word, int64_t most, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_SIZE,
                     "the problem would have %s%lld couplings; accepted is settings->most_couplings "
                     "= %lld", word, (long long)couplings, (long long)most);
}

static spr_status lower_build_count(lower_build *b, int64_t most, spr_error *error)
{
    size_t bytes;
    void *block = lower_build_allocate(b, 0, &bytes);
    if (block == NULL)
        return lower_build_no_memory(bytes, error);
    lower_build_run(b);
    spr__release(&b->l->memory, block, bytes);
    /* two experts of a token on one device are counted twice where device balance couples them too */
    return b->couplings / 2 > most ? lower_build_too_large(b->couplings, "up to ", most, error) : SPR_OK;
}

/* The problem of what was written; with objects from one that has none. */
static spr_status lower_build_make(const lower_build *b, spr_problem **problem, spr_error *error)
{
    const spr_lowering *l = b->l;
    const spr__memory memory = l->memory;
    spr_problem *base = NULL;
    spr_status status = spr_problem_from_entries(memory.function, memory.user, SPR_QUBO, l->report.variables, b->linear,
                                                 b->entries, b->rows, b->columns, b->values, b->offset, &base, error);
    if (status != SPR_OK || (b->square_lists == 0 && b->limit_lists == 0)) {
        *problem = base;
        return status;
    }
    const spr_problem_terms terms = {sizeof terms, b->square_lists, b->square_start, b->square_member, b->square_factor,
                                     b->square_weight, b->square_target, b->limit_lists, b->limit_kind, b->limit_start,
                                     b->limit_member, NULL, b->limit_bound};
    status = spr_problem_with_terms(memory.function, memory.user, base, &terms, problem, error);
    spr_problem_free(base);
    return status;
}

spr_status spr__lower_build(spr_lowering *l, const spr__lower_dual *dual, const spr_lower_settings *settings,
                            spr_error *error)
{
    const int64_t most = settings->most_couplings > 0 ? settings->most_couplings : 100000000;
    lower_build b;
    size_t bytes;
    memset(&b, 0, sizeof b);
    b.l = l;
    b.dual = dual;
    spr__lower_weights_open(l, dual, &b.weights);
    spr_status status = lower_build_count(&b, most, error);
    if (status != SPR_OK)
        return status;
    void *block = lower_build_allocate(&b, 1, &bytes);
    if (block == NULL)
        return lower_build_no_memory(bytes, error);
    lower_build_run(&b);
    status = lower_build_make(&b, &l->problem, error);
    spr__release(&l->memory, block, bytes);
    if (status != SPR_OK)
        return status;
    l->report.smallest_weight = b.weights.largest > 0.0 ? b.weights.smallest : 0.0;
    l->report.largest_weight = b.weights.largest;
    spr_problem_size(l->problem, NULL, &l->report.couplings, NULL);
    return l->report.couplings > most ? lower_build_too_large(l->report.couplings, "", most, error) : SPR_OK;
}
