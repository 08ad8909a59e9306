/* SPDX-License-Identifier: MIT
 * Problems: what their coefficients mean, how they are converted, what is refused and how the texts are read and
 * written. Coefficients are integers where nothing is to be rounded, so that energies are compared bit for bit. */
#include "suites.h"

#include "spinroute/qubo.h"
#include "support.h"

#include <locale.h>

static spr_error error;
static spr_problem *problem;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define INDEX(...) ((const int32_t[]){__VA_ARGS__})
#define REAL(...) ((const double[]){__VA_ARGS__})
#define BITS(...) ((const uint8_t[]){__VA_ARGS__})
#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))

static void teardown(void)
{
    spr_problem_free(problem);
    problem = NULL;
}

static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_str_eq(error.message, "");
}

/* The status, and a message that tells these things. */
static void failed(spr_status got, spr_status want, const char *one, const char *two, const char *three)
{
    const char *const told[] = {one, two, three};
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one);
    ck_assert_int_eq(error.status, want);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(error.message, told[i]) != NULL, "'%s' does not tell %s", error.message, told[i]);
}

/* ------------------------------------------------------------------------------------------------ a plain statement */

enum { MOST = 8, ENTRIES = 40 };

/* A problem as a caller lists it; also what is read back. */
typedef struct statement {
    int32_t form;
    int64_t n, entries;
    double linear[MOST], values[ENTRIES], offset;
    int32_t rows[ENTRIES], columns[ENTRIES];
} statement;

static double spin(int32_t form, const uint8_t *bits, int64_t i)
{
    return form == SPR_QUBO ? bits[i] : 2.0 * bits[i] - 1.0;
}

/* The formula of the manual, entry by entry. */
static double stated(const statement *s, const uint8_t *bits)
{
    double energy = s->offset;
    for (int64_t i = 0; i < s->n; i++)
        energy += s->linear[i] * spin(s->form, bits, i);
    for (int64_t k = 0; k < s->entries; k++)
        energy += s->values[k] * spin(s->form, bits, s->rows[k]) * spin(s->form, bits, s->columns[k]);
    return energy;
}

static double energy_of(const uint8_t *bits)
{
    double energy = NAN;
    succeeded(spr_problem_energy(problem, bits, &energy, &error));
    return energy;
}

static void state(uint8_t *bits, int64_t number)
{
    for (int i = 0; i < MOST; i++)
        bits[i] = number >> i & 1;
}

/* All states have the energies of the statement. */
static void means(const statement *s)
{
    for (int64_t number = 0; number < (int64_t)1 << s->n; number++) {
        uint8_t bits[MOST];
        state(bits, number);
        ck_assert_double_eq(energy_of(bits), stated(s, bits));
    }
}

static spr_status make(const statement *s)
{
    teardown();
    return spr_problem_from_entries(NULL, NULL, s->form, s->n, s->linear, s->entries, s->rows, s->columns, s->values,
                                    s->offset, &problem, &error);
}

static int64_t whole(uint64_t seed, uint64_t i, int64_t least, int64_t most)
{
    return least + (int64_t)(support_random(seed, i) % (uint64_t)(most - least + 1));
}

/* Small integers; entries hit the same couplings again, in both orders, and the diagonal. */
static statement any(int32_t form, uint64_t seed)
{
    statement s = {.form = form, .n = whole(seed, 0, 1, MOST), .entries = whole(seed, 1, 0, ENTRIES)};
    s.offset = (double)whole(seed, 2, -9, 9);
    for (int64_t i = 0; i < s.n; i++)
        s.linear[i] = (double)whole(seed, 10 + (uint64_t)i, -9, 9);
    for (int64_t k = 0; k < s.entries; k++) {
        s.rows[k] = (int32_t)whole(seed, 100 + (uint64_t)k, 0, s.n - 1);
        s.columns[k] = (int32_t)whole(seed, 200 + (uint64_t)k, 0, s.n - 1);
        s.values[k] = (double)whole(seed, 300 + (uint64_t)k, -3, 3);
    }
    return s;
}

static spr_status read_back(int32_t form, statement *s)
{
    memset(s, 0, sizeof *s);
    s->form = form;
    succeeded(spr_problem_size(problem, &s->n, &s->entries, &error));
    ck_assert_int_le(s->n, MOST);
    ck_assert_int_le(s->entries, ENTRIES);
    return spr_problem_read(problem, form, s->linear, s->rows, s->columns, s->values, &s->offset, &error);
}

/* The same form, variables, couplings and bits of every number. */
static void equal(const statement *a, const statement *b)
{
    ck_assert(memcmp(a, b, sizeof *a) == 0);
}

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

/* --------------------------------------------------------------------------------------------------- reading texts */

static spr_status parse(const char *format, const char *text, size_t bytes)
{
    teardown();
    return spr_problem_from_text(NULL, NULL, format, text, bytes, &problem, &error);
}

/* The problem as a new text; the caller frees it. */
static char *text_of(const char *format)
{
    size_t needed = 0;
    failed(spr_problem_to_text(problem, format, NULL, 0, &needed, &error), SPR_ERROR_SIZE, "size", "0", "needs");
    char *text = malloc(needed);
    ck_assert_ptr_nonnull(text);
    succeeded(spr_problem_to_text(problem, format, text, needed, NULL, &error));
    ck_assert_uint_eq(strlen(text) + 1, needed);
    return text;
}

START_TEST(texts_are_read_as_these_problems)
{
    /* format, text, then the same QUBO as a list of entries with its offset and number of variables */
    static const char *const cases[][3] = {
        {"coo", "0 1 2\n", "# offset = 0\n2 1\n0 1 2\n"},
        {"coo", "4\n0 1 2\n", "# offset = 0\n4 1\n0 1 2\n"},
        {"coo", "4 2\n1 0 2\n3 3 -1", "# offset = 0\n4 2\n0 1 2\n3 3 -1\n"},
        {"coo", "c qbsolv\np qubo 0 3 1 1\n0 0 5\n0 2 1\n", "# offset = 0\n3 2\n0 0 5\n0 2 1\n"},
        {"coo", "# vartype = BINARY\n0 1 2\n# offset = 1.5\n", "# offset = 1.5\n2 1\n0 1 2\n"},
        {"coo", "0 1 1\n# vartype = SPIN\n0 0 3\n", "# offset = -2\n2 3\n0 0 4\n0 1 4\n1 1 -2\n"},
        {"coo", " #vartype=SPIN\n#offset=3 # more\n0 0 3\n", "# offset=0\n1 1\n0 0 6\n"},
        {"coo", "# vartype: SPIN\n# offset: none\n0 0 1\n", "# offset=-1\n1 1\n0 0 2\n"},
        {"coo", "p qubo unconstrained 4 0 2\n0 1 1\n0 3 1\n", "# offset=0\n4 2\n0 1 1\n0 3 1\n"},
        {"coo", "#\n# offset is 2\n# vartypes = SPIN\n0 1 1\n", "# offset = 0\n2 1\n0 1 1\n"},
        {"coo", "\n% a\nc b\nc\n \t\n0\t1  1 # c\r\n0 2 1#d\n\n", "# offset = 0\n3 2\n0 1 1\n0 2 1\n"},
        {"coo", "0 1 1\r\n\r\n1 2 +1.\r\n", "# offset = 0\n3 2\n0 1 1\n1 2 1\n"},
        {"coo", "00 1 -.5e+1\n1 1 25E-2", "# offset = 0\n2 2\n0 1 -5\n1 1 0.25\n"},
        {"coo", "0 2 1\n2 0 -1\n1 1 0\n", "# offset = 0\n3 0\n"},
        {"bqp", "2 3\n1 1 5\n1 2 -3\n2 2 1\n", "# offset = 0\n2 3\n0 0 -5\n0 1 6\n1 1 -1\n"},
        {"bqp", "1\n2 1\n2 1 3\n", "# offset = 0\n2 1\n0 1 -6\n"},
        {"bqp", "% a\r\n7 0\r\n", "# offset = 0\n7 0\n"},
        {"rudy", "3 2\n1 2 5\n3 2 -1", "# offset = 0\n3 5\n0 0 -5\n0 1 10\n1 1 -4\n1 2 -2\n2 2 1\n"},
        {"rudy", "# a\n3 2 \n1 2\n1 2 1 \n", "# offset = 0\n3 3\n0 0 -2\n0 1 4\n1 1 -2\n"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        statement got, want;
        succeeded(parse(cases[i][0], cases[i][1], strlen(cases[i][1])));
        succeeded(read_back(SPR_QUBO, &got));
        succeeded(parse("coo", cases[i][2], strlen(cases[i][2])));
        succeeded(read_back(SPR_QUBO, &want));
        equal(&got, &want);
    }
    ck_assert(parse("coo", "# offset = 4\n3\n0 0 1\n2 0 -3\n", 28) == SPR_OK);
    ck_assert_double_eq(energy_of(BITS(1, 1, 1)), 2.0);
}
END_TEST

#define BAD(format, text, line, told) {format, text, sizeof text - 1, line, told}

START_TEST(malformed_texts_are_refused_with_their_line)
{
    static const struct bad {
        const char *format, *text;
        size_t bytes;
        const char *line, *told;
    } cases[] = {
        BAD("coo", "", "line 1", "no entries"), BAD("coo", "\n# a\n", "line 2", "no entries"),
        BAD("coo", "0 1 1\n0 1\n", "line 2", "fewer than 3"), BAD("coo", "0 1 1\n0 1 1 1\n", "line 2", "more than 3"),
        BAD("coo", "1 1 1 1\n", "line 1", "more than 3"), BAD("coo", "5 1 1 1 1\n", "line 1", "more than 3"),
        BAD("coo", "0\n", "line 1", "variables is 0"), BAD("coo", "2147483647\n", "line 1", "is 2147483647"),
        BAD("coo", "3 -1\n", "line 1", "entries is -1"), BAD("coo", "3 2\n0 1 1\n", "line 2", "says 2"),
        BAD("coo", "3 1\n0 1 1\n0 2 1\n", "line 3", "says 1"), BAD("coo", "p\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3\n0 1 1\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3 2 0\n0 0 1\n0 1 1\n", "line 3", "says 2"),
        BAD("coo", "p qubo 0 3 1 2\n0 0 1\n0 1 1\n", "line 3", "says 3"),
        BAD("coo", "p qubo 0\n", "line 1", "p qubo 0 n"), BAD("coo", "p qubo 0 3 1 1 1\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3 2 0\n0 0 1\n0 1 1\n", "line 3", "1 diagonals; its first line says 2"),
        BAD("coo", "# vartype=\n0 1 1\n", "line 1", "SPIN or BINARY"),
        BAD("coo", "# offset=\n0 1 1\n", "line 1", "offset is missing"),
        BAD("coo", "0 1 1\n# offset = 1,5\n", "line 2", "\"1,5\""),
        BAD("coo", "p cnf 0 3 1 1\n", "line 1", "p qubo 0 n"), BAD("coo", "p qubo 0 x 1 1\n", "line 1", "\"x\""),
        BAD("coo", "2\n\n0 2 1\n", "line 3", "second index is 2; accepted is 0..1"),
        BAD("coo", "-1 0 1\n", "line 1", "index is -1"), BAD("coo", "0 2147483646 1\n", "line 1", "is 2147483646"),
        BAD("coo", "0 99999999999999999999 1\n", "line 1", "whole number"), BAD("coo", "x 1 1\n", "line 1", "\"x\""),
        BAD("coo", "0 1.0 1\n", "line 1", "\"1.0\""), BAD("coo", "0 1 nan\n", "line 1", "\"nan\""),
        BAD("coo", "0 1 1\r\n0 1 -inf\r\n", "line 2", "\"-inf\""), BAD("coo", "0 1 1e999\n", "line 1", "\"1e999\""),
        BAD("coo", "0 1 0x10\n", "line 1", "\"0x10\""), BAD("coo", "0 1 1,5\n", "line 1", "\"1,5\""),
        BAD("coo", "0 1 1x\n", "line 1", "\"1x\""), BAD("coo", "0 1 --1\n", "line 1", "\"--1\""),
        BAD("coo", "0 1 .\n", "line 1", "\".\""), BAD("coo", "0 1 1e\n", "line 1", "finite decimal number"),
        BAD("coo", "0 1 1\n0 \0 1\n", "line 2", "no text"), BAD("coo", "0 1 1\n0 1 \xff\n", "line 2", "no text"),
        BAD("coo", "0 1 1\n# vartype = CAT\n", "line 2", "SPIN or BINARY"),
        BAD("coo", "# offset = inf\n0 1 1\n", "line 1", "offset is \"inf\""),
        BAD("bqp", "", "line 1", "n entries"), BAD("bqp", "2\n2 1\n1 2 7\n2 1\n1 2 8\n", "line 1", "one instance"),
        BAD("bqp", "2 1 1\n", "line 1", "more than 2"), BAD("bqp", "0 1\n", "line 1", "variables is 0"),
        BAD("bqp", "2 1\n0 1 5\n", "line 2", "first index is 0; accepted is 1..2"),
        BAD("bqp", "2 1\n1 3 5\n", "line 2", "second index is 3"), BAD("bqp", "2 1\n1 2\n", "line 2", "fewer than 3"),
        BAD("bqp", "2 1\n1 1 5\n1 2 5\n", "line 3", "more than the 1 entries"),
        BAD("bqp", "3 3\n1 1 5\n1 2 5\n", "line 3", "ends after 2"), BAD("bqp", "2 x\n", "line 1", "\"x\""),
        BAD("bqp", "2 1\n1 2 5 #\n1 2 5 5\n", "line 3", "more than the 1 entries"),
        BAD("rudy", "3 1\n2 2 1\n", "line 2", "joins 2 to itself"), BAD("rudy", "3 1\n2\n", "line 2", "fewer than 3"),
        BAD("rudy", "3 1\n1 two 1\n", "line 2", "\"two\""), BAD("rudy", "3 2\n1 2\n", "line 2", "ends after 1")};
    for (const struct bad *c = cases; c < cases + COUNT(cases); c++) {
        failed(parse(c->format, c->text, c->bytes), SPR_ERROR_PARSE, c->line, c->told, "");
        ck_assert_ptr_null(problem);
    }
}
END_TEST

START_TEST(numbers_of_a_text_are_bounded)
{
    char text[500] = "0 1 0.";
    memset(text + 6, '3', 398);
    succeeded(parse("coo", text, 4 + 400));
    ck_assert_double_eq(energy_of(BITS(1, 1)), 1.0 / 3.0);
    memset(text + 6, '3', 399);
    failed(parse("coo", text, 4 + 401), SPR_ERROR_PARSE, "line 1", "the value", "0.3333");
    failed(parse("coo", "0 1 1e308\n1 0 1e308", 19), SPR_ERROR_NOT_FINITE, "coupling", "add up", "");
    failed(parse("bqp", "2 1\n1 2 1e308\n", 14), SPR_ERROR_PARSE, "line 2", "1e+308", "double");
}
END_TEST

/* Values that the form of the problem cannot hold are those of a line. */
START_TEST(values_that_do_not_fit_are_told_with_their_line)
{
    failed(parse("bqp", "2 1\n1 2 -1e308\n", 15), SPR_ERROR_PARSE, "line 2", "-1e+308", "-2 times");
    failed(parse("rudy", "2 1\n1 2 5e-324\n", 15), SPR_ERROR_PARSE, "line 2", "324", "0.5 times");
    failed(parse("bqp", "2 2\n1 1 1e308\n2 2 1e308\n", 24), SPR_ERROR_NOT_FINITE, "absolute values", "add up", "");
}
END_TEST

/* A number alone does not take all memory: 2^20 variables are free, the others must come with bytes. */
START_TEST(short_texts_have_few_variables)
{
    char text[32];
    for (int format = 0; format < 3; format++) {
        static const char *const names[] = {"coo", "bqp", "rudy"}, *const ends[] = {"", " 0", " 0"};
        const int64_t most = (1 << 20) + (format == 0 ? 7 : 9);
        int64_t n = 0;
        snprintf(text, sizeof text, "%d%s", (int)most, ends[format]);
        succeeded(parse(names[format], text, strlen(text)));
        succeeded(spr_problem_size(problem, &n, NULL, &error));
        ck_assert_int_eq(n, most);
        snprintf(text, sizeof text, "%d%s", (int)most + 1, ends[format]);
        failed(parse(names[format], text, strlen(text)), SPR_ERROR_PARSE, "line 1", "variables is",
               "accepted is 1..10485");
    }
    failed(parse("coo", "0 2000000000 1\n", 15), SPR_ERROR_PARSE, "line 1", "second index is 2000000000", "0..1048590");
    succeeded(spr_problem_from_entries(NULL, NULL, 0, (1 << 20) + 100, NULL, 0, NULL, NULL, NULL, 0, &problem, &error));
    failed(spr_problem_to_text(problem, "coo", text, sizeof text, NULL, &error), SPR_ERROR_CONFLICT,
           "1048676 variables",
           "1048576 more", "text");
}
END_TEST

START_TEST(signs_of_the_formats)
{
    const double q[3][3] = {{5, -3, 2}, {0, -1, 4}, {0, 0, 7}};
    const char matrix[] = "3 6\n1 1 5\n1 2 -3\n1 3 2\n2 2 -1\n2 3 4\n3 3 7\n", graph[] = "3 3\n1 2 -3\n1 3 2\n2 3 4\n";
    for (int number = 0; number < 8; number++) {
        double objective = 0.0, cut = 0.0;
        uint8_t x[MOST];
        state(x, number);
        for (int i = 0; i < 3; i++)
            for (int j = i; j < 3; j++) {
                objective += (i == j ? 1.0 : 2.0) * q[i][j] * x[i] * x[j];
                cut += x[i] != x[j] ? q[i][j] : 0.0;
            }
        succeeded(parse("bqp", matrix, sizeof matrix - 1));
        ck_assert_double_eq(energy_of(x), -objective);
        succeeded(parse("rudy", graph, sizeof graph - 1));
        ck_assert_double_eq(energy_of(x), -cut);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------- writing texts */

/* Writes, reads, and finds the same bits and the same text again. */
static void comes_back(const char *format, int32_t form)
{
    statement first, second;
    ck_assert_int_ge(read_back(form, &first), SPR_OK);
    char *text = text_of(format);
    ck_assert_int_ge(parse(format, text, strlen(text)), SPR_OK);
    ck_assert_int_ge(read_back(form, &second), SPR_OK);
    equal(&first, &second);
    char *again = text_of(format);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
}

/* Any double of moderate size: all 53 bits. */
static double noise(uint64_t seed, uint64_t i)
{
    return ldexp((double)(int64_t)support_random(seed, i), (int)whole(seed, i + 1000, -200, 100));
}

START_TEST(what_is_written_is_read_back_bit_for_bit)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        statement s = any(SPR_ISING, seed);
        succeeded(make(&s));
        comes_back("coo", SPR_ISING);
        comes_back("coo", SPR_QUBO);
        for (int64_t i = 0; i < s.n; i++)
            s.linear[i] = noise(seed, 50 + (uint64_t)i);
        for (int64_t k = 0; k < s.entries; k++)
            s.values[k] = noise(seed, 100 + (uint64_t)k);
        s.offset = noise(seed, 1);
        ck_assert_int_ge(make(&s), SPR_OK);
        comes_back("coo", SPR_ISING);
        comes_back("coo", SPR_QUBO);
        s = any(SPR_QUBO, seed);
        statement graph = {.form = SPR_ISING, .n = s.n};
        succeeded(make(&s));
        comes_back("coo", SPR_QUBO);
        for (int64_t i = 0; i < s.n; i++)
            s.linear[i] = noise(seed, 50 + (uint64_t)i);
        for (int64_t k = 0; k < s.entries; k++)
            s.values[k] = noise(seed, 100 + (uint64_t)k);
        s.offset = noise(seed, 1);
        succeeded(make(&s));
        comes_back("coo", SPR_QUBO);
        s.offset = 0.0;
        succeeded(make(&s));
        comes_back("bqp", SPR_QUBO);
        for (int64_t k = 0; k < s.entries; k++) {
            const double value = 0.25 * (double)whole(seed, 500 + (uint64_t)k, -9, 9);
            graph.offset -= s.rows[k] != s.columns[k] ? value : 0.0;
            graph.rows[graph.entries] = s.rows[k];
            graph.columns[graph.entries] = s.columns[k];
            graph.values[graph.entries] = value;
            graph.entries += s.rows[k] != s.columns[k];
        }
        succeeded(make(&graph));
        comes_back("rudy", SPR_ISING);
    }
}
END_TEST

/* Sums of such weights are rounded, in the same way each time. */
START_TEST(graphs_of_any_weights_come_back)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        char text[ENTRIES * 40], *at = text;
        at += sprintf(at, "%d %d\n", MOST, ENTRIES);
        for (int k = 0; k < ENTRIES; k++) {
            const int i = (int)whole(seed, 2 * (uint64_t)k, 1, MOST - 1);
            at += sprintf(at, "%d %d %.17g\n", MOST, i, noise(seed, 100 + (uint64_t)k));
        }
        ck_assert_int_ge(parse("rudy", text, strlen(text)), SPR_OK);
        comes_back("rudy", SPR_ISING);
        comes_back("rudy", SPR_QUBO);
        comes_back("coo", SPR_ISING);
    }
}
END_TEST

START_TEST(indices_and_counts_are_written_as_digits)
{
    const char text[] = "1000 1\n10 1000 30\n";
    succeeded(parse("rudy", text, sizeof text - 1));
    char *again = text_of("rudy");
    ck_assert_str_eq(again, text);
    free(again);
}
END_TEST

START_TEST(a_text_too_long_is_told_and_cut)
{
    const char whole_text[] = "2 2\n1 2 -3\n2 2 7\n";
    succeeded(parse("bqp", whole_text, sizeof whole_text - 1));
    for (size_t size = 1; size < sizeof whole_text; size++) {
        char text[64], shown[8];
        size_t needed = 0;
        memset(text, '!', sizeof text);
        snprintf(shown, sizeof shown, "%d", (int)size);
        failed(spr_problem_to_text(problem, "bqp", text, size, &needed, &error), SPR_ERROR_SIZE, "size", shown, "18");
        ck_assert_uint_eq(needed, sizeof whole_text);
        ck_assert(memcmp(text, whole_text, size - 1) == 0 && text[size - 1] == '\0' && text[size] == '!');
    }
}
END_TEST

START_TEST(texts_and_formats_are_checked)
{
    const statement offset = {.n = 1, .offset = 1}, ising = {.form = SPR_ISING, .n = 2, .linear = {1}};
    char text[64];
    failed(spr_problem_from_text(NULL, NULL, NULL, "1", 1, &problem, &error), SPR_ERROR_ARGUMENT, "format", "NULL", "");
    failed(spr_problem_from_text(NULL, NULL, "coo", NULL, 1, &problem, &error), SPR_ERROR_ARGUMENT, "text", "NULL", "");
    failed(spr_problem_from_text(NULL, NULL, "coo", "1", 1, NULL, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(parse("cnf", "1", 1), SPR_ERROR_OPTION_NAME, "format", "cnf", "coo, bqp, biqmac, rudy, qplib");
    succeeded(make(&offset));
    failed(spr_problem_to_text(NULL, "coo", text, 9, NULL, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(spr_problem_to_text(problem, NULL, text, 9, NULL, &error), SPR_ERROR_ARGUMENT, "format", "NULL", "");
    failed(spr_problem_to_text(problem, "coo", NULL, 9, NULL, &error), SPR_ERROR_ARGUMENT, "text", "NULL", "");
    failed(spr_problem_to_text(problem, "cnf", text, 9, NULL, &error), SPR_ERROR_OPTION_NAME, "format", "cnf", "bqp");
    failed(spr_problem_to_text(problem, "bqp", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "offset 1", "bqp", "");
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "Ising", "");
    succeeded(make(&ising));
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "linear", "");
    const statement apart = {.form = SPR_ISING, .n = 2, .entries = 1, .columns = {1}, .values = {2}, .offset = -1};
    succeeded(make(&apart));
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "offset -1", "-2");
    const statement odd = {.n = 2, .entries = 1, .columns = {1}, .values = {4.9406564584124654e-324}};
    succeeded(make(&odd));
    failed(spr_problem_to_text(problem, "bqp", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "bqp", "half", "324");
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- memory */

/* Counts what is in use; refuses one request, and what would go over the limit. */
typedef struct ledger {
    int64_t requests, refuse;
    size_t bytes, limit;
} ledger;

static void *ledger_serve(void *user, void *pointer, size_t old_size, size_t new_size)
{
    ledger *book = user;
    if (new_size == 0) {
        book->bytes -= pointer != NULL ? old_size : 0;
        free(pointer);
        return NULL;
    }
    if (++book->requests == book->refuse || new_size > book->limit - book->bytes)
        return NULL;
    book->bytes += new_size;
    return malloc(new_size);
}

static spr_status make_with(ledger *book, int how)
{
    static const char *const texts[][2] = {
        {"coo", "# vartype = SPIN\n3 3\n0 1 1\n1 0 1\n0 2 1\n"},
        {"bqp", "2 2\n1 1 1\n1 2 1\n"},
        {"rudy", "3 1\n1 2\n"}};
    const statement s = any(how % 2, 5);
    if (how < 2)
        return spr_problem_from_entries(ledger_serve, book, s.form, s.n, s.linear, s.entries, s.rows, s.columns,
                                        s.values, s.offset, &problem, &error);
    if (how < 4)
        return spr_problem_from_dense(ledger_serve, book, s.form, 2, REAL(1, 2, 3, 4), 0, 1, &problem, &error);
    const char *const *text = texts[how - 4];
    return spr_problem_from_text(ledger_serve, book, text[0], text[1], strlen(text[1]), &problem, &error);
}

START_TEST(every_allocation_may_fail)
{
    for (int how = 0; how < 7; how++) {
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

START_TEST(a_header_alone_asks_for_no_memory)
{
    static const char *const cases[][2] = {{"coo", "2 1000000000000000000\n0 1 1\n"},
                                           {"bqp", "2 1000000000000000000\n1 2 1\n"},
                                           {"rudy", "2 1000000000000000000\n1 2 1\n"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        ledger book = {.limit = 1024};
        failed(spr_problem_from_text(ledger_serve, &book, cases[i][0], cases[i][1], strlen(cases[i][1]), &problem,
                                     &error), SPR_ERROR_PARSE, "line 2", "ends after 1", "1000000000000000000");
        ck_assert_uint_eq(book.bytes, 0);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- locale */

START_TEST(a_locale_with_a_comma_changes_nothing)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR.utf8", "ps_AF"};
    const char text[] = "# offset = 0.125\n2\n0 1 1.5\n1 1 -2.5e-1\n";
    size_t found = 0;
    while (found < COUNT(names) && setlocale(LC_ALL, names[found]) == NULL)
        found++;
    if (found == COUNT(names))
        printf("skipped: no locale with a comma is installed\n");
    succeeded(parse("coo", text, sizeof text - 1));
    ck_assert_double_eq(energy_of(BITS(1, 1)), 1.375);
    char *here = text_of("coo");
    failed(parse("coo", "0 1 1,5\n", 8), SPR_ERROR_PARSE, "line 1", "1,5", "");
    setlocale(LC_ALL, "C");
    succeeded(parse("coo", text, sizeof text - 1));
    char *there = text_of("coo");
    ck_assert_str_eq(here, there);
    free(here);
    free(there);
}
END_TEST

/* --------------------------------------------------------------------------------------------- published instances */

/* What a file says, by scanf: energy of a state and number of couplings. */
static double scanned(FILE *file, const char *format, const uint8_t *x, int64_t *n, int64_t *couplings)
{
    const int graph = strcmp(format, "rudy") == 0;
    long long variables, count;
    double energy = 0.0, w;
    int i, j;
    ck_assert_int_eq(fscanf(file, "%lld %lld", &variables, &count), 2);
    *n = variables;
    *couplings = 0;
    while (count-- > 0) {
        ck_assert_int_eq(fscanf(file, "%d %d %lf", &i, &j, &w), 3);
        const int both = x[i - 1] && x[j - 1], apart = x[i - 1] != x[j - 1];
        energy -= graph ? apart * w : both * (i == j ? w : 2.0 * w);
        *couplings += i != j && w != 0.0;
    }
    return energy;
}

static void agrees_with_scanf(const char *format, const char *name)
{
    static char text[1 << 20];
    static uint8_t x[1 << 16];
    int64_t n, couplings, got_n, got_couplings;
    char path[128];
    snprintf(path, sizeof path, "../shared/data/qubo/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: %s is not here\n", path);
        return;
    }
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = support_random(2026, i) & 1;
    const size_t bytes = fread(text, 1, sizeof text, file);
    ck_assert_uint_lt(bytes, sizeof text);
    rewind(file);
    const double energy = scanned(file, format, x, &n, &couplings);
    fclose(file);
    succeeded(parse(format, text, bytes));
    succeeded(spr_problem_size(problem, &got_n, &got_couplings, &error));
    ck_assert(n == got_n && couplings == got_couplings && couplings > 0);
    ck_assert_double_eq(energy_of(x), energy);
}

START_TEST(published_instances_are_read)
{
    agrees_with_scanf("bqp", "bqp/bqp50.1.txt");
    agrees_with_scanf("rudy", "Gset/G1.txt");
    agrees_with_scanf("bqp", "be/be100.1.sparse");
    agrees_with_scanf("bqp", "gka/gka1a.sparse");
    agrees_with_scanf("rudy", "rudy_biqmac/pm1s_80.0");
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
        texts_are_read_as_these_problems, malformed_texts_are_refused_with_their_line, numbers_of_a_text_are_bounded,
        values_that_do_not_fit_are_told_with_their_line, short_texts_have_few_variables,
        graphs_of_any_weights_come_back,
        signs_of_the_formats, what_is_written_is_read_back_bit_for_bit, indices_and_counts_are_written_as_digits,
        a_text_too_long_is_told_and_cut, texts_and_formats_are_checked, every_allocation_may_fail,
        a_header_alone_asks_for_no_memory, a_locale_with_a_comma_changes_nothing, published_instances_are_read};
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
