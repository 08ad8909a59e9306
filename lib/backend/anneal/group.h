/* SPDX-License-Identifier: MIT
 * Simulated annealing for problems with squares and constraints: the functions of a backend, and the state behind them.
 *
 * A state always takes k of each SPR_EXACTLY ("group"); an SPR_AT_MOST ("limit") is exceeded only until a first state is found
 * that exceeds none. A move is a chain of exchanges: a member of a group goes off and another on; where that exceeds a limit,
 * a member of the limit goes off in turn, and so on. Local fields, the sums of squares and the loads of limits are maintained, so
 * a move costs the couplings, squares and limits of its variables. */
#ifndef SPR_BACKEND_ANNEAL_GROUP_H
#define SPR_BACKEND_ANNEAL_GROUP_H

#include "../../../include/spinroute/backend.h"
#include "../../base/exponential.h"
#include "../../base/random.h"

size_t spr__group_state_size(void);
spr_status spr__group_init(void *state, const spr_host *host, spr_error *error);
spr_status spr__group_warm(void *state, const uint8_t *bits, spr_error *error);
spr_status spr__group_step(void *state, int64_t budget, int64_t *used, spr_error *error);
void spr__group_fini(void *state);

enum { SPR_GROUP_FLIPS = 8 };    /* most variables of a move */
enum { SPR_GROUP_UNIT = 1000 };  /* proposals in a unit of work */
enum { SPR_GROUP_LOGS = 1024 };  /* entries of the table of exponential variates */
enum { SPR_GROUP_LEAD = 8 };     /* candidates in order beyond those that a group takes */
enum { SPR_GROUP_PROBES = 512 };        /* costs that temperatures are made from */

/* Squares, by variable. */
typedef struct spr__group_squares {
    int64_t count;
    int64_t *row;                /* [n+1] */
    int32_t *index;              /* square */
    double *factor;
    double *sum;                 /* [count] sum of the state, minus target */
    double *shift;               /* [count] what the move at hand adds; 0 between moves */
    const double *weight;        /* [count] */
} spr__group_squares;

/* Limits that can be exceeded, by variable and by limit; weights are whole multiples of a unit of each limit. */
typedef struct spr__group_limits {
    int64_t count;
    int64_t *row;                /* [n+1] */
    int32_t *index;              /* limit */
    int64_t *weight;
    int32_t *place;              /* in the limit's list */
    int64_t *start;              /* [count+1] */
    int32_t *member;             /* a limit's variables, those that are 1 first */
    int32_t *on;                 /* [count] how many are 1 */
    int64_t *most, *load, *shift;        /* [count] bound, sum of the state, what the move at hand adds */
    int64_t *best_load;          /* [count] at the best prices */
    double *price, *best_price;  /* [count] of one unit, for the order of candidates */
    double *slope;               /* [count] direction of the last step of prices */
    double *mean;                /* [count] weight of a member */
    double *fine;                /* [count] of one unit too much, while limits may be exceeded */
} spr__group_limits;

/* Groups, and variables in none. */
typedef struct spr__group_groups {
    int64_t count;
    int32_t *owner;              /* [n] group, or -1 */
    int64_t *start;              /* [count+1] */
    int32_t *member;             /* a group's variables, those that are 1 first */
    int32_t *place;              /* [n] in the group's list */
    int32_t *take;               /* [count] k */
    int32_t *candidate;          /* a group's variables, promising ones first */
    int32_t *at_limit;           /* a group's variables by their first limit, for look-up */
    int64_t slots, slots_free;   /* all, and those of variables in no group */
    int32_t *slot;               /* [slots] group, or -1 - variable: what a move begins with */
} spr__group_groups;

/* The move at hand. */
typedef struct spr__group_move {
    int32_t count;
    int32_t variable[SPR_GROUP_FLIPS];
    double cost;                 /* of the energy */
    double load;                 /* of what it takes from limits, at their prices */
} spr__group_move;

typedef struct spr__group_state {
    const spr_host *host;
    const spr_problem_view *problem;
    int64_t n;
    const double *linear, *value;        /* on a grid on which all sums are exact */
    double *field;               /* [n] linear plus couplings to what is 1 */
    uint8_t *bits, *best;        /* [n] the state, and the best one */
    double energy, best_energy;  /* without the offset */
    int64_t over;                /* limits exceeded */
    spr__group_squares squares;
    spr__group_limits limits;
    spr__group_groups groups;
    spr__group_move move;
    double *log;                 /* [SPR_GROUP_LOGS] */
    double *work, *plain;        /* [n] costs of variables for themselves, with prices and without */
    int32_t has_plain;
    double *probe;               /* [SPR_GROUP_PROBES] */

    int32_t phase;
    int32_t few;                 /* most moves try only so many candidates of a group */
    int32_t has_best, fresh;     /* there is a best state; it was not offered yet */
    int32_t loaded, offered;     /* a state was taken over; one was offered */
    int64_t run, runs;           /* annealing runs done, and to do */
    int64_t step, steps;         /* of the phase: units done, and to do */
    int64_t priced;              /* steps of prices done */
    int64_t since;               /* units since the last offer */
    double bound, hope;          /* of the Lagrangian: the best value, what is hoped for above it */
    int64_t missed;              /* steps without what was hoped for */
    double hot, cold;            /* first and last temperature of a run */
    double heat;                 /* what the first temperature is multiplied by */
    double lean;                 /* the part of the price of loads that counts in a run */
    uint64_t key, drawn;         /* random numbers */
} spr__group_state;

static inline uint64_t spr__group_draw(spr__group_state *state)
{
    return spr__random_at(state->key, state->drawn++);
}

/* A number below below from 32 random bits. */
static inline int64_t spr__group_below(uint64_t bits, int64_t below)
{
    return (int64_t)((bits & 0xffffffffu) * (uint64_t)below >> 32);
}


/* group_build.c */
spr_status spr__group_build(spr__group_state *state);
void spr__group_slots(spr__group_state *state);

/* group_field.c: takes over a state; energy, sums and loads anew. */
void spr__group_load(spr__group_state *state, const uint8_t *bits);
/* Adds a flip to the move at hand. */
void spr__group_add(spr__group_state *state, int32_t variable);
/* What the move changes fines by; the move can only be applied or forgotten after this. */
double spr__group_fines(const spr__group_state *state);
void spr__group_forget(spr__group_state *state);
void spr__group_apply(spr__group_state *state);

/* group_move.c: a random move, with its cost; 0 if it came to nothing. */
int spr__group_propose(spr__group_state *state);
/* The same where limits are exceeded, beginning with one of them. */
int spr__group_relieve(spr__group_state *state);

/* group_start.c */
int spr__group_price_step(spr__group_state *state, int64_t step);
void spr__group_price_end(spr__group_state *state);
void spr__group_order(spr__group_state *state);
void spr__group_greedy(spr__group_state *state);

#endif
