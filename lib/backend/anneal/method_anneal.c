/* SPDX-License-Identifier: MIT
 * Simulated annealing (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983): sweeps while the temperature falls, then at
 * temperature 0 until nothing moves. */
#include "run.h"

#include "../../base/exact.h"

/* most sweeps at temperature 0 */
enum { ANNEAL_QUENCH = 8 };

static void anneal_start(spr__run *run)
{
    spr__schedule_open(&run->schedule, run->task.schedule, run->task.hot, run->task.cold, run->task.sweeps);
}

static int64_t anneal_advance(spr__run *run, int64_t units)
{
    const spr__heat frozen = spr__model_heat(run->model, 0.0);
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
        const int64_t flips = run->replica.dense.flips;
        used++;
        if (!spr__run_sweep(run, &frozen))
            continue;
        const int settled = run->model->layout == SPR_MODEL_DENSE && run->model->parts == 1 && flips == run->replica.dense.flips;
        if (settled || run->quench++ == ANNEAL_QUENCH) {
            spr__run_collect(run);
            run->done = 1;
        }
    }
    return used;
}

const spr__method spr__method_anneal = {"anneal", NULL, anneal_start, anneal_advance};
