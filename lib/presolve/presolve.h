/* SPDX-License-Identifier: MIT
 * Presolve: a smaller problem with the same minimum, and the way back. */
#ifndef SPR_PRESOLVE_PRESOLVE_H
#define SPR_PRESOLVE_PRESOLVE_H

#include "../qubo/problem.h"

/* Why a variable is gone. */
enum {
    SPR__RULE_ISOLATED,          /* no coupling left */
    SPR__RULE_PERSISTENT,        /* one value is best whatever the others are */
    SPR__RULE_DOMINATED,         /* one coupling outweighs the rest of its row: equal or opposite to that neighbour */
    SPR__RULE_PAIR,              /* what two coupled variables imply together */
    SPR__RULE_DEGREE_1,
    SPR__RULE_DEGREE_2,
    SPR__RULE_DEGREE_3,
    SPR__RULE_ROOF,              /* persistent by roof duality */
    SPR__RULES
};

/* How it comes back. */
enum { SPR__STEP_FIX, SPR__STEP_EQUAL, SPR__STEP_OPPOSITE, SPR__STEP_BEST };

/* One step, in terms of the problem's variables. FIX: x = value. EQUAL, OPPOSITE: of neighbour[0]. BEST: x = 1 if
 * linear + sum of weight[k] x[neighbour[k]] < 0; a neighbour may be -1. */
typedef struct spr__step {
    int32_t kind, rule;
    int32_t variable, value;
    int32_t neighbour[3];        /* FIX by a pair: the other one is neighbour[0] */
    double linear, weight[3];
} spr__step;

struct spr_reduction {
    spr__memory memory;
    int64_t variables, left, couplings;
    spr__step *steps;            /* [variables - left] in the order taken */
    int32_t *kept;               /* [left] the problem's variables that are left, ascending */
    int64_t components;          /* of what is left; -1 when not counted */
    int64_t rules[SPR__RULES];
    double lower_bound;          /* of the whole problem */
    double doubt;                /* how far rounding may have moved the energies of the reduced problem */
    spr_problem *reduced;        /* NULL if no variable is left, or nothing was worth it (steps and kept then too) */
};

typedef struct spr__presolve_limits {
    int32_t (*late)(void *user); /* or NULL; looked at now and then: nonzero ends presolve with what it has */
    void *user;
    int32_t roof;                /* roof dual: 0 no, 1 if it looks cheap, 2 even if not */
    int32_t components;          /* count them */
    int64_t least;               /* with fewer variables gone, the reduction is empty: only the bound is worth something */
} spr__presolve_limits;

/* A look at the problem: is it worth it? Reads the rows once. */
int spr__presolve_promises(const spr_problem_view *view);

/* Reduces. *reduction is NULL unless SPR_OK, SPR_ERROR_MEMORY, SPR_ERROR_SIZE. The problem may go before the reduction. */
spr_status spr__presolve(const spr__memory *memory, const spr_problem_view *view, const spr__presolve_limits *limits,
                         spr_reduction **reduction, spr_error *error);
void spr__presolve_free(spr_reduction *reduction);

/* spectral.c: a lower bound for dense problems. Returns SPR_OK, SPR_ERROR_UNSUPPORTED (built without LAPACKE), SPR_ERROR_SIZE,
 * SPR_ERROR_MEMORY. */
spr_status spr__presolve_spectral(const spr__memory *memory, const spr_problem_view *view,
                                  const spr__presolve_limits *limits, double *bound, spr_error *error);

/* restore.c: the whole state of a reduced one, and back. */
void spr__presolve_restore(const spr_reduction *reduction, const uint8_t *reduced, uint8_t *bits);
void spr__presolve_project(const spr_reduction *reduction, const uint8_t *bits, uint8_t *reduced);

#endif
