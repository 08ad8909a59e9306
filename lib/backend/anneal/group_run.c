/* SPDX-License-Identifier: MIT
 * The schedule: prices, a first state, annealing runs of doubling length. */
#include "group.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { GROUP_RUN_PRICES, GROUP_RUN_START, GROUP_RUN_REPAIR, GROUP_RUN_PROBE, GROUP_RUN_ANNEAL, GROUP_RUN_DONE };
enum { GROUP_RUN_PRICE_STEPS = 300, GROUP_RUN_STRIDE = 50, GROUP_RUN_FEW = 3, GROUP_RUN_SKETCH = 14, GROUP_RUN_SECOND = 32,
       GROUP_RUN_RUNS = 10, GROUP_RUN_LONGEST = 1 << 30 };

size_t spr__group_state_size(void)
{
    return sizeof(spr__group_state);
}

spr_status spr__group_init(void *memory, const spr_host *host, spr_error *error)
{
    spr__group_state *state = (spr__group_state *)memory;
    (void)error;
    state->host = host;
    state->problem = host->problem;
    state->n = host->problem->variables;
    state->few = GROUP_RUN_FEW;
    state->runs = (int64_t)host->option(host->engine, "reads");
    if (state->runs == 0)
        state->runs = host->limited ? INT64_MAX : GROUP_RUN_RUNS;
    state->key = host->random(host->engine, 0, 0);
    const spr_status status = spr__group_build(state);
    state->steps = status == SPR_OK && state->limits.count > 0 ? GROUP_RUN_PRICE_STEPS : 0;
    return status;
}

void spr__group_fini(void *memory)
{
    (void)memory;
}

spr_status spr__group_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    spr__group_state *state = (spr__group_state *)memory;
    (void)error;
    memcpy(state->best, bits, (size_t)state->n);
    state->has_best = 1;
    return SPR_OK;
}

/* ---------------------------------------------------------------------------------------------------------------- best */

static double group_run_least(const spr__group_state *state)
{
    return 1e-10 * (fabs(state->best_energy) + fabs(state->energy));
}

/* The state, if it is better than the best. */
static void group_run_keep(spr__group_state *state)
{
    if (state->over > 0 || (state->has_best && !(state->energy < state->best_energy - group_run_least(state))))
        return;
    memcpy(state->best, state->bits, (size_t)state->n);
    state->best_energy = state->energy;
    state->has_best = state->fresh = 1;
}

/* An offer costs as much as reading the problem: not before as much was done since the last. */
static int group_run_offer(spr__group_state *state, int now)
{
    const int64_t size = state->n + 2 * state->problem->couplings;
    if (!state->fresh || (!now && state->since * SPR_GROUP_UNIT < size))
        return 0;
    state->fresh = 0;
    state->offered = 1;
    state->since = 0;
    return state->host->offer(state->host->engine, state->best, state->problem->offset + state->best_energy) != 0;
}

/* -------------------------------------------------------------------------------------------------------------- phases */

static void group_run_enter(spr__group_state *state, int32_t phase, int64_t steps)
{
    state->phase = phase;
    state->step = 0;
    state->steps = steps;
}

/* Insertion by halves, so that quantiles can be read. */
static void group_run_sort(double *numbers, int64_t count)
{
    for (int64_t gap = count / 2; gap > 0; gap /= 2)
        for (int64_t i = gap; i < count; i++) {
            const double number = numbers[i];
            int64_t at = i;
            for (; at >= gap && numbers[at - gap] > number; at -= gap)
                numbers[at] = numbers[at - gap];
            numbers[at] = number;
        }
}

/* Temperatures from what moves cost: the coldest is a small part of what the cheapest tenth costs. */
static void group_run_scale(spr__group_state *state)
{
    int64_t found = 0;
    state->few = GROUP_RUN_FEW;
    for (int64_t i = 0; i < 2 * SPR_GROUP_PROBES && found < SPR_GROUP_PROBES / 2; i++) {
        const int whole = spr__group_propose(state);
        const double cost = fabs(state->move.cost + 0.9 * state->move.load);
        if (whole && cost > 0.0)
            state->probe[found++] = cost;
        spr__group_forget(state);
    }
    group_run_sort(state->probe, found);
    const double low = found > 0 ? state->probe[found / 10] : 1.0, middle = found > 0 ? state->probe[found / 2] : 1.0;
    state->hot = low > 0.25 * middle ? 0.4 * low : 0.1 * middle;
    state->cold = 0.08 * state->hot;
}

/* A first state from the prices there are, or what was given; limits that it exceeds are repaired next. */
static void group_run_first(spr__group_state *state)
{
    spr__group_limits *limits = &state->limits;
    spr__group_price_end(state);
    spr__group_order(state);
    if (state->has_best && !state->loaded) {
        spr__group_load(state, state->best);
        state->best_energy = state->energy;
    } else {
        spr__group_greedy(state);
        spr__group_load(state, state->bits);
    }
    spr__group_slots(state);
    state->loaded = 1;
    group_run_keep(state);
    group_run_scale(state);
    for (int64_t c = 0; c < limits->count; c++)
        limits->fine[c] = 10.0 * state->hot / limits->mean[c];
    group_run_enter(state, GROUP_RUN_REPAIR, state->over == 0 ? 0 : 1 + state->groups.slots / 1000);
}

/* After a repair that came to something or not: the rest of the prices after the first one; then annealing of the best. */
static void group_run_go_on(spr__group_state *state)
{
    group_run_keep(state);
    if (state->priced < GROUP_RUN_PRICE_STEPS && state->limits.count > 0) {
        group_run_enter(state, GROUP_RUN_PRICES, GROUP_RUN_PRICE_STEPS);
        state->step = state->priced;
    } else if (state->has_best) {
        spr__group_load(state, state->best);
        group_run_enter(state, GROUP_RUN_PROBE, 1);
    } else if (++state->run < state->runs)
        group_run_enter(state, GROUP_RUN_REPAIR, 2 * state->steps);
    else
        state->phase = GROUP_RUN_DONE;
}

/* Prices, with states early on the way. */
static void group_run_prices(spr__group_state *state)
{
    const int more = state->step < state->steps && spr__group_price_step(state, state->step);
    state->priced = more ? ++state->step : GROUP_RUN_PRICE_STEPS;
    if (!more || state->step == GROUP_RUN_SKETCH || state->step == GROUP_RUN_SECOND)
        group_run_enter(state, GROUP_RUN_START, 1);
}

static double group_run_variate(spr__group_state *state)
{
    return state->log[spr__group_draw(state) >> 54];
}

/* Moves at constant temperature with what limits are exceeded by among the costs, of growing weight, until none is
 * exceeded; hotter from attempt to attempt. */
static void group_run_repair(spr__group_state *state)
{
    const double part = state->steps > 0 ? (double)state->step / (double)state->steps : 0.0;
    const double weight = spr__exp(8.0 * part), temperature = 0.1 * state->hot * (double)(1 + 3 * state->run);
    for (int i = 0; i < SPR_GROUP_UNIT && state->over > 0; i++) {
        state->few = (i & 2) != 0 ? GROUP_RUN_FEW : INT32_MAX / 2;
        if (!((i & 3) != 0 ? spr__group_relieve(state) : spr__group_propose(state)) ||
            state->move.cost + weight * spr__group_fines(state) > temperature * group_run_variate(state))
            spr__group_forget(state);
        else
            spr__group_apply(state);
    }
    if (state->over == 0)
        spr__group_load(state, state->bits);
    if (state->over == 0 || ++state->step >= state->steps)
        group_run_go_on(state);
}

/* What differs between runs: how much prices count, and how many candidates are tried. Every third run is hotter. */
static void group_run_begin(spr__group_state *state, int64_t steps)
{
    static const double leans[] = {0.85, 0.75, 0.95}, heats[] = {1.0, 1.0, 2.5};
    static const int32_t fews[] = {3, 2, 5};
    const int64_t kind = state->run % 3;
    state->lean = leans[kind];
    state->few = fews[kind];
    state->heat = heats[kind];
    group_run_enter(state, GROUP_RUN_ANNEAL, steps);
}

static void group_run_probe(spr__group_state *state)
{
    group_run_scale(state);
    state->run = 0;
    group_run_begin(state, 1 + state->groups.slots / 50);
}

/* What a proposal and its flips cost, in proposals. */
static int64_t group_run_ticks(const spr__group_state *state)
{
    const int64_t *row = state->problem->row_start;
    int64_t ends = 0;
    for (int32_t f = 0; f < state->move.count; f++)
        ends += row[state->move.variable[f] + 1] - row[state->move.variable[f]];
    return ends / 256;
}

/* A unit of an annealing run. */
static void group_run_anneal(spr__group_state *state)
{
    const double span = spr__log(state->heat * state->hot / state->cold);
    const double all = (double)state->steps * SPR_GROUP_UNIT;
    double temperature = 0.0;
    for (int64_t i = 0, next = 0; i < SPR_GROUP_UNIT; i++) {
        if (i >= next) {
            const double part = ((double)state->step * SPR_GROUP_UNIT + (double)i) / all;
            temperature = state->heat * state->hot * spr__exp(-span * part);
            next = i + GROUP_RUN_STRIDE;
        }
        if (!spr__group_propose(state) ||
            state->move.cost + state->lean * state->move.load > temperature * group_run_variate(state)) {
            spr__group_forget(state);
            continue;
        }
        /* about to leave what may be the best state */
        if (state->move.cost > 0.0 && state->energy < state->best_energy)
            group_run_keep(state);
        i += group_run_ticks(state);
        spr__group_apply(state);
    }
    if (++state->step < state->steps)
        return;
    group_run_keep(state);
    if (++state->run >= state->runs) {
        state->phase = GROUP_RUN_DONE;
        return;
    }
    spr__group_load(state, state->best);
    state->best_energy = state->energy;
    group_run_begin(state, state->steps < GROUP_RUN_LONGEST ? 2 * state->steps : state->steps);
}

spr_status spr__group_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    spr__group_state *state = (spr__group_state *)memory;
    (void)error;
    while (*used < budget) {
        const int32_t phase = state->phase;
        if (phase == GROUP_RUN_DONE)
            return SPR_STEP_DONE;
        if (phase == GROUP_RUN_PRICES)
            group_run_prices(state);
        else if (phase == GROUP_RUN_START)
            group_run_first(state);
        else if (phase == GROUP_RUN_REPAIR)
            group_run_repair(state);
        else if (phase == GROUP_RUN_PROBE)
            group_run_probe(state);
        else
            group_run_anneal(state);
        ++*used;
        state->since++;
        if (group_run_offer(state, state->phase != phase || !state->offered))
            return SPR_STEP_RUNNING;
        if (state->host->cancelled(state->host->engine) != 0)
            return SPR_STEP_RUNNING;
    }
    return SPR_STEP_RUNNING;
}
