/* SPDX-License-Identifier: MIT
 * The tables of an elimination, and the search through them. */
#ifndef SPR_BACKEND_EXACT_TABLES_H
#define SPR_BACKEND_EXACT_TABLES_H

#include "exact.h"

/* What a variable leaves behind: the least that some of its functions add up to, over its own value, for every assignment
 * of the other variables in them. Places are times of leaving. */
typedef struct exact_table {
    int32_t scope[EXACT_TABLE_BITS];             /* places, ascending; bit i of an index is the value at scope[i] */
    int32_t width;
    int32_t from;                                /* place of the variable that left it */
    uint32_t coupled;                            /* bits of the scope whose coupling with it is among the functions */
    int32_t with_linear;                         /* its linear part is among them too */
    int32_t sources;                             /* first table among the functions, -1 = none; the rest by next_source */
    int32_t next_source;
    int32_t next_sent;                           /* next table left by the same variable, -1 = none */
    int32_t next_arrived;                        /* next table whose first place is the same, -1 = none */
    double *least;                               /* [2^width] */
} exact_table;

struct exact_elimination {
    const spr_problem_view *problem;
    exact_order order;
    int32_t n, count;                            /* variables, tables */
    int32_t limit;                               /* widest table */
    int32_t place[EXACT_MOST_ELIMINATED];        /* of a variable */
    int32_t sent[EXACT_MOST_ELIMINATED];         /* first table left by the variable at a place, -1 = none */
    int32_t arrived[EXACT_MOST_ELIMINATED];      /* first table that waits for it, -1 = none */
    exact_table *tables;
    int64_t most;                                /* room for so many tables */
    int32_t table;                               /* which one is being filled */
    int64_t entry;                               /* and from where on */
    double size, grain;
    int symmetric;

    /* search, from the last place to the first */
    int32_t at;                                  /* place to decide; n before the start */
    uint8_t value[EXACT_MOST_ELIMINATED];        /* by place */
    int8_t left[EXACT_MOST_ELIMINATED];          /* values still to be tried: bit 0, bit 1 */
    double bound[EXACT_MOST_ELIMINATED + 1];     /* bound[p]: no completion of places p .. n-1 is better */
    double cost[EXACT_MOST_ELIMINATED][2];       /* what either value adds to the bound */
    double best;
    uint8_t *bits;                               /* [n] by variable, to be offered */
};

/* search.c: one node. Returns nonzero when nothing is left to search. */
int spr__exact_search_node(exact_elimination *e, const spr_host *host);

#endif
