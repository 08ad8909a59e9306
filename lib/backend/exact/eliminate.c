/* SPDX-License-Identifier: MIT
 * Elimination of variables (bucket elimination; R. Dechter, 1999): a variable leaves a table over its neighbours that holds
 * the least energy of what has left. Exact, with time and memory exponential in the number of neighbours only. Where these
 * are too many, its functions are split into several tables, which then hold a bound (mini-buckets; R. Dechter and I. Rish,
 * 2003), and a search follows. */
#include "tables.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { ELIMINATE_WORDS = EXACT_MOST_ELIMINATED / 64, ELIMINATE_UNIT = 4096, ELIMINATE_NODES = 1024 };

typedef uint64_t eliminate_set[ELIMINATE_WORDS];

/* --------------------------------------------------------------------------------------------------------------- order */

static int eliminate_count(const uint64_t *set)
{
    int count = 0;
    for (int w = 0; w < ELIMINATE_WORDS; w++)
        count += __builtin_popcountll(set[w]);
    return count;
}

static void eliminate_adjacency(const spr_problem_view *problem, eliminate_set *joined)
{
    memset(joined, 0, sizeof(eliminate_set) * (size_t)problem->variables);
    for (int64_t i = 0; i < problem->variables; i++)
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            joined[i][problem->column[at] / 64] |= (uint64_t)1 << (problem->column[at] & 63);
}

/* v leaves: its neighbours are joined with each other. */
static void eliminate_leave(eliminate_set *joined, int64_t n, int32_t v)
{
    for (int64_t u = 0; u < n; u++)
        if (joined[v][u / 64] >> (u & 63) & 1) {
            for (int w = 0; w < ELIMINATE_WORDS; w++)
                joined[u][w] |= joined[v][w];
            joined[u][u / 64] &= ~((uint64_t)1 << (u & 63));
            joined[u][v / 64] &= ~((uint64_t)1 << (v & 63));
        }
}

/* Twice the number of pairs that would be joined if v left. */
static int64_t eliminate_fill_in(eliminate_set *joined, int64_t n, int32_t v)
{
    int64_t missing = 0;
    for (int64_t u = 0; u < n; u++)
        if (joined[v][u / 64] >> (u & 63) & 1) {
            for (int w = 0; w < ELIMINATE_WORDS; w++)
                missing += __builtin_popcountll(joined[v][w] & ~joined[u][w]);
            missing--;
        }
    return missing;
}

/* The variable that joins fewest pairs, among those with few neighbours. */
static int32_t eliminate_next(eliminate_set *joined, const uint8_t *gone, int64_t n, int32_t *width)
{
    int32_t best = -1, degree[EXACT_MOST_ELIMINATED], least = INT32_MAX;
    int64_t fewest = 0;
    for (int64_t v = 0; v < n; v++) {
        degree[v] = gone[v] ? INT32_MAX : eliminate_count(joined[v]);
        least = degree[v] < least ? degree[v] : least;
    }
    for (int32_t v = 0; v < n; v++) {
        /* dense remainders: any order is as good */
        if (gone[v] || degree[v] > least + 3 || (best >= 0 && least > 40))
            continue;
        const int64_t missing = eliminate_fill_in(joined, n, v);
        if (best < 0 || missing < fewest || (missing == fewest && degree[v] < degree[best])) {
            best = v;
            fewest = missing;
        }
    }
    *width = degree[best];
    return best;
}

int spr__exact_plan(const spr_problem_view *problem, exact_order *order)
{
    const int64_t n = problem->variables;
    eliminate_set joined[EXACT_MOST_ELIMINATED];
    uint8_t gone[EXACT_MOST_ELIMINATED] = {0};
    if (n > EXACT_MOST_ELIMINATED)
        return 0;
    eliminate_adjacency(problem, joined);
    order->entries = 0.0;
    order->split = 0;
    for (int64_t i = 0; i < n; i++) {
        order->variable[i] = eliminate_next(joined, gone, n, &order->width[i]);
        order->entries += ldexp(1.0, order->width[i]);
        order->split += order->width[i] > EXACT_TABLE_BITS - 4;
        eliminate_leave(joined, n, order->variable[i]);
        gone[order->variable[i]] = 1;
    }
    return 1;
}

/* -------------------------------------------------------------------------------------------------------------- tables */

/* Adds places to a scope, without the variable's own. Returns 0, and changes nothing, if it would get wider than limit. */
static int eliminate_widen(exact_table *table, const int32_t *places, int32_t count, int32_t limit)
{
    int32_t merged[2 * EXACT_TABLE_BITS + 1], width = 0, a = 0, b = 0;
    while (a < table->width || b < count) {
        const int32_t x = a < table->width ? table->scope[a] : INT32_MAX, y = b < count ? places[b] : INT32_MAX;
        const int32_t low = x < y ? x : y;
        a += x == low;
        b += y == low;
        if (low != table->from)
            merged[width++] = low;
    }
    if (width > limit)
        return 0;
    memcpy(table->scope, merged, (size_t)width * sizeof merged[0]);
    table->width = width;
    return 1;
}

/* A new table of the variable at a place. */
static exact_table *eliminate_start(exact_elimination *e, int32_t p)
{
    exact_table *table = &e->tables[e->count];
    memset(table, 0, sizeof *table);
    table->from = p;
    table->sources = -1;
    table->with_linear = e->sent[p] < 0;
    table->next_sent = e->sent[p];
    e->sent[p] = e->count++;
    return table;
}

/* Finds a table of place p, or makes one, that can take a function over these places. */
static exact_table *eliminate_room(exact_elimination *e, int32_t p, const int32_t *places, int32_t count)
{
    for (int32_t t = e->sent[p]; t >= 0; t = e->tables[t].next_sent)
        if (eliminate_widen(&e->tables[t], places, count, e->limit))
            return &e->tables[t];
    exact_table *table = eliminate_start(e, p);
    eliminate_widen(table, places, count, e->limit);
    return table;
}

/* Tables by width, then by number. */
static int32_t eliminate_rank(const exact_elimination *e, int32_t t)
{
    return e->tables[t].width << 24 | t;
}

/* The widest table that arrived at place p, of those whose rank is below; -1 = none. */
static int32_t eliminate_widest(const exact_elimination *e, int32_t p, int32_t below)
{
    int32_t best = -1;
    for (int32_t t = e->arrived[p]; t >= 0; t = e->tables[t].next_arrived) {
        if (eliminate_rank(e, t) < below && (best < 0 || eliminate_rank(e, t) > eliminate_rank(e, best)))
            best = t;
    }
    return best;
}

static void eliminate_take_couplings(exact_elimination *e, int32_t p)
{
    const spr_problem_view *problem = e->problem;
    const int32_t v = e->order.variable[p];
    for (int64_t at = problem->row_start[v]; at < problem->row_start[v + 1]; at++) {
        const int32_t q = e->place[problem->column[at]];
        if (q > p)
            eliminate_room(e, p, &q, 1);
    }
    /* bits are known when scopes are complete: a coupling goes to the first table that has its place */
    for (int64_t at = problem->row_start[v]; at < problem->row_start[v + 1]; at++) {
        const int32_t q = e->place[problem->column[at]];
        int taken = q < p;
        for (int32_t t = e->sent[p]; t >= 0 && !taken; t = e->tables[t].next_sent)
            for (int32_t i = 0; i < e->tables[t].width && !taken; i++)
                if (e->tables[t].scope[i] == q) {
                    e->tables[t].coupled |= (uint32_t)1 << i;
                    taken = 1;
                }
    }
}

/* All tables of the variable at place p: first those that arrived there, the widest first, then its couplings. */
static void eliminate_make(exact_elimination *e, int32_t p)
{
    int32_t below = INT32_MAX;
    for (int32_t t = eliminate_widest(e, p, below); t >= 0; t = eliminate_widest(e, p, below)) {
        exact_table *table = eliminate_room(e, p, e->tables[t].scope, e->tables[t].width);
        e->tables[t].next_source = table->sources;
        table->sources = t;
        below = eliminate_rank(e, t);
    }
    eliminate_take_couplings(e, p);
    if (e->sent[p] < 0)
        eliminate_start(e, p);
    for (int32_t t = e->sent[p]; t >= 0; t = e->tables[t].next_sent)
        if (e->tables[t].width > 0) {
            const int32_t to = e->tables[t].scope[0];
            e->tables[t].next_arrived = e->arrived[to];
            e->arrived[to] = t;
        }
}

/* Scopes of all tables, none wider than limit. Returns the number of their entries. */
static double eliminate_scopes(exact_elimination *e, int32_t limit)
{
    double entries = 0.0;
    e->limit = limit;
    e->count = 0;
    for (int32_t p = 0; p < e->n; p++)
        e->sent[p] = e->arrived[p] = -1;
    for (int32_t p = 0; p < e->n; p++) {
        /* a variable makes at most as many tables as it has functions, and one */
        if (e->count + e->n + e->problem->couplings > e->most)
            return INFINITY;
        eliminate_make(e, p);
    }
    for (int32_t t = 0; t < e->count; t++)
        entries += ldexp(1.0, e->tables[t].width);
    return entries;
}

exact_elimination *spr__exact_eliminate_open(const spr_host *host)
{
    const spr_problem_view *problem = host->problem;
    const size_t n = (size_t)problem->variables, most = 3 * (n + (size_t)problem->couplings);
    exact_elimination *e = (exact_elimination *)host->allocate(host->engine, sizeof *e);
    if (e == NULL || !spr__exact_plan(problem, &e->order))
        return NULL;
    e->problem = problem;
    e->most = (int64_t)most;
    e->n = e->at = (int32_t)n;
    for (int32_t p = 0; p < e->n; p++)
        e->place[e->order.variable[p]] = p;
    e->tables = (exact_table *)host->allocate(host->engine, most * sizeof(exact_table));
    e->bits = (uint8_t *)host->allocate(host->engine, n);
    if (e->tables == NULL || e->bits == NULL)
        return NULL;
    int32_t limit = EXACT_TABLE_BITS;
    double entries = eliminate_scopes(e, limit);
    while (entries > ldexp(1.0, EXACT_TABLE_BITS) && limit > 2)
        entries = eliminate_scopes(e, --limit);
    double *pool = entries > ldexp(1.0, EXACT_TABLE_BITS)
                       ? NULL : (double *)host->allocate(host->engine, (size_t)entries * sizeof(double));
    if (pool == NULL)
        return NULL;
    for (int32_t t = 0; t < e->count; t++) {
        e->tables[t].least = pool;
        pool += (size_t)1 << e->tables[t].width;
    }
    e->size = spr__exact_size(problem);
    e->grain = spr__exact_grain(problem);
    e->symmetric = spr__exact_is_symmetric(problem);
    e->best = INFINITY;
    return e;
}

void spr__exact_eliminate_warm(exact_elimination *e, const uint8_t *bits)
{
    const spr_problem_view *problem = e->problem;
    e->best = problem->offset;
    for (int64_t i = 0; i < e->n; i++)
        if (bits[i]) {
            e->best += problem->linear[i];
            for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
                e->best += bits[problem->column[at]] ? 0.5 * problem->value[at] : 0.0;
        }
}

/* ------------------------------------------------------------------------------------------------------------- entries */

/* Adds a table's entries to the costs of a run of entries of another one, in which the low bits count up. */
static void eliminate_add(const exact_table *source, const exact_table *table, int64_t first, int64_t last, double *zero,
                          double *one)
{
    int64_t bit[EXACT_TABLE_BITS + 1] = {0}, index = 0;
    /* bit 0 of the source is the variable that leaves */
    for (int32_t i = 1, j = 0; i < source->width; i++) {
        while (table->scope[j] != source->scope[i])
            j++;
        bit[j] = (int64_t)1 << i;
    }
    for (int32_t j = 0; j < table->width; j++)
        index |= first >> j & 1 ? bit[j] : 0;
    for (int64_t entry = first;; entry++) {
        zero[entry - first] += source->least[index];
        one[entry - first] += source->least[index | 1];
        if (entry + 1 == last)
            return;
        /* counting up clears the trailing ones and sets the next bit */
        int32_t j = 0;
        for (; entry >> j & 1; j++)
            index &= ~bit[j];
        index |= bit[j];
    }
}

static double eliminate_coupling(const exact_elimination *e, int32_t p, int32_t q)
{
    const spr_problem_view *problem = e->problem;
    const int32_t v = e->order.variable[p], u = e->order.variable[q];
    for (int64_t at = problem->row_start[v]; at < problem->row_start[v + 1]; at++)
        if (problem->column[at] == u)
            return problem->value[at];
    return 0.0;
}

/* Costs of both values of the leaving variable at entries first..last-1 (at most a unit), and the lesser of them. */
static void eliminate_fill(exact_elimination *e, const exact_table *table, int64_t first, int64_t last)
{
    double weight[EXACT_TABLE_BITS + 1], zero[ELIMINATE_UNIT], one[ELIMINATE_UNIT];
    for (int32_t i = 0; i < table->width; i++)
        weight[i] = table->coupled >> i & 1 ? eliminate_coupling(e, table->from, table->scope[i]) : 0.0;
    for (int64_t entry = first; entry < last; entry++) {
        zero[entry - first] = 0.0;
        one[entry - first] = table->with_linear ? e->problem->linear[e->order.variable[table->from]] : 0.0;
        for (int32_t i = 0; i < table->width; i++)
            one[entry - first] += entry >> i & 1 ? weight[i] : 0.0;
    }
    for (int32_t t = table->sources; t >= 0; t = e->tables[t].next_source)
        eliminate_add(&e->tables[t], table, first, last, zero, one);
    for (int64_t entry = first; entry < last; entry++)
        table->least[entry] = one[entry - first] < zero[entry - first] ? one[entry - first] : zero[entry - first];
}

/* Fills a unit's worth of entries. */
static void eliminate_unit(exact_elimination *e)
{
    int64_t room = ELIMINATE_UNIT;
    while (room > 0 && e->table < e->count) {
        const exact_table *table = &e->tables[e->table];
        const int64_t entries = (int64_t)1 << table->width;
        const int64_t last = e->entry + room < entries ? e->entry + room : entries;
        eliminate_fill(e, table, e->entry, last);
        room -= last - e->entry;
        e->entry = last;
        if (last == entries) {
            e->table++;
            e->entry = 0;
        }
    }
    if (e->table < e->count)
        return;
    e->bound[e->n] = e->problem->offset;
    for (int32_t t = 0; t < e->count; t++)
        e->bound[e->n] += e->tables[t].width == 0 ? e->tables[t].least[0] : 0.0;
}

/* Searches a unit's worth of nodes. Returns nonzero when all is searched. */
static int eliminate_search(exact_elimination *e, const spr_host *host)
{
    for (int node = 0; node < ELIMINATE_NODES; node++)
        if (spr__exact_search_node(e, host)) {
            /* less what sums of that many numbers may have been rounded by */
            host->prove(host->engine, e->best - 2e-12 * e->size);
            return 1;
        }
    return 0;
}

int spr__exact_eliminate_step(exact_elimination *e, const spr_host *host, int64_t budget, int64_t *used)
{
    while (*used < budget) {
        ++*used;
        if (e->table < e->count)
            eliminate_unit(e);
        else if (eliminate_search(e, host))
            return 1;
        if (host->cancelled(host->engine) != 0)
            return 0;
    }
    return 0;
}
