/* SPDX-License-Identifier: MIT
 * The problem while it is being reduced: rows from which couplings can be taken out, and the steps taken so far.
 *
 * A coupling is two halves, 2c in the row of one variable and 2c+1 in the row of the other; rows are doubly linked lists
 * of halves. No reduction adds a coupling without giving one up, so the halves of the problem are enough for ever.
 *
 * Rounding: every sum knows its error, and doubt is the sum of the sizes of all errors. So the energies of the work copy
 * are within doubt of what they should be, for any state; a decision with a margin of 4 * doubt is right in spite of it.
 * With coefficients that are multiples of a power of two, and sums within 53 bits, doubt is 0 and margins are. */
#ifndef SPR_PRESOLVE_WORK_H
#define SPR_PRESOLVE_WORK_H

#include "presolve.h"

typedef struct spr__residue {
    int64_t variables, left;     /* at first, and now */
    int64_t couplings, couplings_at_first;
    double *linear;              /* [variables] */
    double *low, *high;          /* [variables] linear and the negative, the positive couplings: what x = 1 costs at least, at most */
    double *largest;             /* [variables] no coupling of the row is larger in size */
    double offset;
    double doubt;
    double fine;                 /* a power of two that divides everything, when exact */
    double bound;                /* no energy is lower, by the reductions that say so; -inf */
    double equal;                /* the size of all couplings at first; 0 when they differ */
    double unit;                 /* of the couplings at first: a power of two that divides them; 0 when not exact */
    int wide;                    /* sizes and units of couplings need not be kept any more */
    int exact;                   /* coefficients are multiples of a power of two, of at most 50 bits together */

    int32_t *degree;             /* [variables] -1: not there any more */
    int32_t *first;              /* [variables] half, or -1 */
    int32_t *to, *next, *prev;   /* [halves] neighbour, and the row's list */
    double *value;               /* [couplings at first] */
    int32_t *mark;               /* [variables] scratch, 0 between uses */

    int32_t *queue;              /* [variables] in a ring: what is to be looked at again */
    uint8_t *queued;             /* [variables] */
    int64_t queue_at, queue_used;

    int64_t effort, most_effort; /* halves walked over, and how many may be */
    spr__step *steps;            /* [variables] */
    int64_t step_count;
    int64_t rules[SPR__RULES];   /* how often each was used */

    void *block;
    size_t block_bytes;
} spr__residue;

/* Copies a problem; 0 if there is no memory. */
int spr__work_open(spr__residue *work, const spr__memory *memory, const spr_problem_view *view);
void spr__work_close(spr__residue *work, const spr__memory *memory);

/* *x += d, with the rounding error added to doubt. */
void spr__work_add(spr__residue *work, double *x, double d);

/* linear[i] += d. */
void spr__work_add_linear(spr__residue *work, int32_t i, double d);

/* The half from i to j, or -1. */
int32_t spr__work_find(spr__residue *work, int32_t i, int32_t j);

/* A coupling gets another weight; 0 takes it out. */
void spr__work_set_value(spr__residue *work, int32_t half, double value);

/* The half of i now belongs to j instead, with this weight: the coupling of i and k = to[half] becomes one of j and k, which
 * have none. */
void spr__work_move(spr__residue *work, int32_t half, int32_t j, double value);

/* The three ways a variable goes; each takes down the step. */
void spr__work_fix(spr__residue *work, int32_t i, int value, int32_t rule, int32_t because);
void spr__work_merge(spr__residue *work, int32_t i, int32_t j, int opposite, int32_t rule);
void spr__work_gone(spr__residue *work, int32_t i, const spr__step *step);

/* The next variable to look at; -1 when there is none. */
int32_t spr__work_next(spr__residue *work);
void spr__work_push(spr__residue *work, int32_t i);

/* What a comparison must be above to hold in spite of rounding; size is that of the numbers compared. */
double spr__work_margin(const spr__residue *work, double size);

/* The reductions. Nonzero: i is gone, or for pairs: something is. */
int spr__reduce_fix(spr__residue *work, int32_t i);                 /* persistency.c */
int spr__reduce_dominated(spr__residue *work, int32_t i);
int spr__reduce_degree(spr__residue *work, int32_t i);              /* degree.c */
int spr__reduce_pairs(spr__residue *work, const spr__presolve_limits *limits);   /* pairs.c */

/* roof.c: the bound, and in found whether something is gone. 0 if there is no memory. */
int spr__reduce_roof(spr__residue *work, const spr__memory *memory, const spr__presolve_limits *limits, int *found);

#endif
