/* SPDX-License-Identifier: MIT
 * The moves of the annealer. */
#include "anneal.h"

#include <math.h>

#include "../base/exact.h"

static int64_t moves_pick(uint32_t bits, int64_t count)
{
    return (int64_t)(((uint64_t)bits * (uint64_t)count) >> 32);
}

/* The best for the token of some random experts that it does not use; -1 if there is none. */
static int32_t moves_candidate(const spr__arrangement *at, int64_t t, uint64_t bits)
{
    const spr__terms *terms = at->terms;
    const float *value = terms->value + t * terms->width;
    int32_t best = -1;
    for (int i = 0; i < 4; i++) {
        const int32_t f = (int32_t)((uint64_t)(bits >> 16 * i & 0xffff) * (uint64_t)terms->experts >> 16);
        if (value[f] > -INFINITY && !spr__uses(at, t, f) && (best < 0 || value[f] > value[best]))
            best = f;
    }
    return best;
}

/* A token exchanges one expert for another. */
int spr__anneal_replace(spr__annealer *annealer, uint64_t bits, uint64_t more)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    const int64_t t = moves_pick((uint32_t)more, terms->tokens);
    if (terms->need[t] == 0)
        return 0;
    const int64_t slot = moves_pick((uint32_t)(more >> 32), terms->need[t]);
    const int32_t f = moves_candidate(at, t, bits);
    if (f < 0 || !spr__arrangement_allows(at, t, slot, f))
        return 0;
    spr__arrangement_set(at, t, slot, f);
    return 1;
}

static int64_t moves_slot(const spr__arrangement *at, int64_t t, int32_t e)
{
    const int32_t *ids = at->ids + t * at->terms->k;
    for (int64_t i = 0; i < at->terms->k; i++)
        if (ids[i] == e)
            return i;
    return -1;
}

/* Two tokens exchange experts: e of the first for f of the second. Loads stay, so capacity does not matter. */
int spr__anneal_swap(spr__annealer *annealer, uint64_t bits, uint64_t more)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    const int64_t t = moves_pick((uint32_t)more, terms->tokens);
    if (terms->need[t] == 0)
        return 0;
    const int64_t slot = moves_pick((uint32_t)(more >> 32), terms->need[t]);
    const int32_t e = at->ids[t * terms->k + slot], f = moves_candidate(at, t, bits);
    if (f < 0 || e < 0 || at->loads[f] == 0 || spr__keeps(terms, t, e))
        return 0;
    int64_t other = moves_pick((uint32_t)(bits ^ more >> 13), terms->tokens);
    for (int64_t i = 0; i < 64; i++, other = other + 1 < terms->tokens ? other + 1 : 0) {
        if (other == t || !spr__uses(at, other, f) || spr__uses(at, other, e) ||
            !(terms->value[other * terms->width + e] > -INFINITY) || spr__keeps(terms, other, f))
            continue;
        const int64_t there = moves_slot(at, other, f);
        spr__arrangement_set(at, t, slot, -1);
        spr__arrangement_set(at, other, there, -1);
        if (spr__arrangement_allows(at, t, slot, f)) {
            spr__arrangement_set(at, t, slot, f);
            if (spr__arrangement_allows(at, other, there, e)) {
                spr__arrangement_set(at, other, there, e);
                return 1;
            }
        }
        spr__arrangement_undo(at, 0);
        return 0;
    }
    return 0;
}

/* The token takes its best experts at the costs in the field. */
static int moves_take_best(spr__annealer *annealer, int64_t t)
{
    spr__arrangement *at = &annealer->at;
    if (at->terms->need[t] == 0 || !(spr__reselect_token(&annealer->reselect, at->terms, t) < INFINITY))
        return 0;
    const int64_t mark = at->journal_used;
    spr__arrangement_assign(at, t, annealer->reselect.chosen);
    const spr__terms *terms = at->terms;
    for (int64_t d = 0; d < terms->devices && terms->active_limit > 0; d++)
        if (at->active[d] > terms->active_limit) {
            /* the field looks at one opening at a time; together they were too many */
            spr__arrangement_undo(at, mark);
            return 0;
        }
    return at->journal_used > mark;
}

int spr__anneal_reselect(spr__annealer *annealer, int64_t token)
{
    spr__anneal_field(annealer, token);
    return moves_take_best(annealer, token);
}

static void moves_empty(spr__arrangement *at, int64_t t)
{
    for (int64_t i = 0; i < at->terms->need[t]; i++)
        spr__arrangement_set(at, t, i, -1);
}

/* Two tokens give back all they have; the first takes its best, then the second: where capacity is tight, none of them could
 * move alone. */
int spr__anneal_renegotiate(spr__annealer *annealer, int64_t first, int64_t second)
{
    spr__arrangement *at = &annealer->at;
    if (first == second || at->terms->need[first] == 0 || at->terms->need[second] == 0)
        return 0;
    moves_empty(at, first);
    moves_empty(at, second);
    spr__anneal_field(annealer, first);
    if (moves_take_best(annealer, first)) {
        spr__anneal_field(annealer, second);
        if (moves_take_best(annealer, second))
            return 1;
    }
    spr__arrangement_undo(at, 0);
    return 0;
}

int spr__anneal_leave_device(spr__annealer *annealer, int64_t token, int32_t device)
{
    const spr__terms *terms = annealer->at.terms;
    spr__anneal_field(annealer, token);
    for (int32_t e = 0; e < terms->experts; e++)
        if (terms->device[e] == device)
            annealer->reselect.field[e] = INFINITY;
    return moves_take_best(annealer, token);
}

/* All tokens leave an expert. */
int spr__anneal_close(spr__annealer *annealer, int32_t e)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    for (int64_t t = 0; t < terms->tokens; t++) {
        if (!spr__uses(at, t, e))
            continue;
        int done = 0;
        if (!spr__keeps(terms, t, e)) {
            spr__anneal_field(annealer, t);
            annealer->reselect.field[e] = INFINITY;
            done = moves_take_best(annealer, t);
        }
        if (!done) {
            spr__arrangement_undo(at, 0);
            return 0;
        }
    }
    return at->journal_used > 0;
}

/* The token's empty slot takes f, or the token what it likes best without e. */
static int moves_refill(spr__annealer *annealer, int64_t t, int32_t e, int32_t f)
{
    spr__arrangement *at = &annealer->at;
    const int64_t slot = moves_slot(at, t, -1);
    if (slot < at->terms->need[t] && spr__arrangement_allows(at, t, slot, f)) {
        spr__arrangement_set(at, t, slot, f);
        return 1;
    }
    spr__anneal_field(annealer, t);
    annealer->reselect.field[e] = INFINITY;
    return moves_take_best(annealer, t);
}

/* All tokens of an expert go to another one, which is not in use; those that cannot, wherever they like best. First all
 * leave, so that a limit of active experts does not stand in the way. */
int spr__anneal_exchange(spr__annealer *annealer, int32_t e, int32_t f)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    int64_t left = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        if (spr__uses(at, t, e)) {
            const int64_t slot = moves_slot(at, t, e);
            if (spr__keeps(terms, t, e)) {
                spr__arrangement_undo(at, 0);
                return 0;
            }
            spr__arrangement_set(at, t, slot, -1);
            left++;
        }
    for (int64_t i = 0; i < left; i++)
        if (!moves_refill(annealer, at->journal[i].token, e, f)) {
            spr__arrangement_undo(at, 0);
            return 0;
        }
    return left > 0;
}

/* Opens an expert for all tokens to which it is worth more than the worst that they can give for it. */
int spr__anneal_open(spr__annealer *annealer, int32_t f)
{
    spr__arrangement *at = &annealer->at;
    const spr__terms *terms = at->terms;
    const double opening = at->loads[f] == 0 ? terms->activation[f] + terms->level * (at->active[terms->device[f]] + 0.5)
                                             : 0.0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        double least = 0.0;
        int64_t slot = -1;
        if (terms->need[t] == 0 || spr__uses(at, t, f))
            continue;
        /* whether the opening pays is for the caller to see, when all have come */
        const double discount = at->loads[f] == 0 ? opening : 0.0;
        for (int64_t i = 0; i < terms->need[t]; i++)
            if (spr__arrangement_allows(at, t, i, f)) {
                const double change = spr__arrangement_price(at, t, i, f) - discount;
                if (change < least) {
                    least = change;
                    slot = i;
                }
            }
        if (slot >= 0)
            spr__arrangement_set(at, t, slot, f);
    }
    return at->journal_used > 0;
}
