/* SPDX-License-Identifier: MIT */
#include "reselect.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static size_t reselect_limit(int64_t limit, size_t most)
{
    return limit > 0 && (size_t)limit < most ? (size_t)limit : 0;
}

/* A state is (nodes touched, devices touched, experts taken, node of the current device touched?); counts that no limit
 * asks for are not kept. */
void spr__reselect_lay(spr__arena *arena, const spr_plan *plan, spr__reselect *r)
{
    const size_t width = (size_t)plan->width, k = (size_t)plan->options.k;
    const size_t devices = (size_t)(plan->options.devices > 0 ? plan->options.devices : 1);
    const size_t nodes = (size_t)(plan->options.nodes > 0 ? plan->options.nodes : 1);
    memset(r, 0, sizeof *r);
    r->device_steps = (int64_t)reselect_limit(plan->options.device_limit, devices) + 1;
    r->node_steps = (int64_t)reselect_limit(plan->options.node_limit, nodes) + 1;
    r->states = r->node_steps * r->device_steps * (int64_t)(k + 1) * 2;
    const size_t states = (size_t)r->states;
    r->field = (double *)spr__arena_take(arena, width, sizeof(double));
    r->order = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->home = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->best = (int32_t *)spr__arena_take(arena, devices * k, sizeof(int32_t));
    r->sum = (double *)spr__arena_take(arena, devices * (k + 1), sizeof(double));
    r->have = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->kept = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->now = (double *)spr__arena_take(arena, states, sizeof(double));
    r->then = (double *)spr__arena_take(arena, states, sizeof(double));
    r->choice = (uint8_t *)spr__arena_take(arena, devices * states, 1);
    r->came = (uint8_t *)spr__arena_take(arena, devices * states, 1);
    r->merged = (uint8_t *)spr__arena_take(arena, devices * states, 1);
    r->chosen = (int32_t *)spr__arena_take(arena, k, sizeof(int32_t));
}

void spr__reselect_open(spr__reselect *r, const spr__terms *terms)
{
    int64_t used = 0;
    for (int64_t d = 0; d < terms->devices; d++)
        r->home[d] = 0;
    for (int64_t e = 0; e < terms->experts; e++)
        r->home[terms->device[e]] = terms->node[e];
    for (int64_t n = 0; n < terms->nodes; n++)
        for (int64_t d = 0; d < terms->devices; d++)
            if (r->home[d] == n)
                r->order[used++] = (int32_t)d;
}

/* The cheapest experts of each device, kept ones first. Returns 0 if a kept one is not to be had. */
static int reselect_list(spr__reselect *r, const spr__terms *terms, int64_t t)
{
    const int64_t k = terms->k, need = terms->need[t];
    memset(r->have, 0, (size_t)terms->devices * sizeof r->have[0]);
    memset(r->kept, 0, (size_t)terms->devices * sizeof r->kept[0]);
    for (int64_t e = 0; e < terms->experts; e++) {
        const double cost = r->field[e];
        const int keep = spr__keeps(terms, t, (int32_t)e);
        if (!(cost < INFINITY) && keep)
            return 0;
        if (!(cost < INFINITY))
            continue;
        const int32_t d = terms->device[e];
        int32_t *best = r->best + d * k;
        int64_t i = r->have[d];
        if (i == need && !keep && (r->kept[d] == need || !(cost < r->field[best[i - 1]])))
            continue;
        i -= i == need;
        for (; i > (keep ? 0 : r->kept[d]) && cost < r->field[best[i - 1]]; i--)
            best[i] = best[i - 1];
        /* kept experts stand before all others, whatever they cost */
        for (; keep && i > r->kept[d]; i--)
            best[i] = best[i - 1];
        best[i] = (int32_t)e;
        r->kept[d] += keep;
        r->have[d] += r->have[d] < need;
    }
    for (int64_t d = 0; d < terms->devices; d++) {
        double *sum = r->sum + d * (k + 1);
        sum[0] = 0.0;
        for (int64_t i = 0; i < r->have[d]; i++)
            sum[i + 1] = sum[i] + r->field[r->best[d * k + i]];
    }
    return 1;
}

/* Without a cost or a limit of nodes every node counts as touched from the start. */
static int reselect_sees_nodes(const spr__reselect *r, const spr__terms *terms)
{
    return r->node_steps > 1 || terms->touch_node > 0.0;
}

/* then = the best of all ways to take j of this device's experts on top of a state of now. */
static void reselect_step(spr__reselect *r, const spr__terms *terms, int64_t t, int32_t d, uint8_t *choice, uint8_t *came)
{
    const int64_t need = terms->need[t], row = (terms->k + 1) * 2, plane = r->device_steps * row;
    const int counts_devices = r->device_steps > 1, counts_nodes = r->node_steps > 1;
    const int64_t first = reselect_sees_nodes(r, terms) ? 0 : 1;
    const double *sum = r->sum + d * (terms->k + 1);
    for (int64_t s = 0; s < r->states; s++)
        r->then[s] = INFINITY;
    for (int64_t c = 0; c < r->node_steps; c++)
        for (int64_t m = 0; m < r->device_steps; m++)
            for (int64_t i = 0; i <= need; i++)
                for (int64_t b = first; b < 2; b++) {
                    const int64_t state = c * plane + m * row + i * 2 + b;
                    const double from = r->now[state];
                    if (!(from < INFINITY))
                        continue;
                    if (r->kept[d] == 0 && from < r->then[state]) {
                        r->then[state] = from;
                        choice[state] = 0;
                        came[state] = (uint8_t)b;
                    }
                    const int64_t m_next = m + counts_devices, c_next = c + (counts_nodes && b == 0);
                    if (m_next >= r->device_steps || c_next >= r->node_steps)
                        continue;
                    const double touch = from + terms->touch_device + (b == 0 ? terms->touch_node : 0.0);
                    const int64_t to = c_next * plane + m_next * row + 1;
                    const int64_t most = r->have[d] < need - i ? r->have[d] : need - i;
                    for (int64_t j = r->kept[d] > 1 ? r->kept[d] : 1; j <= most; j++) {
                        const double cost = touch + sum[j];
                        if (cost < r->then[to + (i + j) * 2]) {
                            r->then[to + (i + j) * 2] = cost;
                            choice[to + (i + j) * 2] = (uint8_t)j;
                            came[to + (i + j) * 2] = (uint8_t)b;
                        }
                    }
                }
}

/* A new node begins: nothing of it is touched. came tells which of the two was better. */
static void reselect_enter_node(spr__reselect *r, uint8_t *merged)
{
    for (int64_t s = 0; s < r->states; s += 2) {
        merged[s] = r->now[s + 1] < r->now[s];
        r->now[s] = merged[s] ? r->now[s + 1] : r->now[s];
        r->now[s + 1] = INFINITY;
    }
}

static double reselect_best(const spr__reselect *r, int64_t need, int64_t row, int64_t *state)
{
    double best = INFINITY;
    *state = -1;
    for (int64_t p = 0; p < r->states / row; p++)
        for (int64_t b = 0; b < 2; b++)
            if (r->now[p * row + need * 2 + b] < best) {
                best = r->now[p * row + need * 2 + b];
                *state = p * row + need * 2 + b;
            }
    return best;
}

double spr__reselect_token(spr__reselect *r, const spr__terms *terms, int64_t t)
{
    const int64_t need = terms->need[t], row = (terms->k + 1) * 2, plane = r->device_steps * row;
    const int counts_devices = r->device_steps > 1, counts_nodes = r->node_steps > 1;
    const int sees_nodes = reselect_sees_nodes(r, terms);
    int64_t state, used = 0;
    if (!reselect_list(r, terms, t))
        return INFINITY;
    for (int64_t s = 0; s < r->states; s++)
        r->now[s] = INFINITY;
    r->now[sees_nodes ? 0 : 1] = 0.0;
    for (int64_t i = 0; i < terms->devices; i++) {
        const int32_t d = r->order[i];
        uint8_t *choice = r->choice + i * r->states, *came = r->came + i * r->states;
        const int enters = sees_nodes && i > 0 && r->home[d] != r->home[r->order[i - 1]];
        if (enters)
            reselect_enter_node(r, r->merged + i * r->states);
        reselect_step(r, terms, t, d, choice, came);
        double *swap = r->now;
        r->now = r->then;
        r->then = swap;
    }
    const double best = reselect_best(r, need, row, &state);
    if (state < 0)
        return INFINITY;
    for (int64_t i = terms->devices - 1; i >= 0; i--) {
        const int32_t d = r->order[i];
        const int64_t j = r->choice[i * r->states + state], b = r->came[i * r->states + state];
        for (int64_t x = 0; x < j; x++)
            r->chosen[used++] = r->best[d * terms->k + x];
        if (j > 0)
            state = (state & ~(int64_t)1) - 2 * j - (counts_devices ? row : 0) - (counts_nodes && b == 0 ? plane : 0) + b;
        else
            state = (state & ~(int64_t)1) + b;
        if (sees_nodes && i > 0 && r->home[d] != r->home[r->order[i - 1]])
            state = (state & ~(int64_t)1) + r->merged[i * r->states + (state & ~(int64_t)1)];
    }
    return best;
}
