/* SPDX-License-Identifier: MIT
 * What a maximal flow proves. A set of nodes without a contradiction, closed under residual arcs and with none into the
 * sink, makes every term of the function that it touches 0: so some optimum obeys it (Boros and Hammer, 2002). Such sets are
 * minimum cuts, the same for every maximal flow, so the flow need not be symmetric. The strong components of the residual
 * network are found sinks first (R. Tarjan, 1972), and each is taken that can be. */
#include "flow.h"

#include "../base/exact.h"

/* The members of a component lie on the stack from first on; can they all be true? */
static int closure_can_be(const spr__flow *flow, const int8_t *truth, const int32_t *stack, int32_t first, int32_t used)
{
    for (int32_t m = first; m < used; m++) {
        const int32_t v = stack[m];
        if (flow->terminal[v] < 0 || truth[v ^ 1] > 0)
            return 0;
        /* members are marked 2 by now: with its opposite in it, it is a contradiction */
        for (int64_t arc = spr__flow_first(flow, v); arc < spr__flow_last(flow, v); arc++)
            if (flow->room[arc] > 0 && truth[spr__flow_end(flow, arc)] <= 0)
                return 0;
    }
    return 1;
}

static int32_t closure_take(spr__flow *flow, int8_t *truth, int32_t *order, int32_t *stack, int32_t root, int32_t used)
{
    int32_t first = used;
    do
        truth[stack[--first]] = 2;
    while (stack[first] != root);
    const int can = closure_can_be(flow, truth, stack, first, used);
    for (int32_t m = first; m < used; m++) {
        truth[stack[m]] = (int8_t)can;
        order[stack[m]] = INT32_MAX;
    }
    return first;
}

/* A search from root; path and at are the flow's own, free by now. order: 0 new, INT32_MAX done. */
static int32_t closure_search(spr__flow *flow, int8_t *truth, int32_t *order, int32_t *low, int32_t *stack, int32_t root,
                              int32_t count)
{
    int32_t depth = 0, used = 0;
    flow->path[0] = root;
    order[root] = low[root] = ++count;
    stack[used++] = root;
    while (depth >= 0) {
        const int32_t v = flow->path[depth];
        if (flow->at[v] < spr__flow_last(flow, v)) {
            const int64_t arc = flow->at[v]++;
            const int32_t end = spr__flow_end(flow, arc);
            if (flow->room[arc] == 0)
                continue;
            if (order[end] == 0) {
                order[end] = low[end] = ++count;
                stack[used++] = end;
                flow->path[++depth] = end;
            } else if (order[end] < low[v])
                low[v] = order[end];
            continue;
        }
        if (low[v] == order[v])
            used = closure_take(flow, truth, order, stack, v, used);
        if (--depth >= 0 && low[v] < low[flow->path[depth]])
            low[flow->path[depth]] = low[v];
    }
    return count;
}

void spr__flow_close(spr__flow *flow, int8_t *truth, int32_t *order, int32_t *low, int32_t *stack)
{
    const int32_t nodes = (int32_t)(2 * flow->variables);
    int32_t count = 0;
    for (int32_t v = 0; v < nodes; v++) {
        order[v] = truth[v] = 0;
        flow->at[v] = spr__flow_first(flow, v);
    }
    for (int32_t v = 0; v < nodes; v++)
        if (order[v] == 0)
            count = closure_search(flow, truth, order, low, stack, v, count);
}
