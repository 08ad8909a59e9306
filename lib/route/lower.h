/* SPDX-License-Identifier: MIT
 * A lowering: what H of one batch becomes as a QUBO, and the way back.
 *
 * An entry is a pair of token and expert that is allowed. Each bit that the problem speaks of is a literal: a
 * variable, or a bit whose value is known. So an entry that is fixed, an OR over one bit, and an OR that is always 1
 * cost no variable. */
#ifndef SPR_ROUTE_LOWER_H
#define SPR_ROUTE_LOWER_H

#include "../../include/spinroute/lower.h"
#include "../base/allocator.h"
#include "../base/arena.h"
#include "../base/error.h"
#include "terms.h"

enum { SPR_LOWER_FREE = 0, SPR_LOWER_ZERO = 1, SPR_LOWER_ONE = 2 };      /* states of an entry */
enum { SPR_LOWER_NEVER = -1, SPR_LOWER_ALWAYS = -2 };                    /* literals that are no variables */
enum { SPR_LOWER_DIGITS = 32 };                                          /* most digits of a slack */

/* Kinds of variables. */
enum { SPR_LOWER_X, SPR_LOWER_ACTIVE, SPR_LOWER_DEVICE, SPR_LOWER_NODE, SPR_LOWER_CAPACITY, SPR_LOWER_ACTIVE_LIMIT,
       SPR_LOWER_DEVICE_LIMIT, SPR_LOWER_NODE_LIMIT, SPR_LOWER_UNUSED, SPR_LOWER_KINDS };

typedef struct spr__lower_variable {
    int32_t kind;
    int32_t first;               /* token, or expert or device of an active or a slack */
    int32_t second;              /* expert, device, node, or the value of a slack's digit */
} spr__lower_variable;

/* A limit: sum of literals + slack = right, slack 0..range in digits 1, 2, 4, .., rest. */
typedef struct spr__lower_row {
    int64_t right, range;
    int32_t first, digits;       /* variables of the slack */
    int32_t exists;
} spr__lower_row;

struct spr_lowering {
    spr__memory memory;
    size_t block_bytes, variable_bytes;
    spr__terms terms;            /* its arrays are copies */
    spr_lower_report report;
    spr_problem *problem;
    double unit;                 /* the largest coefficient of H */
    double known;                /* H of the known table */
    int32_t objects;             /* constraints and squares instead of penalties and couplings */

    /* entries, by token, then expert */
    int64_t entries;
    int32_t *start;              /* [tokens+1] */
    int32_t *expert;             /* [entries] */
    uint8_t *state;              /* [entries] */
    int32_t *literal;            /* [entries] */
    int32_t *candidates;         /* [experts] entries that are not ZERO */
    int32_t *settled;            /* [experts] entries that are ONE */
    int32_t *members;            /* [devices] experts with candidates */
    uint8_t *always;             /* [experts] 1 = in use in every table that matters */
    uint8_t *device_always, *node_always;        /* [tokens][devices], [tokens][nodes], or NULL where nothing asks */
    int32_t *active, *on_device, *on_node;       /* literals: [experts], [tokens][devices], [tokens][nodes] */
    spr__lower_row *capacity, *active_limit;     /* [experts], [devices] */
    spr__lower_row *device_limit, *node_limit;   /* [tokens] each */
    spr__lower_variable *variables;

    float *rank;                 /* [tokens][width] what orders a token's experts: the values, until somebody knows
                                    better */
    int32_t *table;              /* [tokens][k] the known table, by expert */
    struct spr__lower_repair *repair;
};

/* Multipliers of the Lagrangian and what comes of them; scratch while a lowering is made. */
typedef struct spr__lower_dual {
    int64_t count, free;         /* multipliers; the first ones may be negative */
    int64_t slope, work, price, level, active, device, node;     /* where each kind begins, see lower_bound.c */
    int64_t open, at_device, at_node;                            /* one per entry, or -1 = no such constraint */
    double *at, *best, *gradient, *direction;    /* [count] */
    double *base, *size;         /* [experts] what every token pays, and the sum of the absolute values of its parts */
    double *pair;                /* [experts] what pairs give back at most */
    double *sum, *rest;          /* [experts] of the open multipliers; cost of being active minus it */
    double *touch;               /* [devices + nodes] the same sums of one token */
    double *rest_device, *rest_node;     /* [tokens][devices], [tokens][nodes] cost of touching minus them, or NULL */
    double *cost;                /* [entries] reduced cost, without the token's own multiplier */
    double *low, *high;          /* [tokens] largest chosen and smallest other cost: the token's multiplier lies
                                    between */
    int32_t *loads;              /* [experts] of the choice */
    int32_t *opened;             /* [devices] */
    uint8_t *chosen, *open_now;  /* [entries], [experts] */
    double *if_one, *if_zero;    /* [entries] largest bound found with the entry at 1, at 0; NULL: not wanted */
    double *if_closed;           /* [experts] the same without the expert */
    double *rise;                /* [experts] scratch */
    double pair_least;           /* the most negative pair, as a positive number */
    double bound;                /* of the best multipliers */
    double magnitude;            /* of what was added up for it */
} spr__lower_dual;

/* lower.c: copies the settings with their defaults, or says what is wrong with them. */
spr_status spr__lower_read_settings(const spr_lower_settings *settings, int64_t experts, int64_t k,
                                    spr_lower_settings *known, spr_error *error);

/* lower_new.c: from H in structured form, of which everything needed is copied. */
spr_status spr__lowering_new(const spr__terms *terms, const int32_t *ids, const spr_lower_settings *settings,
                             spr__memory memory, spr_lowering **lowering, spr_error *error);

/* lower_bound.c: lays the arrays; starts at the known table; finds multipliers from where they are. */
void spr__lower_dual_lay(spr__arena *arena, const spr_lowering *lowering, int kernelise, spr__lower_dual *dual);
void spr__lower_dual_start(const spr_lowering *lowering, spr__lower_dual *dual);
void spr__lower_dual_climb(const spr_lowering *lowering, spr__lower_dual *dual);

/* lower_kernel.c: what follows from the constraints alone; the best experts of each token only; what a bound says of
 * single entries, noted; and fixed. The last returns how much it found. */
void spr__lower_settle(spr_lowering *lowering);
void spr__lower_prune(spr_lowering *lowering, int64_t candidates, int64_t *scratch);
void spr__lower_note(const spr_lowering *lowering, spr__lower_dual *dual, double bound);
int64_t spr__lower_kernelise(spr_lowering *lowering, const spr__lower_dual *dual);

/* lower_weights.c: weights of the constraints. */
typedef struct spr__lower_weights {
    double gap, margin, grid, smallest, largest;
} spr__lower_weights;
void spr__lower_weights_open(const spr_lowering *lowering, const spr__lower_dual *dual, spr__lower_weights *weights);
double spr__lower_weight(spr__lower_weights *weights, double multiplier, double least);
double spr__lower_token_multiplier(const spr__lower_dual *dual, const spr_lowering *lowering, int64_t token);

/* lower_rows.c: literals, limits and variables. With variables NULL it only counts them in the report. */
void spr__lower_lay_out(spr_lowering *lowering, spr__lower_variable *variables);

/* lower_build.c: the problem. */
spr_status spr__lower_build(spr_lowering *lowering, const spr__lower_dual *dual, const spr_lower_settings *settings,
                            spr_error *error);

/* lower_repair.c */
typedef struct spr__lower_repair {
    uint8_t *on;                 /* [entries] */
    int32_t *loads;              /* [experts] */
    int32_t *opened;             /* [devices] */
    double *work;                /* [devices] */
    int32_t *routes;             /* [tokens] */
    int32_t *touches;            /* [devices + nodes] routes of the token at hand */
    int32_t *judge;              /* scratch of spr__terms_energy */
    int64_t token;               /* the token at hand, -1 = none */
} spr__lower_repair;
void spr__lower_repair_run(const spr_lowering *lowering, spr__lower_repair *repair);

/* lower_decode.c: entries that are on -> ids, each token's best first, or without rank by expert, as the judge gets
 * them; a token with more than k loses the rest. And back: ids of allowed experts. */
void spr__lower_write(const spr_lowering *lowering, const uint8_t *on, const float *rank, int32_t *ids);
void spr__lower_read(const spr_lowering *lowering, const int32_t *ids, uint8_t *on);

/* Index of an entry, or -1. */
static inline int64_t spr__lower_find(const spr_lowering *lowering, int64_t token, int32_t expert)
{
    int64_t low = lowering->start[token], high = lowering->start[token + 1];
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (lowering->expert[middle] < expert)
            low = middle + 1;
        else
            high = middle;
    }
    return low < lowering->start[token + 1] && lowering->expert[low] == expert ? low : -1;
}

/* Do actives, devices, nodes matter at all? */
static inline int spr__lower_counts_active(const spr__terms *terms)
{
    double most = terms->level;
    for (int64_t e = 0; e < terms->experts; e++)
        most = terms->activation[e] > most ? terms->activation[e] : most;
    return most > 0.0 || terms->active_limit > 0;
}

static inline int spr__lower_counts_devices(const spr__terms *terms)
{
    return terms->touch_device > 0.0 || terms->device_limit > 0;
}

static inline int spr__lower_counts_nodes(const spr__terms *terms)
{
    return terms->touch_node > 0.0 || terms->node_limit > 0;
}

/* Can a token with need experts touch more places than the limit? Where it cannot there is neither row nor
 * multiplier: a row is missing only where no state at all violates it, or where its multiplier is 0. */
static inline int spr__lower_binds(int64_t limit, int64_t need)
{
    return limit > 0 && limit < need;
}

static inline double spr__lower_value(const spr_lowering *lowering, int64_t token, int64_t entry)
{
    return (double)lowering->terms.value[token * lowering->terms.width + lowering->expert[entry]];
}

static inline int spr__lower_has_balance(const spr__terms *terms, int64_t expert)
{
    return terms->balance > 0.0 && terms->target[expert] > 0.0;
}

static inline int spr__lower_has_work(const spr__terms *terms, int64_t device)
{
    return terms->device_balance > 0.0 && terms->device_target[device] > 0.0;
}

#endif
