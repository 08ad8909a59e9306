/* SPDX-License-Identifier: MIT
 * What all layouts ask of their arguments. A check remembers the first failure and ignores what comes after it, so a
 * layout states its arguments one per line and looks at check.status once. */
#ifndef SPR_LAYOUT_LAYOUT_H
#define SPR_LAYOUT_LAYOUT_H

#include "../base/array.h"

enum { SPR__LAYOUT_K = 64, SPR__LAYOUT_EXPERTS = 4096, SPR__LAYOUT_ARRAYS = 8 };

typedef enum spr__layout_type {
    SPR__LAYOUT_UINT8,
    SPR__LAYOUT_INT32,
    SPR__LAYOUT_INT64,
    SPR__LAYOUT_FLOAT
} spr__layout_type;

enum { SPR__LAYOUT_READ = 0, SPR__LAYOUT_WRITE = 1 };

typedef struct spr__layout_check {
    spr_status status;           /* of the first failure, SPR_OK before it */
    spr_error *error;
    int count;
    spr__array arrays[SPR__LAYOUT_ARRAYS];
} spr__layout_check;

void spr__layout_begin(spr__layout_check *check, spr_error *error);

/* SPR_ERROR_ARGUMENT unless minimum <= value <= maximum. */
void spr__layout_range(spr__layout_check *check, const char *name, int64_t value, int64_t minimum, int64_t maximum);

/* SPR_ERROR_ARGUMENT unless value is positive and divides whole, which is positive. */
void spr__layout_divides(spr__layout_check *check, const char *name, int64_t value, const char *whole_name,
                         int64_t whole);

/* Ranges of tokens, k and experts. */
void spr__layout_shape(spr__layout_check *check, int64_t tokens, int64_t k, int64_t experts);

/* SPR_ERROR_SIZE if tokens*k routes cannot be counted in int32. */
void spr__layout_int32_routes(spr__layout_check *check, int64_t tokens, int64_t k);

/* SPR_ERROR_SIZE if size, an argument, is smaller than needed; rule says where the need comes from. */
void spr__layout_size(spr__layout_check *check, const char *name, int64_t size, int64_t needed, const char *rule);

/* Adds an array of rows*columns elements: SPR_ERROR_ARGUMENT if it is NULL and has elements, SPR_ERROR_SIZE if no
 * memory could hold them. */
void spr__layout_array(spr__layout_check *check, const char *name, const void *data, spr__layout_type type, int written,
                       int64_t rows, int64_t columns);

/* Alignment and overlap of the arrays added so far. Before it no element may be read, after it all may. */
void spr__layout_arrays_done(spr__layout_check *check);

/* SPR_ERROR_EXPERT_ID unless every id is -1..experts-1; returns the number of routes, ids that are not -1. */
int64_t spr__layout_ids(spr__layout_check *check, const int32_t *ids, int64_t tokens, int64_t k, int64_t experts);

/* The same, and counts[e+1] = routes of expert e, counts[0] = ids that are -1. counts has experts+1 entries. */
void spr__layout_count_ids(spr__layout_check *check, const int32_t *ids, int64_t tokens, int64_t k, int64_t experts,
                           int32_t *counts);

#endif
