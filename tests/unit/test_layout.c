/* SPDX-License-Identifier: MIT
 * The layouts, read as a specification: for each one a table small enough to lay out by hand, then every status.
 * Random tables against independent statements: tests/layouts. */
#include "suites.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "spinroute.h"

/* Four tokens, two slots, four experts. Token 1 lost its second route, token 3 both; expert 3 is unused. */
enum { T = 4, K = 2, E = 4 };
static const int32_t ids[T * K] = {2, 0,   0, -1,   1, 2,   -1, -1};
static const float weights[T * K] = {0.75f, 0.25f,   1.0f, 0.0f,   0.5f, 0.25f,   0.0f, 0.0f};

static spr_error error;

#define ck_ints(got, ...) layout_equal_(#got, got, (const int64_t[]){__VA_ARGS__}, \
                                        (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), sizeof *(got))
static void layout_equal_(const char *name, const void *got, const int64_t *want, int count, size_t element)
{
    for (int i = 0; i < count; i++) {
        int64_t value = element == 1   ? (int64_t)((const uint8_t *)got)[i]
                        : element == 4 ? (int64_t)((const int32_t *)got)[i]
                                       : ((const int64_t *)got)[i];
        ck_assert_msg(value == want[i], "%s[%d] is %lld, expected %lld", name, i, (long long)value,
                      (long long)want[i]);
    }
}

static void layout_floats(const float *got, const float *want, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_msg(got[i] == want[i], "element %d is %g, expected %g", i, (double)got[i], (double)want[i]);
}

/* The call failed with this status, said so in the error, and its sentence holds both fragments. */
static void layout_failed(spr_status got, spr_status want, const char *name, const char *value)
{
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, name);
    ck_assert_int_eq(error.status, want);
    ck_assert_msg(strstr(error.message, name) != NULL, "'%s' does not name %s", error.message, name);
    ck_assert_msg(strstr(error.message, value) != NULL, "'%s' does not tell %s", error.message, value);
}

static void layout_succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_int_eq(error.status, SPR_OK);
    ck_assert_str_eq(error.message, "");
}

/* The same pointer, one byte on. */
#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))

/* A number of the address space's order: no array has that many elements. */
#define HUGE_SIZE INT64_MAX

/* -------------------------------------------------------------------------------------------------------------- blocks
 * Each layout has a struct of arguments, good as they are; a test spoils one of them. */

typedef struct blocks_call {
    const int32_t *ids;
    int64_t tokens, k, experts, block;
    const int32_t *expert_map;
    int32_t *sorted;
    int64_t sorted_size;
    int32_t *block_experts;
    int64_t block_experts_size;
    int32_t *padded;
} blocks_call;

static int32_t blocks_sorted[27], blocks_experts[16], blocks_padded;

static blocks_call blocks_good(void)
{
    blocks_call c = {ids, T, K, E, 2, NULL, blocks_sorted, T * K + E, blocks_experts, 6, &blocks_padded};
    return c;
}

static spr_status blocks_run(blocks_call c)
{
    return spr_layout_blocks(c.ids, c.tokens, c.k, c.experts, c.block, c.expert_map, c.sorted, c.sorted_size,
                             c.block_experts, c.block_experts_size, c.padded, &error);
}

#define BLOCKS_FAILS(spoil, status, name, value) \
    do { blocks_call c = blocks_good(); spoil; layout_failed(blocks_run(c), status, name, value); } while (0)

START_TEST(blocks_groups_routes_by_expert_and_pads_with_tokens_times_k)
{
    layout_succeeded(blocks_run(blocks_good()));
    ck_ints(blocks_sorted, 1, 2,   4, 8,   0, 5,   8, 8, 8, 8, 8, 8);
    ck_ints(blocks_experts, 0, 1, 2, 0, 0, 0);
    ck_assert_int_eq(blocks_padded, 6);
}
END_TEST

START_TEST(blocks_of_the_example_in_the_documentation_of_vllm)
{
    static const int32_t topk_ids[12] = {2, 3, 4,   1, 2, 4,   1, 3, 4,   1, 2, 3};
    blocks_call c = {topk_ids, 4, 3, 5, 4, NULL, blocks_sorted, 27, blocks_experts, 7, &blocks_padded};
    layout_succeeded(blocks_run(c));
    ck_ints(blocks_sorted, 3, 6, 9, 12,   0, 4, 10, 12,   1, 7, 11, 12,   2, 5, 8, 12,   12, 12, 12, 12, 12, 12, 12);
    ck_ints(blocks_experts, 1, 2, 3, 4, 0, 0, 0);
    ck_assert_int_eq(blocks_padded, 16);
}
END_TEST

START_TEST(blocks_of_experts_elsewhere_stay_and_are_named_minus_one)
{
    static const int32_t map[E] = {-1, 1, 0, -1};
    blocks_call c = blocks_good();
    c.expert_map = map;
    layout_succeeded(blocks_run(c));
    ck_ints(blocks_sorted, 1, 2,   4, 8,   0, 5);
    ck_ints(blocks_experts, -1, 1, 0, 0, 0, 0);
    ck_assert_int_eq(blocks_padded, 6);
}
END_TEST

START_TEST(blocks_of_size_one_have_no_filler)
{
    blocks_call c = blocks_good();
    c.block = 1;
    c.sorted_size = T * K;
    c.block_experts_size = T * K;
    layout_succeeded(blocks_run(c));
    ck_ints(blocks_sorted, 1, 2, 4, 0, 5, 8, 8, 8);
    ck_ints(blocks_experts, 0, 0, 1, 2, 2, 0, 0, 0);
    ck_assert_int_eq(blocks_padded, 5);
}
END_TEST

START_TEST(blocks_of_no_tokens_are_all_filler)
{
    blocks_call c = blocks_good();
    c.tokens = 0;
    c.ids = NULL;
    c.sorted_size = 4;
    c.block_experts_size = 2;
    memset(blocks_sorted, -1, sizeof blocks_sorted);
    memset(blocks_experts, -1, sizeof blocks_experts);
    layout_succeeded(blocks_run(c));
    ck_ints(blocks_sorted, 0, 0, 0, 0, -1);
    ck_ints(blocks_experts, 0, 0, -1);
    ck_assert_int_eq(blocks_padded, 0);

    c.block = 1; /* nothing to write at all: the arrays may be missing */
    c.sorted = c.block_experts = NULL;
    c.sorted_size = c.block_experts_size = 0;
    layout_succeeded(blocks_run(c));
}
END_TEST

START_TEST(blocks_refuses_bad_arguments)
{
    static const int32_t map[E] = {0, 1, E, 2}, map_low[E] = {0, -2, 1, 2};
    BLOCKS_FAILS(c.tokens = -1, SPR_ERROR_ARGUMENT, "tokens", "-1");
    BLOCKS_FAILS(c.k = 0, SPR_ERROR_ARGUMENT, "k is 0", "1..64");
    BLOCKS_FAILS(c.k = 65, SPR_ERROR_ARGUMENT, "k is 65", "1..64");
    BLOCKS_FAILS(c.experts = 0, SPR_ERROR_ARGUMENT, "experts", "1..4096");
    BLOCKS_FAILS(c.experts = 4097, SPR_ERROR_ARGUMENT, "experts", "4097");
    BLOCKS_FAILS(c.block = 0, SPR_ERROR_ARGUMENT, "block", "1..65536");
    BLOCKS_FAILS(c.block = 65537, SPR_ERROR_ARGUMENT, "block", "65537");
    BLOCKS_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    BLOCKS_FAILS(c.sorted = NULL, SPR_ERROR_ARGUMENT, "sorted", "NULL");
    BLOCKS_FAILS(c.block_experts = NULL, SPR_ERROR_ARGUMENT, "block_experts", "NULL");
    BLOCKS_FAILS(c.padded = NULL, SPR_ERROR_ARGUMENT, "padded", "NULL");
    BLOCKS_FAILS(c.sorted_size = 11, SPR_ERROR_SIZE, "sorted_size is 11", "12");
    BLOCKS_FAILS(c.sorted_size = -1, SPR_ERROR_SIZE, "sorted_size", "-1");
    BLOCKS_FAILS(c.block_experts_size = 5, SPR_ERROR_SIZE, "block_experts_size is 5", "6");
    BLOCKS_FAILS(c.sorted_size = 13, SPR_ERROR_SIZE, "block_experts_size is 6", "7");
    BLOCKS_FAILS((c.tokens = 1 << 30), SPR_ERROR_SIZE, "tokens", "1073741824");
    BLOCKS_FAILS(c.tokens = INT64_MAX, SPR_ERROR_SIZE, "tokens", "9223372036854775807");
    BLOCKS_FAILS((c.tokens = (1 << 30) - 1, c.sorted_size = c.block_experts_size = HUGE_SIZE, c.block = 65536),
                 SPR_ERROR_SIZE, "block is 65536", "2147745786");
    BLOCKS_FAILS((c.sorted_size = c.block_experts_size = HUGE_SIZE), SPR_ERROR_SIZE, "sorted", "9223372036854775807");
    BLOCKS_FAILS(c.expert_map = map, SPR_ERROR_EXPERT_ID, "expert_map of expert 2 is 4", "-1..3");
    BLOCKS_FAILS(c.expert_map = map_low, SPR_ERROR_EXPERT_ID, "expert_map of expert 1 is -2", "-1..3");
    BLOCKS_FAILS(c.experts = 2, SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    BLOCKS_FAILS(c.ids = MISALIGNED(ids), SPR_ERROR_ALIGNMENT, "ids", "4 bytes");
    BLOCKS_FAILS(c.expert_map = MISALIGNED(map), SPR_ERROR_ALIGNMENT, "expert_map", "4 bytes");
    BLOCKS_FAILS(c.sorted = MISALIGNED(blocks_sorted), SPR_ERROR_ALIGNMENT, "sorted", "4 bytes");
    BLOCKS_FAILS(c.block_experts = MISALIGNED(blocks_experts), SPR_ERROR_ALIGNMENT, "block_experts", "4 bytes");
    BLOCKS_FAILS(c.padded = MISALIGNED(blocks_experts), SPR_ERROR_ALIGNMENT, "padded", "4 bytes");
    BLOCKS_FAILS(c.padded = blocks_sorted + 11, SPR_ERROR_OVERLAP, "padded", "sorted");
    BLOCKS_FAILS(c.block_experts = blocks_sorted + 11, SPR_ERROR_OVERLAP, "block_experts", "sorted");
    BLOCKS_FAILS(c.expert_map = blocks_sorted, SPR_ERROR_OVERLAP, "expert_map", "sorted");
    BLOCKS_FAILS((memset(blocks_sorted, 0, sizeof blocks_sorted), c.ids = blocks_sorted), SPR_ERROR_OVERLAP, "sorted",
                 "ids");
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- dispatch */

typedef struct dispatch_call {
    const int32_t *ids;
    int64_t tokens, k, experts, ranks, nodes;
    int32_t *per_rank, *per_node, *per_expert;
    uint8_t *in_rank;
} dispatch_call;

static int32_t dispatch_rank[4], dispatch_node[4], dispatch_expert[4];
static uint8_t dispatch_in_rank[16];

static dispatch_call dispatch_good(void)
{
    dispatch_call c = {ids, T, K, E, 2, 1, dispatch_rank, dispatch_node, dispatch_expert, dispatch_in_rank};
    return c;
}

static spr_status dispatch_run(dispatch_call c)
{
    return spr_layout_dispatch(c.ids, c.tokens, c.k, c.experts, c.ranks, c.nodes, c.per_rank, c.per_node, c.per_expert,
                               c.in_rank, &error);
}

#define DISPATCH_FAILS(spoil, status, name, value) \
    do { dispatch_call c = dispatch_good(); spoil; layout_failed(dispatch_run(c), status, name, value); } while (0)

START_TEST(dispatch_sends_a_token_once_to_each_rank_it_needs)
{
    layout_succeeded(dispatch_run(dispatch_good()));
    ck_ints(dispatch_in_rank, 1, 1,   1, 0,   1, 1,   0, 0);
    ck_ints(dispatch_rank, 3, 2);
    ck_ints(dispatch_node, 3);
    ck_ints(dispatch_expert, 2, 1, 2, 0);
}
END_TEST

START_TEST(dispatch_counts_a_token_once_per_rank_and_node)
{
    static const int32_t both_in_node_0[4] = {0, 1,   3, 2};
    dispatch_call c = dispatch_good();
    c.ids = both_in_node_0;
    c.tokens = 2;
    c.ranks = 4;
    c.nodes = 2;
    memset(dispatch_node, -1, sizeof dispatch_node);
    layout_succeeded(dispatch_run(c));
    ck_ints(dispatch_in_rank, 1, 1, 0, 0,   0, 0, 1, 1);
    ck_ints(dispatch_rank, 1, 1, 1, 1);
    ck_ints(dispatch_node, 1, 1, -1, -1);

    c.ranks = 2;
    layout_succeeded(dispatch_run(c));
    ck_ints(dispatch_in_rank, 1, 0,   0, 1);
    ck_ints(dispatch_rank, 1, 1);
}
END_TEST

START_TEST(dispatch_does_without_nodes)
{
    dispatch_call c = dispatch_good();
    c.per_node = NULL;
    layout_succeeded(dispatch_run(c));
    ck_ints(dispatch_rank, 3, 2);
}
END_TEST

START_TEST(dispatch_of_no_tokens_is_zero)
{
    dispatch_call c = dispatch_good();
    c.tokens = 0;
    c.ids = NULL;
    c.in_rank = NULL;
    memset(dispatch_rank, -1, sizeof dispatch_rank);
    memset(dispatch_node, -1, sizeof dispatch_node);
    memset(dispatch_expert, -1, sizeof dispatch_expert);
    layout_succeeded(dispatch_run(c));
    ck_ints(dispatch_rank, 0, 0, -1);
    ck_ints(dispatch_node, 0, -1);
    ck_ints(dispatch_expert, 0, 0, 0, 0);
}
END_TEST

START_TEST(dispatch_refuses_bad_arguments)
{
    DISPATCH_FAILS(c.tokens = -5, SPR_ERROR_ARGUMENT, "tokens", "-5");
    DISPATCH_FAILS(c.k = 65, SPR_ERROR_ARGUMENT, "k", "65");
    DISPATCH_FAILS(c.experts = 4097, SPR_ERROR_ARGUMENT, "experts", "4097");
    DISPATCH_FAILS(c.ranks = 0, SPR_ERROR_ARGUMENT, "ranks is 0", "experts");
    DISPATCH_FAILS(c.ranks = 3, SPR_ERROR_ARGUMENT, "ranks is 3", "divide experts, which is 4");
    DISPATCH_FAILS(c.ranks = 8, SPR_ERROR_ARGUMENT, "ranks is 8", "experts");
    DISPATCH_FAILS(c.nodes = 0, SPR_ERROR_ARGUMENT, "nodes is 0", "ranks");
    DISPATCH_FAILS((c.ranks = 4, c.nodes = 3), SPR_ERROR_ARGUMENT, "nodes is 3", "divide ranks, which is 4");
    DISPATCH_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    DISPATCH_FAILS(c.per_rank = NULL, SPR_ERROR_ARGUMENT, "tokens_per_rank", "NULL");
    DISPATCH_FAILS(c.per_expert = NULL, SPR_ERROR_ARGUMENT, "tokens_per_expert", "NULL");
    DISPATCH_FAILS(c.in_rank = NULL, SPR_ERROR_ARGUMENT, "token_in_rank", "NULL");
    DISPATCH_FAILS(c.tokens = INT64_MAX, SPR_ERROR_SIZE, "tokens", "9223372036854775807");
    DISPATCH_FAILS(c.tokens = 1 << 30, SPR_ERROR_SIZE, "tokens", "1073741824");
    DISPATCH_FAILS((c.experts = 2, c.ranks = 1), SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    DISPATCH_FAILS(c.ids = MISALIGNED(ids), SPR_ERROR_ALIGNMENT, "ids", "4 bytes");
    DISPATCH_FAILS(c.per_rank = MISALIGNED(dispatch_rank), SPR_ERROR_ALIGNMENT, "tokens_per_rank", "4 bytes");
    DISPATCH_FAILS(c.per_node = MISALIGNED(dispatch_node), SPR_ERROR_ALIGNMENT, "tokens_per_node", "4 bytes");
    DISPATCH_FAILS(c.per_expert = MISALIGNED(dispatch_rank), SPR_ERROR_ALIGNMENT, "tokens_per_expert", "4 bytes");
    DISPATCH_FAILS(c.per_node = dispatch_expert + 3, SPR_ERROR_OVERLAP, "tokens_per_expert", "tokens_per_node");
    DISPATCH_FAILS(c.in_rank = (uint8_t *)dispatch_rank + 7, SPR_ERROR_OVERLAP, "token_in_rank", "tokens_per_rank");
}
END_TEST

/* -------------------------------------------------------------------------------------------- dense and log_weights */

typedef struct dense_call {
    const int32_t *ids;
    const float *weights;
    int64_t tokens, k, experts;
    uint8_t *map;
    float *dense;
} dense_call;

static uint8_t dense_map[T * E];
static float dense_weights[T * E];

static dense_call dense_good(void)
{
    dense_call c = {ids, weights, T, K, E, dense_map, dense_weights};
    return c;
}

static spr_status dense_run(dense_call c)
{
    return spr_layout_dense(c.ids, c.weights, c.tokens, c.k, c.experts, c.map, c.dense, &error);
}

static spr_status log_weights_run(dense_call c)
{
    return spr_layout_log_weights(c.ids, c.weights, c.tokens, c.k, c.experts, c.dense, &error);
}

#define DENSE_FAILS(spoil, status, name, value) \
    do { dense_call c = dense_good(); spoil; layout_failed(dense_run(c), status, name, value); } while (0)
#define LOG_WEIGHTS_FAILS(spoil, status, name, value) \
    do { dense_call c = dense_good(); spoil; layout_failed(log_weights_run(c), status, name, value); } while (0)

START_TEST(dense_has_a_column_per_expert)
{
    static const float want[T * E] = {0.25f, 0, 0.75f, 0,   1, 0, 0, 0,   0, 0.5f, 0.25f, 0,   0, 0, 0, 0};
    memset(dense_map, 0xA5, sizeof dense_map);
    memset(dense_weights, 0xA5, sizeof dense_weights);
    layout_succeeded(dense_run(dense_good()));
    ck_ints(dense_map, 1, 0, 1, 0,   1, 0, 0, 0,   0, 1, 1, 0,   0, 0, 0, 0);
    layout_floats(dense_weights, want, T * E);
}
END_TEST

START_TEST(dense_gives_either_output_alone)
{
    dense_call c = dense_good();
    c.weights = NULL;
    c.dense = NULL;
    memset(dense_map, 0xA5, sizeof dense_map);
    layout_succeeded(dense_run(c));
    ck_ints(dense_map, 1, 0, 1, 0,   1, 0, 0, 0,   0, 1, 1, 0,   0, 0, 0, 0);

    c = dense_good();
    c.map = NULL;
    layout_succeeded(dense_run(c));
    ck_assert(dense_weights[2] == 0.75f);
}
END_TEST

START_TEST(dense_marks_a_chosen_expert_of_weight_zero_and_skips_weights_of_dropped_routes)
{
    static const int32_t two[2] = {1, -1};
    static const float odd[2] = {0.0f, 7.0f};
    dense_call c = {two, odd, 1, 2, 2, dense_map, dense_weights};
    layout_succeeded(dense_run(c));
    ck_ints(dense_map, 0, 1);
    layout_floats(dense_weights, (const float[]){0, 0}, 2);
}
END_TEST

START_TEST(dense_of_no_tokens_writes_nothing)
{
    dense_call c = {NULL, NULL, 0, K, E, NULL, NULL};
    layout_succeeded(dense_run(c));
    layout_succeeded(log_weights_run(c));
    c = dense_good();
    c.tokens = 0;
    dense_map[0] = 9;
    dense_weights[0] = 9;
    layout_succeeded(dense_run(c));
    layout_succeeded(log_weights_run(c));
    ck_assert_int_eq(dense_map[0], 9);
    ck_assert(dense_weights[0] == 9);
}
END_TEST

START_TEST(dense_refuses_bad_arguments)
{
    DENSE_FAILS(c.tokens = -1, SPR_ERROR_ARGUMENT, "tokens", "-1");
    DENSE_FAILS(c.k = -3, SPR_ERROR_ARGUMENT, "k", "-3");
    DENSE_FAILS(c.experts = 5000, SPR_ERROR_ARGUMENT, "experts", "5000");
    DENSE_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    DENSE_FAILS(c.weights = NULL, SPR_ERROR_ARGUMENT, "weights", "NULL");
    DENSE_FAILS((c.map = NULL, c.dense = NULL), SPR_ERROR_ARGUMENT, "map and dense", "NULL");
    DENSE_FAILS(c.tokens = INT64_MAX, SPR_ERROR_SIZE, "ids", "9223372036854775807");
    DENSE_FAILS((c.tokens = INT64_MAX / 1024, c.experts = 4096, c.dense = NULL), SPR_ERROR_SIZE, "map",
                "9007199254740991*4096");
    DENSE_FAILS(c.experts = 2, SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    DENSE_FAILS(c.ids = MISALIGNED(ids), SPR_ERROR_ALIGNMENT, "ids", "4 bytes");
    DENSE_FAILS(c.weights = MISALIGNED(weights), SPR_ERROR_ALIGNMENT, "weights", "4 bytes");
    DENSE_FAILS(c.dense = MISALIGNED(dense_weights), SPR_ERROR_ALIGNMENT, "dense", "4 bytes");
    DENSE_FAILS(c.map = (uint8_t *)dense_weights + 63, SPR_ERROR_OVERLAP, "dense", "map");
    DENSE_FAILS(c.weights = dense_weights, SPR_ERROR_OVERLAP, "dense", "weights");
}
END_TEST

START_TEST(dense_map_needs_no_alignment)
{
    static uint8_t bytes[T * E + 1];
    dense_call c = dense_good();
    c.map = bytes + 1;
    layout_succeeded(dense_run(c));
    ck_ints(c.map, 1, 0, 1, 0);
}
END_TEST

START_TEST(log_weights_are_logarithms_and_minus_1e30)
{
    static const float n = -1e30f;
    layout_succeeded(log_weights_run(dense_good()));
    const float want[T * E] = {(float)log(0.25), n, (float)log(0.75), n,   0, n, n, n,
                               n, (float)log(0.5), (float)log(0.25), n,   n, n, n, n};
    layout_floats(dense_weights, want, T * E);
}
END_TEST

START_TEST(log_weights_softmax_is_weight_over_sum)
{
    layout_succeeded(log_weights_run(dense_good()));
    const float *row = dense_weights + 2 * E; /* token 2: 0.5 and 0.25 */
    double sum = 0;
    for (int e = 0; e < E; e++)
        sum += exp((double)row[e]);
    ck_assert(fabs(exp((double)row[1]) / sum - 2.0 / 3.0) < 1e-7);
    ck_assert(fabs(exp((double)row[2]) / sum - 1.0 / 3.0) < 1e-7);
    ck_assert(exp((double)row[0]) / sum == 0.0);
}
END_TEST

START_TEST(log_weights_of_zero_and_of_extremes)
{
    static const int32_t four[4] = {0, 1, 2, 3};
    static const float extreme[4] = {0.0f, -0.0f, FLT_MAX, 1e-45f};
    dense_call c = {four, extreme, 1, 4, 4, NULL, dense_weights};
    layout_succeeded(log_weights_run(c));
    const float want[4] = {-1e30f, -1e30f, (float)log((double)FLT_MAX), (float)log((double)1e-45f)};
    layout_floats(dense_weights, want, 4);
}
END_TEST

START_TEST(log_weights_refuses_bad_arguments)
{
    float bad[T * K];
    memcpy(bad, weights, sizeof bad);
    LOG_WEIGHTS_FAILS(c.tokens = -1, SPR_ERROR_ARGUMENT, "tokens", "-1");
    LOG_WEIGHTS_FAILS(c.k = 0, SPR_ERROR_ARGUMENT, "k", "0");
    LOG_WEIGHTS_FAILS(c.experts = 0, SPR_ERROR_ARGUMENT, "experts", "0");
    LOG_WEIGHTS_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    LOG_WEIGHTS_FAILS(c.weights = NULL, SPR_ERROR_ARGUMENT, "weights", "NULL");
    LOG_WEIGHTS_FAILS(c.dense = NULL, SPR_ERROR_ARGUMENT, "log_weights", "NULL");
    LOG_WEIGHTS_FAILS((c.tokens = INT64_MAX / 1024, c.experts = 4096), SPR_ERROR_SIZE, "log_weights", "*4096");
    LOG_WEIGHTS_FAILS(c.experts = 2, SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    LOG_WEIGHTS_FAILS((bad[5] = -0.5f, c.weights = bad), SPR_ERROR_NOT_FINITE, "token 2, slot 1", "-0.5");
    LOG_WEIGHTS_FAILS((bad[2] = NAN, c.weights = bad), SPR_ERROR_NOT_FINITE, "token 1, slot 0", "nan");
    LOG_WEIGHTS_FAILS((bad[0] = INFINITY, c.weights = bad), SPR_ERROR_NOT_FINITE, "token 0, slot 0", "inf");
    LOG_WEIGHTS_FAILS(c.weights = MISALIGNED(weights), SPR_ERROR_ALIGNMENT, "weights", "4 bytes");
    LOG_WEIGHTS_FAILS(c.dense = MISALIGNED(dense_weights), SPR_ERROR_ALIGNMENT, "log_weights", "4 bytes");
    LOG_WEIGHTS_FAILS(c.weights = dense_weights + 15, SPR_ERROR_OVERLAP, "log_weights", "weights");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------ permutation */

typedef struct permutation_call {
    const int32_t *ids;
    int64_t tokens, k, experts, ranks;
    int64_t *sorted;
    int64_t sorted_size;
    int64_t *per_expert, *splits, *routes;
} permutation_call;

static int64_t permutation_sorted[8], permutation_counts[4], permutation_splits[4], permutation_routes;

static permutation_call permutation_good(void)
{
    permutation_call c = {ids, T, K, E, 2, permutation_sorted, T * K, permutation_counts, permutation_splits,
                          &permutation_routes};
    return c;
}

static spr_status permutation_run(permutation_call c)
{
    return spr_layout_permutation(c.ids, c.tokens, c.k, c.experts, c.ranks, c.sorted, c.sorted_size, c.per_expert,
                                  c.splits, c.routes, &error);
}

#define PERMUTATION_FAILS(spoil, status, name, value) \
    do { permutation_call c = permutation_good(); spoil; layout_failed(permutation_run(c), status, name, value); } \
    while (0)

START_TEST(permutation_lists_tokens_expert_by_expert)
{
    memset(permutation_sorted, -1, sizeof permutation_sorted);
    layout_succeeded(permutation_run(permutation_good()));
    ck_ints(permutation_sorted, 0, 1,   2,   0, 2,   -1, -1, -1);
    ck_ints(permutation_counts, 2, 1, 2, 0);
    ck_ints(permutation_splits, 3, 2);
    ck_ints(&permutation_routes, 5);
}
END_TEST

START_TEST(permutation_needs_only_room_for_the_routes)
{
    permutation_call exact = permutation_good();
    exact.sorted_size = 5;
    layout_succeeded(permutation_run(exact));
    PERMUTATION_FAILS(c.sorted_size = 4, SPR_ERROR_SIZE, "sorted_size is 4", "5");
}
END_TEST

START_TEST(permutation_of_no_tokens_is_zero)
{
    permutation_call c = permutation_good();
    c.tokens = 0;
    c.ids = NULL;
    c.sorted = NULL;
    c.sorted_size = 0;
    memset(permutation_counts, -1, sizeof permutation_counts);
    memset(permutation_splits, -1, sizeof permutation_splits);
    permutation_routes = -1;
    layout_succeeded(permutation_run(c));
    ck_ints(permutation_counts, 0, 0, 0, 0);
    ck_ints(permutation_splits, 0, 0, -1);
    ck_ints(&permutation_routes, 0);
}
END_TEST

START_TEST(permutation_refuses_bad_arguments)
{
    PERMUTATION_FAILS(c.tokens = -1, SPR_ERROR_ARGUMENT, "tokens", "-1");
    PERMUTATION_FAILS(c.k = 65, SPR_ERROR_ARGUMENT, "k", "65");
    PERMUTATION_FAILS(c.experts = 4097, SPR_ERROR_ARGUMENT, "experts", "4097");
    PERMUTATION_FAILS(c.ranks = 3, SPR_ERROR_ARGUMENT, "ranks is 3", "4");
    PERMUTATION_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    PERMUTATION_FAILS(c.sorted = NULL, SPR_ERROR_ARGUMENT, "sorted_indices", "NULL");
    PERMUTATION_FAILS(c.per_expert = NULL, SPR_ERROR_ARGUMENT, "tokens_per_expert", "NULL");
    PERMUTATION_FAILS(c.splits = NULL, SPR_ERROR_ARGUMENT, "input_splits", "NULL");
    PERMUTATION_FAILS(c.routes = NULL, SPR_ERROR_ARGUMENT, "routes", "NULL");
    PERMUTATION_FAILS(c.sorted_size = -1, SPR_ERROR_SIZE, "sorted_size", "-1");
    PERMUTATION_FAILS(c.sorted_size = HUGE_SIZE, SPR_ERROR_SIZE, "sorted_indices", "9223372036854775807");
    PERMUTATION_FAILS(c.tokens = INT64_MAX, SPR_ERROR_SIZE, "ids", "9223372036854775807");
    PERMUTATION_FAILS((c.experts = 2), SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    PERMUTATION_FAILS(c.ids = MISALIGNED(ids), SPR_ERROR_ALIGNMENT, "ids", "4 bytes");
    PERMUTATION_FAILS((c.sorted = MISALIGNED(permutation_sorted), c.sorted_size = 5), SPR_ERROR_ALIGNMENT,
                      "sorted_indices", "aligned");
    PERMUTATION_FAILS(c.routes = MISALIGNED(&permutation_counts), SPR_ERROR_ALIGNMENT, "routes", "aligned");
    PERMUTATION_FAILS(c.splits = permutation_sorted + 7, SPR_ERROR_OVERLAP, "input_splits", "sorted_indices");
    PERMUTATION_FAILS(c.routes = permutation_counts + 3, SPR_ERROR_OVERLAP, "routes", "tokens_per_expert");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ slots */

typedef struct slots_call {
    const int32_t *ids;
    const float *weights;
    int64_t tokens, k, experts, capacity;
    int32_t slot_order;
    int32_t *indices, *locations;
    float *gates;
    int32_t *counts;
} slots_call;

static int32_t slots_indices[T * K], slots_locations[T * K], slots_counts[E];
static float slots_gates[T * K];

static slots_call slots_good(void)
{
    slots_call c = {ids, weights, T, K, E, 2, 1, slots_indices, slots_locations, slots_gates, slots_counts};
    return c;
}

static spr_status slots_run(slots_call c)
{
    return spr_layout_slots(c.ids, c.weights, c.tokens, c.k, c.experts, c.capacity, c.slot_order, c.indices,
                            c.locations, c.gates, c.counts, &error);
}

#define SLOTS_FAILS(spoil, status, name, value) \
    do { slots_call c = slots_good(); spoil; layout_failed(slots_run(c), status, name, value); } while (0)

START_TEST(slots_let_first_choices_go_first)
{
    static const float want[T * K] = {0.75f, 1, 0.5f, 0,   0.25f, 0, 0.25f, 0};
    layout_succeeded(slots_run(slots_good()));
    ck_ints(slots_indices,   2, 0, 1, -1,   0, -1, 2, -1);
    ck_ints(slots_locations, 0, 0, 0, -1,   1, -1, 1, -1);
    ck_ints(slots_counts, 2, 1, 2, 0);
    layout_floats(slots_gates, want, T * K);
}
END_TEST

START_TEST(slots_in_token_order)
{
    slots_call c = slots_good();
    c.slot_order = 0;
    layout_succeeded(slots_run(c));
    ck_ints(slots_indices,   2, 0, 1, -1,   0, -1, 2, -1);
    ck_ints(slots_locations, 0, 1, 0, -1,   0, -1, 1, -1); /* token 0 takes expert 0 before token 1 does */
    ck_ints(slots_counts, 2, 1, 2, 0);
}
END_TEST

START_TEST(slots_give_no_gate_to_a_dropped_route)
{
    static const int32_t two[2] = {-1, 1};
    static const float odd[2] = {7.0f, 0.5f};
    slots_call c = {two, odd, 1, 2, 2, 1, 1, slots_indices, slots_locations, slots_gates, slots_counts};
    layout_succeeded(slots_run(c));
    layout_floats(slots_gates, (const float[]){0, 0.5f}, 2);
}
END_TEST

START_TEST(slots_of_no_tokens_are_empty)
{
    slots_call c = {NULL, NULL, 0, K, E, 1, 1, NULL, NULL, NULL, slots_counts};
    memset(slots_counts, -1, sizeof slots_counts);
    layout_succeeded(slots_run(c));
    ck_ints(slots_counts, 0, 0, 0, 0);
}
END_TEST

START_TEST(slots_refuses_bad_arguments)
{
    SLOTS_FAILS(c.tokens = -1, SPR_ERROR_ARGUMENT, "tokens", "-1");
    SLOTS_FAILS(c.k = 65, SPR_ERROR_ARGUMENT, "k", "65");
    SLOTS_FAILS(c.experts = 4097, SPR_ERROR_ARGUMENT, "experts", "4097");
    SLOTS_FAILS(c.capacity = 0, SPR_ERROR_ARGUMENT, "capacity is 0", "1..2147483647");
    SLOTS_FAILS(c.capacity = (int64_t)INT32_MAX + 1, SPR_ERROR_ARGUMENT, "capacity", "2147483648");
    SLOTS_FAILS(c.slot_order = 2, SPR_ERROR_ARGUMENT, "slot_order is 2", "0..1");
    SLOTS_FAILS(c.slot_order = -1, SPR_ERROR_ARGUMENT, "slot_order", "-1");
    SLOTS_FAILS(c.ids = NULL, SPR_ERROR_ARGUMENT, "ids", "NULL");
    SLOTS_FAILS(c.weights = NULL, SPR_ERROR_ARGUMENT, "weights", "NULL");
    SLOTS_FAILS(c.indices = NULL, SPR_ERROR_ARGUMENT, "indices", "NULL");
    SLOTS_FAILS(c.locations = NULL, SPR_ERROR_ARGUMENT, "locations", "NULL");
    SLOTS_FAILS(c.gates = NULL, SPR_ERROR_ARGUMENT, "gates", "NULL");
    SLOTS_FAILS(c.counts = NULL, SPR_ERROR_ARGUMENT, "counts", "NULL");
    SLOTS_FAILS(c.capacity = 1, SPR_ERROR_SIZE, "capacity is 1", "at least 2, the routes of expert 0");
    SLOTS_FAILS(c.tokens = 1 << 30, SPR_ERROR_SIZE, "tokens", "1073741824");
    SLOTS_FAILS(c.experts = 2, SPR_ERROR_EXPERT_ID, "token 0, slot 0 is 2", "-1..1");
    SLOTS_FAILS(c.ids = MISALIGNED(ids), SPR_ERROR_ALIGNMENT, "ids", "4 bytes");
    SLOTS_FAILS(c.weights = MISALIGNED(weights), SPR_ERROR_ALIGNMENT, "weights", "4 bytes");
    SLOTS_FAILS(c.indices = MISALIGNED(slots_indices), SPR_ERROR_ALIGNMENT, "indices", "4 bytes");
    SLOTS_FAILS(c.locations = MISALIGNED(slots_locations), SPR_ERROR_ALIGNMENT, "locations", "4 bytes");
    SLOTS_FAILS(c.gates = MISALIGNED(slots_gates), SPR_ERROR_ALIGNMENT, "gates", "4 bytes");
    SLOTS_FAILS(c.counts = MISALIGNED(slots_counts), SPR_ERROR_ALIGNMENT, "counts", "4 bytes");
    SLOTS_FAILS(c.locations = slots_indices + 7, SPR_ERROR_OVERLAP, "locations", "indices");
    SLOTS_FAILS(c.counts = slots_locations, SPR_ERROR_OVERLAP, "counts", "locations");
    SLOTS_FAILS(c.weights = slots_gates, SPR_ERROR_OVERLAP, "gates", "weights");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------ all of them */

START_TEST(layouts_find_every_bad_id)
{
    static const int32_t bad[] = {E, -2, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        int32_t copy[T * K];
        char value[32];
        memcpy(copy, ids, sizeof copy);
        copy[5] = bad[i];
        snprintf(value, sizeof value, "slot 1 is %d;", (int)bad[i]);
        BLOCKS_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
        DISPATCH_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
        DENSE_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
        LOG_WEIGHTS_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
        PERMUTATION_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
        SLOTS_FAILS(c.ids = copy, SPR_ERROR_EXPERT_ID, "ids of token 2", value);
    }
}
END_TEST

START_TEST(layouts_may_read_the_same_memory_twice)
{
    blocks_call c = blocks_good();
    c.expert_map = ids; /* {2, 0, 0, -1} is a map too */
    layout_succeeded(blocks_run(c));
    ck_ints(blocks_experts, 2, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(layouts_do_without_an_error_struct)
{
    ck_assert_int_eq(spr_layout_dense(ids, weights, T, K, E, dense_map, NULL, NULL), SPR_OK);
    ck_assert_int_eq(spr_layout_dense(ids, weights, T, K, 2, dense_map, NULL, NULL), SPR_ERROR_EXPERT_ID);
    ck_assert_int_eq(spr_layout_dense(ids, weights, T, 0, E, dense_map, NULL, NULL), SPR_ERROR_ARGUMENT);
}
END_TEST

START_TEST(layouts_take_the_largest_k_and_experts)
{
    enum { most_k = 64, most_experts = 4096 };
    static int32_t row[most_k], counts[most_experts], indices[most_k], locations[most_k];
    static int32_t sorted[most_k + most_experts], owners[most_k + most_experts], padded, ranks[most_experts];
    static uint8_t map[most_experts];
    static float w[most_k], gates[most_k], dense[most_experts];
    static int64_t order[most_k], per_expert[most_experts], splits[most_experts], routes;
    for (int i = 0; i < most_k; i++)
        row[i] = most_experts - 1 - i;

    layout_succeeded(spr_layout_blocks(row, 1, most_k, most_experts, 2, NULL, sorted, most_k + most_experts, owners,
                                       (most_k + most_experts) / 2, &padded, &error));
    ck_assert_int_eq(padded, 2 * most_k);
    ck_assert_int_eq(owners[most_k - 1], most_experts - 1);
    layout_succeeded(spr_layout_dispatch(row, 1, most_k, most_experts, most_experts, most_experts, ranks, sorted,
                                         counts, map, &error));
    ck_assert_int_eq(ranks[most_experts - 1] + sorted[most_experts - 1] + counts[most_experts - 1], 3);
    layout_succeeded(spr_layout_dense(row, w, 1, most_k, most_experts, map, dense, &error));
    ck_assert_int_eq(map[most_experts - 1], 1);
    layout_succeeded(spr_layout_log_weights(row, w, 1, most_k, most_experts, dense, &error));
    layout_succeeded(spr_layout_permutation(row, 1, most_k, most_experts, most_experts, order, most_k, per_expert,
                                            splits, &routes, &error));
    ck_assert_int_eq(splits[most_experts - 1], 1);
    layout_succeeded(spr_layout_slots(row, w, 1, most_k, most_experts, INT32_MAX, 1, indices, locations, gates, counts,
                                      &error));
    ck_assert_int_eq(counts[most_experts - 1], 1);
}
END_TEST

Suite *suite_layout(void)
{
    Suite *suite = suite_create("layout");
    TCase *blocks = tcase_create("blocks"), *dispatch = tcase_create("dispatch"), *dense = tcase_create("dense");
    TCase *logs = tcase_create("log_weights"), *permutation = tcase_create("permutation");
    TCase *slots = tcase_create("slots"), *all = tcase_create("all");

    tcase_add_test(blocks, blocks_groups_routes_by_expert_and_pads_with_tokens_times_k);
    tcase_add_test(blocks, blocks_of_the_example_in_the_documentation_of_vllm);
    tcase_add_test(blocks, blocks_of_experts_elsewhere_stay_and_are_named_minus_one);
    tcase_add_test(blocks, blocks_of_size_one_have_no_filler);
    tcase_add_test(blocks, blocks_of_no_tokens_are_all_filler);
    tcase_add_test(blocks, blocks_refuses_bad_arguments);
    suite_add_tcase(suite, blocks);

    tcase_add_test(dispatch, dispatch_sends_a_token_once_to_each_rank_it_needs);
    tcase_add_test(dispatch, dispatch_counts_a_token_once_per_rank_and_node);
    tcase_add_test(dispatch, dispatch_does_without_nodes);
    tcase_add_test(dispatch, dispatch_of_no_tokens_is_zero);
    tcase_add_test(dispatch, dispatch_refuses_bad_arguments);
    suite_add_tcase(suite, dispatch);

    tcase_add_test(dense, dense_has_a_column_per_expert);
    tcase_add_test(dense, dense_gives_either_output_alone);
    tcase_add_test(dense, dense_marks_a_chosen_expert_of_weight_zero_and_skips_weights_of_dropped_routes);
    tcase_add_test(dense, dense_of_no_tokens_writes_nothing);
    tcase_add_test(dense, dense_refuses_bad_arguments);
    tcase_add_test(dense, dense_map_needs_no_alignment);
    suite_add_tcase(suite, dense);

    tcase_add_test(logs, log_weights_are_logarithms_and_minus_1e30);
    tcase_add_test(logs, log_weights_softmax_is_weight_over_sum);
    tcase_add_test(logs, log_weights_of_zero_and_of_extremes);
    tcase_add_test(logs, log_weights_refuses_bad_arguments);
    suite_add_tcase(suite, logs);

    tcase_add_test(permutation, permutation_lists_tokens_expert_by_expert);
    tcase_add_test(permutation, permutation_needs_only_room_for_the_routes);
    tcase_add_test(permutation, permutation_of_no_tokens_is_zero);
    tcase_add_test(permutation, permutation_refuses_bad_arguments);
    suite_add_tcase(suite, permutation);

    tcase_add_test(slots, slots_let_first_choices_go_first);
    tcase_add_test(slots, slots_in_token_order);
    tcase_add_test(slots, slots_give_no_gate_to_a_dropped_route);
    tcase_add_test(slots, slots_of_no_tokens_are_empty);
    tcase_add_test(slots, slots_refuses_bad_arguments);
    suite_add_tcase(suite, slots);

    tcase_add_test(all, layouts_find_every_bad_id);
    tcase_add_test(all, layouts_may_read_the_same_memory_twice);
    tcase_add_test(all, layouts_do_without_an_error_struct);
    tcase_add_test(all, layouts_take_the_largest_k_and_experts);
    suite_add_tcase(suite, all);
    return suite;
}
