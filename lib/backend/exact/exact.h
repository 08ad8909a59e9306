/* SPDX-License-Identifier: MIT
 * Backend "exact": elimination of variables where that is cheap, branch and bound where it is not. */
#ifndef SPR_BACKEND_EXACT_EXACT_H
#define SPR_BACKEND_EXACT_EXACT_H

#include "../backends.h"

enum {
    EXACT_MOST_ELIMINATED = 512,     /* variables of a problem that is solved by elimination */
    EXACT_MOST_BRANCHED = 64,        /* and by branch and bound */
    EXACT_TABLE_BITS = 24            /* all tables of the elimination together: 2^24 entries */
};

/* -------------------------------------------------------------------------------------------------------- elimination */

/* The order in which variables leave, each by the one that joins fewest others then (minimum degree), and what it costs. */
typedef struct exact_order {
    int32_t variable[EXACT_MOST_ELIMINATED];
    int32_t width[EXACT_MOST_ELIMINATED];        /* neighbours left when it leaves */
    double entries;                              /* of all tables */
} exact_order;

/* Plans the elimination of at most EXACT_MOST_ELIMINATED variables. Returns 0 if tables would be too large. */
int spr__exact_plan(const spr_problem_view *problem, exact_order *order);

typedef struct exact_elimination exact_elimination;
exact_elimination *spr__exact_eliminate_open(const spr_host *host);
/* Adds to *used; returns nonzero when the best state has been offered and proved. */
int spr__exact_eliminate_step(exact_elimination *elimination, const spr_host *host, int64_t budget, int64_t *used);

/* --------------------------------------------------------------------------------------------------- branch and bound */

typedef struct exact_branching exact_branching;
exact_branching *spr__exact_branch_open(const spr_host *host);
void spr__exact_branch_warm(exact_branching *branching, const uint8_t *bits);
int spr__exact_branch_step(exact_branching *branching, const spr_host *host, int64_t budget, int64_t *used);

#endif
