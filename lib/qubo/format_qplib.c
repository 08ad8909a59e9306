/* SPDX-License-Identifier: MIT
 * QPLIB text (Furini et al., QPLIB: a library of quadratic programming instances, Math. Prog. Comp. 2019): objective
 * 1/2 x'Qx + b'x + q, Q by its lower triangle. Only what a QUBO is: binary variables, no constraints. */
#include "format.h"
#include "../base/number.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* What is known of the problem so far. */
typedef struct qplib_text {
    spr__format_reader *reader;
    spr__format_list *list;
    int64_t n;
    int linear_only;             /* there is no section of Q */
    double sign;                 /* of the energy: -1 to maximise */
    double *linear;              /* [n] */
    double offset;
} qplib_text;

/* Sections that a problem without constraints has and a QUBO has no use for. */
static const char *const qplib_unused[] = {"a starting value", "a starting value of a bound's dual"};

/* In units of energy; 0 stays 0 whatever the sign, so that it is the same bits. */
static double qplib_energy(const qplib_text *text, double value)
{
    return text->sign * value + 0.0;
}

/* The next line; comments begin with ! as well. what: what it must hold. */
static spr_status qplib_next(spr__format_reader *reader, const char *what, spr_error *error)
{
    do
        if (!spr__format_next(reader, 0))
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text ends before %s", (long long)reader->line,
                             what);
    while (reader->word[0][0] == '!');
    return SPR_OK;
}

/* The next line with that many words. */
static spr_status qplib_line(spr__format_reader *reader, int64_t words, const char *what, spr_error *error)
{
    spr_status status = qplib_next(reader, what, error);
    if (status == SPR_OK && reader->words != words)
        status = spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s than %lld word%s; accepted is %s",
                           (long long)reader->line, reader->words < words ? "fewer" : "more", (long long)words,
                           words == 1 ? "" : "s", what);
    return status;
}

static spr_status qplib_count(spr__format_reader *reader, const char *what, int64_t least, int64_t most, int64_t *count,
                              spr_error *error)
{
    spr_status status = qplib_line(reader, 1, what, error);
    return status != SPR_OK ? status : spr__format_integer(reader, 0, what, least, most, count, error);
}

static spr_status qplib_number(spr__format_reader *reader, const char *what, double *number, spr_error *error)
{
    spr_status status = qplib_line(reader, 1, what, error);
    return status != SPR_OK ? status : spr__format_real(reader, 0, what, number, error);
}

/* Three letters: objective linear, diagonal, convex or quadratic; variables binary; constraints none or bounds. */
static spr_status qplib_read_type(qplib_text *text, spr_error *error)
{
    spr__format_reader *reader = text->reader;
    spr_status status = qplib_line(reader, 1, "the type of the problem", error);
    if (status != SPR_OK)
        return status;
    const char *type = reader->word[0];
    if (reader->length[0] != 3 || memchr("LDCQ", type[0], 4) == NULL || memchr("CBMIG", type[1], 5) == NULL ||
        memchr("NBLDCQ", type[2], 6) == NULL)
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: the type of the problem must be three letters of QPLIB, such as QBN",
                         (long long)reader->line);
    if (type[1] != 'B')
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: type %.3s has variables that are not binary; accepted is B as the second letter",
                         (long long)reader->line, type);
    if (type[2] != 'N' && type[2] != 'B')
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: type %.3s has constraints; accepted is N or B as the third letter",
                         (long long)reader->line, type);
    text->linear_only = type[0] == 'L';
    return SPR_OK;
}

static spr_status qplib_read_sense(qplib_text *text, spr_error *error)
{
    spr_status status = qplib_line(text->reader, 1, "minimize or maximize", error);
    if (status != SPR_OK)
        return status;
    const int most = spr__format_says(text->reader, 0, "maximize");
    if (!most && !spr__format_says(text->reader, 0, "minimize"))
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the sense must be minimize or maximize",
                         (long long)text->reader->line);
    text->sign = most ? -1.0 : 1.0;
    return SPR_OK;
}

/* "i j q", i >= j: half of it. Nothing is mirrored: the published values (5922 is 500.2 of OR-Library) say so. */
static spr_status qplib_read_term(qplib_text *text, spr_error *error)
{
    const spr__format_reader *reader = text->reader;
    int64_t i = 0, j = 0;
    double value = 0.0;
    spr_status status = qplib_line(text->reader, 3, "\"i j value\" of a quadratic term", error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 0, "the first index", 1, text->n, &i, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 1, "the second index", 1, text->n, &j, error);
    if (status == SPR_OK)
        status = spr__format_real(reader, 2, "the value", &value, error);
    if (status != SPR_OK)
        return status;
    if (i < j)
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: row %lld, column %lld is above the diagonal; accepted is the lower triangle",
                         (long long)reader->line, (long long)i, (long long)j);
    if (0.5 * value * 2.0 != value)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the value is %g; half of it does not fit a double",
                         (long long)reader->line, value);
    spr__format_list_add(text->list, i - 1, j - 1, qplib_energy(text, 0.5 * value));
    return SPR_OK;
}

static spr_status qplib_read_terms(qplib_text *text, spr_error *error)
{
    int64_t terms = 0;
    if (text->linear_only)
        return SPR_OK;
    spr_status status = qplib_count(text->reader, "the number of quadratic terms", 0, INT64_MAX, &terms, error);
    for (int64_t k = 0; k < terms && status == SPR_OK; k++)
        status = qplib_read_term(text, error);
    return status;
}

/* A default, how many variables have another value, "i value" for each of them. into: [n], or NULL to only look. */
static spr_status qplib_read_values(qplib_text *text, const char *what, double *into, spr_error *error)
{
    double value = 0.0;
    int64_t others = 0, i = 0;
    spr_status status = qplib_number(text->reader, what, &value, error);
    for (i = 0; into != NULL && i < text->n; i++)
        into[i] = qplib_energy(text, value);
    if (status == SPR_OK)
        status = qplib_count(text->reader, "the number of values other than the default", 0, text->n, &others, error);
    for (int64_t k = 0; k < others && status == SPR_OK; k++) {
        status = qplib_line(text->reader, 2, "\"i value\"", error);
        if (status == SPR_OK)
            status = spr__format_integer(text->reader, 0, "the index", 1, text->n, &i, error);
        if (status == SPR_OK)
            status = spr__format_real(text->reader, 1, what, &value, error);
        if (status == SPR_OK && into != NULL)
            into[i - 1] = qplib_energy(text, value);
    }
    return status;
}

/* "i name"; a name may have blanks in it. */
static spr_status qplib_read_names(qplib_text *text, const char *what, int64_t most, spr_error *error)
{
    int64_t names = 0, i = 0;
    spr_status status = qplib_count(text->reader, what, 0, most, &names, error);
    for (int64_t k = 0; k < names && status == SPR_OK; k++) {
        status = qplib_next(text->reader, "\"i name\"", error);
        if (status == SPR_OK)
            status = spr__format_integer(text->reader, 0, "the index", 1, most, &i, error);
    }
    return status;
}

/* Usually the largest double, in so few digits that it is more than that. */
static spr_status qplib_read_infinity(spr__format_reader *reader, spr_error *error)
{
    double infinity = 0.0;
    spr_status status = qplib_line(reader, 1, "the value for infinity", error);
    return status != SPR_OK || (spr__number_real(reader->word[0], reader->length[0], &infinity) && isinf(infinity))
               ? status
               : spr__format_real(reader, 0, "the value for infinity", &infinity, error);
}

/* What follows the objective: it changes nothing, but a text that was cut shows here. */
static spr_status qplib_read_rest(qplib_text *text, spr_error *error)
{
    spr_status status = qplib_read_infinity(text->reader, error);
    for (int k = 0; k < 2 && status == SPR_OK; k++)
        status = qplib_read_values(text, qplib_unused[k], NULL, error);
    if (status == SPR_OK)
        status = qplib_read_names(text, "the number of names of variables", text->n, error);
    if (status == SPR_OK)
        status = qplib_read_names(text, "the number of names of constraints", 0, error);
    if (status != SPR_OK)
        return status;
    while (spr__format_next(text->reader, 0))
        if (text->reader->word[0][0] != '!')
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text goes on behind its last section",
                             (long long)text->reader->line);
    return SPR_OK;
}

static spr_status qplib_read_objective(qplib_text *text, spr_error *error)
{
    spr_status status = qplib_read_terms(text, error);
    if (status == SPR_OK)
        status = qplib_read_values(text, "a linear coefficient", text->linear, error);
    if (status == SPR_OK)
        status = qplib_number(text->reader, "the constant of the objective", &text->offset, error);
    text->offset = qplib_energy(text, text->offset);
    return status == SPR_OK ? qplib_read_rest(text, error) : status;
}

static spr_status qplib_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem,
                             spr_error *error)
{
    qplib_text text = {reader, list, 0, 0, 1.0, NULL, 0.0};
    spr_status status = qplib_next(reader, "the name of the problem", error);
    if (status == SPR_OK)
        status = qplib_read_type(&text, error);
    if (status == SPR_OK)
        status = qplib_read_sense(&text, error);
    if (status == SPR_OK)
        status = qplib_count(reader, "the number of variables", 1, reader->most_variables, &text.n, error);
    if (status != SPR_OK)
        return status;
    const size_t bytes = (size_t)text.n * sizeof text.linear[0];
    text.linear = (double *)spr__allocate(&list->memory, bytes);
    if (text.linear == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %lld variables", (long long)text.n);
    status = qplib_read_objective(&text, error);
    if (status == SPR_OK)
        status = spr_problem_from_entries(list->memory.function, list->memory.user, SPR_QUBO, text.n, text.linear,
                                          list->used, list->rows, list->columns, list->values, text.offset, problem,
                                          error);
    spr__release(&list->memory, text.linear, bytes);
    return status;
}

static void qplib_write_index(spr__format_writer *writer, int64_t i)
{
    spr__format_whole(writer, i + 1);
    spr__format_text(writer, " ");
}

static void qplib_write_value(spr__format_writer *writer, double value)
{
    spr__format_number(writer, value);
    spr__format_text(writer, "\n");
}

static void qplib_write_count(spr__format_writer *writer, int64_t count, const char *what)
{
    spr__format_whole(writer, count);
    spr__format_text(writer, what);
}

/* To minimise the QUBO form; 1e300 is nobody's value. */
static spr_status qplib_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    int64_t others = 0;
    for (int64_t at = 0; at < 2 * view->couplings; at++)
        if (!isfinite(2.0 * view->value[at]))
            return spr__fail(error, SPR_ERROR_CONFLICT,
                             "a coupling is %g; format qplib holds twice of it, which no double is", view->value[at]);
    spr__format_text(writer, "QUBO\nQBN\nminimize\n");
    qplib_write_count(writer, view->variables, " # number of variables\n");
    qplib_write_count(writer, view->couplings, " # number of quadratic terms in objective\n");
    for (int64_t i = 0; i < view->variables; i++) {
        others += view->linear[i] != 0.0;
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1] && view->column[at] < i; at++) {
            qplib_write_index(writer, i);
            qplib_write_index(writer, view->column[at]);
            qplib_write_value(writer, 2.0 * view->value[at]);
        }
    }
    spr__format_text(writer, "0 # default value for linear coefficients in objective\n");
    qplib_write_count(writer, others, " # number of non-default linear coefficients in objective\n");
    for (int64_t i = 0; i < view->variables; i++)
        if (view->linear[i] != 0.0) {
            qplib_write_index(writer, i);
            qplib_write_value(writer, view->linear[i]);
        }
    qplib_write_value(writer, view->offset);
    spr__format_text(writer, "1e300 # value for infinity\n0\n0 # starting point\n0\n0 # bound duals\n0 # variable names\n"
                             "0 # constraint names\n");
    return SPR_OK;
}

const spr__format spr__format_qplib = {"qplib", qplib_read, qplib_write};
