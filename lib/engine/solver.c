/* SPDX-License-Identifier: MIT
 * The life of a solver and its options. */
#include "solver.h"
#include "../base/number.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

enum { SOLVER_SEED, SOLVER_WORK, SOLVER_SECONDS, SOLVER_TARGET, SOLVER_SAMPLES, SOLVER_PRESOLVE, SOLVER_BOUND,
       SOLVER_OPTIONS };

static const spr_option_info solver_options[SOLVER_OPTIONS] = {
    {"seed", NULL, "of the random numbers", 0.0, 9007199254740992.0, 0.0, SPR_TYPE_INTEGER, 0},
    {"work", NULL, "limit in the backend's counted steps; 0 = none", 0.0, 9007199254740992.0, 0.0, SPR_TYPE_INTEGER, 0},
    {"seconds", NULL, "limit of wall-clock time; 0 = none", 0.0, 1e6, 0.0, SPR_TYPE_REAL, 0},
    {"target", NULL, "stop once an energy that low is found", -INFINITY, INFINITY, -INFINITY, SPR_TYPE_REAL, 0},
    {"samples", NULL, "most samples kept", 1.0, 10000.0, 10.0, SPR_TYPE_INTEGER, 0},
    {"presolve", "auto|off|on", "reduce the problem before the backend sees it", 0.0, 2.0, 0.0, SPR_TYPE_CHOICE, 0},
    {"bound", "auto|off|roof|spectral", "which lower bound to prove before the backend begins", 0.0, 3.0, 0.0, SPR_TYPE_CHOICE, 0}};

/* Sum of the absolute coefficients: no energy is larger, and no rounding of one larger than a tiny part of it. */
static double solver_magnitude(const spr_problem_view *view)
{
    double sum = fabs(view->offset);
    for (int64_t i = 0; i < view->variables; i++)
        sum += fabs(view->linear[i]);
    /* four sums at once: additions wait for each other */
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    for (int64_t at = 0; at < 2 * view->couplings; at++)
        part[at & 3] += fabs(view->value[at]);
    sum += 0.5 * (part[0] + part[1] + (part[2] + part[3]));
    for (int64_t s = 0; view->terms != NULL && s < view->terms->squares; s++) {
        double size = fabs(view->terms->square_target[s]);
        for (int64_t at = view->terms->square_start[s]; at < view->terms->square_start[s + 1]; at++)
            size += fabs(view->terms->square_factor[at]);
        sum += fabs(view->terms->square_weight[s]) * (size * size);
    }
    return sum;
}

spr_status spr_solver_new(spr_allocator allocator, void *user, const spr_registry *registry, const char *backend,
                          const spr_problem *problem, spr_solver **solver, spr_error *error)
{
    if (solver == NULL || problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", solver == NULL ? "solver" : "problem");
    *solver = NULL;
    const spr_backend *chosen;
    const double magnitude = solver_magnitude(&problem->view);
    if (!isfinite(magnitude))
        return spr__fail(error, SPR_ERROR_UNSUPPORTED, "the absolute coefficients of the problem add up to more than a double "
                         "holds");
    spr_status status = spr__registry_choose(registry, backend, &problem->view, &chosen, error);
    if (status != SPR_OK)
        return status;
    spr__memory memory = spr__memory_of(allocator, user);
    spr_solver *made = (spr_solver *)spr__allocate(&memory, sizeof *made);
    const size_t bytes = (size_t)chosen->option_count * sizeof(double) + 8;
    double *values = made != NULL ? (double *)spr__allocate(&memory, bytes) : NULL;
    if (values == NULL) {
        spr__release(&memory, made, sizeof *made);
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a solver of %zu bytes", sizeof *made + bytes);
    }
    memset(made, 0, sizeof *made);
    made->memory = memory;
    made->backend = chosen;
    made->problem = problem;
    made->tolerance = 1e-9 * magnitude;
    made->target = -INFINITY;
    made->samples_wanted = 10;
    made->values = values;
    made->result.energy = INFINITY;
    made->result.lower_bound = -INFINITY;
    for (int64_t i = 0; i < chosen->option_count; i++)
        values[i] = chosen->options[i].standard;
    *solver = made;
    return spr__ok(error);
}

void spr_solver_free(spr_solver *solver)
{
    if (solver == NULL)
        return;
    spr__memory memory = solver->memory;
    spr__samples_close(&solver->samples, &memory);
    spr__release(&memory, solver->start, (size_t)solver->problem->view.variables);
    spr__release(&memory, solver->values, (size_t)solver->backend->option_count * sizeof(double) + 8);
    spr__release(&memory, solver, sizeof *solver);
}

const char *spr_solver_backend(const spr_solver *solver)
{
    return solver != NULL ? solver->backend->name : NULL;
}

/* ----------------------------------------------------------------------------------------------------------- options */

int32_t spr_solver_option_count(const spr_solver *solver)
{
    return SOLVER_OPTIONS + (solver != NULL ? (int32_t)solver->backend->option_count : 0);
}

static const spr_option_info *solver_option_at(const spr_solver *solver, int32_t index)
{
    return index < SOLVER_OPTIONS ? &solver_options[index] : &solver->backend->options[index - SOLVER_OPTIONS];
}

spr_status spr_solver_option_get_info(const spr_solver *solver, int32_t index, spr_option_info *info, spr_error *error)
{
    if (info == NULL || index < 0 || index >= spr_solver_option_count(solver))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "index is %d, info %s; accepted is 0..%d", (int)index,
                         info == NULL ? "NULL" : "given", (int)spr_solver_option_count(solver) - 1);
    *info = *solver_option_at(solver, index);
    return spr__ok(error);
}

static spr_status solver_find(const spr_solver *solver, const char *name, int32_t *index, spr_error *error)
{
    if (solver == NULL || name == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", solver == NULL ? "solver" : "name");
    for (*index = 0; *index < spr_solver_option_count(solver); (*index)++)
        if (strcmp(solver_option_at(solver, *index)->name, name) == 0)
            return SPR_OK;
    return spr__fail(error, SPR_ERROR_OPTION_NAME, "option \"%.60s\" does not exist for backend \"%s\"; "
                     "spr_solver_option_get_info lists them", name, solver->backend->name);
}

/* Whole numbers up to 2^53 travel through double without loss. */
static void solver_store(spr_solver *solver, int32_t index, double value)
{
    switch (index) {
    case SOLVER_SEED: solver->seed = (int64_t)value; break;
    case SOLVER_WORK: solver->work = (int64_t)value; break;
    case SOLVER_SECONDS: solver->seconds = value; break;
    case SOLVER_TARGET: solver->target = value; break;
    case SOLVER_SAMPLES: solver->samples_wanted = (int64_t)value; break;
    case SOLVER_PRESOLVE: solver->presolve = (int32_t)value; break;
    case SOLVER_BOUND: solver->bound_wanted = (int32_t)value; break;
    default: solver->values[index - SOLVER_OPTIONS] = value; break;
    }
}

static spr_status solver_set(spr_solver *solver, int32_t index, double value, spr_error *error)
{
    const spr_option_info *option = solver_option_at(solver, index);
    if (!(value >= option->minimum && value <= option->maximum))
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "option \"%s\" is %.17g; accepted is %.17g..%.17g", option->name, value,
                         option->minimum, option->maximum);
    solver_store(solver, index, value);
    return spr__ok(error);
}

static spr_status solver_set_typed(spr_solver *solver, const char *name, int32_t type, double value, spr_error *error)
{
    static const char *const types[] = {"", "integer", "real", "choice"};
    int32_t index;
    spr_status status = solver_find(solver, name, &index, error);
    if (status != SPR_OK)
        return status;
    if (solver_option_at(solver, index)->type != type)
        return spr__fail(error, SPR_ERROR_OPTION_TYPE, "option \"%s\" is of type %s, not %s", name,
                         types[solver_option_at(solver, index)->type], types[type]);
    return solver_set(solver, index, value, error);
}

spr_status spr_solver_set_integer(spr_solver *solver, const char *name, int64_t value, spr_error *error)
{
    /* beyond 2^53 no option goes; a number there is out of range whatever it rounds to */
    const double most = 9007199254740992.0;
    const double number = value > 9007199254740992 ? 2.0 * most : value < -9007199254740992 ? -2.0 * most : (double)value;
    return solver_set_typed(solver, name, SPR_TYPE_INTEGER, number, error);
}

spr_status spr_solver_set_real(spr_solver *solver, const char *name, double value, spr_error *error)
{
    return solver_set_typed(solver, name, SPR_TYPE_REAL, value, error);
}

/* Index of a word among "a|b|c", -1 if it is none. */
static int64_t solver_word(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    int64_t index = 0;
    for (const char *at = choices;; index++) {
        const char *bar = strchr(at, '|');
        const size_t size = bar != NULL ? (size_t)(bar - at) : strlen(at);
        if (size == length && memcmp(at, word, length) == 0)
            return index;
        if (bar == NULL)
            return -1;
        at = bar + 1;
    }
}

spr_status spr_solver_set_text(spr_solver *solver, const char *name, const char *value, spr_error *error)
{
    int32_t index;
    int64_t whole;
    double real;
    spr_status status = solver_find(solver, name, &index, error);
    if (status != SPR_OK)
        return status;
    if (value == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "value of option \"%s\" is NULL", name);
    const spr_option_info *option = solver_option_at(solver, index);
    if (option->type == SPR_TYPE_CHOICE) {
        const int64_t word = solver_word(option->choices, value);
        return word >= 0 ? solver_set(solver, index, (double)word, error)
                         : spr__fail(error, SPR_ERROR_OPTION_NAME, "option \"%s\" is \"%.60s\"; accepted is %.200s", name,
                                     value, option->choices);
    }
    if (option->type == SPR_TYPE_INTEGER && spr__number_integer(value, strlen(value), &whole))
        return spr_solver_set_integer(solver, name, whole, error);
    if (option->type == SPR_TYPE_REAL && spr__number_real(value, strlen(value), &real))
        return solver_set(solver, index, real, error);
    return spr__fail(error, SPR_ERROR_OPTION_RANGE, "option \"%s\" is \"%.60s\"; accepted is a number in %.17g..%.17g", name,
                     value, option->minimum, option->maximum);
}

/* ------------------------------------------------------------------------------------------------ start, end, samples */

spr_status spr_solver_set_start(spr_solver *solver, const uint8_t *bits, spr_error *error)
{
    if (solver == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "solver is NULL");
    const size_t n = (size_t)solver->problem->view.variables;
    for (size_t i = 0; bits != NULL && i < n; i++)
        if (bits[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "bits[%zu] is %d; accepted is 0 or 1", i, (int)bits[i]);
    int64_t first = -1;
    if (bits != NULL && spr__problem_violation(&solver->problem->view, bits, &first, NULL) > 0)
        return spr__fail(error, SPR_ERROR_INFEASIBLE, "bits violates constraint %lld; accepted is a state that keeps all",
                         (long long)first);
    uint8_t *copy = bits != NULL ? (uint8_t *)spr__allocate(&solver->memory, n) : NULL;
    if (bits != NULL && copy == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a state of %zu variables", n);
    if (copy != NULL)
        memcpy(copy, bits, n);
    spr__release(&solver->memory, solver->start, n);
    solver->start = copy;
    return spr__ok(error);
}

spr_status spr_solver_set_progress(spr_solver *solver, spr_progress progress, void *user, spr_error *error)
{
    if (solver == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "solver is NULL");
    solver->progress = progress;
    solver->progress_user = user;
    return spr__ok(error);
}

spr_status spr_solver_set_parallel(spr_solver *solver, spr_parallel_for parallel_for, void *user, spr_error *error)
{
    if (solver == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "solver is NULL");
    solver->parallel_for = parallel_for;
    solver->parallel_user = user;
    return spr__ok(error);
}

void spr_solver_cancel(spr_solver *solver)
{
    if (solver != NULL)
        spr__set_cancelled(solver, 1);
}

static spr_status solver_check_result(const spr_solve_result *result, spr_error *error)
{
    const size_t least = offsetof(spr_solve_result, seconds) + sizeof(double);
    if (result != NULL && (uintptr_t)result % sizeof(double) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "result is at %p; it must be aligned to %zu bytes", (const void *)result,
                         sizeof(double));
    if (result != NULL && (result->size < least || result->size > 4096))
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "result->size is %zu; accepted is sizeof(spr_solve_result) = %zu",
                         result->size, sizeof *result);
    return SPR_OK;
}

spr_status spr_solver_solve(spr_solver *solver, spr_solve_result *result, spr_error *error)
{
    if (solver == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "solver is NULL");
    spr_status status = solver_check_result(result, error);
    if (status != SPR_OK)
        return status;
    status = spr__solver_run(solver, error);
    if (result != NULL) {
        const size_t size = result->size < sizeof *result ? result->size : sizeof *result;
        memcpy((char *)result + sizeof result->size, (const char *)&solver->result + sizeof result->size,
               size - sizeof result->size);
    }
    return status;
}

spr_status spr_solver_get_sample(const spr_solver *solver, int64_t index, uint8_t *bits, double *energy,
                                 int64_t *occurrences, spr_error *error)
{
    if (solver == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "solver is NULL");
    const spr__samples *samples = &solver->samples;
    if (index < 0 || index >= samples->used)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "index is %lld; the last solve has %lld samples", (long long)index,
                         (long long)samples->used);
    const int32_t place = samples->rank[index];
    if (bits != NULL)
        memcpy(bits, samples->bits + (int64_t)place * samples->variables, (size_t)samples->variables);
    if (energy != NULL)
        *energy = samples->energy[place];
    if (occurrences != NULL)
        *occurrences = samples->occurrences[place];
    return spr__ok(error);
}
