/* SPDX-License-Identifier: MIT
 * Methods "tabu" and "relink" of backend "anneal": they find the optima of small problems, claim true energies on larger
 * ones (the engine checks), do the same again, and survive problems with next to no variables. Every method survives fields
 * that leave their range. */
#include "problem_support.h"

static spr_solver *solver;

static void close_all(void)
{
    spr_solver_free(solver);
    solver = NULL;
    teardown();
}

/* Random couplings of percent of the pairs; even: E(x) = E(1-x). */
static void build(int64_t n, int percent, double most, double unit, int even, uint64_t seed)
{
    double *linear = calloc((size_t)n, sizeof *linear), *values = calloc((size_t)(n * n), sizeof *values);
    int32_t *rows = calloc((size_t)(n * n), sizeof *rows), *columns = calloc((size_t)(n * n), sizeof *columns);
    int64_t entries = 0;
    uint64_t drawn = 0;
    close_all();
    for (int64_t i = 0; i < n; i++) {
        linear[i] = even ? 0.0 : unit * (double)whole(seed, drawn++, (int64_t)-most, (int64_t)most);
        for (int64_t j = 0; j < i; j++) {
            const double value = unit * (double)whole(seed, drawn++, (int64_t)-most, (int64_t)most);
            if (whole(seed, drawn++, 0, 99) >= percent)
                continue;
            rows[entries] = (int32_t)i;
            columns[entries] = (int32_t)j;
            values[entries++] = value;
        }
    }
    /* a warning says that coefficients of the Ising form were rounded */
    ck_assert_int_ge(spr_problem_from_entries(NULL, NULL, even ? SPR_ISING : SPR_QUBO, n, linear, entries, rows, columns,
                                              values, 0.5, &problem, &error), 0);
    free(linear);
    free(values);
    free(rows);
    free(columns);
}

static spr_solve_result solve(const char *method, const char *layout, int64_t work, uint8_t *bits)
{
    spr_solve_result result = {.size = sizeof result};
    double energy;
    spr_solver_free(solver);
    solver = NULL;
    succeeded(spr_solver_new(NULL, NULL, NULL, "anneal", problem, &solver, &error));
    succeeded(spr_solver_set_text(solver, "method", method, &error));
    succeeded(spr_solver_set_text(solver, "layout", layout, &error));
    succeeded(spr_solver_set_text(solver, "presolve", "off", &error));
    succeeded(spr_solver_set_integer(solver, "seed", 3, &error));
    if (work > 0)
        succeeded(spr_solver_set_integer(solver, "work", work, &error));
    else {
        succeeded(spr_solver_set_integer(solver, "reads", 24, &error));
        succeeded(spr_solver_set_integer(solver, "sweeps", 40, &error));
    }
    succeeded(spr_solver_solve(solver, &result, &error));
    succeeded(spr_solver_get_sample(solver, 0, bits, &energy, NULL, &error));
    ck_assert_double_eq(energy, result.energy);
    return result;
}

static const char *const methods[] = {"tabu", "relink"};
static const char *const layouts[] = {"dense", "sparse"};
static const struct { double most, unit; } numbers[] = {{1, 1}, {2000, 1}, {100, 0.137}};

START_TEST(small_problems_are_solved)
{
    enum { LARGEST = 12 };
    uint8_t bits[LARGEST];
    for (int64_t n = 1; n <= LARGEST; n += n < 4 ? 1 : 4) /* 1 2 3 4 8 12 */
        for (size_t m = 0; m < COUNT(numbers); m++)
            for (int even = 0; even < 2; even++) {
                build(n, 80, numbers[m].most, numbers[m].unit, even, (uint64_t)(n * 10) + m);
                double best = INFINITY;
                for (int64_t number = 0; number < (int64_t)1 << n; number++) {
                    for (int i = 0; i < n; i++)
                        bits[i] = number >> i & 1;
                    best = fmin(best, energy_of(bits));
                }
                for (int k = 0; k < 4; k++) {
                    const spr_solve_result result = solve(methods[k % 2], layouts[k / 2], 400, bits);
                    ck_assert_msg(result.energy <= best + 1e-9, "%s, %s, n %d: %g instead of %g", methods[k % 2],
                                  layouts[k / 2], (int)n, result.energy, best);
                }
            }
    close_all();
}
END_TEST

START_TEST(solves_are_repeated_bit_for_bit)
{
    enum { LARGEST = 300 };
    uint8_t bits[LARGEST], again[LARGEST];
    for (size_t m = 0; m < COUNT(numbers); m++)
        for (int k = 0; k < 4; k++) {
            build(LARGEST - 7, 30, numbers[m].most, numbers[m].unit, k % 2, m);
            const spr_solve_result one = solve(methods[k % 2], layouts[k / 2], k / 2 ? 1000 : 0, bits);
            const spr_solve_result two = solve(methods[k % 2], layouts[k / 2], k / 2 ? 1000 : 0, again);
            ck_assert(memcmp(&one, &two, sizeof one) == 0 && memcmp(bits, again, LARGEST - 7) == 0);
            /* at least what a single descent finds is found */
            ck_assert_msg(one.energy < 0.0, "%g", one.energy);
        }
    close_all();
}
END_TEST

/* Fields of random states are small, but those where all fall to one side leave int16_t: every method goes on. */
START_TEST(fields_may_leave_their_range)
{
    enum { BIG = 1000 };
    static const char *const all[] = {"auto", "anneal", "tempering", "population", "tabu", "relink"};
    static double linear[BIG], values[BIG * BIG / 2];
    static int32_t rows[BIG * BIG / 2], columns[BIG * BIG / 2];
    uint8_t bits[BIG];
    int64_t entries = 0;
    for (int i = 0; i < BIG; i++) {
        linear[i] = i % 3 == 0 ? 49950.0 : 49951.0;
        for (int j = 0; j < i; j++, entries++) {
            rows[entries] = i;
            columns[entries] = j;
            values[entries] = -100.0;
        }
    }
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_QUBO, BIG, linear, entries, rows, columns, values, 0.5, &problem, &error));
    for (size_t m = 0; m < COUNT(all); m++) {
        const spr_solve_result result = solve(all[m], "dense", 4000, bits);
        /* all off, or all on */
        ck_assert_msg(result.energy == 0.5 || result.energy == 666.5, "%s: %g", all[m], result.energy);
    }
    close_all();
}
END_TEST

Suite *suite_tabu(void)
{
    Suite *suite = suite_create("tabu");
    TCase *all = tcase_create("all");
    suite_add_tcase(suite, all);
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, NULL, close_all);
    tcase_add_test(all, small_problems_are_solved);
    tcase_add_test(all, solves_are_repeated_bit_for_bit);
    tcase_add_test(all, fields_may_leave_their_range);
    return suite;
}
