/* SPDX-License-Identifier: MIT
 * The solve loop: work, time, cancellation, progress and truth, the same for every backend. */
#include "solver.h"
#include "../base/arena.h"
#include "../base/clock.h"
#include "../base/random.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* units of work in a step when no clock tells how long they take; steps without work that a backend may make in a row;
 * seconds after which a step is an overrun */
enum { LOOP_SLICE = 256, LOOP_IDLE = 1000 };
static const double loop_longest_step = 2.0;
/* a bound that is below an energy by no more than this part of the tolerance for claims has met it */
static const double loop_closed = 0.004;

/* --------------------------------------------------------------------------------------------- what backends may call */

static void *loop_allocate(void *engine, size_t bytes)
{
    spr_solver *solver = (spr_solver *)engine;
    const size_t all = bytes + SPR_ALIGNMENT + sizeof(spr__loan);
    if (bytes > SIZE_MAX / 2 || !solver->may_allocate)
        return NULL;
    spr__loan *loan = (spr__loan *)spr__allocate(&solver->memory, all);
    if (loan == NULL)
        return NULL;
    memset(loan, 0, all);
    loan->next = solver->loans;
    loan->bytes = all;
    solver->loans = loan;
    const uintptr_t first = (uintptr_t)(loan + 1);
    return (char *)(loan + 1) + (SPR_ALIGNMENT - first % SPR_ALIGNMENT) % SPR_ALIGNMENT;
}

static uint64_t loop_random(void *engine, uint64_t stream, uint64_t counter)
{
    return spr__random((uint64_t)((spr_solver *)engine)->seed, stream, counter);
}

static int loop_is_late(const spr_solver *solver)
{
    return solver->seconds > 0.0 && spr__clock_seconds() >= solver->deadline;
}

static int32_t loop_cancelled(void *engine)
{
    const spr_solver *solver = (const spr_solver *)engine;
    return solver->stop || spr__is_cancelled(solver) || loop_is_late(solver);
}

/* Ends the solve: the first reason counts. */
static void loop_refuse(spr_solver *solver, spr_status status)
{
    solver->failure = solver->failure == SPR_OK ? status : solver->failure;
    solver->stop = 1;
}

static void loop_check_bound(spr_solver *solver)
{
    if (solver->samples.used == 0 || solver->bound <= solver->result.energy + solver->tolerance)
        return;
    if (solver->failure == SPR_OK)
        spr__fail(&solver->reason, SPR_ERROR_BACKEND_CLAIM, "backend \"%s\" claims that no energy is below %.17g; one of "
                  "its own states has %.17g", solver->backend->name, solver->bound, solver->result.energy);
    loop_refuse(solver, SPR_ERROR_BACKEND_CLAIM);
}

/* Does the best sample meet what presolve has proved? */
static int loop_is_closed(const spr_solver *solver)
{
    return solver->samples.used > 0 && solver->result.energy <= solver->own_bound + loop_closed * solver->tolerance;
}

static void loop_take(spr_solver *solver, const uint8_t *bits, double energy)
{
    spr__samples_add(&solver->samples, bits, energy);
    solver->result.energy = energy < solver->result.energy ? energy : solver->result.energy;
    solver->stop |= energy <= solver->target || loop_is_closed(solver);
    loop_check_bound(solver);
}

static int32_t loop_offer(void *engine, const uint8_t *bits, double claim)
{
    spr_solver *solver = (spr_solver *)engine;
    const int64_t n = solver->host.problem->variables;
    if (solver->failure != SPR_OK)
        return 1;
    for (int64_t i = 0; i < n; i++)
        if (bits == NULL || bits[i] > 1) {
            spr__fail(&solver->reason, SPR_ERROR_BACKEND_CLAIM, "backend \"%s\" offers what is no state: byte %lld is not 0 "
                      "or 1", solver->backend->name, (long long)i);
            loop_refuse(solver, SPR_ERROR_BACKEND_CLAIM);
            return 1;
        }
    if (solver->reduction != NULL) {
        spr__presolve_restore(solver->reduction, bits, solver->whole);
        bits = solver->whole;
    }
    int64_t violated = -1;
    if (spr__problem_violation(&solver->problem->view, bits, &violated, NULL) > 0) {
        spr__fail(&solver->reason, SPR_ERROR_BACKEND_CLAIM, "backend \"%s\" offers a state that violates constraint %lld",
                  solver->backend->name, (long long)violated);
        loop_refuse(solver, SPR_ERROR_BACKEND_CLAIM);
        return 1;
    }
    const double energy = spr__problem_energy(&solver->problem->view, bits);
    if (!isnan(claim) && !(fabs(claim - energy) <= solver->tolerance)) {
        spr__fail(&solver->reason, SPR_ERROR_BACKEND_CLAIM, "backend \"%s\" claims the energy %.17g for a state that has "
                  "%.17g", solver->backend->name, claim, energy);
        loop_refuse(solver, SPR_ERROR_BACKEND_CLAIM);
        return 1;
    }
    solver->result.offers++;
    loop_take(solver, bits, energy);
    return loop_cancelled(engine);
}

static void loop_prove(void *engine, double bound)
{
    spr_solver *solver = (spr_solver *)engine;
    if (solver->failure != SPR_OK)
        return;
    const int may_prove = (solver->backend->capabilities & SPR_BACKEND_PROVES) != 0;
    if (!may_prove || isnan(bound) || bound == INFINITY) {
        spr__fail(&solver->reason, SPR_ERROR_BACKEND_CLAIM, "backend \"%s\" claims a bound %s", solver->backend->name,
                  may_prove ? "that is not a number" : "but not the capability SPR_BACKEND_PROVES");
        loop_refuse(solver, SPR_ERROR_BACKEND_CLAIM);
        return;
    }
    bound -= solver->reduction != NULL ? 2.0 * solver->reduction->doubt : 0.0;
    solver->bound = bound > solver->bound ? bound : solver->bound;
    loop_check_bound(solver);
}

static double loop_option(void *engine, const char *name)
{
    const spr_solver *solver = (const spr_solver *)engine;
    for (int64_t i = 0; i < solver->backend->option_count; i++)
        if (strcmp(solver->backend->options[i].name, name) == 0)
            return solver->values[i];
    return NAN;
}

static void loop_parallel(void *engine, int64_t count, spr_parallel_task task, void *context)
{
    const spr_solver *solver = (const spr_solver *)engine;
    solver->parallel_for(solver->parallel_user, count, task, context);
}

/* --------------------------------------------------------------------------------------------------------------- loop */

static void loop_free_loans(spr_solver *solver)
{
    while (solver->loans != NULL) {
        spr__loan *loan = solver->loans;
        solver->loans = loan->next;
        spr__release(&solver->memory, loan, loan->bytes);
    }
    solver->state = NULL;
}

static spr_status loop_open(spr_solver *solver, spr_error *error)
{
    const int64_t n = solver->problem->view.variables;
    memset(&solver->result, 0, sizeof solver->result);
    solver->result.size = sizeof solver->result;
    solver->result.seed = solver->seed;
    solver->result.energy = INFINITY;
    solver->bound = solver->own_bound = solver->result.lower_bound = -INFINITY;
    solver->opened = 0;
    solver->failure = SPR_OK;
    solver->stop = 0;
    solver->host = (spr_host){sizeof solver->host, solver, &solver->problem->view, loop_allocate, loop_random, loop_offer,
                              loop_prove, loop_cancelled, loop_option,
                              solver->parallel_for != NULL ? loop_parallel : NULL,
                              solver->seconds > 0.0 || solver->work > 0, solver->target};
    if (solver->samples.room != solver->samples_wanted) {
        spr__samples_close(&solver->samples, &solver->memory);
        if (!spr__samples_open(&solver->samples, &solver->memory, n, solver->samples_wanted)) {
            spr__samples_close(&solver->samples, &solver->memory);
            return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %lld samples of %lld variables",
                             (long long)solver->samples_wanted, (long long)n);
        }
    }
    spr__samples_clear(&solver->samples);
    solver->may_allocate = 1;
    solver->state = loop_allocate(solver, solver->backend->state_size + 1);
    if (solver->state == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a state of %zu bytes", solver->backend->state_size);
    if (solver->seconds > 0.0) {
        solver->begun = spr__clock_seconds();
        solver->deadline = solver->begun + solver->seconds;
    }
    return SPR_OK;
}

/* A backend's own failure: memory is told as it is, all else as its failure. */
static void loop_backend_failed(spr_solver *solver, spr_status status, const char *what)
{
    spr_error own = solver->reason;
    own.message[sizeof own.message - 1] = '\0';
    if (solver->failure != SPR_OK)
        return;
    if (status == SPR_ERROR_MEMORY)
        spr__fail(&solver->reason, status, "backend \"%s\" found no memory in %s", solver->backend->name, what);
    else
        spr__fail(&solver->reason, SPR_ERROR_BACKEND, "backend \"%s\" failed in %s with status %d: %.300s",
                  solver->backend->name, what, (int)status, own.message[0] != '\0' ? own.message : "it gives no reason");
    solver->failure = status == SPR_ERROR_MEMORY ? status : SPR_ERROR_BACKEND;
}

static void loop_begin(spr_solver *solver)
{
    if (solver->start != NULL)
        loop_take(solver, solver->start, spr__problem_energy(&solver->problem->view, solver->start));
    spr__ok(&solver->reason);
    spr_status status = spr__solver_reduce(solver, &solver->reason);
    if (status != SPR_OK) {
        solver->failure = status;
        return;
    }
    loop_check_bound(solver);
    if (loop_is_closed(solver))
        return;
    if (solver->reduction != NULL && solver->reduction->left == 0) {
        spr__presolve_restore(solver->reduction, NULL, solver->whole);
        solver->result.offers++;
        loop_take(solver, solver->whole, spr__problem_energy(&solver->problem->view, solver->whole));
        return;
    }
    solver->opened = 1;
    spr__ok(&solver->reason);
    status = solver->backend->init(solver->state, &solver->host, &solver->reason);
    solver->may_allocate = 0;
    if (status != SPR_OK) {
        loop_backend_failed(solver, status, "init");
        return;
    }
    if (solver->start == NULL || solver->backend->warm == NULL)
        return;
    const uint8_t *projected = solver->reduction != NULL ? solver->whole + solver->problem->view.variables : NULL;
    status = solver->backend->warm(solver->state, projected != NULL ? projected : solver->start, &solver->reason);
    if (status != SPR_OK)
        loop_backend_failed(solver, status, "warm");
}

/* Units of the next step. With a clock, as many as take some milliseconds. */
static int64_t loop_budget(const spr_solver *solver, int64_t slice)
{
    const int64_t left = solver->work > 0 ? solver->work - solver->result.work : INT64_MAX;
    return slice < left ? slice : left;
}

static int64_t loop_next_slice(const spr_solver *solver, int64_t slice, double took)
{
    if (!(solver->seconds > 0.0))
        return slice;
    return took < 0.002 && slice < (int64_t)1 << 40 ? 2 * slice : took > 0.01 && slice > 1 ? slice / 2 : slice;
}

/* One step with all its checks. Returns the outcome if it ends the solve, 0 otherwise. */
static int64_t loop_step(spr_solver *solver, int64_t budget, int64_t *idle, double *took)
{
    const double before = solver->seconds > 0.0 ? spr__clock_seconds() : 0.0;
    int64_t used = 0;
    spr__ok(&solver->reason);
    const spr_status status = solver->backend->step(solver->state, budget, &used, &solver->reason);
    *took = solver->seconds > 0.0 ? spr__clock_seconds() - before : 0.0;
    if (solver->failure != SPR_OK)
        return SPR_OUTCOME_FAILED;
    if (status != SPR_STEP_RUNNING && status != SPR_STEP_DONE) {
        loop_backend_failed(solver, status, "step");
        return SPR_OUTCOME_FAILED;
    }
    if (used < 0 || used > budget || *took > loop_longest_step) {
        solver->failure = spr__fail(&solver->reason, SPR_ERROR_BACKEND_OVERRUN, "backend \"%s\" did %lld units of work in %.3g "
                                    "s; allowed were %lld units and %.3g s", solver->backend->name, (long long)used, *took,
                                    (long long)budget, loop_longest_step);
        return SPR_OUTCOME_FAILED;
    }
    solver->result.work += used;
    *idle = used > 0 ? 0 : *idle + 1;
    if (solver->samples.used > 0 && solver->result.energy <= solver->target)
        return SPR_OUTCOME_TARGET;
    if (status == SPR_STEP_DONE || loop_is_closed(solver))
        return SPR_OUTCOME_FINISHED;
    if (*idle >= LOOP_IDLE) {
        solver->failure = spr__fail(&solver->reason, SPR_ERROR_BACKEND_STALLED, "backend \"%s\" made %d steps without work and "
                                    "does not end", solver->backend->name, LOOP_IDLE);
        return SPR_OUTCOME_FAILED;
    }
    return SPR_OUTCOME_NONE;
}

static int64_t loop_limits(spr_solver *solver)
{
    if (solver->progress != NULL) {
        const double seconds = solver->seconds > 0.0 ? spr__clock_seconds() - solver->begun : 0.0;
        if (solver->progress(solver->progress_user, solver->result.work, solver->result.energy, seconds) != 0)
            return SPR_OUTCOME_CANCELLED;
    }
    if (spr__is_cancelled(solver))
        return SPR_OUTCOME_CANCELLED;
    if (loop_is_late(solver))
        return SPR_OUTCOME_TIME;
    return solver->work > 0 && solver->result.work >= solver->work ? SPR_OUTCOME_WORK : SPR_OUTCOME_NONE;
}

static int64_t loop_run(spr_solver *solver)
{
    int64_t slice = solver->seconds > 0.0 ? 1 : LOOP_SLICE, idle = 0, outcome = SPR_OUTCOME_NONE;
    loop_begin(solver);
    if (solver->failure != SPR_OK)
        return SPR_OUTCOME_FAILED;
    if (solver->samples.used > 0 && solver->result.energy <= solver->target)
        return SPR_OUTCOME_TARGET;
    if (spr__is_cancelled(solver))
        return SPR_OUTCOME_CANCELLED;
    if (!solver->opened)
        return SPR_OUTCOME_FINISHED;
    while (outcome == SPR_OUTCOME_NONE) {
        double took = 0.0;
        outcome = loop_step(solver, loop_budget(solver, slice), &idle, &took);
        slice = loop_next_slice(solver, slice, took);
        if (outcome == SPR_OUTCOME_NONE)
            outcome = loop_limits(solver);
    }
    return outcome;
}

spr_status spr__solver_run(spr_solver *solver, spr_error *error)
{
    spr_status status = loop_open(solver, error);
    if (status != SPR_OK) {
        loop_free_loans(solver);
        return status;
    }
    solver->result.outcome = loop_run(solver);
    if (solver->opened)
        solver->backend->fini(solver->state);
    loop_free_loans(solver);
    spr__solver_forget_reduction(solver);
    spr__set_cancelled(solver, 0);
    solver->result.samples = solver->samples.used;
    solver->result.seconds = solver->seconds > 0.0 ? spr__clock_seconds() - solver->begun : 0.0;
    if (solver->failure != SPR_OK) {
        solver->result.outcome = SPR_OUTCOME_FAILED;
        return spr__fail(error, solver->failure, "%s", solver->reason.message);
    }
    solver->result.lower_bound = solver->bound;
    /* proved to within what energies can tell */
    if (solver->samples.used > 0 && solver->bound >= solver->result.energy - loop_closed * solver->tolerance) {
        solver->result.lower_bound = solver->result.energy;
        if (solver->result.outcome == SPR_OUTCOME_FINISHED)
            solver->result.outcome = SPR_OUTCOME_OPTIMAL;
    }
    return spr__ok(error);
}
