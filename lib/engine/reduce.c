/* SPDX-License-Identifier: MIT
 * Presolve and bounds of a solve: what is done before a backend sees the problem. */
#include "solver.h"
#include "../base/clock.h"

#include <math.h>

#include "../base/exact.h"

/* words of the options "presolve" and "bound" */
enum { REDUCE_AUTO, REDUCE_OFF, REDUCE_ON };
/* unless told to, less than one variable in so many is not worth the trouble */
enum { REDUCE_PART = 100 };
enum { REDUCE_BOUND_AUTO, REDUCE_BOUND_OFF, REDUCE_BOUND_ROOF, REDUCE_BOUND_SPECTRAL };

static int32_t reduce_late(void *user)
{
    const spr_solver *solver = (const spr_solver *)user;
    return spr__is_cancelled(solver) || (solver->seconds > 0.0 && spr__clock_seconds() >= solver->deadline);
}

static int reduce_wanted(const spr_solver *solver)
{
    if (solver->presolve != REDUCE_AUTO)
        return solver->presolve == REDUCE_ON;
    return (solver->backend->capabilities & SPR_BACKEND_PRESOLVE) != 0 && spr__presolve_promises(&solver->problem->view);
}

void spr__solver_forget_reduction(spr_solver *solver)
{
    if (solver->whole != NULL)
        spr__release(&solver->memory, solver->whole, 2 * (size_t)solver->problem->view.variables);
    spr__presolve_free(solver->reduction);
    solver->reduction = NULL;
    solver->whole = NULL;
}

/* The backend sees what is left; with nothing left, nobody sees anything. */
static spr_status reduce_install(spr_solver *solver, spr_error *error)
{
    const size_t n = (size_t)solver->problem->view.variables;
    solver->whole = (uint8_t *)spr__allocate(&solver->memory, 2 * n);
    if (solver->whole == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for the states of a presolved problem of %zu variables", n);
    if (solver->start != NULL)
        spr__presolve_project(solver->reduction, solver->start, solver->whole + n);
    if (solver->reduction->left > 0)
        solver->host.problem = &solver->reduction->reduced->view;
    return SPR_OK;
}

static spr_status reduce_spectral(spr_solver *solver, const spr__presolve_limits *limits, spr_error *error)
{
    double bound = -INFINITY;
    spr_status status = spr__presolve_spectral(&solver->memory, solver->host.problem, limits, &bound, error);
    if (status != SPR_OK)
        return status;
    bound -= solver->reduction != NULL ? 2.0 * solver->reduction->doubt : 0.0;
    solver->own_bound = bound > solver->own_bound ? bound : solver->own_bound;
    solver->bound = solver->own_bound;
    return SPR_OK;
}

static spr_status reduce_presolve(spr_solver *solver, const spr__presolve_limits *limits, int wanted, spr_error *error)
{
    spr_status status = spr__presolve(&solver->memory, &solver->problem->view, limits, &solver->reduction, error);
    if (status != SPR_OK)
        return status == SPR_ERROR_MEMORY ? status : SPR_OK;
    if (solver->bound_wanted != REDUCE_BOUND_OFF)
        solver->own_bound = solver->bound = solver->reduction->lower_bound;
    if (wanted && solver->reduction->left < solver->reduction->variables)
        return reduce_install(solver, error);
    spr__solver_forget_reduction(solver);
    return SPR_OK;
}

spr_status spr__solver_reduce(spr_solver *solver, spr_error *error)
{
    const spr_problem_view *view = &solver->problem->view;
    const int roof = solver->bound_wanted == REDUCE_BOUND_ROOF;
    const spr__presolve_limits limits = {reduce_late, solver, roof ? 2 : solver->bound_wanted == REDUCE_BOUND_AUTO, 0,
                                         solver->presolve == REDUCE_ON ? 1 : 1 + view->variables / REDUCE_PART};
    if (view->terms != NULL)
        return solver->bound_wanted <= REDUCE_BOUND_OFF
                   ? SPR_OK
                   : spr__fail(error, SPR_ERROR_UNSUPPORTED, "no bound is known for problems with squares and constraints; the "
                               "option \"bound\" must be auto or off");
    const int wanted = reduce_wanted(solver);
    spr_status status = wanted || roof ? reduce_presolve(solver, &limits, wanted, error) : SPR_OK;
    const int left = solver->reduction == NULL || solver->reduction->left > 0;
    if (status == SPR_OK && left && solver->bound_wanted == REDUCE_BOUND_SPECTRAL)
        status = reduce_spectral(solver, &limits, error);
    return status;
}
