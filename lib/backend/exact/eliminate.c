/* SPDX-License-Identifier: MIT
 * Elimination of variables (bucket elimination; R. Dechter, 1999): a variable leaves a table over its neighbours that holds
 * the least energy of what has left. Exact, with time and memory exponential in the number of neighbours only. */
#include "exact.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { ELIMINATE_WORDS = EXACT_MOST_ELIMINATED / 64, ELIMINATE_UNIT = 4096 };

/* A table: over which variables, and where in the pool. */
typedef struct eliminate_table {
    int32_t variable[EXACT_TABLE_BITS + 1];      /* in order of leaving, earliest first; bit i of an index is variable[i] */
    int32_t width;
    double *least;                               /* [2^width] */
    uint8_t *choice;                             /* [2^width/8] bits: the value that the variable that left takes */
    int32_t next;                                /* next table in the same bucket, -1 = none */
} eliminate_table;

struct exact_elimination {
    exact_order order;
    int64_t variables;
    int32_t place[EXACT_MOST_ELIMINATED];        /* when a variable leaves */
    int32_t bucket[EXACT_MOST_ELIMINATED];       /* first table whose earliest variable it is, -1 = none */
    eliminate_table *tables;                     /* [variables], by time of leaving */
    uint8_t *bits;                               /* [variables] result */
    int64_t at;                                  /* time: which variable leaves */
    int64_t entry;                               /* next entry of its table */
    double constant;                             /* of tables without variables */
    double size;                                 /* of the coefficients */
};

typedef uint64_t eliminate_set[ELIMINATE_WORDS];

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

int spr__exact_plan(const spr_problem_view *problem, exact_order *order)
{
    const int64_t n = problem->variables;
    eliminate_set joined[EXACT_MOST_ELIMINATED];
    uint8_t gone[EXACT_MOST_ELIMINATED] = {0};
    if (n > EXACT_MOST_ELIMINATED)
        return 0;
    eliminate_adjacency(problem, joined);
    order->entries = 0.0;
    for (int64_t i = 0; i < n; i++) {
        int32_t best = -1;
        int least = 0;
        for (int32_t v = 0; v < n; v++)
            if (!gone[v]) {
                const int count = eliminate_count(joined[v]);
                if (best < 0 || count < least) {
                    best = v;
                    least = count;
                }
            }
        if (least > EXACT_TABLE_BITS)
            return 0;
        order->variable[i] = best;
        order->width[i] = least;
        order->entries += (double)((int64_t)1 << least);
        eliminate_leave(joined, n, best);
        gone[best] = 1;
    }
    return order->entries <= (double)((int64_t)1 << EXACT_TABLE_BITS);
}

/* Neighbours of each variable when it leaves, in the order in which they leave later. */
static void eliminate_scopes(exact_elimination *e, const spr_problem_view *problem, eliminate_set *joined)
{
    eliminate_adjacency(problem, joined);
    for (int64_t i = 0; i < e->variables; i++) {
        const int32_t v = e->order.variable[i];
        eliminate_table *table = &e->tables[i];
        table->width = 0;
        for (int64_t later = i + 1; later < e->variables; later++) {
            const int32_t u = e->order.variable[later];
            if (joined[v][u / 64] >> (u & 63) & 1)
                table->variable[table->width++] = u;
        }
        eliminate_leave(joined, e->variables, v);
    }
}

exact_elimination *spr__exact_eliminate_open(const spr_host *host)
{
    const spr_problem_view *problem = host->problem;
    const size_t n = (size_t)problem->variables;
    exact_elimination *e = (exact_elimination *)host->allocate(host->engine, sizeof *e);
    eliminate_set *joined = (eliminate_set *)host->allocate(host->engine, n * sizeof(eliminate_set));
    if (e == NULL || joined == NULL || !spr__exact_plan(problem, &e->order))
        return NULL;
    e->variables = problem->variables;
    e->tables = (eliminate_table *)host->allocate(host->engine, n * sizeof(eliminate_table));
    e->bits = (uint8_t *)host->allocate(host->engine, n);
    double *pool = (double *)host->allocate(host->engine, (size_t)e->order.entries * sizeof(double));
    uint8_t *bits = (uint8_t *)host->allocate(host->engine, (size_t)e->order.entries / 8 + n);
    if (e->tables == NULL || e->bits == NULL || pool == NULL || bits == NULL)
        return NULL;
    eliminate_scopes(e, problem, joined);
    e->size = fabs(problem->offset);
    for (size_t i = 0; i < n; i++) {
        const size_t entries = (size_t)1 << e->tables[i].width;
        e->place[e->order.variable[i]] = (int32_t)i;
        e->bucket[i] = -1;
        e->tables[i].least = pool;
        e->tables[i].choice = bits;
        e->tables[i].next = -1;
        pool += entries;
        bits += entries / 8 + 1;
        e->size += fabs(problem->linear[i]);
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            e->size += 0.5 * fabs(problem->value[at]);
    }
    return e;
}

static double eliminate_coupling(const spr_problem_view *problem, int32_t v, int32_t u)
{
    for (int64_t at = problem->row_start[v]; at < problem->row_start[v + 1]; at++)
        if (problem->column[at] == u)
            return problem->value[at];
    return 0.0;
}

/* How the tables of the bucket are looked up: for each bit of an entry, the bit of their index. */
typedef struct eliminate_lookup {
    const double *least;
    int64_t own;                                 /* bit of the leaving variable */
    int64_t bit[EXACT_TABLE_BITS + 1];           /* by place in this table, 0 = not in the other one */
} eliminate_lookup;

static void eliminate_look(const eliminate_table *other, const eliminate_table *table, int32_t leaving,
                           eliminate_lookup *lookup)
{
    lookup->least = other->least;
    lookup->own = 0;
    memset(lookup->bit, 0, sizeof lookup->bit);
    for (int32_t i = 0; i < other->width; i++) {
        lookup->own |= other->variable[i] == leaving ? (int64_t)1 << i : 0;
        for (int32_t j = 0; j < table->width; j++)
            if (table->variable[j] == other->variable[i])
                lookup->bit[j] = (int64_t)1 << i;
    }
}

/* Adds a table's entries to the costs of a run of entries of this one, in which the low bits count up. */
static void eliminate_add(const eliminate_lookup *lookup, int32_t width, int64_t first, int64_t last, double *zero,
                          double *one)
{
    int64_t index = 0;
    for (int32_t j = 0; j < width; j++)
        index |= first >> j & 1 ? lookup->bit[j] : 0;
    for (int64_t entry = first;; entry++) {
        zero[entry - first] += lookup->least[index];
        one[entry - first] += lookup->least[index | lookup->own];
        if (entry + 1 == last)
            return;
        /* counting up clears the trailing ones and sets the next bit */
        int32_t j = 0;
        for (; entry >> j & 1; j++)
            index &= ~lookup->bit[j];
        index |= lookup->bit[j];
    }
}

/* Costs of both values of the leaving variable at entries first..last-1 (at most a unit), and the lesser of them. */
static void eliminate_fill(exact_elimination *e, const spr_problem_view *problem, int64_t first, int64_t last)
{
    eliminate_table *table = &e->tables[e->at];
    const int32_t v = e->order.variable[e->at];
    double weight[EXACT_TABLE_BITS + 1], zero[ELIMINATE_UNIT], one[ELIMINATE_UNIT];
    for (int32_t i = 0; i < table->width; i++)
        weight[i] = eliminate_coupling(problem, v, table->variable[i]);
    for (int64_t entry = first; entry < last; entry++) {
        zero[entry - first] = 0.0;
        one[entry - first] = problem->linear[v];
        for (int32_t i = 0; i < table->width; i++)
            one[entry - first] += entry >> i & 1 ? weight[i] : 0.0;
    }
    for (int32_t t = e->bucket[e->at]; t >= 0; t = e->tables[t].next) {
        eliminate_lookup lookup;
        eliminate_look(&e->tables[t], table, v, &lookup);
        eliminate_add(&lookup, table->width, first, last, zero, one);
    }
    for (int64_t entry = first; entry < last; entry++) {
        const int taken = one[entry - first] < zero[entry - first];
        table->least[entry] = taken ? one[entry - first] : zero[entry - first];
        table->choice[entry / 8] |= (uint8_t)(taken << (entry & 7));
    }
}

/* The table is full: it goes to the bucket of the variable in it that leaves first. */
static void eliminate_pass_on(exact_elimination *e)
{
    eliminate_table *table = &e->tables[e->at];
    if (table->width == 0)
        e->constant += table->least[0];
    else {
        const int32_t to = e->place[table->variable[0]];
        table->next = e->bucket[to];
        e->bucket[to] = (int32_t)e->at;
    }
    e->at++;
    e->entry = 0;
}

static void eliminate_offer(exact_elimination *e, const spr_host *host)
{
    for (int64_t i = e->variables - 1; i >= 0; i--) {
        const eliminate_table *table = &e->tables[i];
        int64_t entry = 0;
        for (int32_t j = 0; j < table->width; j++)
            entry |= (int64_t)e->bits[table->variable[j]] << j;
        e->bits[e->order.variable[i]] = table->choice[entry / 8] >> (entry & 7) & 1;
    }
    host->offer(host->engine, e->bits, NAN);
    /* less what sums of that many numbers may have been rounded by */
    host->prove(host->engine, host->problem->offset + e->constant - 1e-12 * e->size);
}

int spr__exact_eliminate_step(exact_elimination *e, const spr_host *host, int64_t budget, int64_t *used)
{
    for (; *used < budget; ++*used) {
        if (e->at == e->variables) {
            eliminate_offer(e, host);
            ++*used;
            return 1;
        }
        int64_t room = ELIMINATE_UNIT;
        while (room > 0 && e->at < e->variables) {
            const int64_t entries = (int64_t)1 << e->tables[e->at].width;
            const int64_t last = e->entry + room < entries ? e->entry + room : entries;
            eliminate_fill(e, host->problem, e->entry, last);
            room -= last - e->entry;
            e->entry = last;
            if (last == entries)
                eliminate_pass_on(e);
        }
        if (host->cancelled(host->engine) != 0) {
            ++*used;
            return 0;
        }
    }
    return 0;
}
