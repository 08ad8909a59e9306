/* SPDX-License-Identifier: MIT
 * Where multipliers may lie: those of a bit's ORs are >= 0 and together at most what the bit costs, so that the bit
 * itself is best left 0. A limit raises what all its bits cost by its own multiplier m, at a price of limit * m: m is
 * the one that a proximal step takes, where the bits' thresholds add up to step * limit. */
#include "lower.h"

#include "../base/exact.h"

/* Threshold: with it taken off, and nothing below 0, the numbers add up to at most most. */
static double lower_project_cut(const double *numbers, int64_t count, double most)
{
    double cut = 0.0;
    for (int round = 0; round < 64; round++) {
        double sum = 0.0;
        int64_t above = 0;
        for (int64_t i = 0; i < count; i++)
            if (numbers[i] > cut) {
                sum += numbers[i];
                above++;
            }
        if (above == 0 || sum - cut * (double)above <= most * (1.0 + 1e-15))
            break;
        cut = (sum - most) / (double)above;
    }
    return cut;
}

static double lower_project_cuts(const spr__lower_bound *b, int64_t groups, double more)
{
    double sum = 0.0;
    for (int64_t g = 0; g < groups; g++)
        sum += lower_project_cut(b->group + b->group_first[g], b->group_first[g + 1] - b->group_first[g],
                                 b->group_most[g] + more);
    return sum;
}

/* The multiplier of a limit over the groups. */
static double lower_project_limit(const spr__lower_bound *b, int64_t groups, double price)
{
    double low = 0.0, high = 0.0;
    for (int64_t g = 0; g < groups; g++) {
        double sum = 0.0;
        for (int64_t i = b->group_first[g]; i < b->group_first[g + 1]; i++)
            sum += b->group[i];
        high = sum - b->group_most[g] > high ? sum - b->group_most[g] : high;
    }
    if (!(high > 0.0) || lower_project_cuts(b, groups, 0.0) <= price)
        return 0.0;
    for (int round = 0; round < 16; round++) {
        const double middle = 0.5 * (low + high);
        if (lower_project_cuts(b, groups, middle) > price)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* A token's places: returns the multiplier of their limit (0 = none). */
static double lower_project_token(spr__lower_bound *b, double *row, int64_t experts, const int32_t *map, int64_t places,
                                  double cost, double price)
{
    int64_t held = 0;
    for (int64_t d = 0; d < places; d++) {
        b->group_first[d] = held;
        b->group_most[d] = cost;
        for (int64_t e = 0; e < experts; e++)
            if (map[e] == d && row[e] > 0.0)
                b->group[held++] = row[e];
    }
    b->group_first[places] = held;
    const double more = price >= 0.0 ? lower_project_limit(b, places, price) : 0.0;
    for (int64_t d = 0; d < places; d++)
        b->group_most[d] = lower_project_cut(b->group + b->group_first[d], b->group_first[d + 1] - b->group_first[d],
                                             cost + more);
    for (int64_t e = 0; e < experts; e++)
        row[e] = row[e] > b->group_most[map[e]] ? row[e] - b->group_most[map[e]] : 0.0;
    return more;
}

/* A device's experts: the same over their columns. */
static double lower_project_device(const spr__terms *terms, spr__lower_bound *b, int32_t device, double price)
{
    const int64_t experts = terms->experts, cells = terms->tokens * experts;
    int64_t held = 0;
    for (int64_t e = 0; e < experts; e++) {
        b->group_first[e] = held;
        b->group_most[e] = b->charge[e];
        for (int64_t i = e; i < cells && terms->device[e] == device; i += experts)
            if (b->open[i] > 0.0)
                b->group[held++] = b->open[i];
    }
    b->group_first[experts] = held;
    const double more = price >= 0.0 ? lower_project_limit(b, experts, price) : 0.0;
    for (int64_t e = 0; e < experts; e++) {
        const double cut = lower_project_cut(b->group + b->group_first[e], b->group_first[e + 1] - b->group_first[e],
                                             b->charge[e] + more);
        for (int64_t i = e; i < cells && terms->device[e] == device; i += experts)
            b->open[i] = b->open[i] > cut ? b->open[i] - cut : 0.0;
    }
    return more;
}

void spr__lower_bound_restrict(const spr__terms *terms, spr__lower_bound *b, double step)
{
    const int64_t experts = terms->experts;
    for (int64_t e = 0; e < experts; e++)
        b->price[e] = b->price[e] > 0.0 ? b->price[e] : 0.0;
    for (int32_t d = 0; b->open != NULL && d < terms->devices; d++)
        b->limit_active[d] =
            lower_project_device(terms, b, d, terms->active_limit > 0 ? step * (double)terms->active_limit : -1.0);
    const double device = terms->device_limit > 0 ? step * (double)terms->device_limit : -1.0;
    const double node = terms->node_limit > 0 ? step * (double)terms->node_limit : -1.0;
    for (int64_t t = 0; t < terms->tokens; t++) {
        if (b->touch != NULL)
            b->limit_device[t] = lower_project_token(b, b->touch + t * experts, experts, terms->device, terms->devices,
                                                     terms->touch_device, device);
        if (b->touch_node != NULL)
            b->limit_node[t] = lower_project_token(b, b->touch_node + t * experts, experts, terms->node, terms->nodes,
                                                   terms->touch_node, node);
    }
}
