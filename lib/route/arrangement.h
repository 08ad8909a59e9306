/* SPDX-License-Identifier: MIT
 * A table being changed: who uses what, loads, devices touched, and the running H. One primitive changes it, with the
 * exact change of H in O(k); a journal takes back what was done since a mark, so that every larger move is a sequence of
 * it. */
#ifndef SPR_ROUTE_ARRANGEMENT_H
#define SPR_ROUTE_ARRANGEMENT_H

#include "terms.h"
#include "../base/arena.h"

/* slot of token went from expert (-1 = none) to another */
typedef struct spr__change {
    int32_t token, slot, before;
} spr__change;

typedef struct spr__arrangement {
    const spr__terms *terms;
    int32_t *ids;                /* [tokens][k], -1 = none */
    uint64_t *taken;             /* [tokens][words] the same as bits */
    int32_t *loads;              /* [width] */
    double *work;                /* [devices] cost of the loads */
    int32_t *active;             /* [devices] active experts */
    uint8_t *on_device;          /* [tokens][devices] experts of the token there */
    uint8_t *on_node;            /* [tokens][nodes] */
    int32_t *touched;            /* [tokens] devices touched */
    int32_t *nodes_touched;      /* [tokens] */
    spr__change *journal;        /* [journal_size] */
    int64_t journal_size, journal_used;
    double energy;               /* H now */
    double committed;            /* H when the journal was empty */
    double excess;               /* 0: limits of devices and nodes are kept; otherwise what each one beyond costs in energy */
} spr__arrangement;

void spr__arrangement_lay(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__arrangement *arrangement);

/* Starts from ids [tokens,k]. */
void spr__arrangement_open(spr__arrangement *arrangement, const spr__terms *terms, const int32_t *ids);

/* The change of H when that slot goes from its expert to another (either may be -1); the token does not use it yet. */
double spr__arrangement_price(const spr__arrangement *arrangement, int64_t token, int64_t slot, int32_t expert);

/* Do capacity and limits allow it, and is the slot's expert not one that the token must keep? */
int spr__arrangement_allows(const spr__arrangement *arrangement, int64_t token, int64_t slot, int32_t expert);

/* Does it; energy follows. */
void spr__arrangement_set(spr__arrangement *arrangement, int64_t token, int64_t slot, int32_t expert);

/* The changes so far stay: the journal is empty. */
void spr__arrangement_commit(spr__arrangement *arrangement);

/* Takes back all changes since the journal had that many. */
void spr__arrangement_undo(spr__arrangement *arrangement, int64_t mark);

/* Gives the token these experts [need], in no order. */
void spr__arrangement_assign(spr__arrangement *arrangement, int64_t token, const int32_t *experts);

static inline int spr__uses(const spr__arrangement *arrangement, int64_t token, int32_t expert)
{
    return (int)(arrangement->taken[token * arrangement->terms->words + expert / 64] >> (expert & 63) & 1);
}

#endif
