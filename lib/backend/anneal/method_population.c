/* SPDX-License-Identifier: MIT
 * Population annealing (Hukushima and Iba, AIP Conference Proceedings 690, 2003; Machta, Physical Review E 82, 2010): as
 * annealing, but from time to time the lanes are resampled by the Boltzmann weights of the fall of the temperature since the
 * last time: lanes that fell behind become copies of better ones. Lanes that stay are not moved. On dense rows, where there
 * is one replica only, this is plain annealing. */
#include "run.h"
#include "../../base/random.h"

#include <math.h>

#include "../../base/exact.h"

/* resamplings of an anneal, least sweeps between two */
enum { POPULATION_TIMES = 128, POPULATION_LEAST = 4, POPULATION_ISLAND = 64 };

static void population_start(spr__run *run)
{
    spr__schedule_open(&run->schedule, run->task.schedule, run->task.hot, run->task.cold, run->task.sweeps);
    run->reached = run->schedule.temperature;
    run->since = 0;
}

/* Adds what makes each lane of an island there as often as its weight says: systematic resampling. tooth: 0 .. 1. */
static int population_comb(const double *energies, int first, double fall, double tooth, uint8_t *to, uint8_t *from)
{
    const int last = first + POPULATION_ISLAND;
    double weights[SPR_LANES], sum = 0.0, lowest = HUGE_VAL, reach = 0.0;
    int copies[SPR_LANES], changes = 0, free = first, lane;
    for (lane = first; lane < last; lane++)
        lowest = energies[lane] < lowest ? energies[lane] : lowest;
    for (lane = first; lane < last; lane++)
        sum += weights[lane] = exp(-fall * (energies[lane] - lowest));
    for (lane = first; lane < last; lane++) {
        reach += weights[lane] / sum * POPULATION_ISLAND;
        copies[lane] = 0;
        for (; tooth < reach; tooth += 1.0)
            copies[lane]++;
    }
    for (lane = first; lane < last; lane++)
        for (; copies[lane] > 1; copies[lane]--) {
            for (; free < last && copies[free] != 0; free++)
                ;
            if (free == last)
                return changes;
            to[changes] = (uint8_t)free++;
            from[changes++] = (uint8_t)lane;
        }
    return changes;
}

static void population_resample(spr__run *run, double temperature)
{
    double energies[SPR_LANES];
    uint8_t to[SPR_LANES], from[SPR_LANES];
    int changes = 0;
    const double fall = 1.0 / temperature - 1.0 / run->reached;
    spr__bundle_energies(&run->bundle, energies);
    for (int first = 0; first < SPR_LANES; first += POPULATION_ISLAND) {
        const uint64_t drawn = spr__random_at(run->bundle.key, run->bundle.position++);
        changes += population_comb(energies, first, fall, (double)(drawn >> 11) * 0x1p-53, to + changes, from + changes);
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
