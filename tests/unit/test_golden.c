/* SPDX-License-Identifier: MIT
 * Golden vectors: with balancing off, ids equal those of the published routers and weights agree to 1e-6.
 * The format of the files is described in tests/golden/make_golden.py. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spinroute.h"
#include "suites.h"

#ifndef GOLDEN_DIR
#define GOLDEN_DIR "tests/golden"
#endif

/* A list and not a directory listing: a file that went missing is a failure. */
static const char *const files[] = {
    "deepseek-v2", "deepseek-v3", "deepspeed-top2", "gpt-oss", "gshard", "megatron", "megatron-drop",
    "megatron-drop-position", "megatron-group", "megatron-pre-softmax", "megatron-sigmoid", "megatron-sqrtsoftplus",
    "mixtral", "olmoe", "qwen2-moe", "qwen3-moe", "switch", "ties"
};
enum { FILES = (int)(sizeof files / sizeof files[0]), OPTIONS = 16, NAME = 64 };

static const char *const variants[] = { "portable", "avx2", "avx512", "neon" };
enum { VARIANTS = (int)(sizeof variants / sizeof variants[0]) };

struct golden {
    char name[NAME], preset[NAME], source[256];
    char option[OPTIONS][2][NAME];
    int options;
    float *bias;                 /* NULL = none */
    int64_t tokens, experts, k;
    int32_t dtype;
    void *logits;
    int32_t *ids;
    float *weights;
};

/* All that failed in one file, so that one wrong case does not hide the next. */
static char report[3072];    /* Check refuses messages much longer than this */
static int failures;

static void note(const struct golden *g, const char *format, ...)
{
    size_t used = strlen(report);
    va_list list;

    failures++;
    if (used + 600 > sizeof report) {
        return;                  /* counted, not told */
    }
    used += (size_t)snprintf(report + used, sizeof report - used, "\n  case %s (preset %s; %s): ", g->name, g->preset,
                             g->source);
    va_start(list, format);
    vsnprintf(report + used, sizeof report - used, format, list);
    va_end(list);
}

/* ------------------------------------------------------------------------------------------------------------ reading */

static void *room(int64_t count, size_t size)
{
    void *memory = calloc((size_t)count + 1, size);

    ck_assert_msg(memory != NULL, "no memory");
    return memory;
}

static void read_word(FILE *file, char word[NAME])
{
    ck_assert_msg(fscanf(file, "%63s", word) == 1, "golden file ends too early");
}

static int64_t read_integer(FILE *file)
{
    long value;

    ck_assert_msg(fscanf(file, "%ld", &value) == 1, "golden file: not an integer");
    return value;
}

static uint32_t read_bits(FILE *file)
{
    unsigned int value;

    ck_assert_msg(fscanf(file, "%x", &value) == 1, "golden file: not a hexadecimal word");
    return value;
}

static float *read_floats(FILE *file, int64_t count)
{
    float *values = room(count, sizeof *values);

    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = read_bits(file);
        memcpy(&values[i], &bits, sizeof bits);
    }
    return values;
}

static void expect_word(FILE *file, const char *wanted)
{
    char word[NAME];

    read_word(file, word);
    ck_assert_msg(strcmp(word, wanted) == 0, "golden file: expected '%s', got '%s'", wanted, word);
}

/* Reads the next case; 0 at the end of the file. */
static int read_case(FILE *file, struct golden *g)
{
    char word[NAME];
    int64_t cells;

    memset(g, 0, sizeof *g);
    if (fscanf(file, "%63s", word) != 1) {
        return 0;
    }
    ck_assert_msg(strcmp(word, "case") == 0, "golden file: expected 'case', got '%s'", word);
    read_word(file, g->name);
    expect_word(file, "preset");
    read_word(file, g->preset);
    expect_word(file, "source");
    ck_assert_msg(fscanf(file, " %255[^\n]", g->source) == 1, "golden file, case %s: no source", g->name);
    for (read_word(file, word); strcmp(word, "option") == 0; read_word(file, word)) {
        ck_assert_msg(g->options < OPTIONS, "case %s: too many options", g->name);
        read_word(file, g->option[g->options][0]);
        read_word(file, g->option[g->options][1]);
        g->options++;
    }
    if (strcmp(word, "array") == 0) {
        expect_word(file, "bias");
        g->bias = read_floats(file, read_integer(file));
        read_word(file, word);
    }
    ck_assert_msg(strcmp(word, "dtype") == 0, "case %s: expected 'dtype', got '%s'", g->name, word);
    read_word(file, word);
    g->dtype = strcmp(word, "f32") == 0 ? SPR_FLOAT32 : strcmp(word, "f16") == 0 ? SPR_FLOAT16 : SPR_BFLOAT16;
    expect_word(file, "shape");
    g->tokens = read_integer(file);
    g->experts = read_integer(file);
    g->k = read_integer(file);
    expect_word(file, "logits");
    cells = g->tokens * g->experts;
    if (g->dtype == SPR_FLOAT32) {
        g->logits = read_floats(file, cells);
    } else {
        uint16_t *half = room(cells, sizeof *half);
        for (int64_t i = 0; i < cells; i++) {
            half[i] = (uint16_t)read_bits(file);
        }
        g->logits = half;
    }
    expect_word(file, "ids");
    g->ids = room(g->tokens * g->k, sizeof *g->ids);
    for (int64_t i = 0; i < g->tokens * g->k; i++) {
        g->ids[i] = (int32_t)read_integer(file);
    }
    expect_word(file, "weights");
    g->weights = read_floats(file, g->tokens * g->k);
    expect_word(file, "end");
    return 1;
}

static void free_case(struct golden *g)
{
    free(g->bias);
    free(g->logits);
    free(g->ids);
    free(g->weights);
}

/* ------------------------------------------------------------------------------------------------------------ running */

/* A sealed plan of the case; NULL and a failure noted if that cannot be. variant NULL = the plan's own choice, which must
 * work; a named variant that this CPU or build has not gives NULL silently. */
static spr_plan *plan_of(const struct golden *g, const char *variant)
{
    spr_plan *plan;
    spr_error error;
    spr_status status = spr_plan_new(NULL, NULL, &plan, &error);
    int64_t value = 0;

    ck_assert_msg(status == SPR_OK, "spr_plan_new: %s", error.message);
    status = spr_plan_set_preset(plan, g->preset, &error);
    for (int i = 0; i < g->options && status == SPR_OK; i++) {
        status = spr_plan_set_text(plan, g->option[i][0], g->option[i][1], &error);
    }
    /* A file whose shape is not the preset's must say so by options. */
    if (status == SPR_OK && spr_plan_get_integer(plan, "experts", &value, NULL) == SPR_OK && value != g->experts) {
        note(g, "experts: plan %ld, file %ld", (long)value, (long)g->experts);
        spr_plan_free(plan);
        return NULL;
    }
    if (status == SPR_OK && spr_plan_get_integer(plan, "k", &value, NULL) == SPR_OK && value != g->k) {
        note(g, "k: plan %ld, file %ld", (long)value, (long)g->k);
        spr_plan_free(plan);
        return NULL;
    }
    if (status == SPR_OK && g->bias != NULL) {
        status = spr_plan_set_array_float(plan, "bias", g->bias, g->experts, &error);
    }
    if (status == SPR_OK && variant != NULL) {
        status = spr_plan_set_text(plan, "kernel", variant, &error);
    }
    if (status == SPR_OK) {
        status = spr_plan_seal(plan, &error);
    }
    if (status != SPR_OK) {
        if (variant == NULL || status != SPR_ERROR_UNSUPPORTED) {
            note(g, "plan, kernel %s: %s: %s", variant ? variant : "auto", spr_status_name(status), error.message);
        }
        spr_plan_free(plan);
        return NULL;
    }
    return plan;
}

static int text_is(const spr_plan *plan, const char *option, const char *word)
{
    const char *text = "";

    ck_assert_int_eq(spr_plan_get_text(plan, option, &text, NULL), SPR_OK);
    return strcmp(text, word) == 0;
}

static int close_enough(float got, float expected)
{
    return fabs((double)got - (double)expected) <= 1e-6 * fmax(1.0, fabs((double)expected));
}

static int row_has_drop(const struct golden *g, int64_t token)
{
    for (int64_t slot = 0; slot < g->k; slot++) {
        if (g->ids[token * g->k + slot] < 0) {
            return 1;
        }
    }
    return 0;
}

/* Compares a table with the golden one; the first difference is noted. */
static void compare(const struct golden *g, const char *call, const int32_t *ids, const float *weights, int skip_dropped)
{
    for (int64_t i = 0; i < g->tokens * g->k; i++) {
        long token = (long)(i / g->k), slot = (long)(i % g->k);
        if (ids != NULL && ids[i] != g->ids[i]) {
            note(g, "%s: id, token %ld, slot %ld: expected %d, got %d", call, token, slot, (int)g->ids[i], (int)ids[i]);
            return;
        }
        if (weights != NULL && !(skip_dropped && row_has_drop(g, token)) && !close_enough(weights[i], g->weights[i])) {
            note(g, "%s: weight, token %ld, slot %ld, expert %d: expected %.9g, got %.9g", call, token, slot,
                 (int)g->ids[i], (double)g->weights[i], (double)weights[i]);
            return;
        }
    }
}

static void check_statistics(const struct golden *g, const spr_statistics *s, spr_status status)
{
    int64_t routes = 0;

    for (int64_t i = 0; i < g->tokens * g->k; i++) {
        routes += g->ids[i] >= 0;
    }
    if (s->tokens != g->tokens || s->routes != routes || s->dropped != g->tokens * g->k - routes || s->not_finite != 0) {
        note(g, "statistics: expected tokens %ld routes %ld dropped %ld, got %ld %ld %ld", (long)g->tokens, (long)routes,
             (long)(g->tokens * g->k - routes), (long)s->tokens, (long)s->routes, (long)s->dropped);
    }
    if (status != (routes < g->tokens * g->k ? SPR_NOTICE_DROPPED : SPR_OK)) {
        note(g, "spr_route returned %s", spr_status_name(status));
    }
}

/* Routes the case with one kernel variant into ids and weights; 0 if the variant does not exist here. */
static int run_variant(const struct golden *g, const char *variant, int32_t *ids, float *weights)
{
    spr_plan *plan = plan_of(g, variant);
    spr_workspace *workspace;
    spr_error error;
    spr_status status;
    spr_statistics statistics;
    spr_batch batch;
    spr_table table;
    int32_t *selected;
    float *again;
    int64_t capacity = -1;
    int lost;

    if (plan == NULL) {
        return 0;
    }
    status = spr_workspace_new(plan, g->tokens, NULL, NULL, &workspace, &error);
    ck_assert_msg(status == SPR_OK, "case %s: spr_workspace_new: %s", g->name, error.message);
    memset(&batch, 0, sizeof batch);
    batch.size = sizeof batch;
    batch.tokens = g->tokens;
    batch.logits = g->logits;
    batch.dtype = g->dtype;
    memset(&statistics, 0, sizeof statistics);
    statistics.size = sizeof statistics;
    memset(&table, 0, sizeof table);
    table.size = sizeof table;
    table.ids = ids;
    table.weights = weights;
    table.statistics = &statistics;
    status = spr_route(workspace, &batch, &table, &error);
    if (status < 0) {
        note(g, "spr_route, kernel %s: %s: %s", variant ? variant : "auto", spr_status_name(status), error.message);
    } else if (variant == NULL) {
        compare(g, "spr_route", ids, weights, 0);
        check_statistics(g, &statistics, status);

        /* Selection alone gives the same ids; where routes were dropped, the same in the slots that stayed. */
        selected = room(g->tokens * g->k, sizeof *selected);
        status = spr_select(workspace, &batch, selected, &error);
        if (status != SPR_OK) {
            note(g, "spr_select: %s: %s", spr_status_name(status), error.message);
        } else {
            ck_assert_int_eq(spr_plan_capacity(plan, g->tokens, &capacity, NULL), SPR_OK);
            for (int64_t i = 0; capacity >= 0 && i < g->tokens * g->k; i++) {
                if (g->ids[i] < 0) {
                    selected[i] = -1;
                }
            }
            compare(g, "spr_select", selected, NULL, 0);
        }
        free(selected);

        /* Weights of the golden ids. What a dropped route took from the others' share cannot be seen from ids. */
        lost = text_is(plan, "normalize_order", "before_drop") &&
               (!text_is(plan, "normalize", "none") || text_is(plan, "score", "softmax_selected"));
        again = room(g->tokens * g->k, sizeof *again);
        status = spr_weights(workspace, &batch, g->ids, again, &error);
        if (status != SPR_OK) {
            note(g, "spr_weights: %s: %s", spr_status_name(status), error.message);
        } else {
            compare(g, "spr_weights", NULL, again, lost);
        }
        free(again);
    }
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return 1;
}

static void run_case(const struct golden *g)
{
    int64_t routes = g->tokens * g->k;
    int32_t *ids = room(routes, sizeof *ids), *other_ids = room(routes, sizeof *other_ids);
    float *weights = room(routes, sizeof *weights), *other_weights = room(routes, sizeof *other_weights);

    if (run_variant(g, NULL, ids, weights)) {
        for (int v = 0; v < VARIANTS; v++) {
            if (!run_variant(g, variants[v], other_ids, other_weights)) {
                if (strcmp(variants[v], "portable") == 0) {
                    note(g, "there is no portable kernel");
                }
                continue;
            }
            for (int64_t i = 0; i < routes; i++) {
                if (other_ids[i] != ids[i] || memcmp(&other_weights[i], &weights[i], sizeof weights[i]) != 0) {
                    note(g, "kernel %s and auto differ: token %ld, slot %ld: expected %d %.9g, got %d %.9g", variants[v],
                         (long)(i / g->k), (long)(i % g->k), (int)ids[i], (double)weights[i], (int)other_ids[i],
                         (double)other_weights[i]);
                    break;
                }
            }
        }
    }
    free(ids);
    free(other_ids);
    free(weights);
    free(other_weights);
}

START_TEST(golden_file)
{
    char path[1024];
    struct golden g;
    FILE *file;
    int cases = 0;

    snprintf(path, sizeof path, "%s/%s.golden", GOLDEN_DIR, files[_i]);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    report[0] = '\0';
    failures = 0;
    while (read_case(file, &g)) {
        run_case(&g);
        free_case(&g);
        cases++;
    }
    fclose(file);
    ck_assert_msg(cases > 0, "%s has no cases", path);
    ck_assert_msg(failures == 0, "%s: %d failures in %d cases:%s", path, failures, cases, report);
}
END_TEST

Suite *suite_golden(void)
{
    Suite *suite = suite_create("golden");
    TCase *tcase = tcase_create("golden");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, golden_file, 0, FILES);
    suite_add_tcase(suite, tcase);
    return suite;
}
