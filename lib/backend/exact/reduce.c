/* SPDX-License-Identifier: MIT
 * Variables whose value no completion can make worse are fixed before anything else, and the others see a smaller problem
 * through a host of its own (the first of the rules of P. Hammer, 1969; repeated until none applies). */
#include "exact.h"

#include <math.h>

#include "../../base/exact.h"

struct exact_reduction {
    const spr_host *outer;
    spr_host host;               /* what the method sees */
    spr_problem_view view;
    exact_fixing fixing;
    uint8_t *bits;               /* [n] of the whole problem */
    uint8_t *inner;              /* [open] */
};

static void reduce_fix(const spr_problem_view *problem, exact_fixing *fixing, double *low, double *high, int64_t i)
{
    fixing->value[i] = low[i] >= 0.0 ? 0 : 1;
    for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++) {
        const double w = problem->value[at], below = w < 0.0 ? w : 0.0, above = w > 0.0 ? w : 0.0;
        low[problem->column[at]] += fixing->value[i] ? above : -below;
        high[problem->column[at]] += fixing->value[i] ? below : -above;
    }
}

void spr__exact_fix(const spr_problem_view *problem, exact_fixing *fixing)
{
    const int64_t n = problem->variables;
    double low[EXACT_MOST_GIVEN], high[EXACT_MOST_GIVEN];
    for (int64_t i = 0; i < n; i++) {
        fixing->value[i] = -1;
        low[i] = high[i] = problem->linear[i];
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            *(problem->value[at] < 0.0 ? &low[i] : &high[i]) += problem->value[at];
    }
    for (int changed = 1; changed;) {
        changed = 0;
        for (int64_t i = 0; i < n; i++)
            if (fixing->value[i] < 0 && (low[i] >= 0.0 || high[i] <= 0.0)) {
                reduce_fix(problem, fixing, low, high, i);
                changed = 1;
            }
    }
    fixing->open = 0;
    for (int64_t i = 0; i < n; i++)
        fixing->open += fixing->value[i] < 0;
    /* a problem has one variable at least */
    if (fixing->open == 0) {
        fixing->value[0] = -1;
        fixing->open = 1;
    }
    int32_t next = 0;
    for (int64_t i = 0; i < n; i++)
        fixing->number[i] = fixing->value[i] < 0 ? next++ : -1;
}

/* ---------------------------------------------------------------------------------------------------------------- host */

static void *reduce_allocate(void *engine, size_t bytes)
{
    const spr_host *outer = ((exact_reduction *)engine)->outer;
    return outer->allocate(outer->engine, bytes);
}

static uint64_t reduce_random(void *engine, uint64_t stream, uint64_t counter)
{
    const spr_host *outer = ((exact_reduction *)engine)->outer;
    return outer->random(outer->engine, stream, counter);
}

static int32_t reduce_offer(void *engine, const uint8_t *bits, double energy)
{
    exact_reduction *reduction = (exact_reduction *)engine;
    const spr_host *outer = reduction->outer;
    for (int64_t i = 0; i < outer->problem->variables; i++)
        reduction->bits[i] = reduction->fixing.value[i] < 0 ? bits[reduction->fixing.number[i]]
                                                            : (uint8_t)reduction->fixing.value[i];
    return outer->offer(outer->engine, reduction->bits, energy);
}

static void reduce_prove(void *engine, double bound)
{
    const spr_host *outer = ((exact_reduction *)engine)->outer;
    outer->prove(outer->engine, bound);
}

static int32_t reduce_cancelled(void *engine)
{
    const spr_host *outer = ((exact_reduction *)engine)->outer;
    return outer->cancelled(outer->engine);
}

static double reduce_option(void *engine, const char *name)
{
    const spr_host *outer = ((exact_reduction *)engine)->outer;
    return outer->option(outer->engine, name);
}

/* ------------------------------------------------------------------------------------------------------------- problem */

/* The open variables' rows; what fixed ones add goes to their linear part and to the offset. */
static void reduce_rows(exact_reduction *reduction, double *linear, int64_t *start, int32_t *column, double *value)
{
    const spr_problem_view *problem = reduction->outer->problem;
    const exact_fixing *fixing = &reduction->fixing;
    int64_t filled = 0;
    reduction->view.offset = problem->offset;
    for (int64_t i = 0; i < problem->variables; i++) {
        const int32_t k = fixing->number[i];
        double own = problem->linear[i];
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++) {
            const int32_t j = problem->column[at];
            if (k >= 0 && fixing->number[j] >= 0) {
                column[filled] = fixing->number[j];
                value[filled++] = problem->value[at];
            } else if (fixing->value[j] == 1)
                own += (k >= 0 ? 1.0 : 0.5) * problem->value[at];
        }
        if (k >= 0) {
            linear[k] = own;
            start[k + 1] = filled;
        } else if (fixing->value[i] == 1)
            reduction->view.offset += own;
    }
    reduction->view.couplings = filled / 2;
}

exact_reduction *spr__exact_reduce_open(const spr_host *host)
{
    const spr_problem_view *problem = host->problem;
    exact_reduction *reduction = (exact_reduction *)host->allocate(host->engine, sizeof *reduction);
    if (reduction == NULL)
        return NULL;
    spr__exact_fix(problem, &reduction->fixing);
    const size_t open = (size_t)reduction->fixing.open, ends = 2 * (size_t)problem->couplings;
    double *linear = (double *)host->allocate(host->engine, open * sizeof(double));
    int64_t *start = (int64_t *)host->allocate(host->engine, (open + 1) * sizeof(int64_t));
    int32_t *column = (int32_t *)host->allocate(host->engine, (ends + 1) * sizeof(int32_t));
    double *value = (double *)host->allocate(host->engine, (ends + 1) * sizeof(double));
    reduction->bits = (uint8_t *)host->allocate(host->engine, (size_t)problem->variables);
    reduction->inner = (uint8_t *)host->allocate(host->engine, open);
    if (linear == NULL || start == NULL || column == NULL || value == NULL || reduction->bits == NULL ||
        reduction->inner == NULL)
        return NULL;
    reduction->outer = host;
    reduce_rows(reduction, linear, start, column, value);
    const spr_problem_view view = {sizeof view, (int64_t)open, reduction->view.couplings, linear, start, column, value,
                                   reduction->view.offset, NULL};
    const spr_host inner = {sizeof inner, reduction, &reduction->view, reduce_allocate, reduce_random, reduce_offer,
                            reduce_prove, reduce_cancelled, reduce_option, NULL, 0, -INFINITY};
    reduction->view = view;
    reduction->host = inner;
    return reduction;
}

const spr_host *spr__exact_reduce_host(const exact_reduction *reduction)
{
    return &reduction->host;
}

const uint8_t *spr__exact_reduce_start(exact_reduction *reduction, const uint8_t *bits)
{
    int moved = 0;
    for (int64_t i = 0; i < reduction->outer->problem->variables; i++)
        if (reduction->fixing.value[i] < 0)
            reduction->inner[reduction->fixing.number[i]] = bits[i];
        else
            moved |= reduction->fixing.value[i] != bits[i];
    if (moved)
        reduce_offer(reduction, reduction->inner, NAN);
    return reduction->inner;
}
