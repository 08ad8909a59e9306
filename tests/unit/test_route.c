/* SPDX-License-Identifier: MIT
 * The routing calls: every status and its sentence, what a batch may look like, what the table and its statistics
 * promise, prices from batch to batch, and causality. */
#include "suites.h"

#include "support.h"

enum { T = 37, E = 12, K = 3 };

static spr_error error;
static support_router router;
static float logits[T * E];

static void route_failed(spr_status got, spr_status want, const char *one, const char *two)
{
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one);
    ck_assert_int_eq(error.status, want);
    ck_assert_msg(strstr(error.message, one) != NULL, "'%s' does not tell %s", error.message, one);
    ck_assert_msg(strstr(error.message, two) != NULL, "'%s' does not tell %s", error.message, two);
}

static void route_succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_int_eq(error.status, SPR_OK);
    ck_assert_str_eq(error.message, "");
}

/* Expert 0 is wanted most, expert E-1 least. */
static void route_logits(float *to, int64_t tokens, int64_t experts, uint64_t seed)
{
    for (int64_t i = 0; i < tokens * experts; i++)
        to[i] = support_normal(seed, (uint64_t)i) - 0.25f * (float)(i % experts);
}

static void route_setup(void)
{
    route_logits(logits, T, E, 1);
}

static void route_open(const char *more)
{
    char options[320];
    snprintf(options, sizeof options, "experts=%d k=%d %s", E, K, more);
    support_router_open(&router, options, T);
}

static void route_close(void)
{
    support_router_close(&router);
}

/* Plans of every mode, on which the promises are tested in turn. */
static const char *const modes[] = {
    "score=softmax", "score=sigmoid normalize=sum", "score=softmax_selected", "score=sqrt_softplus",
    "groups=4 group_limit=2 group_score=top2_sum score=sigmoid",
    "capacity_factor=1 overflow=drop", "capacity_factor=1.25 overflow=drop drop_order=position normalize=sum",
    "capacity_factor=1 overflow=drop drop_order=slot normalize=sum normalize_order=after_drop",
    "capacity_factor=1", "capacity_factor=1.25 normalize=sum", "capacity_factor=1 affinity=logit score=sigmoid",
    "capacity=5", "capacity=5 drop_order=position", "capacity_factor=1.5 mode=causal",
    "capacity_factor=1 mode=causal overflow=drop drop_order=position", "balance_weight=0.2",
    "balance_weight=0.2 capacity_factor=1.1 start=warm", "device_balance_weight=0.3 devices=3",
    "device_balance_weight=0.3 balance_weight=0.1 devices=4 capacity_factor=1.5", "balance_weight=0.1 mode=causal"};
enum { MODES = sizeof modes / sizeof modes[0] };

/* --------------------------------------------------------------------------------------------------------- statuses */

/* All four calls with one batch; each must fail alike. */
static void route_all_fail(const spr_batch *batch, spr_status want, const char *one, const char *two)
{
    support_table *out = &router.out;
    float *scores = malloc(sizeof(float) * (T + 1) * E);
    route_failed(support_route(&router, batch, &error), want, one, two);
    ck_assert(support_table_intact(out));
    route_failed(spr_select(router.workspace, batch, out->table.ids, &error), want, one, two);
    memset(out->table.ids, 0, out->sizes[0]);
    route_failed(spr_weights(router.workspace, batch, out->table.ids, out->table.weights, &error), want, one, two);
    route_failed(spr_scores(router.workspace, batch, scores, &error), want, one, two);
    free(scores);
}

START_TEST(arguments_must_not_be_null)
{
    float scores[T * E], weights[T * K];
    int32_t ids[T * K] = {0};
    spr_batch batch = support_batch(logits, T);
    route_open("");
    spr_table table = router.out.table;
    route_failed(spr_route(NULL, &batch, &table, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    route_failed(spr_route(router.workspace, NULL, &table, &error), SPR_ERROR_ARGUMENT, "batch", "NULL");
    route_failed(spr_route(router.workspace, &batch, NULL, &error), SPR_ERROR_ARGUMENT, "table", "NULL");
    table.ids = NULL;
    route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_ARGUMENT, "ids", "NULL");
    route_failed(spr_select(NULL, &batch, ids, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    route_failed(spr_select(router.workspace, NULL, ids, &error), SPR_ERROR_ARGUMENT, "batch", "NULL");
    route_failed(spr_select(router.workspace, &batch, NULL, &error), SPR_ERROR_ARGUMENT, "ids", "NULL");
    route_failed(spr_weights(NULL, &batch, ids, weights, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    route_failed(spr_weights(router.workspace, NULL, ids, weights, &error), SPR_ERROR_ARGUMENT, "batch", "NULL");
    route_failed(spr_weights(router.workspace, &batch, NULL, weights, &error), SPR_ERROR_ARGUMENT, "ids", "NULL");
    route_failed(spr_weights(router.workspace, &batch, ids, NULL, &error), SPR_ERROR_ARGUMENT, "weights", "NULL");
    route_failed(spr_scores(NULL, &batch, scores, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    route_failed(spr_scores(router.workspace, NULL, scores, &error), SPR_ERROR_ARGUMENT, "batch", "NULL");
    route_failed(spr_scores(router.workspace, &batch, NULL, &error), SPR_ERROR_ARGUMENT, "scores", "NULL");
    batch.logits = NULL;
    route_all_fail(&batch, SPR_ERROR_ARGUMENT, "logits", "NULL");
    batch = support_batch(logits, T);
    batch.reserved = 1;
    route_all_fail(&batch, SPR_ERROR_ARGUMENT, "reserved", "1");
    route_close();
}
END_TEST

START_TEST(tokens_dtype_and_stride_are_checked)
{
    static const int64_t tokens[] = {T + 1, -1, INT64_MAX, INT64_MIN};
    static const int64_t strides[] = {E - 1, 1, -1, INT64_MIN, INT64_MAX};
    char text[32];
    spr_batch batch;
    route_open("capacity_factor=1");
    for (int i = 0; i < 4; i++) {
        batch = support_batch(logits, tokens[i]);
        snprintf(text, sizeof text, "%lld", (long long)tokens[i]);
        route_all_fail(&batch, SPR_ERROR_TOKENS, "tokens", text);
    }
    for (int32_t dtype = -1; dtype <= 3; dtype += 4) {
        batch = support_batch(logits, T);
        batch.dtype = dtype;
        snprintf(text, sizeof text, "%d", dtype);
        route_all_fail(&batch, SPR_ERROR_DTYPE, "dtype", text);
    }
    for (int i = 0; i < 5; i++) {
        batch = support_batch(logits, T);
        batch.row_stride = strides[i];
        snprintf(text, sizeof text, "%lld", (long long)strides[i]);
        route_all_fail(&batch, SPR_ERROR_STRIDE, "row_stride", text);
    }
    route_close();
}
END_TEST

START_TEST(structs_may_grow)
{
    struct { spr_batch batch; unsigned char tail[32]; } wide_batch;
    struct { spr_table table; unsigned char tail[32]; } wide_table;
    struct { spr_statistics statistics; unsigned char tail[32]; } wide_statistics;
    spr_batch small = support_batch(logits, T);
    route_open("capacity_factor=1");
    spr_table table = router.out.table;

    small.size = 0;
    route_all_fail(&small, SPR_ERROR_STRUCT_SIZE, "batch->size", "0");
    small.size = sizeof small - 1;
    route_all_fail(&small, SPR_ERROR_STRUCT_SIZE, "batch->size", "79");
    memset(&wide_batch, 0, sizeof wide_batch);
    wide_batch.batch = support_batch(logits, T);
    wide_batch.batch.size = sizeof wide_batch;
    route_succeeded(spr_route(router.workspace, &wide_batch.batch, &table, &error));
    wide_batch.tail[31] = 1;
    route_all_fail(&wide_batch.batch, SPR_ERROR_STRUCT_SIZE, "batch", "111");
    wide_batch.tail[31] = 0;
    wide_batch.batch.size = sizeof wide_batch.batch;
    wide_batch.tail[0] = 1;                                             /* behind what the size covers */
    route_succeeded(spr_route(router.workspace, &wide_batch.batch, &table, &error));

    spr_batch batch = support_batch(logits, T);
    table.size = sizeof table - 1;
    route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_STRUCT_SIZE, "table->size", "71");
    memset(&wide_table, 0, sizeof wide_table);
    wide_table.table = router.out.table;
    wide_table.table.size = sizeof wide_table;
    route_succeeded(spr_route(router.workspace, &batch, &wide_table.table, &error));
    wide_table.tail[5] = 9;
    route_failed(spr_route(router.workspace, &batch, &wide_table.table, &error), SPR_ERROR_STRUCT_SIZE, "table", "77");

    table = router.out.table;
    router.out.statistics.size = sizeof(spr_statistics) - 1;
    route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_STRUCT_SIZE, "statistics->size", "199");
    memset(&wide_statistics, 0, sizeof wide_statistics);
    wide_statistics.statistics.size = sizeof wide_statistics;
    table.statistics = &wide_statistics.statistics;
    route_succeeded(spr_route(router.workspace, &batch, &table, &error));
    ck_assert_int_eq(wide_statistics.statistics.tokens, T);
    ck_assert_uint_eq(wide_statistics.statistics.size, sizeof wide_statistics);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq(wide_statistics.tail[i], 0);
    route_close();
}
END_TEST

/* The pointers of a table, by number. */
static void **table_slot(spr_table *table, int which)
{
    void *slots[] = {&table->ids, &table->weights, &table->counts, &table->offsets, &table->sorted, &table->positions,
                     &table->prices, &table->statistics};
    return (void **)slots[which];
}

static const char *const table_names[] = {"ids", "weights", "counts", "offsets", "sorted", "positions", "prices",
                                          "statistics"};

START_TEST(pointers_must_be_aligned_to_their_elements)
{
    spr_batch batch = support_batch((char *)logits + 2, T - 1);
    int32_t ids[T * K + 1] = {0};
    float weights[T * K + 1], scores[T * E + 1];
    route_open("capacity_factor=1");
    route_all_fail(&batch, SPR_ERROR_ALIGNMENT, "logits", "4");
    batch = support_batch((char *)logits + 1, T - 1);
    batch.dtype = SPR_BFLOAT16;
    route_all_fail(&batch, SPR_ERROR_ALIGNMENT, "logits", "2");
    batch = support_batch(logits, T);
    batch.bias = (const float *)(const void *)((const char *)logits + 1);
    route_all_fail(&batch, SPR_ERROR_ALIGNMENT, "bias", "4");
    batch.bias = NULL;
    for (int i = 0; i < 8; i++) {
        spr_table table = router.out.table;
        char *moved = (char *)*table_slot(&table, i) + 1;
        memcpy(table_slot(&table, i), &moved, sizeof moved);
        router.out.statistics.size = sizeof(spr_statistics);
        if (i == 7)
            memcpy(moved, &router.out.statistics.size, sizeof(size_t));
        route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_ALIGNMENT, table_names[i],
                     "aligned");
    }
    route_failed(spr_select(router.workspace, &batch, (int32_t *)(void *)((char *)ids + 1), &error),
                 SPR_ERROR_ALIGNMENT, "ids", "4");
    route_failed(spr_weights(router.workspace, &batch, (int32_t *)(void *)((char *)ids + 1), weights, &error),
                 SPR_ERROR_ALIGNMENT, "ids", "4");
    route_failed(spr_weights(router.workspace, &batch, ids, (float *)(void *)((char *)weights + 1), &error),
                 SPR_ERROR_ALIGNMENT, "weights", "4");
    route_failed(spr_scores(router.workspace, &batch, (float *)(void *)((char *)scores + 1), &error),
                 SPR_ERROR_ALIGNMENT, "scores", "4");
    route_close();
}
END_TEST

START_TEST(written_arrays_must_not_overlap)
{
    enum { FAR = 1024 };                                                /* more than any output is long */
    static float pool[3 * FAR + T * E];
    float *inputs[] = {pool, pool + T * E + FAR, pool + T * E + 2 * FAR};
    const char *const input_names[] = {"logits", "token_mask", "bias"};
    memcpy(inputs[0], logits, sizeof logits);
    memset(inputs[1], 1, T);
    spr_batch batch = support_batch(inputs[0], T);
    batch.token_mask = (const uint8_t *)inputs[1];
    batch.bias = inputs[2];
    void *const last[] = {inputs[0] + T * E - 1, inputs[1] + T / 4, inputs[2] + E - 1};
    route_open("capacity_factor=1");
    for (int i = 0; i < 7; i++) {
        spr_table table = router.out.table;
        for (int j = 0; j < i; j++) {
            char *shared = (char *)*table_slot(&router.out.table, j) + router.out.sizes[j] - 4;
            memcpy(table_slot(&table, i), &shared, sizeof shared);
            route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_OVERLAP, table_names[i],
                         table_names[j]);
        }
        for (int j = 0; j < 3; j++) {
            memcpy(table_slot(&table, i), &last[j], sizeof last[j]);
            route_failed(spr_route(router.workspace, &batch, &table, &error), SPR_ERROR_OVERLAP, table_names[i],
                         input_names[j]);
        }
    }
    batch.bias = NULL;
    batch.token_mask = NULL;
    route_failed(spr_select(router.workspace, &batch, (int32_t *)(void *)inputs[0], &error), SPR_ERROR_OVERLAP, "ids",
                 "logits");
    route_failed(spr_scores(router.workspace, &batch, inputs[0], &error), SPR_ERROR_OVERLAP, "scores", "logits");
    memset(router.out.table.ids, 0, router.out.sizes[0]);
    route_failed(
        spr_weights(router.workspace, &batch, router.out.table.ids, (float *)(void *)router.out.table.ids, &error),
        SPR_ERROR_OVERLAP, "weights", "ids");
    route_close();
}
END_TEST

START_TEST(rows_that_are_not_finite_fail_the_call)
{
    static const float bad[] = {NAN, INFINITY};
    for (int m = 0; m < MODES; m++)
        for (int i = 0; i < 2; i++) {
            float rows[T * E];
            memcpy(rows, logits, sizeof rows);
            rows[20 * E + 7] = bad[i];
            rows[20 * E + 9] = bad[i];
            rows[30 * E + 1] = bad[i];
            spr_batch batch = support_batch(rows, T);
            route_open(modes[m]);
            route_all_fail(&batch, SPR_ERROR_NOT_FINITE, "token 20", "expert 7");
            route_close();
        }
}
END_TEST

START_TEST(rows_that_are_not_finite_get_no_expert_when_dropped)
{
    static const float bad[] = {NAN, INFINITY};
    for (int m = 0; m < MODES; m++)
        for (int i = 0; i < 2; i++) {
            float rows[T * E];
            char options[256];
            memcpy(rows, logits, sizeof rows);
            rows[20 * E + 7] = bad[i];
            rows[30 * E + 1] = bad[i];
            spr_batch batch = support_batch(rows, T);
            snprintf(options, sizeof options, "%s nonfinite=drop", modes[m]);
            route_open(options);
            spr_status status = support_route(&router, &batch, &error);
            ck_assert_msg(status == SPR_NOTICE_NOT_FINITE || status == SPR_NOTICE_INFEASIBLE, "%s: %d", modes[m],
                          status);
            ck_assert_int_eq(router.out.statistics.not_finite, 2);
            ck_assert_int_eq(router.out.statistics.tokens, T - 2);
            for (int j = 0; j < K; j++)
                ck_assert(router.out.table.ids[20 * K + j] == -1 && router.out.table.ids[30 * K + j] == -1);
            ck_assert_msg(support_table_contradiction(&router.out) == NULL, "%s", modes[m]);
            route_close();
        }
}
END_TEST

START_TEST(a_bias_that_is_not_finite_is_refused)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    float bias[E] = {0};
    spr_batch batch = support_batch(logits, T);
    batch.bias = bias;
    route_open("");
    for (int i = 0; i < 3; i++) {
        bias[5] = bad[i];
        route_all_fail(&batch, SPR_ERROR_NOT_FINITE, "bias", "5");
    }
    route_close();
}
END_TEST

START_TEST(nan_between_rows_and_in_masked_rows_is_not_read)
{
    float wide[T * (E + 5)];
    uint8_t mask[T];
    for (int t = 0; t < T; t++) {
        mask[t] = t != 9;
        for (int e = 0; e < E + 5; e++)
            wide[t * (E + 5) + e] = e < E && mask[t] ? logits[t * E + e] : NAN;
    }
    for (int m = 0; m < MODES; m++) {
        spr_batch narrow = support_batch(logits, T), batch = support_batch(wide, T);
        support_table first;
        narrow.token_mask = batch.token_mask = mask;
        batch.row_stride = E + 5;
        route_open(modes[m]);
        support_table_open(&first, T, K, E);
        ck_assert_int_ge(spr_route(router.workspace, &narrow, &first.table, &error), 0);
        spr_workspace_set_prices(router.workspace, NULL, &error);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_msg(support_table_equal(&first, &router.out), "%s: the stride changes the table", modes[m]);
        support_table_close(&first);
        route_close();
    }
}
END_TEST

START_TEST(an_empty_batch_is_noticed)
{
    for (int m = 0; m < MODES; m++) {
        spr_batch batch = support_batch(NULL, 0);
        int32_t id = 77;
        float number = 77.0f;
        route_open(modes[m]);
        ck_assert_int_eq(support_route(&router, &batch, &error), SPR_NOTICE_EMPTY);
        ck_assert_int_eq(error.status, SPR_NOTICE_EMPTY);
        ck_assert(strstr(error.message, "tokens") != NULL);
        ck_assert(support_table_intact(&router.out));
        for (int e = 0; e <= E; e++)
            ck_assert(router.out.table.offsets[e] == 0 && (e == E || router.out.table.counts[e] == 0));
        ck_assert_int_eq(router.out.statistics.routes, 0);
        ck_assert_int_eq(router.out.statistics.tokens, 0);
        ck_assert(router.out.statistics.energy == 0.0);
        ck_assert_int_eq(spr_select(router.workspace, &batch, &id, &error), SPR_NOTICE_EMPTY);
        ck_assert_int_eq(spr_weights(router.workspace, &batch, &id, &number, &error), SPR_NOTICE_EMPTY);
        ck_assert_int_eq(spr_scores(router.workspace, &batch, &number, &error), SPR_NOTICE_EMPTY);
        ck_assert(id == 77 && number == 77.0f);
        route_close();
    }
}
END_TEST

START_TEST(a_batch_of_masked_tokens_is_no_error)
{
    static const uint8_t mask[T] = {0};
    for (int m = 0; m < MODES; m++) {
        spr_batch batch = support_batch(logits, T);
        batch.token_mask = mask;
        route_open(modes[m]);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_int_eq(router.out.statistics.tokens, 0);
        ck_assert_int_eq(router.out.statistics.routes, 0);
        ck_assert_int_eq(router.out.statistics.dropped, 0);
        ck_assert(isfinite(router.out.statistics.energy));
        ck_assert_ptr_null(support_table_contradiction(&router.out));
        route_close();
    }
}
END_TEST

START_TEST(ids_out_of_range_are_refused)
{
    static const int32_t wrong[] = {E, -2, INT32_MAX, INT32_MIN};
    int32_t ids[T * K] = {0};
    float weights[T * K];
    char text[32];
    spr_batch batch = support_batch(logits, T);
    route_open("");
    for (int i = 0; i < 4; i++) {
        ids[5 * K + 2] = wrong[i];
        snprintf(text, sizeof text, "%d", wrong[i]);
        route_failed(spr_weights(router.workspace, &batch, ids, weights, &error), SPR_ERROR_EXPERT_ID, text, "token 5");
    }
    route_close();
}
END_TEST

START_TEST(capacity_that_cannot_be_kept_is_told_or_refused)
{
    spr_batch batch = support_batch(logits, T);
    route_open("capacity=9");                                           /* 108 places, 111 routes */
    route_failed(support_route(&router, &batch, &error), SPR_NOTICE_INFEASIBLE, "3", "dropped");
    ck_assert_int_eq(router.out.statistics.dropped, 3);
    ck_assert_int_eq(router.out.statistics.routes, 108);
    ck_assert_int_eq(router.out.statistics.max_load, 9);
    ck_assert(router.out.statistics.lower_bound == -INFINITY);
    route_close();
    route_open("capacity=9 infeasible=error");
    route_failed(support_route(&router, &batch, &error), SPR_ERROR_INFEASIBLE, "3", "capacity");
    ck_assert(support_table_intact(&router.out));
    route_close();
    route_open("capacity=9 overflow=drop");
    route_failed(support_route(&router, &batch, &error), SPR_NOTICE_DROPPED, "dropped", "9");
    ck_assert(router.out.statistics.dropped > 3);
    route_close();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- inputs and outputs */

START_TEST(outputs_are_optional_and_nothing_else_is_written)
{
    for (int m = 0; m < MODES; m++) {
        spr_batch batch = support_batch(logits, T);
        support_table all;
        route_open(modes[m]);
        support_table_open(&all, T, K, E);
        ck_assert_int_ge(spr_route(router.workspace, &batch, &all.table, &error), 0);
        ck_assert(support_table_intact(&all));
        for (int wanted = 0; wanted < 256; wanted += getenv("SPR_TEST_QUICK") ? 15 : 1) {
            spr_table table = router.out.table;
            void *none = NULL;
            for (int i = 1; i < 8; i++)
                if (!(wanted >> i & 1))
                    memcpy(table_slot(&table, i), &none, sizeof none);
            spr_workspace_set_prices(router.workspace, NULL, &error);
            support_table_clear(&router.out);
            ck_assert_int_ge(spr_route(router.workspace, &batch, &table, &error), 0);
            ck_assert(support_table_intact(&router.out));
            for (int i = 0; i < 7; i++) {
                const unsigned char *at = *table_slot(&router.out.table, i);
                if (i == 0 || (wanted >> i & 1))
                    ck_assert_msg(memcmp(at, *table_slot(&all.table, i), all.sizes[i]) == 0,
                                  "%s, outputs %#x: other %s", modes[m], wanted, table_names[i]);
                else
                    for (size_t j = 0; j < all.sizes[i]; j++)
                        ck_assert_msg(at[j] == 0x5A, "%s, outputs %#x: wrote", modes[m], wanted);
            }
            if (wanted >> 7 & 1)
                ck_assert(memcmp(&router.out.statistics, &all.statistics, sizeof all.statistics) == 0);
        }
        support_table_close(&all);
        route_close();
    }
}
END_TEST

START_TEST(pointers_need_no_more_than_natural_alignment)
{
    float *memory = malloc(sizeof(float) * (T * E + 16));
    for (int m = 0; m < MODES; m++) {
        spr_batch batch = support_batch(logits, T);
        support_table first;
        route_open(modes[m]);
        support_table_open(&first, T, K, E);
        ck_assert_int_ge(spr_route(router.workspace, &batch, &first.table, &error), 0);
        for (int shift = 0; shift < 16; shift++) {
            memcpy(memory + shift, logits, sizeof logits);
            batch.logits = memory + shift;
            spr_workspace_set_prices(router.workspace, NULL, &error);
            ck_assert_int_ge(support_route(&router, &batch, &error), 0);
            ck_assert_msg(support_table_equal(&first, &router.out), "%s: other table at %d floats", modes[m], shift);
        }
        support_table_close(&first);
        route_close();
    }
    free(memory);
}
END_TEST

START_TEST(half_types_are_the_same_numbers_as_float)
{
    uint16_t narrow[T * E];
    float wide[T * E];
    for (int32_t dtype = SPR_FLOAT16; dtype <= SPR_BFLOAT16; dtype++) {
        for (int i = 0; i < T * E; i++) {
            /* sign, and magnitudes up to 16: subnormal numbers too */
            uint64_t draw = support_random((uint64_t)dtype, (uint64_t)i);
            narrow[i] = (uint16_t)((draw & 0x8000) | (draw >> 16) % (dtype == SPR_FLOAT16 ? 0x4c00 : 0x4180));
            if (draw >> 40 == 7 || i % 50 == 3)
                narrow[i] = dtype == SPR_FLOAT16 ? 0xfc00 : 0xff80;      /* -inf */
            wide[i] = dtype == SPR_FLOAT16 ? support_from_float16(narrow[i]) : support_from_bfloat16(narrow[i]);
        }
        for (int m = 0; m < MODES; m++) {
            spr_batch batch = support_batch(wide, T);
            support_table first;
            route_open(modes[m]);
            support_table_open(&first, T, K, E);
            ck_assert_int_ge(spr_route(router.workspace, &batch, &first.table, &error), 0);
            batch.logits = narrow;
            batch.dtype = dtype;
            spr_workspace_set_prices(router.workspace, NULL, &error);
            ck_assert_int_ge(support_route(&router, &batch, &error), 0);
            ck_assert_msg(support_table_equal(&first, &router.out), "%s: other table for dtype %d", modes[m], dtype);
            support_table_close(&first);
            route_close();
        }
    }
}
END_TEST

START_TEST(minus_infinity_forbids_experts)
{
    for (int m = 0; m < MODES; m++) {
        float rows[T * E], scores[T * E];
        for (int i = 0; i < T * E; i++) {
            int t = i / E, e = i % E;
            /* token t may use t % 5 experts, token 4, 9, .. all */
            rows[i] = t % 5 == 4 || e < t % 5 ? logits[i] : -INFINITY;
        }
        spr_batch batch = support_batch(rows, T);
        route_open(modes[m]);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_msg(support_table_contradiction(&router.out) == NULL, "%s: %s", modes[m],
                      support_table_contradiction(&router.out));
        ck_assert_int_ge(spr_scores(router.workspace, &batch, scores, &error), 0);
        int64_t wanted = 0;
        for (int t = 0; t < T; t++) {
            int open = 0, seen_end = 0;
            for (int e = 0; e < E; e++)
                open += scores[t * E + e] > -INFINITY;
            wanted += open < K ? open : K;
            for (int j = 0; j < K; j++) {
                int32_t id = router.out.table.ids[t * K + j];
                ck_assert_msg(id < 0 || rows[t * E + id] > -INFINITY, "%s: token %d uses forbidden expert %d", modes[m],
                              t, id);
                ck_assert_msg(isfinite(router.out.table.weights[t * K + j]), "%s: weight of token %d", modes[m], t);
                seen_end |= id < 0;
                if (router.out.statistics.dropped == 0)
                    ck_assert_msg((id < 0) == seen_end && (id >= 0) == (j < open), "%s: token %d, slot %d", modes[m], t,
                                  j);
            }
        }
        ck_assert_int_eq(router.out.statistics.routes + router.out.statistics.dropped, wanted);
        route_close();
    }
}
END_TEST

START_TEST(weights_of_forbidden_experts_are_zero)
{
    static const char *const scores[] = {"softmax", "softmax normalize=sum", "softmax_selected",
                                         "sigmoid normalize=sum", "sqrt_softplus"};
    for (int s = 0; s < 5; s++) {
        float rows[2 * E], weights[2 * K];
        static const int32_t ids[2 * K] = {0, 1, 2, 0, 1, 2};
        uint8_t mask[2] = {1, 0};
        char options[64];
        for (int i = 0; i < 2 * E; i++)
            rows[i] = i == 1 ? -INFINITY : 0.5f;
        spr_batch batch = support_batch(rows, 2);
        batch.token_mask = mask;
        snprintf(options, sizeof options, "score=%s", scores[s]);
        route_open(options);
        route_succeeded(spr_weights(router.workspace, &batch, ids, weights, &error));
        ck_assert_msg(weights[0] > 0.0f && weights[1] == 0.0f && weights[2] > 0.0f, "%s: %g %g %g", scores[s],
                      (double)weights[0], (double)weights[1], (double)weights[2]);
        for (int j = 0; j < K; j++)
            ck_assert_msg(weights[K + j] == 0.0f, "%s: masked token has weight %g", scores[s], (double)weights[K + j]);
        route_close();
    }
}
END_TEST

START_TEST(masked_tokens_take_no_expert_and_no_place)
{
    for (int m = 0; m < MODES; m++) {
        float kept[T * E];
        uint8_t mask[T];
        int left = 0;
        for (int t = 0; t < T; t++) {
            mask[t] = t % 3 != 1 ? (uint8_t)(1 + t) : 0;                /* any nonzero byte takes part */
            if (mask[t] != 0)
                memcpy(kept + left++ * E, logits + t * E, sizeof(float) * E);
        }
        spr_batch batch = support_batch(logits, T), dense = support_batch(kept, left);
        support_table first;
        batch.token_mask = mask;
        route_open(modes[m]);
        support_table_open(&first, left, K, E);
        ck_assert_int_ge(spr_route(router.workspace, &dense, &first.table, &error), 0);
        spr_workspace_set_prices(router.workspace, NULL, &error);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_int_eq(router.out.statistics.tokens, left);
        ck_assert_int_eq(router.out.statistics.routes, first.statistics.routes);
        ck_assert_int_eq(router.out.statistics.capacity, first.statistics.capacity);
        ck_assert_ptr_null(support_table_contradiction(&router.out));
        for (int t = 0, row = 0; t < T; t++)
            if (mask[t] == 0) {
                for (int j = 0; j < K; j++)
                    ck_assert(router.out.table.ids[t * K + j] == -1 && router.out.table.weights[t * K + j] == 0.0f);
            } else {
                if (strstr(modes[m], "capacity") == NULL && strstr(modes[m], "balance") == NULL)
                    ck_assert(memcmp(router.out.table.ids + t * K, first.table.ids + row * K, K * 4) == 0);
                row++;
            }
        support_table_close(&first);
        route_close();
    }
}
END_TEST

START_TEST(select_weights_and_scores_agree_with_route)
{
    for (int m = 0; m < MODES; m++) {
        int32_t ids[T * K];
        float weights[T * K], scores[T * E];
        spr_batch batch = support_batch(logits, T);
        route_open(modes[m]);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_int_ge(spr_weights(router.workspace, &batch, router.out.table.ids, weights, &error), 0);
        if (router.out.statistics.dropped == 0)
            ck_assert_msg(memcmp(weights, router.out.table.weights, sizeof weights) == 0, "%s: other weights",
                          modes[m]);
        route_succeeded(spr_select(router.workspace, &batch, ids, &error));
        if (m < 5)
            ck_assert(memcmp(ids, router.out.table.ids, sizeof ids) == 0);
        /* every choice is at least as good as every expert left, and slots descend; equal scores by expert id */
        route_succeeded(spr_scores(router.workspace, &batch, scores, &error));
        for (int t = 0; t < T; t++)
            for (int j = 0; j < K; j++) {
                const float mine = scores[t * E + ids[t * K + j]];
                for (int e = 0; e < E; e++) {
                    int before = 0;
                    for (int i = 0; i <= j; i++)
                        before |= ids[t * K + i] == e;
                    ck_assert_msg(before || scores[t * E + e] < mine ||
                                      (scores[t * E + e] == mine && e > ids[t * K + j]),
                                  "%s: token %d, slot %d", modes[m], t, j);
                }
            }
        route_close();
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- statistics */

/* H as in the header, from the options of the plan, the table and spr_scores, in double. */
static double route_energy(const float *scores, double a, double b, int64_t devices, double *affinity)
{
    const spr_table *table = &router.out.table;
    double energy = 0.0, work[E] = {0}, nu[E] = {0};
    const double mu = (double)router.out.statistics.tokens * K / E;
    *affinity = 0.0;
    for (int i = 0; i < T * K; i++)
        *affinity += table->ids[i] >= 0 ? scores[i / K * E + table->ids[i]] : 0.0;
    for (int e = 0; e < E; e++) {
        energy += a / 2 * (table->counts[e] - mu) * (table->counts[e] - mu) / mu;
        work[devices > 0 ? e * devices / E : 0] += table->counts[e];
        nu[devices > 0 ? e * devices / E : 0] += mu;
    }
    for (int64_t d = 0; d < devices; d++)
        energy += b / 2 * (work[d] - nu[d]) * (work[d] - nu[d]) / nu[d];
    return energy - *affinity;
}

static double route_real(const char *name)
{
    double value = 0.0;
    ck_assert_int_eq(spr_plan_get_real(router.plan, name, &value, NULL), SPR_OK);
    return value;
}

static void route_check_statistics(const char *mode, const float *scores, const int32_t *greedy)
{
    const spr_statistics *s = &router.out.statistics;
    const spr_table *table = &router.out.table;
    const int64_t devices = support_option(router.plan, "devices");
    int64_t routes = 0, most = 0, active = 0, touches = 0, loads[E] = {0}, greedy_most = 0, greedy_over = 0, capacity;
    double affinity, greedy_affinity = 0.0;
    double energy = route_energy(scores, route_real("balance_weight"), route_real("device_balance_weight"), devices,
                                 &affinity);
    for (int e = 0; e < E; e++) {
        routes += table->counts[e];
        active += table->counts[e] > 0;
        most = table->counts[e] > most ? table->counts[e] : most;
    }
    for (int t = 0; t < T; t++)
        for (int64_t d = 0; d < devices; d++) {
            int touched = 0;
            for (int j = 0; j < K; j++)
                touched |= table->ids[t * K + j] >= 0 && table->ids[t * K + j] * devices / E == d;
            touches += touched;
        }
    ck_assert_int_eq(spr_plan_capacity(router.plan, s->tokens, &capacity, NULL), SPR_OK);
    for (int i = 0; i < T * K; i++) {
        loads[greedy[i]]++;
        greedy_affinity += scores[i / K * E + greedy[i]];
    }
    for (int e = 0; e < E; e++) {
        greedy_most = loads[e] > greedy_most ? loads[e] : greedy_most;
        greedy_over += capacity >= 0 && loads[e] > capacity ? loads[e] - capacity : 0;
    }
#define STATISTIC(name, want) \
    ck_assert_msg(s->name == (want), "%s: " #name " is %lld, expected %lld", mode, (long long)s->name, \
                  (long long)(want))
    STATISTIC(size, sizeof *s);
    STATISTIC(tokens, T);
    STATISTIC(routes, routes);
    STATISTIC(dropped, T * K - routes);
    STATISTIC(not_finite, 0);
    STATISTIC(capacity, capacity);
    STATISTIC(max_load, most);
    STATISTIC(active_experts, active);
    STATISTIC(device_touches, touches);
    STATISTIC(greedy_overflow, greedy_over);
    STATISTIC(greedy_max_load, greedy_most);
#undef STATISTIC
#define NEAR(name, want) \
    ck_assert_msg(fabs(s->name - (want)) <= 1e-9 * fabs(want), "%s: " #name " is %.17g, expected %.17g", mode, \
                  s->name, want)
    NEAR(affinity, affinity);
    NEAR(greedy_affinity, greedy_affinity);
    NEAR(energy, energy);
#undef NEAR
    ck_assert_msg(s->affinity <= s->greedy_affinity + 1e-9, "%s: better than the best", mode);
    if (s->dropped == 0) {
        double gap = (s->energy - s->lower_bound) / fmax(fabs(s->lower_bound), fabs(s->affinity));
        ck_assert_msg(s->lower_bound <= s->energy, "%s: bound %g above energy %g", mode, s->lower_bound, s->energy);
        ck_assert_msg(fabs(s->gap - gap) <= 1e-12 + 1e-9 * gap, "%s: gap %g, expected %g", mode, s->gap, gap);
    } else {
        ck_assert_msg(s->lower_bound == -INFINITY, "%s: a bound after drops", mode);
    }
    ck_assert_msg(capacity < 0 || s->max_load <= capacity, "%s: load %lld over capacity", mode, (long long)s->max_load);
    ck_assert(s->price_sweeps >= 0 && s->repair_paths >= 0 && s->price_overflow >= 0);
}

START_TEST(statistics_are_those_of_the_table)
{
    for (int m = 0; m < MODES; m++) {
        float scores[T * E];
        int32_t greedy[T * K];
        spr_batch batch = support_batch(logits, T);
        route_open(modes[m]);
        route_succeeded(spr_scores(router.workspace, &batch, scores, &error));
        route_succeeded(spr_select(router.workspace, &batch, greedy, &error));
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_msg(support_table_contradiction(&router.out) == NULL, "%s: %s", modes[m],
                      support_table_contradiction(&router.out));
        ck_assert(support_table_intact(&router.out));
        route_check_statistics(modes[m], scores, greedy);
        route_close();
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- prices */

START_TEST(places_are_free_when_there_is_room_for_all)
{
    static const char *const roomy[] = {"capacity=37", "capacity_factor=12", "capacity=37 affinity=logit"};
    for (int m = 0; m < 3; m++) {
        spr_batch batch = support_batch(logits, T);
        route_open(roomy[m]);
        route_succeeded(support_route(&router, &batch, &error));
        for (int e = 0; e < E; e++)
            ck_assert_msg(router.out.table.prices[e] == 0.0f, "%s: expert %d costs %g", roomy[m], e,
                          (double)router.out.table.prices[e]);
        ck_assert_int_eq(router.out.statistics.repair_paths, 0);
        route_close();
    }
}
END_TEST

START_TEST(the_most_wanted_expert_has_the_highest_price)
{
    float rows[T * E];
    for (int i = 0; i < T * E; i++)
        rows[i] = logits[i] + (i % E == 4 ? 5.0f : 0.0f);
    spr_batch batch = support_batch(rows, T);
    route_open("capacity_factor=1.25");
    route_succeeded(support_route(&router, &batch, &error));
    for (int e = 0; e < E; e++)
        ck_assert_msg(e == 4 || router.out.table.prices[e] < router.out.table.prices[4], "expert %d", e);
    route_close();
}
END_TEST

/* Two batches in turn; between them the prices are forgotten when forget is set. The second table is left in the
 * router. */
static void route_twice(const char *options, int forget)
{
    float second[T * E];
    route_logits(second, T, E, 2);
    spr_batch first_batch = support_batch(logits, T), second_batch = support_batch(second, T);
    route_open(options);
    ck_assert_int_ge(support_route(&router, &first_batch, &error), 0);
    if (forget)
        ck_assert_int_eq(spr_workspace_set_prices(router.workspace, NULL, &error), SPR_OK);
    ck_assert_int_ge(support_route(&router, &second_batch, &error), 0);
}

/* Takes the router's table away and closes the router. */
static void route_keep(support_table *kept)
{
    *kept = router.out;
    memset(&router.out, 0, sizeof router.out);
    route_close();
}

START_TEST(warm_prices_are_carried_and_can_be_forgotten_and_given_back)
{
    const char *const warm = "capacity_factor=1.1 start=warm";
    float second[T * E];
    support_table carried, forgotten, fresh;
    route_logits(second, T, E, 2);
    spr_batch first_batch = support_batch(logits, T), second_batch = support_batch(second, T);
    route_twice(warm, 0);
    route_keep(&carried);
    route_twice(warm, 1);
    route_keep(&forgotten);
    route_open(warm);
    ck_assert_int_ge(support_route(&router, &second_batch, &error), 0);
    route_keep(&fresh);
    ck_assert(support_table_equal(&forgotten, &fresh));
    ck_assert_msg(carried.statistics.price_sweeps <= fresh.statistics.price_sweeps, "warm: %d sweeps, cold: %d",
                  (int)carried.statistics.price_sweeps, (int)fresh.statistics.price_sweeps);
    ck_assert_msg(memcmp(carried.table.prices, fresh.table.prices, sizeof(float) * E) != 0,
                  "a warm start changes nothing");

    /* the prices of a table, given to a new workspace, are those that the old one carried */
    float prices[E];
    route_open(warm);
    ck_assert_int_ge(support_route(&router, &first_batch, &error), 0);
    memcpy(prices, router.out.table.prices, sizeof prices);
    route_close();
    route_open(warm);
    ck_assert_int_eq(spr_workspace_set_prices(router.workspace, prices, &error), SPR_OK);
    ck_assert_int_ge(support_route(&router, &second_batch, &error), 0);
    ck_assert(support_table_equal(&router.out, &carried));
    route_close();
    support_table_close(&carried);
    support_table_close(&forgotten);
    support_table_close(&fresh);
}
END_TEST

START_TEST(a_cold_start_has_no_memory)
{
    static const char *const cold[] = {"capacity_factor=1.1", "balance_weight=0.2", "capacity_factor=1 overflow=drop"};
    for (int m = 0; m < 3; m++) {
        support_table after, alone;
        float second[T * E];
        route_logits(second, T, E, 2);
        spr_batch batch = support_batch(second, T);
        route_twice(cold[m], 0);
        route_keep(&after);
        route_open(cold[m]);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        route_keep(&alone);
        ck_assert_msg(support_table_equal(&after, &alone), "%s", cold[m]);
        support_table_close(&after);
        support_table_close(&alone);
    }
}
END_TEST

START_TEST(a_failed_call_leaves_the_prices)
{
    static const char *const carrying[] = {"capacity_factor=1.1 start=warm", "balance_weight=0.2 start=warm",
                                           "capacity_factor=1.5 mode=causal",
                                           "capacity=11 start=warm infeasible=error"};
    for (int m = 0; m < 4; m++) {
        float second[T * E], broken[T * E], hard[T * E];
        support_table undisturbed;
        route_twice(carrying[m], 0);
        route_keep(&undisturbed);
        route_logits(second, T, E, 2);
        route_logits(broken, T, E, 3);
        for (int i = 0; i < T * E; i++)
            hard[i] = i % E < K ? 1.0f : -INFINITY; /* only K experts: infeasible under a capacity */
        broken[T * E - 1] = NAN;
        spr_batch first = support_batch(logits, T), next = support_batch(second, T), bad = support_batch(broken, T);
        route_open(carrying[m]);
        ck_assert_int_ge(support_route(&router, &first, &error), 0);
        ck_assert_int_eq(support_route(&router, &bad, &error), SPR_ERROR_NOT_FINITE);
        bad = support_batch(hard, T);
        if (strstr(carrying[m], "infeasible=error") != NULL)
            ck_assert_int_eq(support_route(&router, &bad, &error), SPR_ERROR_INFEASIBLE);
        bad.tokens = -1;
        ck_assert_int_eq(support_route(&router, &bad, &error), SPR_ERROR_TOKENS);
        ck_assert_int_ge(support_route(&router, &next, &error), 0);
        ck_assert_msg(support_table_equal(&undisturbed, &router.out), "%s: a failed call left a trace", carrying[m]);
        support_table_close(&undisturbed);
        route_close();
    }
}
END_TEST

START_TEST(select_weights_and_scores_leave_the_prices)
{
    float second[T * E], scores[T * E], weights[T * K];
    int32_t ids[T * K];
    support_table undisturbed;
    route_twice("capacity_factor=1.1 start=warm", 0);
    route_keep(&undisturbed);
    route_logits(second, T, E, 2);
    spr_batch first = support_batch(logits, T), next = support_batch(second, T);
    route_open("capacity_factor=1.1 start=warm");
    ck_assert_int_ge(support_route(&router, &first, &error), 0);
    route_succeeded(spr_select(router.workspace, &next, ids, &error));
    route_succeeded(spr_weights(router.workspace, &next, ids, weights, &error));
    route_succeeded(spr_scores(router.workspace, &next, scores, &error));
    ck_assert_int_ge(support_route(&router, &next, &error), 0);
    ck_assert(support_table_equal(&undisturbed, &router.out));
    support_table_close(&undisturbed);
    route_close();
}
END_TEST

START_TEST(prices_given_must_be_finite_and_aligned)
{
    float prices[E + 1] = {0};
    route_open("capacity_factor=1 start=warm");
    prices[7] = NAN;
    route_failed(spr_workspace_set_prices(router.workspace, prices, &error), SPR_ERROR_NOT_FINITE, "prices", "7");
    prices[7] = -INFINITY;
    route_failed(spr_workspace_set_prices(router.workspace, prices, &error), SPR_ERROR_NOT_FINITE, "prices", "7");
    route_failed(spr_workspace_set_prices(router.workspace, (float *)(void *)((char *)prices + 2), &error),
                 SPR_ERROR_ALIGNMENT, "prices", "4");
    prices[7] = -3.0f;
    route_succeeded(spr_workspace_set_prices(router.workspace, prices, &error));
    route_close();
}
END_TEST

/* -------------------------------------------------------------------------------------------------------- causality */

/* The capacity is a number of tokens: one by factor would depend on how many tokens follow. */
static const char *const causal[] = {"balance_weight=0.2 mode=causal", "capacity=14 mode=causal",
                                     "capacity=8 mode=causal", "capacity=14 normalize=sum mode=causal affinity=logit",
                                     "capacity=10 overflow=drop drop_order=position mode=causal"};

/* A workspace with the prices of an earlier batch, the same every time. */
static void route_open_causal(const char *options)
{
    float earlier[T * E];
    route_logits(earlier, T, E, 9);
    spr_batch batch = support_batch(earlier, T);
    route_open(options);
    ck_assert_int_ge(support_route(&router, &batch, &error), 0);
}

START_TEST(later_tokens_do_not_change_earlier_ones)
{
    for (int m = 0; m < 5; m++) {
        support_table all;
        spr_batch batch = support_batch(logits, T);
        route_open_causal(causal[m]);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        route_keep(&all);
        for (int t = 0; t < T; t++) {
            float changed[T * E];
            memcpy(changed, logits, sizeof changed);
            for (int i = t * E; i < T * E; i++)
                changed[i] = -logits[i];
            for (int cut = 0; cut < 2; cut++) {
                spr_batch other = support_batch(changed, cut ? t : T);
                route_open_causal(causal[m]);
                ck_assert_int_ge(support_route(&router, &other, &error), 0);
                const char *what = cut ? "cut" : "changed";
                ck_assert_msg(memcmp(router.out.table.ids, all.table.ids, sizeof(int32_t) * K * (size_t)t) == 0,
                              "%s: ids before token %d changed when later ones were %s", causal[m], t, what);
                ck_assert_msg(memcmp(router.out.table.weights, all.table.weights, sizeof(float) * K * (size_t)t) == 0,
                              "%s: weights before token %d changed when later ones were %s", causal[m], t, what);
                route_close();
            }
        }
        support_table_close(&all);
    }
}
END_TEST

START_TEST(causal_routing_learns_prices)
{
    /* everybody wants the same experts; without prices the late tokens get the bad ones, with them loads even out */
    spr_batch batch = support_batch(logits, T);
    route_open("balance_weight=5 mode=causal");
    ck_assert_int_ge(support_route(&router, &batch, &error), 0);
    int64_t first = router.out.statistics.max_load;
    ck_assert_int_eq(first, router.out.statistics.greedy_max_load);
    ck_assert_int_ge(support_route(&router, &batch, &error), 0);
    ck_assert_msg(router.out.statistics.max_load < first, "load %d after %d", (int)router.out.statistics.max_load,
                  (int)first);
    route_close();
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- capacity */

START_TEST(no_expert_exceeds_its_capacity_in_any_mode)
{
    static const char *const tight[] = {
        "", "mode=causal", "start=warm", "overflow=drop", "balance_weight=0.1", "overflow=drop drop_order=position",
        "drop_order=slot", "price_sweeps=0", "price_sweeps=0 repair_paths=0", "affinity=logit",
        "devices=3 device_balance_weight=1"};
    int32_t places[E];
    for (size_t m = 0; m < sizeof tight / sizeof tight[0]; m++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            char options[160];
            float rows[T * E];
            snprintf(options, sizeof options, "experts=%d k=%d %s", E, K, tight[m]);
            spr_plan *plan = support_plan(options);
            for (int e = 0; e < E; e++)
                places[e] = (int32_t)(support_random(seed, (uint64_t)e) % (seed % 2 ? 14 : 30));
            ck_assert_int_eq(spr_plan_set_array_int32(plan, "capacity", places, E, &error), SPR_OK);
            support_router_start(&router, plan, T);
            route_logits(rows, T, E, seed);
            spr_batch batch = support_batch(rows, T);
            for (int again = 0; again < 2; again++) {
                ck_assert_int_ge(support_route(&router, &batch, &error), 0);
                for (int e = 0; e < E; e++)
                    ck_assert_msg(router.out.table.counts[e] <= places[e], "%s, seed %d: expert %d has %d of %d",
                                  tight[m], (int)seed, e, router.out.table.counts[e], places[e]);
                ck_assert_ptr_null(support_table_contradiction(&router.out));
            }
            route_close();
        }
}
END_TEST

/* Counts the calls of a host's parallel-for and runs the tasks backwards. */
static void route_backwards(void *user, int64_t count, spr_parallel_task task, void *context)
{
    ++*(int *)user;
    for (int64_t i = count; i-- > 0;)
        task(context, i);
}

START_TEST(a_parallel_for_is_used_and_changes_nothing)
{
    enum { MANY = 2000 };
    float *rows = malloc(sizeof(float) * MANY * E);
    route_logits(rows, MANY, E, 5);
    spr_batch batch = support_batch(rows, MANY);
    for (int m = 0; m < MODES; m++) {
        char options[256];
        support_table first;
        int used = 0;
        snprintf(options, sizeof options, "experts=%d k=%d %s", E, K, modes[m]);
        support_router_open(&router, options, MANY);
        support_table_open(&first, MANY, K, E);
        ck_assert_int_ge(spr_route(router.workspace, &batch, &first.table, &error), 0);
        spr_workspace_set_prices(router.workspace, NULL, &error);
        ck_assert_int_eq(spr_workspace_set_parallel(router.workspace, route_backwards, &used, &error), SPR_OK);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_msg(support_table_equal(&first, &router.out), "%s: other table", modes[m]);
        ck_assert_int_gt(used, 0);
        used = 0;
        ck_assert_int_eq(spr_workspace_set_parallel(router.workspace, NULL, NULL, &error), SPR_OK);
        ck_assert_int_ge(support_route(&router, &batch, &error), 0);
        ck_assert_int_eq(used, 0);
        support_table_close(&first);
        route_close();
    }
    free(rows);
}
END_TEST

Suite *suite_route(void)
{
    Suite *suite = suite_create("route");
    TCase *statuses = tcase_create("statuses"), *arrays = tcase_create("arrays"), *promises = tcase_create("promises");
    TCase *cases[] = {statuses, arrays, promises};
    for (int i = 0; i < 3; i++) {
        tcase_add_checked_fixture(cases[i], route_setup, NULL);
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(statuses, arguments_must_not_be_null);
    tcase_add_test(statuses, tokens_dtype_and_stride_are_checked);
    tcase_add_test(statuses, structs_may_grow);
    tcase_add_test(statuses, pointers_must_be_aligned_to_their_elements);
    tcase_add_test(statuses, written_arrays_must_not_overlap);
    tcase_add_test(statuses, rows_that_are_not_finite_fail_the_call);
    tcase_add_test(statuses, rows_that_are_not_finite_get_no_expert_when_dropped);
    tcase_add_test(statuses, a_bias_that_is_not_finite_is_refused);
    tcase_add_test(statuses, nan_between_rows_and_in_masked_rows_is_not_read);
    tcase_add_test(statuses, an_empty_batch_is_noticed);
    tcase_add_test(statuses, a_batch_of_masked_tokens_is_no_error);
    tcase_add_test(statuses, ids_out_of_range_are_refused);
    tcase_add_test(statuses, capacity_that_cannot_be_kept_is_told_or_refused);
    tcase_add_test(arrays, outputs_are_optional_and_nothing_else_is_written);
    tcase_add_test(arrays, pointers_need_no_more_than_natural_alignment);
    tcase_add_test(arrays, half_types_are_the_same_numbers_as_float);
    tcase_add_test(arrays, minus_infinity_forbids_experts);
    tcase_add_test(arrays, weights_of_forbidden_experts_are_zero);
    tcase_add_test(arrays, masked_tokens_take_no_expert_and_no_place);
    tcase_add_test(arrays, select_weights_and_scores_agree_with_route);
    tcase_add_test(promises, statistics_are_those_of_the_table);
    tcase_add_test(promises, places_are_free_when_there_is_room_for_all);
    tcase_add_test(promises, the_most_wanted_expert_has_the_highest_price);
    tcase_add_test(promises, warm_prices_are_carried_and_can_be_forgotten_and_given_back);
    tcase_add_test(promises, a_cold_start_has_no_memory);
    tcase_add_test(promises, a_failed_call_leaves_the_prices);
    tcase_add_test(promises, select_weights_and_scores_leave_the_prices);
    tcase_add_test(promises, prices_given_must_be_finite_and_aligned);
    tcase_add_test(promises, later_tokens_do_not_change_earlier_ones);
    tcase_add_test(promises, causal_routing_learns_prices);
    tcase_add_test(promises, no_expert_exceeds_its_capacity_in_any_mode);
    tcase_add_test(promises, a_parallel_for_is_used_and_changes_nothing);
    return suite;
}
