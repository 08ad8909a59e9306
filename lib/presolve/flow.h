/* SPDX-License-Identifier: MIT
 * Maximum flow on the implication network of a quadratic function (E. Boros and P. Hammer, "Pseudo-Boolean optimization",
 * 2002): node 2k says x_k = 1, node 2k+1 says x_k = 0. A coupling w of i and j is four arcs of capacity |w|, each the
 * reverse of another: between x_i = 1 and x_j = 0, and x_i = 0 and x_j = 1, if w > 0; otherwise between equal values. So the
 * two nodes of a variable share one row of neighbours. The source is what is true, the sink what is not. */
#ifndef SPR_PRESOLVE_FLOW_H
#define SPR_PRESOLVE_FLOW_H

#include "presolve.h"

typedef struct spr__flow {
    int64_t variables, halves;
    int64_t *start;              /* [variables+1] row of k in target and mate */
    int32_t *target;             /* [halves] node that an arc out of 2k ends in; out of 2k+1 the other one of that variable */
    int32_t *mate;               /* [halves] the same coupling in the neighbour's row */
    int64_t *room;               /* [2*halves] residual capacities: out of 2k at the half, out of 2k+1 at halves + the half */
    int64_t *terminal;           /* [2*variables] residual capacity from the source if > 0, to the sink if < 0 */
    int32_t *level, *queue;      /* [2*variables] */
    int64_t *at;                 /* [2*variables] next arc to try */
    int32_t *path;               /* [2*variables] scratch */
    int64_t *arc;                /* [2*variables] scratch: the arcs of the path */
    int64_t effort, most_effort; /* arcs looked at */
    int64_t total;               /* the flow */
} spr__flow;

/* The node an arc ends in, and the arc back. Arcs out of node v: first .. last-1. */
static inline int32_t spr__flow_end(const spr__flow *flow, int64_t arc)
{
    return arc < flow->halves ? flow->target[arc] : flow->target[arc - flow->halves] ^ 1;
}

static inline int64_t spr__flow_back(const spr__flow *flow, int64_t arc)
{
    const int32_t end = spr__flow_end(flow, arc);
    return flow->mate[arc < flow->halves ? arc : arc - flow->halves] + (end & 1 ? flow->halves : 0);
}

static inline int64_t spr__flow_first(const spr__flow *flow, int32_t node)
{
    return flow->start[node / 2] + (node & 1 ? flow->halves : 0);
}

static inline int64_t spr__flow_last(const spr__flow *flow, int32_t node)
{
    return flow->start[node / 2 + 1] + (node & 1 ? flow->halves : 0);
}

/* flow.c: augments until the flow is maximal (then the answer is nonzero), too much effort is spent, or it is late. */
int spr__flow_augment(spr__flow *flow, const spr__presolve_limits *limits);

/* closure.c: 1 for the nodes of a set without a contradiction, closed under residual arcs, none into the sink: what it says
 * holds in some optimum. Of a maximal flow. truth: [2*variables]; order, low, stack: [2*variables] scratch. */
void spr__flow_close(spr__flow *flow, int8_t *truth, int32_t *order, int32_t *low, int32_t *stack);

#endif
