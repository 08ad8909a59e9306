/* SPDX-License-Identifier: MIT
 * Formats that begin with "n entries" and are 1-based: bqp (OR-Library, Biq Mac) and rudy (G-set). */
#include "format.h"

#include <string.h>

#include "../base/exact.h"

/* Entries as they stand, 0-based; loops = may i equal j? A missing third word is 1 where that is allowed. */
static spr_status counted_read(spr__format_reader *reader, int loops, int weightless, spr__format_list *list, int64_t *n,
                               spr_error *error)
{
    int64_t wanted = 0, i = 0, j = 0;
    double value = 0.0;
    if (!spr__format_next(reader, 0))
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text ends before \"n entries\"", (long long)reader->line);
    if (reader->words != 2)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s words; accepted is \"n entries\" (one instance per text)",
                         (long long)reader->line, reader->words < 2 ? "fewer than 2" : "more than 2");
    spr_status status = spr__format_integer(reader, 0, "the number of variables", 1, INT32_MAX - 1, n, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 1, "the number of entries", 0, INT64_MAX, &wanted, error);
    while (status == SPR_OK && spr__format_next(reader, 0)) {
        if (list->used == wanted)
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: more than the %lld entries that the first line says",
                             (long long)reader->line, (long long)wanted);
        if (reader->words != 3 && !(weightless && reader->words == 2))
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s words; accepted is \"i j value\"",
                             (long long)reader->line, reader->words < 3 ? "fewer than 3" : "more than 3");
        value = 1.0;
        status = spr__format_integer(reader, 0, "the first index", 1, *n, &i, error);
        if (status == SPR_OK)
            status = spr__format_integer(reader, 1, "the second index", 1, *n, &j, error);
        if (status == SPR_OK && reader->words == 3)
            status = spr__format_real(reader, 2, "the value", &value, error);
        if (status == SPR_OK && i == j && !loops)
            status = spr__fail(error, SPR_ERROR_PARSE, "line %lld joins %lld to itself; a graph has no such edge",
                               (long long)reader->line, (long long)i);
        if (status == SPR_OK)
            spr__format_list_add(list, i - 1, j - 1, value);
    }
    if (status == SPR_OK && list->used != wanted)
        status = spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text ends after %lld entries; its first line says %lld",
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

static spr_status bqp_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    int64_t n = 0;
    counted_skip_one(reader);
    spr_status status = counted_read(reader, 1, 0, list, &n, error);
    if (status != SPR_OK)
        return status;
    /* to maximise, and off the diagonal each value counts twice */
    for (int64_t k = 0; k < list->used; k++)
        list->values[k] *= list->rows[k] == list->columns[k] ? -1.0 : -2.0;
    return spr_problem_from_entries(list->memory.function, list->memory.user, SPR_QUBO, n, NULL, list->used, list->rows,
                                    list->columns, list->values, 0.0, problem, error);
}

static spr_status rudy_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    int64_t n = 0;
    double weight = 0.0;
    spr_status status = counted_read(reader, 0, 1, list, &n, error);
    if (status != SPR_OK)
        return status;
    /* minus the cut: sum of w (s s' - 1)/2 */
    for (int64_t k = 0; k < list->used; k++) {
        weight += list->values[k];
        list->values[k] *= 0.5;
    }
    return spr_problem_from_entries(list->memory.function, list->memory.user, SPR_ISING, n, NULL, list->used, list->rows,
                                    list->columns, list->values, -0.5 * weight, problem, error);
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

static spr_status bqp_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    if (problem->view.offset != 0.0)
        return spr__fail(error, SPR_ERROR_CONFLICT, "the problem has offset %g; format bqp holds none", problem->view.offset);
    counted_write(problem, -1.0, -0.5, writer);
    return SPR_OK;
}

static spr_status rudy_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    double weight = 0.0, size = 0.0;
    int pure = problem->form == SPR_ISING;
    for (int64_t i = 0; pure && i < view->variables; i++) {
        pure = problem->original_linear[i] == 0.0;
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
            if (view->column[at] > i) {
                weight += 0.25 * view->value[at];
                size += view->value[at] < 0.0 ? -view->value[at] : view->value[at];
            }
    }
    const double off = problem->original_offset + weight;
    if (!pure || (off < 0.0 ? -off : off) > 1e-12 * size)
        return spr__fail(error, SPR_ERROR_CONFLICT, "format rudy holds Ising problems without linear part whose offset is "
                         "minus the sum of their couplings");
    counted_write(problem, 0.0, 0.5, writer);
    return SPR_OK;
}

const spr__format spr__format_bqp = {"bqp", bqp_read, bqp_write};
const spr__format spr__format_rudy = {"rudy", rudy_read, rudy_write};
