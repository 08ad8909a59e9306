/* SPDX-License-Identifier: MIT
 * Problems: what their coefficients mean, how they are converted, what is refused. */
#include "problem_support.h"

/* ---------------------------------------------------------------------------------------------------------- meaning */

START_TEST(energies_are_those_of_the_formula)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        const statement s = any((int32_t)(seed % 2), seed);
        succeeded(make(&s));
        means(&s);
    }
}
END_TEST

START_TEST(each_form_is_converted_exactly_into_the_other)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        const statement s = any((int32_t)(seed % 2), seed);
        succeeded(make(&s));
        for (int32_t form = SPR_QUBO; form <= SPR_ISING; form++) {
            statement first, second;
            succeeded(read_back(form, &first));
            means(&first);
            for (int64_t k = 0; k < first.entries; k++) {
                ck_assert(first.rows[k] < first.columns[k] && first.values[k] != 0.0);
                ck_assert(k == 0 || first.rows[k - 1] < first.rows[k] || first.columns[k - 1] < first.columns[k]);
            }
            succeeded(make(&first));
            succeeded(read_back(form, &second));
            equal(&first, &second);
        }
    }
}
END_TEST

START_TEST(rounding_is_told)
{
    const double tiny = 4.9406564584124654e-324;
    statement r, s = {.form = SPR_ISING, .n = 3, .entries = 2, .rows = {0, 0}, .columns = {1, 2}, .values = {1e16, 1}};
    failed(make(&s), SPR_NOTICE_ROUNDED, "rounded", "QUBO", "energies");
    ck_assert_ptr_nonnull(problem);
    failed(read_back(SPR_QUBO, &r), SPR_NOTICE_ROUNDED, "rounded", "this form", "");
    succeeded(read_back(SPR_ISING, &r));
    equal(&r, &s);
    s = (statement){.form = SPR_QUBO, .n = 1, .linear = {tiny}};
    succeeded(make(&s));
    succeeded(read_back(SPR_QUBO, &r));
    equal(&r, &s);
    failed(read_back(SPR_ISING, &r), SPR_NOTICE_ROUNDED, "rounded", "this form", "");
}
END_TEST

START_TEST(diagonals_and_duplicates_are_added_up)
{
    statement s = {.n = 3, .entries = 6, .rows = {0, 1, 2, 2, 1, 2}, .columns = {1, 0, 2, 2, 2, 1},
                   .values = {2, 3, 4, 5, 7, -7}, .linear = {1, 1, 1}, .offset = 10}, r;
    const statement as_qubo = {.n = 3, .entries = 1, .rows = {0}, .columns = {1}, .values = {5}, .linear = {1, 1, 10},
                               .offset = 10};
    statement as_ising = as_qubo;
    succeeded(make(&s));
    succeeded(read_back(SPR_QUBO, &r));
    equal(&r, &as_qubo);                       /* x x = x; the couplings of 1 and 2 cancel */
    s.form = as_ising.form = SPR_ISING;
    as_ising.linear[2] = 1;
    as_ising.offset = 19;
    succeeded(make(&s));
    succeeded(read_back(SPR_ISING, &r));
    equal(&r, &as_ising);                      /* s s = 1 */
}
END_TEST

START_TEST(a_matrix_counts_both_triangles)
{
    const double matrix[3][5] = {{1, 2, 3, NAN, NAN}, {4, 5, 6, NAN, NAN}, {7, 8, 9, NAN, NAN}};
    const double upper[] = {1, 6, 10, 0, 5, 14, 0, 0, 9};
    statement first, second;
    for (int32_t form = SPR_QUBO; form <= SPR_ISING; form++) {
        statement s = {.form = form, .n = 3, .entries = 9, .offset = -4};
        for (int k = 0; k < 9; k++) {
            s.rows[k] = k / 3;
            s.columns[k] = k % 3;
            s.values[k] = matrix[k / 3][k % 3];
        }
        teardown();
        succeeded(spr_problem_from_dense(NULL, NULL, form, 3, matrix[0], 5, -4, &problem, &error));
        means(&s);
        succeeded(read_back(form, &first));
        teardown();
        succeeded(spr_problem_from_dense(NULL, NULL, form, 3, upper, 0, -4, &problem, &error));
        succeeded(read_back(form, &second));
        equal(&first, &second);
    }
}
END_TEST

START_TEST(outputs_are_optional)
{
    const statement s = any(SPR_QUBO, 7);
    succeeded(make(&s));
    succeeded(spr_problem_size(problem, NULL, NULL, &error));
    for (int32_t form = SPR_QUBO; form <= SPR_ISING; form++)
        succeeded(spr_problem_read(problem, form, NULL, NULL, NULL, NULL, NULL, &error));
    teardown();
    spr_problem_free(NULL);
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_ISING, 2, NULL, 0, NULL, NULL, NULL, 1.5, &problem, NULL));
    ck_assert_double_eq(energy_of(BITS(0, 1)), 1.5);
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- errors */

static spr_status entries(const double *linear, int64_t count, const int32_t *rows, const int32_t *columns,
                          const double *values, double offset)
{
    teardown();
    problem = (spr_problem *)(void *)&error;
    const spr_status status = spr_problem_from_entries(NULL, NULL, SPR_ISING, 3, linear, count, rows, columns, values,
                                                       offset, &problem, &error);
    ck_assert(status >= SPR_OK || problem == NULL);
    return status;
}

static spr_status dense(int64_t n, const double *matrix, int64_t row_stride, double offset)
{
    return spr_problem_from_dense(NULL, NULL, SPR_QUBO, n, matrix, row_stride, offset, &problem, &error);
}

START_TEST(shapes_are_checked)
{
    const double m[1] = {0};
    const int64_t wrong[] = {0, -1, INT64_MIN, INT32_MAX, INT64_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const spr_status want = wrong[i] < 1 ? SPR_ERROR_ARGUMENT : SPR_ERROR_SIZE;
        char shown[32];
        snprintf(shown, sizeof shown, "%lld", (long long)wrong[i]);
        failed(spr_problem_from_entries(NULL, NULL, 0, wrong[i], NULL, 0, NULL, NULL, NULL, 0, &problem, &error), want,
               "variables", shown, "1..2147483646");
        failed(dense(wrong[i], m, 0, 0), want, "variables", shown, "1..2147483646");
    }
    failed(spr_problem_from_entries(NULL, NULL, 2, 1, NULL, 0, NULL, NULL, NULL, 0, &problem, &error),
           SPR_ERROR_ARGUMENT, "form", "2", "0 (QUBO), 1 (Ising)");
    failed(spr_problem_from_dense(NULL, NULL, -1, 1, m, 0, 0, &problem, &error), SPR_ERROR_ARGUMENT, "form", "-1",
           "0 (QUBO), 1 (Ising)");
    failed(spr_problem_from_entries(NULL, NULL, 0, 1, NULL, 0, NULL, NULL, NULL, 0, NULL, &error), SPR_ERROR_ARGUMENT,
           "problem", "NULL", "");
    failed(spr_problem_from_dense(NULL, NULL, 0, 1, m, 0, 0, NULL, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    ck_assert_int_eq(spr_problem_from_dense(NULL, NULL, 0, 1, m, 0, 0, NULL, NULL), SPR_ERROR_ARGUMENT);
}
END_TEST

START_TEST(entries_are_checked)
{
    const int32_t i[2] = {0, 1}, j[2] = {1, 2};
    const double v[3] = {1, 1};
    const int32_t wrong[] = {3, -1, INT32_MAX, INT32_MIN};
    failed(entries(NULL, -1, i, j, v, 0), SPR_ERROR_ARGUMENT, "entries", "-1", "");
    failed(entries(NULL, INT64_MAX, i, j, v, 0), SPR_ERROR_SIZE, "entries", "9223372036854775807", "");
    failed(entries(NULL, 2, NULL, j, v, 0), SPR_ERROR_ARGUMENT, "rows", "2", "");
    failed(entries(NULL, 2, i, NULL, v, 0), SPR_ERROR_ARGUMENT, "columns", "2", "");
    failed(entries(NULL, 2, i, j, NULL, 0), SPR_ERROR_ARGUMENT, "values", "2", "");
    failed(entries(MISALIGNED(v), 0, i, j, v, 0), SPR_ERROR_ALIGNMENT, "linear", "aligned", "8");
    failed(entries(NULL, 1, MISALIGNED(i), j, v, 0), SPR_ERROR_ALIGNMENT, "rows", "aligned", "4");
    failed(entries(NULL, 1, i, MISALIGNED(j), v, 0), SPR_ERROR_ALIGNMENT, "columns", "aligned", "4");
    failed(entries(NULL, 1, i, j, MISALIGNED(v), 0), SPR_ERROR_ALIGNMENT, "values", "aligned", "8");
    for (size_t k = 0; k < COUNT(wrong); k++) {
        char row[32], column[32];
        snprintf(row, sizeof row, "row %d", (int)wrong[k]);
        snprintf(column, sizeof column, "column %d", (int)wrong[k]);
        failed(entries(NULL, 2, INDEX(0, wrong[k]), j, v, 0), SPR_ERROR_VARIABLE, "entry 1", row, "0..2");
        failed(entries(NULL, 2, i, INDEX(1, wrong[k]), v, 0), SPR_ERROR_VARIABLE, "entry 1", column, "0..2");
    }
}
END_TEST

START_TEST(numbers_are_checked)
{
    const double wrong[] = {NAN, INFINITY, -INFINITY}, big = 1.5e308;
    const char *const shown[] = {"nan", "inf", "-inf"};
    for (int k = 0; k < 3; k++) {
        failed(entries(REAL(0, wrong[k], 0), 0, NULL, NULL, NULL, 0), SPR_ERROR_NOT_FINITE, "linear[1]", shown[k],
               "finite");
        failed(entries(NULL, 2, INDEX(0, 1), INDEX(1, 2), REAL(0, wrong[k]), 0), SPR_ERROR_NOT_FINITE, "values[1]",
               shown[k], "finite");
        failed(entries(NULL, 0, NULL, NULL, NULL, wrong[k]), SPR_ERROR_NOT_FINITE, "offset", shown[k], "finite");
        failed(dense(2, REAL(0, 0, wrong[k], 0), 0, 0), SPR_ERROR_NOT_FINITE, "matrix", shown[k], "row 1, column 0");
        failed(dense(1, REAL(0), 0, wrong[k]), SPR_ERROR_NOT_FINITE, "offset", shown[k], "finite");
    }
    failed(entries(NULL, 2, INDEX(0, 1), INDEX(1, 0), REAL(big, big), 0), SPR_ERROR_NOT_FINITE, "coupling", "add up",
           "");
    failed(entries(NULL, 1, INDEX(0), INDEX(0), REAL(big), big), SPR_ERROR_NOT_FINITE, "add up", "", "");
    failed(entries(NULL, 1, INDEX(0), INDEX(1), REAL(big), 0), SPR_ERROR_NOT_FINITE, "add up", "", "");
    failed(entries(REAL(big, 0, 0), 0, NULL, NULL, NULL, 0), SPR_ERROR_NOT_FINITE, "add up", "", "");
    failed(dense(2, REAL(0, big, big, 0), 0, 0), SPR_ERROR_NOT_FINITE, "matrix", "row 1, column 0", "add up");
    failed(spr_problem_from_entries(NULL, NULL, SPR_QUBO, 1, REAL(big), 1, INDEX(0), INDEX(0), REAL(big), 0, &problem,
                                    &error), SPR_ERROR_NOT_FINITE, "add up", "", "");
}
END_TEST

START_TEST(matrices_are_checked)
{
    const double m[10] = {0};
    failed(dense(3, NULL, 0, 0), SPR_ERROR_ARGUMENT, "matrix", "NULL", "");
    failed(dense(3, m, 2, 0), SPR_ERROR_STRIDE, "row_stride", "2", "variables = 3");
    failed(dense(3, m, -3, 0), SPR_ERROR_STRIDE, "row_stride", "-3", "variables = 3");
    failed(dense(3, m, INT64_MAX, 0), SPR_ERROR_STRIDE, "row_stride", "9223372036854775807", "");
    failed(dense(3, MISALIGNED(m), 0, 0), SPR_ERROR_ALIGNMENT, "matrix", "aligned", "8");
}
END_TEST

static spr_status reading(double *linear, int32_t *rows, int32_t *columns, double *values, double *offset)
{
    return spr_problem_read(problem, SPR_QUBO, linear, rows, columns, values, offset, &error);
}

START_TEST(reading_is_checked)
{
    const statement s = {.n = 3, .entries = 2, .rows = {0, 1}, .columns = {1, 2}, .values = {1, 1}};
    double a[8];
    int32_t i[8];
    int64_t n;
    succeeded(make(&s));
    failed(spr_problem_size(NULL, &n, &n, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(spr_problem_read(NULL, 0, a, i, i, a, a, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(spr_problem_read(problem, 2, a, i, i, a, a, &error), SPR_ERROR_ARGUMENT, "form", "2", "0 (QUBO), 1 (Ising)");
    failed(reading(MISALIGNED(a), NULL, NULL, NULL, NULL), SPR_ERROR_ALIGNMENT, "linear", "aligned", "8");
    failed(reading(NULL, MISALIGNED(i), NULL, NULL, NULL), SPR_ERROR_ALIGNMENT, "rows", "aligned", "4");
    failed(reading(NULL, NULL, MISALIGNED(i), NULL, NULL), SPR_ERROR_ALIGNMENT, "columns", "aligned", "4");
    failed(reading(NULL, NULL, NULL, MISALIGNED(a), NULL), SPR_ERROR_ALIGNMENT, "values", "aligned", "8");
    failed(reading(NULL, NULL, NULL, NULL, MISALIGNED(a)), SPR_ERROR_ALIGNMENT, "offset", "aligned", "8");
    failed(reading(NULL, i, i + 1, NULL, NULL), SPR_ERROR_OVERLAP, "rows", "columns", "apart");
    failed(reading(a, NULL, NULL, a + 2, NULL), SPR_ERROR_OVERLAP, "linear", "values", "apart");
    failed(reading(a, NULL, NULL, NULL, a + 2), SPR_ERROR_OVERLAP, "linear", "offset", "apart");
    succeeded(reading(a, i, i + 2, a + 3, a + 5));
}
END_TEST

START_TEST(states_are_checked)
{
    const statement s = {.n = 3};
    double energy;
    succeeded(make(&s));
    failed(spr_problem_energy(NULL, BITS(0), &energy, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(spr_problem_energy(problem, NULL, &energy, &error), SPR_ERROR_ARGUMENT, "bits", "NULL", "");
    failed(spr_problem_energy(problem, BITS(0, 0, 0), NULL, &error), SPR_ERROR_ARGUMENT, "energy", "NULL", "");
    failed(spr_problem_energy(problem, BITS(0, 2, 0), &energy, &error), SPR_ERROR_ARGUMENT, "bits[1]", "2", "0 or 1");
    failed(spr_problem_energy(problem, BITS(0, 1, 255), &energy, &error), SPR_ERROR_ARGUMENT, "bits[2]", "255", "0 or");
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- memory */

static spr_status make_with(ledger *book, int how)
{
    const statement s = any(how % 2, 5);
    if (how < 2)
        return spr_problem_from_entries(ledger_serve, book, s.form, s.n, s.linear, s.entries, s.rows, s.columns,
                                        s.values, s.offset, &problem, &error);
    return spr_problem_from_dense(ledger_serve, book, s.form, 2, REAL(1, 2, 3, 4), 0, 1, &problem, &error);
}

START_TEST(every_allocation_may_fail)
{
    for (int how = 0; how < 4; how++) {
        ledger book = {.limit = 1 << 20};
        spr_status status = SPR_ERROR_MEMORY;
        while (status != SPR_OK) {
            book.requests = 0;
            book.refuse++;
            ck_assert_int_lt(book.refuse, 50);
            status = make_with(&book, how);
            if (status == SPR_OK)
                continue;
            failed(status, SPR_ERROR_MEMORY, "no memory", "", "");
            ck_assert_ptr_null(problem);
            ck_assert_uint_eq(book.bytes, 0);
        }
        ck_assert_int_gt(book.refuse, 3);
        teardown();
        ck_assert_uint_eq(book.bytes, 0);
    }
}
END_TEST

Suite *suite_qubo(void)
{
    Suite *suite = suite_create("qubo");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {
        energies_are_those_of_the_formula, each_form_is_converted_exactly_into_the_other, rounding_is_told,
        diagonals_and_duplicates_are_added_up, a_matrix_counts_both_triangles, outputs_are_optional, shapes_are_checked,
        entries_are_checked, numbers_are_checked, matrices_are_checked, reading_is_checked, states_are_checked,
        every_allocation_may_fail};
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
