/* SPDX-License-Identifier: MIT
 * What the tests of problems and of their texts share: one problem and one error per file, a plain statement of what a
 * problem is, an allocator that counts and refuses. Coefficients are integers where nothing is to be rounded, so that
 * energies are compared bit for bit. */
#ifndef TESTS_PROBLEM_SUPPORT_H
#define TESTS_PROBLEM_SUPPORT_H

#include "suites.h"

#include "spinroute/qubo.h"
#include "support.h"

static spr_error error;
static spr_problem *problem;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define INDEX(...) ((const int32_t[]){__VA_ARGS__})
#define REAL(...) ((const double[]){__VA_ARGS__})
#define BITS(...) ((const uint8_t[]){__VA_ARGS__})
#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))

SUPPORT_UNUSED static void teardown(void)
{
    spr_problem_free(problem);
    problem = NULL;
}

SUPPORT_UNUSED static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_str_eq(error.message, "");
}

/* The status, and a message that tells these things. */
SUPPORT_UNUSED static void failed(spr_status got, spr_status want, const char *one, const char *two, const char *three)
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

SUPPORT_UNUSED static double spin(int32_t form, const uint8_t *bits, int64_t i)
{
    return form == SPR_QUBO ? bits[i] : 2.0 * bits[i] - 1.0;
}

/* The formula of the manual, entry by entry. */
SUPPORT_UNUSED static double stated(const statement *s, const uint8_t *bits)
{
    double energy = s->offset;
    for (int64_t i = 0; i < s->n; i++)
        energy += s->linear[i] * spin(s->form, bits, i);
    for (int64_t k = 0; k < s->entries; k++)
        energy += s->values[k] * spin(s->form, bits, s->rows[k]) * spin(s->form, bits, s->columns[k]);
    return energy;
}

SUPPORT_UNUSED static double energy_of(const uint8_t *bits)
{
    double energy = NAN;
    succeeded(spr_problem_energy(problem, bits, &energy, &error));
    return energy;
}

SUPPORT_UNUSED static void state(uint8_t *bits, int64_t number)
{
    for (int i = 0; i < MOST; i++)
        bits[i] = number >> i & 1;
}

/* All states have the energies of the statement. */
SUPPORT_UNUSED static void means(const statement *s)
{
    for (int64_t number = 0; number < (int64_t)1 << s->n; number++) {
        uint8_t bits[MOST];
        state(bits, number);
        ck_assert_double_eq(energy_of(bits), stated(s, bits));
    }
}

SUPPORT_UNUSED static spr_status make(const statement *s)
{
    teardown();
    return spr_problem_from_entries(NULL, NULL, s->form, s->n, s->linear, s->entries, s->rows, s->columns, s->values,
                                    s->offset, &problem, &error);
}

SUPPORT_UNUSED static int64_t whole(uint64_t seed, uint64_t i, int64_t least, int64_t most)
{
    return least + (int64_t)(support_random(seed, i) % (uint64_t)(most - least + 1));
}

/* Small integers; entries hit the same couplings again, in both orders, and the diagonal. */
SUPPORT_UNUSED static statement any(int32_t form, uint64_t seed)
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

SUPPORT_UNUSED static spr_status read_back(int32_t form, statement *s)
{
    memset(s, 0, sizeof *s);
    s->form = form;
    succeeded(spr_problem_size(problem, &s->n, &s->entries, &error));
    ck_assert_int_le(s->n, MOST);
    ck_assert_int_le(s->entries, ENTRIES);
    return spr_problem_read(problem, form, s->linear, s->rows, s->columns, s->values, &s->offset, &error);
}

/* The same form, variables, couplings and bits of every number. */
SUPPORT_UNUSED static void equal(const statement *a, const statement *b)
{
    ck_assert(memcmp(a, b, sizeof *a) == 0);
}

SUPPORT_UNUSED static spr_status parse(const char *format, const char *text, size_t bytes)
{
    teardown();
    return spr_problem_from_text(NULL, NULL, format, text, bytes, &problem, &error);
}

/* ----------------------------------------------------------------------------------------------------------- memory */

/* Counts what is in use; refuses one request, and what would go over the limit. */
typedef struct ledger {
    int64_t requests, refuse;
    size_t bytes, limit, most;   /* most: at any time */
} ledger;

SUPPORT_UNUSED static void *ledger_serve(void *user, void *pointer, size_t old_size, size_t new_size)
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
    book->most = book->bytes > book->most ? book->bytes : book->most;
    return malloc(new_size);
}

#endif
