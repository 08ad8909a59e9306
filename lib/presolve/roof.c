/* SPDX-License-Identifier: MIT
 * Roof duality (P. Hammer, P. Hansen and B. Simeone, 1984): the best lower bound of its kind, and variables that keep their
 * value in some optimum, by one maximum flow (Boros and Hammer, 2002). Capacities are whole numbers: exactly, or for other
 * coefficients rounded, and then only the bound is used, less what was rounded. */
#include "flow.h"
#include "work.h"
#include "../base/arena.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* bits of the sum of the rounded coefficients; couplings per variable, and in all, beyond which it does not look cheap;
 * arcs then looked at, per variable and coupling, and in all */
enum { ROOF_BITS = 50, ROOF_DENSE = 40, ROOF_MOST = 2000000, ROOF_EFFORT = 16, ROOF_ARCS = 5000000 };

typedef struct roof_network {
    spr__flow flow;
    int32_t *variable;           /* [variables] of the work copy */
    int8_t *truth;               /* [2*variables] */
    int32_t *order, *low, *stack;
    void *block;
    size_t bytes;
    double unit;                 /* what a capacity of 1 is worth, times 4 */
    double slack;                /* what rounding may have moved energies by */
    int64_t base;                /* the constant of the function, in quarters of unit, without the offset */
} roof_network;

static void roof_place(roof_network *net, spr__arena *arena, size_t n, size_t halves)
{
    spr__flow *flow = &net->flow;
    flow->start = (int64_t *)spr__arena_take(arena, n + 1, sizeof(int64_t));
    flow->target = (int32_t *)spr__arena_take(arena, halves, sizeof(int32_t));
    flow->mate = (int32_t *)spr__arena_take(arena, halves, sizeof(int32_t));
    flow->room = (int64_t *)spr__arena_take(arena, 2 * halves, sizeof(int64_t));
    flow->terminal = (int64_t *)spr__arena_take(arena, 2 * n, sizeof(int64_t));
    flow->at = (int64_t *)spr__arena_take(arena, 2 * n, sizeof(int64_t));
    flow->arc = (int64_t *)spr__arena_take(arena, 2 * n, sizeof(int64_t));
    flow->level = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    flow->queue = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    flow->path = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    net->order = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    net->low = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    net->stack = (int32_t *)spr__arena_take(arena, 2 * n, sizeof(int32_t));
    net->variable = (int32_t *)spr__arena_take(arena, n, sizeof(int32_t));
    net->truth = (int8_t *)spr__arena_take(arena, 2 * n, sizeof(int8_t));
}

static int roof_open(roof_network *net, const spr__residue *work, const spr__memory *memory)
{
    memset(net, 0, sizeof *net);
    net->flow.variables = work->left;
    net->flow.halves = 2 * work->couplings;
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)net->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        spr__arena arena = {pass == 0 ? NULL : (char *)net->block + skip, 0};
        roof_place(net, &arena, (size_t)work->left, (size_t)net->flow.halves);
        if (pass == 0) {
            net->bytes = arena.used + SPR_ALIGNMENT;
            net->block = arena.used == SIZE_MAX ? NULL : spr__allocate(memory, net->bytes);
            if (net->block == NULL)
                return 0;
        }
    }
    return 1;
}

/* The power of two that capacities count in: it divides all coefficients, or makes their sum one of ROOF_BITS bits. */
static double roof_unit(const spr__residue *work)
{
    double size = 0.0;
    int exponent;
    if (work->exact && work->doubt == 0.0)
        return work->fine;
    for (int32_t i = 0; i < work->variables; i++)
        if (work->degree[i] >= 0)
            size += fabs(work->linear[i]) + (work->high[i] - work->low[i]);
    (void)frexp(size, &exponent);
    return ldexp(1.0, exponent - ROOF_BITS);
}

static int64_t roof_round(roof_network *net, double x)
{
    const double whole = rint(x / net->unit);
    net->slack += fabs(x - whole * net->unit);
    return (int64_t)whole;
}

/* Rows of what is left; place: where each half of the work copy went, so that mates find each other. */
static void roof_fill(roof_network *net, spr__residue *work, int32_t *place)
{
    spr__flow *flow = &net->flow;
    int32_t n = 0, halves = 0;
    for (int32_t i = 0; i < work->variables; i++)
        if (work->degree[i] >= 0) {
            net->variable[n] = i;
            work->mark[i] = n++;
        }
    for (int32_t k = 0; k < n; k++) {
        const int32_t i = net->variable[k];
        int64_t sum = 2 * roof_round(net, work->linear[i]);
        flow->start[k] = halves;
        for (int32_t half = work->first[i]; half >= 0; half = work->next[half]) {
            const double w = work->value[half / 2], slack = net->slack;
            const int64_t whole = roof_round(net, w);
            if (half & 1)
                net->slack = slack;                      /* counted at the other half */
            flow->target[halves] = 2 * work->mark[work->to[half]] + (w > 0.0);
            flow->room[halves] = flow->room[halves + flow->halves] = whole < 0 ? -whole : whole;
            place[half] = halves++;
            sum += whole;
            net->base -= whole > 0 ? whole : 0;          /* both halves together: two quarters of it each */
        }
        /* 2 (linear + half the couplings): what the variable is worth by itself */
        flow->terminal[2 * k] = -sum;
        flow->terminal[2 * k + 1] = sum;
        net->base += sum < 0 ? 2 * sum : 0;
    }
    flow->start[n] = halves;
    for (int32_t k = 0; k < n; k++)
        for (int32_t half = work->first[net->variable[k]]; half >= 0; half = work->next[half])
            flow->mate[place[half]] = place[half ^ 1];
    memset(work->mark, 0, (size_t)work->variables * sizeof work->mark[0]);
}

/* Without fields the flow is 0 and nothing is proved. */
static int roof_has_fields(const spr__residue *work)
{
    for (int32_t i = 0; i < work->variables; i++)
        if (work->degree[i] >= 0 && work->low[i] + work->high[i] != 0.0)
            return 1;
    return 0;
}

static int roof_fix(roof_network *net, spr__residue *work)
{
    int found = 0;
    spr__flow_close(&net->flow, net->truth, net->order, net->low, net->stack);
    for (int64_t k = 0; k < net->flow.variables; k++)
        if (net->truth[2 * k] || net->truth[2 * k + 1]) {
            spr__work_fix(work, net->variable[k], net->truth[2 * k], SPR__RULE_ROOF, -1);
            found = 1;
        }
    return found;
}

int spr__reduce_roof(spr__residue *work, const spr__memory *memory, const spr__presolve_limits *limits, int *found)
{
    roof_network net;
    *found = 0;
    if (limits->roof == 0 || work->left == 0 || !roof_has_fields(work))
        return 1;
    if (limits->roof == 1 && (work->couplings > ROOF_DENSE * work->left || work->couplings > ROOF_MOST))
        return 1;
    if (!roof_open(&net, work, memory))
        return 0;
    const size_t bytes = 2 * (size_t)work->couplings_at_first * sizeof(int32_t) + 4;
    int32_t *place = (int32_t *)spr__allocate(memory, bytes);
    if (place == NULL) {
        spr__release(memory, net.block, net.bytes);
        return 0;
    }
    net.unit = roof_unit(work);
    roof_fill(&net, work, place);
    spr__release(memory, place, bytes);
    const int64_t arcs = ROOF_EFFORT * (work->left + work->couplings);
    net.flow.most_effort = limits->roof == 2 ? INT64_MAX : arcs < ROOF_ARCS ? arcs : ROOF_ARCS;
    const int maximal = spr__flow_augment(&net.flow, limits);
    const double quarters = (double)(net.base + net.flow.total);
    double bound = work->offset + 0.25 * net.unit * quarters;
    if (!(work->exact && work->doubt == 0.0))
        bound -= net.slack + 2.0 * work->doubt + ldexp(fabs(work->offset) + net.unit * fabs(quarters), -50);
    work->bound = bound > work->bound ? bound : work->bound;
    if (maximal && work->exact && work->doubt == 0.0)
        *found = roof_fix(&net, work);
    spr__release(memory, net.block, net.bytes);
    return 1;
}
