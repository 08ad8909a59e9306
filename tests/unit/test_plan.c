/* SPDX-License-Identifier: MIT
 * Plans and workspaces: options by name, presets, arrays, sealing, capacities, memory, and every status of theirs. */
#include "suites.h"

#include <locale.h>

#include "support.h"

static spr_error error;
static spr_plan *plan;

static void plan_setup(void)
{
    ck_assert_int_eq(spr_plan_new(NULL, NULL, &plan, &error), SPR_OK);
}

static void plan_teardown(void)
{
    spr_plan_free(plan);
    plan = NULL;
}

/* The call failed with this status, and its sentence holds the fragments (NULL: none asked for). */
static void plan_failed(spr_status got, spr_status want, const char *one, const char *two)
{
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one ? one : "-");
    ck_assert_int_eq(error.status, want);
    ck_assert_msg(error.message[0] != '\0', "no message with status %d", got);
    ck_assert_msg(one == NULL || strstr(error.message, one), "'%s' does not tell %s", error.message, one ? one : "");
    ck_assert_msg(two == NULL || strstr(error.message, two), "'%s' does not tell %s", error.message, two ? two : "");
}

static void plan_succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_int_eq(error.status, SPR_OK);
    ck_assert_str_eq(error.message, "");
}

#define MISALIGNED(pointer) ((void *)((char *)(pointer) + 1))

/* ---------------------------------------------------------------------------------------------------------- options */

static const char *const option_names[] = {
    "experts", "k", "score", "normalize", "normalize_epsilon", "normalize_order", "scaling_factor", "nonfinite",
    "groups", "group_limit", "group_score", "group_mask", "capacity_factor", "capacity", "capacity_minimum",
    "capacity_multiple", "capacity_rounding", "overflow", "drop_order", "infeasible", "affinity", "balance_weight",
    "device_balance_weight", "devices", "nodes", "device_touch_weight", "node_touch_weight", "device_limit", "node_limit",
    "activation_weight", "resident_factor", "active_level_weight", "active_limit", "hysteresis_weight", "keep_top", "mode",
    "start", "price_sweeps", "price_tolerance", "repair_paths", "anneal_moves", "anneal_schedule", "anneal_hot",
    "anneal_cold", "seed", "kernel"};

START_TEST(options_are_listed_in_a_stable_order)
{
    spr_option_info info;
    ck_assert_int_eq(spr_option_count(), sizeof option_names / sizeof option_names[0]);
    for (int32_t i = 0; i < spr_option_count(); i++) {
        plan_succeeded(spr_option_get_info(i, &info, &error));
        ck_assert_str_eq(info.name, option_names[i]);
        ck_assert(info.summary[0] != '\0');
        ck_assert_int_eq(info.reserved, 0);
        ck_assert(info.type == SPR_TYPE_INTEGER || info.type == SPR_TYPE_REAL || info.type == SPR_TYPE_CHOICE);
        ck_assert((info.choices != NULL) == (info.type == SPR_TYPE_CHOICE));
        ck_assert(info.minimum <= info.maximum);
    }
    plan_failed(spr_option_get_info(-1, &info, &error), SPR_ERROR_ARGUMENT, "index", "-1");
    plan_failed(spr_option_get_info(spr_option_count(), &info, &error), SPR_ERROR_ARGUMENT, "index", NULL);
    plan_failed(spr_option_get_info(0, NULL, &error), SPR_ERROR_ARGUMENT, "info", "NULL");
}
END_TEST

START_TEST(integers_accept_their_range_and_nothing_else)
{
    spr_option_info info;
    int64_t value;
    for (int32_t i = 0; i < spr_option_count(); i++) {
        spr_option_get_info(i, &info, NULL);
        if (info.type != SPR_TYPE_INTEGER)
            continue;
        const int64_t minimum = (int64_t)info.minimum, maximum = (int64_t)info.maximum;
        char text[32];
        plan_succeeded(spr_plan_get_integer(plan, info.name, &value, &error));
        ck_assert_msg((double)value == info.standard || info.standard < info.minimum, "%s starts at %lld", info.name,
                      (long long)value);
        plan_succeeded(spr_plan_set_integer(plan, info.name, minimum, &error));
        plan_succeeded(spr_plan_set_integer(plan, info.name, maximum, &error));
        snprintf(text, sizeof text, "%lld", (long long)maximum);
        plan_failed(spr_plan_set_integer(plan, info.name, minimum - 1, &error), SPR_ERROR_OPTION_RANGE, info.name,
                    text);
        snprintf(text, sizeof text, "%lld", (long long)maximum + 1);
        plan_failed(spr_plan_set_integer(plan, info.name, maximum + 1, &error), SPR_ERROR_OPTION_RANGE, info.name,
                    text);
        plan_failed(spr_plan_set_integer(plan, info.name, INT64_MIN, &error), SPR_ERROR_OPTION_RANGE, info.name, NULL);
        plan_failed(spr_plan_set_integer(plan, info.name, INT64_MAX, &error), SPR_ERROR_OPTION_RANGE, info.name, NULL);
        plan_succeeded(spr_plan_get_integer(plan, info.name, &value, &error));
        ck_assert_int_eq(value, maximum);
    }
}
END_TEST

START_TEST(reals_accept_their_range_and_nothing_else)
{
    static const double never[] = {NAN, INFINITY, -INFINITY};
    spr_option_info info;
    double value;
    for (int32_t i = 0; i < spr_option_count(); i++) {
        spr_option_get_info(i, &info, NULL);
        if (info.type != SPR_TYPE_REAL)
            continue;
        char text[32];
        plan_succeeded(spr_plan_get_real(plan, info.name, &value, &error));
        ck_assert(value == info.standard);
        plan_succeeded(spr_plan_set_real(plan, info.name, info.minimum, &error));
        plan_succeeded(spr_plan_set_real(plan, info.name, info.maximum, &error));
        snprintf(text, sizeof text, "%g", info.maximum);
        plan_failed(spr_plan_set_real(plan, info.name, info.minimum - 1.5, &error), SPR_ERROR_OPTION_RANGE, info.name,
                    text);
        plan_failed(spr_plan_set_real(plan, info.name, nextafter(info.maximum, INFINITY), &error),
                    SPR_ERROR_OPTION_RANGE, info.name, text);
        for (int j = 0; j < 3; j++)
            plan_failed(spr_plan_set_real(plan, info.name, never[j], &error), SPR_ERROR_OPTION_RANGE, info.name, NULL);
        plan_succeeded(spr_plan_get_real(plan, info.name, &value, &error));
        ck_assert(value == info.maximum);
    }
}
END_TEST

START_TEST(choices_accept_their_words_and_nothing_else)
{
    spr_option_info info;
    const char *value;
    for (int32_t i = 0; i < spr_option_count(); i++) {
        spr_option_get_info(i, &info, NULL);
        if (info.type != SPR_TYPE_CHOICE)
            continue;
        char words[256];
        int count = 0;
        snprintf(words, sizeof words, "%s", info.choices);
        plan_succeeded(spr_plan_get_text(plan, info.name, &value, &error));
        ck_assert(strncmp(info.choices, value, strlen(value)) == 0);
        for (char *word = strtok(words, "|"); word != NULL; word = strtok(NULL, "|"), count++) {
            plan_succeeded(spr_plan_set_text(plan, info.name, word, &error));
            plan_succeeded(spr_plan_get_text(plan, info.name, &value, &error));
            ck_assert_str_eq(value, word);
        }
        ck_assert(info.minimum == 0.0 && info.maximum == count - 1 && info.standard == 0.0);
        plan_failed(spr_plan_set_text(plan, info.name, "no such word", &error), SPR_ERROR_OPTION_NAME, info.name,
                    "no such word");
        ck_assert_msg(strstr(error.message, info.choices), "'%s' does not list the words", error.message);
        plan_failed(spr_plan_set_text(plan, info.name, "", &error), SPR_ERROR_OPTION_NAME, info.name, NULL);
        plan_failed(spr_plan_set_text(plan, info.name, "0", &error), SPR_ERROR_OPTION_NAME, info.name, NULL);
        plan_failed(spr_plan_set_text(plan, info.name, info.choices, &error), SPR_ERROR_OPTION_NAME, info.name, NULL);
    }
}
END_TEST

START_TEST(names_are_exact)
{
    static const char *const wrong[] = {"", "Experts", "experts ", "expert", "bias", "no_such_option"};
    int64_t integer;
    double real;
    const char *text;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        plan_failed(spr_plan_set_integer(plan, wrong[i], 1, &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
        plan_failed(spr_plan_set_real(plan, wrong[i], 1, &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
        plan_failed(spr_plan_set_text(plan, wrong[i], "1", &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
        plan_failed(spr_plan_get_integer(plan, wrong[i], &integer, &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
        plan_failed(spr_plan_get_real(plan, wrong[i], &real, &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
        plan_failed(spr_plan_get_text(plan, wrong[i], &text, &error), SPR_ERROR_OPTION_NAME, wrong[i], NULL);
    }
}
END_TEST

START_TEST(a_long_name_does_not_overflow_the_message)
{
    char name[4096];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    plan_failed(spr_plan_set_integer(plan, name, 1, &error), SPR_ERROR_OPTION_NAME, "xxxx", NULL);
    plan_failed(spr_plan_set_text(plan, "score", name, &error), SPR_ERROR_OPTION_NAME, "score", NULL);
    plan_failed(spr_plan_set_text(plan, "k", name, &error), SPR_ERROR_OPTION_RANGE, "\"k\"", NULL);
    plan_failed(spr_plan_set_preset(plan, name, &error), SPR_ERROR_OPTION_NAME, "xxxx", NULL);
    plan_failed(spr_plan_set_array_float(plan, name, NULL, 0, &error), SPR_ERROR_OPTION_NAME, "xxxx", NULL);
    ck_assert(memchr(error.message, '\0', sizeof error.message) != NULL);
}
END_TEST

START_TEST(types_are_exact)
{
    int64_t integer;
    double real;
    const char *text;
    plan_failed(spr_plan_set_real(plan, "experts", 8, &error), SPR_ERROR_OPTION_TYPE, "experts", "integer");
    plan_failed(spr_plan_set_integer(plan, "capacity_factor", 1, &error), SPR_ERROR_OPTION_TYPE, "capacity_factor",
                "real");
    plan_failed(spr_plan_set_integer(plan, "score", 0, &error), SPR_ERROR_OPTION_TYPE, "score", "choice");
    plan_failed(spr_plan_set_real(plan, "score", 0, &error), SPR_ERROR_OPTION_TYPE, "score", "choice");
    plan_failed(spr_plan_get_real(plan, "experts", &real, &error), SPR_ERROR_OPTION_TYPE, "experts", "integer");
    plan_failed(spr_plan_get_text(plan, "experts", &text, &error), SPR_ERROR_OPTION_TYPE, "experts", "integer");
    plan_failed(spr_plan_get_integer(plan, "capacity_factor", &integer, &error), SPR_ERROR_OPTION_TYPE,
                "capacity_factor", "real");
    plan_failed(spr_plan_get_integer(plan, "score", &integer, &error), SPR_ERROR_OPTION_TYPE, "score", "choice");
}
END_TEST

static void text_sets_numbers(void)
{
    static const char *const not_integers[] = {"", "x", "8x", "8 ", " 8", "8.0", "1e2", "0x10", "--1", "1,5",
                                               "99999999999999999999"};
    static const char *const not_reals[] = {"", "x", "1.5x", "1.5 ", " 1.5", "1,5", "nan", "inf", "0x1p0", "1e", ".",
                                            "1e999", "-1"};
    int64_t integer;
    double real;
    plan_succeeded(spr_plan_set_text(plan, "experts", "64", &error));
    plan_succeeded(spr_plan_get_integer(plan, "experts", &integer, &error));
    ck_assert_int_eq(integer, 64);
    plan_succeeded(spr_plan_set_text(plan, "normalize_epsilon", "1e-20", &error));
    plan_succeeded(spr_plan_get_real(plan, "normalize_epsilon", &real, &error));
    ck_assert(real == 1e-20);
    plan_succeeded(spr_plan_set_text(plan, "capacity_factor", "1.25", &error));
    plan_succeeded(spr_plan_get_real(plan, "capacity_factor", &real, &error));
    ck_assert(real == 1.25);
    plan_succeeded(spr_plan_set_text(plan, "capacity_factor", "0.1", &error));
    plan_succeeded(spr_plan_get_real(plan, "capacity_factor", &real, &error));
    ck_assert(real == 0.1);
    plan_succeeded(spr_plan_set_text(plan, "capacity_factor", "2", &error));
    for (size_t i = 0; i < sizeof not_integers / sizeof not_integers[0]; i++)
        plan_failed(spr_plan_set_text(plan, "experts", not_integers[i], &error), SPR_ERROR_OPTION_RANGE, "experts",
                    not_integers[i]);
    for (size_t i = 0; i < sizeof not_reals / sizeof not_reals[0]; i++)
        plan_failed(spr_plan_set_text(plan, "capacity_factor", not_reals[i], &error), SPR_ERROR_OPTION_RANGE,
                    "capacity_factor", NULL);
    plan_succeeded(spr_plan_get_integer(plan, "experts", &integer, &error));
    plan_succeeded(spr_plan_get_real(plan, "capacity_factor", &real, &error));
    ck_assert_int_eq(integer, 64);
    ck_assert(real == 2.0);
}

START_TEST(text_sets_options_of_every_type)
{
    text_sets_numbers();
    plan_failed(spr_plan_set_text(plan, "experts", "4097", &error), SPR_ERROR_OPTION_RANGE, "experts", "4097");
    plan_failed(spr_plan_set_text(plan, "experts", NULL, &error), SPR_ERROR_ARGUMENT, "experts", "NULL");
}
END_TEST

START_TEST(numbers_do_not_depend_on_the_locale)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "de_DE", "fr_FR"};
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL && localeconv()->decimal_point[0] == ',';
    if (found) {
        text_sets_numbers();
        plan_succeeded(spr_plan_set_preset(plan, "switch", &error));
    }
    setlocale(LC_ALL, "C");
}
END_TEST

/* ---------------------------------------------------------------------------------------------------------- presets */

START_TEST(presets_apply_and_seal)
{
    const char *name, *summary;
    ck_assert_int_ge(spr_preset_count(), 18);
    for (int32_t i = 0; i < spr_preset_count(); i++) {
        spr_plan *made = NULL;
        int64_t experts;
        plan_succeeded(spr_preset_get_info(i, &name, &summary, &error));
        plan_succeeded(spr_preset_get_info(i, NULL, NULL, &error));
        ck_assert(name[0] != '\0' && summary[0] != '\0');
        plan_succeeded(spr_plan_new(NULL, NULL, &made, &error));
        plan_succeeded(spr_plan_set_preset(made, name, &error));
        plan_succeeded(spr_plan_get_integer(made, "experts", &experts, &error));
        ck_assert_int_ge(experts, 8);
        plan_succeeded(spr_plan_seal(made, &error));
        spr_plan_free(made);
    }
    plan_failed(spr_preset_get_info(-1, &name, &summary, &error), SPR_ERROR_ARGUMENT, "index", "-1");
    plan_failed(spr_preset_get_info(spr_preset_count(), &name, &summary, &error), SPR_ERROR_ARGUMENT, "index", NULL);
    plan_failed(spr_plan_set_preset(plan, "no such preset", &error), SPR_ERROR_OPTION_NAME, "no such preset", NULL);
}
END_TEST

START_TEST(a_preset_resets_options_and_later_options_override_it)
{
    int64_t k;
    double factor;
    plan_succeeded(spr_plan_set_real(plan, "capacity_factor", 3.0, &error));
    plan_succeeded(spr_plan_set_preset(plan, "mixtral", &error));
    plan_succeeded(spr_plan_get_real(plan, "capacity_factor", &factor, &error));
    ck_assert(factor == 0.0);
    plan_succeeded(spr_plan_set_integer(plan, "k", 3, &error));
    plan_succeeded(spr_plan_get_integer(plan, "k", &k, &error));
    ck_assert_int_eq(k, 3);
    ck_assert_int_eq(spr_plan_set_preset(plan, "unknown", &error), SPR_ERROR_OPTION_NAME);
    plan_succeeded(spr_plan_get_integer(plan, "k", &k, &error));
    ck_assert_int_eq(k, 3);
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- arrays */

static const float ones[5] = {1, 1, 1, 1, 1};
static const int32_t zeros[5] = {0, 0, 0, 0, 0};

static void plan_of(const char *text)
{
    plan_succeeded(support_set(plan, text, &error));
}

START_TEST(arrays_have_names_and_types)
{
    plan_of("experts=4 k=2 devices=2");
    plan_succeeded(spr_plan_set_array_float(plan, "bias", ones, 4, &error));
    plan_succeeded(spr_plan_set_array_float(plan, "cost", ones, 4, &error));
    plan_succeeded(spr_plan_set_array_float(plan, "share", ones, 4, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "allowed", zeros, 4, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", zeros, 4, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "device", zeros, 4, &error));
    plan_failed(spr_plan_set_array_float(plan, "capacity", ones, 4, &error), SPR_ERROR_OPTION_TYPE, "capacity",
                "float");
    plan_failed(spr_plan_set_array_int32(plan, "bias", zeros, 4, &error), SPR_ERROR_OPTION_TYPE, "bias", "int32");
    plan_failed(spr_plan_set_array_float(plan, "prices", ones, 4, &error), SPR_ERROR_OPTION_NAME, "prices", NULL);
    plan_failed(spr_plan_set_array_int32(plan, "k", zeros, 4, &error), SPR_ERROR_OPTION_NAME, "\"k\"", NULL);
}
END_TEST

START_TEST(arrays_have_one_value_an_expert)
{
    plan_failed(spr_plan_set_array_float(plan, "bias", ones, 4, &error), SPR_ERROR_SIZE, "bias", "4");
    plan_of("experts=4 k=2");
    plan_failed(spr_plan_set_array_float(plan, "bias", ones, 5, &error), SPR_ERROR_SIZE, "5", "4");
    plan_failed(spr_plan_set_array_float(plan, "bias", ones, 3, &error), SPR_ERROR_SIZE, "3", "4");
    plan_failed(spr_plan_set_array_float(plan, "bias", ones, -1, &error), SPR_ERROR_SIZE, "-1", "4");
    plan_failed(spr_plan_set_array_int32(plan, "device", zeros, INT64_MAX, &error), SPR_ERROR_SIZE, "device", "4");
    plan_failed(spr_plan_set_array_float(plan, "bias", NULL, 4, &error), SPR_ERROR_ARGUMENT, "bias", "NULL");
    plan_failed(spr_plan_set_array_float(plan, "bias", MISALIGNED(ones), 4, &error), SPR_ERROR_ALIGNMENT, "bias", "4");
    plan_failed(spr_plan_set_array_int32(plan, "device", MISALIGNED(zeros), 4, &error), SPR_ERROR_ALIGNMENT, "device",
                "4");
}
END_TEST

START_TEST(array_values_are_checked)
{
    static const float bad[][4] = {{1, NAN, 1, 1}, {1, 1, INFINITY, 1}, {1, 1, 1, -INFINITY}};
    static const float zero[4] = {1, 0, 1, 1}, negative[4] = {1, 1, 1, -2};
    static const int32_t minus[4] = {0, 0, -1, 0}, two[4] = {1, 1, 1, 2};
    plan_of("experts=4 k=2 devices=2");
    for (int i = 0; i < 3; i++) {
        plan_failed(spr_plan_set_array_float(plan, "bias", bad[i], 4, &error), SPR_ERROR_NOT_FINITE, "bias", NULL);
        plan_failed(spr_plan_set_array_float(plan, "cost", bad[i], 4, &error), SPR_ERROR_NOT_FINITE, "cost", NULL);
        plan_failed(spr_plan_set_array_float(plan, "share", bad[i], 4, &error), SPR_ERROR_NOT_FINITE, "share", NULL);
    }
    plan_succeeded(spr_plan_set_array_float(plan, "bias", negative, 4, &error));
    plan_failed(spr_plan_set_array_float(plan, "cost", zero, 4, &error), SPR_ERROR_OPTION_RANGE, "cost", "0");
    plan_failed(spr_plan_set_array_float(plan, "share", negative, 4, &error), SPR_ERROR_OPTION_RANGE, "share", "-2");
    for (int i = 0; i < 2; i++) {
        const float low[4] = {1, 1, 0.9e-6f, 1}, high[4] = {1, 1, 1, 1.1e6f}, ends[4] = {1, 1e-6f, 1e6f, 1};
        const char *name = i == 0 ? "cost" : "share";
        plan_failed(spr_plan_set_array_float(plan, name, low, 4, &error), SPR_ERROR_OPTION_RANGE, name, "2");
        plan_failed(spr_plan_set_array_float(plan, name, high, 4, &error), SPR_ERROR_OPTION_RANGE, name, "3");
        plan_succeeded(spr_plan_set_array_float(plan, name, ends, 4, &error));
    }
    plan_failed(spr_plan_set_array_int32(plan, "allowed", two, 4, &error), SPR_ERROR_OPTION_RANGE, "allowed", "2");
    plan_failed(spr_plan_set_array_int32(plan, "allowed", minus, 4, &error), SPR_ERROR_OPTION_RANGE, "allowed", "-1");
    plan_failed(spr_plan_set_array_int32(plan, "capacity", minus, 4, &error), SPR_ERROR_OPTION_RANGE, "capacity", "-1");
    plan_failed(spr_plan_set_array_int32(plan, "device", minus, 4, &error), SPR_ERROR_OPTION_RANGE, "device", "-1");
}
END_TEST

START_TEST(arrays_are_copied)
{
    float bias[4] = {0, 0, 5, 0};
    int32_t ids[1];
    static const float logits[4] = {0, 1, 0, 0};
    plan_of("experts=4 k=1");
    plan_succeeded(spr_plan_set_array_float(plan, "bias", bias, 4, &error));
    bias[2] = 0;
    spr_workspace *workspace;
    spr_batch batch = support_batch(logits, 1);
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_workspace_new(plan, 1, NULL, NULL, &workspace, &error));
    plan_succeeded(spr_select(workspace, &batch, ids, &error));
    ck_assert_int_eq(ids[0], 2);
    spr_workspace_free(workspace);
}
END_TEST

START_TEST(null_with_count_zero_and_new_experts_remove_arrays)
{
    static const int32_t places[4] = {7, 5, 6, 5};
    int64_t capacity;
    plan_of("experts=4 k=1");
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", places, 4, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", NULL, 0, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", NULL, 0, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", places, 4, &error));
    plan_succeeded(spr_plan_set_integer(plan, "experts", 4, &error));
    plan_succeeded(spr_plan_set_integer(plan, "experts", 5, &error));
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_plan_capacity(plan, 10, &capacity, &error));
    ck_assert_int_eq(capacity, -1);
}
END_TEST

START_TEST(a_preset_keeps_arrays_when_experts_stay)
{
    static const int32_t places[8] = {7, 5, 6, 5, 9, 1, 1, 1};
    int64_t capacity;
    plan_of("experts=8 k=1");
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", places, 8, &error));
    plan_succeeded(spr_plan_set_preset(plan, "mixtral", &error));
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_plan_capacity(plan, 10, &capacity, &error));
    ck_assert_int_eq(capacity, 9);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------- seal */

typedef struct conflict {
    const char *options;
    const char *one, *two;       /* what the message tells */
} conflict;

static const conflict conflicts[] = {
    {"k=2", "experts", "4096"},
    {"experts=8", "\"k\"", "64"},
    {"experts=4 k=5", "\"k\"", "4"},
    {"experts=10 k=2 groups=4", "groups", "10"},
    {"experts=8 k=2 groups=2 group_limit=3", "group_limit", "2"},
    {"experts=8 k=5 groups=4 group_limit=2", "group_limit", "4"},
    {"experts=8 k=2 groups=8 group_limit=4 group_score=top2_sum", "top2_sum", "1"},
    {"experts=16 k=2 groups=8 group_limit=4 group_score=topk_sum", "topk_sum", "0"},
    {"experts=16 k=2 devices=17", "devices", "16"},
    {"experts=16 k=2 device_balance_weight=1", "device_balance_weight", "devices"},
    {"experts=16 k=2 balance_weight=1 overflow=drop", "balance_weight", "overflow"},
    {"experts=16 k=2 capacity_factor=1 overflow=drop mode=causal", "causal", "drop_order"},
    {"experts=2048 k=2 capacity_factor=1", "experts", "1024"},
};

START_TEST(contradictions_are_refused_when_sealing)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        spr_plan *made = support_plan(conflicts[i].options);
        plan_failed(spr_plan_seal(made, &error), SPR_ERROR_CONFLICT, conflicts[i].one, conflicts[i].two);
        plan_succeeded(support_set(made, "preset=mixtral", &error));    /* still open, and can be mended */
        plan_succeeded(spr_plan_seal(made, &error));
        spr_plan_free(made);
    }
}
END_TEST

START_TEST(arrays_that_contradict_options_are_refused_when_sealing)
{
    static const int32_t allowed[4] = {1, 0, 0, 0}, device[4] = {0, 1, 2, 0};
    plan_of("experts=4 k=2 devices=2");
    plan_succeeded(spr_plan_set_array_int32(plan, "allowed", allowed, 4, &error));
    plan_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "allowed", "1");
    plan_succeeded(spr_plan_set_array_int32(plan, "allowed", NULL, 0, &error));
    plan_succeeded(spr_plan_set_array_int32(plan, "device", device, 4, &error));
    plan_failed(spr_plan_seal(plan, &error), SPR_ERROR_CONFLICT, "device", "2");
    plan_succeeded(spr_plan_set_integer(plan, "devices", 3, &error));
    plan_succeeded(spr_plan_seal(plan, &error));
}
END_TEST

START_TEST(a_kernel_that_is_not_there_is_refused)
{
#if defined(__x86_64__)
    const char *foreign = "neon";
#else
    const char *foreign = "avx2";
#endif
    plan_of("experts=4 k=2");
    plan_succeeded(spr_plan_set_text(plan, "kernel", foreign, &error));
    plan_failed(spr_plan_seal(plan, &error), SPR_ERROR_UNSUPPORTED, "kernel", foreign);
    plan_of("kernel=portable");
    plan_succeeded(spr_plan_seal(plan, &error));
}
END_TEST

START_TEST(a_sealed_plan_does_not_change)
{
    int64_t k;
    plan_of("experts=4 k=2");
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_failed(spr_plan_set_integer(plan, "k", 3, &error), SPR_ERROR_STATE, "sealed", "\"k\"");
    plan_failed(spr_plan_set_real(plan, "capacity_factor", 1, &error), SPR_ERROR_STATE, "sealed", "capacity_factor");
    plan_failed(spr_plan_set_text(plan, "k", "3", &error), SPR_ERROR_STATE, "sealed", "\"k\"");
    plan_failed(spr_plan_set_preset(plan, "mixtral", &error), SPR_ERROR_STATE, "sealed", "mixtral");
    plan_failed(spr_plan_set_array_float(plan, "bias", ones, 4, &error), SPR_ERROR_STATE, "sealed", "bias");
    plan_failed(spr_plan_set_array_int32(plan, "device", NULL, 0, &error), SPR_ERROR_STATE, "sealed", "device");
    plan_succeeded(spr_plan_get_integer(plan, "k", &k, &error));
    ck_assert_int_eq(k, 2);
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- capacity */

typedef struct capacity_example {
    const char *options;
    int64_t tokens, capacity;
} capacity_example;

/* Megatron-LM: ceil(tokens * topk / experts * factor). DeepSpeed: the same, at least min_capacity. Tutel: aligned up.
 */
static const capacity_example capacity_examples[] = {
    {"experts=8 k=2", 100, -1},                                                       /* no capacity at all */
    {"experts=8 k=2 capacity_minimum=4", 100, -1},
    {"experts=8 k=2 capacity_factor=1", 100, 25},                                     /* 100*2/8 */
    {"experts=8 k=2 capacity_factor=1", 101, 26},                                     /* 25.25 up */
    {"experts=8 k=2 capacity_factor=1 capacity_rounding=floor", 101, 25},
    {"experts=64 k=8 capacity_factor=1.25", 4096, 640},                               /* 4096*8/64*1.25 */
    {"experts=64 k=6 capacity_factor=1.5", 100, 15},                                  /* 9.375*1.5 = 14.0625 up */
    {"experts=8 k=2 capacity_factor=1 capacity_minimum=4", 3, 4},                     /* DeepSpeed: 0.75 up, then 4 */
    {"experts=8 k=2 capacity_factor=1 capacity_minimum=4", 0, 4},
    {"experts=8 k=2 capacity_factor=1", 0, 0},
    {"experts=8 k=2 capacity_factor=1 capacity_multiple=8", 100, 32},                 /* 25 up to a multiple of 8 */
    {"experts=8 k=2 capacity_factor=1 capacity_multiple=8", 96, 24},
    {"experts=8 k=2 capacity_factor=1 capacity_minimum=30 capacity_multiple=16", 100, 32},
    {"experts=8 k=2 capacity_factor=0.01 capacity_rounding=floor", 100, 0},
    {"experts=8 k=2 capacity=10", 100, 10},
    {"experts=8 k=2 capacity=10 capacity_factor=4", 100, 10},                         /* the option capacity wins */
    {"experts=8 k=2 capacity=10 capacity_multiple=4", 100, 12},
    {"experts=1 k=1 capacity_factor=4096", 2147483647, 2147483647},
    {"preset=gshard", 128, 2},
    {"preset=deepspeed-top2", 16, 8},                                                 /* 4, but at least 8 */
    {"preset=switch", 128, 2},                                                        /* 1.25 up */
    {"preset=spinroute", 64, 8},
};

START_TEST(capacity_follows_the_formula)
{
    for (size_t i = 0; i < sizeof capacity_examples / sizeof capacity_examples[0]; i++) {
        const capacity_example *example = &capacity_examples[i];
        spr_plan *made = support_plan(example->options);
        int64_t capacity = -2;
        plan_succeeded(spr_plan_seal(made, &error));
        plan_succeeded(spr_plan_capacity(made, example->tokens, &capacity, &error));
        ck_assert_msg(capacity == example->capacity, "%s, %lld tokens: %lld, expected %lld", example->options,
                      (long long)example->tokens, (long long)capacity, (long long)example->capacity);
        spr_plan_free(made);
    }
}
END_TEST

START_TEST(capacity_of_an_array_is_its_largest_entry)
{
    static const int32_t places[4] = {3, 9, 0, 1};
    int64_t capacity;
    plan_of("experts=4 k=1 capacity=100");
    plan_succeeded(spr_plan_set_array_int32(plan, "capacity", places, 4, &error));
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_plan_capacity(plan, 1, &capacity, &error));
    ck_assert_int_eq(capacity, 9);
}
END_TEST

START_TEST(capacity_needs_a_sealed_plan_and_sane_arguments)
{
    int64_t capacity;
    plan_of("experts=4 k=1 capacity_factor=1");
    plan_failed(spr_plan_capacity(plan, 8, &capacity, &error), SPR_ERROR_STATE, "seal", NULL);
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_failed(spr_plan_capacity(plan, -1, &capacity, &error), SPR_ERROR_ARGUMENT, "tokens", "-1");
    plan_failed(spr_plan_capacity(plan, 8, NULL, &error), SPR_ERROR_ARGUMENT, "capacity", "NULL");
    plan_failed(spr_plan_capacity(NULL, 8, &capacity, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
}
END_TEST

/* -------------------------------------------------------------------------------------------------------- workspace */

START_TEST(workspaces_need_a_sealed_plan_and_a_sane_size)
{
    static const int64_t wrong[] = {0, -1, INT64_MIN, INT64_MAX, (int64_t)1 << 31, 2147483647 / 8 + 1};
    char memory[64];
    size_t bytes = 0;
    spr_workspace *workspace = (spr_workspace *)memory;
    plan_of("experts=8 k=2 capacity_factor=1");
    plan_failed(spr_workspace_size(plan, 8, &bytes, &error), SPR_ERROR_STATE, "seal", NULL);
    plan_failed(spr_workspace_new(plan, 8, NULL, NULL, &workspace, &error), SPR_ERROR_STATE, "seal", NULL);
    ck_assert_ptr_null(workspace);
    plan_failed(spr_workspace_place(plan, 8, memory, sizeof memory, &workspace, &error), SPR_ERROR_STATE, "seal", NULL);
    plan_succeeded(spr_plan_seal(plan, &error));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)wrong[i]);
        plan_failed(spr_workspace_size(plan, wrong[i], &bytes, &error), SPR_ERROR_SIZE, "max_tokens", text);
        plan_failed(spr_workspace_new(plan, wrong[i], NULL, NULL, &workspace, &error), SPR_ERROR_SIZE, "max_tokens",
                    text);
        plan_failed(spr_workspace_place(plan, wrong[i], memory, sizeof memory, &workspace, &error), SPR_ERROR_SIZE,
                    "max_tokens", text);
    }
    plan_failed(spr_workspace_size(NULL, 8, &bytes, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_workspace_size(plan, 8, NULL, &error), SPR_ERROR_ARGUMENT, "bytes", "NULL");
    plan_failed(spr_workspace_new(NULL, 8, NULL, NULL, &workspace, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_workspace_new(plan, 8, NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    plan_failed(spr_workspace_place(plan, 8, NULL, 1 << 30, &workspace, &error), SPR_ERROR_ARGUMENT, "memory", "NULL");
    plan_failed(spr_workspace_place(plan, 8, memory, 64, NULL, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    plan_failed(spr_workspace_place(NULL, 8, memory, 64, &workspace, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
}
END_TEST

START_TEST(a_plain_workspace_is_small_and_a_balanced_one_as_stated)
{
    size_t bytes;
    spr_plan *plain = support_plan("experts=64 k=8"), *balanced = support_plan("experts=64 k=8 capacity_factor=1");
    plan_succeeded(spr_plan_seal(plain, &error));
    plan_succeeded(spr_plan_seal(balanced, &error));
    plan_succeeded(spr_workspace_size(plain, 16, &bytes, &error));
    ck_assert_msg(bytes < 64 << 10, "%zu bytes", bytes);
    plan_succeeded(spr_workspace_size(balanced, 4096, &bytes, &error));
    ck_assert_msg(bytes < 2 * (8 * 4096 * 64 + 60 * 4096 * 8), "%zu bytes", bytes);
    spr_plan_free(plain);
    spr_plan_free(balanced);
}
END_TEST

/* Routes 20 tokens in a workspace placed skip bytes into the memory; nothing outside [skip, skip + bytes) may change.
 */
static void workspace_placed_at(size_t skip, size_t bytes, support_table *out)
{
    float logits[20 * 8] = {0};
    unsigned char *memory = malloc(bytes + 256);
    spr_workspace *workspace;
    spr_batch batch = support_batch(logits, 20);
    for (int i = 0; i < 20 * 8; i++)
        logits[i] = support_normal(1, (uint64_t)i);
    memset(memory, 0xA5, bytes + 256);
    plan_succeeded(spr_workspace_place(plan, 20, memory + skip, bytes, &workspace, &error));
    plan_succeeded(spr_route(workspace, &batch, &out->table, &error));
    spr_workspace_free(workspace);
    for (size_t i = 0; i < skip; i++)
        ck_assert_msg(memory[i] == 0xA5, "byte %zu before the workspace changed", skip - i);
    for (size_t i = skip + bytes; i < bytes + 256; i++)
        ck_assert_msg(memory[i] == 0xA5, "byte %zu behind the workspace changed", i - skip - bytes);
    free(memory);
}

START_TEST(workspaces_fit_into_memory_of_any_alignment)
{
    support_table first, next;
    size_t bytes;
    plan_of("experts=8 k=2 capacity_factor=1");
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_workspace_size(plan, 20, &bytes, &error));
    support_table_open(&first, 20, 2, 8);
    support_table_open(&next, 20, 2, 8);
    workspace_placed_at(0, bytes, &first);
    for (size_t skip = 1; skip <= 128; skip++) {
        support_table_clear(&next);
        workspace_placed_at(skip, bytes, &next);
        ck_assert_msg(support_table_equal(&first, &next), "another table at offset %zu", skip);
    }
    support_table_close(&first);
    support_table_close(&next);
}
END_TEST

START_TEST(memory_one_byte_too_small_is_refused)
{
    size_t bytes;
    char text[32];
    spr_workspace *workspace;
    plan_of("experts=8 k=2 capacity_factor=1");
    plan_succeeded(spr_plan_seal(plan, &error));
    plan_succeeded(spr_workspace_size(plan, 20, &bytes, &error));
    char *memory = malloc(bytes);
    snprintf(text, sizeof text, "%zu", bytes);
    plan_failed(spr_workspace_place(plan, 20, memory, bytes - 1, &workspace, &error), SPR_ERROR_SIZE, "bytes", text);
    ck_assert_ptr_null(workspace);
    plan_failed(spr_workspace_place(plan, 20, memory, 0, &workspace, &error), SPR_ERROR_SIZE, "bytes", text);
    plan_succeeded(spr_workspace_place(plan, 20, memory, bytes, &workspace, &error));
    free(memory);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ NULLs */

START_TEST(null_is_refused_by_name)
{
    int64_t integer;
    double real;
    const char *text;
    plan_failed(spr_plan_new(NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_preset(NULL, "mixtral", &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_preset(plan, NULL, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_set_integer(NULL, "k", 1, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_integer(plan, NULL, 1, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_set_real(NULL, "k", 1, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_real(plan, NULL, 1, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_set_text(NULL, "k", "1", &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_text(plan, NULL, "1", &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_set_text(plan, "k", NULL, &error), SPR_ERROR_ARGUMENT, "value", "NULL");
    plan_failed(spr_plan_get_integer(NULL, "k", &integer, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_get_integer(plan, NULL, &integer, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_get_integer(plan, "k", NULL, &error), SPR_ERROR_ARGUMENT, "value", "NULL");
    plan_failed(spr_plan_get_real(plan, NULL, &real, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_get_real(plan, "balance_weight", NULL, &error), SPR_ERROR_ARGUMENT, "value", "NULL");
    plan_failed(spr_plan_get_text(plan, NULL, &text, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_get_text(plan, "score", NULL, &error), SPR_ERROR_ARGUMENT, "value", "NULL");
    plan_failed(spr_plan_set_array_float(NULL, "bias", ones, 4, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_array_float(plan, NULL, ones, 4, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_set_array_int32(NULL, "device", zeros, 4, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_plan_set_array_int32(plan, NULL, zeros, 4, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    plan_failed(spr_plan_seal(NULL, &error), SPR_ERROR_ARGUMENT, "plan", "NULL");
    plan_failed(spr_workspace_set_prices(NULL, ones, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    plan_failed(spr_workspace_set_parallel(NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "workspace", "NULL");
    spr_plan_free(NULL);
    spr_workspace_free(NULL);
}
END_TEST

START_TEST(an_error_is_never_needed)
{
    spr_option_info info;
    spr_workspace *workspace;
    int64_t value;
    double real;
    const char *text;
    size_t bytes;
    float logits[8] = {0}, out[8];
    int32_t ids[2];
    spr_batch batch = support_batch(logits, 1);
    ck_assert_int_eq(spr_option_get_info(-1, &info, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_preset_get_info(-1, NULL, NULL, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_plan_new(NULL, NULL, NULL, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_plan_set_preset(plan, "x", NULL), SPR_ERROR_OPTION_NAME);
    ck_assert_int_eq(spr_plan_set_preset(plan, "mixtral", NULL), SPR_OK);
    ck_assert_int_eq(spr_plan_set_integer(plan, "k", 65, NULL), SPR_ERROR_OPTION_RANGE);
    ck_assert_int_eq(spr_plan_set_real(plan, "k", 1, NULL), SPR_ERROR_OPTION_TYPE);
    ck_assert_int_eq(spr_plan_set_text(plan, "k", "x", NULL), SPR_ERROR_OPTION_RANGE);
    ck_assert_int_eq(spr_plan_get_integer(plan, "x", &value, NULL), SPR_ERROR_OPTION_NAME);
    ck_assert_int_eq(spr_plan_get_real(plan, "x", &real, NULL), SPR_ERROR_OPTION_NAME);
    ck_assert_int_eq(spr_plan_get_text(plan, "x", &text, NULL), SPR_ERROR_OPTION_NAME);
    ck_assert_int_eq(spr_plan_set_array_float(plan, "bias", ones, 5, NULL), SPR_ERROR_SIZE);
    ck_assert_int_eq(spr_plan_set_array_int32(plan, "device", zeros, 5, NULL), SPR_ERROR_SIZE);
    ck_assert_int_eq(spr_workspace_size(plan, 8, &bytes, NULL), SPR_ERROR_STATE);
    ck_assert_int_eq(spr_plan_seal(plan, NULL), SPR_OK);
    ck_assert_int_eq(spr_plan_capacity(plan, -1, &value, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_workspace_new(plan, 0, NULL, NULL, &workspace, NULL), SPR_ERROR_SIZE);
    ck_assert_int_eq(spr_workspace_place(plan, 8, logits, 1, &workspace, NULL), SPR_ERROR_SIZE);
    ck_assert_int_eq(spr_workspace_new(plan, 1, NULL, NULL, &workspace, NULL), SPR_OK);
    ck_assert_int_eq(spr_workspace_set_prices(workspace, NULL, NULL), SPR_OK);
    ck_assert_int_eq(spr_workspace_set_parallel(workspace, NULL, NULL, NULL), SPR_OK);
    ck_assert_int_eq(spr_select(workspace, &batch, ids, NULL), SPR_OK);
    ck_assert_int_eq(spr_select(workspace, &batch, NULL, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_weights(workspace, &batch, NULL, out, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_scores(workspace, &batch, NULL, NULL), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_route(workspace, &batch, NULL, NULL), SPR_ERROR_ARGUMENT);
    spr_workspace_free(workspace);
}
END_TEST

START_TEST(versions_and_statuses_have_names)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", SPR_VERSION_MAJOR, SPR_VERSION_MINOR, SPR_VERSION_PATCH);
    ck_assert_str_eq(spr_version_text(), text);
    ck_assert_int_eq(spr_version_number(), 10000 * SPR_VERSION_MAJOR + 100 * SPR_VERSION_MINOR + SPR_VERSION_PATCH);
    ck_assert_int_eq(spr_abi_number(), SPR_ABI);
    ck_assert_str_eq(spr_status_name(SPR_OK), "SPR_OK");
    ck_assert_str_eq(spr_status_name(SPR_NOTICE_INFEASIBLE), "SPR_NOTICE_INFEASIBLE");
    ck_assert_str_eq(spr_status_name(SPR_ERROR_STRUCT_SIZE), "SPR_ERROR_STRUCT_SIZE");
    ck_assert_str_eq(spr_status_name(99), "unknown status");
    for (spr_status s = SPR_ERROR_STRUCT_SIZE; s <= SPR_NOTICE_INFEASIBLE; s++)
        for (spr_status r = SPR_ERROR_STRUCT_SIZE; r < s; r++)
            ck_assert_str_ne(spr_status_name(s), spr_status_name(r));
}
END_TEST

Suite *suite_plan(void)
{
    Suite *suite = suite_create("plan");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, plan_setup, plan_teardown);
    tcase_add_test(all, options_are_listed_in_a_stable_order);
    tcase_add_test(all, integers_accept_their_range_and_nothing_else);
    tcase_add_test(all, reals_accept_their_range_and_nothing_else);
    tcase_add_test(all, choices_accept_their_words_and_nothing_else);
    tcase_add_test(all, names_are_exact);
    tcase_add_test(all, a_long_name_does_not_overflow_the_message);
    tcase_add_test(all, types_are_exact);
    tcase_add_test(all, text_sets_options_of_every_type);
    tcase_add_test(all, numbers_do_not_depend_on_the_locale);
    tcase_add_test(all, presets_apply_and_seal);
    tcase_add_test(all, a_preset_resets_options_and_later_options_override_it);
    tcase_add_test(all, arrays_have_names_and_types);
    tcase_add_test(all, arrays_have_one_value_an_expert);
    tcase_add_test(all, array_values_are_checked);
    tcase_add_test(all, arrays_are_copied);
    tcase_add_test(all, null_with_count_zero_and_new_experts_remove_arrays);
    tcase_add_test(all, a_preset_keeps_arrays_when_experts_stay);
    tcase_add_test(all, contradictions_are_refused_when_sealing);
    tcase_add_test(all, arrays_that_contradict_options_are_refused_when_sealing);
    tcase_add_test(all, a_kernel_that_is_not_there_is_refused);
    tcase_add_test(all, a_sealed_plan_does_not_change);
    tcase_add_test(all, capacity_follows_the_formula);
    tcase_add_test(all, capacity_of_an_array_is_its_largest_entry);
    tcase_add_test(all, capacity_needs_a_sealed_plan_and_sane_arguments);
    tcase_add_test(all, workspaces_need_a_sealed_plan_and_a_sane_size);
    tcase_add_test(all, a_plain_workspace_is_small_and_a_balanced_one_as_stated);
    tcase_add_test(all, workspaces_fit_into_memory_of_any_alignment);
    tcase_add_test(all, memory_one_byte_too_small_is_refused);
    tcase_add_test(all, null_is_refused_by_name);
    tcase_add_test(all, an_error_is_never_needed);
    tcase_add_test(all, versions_and_statuses_have_names);
    suite_add_tcase(suite, all);
    return suite;
}
