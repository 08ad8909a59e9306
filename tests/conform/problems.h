/* SPDX-License-Identifier: MIT
 * The small problems that backends are held against, with their optima by trying all states. */
#ifndef TESTS_CONFORM_PROBLEMS_H
#define TESTS_CONFORM_PROBLEMS_H

#include "../unit/support.h"
#include "spinroute/qubo.h"

enum { MOST = 16 };

typedef struct sample_problem {
    const char *name;
    spr_problem *handle;
    int64_t n;
    double optimum, scale;
} sample_problem;

static double energy_of(const spr_problem *problem, const uint8_t *bits)
{
    double energy = NAN;
    spr_error error;
    support_must(spr_problem_energy(problem, bits, &energy, &error) == SPR_OK, "spr_problem_energy", error.message);
    return energy;
}

static int keeps(const spr_problem *problem, const uint8_t *bits)
{
    int64_t violated = -1;
    spr_problem_violation(problem, bits, &violated, NULL, NULL);
    return violated == 0;
}

static double optimum_of(const spr_problem *problem, int64_t n)
{
    double best = INFINITY;
    uint8_t bits[MOST];
    for (int64_t state = 0; state < (int64_t)1 << n; state++) {
        for (int64_t i = 0; i < n; i++)
            bits[i] = state >> i & 1;
        best = keeps(problem, bits) ? fmin(best, energy_of(problem, bits)) : best;
    }
    return best;
}

/* percent: chance of a coupling; integers up to 20 times unit. */
static sample_problem problem_make(const char *name, int32_t form, int64_t n, int64_t percent, double unit,
                                   double offset)
{
    double linear[MOST], values[MOST * MOST];
    int32_t rows[MOST * MOST], columns[MOST * MOST];
    int64_t entries = 0;
    sample_problem made = {name, NULL, n, 0.0, fabs(offset)};
    spr_error error;
    for (int64_t i = 0; i < n; i++) {
        linear[i] = unit * ((double)(support_random(50, (uint64_t)i) % 41) - 20.0);
        made.scale += 2.0 * fabs(linear[i]);
        for (int64_t j = i + 1; j < n; j++) {
            const uint64_t drawn = support_random(51, (uint64_t)(i * MOST + j));
            if ((int64_t)(drawn % 100) >= percent)
                continue;
            rows[entries] = (int32_t)j;
            columns[entries] = (int32_t)i;
            values[entries] = unit * ((double)(drawn / 100 % 41) - 20.0);
            made.scale += 4.0 * fabs(values[entries++]);
        }
    }
    const spr_status status = spr_problem_from_entries(NULL, NULL, form, n, linear, entries, rows, columns, values,
                                                       offset, &made.handle, &error);
    support_must(status >= 0, name, error.message);
    made.optimum = optimum_of(made.handle, n);
    return made;
}

/* With two squares, groups of three of which one or two are 1, and two knapsacks that cut across them. */
static sample_problem problem_constrained(const char *name, int64_t n, double unit)
{
    const int64_t groups = n / 4;
    int32_t kind[MOST], member[4 * MOST];
    int64_t start[MOST] = {0}, next = 0, count = 0;
    double factor[4 * MOST], bound[MOST];
    sample_problem made = problem_make(name, SPR_QUBO, n, 40, unit, 1.5);
    spr_problem *base = made.handle;
    spr_error error;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t i = 0; i < 3; i++, next++) {
            member[next] = (int32_t)(3 * g + i);
            factor[next] = 1.0;
        }
        kind[count] = SPR_EXACTLY;
        bound[count] = 1.0 + (double)(g % 2);
        start[++count] = next;
    }
    for (int64_t knapsack = 0; knapsack < 2; knapsack++) {
        double sum = 0.0;
        for (int64_t i = knapsack; i < n; i += 1 + knapsack, next++) {
            member[next] = (int32_t)i;
            factor[next] = unit * (double)(1 + support_random(52, (uint64_t)next) % 5);
            sum += factor[next];
        }
        kind[count] = SPR_AT_MOST;
        bound[count] = floor(0.5 * sum / unit) * unit;
        start[++count] = next;
    }
    const int64_t square_start[] = {0, n, n + 3};
    double weight[] = {unit, -0.5 * unit}, target[] = {3.0, 1.0}, factors[MOST + 3];
    int32_t members[MOST + 3];
    for (int64_t i = 0; i < n + 3; i++) {
        members[i] = (int32_t)(i < n ? i : 2 * (i - n));
        factors[i] = (double)(support_random(53, (uint64_t)i) % 4) - 1.0;
    }
    const spr_problem_terms terms = {sizeof terms, 2, square_start, members, factors, weight, target,
                                     count, kind, start, member, factor, bound};
    support_must(spr_problem_with_terms(NULL, NULL, base, &terms, &made.handle, &error) == SPR_OK, name, error.message);
    spr_problem_free(base);
    made.optimum = optimum_of(made.handle, n);
    support_must(made.optimum < INFINITY, name, "no state keeps the constraints");
    made.scale += unit * 3600.0;
    return made;
}

#endif
