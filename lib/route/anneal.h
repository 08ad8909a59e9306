/* SPDX-License-Identifier: MIT
 * Simulated annealing of a whole table, for terms that the search over open experts cannot serve: devices and nodes
 * touched, pairs, and any of the terms together with capacity or balance. All moves keep the constraints. */
#ifndef SPR_ROUTE_ANNEAL_H
#define SPR_ROUTE_ANNEAL_H

#include "arrangement.h"
#include "effort.h"
#include "reselect.h"

typedef struct spr__annealer {
    spr__arrangement at;         /* the table now */
    spr__reselect reselect;
    double *price;               /* [width] of a place, while a start is looked for */
    double *step;                /* [width] how far it moves next */
    double *side;                /* [width] which way it moved last */
    int32_t *shut;               /* [width] 1 = the start does without the expert, to keep active_limit */
    int32_t *best;               /* [tokens][k] */
    int32_t *queue;              /* [tokens*k] the start's best choice so far */
    double best_energy;
    int32_t *scratch;            /* for the judge */
} spr__annealer;

void spr__annealer_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__annealer *annealer);

/* anneal_start.c: a table from scratch at prices that make loads meet capacities, devices and nodes touched included. prices
 * [experts]: where to begin, NULL = at 0. Returns nonzero if an expert stays over its capacity. */
int spr__anneal_start(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel, const double *prices);

/* anneal_cost.c: what each expert would cost the token, at the loads without it; experts that constraints forbid cost +inf. */
void spr__anneal_field(spr__annealer *annealer, int64_t token);

/* anneal_moves.c: each makes one move, or none, and leaves it in the journal: the caller accepts (journal_used = 0) or undoes it.
 * Returns nonzero if something was changed. */
int spr__anneal_replace(spr__annealer *annealer, uint64_t bits, uint64_t more);
int spr__anneal_swap(spr__annealer *annealer, uint64_t bits, uint64_t more);
int spr__anneal_reselect(spr__annealer *annealer, int64_t token);
int spr__anneal_renegotiate(spr__annealer *annealer, int64_t first, int64_t second);
int spr__anneal_leave_device(spr__annealer *annealer, int64_t token, int32_t device);
int spr__anneal_close(spr__annealer *annealer, int32_t expert);
int spr__anneal_open(spr__annealer *annealer, int32_t expert);
int spr__anneal_exchange(spr__annealer *annealer, int32_t closing, int32_t opening);

/* anneal_settle.c: from ids, which keep capacity and the limit of active experts, to a table that keeps the limits of
 * devices and nodes too, by annealing with what is beyond them as a cost that rises. Returns nonzero if that was reached. */
int spr__anneal_settle(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel,
                       const spr__effort *effort, int32_t *ids);

/* anneal.c: pieces of the schedule. A random move, accepted or not at these temperatures. */
void spr__anneal_at(spr__annealer *annealer, const spr__effort *effort, double hot, double cold);
double spr__anneal_scale(const spr__annealer *annealer);

/* anneal.c: from ids [tokens,k], a table without violations; writes the best table found there. It is never worse. */
void spr__anneal(spr__annealer *annealer, const spr__terms *terms, const spr__kernel *kernel, const spr__effort *effort,
                 int32_t *ids);

#endif
