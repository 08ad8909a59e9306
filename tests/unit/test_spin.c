/* SPDX-License-Identifier: MIT
 * The annealer's inner loops: one variable at a time in plain C says what they must do, bit for bit, in every variant that
 * this CPU has; and the states they visit at one temperature follow Boltzmann's distribution. */
#include "suites.h"

#include <float.h>

#include "support.h"
#include "../../lib/backend/anneal/replica.h"
#include "../../lib/backend/anneal/replicas.h"
#include "../../lib/base/exponential.h"
#include "../../lib/base/random.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

enum { MOST = 160, DENSE_CASES = 60, MANY = 64 };
enum { SMALL, WHOLE, REAL };

static const char *const variants[] = {"portable", "avx2", "avx512", "neon"};

static uint64_t drawn_seed, drawn;

static void draw_from(uint64_t seed)
{
    drawn_seed = seed;
    drawn = 0;
}

static int64_t whole(int64_t least, int64_t most)
{
    return least + (int64_t)(support_random(drawn_seed, drawn++) % (uint64_t)(most - least + 1));
}

/* ----------------------------------------------------------------------------------------------------------- tables */

static uint16_t draws[SPR_DRAWS_ROOM];
static float real_draws[SPR_DRAWS_ROOM];

/* A table of any numbers, with the ends of their range often among them. */
static void fill_draws(void)
{
    for (int i = 0; i < SPR_DRAWS_ROOM; i++) {
        const int64_t kind = whole(0, 9);
        draws[i] = kind == 0 ? 0 : kind == 1 ? UINT16_MAX : (uint16_t)whole(0, UINT16_MAX);
        real_draws[i] = kind == 0 ? 0.0f : kind == 1 ? 11.0f : (float)whole(0, 1 << 20) / 131072.0f;
    }
}

static spr__heat any_heat(void)
{
    const int64_t factor = whole(0, 4) == 0 ? 65535 : whole(0, 65535);
    return (spr__heat){(uint32_t)factor, (int32_t)whole(0, 15), whole(0, 7) == 0, (float)whole(0, 1000) / 64.0f};
}

static int32_t half_units(const spr__heat *heat, uint16_t draw)
{
    return (int32_t)((draw * heat->factor >> 16) >> heat->shift);
}

/* ------------------------------------------------------------------------------------------------------------ dense */

typedef struct dense_case {
    int kind;
    int64_t spans;
    spr__dense dense;
    int8_t small[MOST * MOST];
    int16_t whole[MOST * MOST], odd[MOST], field[MOST], state[MOST];
    float real[MOST * MOST], real_field[MOST];
    int32_t real_state[MOST];
} dense_case;

static void dense_point(dense_case *c)
{
    c->dense.rows = c->kind == SMALL ? (void *)c->small : c->kind == WHOLE ? (void *)c->whole : (void *)c->real;
    c->dense.field = c->kind == REAL ? (void *)c->real_field : (void *)c->field;
    c->dense.state = c->kind == REAL ? (void *)c->real_state : (void *)c->state;
    c->dense.odd = c->odd;
    c->dense.draws = draws;
    c->dense.real_draws = real_draws;
}

/* Couplings at random, often at the ends of their type; fields that no flip of all variables takes out of int16_t. */
static void dense_fill(dense_case *c, int kind, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    draw_from(seed);
    fill_draws();
    c->kind = kind;
    const int64_t n = whole(1, MOST), largest = kind == SMALL ? whole(1, 127) : whole(1, 200);
    c->spans = (n + SPR_SPAN - 1) / SPR_SPAN;
    c->dense.variables = n;
    c->dense.stride = c->spans * SPR_SPAN;
    c->dense.heat = any_heat();
    c->dense.key = support_random(seed, 1u << 30);
    c->dense.position = (uint64_t)whole(0, 1000);
    c->dense.room = whole(0, 2) == 0 ? whole(0, 200) : INT64_MAX;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            const int64_t value = i == j ? 0 : whole(0, 5) == 0 ? largest : whole(-largest, largest);
            const int64_t at = i * c->dense.stride + j;
            c->small[at] = (int8_t)(kind == SMALL ? value : 0);
            c->whole[at] = (int16_t)value;
            c->real[at] = (float)value * 0.37f;
        }
    for (int64_t i = 0; i < c->dense.stride; i++) {
        const int inside = i < n;
        c->odd[i] = (int16_t)(inside ? -whole(0, 1) : 0);
        c->field[i] = inside ? (int16_t)(whole(-INT16_MAX + 200 * n, INT16_MAX - 200 * n) / (whole(0, 3) == 0 ? 1 : 64))
                             : INT16_MAX;
        c->state[i] = (int16_t)(inside ? -whole(0, 1) : 0);
        c->real_field[i] = inside ? (float)whole(-3000, 3000) * 0.013f : FLT_MAX;
        c->real_state[i] = c->state[i];
    }
}

/* Metropolis' rule, variable by variable. */
static int64_t dense_reference(dense_case *c, int64_t first, int64_t last)
{
    spr__dense *d = &c->dense;
    for (; first < last && (c->kind == REAL || d->room >= SPR_SPAN); first++) {
        const uint64_t offset = spr__random_at(d->key, d->position++) & (SPR_DRAWS - 1);
        for (int64_t k = 0, i = first * SPR_SPAN; k < SPR_SPAN; k++, i++) {
            const int32_t on = c->kind == REAL ? c->real_state[i] != 0 : c->state[i] != 0;
            int accepted;
            if (c->kind == REAL) {
                const float gain = on ? -c->real_field[i] : c->real_field[i];
                accepted = d->heat.frozen ? gain < 0.0f : gain <= real_draws[offset + (uint64_t)k] * d->heat.scale;
            } else {
                const int32_t twice = 2 * c->field[i] - c->odd[i], gain = on ? -twice : twice;
                const int32_t units = half_units(&d->heat, draws[offset + (uint64_t)k]);
                accepted = gain <= (d->heat.frozen ? -1 : units < INT16_MAX ? units : INT16_MAX);
            }
            if (!accepted)
                continue;
            d->flips++;
            d->room -= c->kind != REAL;
            for (int64_t j = 0; j < d->stride; j++)
                if (c->kind == REAL)
                    c->real_field[j] += c->real[i * d->stride + j] * (on ? -1.0f : 1.0f);
                else
                    c->field[j] = (int16_t)(c->field[j] + (on ? -1 : 1) * c->whole[i * d->stride + j]);
            c->state[i] = (int16_t)~c->state[i];
            c->real_state[i] = ~c->real_state[i];
        }
    }
    return first;
}

static int64_t dense_sweep(const spr__spin_kernel *kernel, dense_case *c, int64_t first, int64_t last)
{
    return c->kind == SMALL   ? kernel->dense_small(&c->dense, first, last)
           : c->kind == WHOLE ? kernel->dense_whole(&c->dense, first, last) : kernel->dense_real(&c->dense, first, last);
}

static void dense_equal(const dense_case *a, const dense_case *b, const char *name, uint64_t seed)
{
    const size_t stride = (size_t)a->dense.stride;
    ck_assert_msg(a->dense.flips == b->dense.flips && a->dense.position == b->dense.position &&
                  a->dense.room == b->dense.room, "%s, kind %d, seed %d: %d flips instead of %d", name, a->kind,
                  (int)seed, (int)a->dense.flips, (int)b->dense.flips);
    if (a->kind == REAL)
        ck_assert_msg(memcmp(a->real_field, b->real_field, stride * sizeof(float)) == 0 &&
                      memcmp(a->real_state, b->real_state, stride * sizeof(int32_t)) == 0, "%s, seed %d", name, (int)seed);
    else
        ck_assert_msg(memcmp(a->field, b->field, stride * sizeof(int16_t)) == 0 &&
                      memcmp(a->state, b->state, stride * sizeof(int16_t)) == 0, "%s, kind %d, seed %d", name, a->kind,
                      (int)seed);
}

START_TEST(dense_sweeps_do_one_variable_at_a_time)
{
    static dense_case want, got;
    int64_t flips[3] = {0}, stopped = 0;
    for (int kind = SMALL; kind <= REAL; kind++)
        for (uint64_t seed = 0; seed < DENSE_CASES; seed++)
            for (int v = 0; v < COUNT(variants); v++) {
                const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
                if (kernel == NULL)
                    continue;
                dense_fill(&want, kind, seed);
                dense_fill(&got, kind, seed);
                dense_point(&want);
                dense_point(&got);
                for (int sweep = 0; sweep < 4; sweep++) {
                    const int64_t first = (int64_t)seed % want.spans, last = want.spans - sweep % 2;
                    const int64_t end = dense_reference(&want, first, last > first ? last : first);
                    ck_assert_int_eq(dense_sweep(kernel, &got, first, last > first ? last : first), end);
                    dense_equal(&got, &want, variants[v], seed);
                    stopped += end < last;
                }
                flips[kind] += want.dense.flips;
            }
    ck_assert(flips[SMALL] > 1000 && flips[WHOLE] > 1000 && flips[REAL] > 1000 && stopped > 10);
}
END_TEST

START_TEST(rows_are_added_and_the_largest_field_is_found)
{
    static dense_case want, got;
    for (int kind = SMALL; kind <= REAL; kind++)
        for (uint64_t seed = 0; seed < DENSE_CASES; seed++)
            for (int v = 0; v < COUNT(variants); v++) {
                const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
                if (kernel == NULL)
                    continue;
                dense_fill(&want, kind, seed);
                dense_fill(&got, kind, seed);
                const int64_t stride = want.dense.stride, n = want.dense.variables, row = whole(0, n - 1) * stride;
                const int32_t sign = seed % 2 == 0 ? 1 : -1;
                for (int64_t j = 0; j < stride; j++) {
                    want.field[j] = (int16_t)(want.field[j] + sign * want.whole[row + j]);
                    want.real_field[j] += (float)sign * want.real[row + j];
                }
                if (kind == SMALL)
                    kernel->row_small(got.field, got.small + row, sign, stride);
                else if (kind == WHOLE)
                    kernel->row_whole(got.field, got.whole + row, sign, stride);
                else
                    kernel->row_real(got.real_field, got.real + row, sign, stride);
                dense_equal(&got, &want, variants[v], seed);
                if (seed % 5 == 0)
                    want.field[whole(0, n - 1)] = seed % 2 == 0 ? -INT16_MAX : INT16_MAX;
                int32_t largest = 0;
                for (int64_t j = 0; j < n; j++)
                    largest = abs(want.field[j]) > largest ? abs(want.field[j]) : largest;
                ck_assert_int_eq(kernel->largest(want.field, n), largest);
            }
}
END_TEST

/* A replica with its fields in floats: the same as for real couplings. */
START_TEST(wide_fields_do_one_variable_at_a_time)
{
    static dense_case want, got;
    int64_t flips = 0;
    for (int kind = SMALL; kind <= WHOLE; kind++)
        for (uint64_t seed = 0; seed < DENSE_CASES; seed++)
            for (int v = 0; v < COUNT(variants); v++) {
                const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
                if (kernel == NULL)
                    continue;
                dense_fill(&want, kind, seed);
                for (int i = 0; i < MOST * MOST; i++)
                    want.real[i] = kind == SMALL ? want.small[i] : want.whole[i];
                for (int i = 0; i < MOST; i++)
                    want.real_field[i] = i < want.dense.variables ? want.field[i] + 0.5f * (i % 2) : FLT_MAX;
                want.kind = REAL;
                got = want;
                dense_point(&want);
                dense_point(&got);
                got.dense.rows = kind == SMALL ? (void *)got.small : (void *)got.whole;
                const int64_t row = whole(0, want.dense.variables - 1) * want.dense.stride;
                if (kind == SMALL)
                    kernel->row_wide_small(got.real_field, got.small + row, -1, got.dense.stride);
                else
                    kernel->row_wide_whole(got.real_field, got.whole + row, -1, got.dense.stride);
                for (int64_t j = 0; j < want.dense.stride; j++)
                    want.real_field[j] -= want.real[row + j];
                for (int sweep = 0; sweep < 3; sweep++) {
                    dense_reference(&want, 0, want.spans);
                    if (kind == SMALL)
                        ck_assert_int_eq(kernel->wide_small(&got.dense, 0, got.spans), got.spans);
                    else
                        ck_assert_int_eq(kernel->wide_whole(&got.dense, 0, got.spans), got.spans);
                    dense_equal(&got, &want, variants[v], seed);
                }
                flips += want.dense.flips;
            }
    ck_assert(flips > 1000);
}
END_TEST

START_TEST(moves_of_tabu_search_are_the_best_allowed)
{
    static dense_case want, got;
    for (int kind = SMALL; kind <= REAL; kind++)
        for (uint64_t seed = 0; seed < DENSE_CASES; seed++)
            for (int v = 0; v < COUNT(variants); v++) {
                const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
                float barred[MOST];
                int64_t flip = -1;
                if (kernel == NULL)
                    continue;
                dense_fill(&want, kind, seed);
                const int64_t n = want.dense.variables, stride = want.dense.stride;
                for (int i = 0; i < MOST * MOST; i++)
                    want.real[i] = kind == SMALL ? want.small[i] : kind == WHOLE ? want.whole[i] : want.real[i];
                for (int i = 0; i < MOST; i++)
                    want.real_field[i] = i < n ? (float)(want.field[i] / 4096) : FLT_MAX;
                want.kind = REAL;
                got = want;
                dense_point(&want);
                dense_point(&got);
                got.dense.rows = kind == SMALL ? (void *)got.small : kind == WHOLE ? (void *)got.whole : got.dense.rows;
                for (int step = 0; step < 40; step++) {
                    float least, all, expected = INFINITY, expected_all = INFINITY;
                    int64_t choice = -1;
                    for (int64_t i = 0; i < stride; i++)
                        barred[i] = i >= n || whole(0, 3) == 0 || seed % 9 == 8 ? INFINITY : (float)whole(0, 3) / 8.0f;
                    for (int64_t j = 0; j < stride && flip >= 0; j++)
                        want.real_field[j] += want.real[flip * stride + j] * (want.real_state[flip] != 0 ? -1.0f : 1.0f);
                    if (flip >= 0)
                        want.real_state[flip] = ~want.real_state[flip];
                    want.dense.flips += flip >= 0;
                    for (int64_t i = 0; i < n; i++) {
                        const float gain = want.real_state[i] != 0 ? -want.real_field[i] : want.real_field[i];
                        expected_all = gain < expected_all ? gain : expected_all;
                        if (gain + barred[i] < expected) {
                            expected = gain + barred[i];
                            choice = i;
                        }
                    }
                    flip = (kind == SMALL   ? kernel->choose_small
                            : kind == WHOLE ? kernel->choose_whole : kernel->choose_real)(&got.dense, barred, flip, &least, &all);
                    ck_assert_int_eq(flip, choice);
                    ck_assert(least == expected && all == expected_all && !signbit(least) == (least >= 0.0f));
                    dense_equal(&got, &want, variants[v], seed);
                }
            }
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- replicas */

enum { NODES = 20, EDGES = NODES * NODES };

typedef struct sparse_case {
    int kind;
    spr__replicas r;
    int64_t start[NODES + 1], minus[NODES];
    int32_t column[EDGES];
    int16_t weight[EDGES];
    float real_weight[EDGES];
    uint8_t odd[NODES];
    int8_t small_field[NODES * MANY], small_state[NODES * MANY], small_thresholds[2][SPR_DRAWS_ROOM];
    int16_t field[NODES * MANY], state[NODES * MANY], thresholds[2][SPR_DRAWS_ROOM];
    float real_field[NODES * MANY], real_thresholds[SPR_DRAWS_ROOM];
    int32_t real_state[NODES * MANY];
} sparse_case;

static void sparse_fill(sparse_case *c, const spr__spin_kernel *kernel, int kind, uint64_t seed)
{
    static int16_t table[NODES][NODES];
    memset(c, 0, sizeof *c);
    memset(table, 0, sizeof table);
    draw_from(seed + 1000);
    fill_draws();
    c->kind = kind;
    const int64_t n = whole(1, NODES);
    const spr__heat heat = any_heat();
    int64_t used = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (whole(0, 2) == 0)
                table[i][j] = table[j][i] = (int16_t)(kind == SMALL ? 2 * whole(0, 1) - 1 : whole(-700, 700));
    for (int i = 0; i < n; i++) {
        c->start[i] = used;
        for (int pass = 0; pass < 2; pass++) {
            for (int j = 0; j < n; j++)
                if (table[i][j] != 0 && (table[i][j] > 0) == (pass == 0)) {
                    c->column[used] = j;
                    c->weight[used] = table[i][j];
                    c->real_weight[used++] = (float)table[i][j] * 0.37f;
                }
            if (pass == 0)
                c->minus[i] = used;
        }
        c->odd[i] = (uint8_t)whole(0, 1);
    }
    c->start[n] = used;
    for (int at = 0; at < NODES * MANY; at++) {
        c->small_state[at] = (int8_t)-whole(0, 1);
        c->state[at] = c->small_state[at];
        c->real_state[at] = c->small_state[at];
        c->small_field[at] = (int8_t)whole(-100, 100);
        c->field[at] = (int16_t)(whole(-18000, 18000) / (whole(0, 1) == 0 ? 1 : 32));
        c->real_field[at] = (float)whole(-9000, 9000) * 0.013f;
    }
    for (int odd = 0; odd < 2; odd++) {
        kernel->thresholds_small(draws, &heat, odd, c->small_thresholds[odd]);
        kernel->thresholds_whole(draws, &heat, odd, c->thresholds[odd]);
    }
    for (int i = 0; i < SPR_DRAWS_ROOM; i++)
        c->real_thresholds[i] = heat.frozen ? -1e-30f : real_draws[i] * heat.scale;
    c->r = (spr__replicas){n, c->start, c->minus, c->column, c->weight, c->real_weight, c->odd, NULL, NULL, {NULL, NULL},
                           (uint32_t)whole(0, SPR_DRAWS - 1), (uint32_t)whole(0, SPR_DRAWS - 1) | 1};
    c->r.field = kind == SMALL ? (void *)c->small_field : kind == WHOLE ? (void *)c->field : (void *)c->real_field;
    c->r.state = kind == SMALL ? (void *)c->small_state : kind == WHOLE ? (void *)c->state : (void *)c->real_state;
    for (int odd = 0; odd < 2; odd++)
        c->r.thresholds[odd] = kind == SMALL   ? (void *)c->small_thresholds[odd]
                               : kind == WHOLE ? (void *)c->thresholds[odd] : (void *)c->real_thresholds;
}

static int64_t sparse_reference(sparse_case *c, int64_t first, int64_t last)
{
    int64_t flips = 0;
    for (int64_t i = first; i < last; i++, c->r.offset = (c->r.offset + c->r.step) & (SPR_DRAWS - 1))
        for (int lane = 0; lane < MANY; lane++) {
            const int64_t at = i * MANY + lane;
            const int on = c->small_state[at] != 0, sign = on ? -1 : 1, odd = c->odd[i];
            const int32_t twice = sign * (2 * (c->kind == SMALL ? c->small_field[at] : c->field[at]) + odd);
            const int64_t read = c->r.offset + lane;
            /* thresholds are of the gain without its odd half */
            if (c->kind == REAL ? (float)sign * c->real_field[at] > c->real_thresholds[read]
                : c->kind == SMALL ? twice > 2 * c->small_thresholds[odd][read] + odd
                                   : twice > 2 * c->thresholds[odd][read] + odd)
                continue;
            flips++;
            for (int64_t k = c->start[i]; k < c->start[i + 1]; k++) {
                const int64_t other = c->column[k] * MANY + lane;
                if (c->kind == REAL)
                    c->real_field[other] += (float)sign * c->real_weight[k];
                else if (c->kind == WHOLE)
                    c->field[other] = (int16_t)(c->field[other] + sign * c->weight[k]);
                else
                    c->small_field[other] = (int8_t)(c->small_field[other] + sign * c->weight[k]);
            }
            c->small_state[at] = (int8_t)~c->small_state[at];
            c->state[at] = (int16_t)~c->state[at];
            c->real_state[at] = ~c->real_state[at];
        }
    return flips;
}

START_TEST(replicas_do_one_variable_at_a_time)
{
    static sparse_case want, got;
    static const size_t width[] = {1, 2, 4};
    int64_t flips[3] = {0};
    for (int kind = SMALL; kind <= REAL; kind++)
        for (uint64_t seed = 0; seed < DENSE_CASES; seed++)
            for (int v = 0; v < COUNT(variants); v++) {
                const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
                if (kernel == NULL)
                    continue;
                sparse_fill(&want, spr__portable_spin(), kind, seed);
                sparse_fill(&got, kernel, kind, seed);
                for (int odd = 0; odd < 2; odd++)
                    ck_assert(memcmp(want.small_thresholds[odd], got.small_thresholds[odd], SPR_DRAWS_ROOM) == 0 &&
                              memcmp(want.thresholds[odd], got.thresholds[odd], sizeof want.thresholds[odd]) == 0);
                for (int sweep = 0; sweep < 3; sweep++) {
                    const int64_t n = want.r.variables, first = sweep * n / 4, last = n - sweep * n / 5;
                    flips[kind] += sparse_reference(&want, first, last);
                    if (kind == SMALL)
                        kernel->replicas_small(&got.r, first, last);
                    else if (kind == WHOLE)
                        kernel->replicas_whole(&got.r, first, last);
                    else
                        kernel->replicas_real(&got.r, first, last);
                    const size_t bytes = (size_t)(n * MANY) * width[kind];
                    ck_assert_msg(memcmp(got.r.field, want.r.field, bytes) == 0 && got.r.offset == want.r.offset &&
                                  memcmp(got.r.state, want.r.state, bytes) == 0, "%s, kind %d, seed %d", variants[v], kind,
                                  (int)seed);
                }
            }
    ck_assert(flips[SMALL] > 1000 && flips[WHOLE] > 1000 && flips[REAL] > 1000);
}
END_TEST

START_TEST(thresholds_are_the_largest_gains_accepted)
{
    static int8_t small[SPR_DRAWS_ROOM];
    static int16_t large[SPR_DRAWS_ROOM];
    for (uint64_t seed = 0; seed < 40; seed++)
        for (int v = 0; v < COUNT(variants); v++) {
            const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
            const int odd = (int)(seed & 1);
            draw_from(seed);
            fill_draws();
            const spr__heat heat = any_heat();
            if (kernel == NULL)
                continue;
            kernel->thresholds_small(draws, &heat, odd, small);
            kernel->thresholds_whole(draws, &heat, odd, large);
            for (int i = 0; i < SPR_DRAWS_ROOM; i++) {
                const int32_t units = heat.frozen ? -1 : half_units(&heat, draws[i]);
                /* 2 g + odd <= units, and not with the next g, where the type has it */
                ck_assert(2 * small[i] + odd <= units && (small[i] >= 126 || 2 * (small[i] + 1) + odd > units));
                ck_assert(2 * large[i] + odd <= units && (large[i] >= 16383 || 2 * (large[i] + 1) + odd > units));
            }
        }
}
END_TEST

/* --------------------------------------------------------------------------------------------- a host without engine */

static void *taken[256];
static int taken_count;

static void *lend(void *engine, size_t bytes)
{
    (void)engine;
    support_must(taken_count < COUNT(taken), "lend", "too many arrays");
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    support_must(memory != NULL, "lend", "no memory");
    taken[taken_count++] = memset(memory, 0, (bytes + 63) / 64 * 64);
    return memory;
}

static void give_back(void)
{
    while (taken_count > 0)
        free(taken[--taken_count]);
}

enum { TINY = 5, STATES = 1 << TINY, LARGE = 128 };

/* A problem of n variables with all pairs coupled. kind: what numbers it needs on sparse rows. */
typedef struct full_problem {
    spr_problem_view view;
    spr_host host;
    double linear[LARGE], value[LARGE * LARGE];
    int64_t start[LARGE + 1];
    int32_t column[LARGE * LARGE];
} full_problem;

static void full_fill(full_problem *p, int64_t n, int kind, uint64_t seed)
{
    static double table[LARGE][LARGE];
    int64_t used = 0;
    memset(p, 0, sizeof *p);
    draw_from(seed);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++) {
            const double value = kind == SMALL ? 2.0 * (double)whole(0, 1) - 1.0
                                 : kind == WHOLE ? (double)(whole(0, 1) == 0 ? whole(-300, -150) : whole(150, 300))
                                                 : (double)whole(-100, 100) / 77.0;
            table[i][j] = table[j][i] = value;
        }
        p->linear[i] = kind == SMALL ? (double)whole(-3, 3) * 0.5 : kind == WHOLE ? (double)whole(-200, 200)
                                                                            : (double)whole(-100, 100) / 77.0;
    }
    for (int64_t i = 0; i < n; i++) {
        p->start[i] = used;
        for (int64_t j = 0; j < n; j++)
            if (i != j) {
                p->column[used] = (int32_t)j;
                p->value[used++] = table[i][j];
            }
    }
    p->start[n] = used;
    p->view = (spr_problem_view){sizeof p->view, n, used / 2, p->linear, p->start, p->column, p->value, 0.25, NULL};
    p->host = (spr_host){.size = sizeof p->host, .problem = &p->view, .allocate = lend};
}

static double full_energy(const full_problem *p, const uint8_t *bits)
{
    double energy = p->view.offset;
    for (int64_t i = 0; i < p->view.variables; i++) {
        energy += bits[i] * p->linear[i];
        for (int64_t at = p->start[i]; at < p->start[i + 1]; at++)
            energy += 0.5 * bits[i] * bits[p->column[at]] * p->value[at];
    }
    return energy;
}

static int number_of(const uint8_t *bits)
{
    int number = 0;
    for (int i = 0; i < TINY; i++)
        number |= bits[i] << i;
    return number;
}

/* Metropolis sweeps with a fresh random number for every variable. */
static void fresh_sweep(const full_problem *p, uint8_t *bits, double temperature, uint64_t *position)
{
    for (int64_t i = 0; i < p->view.variables; i++) {
        double field = p->linear[i];
        for (int64_t at = p->start[i]; at < p->start[i + 1]; at++)
            field += bits[p->column[at]] * p->value[at];
        const double gain = bits[i] ? -field : field;
        const double draw = spr__exponential(spr__random(77, 5, (*position)++));
        bits[i] ^= temperature > 0.0 ? gain <= temperature * draw : gain < 0.0;
    }
}

/* -------------------------------------------------------------------------------------------- Boltzmann's distribution */

/* 31 degrees of freedom: mean 31, deviation 7.9. Samples are some sweeps apart, but not quite independent. */
static void boltzmann(const full_problem *p, const int64_t *counts, double temperature, const char *what)
{
    double weight[STATES], all = 0.0, square = 0.0;
    int64_t samples = 0;
    for (int s = 0; s < STATES; s++) {
        uint8_t bits[TINY];
        for (int i = 0; i < TINY; i++)
            bits[i] = s >> i & 1;
        all += weight[s] = exp(-full_energy(p, bits) / temperature);
        samples += counts[s];
    }
    for (int s = 0; s < STATES; s++) {
        const double expected = (double)samples * weight[s] / all;
        ck_assert_msg(expected > 5.0, "%s: %g expected", what, expected);
        square += ((double)counts[s] - expected) * ((double)counts[s] - expected) / expected;
    }
    ck_assert_msg(square < 80.0, "%s: chi-square %g", what, square);
}

static const double tiny_temperature[] = {1.5, 300.0, 1.0};
static const char *const kinds[] = {"small", "whole", "real"};

START_TEST(dense_states_follow_boltzmann)
{
    static full_problem p;
    for (int kind = SMALL; kind <= REAL; kind++) {
        int64_t counts[STATES] = {0};
        spr__model model;
        spr__replica replica;
        uint8_t bits[TINY];
        full_fill(&p, TINY, kind, 4);
        ck_assert_int_eq(spr__model_open(&model, &p.host, spr__spin_best(), SPR_MODEL_DENSE), SPR_OK);
        ck_assert_int_eq(model.numbers, kind);
        ck_assert(spr__replica_open(&replica, &p.host, &model));
        spr__replica_start(&replica, NULL, 99);
        const spr__heat heat = spr__model_heat(&model, tiny_temperature[kind]);
        for (int sample = 0; sample < 20000; sample++) {
            for (int sweep = 0; sweep < 6; sweep++)
                spr__replica_sweep(&replica, &heat, 0, 1);
            spr__replica_bits(&replica, bits);
            counts[number_of(bits)]++;
            if (sample % 1000 == 0)
                ck_assert_double_eq_tol(spr__replica_energy(&replica), full_energy(&p, bits), kind == REAL ? 1e-3 : 1e-12);
        }
        boltzmann(&p, counts, tiny_temperature[kind], kinds[kind]);
        give_back();
    }
}
END_TEST

START_TEST(replicas_follow_boltzmann)
{
    static full_problem p;
    for (int kind = SMALL; kind <= REAL; kind++) {
        int64_t counts[STATES] = {0};
        spr__model model;
        spr__bundle bundle;
        uint8_t bits[TINY];
        double energies[SPR_LANES];
        full_fill(&p, TINY, kind, 4);
        ck_assert_int_eq(spr__model_open(&model, &p.host, spr__spin_best(), SPR_MODEL_SPARSE), SPR_OK);
        ck_assert_int_eq(model.numbers, kind);
        ck_assert(spr__bundle_open(&bundle, &p.host, &model));
        spr__bundle_start(&bundle, 99);
        const spr__heat heat = spr__model_heat(&model, tiny_temperature[kind]);
        for (int sample = 0; sample < 400; sample++) {
            for (int sweep = 0; sweep < 6; sweep++)
                spr__bundle_sweep(&bundle, &heat, 0, TINY);
            spr__bundle_energies(&bundle, energies);
            for (int lane = 0; lane < SPR_LANES; lane++) {
                spr__bundle_bits(&bundle, lane, bits);
                counts[number_of(bits)]++;
                ck_assert_double_eq_tol(energies[lane], full_energy(&p, bits), kind == REAL ? 1e-3 : 1e-12);
            }
        }
        boltzmann(&p, counts, tiny_temperature[kind], kinds[kind]);
        give_back();
    }
}
END_TEST

START_TEST(fresh_numbers_follow_boltzmann)
{
    static full_problem p;
    for (int kind = SMALL; kind <= REAL; kind++) {
        int64_t counts[STATES] = {0};
        uint8_t bits[TINY] = {0};
        uint64_t position = 0;
        full_fill(&p, TINY, kind, 4);
        for (int sample = 0; sample < 20000; sample++) {
            for (int sweep = 0; sweep < 6; sweep++)
                fresh_sweep(&p, bits, tiny_temperature[kind], &position);
            counts[number_of(bits)]++;
        }
        boltzmann(&p, counts, tiny_temperature[kind], kinds[kind]);
    }
}
END_TEST

/* Mean and its error of the energies that short anneals end with. */
typedef struct outcome {
    double sum, squares;
    int64_t count;
} outcome;

static void outcome_add(outcome *o, double energy)
{
    o->sum += energy;
    o->squares += energy * energy;
    o->count++;
}

static void outcomes_agree(const outcome *a, const outcome *b, const char *what)
{
    const double m = a->sum / (double)a->count, n = b->sum / (double)b->count;
    const double v = (a->squares / (double)a->count - m * m) / (double)a->count;
    const double w = (b->squares / (double)b->count - n * n) / (double)b->count;
    ck_assert_msg(fabs(m - n) < 4.5 * sqrt(v + w), "%s: mean %g with the table, %g with fresh numbers, error %g", what, m, n,
                  sqrt(v + w));
}

enum { LADDER = 24, ANNEALS = 192 };

static double ladder(const spr__model *model, int sweep)
{
    return sweep >= LADDER ? 0.0 : model->hot * pow(model->cold / model->hot, sweep / (double)(LADDER - 1));
}

/* The table of draws that is read again and again is as good as fresh random numbers, on dense rows and on sparse ones. */
START_TEST(a_table_is_as_good_as_fresh_numbers)
{
    static full_problem p;
    for (int kind = SMALL; kind <= REAL; kind++) {
        outcome fresh = {0}, dense = {0}, sparse = {0};
        spr__model models[2];
        spr__replica replica;
        spr__bundle bundle;
        double energies[SPR_LANES];
        uint64_t position = 0;
        full_fill(&p, kind == WHOLE ? LARGE / 2 : LARGE, kind, 8);
        ck_assert_int_eq(spr__model_open(&models[0], &p.host, spr__spin_best(), SPR_MODEL_DENSE), SPR_OK);
        ck_assert_int_eq(spr__model_open(&models[1], &p.host, spr__spin_best(), SPR_MODEL_SPARSE), SPR_OK);
        ck_assert(spr__replica_open(&replica, &p.host, &models[0]) && spr__bundle_open(&bundle, &p.host, &models[1]));
        for (uint64_t run = 0; run < ANNEALS; run++) {
            uint8_t bits[LARGE];
            for (int i = 0; i < LARGE; i++)
                bits[i] = support_random(run + 300, (uint64_t)i) & 1;
            spr__replica_start(&replica, NULL, run * 3 + 1);
            for (int sweep = 0; sweep < LADDER + 3; sweep++) {
                const spr__heat heat = spr__model_heat(&models[0], ladder(&models[0], sweep));
                spr__replica_sweep(&replica, &heat, 0, models[0].stride / SPR_SPAN);
                fresh_sweep(&p, bits, ladder(&models[0], sweep), &position);
            }
            outcome_add(&dense, spr__replica_energy(&replica));
            outcome_add(&fresh, full_energy(&p, bits));
        }
        for (uint64_t run = 0; run < ANNEALS / SPR_LANES; run++) {
            spr__bundle_start(&bundle, run * 5 + 2);
            for (int sweep = 0; sweep < LADDER + 3; sweep++) {
                const spr__heat heat = spr__model_heat(&models[1], ladder(&models[0], sweep));
                spr__bundle_sweep(&bundle, &heat, 0, models[1].variables);
            }
            spr__bundle_energies(&bundle, energies);
            for (int lane = 0; lane < SPR_LANES; lane++)
                outcome_add(&sparse, energies[lane]);
        }
        outcomes_agree(&dense, &fresh, "dense");
        outcomes_agree(&sparse, &fresh, "sparse");
        give_back();
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------------------- overflow */

/* All pairs pull together, while the linear part holds a state of halves in balance: in the state of zeros, or where all
 * fall to one side, fields are far out of int16_t, but not in random states. */
START_TEST(fields_that_would_overflow_become_wide)
{
    enum { BIG = 1000 };
    static double linear[BIG], value[BIG * BIG];
    static int64_t start[BIG + 1];
    static int32_t column[BIG * BIG];
    uint8_t bits[BIG];
    int64_t used = 0;
    for (int i = 0; i < BIG; i++) {
        start[i] = used;
        linear[i] = i % 3 == 0 ? 49950.0 : 49951.0;
        for (int j = 0; j < BIG; j++)
            if (i != j) {
                column[used] = j;
                value[used++] = -100.0;
            }
    }
    start[BIG] = used;
    const spr_problem_view view = {sizeof view, BIG, used / 2, linear, start, column, value, 1.0, NULL};
    const spr_host host = {.size = sizeof host, .problem = &view, .allocate = lend};
    for (int v = 0; v < COUNT(variants); v++) {
        const spr__spin_kernel *kernel = spr__spin_find(variants[v]);
        spr__model model;
        spr__replica replica;
        if (kernel == NULL)
            continue;
        ck_assert_int_eq(spr__model_open(&model, &host, kernel, SPR_MODEL_DENSE), SPR_OK);
        ck_assert(model.numbers == SPR_MODEL_SMALL && !model.bounded);
        ck_assert(spr__replica_open(&replica, &host, &model));
        spr__replica_start(&replica, NULL, 5);
        const spr__heat heat = spr__model_heat(&model, 300.0);
        int narrow = 0;
        for (int64_t sweep = 0; sweep < 40; sweep++)
            for (int64_t span = 0; span < model.stride / SPR_SPAN; span++) {
                spr__replica_sweep(&replica, &heat, span, span + 1);
                narrow += !replica.wide;
            }
        ck_assert(replica.wide && narrow > 0);
        spr__replica_bits(&replica, bits);
        double energy = 1.0;
        for (int i = 0; i < BIG; i++) {
            double field = linear[i], half = 0.0;
            for (int j = 0; j < BIG; j++)
                half += i != j && bits[j] ? -100.0 : 0.0;
            ck_assert_double_eq(spr__replica_gain(&replica, i), bits[i] ? -field - half : field + half);
            energy += bits[i] ? field + 0.5 * half : 0.0;
        }
        ck_assert_double_eq(spr__replica_energy(&replica), energy);
        ck_assert(energy == 1.0 || energy == 1.0 + 1000.0 * 49951.0 - 334.0 - 100.0 * 999.0 * 500.0);
    }
    give_back();
}
END_TEST

Suite *suite_spin(void)
{
    Suite *suite = suite_create("spin");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {dense_sweeps_do_one_variable_at_a_time, rows_are_added_and_the_largest_field_is_found,
                                  replicas_do_one_variable_at_a_time,     thresholds_are_the_largest_gains_accepted,
                                  dense_states_follow_boltzmann,          replicas_follow_boltzmann,
                                  fresh_numbers_follow_boltzmann,         a_table_is_as_good_as_fresh_numbers,
                                  wide_fields_do_one_variable_at_a_time,  moves_of_tabu_search_are_the_best_allowed,
                                  fields_that_would_overflow_become_wide};
    suite_add_tcase(suite, all);
    tcase_set_timeout(all, 60);
    /* statistics say nothing about memory */
    for (int i = 0; i < COUNT(tests); i++)
        if (getenv("SPR_TEST_QUICK") == NULL || i < 4 || i > 7)
            tcase_add_test(all, tests[i]);
    return suite;
}
