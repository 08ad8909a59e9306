/* SPDX-License-Identifier: MIT
 * Solvers and registries: what their calls accept, which backend "auto" takes, and whether the exact backend is exact.
 * What backends owe the engine, and it them, is in tests/conform. */
#include "suites.h"

#include "support.h"
#include "spinroute/backend.h"

static spr_error error;
static spr_problem *problem;
static spr_registry *registry;
static spr_solver *solver;

static void setup(void)
{
    ck_assert_int_eq(spr_registry_new(NULL, NULL, &registry, &error), SPR_OK);
}

static void teardown(void)
{
    spr_solver_free(solver);
    spr_registry_free(registry);
    spr_problem_free(problem);
    solver = NULL;
    registry = NULL;
    problem = NULL;
}

static void failed(spr_status got, spr_status want, const char *one, const char *two)
{
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one);
    ck_assert_int_eq(error.status, want);
    ck_assert_msg(strstr(error.message, one) != NULL && strstr(error.message, two) != NULL,
                  "'%s' does not tell %s and %s", error.message, one, two);
}

static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
    ck_assert_str_eq(error.message, "");
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ------------------------------------------------------------------------------------------------ problems, solvers */

/* A random problem: percent of the pairs are coupled; multiples up to 20 of whole, or no whole numbers if that is 0. */
static spr_problem *random_problem(int64_t n, int64_t isolated, int64_t percent, int whole, uint64_t seed)
{
    double *linear = calloc((size_t)(n + isolated), sizeof *linear), *values = calloc((size_t)(n * n), sizeof *values);
    int32_t *rows = calloc((size_t)(n * n), sizeof *rows), *columns = calloc((size_t)(n * n), sizeof *columns);
    const double unit = whole > 0 ? whole : 0.137;
    int64_t entries = 0;
    uint64_t drawn = 0;
    spr_problem *made;
    for (int64_t i = 0; i < n; i++) {
        linear[i] = unit * ((double)(support_random(seed, drawn++) % 41) - 20.0);
        for (int64_t j = 0; j < i; j++) {
            const double value = unit * ((double)(support_random(seed, drawn++) % 41) - 20.0);
            if ((int64_t)(support_random(seed, drawn++) % 100) >= percent)
                continue;
            rows[entries] = (int32_t)i;
            columns[entries] = (int32_t)j;
            values[entries++] = value;
        }
    }
    spr_status status = spr_problem_from_entries(NULL, NULL, SPR_QUBO, n + isolated, linear, entries, rows, columns,
                                                 values, unit * 3.0, &made, &error);
    support_must(status == SPR_OK, "spr_problem_from_entries", error.message);
    free(linear);
    free(values);
    free(rows);
    free(columns);
    return made;
}

/* In the place of the problem and solver before. */
static void make(const char *backend, spr_problem *with)
{
    spr_solver_free(solver);
    if (problem != with)
        spr_problem_free(problem);
    problem = with;
    const spr_status status = spr_solver_new(NULL, NULL, registry, backend, problem, &solver, &error);
    ck_assert_msg(status == SPR_OK, "%s: %s", backend, error.message);
}

static spr_solve_result solve(void)
{
    spr_solve_result result = {.size = sizeof result};
    succeeded(spr_solver_solve(solver, &result, &error));
    return result;
}

/* ---------------------------------------------------------------------------------------------------------- options */

START_TEST(options_are_listed)
{
    static const struct { const char *name; int32_t type; double minimum, maximum, standard; } want[] = {
        {"seed", SPR_TYPE_INTEGER, 0, 9007199254740992.0, 0}, {"work", SPR_TYPE_INTEGER, 0, 9007199254740992.0, 0},
        {"seconds", SPR_TYPE_REAL, 0, 1e6, 0},                {"target", SPR_TYPE_REAL, -INFINITY, INFINITY, -INFINITY},
        {"samples", SPR_TYPE_INTEGER, 1, 10000, 10},          {"presolve", SPR_TYPE_CHOICE, 0, 2, 0},
        {"bound", SPR_TYPE_CHOICE, 0, 3, 0},                  {"restarts", SPR_TYPE_INTEGER, 1, 1e12, 1000}};
    spr_option_info info;
    make("descent", random_problem(5, 0, 50, 1, 1));
    ck_assert_int_eq(spr_solver_option_count(solver), COUNT(want));
    for (int i = 0; i < COUNT(want); i++) {
        succeeded(spr_solver_option_get_info(solver, i, &info, &error));
        ck_assert_str_eq(info.name, want[i].name);
        ck_assert_msg(info.type == want[i].type && info.minimum == want[i].minimum && info.maximum == want[i].maximum &&
                      info.standard == want[i].standard, "%s: another type or range", info.name);
        ck_assert(info.summary != NULL && info.summary[0] != '\0' && (info.choices != NULL) == (info.type == SPR_TYPE_CHOICE) && info.reserved == 0);
    }
    failed(spr_solver_option_get_info(solver, COUNT(want), &info, &error), SPR_ERROR_ARGUMENT, "8", "0..7");
    failed(spr_solver_option_get_info(solver, -1, &info, &error), SPR_ERROR_ARGUMENT, "-1", "0..7");
    failed(spr_solver_option_get_info(solver, 0, NULL, &error), SPR_ERROR_ARGUMENT, "info", "NULL");
    make("exact", problem);
    ck_assert_int_eq(spr_solver_option_count(solver), 7);
}
END_TEST

START_TEST(options_have_these_ranges)
{
    static const char *const options[][4] = {
        {"seed", "-1", "9007199254740993", "0..9007199254740992"},
        {"work", "-1", "9007199254740993", "0..9007199254740992"},
        {"seconds", "-0.5", "1000001", "0..1000000"},
        {"samples", "0", "10001", "1..10000"},
        {"restarts", "0", "1000000000001", "1..1000000000000"}};
    make("descent", random_problem(5, 0, 50, 1, 1));
    for (int i = 0; i < COUNT(options); i++)
        for (int j = 1; j <= 2; j++)
            failed(spr_solver_set_text(solver, options[i][0], options[i][j], &error), SPR_ERROR_OPTION_RANGE,
                   options[i][0], options[i][3]);
    failed(spr_solver_set_integer(solver, "seed", INT64_MAX, &error), SPR_ERROR_OPTION_RANGE, "seed", "0..");
    failed(spr_solver_set_integer(solver, "seed", INT64_MIN, &error), SPR_ERROR_OPTION_RANGE, "seed", "0..");
    failed(spr_solver_set_real(solver, "target", NAN, &error), SPR_ERROR_OPTION_RANGE, "target", "nan");
    failed(spr_solver_set_real(solver, "seconds", INFINITY, &error), SPR_ERROR_OPTION_RANGE, "seconds", "inf");
    failed(spr_solver_set_text(solver, "work", "many", &error), SPR_ERROR_OPTION_RANGE, "work", "many");
    failed(spr_solver_set_text(solver, "work", "", &error), SPR_ERROR_OPTION_RANGE, "work", "a number");
    succeeded(spr_solver_set_integer(solver, "seed", 9007199254740992, &error));
    ck_assert_int_eq(solve().seed, 9007199254740992);
    succeeded(spr_solver_set_text(solver, "seed", "17", &error));
    succeeded(spr_solver_set_text(solver, "seconds", "2.5", &error));
    succeeded(spr_solver_set_real(solver, "target", -INFINITY, &error));
    ck_assert_int_eq(solve().seed, 17);
}
END_TEST

START_TEST(options_have_names_and_types)
{
    make("descent", random_problem(5, 0, 50, 1, 1));
    failed(spr_solver_set_integer(solver, "sweeps", 1, &error), SPR_ERROR_OPTION_NAME, "sweeps", "descent");
    failed(spr_solver_set_real(solver, "", 1.0, &error), SPR_ERROR_OPTION_NAME, "\"\"", "descent");
    failed(spr_solver_set_text(solver, "Seed", "1", &error), SPR_ERROR_OPTION_NAME, "Seed", "descent");
    failed(spr_solver_set_integer(solver, "seconds", 1, &error), SPR_ERROR_OPTION_TYPE, "seconds", "real");
    failed(spr_solver_set_real(solver, "work", 1.0, &error), SPR_ERROR_OPTION_TYPE, "work", "integer");
    make("exact", problem);
    failed(spr_solver_set_integer(solver, "restarts", 1, &error), SPR_ERROR_OPTION_NAME, "restarts", "exact");
}
END_TEST

/* ------------------------------------------------------------------------------------------------- a backend to add */

static const spr_option_info picker_options[] = {
    {"bit", "zero|one|zeroes", "what all variables are", 0, 2, 1, SPR_TYPE_CHOICE, 0}};

typedef struct picker_state {
    const spr_host *host;
    uint8_t *bits;
} picker_state;

static spr_status picker_probe(spr_error *why)
{
    if (why != NULL)
        snprintf(why->message, sizeof why->message, "no such device");
    return SPR_ERROR_UNSUPPORTED;
}

static int32_t picker_accepts(const spr_problem_view *view, spr_error *why)
{
    (void)view;
    (void)why;
    return 100;
}

static spr_status picker_init(void *memory, const spr_host *host, spr_error *why)
{
    picker_state *state = memory;
    (void)why;
    state->host = host;
    state->bits = host->allocate(host->engine, (size_t)host->problem->variables);
    return state->bits != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static spr_status picker_step(void *memory, int64_t budget, int64_t *used, spr_error *why)
{
    const picker_state *state = memory;
    (void)budget;
    (void)why;
    const spr_host *host = state->host;
    memset(state->bits, host->option(host->engine, "bit") == 1.0, (size_t)host->problem->variables);
    host->offer(host->engine, state->bits, NAN);
    *used = 1;
    return SPR_STEP_DONE;
}

static void picker_fini(void *memory)
{
    (void)memory;
}

static const spr_backend picker = {
    sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC, "picker", "offers one state", sizeof(picker_state),
    picker_options, 1, NULL, picker_accepts, picker_init, NULL, picker_step, picker_fini};

START_TEST(choices_are_set_by_their_words)
{
    static const struct { const char *word; uint8_t bit; } words[] = {{"zero", 0}, {"one", 1}, {"zeroes", 0}};
    static const char *const wrong[] = {"", "zer", "zerozero", "One", "zero|one", "1", " one"};
    uint8_t bits[5];
    succeeded(spr_registry_add(registry, &picker, &error));
    make("picker", random_problem(5, 0, 50, 1, 1));
    solve();
    succeeded(spr_solver_get_sample(solver, 0, bits, NULL, NULL, &error));
    ck_assert_int_eq(bits[4], 1);                /* the default */
    for (int i = 0; i < COUNT(words); i++) {
        succeeded(spr_solver_set_text(solver, "bit", words[i].word, &error));
        solve();
        succeeded(spr_solver_get_sample(solver, 0, bits, NULL, NULL, &error));
        ck_assert_int_eq(bits[4], words[i].bit);
    }
    for (int i = 0; i < COUNT(wrong); i++)
        failed(spr_solver_set_text(solver, "bit", wrong[i], &error), SPR_ERROR_OPTION_NAME, "bit", "zero|one|zeroes");
    failed(spr_solver_set_integer(solver, "bit", 1, &error), SPR_ERROR_OPTION_TYPE, "bit", "choice");
    failed(spr_solver_set_real(solver, "bit", 1.0, &error), SPR_ERROR_OPTION_TYPE, "bit", "choice");
}
END_TEST

/* -------------------------------------------------------------------------------------------------------- arguments */

START_TEST(null_is_refused_or_harmless)
{
    spr_solver *none = (spr_solver *)&error;
    make("descent", random_problem(5, 0, 50, 1, 1));
    failed(spr_registry_new(NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "registry", "NULL");
    failed(spr_solver_new(NULL, NULL, NULL, NULL, problem, NULL, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_new(NULL, NULL, NULL, NULL, NULL, &none, &error), SPR_ERROR_ARGUMENT, "problem", "NULL");
    failed(spr_solver_set_integer(NULL, "seed", 1, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_set_integer(solver, NULL, 1, &error), SPR_ERROR_ARGUMENT, "name", "NULL");
    failed(spr_solver_set_real(NULL, "seconds", 1.0, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_set_text(NULL, "seed", "1", &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_set_text(solver, "seed", NULL, &error), SPR_ERROR_ARGUMENT, "seed", "NULL");
    failed(spr_solver_set_start(NULL, NULL, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_set_progress(NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_solve(NULL, NULL, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    failed(spr_solver_get_sample(NULL, 0, NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "solver", "NULL");
    ck_assert_ptr_null(spr_solver_backend(NULL));
    spr_solver_cancel(NULL);
    spr_solver_free(NULL);
    spr_registry_free(NULL);
    ck_assert_int_eq(spr_solver_solve(solver, NULL, NULL), SPR_OK);
    ck_assert_int_eq(spr_solver_get_sample(solver, 0, NULL, NULL, NULL, NULL), SPR_OK);
    ck_assert_int_eq(spr_solver_set_integer(solver, "seed", -1, NULL), SPR_ERROR_OPTION_RANGE);
}
END_TEST

START_TEST(results_have_a_size)
{
    static const size_t wrong[] = {0, 8, sizeof(spr_solve_result) - 1, 4097, SIZE_MAX};
    union { spr_solve_result result; uint8_t bytes[256]; } larger;
    make("descent", random_problem(5, 0, 50, 1, 1));
    for (int i = 0; i < COUNT(wrong); i++) {
        spr_solve_result result = {.size = wrong[i], .work = 77};
        failed(spr_solver_solve(solver, &result, &error), SPR_ERROR_STRUCT_SIZE, "result->size", "sizeof");
        ck_assert_int_eq(result.work, 77);
    }
    memset(&larger, 0x5A, sizeof larger);
    larger.result.size = sizeof larger;          /* of a caller built with a later header */
    succeeded(spr_solver_solve(solver, &larger.result, &error));
    ck_assert_uint_eq(larger.result.size, sizeof larger);
    ck_assert_int_eq(larger.result.outcome, SPR_OUTCOME_FINISHED);
    for (size_t i = sizeof larger.result; i < sizeof larger; i++)
        ck_assert_int_eq(larger.bytes[i], 0x5A);
    failed(spr_solver_solve(solver, (spr_solve_result *)(void *)(larger.bytes + 4), &error), SPR_ERROR_ALIGNMENT,
           "result", "aligned");
}
END_TEST

START_TEST(start_states_are_checked_and_copied)
{
    uint8_t bits[5] = {1, 1, 2, 1, 1}, kept[5];
    double energy, lowest;
    succeeded(spr_registry_add(registry, &picker, &error));
    make("picker", random_problem(5, 0, 50, 1, 1));
    failed(spr_solver_set_start(solver, bits, &error), SPR_ERROR_ARGUMENT, "bits[2]", "2");
    ck_assert_int_eq(solve().samples, 1);        /* the refused one is none */
    bits[2] = 0;
    succeeded(spr_problem_energy(problem, bits, &energy, &error));
    succeeded(spr_solver_set_start(solver, bits, &error));
    memset(bits, 7, sizeof bits);
    const spr_solve_result result = solve();
    ck_assert_int_eq(result.samples, 2);
    ck_assert_int_eq(result.offers, 1);          /* the start is not the backend's */
    succeeded(spr_solver_get_sample(solver, 0, NULL, &lowest, NULL, &error));
    int found = 0;
    for (int64_t i = 0; i < 2; i++) {
        static const uint8_t start[5] = {1, 1, 0, 1, 1};
        succeeded(spr_solver_get_sample(solver, i, kept, &lowest, NULL, &error));
        found += memcmp(kept, start, sizeof kept) == 0 && lowest == energy;
    }
    ck_assert_int_eq(found, 1);
    succeeded(spr_solver_set_start(solver, NULL, &error));
    ck_assert_int_eq(solve().samples, 1);
}
END_TEST

/* No sample of a descent is left by one flip that would lower it. */
START_TEST(descents_end_where_no_flip_helps)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        make("descent", random_problem(40, 0, 50, 1, seed));
        succeeded(spr_solver_set_integer(solver, "restarts", 3, &error));
        const spr_solve_result result = solve();
        for (int64_t s = 0; s < result.samples; s++) {
            uint8_t bits[40];
            double energy, other;
            succeeded(spr_solver_get_sample(solver, s, bits, &energy, NULL, &error));
            for (int i = 0; i < 40; i++) {
                bits[i] ^= 1;
                succeeded(spr_problem_energy(problem, bits, &other, &error));
                ck_assert_double_ge(other, energy);
                bits[i] ^= 1;
            }
        }
    }
}
END_TEST

/* A backend that stops because it was told to has not finished. */
START_TEST(descents_end_by_the_limit_that_ended_them)
{
    make("descent", random_problem(60, 0, 50, 1, 3));
    succeeded(spr_solver_set_integer(solver, "restarts", 1000000000, &error));
    succeeded(spr_solver_set_real(solver, "seconds", 0.02, &error));
    ck_assert_int_eq(solve().outcome, SPR_OUTCOME_TIME);
    spr_solver_cancel(solver);
    ck_assert_int_eq(solve().outcome, SPR_OUTCOME_CANCELLED);
    succeeded(spr_solver_set_integer(solver, "work", 1000, &error));
    succeeded(spr_solver_set_real(solver, "seconds", 0.0, &error));
    ck_assert_int_eq(solve().outcome, SPR_OUTCOME_WORK);
}
END_TEST

START_TEST(samples_have_numbers)
{
    int64_t occurrences, sum = 0;
    make("descent", random_problem(8, 0, 100, 1, 4));
    failed(spr_solver_get_sample(solver, 0, NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "index is 0", "0 samples");
    succeeded(spr_solver_set_integer(solver, "restarts", 50, &error));
    const spr_solve_result result = solve();
    ck_assert_int_ge(result.samples, 1);
    failed(spr_solver_get_sample(solver, -1, NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "-1", "samples");
    failed(spr_solver_get_sample(solver, result.samples, NULL, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "index",
           "samples");
    for (int64_t i = 0; i < result.samples; i++) {
        succeeded(spr_solver_get_sample(solver, i, NULL, NULL, &occurrences, &error));
        sum += occurrences;
    }
    ck_assert_int_eq(result.offers, 50);
    ck_assert(result.samples == 10 || sum == 50);
    succeeded(spr_solver_set_integer(solver, "samples", 1, &error));
    const spr_solve_result one = solve();
    ck_assert_int_eq(one.samples, 1);
    ck_assert(one.energy == result.energy);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- registries */

START_TEST(backends_are_found_by_name)
{
    spr_solver *none = (spr_solver *)&error;
    problem = random_problem(5, 0, 50, 1, 1);
    failed(spr_solver_new(NULL, NULL, registry, "magic", problem, &none, &error), SPR_ERROR_OPTION_NAME, "magic",
           "does not exist");
    ck_assert_ptr_null(none);
    failed(spr_solver_new(NULL, NULL, NULL, "picker", problem, &none, &error), SPR_ERROR_OPTION_NAME, "picker",
           "does not exist");
    succeeded(spr_registry_add(registry, &picker, &error));
    make("picker", problem);
    ck_assert_str_eq(spr_solver_backend(solver), "picker");
    ck_assert_int_eq(spr_registry_count(registry), spr_registry_count(NULL) + 1);
}
END_TEST

START_TEST(backends_are_described)
{
    const char *name, *summary;
    int32_t available;
    spr_backend absent = picker;
    spr_solver *none = NULL;
    absent.probe = picker_probe;
    succeeded(spr_registry_add(registry, &absent, &error));
    const int32_t last = spr_registry_count(registry) - 1;
    succeeded(spr_registry_get_info(registry, 0, &name, &summary, &available, &error));
    ck_assert(available == 1 && name[0] != '\0' && summary[0] != '\0');
    ck_assert_int_eq(spr_registry_get_info(registry, last, &name, NULL, &available, &error), SPR_OK);
    ck_assert_str_eq(name, "picker");
    ck_assert_int_eq(available, 0);
    ck_assert_int_eq(error.status, SPR_OK);
    ck_assert_str_eq(error.message, "no such device");
    succeeded(spr_registry_get_info(registry, last, NULL, NULL, NULL, &error));
    failed(spr_registry_get_info(registry, last + 1, &name, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "index", "0..");
    failed(spr_registry_get_info(registry, -1, &name, NULL, NULL, &error), SPR_ERROR_ARGUMENT, "-1", "0..");
    problem = random_problem(5, 0, 50, 1, 1);
    failed(spr_solver_new(NULL, NULL, registry, "picker", problem, &none, &error), SPR_ERROR_UNSUPPORTED, "picker",
           "no such device");
    make("auto", problem);                       /* passes over it, though it is preferred */
    ck_assert_str_eq(spr_solver_backend(solver), "exact");
}
END_TEST

START_TEST(auto_takes_the_one_that_suits_the_problem)
{
    static const struct { int64_t n, percent; const char *backend; } cases[] = {
        {1, 0, "exact"}, {12, 100, "exact"}, {100, 1, "exact"}, {200, 100, "anneal"}};
    for (int i = 0; i < COUNT(cases); i++) {
        make("auto", random_problem(cases[i].n, 0, cases[i].percent, 1, 2));
        ck_assert_msg(strcmp(spr_solver_backend(solver), cases[i].backend) == 0, "n = %d: %s", (int)cases[i].n,
                      spr_solver_backend(solver));
        make(NULL, problem);
        ck_assert_str_eq(spr_solver_backend(solver), cases[i].backend);
    }
    succeeded(spr_registry_add(registry, &picker, &error));
    make("auto", problem);
    ck_assert_str_eq(spr_solver_backend(solver), "picker");
}
END_TEST

static void refused(const spr_backend *backend, spr_status want, const char *told)
{
    const int32_t before = spr_registry_count(registry);
    failed(spr_registry_add(registry, backend, &error), want, told, "");
    ck_assert_int_eq(spr_registry_count(registry), before);
}

#define REFUSED(member, wrong, status, told) \
    do { \
        spr_backend backend = picker; \
        backend.member = wrong; \
        refused(&backend, status, told); \
    } while (0)

START_TEST(incomplete_backends_are_refused)
{
    static const char *const names[] = {"", "Picker", "a picker", "a_picker", "auto", "\xC3\xBC",
                                        "a-name-of-two-and-thirty-letters"};
    REFUSED(name, NULL, SPR_ERROR_ARGUMENT, "->name");
    REFUSED(summary, NULL, SPR_ERROR_ARGUMENT, "->summary");
    REFUSED(accepts, NULL, SPR_ERROR_ARGUMENT, "->accepts");
    REFUSED(init, NULL, SPR_ERROR_ARGUMENT, "->init");
    REFUSED(step, NULL, SPR_ERROR_ARGUMENT, "->step");
    REFUSED(fini, NULL, SPR_ERROR_ARGUMENT, "->fini");
    REFUSED(size, 8, SPR_ERROR_STRUCT_SIZE, "->size");
    REFUSED(abi, SPR_BACKEND_ABI + 1, SPR_ERROR_UNSUPPORTED, "->abi");
    REFUSED(abi, 0, SPR_ERROR_UNSUPPORTED, "->abi");
    REFUSED(state_size, SIZE_MAX, SPR_ERROR_ARGUMENT, "->state_size");
    REFUSED(option_count, -1, SPR_ERROR_ARGUMENT, "->option_count");
    REFUSED(option_count, INT64_MAX, SPR_ERROR_ARGUMENT, "->option_count");
    REFUSED(options, NULL, SPR_ERROR_ARGUMENT, "->option_count");
    for (int i = 0; i < COUNT(names); i++)
        REFUSED(name, names[i], SPR_ERROR_ARGUMENT, "->name");
    REFUSED(name, "exact", SPR_ERROR_CONFLICT, "exact");
    REFUSED(name, "descent", SPR_ERROR_CONFLICT, "descent");
    failed(spr_registry_add(registry, NULL, &error), SPR_ERROR_ARGUMENT, "backend", "NULL");
    failed(spr_registry_add(NULL, &picker, &error), SPR_ERROR_ARGUMENT, "registry", "NULL");
    succeeded(spr_registry_add(registry, &picker, &error));
    refused(&picker, SPR_ERROR_CONFLICT, "picker");
}
END_TEST

/* What option number i of the list below has wrong. */
static spr_option_info wrong_option(int i)
{
    spr_option_info option = {"sweeps", NULL, "how many", 0, 10, 5, SPR_TYPE_INTEGER, 0};
    switch (i) {
    case 0: option.name = NULL; break;
    case 1: option.summary = NULL; break;
    case 2: option.type = 0; break;
    case 3: option.type = SPR_TYPE_CHOICE + 1; break;
    case 4: option.type = SPR_TYPE_CHOICE; break;        /* without choices */
    case 5: option.choices = "a|b"; break;               /* with choices, but none */
    case 6: option.standard = 11; break;
    case 7: option.standard = -1; break;
    case 8: option.minimum = 20; break;
    case 9: option.minimum = NAN; break;
    case 10: option.maximum = NAN; break;
    default: option.standard = NAN; break;
    }
    return option;
}

START_TEST(backends_with_wrong_options_are_refused)
{
    static const char *const taken[] = {"seed", "work", "seconds", "target", "samples", "presolve", "bound"};
    spr_backend backend = picker;
    for (int i = 0; i < 12; i++) {
        const spr_option_info option = wrong_option(i);
        backend.options = &option;
        refused(&backend, SPR_ERROR_ARGUMENT, "options[0]");
    }
    for (int i = 0; i < COUNT(taken); i++) {
        spr_option_info option = picker_options[0];
        option.name = taken[i];
        backend.options = &option;
        refused(&backend, SPR_ERROR_CONFLICT, taken[i]);
    }
    const spr_option_info twice[] = {picker_options[0], picker_options[0]};
    backend.options = twice;
    backend.option_count = 2;
    refused(&backend, SPR_ERROR_CONFLICT, "bit");
}
END_TEST

START_TEST(a_full_registry_is_told)
{
    static char names[80][16];
    static spr_backend many[80];
    int added = 0;
    for (; added < 80; added++) {
        many[added] = picker;
        snprintf(names[added], sizeof names[added], "p%d", added);
        many[added].name = names[added];
        if (spr_registry_add(registry, &many[added], &error) != SPR_OK)
            break;
    }
    ck_assert_int_eq(added, 64);
    refused(&many[added], SPR_ERROR_SIZE, "full");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ exact */

START_TEST(exact_refuses_what_is_too_large)
{
    spr_solver *none = (spr_solver *)&error;
    problem = random_problem(200, 0, 100, 1, 3);
    failed(spr_solver_new(NULL, NULL, NULL, "exact", problem, &none, &error), SPR_ERROR_UNSUPPORTED, "\"exact\"",
           "200 variables");
    ck_assert_msg(strstr(error.message, "too many") != NULL, "'%s' gives no reason", error.message);
    ck_assert_ptr_null(none);
}
END_TEST

static double try_all_states(int64_t n)
{
    double best = INFINITY, energy;
    uint8_t bits[12];
    for (int64_t state = 0; state < (int64_t)1 << n; state++) {
        for (int64_t i = 0; i < n; i++)
            bits[i] = state >> i & 1;
        ck_assert_int_eq(spr_problem_energy(problem, bits, &energy, NULL), SPR_OK);
        best = fmin(best, energy);
    }
    return best;
}

START_TEST(exact_finds_what_trying_all_states_finds)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        const int64_t n = 1 + (int64_t)(support_random(seed, 900) % 12), percent = 10 * (int64_t)(seed % 11);
        const int whole = (int)(seed % 3) * (int)(1 + seed % 5);
        uint8_t start[12];
        make("exact", random_problem(n, 0, percent, whole, seed));
        for (int64_t i = 0; i < n; i++)
            start[i] = support_random(seed, (uint64_t)i) & 1;
        /* a start must not mislead it */
        succeeded(spr_solver_set_start(solver, seed % 2 == 0 ? start : NULL, &error));
        const spr_solve_result result = solve();
        const double best = try_all_states(n);
        ck_assert_int_eq(result.outcome, SPR_OUTCOME_OPTIMAL);
        ck_assert_msg(whole ? result.energy == best : fabs(result.energy - best) <= 1e-9,
                      "seed %d: %.17g, best is %.17g", (int)seed, result.energy, best);
        ck_assert(result.lower_bound == result.energy);
    }
}
END_TEST

/* Spins without fields: a state and its opposite have the same energy, which the backend uses. keep/4 are coupled. */
static spr_problem *spin_problem(int32_t n, int32_t isolated, int64_t keep, double unit, uint64_t seed)
{
    int32_t rows[300], columns[300];
    double values[300];
    int64_t entries = 0;
    spr_problem *made;
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < i; j++) {
            const uint64_t drawn = support_random(seed, (uint64_t)(i * 24 + j));
            if ((int64_t)(drawn % 4) >= keep)
                continue;
            rows[entries] = i;
            columns[entries] = j;
            values[entries++] = unit * ((double)(drawn / 4 % 21) - 10.0);
        }
    const int64_t all = n + isolated;
    const spr_status status = spr_problem_from_entries(NULL, NULL, SPR_ISING, all, NULL, entries, rows, columns, values,
                                                       0.7, &made, &error);
    support_must(status >= 0, "spr_problem_from_entries", error.message);
    return made;
}

START_TEST(exact_solves_symmetric_problems)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        const int32_t n = 2 + (int32_t)(seed % 11);
        make("exact", spin_problem(n, 0, 1 + (int64_t)(seed % 4), seed % 2 == 0 ? 1.0 : 0.3, seed));
        const spr_solve_result result = solve();
        const double best = try_all_states(n);
        ck_assert_int_eq(result.outcome, SPR_OUTCOME_OPTIMAL);
        ck_assert_msg(fabs(result.energy - best) <= 1e-9, "seed %d: %.17g, best is %.17g", (int)seed, result.energy,
                      best);
    }
}
END_TEST

/* Variables without couplings make it take elimination where branching would be taken without them. */
START_TEST(elimination_and_branching_agree)
{
    for (uint64_t seed = 0; seed < 24; seed++) {
        const int32_t n = 18 + (int32_t)(seed % 4) * 2, percent = seed % 8 < 4 ? 60 : 100, spins = seed >= 12;
        const double unit = seed % 3 == 0 ? 0.3 : 2.0;
        make("exact", spins ? spin_problem(n, 0, 4, unit, seed) : random_problem(n, 0, percent, 2, 300 + seed));
        const spr_solve_result branched = solve();
        make("exact", spins ? spin_problem(n, 50 - n, 4, unit, seed)
                            : random_problem(n, 50 - n, percent, 2, 300 + seed));
        const spr_solve_result eliminated = solve();
        ck_assert_int_eq(branched.outcome, SPR_OUTCOME_OPTIMAL);
        ck_assert_int_eq(eliminated.outcome, SPR_OUTCOME_OPTIMAL);
        ck_assert_msg(fabs(branched.energy - eliminated.energy) <= 1e-9,
                      "seed %d: %.17g branching, %.17g eliminating", (int)seed, branched.energy, eliminated.energy);
    }
}
END_TEST

enum { LONG = 80 };

/* A tree, in which the parent of i comes before i, and perhaps one coupling more, between the last and the first. */
typedef struct long_problem {
    double linear[LONG], weight[LONG], closing;
    int32_t parent[LONG];
} long_problem;

static long_problem long_make(int kind, uint64_t seed)
{
    long_problem made;
    for (int32_t i = 0; i < LONG; i++) {
        made.linear[i] = (double)(support_random(seed, (uint64_t)i) % 41) - 20.0;
        made.weight[i] = (double)(support_random(seed, 100 + (uint64_t)i) % 81) - 40.0;
        made.parent[i] = kind == 1 && i > 0 ? (int32_t)(support_random(seed, 200 + (uint64_t)i) % (uint64_t)i) : i - 1;
    }
    made.closing = kind == 2 ? (double)(support_random(seed, 300) % 81) - 40.0 : 0.0;
    return made;
}

/* From the leaves down: the least energy of what hangs on a variable, for both of its values. */
static double long_optimum(const long_problem *of)
{
    double best = INFINITY;
    for (int last = 0; last < 2; last++) {
        double least[LONG][2] = {{0.0, 0.0}};
        for (int i = LONG - 1; i >= 0; i--) {
            least[i][1] += of->linear[i];
            if (i == LONG - 1)
                least[i][!last] = INFINITY;
            for (int value = 0; i > 0 && value < 2; value++)
                least[of->parent[i]][value] += fmin(least[i][0], least[i][1] + (value ? of->weight[i] : 0.0));
        }
        best = fmin(best, fmin(least[0][0], least[0][1] + (last ? of->closing : 0.0)));
    }
    return best;
}

static spr_problem *long_problem_of(const long_problem *of)
{
    int32_t rows[LONG], columns[LONG];
    double values[LONG];
    spr_problem *made;
    for (int32_t i = 0; i < LONG; i++) {
        rows[i] = i;
        columns[i] = i > 0 ? of->parent[i] : LONG - 1;
        values[i] = i > 0 ? of->weight[i] : of->closing;
    }
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_QUBO, LONG, of->linear, LONG, rows, columns, values, 0.0, &made,
                                       &error));
    return made;
}

START_TEST(chains_trees_and_cycles_are_solved)
{
    static const char *const kinds[] = {"chain", "tree", "cycle"};
    for (int kind = 0; kind < 3; kind++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            const long_problem of = long_make(kind, seed);
            const double best = long_optimum(&of);
            make("exact", long_problem_of(&of));
            const spr_solve_result result = solve();
            ck_assert_int_eq(result.outcome, SPR_OUTCOME_OPTIMAL);
            ck_assert_msg(result.energy == best, "%s %d: %.17g, best is %.17g", kinds[kind], (int)seed, result.energy,
                          best);
            ck_assert(result.lower_bound == best);
        }
}
END_TEST

Suite *suite_solver(void)
{
    Suite *suite = suite_create("solver");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {
        options_are_listed, options_have_these_ranges, options_have_names_and_types, choices_are_set_by_their_words,
        null_is_refused_or_harmless, results_have_a_size, start_states_are_checked_and_copied, samples_have_numbers,
        descents_end_where_no_flip_helps, descents_end_by_the_limit_that_ended_them,
        backends_are_found_by_name, backends_are_described, auto_takes_the_one_that_suits_the_problem,
        incomplete_backends_are_refused, backends_with_wrong_options_are_refused, a_full_registry_is_told,
        exact_refuses_what_is_too_large, exact_finds_what_trying_all_states_finds, exact_solves_symmetric_problems,
        elimination_and_branching_agree, chains_trees_and_cycles_are_solved};
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    suite_add_tcase(suite, all);
    for (int i = 0; i < COUNT(tests); i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
