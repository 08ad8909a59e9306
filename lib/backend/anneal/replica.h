/* SPDX-License-Identifier: MIT
 * One replica on dense rows. */
#ifndef SPR_BACKEND_ANNEAL_REPLICA_H
#define SPR_BACKEND_ANNEAL_REPLICA_H

#include "model.h"

typedef struct spr__replica {
    const spr__model *model;
    spr__dense dense;
    int32_t wide;                /* fields are floats and states int32_t, in units of u where couplings are whole: those of
                                  * real numbers, and of whole ones once a field was about to leave int16_t */
} spr__replica;

/* Memory from host: returns 0 if there is none. */
int spr__replica_open(spr__replica *replica, const spr_host *host, const spr__model *model);

/* Starts at a state (NULL: drawn from key), with random numbers from key. */
void spr__replica_start(spr__replica *replica, const uint8_t *bits, uint64_t key);

/* Makes a replica wide, with the same state. Whole numbers stay exact. */
void spr__replica_widen(spr__replica *replica);

/* One sweep over spans first .. last-1 at a temperature. */
void spr__replica_sweep(spr__replica *replica, const spr__heat *heat, int64_t first, int64_t last);

/* E of the state. */
double spr__replica_energy(const spr__replica *replica);

/* What E changes by when variable i flips. */
double spr__replica_gain(const spr__replica *replica, int64_t i);

void spr__replica_bits(const spr__replica *replica, uint8_t *bits);

#endif
