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

double spr__exponential(uint64_t bits)
{
    /* -ln u, u = (top 53 bits + 1) / 2^53 = m * 2^(shift-53) with 1 <= m < 2; ln m by the series of atanh, |z| < 1/3 */
    const uint64_t whole = (bits >> 11) + 1;
    const int shift = 63 - __builtin_clzll(whole);
    const double m = (double)whole / (double)((uint64_t)1 << shift), z = (m - 1.0) / (m + 1.0), zz = z * z;
    const double log_m = 2.0 * z * (1.0 + zz * (1.0 / 3 + zz * (1.0 / 5 + zz * (1.0 / 7 + zz * (1.0 / 9)))));
    const double minus_log = (53 - shift) * 0.69314718055994530942 - log_m;
    return minus_log > 0.0 ? minus_log : 0.0;
}
