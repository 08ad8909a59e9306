/* SPDX-License-Identifier: MIT
 * Which runs come next: rounds of tasks. */
#ifndef SPR_BACKEND_ANNEAL_STRATEGY_H
#define SPR_BACKEND_ANNEAL_STRATEGY_H

#include "run.h"

enum { SPR_ROUND_TASKS = 8 };
enum { SPR_METHOD_AUTO, SPR_METHOD_ANNEAL, SPR_METHOD_TEMPERING, SPR_METHOD_POPULATION, SPR_METHOD_TABU, SPR_METHOD_RELINK };

/* What the options say; 0 = automatic. */
typedef struct spr__settings {
    int32_t method;              /* SPR_METHOD_* */
    int32_t schedule;            /* SPR_SCHEDULE_* */
    int64_t sweeps, reads;
    int32_t endless;             /* without reads: go on until stopped, not just for some rounds */
    double hot, cold;
} spr__settings;

typedef struct spr__strategy {
    spr__settings settings;
    const spr__model *model;
    uint64_t key;                /* random numbers of all tasks are drawn from it */
    int64_t round;               /* rounds begun */
    int64_t tasks;               /* given out so far */
    double mixing;               /* most of the runs of the first round, spr__run */
    int64_t reads;               /* replicas begun */
    const uint8_t *start;        /* where the first round starts; NULL: anywhere */
} spr__strategy;

/* The method of SPR_METHOD_*. */
const spr__method *spr__strategy_method(int32_t method);

/* Writes the tasks of the next round; returns their number, 0 when the reads are done. The pool is as the rounds before left
 * it. */
int spr__strategy_next(spr__strategy *strategy, const spr__pool *pool, spr__task *tasks, const spr__method **methods);

#endif
