/* SPDX-License-Identifier: MIT
 * Entries in any order become couplings: sorted by two passes of a counting sort, equal ones added up in the order given.
 * Time and memory grow in proportion to entries and variables. */
#ifndef SPR_QUBO_COUPLINGS_H
#define SPR_QUBO_COUPLINGS_H

#include "../../include/spinroute/backend.h"
#include "../base/allocator.h"
#include "../base/error.h"

/* One end of a coupling and its value, in 12 bytes: a double need not be aligned here. */
typedef struct spr__coupling {
    int32_t other;
    uint32_t value[2];
} spr__coupling;

typedef struct spr__couplings {
    spr__memory memory;
    int64_t variables, room, used; /* used: couplings */
    int64_t *end;                /* [variables] where the couplings of a variable with a larger one end in item */
    int64_t *place;              /* [variables+1] scratch */
    spr__coupling *item;         /* [room] ascending; other is the larger variable */
} spr__couplings;

/* Entries of the diagonal are left out, and couplings whose sum is 0. Returns SPR_OK, SPR_ERROR_MEMORY,
 * SPR_ERROR_NOT_FINITE (a sum); close after any of them. */
spr_status spr__couplings_open(spr__couplings *to, const spr__memory *memory, int64_t variables, int64_t entries,
                               const int32_t *rows, const int32_t *columns, const double *values, spr_error *error);
void spr__couplings_close(spr__couplings *couplings);

/* Symmetric rows in ascending order. row_start [variables+1]; column, value [2*used]. */
void spr__couplings_spread(spr__couplings *from, int64_t *row_start, int32_t *column, double *value);

#endif
