/* SPDX-License-Identifier: MIT
 * The lowering of H to a QUBO: what its files share. The public part is in spinroute/lower.h. */
#ifndef SPR_ROUTE_LOWER_H
#define SPR_ROUTE_LOWER_H

#include "../../include/spinroute/lower.h"
#include "../base/arena.h"
#include "../base/error.h"
#include "terms.h"

/* What stands for a bit, where it is not the number of a variable. */
enum {
    SPR_LOWER_NONE = -1,         /* 0: forbidden, or nothing can set it */
    SPR_LOWER_ONE = -2,          /* 1 */
    SPR_LOWER_ZERO = -3,         /* 0, fixed by the kernel */
    SPR_LOWER_PRUNED = -4        /* 0, left out by candidates */
};

enum { SPR_LOWER_CAPACITY, SPR_LOWER_ACTIVE, SPR_LOWER_DEVICES, SPR_LOWER_NODES };

/* sum of bits + slack = room, for an expert, a device or a token */
typedef struct spr__lower_row {
    int32_t kind, index, room;
    int32_t first, digits;       /* variables of the slack: digits 1, 2, 4, ..., rest */
    double weight;
} spr__lower_row;

/* Multipliers and what they prove; lives while a lowering is made. [T*E] unless said otherwise. Those of an OR are NULL
 * where nothing is charged for it. */
typedef struct spr__lower_bound {
    void *block;
    size_t block_bytes;
    int64_t multipliers;         /* of all kinds, in one array each: */
    double *at, *best, *up;      /* where we are, the best place so far, the direction up */
    double *price, *slope;       /* [E] of capacities, of loads */
    double *device_slope;        /* [D] of works */
    double *open, *touch, *touch_node;
    double *limit_active, *limit_device, *limit_node;    /* [D], [T], [T] */
    double *reduced;             /* cost of x at the multipliers; of allowed experts only */
    double *token;               /* [T] multiplier of sum x = need */
    double *last, *next;         /* [T] dearest taken, cheapest not taken; -inf, +inf where there is none */
    double *room, *touch_room, *node_room;   /* [E], [T*D], [T*N] what an OR still costs beyond its multipliers */
    double *attract;             /* [k][E] half the m most negative pairs of an expert */
    double attraction;           /* the most negative pair, as a positive number */
    double *charge;              /* [E] cost of an active expert, with its part of the level */
    int32_t *loads, *active;     /* [E] of the known table, [D] */
    double *work;                /* [D] */
    double *group, *group_most;  /* scratch of the projection: [T*E], [most of E, D, N] */
    int64_t *group_first;        /* [most of E, D, N, and 1] */
    double bound, size, scale;   /* D, sum of what it was added up from, largest |reduced| */
} spr__lower_bound;

struct spr_lowering {
    spr__memory memory;
    void *block, *names;         /* copies and maps; what is known of variables and rows */
    size_t block_bytes, names_bytes;
    spr__terms terms;            /* of the copies */
    float *rank;                 /* [T][width] what orders a token's experts */
    int32_t *known;              /* [T][k] */
    int32_t *var;                /* [T][E] variable of x, or a code above */
    int32_t *active;             /* [E] the same for the auxiliary bits; a bit with one x is that x */
    int32_t *device, *node;      /* [T][D], [T][N]; NULL where they are not needed */
    int32_t *scratch;            /* [2E + D + N] of the judge */
    int32_t *found;              /* [T][k] */
    int32_t *loads;              /* [E] */
    int32_t *opened;             /* [D] active experts */
    uint8_t *taken;              /* [T][E] a state without its auxiliary bits */
    int32_t *first, *second;     /* [variables] token and expert, ..., row and digit */
    spr__lower_row *rows;
    int64_t row_count;
    double gap, margin;          /* known - bound; weights are |multiplier| + gap + margin */
    spr_lower_report report;
    spr_problem *problem;
};

static inline int spr__lower_may(const spr__terms *terms, int64_t t, int64_t e)
{
    return terms->need[t] > 0 && terms->value[t * terms->width + e] >= -3.4028234e38f;
}

/* A bit that is 1 whatever the variables are, or may be. */
static inline int spr__lower_can(int32_t code)
{
    return code >= 0 || code == SPR_LOWER_ONE;
}

static inline int spr__lower_bit(int32_t code, const uint8_t *bits)
{
    return code >= 0 ? bits[code] : code == SPR_LOWER_ONE;
}

/* The bound and the lowering from H in structured form, of which everything needed is copied. */
spr_status spr__lowering_new(const spr__terms *terms, const int32_t *ids, const spr_lower_settings *settings,
                             spr__memory memory, spr_lowering **lowering, spr_error *error);

/* lower_bound.c: memory for the multipliers, and the ascent. Free with spr__lower_bound_close. */
spr_status spr__lower_bound_open(const spr_lowering *lowering, spr__lower_bound *bound, spr_error *error);
void spr__lower_bound_close(const spr__memory *memory, spr__lower_bound *bound);

/* lower_project.c: moves the multipliers to where they may lie. step: length of the step they come from. */
void spr__lower_bound_restrict(const spr__terms *terms, spr__lower_bound *bound, double step);

/* lower_fix.c: what x become variables: all allowed, candidates, what the kernel leaves. Fills var and the report. */
void spr__lower_fix(spr_lowering *lowering, const spr__lower_bound *bound, const spr_lower_settings *settings);

/* lower_aux.c: auxiliary bits and rows. Counts first (names NULL), then writes. */
spr_status spr__lower_number(spr_lowering *lowering, const spr_lower_settings *settings, spr_error *error);

/* lower_build.c: the problem itself. */
spr_status spr__lower_build(spr_lowering *lowering, const spr__lower_bound *bound, const spr_lower_settings *settings,
                            spr_error *error);

/* lower_decode.c: bits of the slack of every row, from the other bits. */
void spr__lower_slack(const spr_lowering *lowering, uint8_t *bits);

#endif
