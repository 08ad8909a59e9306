/* SPDX-License-Identifier: MIT
 * Routes a trace of real router logits, greedily and with Spinroute, and shows both. */
#define _POSIX_C_SOURCE 200809L
#include "demo_report.h"

#include <errno.h>
#include <math.h>
#include <spinroute.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace.h"

enum { GREEDY, COLD, WARM, KINDS, REPEATS = 7 };

static const char usage[] = "usage: demo TRACE [--svg FILE] [--capacity-factor X] [--batch N]\n"
                            "  X  over 0, default 1: each expert takes at most X times the mean load\n"
                            "  N  tokens per batch, default 4096\n";

/* Everything that routes; times holds each full batch REPEATS times. */
struct bench {
    spr_plan *plan[KINDS];
    spr_workspace *workspace[KINDS];
    int32_t *ids, *load[2];
    float *weights, *prices;
    double *times[KINDS];
    int64_t timed[KINDS];
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "demo: %s: %s\n", what, why);
    return -1;
}

static void *array(int64_t count, size_t size)
{
    void *memory = calloc((size_t)count, size);
    if (memory == NULL) {
        fail("array", "out of memory");
        exit(1);
    }
    return memory;
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, int64_t count)
{
    if (count == 0)
        return -1.0;
    qsort(times, (size_t)count, sizeof times[0], compare_times);
    return count % 2 == 1 ? times[count / 2] : (times[count / 2 - 1] + times[count / 2]) / 2;
}

/* The greedy plan is plain top-k; the others have a capacity, and start from zero or from the last batch's prices. */
static int bench_open(struct bench *b, struct demo *d)
{
    spr_error error;
    for (int kind = 0; kind < KINDS; kind++) {
        spr_status status = spr_plan_new(NULL, NULL, &b->plan[kind], &error);
        if (status >= 0)
            status = spr_plan_set_integer(b->plan[kind], "experts", d->experts, &error);
        if (status >= 0)
            status = spr_plan_set_integer(b->plan[kind], "k", d->k, &error);
        if (status >= 0 && kind != GREEDY)
            status = spr_plan_set_real(b->plan[kind], "capacity_factor", d->capacity_factor, &error);
        if (status >= 0 && kind == WARM)
            status = spr_plan_set_text(b->plan[kind], "start", "warm", &error);
        if (status >= 0)
            status = spr_plan_seal(b->plan[kind], &error);
        if (status >= 0)
            status = spr_workspace_new(b->plan[kind], d->batch, NULL, NULL, &b->workspace[kind], &error);
        if (status >= 0 && kind != GREEDY)
            status = spr_plan_capacity(b->plan[kind], d->batch, &d->capacity, &error);
        if (status < 0)
            return fail("plan", error.message);
        b->times[kind] = array((d->tokens / d->batch + 1) * REPEATS, sizeof(double));
    }
    b->ids = array(d->batch * d->k, sizeof(int32_t));
    b->weights = array(d->batch * d->k, sizeof(float));
    b->prices = array(d->experts, sizeof(float));
    b->load[0] = array(d->experts, sizeof(int32_t));
    b->load[1] = array(d->experts, sizeof(int32_t));
    return 0;
}

static void bench_close(struct bench *b)
{
    for (int kind = 0; kind < KINDS; kind++) {
        spr_workspace_free(b->workspace[kind]);
        spr_plan_free(b->plan[kind]);
        free(b->times[kind]);
    }
    free(b->ids);
    free(b->weights);
    free(b->prices);
    free(b->load[0]);
    free(b->load[1]);
}

/* Asks for what a model needs, REPEATS times. A warm call starts from the prices of the batch before, each time. */
static int bench_time(struct bench *b, int kind, const spr_batch *batch, int64_t full)
{
    spr_table table = {.size = sizeof table, .ids = b->ids, .weights = b->weights, .counts = b->load[0]};
    spr_error error;
    for (int i = 0; i < REPEATS; i++) {
        if (kind == WARM && spr_workspace_set_prices(b->workspace[kind], b->prices, &error) < 0)
            return fail("prices", error.message);
        double start = milliseconds();
        if (spr_route(b->workspace[kind], batch, &table, &error) < 0)
            return fail("route", error.message);
        if (batch->tokens == full)
            b->times[kind][b->timed[kind]++] = milliseconds() - start;
    }
    return 0;
}

/* Loads of both kinds, and what the statistics tell; the prices stay for the next batch. */
static int bench_look(struct bench *b, const spr_batch *batch, spr_statistics *found)
{
    spr_error error;
    spr_table table = {.size = sizeof table, .ids = b->ids, .counts = b->load[0]};
    if (spr_route(b->workspace[GREEDY], batch, &table, &error) < 0)
        return fail("route", error.message);
    table.counts = b->load[1];
    table.prices = b->prices;
    table.statistics = found;
    if (spr_route(b->workspace[COLD], batch, &table, &error) < 0)
        return fail("route", error.message);
    return 0;
}

static void layer_keep_loads(struct demo_layer *l, const struct bench *b, int64_t experts)
{
    memcpy(l->greedy_load, b->load[0], (size_t)experts * sizeof(int32_t));
    memcpy(l->load, b->load[1], (size_t)experts * sizeof(int32_t));
    for (int64_t i = 1; i < experts; i++)
        for (int64_t j = i; j > 0 && l->greedy_load[j] > l->greedy_load[j - 1]; j--) {
            int32_t greedy = l->greedy_load[j], load = l->load[j];
            l->greedy_load[j] = l->greedy_load[j - 1], l->load[j] = l->load[j - 1];
            l->greedy_load[j - 1] = greedy, l->load[j - 1] = load;
        }
}

static void layer_add(struct demo_layer *l, const struct bench *b, const struct demo *d, const spr_statistics *found,
                      int64_t first)
{
    double mean = (double)(found->tokens * d->k) / (double)d->experts, peaks[2] = {0.0, 0.0};
    int64_t over[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        for (int64_t e = 0; e < d->experts; e++) {
            over[i] += b->load[i][e] > found->capacity ? b->load[i][e] - found->capacity : 0;
            peaks[i] = fmax(peaks[i], b->load[i][e] / mean);
        }
    l->routes += found->tokens * d->k;
    l->greedy_over += over[0];
    l->over += over[1];
    l->dropped += found->dropped;
    l->greedy_affinity += found->greedy_affinity;
    l->affinity += found->affinity;
    l->gap = fmax(l->gap, found->gap);
    l->sweeps += (double)found->price_sweeps;
    l->chains += (double)found->repair_paths;
    if (found->tokens < d->batch)
        return;
    l->peak = fmax(l->peak, peaks[1]);
    if (peaks[0] > l->greedy_peak) {
        l->greedy_peak = peaks[0];
        l->first = first;
        l->tokens = found->tokens;
        l->capacity = found->capacity;
        layer_keep_loads(l, b, d->experts);
    }
}

static int layer_route(struct demo_layer *l, struct bench *b, const struct demo *d, const struct trace *trace,
                       const char *logits)
{
    double batches = 0.0;
    l->greedy_load = array(d->experts, sizeof(int32_t));
    l->load = array(d->experts, sizeof(int32_t));
    for (int kind = 0; kind < KINDS; kind++)
        b->timed[kind] = 0;
    for (int64_t first = 0; first < d->tokens; first += d->batch, batches++) {
        spr_statistics found = {.size = sizeof found};
        spr_batch batch = {.size = sizeof batch, .dtype = (int32_t)trace->dtype};
        batch.tokens = d->tokens - first < d->batch ? d->tokens - first : d->batch;
        batch.logits = logits + (size_t)(first * d->experts) * trace->element_size;
        for (int kind = 0; kind < KINDS; kind++)
            if ((kind != WARM || first > 0) && bench_time(b, kind, &batch, d->batch) != 0)
                return -1;
        if (bench_look(b, &batch, &found) != 0)
            return -1;
        layer_add(l, b, d, &found, first);
    }
    l->sweeps /= batches;
    l->chains /= batches;
    l->greedy_ms = median(b->times[GREEDY], b->timed[GREEDY]);
    l->cold_ms = median(b->times[COLD], b->timed[COLD]);
    l->warm_ms = median(b->times[WARM], b->timed[WARM]);
    return 0;
}

static int demo_run(struct demo *d, const struct trace *trace)
{
    struct bench bench = {.ids = NULL};
    d->name = trace->name;
    d->layers = trace->layers;
    d->tokens = trace->tokens;
    d->experts = trace->experts;
    d->k = trace->k;
    d->repeats = REPEATS;
    d->batch = d->batch < d->tokens ? d->batch : d->tokens;
    d->layer = array(d->layers, sizeof d->layer[0]);
    int failed = bench_open(&bench, d);
    for (uint32_t i = 0; failed == 0 && i < trace->layers; i++)
        failed = layer_route(&d->layer[i], &bench, d, trace, trace_layer(trace, i));
    bench_close(&bench);
    return failed;
}

/* Returns 0 when all arguments are understood. */
static int read_arguments(int argc, char **argv, struct demo *d, const char **trace, const char **svg)
{
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        const char *value = argv[i][0] == '-' && i + 1 < argc ? argv[i + 1] : NULL;
        if (argv[i][0] != '-' && *trace == NULL) {
            *trace = argv[i];
            continue;
        }
        if (value == NULL || *value == '\0')
            return -1;
        if (strcmp(argv[i], "--svg") == 0)
            *svg = value;
        else if (strcmp(argv[i], "--capacity-factor") == 0)
            d->capacity_factor = strtod(value, &end);
        else if (strcmp(argv[i], "--batch") == 0)
            d->batch = strtoll(value, &end, 10);
        else
            return -1;
        if (end != NULL && *end != '\0')
            return -1;
        i++;
    }
    return *trace != NULL && d->batch > 0 && d->capacity_factor > 0.0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct demo demo = {.batch = 4096, .capacity_factor = 1.0};
    struct trace trace;
    const char *path = NULL, *svg = NULL;
    char why[256];
    if (read_arguments(argc, argv, &demo, &path, &svg) != 0)
        return fputs(usage, stderr), 1;
    if (trace_read(path, &trace, why, sizeof why) != 0)
        return fprintf(stderr, "demo: no trace to route: %s\n", why), 1;
    int failed = demo_run(&demo, &trace);
    if (failed == 0)
        demo_print(&demo, stdout);
    if (failed == 0 && svg != NULL && demo_write_svg(&demo, svg) != 0)
        failed = fail(svg, strerror(errno));
    for (int64_t i = 0; demo.layer != NULL && i < demo.layers; i++) {
        free(demo.layer[i].greedy_load);
        free(demo.layer[i].load);
    }
    free(demo.layer);
    trace_free(&trace);
    return failed != 0;
}
