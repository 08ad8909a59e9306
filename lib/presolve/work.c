/* SPDX-License-Identifier: MIT
 * The work copy: linked rows, sums that know their errors, and the ways a variable leaves. */
#include "work.h"
#include "../base/arena.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* halves a reduction may walk over, per variable and coupling of the problem */
enum { WORK_EFFORT = 50 };

void spr__work_add(spr__residue *work, double *x, double d)
{
    const double sum = *x + d, part = sum - *x;
    work->doubt += fabs((*x - (sum - part)) + (d - part));
    *x = sum;
}

/* The largest power of two that divides x, which is not 0. */
static double work_power(double x)
{
    int exponent;
    const int64_t mantissa = (int64_t)ldexp(fabs(frexp(x, &exponent)), 53);
    return ldexp((double)(mantissa & -mantissa), exponent - 53);
}

static void work_link(spr__residue *work, int32_t i, int32_t half, int32_t before)
{
    const int32_t behind = before >= 0 ? work->next[before] : work->first[i];
    work->prev[half] = before;
    work->next[half] = behind;
    if (before >= 0)
        work->next[before] = half;
    else
        work->first[i] = half;
    if (behind >= 0)
        work->prev[behind] = half;
    work->degree[i]++;
}

static void work_unlink(spr__residue *work, int32_t half)
{
    const int32_t i = work->to[half ^ 1], before = work->prev[half], behind = work->next[half];
    if (before >= 0)
        work->next[before] = behind;
    else
        work->first[i] = behind;
    if (behind >= 0)
        work->prev[behind] = before;
    work->degree[i]--;
}

/* A weight in a row becomes another: what that does to the least and most its variable may cost. */
static void work_bounds(spr__residue *work, int32_t i, double from, double to)
{
    if (from != 0.0)
        spr__work_add(work, from < 0.0 ? &work->low[i] : &work->high[i], -from);
    if (to != 0.0)
        spr__work_add(work, to < 0.0 ? &work->low[i] : &work->high[i], to);
    work->largest[i] = fabs(to) > work->largest[i] ? fabs(to) : work->largest[i];
}

static void work_place(spr__residue *work, spr__arena *arena, size_t n, size_t c)
{
    work->linear = (double *)spr__arena_take(arena, n, sizeof(double));
    work->low = (double *)spr__arena_take(arena, n, sizeof(double));
    work->high = (double *)spr__arena_take(arena, n, sizeof(double));
    work->largest = (double *)spr__arena_take(arena, n, sizeof(double));
    work->value = (double *)spr__arena_take(arena, c, sizeof(double));
    work->degree = (int32_t *)spr__arena_take(arena, n, sizeof(int32_t));
    work->first = (int32_t *)spr__arena_take(arena, n, sizeof(int32_t));
    work->mark = (int32_t *)spr__arena_take(arena, n, sizeof(int32_t));
    work->queue = (int32_t *)spr__arena_take(arena, n, sizeof(int32_t));
    work->queued = (uint8_t *)spr__arena_take(arena, n, sizeof(uint8_t));
    work->to = (int32_t *)spr__arena_take(arena, 2 * c, sizeof(int32_t));
    work->next = (int32_t *)spr__arena_take(arena, 2 * c, sizeof(int32_t));
    work->prev = (int32_t *)spr__arena_take(arena, 2 * c, sizeof(int32_t));
    work->steps = (spr__step *)spr__arena_take(arena, n, sizeof(spr__step));
}

/* Rows in ascending order: mark holds the last half of each row so far. */
static void work_fill(spr__residue *work, const spr_problem_view *view)
{
    int32_t c = 0;
    for (int64_t i = 0; i < view->variables; i++) {
        work->first[i] = work->mark[i] = -1;
        work->degree[i] = 0;
        work->linear[i] = work->low[i] = work->high[i] = view->linear[i];
        work->largest[i] = 0.0;
    }
    for (int64_t i = 0; i < view->variables; i++)
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++) {
            const int32_t k = (int32_t)i, j = view->column[at];
            if (j < k)
                continue;
            work->value[c] = view->value[at];
            work->to[2 * c] = j;
            work->to[2 * c + 1] = k;
            work_link(work, k, 2 * c, work->mark[k]);
            work_link(work, j, 2 * c + 1, work->mark[j]);
            work->mark[k] = 2 * c;
            work->mark[j] = 2 * c + 1;
            work_bounds(work, k, 0.0, view->value[at]);
            work_bounds(work, j, 0.0, view->value[at]);
            c++;
        }
    for (int64_t i = 0; i < view->variables; i++) {
        work->mark[i] = 0;
        work->queue[i] = (int32_t)i;
        work->queued[i] = 1;
    }
}

static void work_divide(double *unit, double x)
{
    const double power = x != 0.0 ? work_power(x) : *unit;
    *unit = *unit == 0.0 || power < *unit ? power : *unit;
}

/* Exact: everything is a multiple of one power of two, and small enough that sums of all of it still are numbers. */
static void work_measure(spr__residue *work, const spr_problem_view *view)
{
    double size = fabs(view->offset);
    work->equal = view->couplings > 0 ? fabs(view->value[0]) : 0.0;
    for (int64_t at = 0; at < 2 * view->couplings; at++) {
        work_divide(&work->unit, view->value[at]);
        size += fabs(view->value[at]);
        work->equal = fabs(view->value[at]) == work->equal ? work->equal : 0.0;
    }
    work->fine = work->unit;
    work_divide(&work->fine, view->offset);
    for (int64_t i = 0; i < view->variables; i++) {
        work_divide(&work->fine, view->linear[i]);
        size += fabs(view->linear[i]);
    }
    work->exact = size <= ldexp(work->fine, 50);
    work->unit = work->exact ? work->unit : 0.0;
}

int spr__work_open(spr__residue *work, const spr__memory *memory, const spr_problem_view *view)
{
    memset(work, 0, sizeof *work);
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)work->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        spr__arena arena = {pass == 0 ? NULL : (char *)work->block + skip, 0};
        work_place(work, &arena, (size_t)view->variables, (size_t)view->couplings);
        if (pass == 0) {
            if (arena.used == SIZE_MAX)
                return 0;
            work->block_bytes = arena.used + SPR_ALIGNMENT;
            work->block = spr__allocate(memory, work->block_bytes);
            if (work->block == NULL)
                return 0;
        }
    }
    work->variables = work->left = work->queue_used = view->variables;
    work->couplings = work->couplings_at_first = view->couplings;
    work->bound = -INFINITY;
    work->offset = view->offset;
    work->most_effort = WORK_EFFORT * (view->variables + view->couplings);
    work_measure(work, view);
    work_fill(work, view);
    return 1;
}

void spr__work_close(spr__residue *work, const spr__memory *memory)
{
    spr__release(memory, work->block, work->block_bytes);
}

void spr__work_push(spr__residue *work, int32_t i)
{
    if (work->queued[i] || work->degree[i] < 0)
        return;
    int64_t end = work->queue_at + work->queue_used++;
    end -= end >= work->variables ? work->variables : 0;
    work->queue[end] = i;
    work->queued[i] = 1;
}

int32_t spr__work_next(spr__residue *work)
{
    while (work->queue_used > 0) {
        const int32_t i = work->queue[work->queue_at];
        work->queue_at = work->queue_at + 1 < work->variables ? work->queue_at + 1 : 0;
        work->queue_used--;
        work->queued[i] = 0;
        if (work->degree[i] >= 0)
            return i;
    }
    return -1;
}

double spr__work_margin(const spr__residue *work, double size)
{
    return work->exact && work->doubt == 0.0 ? 0.0 : 4.0 * work->doubt + ldexp(size, -48);
}

void spr__work_add_linear(spr__residue *work, int32_t i, double d)
{
    if (d == 0.0)
        return;
    spr__work_add(work, &work->linear[i], d);
    spr__work_add(work, &work->low[i], d);
    spr__work_add(work, &work->high[i], d);
    spr__work_push(work, i);
}

int32_t spr__work_find(spr__residue *work, int32_t i, int32_t j)
{
    const int from_i = work->degree[i] <= work->degree[j];
    const int32_t other = from_i ? j : i;
    for (int32_t half = work->first[from_i ? i : j]; half >= 0; half = work->next[half]) {
        work->effort++;
        if (work->to[half] == other)
            return from_i ? half : half ^ 1;
    }
    return -1;
}

void spr__work_set_value(spr__residue *work, int32_t half, double value)
{
    const int32_t i = work->to[half ^ 1], j = work->to[half];
    const double old = work->value[half / 2];
    work_bounds(work, i, old, value);
    work_bounds(work, j, old, value);
    work->value[half / 2] = value;
    if (value == 0.0) {
        work_unlink(work, half);
        work_unlink(work, half ^ 1);
        work->couplings--;
    }
    spr__work_push(work, i);
    spr__work_push(work, j);
}

void spr__work_move(spr__residue *work, int32_t half, int32_t j, double value)
{
    const int32_t i = work->to[half ^ 1], k = work->to[half];
    const double old = work->value[half / 2];
    work_unlink(work, half);
    work->to[half ^ 1] = j;
    work_link(work, j, half, -1);
    work_bounds(work, i, old, 0.0);
    work_bounds(work, j, 0.0, value);
    work_bounds(work, k, old, value);
    work->value[half / 2] = value;
    spr__work_push(work, j);
    spr__work_push(work, k);
}

void spr__work_gone(spr__residue *work, int32_t i, const spr__step *step)
{
    work->degree[i] = -1;
    work->left--;
    work->steps[work->step_count++] = *step;
    work->rules[step->rule]++;
}

void spr__work_fix(spr__residue *work, int32_t i, int value, int32_t rule, int32_t because)
{
    for (int32_t half = work->first[i]; half >= 0; half = work->next[half]) {
        const int32_t j = work->to[half];
        const double w = work->value[half / 2];
        if (value) {
            spr__work_add(work, &work->linear[j], w);
            spr__work_add(work, w < 0.0 ? &work->high[j] : &work->low[j], w);
        } else
            spr__work_add(work, w < 0.0 ? &work->low[j] : &work->high[j], -w);
        work_unlink(work, half ^ 1);
        spr__work_push(work, j);
    }
    work->couplings -= work->degree[i];
    work->effort += work->degree[i];
    if (value)
        spr__work_add(work, &work->offset, work->linear[i]);
    const spr__step step = {SPR__STEP_FIX, rule, i, value, {because, -1, -1}, 0.0, {0.0, 0.0, 0.0}};
    spr__work_gone(work, i, &step);
}

/* x_i = x_j, or x_i = 1 - x_j: the row of i is added to that of j, or taken from it. */
void spr__work_merge(spr__residue *work, int32_t i, int32_t j, int opposite, int32_t rule)
{
    const double sign = opposite ? -1.0 : 1.0;
    work->effort += work->degree[i] + work->degree[j];
    for (int32_t half = work->first[j]; half >= 0; half = work->next[half])
        work->mark[work->to[half]] = half + 1;
    for (int32_t half = work->first[i], behind; half >= 0; half = behind) {
        const int32_t k = work->to[half], there = work->mark[k] - 1;
        const double w = work->value[half / 2];
        behind = work->next[half];
        if (k == j) {
            if (!opposite)
                spr__work_add_linear(work, j, w);
            work->mark[i] = 0;
            spr__work_set_value(work, half, 0.0);
            continue;
        }
        if (opposite)
            spr__work_add_linear(work, k, w);
        if (there < 0)
            spr__work_move(work, half, j, sign * w);
        else {
            double sum = work->value[there / 2];
            spr__work_add(work, &sum, sign * w);
            work->mark[k] = 0;
            spr__work_set_value(work, half, 0.0);
            spr__work_set_value(work, there, sum);
        }
    }
    for (int32_t half = work->first[j]; half >= 0; half = work->next[half])
        work->mark[work->to[half]] = 0;
    if (opposite)
        spr__work_add(work, &work->offset, work->linear[i]);
    spr__work_add_linear(work, j, sign * work->linear[i]);
    const spr__step step = {opposite ? SPR__STEP_OPPOSITE : SPR__STEP_EQUAL, rule, i, 0, {j, -1, -1}, 0.0, {0.0, 0.0, 0.0}};
    spr__work_gone(work, i, &step);
}
