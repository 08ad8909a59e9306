/* SPDX-License-Identifier: MIT
 * The judge of every answer: plain, in double, in a fixed order. */
#include "problem.h"

#include "../base/exact.h"

static double energy_squares(const spr_problem_terms *terms, const uint8_t *bits)
{
    double energy = 0.0;
    for (int64_t s = 0; s < terms->squares; s++) {
        double sum = 0.0;
        for (int64_t at = terms->square_start[s]; at < terms->square_start[s + 1]; at++)
            sum += bits[terms->square_member[at]] ? terms->square_factor[at] : 0.0;
        sum -= terms->square_target[s];
        energy += terms->square_weight[s] * (sum * sum);
    }
    return energy;
}

double spr__problem_energy(const spr_problem_view *problem, const uint8_t *bits)
{
    double energy = problem->offset;
    for (int64_t i = 0; i < problem->variables; i++) {
        if (!bits[i])
            continue;
        double own = problem->linear[i];
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1] && problem->column[at] < i; at++)
            own += bits[problem->column[at]] ? problem->value[at] : 0.0;
        energy += own;
    }
    return problem->terms != NULL ? energy + energy_squares(problem->terms, bits) : energy;
}

spr_status spr_problem_energy(const spr_problem *problem, const uint8_t *bits, double *energy, spr_error *error)
{
    if (problem == NULL || bits == NULL || energy == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", problem == NULL ? "problem"
                                                                  : bits == NULL  ? "bits"
                                                                                  : "energy");
    for (int64_t i = 0; i < problem->view.variables; i++)
        if (bits[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "bits[%lld] is %d; accepted is 0 or 1", (long long)i,
                             (int)bits[i]);
    *energy = spr__problem_energy(&problem->view, bits);
    return spr__ok(error);
}
