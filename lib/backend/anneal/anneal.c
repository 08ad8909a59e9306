/* SPDX-License-Identifier: MIT
 * Backend "anneal": general QUBO and Ising problems by simulated annealing and its relatives. The strategy sends out rounds
 * of runs; what they find is offered, and kept in a pool from which later runs are bred. */
#include "group.h"
#include "strategy.h"
#include "../backends.h"
#include "../../base/error.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* a lump is what a run does in one call of the parallel-for: of all its units this part, and at least so many; a problem
 * of so few variables and couplings has all results offered; one of so many couplings, after so few sweeps, not at once */
enum { ANNEAL_LUMPS = 400, ANNEAL_LUMP = 64, ANNEAL_CHEAP = 1 << 14, ANNEAL_DEAR = 1 << 18, ANNEAL_SHORT = 2048 };

typedef struct anneal_state {
    const spr_host *host;
    spr__model model;
    spr__pool pool, next;        /* as the last round left it, and with what this one has found */
    spr__strategy strategy;
    spr__run runs[SPR_ROUND_TASKS];
    int workers;                 /* runs that have memory: one, or all */
    uint8_t *start;
    spr__task tasks[SPR_ROUND_TASKS];
    const spr__method *methods[SPR_ROUND_TASKS];
    int tasks_count, task;       /* of the round; the one whose work is counted now */
    int begun;                   /* it has begun */
    double offered;              /* the best energy offered */
    int64_t owed[SPR_ROUND_TASKS]; /* units done ahead by the parallel-for and not counted yet */
} anneal_state;

/* Problems with squares or constraints have an annealer of their own. */
typedef struct anneal_memory {
    anneal_state plain;
    spr__group_state groups;
} anneal_memory;

static int anneal_has_terms(const anneal_memory *memory)
{
    return memory->plain.host->problem->terms != NULL;
}

static const spr_option_info anneal_options[] = {
    {"method", "auto|anneal|tempering|population|tabu|relink",
     "which search; auto combines them; population is anneal on dense rows", 0.0, 5.0, 0.0, SPR_TYPE_CHOICE, 0},
    {"sweeps", NULL, "sweeps of an anneal; 0 = more from round to round", 0.0, 1e12, 0.0, SPR_TYPE_INTEGER, 0},
    {"reads", NULL, "replicas annealed (with constraints: runs, each twice as long as the one before); 0 = until a "
     "limit, or a few rounds if there is none", 0.0, 1e12, 0.0, SPR_TYPE_INTEGER, 0},
    {"schedule", "geometric|linear|adaptive", "how the temperature falls", 0.0, 2.0, 0.0, SPR_TYPE_CHOICE, 0},
    {"hot", NULL, "highest temperature, in units of E; 0 = from the coefficients", 0.0, 1e300, 0.0, SPR_TYPE_REAL, 0},
    {"cold", NULL, "lowest temperature, in units of E; 0 = from the coefficients", 0.0, 1e300, 0.0, SPR_TYPE_REAL, 0},
    {"layout", "auto|dense|sparse", "one replica on dense rows, or 64 side by side on sparse ones", 0.0, 2.0, 0.0,
     SPR_TYPE_CHOICE, 0},
    {"kernel", "auto|portable|avx2|avx512|neon", "CPU variant; the same bits from all", 0.0, 4.0, 0.0, SPR_TYPE_CHOICE, 0}};

static int32_t anneal_accepts(const spr_problem_view *problem, spr_error *error)
{
    (void)problem;
    (void)error;
    return 50;
}

static const spr__spin_kernel *anneal_kernel(const spr_host *host, spr_error *error)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512", "neon"};
    const int wish = (int)host->option(host->engine, "kernel");
    const spr__spin_kernel *kernel = wish == 0 ? spr__spin_best() : spr__spin_find(names[wish]);
    if (kernel == NULL)
        spr__fail(error, SPR_ERROR_UNSUPPORTED, "option \"kernel\" is \"%s\", which this build or CPU does not have",
                  names[wish]);
    return kernel;
}

static spr_status anneal_init(void *memory, const spr_host *host, spr_error *error)
{
    anneal_state *state = &((anneal_memory *)memory)->plain;
    state->host = host;
    if (host->problem->terms != NULL)
        return spr__group_init(&((anneal_memory *)memory)->groups, host, error);
    const spr__spin_kernel *kernel = anneal_kernel(host, error);
    if (kernel == NULL)
        return SPR_ERROR_UNSUPPORTED;
    spr_status status = spr__model_open(&state->model, host, kernel, (int32_t)host->option(host->engine, "layout"));
    if (status != SPR_OK)
        return status;
    const int32_t even = spr__pool_even(host->problem);
    if (!spr__pool_open(&state->pool, host, even) || !spr__pool_open(&state->next, host, even))
        return SPR_ERROR_MEMORY;
    const spr__method *method = spr__strategy_method((int32_t)host->option(host->engine, "method"));
    state->workers = host->parallel != NULL ? SPR_ROUND_TASKS : 1;
    for (int k = 0; k < state->workers; k++)
        if (!spr__run_open(&state->runs[k], host, method, &state->model, &state->pool))
            return SPR_ERROR_MEMORY;
    state->start = (uint8_t *)host->allocate(host->engine, (size_t)host->problem->variables);
    if (state->start == NULL)
        return SPR_ERROR_MEMORY;
    state->offered = INFINITY;
    state->strategy.model = &state->model;
    state->strategy.key = host->random(host->engine, 0, 0);
    state->strategy.settings = (spr__settings){(int32_t)host->option(host->engine, "method"),
                                               (int32_t)host->option(host->engine, "schedule"),
                                               (int64_t)host->option(host->engine, "sweeps"),
                                               (int64_t)host->option(host->engine, "reads"), host->limited,
                                               host->option(host->engine, "hot"), host->option(host->engine, "cold")};
    return SPR_OK;
}

static spr_status anneal_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    anneal_state *state = &((anneal_memory *)memory)->plain;
    if (anneal_has_terms((anneal_memory *)memory))
        return spr__group_warm(&((anneal_memory *)memory)->groups, bits, error);
    memcpy(state->start, bits, (size_t)state->model.variables);
    state->strategy.start = state->start;
    return SPR_OK;
}

/* Short runs on many couplings are over sooner than an offer is judged: what they find waits for the end of the round. */
static int anneal_waits(const anneal_state *state, const spr__task *task)
{
    return state->model.layout == SPR_MODEL_DENSE && state->host->problem->couplings > ANNEAL_DEAR && task->sweeps > 1 &&
           task->sweeps < ANNEAL_SHORT;
}

static int anneal_offer_one(anneal_state *state, const uint8_t *bits, double energy)
{
    const double claim = state->model.numbers == SPR_MODEL_REAL ? NAN : energy;
    state->offered = energy < state->offered ? energy : state->offered;
    return state->host->offer(state->host->engine, bits, claim) != 0;
}

/* Offers what a run has found. Returns 1 if the engine wants to stop. */
static int anneal_offer(anneal_state *state, const spr__run *run)
{
    const spr_host *host = state->host;
    const int64_t n = state->model.variables;
    const int cheap = n + host->problem->couplings <= ANNEAL_CHEAP, waits = anneal_waits(state, &run->task);
    int stop = 0;
    if (state->strategy.round == 1 && run->task.sweeps > 1 && run->mixing > state->strategy.mixing)
        state->strategy.mixing = run->mixing;
    for (int k = 0; k < run->results && !stop; k++) {
        const double energy = run->energy[k];
        spr__pool_add(&state->next, run->bits + k * n, energy);
        if (cheap || (energy < state->offered && (!waits || energy <= host->target)))
            stop = anneal_offer_one(state, run->bits + k * n, energy);
    }
    for (int k = 0; k < state->next.used && !stop && waits && state->task == state->tasks_count; k++)
        if (state->next.energy[k] < state->offered && state->next.energy[k] <= spr__pool_best(&state->next))
            stop = anneal_offer_one(state, state->next.bits + k * n, state->next.energy[k]);
    return stop;
}

static void anneal_lump(void *context, int64_t index)
{
    anneal_state *state = (anneal_state *)context;
    spr__run *run = &state->runs[index];
    const int64_t all = run->task.sweeps * state->model.parts;
    if (!run->done)
        state->owed[index] += spr__run_advance(run, all / ANNEAL_LUMPS > ANNEAL_LUMP ? all / ANNEAL_LUMPS : ANNEAL_LUMP);
}

static int anneal_begin_round(anneal_state *state)
{
    spr__pool_copy(&state->pool, &state->next);
    state->tasks_count = spr__strategy_next(&state->strategy, &state->pool, state->tasks, state->methods);
    state->task = 0;
    state->begun = 0;
    for (int k = 0; k < state->tasks_count && state->workers > 1; k++) {
        state->owed[k] = 0;
        spr__run_start(&state->runs[k], state->methods[k], &state->tasks[k]);
    }
    return state->tasks_count > 0;
}

/* Does, or counts, at most units of work of the task at hand; returns how many. */
static int64_t anneal_work(anneal_state *state, int64_t units)
{
    spr__run *run = &state->runs[state->workers > 1 ? state->task : 0];
    if (state->workers > 1) {
        const int64_t counted = units < state->owed[state->task] ? units : state->owed[state->task];
        state->owed[state->task] -= counted;
        return counted;
    }
    if (!state->begun)
        spr__run_start(run, state->methods[state->task], &state->tasks[state->task]);
    state->begun = 1;
    return spr__run_advance(run, units);
}

static spr_status anneal_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    anneal_state *state = &((anneal_memory *)memory)->plain;
    const spr_host *host = state->host;
    if (anneal_has_terms((anneal_memory *)memory))
        return spr__group_step(&((anneal_memory *)memory)->groups, budget, used, error);
    while (*used < budget) {
        if (state->task == state->tasks_count && !anneal_begin_round(state))
            return SPR_STEP_DONE;
        int running = 0;
        for (int k = 0; k < state->tasks_count && state->workers > 1; k++)
            running |= !state->runs[k].done;
        if (running) {
            host->parallel(host->engine, state->tasks_count, anneal_lump, state);
            return SPR_STEP_RUNNING;
        }
        *used += anneal_work(state, budget - *used);
        const spr__run *run = &state->runs[state->workers > 1 ? state->task : 0];
        if (!run->done || (state->workers > 1 && state->owed[state->task] > 0))
            continue;
        state->task++;
        state->begun = 0;
        if (anneal_offer(state, run))
            return SPR_STEP_RUNNING;
    }
    return SPR_STEP_RUNNING;
}

static void anneal_fini(void *memory)
{
    (void)memory;
}

const spr_backend spr__backend_anneal = {sizeof(spr_backend), SPR_BACKEND_ABI,
                                         SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PRESOLVE | SPR_BACKEND_TERMS, "anneal",
                                         "simulated annealing with many replicas, and what builds on it",
                                         sizeof(anneal_memory), anneal_options,
                                         sizeof anneal_options / sizeof anneal_options[0], NULL, anneal_accepts,
                                         anneal_init, anneal_warm, anneal_step, anneal_fini};
