/* SPDX-License-Identifier: MIT
 * The quadratic terms: what plans and batches accept, what each term does where the right table is obvious, and what
 * every table with such terms promises. Affinities are logits here, so that they can be read in the cases. */
#include "suites.h"

#include "support.h"

static spr_error error;
static spr_plan *plan;
static support_router router;
static char quadratic_text[512];

static void quadratic_teardown(void)
{
    if (router.plan != NULL)
        support_router_close(&router);
    spr_plan_free(plan);
    plan = NULL;
}

/* A new plan in the place of the one before. */
static void quadratic_plan(const char *options)
{
    quadratic_teardown();
    snprintf(quadratic_text, sizeof quadratic_text, "%s", options);
    plan = support_plan(options);
}

static void quadratic_failed(spr_status got, spr_status want, const char *one, const char *two, const char *three)
{
    const char *const told[] = {one, two, three};
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one);
    ck_assert_int_eq(error.status, want);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(error.message, told[i]) != NULL, "'%s' does not tell %s", error.message, told[i]);
}

static void quadratic_succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_str_eq(error.message, "");
}

/* Seals the plan and makes room for batches of that many tokens. */
static void quadratic_start(int64_t tokens)
{
    spr_plan *sealing = plan;
    plan = NULL;
    support_router_start(&router, sealing, tokens);
}

/* The batch comes out like this: ids[0..], in any order within a token. */
static void quadratic_gives(const spr_batch *batch, spr_status want, const int32_t *ids)
{
    const spr_status got = support_route(&router, batch, &error);
    const int64_t k = router.k;
    ck_assert_msg(got == want, "returned %d: %s", got, error.message);
    for (int64_t i = 0; i < batch->tokens * k; i++) {
        int found = 0;
        for (int64_t j = i / k * k; j < i / k * k + k; j++)
            found |= router.out.table.ids[j] == ids[i];
        ck_assert_msg(found, "%s: token %d has no expert %d", quadratic_text, (int)(i / k), (int)ids[i]);
    }
    ck_assert(support_table_intact(&router.out));
    ck_assert_ptr_null(support_table_contradiction(&router.out));
}

static void quadratic_energy_is(double want)
{
    const double got = router.out.statistics.energy;
    ck_assert_msg(fabs(got - want) < 1e-6, "energy is %.9g, not %.9g", got, want);
}

#define LIST(...) ((const int32_t[]){__VA_ARGS__})
#define ROWS(...) ((const float[]){__VA_ARGS__})
#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))

/* ------------------------------------------------------------------------------------------------ options, sealing */

START_TEST(options_have_these_ranges)
{
    static const char *const options[][4] = {
        {"device_touch_weight", "-0.5", "2e+06", "0..1e+06"}, {"node_touch_weight", "-0.5", "2e+06", "0..1e+06"},
        {"activation_weight", "-0.5", "2e+06", "0..1e+06"},   {"resident_factor", "-0.5", "1.5", "0..1"},
        {"active_level_weight", "-0.5", "2e+06", "0..1e+06"}, {"hysteresis_weight", "-0.5", "2e+06", "0..1e+06"},
        {"anneal_hot", "-0.5", "2e+06", "0..1e+06"},          {"anneal_cold", "-0.5", "2e+06", "0..1e+06"},
        {"device_limit", "-1", "4097", "0..4096"},            {"node_limit", "-1", "4097", "0..4096"},
        {"active_limit", "-1", "4097", "0..4096"},            {"nodes", "-1", "4097", "0..4096"},
        {"keep_top", "-1", "65", "0..64"},                    {"anneal_moves", "-1", "1000000001", "0..1000000000"},
        {"seed", "-1", "9007199254740993", "0..9007199254740992"}};
    quadratic_plan("experts=8 k=2");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        for (int j = 1; j <= 2; j++)
            quadratic_failed(spr_plan_set_text(plan, options[i][0], options[i][j], &error), SPR_ERROR_OPTION_RANGE,
                             options[i][0], options[i][j], options[i][3]);
    quadratic_failed(spr_plan_set_text(plan, "anneal_schedule", "cool", &error), SPR_ERROR_OPTION_NAME,
                     "anneal_schedule", "cool", "geometric|adaptive");
}
END_TEST

START_TEST(options_that_contradict_each_other_are_refused)
{
    static const char *const conflicts[][4] = {
        {"device_touch_weight=0.1", "device_touch_weight", "devices", "0"},
        {"device_limit=1", "device_limit", "devices", "0"},
        {"node_touch_weight=0.1", "node_touch_weight", "nodes", "0"},
        {"node_limit=1", "node_limit", "nodes", "0"},
        {"nodes=9 node_touch_weight=1", "nodes", "9", "0..experts = 8"},
        {"keep_top=3", "keep_top", "3", "0..k = 2"},
        {"activation_weight=1 mode=causal", "mode", "causal", "quadratic"},
        {"keep_top=1 mode=causal", "mode", "causal", "quadratic"},
        {"activation_weight=1 capacity_factor=1 overflow=drop", "overflow", "drop", "reroute"},
        {"device_limit=1 devices=8", "device_limit", "leaves a token 1 experts", "k = 2"},
        {"node_limit=1 nodes=8", "node_limit", "leaves a token 1 experts", "k = 2"},
        {"active_limit=1", "active_limit", "leaves a token 1 experts", "k = 2"},
        {"devices=2 nodes=4 node_touch_weight=1", "device 0", "nodes 0 and 1", "a device lies in one node"},
        {"experts=1025 activation_weight=1", "experts", "1025", "1..1024"}};
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        char options[128];
        snprintf(options, sizeof options, "experts=8 k=2 %s", conflicts[i][0]);
        quadratic_plan(options);
        quadratic_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, conflicts[i][1], conflicts[i][2],
                         conflicts[i][3]);
    }
    quadratic_plan("experts=8 k=2 devices=2 active_limit=1 device_limit=2 overflow=drop");
    quadratic_succeeded(spr_plan_seal(plan, &error));
}
END_TEST

START_TEST(arrays_can_contradict_options)
{
    quadratic_plan("experts=4 k=2 devices=2 device_limit=1");
    spr_plan_set_array_int32(plan, "allowed", LIST(1, 0, 1, 0), 4, &error);
    quadratic_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "device_limit", "1", "k = 2");
    quadratic_plan("experts=4 k=2 nodes=2 node_touch_weight=1");
    spr_plan_set_array_int32(plan, "node", LIST(0, 1, 2, 1), 4, &error);
    quadratic_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "\"node\" holds 2 at 2", "0..nodes-1", "1");
    quadratic_plan("experts=4 k=2 nodes=2 devices=2 node_limit=1");
    spr_plan_set_array_int32(plan, "node", LIST(0, 1, 1, 1), 4, &error);
    quadratic_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "experts 0 and 1", "device 0", "0 and 1");
    quadratic_plan("experts=4 k=2 mode=causal");
    spr_plan_set_pairs(plan, "coactivation", LIST(0), LIST(1), ROWS(1), 1, &error);
    quadratic_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "mode", "causal", "quadratic");
}
END_TEST

/* ---------------------------------------------------------------------------------------------------------- arrays */

static void quadratic_floats_fail(const char *name, const float *values, int64_t count, spr_status want, const char *one,
                                  const char *two)
{
    quadratic_failed(spr_plan_set_array_float(plan, name, values, count, &error), want, name, one, two);
}

static void quadratic_nodes_fail(const char *name, const int32_t *values, int64_t count, spr_status want, const char *one,
                                 const char *two)
{
    quadratic_failed(spr_plan_set_array_int32(plan, name, values, count, &error), want, name, one, two);
}

START_TEST(arrays_are_checked)
{
    const float zeros[9] = {0};
    quadratic_plan("experts=3 k=2 nodes=2");
    quadratic_nodes_fail("activation", LIST(0, 0, 0), 3, SPR_ERROR_OPTION_TYPE, "int32", "");
    quadratic_nodes_fail("node", LIST(0, 0, 0, 0), 4, SPR_ERROR_SIZE, "4", "experts = 3");
    quadratic_nodes_fail("node", LIST(0, -1, 0), 3, SPR_ERROR_OPTION_RANGE, "-1 at 1", "0..4095");
    quadratic_floats_fail("node", zeros, 3, SPR_ERROR_OPTION_TYPE, "float", "");
    quadratic_floats_fail("activation", zeros, 2, SPR_ERROR_SIZE, "2", "experts = 3");
    quadratic_floats_fail("activation", ROWS(0, -1, 0), 3, SPR_ERROR_OPTION_RANGE, "-1 at 1", "0..1e6");
    quadratic_floats_fail("activation", ROWS(0, 0, 2e6f), 3, SPR_ERROR_OPTION_RANGE, "2e+06 at 2", "0..1e6");
    quadratic_floats_fail("activation", ROWS(NAN, 0, 0), 3, SPR_ERROR_NOT_FINITE, "nan at 0", "finite");
    quadratic_floats_fail("coactivation", zeros, 3, SPR_ERROR_SIZE, "3", "experts*experts = 9");
    quadratic_floats_fail("coactivation", NULL, 9, SPR_ERROR_ARGUMENT, "NULL", "9");
    quadratic_floats_fail("coactivation", MISALIGNED(zeros), 9, SPR_ERROR_ALIGNMENT, "aligned", "4");
    quadratic_floats_fail("coactivation", ROWS(0, 0, 0, 0, 0, INFINITY, 0, 0, 0), 9, SPR_ERROR_NOT_FINITE,
                          "inf at row 1, column 2", "finite");
    quadratic_floats_fail("coactivation", ROWS(0, 0, 0, 0, 0, 0.5f, 0, 0, 0), 9, SPR_ERROR_CONFLICT, "row 1, column 2",
                          "symmetric");
    quadratic_plan("k=2");
    quadratic_floats_fail("coactivation", zeros, 9, SPR_ERROR_SIZE, "9", "= 0");
}
END_TEST

/* The pair of experts 0 and 1, and another one. */
static spr_status quadratic_pair(int32_t e, int32_t f, float value)
{
    return spr_plan_set_pairs(plan, "coactivation", LIST(0, e), LIST(1, f), ROWS(1, value), 2, &error);
}

START_TEST(pairs_are_checked)
{
    static const int32_t wrong[][2] = {{0, 3}, {3, 0}, {-1, 2}, {2, -1}, {2, 2}, {INT32_MIN, INT32_MAX}};
    static const int32_t e[2] = {0, 1};
    static const float v[2] = {1};
    const struct { const char *name; const void *first, *second, *values; int64_t count; spr_status want; const char *told; }
    cases[] = {{"activation", e, e + 1, v, 1, SPR_ERROR_OPTION_NAME, "coactivation"},
               {NULL, e, e + 1, v, 1, SPR_ERROR_ARGUMENT, "name is NULL"},
               {"coactivation", NULL, e + 1, v, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
               {"coactivation", e, NULL, v, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
               {"coactivation", e, e + 1, NULL, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
               {"coactivation", e, e + 1, v, -1, SPR_ERROR_ARGUMENT, "is -1"},
               {"coactivation", MISALIGNED(e), e + 1, v, 1, SPR_ERROR_ALIGNMENT, "first"},
               {"coactivation", e, e + 1, MISALIGNED(v), 1, SPR_ERROR_ALIGNMENT, "values"}};
    quadratic_plan("experts=3 k=2");
    for (int i = 0; i < 6; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d, %d", wrong[i][0], wrong[i][1]);
        quadratic_failed(quadratic_pair(wrong[i][0], wrong[i][1], 1.0f), SPR_ERROR_EXPERT_ID, "entry 1", text, "0..2");
    }
    quadratic_failed(quadratic_pair(0, 1, 1.0f), SPR_ERROR_CONFLICT, "entry 1", "0, 1", "once");
    quadratic_failed(quadratic_pair(1, 0, 0.0f), SPR_ERROR_CONFLICT, "entry 1", "1, 0", "once");
    quadratic_failed(quadratic_pair(1, 2, NAN), SPR_ERROR_NOT_FINITE, "entry 1", "nan", "finite");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        quadratic_failed(spr_plan_set_pairs(plan, cases[i].name, cases[i].first, cases[i].second, cases[i].values,
                                            cases[i].count, &error), cases[i].want, cases[i].told, "", "");
    quadratic_failed(spr_plan_set_pairs(NULL, "coactivation", e, e, v, 1, &error), SPR_ERROR_ARGUMENT, "plan", "NULL", "");
    quadratic_succeeded(spr_plan_seal(plan, &error));
    quadratic_failed(quadratic_pair(1, 2, 1.0f), SPR_ERROR_STATE, "sealed", "coactivation", "");
}
END_TEST

/* One token, three experts, k = 2: the two best are 0 and 1 unless something is set that parts them. */
static void quadratic_parted(int parted)
{
    const spr_batch batch = support_batch(ROWS(1, 0.9f, 0.8f), 1);
    quadratic_start(1);
    quadratic_gives(&batch, SPR_OK, parted ? LIST(0, 2) : LIST(0, 1));
    support_router_close(&router);
}

START_TEST(arrays_are_replaced_and_removed)
{
    const float dense[9] = {5, 1, 0, 1, 5, 0, 0, 0, 5};
    for (int how = 0; how < 6; how++) {
        quadratic_plan("experts=3 k=2 affinity=logit");
        quadratic_succeeded(how % 2 ? spr_plan_set_array_float(plan, "coactivation", dense, 9, &error)
                                    : quadratic_pair(1, 2, 0.0f));
        if (how / 2 == 1)                                                                     /* replaced, removed */
            quadratic_succeeded(how % 2 ? spr_plan_set_pairs(plan, "coactivation", NULL, NULL, NULL, 0, &error)
                                        : spr_plan_set_array_float(plan, "coactivation", NULL, 0, &error));
        if (how / 2 == 2) {                                                        /* new experts remove arrays */
            spr_plan_set_integer(plan, "experts", 4, &error);
            spr_plan_set_integer(plan, "experts", 3, &error);
        }
        quadratic_parted(how / 2 == 0);
    }
    for (int how = 0; how < 3; how++) {
        quadratic_plan("experts=3 k=2 affinity=logit activation_weight=1");
        spr_plan_set_array_float(plan, "activation", ROWS(0, 0.5f, 0), 3, &error);
        if (how == 1)
            quadratic_succeeded(spr_plan_set_array_float(plan, "activation", ROWS(0, 0, 0), 3, &error));
        if (how == 2)
            quadratic_succeeded(spr_plan_set_array_float(plan, "activation", NULL, 0, &error));
        quadratic_parted(how == 0);
    }
    for (int how = 0; how < 2; how++) {
        quadratic_plan("experts=3 k=2 affinity=logit nodes=2 node_limit=1");
        spr_plan_set_array_int32(plan, "node", LIST(0, 1, 0), 3, &error);
        if (how == 1)
            quadratic_succeeded(spr_plan_set_array_int32(plan, "node", NULL, 0, &error));
        quadratic_parted(how == 0);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- batch */

START_TEST(arrays_of_a_batch_are_checked)
{
    const float row[3] = {1, 2, 3}, bad[] = {-1, NAN, INFINITY, 2e6f};
    const int32_t wrong[] = {3, -2, INT32_MAX, INT32_MIN};
    float activation[3] = {0, 0, 0};
    int32_t previous[2] = {-1, -1};
    spr_batch batch = support_batch(row, 1);
    quadratic_plan("experts=3 k=2 activation_weight=1 hysteresis_weight=1");
    quadratic_start(1);
    batch.activation = activation;
    batch.previous = previous;
    quadratic_succeeded(support_route(&router, &batch, &error));
    for (int i = 0; i < 4; i++) {
        activation[1] = bad[i];
        quadratic_failed(support_route(&router, &batch, &error), SPR_ERROR_NOT_FINITE, "batch->activation[1]", "0..1e6", "");
        activation[1] = 0;
        previous[1] = wrong[i];
        quadratic_failed(support_route(&router, &batch, &error), SPR_ERROR_EXPERT_ID, "batch->previous",
                         "token 0, slot 1", "-1..2");
        previous[1] = -1;
    }
    batch.activation = MISALIGNED(activation);
    quadratic_failed(support_route(&router, &batch, &error), SPR_ERROR_ALIGNMENT, "batch->activation", "aligned", "4");
    batch.activation = NULL;
    batch.previous = MISALIGNED(previous);
    quadratic_failed(support_route(&router, &batch, &error), SPR_ERROR_ALIGNMENT, "batch->previous", "aligned", "4");
}
END_TEST

START_TEST(arrays_of_a_batch_are_not_written)
{
    spr_batch batch = support_batch(ROWS(1, 2, 3), 1);
    quadratic_plan("experts=3 k=2 activation_weight=1 hysteresis_weight=1");
    quadratic_start(1);
    memset(router.out.table.ids, 0, router.out.sizes[0]);
    batch.previous = router.out.table.ids;
    quadratic_failed(spr_route(router.workspace, &batch, &router.out.table, &error), SPR_ERROR_OVERLAP, "ids",
                     "previous", "");
    memset(router.out.table.prices, 0, router.out.sizes[6]);
    batch.previous = NULL;
    batch.activation = router.out.table.prices;
    quadratic_failed(spr_route(router.workspace, &batch, &router.out.table, &error), SPR_ERROR_OVERLAP, "prices",
                     "activation", "");
    batch.activation = NULL;
    batch.resident = (const uint8_t *)router.out.table.counts;
    quadratic_failed(spr_route(router.workspace, &batch, &router.out.table, &error), SPR_ERROR_OVERLAP, "counts",
                     "resident", "");
}
END_TEST

/* Sizes as of the first header: neither read nor written beyond. */
START_TEST(callers_built_before_the_terms_existed_are_served)
{
    struct { spr_batch batch; unsigned char tail[8]; } wide;
    struct { spr_statistics statistics; int32_t ids[2]; } both;
    const size_t old = offsetof(spr_statistics, gap) + sizeof(double);
    memset(&wide, 0xFF, sizeof wide);
    wide.batch = support_batch(ROWS(1, 0.9f, 0), 1);
    wide.batch.size = offsetof(spr_batch, bias) + sizeof wide.batch.bias;
    memset(&wide.batch.resident, 0xFF, sizeof wide.batch - wide.batch.size);
    quadratic_plan("experts=3 k=2 hysteresis_weight=1 activation_weight=1");
    quadratic_start(1);
    quadratic_gives(&wide.batch, SPR_OK, LIST(0, 1));
    wide.batch = support_batch(wide.batch.logits, 1);
    wide.batch.size = sizeof wide;
    quadratic_failed(support_route(&router, &wide.batch, &error), SPR_ERROR_STRUCT_SIZE, "batch", "nonzero", "80");
    wide.batch.size = offsetof(spr_batch, bias) + sizeof wide.batch.bias - 1;
    quadratic_failed(support_route(&router, &wide.batch, &error), SPR_ERROR_STRUCT_SIZE, "batch->size", "55", "80");

    spr_batch batch = support_batch(wide.batch.logits, 1);
    spr_table table = {.size = sizeof table, .ids = (int32_t *)(void *)((char *)&both + old), .statistics = &both.statistics};
    memset(&both, 0x5A, sizeof both);
    both.statistics.size = old;
    quadratic_succeeded(spr_route(router.workspace, &batch, &table, &error));
    ck_assert_int_eq(both.statistics.routes, 2);
    ck_assert_int_eq(both.statistics.max_active, 0x5A5A5A5A5A5A5A5A);
    both.statistics.size = old - 1;
    quadratic_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_STRUCT_SIZE, "statistics->size",
                     "151", "200");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- each term */

typedef struct quadratic_example {
    const char *options;         /* of three experts if not said otherwise, k = 1, affinity=logit */
    int64_t tokens;
    float rows[12];
    int32_t ids[4];
    double energy;
    uint8_t resident[4];
    int32_t previous[4];         /* counted from 1, 0 = none */
    uint8_t masked[3];
} quadratic_example;

static const quadratic_example quadratic_examples[] = {
    /* two tokens with near-equal choices share an expert, unless an expert costs less than what is lost */
    {"activation_weight=0.5", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {1, 1}, -1.3, {0}, {0}, {0}},
    {"activation_weight=0.1", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {0, 2}, -1.8, {0}, {0}, {0}},
    {"activation_weight=0.5 keep_top=1", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {0, 2}, -1.0, {0}, {0}, {0}},
    /* a resident expert costs nothing, or a part, or all */
    {"activation_weight=0.3", 1, {1, 0.9f, 0}, {0}, -0.7, {0}, {0}, {0}},
    {"activation_weight=0.3", 1, {1, 0.9f, 0}, {1}, -0.9, {0, 1}, {0}, {0}},
    {"activation_weight=0.3 resident_factor=0.5", 1, {1, 0.9f, 0}, {1}, -0.75, {0, 1}, {0}, {0}},
    {"activation_weight=0.3 resident_factor=1", 1, {1, 0.9f, 0}, {0}, -0.7, {0, 1}, {0}, {0}},
    /* devices hold experts 0, 1 and 2, 3: the second token leaves the first one's device */
    {"experts=4 devices=2 active_level_weight=0.2", 2, {1, 0, 0, 0, 0, 1, 0.95f, 0}, {0, 2}, -1.75, {0}, {0}, {0}},
    {"experts=4 devices=2 active_level_weight=0.02", 2, {1, 0, 0, 0, 0, 1, 0.95f, 0}, {0, 1}, -1.96, {0}, {0}, {0}},
    {"active_level_weight=0.2", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {1, 1}, -1.7, {0}, {0}, {0}},
    {"active_limit=2", 3, {1, 0, 0, 0, 1, 0, 0, 0.8f, 1}, {0, 1, 1}, -2.8, {0}, {0}, {0}},
    {"experts=4 devices=2 active_limit=1", 2, {1, 0, 0, 0, 0, 1, 0.5f, 0}, {0, 2}, -1.5, {0}, {0}, {0}},
    /* k = 2: the second expert is looked for where the first one is */
    {"experts=4 k=2 devices=2 device_touch_weight=0.2", 1, {1, 0.8f, 0.9f, 0}, {0, 1}, -1.6, {0}, {0}, {0}},
    {"experts=4 k=2 devices=2 device_touch_weight=0.05", 1, {1, 0.8f, 0.9f, 0}, {0, 2}, -1.8, {0}, {0}, {0}},
    {"experts=4 k=2 nodes=2 node_touch_weight=0.2", 1, {1, 0.8f, 0.9f, 0}, {0, 1}, -1.6, {0}, {0}, {0}},
    {"experts=4 k=2 devices=2 device_limit=1", 1, {1, 0, 0.9f, 0.8f}, {2, 3}, -1.7, {0}, {0}, {0}},
    {"experts=4 k=2 devices=4 nodes=2 node_limit=1", 1, {1, 0, 0.9f, 0.8f}, {2, 3}, -1.7, {0}, {0}, {0}},
    {"experts=4 k=2 devices=2 device_limit=1 keep_top=1", 1, {1, 0, 0.9f, 0.8f}, {0, 1}, -1.0, {0}, {0}, {0}},
    /* a change costs the weight twice: an expert less, an expert more */
    {"hysteresis_weight=0.04", 1, {1, 0.9f, 0}, {0}, -0.92, {0}, {2}, {0}},
    {"hysteresis_weight=0.06", 1, {1, 0.9f, 0}, {1}, -0.9, {0}, {2}, {0}},
    {"hysteresis_weight=0.06", 2, {1, 0.9f, 0, 0, 0, 1}, {1, 2}, -1.84, {0}, {2, 0}, {0}},
    /* a masked token has neither experts nor a past */
    {"hysteresis_weight=0.06 activation_weight=0.1", 2, {1, 0.9f, 0, 0, 0, 1}, {1, -1}, -0.8, {0}, {2, 3}, {0, 1}},
    {"capacity=1 device_touch_weight=0.1 devices=3", 2, {1, 0.5f, 0, 1, 0.6f, 0}, {0, 1}, -1.4, {0}, {0}, {0}},
};

START_TEST(each_term_does_what_it_is_for)
{
    for (size_t i = 0; i < sizeof quadratic_examples / sizeof quadratic_examples[0]; i++) {
        const quadratic_example *example = &quadratic_examples[i];
        char options[128];
        int32_t previous[4];
        uint8_t mask[3];
        for (int j = 0; j < 4; j++)
            previous[j] = example->previous[j] - 1;
        for (int j = 0; j < 3; j++)
            mask[j] = !example->masked[j];
        snprintf(options, sizeof options, "experts=3 k=1 affinity=logit %s", example->options);
        quadratic_plan(options);
        quadratic_start(example->tokens);
        spr_batch batch = support_batch(example->rows, example->tokens);
        batch.resident = example->resident;
        batch.token_mask = mask;
        batch.previous = strstr(options, "hysteresis") != NULL ? previous : NULL;
        quadratic_gives(&batch, SPR_OK, example->ids);
        quadratic_energy_is(example->energy);
    }
}
END_TEST

START_TEST(pairs_attract_and_repel)
{
    static const struct { int32_t e, f; float value; int32_t ids[2]; double energy; } cases[] = {
        {0, 1, 0.05f, {0, 1}, -1.85}, {1, 0, 0.5f, {0, 2}, -1.8}, {1, 2, -0.5f, {1, 2}, -2.2}, {0, 2, -0.2f, {0, 2}, -2.0}};
    const spr_batch batch = support_batch(ROWS(1, 0.9f, 0.8f), 1);
    for (int i = 0; i < 4; i++) {
        quadratic_plan("experts=3 k=2 affinity=logit");
        spr_plan_set_pairs(plan, "coactivation", &cases[i].e, &cases[i].f, &cases[i].value, 1, &error);
        quadratic_start(1);
        quadratic_gives(&batch, SPR_OK, cases[i].ids);
        quadratic_energy_is(cases[i].energy);
    }
}
END_TEST

START_TEST(the_batch_has_its_own_activation)
{
    spr_batch batch = support_batch(ROWS(1, 0.9f, 0), 1);
    quadratic_plan("experts=3 k=1 affinity=logit activation_weight=0.5");
    spr_plan_set_array_float(plan, "activation", ROWS(1, 0, 1), 3, &error);
    quadratic_start(1);
    quadratic_gives(&batch, SPR_OK, LIST(1));
    batch.activation = ROWS(0, 1, 1);
    quadratic_gives(&batch, SPR_OK, LIST(0));
    batch.activation = NULL;
    quadratic_gives(&batch, SPR_OK, LIST(1));
}
END_TEST

START_TEST(limits_that_cannot_be_kept_are_told_or_refused)
{
    const float none = -INFINITY;
    const spr_batch three = support_batch(ROWS(1, none, none, none, 1, none, none, none, 1), 3);
    const spr_batch apart = support_batch(ROWS(1, none, none, 1), 1);
    quadratic_plan("experts=3 k=1 affinity=logit active_limit=2");
    quadratic_start(3);
    quadratic_gives(&three, SPR_NOTICE_LIMIT, LIST(0, 1, 2));
    ck_assert_int_eq(router.out.statistics.limit_excess, 1);
    ck_assert_ptr_nonnull(strstr(error.message, "exceeded by 1"));
    quadratic_plan("experts=3 k=1 active_limit=2 infeasible=error");
    quadratic_start(3);
    quadratic_failed(support_route(&router, &three, &error), SPR_ERROR_INFEASIBLE, "active_limit", "exceeded by 1", "");
    quadratic_plan("experts=4 k=2 devices=2 nodes=2 device_limit=1 node_limit=1");
    quadratic_start(1);
    quadratic_gives(&apart, SPR_NOTICE_LIMIT, LIST(0, 3));
    ck_assert_int_eq(router.out.statistics.limit_excess, 2);
    quadratic_plan("experts=3 k=1 capacity=1 active_limit=2 activation_weight=1 infeasible=drop");
    quadratic_start(4);
    const spr_batch crowd = support_batch(ROWS(1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0), 4);
    ck_assert_int_eq(support_route(&router, &crowd, &error), SPR_NOTICE_INFEASIBLE);
    ck_assert_int_eq(router.out.statistics.dropped, 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------- promises of every table */

enum { T = 30, E = 12, K = 3, D = 4, N = 2 };

static const char *const plans[] = {
    "activation_weight=0.3", "activation_weight=0.3 resident_factor=0.25", "active_level_weight=0.2", "active_limit=2",
    "device_touch_weight=0.3", "node_touch_weight=0.5", "device_limit=2", "node_limit=1", "hysteresis_weight=0.2",
    "keep_top=1 activation_weight=0.5", "device_touch_weight=0.3 capacity_factor=1.5",
    "activation_weight=0.3 capacity_factor=2", "hysteresis_weight=0.2 active_limit=2 device_limit=3",
    "activation_weight=0.2 resident_factor=0.5 active_level_weight=0.1 device_touch_weight=0.2 node_touch_weight=0.2 "
    "hysteresis_weight=0.1 keep_top=1 capacity_factor=1.5 device_limit=3"};
enum { PLANS = 2 * sizeof plans / sizeof plans[0] };     /* the odd ones with pairs */

static float promise_logits[T * E], promise_pairs[E * E], promise_activation[E];
static int32_t promise_previous[T * K];
static uint8_t promise_resident[E], promise_mask[T];
static spr_batch promise_batch;

static void promise_open(int i, const char *more)
{
    char options[512];
    snprintf(options, sizeof options, "experts=%d k=%d devices=%d nodes=%d affinity=logit %s %s", E, K, D, N, plans[i / 2],
             more);
    quadratic_plan(options);
    for (int e = 0; e < E; e++) {
        promise_resident[e] = e % 3 == 0;
        promise_activation[e] = (float)(e % 4) / 2.0f;
        for (int f = 0; f < E; f++)
            promise_pairs[e * E + f] = e == f ? 0.0f : support_normal(7, (uint64_t)(e < f ? e * E + f : f * E + e)) / 8;
    }
    for (int j = 0; j < T * E; j++)
        promise_logits[j] = support_normal(8, (uint64_t)j) - 0.1f * (float)(j % E);
    for (int j = 0; j < T * K; j++)
        promise_previous[j] = j % 5 == 0 ? -1 : (j / K * 5 + j % K) % E;
    for (int t = 0; t < T; t++)
        promise_mask[t] = t % 7 != 3;
    if (i % 2)
        quadratic_succeeded(spr_plan_set_array_float(plan, "coactivation", promise_pairs, E * E, &error));
    promise_batch = support_batch(promise_logits, T);
    promise_batch.resident = promise_resident;
    promise_batch.activation = promise_activation;
    promise_batch.previous = promise_previous;
    promise_batch.token_mask = promise_mask;
    quadratic_start(T);
}

static double promise_weight(const char *name)
{
    double value = 0.0;
    ck_assert_int_eq(spr_plan_get_real(router.plan, name, &value, &error), SPR_OK);
    return value;
}

static uint32_t promise_bits(const int32_t *ids)
{
    uint32_t bits = 0;
    for (int j = 0; j < K; j++)
        bits |= ids[j] >= 0 ? 1u << ids[j] : 0u;
    return bits;
}

/* What the header says about a table, counted anew. */
typedef struct promise_count {
    double energy, affinity;
    int64_t devices, nodes, changed, most;
} promise_count;

static promise_count promise_recount(int pairs)
{
    promise_count c = {0.0, 0.0, 0, 0, 0, 0};
    uint32_t active = 0, block = (1u << E / D) - 1, wide = (1u << E / N) - 1;
    int64_t differences = 0, squares = 0;
    for (int t = 0; t < T; t++) {
        const uint32_t bits = promise_bits(router.out.table.ids + t * K), before = promise_bits(promise_previous + t * K);
        active |= bits;
        c.changed += __builtin_popcount(bits & ~before);
        differences += promise_mask[t] ? __builtin_popcount(bits ^ before) : 0;
        for (int d = 0; d < D; d++)
            c.devices += (bits >> d * (E / D) & block) != 0;
        for (int n = 0; n < N; n++)
            c.nodes += (bits >> n * (E / N) & wide) != 0;
        for (int e = 0; e < E; e++)
            for (int f = 0; f <= e; f++)
                if (bits >> e & bits >> f & 1) {
                    c.affinity += e == f ? (double)promise_logits[t * E + e] : 0.0;
                    c.energy += pairs ? (double)promise_pairs[e * E + f] : 0.0;
                }
    }
    for (int d = 0; d < D; d++) {
        const int64_t here = __builtin_popcount(active >> d * (E / D) & block);
        squares += here * here;
        c.most = here > c.most ? here : c.most;
    }
    for (int e = 0; e < E; e++)
        c.energy += active >> e & 1 ? promise_weight("activation_weight") * (double)promise_activation[e] *
                                      (promise_resident[e] ? promise_weight("resident_factor") : 1.0) : 0.0;
    c.energy += promise_weight("device_touch_weight") * (double)c.devices + promise_weight("node_touch_weight") *
                (double)c.nodes + 0.5 * promise_weight("active_level_weight") * (double)squares +
                promise_weight("hysteresis_weight") * (double)differences - c.affinity;
    return c;
}

/* The most that a token touches, devices or nodes. */
static int64_t promise_most(int places)
{
    int64_t most = 0;
    for (int t = 0; t < T; t++) {
        int64_t touched = 0;
        for (int p = 0; p < places; p++)
            touched += (promise_bits(router.out.table.ids + t * K) >> p * (E / places) & ((1u << E / places) - 1)) != 0;
        most = touched > most ? touched : most;
    }
    return most;
}

START_TEST(statistics_and_limits_hold)
{
    for (int i = 0; i < PLANS; i++) {
        promise_open(i, "seed=3");
        const spr_statistics *s = &router.out.statistics;
        const int64_t limits[] = {support_option(router.plan, "device_limit"), support_option(router.plan, "node_limit"),
                                  support_option(router.plan, "active_limit"), support_option(router.plan, "keep_top")};
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        const promise_count c = promise_recount(i % 2);
        ck_assert_msg(fabs(c.energy - s->energy) < 1e-4, "%s: energy %g is %g", plans[i / 2], s->energy, c.energy);
        ck_assert_msg(fabs(c.affinity - s->affinity) < 1e-4, "%s: affinity %g", plans[i / 2], s->affinity);
        ck_assert_msg(s->lower_bound <= s->energy + 1e-4 && s->gap >= -1e-6, "%s: bound", plans[i / 2]);
        ck_assert_msg(s->affinity <= s->greedy_affinity + 1e-4, "%s: affinity over greedy", plans[i / 2]);
        ck_assert_int_eq(s->device_touches, c.devices);
        ck_assert_int_eq(s->node_touches, c.nodes);
        ck_assert_int_eq(s->max_active, c.most);
        ck_assert_int_eq(s->changed, c.changed);
        ck_assert_int_eq(s->limit_excess, 0);
        ck_assert_int_eq(s->routes, s->tokens * K);
        ck_assert(s->capacity < 0 || s->max_load <= s->capacity);
        ck_assert(limits[0] == 0 || promise_most(D) <= limits[0]);
        ck_assert(limits[1] == 0 || promise_most(N) <= limits[1]);
        ck_assert(limits[2] == 0 || c.most <= limits[2]);
        ck_assert_msg(limits[0] + limits[1] + limits[2] + limits[3] > 0 || s->energy <= s->start_energy + 1e-9,
                      "%s: %g after %g", plans[i / 2], s->energy, s->start_energy);
    }
}
END_TEST

START_TEST(a_token_keeps_its_experts_in_order_and_masked_ones_none)
{
    for (int i = 0; i < PLANS; i++) {
        promise_open(i, "");
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        for (int t = 0; t < T; t++)
            for (int j = 0; j < K; j++) {
                const int32_t *ids = router.out.table.ids + t * K;
                ck_assert_int_eq(ids[j] >= 0, promise_mask[t]);
                ck_assert_msg(j == 0 || ids[j] < 0 || promise_logits[t * E + ids[j - 1]] >= promise_logits[t * E + ids[j]],
                              "%s: token %d, slot %d", plans[i / 2], t, j);
            }
    }
}
END_TEST

START_TEST(annealing_is_never_worse_than_none)
{
    for (int i = 0; i < PLANS; i++) {
        promise_open(i, "anneal_moves=0 seed=5");
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        const double without = router.out.statistics.energy;
        promise_open(i, i % 3 ? "anneal_moves=5000 seed=5" : "anneal_moves=5000 seed=5 anneal_schedule=adaptive");
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        ck_assert_msg(router.out.statistics.energy <= without + 1e-9, "%s: %g after %g", plans[i / 2],
                      router.out.statistics.energy, without);
    }
}
END_TEST

START_TEST(the_same_call_gives_the_same_table)
{
    for (int i = 0; i < PLANS; i++) {
        support_table first;
        support_table_open(&first, T, K, E);
        promise_open(i, "seed=9 anneal_moves=1000");
        quadratic_succeeded(spr_route(router.workspace, &promise_batch, &first.table, &error));
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        ck_assert_msg(support_table_equal(&first, &router.out), "%s: a workspace remembers", plans[i / 2]);
        promise_open(i, "seed=9 anneal_moves=1000");
        router.out.table.statistics = NULL;
        quadratic_succeeded(support_route(&router, &promise_batch, &error));
        ck_assert_msg(memcmp(first.table.ids, router.out.table.ids, first.sizes[0]) == 0,
                      "%s: the table depends on who asks for statistics", plans[i / 2]);
        support_table_close(&first);
    }
}
END_TEST

START_TEST(empty_and_large_batches_are_routed)
{
    static float large[64 * 128];
    for (int i = 0; i < PLANS; i++) {
        spr_batch empty = support_batch(NULL, 0);
        promise_open(i, "");
        ck_assert_int_eq(support_route(&router, &empty, &error), SPR_NOTICE_EMPTY);
        ck_assert(router.out.statistics.energy == 0.0 && router.out.statistics.limit_excess == 0);
    }
    for (int i = 0; i < 64 * 128; i++)
        large[i] = support_normal(10, (uint64_t)i);
    const spr_batch batch = support_batch(large, 64);
    quadratic_plan("experts=128 k=8 affinity=logit devices=8 active_limit=7 activation_weight=0.2");
    quadratic_start(64);
    quadratic_succeeded(support_route(&router, &batch, &error));
    ck_assert_int_le(router.out.statistics.max_active, 7);
    ck_assert_int_eq(router.out.statistics.routes, 64 * 8);
    ck_assert_ptr_null(support_table_contradiction(&router.out));
}
END_TEST

Suite *suite_quadratic(void)
{
    Suite *suite = suite_create("quadratic");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, quadratic_teardown);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    const TTest *const tests[] = {options_have_these_ranges, options_that_contradict_each_other_are_refused,
        arrays_can_contradict_options, arrays_are_checked, pairs_are_checked, arrays_are_replaced_and_removed,
        arrays_of_a_batch_are_checked, arrays_of_a_batch_are_not_written,
        callers_built_before_the_terms_existed_are_served, each_term_does_what_it_is_for, pairs_attract_and_repel,
        the_batch_has_its_own_activation, limits_that_cannot_be_kept_are_told_or_refused, statistics_and_limits_hold,
        a_token_keeps_its_experts_in_order_and_masked_ones_none, annealing_is_never_worse_than_none,
        the_same_call_gives_the_same_table, empty_and_large_batches_are_routed};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
