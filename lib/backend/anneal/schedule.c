/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include "../../base/exact.h"

/* looks at the acceptance in an adaptive schedule */
enum { SCHEDULE_STAGES = 32 };

/* The count-th root of a ratio in (0,1], by bisection: basic arithmetic only, so the same everywhere. */
static double schedule_root(double ratio, int64_t count)
{
    double low = 0.0, high = 1.0;
    for (int pass = 0; pass < 60; pass++) {
        const double middle = 0.5 * (low + high);
        double power = 1.0, square = middle;
        for (int64_t left = count; left > 0; left >>= 1, square *= square)
            power *= left & 1 ? square : 1.0;
        if (power < ratio)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void spr__schedule_open(spr__schedule *schedule, int32_t kind, double hot, double cold, int64_t sweeps)
{
    *schedule = (spr__schedule){kind, hot, hot, cold, 1.0, sweeps, 0, 1};
    schedule->stage = sweeps / SCHEDULE_STAGES > 0 ? sweeps / SCHEDULE_STAGES : 1;
    if (kind == SPR_SCHEDULE_GEOMETRIC && sweeps > 1)
        schedule->factor = schedule_root(cold / hot, sweeps - 1);
}

int spr__schedule_looks(const spr__schedule *schedule)
{
    return schedule->kind == SPR_SCHEDULE_ADAPTIVE && (schedule->done + 1) % schedule->stage == 0;
}

/* Quick where nearly everything is accepted or nearly nothing, slow between. */
static double schedule_adapt(double acceptance)
{
    return acceptance > 0.4 ? 0.6 : acceptance > 0.2 ? 0.8 : acceptance > 0.02 ? 0.93 : 0.85;
}

int spr__schedule_next(spr__schedule *schedule, double acceptance)
{
    const int looks = spr__schedule_looks(schedule);
    if (schedule->kind == SPR_SCHEDULE_ADAPTIVE && looks) {
        if (schedule->temperature <= schedule->cold)
            return 0;
        schedule->temperature *= schedule_adapt(acceptance);
    }
    if (++schedule->done >= schedule->sweeps)
        return 0;
    if (schedule->kind == SPR_SCHEDULE_GEOMETRIC)
        schedule->temperature *= schedule->factor;
    if (schedule->kind == SPR_SCHEDULE_LINEAR)
        schedule->temperature = schedule->hot + (schedule->cold - schedule->hot) * (double)schedule->done /
                                                   (double)(schedule->sweeps - 1);
    if (schedule->temperature < schedule->cold)
        schedule->temperature = schedule->cold;
    return 1;
}
