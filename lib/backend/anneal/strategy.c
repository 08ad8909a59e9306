/* SPDX-License-Identifier: MIT */
#include "strategy.h"
#include "../../base/random.h"

#include "../../base/exact.h"

enum { STRATEGY_ROUNDS = 6 };   /* where nothing else ends them */

/* How a layout's rounds go, found on the published sets: dense rows like many short anneals soon bred from each other,
 * sparse ones fewer long ones. */
typedef struct strategy_plan {
    double sweeps;               /* of the first tasks, per variable */
    int64_t tasks;               /* after so many tasks the sweeps double, */
    int64_t longest;             /* up to these */
    int32_t bred;                /* tasks of a round that start from children of the pool */
    double reheat;               /* where they start, as part of the hot temperature */
} strategy_plan;

static const strategy_plan strategy_dense = {0.15, 32, 8192, 6, 0.6}, strategy_even = {0.1, 16, 8192, 6, 0.6},
                           strategy_sparse = {0.25, 2, 16384, 6, 0.55};
/* dense problems without fields, E(x) = E(1-x), are hotter where their states freeze */
static const double strategy_even_hot = 1.8;

/* vectors that the sweeps of the first task may touch: some tenths of a second */
static const double strategy_first = 268435456.0;
/* sweeps of the first tasks, at least and at most */
static const double strategy_least = 16.0, strategy_most = 640.0;
/* how much mixing must give for populations, whose lanes become alike, to do harm: some, always */
static const double strategy_mixed[2] = {0.5, 4.0};

static int64_t strategy_sweeps(const strategy_plan *plan, const spr__model *model, int64_t task)
{
    const double touched = model->layout == SPR_MODEL_DENSE ? (double)model->stride * (double)model->stride / 256.0
                                                            : (double)(2 * model->problem->couplings + 8 * model->variables);
    double sweeps = plan->sweeps * (double)model->variables;
    sweeps = sweeps < strategy_most ? sweeps : strategy_most;
    sweeps = sweeps < strategy_first / touched ? sweeps : strategy_first / touched;
    sweeps = sweeps < strategy_least ? strategy_least : sweeps;
    for (int64_t k = plan->tasks; k <= task && sweeps < (double)plan->longest; k += plan->tasks)
        sweeps *= 2.0;
    return sweeps < (double)plan->longest ? (int64_t)sweeps : plan->longest;
}

/* The method of a task where it is ours to choose. */
static int32_t strategy_choice(const spr__strategy *strategy, int count)
{
    if (strategy->model->layout == SPR_MODEL_DENSE || strategy->round == 0 || strategy->mixing > strategy_mixed[1])
        return SPR_METHOD_ANNEAL;
    return strategy->mixing > strategy_mixed[0] && count % 2 == 1 ? SPR_METHOD_ANNEAL : SPR_METHOD_POPULATION;
}

const spr__method *spr__strategy_method(int32_t method)
{
    static const spr__method *const methods[] = {&spr__method_anneal, &spr__method_anneal, &spr__method_tempering,
                                                 &spr__method_population, &spr__method_tabu, &spr__method_relink};
    return methods[method];
}

int spr__strategy_next(spr__strategy *strategy, const spr__pool *pool, spr__task *tasks, const spr__method **methods)
{
    const spr__settings *settings = &strategy->settings;
    const int dense = strategy->model->layout == SPR_MODEL_DENSE;
    const strategy_plan *plan = !dense ? &strategy_sparse : pool->even ? &strategy_even : &strategy_dense;
    const double own = dense && pool->even ? strategy_even_hot * strategy->model->hot : strategy->model->hot;
    const double hot = settings->hot > 0.0 ? settings->hot : own;
    const double cold = settings->cold > 0.0 ? settings->cold : strategy->model->cold;
    const int automatic = settings->method == SPR_METHOD_AUTO;
    /* the first round of sparse rows is short: what it tells decides about the others */
    const int most = automatic && !dense && strategy->round == 0 ? 3 : SPR_ROUND_TASKS;
    /* a run that a limit cuts off offers nothing: so the very first one is over at once */
    const int glances = strategy->round == 0 && settings->reads == 0;
    int count = 0;
    if (settings->reads == 0 && !settings->endless && strategy->round >= STRATEGY_ROUNDS)
        return 0;
    for (; count < most && (settings->reads == 0 || strategy->reads < settings->reads); count++) {
        spr__task *task = &tasks[count];
        const int64_t number = strategy->tasks++;
        strategy->reads += dense ? 1 : SPR_LANES;
        *task = (spr__task){settings->sweeps, hot, cold < hot ? cold : hot, settings->schedule, 0, NULL,
                            spr__random_at(strategy->key, (uint64_t)number)};
        if (task->sweeps == 0)
            task->sweeps = strategy_sweeps(plan, strategy->model, number);
        if (glances && count == 0)
            task->sweeps = 1;
        methods[count] = spr__strategy_method(automatic ? strategy_choice(strategy, count) : settings->method);
        task->start = strategy->round == 0 ? strategy->start : NULL;
        task->breed = automatic && task->start == NULL && pool->used > 1 && count < plan->bred;
        if (task->start != NULL || task->breed)
            task->hot = plan->reheat * hot > task->cold ? plan->reheat * hot : task->cold;
    }
    strategy->round++;
    return count;
}
