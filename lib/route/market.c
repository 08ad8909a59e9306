/* SPDX-License-Identifier: MIT
 * What experts and devices offer to this batch. */
#include "call.h"

#include <math.h>

#include "../base/exact.h"

static void market_set_targets(spr__call *call)
{
    const spr_plan *plan = call->plan;
    spr__market *market = &call->workspace->market;
    const int64_t experts = plan->options.experts, devices = plan->options.devices;
    const double routes = (double)(call->statistics.tokens * plan->options.k);
    double shares = 0.0;
    for (int64_t e = 0; e < experts; e++)
        shares += plan->allowed != NULL && !plan->allowed[e] ? 0.0 : plan->share != NULL ? plan->share[e] : 1.0;
    for (int64_t d = 0; d < devices; d++)
        market->device_target[d] = 0.0;
    for (int64_t e = 0; e < experts; e++) {
        double share = plan->allowed != NULL && !plan->allowed[e] ? 0.0 : plan->share != NULL ? plan->share[e] : 1.0;
        market->target[e] = routes * share / shares;
        market->cost[e] = plan->cost != NULL ? plan->cost[e] : 1.0;
        market->device[e] = devices == 0 ? 0 : plan->device != NULL ? plan->device[e] : (int32_t)(e * devices / experts);
        if (devices > 0)
            market->device_target[market->device[e]] += market->cost[e] * market->target[e];
    }
}

void spr__market_open(spr__call *call)
{
    const spr_plan *plan = call->plan;
    spr__market *market = &call->workspace->market;
    const int64_t experts = plan->options.experts;
    market_set_targets(call);
    for (int64_t e = 0; e < plan->width; e++) {
        int64_t capacity = e < experts ? spr__expert_capacity(plan, call->statistics.tokens, e) : 0;
        market->supply[e] = capacity == INT64_MAX ? INFINITY : (double)capacity;
        market->price[e] = 0.0;
        market->total[e] = call->workspace->has_prices ? call->workspace->prices[e] : 0.0;
    }
    for (int64_t d = 0; d <= plan->options.devices; d++)
        market->device_price[d] = 0.0;
    spr__market_ask(market, experts, plan->width);
}

void spr__market_ask(spr__market *market, int64_t experts, int64_t width)
{
    for (int64_t e = 0; e < width; e++) {
        market->asked[e] = e < experts ? (float)market->total[e] : 0.0f;
        if (e < experts)
            market->price[e] = (double)market->asked[e] - market->cost[e] * market->device_price[market->device[e]];
    }
}
