/* SPDX-License-Identifier: MIT */
#include "effort.h"

#include "../base/exact.h"

/* factor of geometric cooling */
static const double effort_factor = 0.85;

void spr__cooling_open(spr__cooling *cooling, const spr__effort *effort, double hot, double cold)
{
    int64_t stages = 1;
    hot = effort->hot > 0.0 ? effort->hot : hot;
    cold = effort->cold > 0.0 ? effort->cold : cold;
    cold = cold > 1e-30 ? cold : 1e-30;
    hot = hot > cold ? hot : cold;
    for (double t = hot; t > cold && stages < 1000; t *= effort_factor)
        stages++;
    cooling->temperature = hot;
    cooling->cold = cold;
    cooling->factor = effort_factor;
    cooling->adaptive = effort->adaptive;
    cooling->stage_moves = effort->moves / stages > 0 ? effort->moves / stages : 1;
    cooling->left = cooling->stage_moves;
    cooling->accepted = 0;
}

/* Adaptive: quick where nearly everything is accepted or nearly nothing, slow between. */
static double effort_adapt(const spr__cooling *cooling)
{
    const double rate = (double)cooling->accepted / (double)cooling->stage_moves;
    return rate > 0.4 ? 0.5 : rate > 0.2 ? 0.7 : rate > 0.02 ? 0.9 : 0.75;
}

void spr__cooling_count(spr__cooling *cooling, int accepted)
{
    cooling->accepted += accepted;
    if (--cooling->left > 0)
        return;
    cooling->temperature *= cooling->adaptive ? effort_adapt(cooling) : cooling->factor;
    if (cooling->temperature < cooling->cold)
        cooling->temperature = cooling->cold;
    cooling->left = cooling->stage_moves;
    cooling->accepted = 0;
}
