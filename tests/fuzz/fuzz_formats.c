/* SPDX-License-Identifier: MIT
 * The readers of texts, with any bytes at all. The first byte chooses the format, the rest is the text. Nothing may
 * crash, and a text that is accepted is written and read back as a problem with the same coefficients. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spinroute/qubo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_MEMORY = 1 << 18 };

/* A text may ask for billions of variables; that is refused here, so that no time is lost on it. */
static void *limited(void *user, void *pointer, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return new_size > MOST_MEMORY ? NULL : malloc(new_size);
    free(pointer);
    return NULL;
}

static void must(int holds, const char *what, const char *message)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, message);
    abort();
}

/* All coefficients of a problem in one form, in one block: offset, linear, values; then rows and columns. */
typedef struct coefficients {
    int64_t n, couplings;
    spr_status status;
    double offset, *linear, *values;
    int32_t *rows, *columns;
} coefficients;

static void *room_for(int64_t items)
{
    void *room = calloc((size_t)items + 1, sizeof(double));
    must(room != NULL, "calloc", "no memory");
    return room;
}

static coefficients coefficients_of(const spr_problem *problem, int32_t form)
{
    coefficients c;
    spr_error error;
    must(spr_problem_size(problem, &c.n, &c.couplings, &error) == SPR_OK, "spr_problem_size", error.message);
    c.linear = room_for(c.n);
    c.values = room_for(c.couplings);
    c.rows = room_for(c.couplings);
    c.columns = room_for(c.couplings);
    c.status = spr_problem_read(problem, form, c.linear, c.rows, c.columns, c.values, &c.offset, &error);
    must(c.status >= SPR_OK, "spr_problem_read", error.message);
    return c;
}

static void coefficients_free(coefficients *c)
{
    free(c->linear);
    free(c->values);
    free(c->rows);
    free(c->columns);
}

static int equal_numbers(const double *a, const double *b, int64_t items)
{
    for (int64_t i = 0; i < items; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static void must_be_equal(const spr_problem *one, const spr_problem *two, int32_t form)
{
    coefficients a = coefficients_of(one, form), b = coefficients_of(two, form);
    must(a.n == b.n && a.couplings == b.couplings, "read back", "another number of variables or couplings");
    must(memcmp(a.rows, b.rows, (size_t)a.couplings * sizeof a.rows[0]) == 0, "read back", "other rows");
    must(memcmp(a.columns, b.columns, (size_t)a.couplings * sizeof a.columns[0]) == 0, "read back", "other columns");
    must(equal_numbers(a.linear, b.linear, a.n), "read back", "another linear part");
    must(equal_numbers(a.values, b.values, a.couplings), "read back", "other values");
    must(a.offset == b.offset && a.status == b.status, "read back", "another offset or status");
    coefficients_free(&a);
    coefficients_free(&b);
}

/* The problem as a text of that format. */
static char *written(const spr_problem *problem, const char *format, size_t *needed)
{
    spr_error error;
    spr_status status = spr_problem_to_text(problem, format, NULL, 0, needed, &error);
    must(status == SPR_ERROR_SIZE, "spr_problem_to_text, size 0", error.message);
    char *text = malloc(*needed);
    must(text != NULL, "malloc", "no memory");
    status = spr_problem_to_text(problem, format, text, *needed, needed, &error);
    must(status == SPR_OK, "spr_problem_to_text", error.message);
    must(strlen(text) + 1 == *needed, "spr_problem_to_text", "another length than told");
    return text;
}

static void must_come_back(const spr_problem *problem, const char *format)
{
    size_t needed = 0;
    spr_problem *again = NULL;
    spr_error error;
    char *text = written(problem, format, &needed);
    spr_status status = spr_problem_from_text(limited, NULL, format, text, needed - 1, &again, &error);
    free(text);
    if (status == SPR_ERROR_MEMORY)
        return;
    must(status >= SPR_OK, "what was written is refused", error.message);
    must_be_equal(problem, again, SPR_QUBO);
    must_be_equal(problem, again, SPR_ISING);
    spr_problem_free(again);
}

/* The QUBO form alone. */
static void must_come_back_qubo(const spr_problem *problem)
{
    size_t needed = 0;
    spr_problem *again = NULL;
    spr_error error;
    char *text = written(problem, "qplib", &needed);
    spr_status status = spr_problem_from_text(limited, NULL, "qplib", text, needed - 1, &again, &error);
    free(text);
    if (status == SPR_ERROR_MEMORY)
        return;
    must(status == SPR_OK, "qplib that was written is refused", error.message);
    must_be_equal(problem, again, SPR_QUBO);
    spr_problem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"coo", "bqp", "rudy", "biqmac", "qplib"};
    if (size == 0)
        return 0;
    const int which = (data[0] + 2) % 5; /* digits 0 to 4 are these */
    spr_problem *problem = NULL;
    spr_error error;
    /* a copy of its own, so that a read behind the end shows */
    char *text = malloc(size - 1 + (size == 1));
    must(text != NULL, "malloc", "no memory");
    memcpy(text, data + 1, size - 1);
    spr_status status = spr_problem_from_text(limited, NULL, formats[which], text, size - 1, &problem, &error);
    free(text);
    must((status >= SPR_OK) == (problem != NULL), formats[which], "status and handle do not agree");
    must(error.message[0] != '\0' || status == SPR_OK, formats[which], "a failure without a message");
    if (problem != NULL) {
        must_come_back(problem, formats[which]);
        must_come_back(problem, "coo");
        if (status == SPR_OK)
            must_come_back_qubo(problem);
        spr_problem_free(problem);
    }
    return 0;
}
