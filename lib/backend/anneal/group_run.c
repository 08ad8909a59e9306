/* SPDX-License-Identifier: MIT
 * The schedule: prices, a first state, annealing runs of doubling length. */
#include "group.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { GROUP_RUN_PRICES, GROUP_RUN_START, GROUP_RUN_REPAIR, GROUP_RUN_PROBE, GROUP_RUN_ANNEAL, GROUP_RUN_DONE };
enum { GROUP_RUN_PRICE_STEPS = 300, GROUP_RUN_STRIDE = 50 };

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
    state->few=(int32_t)host->option(host->engine,"few");
    state->runs = (int64_t)host->option(host->engine, "runs");
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
    state->since = 0;
    return state->host->offer(state->host->engine, state->best, NAN) != 0;
}

/* -------------------------------------------------------------------------------------------------------------- phases */

static void group_run_enter(spr__group_state *state, int32_t phase, int64_t steps)
{
    state->phase = phase;
    state->step = 0;
    state->steps = steps;
}

static void group_run_first(spr__group_state *state)
{
    spr__group_limits *limits = &state->limits;
    spr__group_price_end(state);
    spr__group_order(state);
#ifdef DBG
    {double L=0;for(int64_t c=0;c<limits->count;c++)L-=limits->price[c]*(double)limits->most[c];
     for(int64_t g=0;g<state->groups.count;g++)L+=state->work[state->groups.candidate[state->groups.start[g]]];
     extern int printf(const char*,...);printf("L=%.1f ",L);}
#endif
    if (state->has_best) {
        spr__group_load(state, state->best);
        state->best_energy = state->energy;
    } else {
        spr__group_greedy(state);
        spr__group_load(state, state->bits);
    }
    spr__group_slots(state);
    state->strict = state->over == 0;
    if (state->strict) {
        group_run_keep(state);
        group_run_enter(state, GROUP_RUN_PROBE, 1);
        return;
    }
    for (int64_t c = 0; c < limits->count; c++)
        limits->fine[c] = 1.0 / limits->mean[c];
    group_run_enter(state, GROUP_RUN_REPAIR, 1 + state->groups.slots / 20);
}

static double group_run_variate(spr__group_state *state)
{
    return state->log[spr__group_draw(state) >> 52];
}

/* Anneals what limits are exceeded by, until none is. */
static void group_run_repair(spr__group_state *state)
{
    const double part = (double)state->step / (double)state->steps, temperature = 0.5 * spr__group_exp(-5.0 * part);
    for (int i = 0; i < SPR_GROUP_UNIT; i++) {
        if (!spr__group_propose(state)) {
            spr__group_forget(state);
            continue;
        }
        const double fines = spr__group_fines(state);
        if (fines > temperature * group_run_variate(state)) {
            spr__group_forget(state);
            continue;
        }
        spr__group_apply(state);
        if (fines < 0.0 && state->over == 0) {
            state->strict = 1;
            spr__group_load(state, state->bits);
            group_run_keep(state);
            group_run_enter(state, GROUP_RUN_PROBE, 1);
            return;
        }
    }
    if (++state->step < state->steps)
        return;
    if (++state->run == state->runs)
        state->phase = GROUP_RUN_DONE;
    else
        group_run_enter(state, GROUP_RUN_REPAIR, 2 * state->steps);
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

static int64_t group_run_length(const spr__group_state *state)
{
double L=state->host->option(state->host->engine,"length"); if(L>0)return (int64_t)L;
    return 1 + state->groups.slots / 50;
}

/* Temperatures from what moves cost. */
static void group_run_probe(spr__group_state *state)
{
    int64_t found = 0;
    double size = 0.0;
    for (int64_t i = 0; i < 4 * SPR_GROUP_PROBES && found < SPR_GROUP_PROBES; i++) {
        if (spr__group_propose(state) && state->move.cost != 0.0) {
            state->probe[found++] = fabs(state->move.cost);
            size += fabs(state->move.cost);
        }
        spr__group_forget(state);
    }
    group_run_sort(state->probe, found);
    state->hot = found > 0 ? state->host->option(state->host->engine,"hot") * state->probe[found / 2] : 1.0;
    state->cold = found > 0 ? state->host->option(state->host->engine,"cold") * state->probe[found / 50] : 1.0;
    const double least = 1e-3 * state->hot;
    state->cold = state->cold > least ? state->cold : least;
    state->cold = state->cold < 0.5 * state->hot ? state->cold : 0.5 * state->hot;
    group_run_enter(state, GROUP_RUN_ANNEAL, group_run_length(state));
    state->run = 0;
    double kappa=state->host->option(state->host->engine,"kappa");
    if(kappa>0){ double m=0; for(int64_t c=0;c<state->limits.count;c++)m=fmax(m,state->limits.price[c]);
    state->strict=0; for(int64_t c=0;c<state->limits.count;c++)state->limits.fine[c]=kappa*fmax(0.1*m,state->limits.price[c]);}
}

/* A unit of an annealing run. */
static void group_run_anneal(spr__group_state *state)
{
    const double span = spr__group_log(state->hot / state->cold);
    const double all = (double)state->steps * SPR_GROUP_UNIT;
    double temperature = 0.0, theta=0, th0=state->host->option(state->host->engine,"theta"),th1=state->host->option(state->host->engine,"thend");
    for (int i = 0; i < SPR_GROUP_UNIT; i++) {
        if (i % GROUP_RUN_STRIDE == 0)
            temperature = state->hot * spr__group_exp(-span * ((double)(state->step * SPR_GROUP_UNIT + i) / all));
        if (i % GROUP_RUN_STRIDE == 0) theta = th0 + (th1-th0)*((double)state->step/(double)state->steps);
        if (!spr__group_propose(state)) {
            spr__group_forget(state);
            continue;
        }
        const double cost = state->strict ? state->move.cost + theta*state->move.tilt : state->move.cost + spr__group_fines(state);
        if (cost > temperature * group_run_variate(state)) {
            spr__group_forget(state);
            continue;
        }
        if ((cost > 0.0 || !state->strict) && state->over == 0 && state->energy < state->best_energy)
            group_run_keep(state);
        spr__group_apply(state);
    }
    double rate=state->host->option(state->host->engine,"rate"),down=state->host->option(state->host->engine,"down");
    if(!state->strict){ double r=rate/(double)state->steps; r=r<0.3?r:0.3; double up=spr__group_exp(r),dn=spr__group_exp(-r*down);
    for(int64_t c=0;c<state->limits.count;c++) state->limits.fine[c]*=state->limits.load[c]>state->limits.most[c]?up:dn; }
    if (++state->step < state->steps)
        return;
    group_run_keep(state);
    if (++state->run >= state->runs) {
        state->phase = GROUP_RUN_DONE;
        return;
    }
    spr__group_load(state, state->best);
    state->best_energy = state->energy;
    group_run_enter(state, GROUP_RUN_ANNEAL, 2 * state->steps);
}

spr_status spr__group_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    spr__group_state *state = (spr__group_state *)memory;
    (void)error;
    while (*used < budget) {
        const int32_t phase = state->phase;
        if (phase == GROUP_RUN_DONE)
            return SPR_STEP_DONE;
        if (phase == GROUP_RUN_PRICES && state->step < state->steps)
            spr__group_price_step(state, state->step++);
        else if (phase == GROUP_RUN_PRICES)
            group_run_enter(state, GROUP_RUN_START, 1);
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
        if (group_run_offer(state, state->phase != phase || state->step == 0))
            return SPR_STEP_RUNNING;
        if (state->host->cancelled(state->host->engine) != 0)
            return SPR_STEP_RUNNING;
    }
    return SPR_STEP_RUNNING;
}
