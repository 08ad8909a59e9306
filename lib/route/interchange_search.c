/* SPDX-License-Identifier: MIT
 * The search over open experts: greedy closing, descent over closings, openings and swaps, annealing, descent again. */
#include "interchange_tables.h"

#include <assert.h>
#include <string.h>

#include "../base/exact.h"

/* one move: closing e (f = -1), opening f (e = -1), or both; worth = what H falls by, in whole numbers */
typedef struct search_move {
    int32_t e, f;
    int64_t worth;
} search_move;

int spr__interchange_fits(const spr__terms *terms)
{
    return (terms->level > 0.0 || terms->active_limit > 0 || terms->activation != NULL) && terms->balance == 0.0 &&
           terms->device_balance == 0.0 && terms->touch_device == 0.0 && terms->touch_node == 0.0 &&
           terms->device_limit == 0 && terms->node_limit == 0 && terms->pair == NULL;
}

static int search_over(const spr__interchange *search, int32_t e)
{
    return search->terms->active_limit > 0 && search->active[search->device[e]] > search->terms->active_limit;
}

static int search_is_over(const spr__interchange *search)
{
    for (int64_t d = 0; d < search->terms->devices; d++)
        if (search->terms->active_limit > 0 && search->active[d] > search->terms->active_limit)
            return 1;
    return 0;
}

/* Best closing; where devices are over the limit, only theirs count, whatever they cost. */
static search_move search_best_closing(const spr__interchange *search, int over)
{
    search_move best = {-1, -1, over ? INT64_MIN : 0};
    for (int64_t i = 0; i < search->opened; i++) {
        const int32_t e = search->list[i];
        if (search->locked[e] || search->stuck[e] > 0 || (over && !search_over(search, e)))
            continue;
        const int64_t worth = (int64_t)spr__interchange_refund(search, e) - search->loss[e];
        if (worth > best.worth || (worth == best.worth && best.e >= 0 && e < best.e))
            best = (search_move){e, -1, worth};
    }
    return best;
}

/* Greedy pass: cheap, without the tables of openings. */
static int64_t search_close_greedily(spr__interchange *search)
{
    int64_t moves = 0;
    for (;; moves++) {
        search_move move = search_best_closing(search, search_is_over(search));
        if (move.e < 0)
            return moves;
        spr__interchange_close_expert(search, move.e);
    }
}

static search_move search_best_move(spr__interchange *search)
{
    const int over = search_is_over(search);
    search_move best = search_best_closing(search, over);
    spr__interchange_price_openings(search);
    for (int64_t i = search->opened; i < search->usable && !over; i++) {
        const int32_t f = search->list[i];
        if (search->other[f] > best.worth)
            best = (search_move){-1, f, search->other[f]};
    }
    for (int64_t i = 0; i < search->opened; i++) {
        const int32_t e = search->list[i];
        if (search->locked[e] || (over && !search_over(search, e)))
            continue;
        const int64_t f = search->kernel->best_swap(search->saved + e * search->terms->width, search->same,
                                                    search->other, search->device, search->device[e],
                                                    search->terms->width, search->now);
        const int64_t worth = (int64_t)search->now[f] + spr__interchange_refund(search, e) - search->loss[e];
        const int32_t *opening = search->device[f] == search->device[e] ? search->same : search->other;
        if (worth > best.worth && opening[f] > SPR_INTERCHANGE_SHUT && spr__interchange_rescues(search, e, (int32_t)f))
            best = (search_move){e, (int32_t)f, worth};
    }
    return best;
}

static void search_apply(spr__interchange *search, const search_move *move)
{
#ifndef NDEBUG
    const int64_t before = search->worth;
#endif
    if (move->f >= 0)
        spr__interchange_open_expert(search, move->f);
    if (move->e >= 0)
        spr__interchange_close_expert(search, move->e);
    /* what the tables promised */
    assert(search->worth - before == move->worth);
}

/* Each move lowers H, or the excess over a limit: it ends. */
static void search_descend(spr__interchange *search)
{
    for (;;) {
        search_move move = search_best_move(search);
        if (move.e < 0 && move.f < 0)
            return;
        search_apply(search, &move);
    }
}

static void search_remember(spr__interchange *search)
{
    search->best_worth = search->worth;
    for (int64_t i = 0; i < search->usable; i++)
        search->best[search->list[i]] = i < search->opened;
}

static void search_recall(spr__interchange *search)
{
    /* openings first, so that no token is ever without */
    for (int64_t e = 0; e < search->terms->experts; e++)
        if (search->best[e] && search->place[e] >= search->opened)
            spr__interchange_open_expert(search, (int32_t)e);
    for (int64_t e = 0; e < search->terms->experts; e++)
        if (!search->best[e] && search->place[e] < search->opened)
            spr__interchange_close_expert(search, (int32_t)e);
}

/* bits: 30 random ones */
static int32_t search_pick(const spr__interchange *search, int64_t first, int64_t last, uint64_t bits)
{
    return search->list[first + (int64_t)(((bits & 0x3fffffff) * (uint64_t)(last - first)) >> 30)];
}

/* A random closing, opening or swap with what it is worth; e and f are -1 when there is none. */
static search_move search_propose(const spr__interchange *search, uint64_t bits)
{
    const int64_t limit = search->terms->active_limit;
    const uint32_t kind = (uint32_t)(bits >> 60 & 7);
    search_move move = {-1, -1, 0};
    int32_t e = -1, f = -1;
    if (kind != 0 && search->opened > 0) {
        e = search_pick(search, 0, search->opened, bits);
        if (search->locked[e])
            return move;
    }
    if (kind != 1 && search->opened < search->usable)
        f = search_pick(search, search->opened, search->usable, bits >> 30);
    if (f >= 0) {
        const int same = e >= 0 && search->device[e] == search->device[f];
        if (limit > 0 && search->active[search->device[f]] + !same > limit)
            return move;
        move.worth = search->gain[f] - (same ? spr__interchange_refund(search, f) : spr__interchange_cost(search, f));
    }
    if (e >= 0) {
        if (search->stuck[e] > 0 && (f < 0 || !spr__interchange_rescues(search, e, f)))
            return (search_move){-1, -1, 0};
        move.worth += spr__interchange_refund(search, e) - search->loss[e];
        move.worth += f >= 0 ? search->saved[e * search->terms->width + f] : 0;
    }
    move.e = e;
    move.f = f;
    return move;
}

/* Temperatures between what a usual and what a tiny worsening costs. */
static void search_temperatures(const spr__interchange *search, double *hot, double *cold)
{
    double sum = 0.0;
    for (int64_t i = 0; i < search->opened; i++)
        sum += (double)search->loss[search->list[i]];
    *hot = search->opened > 0 ? 0.1 * sum / (double)search->opened : 1.0;
    *cold = 0.05 * *hot;
}

static void search_anneal(spr__interchange *search, const spr__effort *effort)
{
    spr__cooling cooling;
    spr__effort whole = *effort;
    double hot, cold;
    search_temperatures(search, &hot, &cold);
    whole.hot *= search->scale;
    whole.cold *= search->scale;
    spr__cooling_open(&cooling, &whole, hot, cold);
    const uint64_t key = spr__random_key(effort->seed, 1);
    for (int64_t i = 0; i < effort->moves; i++) {
        const search_move move = search_propose(search, spr__random_at(key, 2 * (uint64_t)i));
        const int accepted = (move.e >= 0 || move.f >= 0) &&
                             (move.worth >= 0 ||
                              -(double)move.worth < cooling.temperature *
                                                        spr__exponential(spr__random_at(key, 2 * (uint64_t)i + 1)));
        if (accepted) {
            search_apply(search, &move);
            if (search->worth > search->best_worth)
                search_remember(search);
        }
        spr__cooling_count(&cooling, accepted);
    }
}

#ifndef NDEBUG
/* Minus H of the set from scratch, in whole numbers. */
static int64_t search_worth(const spr__interchange *search)
{
    const spr__terms *terms = search->terms;
    int64_t worth = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t j = 0; j < terms->need[t]; j++)
            worth += search->value[t * terms->width + search->chosen[t * terms->k + j]];
    for (int64_t i = 0; i < search->opened; i++)
        worth -= search->fee[search->list[i]];
    for (int64_t d = 0; d < terms->devices; d++)
        worth -= spr__interchange_level(search, search->active[d]);
    return worth;
}
#endif

int spr__interchange_solve(spr__interchange *search, const spr__terms *terms, const spr__kernel *kernel,
                     const spr__effort *effort, int32_t *ids)
{
    spr__interchange_open(search, terms, kernel);
#ifndef NDEBUG
    const int64_t start = search_worth(search);
#endif
    search_close_greedily(search);
    spr__interchange_build_tables(search);
    search_descend(search);
    const int over = search_is_over(search);
    search_remember(search);
    if (effort->moves > 0 && !over && search->opened < search->usable) {
        search_anneal(search, effort);
        search_recall(search);
        search_descend(search);
    }
    /* the tables have not lost anything on the way */
    assert(search_worth(search) == start + search->worth);
    memcpy(ids, search->chosen, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t j = terms->need[t]; j < terms->k; j++)
            ids[t * terms->k + j] = -1;
    return over;
}
