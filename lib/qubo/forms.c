/* SPDX-License-Identifier: MIT
 * QUBO and Ising forms of a problem: x = (1 + s)/2, s = 2x - 1. */
#include "problem.h"

#include <math.h>

#include "../base/exact.h"

/* A sum that knows whether it was rounded (D. Knuth's two-sum, The Art of Computer Programming, vol. 2, 4.2.2). */
typedef struct forms_sum {
    double sum;
    int rounded;
} forms_sum;

static void forms_add(forms_sum *total, double x)
{
    const double sum = total->sum + x, part = sum - total->sum;
    total->rounded |= (total->sum - (sum - part)) + (x - part) != 0.0;
    total->sum = sum;
}

static int forms_scaled(double x, double factor)
{
    return x != 0.0 && (x * factor) / factor != x;
}

int spr__forms_to_qubo(spr_problem_view *problem, double *linear, double *value, double *offset)
{
    forms_sum total = {*offset, 0};
    int rounded = 0;
    for (int64_t i = 0; i < problem->variables; i++) {
        forms_sum own = {2.0 * linear[i], 0};
        forms_add(&total, -linear[i]);
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++) {
            forms_add(&own, -2.0 * value[at]);
            if (problem->column[at] > i)
                forms_add(&total, value[at]);
        }
        rounded |= own.rounded;
        linear[i] = own.sum;
    }
    for (int64_t at = 0; at < 2 * problem->couplings; at++)
        value[at] *= 4.0;
    *offset = total.sum;
    return rounded | total.rounded;
}

int spr__forms_to_ising(const spr_problem_view *problem, double *linear, double *offset)
{
    forms_sum total = {problem->offset, 0};
    int rounded = 0;
    for (int64_t i = 0; i < problem->variables; i++) {
        forms_sum own = {0.5 * problem->linear[i], 0};
        rounded |= forms_scaled(problem->linear[i], 0.5);
        forms_add(&total, 0.5 * problem->linear[i]);
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++) {
            const double quarter = 0.25 * problem->value[at];
            rounded |= forms_scaled(problem->value[at], 0.25);
            forms_add(&own, quarter);
            if (problem->column[at] > i)
                forms_add(&total, quarter);
        }
        rounded |= own.rounded;
        if (linear != NULL)
            linear[i] = own.sum;
    }
    *offset = total.sum;
    return rounded | total.rounded;
}

double spr__forms_cut_offset(const spr_problem_view *problem, double factor)
{
    double sum = 0.0;
    for (int64_t i = 0; i < problem->variables; i++)
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            if (problem->column[at] > i)
                sum += factor * problem->value[at];
    return 0.0 - sum;
}
