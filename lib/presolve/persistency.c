/* SPDX-License-Identifier: MIT
 * What one row says: a value that is best whatever the others are (P. Hammer and S. Rudeanu, 1968), and a coupling that
 * outweighs all else (F. Glover, M. Lewis and G. Kochenberger, "Logical and inequality implications for reducing the size
 * and difficulty of quadratic unconstrained binary optimization problems", 2018; here from the two ends of the row's range). */
#include "work.h"

#include <math.h>

#include "../base/exact.h"

int spr__reduce_fix(spr__residue *work, int32_t i)
{
    const double low = work->low[i], high = work->high[i];
    if (work->degree[i] == 0) {
        spr__work_fix(work, i, work->linear[i] < 0.0, SPR__RULE_ISOLATED, -1);
        return 1;
    }
    if (low < 0.0 && high > 0.0)
        return 0;
    const double margin = spr__work_margin(work, fabs(low) + fabs(high));
    if (!(low >= margin) && !(high <= -margin))
        return 0;
    spr__work_fix(work, i, !(low >= margin), SPR__RULE_PERSISTENT, -1);
    return 1;
}

/* Without j, x_i = 1 costs from low - min(w, 0) to high - max(w, 0). If that is within 0..-w, x_i = x_j is best; within
 * -w..0, x_i = 1 - x_j is. So w must be at least as large as -low and as high. */
int spr__reduce_dominated(spr__residue *work, int32_t i)
{
    const double least = work->high[i] > -work->low[i] ? work->high[i] : -work->low[i];
    if (work->largest[i] < least || work->effort >= work->most_effort)
        return 0;
    double largest = 0.0;
    int32_t best = -1;
    for (int32_t half = work->first[i]; half >= 0; half = work->next[half]) {
        const double size = fabs(work->value[half / 2]);
        best = size > largest ? half : best;
        largest = size > largest ? size : largest;
    }
    work->effort += work->degree[i];
    work->largest[i] = largest;
    if (!(largest >= least + spr__work_margin(work, largest + least)))
        return 0;
    spr__work_merge(work, i, work->to[best], work->value[best / 2] > 0.0, SPR__RULE_DOMINATED);
    return 1;
}
