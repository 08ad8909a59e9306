/* SPDX-License-Identifier: MIT
 * What the text formats share: a reader of lines and numbers, a list of entries, a writer into a buffer. */
#ifndef SPR_QUBO_FORMAT_H
#define SPR_QUBO_FORMAT_H

#include "problem.h"

/* Words of the longest line of any format; variables a text may have more than bytes. */
enum { SPR_FORMAT_WORDS = 6, SPR_FORMAT_FREE_VARIABLES = 1 << 20 };

/* The text, and where in it we are. */
typedef struct spr__format_reader {
    const char *at, *end;
    int64_t line;                /* of the words last read, from 1 */
    const char *word[SPR_FORMAT_WORDS]; /* words of that line */
    size_t length[SPR_FORMAT_WORDS];
    int64_t words;               /* how many, SPR_FORMAT_WORDS + 1 = more */
    int64_t most_variables;
    const char *comment;         /* a comment line without its mark, for formats that look into it; else NULL */
    size_t comment_length;
} spr__format_reader;

/* Reads the next line that has words, or (comments != 0) the next comment line with #. Returns 0 at the end. */
int spr__format_next(spr__format_reader *reader, int comments);

/* Does this word of the line say exactly that? */
int spr__format_says(const spr__format_reader *reader, int64_t word, const char *text);

/* Numbers of the line. A failure names the line, what was found and what is accepted. */
spr_status spr__format_integer(const spr__format_reader *reader, int64_t word, const char *what, int64_t least,
                               int64_t most, int64_t *value, spr_error *error);
spr_status spr__format_real(const spr__format_reader *reader, int64_t word, const char *what, double *value,
                            spr_error *error);

/* Entries as they are read. Room for as many as the text can hold is taken once. */
typedef struct spr__format_list {
    spr__memory memory;
    int64_t room, used;
    double *values;
    int32_t *rows, *columns;
    size_t bytes;
} spr__format_list;

spr_status spr__format_list_open(spr__format_list *list, spr__memory memory, const char *text, size_t bytes,
                                 spr_error *error);
void spr__format_list_close(spr__format_list *list);
void spr__format_list_add(spr__format_list *list, int64_t row, int64_t column, double value);

/* Writes into [size] what fits and counts all. */
typedef struct spr__format_writer {
    char *text;
    size_t size, used;
} spr__format_writer;

void spr__format_text(spr__format_writer *writer, const char *text);
void spr__format_number(spr__format_writer *writer, double number);
void spr__format_whole(spr__format_writer *writer, int64_t number);

/* One per format: read makes the problem; write returns SPR_ERROR_CONFLICT where the format cannot hold it. */
typedef struct spr__format {
    const char *name;
    spr_status (*read)(spr__format_reader *reader, spr__format_list *list, spr_problem **problem, spr_error *error);
    spr_status (*write)(const spr_problem *problem, spr__format_writer *writer, spr_error *error);
} spr__format;

extern const spr__format spr__format_coo, spr__format_bqp, spr__format_biqmac, spr__format_rudy, spr__format_qplib;

#endif
