/* SPDX-License-Identifier: MIT
 * A lower bound of H over all states, and the multipliers behind it.
 *
 * Let z be any state of the bits, E(z) its energy, g_i(z) the signed violation of constraint i (an OR: x - y), v_i its
 * square root of what is charged, so that E = H' + sum weight_i v_i^2, where H' has the ORs' bits in place of the ORs.
 *   L(z) = H'(z) + sum lambda_i g_i(z), bounded from below term by term, each bit on its own:
 *     balance            f(load) >= q load + min over integers 0..T of f - q;  of devices: its tangent
 *     level              A^2 >= (2m + 1) A - m (m + 1) for integers
 *     pairs of a token   >= sum over x of half the need-1 most negative pairs of its expert, less |J| v^2 (need+1)/2
 *                        where the token has v > 0 experts too many: each of its n = need + v experts has need - 1 + v
 *                        others, and n v <= v^2 (need + 1)
 *     rows               p (load + slack - C) >= p (load - C), as p >= 0; limits likewise
 *     x                  min(0, its cost + alpha);  y: min(0, its cost less its multipliers)
 *   The sum is D. So E(z) >= D + sum (weight_i v_i^2 - lambda_i g_i), and with |g_i| <= v_i^2 (an OR: lambda >= 0, and
 *   x - y <= x (1 - y)) a state that violates any constraint has E >= D + weight_i - |lambda_i| >= known + margin when
 *   weight_i = |lambda_i| + (known - D) + margin, plus (need + 1)/2 |J| for tokens. A table that keeps all constraints
 *   has its H at the right auxiliary bits, and no less at others, since each bit that is missing costs an OR's weight,
 *   which is made at least as much as the bit can save, and a bit too many costs >= 0. Hence both minima agree.
 * The kernel speaks of tables that keep all constraints; for them x = 1 costs, beyond D, its distance to the dearest
 * taken and what each of its ORs still costs beyond its multipliers; x = 0 the distance to the cheapest not taken.
 *
 * The multipliers come from projected supergradient steps of Polyak's length towards the known table's H. D is computed
 * from them afresh and reduced by more than rounding can have added, so that it holds whatever they are. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static int lower_bound_has_open(const spr__terms *terms)
{
    int any = terms->level > 0.0 || terms->active_limit > 0;
    for (int64_t e = 0; e < terms->experts; e++)
        any |= terms->activation[e] > 0.0;
    return any;
}

static void lower_bound_lay(spr__arena *arena, const spr__terms *terms, spr__lower_bound *b)
{
    const size_t experts = (size_t)terms->experts, tokens = (size_t)terms->tokens, cells = tokens * experts;
    const size_t open = lower_bound_has_open(terms) ? cells : 0, devices = (size_t)terms->devices;
    const size_t touch = terms->touch_device > 0.0 || terms->device_limit > 0 ? cells : 0;
    const size_t node = terms->touch_node > 0.0 || terms->node_limit > 0 ? cells : 0;
    const size_t count = 2 * experts + 2 * devices + 2 * tokens + open + touch + node;
    const size_t groups = experts + devices + (size_t)terms->nodes + 1;
    double *const at = (double *)spr__arena_take(arena, count, sizeof(double));
    b->multipliers = (int64_t)count;
    b->at = at;
    b->best = (double *)spr__arena_take(arena, count, sizeof(double));
    b->up = (double *)spr__arena_take(arena, count, sizeof(double));
    b->reduced = (double *)spr__arena_take(arena, cells, sizeof(double));
    b->token = (double *)spr__arena_take(arena, tokens, sizeof(double));
    b->last = (double *)spr__arena_take(arena, tokens, sizeof(double));
    b->next = (double *)spr__arena_take(arena, tokens, sizeof(double));
    b->room = (double *)spr__arena_take(arena, experts, sizeof(double));
    b->touch_room = (double *)spr__arena_take(arena, tokens * (size_t)terms->devices, sizeof(double));
    b->node_room = (double *)spr__arena_take(arena, tokens * (size_t)terms->nodes, sizeof(double));
    b->attract = (double *)spr__arena_take(arena, ((size_t)terms->k + 1) * experts, sizeof(double));
    b->charge = (double *)spr__arena_take(arena, experts, sizeof(double));
    b->loads = (int32_t *)spr__arena_take(arena, experts, sizeof(int32_t));
    b->active = (int32_t *)spr__arena_take(arena, (size_t)terms->devices, sizeof(int32_t));
    b->work = (double *)spr__arena_take(arena, (size_t)terms->devices, sizeof(double));
    b->group = (double *)spr__arena_take(arena, cells, sizeof(double));
    b->group_most = (double *)spr__arena_take(arena, groups, sizeof(double));
    b->group_first = (int64_t *)spr__arena_take(arena, groups, sizeof(int64_t));
    if (at == NULL)
        return;
    b->price = at;
    b->slope = at + experts;
    b->device_slope = at + 2 * experts;
    b->limit_active = b->device_slope + devices;
    b->limit_device = b->limit_active + devices;
    b->limit_node = b->limit_device + tokens;
    double *const ors = b->limit_node + tokens;
    b->open = open > 0 ? ors : NULL;
    b->touch = touch > 0 ? ors + open : NULL;
    b->touch_node = node > 0 ? ors + open + touch : NULL;
}

/* attract[m][e]: half the sum of the m most negative pairs of e. */
static void lower_bound_attract(const spr__terms *terms, spr__lower_bound *b)
{
    const int64_t experts = terms->experts, k = terms->k;
    for (int64_t e = 0; e < experts && terms->pair != NULL; e++) {
        double *column = b->attract + e;
        int64_t held = 0;
        for (int64_t f = 0; f < experts; f++) {
            const double value = (double)terms->pair[e * terms->width + f];
            int64_t slot;
            if (f == e || !(value < 0.0))
                continue;
            b->attraction = -value > b->attraction ? -value : b->attraction;
            if (held < k - 1)
                slot = ++held;
            else if (held > 0 && value < column[held * experts])
                slot = held;
            else
                continue;
            for (; slot > 1 && value < column[(slot - 1) * experts]; slot--)
                column[slot * experts] = column[(slot - 1) * experts];
            column[slot * experts] = value;
        }
        for (int64_t m = 1; m < k; m++)
            column[m * experts] = column[(m - 1) * experts] + (m <= held ? 0.5 * column[m * experts] : 0.0);
    }
}

static double lower_bound_add(spr__lower_bound *b, double term)
{
    b->bound += term;
    b->size += fabs(term);
    return term;
}

/* Reduced costs of a token's allowed experts. */
static void lower_bound_reduce(const spr__terms *terms, spr__lower_bound *b, int64_t t)
{
    const int64_t experts = terms->experts, need = terms->need[t];
    for (int64_t e = 0; e < experts; e++) {
        const int64_t i = t * experts + e;
        if (!spr__lower_may(terms, t, e))
            continue;
        double cost = b->price[e] + b->slope[e] + terms->cost[e] * b->device_slope[terms->device[e]];
        cost += b->attract[(need - 1) * experts + e];
        cost += b->open != NULL ? b->open[i] : 0.0;
        cost += b->touch != NULL ? b->touch[i] : 0.0;
        cost += b->touch_node != NULL ? b->touch_node[i] : 0.0;
        b->reduced[i] = cost - (double)terms->value[t * terms->width + e];
        b->scale = fabs(b->reduced[i]) > b->scale ? fabs(b->reduced[i]) : b->scale;
        b->scale = fabs(cost) > b->scale ? fabs(cost) : b->scale;
    }
}

/* last and next: the threshold between the cheapest experts, as many as the token takes besides those it keeps, and the
 * others. Found with a heap-less insertion: need is small. */
static void lower_bound_split(const spr__terms *terms, spr__lower_bound *b, int64_t t, double *best)
{
    const int64_t experts = terms->experts;
    int64_t open = terms->need[t], held = 0;
    double next = INFINITY;
    for (int64_t e = 0; e < experts && terms->keep != NULL; e++)
        open -= spr__keeps(terms, t, (int32_t)e) && spr__lower_may(terms, t, e);
    for (int64_t e = 0; e < experts; e++) {
        double cost = b->reduced[t * experts + e];
        int64_t slot = held;
        if (!spr__lower_may(terms, t, e) || spr__keeps(terms, t, (int32_t)e))
            continue;
        if (held < open)
            held++;
        else if (open > 0 && cost < best[held - 1]) {
            next = best[held - 1] < next ? best[held - 1] : next;
            slot = held - 1;
        } else {
            next = cost < next ? cost : next;
            continue;
        }
        for (; slot > 0 && cost < best[slot - 1]; slot--)
            best[slot] = best[slot - 1];
        best[slot] = cost;
    }
    b->last[t] = held > 0 ? best[held - 1] : -INFINITY;
    b->next[t] = next;
    /* any multiplier between -next and -last gives the same; the smallest gives the smallest weight */
    b->token[t] = -next > 0.0 ? -next : -b->last[t] < 0.0 ? -b->last[t] : 0.0;
}

/* A token's part of D; where its x are 1 the direction up follows. */
static void lower_bound_token(const spr__terms *terms, spr__lower_bound *b, int64_t t)
{
    const int64_t experts = terms->experts;
    int64_t left = terms->need[t];
    lower_bound_add(b, -b->token[t] * (double)left);
    for (int64_t e = 0; e < experts; e++) {
        const int64_t i = t * experts + e;
        if (!spr__lower_may(terms, t, e))
            continue;
        const double cost = b->reduced[i] + b->token[t];
        const int keeps = spr__keeps(terms, t, (int32_t)e);
        if (keeps || cost < 0.0)
            lower_bound_add(b, cost);
        /* equal costs: the first ones, as many as the token takes */
        if (!keeps && (b->reduced[i] > b->last[t] || left <= 0))
            continue;
        left--;
        b->up[e] += 1.0;
        b->up[experts + e] += 1.0;
        b->up[2 * experts + terms->device[e]] += terms->cost[e];
        if (b->open != NULL)
            b->up[b->open - b->at + i] = 1.0;
        if (b->touch != NULL)
            b->up[b->touch - b->at + i] = 1.0;
        if (b->touch_node != NULL)
            b->up[b->touch_node - b->at + i] = 1.0;
    }
}

/* Loads' part of D. */
static void lower_bound_loads(const spr__terms *terms, spr__lower_bound *b)
{
    const double most = (double)terms->tokens;
    for (int64_t e = 0; e < terms->experts; e++) {
        double *up = &b->up[e];
        if (terms->supply[e] < most) {
            lower_bound_add(b, -b->price[e] * terms->supply[e]);
            *up -= terms->supply[e];
        } else
            *up = 0.0;
        up = &b->up[terms->experts + e];
        if (!(terms->balance > 0.0 && terms->target[e] > 0.0)) {
            *up = 0.0;
            continue;
        }
        /* the integer load at which f - q is least is one of two */
        const double target = terms->target[e], weight = 0.5 * terms->balance / target, q = b->slope[e];
        double load = floor(target + q * target / terms->balance);
        load = load < 0.0 ? 0.0 : load > most ? most : load;
        const double above = load + 1.0 <= most ? load + 1.0 : load;
        const double here = weight * (load - target) * (load - target) - q * load;
        const double there = weight * (above - target) * (above - target) - q * above;
        b->size += fabs(q * above);
        lower_bound_add(b, here < there ? here : there);
        *up -= here < there ? load : above;
    }
    for (int64_t d = 0; d < terms->devices; d++) {
        const double target = terms->device_target[d], q = b->device_slope[d];
        double *up = &b->up[2 * terms->experts + d];
        if (!(terms->device_balance > 0.0 && target > 0.0)) {
            *up = 0.0;
            continue;
        }
        lower_bound_add(b, -q * target);
        lower_bound_add(b, -0.5 * q * q * target / terms->device_balance);
        *up -= target + q * target / terms->device_balance;
    }
}

/* The ORs' part of D: what is left of each cost. */
static void lower_bound_ors(const spr__terms *terms, spr__lower_bound *b)
{
    const int64_t experts = terms->experts, tokens = terms->tokens;
    memset(b->touch_room, 0, (size_t)(tokens * terms->devices) * sizeof(double));
    memset(b->node_room, 0, (size_t)(tokens * terms->nodes) * sizeof(double));
    for (int64_t e = 0; e < experts; e++)
        b->room[e] = b->charge[e] + b->limit_active[terms->device[e]];
    for (int64_t i = 0; i < tokens * terms->devices; i++)
        b->touch_room[i] = terms->touch_device + b->limit_device[i / terms->devices];
    for (int64_t i = 0; i < tokens * terms->nodes; i++)
        b->node_room[i] = terms->touch_node + b->limit_node[i / terms->nodes];
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t e = 0; e < experts; e++) {
            const int64_t i = t * experts + e;
            b->room[e] -= b->open != NULL ? b->open[i] : 0.0;
            b->touch_room[t * terms->devices + terms->device[e]] -= b->touch != NULL ? b->touch[i] : 0.0;
            b->node_room[t * terms->nodes + terms->node[e]] -= b->touch_node != NULL ? b->touch_node[i] : 0.0;
        }
    /* below 0 by rounding only */
    for (int64_t e = 0; e < experts; e++) {
        b->size += b->charge[e] + b->limit_active[terms->device[e]];
        lower_bound_add(b, b->room[e] < 0.0 ? b->room[e] : 0.0);
    }
    for (int64_t i = 0; i < tokens * terms->devices; i++)
        lower_bound_add(b, b->touch_room[i] < 0.0 ? b->touch_room[i] : 0.0);
    for (int64_t i = 0; i < tokens * terms->nodes; i++)
        lower_bound_add(b, b->node_room[i] < 0.0 ? b->node_room[i] : 0.0);
    for (int64_t d = 0; d < terms->devices; d++) {
        const double m = b->active[d] > 0 ? b->active[d] - 1 : 0;
        lower_bound_add(b, -0.5 * terms->level * m * (m + 1.0));
        lower_bound_add(b, -b->limit_active[d] * (double)terms->active_limit);
    }
    for (int64_t t = 0; t < tokens; t++) {
        lower_bound_add(b, -b->limit_device[t] * (double)terms->device_limit);
        lower_bound_add(b, -b->limit_node[t] * (double)terms->node_limit);
    }
}

/* D at the multipliers, with the direction up. best: [k] scratch. */
static void lower_bound_evaluate(const spr__terms *terms, spr__lower_bound *b, double *best)
{
    memset(b->up, 0, (size_t)b->multipliers * sizeof(double));
    b->bound = b->size = b->scale = 0.0;
    lower_bound_add(b, terms->constant);
    for (int64_t t = 0; t < terms->tokens; t++) {
        if (terms->need[t] <= 0) {
            b->token[t] = 0.0;
            b->last[t] = -INFINITY;
            b->next[t] = INFINITY;
            continue;
        }
        lower_bound_reduce(terms, b, t);
        lower_bound_split(terms, b, t, best);
        lower_bound_token(terms, b, t);
    }
    lower_bound_loads(terms, b);
    lower_bound_ors(terms, b);
    const double terms_added = (double)terms->tokens * (double)(terms->experts + terms->devices + terms->nodes + 8) +
                               (double)(terms->experts * (terms->k + 8));
    b->bound -= (terms_added + 64.0) * 2.3e-16 * (b->size + b->scale * (double)(terms->tokens * terms->k));
}

/* The known table's loads give the slopes; whoever uses an expert or a device there shares its cost. */
static void lower_bound_start(const spr__terms *terms, const int32_t *ids, spr__lower_bound *b)
{
    const int64_t experts = terms->experts, k = terms->k;
    for (int64_t i = 0; i < terms->tokens * k; i++)
        if (ids[i] >= 0)
            b->loads[ids[i]]++;
    for (int64_t e = 0; e < experts; e++) {
        b->active[terms->device[e]] += b->loads[e] > 0;
        b->work[terms->device[e]] += terms->cost[e] * b->loads[e];
        if (terms->balance > 0.0 && terms->target[e] > 0.0)
            b->slope[e] = terms->balance * (b->loads[e] / terms->target[e] - 1.0);
    }
    for (int64_t d = 0; d < terms->devices; d++)
        if (terms->device_balance > 0.0 && terms->device_target[d] > 0.0)
            b->device_slope[d] = terms->device_balance * (b->work[d] / terms->device_target[d] - 1.0);
    for (int64_t e = 0; e < experts; e++) {
        const int32_t active = b->active[terms->device[e]];
        b->charge[e] = terms->activation[e] + terms->level * (active > 0 ? (double)active - 0.5 : 0.5);
    }
    for (int64_t i = 0; i < terms->tokens * k; i++) {
        const int32_t e = ids[i];
        if (e < 0)
            continue;
        const int64_t at = i / k * experts + e;
        if (b->open != NULL)
            b->open[at] = b->charge[e] / b->loads[e];
        if (b->touch != NULL)
            b->touch[at] = terms->touch_device;
        if (b->touch_node != NULL)
            b->touch_node[at] = terms->touch_node;
    }
    spr__lower_bound_restrict(terms, b, INFINITY);
}

/* Steps nearly twice Polyak's: known is hardly above the best there is, and shorter ones creep. */
static void lower_bound_ascend(const spr__terms *terms, double known, spr__lower_bound *b, double *scratch)
{
    const double sweeps = 2e7 / ((double)terms->tokens * (double)terms->experts + 1.0);
    const int last = sweeps > 2000.0 ? 2000 : sweeps < 20.0 ? 20 : (int)sweeps;
    double best = -INFINITY, share = 1.9;
    int stale = 0;
    for (int sweep = 0; sweep <= last; sweep++) {
        lower_bound_evaluate(terms, b, scratch);
        if (b->bound > best) {
            stale = 0;
            best = b->bound;
            memcpy(b->best, b->at, (size_t)b->multipliers * sizeof(double));
        } else if (++stale >= 8) {
            stale = 0;
            share *= 0.7;
        }
        double norm = 0.0;
        for (int64_t i = 0; i < b->multipliers; i++)
            norm += b->up[i] * b->up[i];
        if (!(norm > 0.0) || share < 1e-3 || !(known - b->bound > 1e-12 * b->size))
            break;
        const double step = share * (known - b->bound) / norm;
        for (int64_t i = 0; i < b->multipliers; i++)
            b->at[i] += step * b->up[i];
        spr__lower_bound_restrict(terms, b, step);
    }
    memcpy(b->at, b->best, (size_t)b->multipliers * sizeof(double));
    lower_bound_evaluate(terms, b, scratch);
}

spr_status spr__lower_bound_open(const spr_lowering *lowering, spr__lower_bound *bound, spr_error *error)
{
    const spr__terms *terms = &lowering->terms;
    spr__arena arena = {NULL, 0};
    memset(bound, 0, sizeof *bound);
    lower_bound_lay(&arena, terms, bound);
    double *scratch = (double *)spr__arena_take(&arena, (size_t)terms->k + 1, sizeof(double));
    if (arena.used > SIZE_MAX - SPR_ALIGNMENT)
        return spr__fail(error, SPR_ERROR_MEMORY, "the multipliers do not fit the address space");
    bound->block_bytes = arena.used + SPR_ALIGNMENT;
    bound->block = spr__allocate(&lowering->memory, bound->block_bytes);
    if (bound->block == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "the allocator returned NULL for %zu bytes", bound->block_bytes);
    memset(bound->block, 0, bound->block_bytes);
    const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)bound->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
    arena = (spr__arena){(char *)bound->block + skip, 0};
    lower_bound_lay(&arena, terms, bound);
    scratch = (double *)spr__arena_take(&arena, (size_t)terms->k + 1, sizeof(double));
    lower_bound_attract(terms, bound);
    lower_bound_start(terms, lowering->known, bound);
    lower_bound_ascend(terms, lowering->report.known, bound, scratch);
    return SPR_OK;
}

void spr__lower_bound_close(const spr__memory *memory, spr__lower_bound *bound)
{
    spr__release(memory, bound->block, bound->block_bytes);
    bound->block = NULL;
}
