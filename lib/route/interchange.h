/* SPDX-License-Identifier: MIT
 * The search over sets of open experts, for batches whose tokens are coupled by active experts alone (activation cost,
 * level, limit): every token takes its best open experts, so the set decides everything and H is a facility-location
 * function of it. What closing an expert loses, what opening one gains and what a swap of two saves beyond that are kept
 * in tables (as in fast interchange for p-median problems: Whitaker 1983; Resende and Werneck, "A fast swap-based local
 * search procedure for location problems", 2007), so that any such move is evaluated in O(1).
 * All of it is in whole numbers: exact, without drift, the same on every machine. */
#ifndef SPR_ROUTE_INTERCHANGE_H
#define SPR_ROUTE_INTERCHANGE_H

#include "effort.h"
#include "terms.h"
#include "../base/arena.h"

typedef struct spr__interchange {
    const spr__terms *terms;
    const spr__kernel *kernel;
    double scale;                /* whole numbers per unit of affinity */
    int32_t none;                /* value of a forbidden expert */
    int32_t tables;              /* gain and saved are kept? */
    int32_t *value;              /* [tokens][width] affinity below the token's best */
    float *vacant;               /* [tokens][width] the same where open and not chosen, otherwise very small */
    int32_t *chosen;             /* [tokens][k] best open experts of the token, unordered */
    int32_t *worst, *next;       /* [tokens] value of the worst chosen and of the best open one not chosen */
    int32_t *spare;              /* [tokens] that best open one, -1 = none */
    int32_t *loss, *gain;        /* [width] affinity lost by closing, gained by opening */
    int32_t *stuck;              /* [width] tokens that use the expert and have no spare */
    int32_t *saved;              /* [width][width] row e, column f: what opening f saves of the loss of closing e */
    int32_t *fee;                /* [width] activation cost */
    int32_t *device;             /* [width] */
    int32_t *same, *other;       /* [width] worth of opening f when an expert of the same (another) device closes */
    int32_t *before, *now;       /* [width] scratch */
    int32_t *list, *place;       /* [width] open experts, then closed ones; where each stands */
    int32_t *locked;             /* [width] must stay open (quality floor), or may not be used at all */
    int32_t *active;             /* [devices] */
    int32_t *best;               /* [width] 1 = open in the best set */
    int64_t opened;              /* open experts: list[0..opened) */
    int64_t usable;              /* and closed ones that may open: list[opened..usable) */
    int64_t worth, best_worth;   /* minus H, of the set and of the best set, up to a constant */
} spr__interchange;

/* Takes the memory for such a search. */
void spr__interchange_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__interchange *search);

/* Can these terms be served: nothing couples tokens but active experts? Capacity is not looked at. */
int spr__interchange_fits(const spr__terms *terms);

/* Finds a set of experts and writes each token's ids [tokens,k] (not in order). Returns nonzero if a device stays over
 * active_limit. */
int spr__interchange_solve(spr__interchange *search, const spr__terms *terms, const spr__kernel *kernel,
                     const spr__effort *effort, int32_t *ids);

#endif
