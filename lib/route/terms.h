/* SPDX-License-Identifier: MIT
 * H of one batch in structured form: what every solver, the lowering and the judge of energies share. Nothing here is
 * expanded: memory is O(T E), plus E x E with pair couplings.
 *
 *   H(x) = - sum value[t,e] x[t,e]  + sum_e balance  + sum_d device balance
 *          + touch_device * (devices touched, summed over tokens) + touch_node * (nodes touched)
 *          + sum_e activation[e] u[e] + (level/2) sum_d A[d]^2
 *          + sum_t sum_{e<f} pair[e,f] x[t,e] x[t,f]  + constant
 * subject to  sum_e x[t,e] = need[t],  load[e] <= supply[e],  A[d] <= active_limit,
 *             devices (nodes) touched by a token <= device_limit (node_limit),  x[t,e] = 1 where keep says so.
 * Hysteresis h sum [x != previous] is in value (+ 2h where previous) and constant. */
#ifndef SPR_ROUTE_TERMS_H
#define SPR_ROUTE_TERMS_H

#include "plan.h"

typedef struct spr__terms {
    int64_t tokens, experts, k, width, words;
    const float *value;          /* [tokens][width], -inf = forbidden */
    const int32_t *need;         /* [tokens] experts the token takes: k, or fewer where fewer are allowed; 0 = takes none */
    const uint64_t *keep;        /* [tokens][words] bits: experts the token must keep (quality floor), or NULL */

    double balance, device_balance;      /* a, b; 0 = none */
    const double *target;        /* [experts] mu; 0 = no term */
    const double *device_target; /* [devices] nu */
    const double *cost;          /* [experts] c */
    const double *supply;        /* [experts] C, +inf = none */

    int64_t devices, nodes;      /* at least 1 each: without a map everything is device 0 of node 0 */
    const int32_t *device;       /* [experts] */
    const int32_t *node;         /* [experts] */
    double touch_device, touch_node;     /* >= 0 */
    int64_t device_limit, node_limit;    /* 0 = none */

    const double *activation;    /* [experts] m >= 0, with residency in it */
    double level;                /* q >= 0 */
    int64_t active_limit;        /* 0 = none */
    const float *pair;           /* [experts][width] symmetric, diagonal 0, or NULL */
    double constant;
} spr__terms;

/* A table's violations of the constraints; all 0 = feasible. */
typedef struct spr__violation {
    int64_t missing;             /* routes that tokens need and do not have */
    int64_t overload;            /* routes over supply */
    int64_t active;              /* active experts over active_limit, summed over devices */
    int64_t devices, nodes;      /* touched beyond the limits, summed over tokens */
    int64_t kept;                /* experts of the quality floor that are missing */
} spr__violation;

/* H of ids [tokens,k] (-1 = none; a token's experts are different), from scratch, in double, in a fixed order. scratch:
 * 2*experts + devices + nodes int32. violation may be NULL. */
double spr__terms_energy(const spr__terms *terms, const int32_t *ids, int32_t *scratch, spr__violation *violation);

int spr__violated(const spr__violation *violation);

/* Must the token keep the expert? */
static inline int spr__keeps(const spr__terms *terms, int64_t token, int32_t expert)
{
    return terms->keep != NULL && (terms->keep[token * terms->words + expert / 64] >> (expert & 63) & 1) != 0;
}

#endif
