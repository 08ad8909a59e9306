/* SPDX-License-Identifier: MIT
 * The judge of constraints: plain, in double, in a fixed order. */
#include "problem.h"

#include <math.h>

#include "../base/exact.h"

/* What the left side is off by: 0 if the constraint is kept. */
static double violation_of(const spr_problem_terms *terms, int64_t c, const uint8_t *bits)
{
    double sum = 0.0, most = 0.0;
    for (int64_t at = terms->constraint_start[c]; at < terms->constraint_start[c + 1]; at++) {
        sum += bits[terms->constraint_member[at]] ? terms->constraint_factor[at] : 0.0;
        most += terms->constraint_factor[at];
    }
    const double over = sum - terms->constraint_bound[c];
    if (terms->constraint_kind[c] == SPR_EXACTLY)
        return fabs(over);
    return over > 1e-12 * most ? over : 0.0;
}

int64_t spr__problem_violation(const spr_problem_view *problem, const uint8_t *bits, int64_t *first, double *amount)
{
    int64_t violated = 0, found = -1;
    double total = 0.0;
    for (int64_t c = 0; problem->terms != NULL && c < problem->terms->constraints; c++) {
        const double off = violation_of(problem->terms, c, bits);
        found = off > 0.0 && found < 0 ? c : found;
        violated += off > 0.0;
        total += off;
    }
    if (first != NULL)
        *first = found;
    if (amount != NULL)
        *amount = total;
    return violated;
}

spr_status spr_problem_violation(const spr_problem *problem, const uint8_t *bits, int64_t *violated, double *amount,
                                 spr_error *error)
{
    if (problem == NULL || bits == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", problem == NULL ? "problem" : "bits");
    for (int64_t i = 0; i < problem->view.variables; i++)
        if (bits[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "bits[%lld] is %d; accepted is 0 or 1", (long long)i,
                             (int)bits[i]);
    const int64_t count = spr__problem_violation(&problem->view, bits, NULL, amount);
    if (violated != NULL)
        *violated = count;
    return spr__ok(error);
}
