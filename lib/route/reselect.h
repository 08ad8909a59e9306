/* SPDX-License-Identifier: MIT
 * The best experts of one token at given costs per expert, devices and nodes touched included, within their limits: exact,
 * by dynamic programming over devices (how many of its best experts each device gives). */
#ifndef SPR_ROUTE_RESELECT_H
#define SPR_ROUTE_RESELECT_H

#include "terms.h"
#include "../base/arena.h"

typedef struct spr__reselect {
    double *field;               /* [width] cost of each expert to this token, +inf = not to be had; set by the caller */
    int32_t *order;              /* [devices] devices, those of a node together */
    int32_t *home;               /* [devices] node of the device */
    int32_t *best;               /* [devices][k] its cheapest experts, ascending */
    double *sum;                 /* [devices][k+1] cost of the first j */
    int32_t *have;               /* [devices] entries of best */
    int32_t *kept;               /* [devices] of these, must be taken */
    double *now, *then;          /* [states] */
    uint8_t *choice;             /* [devices][states] experts taken from the device */
    uint8_t *came;               /* [devices][states] 1 = the node had been touched before */
    uint8_t *merged;             /* [devices][states] first device of a node: which half the state before it was */
    int64_t device_steps, node_steps, states;
    int32_t *chosen;             /* [k] result */
} spr__reselect;

void spr__reselect_lay(spr__arena *arena, const spr_plan *plan, spr__reselect *reselect);

/* Once per batch. */
void spr__reselect_open(spr__reselect *reselect, const spr__terms *terms);

/* Writes need[t] experts to chosen and returns their cost, touches included; +inf if there is no choice. */
double spr__reselect_token(spr__reselect *reselect, const spr__terms *terms, int64_t token);

#endif
