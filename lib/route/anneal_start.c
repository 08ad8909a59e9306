/* SPDX-License-Identifier: MIT
 * A table from scratch for tokens that pay for devices: prices at which loads meet capacities, each token's exact choice at
 * these prices, then moves off what is still overloaded. */
#include "anneal.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* small batches, whose loads move in steps, need more of them and can afford it */
enum { START_SWEEPS = 24, START_SWEEPS_SMALL = 80, START_SMALL = 256 };

/* Choices of all tokens at the prices; loads in at.loads, ids in best. Returns routes over supply. */
static int64_t start_choose(spr__annealer *annealer, const spr__terms *terms)
{
    int32_t *loads = annealer->at.loads;
    double *field = annealer->reselect.field;
    int64_t over = 0;
    memset(loads, 0, (size_t)terms->width * sizeof loads[0]);
    for (int64_t t = 0; t < terms->tokens; t++) {
        const float *value = terms->value + t * terms->width;
        int32_t *ids = annealer->best + t * terms->k;
        for (int64_t i = 0; i < terms->k; i++)
            ids[i] = -1;
        if (terms->need[t] == 0)
            continue;
        for (int64_t e = 0; e < terms->experts; e++)
            field[e] = value[e] > -INFINITY && !annealer->shut[e] ? annealer->price[e] - (double)value[e] : INFINITY;
        if (!(spr__reselect_token(&annealer->reselect, terms, t) < INFINITY))
            continue;
        for (int64_t i = 0; i < terms->need[t]; i++) {
            ids[i] = annealer->reselect.chosen[i];
            loads[ids[i]]++;
        }
    }
    for (int64_t e = 0; e < terms->experts; e++) {
        const double excess = loads[e] - terms->supply[e];
        over += excess > 0.0 ? (int64_t)excess : 0;
    }
    return over;
}

/* What separates a token's experts, on average: the unit of price steps. */
static double start_unit(const spr__terms *terms)
{
    double sum = 0.0;
    int64_t count = 0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        const float *value = terms->value + t * terms->width;
        double most = -INFINITY, mean = 0.0, allowed = 0.0;
        for (int64_t e = 0; e < terms->experts; e++)
            if (value[e] > -INFINITY) {
                most = (double)value[e] > most ? (double)value[e] : most;
                mean += (double)value[e];
                allowed += 1.0;
            }
        if (terms->need[t] > 0 && allowed > 0.0) {
            sum += most - mean / allowed;
            count++;
        }
    }
    return count > 0 && sum > 0.0 ? sum / (double)count : 1.0;
}

/* Steps grow while an expert stays on one side of its supply, shrink when it crosses (Riedmiller and Braun, RPROP, 1993). */
static void start_move_prices(spr__annealer *annealer, const spr__terms *terms)
{
    for (int64_t e = 0; e < terms->experts; e++) {
        const double excess = annealer->at.loads[e] - terms->supply[e];
        const double side = excess > 0.0 ? 1.0 : excess < 0.0 ? -1.0 : 0.0;
        const double turned = side * annealer->side[e];
        if (!(terms->supply[e] < INFINITY))
            continue;
        annealer->step[e] *= turned > 0.0 ? 1.2 : turned < 0.0 ? 0.5 : 1.0;
        annealer->side[e] = side;
        annealer->price[e] += side * annealer->step[e];
        annealer->price[e] = annealer->price[e] > 0.0 ? annealer->price[e] : 0.0;
    }
}

static void start_find_prices(spr__annealer *annealer, const spr__terms *terms, const double *prices)
{
    const double unit = start_unit(terms);
    int64_t least = INT64_MAX;
    for (int64_t e = 0; e < terms->experts; e++) {
        annealer->price[e] = prices != NULL && prices[e] > 0.0 ? prices[e] : 0.0;
        annealer->side[e] = 0.0;
        annealer->step[e] = (prices != NULL ? 0.002 : 0.1) * unit;
    }
    const int sweeps = terms->tokens < START_SMALL ? START_SWEEPS_SMALL : START_SWEEPS;
    for (int i = 0; i < sweeps; i++) {
        const int64_t over = start_choose(annealer, terms);
        if (over < least) {
            least = over;
            memcpy(annealer->queue, annealer->best, (size_t)(terms->tokens * terms->k) * sizeof annealer->best[0]);
        }
        /* the rest is moved one by one */
        if (200 * over <= terms->tokens * terms->k)
            break;
        start_move_prices(annealer, terms);
    }
}

/* The cheapest way for the slot to go to an expert with room. */
static double start_exit(const spr__annealer *annealer, int64_t t, int64_t slot, int32_t *to)
{
    const spr__arrangement *at = &annealer->at;
    double least = INFINITY;
    *to = -1;
    for (int32_t f = 0; f < at->terms->experts; f++)
        if (at->loads[f] < at->terms->supply[f] && !annealer->shut[f] && !spr__uses(at, t, f) && spr__arrangement_allows(at, t, slot, f)) {
            const double change = spr__arrangement_price(at, t, slot, f);
            if (change < least) {
                least = change;
                *to = f;
            }
        }
    return least;
}

/* One route leaves expert e for good, the cheapest; directly, or by pushing a route of another expert on. Returns 0 if none
 * can. */
static int start_push(spr__annealer *annealer, int32_t e)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    int64_t token = -1, slot = -1, through = -1, through_slot = -1;
    int32_t to = -1, f;
    double least = INFINITY;
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = 0; spr__uses(at, t, e) && i < terms->need[t]; i++) {
            if (at->ids[t * terms->k + i] != e)
                continue;
            const double change = start_exit(annealer, t, i, &f);
            if (change < least) {
                least = change;
                token = t;
                slot = i;
                to = f;
            }
        }
    if (token >= 0) {
        spr__arrangement_set(at, token, slot, to);
        return 1;
    }
    /* no token of e can go where room is: some token of another expert can, and a token of e takes its place */
    for (int64_t t = 0; t < terms->tokens && through < 0; t++)
        for (int64_t i = 0; i < terms->need[t] && through < 0; i++) {
            const int32_t middle = at->ids[t * terms->k + i];
            if (middle < 0 || middle == e || !(start_exit(annealer, t, i, &f) < INFINITY))
                continue;
            spr__arrangement_set(at, t, i, f);
            for (int64_t s = 0; s < terms->tokens && through < 0; s++)
                for (int64_t j = 0; spr__uses(at, s, e) && j < terms->need[s]; j++)
                    if (at->ids[s * terms->k + j] == e && !spr__uses(at, s, middle) &&
                        spr__arrangement_allows(at, s, j, middle)) {
                        through = s;
                        through_slot = j;
                        to = middle;
                    }
            if (through < 0)
                spr__arrangement_set(at, t, i, middle);
        }
    if (through < 0)
        return 0;
    spr__arrangement_set(at, through, through_slot, to);
    return 1;
}

/* Which of two experts should open first: the one that more tokens would choose; where tokens are limited to few nodes and the
 * limit of active experts does not follow them, the one on the more wanted node, so that whole nodes open. */
static int start_comes_first(const spr__annealer *annealer, const spr__terms *terms, int32_t e, int32_t f)
{
    const int32_t *loads = annealer->at.loads;
    if (terms->node_limit > 0 && terms->devices == 1 && terms->node[e] != terms->node[f]) {
        int64_t wanted = 0, other = 0;
        for (int64_t i = 0; i < terms->experts; i++) {
            wanted += terms->node[i] == terms->node[e] ? loads[i] : 0;
            other += terms->node[i] == terms->node[f] ? loads[i] : 0;
        }
        if (wanted != other)
            return wanted > other;
    }
    return loads[e] > loads[f];
}

/* With a limit of active experts: as many as it allows, those that most tokens would choose, and those they must keep. */
static void start_shut(spr__annealer *annealer, const spr__terms *terms)
{
    int32_t *open = annealer->at.active;
    memset(annealer->shut, 0, (size_t)terms->width * sizeof annealer->shut[0]);
    if (terms->active_limit == 0)
        return;
    for (int64_t e = 0; e < terms->experts; e++)
        annealer->price[e] = 0.0;
    start_choose(annealer, terms);
    memset(open, 0, (size_t)terms->devices * sizeof open[0]);
    for (int32_t e = 0; e < terms->experts; e++) {
        annealer->shut[e] = 1;
        for (int64_t t = 0; t < terms->tokens; t++)
            if (spr__keeps(terms, t, e))
                annealer->shut[e] = 0;
        open[terms->device[e]] += !annealer->shut[e];
    }
    for (int64_t i = 0; i < terms->experts; i++) {
        int32_t best = -1;
        for (int32_t e = 0; e < terms->experts; e++)
            if (annealer->shut[e] && open[terms->device[e]] < terms->active_limit && (best < 0 || start_comes_first(annealer, terms, e, best)))
                best = e;
        if (best < 0)
            break;
        annealer->shut[best] = 0;
        open[terms->device[best]]++;
    }
}

int spr__anneal_start(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel, const double *prices)
{
    spr__reselect_open(&annealer->reselect, terms, kernel);
    start_shut(annealer, terms);
    start_find_prices(annealer, terms, prices);
    spr__arrangement_open(&annealer->at, terms, annealer->queue);
    for (int32_t e = 0; e < terms->experts; e++)
        while (annealer->at.loads[e] > terms->supply[e]) {
            if (!start_push(annealer, e))
                return 1;
            spr__arrangement_commit(&annealer->at);
        }
    return 0;
}
