/* SPDX-License-Identifier: MIT
 * The tables of the open-expert search: what opening and closing an expert does to them. */
#include "interchange_tables.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

void spr__interchange_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__interchange *search)
{
    const size_t width = (size_t)plan->width, k = (size_t)plan->options.k;
    const size_t devices = (size_t)(plan->options.devices > 0 ? plan->options.devices : 1);
    memset(search, 0, sizeof *search);
#define TAKE(count) (int32_t *)spr__arena_take(arena, count, sizeof(int32_t))
    search->value = TAKE(tokens * width);
    search->vacant = (float *)spr__arena_take(arena, tokens * width, sizeof(float));
    search->chosen = TAKE(tokens * k);
    search->worst = TAKE(tokens);
    search->next = TAKE(tokens);
    search->spare = TAKE(tokens);
    search->saved = TAKE(width * width);
    search->active = TAKE(devices);
    int32_t **rows[] = {&search->loss, &search->gain, &search->stuck, &search->fee, &search->device, &search->same,
                        &search->other, &search->before, &search->now, &search->list, &search->place, &search->locked,
                        &search->best};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i] = TAKE(width);
#undef TAKE
}

static int32_t interchange_whole(const spr__interchange *search, double amount)
{
    const double scaled = floor(amount * search->scale + 0.5);
    return scaled < -268435456.0 ? -268435456 : scaled < 268435456.0 ? (int32_t)scaled : 268435456;
}

/* Whole numbers: a token's best expert is 0, others are below it, kept ones above. */
static void interchange_scale(spr__interchange *search)
{
    const spr__terms *terms = search->terms;
    const int64_t tokens = terms->tokens > 0 ? terms->tokens : 1;
    float most, least, spread = 1e-30f;
    /* a power of two: float holds every number up to it, and tokens * none stays within 2^29 */
    for (search->none = -(1 << 23); -search->none > (1 << 29) / tokens; search->none /= 2)
        continue;
    const float range = (float)(-search->none / 4);
    for (int64_t t = 0; t < terms->tokens; t++)
        if (terms->need[t] > 0) {
            search->kernel->span_row(terms->value + t * terms->width, terms->width, &most, &least);
            spread = most - least > spread ? most - least : spread;
        }
    const float scale = range / spread;
    search->scale = (double)scale;
    for (int64_t t = 0; t < terms->tokens; t++) {
        int32_t *value = search->value + t * terms->width;
        if (terms->need[t] == 0)
            continue;
        const float *row = terms->value + t * terms->width;
        search->kernel->span_row(row, terms->width, &most, &least);
        search->kernel->to_whole(row, terms->width, most, scale, search->none, value);
        for (int64_t w = 0; terms->keep != NULL && w < terms->words; w++)
            for (uint64_t kept = terms->keep[t * terms->words + w]; kept != 0; kept &= kept - 1) {
                const int64_t e = w * 64 + __builtin_ctzll(kept);
                value[e] = (int32_t)range;
                search->locked[e] = 1;
            }
    }
}

/* The token's need[t] best experts of all, and the next one. */
static void interchange_choose(spr__interchange *search, int64_t t)
{
    const spr__terms *terms = search->terms;
    const int64_t width = terms->width;
    int32_t *chosen = search->chosen + t * terms->k;
    float *vacant = search->vacant + t * width;
    for (int64_t e = 0; e < width; e++)
        vacant[e] = (float)search->value[t * width + e];
    search->worst[t] = search->none;
    for (int64_t j = 0; j < terms->k; j++) {
        chosen[j] = -1;
        if (j < terms->need[t]) {
            chosen[j] = (int32_t)search->kernel->largest_place(vacant, width);
            search->worst[t] = (int32_t)vacant[chosen[j]];
            vacant[chosen[j]] = (float)SPR_INTERCHANGE_SHUT;
            search->best[chosen[j]] = 1;
        }
    }
}

static void interchange_find_next(spr__interchange *search, int64_t t)
{
    const float *vacant = search->vacant + t * search->terms->width;
    const int64_t f = search->kernel->largest_place(vacant, search->terms->width);
    const int found = vacant[f] > (float)search->none;
    search->spare[t] = found ? (int32_t)f : -1;
    search->next[t] = found ? (int32_t)vacant[f] : search->none;
}

/* Adds (or takes back) what a token says about closing each of its experts. */
static void interchange_count_loss(spr__interchange *search, int64_t t, int32_t sign)
{
    const int32_t *value = search->value + t * search->terms->width, *chosen = search->chosen + t * search->terms->k;
    for (int64_t j = 0; j < search->terms->need[t]; j++) {
        search->loss[chosen[j]] += sign * (value[chosen[j]] - search->next[t]);
        search->stuck[chosen[j]] += search->spare[t] < 0 ? sign : 0;
    }
}

static void interchange_set_open(spr__interchange *search, int32_t e, int64_t border)
{
    const int32_t here = search->place[e], other = search->list[border];
    search->list[here] = other;
    search->place[other] = here;
    search->list[border] = e;
    search->place[e] = (int32_t)border;
}

static void interchange_weigh_level(const spr__interchange *search, int32_t device, double *up, double *down)
{
    *up = search->terms->level * (search->active[device] + 0.5);
    *down = search->terms->level * (search->active[device] - 0.5);
}

int32_t spr__interchange_refund(const spr__interchange *search, int32_t e)
{
    double up, down;
    if (!(search->terms->level > 0.0))
        return search->fee[e];
    interchange_weigh_level(search, search->device[e], &up, &down);
    return search->fee[e] + interchange_whole(search, down);
}

int32_t spr__interchange_cost(const spr__interchange *search, int32_t f)
{
    double up, down;
    if (!(search->terms->level > 0.0))
        return search->fee[f];
    interchange_weigh_level(search, search->device[f], &up, &down);
    return search->fee[f] + interchange_whole(search, up);
}

int64_t spr__interchange_level(const spr__interchange *search, int64_t active)
{
    int64_t cost = 0;
    for (int64_t a = 0; a < active && search->terms->level > 0.0; a++)
        cost += interchange_whole(search, search->terms->level * ((double)a + 0.5));
    return cost;
}

void spr__interchange_price_openings(spr__interchange *search)
{
    const int64_t limit = search->terms->active_limit;
    for (int64_t f = 0; f < search->terms->width; f++)
        search->same[f] = search->other[f] = SPR_INTERCHANGE_SHUT;
    for (int64_t i = search->opened; i < search->usable; i++) {
        const int32_t f = search->list[i];
        const int32_t active = search->active[search->device[f]];
        search->same[f] = limit > 0 && active > limit ? SPR_INTERCHANGE_SHUT
                                                      : search->gain[f] - spr__interchange_refund(search, f);
        search->other[f] = limit > 0 && active >= limit ? SPR_INTERCHANGE_SHUT
                                                        : search->gain[f] - spr__interchange_cost(search, f);
    }
}

/* Every expert that is in some token's best ones is open at first. */
void spr__interchange_open(spr__interchange *search, const spr__terms *terms, const spr__kernel *kernel)
{
    const int64_t width = terms->width;
    search->terms = terms;
    search->kernel = kernel;
    search->tables = 0;
    for (int64_t e = 0; e < width; e++) {
        search->loss[e] = search->gain[e] = search->stuck[e] = search->locked[e] = search->best[e] = 0;
        search->device[e] = e < terms->experts ? terms->device[e] : -1;
        search->fee[e] = 0;
    }
    memset(search->active, 0, (size_t)terms->devices * sizeof search->active[0]);
    interchange_scale(search);
    for (int64_t e = 0; e < terms->experts; e++)
        search->fee[e] = interchange_whole(search, terms->activation[e]);
    for (int64_t t = 0; t < terms->tokens; t++)
        if (terms->need[t] > 0)
            interchange_choose(search, t);
    search->opened = search->usable = 0;
    for (int pass = 1; pass >= 0; pass--)
        for (int64_t e = 0; e < terms->experts; e++)
            if (search->best[e] == pass) {
                search->place[e] = (int32_t)search->usable;
                search->list[search->usable++] = (int32_t)e;
                search->opened += pass;
                search->active[search->device[e]] += pass;
            }
    search->worth = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        if (terms->need[t] > 0) {
            float *vacant = search->vacant + t * width;
            for (int64_t i = search->opened; i < search->usable; i++)
                vacant[search->list[i]] = (float)SPR_INTERCHANGE_SHUT;
            for (int64_t e = terms->experts; e < width; e++)
                vacant[e] = (float)SPR_INTERCHANGE_SHUT;
            interchange_find_next(search, t);
            interchange_count_loss(search, t, 1);
        }
}

void spr__interchange_build_tables(spr__interchange *search)
{
    const spr__terms *terms = search->terms;
    const int64_t width = terms->width;
    memset(search->gain, 0, (size_t)width * sizeof search->gain[0]);
    memset(search->saved, 0, (size_t)(width * width) * sizeof search->saved[0]);
    for (int64_t t = 0; t < terms->tokens; t++) {
        const int32_t *value = search->value + t * width, *chosen = search->chosen + t * terms->k;
        if (terms->need[t] == 0)
            continue;
        search->kernel->saving(value, width, search->worst[t], search->next[t], search->now);
        for (int64_t j = 0; j < terms->need[t]; j++)
            search->kernel->whole_add(search->now, width, search->saved + chosen[j] * width);
        search->kernel->move_gain(value, width, INT32_MAX, search->worst[t], search->gain);
    }
    search->tables = 1;
}

/* A token goes from one of its experts (slot) to another: the tables follow. worst_before and next_before are those the
 * tables know of it; worst, next and spare are new. */
static void interchange_settle(spr__interchange *search, int64_t t, int64_t slot, int32_t arriving,
                               int32_t worst_before, int32_t next_before)
{
    const spr__terms *terms = search->terms;
    const int64_t width = terms->width;
    const int32_t *value = search->value + t * width;
    int32_t *chosen = search->chosen + t * terms->k;
    const int32_t leaving = slot >= 0 ? chosen[slot] : -1;
    if (search->tables) {
        search->kernel->saving(value, width, worst_before, next_before, search->before);
        search->kernel->saving(value, width, search->worst[t], search->next[t], search->now);
        if (leaving >= 0) {
            int32_t *saved = search->saved + leaving * width;
            search->kernel->whole_subtract(saved, search->before, width, saved);
            search->kernel->whole_add(search->now, width, search->saved + arriving * width);
        }
        search->kernel->whole_subtract(search->now, search->before, width, search->now);
        for (int64_t j = 0; j < terms->need[t]; j++)
            if (j != slot)
                search->kernel->whole_add(search->now, width, search->saved + chosen[j] * width);
        if (worst_before != search->worst[t])
            search->kernel->move_gain(value, width, worst_before, search->worst[t], search->gain);
    }
    if (slot >= 0)
        chosen[slot] = arriving;
}

static int64_t interchange_slot(const spr__interchange *search, int64_t t, int32_t e)
{
    const int32_t *chosen = search->chosen + t * search->terms->k;
    for (int64_t j = 0; j < search->terms->need[t]; j++)
        if (chosen[j] == e)
            return j;
    return -1;
}

static int32_t interchange_worst_of(const spr__interchange *search, int64_t t, int64_t except, int32_t arriving)
{
    const int32_t *value = search->value + t * search->terms->width, *chosen = search->chosen + t * search->terms->k;
    int32_t worst = value[arriving];
    for (int64_t j = 0; j < search->terms->need[t]; j++)
        if (j != except && value[chosen[j]] < worst)
            worst = value[chosen[j]];
    return worst;
}

void spr__interchange_close_expert(spr__interchange *search, int32_t e)
{
    const spr__terms *terms = search->terms;
    const int64_t width = terms->width;
    search->worth += spr__interchange_refund(search, e) - search->loss[e];
    interchange_set_open(search, e, --search->opened);
    search->active[search->device[e]]--;
    for (int64_t t = 0; t < terms->tokens; t++) {
        float *vacant = search->vacant + t * width;
        const int holds = vacant[e] == (float)SPR_INTERCHANGE_SHUT;
        if (terms->need[t] == 0 || (!holds && search->spare[t] != e)) {
            vacant[e] = (float)SPR_INTERCHANGE_SHUT;
            continue;
        }
        const int32_t worst = search->worst[t], next = search->next[t], arriving = search->spare[t];
        const int64_t slot = holds ? interchange_slot(search, t, e) : -1;
        interchange_count_loss(search, t, -1);
        vacant[e] = (float)SPR_INTERCHANGE_SHUT;
        if (holds) {
            search->worst[t] = interchange_worst_of(search, t, slot, arriving);
            vacant[arriving] = (float)SPR_INTERCHANGE_SHUT;
        }
        interchange_find_next(search, t);
        interchange_settle(search, t, slot, arriving, worst, next);
        interchange_count_loss(search, t, 1);
    }
}

void spr__interchange_open_expert(spr__interchange *search, int32_t f)
{
    const spr__terms *terms = search->terms;
    const int64_t width = terms->width;
    search->worth += search->gain[f] - spr__interchange_cost(search, f);
    interchange_set_open(search, f, search->opened++);
    search->active[search->device[f]]++;
    for (int64_t t = 0; t < terms->tokens; t++) {
        float *vacant = search->vacant + t * width;
        const int32_t value = search->value[t * width + f], worst = search->worst[t], next = search->next[t];
        vacant[f] = (float)value;
        if (terms->need[t] == 0 || value <= next)
            continue;
        int64_t slot = -1;
        interchange_count_loss(search, t, -1);
        if (value > worst) {
            for (slot = 0; search->value[t * width + search->chosen[t * terms->k + slot]] != worst; slot++)
                continue;
            search->spare[t] = search->chosen[t * terms->k + slot];
            search->next[t] = worst;
            search->worst[t] = interchange_worst_of(search, t, slot, f);
            vacant[f] = (float)SPR_INTERCHANGE_SHUT;
            vacant[search->spare[t]] = (float)worst;
        } else {
            search->spare[t] = f;
            search->next[t] = value;
        }
        interchange_settle(search, t, slot, f, worst, next);
        interchange_count_loss(search, t, 1);
    }
}

/* Would every token that has nothing but e left find a place in f? */
int spr__interchange_rescues(const spr__interchange *search, int32_t e, int32_t f)
{
    const spr__terms *terms = search->terms;
    for (int64_t t = 0; search->stuck[e] > 0 && t < terms->tokens; t++)
        if (terms->need[t] > 0 && search->spare[t] < 0 && search->value[t * terms->width + f] <= search->none &&
            interchange_slot(search, t, e) >= 0)
            return 0;
    return 1;
}
