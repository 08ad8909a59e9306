/* SPDX-License-Identifier: MIT
 * The quadratic terms: what plans and batches accept, what each term does where the right table is obvious, and what
 * every table with such terms promises. Affinities are logits here, so that they can be read in the cases. */
#include "suites.h"

#include "support.h"

static spr_error error;
static spr_plan *plan;
static support_router router;
static const char *making;

static void teardown(void)
{
    if (router.plan != NULL)
        support_router_close(&router);
    spr_plan_free(plan);
    plan = NULL;
}

/* A new plan in the place of the one before. */
static void make(const char *options)
{
    teardown();
    making = options;
    plan = support_plan(options);
}

/* Seals the plan and makes room for batches of that many tokens. */
static void start(int64_t tokens)
{
    spr_plan *sealing = plan;
    plan = NULL;
    support_router_start(&router, sealing, tokens);
}

static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "%s: returned %d: %s", making, got, error.message);
    ck_assert_str_eq(error.message, "");
}

static void failed(spr_status got, spr_status want, const char *one, const char *two, const char *three)
{
    const char *const told[] = {one, two, three};
    ck_assert_msg(got == want, "%s: returned %d (%s), expected %d about %s", making, got, error.message, want, one);
    ck_assert_int_eq(error.status, want);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(error.message, told[i]) != NULL, "'%s' does not tell %s", error.message, told[i]);
}

static void route_fails(const spr_batch *batch, spr_status want, const char *one, const char *two, const char *three)
{
    failed(spr_route(router.workspace, batch, &router.out.table, &error), want, one, two, three);
}

/* The batch comes out like this: ids, in any order within a token. */
static void gives(const spr_batch *batch, spr_status want, const int32_t *ids)
{
    const spr_status got = support_route(&router, batch, &error);
    ck_assert_msg(got == want, "%s: returned %d: %s", making, got, error.message);
    for (int64_t i = 0; i < batch->tokens * router.k; i++) {
        int found = 0;
        for (int64_t j = 0; j < router.k; j++)
            found |= router.out.table.ids[i / router.k * router.k + j] == ids[i];
        ck_assert_msg(found, "%s: token %d has no expert %d", making, (int)(i / router.k), (int)ids[i]);
    }
    ck_assert(support_table_intact(&router.out));
    ck_assert_ptr_null(support_table_contradiction(&router.out));
}

#define LIST(...) ((const int32_t[]){__VA_ARGS__})
#define ROWS(...) ((const float[]){__VA_ARGS__})
#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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
    make("experts=8 k=2");
    for (size_t i = 0; i < COUNT(options); i++)
        for (int j = 1; j <= 2; j++)
            failed(spr_plan_set_text(plan, options[i][0], options[i][j], &error), SPR_ERROR_OPTION_RANGE, options[i][0],
                   options[i][j], options[i][3]);
    failed(spr_plan_set_text(plan, "anneal_schedule", "cool", &error), SPR_ERROR_OPTION_NAME, "anneal_schedule", "cool",
           "geometric|adaptive");
}
END_TEST

START_TEST(options_that_contradict_each_other_are_refused)
{
    static const char *const conflicts[][4] = {
        {"experts=8 k=2 device_touch_weight=0.1", "device_touch_weight", "devices", "0"},
        {"experts=8 k=2 device_limit=1", "device_limit", "devices", "0"},
        {"experts=8 k=2 node_touch_weight=0.1", "node_touch_weight", "nodes", "0"},
        {"experts=8 k=2 node_limit=1", "node_limit", "nodes", "0"},
        {"experts=8 k=2 nodes=9 node_touch_weight=1", "nodes", "9", "0..experts = 8"},
        {"experts=8 k=2 keep_top=3", "keep_top", "3", "0..k = 2"},
        {"experts=8 k=2 keep_top=1 mode=causal", "mode", "causal", "quadratic"},
        {"experts=8 k=2 activation_weight=1 capacity_factor=1 overflow=drop", "overflow", "drop", "reroute"},
        {"experts=8 k=2 device_limit=1 devices=8", "device_limit", "leaves a token 1 experts", "k = 2"},
        {"experts=8 k=2 node_limit=1 nodes=8", "node_limit", "leaves a token 1 experts", "k = 2"},
        {"experts=8 k=2 active_limit=1", "active_limit", "leaves a token 1 experts", "k = 2"},
        {"experts=8 k=2 devices=2 nodes=4 node_limit=1", "device 0", "nodes 0 and 1", "a device lies in one node"},
        {"experts=1025 k=2 activation_weight=1", "experts", "1025", "1..1024"}};
    for (size_t i = 0; i < COUNT(conflicts); i++) {
        make(conflicts[i][0]);
        failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, conflicts[i][1], conflicts[i][2], conflicts[i][3]);
    }
    make("experts=8 k=2 devices=2 active_limit=1 device_limit=2 overflow=drop");
    succeeded(spr_plan_seal(plan, &error));
    make("experts=4 k=2 devices=2 device_limit=1");
    spr_plan_set_array_int32(plan, "allowed", LIST(1, 0, 1, 0), 4, &error);
    failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "device_limit", "1", "k = 2");
    make("experts=4 k=2 nodes=2 node_touch_weight=1");
    spr_plan_set_array_int32(plan, "node", LIST(0, 1, 2, 1), 4, &error);
    failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "\"node\" holds 2 at 2", "0..nodes-1", "1");
    make("experts=4 k=2 mode=causal");
    spr_plan_set_pairs(plan, "coactivation", LIST(0), LIST(1), ROWS(1), 1, &error);
    failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "mode", "causal", "quadratic");
}
END_TEST

/* ---------------------------------------------------------------------------------------------------------- arrays */

static spr_status set_floats(const char *name, const float *values, int64_t count)
{
    return spr_plan_set_array_float(plan, name, values, count, &error);
}

static spr_status set_integers(const char *name, const int32_t *values, int64_t count)
{
    return spr_plan_set_array_int32(plan, name, values, count, &error);
}

/* The pair of experts 0 and 1, and another one. */
static spr_status set_pair(int32_t e, int32_t f, float value)
{
    return spr_plan_set_pairs(plan, "coactivation", LIST(0, e), LIST(1, f), ROWS(1, value), 2, &error);
}

START_TEST(arrays_are_checked)
{
    const float none[9] = {0}, infinite[9] = {[5] = INFINITY}, one_way[9] = {[5] = 0.5f};
    make("experts=3 k=2 nodes=2");
    failed(set_integers("activation", LIST(0, 0, 0), 3), SPR_ERROR_OPTION_TYPE, "activation", "int32", "");
    failed(set_integers("node", LIST(0, 0, 0, 0), 4), SPR_ERROR_SIZE, "node", "4", "experts = 3");
    failed(set_integers("node", LIST(0, -1, 0), 3), SPR_ERROR_OPTION_RANGE, "node", "-1 at 1", "0..4095");
    failed(set_floats("node", none, 3), SPR_ERROR_OPTION_TYPE, "node", "float", "");
    failed(set_floats("activation", none, 2), SPR_ERROR_SIZE, "activation", "2", "experts = 3");
    failed(set_floats("activation", ROWS(0, -1, 0), 3), SPR_ERROR_OPTION_RANGE, "activation", "-1 at 1", "0..1e6");
    failed(set_floats("activation", ROWS(0, 0, 2e6f), 3), SPR_ERROR_OPTION_RANGE, "activation", "2e+06 at 2", "0..1e6");
    failed(set_floats("activation", ROWS(NAN, 0, 0), 3), SPR_ERROR_NOT_FINITE, "activation", "nan at 0", "finite");
    failed(set_floats("coactivation", none, 3), SPR_ERROR_SIZE, "coactivation", "3", "experts*experts = 9");
    failed(set_floats("coactivation", NULL, 9), SPR_ERROR_ARGUMENT, "coactivation", "NULL", "9");
    failed(set_floats("coactivation", MISALIGNED(none), 9), SPR_ERROR_ALIGNMENT, "coactivation", "aligned", "4");
    failed(set_floats("coactivation", infinite, 9), SPR_ERROR_NOT_FINITE, "coactivation", "inf", "row 1, column 2");
    failed(set_floats("coactivation", one_way, 9), SPR_ERROR_CONFLICT, "coactivation", "row 1, column 2", "symmetric");
    make("k=2");
    failed(set_floats("coactivation", none, 9), SPR_ERROR_SIZE, "coactivation", "9", "= 0");
}
END_TEST

START_TEST(pairs_are_checked)
{
    static const int32_t wrong[][2] = {{0, 3}, {3, 0}, {-1, 2}, {2, -1}, {2, 2}, {INT32_MIN, INT32_MAX}};
    static const int32_t e[2] = {0, 1};
    static const float v[2] = {1};
    const struct pairs_case {
        const char *name;
        const void *first, *second, *values;
        int64_t count;
        spr_status want;
        const char *told;
    } cases[] = {{"activation", e, e + 1, v, 1, SPR_ERROR_OPTION_NAME, "accepted is coactivation"},
                 {NULL, e, e + 1, v, 1, SPR_ERROR_ARGUMENT, "name is NULL"},
                 {"coactivation", NULL, e + 1, v, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
                 {"coactivation", e, NULL, v, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
                 {"coactivation", e, e + 1, NULL, 1, SPR_ERROR_ARGUMENT, "first, second and values"},
                 {"coactivation", e, e + 1, v, -1, SPR_ERROR_ARGUMENT, "is -1"},
                 {"coactivation", MISALIGNED(e), e + 1, v, 1, SPR_ERROR_ALIGNMENT, "first"},
                 {"coactivation", e, e + 1, MISALIGNED(v), 1, SPR_ERROR_ALIGNMENT, "values"}};
    make("experts=3 k=2");
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[32];
        snprintf(text, sizeof text, "%d, %d", wrong[i][0], wrong[i][1]);
        failed(set_pair(wrong[i][0], wrong[i][1], 1.0f), SPR_ERROR_EXPERT_ID, "entry 1", text, "0..2");
    }
    failed(set_pair(0, 1, 1.0f), SPR_ERROR_CONFLICT, "entry 1", "0, 1", "once");
    failed(set_pair(1, 0, 0.0f), SPR_ERROR_CONFLICT, "entry 1", "1, 0", "once");
    failed(set_pair(1, 2, NAN), SPR_ERROR_NOT_FINITE, "entry 1", "nan", "finite");
    for (const struct pairs_case *c = cases; c < cases + COUNT(cases); c++)
        failed(spr_plan_set_pairs(plan, c->name, c->first, c->second, c->values, c->count, &error), c->want, c->told, "",
               "");
    failed(spr_plan_set_pairs(NULL, "coactivation", e, e, v, 1, &error), SPR_ERROR_ARGUMENT, "plan", "NULL", "");
    succeeded(spr_plan_seal(plan, &error));
    failed(set_pair(1, 2, 1.0f), SPR_ERROR_STATE, "sealed", "coactivation", "");
}
END_TEST

/* One token, three experts, k = 2: the two best are 0 and 1 unless an array that is set parts them. */
static void is_parted(int parted)
{
    const spr_batch batch = support_batch(ROWS(1, 0.9f, 0.8f), 1);
    start(1);
    gives(&batch, SPR_OK, parted ? LIST(0, 2) : LIST(0, 1));
}

START_TEST(arrays_are_set_replaced_and_removed)
{
    const float dense[9] = {5, 1, 0, 1, 5, 0, 0, 0, 5};
    for (int how = 0; how < 6; how++) {
        make("experts=3 k=2 affinity=logit");
        succeeded(how % 2 ? set_floats("coactivation", dense, 9) : set_pair(1, 2, 0.0f));
        if (how == 2)
            succeeded(set_floats("coactivation", NULL, 0));
        if (how == 3)
            succeeded(spr_plan_set_pairs(plan, "coactivation", NULL, NULL, NULL, 0, &error));
        for (int experts = 4; how > 3 && experts > 2; experts--)      /* another number of experts removes arrays */
            succeeded(spr_plan_set_integer(plan, "experts", experts, &error));
        is_parted(how < 2);
    }
    for (int how = 0; how < 3; how++) {
        make("experts=3 k=2 affinity=logit activation_weight=1");
        succeeded(set_floats("activation", ROWS(0, 0.5f, 0), 3));
        if (how > 0)
            succeeded(how == 1 ? set_floats("activation", ROWS(0, 0, 0), 3) : set_floats("activation", NULL, 0));
        is_parted(how == 0);
        make("experts=3 k=2 affinity=logit nodes=2 node_limit=1");
        succeeded(set_integers("node", LIST(0, 1, 0), 3));
        if (how > 0)
            succeeded(how == 1 ? set_integers("node", LIST(1, 1, 0), 3) : set_integers("node", NULL, 0));
        is_parted(how == 0);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- batch */

START_TEST(arrays_of_a_batch_are_checked)
{
    const float bad[] = {-1, NAN, INFINITY, 2e6f};
    const int32_t wrong[] = {3, -2, INT32_MAX, INT32_MIN};
    const spr_batch plain = support_batch(ROWS(1, 2, 3), 1);
    spr_batch batch = plain;
    make("experts=3 k=2 activation_weight=1 hysteresis_weight=1");
    start(1);
    for (int i = 0; i < 4; i++) {
        batch.activation = ROWS(0, bad[i], 0);
        route_fails(&batch, isfinite(bad[i]) ? SPR_ERROR_OPTION_RANGE : SPR_ERROR_NOT_FINITE, "batch->activation[1]", "0..1e6", "");
        batch.activation = NULL;
        batch.previous = LIST(-1, wrong[i]);
        route_fails(&batch, SPR_ERROR_EXPERT_ID, "batch->previous", "token 0, slot 1", "-1..2");
    }
    batch.previous = MISALIGNED(LIST(0, 0, 0));
    route_fails(&batch, SPR_ERROR_ALIGNMENT, "batch->previous", "aligned", "4");
    batch.activation = MISALIGNED(LIST(0, 0, 0, 0));
    route_fails(&batch, SPR_ERROR_ALIGNMENT, "batch->activation", "aligned", "4");
}
END_TEST

START_TEST(arrays_of_a_batch_are_not_written)
{
    const spr_batch plain = support_batch(ROWS(1, 2, 3), 1);
    spr_batch batches[3] = {plain, plain, plain};
    make("experts=3 k=2 activation_weight=1 hysteresis_weight=1");
    start(1);
    memset(router.out.table.ids, 0, router.out.sizes[0]);
    memset(router.out.table.prices, 0, router.out.sizes[6]);
    batches[0].previous = router.out.table.ids;
    batches[1].activation = router.out.table.prices;
    batches[2].resident = (const uint8_t *)router.out.table.counts;
    route_fails(&batches[0], SPR_ERROR_OVERLAP, "table->ids", "batch->previous", "");
    route_fails(&batches[1], SPR_ERROR_OVERLAP, "table->prices", "batch->activation", "");
    route_fails(&batches[2], SPR_ERROR_OVERLAP, "table->counts", "batch->resident", "");
}
END_TEST

/* Their structs end earlier: what lies there is neither read nor written, and may be another array. */
START_TEST(callers_built_before_the_terms_existed_are_served)
{
    struct { spr_batch batch; unsigned char tail[8]; } wide;
    struct { spr_statistics statistics; int32_t ids[2]; } both;
    const size_t old_batch = offsetof(spr_batch, resident), old_statistics = offsetof(spr_statistics, node_touches);
    const spr_batch batch = support_batch(ROWS(1, 0.9f, 0), 1);
    make("experts=3 k=2 hysteresis_weight=1 activation_weight=1");
    start(1);
    memset(&wide, 0xFF, sizeof wide);
    memcpy(&wide, &batch, old_batch);
    wide.batch.size = old_batch;
    gives(&wide.batch, SPR_OK, LIST(0, 1));
    wide.batch.size = old_batch - 1;
    route_fails(&wide.batch, SPR_ERROR_STRUCT_SIZE, "batch->size", "55", "80");
    wide.batch = batch;
    wide.batch.size = sizeof wide;
    route_fails(&wide.batch, SPR_ERROR_STRUCT_SIZE, "batch", "nonzero byte at 80", "");

    memset(&both, 0x5A, sizeof both);
    both.statistics.size = old_statistics;
    router.out.table.ids = (int32_t *)(void *)&both.statistics.node_touches;
    router.out.table.statistics = &both.statistics;
    succeeded(spr_route(router.workspace, &batch, &router.out.table, &error));
    ck_assert_int_eq(both.statistics.routes, 2);
    ck_assert_int_eq(both.statistics.max_active, 0x5A5A5A5A5A5A5A5A);
    both.statistics.size = old_statistics - 1;
    route_fails(&batch, SPR_ERROR_STRUCT_SIZE, "statistics->size", "151", "200");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- each term */

typedef struct example {
    const char *options;
    int64_t tokens;
    float rows[9];
    int32_t ids[3];
    double energy;
    const uint8_t *resident, *mask;
    const int32_t *previous;
    int32_t e, f;                /* a pair, if they differ */
    float pair;
} example;

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define THREE "experts=3 k=1 affinity=logit "
#define FOUR "experts=4 k=2 affinity=logit "

static const example examples[] = {
    /* two tokens with near-equal choices share an expert, unless an expert costs less than what is lost */
    {THREE "activation_weight=0.5", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {1, 1}, -1.3, .e = 0},
    {THREE "activation_weight=0.1", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {0, 2}, -1.8, .e = 0},
    {THREE "activation_weight=0.5 keep_top=1", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {0, 2}, -1.0, .e = 0},
    /* a resident expert costs nothing, or a part, or all */
    {THREE "activation_weight=0.3", 1, {1, 0.9f, 0}, {0}, -0.7, .e = 0},
    {THREE "activation_weight=0.3", 1, {1, 0.9f, 0}, {1}, -0.9, BYTES(0, 1, 0), .e = 0},
    {THREE "activation_weight=0.3 resident_factor=0.5", 1, {1, 0.9f, 0}, {1}, -0.75, BYTES(0, 1, 0), .e = 0},
    {THREE "activation_weight=0.3 resident_factor=1", 1, {1, 0.9f, 0}, {0}, -0.7, BYTES(0, 1, 0), .e = 0},
    /* experts 0, 1 and 2, 3 are on a device: the second token leaves the first one's */
    {"experts=4 k=1 affinity=logit devices=2 active_level_weight=0.2", 2, {1, 0, 0, 0, 0, 1, 0.95f, 0}, {0, 2}, -1.75,
     .e = 0},
    {"experts=4 k=1 affinity=logit devices=2 active_level_weight=0.02", 2, {1, 0, 0, 0, 0, 1, 0.95f, 0}, {0, 1}, -1.96,
     .e = 0},
    {"experts=4 k=1 affinity=logit devices=2 active_limit=1", 2, {1, 0, 0, 0, 0, 1, 0.5f, 0}, {0, 2}, -1.5, .e = 0},
    {THREE "active_level_weight=0.2", 2, {1, 0.9f, 0, 0, 0.9f, 1}, {1, 1}, -1.7, .e = 0},
    {THREE "active_limit=2", 3, {1, 0, 0, 0, 1, 0, 0, 0.8f, 1}, {0, 1, 1}, -2.8, .e = 0},
    /* k = 2: the second expert is looked for where the first one is */
    {FOUR "devices=2 device_touch_weight=0.2", 1, {1, 0.8f, 0.9f, 0}, {0, 1}, -1.6, .e = 0},
    {FOUR "devices=2 device_touch_weight=0.05", 1, {1, 0.8f, 0.9f, 0}, {0, 2}, -1.8, .e = 0},
    {FOUR "nodes=2 node_touch_weight=0.2", 1, {1, 0.8f, 0.9f, 0}, {0, 1}, -1.6, .e = 0},
    {FOUR "devices=2 device_limit=1", 1, {1, 0, 0.9f, 0.8f}, {2, 3}, -1.7, .e = 0},
    {FOUR "devices=4 nodes=2 node_limit=1", 1, {1, 0, 0.9f, 0.8f}, {2, 3}, -1.7, .e = 0},
    {FOUR "devices=2 device_limit=1 keep_top=1", 1, {1, 0, 0.9f, 0.8f}, {0, 1}, -1.0, .e = 0},
    {FOUR, 1, {1, 0.9f, 0.8f, 0}, {0, 1}, -1.85, .e = 0, .f = 1, .pair = 0.05f},
    {FOUR, 1, {1, 0.9f, 0.8f, 0}, {0, 2}, -1.8, .e = 1, .f = 0, .pair = 0.5f},
    {FOUR, 1, {1, 0.9f, 0.8f, 0}, {1, 2}, -2.2, .e = 2, .f = 1, .pair = -0.5f},
    /* a change costs the weight twice: an expert less, an expert more */
    {THREE "hysteresis_weight=0.04", 1, {1, 0.9f, 0}, {0}, -0.92, .previous = LIST(1)},
    {THREE "hysteresis_weight=0.06", 1, {1, 0.9f, 0}, {1}, -0.9, .previous = LIST(1)},
    {THREE "hysteresis_weight=0.06", 2, {1, 0.9f, 0, 0, 0, 1}, {1, 2}, -1.84, .previous = LIST(1, -1)},
    /* a masked token has neither experts nor a past */
    {THREE "hysteresis_weight=0.06 activation_weight=0.1", 2, {1, 0.9f, 0, 0, 0, 1}, {1, -1}, -0.8, .mask = BYTES(1, 0),
     .previous = LIST(1, 2)},
    {THREE "capacity=1 devices=3 device_touch_weight=0.1", 2, {1, 0.5f, 0, 1, 0.6f, 0}, {0, 1}, -1.4, .e = 0},
};

START_TEST(each_term_does_what_it_is_for)
{
    for (const example *x = examples; x < examples + COUNT(examples); x++) {
        spr_batch batch = support_batch(x->rows, x->tokens);
        make(x->options);
        if (x->e != x->f)
            succeeded(spr_plan_set_pairs(plan, "coactivation", &x->e, &x->f, &x->pair, 1, &error));
        start(x->tokens);
        batch.resident = x->resident;
        batch.token_mask = x->mask;
        batch.previous = x->previous;
        gives(&batch, SPR_OK, x->ids);
        ck_assert_msg(fabs(router.out.statistics.energy - x->energy) < 1e-6, "%s: energy %.9g, not %.9g", making,
                      router.out.statistics.energy, x->energy);
    }
}
END_TEST

START_TEST(the_batch_has_its_own_activation)
{
    spr_batch batch = support_batch(ROWS(1, 0.9f, 0), 1);
    make(THREE "activation_weight=0.5");
    succeeded(set_floats("activation", ROWS(1, 0, 1), 3));
    start(1);
    gives(&batch, SPR_OK, LIST(1));
    batch.activation = ROWS(0, 1, 1);
    gives(&batch, SPR_OK, LIST(0));
    batch.activation = NULL;
    gives(&batch, SPR_OK, LIST(1));
}
END_TEST

/* Tokens that may use one expert only. */
START_TEST(limits_that_cannot_be_kept_are_told_or_refused)
{
    const float no = -INFINITY;
    const spr_batch three = support_batch(ROWS(1, no, no, no, 1, no, no, no, 1), 3);
    const spr_batch apart = support_batch(ROWS(1, no, no, 1), 1);
    make(THREE "active_limit=2");
    start(3);
    gives(&three, SPR_NOTICE_LIMIT, LIST(0, 1, 2));
    ck_assert_int_eq(router.out.statistics.limit_excess, 1);
    ck_assert_ptr_nonnull(strstr(error.message, "exceeded by 1"));
    make(THREE "active_limit=2 infeasible=error");
    start(3);
    route_fails(&three, SPR_ERROR_INFEASIBLE, "active_limit", "exceeded by 1", "");
    make(FOUR "devices=2 nodes=2 device_limit=1 node_limit=1");
    start(1);
    gives(&apart, SPR_NOTICE_LIMIT, LIST(0, 3));
    ck_assert_int_eq(router.out.statistics.limit_excess, 2);
    make(THREE "capacity=1 activation_weight=1");
    start(4);
    const spr_batch crowd = support_batch(ROWS(1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0), 4);
    ck_assert_int_eq(support_route(&router, &crowd, &error), SPR_NOTICE_INFEASIBLE);
    ck_assert_int_eq(router.out.statistics.dropped, 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------- promises of any table */

enum { T = 30, E = 12, K = 3, D = 4, N = 2 };

#define SHAPE "experts=12 k=3 devices=4 nodes=2 affinity=logit anneal_moves=1000 seed=9 "
static const char *const promised[] = {
    SHAPE "activation_weight=0.3", SHAPE "activation_weight=0.3 resident_factor=0.25", SHAPE "active_level_weight=0.2",
    SHAPE "active_limit=2", SHAPE "device_touch_weight=0.3", SHAPE "node_touch_weight=0.5", SHAPE "device_limit=2",
    SHAPE "node_limit=1", SHAPE "hysteresis_weight=0.2", SHAPE "keep_top=1 activation_weight=0.5",
    SHAPE "device_touch_weight=0.3 capacity_factor=1.5", SHAPE "activation_weight=0.3 capacity_factor=2",
    SHAPE "hysteresis_weight=0.2 active_limit=2 device_limit=3",
    SHAPE "activation_weight=0.2 resident_factor=0.5 active_level_weight=0.1 device_touch_weight=0.2 "
          "node_touch_weight=0.2 hysteresis_weight=0.1 keep_top=1 capacity_factor=1.5 device_limit=3"};
enum { PROMISED = 2 * COUNT(promised) };                                /* the odd ones with pairs */

static float logits[T * E], couplings[E * E], activation[E];
static int32_t previous[T * K];
static uint8_t resident[E], mask[T];
static spr_batch batch;

static void promise_setup(void)
{
    for (int e = 0; e < E; e++) {
        resident[e] = e % 3 == 0;
        activation[e] = (float)(e % 4) / 2.0f;
        for (int f = 0; f < e; f++)
            couplings[e * E + f] = couplings[f * E + e] = support_normal(7, (uint64_t)(e * E + f)) / 8.0f;
    }
    for (int i = 0; i < T * E; i++)
        logits[i] = support_normal(8, (uint64_t)i) - 0.1f * (float)(i % E);
    for (int i = 0; i < T * K; i++)
        previous[i] = i % 5 == 0 ? -1 : (i / K * 5 + i % K) % E;
    for (int t = 0; t < T; t++)
        mask[t] = t % 7 != 3;
    batch = support_batch(logits, T);
    batch.resident = resident;
    batch.activation = activation;
    batch.previous = previous;
    batch.token_mask = mask;
}

/* sparse: the same pairs, listed one by one */
static void promise_open(int i, const char *moves, int sparse)
{
    int32_t first[E * E], second[E * E];
    float values[E * E];
    int64_t count = 0;
    for (int j = 0; j < E * E; j++)
        if (j / E < j % E) {
            first[count] = j % E;
            second[count] = j / E;
            values[count++] = couplings[j];
        }
    make(promised[i / 2]);
    succeeded(spr_plan_set_text(plan, "anneal_moves", moves, &error));
    if (i % 2)
        succeeded(sparse ? spr_plan_set_pairs(plan, "coactivation", first, second, values, count, &error)
                         : set_floats("coactivation", couplings, E * E));
    start(T);
}

static double weight(const char *name)
{
    double value = 0.0;
    ck_assert_int_eq(spr_plan_get_real(router.plan, name, &value, &error), SPR_OK);
    return value;
}

static uint32_t bits_of(const int32_t *ids)
{
    uint32_t bits = 0;
    for (int j = 0; j < K; j++)
        bits |= ids[j] >= 0 ? 1u << ids[j] : 0u;
    return bits;
}

/* Of that many equal blocks of experts, those that the bits are in. */
static int64_t touched(uint32_t bits, int places)
{
    int64_t count = 0;
    for (int p = 0; p < places; p++)
        count += (bits >> p * (E / places) & ((1u << E / places) - 1)) != 0;
    return count;
}

/* What the header says about a table, counted anew; most_*: of a token. */
typedef struct recount {
    double energy, affinity;
    int64_t devices, nodes, changed, differences, most_devices, most_nodes, max_active;
} recount;

static void recount_token(recount *c, int t, int pairs)
{
    const uint32_t bits = bits_of(router.out.table.ids + t * K), before = bits_of(previous + t * K);
    const int64_t devices = touched(bits, D), nodes = touched(bits, N);
    c->devices += devices;
    c->nodes += nodes;
    c->most_devices = devices > c->most_devices ? devices : c->most_devices;
    c->most_nodes = nodes > c->most_nodes ? nodes : c->most_nodes;
    c->changed += __builtin_popcount(bits & ~before);
    c->differences += mask[t] ? __builtin_popcount(bits ^ before) : 0;
    for (int e = 0; e < E; e++) {
        c->affinity += bits >> e & 1 ? (double)logits[t * E + e] : 0.0;
        for (int f = 0; f < e && pairs; f++)
            c->energy += bits >> e & bits >> f & 1 ? (double)couplings[e * E + f] : 0.0;
    }
}

static recount recount_table(int pairs)
{
    recount c = {0};
    for (int t = 0; t < T; t++)
        recount_token(&c, t, pairs);
    for (int d = 0; d < D; d++) {
        int64_t here = 0;
        for (int e = d * (E / D); e < (d + 1) * (E / D); e++)
            if (router.out.table.counts[e] > 0) {
                here++;
                c.energy += weight("activation_weight") * (double)activation[e] *
                            (resident[e] ? weight("resident_factor") : 1.0);
            }
        c.energy += 0.5 * weight("active_level_weight") * (double)(here * here);
        c.max_active = here > c.max_active ? here : c.max_active;
    }
    c.energy += weight("device_touch_weight") * (double)c.devices + weight("node_touch_weight") * (double)c.nodes +
                weight("hysteresis_weight") * (double)c.differences - c.affinity;
    return c;
}

static int keeps(const char *name, int64_t value)
{
    const int64_t limit = support_option(router.plan, name);
    return limit == 0 || value <= limit;
}

START_TEST(statistics_are_true_and_limits_are_kept)
{
    for (int i = 0; i < PROMISED; i++) {
        promise_open(i, "1000", 0);
        succeeded(support_route(&router, &batch, &error));
        const spr_statistics *s = &router.out.statistics;
        const recount c = recount_table(i % 2);
        const int limited = strstr(making, "limit") != NULL || strstr(making, "keep_top") != NULL;
        ck_assert_msg(fabs(c.energy - s->energy) < 1e-4, "%s: energy %g, not %g", making, s->energy, c.energy);
        ck_assert_msg(fabs(c.affinity - s->affinity) < 1e-4, "%s: affinity %g", making, s->affinity);
        ck_assert_msg(s->lower_bound <= s->energy + 1e-4 && s->gap >= -1e-6, "%s: bound %g", making, s->lower_bound);
        ck_assert_msg(limited || s->energy <= s->start_energy + 1e-9, "%s: worse than %g", making, s->start_energy);
        ck_assert_int_eq(s->device_touches, c.devices);
        ck_assert_int_eq(s->node_touches, c.nodes);
        ck_assert_int_eq(s->max_active, c.max_active);
        ck_assert_int_eq(s->changed, c.changed);
        ck_assert_int_eq(s->limit_excess, 0);
        ck_assert_int_eq(s->routes, s->tokens * K);
        ck_assert(s->capacity < 0 || s->max_load <= s->capacity);
        ck_assert(keeps("device_limit", c.most_devices) && keeps("node_limit", c.most_nodes));
        ck_assert(keeps("active_limit", c.max_active));
    }
}
END_TEST

START_TEST(ids_are_in_order_and_masked_tokens_have_none)
{
    for (int i = 0; i < PROMISED; i++) {
        promise_open(i, "100", 0);
        succeeded(support_route(&router, &batch, &error));
        for (int j = 0; j < T * K; j++) {
            const int32_t *at = router.out.table.ids + j;
            const float *row = logits + j / K * E;
            ck_assert_int_eq(*at >= 0, mask[j / K]);
            ck_assert_msg(j % K == 0 || *at < 0 || row[at[-1]] >= row[*at], "%s: token %d", making, j / K);
        }
    }
}
END_TEST

START_TEST(annealing_is_never_worse_than_none)
{
    for (int i = 0; i < PROMISED; i++) {
        promise_open(i, "0", 0);
        succeeded(support_route(&router, &batch, &error));
        const double without = router.out.statistics.energy;
        promise_open(i, "5000", 0);
        succeeded(support_route(&router, &batch, &error));
        ck_assert_msg(router.out.statistics.energy <= without + 1e-9, "%s: worse than %g", making, without);
    }
}
END_TEST

/* Whatever was routed before, however pairs were given, whoever asks for statistics. */
START_TEST(the_same_call_gives_the_same_table)
{
    for (int i = 0; i < PROMISED; i++) {
        support_table first;
        support_table_open(&first, T, K, E);
        promise_open(i, "1000", 0);
        succeeded(spr_route(router.workspace, &batch, &first.table, &error));
        succeeded(support_route(&router, &batch, &error));
        ck_assert_msg(support_table_equal(&first, &router.out), "%s: a workspace remembers", making);
        promise_open(i, "1000", 1);
        succeeded(support_route(&router, &batch, &error));
        ck_assert_msg(support_table_equal(&first, &router.out), "%s: listed pairs are others", making);
        router.out.table.statistics = NULL;
        succeeded(support_route(&router, &batch, &error));
        ck_assert_msg(memcmp(first.table.ids, router.out.table.ids, first.sizes[0]) == 0, "%s: statistics", making);
        support_table_close(&first);
    }
}
END_TEST

START_TEST(empty_and_large_batches_are_routed)
{
    static float many[64 * 128];
    const spr_batch empty = support_batch(NULL, 0), large = support_batch(many, 64);
    for (int i = 0; i < PROMISED; i++) {
        promise_open(i, "100", 0);
        ck_assert_int_eq(support_route(&router, &empty, &error), SPR_NOTICE_EMPTY);
        ck_assert(router.out.statistics.energy == 0.0 && router.out.statistics.limit_excess == 0);
    }
    for (int i = 0; i < 64 * 128; i++)
        many[i] = support_normal(10, (uint64_t)i);
    make("experts=128 k=8 affinity=logit devices=8 active_limit=7 activation_weight=0.2");
    start(64);
    succeeded(support_route(&router, &large, &error));
    ck_assert_int_le(router.out.statistics.max_active, 7);
    ck_assert_int_eq(router.out.statistics.routes, 64 * 8);
    ck_assert_ptr_null(support_table_contradiction(&router.out));
}
END_TEST

Suite *suite_quadratic(void)
{
    Suite *suite = suite_create("quadratic");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {
        options_have_these_ranges, options_that_contradict_each_other_are_refused, arrays_are_checked,
        pairs_are_checked, arrays_are_set_replaced_and_removed, arrays_of_a_batch_are_checked,
        arrays_of_a_batch_are_not_written, callers_built_before_the_terms_existed_are_served,
        each_term_does_what_it_is_for, the_batch_has_its_own_activation,
        limits_that_cannot_be_kept_are_told_or_refused, statistics_are_true_and_limits_are_kept,
        ids_are_in_order_and_masked_tokens_have_none, annealing_is_never_worse_than_none,
        the_same_call_gives_the_same_table, empty_and_large_batches_are_routed};
    tcase_add_checked_fixture(all, promise_setup, teardown);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
