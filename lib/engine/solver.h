/* SPDX-License-Identifier: MIT
 * A solver: a backend at work on a problem, with options, samples and what the last solve found. */
#ifndef SPR_ENGINE_SOLVER_H
#define SPR_ENGINE_SOLVER_H

#include "registry.h"
#include "samples.h"
#include "../qubo/problem.h"
#include "../presolve/presolve.h"

/* Memory that a backend took; freed after its fini. */
typedef struct spr__loan {
    struct spr__loan *next;
    size_t bytes;
} spr__loan;

struct spr_solver {
    spr__memory memory;
    const spr_backend *backend;
    const spr_problem *problem;
    double tolerance;            /* two energies that differ by less are the same, for claims */

    int64_t seed, work, samples_wanted;
    double seconds, target;
    int32_t presolve, bound_wanted;  /* options "presolve" and "bound": their words */
    double *values;              /* [backend->option_count] */
    uint8_t *start;              /* [variables] or NULL */
    spr_progress progress;
    void *progress_user;
    spr_parallel_for parallel_for; /* NULL: the calling thread */
    void *parallel_user;
    int32_t cancelled;           /* the one field that other threads write: by spr__set_cancelled */

    /* of the running solve, and of the last one */
    spr_host host;
    void *state;
    spr__loan *loans;
    spr__samples samples;
    spr_solve_result result;
    int32_t may_allocate;        /* until init returns */
    double bound;                /* proved by the backend, or by presolve */
    double own_bound;            /* by presolve */
    spr_reduction *reduction;    /* NULL: the backend sees the problem as it is */
    uint8_t *whole;              /* [2*variables] with a reduction: a restored state, and the start projected */
    int32_t opened;              /* the backend's init was called */
    double begun, deadline;      /* on the clock, when seconds is set */
    int stop;                    /* an offer ended the solve: target reached, or a claim that is false */
    spr_status failure;
    spr_error reason;
};

/* Relaxed and atomic: also from a signal handler. */
static inline void spr__set_cancelled(spr_solver *solver, int32_t value)
{
    __atomic_store_n(&solver->cancelled, value, __ATOMIC_RELAXED);
}

static inline int32_t spr__is_cancelled(const spr_solver *solver)
{
    return __atomic_load_n(&solver->cancelled, __ATOMIC_RELAXED);
}

/* reduce.c: presolve, where it is wanted and helps; host.problem is then what is left. */
spr_status spr__solver_reduce(spr_solver *solver, spr_error *error);
void spr__solver_forget_reduction(spr_solver *solver);

/* loop.c */
spr_status spr__solver_run(spr_solver *solver, spr_error *error);

#endif
