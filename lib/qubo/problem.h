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
    double *original_linear;     /* [n] Ising problems: as given, so that reading back is exact; else NULL */
    double original_offset;
    spr_problem_terms terms;     /* where view.terms points, if there are any */
    void *terms_block;
    size_t terms_bytes;
};

/* energy.c: of a state whose bytes are known to be 0 or 1, squares included. */
double spr__problem_energy(const spr_problem_view *problem, const uint8_t *bits);

/* violation.c: number of violated constraints of such a state; the first of them, or -1, and the sum of what sides differ
 * by. Either may be NULL. */
int64_t spr__problem_violation(const spr_problem_view *problem, const uint8_t *bits, int64_t *first, double *amount);

/* problem.c: a copy without terms. */
spr_status spr__problem_copy(const spr__memory *memory, const spr_problem *from, spr_problem **problem, spr_error *error);

/* forms.c: the QUBO form of an Ising problem whose couplings are still in Ising units, in place; and back. linear and
 * offset are sums without error where they can be: the return value is nonzero if something was rounded. */
int spr__forms_to_qubo(spr_problem_view *problem, double *linear, double *value, double *offset);
int spr__forms_to_ising(const spr_problem_view *problem, double *linear, double *offset);

/* The offset that makes the Ising energy of couplings factor * value minus the weight of a cut: minus their sum, always
 * added in the same order. */
double spr__forms_cut_offset(const spr_problem_view *problem, double factor);

/* problem.c: the Ising problem of these couplings whose offset is spr__forms_cut_offset. */
spr_status spr__problem_from_cut(const spr__memory *memory, int64_t variables, int64_t entries, const int32_t *rows,
                                 const int32_t *columns, const double *values, spr_problem **problem, spr_error *error);

#endif
