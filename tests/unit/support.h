/* SPDX-License-Identifier: MIT
 * What the tests share: plans from one line of text, batches, tables with canaries around every array, numbers that are
 * the same on every machine. Header only and without a test framework, so that every folder can include it. A step that
 * cannot fail ends the program with a sentence when it does. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spinroute.h"

#define SUPPORT_UNUSED __attribute__((unused))

SUPPORT_UNUSED static void support_must(int condition, const char *what, const char *message)
{
    if (condition)
        return;
    fprintf(stderr, "test support: %s: %s\n", what, message);
    exit(99);
}

/* ---------------------------------------------------------------------------------------------------------- numbers */

/* Counter-based: number i of stream seed (splitmix64 of both). */
SUPPORT_UNUSED static uint64_t support_random(uint64_t seed, uint64_t i)
{
    uint64_t x = (seed + 1) * 0x9E3779B97F4A7C15u ^ (i + 1) * 0xD1B54A32D192ED03u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* Bell-shaped in about -4..4, exact in float: a sum of four 16-bit numbers. */
SUPPORT_UNUSED static float support_normal(uint64_t seed, uint64_t i)
{
    uint64_t x = support_random(seed, i);
    int32_t sum = (int32_t)(x & 65535) + (int32_t)(x >> 16 & 65535) + (int32_t)(x >> 32 & 65535) + (int32_t)(x >> 48);
    return (float)(sum - 131070) / 32768.0f;
}

/* Every float16 and bfloat16 is a float32. */
SUPPORT_UNUSED static float support_from_bfloat16(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

SUPPORT_UNUSED static float support_from_float16(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float sign = bits & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31)
        return fraction != 0 ? NAN : sign * INFINITY;
    return sign * (exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(fraction + 1024), exponent - 25));
}

/* ------------------------------------------------------------------------------------------------------------- plan */

/* Sets "name=value name=value ..."; preset=NAME is accepted as the first word. */
SUPPORT_UNUSED static spr_status support_set(spr_plan *plan, const char *text, spr_error *error)
{
    spr_status status = SPR_OK;
    while (status == SPR_OK && *text != '\0') {
        char name[64], value[64];
        int used = 0;
        support_must(sscanf(text, " %63[^= ]=%63s%n", name, value, &used) == 2, "cannot read options", text);
        status = strcmp(name, "preset") == 0 ? spr_plan_set_preset(plan, value, error)
                                             : spr_plan_set_text(plan, name, value, error);
        text += used;
        text += strspn(text, " ");
    }
    return status;
}

/* Not sealed, so that arrays can follow. */
SUPPORT_UNUSED static spr_plan *support_plan(const char *text)
{
    spr_plan *plan;
    spr_error error;
    support_must(spr_plan_new(NULL, NULL, &plan, &error) == SPR_OK, "spr_plan_new", error.message);
    support_must(support_set(plan, text, &error) == SPR_OK, text, error.message);
    return plan;
}

SUPPORT_UNUSED static int64_t support_option(const spr_plan *plan, const char *name)
{
    int64_t value = 0;
    spr_error error;
    support_must(spr_plan_get_integer(plan, name, &value, &error) == SPR_OK, name, error.message);
    return value;
}

/* ------------------------------------------------------------------------------------------------------------ batch */

SUPPORT_UNUSED static spr_batch support_batch(const void *logits, int64_t tokens)
{
    spr_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.size = sizeof batch;
    batch.tokens = tokens;
    batch.logits = logits;
    return batch;
}

/* ------------------------------------------------------------------------------------------------------------ table */

enum { SUPPORT_ARRAYS = 7, SUPPORT_CANARY = 64 };

/* All arrays of a table in one block, SUPPORT_CANARY bytes before, between and after them. */
typedef struct support_table {
    spr_table table;
    spr_statistics statistics;
    int64_t tokens, k, experts;
    size_t sizes[SUPPORT_ARRAYS];
    unsigned char *memory;
} support_table;

SUPPORT_UNUSED static void support_table_clear(support_table *to)
{
    unsigned char *at = to->memory;
    memset(at, 0xA5, SUPPORT_CANARY);
    at += SUPPORT_CANARY;
    for (int i = 0; i < SUPPORT_ARRAYS; i++) {
        memset(at, 0x5A, to->sizes[i]);
        memset(at + to->sizes[i], 0xA5, SUPPORT_CANARY);
        at += to->sizes[i] + SUPPORT_CANARY;
    }
    memset(&to->statistics, 0x5A, sizeof to->statistics);
    to->statistics.size = sizeof to->statistics;
}

SUPPORT_UNUSED static void support_table_open(support_table *to, int64_t tokens, int64_t k, int64_t experts)
{
    const size_t routes = (size_t)(tokens * k) * 4, wide = (size_t)experts * 4;
    const size_t sizes[SUPPORT_ARRAYS] = {routes, routes, wide, wide + 4, routes, routes, wide};
    void *arrays[SUPPORT_ARRAYS];
    size_t bytes = SUPPORT_CANARY;
    memset(to, 0, sizeof *to);
    to->tokens = tokens;
    to->k = k;
    to->experts = experts;
    memcpy(to->sizes, sizes, sizeof sizes);
    for (int i = 0; i < SUPPORT_ARRAYS; i++)
        bytes += sizes[i] + SUPPORT_CANARY;
    to->memory = malloc(bytes);
    support_must(to->memory != NULL, "malloc", "no memory for a table");
    for (size_t i = 0, at = SUPPORT_CANARY; i < SUPPORT_ARRAYS; at += sizes[i++] + SUPPORT_CANARY)
        arrays[i] = to->memory + at;
    to->table = (spr_table){sizeof to->table, arrays[0], arrays[1], arrays[2],      arrays[3],
                            arrays[4],        arrays[5], arrays[6], &to->statistics};
    support_table_clear(to);
}

SUPPORT_UNUSED static void support_table_close(support_table *table)
{
    free(table->memory);
    memset(table, 0, sizeof *table);
}

/* 1 when nothing was written outside the arrays. */
SUPPORT_UNUSED static int support_table_intact(const support_table *table)
{
    const unsigned char *at = table->memory;
    for (int i = 0; i <= SUPPORT_ARRAYS; i++) {
        for (int j = 0; j < SUPPORT_CANARY; j++)
            if (at[j] != 0xA5)
                return 0;
        at += SUPPORT_CANARY + (i < SUPPORT_ARRAYS ? table->sizes[i] : 0);
    }
    return 1;
}

/* 1 when all arrays and the statistics are the same bits. */
SUPPORT_UNUSED static int support_table_equal(const support_table *a, const support_table *b)
{
    size_t bytes = SUPPORT_CANARY;
    for (int i = 0; i < SUPPORT_ARRAYS; i++) {
        if (a->sizes[i] != b->sizes[i])
            return 0;
        bytes += a->sizes[i] + SUPPORT_CANARY;
    }
    return memcmp(a->memory, b->memory, bytes) == 0 &&
           memcmp(&a->statistics, &b->statistics, sizeof a->statistics) == 0;
}

/* First contradiction between ids and the arrays derived from them, NULL when there is none. */
SUPPORT_UNUSED static const char *support_table_contradiction(const support_table *from)
{
    const spr_table *table = &from->table;
    const int64_t routes = from->tokens * from->k;
    int64_t total = 0;
    for (int64_t e = 0; e < from->experts; e++) {
        int32_t load = 0;
        if (table->offsets[e] != total)
            return "offsets do not add up the counts";
        for (int64_t i = 0; i < routes; i++)
            if (table->ids[i] == e) {
                if (table->positions[i] != load)
                    return "positions do not number the routes of an expert";
                if (table->sorted[total + load] != i)
                    return "sorted does not list the routes of an expert";
                load++;
            }
        if (table->counts[e] != load)
            return "counts do not count ids";
        total += load;
    }
    if (table->offsets[from->experts] != total)
        return "the last offset is not the number of routes";
    for (int64_t i = total; i < routes; i++)
        if (table->sorted[i] != -1)
            return "sorted does not end in -1";
    for (int64_t i = 0; i < routes; i++) {
        if (table->ids[i] < -1 || table->ids[i] >= from->experts)
            return "an id is out of range";
        if (table->ids[i] < 0 && (table->positions[i] != -1 || table->weights[i] != 0.0f))
            return "a slot without expert has a position or a weight";
        for (int64_t j = i - i % from->k; j < i; j++)
            if (table->ids[i] >= 0 && table->ids[i] == table->ids[j])
                return "a token has an expert twice";
    }
    return NULL;
}

/* ----------------------------------------------------------------------------------------------------------- router */

/* A sealed plan, its workspace and a table of full size. */
typedef struct support_router {
    spr_plan *plan;
    spr_workspace *workspace;
    int64_t tokens, k, experts;
    support_table out;
} support_router;

/* Takes the plan over and seals it. */
SUPPORT_UNUSED static void support_router_start(support_router *router, spr_plan *plan, int64_t tokens)
{
    spr_error error;
    memset(router, 0, sizeof *router);
    router->plan = plan;
    router->tokens = tokens;
    router->k = support_option(plan, "k");
    router->experts = support_option(plan, "experts");
    support_must(spr_plan_seal(plan, &error) == SPR_OK, "spr_plan_seal", error.message);
    support_must(spr_workspace_new(plan, tokens, NULL, NULL, &router->workspace, &error) == SPR_OK, "spr_workspace_new",
                 error.message);
    support_table_open(&router->out, tokens, router->k, router->experts);
}

SUPPORT_UNUSED static void support_router_open(support_router *router, const char *options, int64_t tokens)
{
    support_router_start(router, support_plan(options), tokens);
}

SUPPORT_UNUSED static void support_router_close(support_router *router)
{
    support_table_close(&router->out);
    spr_workspace_free(router->workspace);
    spr_plan_free(router->plan);
    memset(router, 0, sizeof *router);
}

/* Routes into the router's table, which is wiped first. */
SUPPORT_UNUSED static spr_status support_route(support_router *router, const spr_batch *batch, spr_error *error)
{
    support_table_clear(&router->out);
    return spr_route(router->workspace, batch, &router->out.table, error);
}

#endif
