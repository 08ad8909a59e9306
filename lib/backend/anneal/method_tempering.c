/* SPDX-License-Identifier: MIT
 * Parallel tempering (Hukushima and Nemoto, Journal of the Physical Society of Japan 65, 1996) with isoenergetic cluster
 * moves (Houdayer, European Physical Journal B 22, 2001; Zhu, Ochoa and Katzgraber, Physical Review Letters 115, 2015):
 * replicas at temperatures from hot to cold, of which neighbours are exchanged by Metropolis' rule. On sparse rows the
 * lanes are two replicas at each temperature; where two such differ, a connected part of the difference is taken over by
 * each from the other, which leaves the sum of their energies as it is. Clusters above a size are left alone: on dense
 * graphs they would be nearly all. On dense rows one replica at each temperature, no clusters.
 *
 * Ends with a quench of the cold replicas and of the best states from each part of the run. It pays in one long run, of ten
 * thousand sweeps and more, on graphs like grids. */
#include "run.h"
#include "../../base/exponential.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum {
    TEMPERING_COPIES = 2,        /* replicas at a temperature, sparse */
    TEMPERING_DENSE = 16,        /* temperatures, dense */
    TEMPERING_KEPT = 16,         /* parts of the run */
    TEMPERING_EXCHANGE = 2,      /* sweeps between exchanges */
    TEMPERING_CLUSTERS = 8,      /* exchanges between cluster moves */
    TEMPERING_TRIES = 64,        /* for a variable in which two replicas differ */
    TEMPERING_PART = 4           /* a cluster is at most this part of all variables */
};

typedef struct tempering_own {
    int rungs, copies;
    double temperature[SPR_LANES]; /* by rung, from hot to cold */
    int place[SPR_LANES];        /* [rungs,copies] which replica */
    double energy[SPR_LANES];    /* of each replica */
    int64_t sweeps, exchanges;   /* done */
    int replica;                 /* dense: the one whose sweep is under way */
    uint64_t key;
    int kept, part;              /* states kept; the part of the run that the last one is from */
    double kept_energy[TEMPERING_KEPT];
    uint8_t *kept_bits;          /* [TEMPERING_KEPT,n] */
    spr__ladder ladder;          /* sparse */
    int32_t *stack, *seen;       /* [n], sparse; seen holds the number of a walk */
    int32_t walk;
    spr__replica dense[TEMPERING_DENSE];
    spr__heat heat[TEMPERING_DENSE];
} tempering_own;

static int tempering_open(spr__run *run, const spr_host *host)
{
    const size_t n = (size_t)run->model->variables;
    tempering_own *own = (tempering_own *)host->allocate(host->engine, sizeof *own);
    if (own == NULL)
        return 0;
    memset(own, 0, sizeof *own);
    own->kept_bits = (uint8_t *)host->allocate(host->engine, n * TEMPERING_KEPT);
    if (own->kept_bits == NULL)
        return 0;
    if (run->model->layout == SPR_MODEL_DENSE) {
        for (int k = 0; k < TEMPERING_DENSE; k++)
            if (!spr__replica_open(&own->dense[k], host, run->model))
                return 0;
    } else {
        own->stack = (int32_t *)host->allocate(host->engine, n * sizeof(int32_t));
        own->seen = (int32_t *)host->allocate(host->engine, n * sizeof(int32_t));
        if (own->stack == NULL || own->seen == NULL)
            return 0;
        memset(own->seen, 0, n * sizeof(int32_t));
    }
    run->own = own;
    return 1;
}

/* Thresholds follow the replicas' temperatures. */
static void tempering_turn(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const spr__heat hot = spr__model_heat(run->model, own->temperature[0]);
    own->ladder.shift = hot.shift;
    for (int k = 0; k < own->rungs * own->copies; k++) {
        const double temperature = own->temperature[k / own->copies];
        if (run->model->layout == SPR_MODEL_DENSE) {
            own->heat[own->place[k]] = spr__model_heat(run->model, temperature);
            continue;
        }
        own->ladder.factor[own->place[k]] = (uint16_t)(hot.factor * (temperature / own->temperature[0]) + 0.5);
        own->ladder.scale[own->place[k]] = (float)(temperature / run->model->unit);
    }
}

static void tempering_start(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const int dense = run->model->layout == SPR_MODEL_DENSE;
    if (own == NULL) {
        run->method = &spr__method_anneal;
        run->method->start(run);
        return;
    }
    own->copies = dense ? 1 : TEMPERING_COPIES;
    own->rungs = dense ? TEMPERING_DENSE : SPR_LANES / TEMPERING_COPIES;
    const double span = spr__log(run->task.cold / run->task.hot);
    for (int rung = 0; rung < own->rungs; rung++)
        own->temperature[rung] = run->task.hot * spr__exp(span * (double)rung / (double)(own->rungs - 1));
    for (int k = 0; k < own->rungs * own->copies; k++)
        own->place[k] = k;
    own->sweeps = own->exchanges = 0;
    own->replica = own->kept = 0;
    own->part = -1;
    own->key = spr__random_at(run->task.key, UINT64_MAX);
    own->ladder.odd = 0;
    for (int64_t i = 0; i < run->model->variables && !dense; i++)
        own->ladder.odd |= run->model->sparse_odd[i];
    for (int k = 0; k < TEMPERING_DENSE && dense; k++) {
        if (run->task.breed || run->task.start != NULL)
            spr__replica_bits(&run->replica, run->bits);
        spr__replica_start(&own->dense[k], run->task.breed || run->task.start != NULL ? run->bits : NULL,
                           spr__random_at(own->key, (uint64_t)k));
    }
    tempering_turn(run);
}

/* ---------------------------------------------------------------------------------------------------------- exchanges */

/* Keeps the best state of each part of the run. */
static void tempering_keep(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const int part = (int)((double)(own->sweeps - 1) / (double)run->task.sweeps * TEMPERING_KEPT);
    int best = 0;
    for (int k = 1; k < own->rungs * own->copies; k++)
        best = own->energy[k] < own->energy[best] ? k : best;
    if (part != own->part) {
        own->part = part;
        own->kept_energy[own->kept++] = HUGE_VAL;
    }
    if (!(own->energy[best] < own->kept_energy[own->kept - 1]))
        return;
    own->kept_energy[own->kept - 1] = own->energy[best];
    uint8_t *bits = own->kept_bits + (own->kept - 1) * run->model->variables;
    if (run->model->layout == SPR_MODEL_DENSE)
        spr__replica_bits(&own->dense[best], bits);
    else
        spr__bundle_bits(&run->bundle, best, bits);
}

/* Neighbouring temperatures, every other pair each time. */
static void tempering_exchange(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const uint64_t key = spr__random_at(own->key, (uint64_t)own->exchanges + TEMPERING_DENSE);
    for (int rung = (int)(own->exchanges & 1); rung + 1 < own->rungs; rung += 2)
        for (int copy = 0; copy < own->copies; copy++) {
            int *hot = &own->place[rung * own->copies + copy], *cold = hot + own->copies;
            const double gain = (1.0 / own->temperature[rung + 1] - 1.0 / own->temperature[rung]) *
                                (own->energy[*cold] - own->energy[*hot]);
            const double drawn = (double)(spr__random_at(key, (uint64_t)(rung * own->copies + copy)) >> 11) * 0x1p-53;
            if (gain >= 0.0 || drawn < spr__exp(gain)) {
                const int moved = *hot;
                *hot = *cold;
                *cold = moved;
            }
        }
    own->exchanges++;
    tempering_turn(run);
}

/* ----------------------------------------------------------------------------------------------------------- clusters */

static int tempering_differ(const spr__run *run, int64_t i, int one, int two)
{
    return spr__bundle_on(&run->bundle, i, one) != spr__bundle_on(&run->bundle, i, two);
}

/* Exchanges between two lanes the cluster of a variable, unless it is too large. */
static void tempering_cluster(spr__run *run, int64_t first, int one, int two)
{
    tempering_own *own = (tempering_own *)run->own;
    const spr__replicas *r = &run->bundle.lanes;
    const int64_t most = r->variables / TEMPERING_PART;
    int64_t size = 1;
    if (own->walk++ == INT32_MAX) {
        memset(own->seen, 0, (size_t)r->variables * sizeof(int32_t));
        own->walk = 1;
    }
    own->stack[0] = (int32_t)first;
    own->seen[first] = own->walk;
    for (int64_t k = 0; k < size; k++)
        for (int64_t at = r->start[own->stack[k]]; at < r->start[own->stack[k] + 1]; at++) {
            const int32_t j = r->column[at];
            if (own->seen[j] == own->walk || !tempering_differ(run, j, one, two))
                continue;
            if (size > most)
                return;
            own->seen[j] = own->walk;
            own->stack[size++] = j;
        }
    for (int64_t k = 0; k < size; k++) {
        spr__bundle_flip(&run->bundle, own->stack[k], one);
        spr__bundle_flip(&run->bundle, own->stack[k], two);
    }
}

/* One cluster at each temperature of the colder half. */
static void tempering_clusters(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const uint64_t key = spr__random_at(own->key, ~(uint64_t)own->exchanges);
    for (int rung = own->rungs / 2; rung < own->rungs; rung++) {
        const int one = own->place[rung * own->copies], two = own->place[rung * own->copies + 1];
        for (int k = 0; k < TEMPERING_TRIES; k++) {
            const uint64_t drawn = spr__random_at(key, (uint64_t)(rung * TEMPERING_TRIES + k));
            const int64_t first = (int64_t)((drawn >> 32) * (uint64_t)run->model->variables >> 32);
            if (!tempering_differ(run, first, one, two))
                continue;
            tempering_cluster(run, first, one, two);
            break;
        }
    }
}

/* ---------------------------------------------------------------------------------------------------------------- run */

/* A part of the sweep of all, one unit; returns 1 when it completes it. */
static int tempering_sweep(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const spr__model *model = run->model;
    const int dense = model->layout == SPR_MODEL_DENSE;
    const int64_t all = dense ? model->stride / SPR_SPAN : model->variables;
    const int64_t part = (all + model->parts - 1) / model->parts;
    const int64_t first = run->at * part, last = first + part < all ? first + part : all;
    if (dense)
        spr__replica_sweep(&own->dense[own->replica], &own->heat[own->replica], first, last);
    else
        spr__bundle_climb(&run->bundle, &own->ladder, first, last);
    run->at = last < all ? run->at + 1 : 0;
    if (run->at > 0 || !dense)
        return run->at == 0;
    own->replica = (own->replica + 1) % TEMPERING_DENSE;
    return own->replica == 0;
}

static void tempering_energies(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    if (run->model->layout == SPR_MODEL_SPARSE)
        spr__bundle_energies(&run->bundle, own->energy);
    else
        for (int k = 0; k < TEMPERING_DENSE; k++)
            own->energy[k] = spr__replica_energy(&own->dense[k]);
}

/* The best states kept go where the hot replicas are; the quench follows. */
static void tempering_end(spr__run *run)
{
    tempering_own *own = (tempering_own *)run->own;
    const int64_t n = run->model->variables;
    if (run->model->layout == SPR_MODEL_SPARSE) {
        for (int k = 0; k < own->kept; k++)
            spr__bundle_put(&run->bundle, own->place[k], own->kept_bits + k * n);
        spr__bundle_settle(&run->bundle);
        return;
    }
    int best = 0;
    for (int k = 1; k < own->kept; k++)
        best = own->kept_energy[k] < own->kept_energy[best] ? k : best;
    spr__replica_start(&run->replica, own->kept_bits + best * n, spr__random_at(own->key, UINT64_MAX));
}

static int64_t tempering_advance(spr__run *run, int64_t units)
{
    tempering_own *own = (tempering_own *)run->own;
    int64_t used = 0;
    while (used < units && !run->done) {
        used++;
        if (run->quench > 0) {
            spr__run_quench(run);
            continue;
        }
        if (!tempering_sweep(run))
            continue;
        const int over = ++own->sweeps >= run->task.sweeps;
        if (!over && own->sweeps % TEMPERING_EXCHANGE != 0)
            continue;
        tempering_energies(run);
        tempering_keep(run);
        tempering_exchange(run);
        if (!over && own->copies > 1 && own->exchanges % TEMPERING_CLUSTERS == 0)
            tempering_clusters(run);
        if (over)
            tempering_end(run);
        run->quench = over;
    }
    return used;
}

const spr__method spr__method_tempering = {"tempering", tempering_open, tempering_start, tempering_advance};
