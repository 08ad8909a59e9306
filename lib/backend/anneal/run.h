/* SPDX-License-Identifier: MIT
 * A run: one search from start to end, done in units so that it can be left and taken up again. What differs from method to
 * method is behind spr__method, one file each. Runs of one round know nothing of each other, so they may go on in any order
 * or at once. */
#ifndef SPR_BACKEND_ANNEAL_RUN_H
#define SPR_BACKEND_ANNEAL_RUN_H

#include "clusters.h"
#include "model.h"
#include "pool.h"
#include "replica.h"
#include "replicas.h"
#include "schedule.h"

enum { SPR_RUN_RESULTS = 8 };

/* What a run is to do. */
typedef struct spr__task {
    int64_t sweeps;              /* >= 1 */
    double hot, cold;            /* in units of E */
    int32_t schedule;            /* SPR_SCHEDULE_* */
    int32_t breed;               /* start from children of the pool, which must not be empty */
    const uint8_t *start;        /* start from this state; NULL: from random ones */
    uint64_t key;                /* all its random numbers */
} spr__task;

struct spr__method;

typedef struct spr__run {
    const struct spr__method *method;
    const spr__model *model;
    const spr__pool *pool;       /* does not change while a round runs */
    spr__task task;
    spr__schedule schedule;
    int32_t done;
    int64_t at;                  /* units of the sweep under way */
    int64_t quench;              /* sweeps at temperature 0 done */
    spr__replica replica;        /* dense */
    spr__bundle bundle;          /* sparse */
    spr__clusters clusters;      /* sparse */
    double reached;              /* population: temperature of the last resampling */
    int64_t since;               /* population: sweeps since then */
    void *own;                   /* of the method */
    double mixing;               /* how much E fell by mixing lanes, in standard deviations of theirs */
    int32_t results;             /* states found, best first */
    double energy[SPR_RUN_RESULTS];
    uint8_t *bits;               /* [SPR_RUN_RESULTS + 1, n]; the last is scratch */
} spr__run;

typedef struct spr__method {
    const char *name;

    /* Memory of its own: 0 if there is none. May be NULL. */
    int (*open)(spr__run *run, const spr_host *host);

    /* Begins task: the states are there already. */
    void (*start)(spr__run *run);

    /* Does at most units of work, at least one unless done; returns how many. Sets done, and the results then. */
    int64_t (*advance)(spr__run *run, int64_t units);
} spr__method;

/* anneal: simulated annealing. tempering: parallel tempering with isoenergetic moves; a run that was opened for another
 * method anneals instead. population: population annealing. tabu: iterated tabu search. relink: paths between members of the
 * pool and tabu search from their middle; with fewer than two members, tabu. A run that is to do one of these two must have
 * been opened for one of them. */
extern const spr__method spr__method_anneal, spr__method_tempering, spr__method_population, spr__method_tabu, spr__method_relink;

/* Memory from host: returns 0 if there is none. */
int spr__run_open(spr__run *run, const spr_host *host, const spr__method *method, const spr__model *model,
                  const spr__pool *pool);

/* Begins a task. */
void spr__run_start(spr__run *run, const spr__method *method, const spr__task *task);

/* Goes on with it: as spr__method's advance. */
int64_t spr__run_advance(spr__run *run, int64_t units);

/* For methods: a part of a sweep at a temperature, one unit; returns 1 when it completes the sweep. */
int spr__run_sweep(spr__run *run, const spr__heat *heat);

/* For methods: a part of a sweep at temperature 0, one unit; when nothing moves or there were enough, collects, and sets
 * done. */
void spr__run_quench(spr__run *run);

/* For methods: share of flips that would be accepted at a temperature, from a sample. */
double spr__run_acceptance(const spr__run *run, double temperature);

/* For methods: puts the states where they are now into the results. */
void spr__run_collect(spr__run *run);

#endif
