/* SPDX-License-Identifier: MIT
 * The best distinct states seen, ordered by energy, then by bits. */
#ifndef SPR_ENGINE_SAMPLES_H
#define SPR_ENGINE_SAMPLES_H

#include "../base/allocator.h"
#include "../base/error.h"

typedef struct spr__samples {
    int64_t variables, room, used;
    uint8_t *bits;               /* [room][variables], by place */
    double *energy;              /* [room], by place */
    int64_t *occurrences;        /* [room], by place */
    int32_t *rank;               /* [room] places, best first */
    void *block;
    size_t bytes;
} spr__samples;

/* Room for that many states, empty. Returns 0 if there is no memory. */
int spr__samples_open(spr__samples *samples, const spr__memory *memory, int64_t variables, int64_t room);
void spr__samples_close(spr__samples *samples, const spr__memory *memory);

void spr__samples_clear(spr__samples *samples);

/* Keeps the state if it is among the best; one that is there already is counted. */
void spr__samples_add(spr__samples *samples, const uint8_t *bits, double energy);

#endif
