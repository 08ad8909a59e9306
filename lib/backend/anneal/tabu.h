/* SPDX-License-Identifier: MIT
 * Tabu search by single flips (Glover, INFORMS Journal on Computing 1, 1989; for QUBO Palubeckis, Annals of Operations
 * Research 131, 2004, and Glover, Lu and Hao, 4OR 8, 2010): the best flip that is not barred is made, better or worse, and
 * its variable is barred for n/100 + 1 .. 10 flips, unless flipping it again leads to a state better than all so far.
 *
 * On dense rows the fields are floats whatever the numbers, and a flip is one pass of a kernel over them; on sparse rows they
 * are doubles, and a flip is one row and a look at all variables. */
#ifndef SPR_BACKEND_ANNEAL_TABU_H
#define SPR_BACKEND_ANNEAL_TABU_H

#include "run.h"

typedef struct spr__tabu {
    const spr__model *model;
    spr__replica *replica;       /* dense: wide; of the run */
    double *field;               /* [n] sparse, as spin.h */
    uint8_t *state;              /* [n] sparse */
    float *barred;               /* [stride] infinity; else less than half a unit at random, so that ties are broken */
    int64_t *until;              /* [n] flip at which a variable is free again */
    int32_t *ring;               /* [size] variables of the last flips; size is a power of two */
    int64_t size, least, most;   /* and how long they are barred */
    uint64_t key;
    int64_t flips;               /* done since the start */
    int64_t next;                /* the flip to be made; -1: there is none */
    double gain;                 /* of it */
    double energy, best;         /* of the state, and of the best one since the start */
    int32_t ahead;               /* the state is the best one, and not in bits yet */
    int64_t improved;            /* flip that found it */
    uint8_t *bits;               /* [n] the best state */
} spr__tabu;

/* Memory from host: returns 0 if there is none. */
int spr__tabu_open(spr__tabu *tabu, spr__run *run, const spr_host *host);

/* Takes a state over, with no variable barred. The next call must be spr__tabu_begin, or single flips of the caller. */
void spr__tabu_put(spr__tabu *tabu, const uint8_t *bits, uint64_t key);

/* The search starts from the state as it is. */
void spr__tabu_begin(spr__tabu *tabu);

/* One flip of the search. */
void spr__tabu_move(spr__tabu *tabu);

/* What barred is where a variable may flip, drawn anew. */
float spr__tabu_free(const spr__tabu *tabu, int64_t i);

/* Flips a variable (-1: none), then finds the best flip among those that are not barred: its variable or -1 is returned, and its
 * gain, in units of E, written. */
int64_t spr__tabu_flip(spr__tabu *tabu, int64_t flip, double *gain);

/* What E changes by when variable i flips. */
double spr__tabu_gain(const spr__tabu *tabu, int64_t i);

/* Flips count variables, each the best one of some drawn ones, and goes on from there. */
void spr__tabu_kick(spr__tabu *tabu, int64_t count);

/* Makes bits the best state. */
void spr__tabu_keep(spr__tabu *tabu);

/* Flips in one unit of work. */
int64_t spr__tabu_unit(const spr__model *model);

#endif
