/* SPDX-License-Identifier: MIT
 * Whether coefficients are whole multiples of a unit, and of which. */
#ifndef SPR_BACKEND_ANNEAL_SCALE_H
#define SPR_BACKEND_ANNEAL_SCALE_H

#include "../../../include/spinroute/backend.h"

typedef struct spr__scale {
    int32_t whole;               /* all coefficients are whole multiples of one power of two */
    double unit;                 /* u: of all couplings, and of the linear part too unless half is set. Where they are no
                                    whole multiples: the power of two above the largest, so that floats hold them in u */
    int32_t half;                /* linear parts are multiples of u/2 */
    double largest;              /* |coupling| / u */
    double reach;                /* no field leaves -reach .. reach, in u */
    double typical;              /* fields of random states stay within this, in u */
} spr__scale;

void spr__scale_find(const spr_problem_view *problem, spr__scale *scale);

#endif
