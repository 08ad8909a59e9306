/* SPDX-License-Identifier: MIT
 * Small random problems with squares and constraints, against all their states: the annealer finds the optimum with little
 * work, every sample keeps the constraints and has the energy it says; where no state keeps them there is no sample; and the
 * expanded problem, solved exactly, has the same optimum. Then routing lowered with constraints: from nothing, in fixed work,
 * the annealer comes within 1 % of spr_route. The last line is "N passed, N failed". */
#include "counted.h"
#include "../unit/support.h"
#include "spinroute/lower.h"

enum { N = 12, PROBLEMS = 400, WORK = 1000, MEMBERS = 8 * N };

static const char *backend = "anneal";

typedef struct drawn {
    uint64_t seed, next;
} drawn;

static int64_t draw(drawn *from, int64_t below)
{
    return (int64_t)(support_random(from->seed, from->next++) % (uint64_t)below);
}

/* Lists one behind the other. */
typedef struct lists {
    int64_t count, start[N + 8];
    int32_t member[MEMBERS], kind[N + 8];
    double factor[MEMBERS], number[N + 8], target[N + 8];
} lists;

static void lists_add(lists *to, int32_t member, double factor)
{
    const int64_t at = to->start[to->count + 1]++;
    to->member[at] = member;
    to->factor[at] = factor;
}

static void lists_close(lists *to, int32_t kind, double number, double target)
{
    to->kind[to->count] = kind;
    to->number[to->count] = number;
    to->target[to->count++] = target;
    to->start[to->count + 1] = to->start[to->count];
}

static void make_squares(drawn *from, double unit, lists *squares)
{
    for (int64_t s = draw(from, 4); s > 0; s--) {
        lists_add(squares, (int32_t)draw(from, N), unit);
        for (int32_t i = 0; i < N; i++)
            if (i != squares->member[squares->start[squares->count]] && draw(from, 2) == 0)
                lists_add(squares, i, unit * (double)(draw(from, 7) - 3));
        lists_close(squares, 0, (double)(draw(from, 9) - 3), unit * (double)draw(from, 5));
    }
}

static void make_constraints(drawn *from, double unit, lists *constraints)
{
    for (int32_t i = 0; i + 1 < N;) {
        const int32_t members = 2 + (int32_t)draw(from, 3);
        if (draw(from, 5) == 0 || i + members > N) {
            i++;
            continue;
        }
        for (int32_t j = 0; j < members; j++)
            lists_add(constraints, i + j, 1.0);
        lists_close(constraints, SPR_EXACTLY, (double)(1 + draw(from, members)), 0.0);
        i += members;
    }
    for (int64_t c = draw(from, 4); c > 0; c--) {
        double sum = 0.0;
        for (int32_t i = 0; i < N; i++)
            if (draw(from, 3) > 0 || i == N - 1) {
                const double factor = unit * (double)draw(from, 10);
                lists_add(constraints, i, factor);
                sum += factor;
            }
        lists_close(constraints, SPR_AT_MOST, unit * floor(sum / unit * (0.2 + 0.1 * (double)draw(from, 6))), 0.0);
    }
}

/* NULL where a bound is plainly impossible. */
static spr_problem *make(uint64_t seed)
{
    drawn from = {seed, 0};
    lists squares = {0}, constraints = {0};
    const double unit = seed % 3 == 0 ? 0.1 : 1.0;
    double linear[N], values[N * N];
    int32_t rows[N * N], columns[N * N];
    int64_t entries = 0;
    const int64_t percent = draw(&from, 3) * 40;
    for (int32_t i = 0; i < N; i++) {
        linear[i] = unit * (double)(draw(&from, 41) - 20);
        for (int32_t j = 0; j < i; j++)
            if (draw(&from, 100) < percent) {
                rows[entries] = i;
                columns[entries] = j;
                values[entries++] = unit * (double)(draw(&from, 21) - 10);
            }
    }
    make_squares(&from, unit, &squares);
    make_constraints(&from, unit, &constraints);
    spr_problem *base, *problem = NULL;
    spr_error error;
    support_must(spr_problem_from_entries(NULL, NULL, (int32_t)(seed % 2), N, linear, entries, rows, columns, values, 0.5,
                                          &base, &error) >= 0, "spr_problem_from_entries", error.message);
    const spr_problem_terms terms = {sizeof terms, squares.count, squares.start, squares.member, squares.factor,
                                     squares.number, squares.target, constraints.count, constraints.kind, constraints.start,
                                     constraints.member, constraints.factor, constraints.number};
    const spr_status status = spr_problem_with_terms(NULL, NULL, base, &terms, &problem, &error);
    check(status == SPR_OK || status == SPR_ERROR_INFEASIBLE, "problem %d: %s", (int)seed, error.message);
    spr_problem_free(base);
    return problem;
}

typedef struct truth {
    double optimum, worst, largest;
} truth;

static truth truth_of(const spr_problem *problem)
{
    truth known = {INFINITY, -INFINITY, 0.0};
    for (int state = 0; state < 1 << N; state++) {
        uint8_t bits[N];
        double energy;
        int64_t violated;
        for (int i = 0; i < N; i++)
            bits[i] = state >> i & 1;
        spr_problem_energy(problem, bits, &energy, NULL);
        spr_problem_violation(problem, bits, &violated, NULL, NULL);
        known.worst = fmax(known.worst, energy);
        known.largest = fmax(known.largest, fabs(energy));
        known.optimum = violated == 0 ? fmin(known.optimum, energy) : known.optimum;
    }
    return known;
}

static void check_annealed(uint64_t seed, const spr_problem *problem, const truth *known)
{
    spr_solver *solver;
    spr_error error;
    spr_solve_result result = {.size = sizeof result};
    uint8_t bits[N];
    support_must(spr_solver_new(NULL, NULL, NULL, backend, problem, &solver, &error) == SPR_OK, "spr_solver_new", error.message);
    spr_solver_set_integer(solver, "seed", (int64_t)seed, NULL);
    spr_solver_set_integer(solver, "work", WORK, NULL);
    const spr_status status = spr_solver_solve(solver, &result, &error);
    check(status == SPR_OK, "problem %d: %s", (int)seed, error.message);
    check((result.samples > 0) == (known->optimum < INFINITY), "problem %d: %d samples, optimum %g", (int)seed,
          (int)result.samples, known->optimum);
    check(result.samples == 0 || result.energy <= known->optimum + 1e-9 * known->largest, "problem %d: found %.17g, optimum "
          "%.17g", (int)seed, result.energy, known->optimum);
    for (int64_t i = 0; i < result.samples; i++) {
        double said, is;
        int64_t violated = -1;
        spr_solver_get_sample(solver, i, bits, &said, NULL, NULL);
        spr_problem_energy(problem, bits, &is, NULL);
        spr_problem_violation(problem, bits, &violated, NULL, NULL);
        check(violated == 0 && said == is, "problem %d: sample %d violates %d, %g is %g", (int)seed, (int)i, (int)violated,
              said, is);
    }
    spr_solver_free(solver);
}

/* With a weight above the spread of energies the minimum keeps the constraints. */
static void check_expanded(uint64_t seed, const spr_problem *problem, const truth *known)
{
    spr_problem *expanded;
    spr_solver *solver;
    spr_error error;
    spr_solve_result result = {.size = sizeof result};
    const spr_status status = spr_problem_expand(NULL, NULL, problem, 2.0 * known->largest + known->worst - known->optimum + 1.0,
                                                 &expanded, &error);
    if (status == SPR_ERROR_UNSUPPORTED && seed % 3 == 0)       /* tenths have no grid */
        return;
    check(status == SPR_OK, "problem %d: %s", (int)seed, error.message);
    if (spr_solver_new(NULL, NULL, NULL, "exact", expanded, &solver, &error) == SPR_OK) {
        check(spr_solver_solve(solver, &result, &error) == SPR_OK && result.outcome == SPR_OUTCOME_OPTIMAL,
              "problem %d, expanded: outcome %d, %s", (int)seed, (int)result.outcome, error.message);
        check(fabs(result.energy - known->optimum) <= 1e-6 * (1.0 + known->largest), "problem %d, expanded: %.17g, optimum %.17g",
              (int)seed, result.energy, known->optimum);
        spr_solver_free(solver);
    }
    spr_problem_free(expanded);
}

/* ----------------------------------------------------------------------------------------------------------- routing */

/* Popularity falls from expert to expert, so that capacity and balance matter. */
static void check_routed(int64_t tokens, int64_t experts, int64_t k, uint64_t seed, int64_t work)
{
    char options[200];
    snprintf(options, sizeof options, "experts=%d k=%d capacity_factor=1 balance_weight=0.1 devices=4 "
             "device_balance_weight=0.1", (int)experts, (int)k);
    float *logits = calloc((size_t)(tokens * experts), sizeof *logits);
    for (int64_t i = 0; i < tokens * experts; i++)
        logits[i] = support_normal(seed, (uint64_t)i) - 0.05f * (float)(i % experts);
    support_router router;
    support_router_open(&router, options, tokens);
    const spr_batch batch = support_batch(logits, tokens);
    spr_lower_settings settings = {.size = sizeof settings, .constraints = 1};
    spr_lower_report report = {.size = sizeof report};
    spr_solve_result result = {.size = sizeof result};
    spr_lowering *lowering;
    spr_solver *solver;
    spr_error error;
    support_must(support_route(&router, &batch, &error) >= 0, "route", error.message);
    support_must(spr_lower(router.workspace, &batch, router.out.table.ids, &settings, NULL, NULL, &lowering, &error) == SPR_OK,
                 "lower", error.message);
    spr_lowering_report(lowering, &report, NULL);
    check(report.couplings == 0 && report.slacks == 0 && report.variables == tokens * experts, "%d x %d: %d variables, %d "
          "couplings, %d slacks", (int)tokens, (int)experts, (int)report.variables, (int)report.couplings, (int)report.slacks);
    support_must(spr_solver_new(NULL, NULL, NULL, backend, spr_lowering_problem(lowering), &solver, &error) == SPR_OK,
                 "spr_solver_new", error.message);
    spr_solver_set_integer(solver, "work", work, NULL);
    check(spr_solver_solve(solver, &result, &error) == SPR_OK, "%d x %d: %s", (int)tokens, (int)experts, error.message);
    check(result.energy <= report.known + 0.01 * fabs(report.known) && result.energy >= report.bound - 1e-6 * fabs(report.bound),
          "%d x %d, k %d: found %g, spr_route %g, bound %g", (int)tokens, (int)experts, (int)k, result.energy, report.known,
          report.bound);
    spr_solver_free(solver);
    spr_lowering_free(lowering);
    support_router_close(&router);
    free(logits);
}

int main(void)
{
    const int quick = getenv("SPR_TEST_QUICK") != NULL;
    const uint64_t problems = quick ? PROBLEMS / 8 : PROBLEMS;
    for (uint64_t seed = 0; seed < (quick ? 1u : 4u); seed++) {
        check_routed(64, 16, 2, seed, 300);
        check_routed(64, 16, 4, seed, 300);
        check_routed(256, 64, 8, seed, 600);
    }
    int64_t solvable = 0, without = 0;
    for (uint64_t seed = 0; seed < problems; seed++) {
        spr_problem *problem = make(seed);
        if (problem == NULL)
            continue;
        const truth known = truth_of(problem);
        check_annealed(seed, problem, &known);
        if (known.optimum < INFINITY && seed % 4 < 2)
            check_expanded(seed, problem, &known);
        solvable += known.optimum < INFINITY;
        without += !(known.optimum < INFINITY);
        spr_problem_free(problem);
    }
    check(quick || (solvable > PROBLEMS / 3 && without > 5), "%d problems have states, %d have none", (int)solvable, (int)without);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
