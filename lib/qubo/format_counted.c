/* SPDX-License-Identifier: MIT
 * Formats that begin with "n entries" and are 1-based: bqp (OR-Library), biqmac (Biq Mac) and rudy (G-set). */
#include "format.h"

#include "../base/exact.h"

/* What turns entries of a format into those of the problem: factors on the diagonal (0 = none allowed) and off it. */
typedef struct counted_factors {
    double diagonal, coupling;
    int weightless;              /* may the value be missing: 1? */
} counted_factors;

static const counted_factors counted_bqp = {-1.0, -2.0, 0}, counted_biqmac = {1.0, 2.0, 0}, counted_rudy = {0.0, 0.5, 1};

static spr_status counted_read_head(spr__format_reader *reader, int64_t *n, int64_t *wanted, spr_error *error)
{
    if (!spr__format_next(reader, 0))
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text ends before \"n entries\"",
                         (long long)reader->line);
    if (reader->words != 2)
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld has %s words; accepted is \"n entries\" (one instance per text)",
                         (long long)reader->line, reader->words < 2 ? "fewer than 2" : "more than 2");
    spr_status status = spr__format_integer(reader, 0, "the number of variables", 1, reader->most_variables, n, error);
    return status != SPR_OK ? status
                            : spr__format_integer(reader, 1, "the number of entries", 0, INT64_MAX, wanted, error);
}

static spr_status counted_read_entry(const spr__format_reader *reader, const counted_factors *factors, int64_t n,
                                     spr__format_list *list, spr_error *error)
{
    int64_t i = 0, j = 0;
    double value = 1.0;
    if (reader->words != 3 && !(factors->weightless && reader->words == 2))
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s words; accepted is \"i j value\"",
                         (long long)reader->line, reader->words < 3 ? "fewer than 3" : "more than 3");
    spr_status status = spr__format_integer(reader, 0, "the first index", 1, n, &i, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 1, "the second index", 1, n, &j, error);
    if (status == SPR_OK && reader->words == 3)
        status = spr__format_real(reader, 2, "the value", &value, error);
    if (status != SPR_OK)
        return status;
    const double factor = i == j ? factors->diagonal : factors->coupling, product = value * factor;
    if (factor == 0.0)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld joins %lld to itself; a graph has no such edge",
                         (long long)reader->line, (long long)i);
    if (product / factor != value)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the value is %g; %g times it does not fit a double",
                         (long long)reader->line, value, factor);
    spr__format_list_add(list, i - 1, j - 1, product);
    return SPR_OK;
}

static spr_status counted_read(spr__format_reader *reader, const counted_factors *factors, spr__format_list *list,
                               int64_t *n, spr_error *error)
{
    int64_t wanted = 0;
    spr_status status = counted_read_head(reader, n, &wanted, error);
    while (status == SPR_OK && spr__format_next(reader, 0)) {
        if (list->used == wanted)
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: more than the %lld entries that the first line says",
                             (long long)reader->line, (long long)wanted);
        status = counted_read_entry(reader, factors, *n, list, error);
    }
    if (status == SPR_OK && list->used != wanted)
        status = spr__fail(error, SPR_ERROR_PARSE,
                           "line %lld: the text ends after %lld entries; its first line says %lld",
                           (long long)reader->line, (long long)list->used, (long long)wanted);
    return status;
}

/* A text of one instance may say so in its first line: "1". */
static void counted_skip_one(spr__format_reader *reader)
{
    spr__format_reader ahead = *reader;
    if (spr__format_next(&ahead, 0) && ahead.words == 1 && ahead.length[0] == 1 && ahead.word[0][0] == '1')
        *reader = ahead;
}

/* Off the diagonal each value counts twice. */
static spr_status counted_read_matrix(spr__format_reader *reader, const counted_factors *factors,
                                      spr__format_list *list, spr_problem **problem, spr_error *error)
{
    int64_t n = 0;
    spr_status status = counted_read(reader, factors, list, &n, error);
    if (status != SPR_OK)
        return status;
    return spr_problem_from_entries(list->memory.function, list->memory.user, SPR_QUBO, n, NULL, list->used, list->rows,
                                    list->columns, list->values, 0.0, problem, error);
}

/* To maximise. */
static spr_status bqp_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    counted_skip_one(reader);
    return counted_read_matrix(reader, &counted_bqp, list, problem, error);
}

/* To minimise. */
static spr_status biqmac_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem,
                              spr_error *error)
{
    return counted_read_matrix(reader, &counted_biqmac, list, problem, error);
}

/* Minus the cut: the sum of w (s s' - 1)/2. */
static spr_status rudy_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    int64_t n = 0;
    spr_status status = counted_read(reader, &counted_rudy, list, &n, error);
    if (status != SPR_OK)
        return status;
    return spr__problem_from_cut(&list->memory, n, list->used, list->rows, list->columns, list->values, problem, error);
}

static void counted_write_entry(spr__format_writer *writer, int64_t i, int64_t j, double value)
{
    spr__format_whole(writer, i + 1);
    spr__format_text(writer, " ");
    spr__format_whole(writer, j + 1);
    spr__format_text(writer, " ");
    spr__format_number(writer, value);
    spr__format_text(writer, "\n");
}

static void counted_write(const spr_problem *problem, double linear, double quadratic, spr__format_writer *writer)
{
    const spr_problem_view *view = &problem->view;
    int64_t entries = view->couplings;
    for (int64_t i = 0; i < view->variables; i++)
        entries += linear != 0.0 && view->linear[i] != 0.0;
    spr__format_whole(writer, view->variables);
    spr__format_text(writer, " ");
    spr__format_whole(writer, entries);
    spr__format_text(writer, "\n");
    for (int64_t i = 0; i < view->variables; i++) {
        if (linear != 0.0 && view->linear[i] != 0.0)
            counted_write_entry(writer, i, i, linear * view->linear[i]);
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
            if (view->column[at] > i)
                counted_write_entry(writer, i, view->column[at], quadratic * view->value[at]);
    }
}

/* sign: what the objective of the format is times the energy. */
static spr_status counted_write_matrix(const spr_problem *problem, const char *name, double sign,
                                       spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    if (view->offset != 0.0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "the problem has offset %g; format %s holds none", view->offset,
                         name);
    for (int64_t at = 0; at < 2 * view->couplings; at++)
        if (0.5 * view->value[at] * 2.0 != view->value[at])
            return spr__fail(error, SPR_ERROR_CONFLICT,
                             "a coupling is %g; format %s holds half of it, which no double is",
                             view->value[at], name);
    counted_write(problem, sign, 0.5 * sign, writer);
    return SPR_OK;
}

static spr_status bqp_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    return counted_write_matrix(problem, "bqp", -1.0, writer, error);
}

static spr_status biqmac_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    return counted_write_matrix(problem, "biqmac", 1.0, writer, error);
}

static spr_status rudy_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    int64_t first = 0;
    if (problem->form != SPR_ISING)
        return spr__fail(error, SPR_ERROR_CONFLICT, "the problem is a QUBO; format rudy holds Ising problems");
    while (first < view->variables && problem->original_linear[first] == 0.0)
        first++;
    if (first < view->variables)
        return spr__fail(error, SPR_ERROR_CONFLICT,
                         "the problem has linear[%lld] = %g; format rudy holds no linear part",
                         (long long)first, problem->original_linear[first]);
    const double offset = spr__forms_cut_offset(view, 0.25);
    if (problem->original_offset != offset)
        return spr__fail(error, SPR_ERROR_CONFLICT,
                         "the problem has offset %.17g; format rudy holds minus the sum of the "
                         "couplings, %.17g", problem->original_offset, offset);
    counted_write(problem, 0.0, 0.5, writer);
    return SPR_OK;
}

const spr__format spr__format_bqp = {"bqp", bqp_read, bqp_write};
const spr__format spr__format_biqmac = {"biqmac", biqmac_read, biqmac_write};
const spr__format spr__format_rudy = {"rudy", rudy_read, rudy_write};
