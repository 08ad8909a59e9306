/* SPDX-License-Identifier: MIT
 * COO: "i j value", 0-based, as qbsolv and dimod write it. */
#include "format.h"

#include <string.h>

#include "../base/exact.h"

/* What the lines before and between the entries say. Numbers not told are -1. */
typedef struct coo_head {
    int32_t form;
    double offset;
    int64_t variables, entries, diagonals, largest;
} coo_head;

/* "key = value", or with another mark, at the start of a comment. Makes value the first word of line; 0 if there is no
 * such thing. */
static int coo_key(const spr__format_reader *reader, const char *key, char mark, spr__format_reader *line)
{
    const char *at = reader->comment, *end = at + reader->comment_length;
    const size_t length = strlen(key);
    while (at < end && (*at == ' ' || *at == '\t' || *at == '#'))
        at++;
    if ((size_t)(end - at) < length || memcmp(at, key, length) != 0)
        return 0;
    at += length;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end || (*at != '=' && *at != mark))
        return 0;
    memset(line, 0, sizeof *line);
    line->at = at + 1;
    line->end = end;
    (void)spr__format_next(line, 0);
    line->line = reader->line;
    return 1;
}

/* Any other comment says nothing. */
static spr_status coo_look_into_comment(const spr__format_reader *reader, coo_head *head, spr_error *error)
{
    spr__format_reader line;
    if (coo_key(reader, "vartype", ':', &line)) {
        const int spin = spr__format_says(&line, 0, "SPIN");
        if (!spin && !spr__format_says(&line, 0, "BINARY"))
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: vartype must be SPIN or BINARY", (long long)line.line);
        head->form = spin ? SPR_ISING : SPR_QUBO;
    }
    return coo_key(reader, "offset", '=', &line) ? spr__format_real(&line, 0, "offset", &head->offset, error) : SPR_OK;
}

/* "p qubo 0 n diagonals couplings" */
static spr_status coo_read_qbsolv(const spr__format_reader *reader, coo_head *head, spr_error *error)
{
    int64_t couplings = 0;
    if (reader->words != 6 || !spr__format_says(reader, 1, "qubo"))
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld begins with p; accepted is \"p qubo 0 n diagonals couplings\"",
                         (long long)reader->line);
    spr_status status = spr__format_integer(reader, 3, "the number of variables", 1, reader->most_variables,
                                            &head->variables, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 4, "the number of diagonals", 0, INT64_MAX / 2, &head->diagonals, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 5, "the number of couplings", 0, INT64_MAX / 2, &couplings, error);
    head->entries = status == SPR_OK ? head->diagonals + couplings : -1;
    return status;
}

/* A first line that is no entry: that of qbsolv, "n" or "n entries". */
static spr_status coo_read_head(const spr__format_reader *reader, coo_head *head, spr_error *error)
{
    if (spr__format_says(reader, 0, "p"))
        return coo_read_qbsolv(reader, head, error);
    if (reader->words > 2)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has more than 3 words; accepted is \"i j value\", \"n\", "
                         "\"n entries\"", (long long)reader->line);
    spr_status status = spr__format_integer(reader, 0, "the number of variables", 1, reader->most_variables,
                                            &head->variables, error);
    if (status == SPR_OK && reader->words == 2)
        status = spr__format_integer(reader, 1, "the number of entries", 0, INT64_MAX, &head->entries, error);
    return status;
}

static spr_status coo_read_entry(const spr__format_reader *reader, spr__format_list *list, coo_head *head,
                                 spr_error *error)
{
    const int64_t most = head->variables > 0 ? head->variables - 1 : reader->most_variables - 1;
    int64_t i = 0, j = 0;
    double value = 0.0;
    if (reader->words != 3)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s words; accepted is \"i j value\"",
                         (long long)reader->line, reader->words < 3 ? "fewer than 3" : "more than 3");
    spr_status status = spr__format_integer(reader, 0, "the first index", 0, most, &i, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 1, "the second index", 0, most, &j, error);
    if (status == SPR_OK)
        status = spr__format_real(reader, 2, "the value", &value, error);
    if (status != SPR_OK)
        return status;
    spr__format_list_add(list, i, j, value);
    head->largest = i > head->largest ? i : head->largest;
    head->largest = j > head->largest ? j : head->largest;
    return SPR_OK;
}

static spr_status coo_read_lines(spr__format_reader *reader, spr__format_list *list, coo_head *head, spr_error *error)
{
    spr_status status = SPR_OK;
    int64_t lines = 0;
    while (status == SPR_OK && spr__format_next(reader, 1)) {
        if (reader->comment != NULL)
            status = coo_look_into_comment(reader, head, error);
        else if (lines++ == 0 && (reader->words != 3 || spr__format_says(reader, 0, "p")))
            status = coo_read_head(reader, head, error);
        else
            status = coo_read_entry(reader, list, head, error);
    }
    return status;
}

static spr_status coo_check_counts(const spr__format_reader *reader, const spr__format_list *list, const coo_head *head,
                                   spr_error *error)
{
    int64_t diagonals = 0;
    for (int64_t k = 0; k < list->used; k++)
        diagonals += list->rows[k] == list->columns[k];
    if (head->entries >= 0 && head->entries != list->used)
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: the text ends after %lld entries; its first line says %lld",
                         (long long)reader->line, (long long)list->used, (long long)head->entries);
    if (head->diagonals >= 0 && head->diagonals != diagonals)
        return spr__fail(error, SPR_ERROR_PARSE,
                         "line %lld: the text ends after %lld diagonals; its first line says %lld",
                         (long long)reader->line, (long long)diagonals, (long long)head->diagonals);
    if (head->variables < 0 && list->used == 0)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text holds no entries and no number of variables",
                         (long long)reader->line);
    return SPR_OK;
}

/* Takes the diagonal out of the list: in an Ising problem it would be a constant, the text means the linear part. */
static void coo_split(spr__format_list *list, int64_t n, double *linear)
{
    int64_t kept = 0;
    memset(linear, 0, (size_t)n * sizeof linear[0]);
    for (int64_t k = 0; k < list->used; k++) {
        if (list->rows[k] == list->columns[k]) {
            linear[list->rows[k]] += list->values[k];
            continue;
        }
        list->rows[kept] = list->rows[k];
        list->columns[kept] = list->columns[k];
        list->values[kept++] = list->values[k];
    }
    list->used = kept;
}

static spr_status coo_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    coo_head head = {SPR_QUBO, 0.0, -1, -1, -1, -1};
    spr_status status = coo_read_lines(reader, list, &head, error);
    if (status == SPR_OK)
        status = coo_check_counts(reader, list, &head, error);
    if (status != SPR_OK)
        return status;
    const int64_t n = head.variables > 0 ? head.variables : head.largest + 1;
    double *linear = NULL;
    if (head.form == SPR_ISING) {
        linear = (double *)spr__allocate(&list->memory, (size_t)n * sizeof linear[0]);
        if (linear == NULL)
            return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %lld variables", (long long)n);
        coo_split(list, n, linear);
    }
    status = spr_problem_from_entries(list->memory.function, list->memory.user, head.form, n, linear, list->used,
                                      list->rows, list->columns, list->values, head.offset, problem, error);
    spr__release(&list->memory, linear, (size_t)n * sizeof *linear);
    return status;
}

static void coo_write_entry(spr__format_writer *writer, int64_t i, int64_t j, double value)
{
    spr__format_whole(writer, i);
    spr__format_text(writer, " ");
    spr__format_whole(writer, j);
    spr__format_text(writer, " ");
    spr__format_number(writer, value);
    spr__format_text(writer, "\n");
}

/* In the form in which the problem was given, so that nothing is rounded. */
static spr_status coo_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    const int ising = problem->form == SPR_ISING;
    const double *linear = ising ? problem->original_linear : view->linear;
    (void)error;
    spr__format_text(writer, ising ? "# vartype=SPIN\n# offset=" : "# vartype=BINARY\n# offset=");
    spr__format_number(writer, ising ? problem->original_offset : view->offset);
    spr__format_text(writer, "\n");
    spr__format_whole(writer, view->variables);
    spr__format_text(writer, "\n");
    for (int64_t i = 0; i < view->variables; i++) {
        if (linear[i] != 0.0)
            coo_write_entry(writer, i, i, linear[i]);
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
            if (view->column[at] > i)
                coo_write_entry(writer, i, view->column[at], (ising ? 0.25 : 1.0) * view->value[at]);
    }
    return SPR_OK;
}

const spr__format spr__format_coo = {"coo", coo_read, coo_write};
