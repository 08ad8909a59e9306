/* SPDX-License-Identifier: MIT */
#include "run.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* lanes tried before mixing is given up, and in all; variables asked for the acceptance */
enum { RUN_PROBES = 6, RUN_TRIES = 16 * SPR_LANES, RUN_SAMPLE = 128 };
/* most sweeps at temperature 0 */
enum { RUN_QUENCH = 8 };

int spr__run_open(spr__run *run, const spr_host *host, const spr__method *method, const spr__model *model,
                  const spr__pool *pool)
{
    memset(run, 0, sizeof *run);
    run->method = method;
    run->model = model;
    run->pool = pool;
    run->done = 1;
    run->bits = (uint8_t *)host->allocate(host->engine, (size_t)model->variables * (SPR_RUN_RESULTS + 1));
    if (run->bits == NULL)
        return 0;
    if (model->layout == SPR_MODEL_DENSE ? !spr__replica_open(&run->replica, host, model)
                                         : !spr__bundle_open(&run->bundle, host, model) ||
                                               !spr__clusters_open(&run->clusters, host, pool->even))
        return 0;
    return method->open == NULL || method->open(run, host);
}

void spr__run_start(spr__run *run, const spr__method *method, const spr__task *task)
{
    const int dense = run->model->layout == SPR_MODEL_DENSE;
    run->method = method;
    run->task = *task;
    run->done = 0;
    run->at = 0;
    run->quench = 0;
    run->results = 0;
    const uint8_t *start = task->start;
    if (task->breed && dense) {
        spr__pool_breed(run->pool, spr__random_at(task->key, 1), run->bits);
        start = run->bits;
    }
    if (dense)
        spr__replica_start(&run->replica, start, spr__random_at(task->key, 0));
    else {
        spr__bundle_start(&run->bundle, spr__random_at(task->key, 0));
        for (int lane = 0; lane < SPR_LANES && (task->breed || start != NULL); lane++) {
            if (task->breed)
                spr__pool_breed(run->pool, spr__random_at(task->key, 1 + (uint64_t)lane), run->bits);
            spr__bundle_put(&run->bundle, lane, task->breed ? run->bits : start);
        }
        if (task->breed || start != NULL)
            spr__bundle_settle(&run->bundle);
    }
    run->method->start(run);
}

int64_t spr__run_advance(spr__run *run, int64_t units)
{
    return run->method->advance(run, units);
}

int spr__run_sweep(spr__run *run, const spr__heat *heat)
{
    const spr__model *model = run->model;
    const int64_t all = model->layout == SPR_MODEL_DENSE ? model->stride / SPR_SPAN : model->variables;
    const int64_t part = (all + model->parts - 1) / model->parts;
    const int64_t first = run->at * part, last = first + part < all ? first + part : all;
    if (model->layout == SPR_MODEL_DENSE)
        spr__replica_sweep(&run->replica, heat, first, last);
    else
        spr__bundle_sweep(&run->bundle, heat, first, last);
    run->at = last < all ? run->at + 1 : 0;
    return run->at == 0;
}

/* What E changes by when a variable flips. */
static double run_gain(const spr__run *run, int64_t i, int lane)
{
    const spr__model *model = run->model;
    if (model->layout == SPR_MODEL_DENSE)
        return spr__replica_gain(&run->replica, i);
    const void *fields = run->bundle.lanes.field, *states = run->bundle.lanes.state;
    const int64_t at = i * SPR_LANES + lane;
    if (model->numbers == SPR_MODEL_REAL) {
        const double field = model->unit * (double)((const float *)fields)[at];
        return ((const int32_t *)states)[at] != 0 ? -field : field;
    }
    const int narrow = model->numbers == SPR_MODEL_SMALL;
    const int whole = narrow ? ((const int8_t *)fields)[at] : ((const int16_t *)fields)[at];
    const int on = narrow ? ((const int8_t *)states)[at] : ((const int16_t *)states)[at];
    const double field = model->unit * (whole + model->sparse_odd[i] * 0.5);
    return on != 0 ? -field : field;
}

double spr__run_acceptance(const spr__run *run, double temperature)
{
    const int64_t n = run->model->variables, step = n / RUN_SAMPLE + 1;
    int64_t accepted = 0, asked = 0;
    for (int64_t i = 0; i < n; i += step)
        for (int lane = 0; lane < (run->model->layout == SPR_MODEL_DENSE ? 1 : SPR_LANES); lane++, asked++)
            accepted += run_gain(run, i, lane) <= temperature * (double)run->model->real_draws[asked % SPR_DRAWS];
    return (double)accepted / (double)asked;
}

/* The best lane takes over what any other does better, until none has anything; where the first few have nothing, clusters
 * are too large to be of use. */
static void run_mix(spr__run *run, const double *energies, const uint8_t *order)
{
    uint8_t *other = run->bits + SPR_RUN_RESULTS * run->model->variables;
    double mean = 0.0, variance = 0.0, all = 0.0;
    /* real numbers might be improved by rounding for ever: so there is an end */
    for (int k = 1, since = 1, tries = 0; since < (all > 0.0 ? SPR_LANES : RUN_PROBES) && tries < RUN_TRIES;
         k = (k + 1) % SPR_LANES, since++, tries++) {
        spr__bundle_bits(&run->bundle, order[k], other);
        const double fell = spr__clusters_take(&run->clusters, run->bits, other);
        all += fell;
        since = fell > 0.0 ? 0 : since;
    }
    for (int lane = 0; lane < SPR_LANES; lane++)
        mean += energies[lane] / SPR_LANES;
    for (int lane = 0; lane < SPR_LANES; lane++)
        variance += (energies[lane] - mean) * (energies[lane] - mean) / SPR_LANES;
    run->energy[0] -= all;
    run->mixing = variance > 0.0 ? all / sqrt(variance) : 0.0;
}

/* The best lanes, improved by what the others have better; in order of energy. */
static void run_collect_lanes(spr__run *run)
{
    const int64_t n = run->model->variables;
    double energies[SPR_LANES];
    uint8_t order[SPR_LANES];
    spr__bundle_energies(&run->bundle, energies);
    for (int lane = 0; lane < SPR_LANES; lane++) {
        int place = lane;
        for (; place > 0 && energies[order[place - 1]] > energies[lane]; place--)
            order[place] = order[place - 1];
        order[place] = (uint8_t)lane;
    }
    for (int k = 0; k < SPR_LANES && run->results < SPR_RUN_RESULTS; k++) {
        if (k > 0 && energies[order[k]] == energies[order[k - 1]] && run->results > 1)
            continue;
        spr__bundle_bits(&run->bundle, order[k], run->bits + run->results * n);
        run->energy[run->results++] = energies[order[k]];
    }
    run_mix(run, energies, order);
}

/* E in double: fields in floats have gathered rounding. */
static double run_energy(const spr_problem_view *p, const uint8_t *bits)
{
    double energy = p->offset;
    for (int64_t i = 0; i < p->variables; i++) {
        double pairs = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1] && bits[i]; at++)
            pairs += bits[p->column[at]] ? p->value[at] : 0.0;
        energy += bits[i] ? p->linear[i] + 0.5 * pairs : 0.0;
    }
    return energy;
}

void spr__run_collect(spr__run *run)
{
    run->results = 0;
    if (run->model->layout == SPR_MODEL_SPARSE)
        run_collect_lanes(run);
    else {
        run->energy[0] = spr__replica_energy(&run->replica);
        spr__replica_bits(&run->replica, run->bits);
        run->results = 1;
    }
    for (int32_t k = 0; k < run->results && run->model->numbers == SPR_MODEL_REAL; k++)
        run->energy[k] = run_energy(run->model->problem, run->bits + k * run->model->variables);
}

void spr__run_quench(spr__run *run)
{
    const spr__heat frozen = spr__model_heat(run->model, 0.0);
    const int64_t flips = run->replica.dense.flips;
    if (!spr__run_sweep(run, &frozen))
        return;
    const int settled = run->model->layout == SPR_MODEL_DENSE && run->model->parts == 1 && flips == run->replica.dense.flips;
    if (settled || run->quench++ == RUN_QUENCH) {
        spr__run_collect(run);
        run->done = 1;
    }
}
