/* SPDX-License-Identifier: MIT
 * The elite: a few good states that differ, from which new ones are bred. */
#ifndef SPR_BACKEND_ANNEAL_POOL_H
#define SPR_BACKEND_ANNEAL_POOL_H

#include "model.h"

enum { SPR_POOL_ROOM = 16 };

typedef struct spr__pool {
    int64_t variables;
    int32_t used;
    int32_t even;                /* E(x) = E(1-x): a state and its opposite are one */
    double energy[SPR_POOL_ROOM];
    uint8_t *bits;               /* [SPR_POOL_ROOM, n] */
} spr__pool;

/* Memory from host: returns 0 if there is none. */
int spr__pool_open(spr__pool *pool, const spr_host *host, int32_t even);

/* E(x) = E(1-x) for all x? */
int32_t spr__pool_even(const spr_problem_view *problem);

/* Takes a state in unless it is (nearly) there already or worse than all of a full pool. */
void spr__pool_add(spr__pool *pool, const uint8_t *bits, double energy);

/* Makes a pool like another one of the same problem. */
void spr__pool_copy(spr__pool *pool, const spr__pool *other);

/* The best energy; +inf if there is none. */
double spr__pool_best(const spr__pool *pool);

/* A child of two members, drawn from key: what they agree on, and chance where they do not. Needs two members; with one the
 * child is that one. */
void spr__pool_breed(const spr__pool *pool, uint64_t key, uint8_t *bits);

#endif
