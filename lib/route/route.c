/* SPDX-License-Identifier: MIT
 * The routing calls: which stages run, in which order. */
#include "quadratic.h"
#include "../base/array.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

static spr_status route_check_table(const spr_table *table, spr_error *error)
{
    if (table == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "table is NULL");
    if (table->size < offsetof(spr_table, statistics) + sizeof table->statistics || table->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "table->size is %zu; accepted is sizeof(spr_table) = %zu",
                         table->size, sizeof *table);
    for (size_t i = sizeof *table; i < table->size; i++)
        if (((const unsigned char *)table)[i] != 0)
            return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "table has a nonzero byte at %zu, beyond the %zu bytes that "
                             "this version knows", i, sizeof *table);
    if (table->ids == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "table->ids is NULL; it is the one array that cannot be left out");
    if ((uintptr_t)table->statistics % sizeof(double) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "table->statistics is at %p; it must be aligned to %zu bytes",
                         (const void *)table->statistics, sizeof(double));
    if (table->statistics != NULL &&
        (table->statistics->size < offsetof(spr_statistics, gap) + sizeof(double) || table->statistics->size > 4096 ||
         table->statistics->size % 8 != 0))
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "table->statistics->size is %zu; accepted is "
                         "sizeof(spr_statistics) = %zu", table->statistics->size, sizeof *table->statistics);
    return SPR_OK;
}

/* The arrays that every routing call reads. */
static int route_inputs(const spr__call *call, const spr_batch *batch, spr__array *arrays)
{
    const int64_t experts = call->plan->options.experts;
    const size_t element = batch->dtype == SPR_FLOAT32 ? 4 : 2;
    size_t bytes = batch->tokens == 0 ? 0 : (size_t)(call->row_bytes * (batch->tokens - 1)) + (size_t)experts * element;
    arrays[0] = (spr__array){"batch->logits", batch->logits, bytes, element, 0};
    arrays[1] = (spr__array){"batch->token_mask", batch->token_mask, (size_t)batch->tokens, 1, 0};
    arrays[2] = (spr__array){"batch->bias", batch->bias, (size_t)experts * 4, 4, 0};
    const size_t routes = (size_t)(batch->tokens * call->plan->options.k) * 4;
    arrays[3] = (spr__array){"batch->resident", call->resident, (size_t)experts, 1, 0};
    arrays[4] = (spr__array){"batch->activation", call->activation, (size_t)experts * 4, 4, 0};
    arrays[5] = (spr__array){"batch->previous", call->previous, routes, 4, 0};
    return 6;
}

static spr_status route_check_arrays(const spr__call *call, const spr_batch *batch, const spr_table *table,
                                     spr_error *error)
{
    const size_t experts = (size_t)call->plan->options.experts;
    const size_t routes = (size_t)(batch->tokens * call->plan->options.k) * 4;
    spr__array arrays[14];
    int count = route_inputs(call, batch, arrays);
    arrays[count++] = (spr__array){"table->ids", table->ids, routes, 4, 1};
    arrays[count++] = (spr__array){"table->weights", table->weights, routes, 4, 1};
    arrays[count++] = (spr__array){"table->counts", table->counts, experts * 4, 4, 1};
    arrays[count++] = (spr__array){"table->offsets", table->offsets, (experts + 1) * 4, 4, 1};
    arrays[count++] = (spr__array){"table->sorted", table->sorted, routes, 4, 1};
    arrays[count++] = (spr__array){"table->positions", table->positions, routes, 4, 1};
    arrays[count++] = (spr__array){"table->prices", table->prices, experts * 4, 4, 1};
    arrays[count++] = (spr__array){"table->statistics", table->statistics, table->statistics != NULL ? table->statistics->size : 0,
                                  8, 1};
    return spr__check_arrays(arrays, count, error);
}

/* The repair has moved the prices: they are better ones for the next batch, and for the bound. */
static void route_take_potentials(spr__call *call)
{
    const spr_plan *plan = call->plan;
    const double a = plan->options.balance_weight, b = plan->options.device_balance_weight;
    const int32_t *loads = call->workspace->counts;
    spr__market *market = &call->workspace->market;
    for (int64_t e = 0; e < plan->options.experts; e++)
        market->total[e] = call->workspace->graph.potential[e];
    if (b > 0.0) {
        /* what one more unit of work costs at the loads that were found */
        for (int64_t d = 0; d < plan->options.devices; d++)
            market->device_price[d] = market->device_target[d] > 0.0
                                          ? b * (market->device_work[d] / market->device_target[d] - 1.0)
                                          : 0.0;
        for (int64_t e = 0; e < plan->options.experts && !plan->has_capacity; e++)
            market->total[e] = market->cost[e] * market->device_price[market->device[e]] +
                               (market->target[e] > 0.0 ? a * (loads[e] / market->target[e] - 1.0) : 0.0);
    }
    spr__market_ask(market, call->plan->options.experts, call->plan->width);
    if (call->want_statistics) {
        /* the loads of the repaired table come back: whatever follows must not depend on who asks for statistics */
        memcpy(call->workspace->offsets, call->workspace->counts, (size_t)call->plan->width * sizeof(int32_t));
        spr__assign(call, market->asked);
        spr__bound(call);
        memcpy(call->workspace->counts, call->workspace->offsets, (size_t)call->plan->width * sizeof(int32_t));
    }
}

/* Only differences of prices decide: where there is room, a place costs nothing. */
static void route_settle_prices(spr__call *call, const int32_t *counts)
{
    const spr__options *o = &call->plan->options;
    spr__market *market = &call->workspace->market;
    double least = INFINITY;
    if (o->balance_weight > 0.0 || o->device_balance_weight > 0.0)
        return;
    for (int64_t e = 0; e < o->experts; e++)
        if (counts[e] < market->supply[e] && market->total[e] < least)
            least = market->total[e];
    if (!(least < INFINITY))
        return;
    for (int64_t e = 0; e < o->experts; e++)
        market->total[e] = market->total[e] > least ? market->total[e] - least : 0.0;
    spr__market_ask(market, o->experts, call->plan->width);
}

/* Prices, then every token's best at those prices, then moves. Returns routes left over capacity. */
static int64_t route_solve(spr__call *call)
{
    spr__market *market = &call->workspace->market;
    int64_t over = 0;
    spr__find_prices(call);
    spr__assign(call, market->asked);
    for (int64_t e = 0; e < call->plan->options.experts; e++) {
        double excess = call->workspace->counts[e] - market->supply[e];
        over += excess > 0.0 ? (int64_t)excess : 0;
    }
    call->statistics.price_overflow = over;
    if (call->want_statistics)
        spr__bound(call);
    over = spr__repair(call);
    spr__read_ids(call);
    if (call->statistics.repair_paths > 0 || call->plan->options.device_balance_weight > 0.0)
        route_take_potentials(call);
    route_settle_prices(call, call->workspace->counts);
    return over;
}

/* Decides by earlier prices in token order, then finds the prices for the next batch. */
static int64_t route_solve_causal(spr__call *call)
{
    spr_workspace *workspace = call->workspace;
    const int64_t k = call->plan->options.k;
    int64_t wanted = 0, routes = 0;
    spr__assign_in_order(call, workspace->prices);
    spr__read_ids(call);
    for (int64_t i = 0; i < call->tokens * k; i++)
        routes += call->ids[i] >= 0;
    spr__find_prices(call);
    spr__assign(call, workspace->market.asked);
    wanted = (int64_t)call->taken_routes;
    if (call->want_statistics)
        spr__bound(call);
    route_settle_prices(call, workspace->counts);
    return wanted - routes;
}

static spr_status route_infeasible(const spr__call *call, int64_t over, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_INFEASIBLE, "capacity cannot be kept: %lld of %lld routes of %lld tokens find no "
                     "place; accepted is a larger capacity, fewer tokens or option \"infeasible\" = drop",
                     (long long)over, (long long)call->taken_routes, (long long)call->statistics.tokens);
}

/* Drops what is over capacity and weighs what is left. */
static spr_status route_drop_and_weigh(spr__call *call, int64_t *dropped, int may_drop, spr_error *error)
{
    const spr_plan *plan = call->plan;
    const int after = plan->options.normalize_order == spr__normalize_order_after_drop;
    float *weights = call->weights;
    spr_status status = SPR_OK;
    if (may_drop) {
        weights = weights != NULL ? weights : call->workspace->weights;
        status = spr__weigh(call, call->ids, weights, !after, error);
        if (status != SPR_OK)
            return status;
        *dropped = spr__drop(call, weights);
        for (int64_t i = 0; i < call->tokens * plan->options.k; i++)
            weights[i] = call->ids[i] < 0 ? 0.0f : weights[i];
    }
    if (call->weights != NULL && (!may_drop || after))
        status = spr__weigh(call, call->ids, call->weights, 1, error);
    return status;
}

static int64_t route_place(const int32_t *map, int64_t places, int64_t experts, int32_t e)
{
    return map != NULL ? map[e] : e * places / experts;
}

/* Devices, or nodes, touched, summed over tokens. */
static int64_t route_touches(const spr__call *call, const int32_t *map, int64_t places)
{
    const int64_t k = call->plan->options.k, experts = call->plan->options.experts;
    int64_t touches = 0;
    for (int64_t t = 0; places > 0 && t < call->tokens; t++)
        for (int64_t i = 0; i < k; i++) {
            const int32_t e = call->ids[t * k + i];
            int seen = e < 0;
            for (int64_t j = 0; j < i && !seen; j++) {
                const int32_t f = call->ids[t * k + j];
                seen = f >= 0 && route_place(map, places, experts, f) == route_place(map, places, experts, e);
            }
            touches += !seen;
        }
    return touches;
}

static int64_t route_max_active(const spr__call *call, const int32_t *counts)
{
    const spr_plan *plan = call->plan;
    const int64_t devices = plan->options.devices > 0 ? plan->options.devices : 1, experts = plan->options.experts;
    int64_t most = 0;
    for (int64_t d = 0; d < devices; d++) {
        int64_t active = 0;
        for (int32_t e = 0; e < experts; e++)
            active += counts[e] > 0 && (plan->options.devices == 0 || route_place(plan->device, devices, experts, e) == d);
        most = active > most ? active : most;
    }
    return most;
}

static void route_fill_statistics(spr__call *call, const int32_t *counts)
{
    spr_statistics *statistics = &call->statistics;
    const spr_plan *plan = call->plan;
    const int64_t experts = plan->options.experts;
    statistics->max_active = route_max_active(call, counts);
    for (int64_t e = 0; e < experts; e++) {
        statistics->routes += counts[e];
        statistics->active_experts += counts[e] > 0;
        statistics->max_load = counts[e] > statistics->max_load ? counts[e] : statistics->max_load;
    }
    statistics->device_touches = route_touches(call, plan->device, plan->options.devices);
    statistics->node_touches = route_touches(call, plan->node, plan->options.nodes);
    spr_plan_capacity(plan, statistics->tokens, &statistics->capacity, NULL);
    if (statistics->dropped > 0)
        statistics->lower_bound = -INFINITY;
    double scale = fabs(statistics->lower_bound);
    scale = fabs(statistics->affinity) > scale ? fabs(statistics->affinity) : scale;
    scale = scale > 1e-300 ? scale : 1e-300;
    statistics->gap = statistics->lower_bound > -INFINITY ? (statistics->energy - statistics->lower_bound) / scale
                                                          : INFINITY;
}

/* Copies as much as the caller's struct holds. */
static void route_give_statistics(const spr__call *call, spr_statistics *to)
{
    size_t size = to->size, known = size < sizeof *to ? size : sizeof *to;
    memcpy((char *)to + sizeof to->size, (const char *)&call->statistics + sizeof to->size, known - sizeof to->size);
}

static spr_status route_over_limits(const spr__call *call, spr_status status, spr_error *error)
{
    return spr__fail(error, status, "no table within \"active_limit\", \"device_limit\", \"node_limit\" and \"keep_top\" "
                     "was found: they are exceeded by %lld in all", (long long)call->statistics.limit_excess);
}

static spr_status route_notice(const spr__call *call, spr_error *error)
{
    const spr_statistics *s = &call->statistics;
    if (s->limit_excess > 0)
        return route_over_limits(call, SPR_NOTICE_LIMIT, error);
    if (s->dropped > 0 && call->plan->balanced)
        return spr__fail(error, SPR_NOTICE_INFEASIBLE, "capacity cannot be kept otherwise: %lld routes of %lld tokens were "
                         "dropped", (long long)s->dropped, (long long)s->tokens);
    if (s->not_finite > 0)
        return spr__fail(error, SPR_NOTICE_NOT_FINITE, "batch->logits has %lld rows with NaN or +inf; they got no expert",
                         (long long)s->not_finite);
    if (s->dropped > 0)
        return spr__fail(error, SPR_NOTICE_DROPPED, "%lld routes over the capacity of %lld were dropped",
                         (long long)s->dropped, (long long)s->capacity);
    if (call->tokens == 0)
        return spr__fail(error, SPR_NOTICE_EMPTY, "batch->tokens is 0; the table is empty");
    return spr__ok(error);
}

/* Affinity of a table that was made without it: only when statistics are asked for. */
static void route_plain_affinity(spr__call *call)
{
    const int64_t k = call->plan->options.k, width = call->plan->width;
    spr__chunk *chunk = &call->workspace->chunks[0];
    double affinity = 0.0;
    for (int64_t block = 0; block < call->blocks; block++) {
        spr__load_block(call, block, SPR_BLOCK, chunk->rows);
        call->kernel->to_tile(chunk->rows, width, chunk->tile);
        spr__make_keys(call, chunk, chunk->tile, 1);
        for (int64_t r = 0; r < SPR_BLOCK && block * SPR_BLOCK + r < call->tokens; r++) {
            double sum = 0.0;
            for (int64_t j = 0; j < k; j++) {
                int32_t e = call->ids[(block * SPR_BLOCK + r) * k + j];
                if (e >= 0)
                    sum += chunk->tile[e * SPR_BLOCK + r];
            }
            affinity += sum;
        }
    }
    call->statistics.affinity = affinity;
    call->statistics.energy = call->statistics.lower_bound = -affinity;
}

static void route_plain_greedy(spr__call *call, const int32_t *counts)
{
    spr_statistics *s = &call->statistics;
    for (int64_t e = 0; e < call->plan->options.experts; e++) {
        int64_t capacity = spr__expert_capacity(call->plan, s->tokens, e);
        s->greedy_overflow += counts[e] > capacity ? counts[e] - capacity : 0;
        s->greedy_max_load = counts[e] > s->greedy_max_load ? counts[e] : s->greedy_max_load;
    }
    route_plain_affinity(call);
    s->greedy_affinity = s->affinity;
}

/* Plain top-k with its weights; what is over capacity is still in it. */
static spr_status route_top_k(spr__call *call, int weights, spr_error *error)
{
    const spr_plan *plan = call->plan;
    spr_workspace *workspace = call->workspace;
    spr__select_plain(call, weights);
    spr_status status = spr__call_check_finite(call, error);
    if (status != SPR_OK)
        return status;
    if (call->want_statistics) {
        spr__tabulate(call->ids, call->tokens * plan->options.k, plan->options.experts, workspace->counts,
                      workspace->offsets, NULL, NULL);
        route_plain_greedy(call, workspace->counts);
    }
    return SPR_OK;
}

static spr_status route_plain(spr__call *call, spr_error *error)
{
    const int may_drop = call->plan->has_capacity;
    spr_status status = route_top_k(call, call->weights != NULL && !may_drop, error);
    if (status != SPR_OK || !may_drop)
        return status;
    status = route_drop_and_weigh(call, &call->statistics.dropped, 1, error);
    if (status == SPR_OK && call->want_statistics && call->statistics.dropped > 0)
        route_plain_affinity(call);
    return status;
}

static spr_status route_balanced(spr__call *call, spr_error *error)
{
    spr_workspace *workspace = call->workspace;
    const spr_plan *plan = call->plan;
    const int causal = plan->options.mode == spr__mode_causal;
    call->statistics.lower_bound = -INFINITY;
    spr__compute_affinity(call);
    spr_status status = spr__call_check_finite(call, error);
    if (status != SPR_OK)
        return status;
    const int32_t had_prices = workspace->has_prices;
    workspace->has_prices = plan->priced && had_prices && (causal || plan->options.start == spr__start_warm);
    spr__market_open(call);
    if (call->want_statistics)
        spr__greedy_statistics(call);
    const int shifted = plan->quadratic && spr__quadratic_prepare(call);
    if (shifted && call->want_statistics) {
        /* the bound is that of the affinities with hysteresis in them */
        spr__assign(call, NULL);
        call->statistics.lower_bound = -call->taken_affinity;
    }
    int64_t over = causal ? route_solve_causal(call) : plan->priced ? route_solve(call) : 0;
    workspace->has_prices = had_prices;
    /* where capacity cannot be kept, the drop policy decides, and the quadratic terms have no say */
    if (plan->quadratic && over == 0)
        spr__quadratic_solve(call, plan->priced);
    if (shifted && over > 0) {
        spr__compute_affinity(call);
        spr__read_ids(call);
    }
    if (call->statistics.limit_excess > 0 && plan->options.infeasible == spr__infeasible_error)
        return route_over_limits(call, SPR_ERROR_INFEASIBLE, error);
    if (over > 0 && plan->options.infeasible == spr__infeasible_error)
        return route_infeasible(call, over, error);
    if (causal)
        call->statistics.dropped = over;
    int64_t dropped = 0;
    status = route_drop_and_weigh(call, &dropped, over > 0 && !causal, error);
    call->statistics.dropped += dropped;
    return status;
}

/* Can a capacity be reached at all? If not, and nothing else couples the tokens, top-k is the optimum. */
static int route_is_coupled(const spr__call *call)
{
    const spr_plan *plan = call->plan;
    if (plan->quadratic || plan->options.balance_weight > 0.0 || plan->options.device_balance_weight > 0.0 ||
        plan->options.affinity != spr__affinity_score || plan->options.mode == spr__mode_causal)
        return 1;
    int64_t tokens = 0;
    for (int64_t t = 0; t < call->tokens; t++)
        tokens += call->token_mask == NULL || call->token_mask[t] != 0;
    const int64_t different = plan->capacity != NULL ? plan->options.experts : 1;
    for (int64_t e = 0; e < different; e++)
        if (spr__expert_capacity(plan, tokens, e) < tokens)
            return 1;
    return 0;
}

static spr_status route_uncoupled(spr__call *call, spr_error *error)
{
    spr_workspace *workspace = call->workspace;
    memset(workspace->market.asked, 0, (size_t)call->plan->width * sizeof(float));
    return route_top_k(call, call->weights != NULL, error);
}

spr_status spr_route(spr_workspace *workspace, const spr_batch *batch, const spr_table *table, spr_error *error)
{
    spr__call call;
    spr_status status = spr__call_begin(&call, workspace, batch, error);
    if (status == SPR_OK)
        status = route_check_table(table, error);
    if (status == SPR_OK)
        status = route_check_arrays(&call, batch, table, error);
    if (status != SPR_OK)
        return status;
    const spr_plan *plan = call.plan;
    const int64_t experts = plan->options.experts;
    call.ids = table->ids;
    call.weights = table->weights;
    call.want_statistics = table->statistics != NULL;
    const int solve = plan->balanced && route_is_coupled(&call);
    status = solve            ? route_balanced(&call, error)
             : plan->balanced ? route_uncoupled(&call, error)
                              : route_plain(&call, error);
    if (status != SPR_OK)
        return status;

    int32_t *counts = table->counts != NULL ? table->counts : workspace->counts;
    int32_t *offsets = table->offsets != NULL ? table->offsets : workspace->offsets;
    if (call.want_statistics || table->counts != NULL || table->offsets != NULL || table->sorted != NULL ||
        table->positions != NULL)
        spr__tabulate(table->ids, call.tokens * plan->options.k, experts, counts, offsets, table->sorted,
                      table->positions);
    if (plan->balanced) {
        memcpy(workspace->prices, workspace->market.asked, (size_t)plan->width * sizeof(float));
        workspace->has_prices = 1;
    }
    if (table->prices != NULL)
        for (int64_t e = 0; e < experts; e++)
            table->prices[e] = plan->balanced ? workspace->prices[e] : 0.0f;
    if (call.want_statistics) {
        if (solve) {
            memcpy(workspace->counts, counts, counts == workspace->counts ? 0 : (size_t)experts * sizeof counts[0]);
            if (!plan->quadratic)
                spr__energy(&call);
            else if (call.statistics.dropped > 0)
                spr__quadratic_judge(&call);
        }
        route_fill_statistics(&call, counts);
        route_give_statistics(&call, table->statistics);
    }
    return route_notice(&call, error);
}

spr_status spr_select(spr_workspace *workspace, const spr_batch *batch, int32_t *ids, spr_error *error)
{
    spr__call call;
    spr_status status = spr__call_begin(&call, workspace, batch, error);
    if (status != SPR_OK)
        return status;
    if (ids == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "ids is NULL");
    spr__array arrays[7];
    int count = route_inputs(&call, batch, arrays);
    arrays[count++] = (spr__array){"ids", ids, (size_t)(call.tokens * call.plan->options.k) * 4, 4, 1};
    status = spr__check_arrays(arrays, count, error);
    if (status != SPR_OK)
        return status;
    call.ids = ids;
    spr__select_plain(&call, 0);
    status = spr__call_check_finite(&call, error);
    return status != SPR_OK ? status : route_notice(&call, error);
}

spr_status spr_weights(spr_workspace *workspace, const spr_batch *batch, const int32_t *ids, float *weights,
                       spr_error *error)
{
    spr__call call;
    spr_status status = spr__call_begin(&call, workspace, batch, error);
    if (status != SPR_OK)
        return status;
    if (ids == NULL || weights == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", ids == NULL ? "ids" : "weights");
    spr__array arrays[8];
    const size_t bytes = (size_t)(call.tokens * call.plan->options.k) * 4;
    int count = route_inputs(&call, batch, arrays);
    arrays[count++] = (spr__array){"ids", ids, bytes, 4, 0};
    arrays[count++] = (spr__array){"weights", weights, bytes, 4, 1};
    status = spr__check_arrays(arrays, count, error);
    if (status == SPR_OK)
        status = spr__weigh(&call, ids, weights, 1, error);
    if (status == SPR_OK)
        status = spr__call_check_finite(&call, error);
    return status != SPR_OK ? status : route_notice(&call, error);
}

spr_status spr_scores(spr_workspace *workspace, const spr_batch *batch, float *scores, spr_error *error)
{
    spr__call call;
    spr_status status = spr__call_begin(&call, workspace, batch, error);
    if (status != SPR_OK)
        return status;
    if (scores == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "scores is NULL");
    spr__array arrays[7];
    int count = route_inputs(&call, batch, arrays);
    arrays[count++] = (spr__array){"scores", scores, (size_t)(call.tokens * call.plan->options.experts) * 4, 4, 1};
    status = spr__check_arrays(arrays, count, error);
    if (status != SPR_OK)
        return status;
    call.scores = scores;
    spr__compute_scores(&call);
    status = spr__call_check_finite(&call, error);
    return status != SPR_OK ? status : route_notice(&call, error);
}
