/* SPDX-License-Identifier: MIT
 * H of a table, and the bound below which no table can come. */
#include "call.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static int64_t objective_overflow(const spr__call *call)
{
    int64_t over = 0;
    for (int64_t e = 0; e < call->plan->options.experts; e++) {
        double excess = call->workspace->counts[e] - call->workspace->market.supply[e];
        over += excess > 0.0 ? (int64_t)excess : 0;
    }
    return over;
}

void spr__greedy_statistics(spr__call *call)
{
    spr__assign(call, NULL);
    call->statistics.greedy_affinity = call->taken_affinity;
    /* without prices: balance costs nothing at best */
    call->statistics.lower_bound = -call->taken_affinity;
    call->statistics.greedy_overflow = objective_overflow(call);
    for (int64_t e = 0; e < call->plan->options.experts; e++)
        if (call->workspace->counts[e] > call->statistics.greedy_max_load)
            call->statistics.greedy_max_load = call->workspace->counts[e];
}

static void objective_read_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const spr__call *call = (const spr__call *)context;
    const int64_t width = call->plan->width, words = call->plan->words;
    for (int64_t block = first; block < last; block++)
        spr__write_ids(call, chunk, block, call->workspace->rows + block * SPR_BLOCK * width,
                       call->workspace->taken + block * SPR_BLOCK * words, words);
}

void spr__read_ids(spr__call *call)
{
    spr__for_blocks(call->workspace, call->blocks, objective_read_blocks, call);
}

static double objective_balance(const spr__call *call)
{
    const spr__market *market = &call->workspace->market;
    const double a = call->plan->options.balance_weight, b = call->plan->options.device_balance_weight;
    const int64_t experts = call->plan->options.experts;
    double sum = 0.0;
    if (a > 0.0)
        for (int64_t e = 0; e < experts; e++)
            if (market->target[e] > 0.0) {
                double excess = call->workspace->counts[e] - market->target[e];
                sum += 0.5 * a * excess * excess / market->target[e];
            }
    if (b > 0.0)
        for (int64_t d = 0; d < call->plan->options.devices; d++) {
            double work = 0.0;
            for (int64_t e = 0; e < experts; e++)
                if (market->device[e] == d)
                    work += market->cost[e] * call->workspace->counts[e];
            if (market->device_target[d] > 0.0)
                sum += 0.5 * b * (work - market->device_target[d]) * (work - market->device_target[d]) /
                       market->device_target[d];
        }
    return sum;
}

/* counts must be those of call->ids */
void spr__energy(spr__call *call)
{
    const int64_t k = call->plan->options.k, width = call->plan->width;
    double affinity = 0.0;
    for (int64_t t = 0; t < call->tokens; t++) {
        double sum = 0.0;
        for (int64_t j = 0; j < k; j++)
            if (call->ids[t * k + j] >= 0)
                sum += call->workspace->rows[t * width + call->ids[t * k + j]];
        affinity += sum;
    }
    call->statistics.affinity = affinity;
    call->statistics.energy = objective_balance(call) - affinity;
}

/* min over whole loads 0..most of (a/2)(L - mu)^2/mu - p L */
static double objective_expert_minimum(double a, double mu, double p, double most)
{
    if (a <= 0.0 || mu <= 0.0)
        return p > 0.0 ? -p * most : 0.0;
    double load = floor(mu * (1.0 + p / a)), best = INFINITY;
    for (int i = 0; i < 2; i++) {
        double whole = load + i;
        whole = whole < 0.0 ? 0.0 : whole > most ? most : whole;
        double value = 0.5 * a * (whole - mu) * (whole - mu) / mu - p * whole;
        best = value < best ? value : best;
    }
    return best;
}

/* The load that the minimum above is taken at, for any real load. */
static double objective_expert_load(double a, double mu, double p, double most)
{
    if (a <= 0.0 || mu <= 0.0)
        return p > 0.0 ? most : 0.0;
    double load = mu * (1.0 + p / a);
    return load < 0.0 ? 0.0 : load < most ? load : most;
}

static double objective_most(const spr__call *call, int64_t e)
{
    const double supply = call->workspace->market.supply[e], tokens = (double)call->statistics.tokens;
    return supply < tokens ? supply : tokens;
}

/* Selection does not see a shift of all prices, the bound does: the best shift is where the loads at the prices sum up to
 * the routes. */
static double objective_best_shift(const spr__call *call)
{
    const spr__market *market = &call->workspace->market;
    const spr__options *o = &call->plan->options;
    double low = INFINITY, high = -INFINITY;
    for (int64_t e = 0; e < o->experts; e++) {
        low = market->price[e] < low ? market->price[e] : low;
        high = market->price[e] > high ? market->price[e] : high;
        if (market->supply[e] == INFINITY && !(o->balance_weight > 0.0))
            return 0.0;
    }
    low -= high - low + o->balance_weight;
    for (int i = 0; i < 48; i++) {
        const double shift = 0.5 * (low + high);
        double loads = 0.0;
        for (int64_t e = 0; e < o->experts; e++)
            loads += objective_expert_load(o->balance_weight, market->target[e], market->price[e] - shift,
                                           objective_most(call, e));
        if (loads > call->taken_routes)
            low = shift;
        else
            high = shift;
    }
    return high;
}

/* Lagrangian bound: loads are set free and charged at the prices. Needs the selection at market.asked and its counts. Any
 * prices give a bound; the best one so far is kept. */
void spr__bound(spr__call *call)
{
    const spr__market *market = &call->workspace->market;
    const spr__options *o = &call->plan->options;
    const double shift = objective_best_shift(call);
    double bound = -call->taken_affinity;
    for (int64_t e = 0; e < o->experts; e++) {
        bound += ((double)market->asked[e] - shift) * call->workspace->counts[e];
        bound += objective_expert_minimum(o->balance_weight, market->target[e], market->price[e] - shift,
                                          objective_most(call, e));
    }
    if (o->device_balance_weight > 0.0)
        for (int64_t d = 0; d < o->devices; d++) {
            double q = market->device_price[d], nu = market->device_target[d];
            bound -= q * nu + 0.5 * q * q * nu / o->device_balance_weight;
        }
    /* selection compared rounded differences: each route may be off by two roundings of its threshold */
    bound -= call->taken_slack * (double)o->k * 1.2e-7 + fabs(bound) * 1e-12;
    if (bound > call->statistics.lower_bound)
        call->statistics.lower_bound = bound;
}
