/* SPDX-License-Identifier: MIT
 * SPR_LANES replicas side by side on sparse rows. */
#ifndef SPR_BACKEND_ANNEAL_REPLICAS_H
#define SPR_BACKEND_ANNEAL_REPLICAS_H

#include "model.h"

typedef struct spr__bundle {
    const spr__model *model;
    spr__replicas lanes;
    void *thresholds[2];
    uint64_t key, position;      /* random numbers */
    spr__heat heat;              /* that the thresholds are for */
} spr__bundle;

/* Memory from host: returns 0 if there is none. */
int spr__bundle_open(spr__bundle *bundle, const spr_host *host, const spr__model *model);

/* A temperature per lane. */
typedef struct spr__ladder {
    uint16_t factor[SPR_LANES];  /* as in spr__heat, with one shift */
    int32_t shift;
    float scale[SPR_LANES];
    int32_t odd;                 /* there are odd variables */
} spr__ladder;

/* Starts at random states, with random numbers from key. */
void spr__bundle_start(spr__bundle *bundle, uint64_t key);

/* Puts a state into one lane; spr__bundle_settle makes the fields fit when all are there. */
void spr__bundle_put(spr__bundle *bundle, int lane, const uint8_t *bits);
void spr__bundle_settle(spr__bundle *bundle);

/* One sweep over variables first .. last-1 at a temperature. */
void spr__bundle_sweep(spr__bundle *bundle, const spr__heat *heat, int64_t first, int64_t last);

/* The same with a temperature per lane. */
void spr__bundle_climb(spr__bundle *bundle, const spr__ladder *ladder, int64_t first, int64_t last);

/* Is variable i on in a lane? And: flips it. */
int spr__bundle_on(const spr__bundle *bundle, int64_t i, int lane);
void spr__bundle_flip(spr__bundle *bundle, int64_t i, int lane);

/* E of the states, [SPR_LANES]. */
void spr__bundle_energies(const spr__bundle *bundle, double *energies);

void spr__bundle_bits(const spr__bundle *bundle, int lane, uint8_t *bits);

/* Lane to[k] becomes a copy of lane from[k], one after the other: [changes]. */
void spr__bundle_copy(spr__bundle *bundle, const uint8_t *to, const uint8_t *from, int changes);

#endif
