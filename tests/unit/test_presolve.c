/* SPDX-License-Identifier: MIT
 * Presolve as part of a solve: who gets it, what the backend sees, and that answers are those of the whole problem. That no
 * optimum is lost is checked in tests/property/presolve.c. */
#include "suites.h"

#include "support.h"
#include "spinroute/backend.h"
#include "../../lib/backend/backends.h"

static spr_error error;
static spr_problem *problem;
static spr_registry *registry;
static spr_solver *solver;

/* A backend that asks for presolve and watches what it is given. */
typedef struct eager_state {
    const spr_host *host;
    uint8_t *bits;
    uint64_t next;
} eager_state;

static struct { int64_t inits, warms, finis, variables; uint8_t start[64]; double lie; } watched;

static int32_t eager_accepts(const spr_problem_view *view, spr_error *why)
{
    (void)view;
    (void)why;
    return 1;
}

static spr_status eager_init(void *memory, const spr_host *host, spr_error *why)
{
    eager_state *state = memory;
    (void)why;
    watched.inits++;
    watched.variables = host->problem->variables;
    state->host = host;
    state->bits = host->allocate(host->engine, (size_t)host->problem->variables);
    return state->bits != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static spr_status eager_warm(void *memory, const uint8_t *bits, spr_error *why)
{
    eager_state *state = memory;
    (void)why;
    watched.warms++;
    memcpy(watched.start, bits, (size_t)state->host->problem->variables);
    return SPR_OK;
}

static double eager_energy(const spr_problem_view *p, const uint8_t *bits)
{
    double twice = 0.0, energy = p->offset;
    for (int64_t i = 0; i < p->variables; i++) {
        energy += bits[i] ? p->linear[i] : 0.0;
        for (int64_t at = p->row_start[i]; bits[i] && at < p->row_start[i + 1]; at++)
            twice += bits[p->column[at]] ? p->value[at] : 0.0;
    }
    return energy + 0.5 * twice;
}

/* Counts through the states, a unit each, and claims the energies of what it sees. */
static spr_status eager_step(void *memory, int64_t budget, int64_t *used, spr_error *why)
{
    eager_state *state = memory;
    const spr_problem_view *p = state->host->problem;
    const uint64_t states = p->variables < 16 ? (uint64_t)1 << p->variables : 65536;
    (void)why;
    for (; *used < budget && state->next < states; ++*used, state->next++) {
        for (int64_t i = 0; i < p->variables; i++)
            state->bits[i] = i < 16 ? state->next >> i & 1 : 0;
        state->host->offer(state->host->engine, state->bits, eager_energy(p, state->bits) + watched.lie);
    }
    return state->next < states ? SPR_STEP_RUNNING : SPR_STEP_DONE;
}

static void eager_fini(void *memory)
{
    (void)memory;
    watched.finis++;
}

static const spr_backend eager = {
    sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PRESOLVE, "eager", "wants presolve",
    sizeof(eager_state), NULL, 0, NULL, eager_accepts, eager_init, eager_warm, eager_step, eager_fini};

static void setup(void)
{
    memset(&watched, 0, sizeof watched);
    ck_assert_int_eq(spr_registry_new(NULL, NULL, &registry, &error), SPR_OK);
    ck_assert_int_eq(spr_registry_add(registry, &eager, &error), SPR_OK);
}

static void teardown(void)
{
    spr_solver_free(solver);
    spr_registry_free(registry);
    spr_problem_free(problem);
    solver = NULL;
    registry = NULL;
    problem = NULL;
}

static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
}

/* A clique of n variables, +-1, that no rule applies to, with a path of tail more hung on its last variable. */
static void make(const char *backend, int n, int tail)
{
    int32_t rows[400], columns[400];
    double values[400], linear[64] = {0.0};
    int64_t entries = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            rows[entries] = i;
            columns[entries] = j;
            values[entries++] = (i * 7 + j * 3) % 5 < 2 ? 1.0 : -1.0;
        }
    for (int i = n; i < n + tail; i++) {
        rows[entries] = i;
        columns[entries] = i - 1;
        linear[i] = i % 2 ? 0.25 : -0.25;
        values[entries++] = 1.0;
    }
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_ISING, n + tail, linear, entries, rows, columns, values, 3.0,
                                       &problem, &error));
    succeeded(spr_solver_new(NULL, NULL, registry, backend, problem, &solver, &error));
}

static spr_solve_result solve(void)
{
    spr_solve_result result = {.size = sizeof result};
    succeeded(spr_solver_solve(solver, &result, &error));
    return result;
}

static double least(int n)
{
    double best = INFINITY;
    for (uint32_t s = 0; s < 1u << n; s++) {
        uint8_t bits[32];
        double energy;
        for (int i = 0; i < n; i++)
            bits[i] = s >> i & 1;
        succeeded(spr_problem_energy(problem, bits, &energy, &error));
        best = energy < best ? energy : best;
    }
    return best;
}

START_TEST(the_backend_sees_what_is_left)
{
    make("eager", 7, 6);
    const spr_solve_result result = solve();
    ck_assert_int_eq(watched.variables, 7);
    ck_assert_int_eq(watched.inits, 1);
    ck_assert_int_eq(watched.finis, 1);
    ck_assert_int_eq(result.offers, 128);
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_FINISHED);
    ck_assert(result.energy == least(13));
    ck_assert(result.lower_bound > -INFINITY && result.lower_bound <= result.energy);
    uint8_t bits[13];
    double energy, again;
    for (int64_t k = 0; k < result.samples; k++) {
        succeeded(spr_solver_get_sample(solver, k, bits, &energy, NULL, &error));
        succeeded(spr_problem_energy(problem, bits, &again, &error));
        ck_assert(energy == again);
    }
}
END_TEST

START_TEST(it_can_be_switched_off)
{
    make("eager", 7, 3);
    succeeded(spr_solver_set_text(solver, "presolve", "off", &error));
    const spr_solve_result result = solve();
    ck_assert_int_eq(watched.variables, 10);
    ck_assert_int_eq(result.offers, 1024);
    ck_assert(result.lower_bound == -INFINITY);
    succeeded(spr_solver_set_text(solver, "presolve", "auto", &error));
    succeeded(spr_solver_set_text(solver, "bound", "off", &error));
    ck_assert(solve().lower_bound == -INFINITY);
    ck_assert_int_eq(watched.variables, 7);
}
END_TEST

START_TEST(backends_that_do_not_ask_get_it_only_when_told)
{
    spr_registry *more;
    spr_backend plain = eager;
    plain.name = "plain";
    plain.capabilities = SPR_BACKEND_DETERMINISTIC;
    succeeded(spr_registry_new(NULL, NULL, &more, &error));
    succeeded(spr_registry_add(more, &plain, &error));
    make("eager", 7, 3);
    spr_solver_free(solver);
    succeeded(spr_solver_new(NULL, NULL, more, "plain", problem, &solver, &error));
    ck_assert(solve().lower_bound == -INFINITY);
    ck_assert_int_eq(watched.variables, 10);
    succeeded(spr_solver_set_text(solver, "presolve", "on", &error));
    ck_assert(solve().energy == least(10));
    ck_assert_int_eq(watched.variables, 7);
    spr_solver_free(solver);
    solver = NULL;
    spr_registry_free(more);
}
END_TEST

START_TEST(a_problem_that_is_solved_needs_no_backend)
{
    make("eager", 1, 12);
    uint8_t start[13] = {1, 0, 1};
    succeeded(spr_solver_set_start(solver, start, &error));
    spr_solve_result result = solve();
    ck_assert_int_eq(watched.inits + watched.warms + watched.finis, 0);
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_OPTIMAL);
    ck_assert(result.energy == least(13) && result.lower_bound == result.energy);
    ck_assert_int_eq(result.offers, 1);
    ck_assert_int_eq(result.samples, 2);
    succeeded(spr_solver_set_real(solver, "target", result.energy, &error));
    result = solve();
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_TARGET);
}
END_TEST

START_TEST(starts_are_projected)
{
    make("eager", 7, 4);
    uint8_t start[11] = {1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1};
    succeeded(spr_solver_set_start(solver, start, &error));
    const spr_solve_result result = solve();
    ck_assert_int_eq(watched.warms, 1);
    ck_assert_mem_eq(watched.start, start, 7);
    ck_assert(result.energy == least(11));
}
END_TEST

START_TEST(claims_are_judged_on_the_whole_problem)
{
    make("eager", 7, 4);
    watched.lie = 0.5;
    spr_solve_result result = {.size = sizeof result};
    ck_assert_int_eq(spr_solver_solve(solver, &result, &error), SPR_ERROR_BACKEND_CLAIM);
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_FAILED);
    ck_assert_int_eq(watched.finis, 1);
}
END_TEST

START_TEST(a_bound_that_is_met_ends_the_solve)
{
    /* ferromagnet in a field that frustrates nothing: every coupling and field is satisfied at once */
    make("eager", 7, 0);
    spr_solver_free(solver);
    spr_problem_free(problem);
    solver = NULL;
    problem = NULL;
    int32_t rows[3] = {0, 1, 2}, columns[3] = {1, 2, 0};
    double values[3] = {-1.0, -1.0, -1.0};
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_ISING, 3, NULL, 3, rows, columns, values, 0.0, &problem, &error));
    succeeded(spr_solver_new(NULL, NULL, registry, "eager", problem, &solver, &error));
    succeeded(spr_solver_set_text(solver, "presolve", "off", &error));
    succeeded(spr_solver_set_text(solver, "bound", "roof", &error));
    const spr_solve_result result = solve();
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_OPTIMAL);
    ck_assert(result.energy == -3.0 && result.lower_bound == -3.0);
    ck_assert_int_eq(watched.variables, 3);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- calls of their own */

static void failed(spr_status got, spr_status want, const char *told)
{
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, told);
    ck_assert_msg(strstr(error.message, told) != NULL, "'%s' does not tell %s", error.message, told);
}

START_TEST(reduce_and_back)
{
    spr_problem *reduced;
    spr_reduction *reduction;
    spr_reduce_report report = {.size = sizeof report};
    uint8_t bits[13], inner[7] = {1, 0, 1, 1, 0, 0, 1}, again[7];
    double whole, part;
    int64_t n, couplings;
    make("eager", 7, 6);
    succeeded(spr_problem_reduce(NULL, NULL, problem, &reduced, &reduction, &error));
    succeeded(spr_reduction_report(reduction, &report, &error));
    succeeded(spr_problem_size(reduced, &n, &couplings, &error));
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(couplings, 21);
    ck_assert(report.variables == n && report.couplings == couplings && report.components == 1);
    ck_assert_int_eq(report.isolated + report.persistent + report.dominated + report.pairs + report.degree_1 +
                         report.degree_2 + report.degree_3 + report.roof, 6);
    ck_assert(report.lower_bound <= least(13) && report.rounding == 0.0);
    succeeded(spr_reduction_restore(reduction, inner, bits, &error));
    succeeded(spr_problem_energy(problem, bits, &whole, &error));
    succeeded(spr_problem_energy(reduced, inner, &part, &error));
    ck_assert(whole == part);
    succeeded(spr_reduction_project(reduction, bits, again, &error));
    ck_assert_mem_eq(inner, again, 7);
    spr_solver_free(solver);
    solver = NULL;
    spr_problem_free(problem);                       /* in any order */
    problem = NULL;
    succeeded(spr_reduction_restore(reduction, inner, bits, &error));

    inner[3] = 2;
    failed(spr_reduction_restore(reduction, inner, bits, &error), SPR_ERROR_ARGUMENT, "reduced_bits[3] is 2");
    bits[11] = 3;
    failed(spr_reduction_project(reduction, bits, again, &error), SPR_ERROR_ARGUMENT, "bits[11] is 3");
    failed(spr_reduction_restore(reduction, bits + 1, bits, &error), SPR_ERROR_OVERLAP, "reduced_bits");
    failed(spr_reduction_restore(reduction, NULL, bits, &error), SPR_ERROR_ARGUMENT, "reduced_bits");
    failed(spr_reduction_restore(reduction, inner, NULL, &error), SPR_ERROR_ARGUMENT, "bits");
    failed(spr_reduction_restore(NULL, inner, bits, &error), SPR_ERROR_ARGUMENT, "reduction");
    failed(spr_reduction_report(NULL, &report, &error), SPR_ERROR_ARGUMENT, "reduction");
    failed(spr_reduction_report(reduction, NULL, &error), SPR_ERROR_ARGUMENT, "report");
    report.size = 8;
    failed(spr_reduction_report(reduction, &report, &error), SPR_ERROR_STRUCT_SIZE, "report->size is 8");
    spr_reduction_free(reduction);
    spr_problem_free(reduced);
    spr_reduction_free(NULL);
}
END_TEST

START_TEST(nothing_is_left_of_a_tree)
{
    spr_problem *reduced;
    spr_reduction *reduction;
    spr_reduce_report report = {.size = sizeof report};
    uint8_t bits[13];
    double energy;
    make("eager", 1, 12);
    succeeded(spr_problem_reduce(NULL, NULL, problem, &reduced, &reduction, &error));
    ck_assert_ptr_null(reduced);
    succeeded(spr_reduction_report(reduction, &report, &error));
    succeeded(spr_reduction_restore(reduction, NULL, bits, &error));
    succeeded(spr_reduction_project(reduction, bits, NULL, &error));
    succeeded(spr_problem_energy(problem, bits, &energy, &error));
    ck_assert(energy == least(13) && report.lower_bound == energy && report.variables == 0 && report.components == 0);
    spr_reduction_free(reduction);
}
END_TEST

START_TEST(reduce_and_bound_refuse)
{
    spr_problem *reduced, *with;
    spr_reduction *reduction;
    double bound = 0.0;
    make("eager", 5, 0);
    const int64_t start[2] = {0, 2};
    const int32_t members[2] = {0, 1};
    const double weight = 1.0;
    const spr_problem_terms terms = {.size = sizeof terms, .squares = 1, .square_start = start, .square_member = members,
                                     .square_weight = &weight};
    succeeded(spr_problem_with_terms(NULL, NULL, problem, &terms, &with, &error));
    failed(spr_problem_reduce(NULL, NULL, with, &reduced, &reduction, &error), SPR_ERROR_UNSUPPORTED, "spr_problem_expand");
    ck_assert(reduced == NULL && reduction == NULL);
    failed(spr_problem_bound(NULL, NULL, with, "roof", &bound, &error), SPR_ERROR_UNSUPPORTED, "spr_problem_expand");
    spr_problem_free(with);
    failed(spr_problem_reduce(NULL, NULL, NULL, &reduced, &reduction, &error), SPR_ERROR_ARGUMENT, "problem");
    failed(spr_problem_reduce(NULL, NULL, problem, NULL, &reduction, &error), SPR_ERROR_ARGUMENT, "reduced");
    failed(spr_problem_reduce(NULL, NULL, problem, &reduced, NULL, &error), SPR_ERROR_ARGUMENT, "reduction");
    failed(spr_problem_bound(NULL, NULL, problem, "best", &bound, &error), SPR_ERROR_OPTION_NAME, "best");
    failed(spr_problem_bound(NULL, NULL, problem, NULL, &bound, &error), SPR_ERROR_ARGUMENT, "method");
    failed(spr_problem_bound(NULL, NULL, problem, "roof", NULL, &error), SPR_ERROR_ARGUMENT, "bound");
    failed(spr_problem_bound(NULL, NULL, NULL, "roof", &bound, &error), SPR_ERROR_ARGUMENT, "problem");
    succeeded(spr_problem_bound(NULL, NULL, problem, "roof", &bound, &error));
    ck_assert(bound <= least(5));
}
END_TEST

/* With LAPACKE a bound, without it a sentence. */
START_TEST(the_spectral_bound_is_one_or_told_missing)
{
    make("eager", 9, 0);
    succeeded(spr_solver_set_text(solver, "bound", "spectral", &error));
    spr_solve_result result = {.size = sizeof result};
    double bound;
    const spr_status status = spr_problem_bound(NULL, NULL, problem, "spectral", &bound, &error);
    if (status != SPR_OK) {
        failed(status, SPR_ERROR_UNSUPPORTED, "WITH_LAPACKE=1");
        failed(spr_solver_solve(solver, &result, &error), SPR_ERROR_UNSUPPORTED, "WITH_LAPACKE=1");
        ck_assert_int_eq(result.outcome, SPR_OUTCOME_FAILED);
        ck_assert_int_eq(watched.inits + watched.finis, 0);
        return;
    }
    succeeded(spr_solver_solve(solver, &result, &error));
    ck_assert(bound <= least(9) && result.lower_bound <= result.energy && result.lower_bound > result.energy - 6.0);
}
END_TEST

Suite *suite_presolve(void)
{
    Suite *suite = suite_create("presolve");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_backend_sees_what_is_left);
    tcase_add_test(tests, it_can_be_switched_off);
    tcase_add_test(tests, backends_that_do_not_ask_get_it_only_when_told);
    tcase_add_test(tests, a_problem_that_is_solved_needs_no_backend);
    tcase_add_test(tests, starts_are_projected);
    tcase_add_test(tests, claims_are_judged_on_the_whole_problem);
    tcase_add_test(tests, a_bound_that_is_met_ends_the_solve);
    tcase_add_test(tests, reduce_and_back);
    tcase_add_test(tests, nothing_is_left_of_a_tree);
    tcase_add_test(tests, reduce_and_bound_refuse);
    tcase_add_test(tests, the_spectral_bound_is_one_or_told_missing);
    suite_add_tcase(suite, tests);
    return suite;
}
