/* SPDX-License-Identifier: MIT
 * Text formats: the common part, and the choice by name. */
#include "format.h"
#include "../base/number.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* shortest entry of any format: "0 1\n" */
enum { FORMAT_SHORTEST = 4 };

static int format_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void format_split(spr__format_reader *reader, const char *line, const char *end)
{
    reader->words = 0;
    while (line < end && reader->words <= SPR_FORMAT_WORDS) {
        while (line < end && format_blank(*line))
            line++;
        if (line == end || *line == '#')
            return;
        const char *start = line;
        while (line < end && !format_blank(*line) && *line != '#')
            line++;
        if (reader->words < SPR_FORMAT_WORDS) {
            reader->word[reader->words] = start;
            reader->length[reader->words] = (size_t)(line - start);
        }
        reader->words++;
    }
}

int spr__format_next(spr__format_reader *reader, int comments)
{
    reader->comment = NULL;
    while (reader->at < reader->end) {
        const char *line = reader->at, *end = (const char *)memchr(line, '\n', (size_t)(reader->end - line));
        end = end != NULL ? end : reader->end;
        reader->at = end < reader->end ? end + 1 : end;
        reader->line++;
        while (line < end && format_blank(*line))
            line++;
        if (line == end)
            continue;
        if (comments && *line == '#') {
            reader->comment = line + 1;
            reader->comment_length = (size_t)(end - line) - 1;
            reader->words = 0;
            return 1;
        }
        /* "c" alone, so that a word that begins with c is not lost */
        if (*line == '%' || (*line == 'c' && (line + 1 == end || format_blank(line[1]))))
            continue;
        format_split(reader, line, end);
        if (reader->words > 0)
            return 1;
    }
    /* an empty text has a first line, too */
    reader->line += reader->line == 0;
    return 0;
}

int spr__format_says(const spr__format_reader *reader, int64_t word, const char *text)
{
    const size_t length = strlen(text);
    return word < reader->words && reader->length[word] == length && memcmp(reader->word[word], text, length) == 0;
}

static int format_shown(size_t length)
{
    return length < 40 ? (int)length : 40;
}

static spr_status format_bad(const spr__format_reader *reader, int64_t word, const char *what, const char *accepted,
                             spr_error *error)
{
    if (word >= reader->words)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: %s is missing", (long long)reader->line, what);
    /* what is not text is not shown as text */
    for (size_t i = 0; i < reader->length[word]; i++)
        if (reader->word[word][i] < ' ' || reader->word[word][i] > '~')
            return spr__fail(error, SPR_ERROR_PARSE, "line %lld: %s holds a byte that is no text; accepted is %s",
                             (long long)reader->line, what, accepted);
    return spr__fail(error, SPR_ERROR_PARSE, "line %lld: %s is \"%.*s\"; accepted is %s", (long long)reader->line, what,
                     format_shown(reader->length[word]), reader->word[word], accepted);
}

spr_status spr__format_integer(const spr__format_reader *reader, int64_t word, const char *what, int64_t least,
                               int64_t most, int64_t *value, spr_error *error)
{
    if (word >= reader->words || !spr__number_integer(reader->word[word], reader->length[word], value))
        return format_bad(reader, word, what, "a whole number", error);
    if (*value < least || *value > most)
        return spr__fail(error, SPR_ERROR_PARSE, "line %lld: %s is %lld; accepted is %lld..%lld",
                         (long long)reader->line, what, (long long)*value, (long long)least, (long long)most);
    return SPR_OK;
}

spr_status spr__format_real(const spr__format_reader *reader, int64_t word, const char *what, double *value,
                            spr_error *error)
{
    if (word >= reader->words || !spr__number_real(reader->word[word], reader->length[word], value) ||
        !isfinite(*value))
        return format_bad(reader, word, what, "a finite decimal number", error);
    return SPR_OK;
}

spr_status spr__format_list_open(spr__format_list *list, spr__memory memory, const char *text, size_t bytes,
                                 spr_error *error)
{
    /* no more entries than lines, nor than the bytes can spell, whatever a header says */
    size_t lines = 1;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    const size_t most = lines < bytes / FORMAT_SHORTEST + 1 ? lines : bytes / FORMAT_SHORTEST + 1;
    memset(list, 0, sizeof *list);
    list->memory = memory;
    list->room = (int64_t)most;
    list->bytes = most * (sizeof(double) + 2 * sizeof(int32_t));
    list->values = (double *)spr__allocate(&memory, list->bytes);
    if (list->values == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %zu entries", most);
    list->rows = (int32_t *)(void *)(list->values + most);
    list->columns = list->rows + most;
    return SPR_OK;
}

void spr__format_list_close(spr__format_list *list)
{
    spr__release(&list->memory, list->values, list->bytes);
}

void spr__format_list_add(spr__format_list *list, int64_t row, int64_t column, double value)
{
    list->rows[list->used] = (int32_t)row;
    list->columns[list->used] = (int32_t)column;
    list->values[list->used++] = value;
}

static void format_put(spr__format_writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++, writer->used++)
        if (writer->used + 1 < writer->size)
            writer->text[writer->used] = text[i];
}

void spr__format_text(spr__format_writer *writer, const char *text)
{
    format_put(writer, text, strlen(text));
}

void spr__format_number(spr__format_writer *writer, double number)
{
    char text[32];
    const size_t length = spr__number_write(number, text);
    format_put(writer, text, length);
}

void spr__format_whole(spr__format_writer *writer, int64_t number)
{
    char text[32];
    const size_t length = spr__number_write_integer(number, text);
    format_put(writer, text, length);
}

/* A variable without an entry costs no byte, so a number alone could ask for all memory: some are free, no more. */
static int64_t format_most_variables(size_t bytes)
{
    const size_t most = INT32_MAX - 1;
    return (int64_t)(bytes < most - SPR_FORMAT_FREE_VARIABLES ? bytes + SPR_FORMAT_FREE_VARIABLES : most);
}

static const spr__format *format_find(const char *name)
{
    static const spr__format *const all[] = {&spr__format_coo, &spr__format_bqp, &spr__format_biqmac,
                                             &spr__format_rudy, &spr__format_qplib};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static spr_status format_unknown(const char *name, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_OPTION_NAME, "format is \"%.40s\"; accepted are coo, bqp, biqmac, rudy, qplib",
                     name);
}

spr_status spr_problem_from_text(spr_allocator allocator, void *user, const char *format, const char *text,
                                 size_t bytes, spr_problem **problem, spr_error *error)
{
    if (problem == NULL || format == NULL || text == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", problem == NULL  ? "problem"
                                                                  : format == NULL ? "format"
                                                                                   : "text");
    *problem = NULL;
    const spr__format *chosen = format_find(format);
    if (chosen == NULL)
        return format_unknown(format, error);
    spr__format_reader reader;
    spr__format_list list;
    memset(&reader, 0, sizeof reader);
    reader.at = text;
    reader.end = text + bytes;
    reader.most_variables = format_most_variables(bytes);
    spr_status status = spr__format_list_open(&list, spr__memory_of(allocator, user), text, bytes, error);
    if (status != SPR_OK)
        return status;
    status = chosen->read(&reader, &list, problem, error);
    spr__format_list_close(&list);
    return status;
}

spr_status spr_problem_to_text(const spr_problem *problem, const char *format, char *text, size_t size, size_t *needed,
                               spr_error *error)
{
    if (problem == NULL || format == NULL || (text == NULL && size > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", problem == NULL  ? "problem"
                                                                  : format == NULL ? "format"
                                                                                   : "text");
    const spr__format *chosen = format_find(format);
    if (chosen == NULL)
        return format_unknown(format, error);
    if (problem->view.terms != NULL)
        return spr__fail(error, SPR_ERROR_CONFLICT, "the problem has %lld squares and %lld constraints, which no text format "
                         "holds; spr_problem_expand makes couplings of them", (long long)problem->terms.squares,
                         (long long)problem->terms.constraints);
    spr__format_writer writer = {text, size, 0};
    spr_status status = chosen->write(problem, &writer, error);
    if (status != SPR_OK)
        return status;
    if (problem->view.variables > format_most_variables(writer.used))
        return spr__fail(error, SPR_ERROR_CONFLICT,
                         "the problem has %lld variables, %d more than the bytes of its text",
                         (long long)problem->view.variables, SPR_FORMAT_FREE_VARIABLES);
    if (size > 0)
        text[writer.used < size ? writer.used : size - 1] = '\0';
    if (needed != NULL)
        *needed = writer.used + 1;
    return writer.used < size ? spr__ok(error)
                              : spr__fail(error, SPR_ERROR_SIZE, "size is %zu; the text needs %zu", size,
                                          writer.used + 1);
}
