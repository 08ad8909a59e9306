/* SPDX-License-Identifier: MIT
 * Squares as couplings, constraints as penalties: runs twice, to count and to write. */
#include "problem.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

typedef struct expand_writer {
    int64_t variables, entries;
    int32_t *rows, *columns;     /* NULL: count only */
    double *values, *linear, offset;
} expand_writer;

/* Slack of a constraint: digits 1, 2, 4, .., rest that add up to range units. */
typedef struct expand_slack {
    double unit, bound, range;
    int32_t digits;
} expand_slack;

static const double expand_most = 1099511627776.0;

static double expand_digit(const expand_slack *slack, int32_t digit)
{
    const double power = ldexp(1.0, digit), before = power - 1.0;
    return power < slack->range - before ? power : slack->range - before;
}

/* The lowest bit of a number, as a power of two. */
static double expand_lowest(double number)
{
    int exponent;
    double fraction = frexp(fabs(number), &exponent);
    int bits = 0;
    while (fraction != floor(fraction)) {
        fraction *= 2.0;
        bits++;
    }
    while (fraction >= 2.0 && floor(fraction / 2.0) * 2.0 == fraction) {
        fraction /= 2.0;
        bits--;
    }
    return ldexp(1.0, exponent - bits);
}

/* 0 if no grid serves. An AT_MOST that nothing exceeds has no digits and unit 0. */
static int expand_measure(const spr_problem_terms *terms, int64_t c, expand_slack *slack)
{
    double sum = 0.0;
    memset(slack, 0, sizeof *slack);
    slack->bound = terms->constraint_bound[c];
    slack->unit = terms->constraint_kind[c] == SPR_EXACTLY ? 1.0 : INFINITY;
    if (terms->constraint_kind[c] == SPR_EXACTLY)
        return 1;
    for (int64_t at = terms->constraint_start[c]; at < terms->constraint_start[c + 1]; at++) {
        const double factor = terms->constraint_factor[at], lowest = factor > 0.0 ? expand_lowest(factor) : INFINITY;
        slack->unit = lowest < slack->unit ? lowest : slack->unit;
        sum += factor;
    }
    /* as the judge has it: by so little more nothing is exceeded */
    if (sum - slack->bound <= 1e-12 * sum) {
        slack->unit = 0.0;
        return 1;
    }
    slack->range = floor((slack->bound + 1e-12 * sum) / slack->unit);
    slack->bound = slack->range * slack->unit;
    if (!(slack->range <= expand_most))
        return 0;
    while (ldexp(1.0, slack->digits) - 1.0 < slack->range)
        slack->digits++;
    return 1;
}

static void expand_couple(expand_writer *w, int32_t first, int32_t second, double value)
{
    if (w->rows != NULL) {
        w->rows[w->entries] = first;
        w->columns[w->entries] = second;
        w->values[w->entries] = value;
    }
    w->entries++;
}

/* weight * (sum of factors times members - target + digits of a slack from variable on)^2 */
static void expand_square(expand_writer *w, double weight, int64_t members, const int32_t *member, const double *factor,
                          double target, const expand_slack *slack, int64_t first)
{
    const int64_t all = members + (slack != NULL ? slack->digits : 0);
    if (w->rows == NULL) {
        w->entries += all * (all - 1) / 2;
        return;
    }
    w->offset += weight * (target * target);
    for (int64_t i = 0; i < all; i++) {
        const double mine = i < members ? factor[i] : slack->unit * expand_digit(slack, (int32_t)(i - members));
        const int32_t variable = i < members ? member[i] : (int32_t)(first + i - members);
        w->linear[variable] += weight * (mine * mine - 2.0 * mine * target);
        for (int64_t j = 0; j < i; j++) {
            const double other = j < members ? factor[j] : slack->unit * expand_digit(slack, (int32_t)(j - members));
            expand_couple(w, j < members ? member[j] : (int32_t)(first + j - members), variable,
                          2.0 * weight * (mine * other));
        }
    }
}

static spr_status expand_run(expand_writer *w, const spr_problem_view *view, double weight, spr_error *error)
{
    const spr_problem_terms *terms = view->terms;
    int64_t next = view->variables;
    w->entries = 0;
    w->offset = view->offset;
    for (int64_t i = 0; i < view->variables; i++)
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
            if (view->column[at] > i)
                expand_couple(w, (int32_t)i, view->column[at], view->value[at]);
    for (int64_t s = 0; terms != NULL && s < terms->squares; s++) {
        const int64_t first = terms->square_start[s];
        expand_square(w, terms->square_weight[s], terms->square_start[s + 1] - first, terms->square_member + first,
                      terms->square_factor + first, terms->square_target[s], NULL, 0);
    }
    for (int64_t c = 0; terms != NULL && c < terms->constraints; c++) {
        const int64_t first = terms->constraint_start[c];
        expand_slack slack;
        if (!expand_measure(terms, c, &slack))
            return spr__fail(error, SPR_ERROR_UNSUPPORTED, "constraint %lld has room for %g units of %g; accepted is up to 2^40: "
                             "scale its factors and bound, and round them", (long long)c, slack.range, slack.unit);
        if (slack.unit == 0.0)
            continue;
        expand_square(w, weight / (slack.unit * slack.unit), terms->constraint_start[c + 1] - first,
                      terms->constraint_member + first, terms->constraint_factor + first, slack.bound, &slack, next);
        next += slack.digits;
    }
    w->variables = next;
    return SPR_OK;
}

static spr_status expand_check(const expand_writer *w, spr_error *error)
{
    return w->variables <= INT32_MAX - 1 && w->entries <= INT32_MAX - 1
               ? SPR_OK
               : spr__fail(error, SPR_ERROR_SIZE, "expanded it would have %lld variables and %lld couplings to write; accepted "
                           "is 2147483646 of each", (long long)w->variables, (long long)w->entries);
}

spr_status spr_problem_expand(spr_allocator allocator, void *user, const spr_problem *problem, double weight,
                              spr_problem **expanded, spr_error *error)
{
    if (expanded == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "expanded is NULL");
    *expanded = NULL;
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    if (problem->view.terms != NULL && problem->terms.constraints > 0 && !(weight > 0.0 && isfinite(weight)))
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "weight is %g; the %lld constraints need one above 0", weight,
                         (long long)problem->terms.constraints);
    expand_writer w;
    memset(&w, 0, sizeof w);
    spr_status status = expand_run(&w, &problem->view, weight, error);
    if (status == SPR_OK)
        status = expand_check(&w, error);
    if (status != SPR_OK)
        return status;
    const spr__memory memory = spr__memory_of(allocator, user);
    const size_t entries = (size_t)w.entries, variables = (size_t)w.variables;
    const size_t bytes = (entries + variables) * sizeof(double) + 2 * entries * sizeof(int32_t);
    w.values = (double *)spr__allocate(&memory, bytes);
    if (w.values == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for the %zu bytes of %lld couplings", bytes, (long long)w.entries);
    w.linear = w.values + entries;
    w.rows = (int32_t *)(void *)(w.linear + variables);
    w.columns = w.rows + entries;
    memset(w.linear, 0, variables * sizeof(double));
    memcpy(w.linear, problem->view.linear, (size_t)problem->view.variables * sizeof(double));
    status = expand_run(&w, &problem->view, weight, error);
    if (status == SPR_OK)
        status = spr_problem_from_entries(allocator, user, SPR_QUBO, w.variables, w.linear, w.entries, w.rows, w.columns,
                                          w.values, w.offset, expanded, error);
    spr__release(&memory, w.values, bytes);
    return status;
}
