/* SPDX-License-Identifier: MIT
 * Prices at which demand meets supply.
 *
 * The dual of H is minimised by turns (block coordinate descent): given the prices, every token's margin is the exact
 * optimum of its own variable; given the margins, every expert's price is the quantile of the column "affinity minus
 * margin" at which demand equals supply. The quantile is found from the demand at seven trial prices, counted in the same
 * pass that finds the margins; steps are over-relaxed. The first sweeps use every n-th block of tokens only. */
#include "call.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static const double sweep_relaxation = 1.25;
static const double sweep_offsets[SPR_LEVELS] = {-9.0, -3.0, -1.0, 0.0, 1.0, 3.0, 9.0};

enum {
    SWEEP_SAMPLE_BLOCKS = 32,    /* blocks in the sample at least */
    SWEEP_SAMPLE_SWEEPS = 10,
    SWEEP_CENTRE = SPR_LEVELS / 2
};

typedef struct sweep_context {
    const spr__call *call;
    int64_t stride;              /* every stride-th block takes part */
} sweep_context;

static void sweep_blocks(void *context, spr__chunk *chunk, int64_t first, int64_t last)
{
    const sweep_context *sweep = (const sweep_context *)context;
    const spr__call *call = sweep->call;
    const spr__kernel *kernel = call->kernel;
    const spr__market *market = &call->workspace->market;
    const int64_t width = call->plan->width, experts = call->plan->options.experts;
    memset(chunk->counts, 0, (size_t)(SPR_LEVELS * width) * sizeof chunk->counts[0]);
    for (int64_t i = first; i < last; i++) {
        const float *tile = call->workspace->tiles + i * sweep->stride * width * SPR_BLOCK;
        kernel->threshold(tile, width, (int32_t)call->plan->options.k, market->asked, chunk->threshold);
        kernel->margin(tile, width, market->asked, chunk->threshold, chunk->margin);
        kernel->count(tile, experts, width, chunk->margin, market->levels, chunk->counts);
    }
}

/* Counts demand at the trial prices; returns the tokens that were asked. */
static int64_t sweep_count(spr__call *call, int64_t stride)
{
    spr_workspace *workspace = call->workspace;
    spr__market *market = &workspace->market;
    const int64_t width = call->plan->width, experts = call->plan->options.experts;
    const int64_t blocks = (call->blocks + stride - 1) / stride;
    for (int j = 0; j < SPR_LEVELS; j++)
        for (int64_t e = 0; e < experts; e++)
            market->levels[j * width + e] = (float)(market->total[e] + sweep_offsets[j] * market->step[e]);
    sweep_context context = {call, stride};
    spr__for_blocks(workspace, blocks, sweep_blocks, &context);
    memset(market->demand, 0, (size_t)(SPR_LEVELS * width) * sizeof market->demand[0]);
    for (int64_t c = 0; c < spr__chunks_used(workspace, blocks); c++)
        for (int64_t i = 0; i < SPR_LEVELS * width; i++)
            market->demand[i] += workspace->chunks[c].counts[i];
    int64_t asked = 0;
    for (int64_t block = 0; block < call->blocks; block += stride)
        for (int64_t r = 0; r < SPR_BLOCK; r++)
            asked += workspace->takes_part[block * SPR_BLOCK + r] == 1;
    return asked;
}

/* Everything the solution of one round needs to know of the market. */
typedef struct sweep_model {
    const spr__market *market;
    int64_t width, experts, devices;
    double a, b;
    double scale;                /* batch routes per sampled route */
    double stretch;              /* > 1: the capacities cannot hold all routes and are stretched alike */
    double work;                 /* of all routes, an upper bound */
    int tight;                   /* capacities hold exactly all routes: only price differences matter */
} sweep_model;

/* What the expert would take at its own price p. */
static double sweep_supply(const sweep_model *model, int64_t e, double p)
{
    double supply = model->market->supply[e] * model->stretch;
    if (model->a > 0.0) {
        double wanted = model->market->target[e] * (1.0 + p / model->a);
        wanted = wanted > 0.0 ? wanted : 0.0;
        supply = wanted < supply ? wanted : supply;
    }
    return supply;
}

/* Demand for the expert at that total price: linear between the trial prices, continued beyond them. */
static double sweep_demand(const sweep_model *model, int64_t e, double total)
{
    const int32_t *demand = model->market->demand + e;
    const double x = (total - model->market->total[e]) / model->market->step[e];
    int j = 0;
    while (j < SPR_LEVELS - 2 && x > sweep_offsets[j + 1])
        j++;
    double low = demand[j * model->width] * model->scale, high = demand[(j + 1) * model->width] * model->scale;
    double y = low + (high - low) * (x - sweep_offsets[j]) / (sweep_offsets[j + 1] - sweep_offsets[j]);
    return y > 0.0 ? y : 0.0;
}

/* Total price at which the expert's demand meets its supply, given what its device adds. */
static double sweep_total(const sweep_model *model, int64_t e, double base)
{
    const spr__market *market = model->market;
    const double step = market->step[e], centre = market->total[e], span = 18.0 * step;
    if (market->supply[e] == INFINITY && model->a == 0.0)
        return base;
    double residual[SPR_LEVELS], at;
    for (int j = 0; j < SPR_LEVELS; j++)
        residual[j] = market->demand[j * model->width + e] * model->scale -
                      sweep_supply(model, e, centre + sweep_offsets[j] * step - base);
    if (residual[0] < 0.0) {
        double slope = (residual[0] - residual[1]) / (6.0 * step), reach = span;
        at = centre - 9.0 * step - (slope * reach > -residual[0] ? -residual[0] / slope : reach);
    } else if (residual[SPR_LEVELS - 1] > 0.0) {
        double slope = (residual[SPR_LEVELS - 2] - residual[SPR_LEVELS - 1]) / (6.0 * step), reach = span;
        at = centre + 9.0 * step +
             (slope * reach > residual[SPR_LEVELS - 1] ? residual[SPR_LEVELS - 1] / slope : reach);
    } else {
        int j = 0;
        while (j < SPR_LEVELS - 2 && residual[j + 1] >= 0.0)
            j++;
        double fall = residual[j] - residual[j + 1], part = fall > 0.0 ? residual[j] / fall : 0.5;
        at = centre + step * (sweep_offsets[j] + part * (sweep_offsets[j + 1] - sweep_offsets[j]));
    }
    return model->a == 0.0 && !model->tight && at < base ? base : at;
}

/* Work on the device beyond what its price stands for. */
static double sweep_device_excess(const sweep_model *model, int64_t device, double price)
{
    const spr__market *market = model->market;
    double work = 0.0;
    for (int64_t e = 0; e < model->experts; e++)
        if (market->device[e] == device)
            work += market->cost[e] * sweep_demand(model, e, sweep_total(model, e, market->cost[e] * price));
    return work - market->device_target[device] * (1.0 + price / model->b);
}

/* The excess falls with the price: bisection with secant steps (Illinois). */
static double sweep_device_price(const sweep_model *model, int64_t device)
{
    double target = model->market->device_target[device];
    if (target <= 0.0)
        return 0.0;
    double low = -model->b, high = model->b * (model->work / target - 1.0);
    double low_excess = sweep_device_excess(model, device, low), high_excess = sweep_device_excess(model, device, high);
    if (low_excess <= 0.0)
        return low;
    if (high_excess >= 0.0)
        return high;
    double price = low;
    for (int i = 0, side = 0; i < 16; i++) {
        price = (low_excess * high - high_excess * low) / (low_excess - high_excess);
        double excess = sweep_device_excess(model, device, price);
        if (fabs(excess) <= 1e-4 * target)
            break;
        if (excess > 0.0) {
            low = price;
            low_excess = excess;
            high_excess *= side > 0 ? 0.5 : 1.0;
            side = 1;
        } else {
            high = price;
            high_excess = excess;
            low_excess *= side < 0 ? 0.5 : 1.0;
            side = -1;
        }
    }
    return price;
}

/* Routes that are not where supply would have them, as a fraction of all. */
static double sweep_imbalance(const sweep_model *model, double routes)
{
    const spr__market *market = model->market;
    double sum = 0.0;
    for (int64_t e = 0; e < model->experts; e++) {
        double excess = market->demand[SWEEP_CENTRE * model->width + e] * model->scale -
                        sweep_supply(model, e, market->price[e]);
        sum += excess > 0.0 ? excess : 0.0;
    }
    if (model->b > 0.0)
        for (int64_t d = 0; d < model->devices; d++) {
            double work = -market->device_target[d] * (1.0 + market->device_price[d] / model->b);
            for (int64_t e = 0; e < model->experts; e++)
                if (market->device[e] == d)
                    work += market->cost[e] * market->demand[SWEEP_CENTRE * model->width + e] * model->scale;
            sum += work > 0.0 ? work * routes / model->work : 0.0;
        }
    return sum / routes;
}

static void sweep_update(const sweep_model *model, spr__market *market, double least_step, double most_step)
{
    double lowest = INFINITY;
    if (model->b > 0.0)
        for (int64_t d = 0; d < model->devices; d++)
            market->device_price[d] += sweep_relaxation * (sweep_device_price(model, d) - market->device_price[d]);
    for (int64_t e = 0; e < model->experts; e++) {
        double base = model->b > 0.0 ? market->cost[e] * market->device_price[market->device[e]] : 0.0;
        double moved = sweep_relaxation * (sweep_total(model, e, base) - market->total[e]);
        if (model->a == 0.0 && !model->tight && market->total[e] + moved < base)
            moved = base - market->total[e];
        if (market->supply[e] == INFINITY && model->a == 0.0)
            moved = base - market->total[e];
        market->total[e] += moved;
        double step = fabs(moved) * 0.5, old = market->step[e];
        step = step < 0.15 * old ? 0.15 * old : step > 8.0 * old ? 8.0 * old : step;
        market->step[e] = step < least_step ? least_step : step > most_step ? most_step : step;
        lowest = market->total[e] < lowest ? market->total[e] : lowest;
    }
    /* only differences count: the cheapest expert is free */
    if (model->tight)
        for (int64_t e = 0; e < model->experts; e++)
            market->total[e] -= lowest;
}

/* How far apart a token's best and its k-th best are, on the average of the first block that has tokens. */
static double sweep_spread(const spr__call *call, spr__chunk *chunk)
{
    const spr_plan *plan = call->plan;
    for (int64_t block = 0; block < call->blocks; block++) {
        const float *tile = call->workspace->tiles + block * plan->width * SPR_BLOCK;
        double sum = 0.0;
        int64_t tokens = 0;
        call->kernel->threshold(tile, plan->width, 1, NULL, chunk->margin);
        call->kernel->threshold(tile, plan->width, plan->options.k < plan->options.experts ? (int32_t)plan->options.k + 1 :
                                (int32_t)plan->options.k, NULL, chunk->threshold);
        for (int64_t r = 0; r < SPR_BLOCK; r++)
            if (chunk->threshold[r] > -INFINITY) {
                sum += (double)chunk->margin[r] - (double)chunk->threshold[r];
                tokens++;
            }
        if (sum > 0.0)
            return sum / (double)tokens;
    }
    return 1.0;
}

static sweep_model sweep_model_of(const spr__call *call)
{
    const spr_plan *plan = call->plan;
    const spr__market *market = &call->workspace->market;
    const double routes = (double)(call->statistics.tokens * plan->options.k);
    sweep_model model = {market, plan->width, plan->options.experts, plan->options.devices, plan->options.balance_weight,
                         plan->options.device_balance_weight, 1.0, 1.0, 0.0, 0};
    double supply = 0.0, costliest = 0.0;
    for (int64_t e = 0; e < model.experts; e++) {
        supply += plan->allowed != NULL && !plan->allowed[e] ? 0.0 : market->supply[e];
        costliest = market->cost[e] > costliest ? market->cost[e] : costliest;
    }
    model.work = costliest * routes;
    model.stretch = supply < routes && supply > 0.0 ? routes / supply : 1.0;
    model.tight = supply <= routes && model.a == 0.0 && model.b == 0.0;
    return model;
}

void spr__find_prices(spr__call *call)
{
    const spr_plan *plan = call->plan;
    spr_workspace *workspace = call->workspace;
    spr__market *market = &workspace->market;
    const double routes = (double)(call->statistics.tokens * plan->options.k);
    if (routes == 0.0)
        return;
    sweep_model model = sweep_model_of(call);
    const double spread = sweep_spread(call, &workspace->chunks[0]);
    const double first_step = spread / (workspace->has_prices ? 128.0 : 8.0);
    for (int64_t e = 0; e < model.experts; e++)
        market->step[e] = first_step;

    const int64_t stride = call->blocks / SWEEP_SAMPLE_BLOCKS;
    if (stride > 1 && !workspace->has_prices && plan->options.price_sweeps > 0) {
        for (int i = 0; i < SWEEP_SAMPLE_SWEEPS; i++) {
            int64_t asked = sweep_count(call, stride);
            if (asked == 0)
                break;
            model.scale = (double)call->statistics.tokens / (double)asked;
            if (sweep_imbalance(&model, routes) <= plan->options.price_tolerance)
                break;
            sweep_update(&model, market, spread * 1e-5, spread);
            spr__market_ask(market, model.experts, model.width);
        }
        model.scale = 1.0;
        /* the sample's prices are off by its noise, not by its last step */
        for (int64_t e = 0; e < model.experts; e++)
            market->step[e] = market->step[e] * 8.0 < first_step ? market->step[e] * 8.0 : first_step;
    }
    for (int64_t i = 0; i < plan->options.price_sweeps; i++) {
        sweep_count(call, 1);
        call->statistics.price_sweeps++;
        double imbalance = sweep_imbalance(&model, routes);
        if (imbalance <= 0.0)
            break;
        sweep_update(&model, market, spread * 1e-5, spread);
        spr__market_ask(market, model.experts, model.width);
        if (imbalance <= plan->options.price_tolerance)
            break;
    }
}
