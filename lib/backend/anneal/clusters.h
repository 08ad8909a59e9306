/* SPDX-License-Identifier: MIT
 * Two states of a sparse problem differ in clusters that have no coupling between them: each can be taken over or left,
 * whatever is done with the others, so the best of all their mixtures is found cluster by cluster (partition crossover:
 * Tinos, Whitley and Chicano, GECCO 2015, for k-bounded functions; Houdayer's clusters in spin glasses, 2001). */
#ifndef SPR_BACKEND_ANNEAL_CLUSTERS_H
#define SPR_BACKEND_ANNEAL_CLUSTERS_H

#include "../../../include/spinroute/backend.h"

typedef struct spr__clusters {
    const spr_problem_view *problem;
    int32_t even;                /* E(x) = E(1-x) */
    int32_t *stack;              /* [n] */
    uint8_t *differ;             /* [n] */
} spr__clusters;

/* Memory from host: returns 0 if there is none. */
int spr__clusters_open(spr__clusters *clusters, const spr_host *host, int32_t even);

/* Takes over into bits every cluster of other that lowers E. Returns by how much E fell. */
double spr__clusters_take(spr__clusters *clusters, uint8_t *bits, const uint8_t *other);

#endif
