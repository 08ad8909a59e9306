/* SPDX-License-Identifier: MIT
 * Backend "exact": elimination of variables where few are coupled, branch and bound where many are. */
#ifndef SPR_BACKEND_EXACT_EXACT_H
#define SPR_BACKEND_EXACT_EXACT_H

#include "../backends.h"

enum {
    EXACT_MOST_ELIMINATED = 512,     /* variables of a problem that is solved by elimination */
    EXACT_MOST_BRANCHED = 128,       /* and by branch and bound */
    EXACT_TABLE_BITS = 24            /* all tables of the elimination together: 2^24 entries */
};

/* The numbers that two different energies differ by at least, when coefficients are integers: their greatest common
 * divisor. 0 if they are not. */
double spr__exact_grain(const spr_problem_view *problem);

/* Nonzero if a state and its complement always have the same energy. */
int spr__exact_is_symmetric(const spr_problem_view *problem);

/* |offset| + sum of |coefficients|. */
double spr__exact_size(const spr_problem_view *problem);

/* -------------------------------------------------------------------------------------------------------- elimination */

/* The order in which variables leave, and how many neighbours each has then. */
typedef struct exact_order {
    int32_t variable[EXACT_MOST_ELIMINATED];
    int32_t width[EXACT_MOST_ELIMINATED];
    double entries;                              /* of all tables, if none is split */
    int32_t split;                               /* variables whose tables would be too large */
} exact_order;

/* Plans the elimination. Returns 0 if there are too many variables. */
int spr__exact_plan(const spr_problem_view *problem, exact_order *order);

typedef struct exact_elimination exact_elimination;

/* NULL if there is no memory. */
exact_elimination *spr__exact_eliminate_open(const spr_host *host);
void spr__exact_eliminate_warm(exact_elimination *elimination, const uint8_t *bits);
/* Adds to *used; returns nonzero when the best state has been offered and proved. */
int spr__exact_eliminate_step(exact_elimination *elimination, const spr_host *host, int64_t budget, int64_t *used);

/* --------------------------------------------------------------------------------------------------- branch and bound */

typedef struct exact_branching exact_branching;
exact_branching *spr__exact_branch_open(const spr_host *host);
void spr__exact_branch_warm(exact_branching *branching, const uint8_t *bits);
int spr__exact_branch_step(exact_branching *branching, const spr_host *host, int64_t budget, int64_t *used);

/* A node of the tree, for bounds: variables by the depth at which they are decided; those from depth on are open. */
typedef struct exact_node {
    int64_t n, depth;
    double (*weight)[EXACT_MOST_BRANCHED];       /* symmetric, diagonal 0 */
    const double *field;                         /* [n] of the open ones, given the others */
    double energy;                               /* of the others */
} exact_node;

typedef struct exact_relaxation exact_relaxation;

/* NULL if there is no memory. */
exact_relaxation *spr__exact_relax_open(const spr_host *host);
/* Nonzero if no completion of the node is below target. The parent must have been asked before. */
int spr__exact_relax_cuts(exact_relaxation *relax, const exact_node *node, double target, int64_t *effort);

#endif
