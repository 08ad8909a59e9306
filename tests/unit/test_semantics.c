/* SPDX-License-Identifier: MIT
 * What the options mean: one small example for each value, worked out by hand. Logits are logarithms of small numbers,
 * so that a softmax is a fraction: ln 1, ln 2, ln 3, ln 4 give 1/10, 2/10, 3/10, 4/10. */
#include "suites.h"

#include "support.h"

#define LN2 0.69314718f
#define LN3 1.09861229f
#define LN4 1.38629436f

/* The token [ln 1, ln 4, ln 2, ln 3]. */
static const float quarter_row[4] = {0.0f, LN4, LN2, LN3};

static spr_error error;
static support_router router;

static void semantics_open(const char *options, int64_t tokens)
{
    support_router_open(&router, options, tokens);
}

static void semantics_close(void)
{
    support_router_close(&router);
}

static void semantics_route(const float *logits, spr_status want)
{
    spr_batch batch = support_batch(logits, router.tokens);
    spr_status got = support_route(&router, &batch, &error);
    ck_assert_msg(got == want, "returned %d (%s), expected %d", got, error.message, want);
}

static void semantics_ids(const int32_t *want)
{
    for (int64_t i = 0; i < router.tokens * router.k; i++)
        ck_assert_msg(router.out.table.ids[i] == want[i], "ids[%lld] is %d, expected %d", (long long)i,
                      router.out.table.ids[i], want[i]);
}

static void semantics_weights(const double *want)
{
    for (int64_t i = 0; i < router.tokens * router.k; i++)
        ck_assert_msg(fabs(router.out.table.weights[i] - want[i]) <= 1e-6 * (1.0 + fabs(want[i])),
                      "weights[%lld] is %.9g, expected %.9g", (long long)i, (double)router.out.table.weights[i],
                      want[i]);
}

#define IDS(...) semantics_ids((const int32_t[]){__VA_ARGS__})
#define WEIGHTS(...) semantics_weights((const double[]){__VA_ARGS__})

/* Routes one token of four experts (quarter_row) and expects experts 1 and 3 with these weights. */
static void semantics_quarters(const char *options, double first, double second)
{
    char text[256];
    snprintf(text, sizeof text, "experts=4 k=2 %s", options);
    semantics_open(text, 1);
    semantics_route(quarter_row, SPR_OK);
    IDS(1, 3);
    WEIGHTS(first, second);
    semantics_close();
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* ------------------------------------------------------------------------------------------------------------ score */

START_TEST(score_softmax_is_over_all_experts)
{
    semantics_quarters("score=softmax", 0.4, 0.3);
}
END_TEST

START_TEST(score_softmax_selected_is_over_the_chosen)
{
    semantics_quarters("score=softmax_selected", 4.0 / 7.0, 3.0 / 7.0);
}
END_TEST

START_TEST(score_sigmoid)
{
    semantics_quarters("score=sigmoid", 4.0 / 5.0, 3.0 / 4.0);          /* x / (1 + x) at x = 4, 3 */
}
END_TEST

START_TEST(score_sqrt_softplus)
{
    semantics_quarters("score=sqrt_softplus", sqrt(log(5.0)), sqrt(log(4.0)));
}
END_TEST

START_TEST(scores_survive_large_logits)
{
    static const float row[4] = {-3e38f, 300.0f, 0.0f, 200.0f};
    static const char *const scores[] = {"softmax", "softmax_selected", "sigmoid", "sqrt_softplus"};
    const double wanted[][2] = {{1.0, 0.0}, {1.0, 0.0}, {1.0, 1.0}, {sqrt(300.0), sqrt(200.0)}};
    for (int i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "experts=4 k=2 score=%s", scores[i]);
        semantics_open(text, 1);
        semantics_route(row, SPR_OK);
        ck_assert_int_eq(router.out.table.ids[0] + router.out.table.ids[1], 4);
        WEIGHTS(wanted[i][0], wanted[i][1]);
        semantics_close();
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- normalisation */

START_TEST(normalize_none_leaves_scores)
{
    semantics_quarters("score=softmax normalize=none", 0.4, 0.3);
}
END_TEST

START_TEST(normalize_sum_divides_by_the_sum)
{
    semantics_quarters("score=softmax normalize=sum", 4.0 / 7.0, 3.0 / 7.0);
    semantics_quarters("score=sigmoid normalize=sum", 0.8 / 1.55, 0.75 / 1.55);
}
END_TEST

START_TEST(normalize_epsilon_is_added_to_the_sum)
{
    semantics_quarters("score=softmax normalize=sum normalize_epsilon=0.3", 0.4, 0.3);
    semantics_quarters("score=sigmoid normalize=sum normalize_epsilon=0.45", 0.4, 0.375);
}
END_TEST

START_TEST(normalize_sum_if_many_spares_single_experts)
{
    semantics_quarters("score=sigmoid normalize=sum_if_many", 0.8 / 1.55, 0.75 / 1.55);
    semantics_open("experts=4 k=1 score=sigmoid normalize=sum_if_many", 1);
    semantics_route(quarter_row, SPR_OK);
    WEIGHTS(0.8);
    semantics_close();
    semantics_open("experts=4 k=1 score=sigmoid normalize=sum", 1);
    semantics_route(quarter_row, SPR_OK);
    WEIGHTS(1.0);
    semantics_close();
}
END_TEST

START_TEST(scaling_comes_last)
{
    semantics_quarters("score=softmax scaling_factor=16", 6.4, 4.8);
    semantics_quarters("score=softmax normalize=sum scaling_factor=2.5", 10.0 / 7.0, 7.5 / 7.0);
    semantics_quarters("score=softmax_selected scaling_factor=2.5", 10.0 / 7.0, 7.5 / 7.0);
}
END_TEST

/* Two tokens, both want 0 then 1; expert 0 has one place, so token 1 loses its first route. */
static void semantics_normalized_drop(const char *order, double first, double second)
{
    static const float two_rows[8] = {LN4, LN3, 0.0f, 0.0f, LN4, LN2, 0.0f, 0.0f};
    static const int32_t places[4] = {1, 2, 2, 2};
    char text[128];
    snprintf(text, sizeof text, "experts=4 k=2 normalize=sum overflow=drop drop_order=position normalize_order=%s",
             order);
    spr_plan *plan = support_plan(text);
    ck_assert_int_eq(spr_plan_set_array_int32(plan, "capacity", places, 4, &error), SPR_OK);
    support_router_start(&router, plan, 2);
    semantics_route(two_rows, SPR_NOTICE_DROPPED);
    IDS(0, 1, -1, 1);
    WEIGHTS(4.0 / 7.0, 3.0 / 7.0, first, second);
    semantics_close();
}

START_TEST(normalize_order_says_whether_dropped_routes_count)
{
    semantics_normalized_drop("before_drop", 0.0, 1.0 / 3.0);           /* 2 / (4 + 2) */
    semantics_normalized_drop("after_drop", 0.0, 1.0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------- bias */

START_TEST(bias_moves_the_selection_but_not_the_weights)
{
    static const float bias[4] = {0.5f, 0.0f, 0.0f, 0.0f};
    spr_plan *plan = support_plan("experts=4 k=2 score=softmax");
    ck_assert_int_eq(spr_plan_set_array_float(plan, "bias", bias, 4, &error), SPR_OK);
    support_router_start(&router, plan, 1);
    semantics_route(quarter_row, SPR_OK);                               /* 0.1 + 0.5, 0.4, 0.2, 0.3 */
    IDS(0, 1);
    WEIGHTS(0.1, 0.4);
    semantics_close();
}
END_TEST

START_TEST(bias_of_the_batch_replaces_that_of_the_plan)
{
    static const float of_plan[4] = {0.5f, 0.0f, 0.0f, 0.0f}, of_batch[4] = {0.0f, 0.0f, 0.5f, 0.0f};
    spr_plan *plan = support_plan("experts=4 k=2 score=softmax");
    ck_assert_int_eq(spr_plan_set_array_float(plan, "bias", of_plan, 4, &error), SPR_OK);
    support_router_start(&router, plan, 1);
    spr_batch batch = support_batch(quarter_row, 1);
    batch.bias = of_batch;
    ck_assert_int_eq(support_route(&router, &batch, &error), SPR_OK);
    IDS(2, 1);
    WEIGHTS(0.2, 0.4);
    semantics_close();
}
END_TEST

START_TEST(bias_is_added_to_scores_not_to_logits)
{
    /* 0.3 on the sigmoid 0.5 of expert 0 makes 0.8 = sigmoid(ln 4): the tie goes to the smaller id; 0.4 wins */
    static const float less[4] = {0.29f, 0, 0, 0}, more[4] = {0.31f, 0, 0, 0};
    semantics_open("experts=4 k=1 score=sigmoid", 1);
    spr_batch batch = support_batch(quarter_row, 1);
    batch.bias = less;
    ck_assert_int_eq(support_route(&router, &batch, &error), SPR_OK);
    IDS(1);
    batch.bias = more;
    ck_assert_int_eq(support_route(&router, &batch, &error), SPR_OK);
    IDS(0);
    WEIGHTS(0.5);
    semantics_close();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------- ties */

START_TEST(ties_go_to_the_smaller_id)
{
    static const float row[8] = {1, 2, 2, 1, 2, 1, 1, 1};
    semantics_open("experts=8 k=5", 1);
    semantics_route(row, SPR_OK);
    IDS(1, 2, 4, 0, 3);
    semantics_close();
}
END_TEST

START_TEST(plus_and_minus_zero_tie)
{
    static const float row[4] = {-0.0f, 0.0f, -0.0f, 0.0f};
    semantics_open("experts=4 k=3", 1);
    semantics_route(row, SPR_OK);
    IDS(0, 1, 2);
    semantics_close();
}
END_TEST

START_TEST(experts_are_ranked_by_score)
{
    semantics_open("experts=4 k=4", 1);
    semantics_route(quarter_row, SPR_OK);
    IDS(1, 3, 2, 0);
    WEIGHTS(0.4, 0.3, 0.2, 0.1);
    semantics_close();
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- groups */

/* Three groups of three: scores (sigmoid) 0.9 0.12 0.1 | 0.6 0.6 0.2 | 0.5 0.5 0.5, given as their logits. */
static void semantics_groups(const char *options, const int32_t *want)
{
    static const double scores[9] = {0.9, 0.12, 0.1, 0.6, 0.6, 0.2, 0.5, 0.5, 0.5};
    float row[9];
    char text[160];
    for (int e = 0; e < 9; e++)
        row[e] = (float)log(scores[e] / (1.0 - scores[e]));
    snprintf(text, sizeof text, "experts=9 groups=3 group_limit=1 score=sigmoid %s", options);
    semantics_open(text, 1);
    semantics_route(row, SPR_OK);
    semantics_ids(want);
    semantics_close();
}

#define GROUPS(options, ...) semantics_groups(options, (const int32_t[]){__VA_ARGS__})

START_TEST(group_score_max_takes_the_group_with_the_best_expert)
{
    GROUPS("k=2 group_score=max", 0, 1);
}
END_TEST

START_TEST(group_score_top2_sum_takes_the_best_pair)
{
    GROUPS("k=2 group_score=top2_sum", 3, 4);                           /* 1.02, 1.2, 1.0 */
}
END_TEST

START_TEST(group_score_topk_sum_adds_k_over_limit_experts)
{
    GROUPS("k=3 group_score=topk_sum", 6, 7, 8);                        /* 1.12, 1.4, 1.5 */
    GROUPS("k=1 group_score=topk_sum", 0);
}
END_TEST

START_TEST(group_limit_zero_means_all_groups)
{
    GROUPS("k=3 group_limit=0 group_score=top2_sum", 0, 3, 4);
    GROUPS("k=3 group_limit=3 group_score=top2_sum", 0, 3, 4);
    GROUPS("k=3 group_limit=2 group_score=top2_sum", 0, 3, 4);
    GROUPS("k=3 group_limit=2 group_score=topk_sum", 0, 3, 4);          /* 3/2 = 1 expert counts */
    GROUPS("k=4 group_limit=2 group_score=topk_sum", 0, 3, 4, 5);       /* 2 experts count */
}
END_TEST

START_TEST(groups_that_tie_go_to_the_smaller_number)
{
    static const float row[6] = {0};
    const char *const scores[] = {"max", "top2_sum", "topk_sum"};
    for (int i = 0; i < 3; i++) {
        char text[128];
        snprintf(text, sizeof text, "experts=6 k=4 groups=3 group_limit=2 score=sigmoid group_score=%s", scores[i]);
        semantics_open(text, 1);
        semantics_route(row, SPR_OK);
        IDS(0, 1, 2, 3);
        semantics_close();
    }
}
END_TEST

START_TEST(group_mask_zero_lets_other_groups_compete_with_zero)
{
    /* a bias of -1 makes all scores negative, so the zeros of the other groups win (older DeepSeek-V3 code) */
    static const float bias[4] = {-1, -1, -1, -1};
    static const float row[4] = {1, 2, 0, 0};
    const char *const masks[] = {"exclude", "zero"};
    const int32_t want[2][2] = {{1, 0}, {2, 3}};
    for (int i = 0; i < 2; i++) {
        char text[128];
        snprintf(text, sizeof text, "experts=4 k=2 groups=2 group_limit=1 score=sigmoid group_mask=%s", masks[i]);
        spr_plan *plan = support_plan(text);
        ck_assert_int_eq(spr_plan_set_array_float(plan, "bias", bias, 4, &error), SPR_OK);
        support_router_start(&router, plan, 1);
        semantics_route(row, SPR_OK);
        semantics_ids(want[i]);
        semantics_close();
    }
}
END_TEST

START_TEST(groups_see_the_bias)
{
    static const float bias[4] = {0, 0, 0, 1};
    static const float row[4] = {2, 1, 0, 0};
    spr_plan *plan = support_plan("experts=4 k=2 groups=2 group_limit=1 score=sigmoid group_score=max");
    ck_assert_int_eq(spr_plan_set_array_float(plan, "bias", bias, 4, &error), SPR_OK);
    support_router_start(&router, plan, 1);
    semantics_route(row, SPR_OK);
    IDS(3, 2);
    semantics_close();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- capacity and drops */

START_TEST(capacity_roundings)
{
    int64_t capacity;
    semantics_open("experts=4 k=1 capacity_factor=1", 5);               /* 1.25 */
    ck_assert_int_eq(spr_plan_capacity(router.plan, 5, &capacity, &error), SPR_OK);
    ck_assert_int_eq(capacity, 2);
    semantics_close();
    semantics_open("experts=4 k=1 capacity_factor=1 capacity_rounding=floor", 5);
    ck_assert_int_eq(spr_plan_capacity(router.plan, 5, &capacity, &error), SPR_OK);
    ck_assert_int_eq(capacity, 1);
    semantics_close();
}
END_TEST

/* Rows of three tokens; k = 2 of 3 experts; expert 0 has one place, the others have room. */
static void semantics_drop(const char *order, const float *logits, const int32_t *want)
{
    static const int32_t places[3] = {1, 3, 3};
    char text[128];
    snprintf(text, sizeof text, "experts=3 k=2 score=sigmoid overflow=drop drop_order=%s", order);
    spr_plan *plan = support_plan(text);
    ck_assert_int_eq(spr_plan_set_array_int32(plan, "capacity", places, 3, &error), SPR_OK);
    support_router_start(&router, plan, 3);
    semantics_route(logits, SPR_NOTICE_DROPPED);
    semantics_ids(want);
    ck_assert_int_eq(router.out.statistics.dropped, 2);
    ck_assert_int_eq(router.out.statistics.routes, 4);
    for (int i = 0; i < 6; i++)
        ck_assert((router.out.table.weights[i] != 0.0f) == (want[i] >= 0));
    semantics_close();
}

#define DROP(order, logits, ...) semantics_drop(order, logits, (const int32_t[]){__VA_ARGS__})

/* expert 0: second choice of token 0, first of token 1 (weakly) and of token 2 (strongly) */
static const float drop_rows[9] = {1.5f, 2.0f, -1.0f, 1.0f, 0.5f, -1.0f, 3.0f, 0.0f, -1.0f};

START_TEST(drop_order_probability_keeps_the_highest_score)
{
    DROP("probability", drop_rows, 1, -1, -1, 1, 0, 1);
}
END_TEST

START_TEST(drop_order_position_keeps_the_earliest_token)
{
    DROP("position", drop_rows, 1, 0, -1, 1, -1, 1);
}
END_TEST

START_TEST(drop_order_slot_keeps_the_earliest_first_choice)
{
    DROP("slot", drop_rows, 1, -1, 0, 1, -1, 1);
}
END_TEST

START_TEST(drop_ties_go_to_the_earliest_token)
{
    static const float same[9] = {2.0f, 1.0f, -1.0f, 2.0f, 1.0f, -1.0f, 2.0f, 1.0f, -1.0f};
    DROP("probability", same, 0, 1, -1, 1, -1, 1);
    DROP("position", same, 0, 1, -1, 1, -1, 1);
    DROP("slot", same, 0, 1, -1, 1, -1, 1);
}
END_TEST

START_TEST(overflow_reroute_moves_instead_of_dropping)
{
    /* both want 0; token 1 loses less by going to 1 */
    static const float rows[4] = {LN4, 0.0f, LN2, 0.0f};
    semantics_open("experts=2 k=1 capacity=1", 2);
    semantics_route(rows, SPR_OK);
    IDS(0, 1);
    WEIGHTS(0.8, 1.0 / 3.0);
    ck_assert_int_eq(router.out.statistics.greedy_overflow, 1);
    ck_assert_int_eq(router.out.statistics.dropped, 0);
    semantics_close();
}
END_TEST

START_TEST(infeasible_drops_or_fails)
{
    static const float rows[6] = {1, 0, 2, 0, 3, 0};
    semantics_open("experts=2 k=1 capacity=1 infeasible=drop", 3);      /* three tokens, two places */
    semantics_route(rows, SPR_NOTICE_INFEASIBLE);
    ck_assert_int_eq(router.out.statistics.dropped, 1);
    ck_assert_int_eq(router.out.statistics.routes, 2);
    semantics_close();
    semantics_open("experts=2 k=1 capacity=1 infeasible=error", 3);
    semantics_route(rows, SPR_ERROR_INFEASIBLE);
    semantics_close();
}
END_TEST

/* -------------------------------------------------------------------------------------------------------- objective */

START_TEST(affinity_is_the_score_or_the_logit)
{
    /* one place at expert 0: by sigmoid token 0 gives up 0.10 and token 1 0.23, by logit 2 and 1 */
    static const float rows[4] = {4.0f, 2.0f, 0.0f, -1.0f};
    float scores[4];
    spr_batch batch = support_batch(rows, 2);
    semantics_open("experts=2 k=1 capacity=1 score=sigmoid affinity=score", 2);
    ck_assert_int_eq(spr_scores(router.workspace, &batch, scores, &error), SPR_OK);
    for (int i = 0; i < 4; i++)
        ck_assert(fabs(scores[i] - sigmoid(rows[i])) < 1e-6);
    semantics_route(rows, SPR_OK);
    IDS(1, 0);
    WEIGHTS(sigmoid(2), 0.5);
    ck_assert(fabs(router.out.statistics.affinity - (sigmoid(2) + 0.5)) < 1e-6);
    ck_assert(fabs(router.out.statistics.energy + sigmoid(2) + 0.5) < 1e-6);
    semantics_close();
    semantics_open("experts=2 k=1 capacity=1 score=sigmoid affinity=logit", 2);
    ck_assert_int_eq(spr_scores(router.workspace, &batch, scores, &error), SPR_OK);
    ck_assert(memcmp(scores, rows, sizeof scores) == 0);
    semantics_route(rows, SPR_OK);
    IDS(0, 1);
    WEIGHTS(sigmoid(4), sigmoid(-1));                                   /* weights are scores whatever the affinity */
    ck_assert(fabs(router.out.statistics.affinity - 3.0) < 1e-6);
    semantics_close();
}
END_TEST

START_TEST(affinity_contains_the_bias)
{
    static const float bias[2] = {0.25f, 0.0f};
    const float rows[2] = {LN4, 0.0f};
    float scores[2];
    const char *const options[] = {"experts=2 k=1 capacity=1 affinity=score",
                                   "experts=2 k=1 capacity=1 affinity=logit"};
    const double want[] = {0.8 + 0.25, 1.38629436 + 0.25};
    for (int i = 0; i < 2; i++) {
        semantics_open(options[i], 1);
        spr_batch batch = support_batch(rows, 1);
        batch.bias = bias;
        ck_assert_int_eq(spr_scores(router.workspace, &batch, scores, &error), SPR_OK);
        ck_assert_msg(fabs(scores[0] - want[i]) < 1e-6, "%.9g, expected %.9g", (double)scores[0], want[i]);
        semantics_close();
    }
}
END_TEST

START_TEST(balance_weight_trades_affinity_for_even_loads)
{
    /* both tokens prefer 0, by 1/3 and 1/5. mu = 1: two on 0 cost a/2 (1 + 1) = a, one each costs 0; moving costs 0.2
     */
    const float rows[4] = {LN2, 0.0f, 0.40546511f, 0.0f};
    semantics_open("experts=2 k=1 balance_weight=0.15", 2);
    semantics_route(rows, SPR_OK);
    IDS(0, 0);
    ck_assert(fabs(router.out.statistics.energy - (0.15 - 2.0 / 3.0 - 0.6)) < 1e-6);
    semantics_close();
    semantics_open("experts=2 k=1 balance_weight=0.25", 2);
    semantics_route(rows, SPR_OK);
    IDS(0, 1);
    ck_assert(fabs(router.out.statistics.energy - (-2.0 / 3.0 - 0.4)) < 1e-6);
    semantics_close();
}
END_TEST

START_TEST(share_sets_the_wanted_loads)
{
    /* mu = 3, 1 of 4 routes: three on 0 cost nothing */
    static const float share[2] = {0.75f, 0.25f};
    static const float rows[8] = {0};
    spr_plan *plan = support_plan("experts=2 k=1 balance_weight=1");
    ck_assert_int_eq(spr_plan_set_array_float(plan, "share", share, 2, &error), SPR_OK);
    support_router_start(&router, plan, 4);
    semantics_route(rows, SPR_OK);
    ck_assert_int_eq(router.out.table.counts[0], 3);
    ck_assert_int_eq(router.out.table.counts[1], 1);
    ck_assert(fabs(router.out.statistics.energy + 2.0) < 1e-6);
    semantics_close();
}
END_TEST

START_TEST(device_balance_weighs_the_work_of_devices)
{
    /* two devices of two experts; all want expert 0, then 1: with the term the device 1 gets its half */
    const float rows[16] = {LN4, LN3, 0, 0, LN4, LN3, 0, 0, LN4, LN3, 0, 0, LN4, LN3, 0, 0};
    semantics_open("experts=4 k=1 devices=2 device_balance_weight=10", 4);
    semantics_route(rows, SPR_OK);
    ck_assert_int_eq(router.out.table.counts[0], 2);
    ck_assert_int_eq(router.out.table.counts[2] + router.out.table.counts[3], 2);
    ck_assert_int_eq(router.out.statistics.device_touches, 4);
    semantics_close();
    /* a token of expert 0 or 1 is three times the work: nu = 6, 2, met with 2 and 2 again */
    static const float cost[4] = {3, 3, 1, 1};
    spr_plan *plan = support_plan("experts=4 k=1 devices=2 device_balance_weight=10");
    ck_assert_int_eq(spr_plan_set_array_float(plan, "cost", cost, 4, &error), SPR_OK);
    support_router_start(&router, plan, 4);
    semantics_route(rows, SPR_OK);
    ck_assert_int_eq(router.out.table.counts[0] + router.out.table.counts[1], 2);
    semantics_close();
    /* the other way to lay experts on devices: 0 and 2 on device 0 */
    static const int32_t device[4] = {0, 1, 0, 1};
    plan = support_plan("experts=4 k=1 devices=2 device_balance_weight=10");
    ck_assert_int_eq(spr_plan_set_array_int32(plan, "device", device, 4, &error), SPR_OK);
    support_router_start(&router, plan, 4);
    semantics_route(rows, SPR_OK);
    ck_assert_int_eq(router.out.table.counts[0], 2);
    ck_assert_int_eq(router.out.table.counts[1], 2);
    semantics_close();
}
END_TEST

START_TEST(allowed_closes_experts_to_all)
{
    static const int32_t allowed[4] = {1, 0, 1, 1};
    spr_plan *plan = support_plan("experts=4 k=2");
    ck_assert_int_eq(spr_plan_set_array_int32(plan, "allowed", allowed, 4, &error), SPR_OK);
    support_router_start(&router, plan, 1);
    semantics_route(quarter_row, SPR_OK);
    IDS(3, 2);
    WEIGHTS(0.5, 1.0 / 3.0); /* the softmax is over the open ones: 1 + 2 + 3 */
    semantics_close();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- nonfinite and mode */

START_TEST(nonfinite_fails_or_drops_the_row)
{
    static const float rows[8] = {0, 1, NAN, 0, 0, 0, 0, 1};
    semantics_open("experts=4 k=1 nonfinite=error", 2);
    semantics_route(rows, SPR_ERROR_NOT_FINITE);
    semantics_close();
    semantics_open("experts=4 k=1 nonfinite=drop", 2);
    semantics_route(rows, SPR_NOTICE_NOT_FINITE);
    IDS(-1, 3);
    semantics_close();
}
END_TEST

START_TEST(causal_closes_full_experts_to_later_tokens)
{
    /* the best assignment would give expert 0 to token 1, but token 0 comes first */
    const float rows[4] = {LN2, 0.0f, LN4, 0.0f};
    semantics_open("experts=2 k=1 capacity=1 mode=batch", 2);
    semantics_route(rows, SPR_OK);
    IDS(1, 0);
    semantics_close();
    semantics_open("experts=2 k=1 capacity=1 mode=causal", 2);
    semantics_route(rows, SPR_OK);
    IDS(0, 1);
    semantics_close();
}
END_TEST

START_TEST(causal_decides_by_the_prices_it_is_given)
{
    const float rows[2] = {LN2, 0.0f};
    static const float prices[2] = {0.5f, 0.0f};
    semantics_open("experts=2 k=1 balance_weight=0.1 mode=causal", 1);
    ck_assert_int_eq(spr_workspace_set_prices(router.workspace, prices, &error), SPR_OK);
    semantics_route(rows, SPR_OK);
    IDS(1);                                                             /* 2/3 - 0.5 < 1/3 */
    ck_assert_int_eq(spr_workspace_set_prices(router.workspace, NULL, &error), SPR_OK);
    semantics_route(rows, SPR_OK);
    IDS(0);
    semantics_close();
}
END_TEST

START_TEST(weights_of_given_ids_are_those_of_the_table)
{
    static const int32_t ids[6] = {3, 1, -1, 0, -1, -1};
    static const double want[] = {3.0 / 7.0, 4.0 / 7.0, 0.0, 1.0, 0.0, 0.0};
    float rows[12], weights[6];
    for (int t = 0; t < 3; t++)
        memcpy(rows + 4 * t, quarter_row, sizeof quarter_row);
    semantics_open("experts=4 k=2 normalize=sum", 3);
    spr_batch batch = support_batch(rows, 3);
    ck_assert_int_eq(spr_weights(router.workspace, &batch, ids, weights, &error), SPR_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_msg(fabs(weights[i] - want[i]) < 1e-6, "weights[%d] is %.9g, expected %.9g", i, (double)weights[i],
                      want[i]);
    semantics_close();
}
END_TEST

Suite *suite_semantics(void)
{
    Suite *suite = suite_create("semantics");
    TCase *all = tcase_create("all");
    tcase_add_test(all, score_softmax_is_over_all_experts);
    tcase_add_test(all, score_softmax_selected_is_over_the_chosen);
    tcase_add_test(all, score_sigmoid);
    tcase_add_test(all, score_sqrt_softplus);
    tcase_add_test(all, scores_survive_large_logits);
    tcase_add_test(all, normalize_none_leaves_scores);
    tcase_add_test(all, normalize_sum_divides_by_the_sum);
    tcase_add_test(all, normalize_epsilon_is_added_to_the_sum);
    tcase_add_test(all, normalize_sum_if_many_spares_single_experts);
    tcase_add_test(all, scaling_comes_last);
    tcase_add_test(all, normalize_order_says_whether_dropped_routes_count);
    tcase_add_test(all, bias_moves_the_selection_but_not_the_weights);
    tcase_add_test(all, bias_of_the_batch_replaces_that_of_the_plan);
    tcase_add_test(all, bias_is_added_to_scores_not_to_logits);
    tcase_add_test(all, ties_go_to_the_smaller_id);
    tcase_add_test(all, plus_and_minus_zero_tie);
    tcase_add_test(all, experts_are_ranked_by_score);
    tcase_add_test(all, group_score_max_takes_the_group_with_the_best_expert);
    tcase_add_test(all, group_score_top2_sum_takes_the_best_pair);
    tcase_add_test(all, group_score_topk_sum_adds_k_over_limit_experts);
    tcase_add_test(all, group_limit_zero_means_all_groups);
    tcase_add_test(all, groups_that_tie_go_to_the_smaller_number);
    tcase_add_test(all, group_mask_zero_lets_other_groups_compete_with_zero);
    tcase_add_test(all, groups_see_the_bias);
    tcase_add_test(all, capacity_roundings);
    tcase_add_test(all, drop_order_probability_keeps_the_highest_score);
    tcase_add_test(all, drop_order_position_keeps_the_earliest_token);
    tcase_add_test(all, drop_order_slot_keeps_the_earliest_first_choice);
    tcase_add_test(all, drop_ties_go_to_the_earliest_token);
    tcase_add_test(all, overflow_reroute_moves_instead_of_dropping);
    tcase_add_test(all, infeasible_drops_or_fails);
    tcase_add_test(all, affinity_is_the_score_or_the_logit);
    tcase_add_test(all, affinity_contains_the_bias);
    tcase_add_test(all, balance_weight_trades_affinity_for_even_loads);
    tcase_add_test(all, share_sets_the_wanted_loads);
    tcase_add_test(all, device_balance_weighs_the_work_of_devices);
    tcase_add_test(all, allowed_closes_experts_to_all);
    tcase_add_test(all, nonfinite_fails_or_drops_the_row);
    tcase_add_test(all, causal_closes_full_experts_to_later_tokens);
    tcase_add_test(all, causal_decides_by_the_prices_it_is_given);
    tcase_add_test(all, weights_of_given_ids_are_those_of_the_table);
    suite_add_tcase(suite, all);
    return suite;
}
