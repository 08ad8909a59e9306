/* SPDX-License-Identifier: MIT
 * Maximum flow along shortest paths, level by level (E. Dinitz, 1970), in counted steps. */
#include "flow.h"

#include "../base/exact.h"

enum { FLOW_LOOK = 65536 };

/* Levels from the source; nonzero if the sink is reached. */
static int flow_levels(spr__flow *flow)
{
    const int32_t nodes = (int32_t)(2 * flow->variables);
    int32_t used = 0, reached = INT32_MAX;
    for (int32_t v = 0; v < nodes; v++) {
        flow->level[v] = flow->terminal[v] > 0 ? 0 : -1;
        flow->at[v] = spr__flow_first(flow, v);
        if (flow->terminal[v] > 0)
            flow->queue[used++] = v;
    }
    for (int32_t next = 0; next < used; next++) {
        const int32_t v = flow->queue[next];
        if (flow->level[v] >= reached)
            break;
        const int64_t last = spr__flow_last(flow, v);
        for (int64_t arc = spr__flow_first(flow, v); arc < last; arc++) {
            const int32_t end = spr__flow_end(flow, arc);
            if (flow->room[arc] == 0 || flow->level[end] >= 0)
                continue;
            flow->level[end] = flow->level[v] + 1;
            reached = flow->terminal[end] < 0 && reached == INT32_MAX ? flow->level[end] : reached;
            flow->queue[used++] = end;
        }
        flow->effort += last - spr__flow_first(flow, v);
    }
    return reached != INT32_MAX;
}

/* Sends what the path of depth arcs from node holds to the sink; returns the depth before the first arc that is full. */
static int32_t flow_send(spr__flow *flow, int32_t node, int32_t depth)
{
    const int32_t end = flow->path[depth];
    int64_t amount = flow->terminal[node] < -flow->terminal[end] ? flow->terminal[node] : -flow->terminal[end];
    int32_t first_full = depth;
    for (int32_t d = 0; d < depth; d++)
        amount = flow->room[flow->arc[d]] < amount ? flow->room[flow->arc[d]] : amount;
    for (int32_t d = depth - 1; d >= 0; d--) {
        flow->room[flow->arc[d]] -= amount;
        flow->room[spr__flow_back(flow, flow->arc[d])] += amount;
        first_full = flow->room[flow->arc[d]] == 0 ? d : first_full;
    }
    flow->terminal[node] -= amount;
    flow->terminal[end] += amount;
    flow->total += amount;
    flow->effort += depth;
    return first_full;
}

/* The next arc out of v that goes a level up and has room; -1 if there is none. */
static int64_t flow_next(spr__flow *flow, int32_t v)
{
    const int64_t last = spr__flow_last(flow, v);
    for (; flow->at[v] < last; flow->at[v]++) {
        flow->effort++;
        if (flow->room[flow->at[v]] > 0 && flow->level[spr__flow_end(flow, flow->at[v])] == flow->level[v] + 1)
            return flow->at[v];
    }
    return -1;
}

static void flow_from(spr__flow *flow, int32_t node)
{
    int32_t depth = 0;
    flow->path[0] = node;
    while (flow->terminal[node] > 0) {
        const int32_t v = flow->path[depth];
        if (depth > 0 && flow->terminal[v] < 0) {
            depth = flow_send(flow, node, depth);
            continue;
        }
        const int64_t arc = flow_next(flow, v);
        if (arc >= 0) {
            flow->arc[depth++] = arc;
            flow->path[depth] = spr__flow_end(flow, arc);
        } else {
            flow->level[v] = -1;
            if (depth == 0)
                return;
            flow->at[flow->path[--depth]]++;
        }
    }
}

int spr__flow_augment(spr__flow *flow, const spr__presolve_limits *limits)
{
    while (flow_levels(flow)) {
        int64_t look = flow->effort;
        for (int32_t v = 0; v < 2 * flow->variables; v++) {
            if (flow->terminal[v] <= 0)
                continue;
            flow_from(flow, v);
            if (flow->effort >= flow->most_effort)
                return 0;
            if (flow->effort - look < FLOW_LOOK)
                continue;
            look = flow->effort;
            if (limits->late != NULL && limits->late(limits->user))
                return 0;
        }
    }
    return 1;
}
