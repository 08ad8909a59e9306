/* SPDX-License-Identifier: MIT
 * COO: "i j value", 0-based, as qbsolv and dimod write it. */
#include "format.h"

#include <string.h>

#include "../base/exact.h"

/* What comment lines say: "vartype = SPIN", "offset = value" (anything else says nothing). */
static spr_status coo_look_into_comment(const spr__format_reader *reader, int32_t *form, double *offset, spr_error *error)
{
    spr__format_reader line = {reader->comment, reader->comment + reader->comment_length, 0, {NULL}, {0}, 0, NULL, 0};
    if (!spr__format_next(&line, 0))
        return SPR_OK;
    line.line = reader->line;
    if (line.words != 3 || line.length[1] != 1 || line.word[1][0] != '=')
        return SPR_OK;
    if (line.length[0] == 7 && memcmp(line.word[0], "vartype", 7) == 0) {
        const int spin = line.length[2] == 4 && memcmp(line.word[2], "SPIN", 4) == 0;
        if (!spin && !(line.length[2] == 6 && memcmp(line.word[2], "BINARY", 6) == 0))
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: vartype must be SPIN or BINARY", (long long)line.line);
        *form = spin ? SPR_ISING : SPR_QUBO;
    }
    if (line.length[0] == 6 && memcmp(line.word[0], "offset", 6) == 0)
        return spr__format_real(&line, 2, "offset", offset, error);
    return SPR_OK;
}

/* A first line that is no entry: "n", "n entries" or "p qubo 0 n diagonals couplings" (of which four words are seen). */
static spr_status coo_read_head(const spr__format_reader *reader, int64_t *n, int64_t *wanted, spr_error *error)
{
    const int problem = reader->length[0] == 1 && reader->word[0][0] == 'p';
    const int64_t most = INT32_MAX - 1;
    if (problem && (reader->words < 5 || reader->length[1] != 4 || memcmp(reader->word[1], "qubo", 4) != 0))
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld begins with p; accepted is \"p qubo 0 n diagonals couplings\"",
                         (long long)reader->line);
    if (problem)
        return spr__format_integer(reader, 3, "the number of variables", 1, most, n, error);
    if (reader->words > 2)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has more than 3 words; accepted is \"i j value\", \"n entries\" or "
                         "\"n\"", (long long)reader->line);
    spr_status status = spr__format_integer(reader, 0, "the number of variables", 1, most, n, error);
    if (status == SPR_OK && reader->words == 2)
        status = spr__format_integer(reader, 1, "the number of entries", 0, INT64_MAX, wanted, error);
    return status;
}

static spr_status coo_read_entry(const spr__format_reader *reader, int64_t n, spr__format_list *list, int64_t *largest,
                                 spr_error *error)
{
    const int64_t most = n > 0 ? n - 1 : INT32_MAX - 2;
    int64_t i = 0, j = 0;
    double value = 0.0;
    if (reader->words != 3)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld has %s words; accepted is \"i j value\"", (long long)reader->line,
                         reader->words < 3 ? "fewer than 3" : "more than 3");
    spr_status status = spr__format_integer(reader, 0, "the first index", 0, most, &i, error);
    if (status == SPR_OK)
        status = spr__format_integer(reader, 1, "the second index", 0, most, &j, error);
    if (status == SPR_OK)
        status = spr__format_real(reader, 2, "the value", &value, error);
    if (status != SPR_OK)
        return status;
    spr__format_list_add(list, i, j, value);
    *largest = i > *largest ? i : *largest;
    *largest = j > *largest ? j : *largest;
    return SPR_OK;
}

static spr_status coo_read(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error)
{
    int64_t n = 0, wanted = -1, largest = -1, lines = 0;
    int32_t form = SPR_QUBO;
    double offset = 0.0;
    spr_status status = SPR_OK;
    while (status == SPR_OK && spr__format_next(reader, 1)) {
        if (reader->comment != NULL)
            status = coo_look_into_comment(reader, &form, &offset, error);
        else if (lines++ == 0 && reader->words != 3)
            status = coo_read_head(reader, &n, &wanted, error);
        else
            status = coo_read_entry(reader, n, list, &largest, error);
    }
    if (status != SPR_OK)
        return status;
    if (wanted >= 0 && wanted != list->used)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text ends after %lld entries; its first line says %lld",
                         (long long)reader->line, (long long)list->used, (long long)wanted);
    n = n > 0 ? n : largest + 1;
    if (n == 0)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: the text holds no entries and no number of variables",
                         (long long)reader->line);
    return spr_problem_from_entries(list->memory.function, list->memory.user, form, n, NULL, list->used, list->rows,
                                    list->columns, list->values, offset, problem, error);
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

/* Ising problems are written as the QUBO that they are inside: dimod's form of it has no place for their linear part. */
static spr_status coo_write(const spr_problem *problem, spr__format_writer *writer, spr_error *error)
{
    const spr_problem_view *view = &problem->view;
    (void)error;
    spr__format_text(writer, "# vartype = BINARY\n# offset = ");
    spr__format_number(writer, view->offset);
    spr__format_text(writer, "\n");
    spr__format_whole(writer, view->variables);
    spr__format_text(writer, "\n");
    for (int64_t i = 0; i < view->variables; i++) {
        if (view->linear[i] != 0.0)
            coo_write_entry(writer, i, i, view->linear[i]);
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
            if (view->column[at] > i)
                coo_write_entry(writer, i, view->column[at], view->value[at]);
    }
    return SPR_OK;
}

const spr__format spr__format_coo = {"coo", coo_read, coo_write};
