/* SPDX-License-Identifier: MIT
 * Caller's arrays: are they there, aligned, and apart from each other? */
#ifndef SPR_BASE_ARRAY_H
#define SPR_BASE_ARRAY_H

#include "error.h"

/* One array argument of a call. data NULL = argument not given. */
typedef struct spr__array {
    const char *name;
    const void *data;
    size_t bytes;
    size_t alignment;            /* of the element type, a power of two */
    int written;                 /* does the call write it? */
} spr__array;

/* SPR_ERROR_ALIGNMENT if an array is misaligned, SPR_ERROR_OVERLAP if a written one shares a byte with another. */
spr_status spr__check_arrays(const spr__array *arrays, int count, spr_error *error);

#endif
