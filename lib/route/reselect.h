/* SPDX-License-Identifier: MIT
 * The best experts of one token at given costs per expert, devices and nodes touched included, within their limits: exact,
 * by dynamic programming over devices (how many of its best experts each device gives). */
#ifndef SPR_ROUTE_RESELECT_H
#define SPR_ROUTE_RESELECT_H

#include "terms.h"
#include "../base/arena.h"

typedef struct spr__reselect {
    const spr__kernel *kernel;
    int64_t devices;             /* nodes where there are no devices */
    int by_node;                 /* and is that so? */
    double *field;               /* [width] cost of each expert to this token, +inf = not to be had; set by the caller */
    int32_t *order;              /* [devices] devices, those of a node together */
    int32_t *home;               /* [devices] node of the device */
    int32_t *members;            /* [width] experts, device by device */
    int32_t *first;              /* [devices+1] where a device's members begin */
    double *keys;                /* [width+8] of the members of a device */
    int64_t *places;             /* [width+8] */
    int32_t *best;               /* [devices][k] its cheapest experts, ascending */
    double *sum;                 /* [devices][k+1] cost of the first j */
    int32_t *have;               /* [devices] entries of best */
    int32_t *kept;               /* [devices] of these, must be taken */
    double *add;                 /* [k+1] scratch */
    double *tables;              /* [devices+1][states] least cost after the first devices, by state */
    double *entered;             /* [states] the same where a new node begins */
    int32_t *chosen;             /* [k] result */

    /* A state is (node of the current device touched?, nodes touched, devices touched, experts taken). The last is a row:
     * pad entries of +inf, then one for each number of experts. Counts that no limit asks for are not kept. */
    int64_t halves, node_steps, device_steps, pad, count, stride, plane, half, states;
} spr__reselect;

void spr__reselect_lay(spr__arena *arena, const spr_plan *plan, spr__reselect *reselect);

/* Once per batch. */
void spr__reselect_open(spr__reselect *reselect, const spr__terms *terms, const spr__kernel *kernel);

/* Writes need[t] experts to chosen and returns their cost, touches included; +inf if there is no choice. */
double spr__reselect_token(spr__reselect *reselect, const spr__terms *terms, int64_t token);

#endif
