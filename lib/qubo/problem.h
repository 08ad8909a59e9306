/* SPDX-License-Identifier: MIT
 * A problem: its QUBO form as symmetric rows. Immutable once made. */
#ifndef SPR_QUBO_PROBLEM_H
#define SPR_QUBO_PROBLEM_H

#include "../../include/spinroute/backend.h"
#include "../base/allocator.h"
#include "../base/error.h"

struct spr_problem {
    spr__memory memory;
    spr_problem_view view;       /* what backends see: the QUBO form */
    void *block;                 /* one allocation behind the view */
    size_t block_bytes;
    int32_t form;                /* the form it was given in */
    int32_t rounded;             /* the QUBO form had to be rounded */
    double *original_linear;     /* Ising problems: as given, so that reading back is exact; else NULL */
    double original_offset;
};

/* energy.c: of a state whose bytes are known to be 0 or 1. */
double spr__problem_energy(const spr_problem_view *problem, const uint8_t *bits);

#endif
