/* SPDX-License-Identifier: MIT
 * Simulated annealing (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983): sweeps while the temperature falls, then at
 * temperature 0. */
#include "run.h"

#include "../../base/exact.h"

static void anneal_start(spr__run *run)
{
    spr__schedule_open(&run->schedule, run->task.schedule, run->task.hot, run->task.cold, run->task.sweeps);
}

static int64_t anneal_advance(spr__run *run, int64_t units)
{
    int64_t used = 0;
    while (used < units && !run->done) {
        if (run->quench == 0) {
            const spr__heat heat = spr__model_heat(run->model, run->schedule.temperature);
            used++;
            if (!spr__run_sweep(run, &heat))
                continue;
            const double acceptance = spr__schedule_looks(&run->schedule)
                                          ? spr__run_acceptance(run, run->schedule.temperature) : 0.0;
            run->quench = !spr__schedule_next(&run->schedule, acceptance);
            continue;
        }
        used++;
        spr__run_quench(run);
    }
    return used;
}

const spr__method spr__method_anneal = {"anneal", NULL, anneal_start, anneal_advance};
