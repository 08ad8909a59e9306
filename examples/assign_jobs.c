/* SPDX-License-Identifier: MIT
 * Jobs to machines, each job to one, no machine over its hours, at least cost, and the machines evenly loaded: what must hold
 * is said as constraints, which the solver's moves keep, and the balance as squares. Nothing is a penalty whose weight has to
 * be guessed.
 *
 *     cc examples/assign_jobs.c $(pkg-config --cflags --libs spinroute) && ./a.out */
#include <spinroute.h>
#include <spinroute/qubo.h>
#include <stdio.h>
#include <stdlib.h>

enum { MACHINES = 4, JOBS = 18, VARIABLES = MACHINES * JOBS, HOURS = 45 };

#define TRY(call) do { if ((call) < 0) { fprintf(stderr, "%s\n", error.message); return EXIT_FAILURE; } } while (0)

int main(void)
{
    /* x[job * MACHINES + machine] = 1: this machine does the job. What takes fewer hours costs more. */
    double cost[VARIABLES], hours[VARIABLES];
    for (int job = 0; job < JOBS; job++)
        for (int machine = 0; machine < MACHINES; machine++) {
            const int x = job * MACHINES + machine;
            hours[x] = 4 + (7 * job + 5 * machine + job * machine) % 11;
            cost[x] = 30 - 2 * hours[x] + (3 * job + 11 * machine) % 5;
        }

    /* one machine per job; hours of a machine at most HOURS; 0.02 (hours - 40)^2 for each machine */
    int32_t kind[JOBS + MACHINES], member[2 * VARIABLES];
    int64_t start[JOBS + MACHINES + 1] = {0}, square_start[MACHINES + 1] = {0};
    double factor[2 * VARIABLES], bound[JOBS + MACHINES], weight[MACHINES], target[MACHINES];
    int64_t next = 0;
    for (int job = 0; job < JOBS; job++) {
        for (int machine = 0; machine < MACHINES; machine++, next++) {
            member[next] = job * MACHINES + machine;
            factor[next] = 1.0;
        }
        kind[job] = SPR_EXACTLY;
        bound[job] = 1.0;
        start[job + 1] = next;
    }
    for (int machine = 0; machine < MACHINES; machine++) {
        for (int job = 0; job < JOBS; job++, next++) {
            member[next] = job * MACHINES + machine;
            factor[next] = hours[member[next]];
        }
        kind[JOBS + machine] = SPR_AT_MOST;
        bound[JOBS + machine] = HOURS;
        start[JOBS + machine + 1] = next;
        square_start[machine + 1] = (int64_t)JOBS * (machine + 1);
        weight[machine] = 0.02;
        target[machine] = 40.0;
    }

    /* the squares' lists are those of the machines */
    spr_error error;
    spr_problem *costs, *problem;
    const spr_problem_terms terms = {.size = sizeof terms, .squares = MACHINES, .square_start = square_start,
                                     .square_member = member + VARIABLES, .square_factor = factor + VARIABLES,
                                     .square_weight = weight, .square_target = target, .constraints = JOBS + MACHINES,
                                     .constraint_kind = kind, .constraint_start = start, .constraint_member = member,
                                     .constraint_factor = factor, .constraint_bound = bound};
    TRY(spr_problem_from_entries(NULL, NULL, SPR_QUBO, VARIABLES, cost, 0, NULL, NULL, NULL, 0.0, &costs, &error));
    TRY(spr_problem_with_terms(NULL, NULL, costs, &terms, &problem, &error));

    spr_solver *solver;
    spr_solve_result result = {.size = sizeof result};
    uint8_t bits[VARIABLES];
    double energy;
    TRY(spr_solver_new(NULL, NULL, NULL, "auto", problem, &solver, &error));
    TRY(spr_solver_set_integer(solver, "work", 2000, &error));
    TRY(spr_solver_solve(solver, &result, &error));
    if (result.samples == 0) {
        printf("no assignment keeps the constraints, as far as \"%s\" looked\n", spr_solver_backend(solver));
        return EXIT_FAILURE;
    }
    TRY(spr_solver_get_sample(solver, 0, bits, &energy, NULL, &error));

    double paid = 0.0;
    for (int machine = 0; machine < MACHINES; machine++) {
        double used = 0.0;
        printf("machine %d:", machine);
        for (int job = 0; job < JOBS; job++)
            if (bits[job * MACHINES + machine]) {
                printf(" %d", job);
                used += hours[job * MACHINES + machine];
                paid += cost[job * MACHINES + machine];
            }
        printf("   (%g of %d hours)\n", used, HOURS);
    }
    int64_t violated;
    TRY(spr_problem_violation(problem, bits, &violated, NULL, &error));
    printf("cost %g; %g with the cost of imbalance; %d constraints violated\n", paid, energy, (int)violated);
    spr_solver_free(solver);
    spr_problem_free(problem);
    spr_problem_free(costs);
    return violated == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
