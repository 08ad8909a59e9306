/* SPDX-License-Identifier: MIT */
#include "reselect.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static int64_t reselect_steps(int64_t limit, size_t most)
{
    return limit > 0 && (size_t)limit < most ? limit + 1 : 1;
}

void spr__reselect_lay(spr__arena *arena, const spr_plan *plan, spr__reselect *r)
{
    const size_t width = (size_t)plan->width, k = (size_t)plan->options.k;
    const size_t nodes = (size_t)(plan->options.nodes > 0 ? plan->options.nodes : 1);
    const size_t devices = plan->options.devices > 0 ? (size_t)plan->options.devices : nodes;
    memset(r, 0, sizeof *r);
    r->devices = (int64_t)devices;
    r->by_node = plan->options.devices == 0;
    r->device_steps = reselect_steps(plan->options.device_limit, devices);
    r->node_steps = reselect_steps(plan->options.node_limit, nodes);
    /* without a cost or a limit of nodes every node counts as touched from the start */
    r->halves = r->node_steps > 1 || (plan->options.nodes > 0 && plan->options.node_touch_weight > 0.0) ? 2 : 1;
    r->pad = (int64_t)(k + 7) / 8 * 8;
    r->count = (int64_t)(k + 8) / 8 * 8;
    r->stride = r->pad + r->count;
    r->plane = r->device_steps * r->stride;
    r->half = r->node_steps * r->plane;
    r->states = r->halves * r->half;
    r->field = (double *)spr__arena_take(arena, width, sizeof(double));
    r->order = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->home = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->members = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    r->first = (int32_t *)spr__arena_take(arena, devices + 1, sizeof(int32_t));
    r->keys = (double *)spr__arena_take(arena, width + 8, sizeof(double));
    r->places = (int64_t *)spr__arena_take(arena, width + 8, sizeof(int64_t));
    r->best = (int32_t *)spr__arena_take(arena, devices * k, sizeof(int32_t));
    r->sum = (double *)spr__arena_take(arena, devices * (k + 1), sizeof(double));
    r->have = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->kept = (int32_t *)spr__arena_take(arena, devices, sizeof(int32_t));
    r->add = (double *)spr__arena_take(arena, k + 1, sizeof(double));
    r->tables = (double *)spr__arena_take(arena, (devices + 1) * (size_t)r->states, sizeof(double));
    r->entered = (double *)spr__arena_take(arena, (size_t)r->states, sizeof(double));
    r->chosen = (int32_t *)spr__arena_take(arena, k, sizeof(int32_t));
}

/* Without devices a node is one. */
static int32_t reselect_device(const spr__reselect *r, const spr__terms *terms, int64_t e)
{
    return r->by_node ? terms->node[e] : terms->device[e];
}

void spr__reselect_open(spr__reselect *r, const spr__terms *terms, const spr__kernel *kernel)
{
    int64_t used = 0;
    r->kernel = kernel;
    for (int64_t d = 0; d < r->devices; d++)
        r->home[d] = 0;
    for (int64_t e = 0; e < terms->experts; e++)
        r->home[reselect_device(r, terms, e)] = terms->node[e];
    for (int64_t n = 0; n < terms->nodes; n++)
        for (int64_t d = 0; d < r->devices; d++)
            if (r->home[d] == n)
                r->order[used++] = (int32_t)d;
    used = 0;
    for (int64_t d = 0; d < r->devices; d++) {
        r->first[d] = (int32_t)used;
        for (int32_t e = 0; e < terms->experts; e++)
            if (reselect_device(r, terms, e) == d)
                r->members[used++] = e;
    }
    r->first[r->devices] = (int32_t)used;
}

/* More members than these are sorted by insertion: comparing all with all would take longer. */
enum { RESELECT_RANKED = 48 };

/* A device's cheapest experts by ranks. */
static void reselect_rank(spr__reselect *r, int64_t d, int64_t need, int64_t k)
{
    const int64_t first = r->first[d], members = r->first[d + 1] - first, count = (members + 7) / 8 * 8;
    for (int64_t i = members; i < count; i++)
        r->keys[i] = INFINITY;
    r->kernel->rank(r->keys, count, r->places);
    for (int64_t i = 0; i < members; i++)
        if (r->places[i] < need)
            r->best[d * k + r->places[i]] = r->members[first + i];
}

static void reselect_insert(spr__reselect *r, int64_t d, int64_t need, int64_t k)
{
    const int64_t first = r->first[d], members = r->first[d + 1] - first;
    int32_t *best = r->best + d * k;
    double *key = r->add;
    int64_t have = 0;
    for (int64_t m = 0; m < members; m++) {
        const double cost = r->keys[m];
        int64_t i = have;
        if (i == need && !(cost < key[i - 1]))
            continue;
        for (i -= i == need; i > 0 && cost < key[i - 1]; i--) {
            key[i] = key[i - 1];
            best[i] = best[i - 1];
        }
        key[i] = cost;
        best[i] = r->members[first + m];
        have += have < need;
    }
}

/* The cheapest experts of each device, kept ones first. Returns 0 if a kept one is not to be had. */
static int reselect_list(spr__reselect *r, const spr__terms *terms, int64_t t)
{
    const int64_t k = terms->k, need = terms->need[t];
    for (int64_t d = 0; d < r->devices; d++) {
        const int64_t first = r->first[d], members = r->first[d + 1] - first;
        int64_t finite = 0, kept = 0;
        for (int64_t i = 0; i < members; i++) {
            const int32_t e = r->members[first + i];
            r->keys[i] = r->field[e];
            finite += r->field[e] < INFINITY;
            if (!spr__keeps(terms, t, e))
                continue;
            if (!(r->field[e] < INFINITY))
                return 0;
            r->keys[i] = -INFINITY;
            kept++;
        }
        if (members <= RESELECT_RANKED)
            reselect_rank(r, d, need, k);
        else
            reselect_insert(r, d, need, k);
        r->have[d] = (int32_t)(finite < need ? finite : need);
        r->kept[d] = (int32_t)kept;
        double *sum = r->sum + d * (k + 1);
        sum[0] = 0.0;
        for (int64_t i = 0; i < r->have[d]; i++)
            sum[i + 1] = sum[i] + r->field[r->best[d * k + i]];
    }
    return 1;
}

/* Cost of taking j experts of a device, by whether its node is touched already (half). */
static double reselect_add(const spr__reselect *r, const spr__terms *terms, int32_t d, int64_t half, int64_t j)
{
    const double node = r->halves == 2 && half == 0 ? terms->touch_node : 0.0;
    return r->sum[d * (terms->k + 1) + j] + (terms->touch_device + node);
}

/* How far taking from a device moves a state: one more device, and one more node when the half says so. */
static int64_t reselect_shift(const spr__reselect *r, int64_t half)
{
    const int64_t node = half == 0 && r->halves == 2;
    return (r->device_steps > 1 ? r->stride : 0) + (node && r->node_steps > 1 ? r->plane : 0) + (node ? r->half : 0);
}

static void reselect_step(spr__reselect *r, const spr__terms *terms, int32_t d, const double *base, double *then)
{
    const int64_t first = r->kept[d] > 1 ? r->kept[d] : 1;
    const int64_t rows = r->device_steps > 1 ? r->device_steps - 1 : 1;
    if (r->kept[d] == 0)
        memcpy(then, base, (size_t)r->states * sizeof then[0]);
    else
        for (int64_t s = 0; s < r->states; s++)
            then[s] = INFINITY;
    if (r->have[d] < first)
        return;
    for (int64_t half = 0; half < r->halves; half++) {
        const int64_t planes = half == 0 && r->halves == 2 && r->node_steps > 1 ? r->node_steps - 1 : r->node_steps;
        for (int64_t j = first; j <= r->have[d]; j++)
            r->add[j] = reselect_add(r, terms, d, half, j);
        for (int64_t c = 0; c < planes; c++) {
            const int64_t at = half * r->half + c * r->plane + r->pad;
            r->kernel->least_sums(base + at, r->add, first, r->have[d], rows, r->stride, r->count,
                                  then + at + reselect_shift(r, half));
        }
    }
}

static double reselect_lesser(double a, double b)
{
    return b < a ? b : a;
}

/* A new node begins, of which nothing is touched. */
static const double *reselect_enter(const spr__reselect *r, const double *table)
{
    if (r->halves == 1)
        return table;
    for (int64_t s = 0; s < r->half; s++) {
        r->entered[s] = reselect_lesser(table[s], table[s + r->half]);
        r->entered[s + r->half] = INFINITY;
    }
    return r->entered;
}

static int reselect_enters(const spr__reselect *r, int64_t i)
{
    return i > 0 && r->home[r->order[i]] != r->home[r->order[i - 1]];
}

/* From the best state backwards: which number of experts of each device led there. */
static void reselect_trace(spr__reselect *r, const spr__terms *terms, int64_t state)
{
    int64_t used = 0;
    for (int64_t i = r->devices - 1; i >= 0; i--) {
        const int32_t d = r->order[i];
        const double *table = r->tables + i * r->states, value = r->tables[(i + 1) * r->states + state];
        const double *base = reselect_enters(r, i) ? reselect_enter(r, table) : table;
        int64_t taken = 0, from = state;
        for (int64_t half = 0; half < r->halves && !(r->kept[d] == 0 && base[state] == value) && taken == 0; half++)
            for (int64_t j = r->kept[d] > 1 ? r->kept[d] : 1; j <= r->have[d] && taken == 0; j++) {
                from = state - reselect_shift(r, half) - j;
                if (from >= half * r->half && from < (half + 1) * r->half &&
                    base[from] + reselect_add(r, terms, d, half, j) == value)
                    taken = j;
            }
        for (int64_t j = 0; j < taken; j++)
            r->chosen[used++] = r->best[d * terms->k + j];
        state = taken > 0 ? from : state;
        if (reselect_enters(r, i) && r->halves == 2 && table[state + r->half] < table[state])
            state += r->half;
    }
}

double spr__reselect_token(spr__reselect *r, const spr__terms *terms, int64_t t)
{
    double best = INFINITY;
    int64_t state = -1;
    if (!reselect_list(r, terms, t))
        return INFINITY;
    for (int64_t s = 0; s < r->states; s++)
        r->tables[s] = INFINITY;
    r->tables[r->pad] = 0.0;
    for (int64_t i = 0; i < r->devices; i++) {
        double *table = r->tables + i * r->states;
        reselect_step(r, terms, r->order[i], reselect_enters(r, i) ? reselect_enter(r, table) : table, table + r->states);
    }
    const double *last = r->tables + r->devices * r->states;
    for (int64_t s = r->pad + terms->need[t]; s < r->states; s += r->stride)
        if (last[s] < best) {
            best = last[s];
            state = s;
        }
    if (state < 0)
        return INFINITY;
    reselect_trace(r, terms, state);
    return best;
}
