/* SPDX-License-Identifier: MIT
 * Backend "descent": from random states down to where no flip of one variable helps, again and again. The smallest backend:
 * copy it to write your own. */
#include "../backends.h"

#include <math.h>

#include "../../base/exact.h"

/* The engine allocates this, zeroed; what pointers point to comes from host->allocate. */
typedef struct descent_state {
    const spr_host *host;
    uint8_t *bits;               /* [n] the state now */
    double *gain;                /* [n] what E changes by when the variable flips */
    double energy;
    int64_t restarts, left;      /* descents done, and still to do */
    int32_t running;             /* a descent is under way */
} descent_state;

static const spr_option_info descent_options[] = {
    {"restarts", NULL, "descents, each from another random state; the first one starts where the solver was told to", 1.0,
     1e12, 1000.0, SPR_TYPE_INTEGER, 0}};

static int32_t descent_accepts(const spr_problem_view *problem, spr_error *error)
{
    (void)problem;
    (void)error;
    return 10;
}

/* Gains of all variables, and the energy, from the bits. */
static void descent_weigh(descent_state *state)
{
    const spr_problem_view *p = state->host->problem;
    double twice = 0.0;
    state->energy = p->offset;
    for (int64_t i = 0; i < p->variables; i++) {
        double field = p->linear[i], pairs = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++)
            pairs += state->bits[p->column[at]] ? p->value[at] : 0.0;
        field += pairs;
        state->gain[i] = state->bits[i] ? -field : field;
        state->energy += state->bits[i] ? p->linear[i] : 0.0;
        twice += state->bits[i] ? pairs : 0.0;
    }
    state->energy += 0.5 * twice;
}

static spr_status descent_init(void *memory, const spr_host *host, spr_error *error)
{
    descent_state *state = (descent_state *)memory;
    const size_t n = (size_t)host->problem->variables;
    (void)error;
    state->host = host;
    state->left = (int64_t)host->option(host->engine, "restarts");
    state->bits = (uint8_t *)host->allocate(host->engine, n);
    state->gain = (double *)host->allocate(host->engine, n * sizeof(double));
    return state->bits != NULL && state->gain != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static spr_status descent_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    descent_state *state = (descent_state *)memory;
    (void)error;
    for (int64_t i = 0; i < state->host->problem->variables; i++)
        state->bits[i] = bits[i];
    descent_weigh(state);
    state->running = 1;
    return SPR_OK;
}

static void descent_draw(descent_state *state)
{
    const spr_host *host = state->host;
    for (int64_t i = 0; i < host->problem->variables; i++)
        state->bits[i] = (uint8_t)(host->random(host->engine, (uint64_t)state->restarts, (uint64_t)i / 64) >> (i & 63) & 1);
    descent_weigh(state);
    state->running = 1;
}

static void descent_flip(descent_state *state, int64_t i)
{
    const spr_problem_view *p = state->host->problem;
    state->energy += state->gain[i];
    state->gain[i] = -state->gain[i];
    state->bits[i] ^= 1;
    for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
        const int64_t j = p->column[at];
        state->gain[j] += state->bits[i] == state->bits[j] ? -p->value[at] : p->value[at];
    }
}

/* One unit of work is one flip, or the start or end of a descent. */
static spr_status descent_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    descent_state *state = (descent_state *)memory;
    const spr_host *host = state->host;
    (void)error;
    for (; *used < budget; ++*used) {
        int64_t best = 0;
        if (state->left == 0)
            return SPR_STEP_DONE;
        if (!state->running) {
            descent_draw(state);
            continue;
        }
        for (int64_t i = 1; i < host->problem->variables; i++)
            best = state->gain[i] < state->gain[best] ? i : best;
        /* gains gather rounding: what is not clearly below zero is none */
        if (state->gain[best] < -1e-12 * (1.0 + fabs(state->energy))) {
            descent_flip(state, best);
            continue;
        }
        state->running = 0;
        state->restarts++;
        state->left--;
        /* told to stop is not done: the engine knows why it said so */
        if (host->offer(host->engine, state->bits, NAN) != 0 || host->cancelled(host->engine) != 0) {
            ++*used;
            return SPR_STEP_RUNNING;
        }
    }
    return SPR_STEP_RUNNING;
}

static void descent_fini(void *memory)
{
    (void)memory;
}

const spr_backend spr__backend_descent = {sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC, "descent",
                                          "one-flip descent from many random states", sizeof(descent_state),
                                          descent_options, 1, NULL, descent_accepts, descent_init, descent_warm,
                                          descent_step, descent_fini};
