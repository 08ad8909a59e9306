/* SPDX-License-Identifier: MIT
 * Population annealing (Hukushima and Iba, AIP Conference Proceedings 690, 2003; Machta, Physical Review E 82, 2010): as
 * annealing, but from time to time the lanes are resampled by the Boltzmann weights of the fall of the temperature since the
 * last time: lanes that fell behind become copies of better ones. Lanes that stay are not moved. On dense rows, where there
 * is one replica only, this is plain annealing.
 *
 * It pays where states differ in one large cluster, as on random graphs of degree 5 and more. On grids the lanes of an anneal
 * that know nothing of each other are worth more: the best parts of all are put together at the end. Here all lanes end as
 * descendants of a few. */
#include "run.h"
#include "../../base/exponential.h"
#include "../../base/random.h"

#include <math.h>

#include "../../base/exact.h"

/* resamplings of an anneal, least sweeps between two */
enum { POPULATION_TIMES = 500, POPULATION_LEAST = 8 };

static void population_start(spr__run *run)
{
    spr__schedule_open(&run->schedule, run->task.schedule, run->task.hot, run->task.cold, run->task.sweeps);
    run->reached = run->schedule.temperature;
    run->since = 0;
}

/* Makes each lane there as often as its weight says: systematic resampling. */
static void population_resample(spr__run *run, double temperature)
{
    double energies[SPR_LANES], weights[SPR_LANES], sum = 0.0, lowest = HUGE_VAL, reach = 0.0;
    int copies[SPR_LANES], changes = 0, lane;
    uint8_t to[SPR_LANES], from[SPR_LANES];
    const double fall = 1.0 / temperature - 1.0 / run->reached;
    const uint64_t drawn = spr__random_at(run->bundle.key, run->bundle.position++);
    double tooth = (double)(drawn >> 11) * 0x1p-53;
    spr__bundle_energies(&run->bundle, energies);
    for (lane = 0; lane < SPR_LANES; lane++)
        lowest = energies[lane] < lowest ? energies[lane] : lowest;
    for (lane = 0; lane < SPR_LANES; lane++)
        sum += weights[lane] = spr__exp(-fall * (energies[lane] - lowest));
    for (lane = 0; lane < SPR_LANES; lane++) {
        reach += weights[lane] / sum * SPR_LANES;
        copies[lane] = 0;
        for (; tooth < reach; tooth += 1.0)
            copies[lane]++;
    }
    for (int gone = 0, next = 0; next < SPR_LANES; next++)
        for (; copies[next] > 1; copies[next]--) {
            while (gone < SPR_LANES && copies[gone] != 0)
                gone++;
            if (gone == SPR_LANES)
                break;
            to[changes] = (uint8_t)gone++;
            from[changes++] = (uint8_t)next;
        }
    spr__bundle_copy(&run->bundle, to, from, changes);
    run->reached = temperature;
    run->since = 0;
}

static int64_t population_advance(spr__run *run, int64_t units)
{
    const int64_t share = run->task.sweeps / POPULATION_TIMES, every = share > POPULATION_LEAST ? share : POPULATION_LEAST;
    int64_t used = 0;
    while (used < units && !run->done) {
        used++;
        if (run->quench > 0) {
            spr__run_quench(run);
            continue;
        }
        const double temperature = run->schedule.temperature;
        const spr__heat heat = spr__model_heat(run->model, temperature);
        if (!spr__run_sweep(run, &heat))
            continue;
        if (++run->since >= every && run->model->layout == SPR_MODEL_SPARSE)
            population_resample(run, temperature);
        const double acceptance = spr__schedule_looks(&run->schedule) ? spr__run_acceptance(run, temperature) : 0.0;
        run->quench = !spr__schedule_next(&run->schedule, acceptance);
    }
    return used;
}

const spr__method spr__method_population = {"population", NULL, population_start, population_advance};
