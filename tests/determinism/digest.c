/* SPDX-License-Identifier: MIT
 * Digests of everything that the library writes, to compare kernels, thread counts, builds and machines.
 *
 *     digest [TRACE|-] [KERNEL] [THREADS]
 *
 * Routes a fixed set of batches, solves a few problems by the annealer, and prints one 64-bit FNV-1a digest a plan or
 * problem and one of all. The inputs are made with integers and exact conversions only, so every machine has the same.
 * Links examples/trace/trace.c. */
#include "../unit/support.h"
#include "spinroute/qubo.h"

#include <pthread.h>

#include "../../examples/trace/trace.h"

/* ----------------------------------------------------------------------------------------------------------- digest */

static const uint64_t digest_start = 0xcbf29ce484222325u;

static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        digest = (digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return digest;
}

static uint64_t digest_table(uint64_t digest, const support_table *out)
{
    const spr_table *t = &out->table;
    const void *arrays[SUPPORT_ARRAYS] = {t->ids,    t->weights,   t->counts, t->offsets,
                                          t->sorted, t->positions, t->prices};
    for (int i = 0; i < SUPPORT_ARRAYS; i++)
        digest = digest_bytes(digest, arrays[i], out->sizes[i]);
    return digest_bytes(digest, (const char *)&out->statistics + sizeof(size_t),
                        sizeof out->statistics - sizeof(size_t));
}

/* ----------------------------------------------------------------------------------------------------- parallel-for */

enum { MAX_THREADS = 64 };

typedef struct crew {
    spr_parallel_task task;
    void *context;
    int64_t count, next;
    pthread_mutex_t lock;
} crew;

/* The i-th index handed out: the odd ones from the end, then the even ones upwards. */
static int64_t crew_scrambled(int64_t i, int64_t count)
{
    const int64_t odd = count / 2;
    return i < odd ? 2 * (odd - i) - 1 : 2 * (i - odd);
}

static void *crew_run(void *argument)
{
    crew *work = argument;
    for (;;) {
        pthread_mutex_lock(&work->lock);
        int64_t i = work->next++;
        pthread_mutex_unlock(&work->lock);
        if (i >= work->count)
            return NULL;
        work->task(work->context, crew_scrambled(i, work->count));
    }
}

static void crew_for(void *user, int64_t count, spr_parallel_task task, void *context)
{
    pthread_t threads[MAX_THREADS];
    const int wanted = *(const int *)user;
    crew work = {task, context, count, 0, PTHREAD_MUTEX_INITIALIZER};
    for (int i = 1; i < wanted; i++)
        support_must(pthread_create(&threads[i], NULL, crew_run, &work) == 0, "pthread_create", "no thread");
    crew_run(&work);
    for (int i = 1; i < wanted; i++)
        pthread_join(threads[i], NULL);
}

/* ------------------------------------------------------------------------------------------------------------ cases */

/* What a batch is made of. A row has some columns more than experts; they hold NaN, which nobody may read. */
enum { PADDING = 3 };

typedef struct batch_form {
    int64_t tokens;
    int32_t dtype;
    int spread;                  /* 0 normal, 1 skewed, 2 identical tokens, 3 coarse, 4 all equal */
    int masked;
} batch_form;

static const batch_form forms[] = {
    {1, SPR_FLOAT32, 0, 0},    {2, SPR_FLOAT16, 1, 0},  {3, SPR_BFLOAT16, 1, 0}, {15, SPR_FLOAT32, 3, 0},
    {16, SPR_FLOAT32, 1, 1},   {17, SPR_FLOAT16, 2, 0}, {100, SPR_BFLOAT16, 4, 0}, {257, SPR_FLOAT32, 3, 1},
    {1000, SPR_FLOAT32, 1, 0}, {1000, SPR_BFLOAT16, 0, 1},
};
enum { FORMS = sizeof forms / sizeof forms[0], FORMS_QUICK = 7 };

/* SPR_TEST_QUICK: small batches only, for emulated processors. */
static int digest_quick(void)
{
    return getenv("SPR_TEST_QUICK") != NULL;
}

/* Quarters in -31..31, exact in every dtype, or finer numbers in float32. */
static float batch_value(const batch_form *form, int64_t t, int64_t e)
{
    const uint64_t seed = (uint64_t)form->tokens * 8 + (uint64_t)form->spread, flat = (uint64_t)(t * 4096 + e);
    const float own = support_normal(seed, flat), common = support_normal(seed + 100, (uint64_t)e);
    float value = form->spread == 1   ? own + 1.5f * common
                  : form->spread == 2 ? common
                  : form->spread == 4 ? 0.25f
                                      : own;
    if (form->spread == 3 || form->dtype != SPR_FLOAT32)
        value = (float)(int32_t)(value * 16.0f) / 16.0f;
    return support_random(seed + 200, flat) % 97 == 0 ? -INFINITY : value;
}

static uint16_t batch_to_bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* Exact for NaN, -inf, 0 and normal numbers with at most 10 fraction bits. */
static uint16_t batch_to_float16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t exponent = bits >> 23 & 255, sign = bits >> 16 & 0x8000;
    if (exponent == 255)
        return (uint16_t)(sign | 0x7c00 | (bits & 0x7fffff ? 0x200 : 0));
    return (uint16_t)(exponent == 0 ? sign : sign | (exponent - 112) << 10 | (bits >> 13 & 1023));
}

static void *batch_make(const batch_form *form, int64_t experts, spr_batch *batch, uint8_t **mask)
{
    const int64_t stride = experts + PADDING;
    float *wide = malloc((size_t)(form->tokens * stride) * sizeof *wide);
    *mask = malloc((size_t)form->tokens);
    support_must(wide != NULL && *mask != NULL, "malloc", "no memory for a batch");
    for (int64_t t = 0; t < form->tokens; t++) {
        (*mask)[t] = support_random(300, (uint64_t)t) % 5 != 0;
        for (int64_t e = 0; e < stride; e++)
            wide[t * stride + e] = e < experts ? batch_value(form, t, e) : NAN;
    }
    /* narrowing in place: the half of an element never lies behind it */
    for (int64_t i = 0; i < form->tokens * stride && form->dtype != SPR_FLOAT32; i++) {
        uint16_t narrow = form->dtype == SPR_FLOAT16 ? batch_to_float16(wide[i]) : batch_to_bfloat16(wide[i]);
        memcpy((char *)wide + i * 2, &narrow, sizeof narrow);
    }
    *batch = support_batch(wide, form->tokens);
    batch->row_stride = stride;
    batch->dtype = form->dtype;
    batch->token_mask = form->masked ? *mask : NULL;
    return wide;
}

/* more: options; arrays: letters of the arrays to set (bias, cost, share, allowed, capacity, device), or p for pairs */
typedef struct plan_case {
    const char *more;
    const char *arrays;
} plan_case;

static const plan_case cases[] = {
    {"experts=8 k=1", ""},
    {"experts=8 k=2 normalize=sum", "b"},
    {"experts=60 k=4 score=sigmoid normalize=sum normalize_epsilon=1e-20", "ba"},
    {"experts=64 k=8 score=softmax_selected", ""},
    {"experts=64 k=8 score=sqrt_softplus normalize=sum_if_many scaling_factor=2.5", "b"},
    {"experts=256 k=20", ""},
    {"preset=deepseek-v3", "b"},
    {"preset=deepseek-v2", ""},
    {"experts=64 k=6 groups=8 group_limit=3 group_score=topk_sum group_mask=zero score=sigmoid", "b"},
    {"experts=32 k=4 capacity_factor=1 overflow=drop", ""},
    {"experts=32 k=4 capacity_factor=1 overflow=drop drop_order=position normalize=sum normalize_order=after_drop", ""},
    {"experts=32 k=4 capacity_factor=1.25 overflow=drop drop_order=slot", "b"},
    {"experts=8 k=1 capacity_factor=1", ""},
    {"experts=8 k=2 capacity_factor=1.05 normalize=sum", "b"},
    {"experts=60 k=4 capacity_factor=1.1", "a"},
    {"experts=64 k=8 capacity_factor=1", ""},
    {"experts=64 k=8 capacity_factor=1.5 affinity=logit", ""},
    {"experts=128 k=8 capacity_factor=1.25 score=sigmoid groups=8 group_limit=4", "b"},
    {"experts=256 k=20 capacity_factor=1.1 score=sigmoid", ""},
    {"experts=16 k=2", "c"},
    {"experts=16 k=2 drop_order=position", "c"},
    {"experts=64 k=8 balance_weight=0.1", "s"},
    {"experts=64 k=8 balance_weight=0.05 capacity_factor=1.25", "bs"},
    {"experts=64 k=8 device_balance_weight=0.2 devices=8", "wsd"},
    {"experts=64 k=8 device_balance_weight=0.2 balance_weight=0.1 devices=8 capacity_factor=1.5", "w"},
    {"experts=64 k=8 capacity_factor=1.1 start=warm", ""},
    {"experts=64 k=8 balance_weight=0.1 start=warm price_sweeps=3", ""},
    {"experts=32 k=4 capacity_factor=1.25 mode=causal", ""},
    {"experts=100 k=18 balance_weight=0.1 mode=causal", "b"},
    {"experts=32 k=4 capacity_factor=1 overflow=drop drop_order=position mode=causal", ""},
    {"experts=64 k=8 capacity_factor=1.1 price_sweeps=0", ""},
    {"experts=64 k=8 capacity_factor=1.1 price_tolerance=0 price_sweeps=40 repair_paths=0", ""},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void quadratic_set_pairs(spr_plan *plan, int64_t experts)
{
    enum { PAIRS = 24 };
    int32_t first[PAIRS], second[PAIRS];
    float values[PAIRS];
    spr_error error;
    for (int i = 0; i < PAIRS; i++) {
        first[i] = i;
        second[i] = (int32_t)((i + 5) % experts);
        values[i] = support_normal(600, (uint64_t)i) / 64.0f;
    }
    support_must(spr_plan_set_pairs(plan, "coactivation", first, second, values, PAIRS, &error) == SPR_OK, "pairs",
                 error.message);
}

static void case_set_arrays(spr_plan *plan, const char *arrays)
{
    enum { MOST = 256 };
    const int64_t experts = support_option(plan, "experts"), devices = support_option(plan, "devices");
    spr_error error = {0, ""};
    spr_status status = SPR_OK;
    if (*arrays == 'p') {
        quadratic_set_pairs(plan, experts);
        return;
    }
    for (; *arrays != '\0' && status == SPR_OK; arrays++) {
        float reals[MOST];
        int32_t integers[MOST];
        for (int64_t e = 0; e < experts; e++) {
            uint64_t draw = support_random(400 + (uint64_t)*arrays, (uint64_t)e);
            reals[e] = *arrays == 'b' ? support_normal(500, (uint64_t)e) / 16.0f : (float)(1 + draw % 8) / 4.0f;
            integers[e] = *arrays == 'a'   ? draw % 11 != 0
                          : *arrays == 'c' ? (int32_t)(10 + draw % 150)
                                           : (int32_t)(draw % (uint64_t)(devices + !devices));
        }
        status = *arrays == 'a'   ? spr_plan_set_array_int32(plan, "allowed", integers, experts, &error)
                 : *arrays == 'c' ? spr_plan_set_array_int32(plan, "capacity", integers, experts, &error)
                 : *arrays == 'd' ? spr_plan_set_array_int32(plan, "device", integers, experts, &error)
                 : *arrays == 'b' ? spr_plan_set_array_float(plan, "bias", reals, experts, &error)
                 : *arrays == 'w' ? spr_plan_set_array_float(plan, "cost", reals, experts, &error)
                                  : spr_plan_set_array_float(plan, "share", reals, experts, &error);
    }
    support_must(status == SPR_OK, "array", error.message);
}

/* ------------------------------------------------------------------------------------------------- quadratic terms */

typedef struct quadratic_case {
    int64_t tokens;
    const char *more;
    int pairs;                   /* 1: the array "coactivation" is set */
} quadratic_case;

/* Small: emulated processors route them too. The rest takes five times as long. */
static const quadratic_case quadratics[] = {
    {64, "experts=128 k=8 activation_weight=0.02 resident_factor=0.5", 0},
    {64, "experts=64 k=4 devices=8 active_level_weight=0.01 active_limit=5 seed=1", 0},
    {256, "experts=32 k=4 devices=4 device_touch_weight=0.03 capacity_factor=1.25", 0},
    {40, "experts=32 k=4 hysteresis_weight=0.02 anneal_moves=300 anneal_schedule=adaptive seed=2", 1},
    {60, "experts=48 k=3 nodes=4 node_touch_weight=0.02 node_limit=2 balance_weight=0.05", 0},
    {24, "experts=16 k=3 devices=4 device_touch_weight=0.03 capacity_factor=1.1 seed=4", 0},
    {16, "experts=24 k=3 devices=8 nodes=4 device_touch_weight=0.01 node_touch_weight=0.01 device_limit=2 node_limit=2 "
         "activation_weight=0.05 resident_factor=0.25 active_level_weight=0.01 active_limit=2 hysteresis_weight=0.01 "
         "capacity_factor=2 balance_weight=0.02 device_balance_weight=0.02 seed=3", 1},
};
enum { QUADRATICS = sizeof quadratics / sizeof quadratics[0] };

/* Residents, activation and a table before, for the terms that ask for them; previous: [tokens*k]. */
static void quadratic_remember(spr_batch *batch, int32_t *previous, int64_t k, int64_t experts)
{
    static uint8_t resident[256];
    static float activation[256];
    for (int64_t e = 0; e < experts; e++) {
        resident[e] = support_random(601, (uint64_t)e) % 3 == 0;
        activation[e] = (float)(support_random(602, (uint64_t)e) % 8) / 4.0f;
    }
    for (int64_t i = 0; i < batch->tokens * k; i++)
        previous[i] = i % 7 == 0 ? -1 : (int32_t)((support_random(603, (uint64_t)(i / k)) + (uint64_t)(i % k)) %
                                                  (uint64_t)experts);
    batch->resident = resident;
    batch->activation = activation;
    batch->previous = previous;
}

/* Table, selection, recomputed weights and affinities of one batch. */
static uint64_t route_digest(uint64_t digest, spr_workspace *workspace, const spr_batch *batch, int64_t k,
                             int64_t experts)
{
    support_table out;
    spr_error error;
    const size_t scores_bytes = (size_t)(batch->tokens * experts) * sizeof(float);
    support_table_open(&out, batch->tokens, k, experts);
    float *scores = malloc(scores_bytes);
    support_must(scores != NULL, "malloc", "no memory for scores");
    spr_status status = spr_route(workspace, batch, &out.table, &error);
    support_must(status >= 0, "spr_route", error.message);
    digest = digest_bytes(digest_table(digest, &out), &status, sizeof status);
    support_must(spr_weights(workspace, batch, out.table.ids, out.table.weights, &error) >= 0, "spr_weights",
                 error.message);
    support_must(spr_select(workspace, batch, out.table.sorted, &error) >= 0, "spr_select", error.message);
    support_must(spr_scores(workspace, batch, scores, &error) >= 0, "spr_scores", error.message);
    digest = digest_bytes(digest, out.table.weights, out.sizes[1]);
    digest = digest_bytes(digest, out.table.sorted, out.sizes[4]);
    digest = digest_bytes(digest, scores, scores_bytes);
    support_must(support_table_intact(&out), "spr_route", "wrote outside the table");
    free(scores);
    support_table_close(&out);
    return digest;
}

static spr_workspace *case_open(const plan_case *what, const char *kernel, int *threads, int64_t tokens,
                                spr_plan **plan)
{
    spr_workspace *workspace;
    spr_error error;
    *plan = support_plan(what->more);
    support_must(spr_plan_set_text(*plan, "kernel", kernel, &error) == SPR_OK, "kernel", error.message);
    case_set_arrays(*plan, what->arrays);
    if (spr_plan_seal(*plan, &error) == SPR_ERROR_UNSUPPORTED) {
        fprintf(stderr, "%s\n", error.message);
        exit(77);
    }
    support_must(error.status == SPR_OK, what->more, error.message);
    support_must(spr_workspace_new(*plan, tokens, NULL, NULL, &workspace, &error) == SPR_OK, "workspace",
                 error.message);
    if (*threads > 1)
        spr_workspace_set_parallel(workspace, crew_for, threads, &error);
    return workspace;
}

/* All forms in turn through one workspace: prices are carried in warm and causal plans. */
static uint64_t case_digest(const plan_case *what, const char *kernel, int *threads)
{
    spr_plan *plan;
    spr_workspace *workspace = case_open(what, kernel, threads, 1000, &plan);
    uint64_t digest = digest_start;
    for (int i = 0; i < (digest_quick() ? FORMS_QUICK : FORMS); i++) {
        spr_batch batch;
        uint8_t *mask;
        void *logits = batch_make(&forms[i], support_option(plan, "experts"), &batch, &mask);
        digest = route_digest(digest, workspace, &batch, support_option(plan, "k"), support_option(plan, "experts"));
        free(logits);
        free(mask);
    }
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return digest;
}

/* Batches large enough for many chunks. */
static uint64_t large_digest(const plan_case *what, const char *kernel, int *threads)
{
    static const batch_form form = {4096, SPR_FLOAT32, 1, 0};
    spr_plan *plan;
    spr_workspace *workspace = case_open(what, kernel, threads, form.tokens, &plan);
    spr_batch batch;
    uint8_t *mask;
    void *logits = batch_make(&form, support_option(plan, "experts"), &batch, &mask);
    uint64_t digest = digest_start;
    for (int i = 0; i < 2; i++)
        digest = route_digest(digest, workspace, &batch, support_option(plan, "k"), support_option(plan, "experts"));
    free(logits);
    free(mask);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return digest;
}

static uint64_t quadratic_digest(const quadratic_case *what, const char *kernel, int *threads)
{
    enum { MOST = 64 * 8 > 256 * 4 ? 64 * 8 : 256 * 4 };
    const batch_form form = {what->tokens, SPR_FLOAT32, 1, what->pairs};
    const plan_case case_of = {what->more, what->pairs ? "p" : ""};
    int32_t previous[MOST];
    spr_plan *plan;
    spr_workspace *workspace = case_open(&case_of, kernel, threads, form.tokens, &plan);
    const int64_t k = support_option(plan, "k"), experts = support_option(plan, "experts");
    spr_batch batch;
    uint8_t *mask;
    void *logits = batch_make(&form, experts, &batch, &mask);
    support_must(form.tokens * k <= MOST, "quadratic", "more routes than there is room for");
    quadratic_remember(&batch, previous, k, experts);
    const uint64_t digest = route_digest(digest_start, workspace, &batch, k, experts);
    free(logits);
    free(mask);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return digest;
}

static uint64_t trace_digest(const struct trace *trace, const char *more, const char *kernel, int *threads)
{
    char options[256];
    snprintf(options, sizeof options, "experts=%u k=%u %s", trace->experts, trace->k, more);
    const plan_case what = {options, ""};
    spr_plan *plan;
    spr_workspace *workspace = case_open(&what, kernel, threads, trace->tokens, &plan);
    uint64_t digest = digest_start;
    for (uint32_t layer = 0; layer < trace->layers; layer++) {
        spr_batch batch = support_batch(trace_layer(trace, layer), trace->tokens);
        batch.dtype = (int32_t)trace->dtype;
        digest = route_digest(digest, workspace, &batch, trace->k, trace->experts);
    }
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return digest;
}

/* ----------------------------------------------------------------------------------------------------------- solves */

typedef struct solve_case {
    int64_t n;
    int percent;                 /* of the pairs are coupled */
    double most, unit;           /* couplings: whole numbers up to most, times unit */
    const char *more;            /* options of the solver */
} solve_case;

static const solve_case solves[] = {
    {90, 100, 1, 1, "method=anneal seed=1 work=3000"},
    {200, 100, 100, 1, "seed=2 work=3000 layout=dense"},
    {77, 100, 3000, 1, "seed=3 work=2000 layout=dense"},
    {70, 60, 100, 0.137, "seed=4 work=2000 layout=dense schedule=adaptive"},
    {300, 100, 100, 100, "seed=10 reads=9 sweeps=40 layout=dense"},
    {150, 4, 1, 2, "seed=5 work=400 layout=sparse"},
    {150, 5, 90, 1, "seed=6 work=400 layout=sparse schedule=linear"},
    {150, 5, 90, 0.137, "seed=7 work=400 layout=sparse"},
    {60, 30, 50, 1, "seed=8 reads=9 sweeps=40"},
    {150, 4, 1, 1, "seed=15 reads=256 sweeps=90 method=tempering layout=sparse"},
    {100, 80, 90, 0.137, "seed=16 reads=3 sweeps=60 method=tempering layout=dense"},
    {150, 5, 90, 0.137, "seed=17 reads=256 sweeps=90 method=population layout=sparse"},
    {250, 100, 100, 1, "seed=11 work=3000 method=tabu"},
    {120, 100, 100, 0.137, "seed=12 work=3000 method=relink"},
    {150, 100, 1, 1, "seed=13 reads=24 sweeps=30 method=relink"},
    {150, 4, 90, 1, "seed=14 reads=1024 sweeps=3 method=relink layout=sparse"},
};
enum { SOLVES = sizeof solves / sizeof solves[0] };

static spr_problem *solve_problem(const solve_case *what, uint64_t seed)
{
    const size_t most = (size_t)(what->n * what->n / 2 + 1);
    double *linear = malloc((size_t)what->n * sizeof *linear), *values = malloc(most * sizeof *values);
    int32_t *rows = malloc(most * sizeof *rows), *columns = malloc(most * sizeof *columns);
    spr_problem *problem;
    spr_error error;
    int64_t entries = 0;
    uint64_t drawn = 0;
    support_must(linear != NULL && values != NULL && rows != NULL && columns != NULL, "malloc", "no memory for a problem");
    const uint64_t span = (uint64_t)(2 * what->most + 1);
    for (int64_t i = 0; i < what->n; i++) {
        linear[i] = what->unit * ((double)(support_random(seed, drawn++) % span) - what->most);
        for (int64_t j = 0; j < i; j++) {
            const double value = (double)(support_random(seed, drawn++) % span) - what->most;
            if ((int64_t)(support_random(seed, drawn++) % 100) >= what->percent || value == 0.0)
                continue;
            rows[entries] = (int32_t)i;
            columns[entries] = (int32_t)j;
            values[entries++] = what->unit * value;
        }
    }
    support_must(spr_problem_from_entries(NULL, NULL, SPR_QUBO, what->n, linear, entries, rows, columns, values, 0.5,
                                          &problem, &error) == SPR_OK, "spr_problem_from_entries", error.message);
    free(linear);
    free(values);
    free(rows);
    free(columns);
    return problem;
}

static void solve_set(spr_solver *solver, const char *text)
{
    spr_error error;
    while (*text != '\0') {
        char name[64], value[64];
        int used = 0;
        support_must(sscanf(text, " %63[^= ]=%63s%n", name, value, &used) == 2, "cannot read options", text);
        support_must(spr_solver_set_text(solver, name, value, &error) == SPR_OK, name, error.message);
        text += used;
        text += strspn(text, " ");
    }
}

/* Samples of the backend "anneal", and what it has done for them. */
static uint64_t solve_digest(const solve_case *what, const char *kernel, int *threads)
{
    spr_problem *problem = solve_problem(what, (uint64_t)what->n);
    spr_solver *solver;
    spr_error error;
    spr_solve_result result = {.size = sizeof result};
    uint8_t bits[512];
    support_must(spr_solver_new(NULL, NULL, NULL, "anneal", problem, &solver, &error) == SPR_OK, "spr_solver_new",
                 error.message);
    solve_set(solver, what->more);
    support_must(spr_solver_set_text(solver, "kernel", kernel, &error) == SPR_OK, "kernel", error.message);
    support_must(spr_solver_set_text(solver, "presolve", "off", &error) == SPR_OK, "presolve", error.message);
    if (*threads > 1)
        spr_solver_set_parallel(solver, crew_for, threads, &error);
    if (spr_solver_solve(solver, &result, &error) == SPR_ERROR_UNSUPPORTED) {
        fprintf(stderr, "%s\n", error.message);
        exit(77);
    }
    support_must(error.status == SPR_OK, what->more, error.message);
    uint64_t digest = digest_bytes(digest_start, &result, sizeof result);
    for (int64_t i = 0; i < result.samples; i++) {
        double energy;
        int64_t occurrences;
        support_must(spr_solver_get_sample(solver, i, bits, &energy, &occurrences, &error) == SPR_OK, "sample",
                     error.message);
        digest = digest_bytes(digest, bits, (size_t)what->n);
        digest = digest_bytes(digest, &energy, sizeof energy);
        digest = digest_bytes(digest, &occurrences, sizeof occurrences);
    }
    spr_solver_free(solver);
    spr_problem_free(problem);
    return digest;
}

/* ---------------------------------------------------------------------------------------------------------- program */

static uint64_t print_digest(uint64_t total, const char *name, const char *more, uint64_t digest)
{
    printf("%016llx  %s%s%s\n", (unsigned long long)digest, name, *more != '\0' ? " " : "", more);
    return digest_bytes(total, &digest, sizeof digest);
}

int main(int argc, char **argv)
{
    static const plan_case large[] = {{"experts=64 k=8 normalize=sum", ""},
                                      {"experts=64 k=8 capacity_factor=1 start=warm", ""},
                                      {"experts=32 k=4 balance_weight=0.1 devices=4 device_balance_weight=0.1", "b"},
                                      {"experts=64 k=8 capacity_factor=1.25 mode=causal", ""}};
    static const char *const traced[] = {"normalize=sum", "capacity_factor=1", "capacity_factor=1.25 start=warm",
                                         "balance_weight=0.1", "capacity_factor=1.25 mode=causal"};
    const char *kernel = argc > 2 ? argv[2] : "auto";
    int threads = argc > 3 ? atoi(argv[3]) : 1;
    uint64_t total = digest_start;
    support_must(threads >= 1 && threads <= MAX_THREADS, "threads", "accepted is 1..64");
    for (int i = 0; i < CASES; i++)
        total = print_digest(total, cases[i].more, cases[i].arrays, case_digest(&cases[i], kernel, &threads));
    for (int i = 0; i < QUADRATICS; i++)
        total = print_digest(total, "quadratic", quadratics[i].more, quadratic_digest(&quadratics[i], kernel, &threads));
    for (int i = 0; i < SOLVES; i++)
        total = print_digest(total, "solve", solves[i].more, solve_digest(&solves[i], kernel, &threads));
    for (size_t i = 0; i < sizeof large / sizeof large[0] && !digest_quick(); i++)
        total = print_digest(total, "large", large[i].more, large_digest(&large[i], kernel, &threads));
    if (argc > 1 && strcmp(argv[1], "-") != 0) {
        struct trace trace;
        char message[256];
        support_must(trace_read(argv[1], &trace, message, sizeof message) == 0, argv[1], message);
        for (size_t i = 0; i < sizeof traced / sizeof traced[0]; i++)
            total = print_digest(total, "trace", traced[i], trace_digest(&trace, traced[i], kernel, &threads));
        trace_free(&trace);
    }
    printf("%016llx  total\n", (unsigned long long)total);
    return 0;
}
