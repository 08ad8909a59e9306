/* SPDX-License-Identifier: MIT */
#include "strategy.h"
#include "../../base/random.h"

#include "../../base/exact.h"

/* sweeps of the first round, and of the longest ones; rounds where nothing else ends them */
enum { STRATEGY_FIRST = 64, STRATEGY_LONGEST = 1 << 17, STRATEGY_ROUNDS = 6 };
/* a child starts at this part of the hot temperature */
static const double strategy_reheat = 0.6;

/* Sweeps double from round to round. */
static int64_t strategy_sweeps(const spr__strategy *strategy)
{
    int64_t sweeps = STRATEGY_FIRST;
    for (int64_t round = 0; round < strategy->round && sweeps < STRATEGY_LONGEST; round++)
        sweeps *= 2;
    return sweeps;
}

const spr__method *spr__strategy_method(int32_t method)
{
    return method == SPR_METHOD_TEMPERING ? &spr__method_tempering
           : method == SPR_METHOD_POPULATION ? &spr__method_population
           : method == SPR_METHOD_TABU ? &spr__method_tabu : method == SPR_METHOD_RELINK ? &spr__method_relink : &spr__method_anneal;
}

int spr__strategy_next(spr__strategy *strategy, const spr__pool *pool, spr__task *tasks, const spr__method **methods)
{
    const spr__settings *settings = &strategy->settings;
    const int64_t replicas = strategy->model->layout == SPR_MODEL_DENSE ? 1 : SPR_LANES;
    const double hot = settings->hot > 0.0 ? settings->hot : strategy->model->hot;
    const double cold = settings->cold > 0.0 ? settings->cold : strategy->model->cold;
    int count = 0;
    if (settings->reads == 0 && !settings->endless && strategy->round >= STRATEGY_ROUNDS)
        return 0;
    for (; count < SPR_ROUND_TASKS; count++) {
        spr__task *task = &tasks[count];
        if (settings->reads > 0 && strategy->reads >= settings->reads)
            break;
        strategy->reads += replicas;
        *task = (spr__task){settings->sweeps > 0 ? settings->sweeps : strategy_sweeps(strategy), hot, cold < hot ? cold : hot,
                            settings->schedule, 0, NULL,
                            spr__random_at(strategy->key, (uint64_t)(strategy->round * SPR_ROUND_TASKS + count))};
        methods[count] = spr__strategy_method(settings->method);
        if (strategy->round == 0 && strategy->start != NULL) {
            task->start = strategy->start;
            task->hot = strategy_reheat * hot > task->cold ? strategy_reheat * hot : task->cold;
        } else if (settings->method == SPR_METHOD_AUTO && pool->used > 1 && count % 2 == 1) {
            task->breed = 1;
            task->hot = strategy_reheat * hot > task->cold ? strategy_reheat * hot : task->cold;
        }
    }
    strategy->round++;
    return count;
}
