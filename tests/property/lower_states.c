/* SPDX-License-Identifier: MIT
 * The lowered QUBO against H, exhaustively on random small instances: all tables, all auxiliary bits, all states.
 *
 * H is that of spr__terms_energy, the judge; instances are made in its terms, so that every term, limit, tie and
 * degenerate case can be had without a router. SPR_TEST_QUICK=1 runs a tenth of the cases. The last line is "N
 * passed, N failed". */
#include "../../lib/route/lower.h"

#include "counted.h"
#include "../unit/support.h"

enum { T = 4, E = 5, K = 3, WIDTH = 16, PLACES = 3, MOST_TABLES = 20000, MOST_BITS = 21, MOST_AUXILIARY = 12 };

/* ----------------------------------------------------------------------------------------------------------
 * instances */

enum { BALANCE, DEVICE_BALANCE, CAPACITY, TOUCH, NODES, DEVICE_LIMIT, NODE_LIMIT, ACTIVATION, LEVEL, ACTIVE_LIMIT,
      PAIRS, KEEP,
       KINDS };
static const char *const kind_names[KINDS + 3] = {
    "balance", "device balance", "capacity", "devices touched", "nodes touched", "device limit", "node limit",
        "activation",
    "level", "active limit", "pairs", "quality floor", "some terms", "most terms", "affinity alone"};

typedef struct instance {
    uint64_t seed;
    int kind;
    uint32_t has;                /* bits of the kinds */
    spr__terms terms;
    float value[T * WIDTH], pair[E * WIDTH];
    int32_t need[T], device[E], node[E];
    uint64_t keep[T];
    double target[E], device_target[PLACES], cost[E], supply[E], activation[E];

    int count;                   /* tables that keep all constraints */
    int32_t (*tables)[T * K];
    double *energies, best, worst;
    int best_at, worst_at;
} instance;

static int64_t draw(const instance *in, uint64_t what, int64_t below)
{
    return (int64_t)(support_random(in->seed, what) % (uint64_t)below);
}

static double amount(const instance *in, uint64_t what, int whole)
{
    return whole ? (double)(1 + draw(in, what, 3)) : 0.02 * (double)(1 + draw(in, what, 60));
}

static int has(const instance *in, int kind)
{
    return (int)(in->has >> kind & 1);
}

static void instance_values(instance *in, int style)
{
    const spr__terms *terms = &in->terms;
    for (int64_t t = 0; t < terms->tokens; t++) {
        int allowed = 0;
        for (int64_t e = 0; e < terms->experts; e++) {
            const uint64_t i = 200 + (uint64_t)(t * E + e);
            float *at = &in->value[t * WIDTH + e];
            *at = support_normal(in->seed, i);
            if (style == 1)
                *at = (float)draw(in, i, 3);
            else if (style == 2)
                *at = support_normal(in->seed, 200 + (uint64_t)e);
            else if (style == 3)
                *at = 0.0f;
            if (draw(in, 20, 3) == 0 && draw(in, i + 1000, 5) == 0)
                *at = -INFINITY;
            allowed += *at > -INFINITY;
        }
        in->need[t] = (int32_t)(allowed < terms->k ? allowed : terms->k);
        in->need[t] = draw(in, 60 + (uint64_t)t, 7) == 0 ? 0 : in->need[t];
    }
}

static void instance_keep(instance *in)
{
    const spr__terms *terms = &in->terms;
    const int64_t top = 1 + draw(in, 21, terms->k);
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t e = 0; e < terms->experts; e++) {
            const float *row = in->value + t * WIDTH;
            int64_t better = 0;
            for (int64_t f = 0; f < terms->experts; f++)
                better += row[f] > row[e] || (row[f] == row[e] && f < e);
            if (in->need[t] > 0 && row[e] > -INFINITY && better < top)
                in->keep[t] |= (uint64_t)1 << e;
        }
}

static void instance_experts(instance *in, int whole)
{
    spr__terms *terms = &in->terms;
    int64_t routes = 0;
    for (int64_t t = 0; t < terms->tokens; t++)
        routes += in->need[t];
    for (int64_t e = 0; e < terms->experts; e++) {
        const uint64_t i = 300 + 10 * (uint64_t)e;
        in->device[e] = (int32_t)draw(in, i, terms->devices);
        in->node[e] = (int32_t)(in->device[e] % terms->nodes);
        in->cost[e] = whole ? (double)draw(in, i + 1, 3) : 0.5 + 0.25 * (double)draw(in, i + 1, 4);
        in->target[e] = draw(in, i + 2, 6) == 0 ? 0.0 : whole ? 1.0 : 0.3 + 0.3 * (double)draw(in, i + 2, 5);
        in->device_target[in->device[e]] += in->cost[e] * in->target[e];
        in->supply[e] = INFINITY;
        if (has(in, CAPACITY) && draw(in, i + 3, 5) != 0)
            in->supply[e] = (double)((routes + terms->experts - 1) / terms->experts + draw(in, i + 4, 3) -
                                     (draw(in, 22, 4) == 0));
        in->supply[e] = in->supply[e] < 0.0 ? 0.0 : in->supply[e];
        if (has(in, ACTIVATION))
            in->activation[e] = draw(in, i + 5, 5) == 0 ? 0.0 : amount(in, i + 6, whole);
        for (int64_t f = 0; f < e; f++) {
            float value = support_normal(in->seed, 500 + (uint64_t)(e * E + f));
            if (whole)
                value = (float)(draw(in, 500 + (uint64_t)(e * E + f), 5) - 2);
            in->pair[e * WIDTH + f] = in->pair[f * WIDTH + e] = draw(in, 23, 3) == 0 ? -fabsf(value) : value;
        }
    }
}

static void instance_make(instance *in, int kind, uint64_t seed)
{
    spr__terms *terms = &in->terms;
    const int style = (int)(support_random(seed, 19) % 5);
    memset(in, 0, sizeof *in);
    in->seed = seed;
    in->kind = kind;
    const uint64_t one = support_random(seed, 1), two = support_random(seed, 2), all = ((uint64_t)1 << KINDS) - 1;
    in->has = (uint32_t)(kind < KINDS ? (uint64_t)1 << kind : all & (kind == KINDS ? one & two : kind == KINDS + 1
                                                                     ? one | two : 0));
    terms->tokens = 1 + draw(in, 3, T);
    terms->experts = 2 + draw(in, 4, E - 1);
    if (terms->tokens * terms->experts > 12)
        terms->tokens = 3 - (terms->experts > 4);
    terms->k = 1 + draw(in, 5, terms->experts - 1 < K ? terms->experts - 1 : K);
    terms->width = WIDTH;
    terms->words = 1;
    terms->devices = 1 + draw(in, 6, PLACES);
    terms->nodes = 1 + draw(in, 7, terms->devices);
    instance_values(in, style);
    if (has(in, KEEP))
        instance_keep(in);
    const int whole = style == 1 || style == 3;
    instance_experts(in, whole);
    terms->value = in->value;
    terms->need = in->need;
    terms->keep = has(in, KEEP) ? in->keep : NULL;
    terms->balance = has(in, BALANCE) ? amount(in, 8, whole) : 0.0;
    terms->device_balance = has(in, DEVICE_BALANCE) ? amount(in, 9, whole) : 0.0;
    terms->target = in->target;
    terms->device_target = in->device_target;
    terms->cost = in->cost;
    terms->supply = in->supply;
    terms->device = in->device;
    terms->node = in->node;
    terms->touch_device = has(in, TOUCH) ? amount(in, 10, whole) : 0.0;
    terms->touch_node = has(in, NODES) ? amount(in, 11, whole) : 0.0;
    terms->device_limit = has(in, DEVICE_LIMIT) ? 1 + draw(in, 12, terms->devices) : 0;
    terms->node_limit = has(in, NODE_LIMIT) ? 1 + draw(in, 13, terms->nodes) : 0;
    terms->activation = in->activation;
    terms->level = has(in, LEVEL) ? amount(in, 14, whole) : 0.0;
    terms->active_limit = has(in, ACTIVE_LIMIT) ? 1 + draw(in, 15, 3) : 0;
    terms->pair = has(in, PAIRS) ? in->pair : NULL;
    terms->constant = (double)draw(in, 16, 3) - 1.0;
}

/* All tables in which every token has its number of allowed experts, ascending; those that keep the rest are
 * collected. */
static void instance_enumerate(instance *in, int64_t t, int32_t *ids)
{
    const spr__terms *terms = &in->terms;
    int32_t scratch[2 * E + 2 * PLACES];
    spr__violation violation;
    if (t == terms->tokens) {
        const double energy = spr__terms_energy(terms, ids, scratch, &violation);
        if (spr__violated(&violation) || in->count == MOST_TABLES)
            return;
        memcpy(in->tables[in->count], ids, (size_t)(terms->tokens * terms->k) * sizeof ids[0]);
        in->energies[in->count] = energy;
        if (in->count == 0 || energy < in->best) {
            in->best = energy;
            in->best_at = in->count;
        }
        if (in->count == 0 || energy > in->worst) {
            in->worst = energy;
            in->worst_at = in->count;
        }
        in->count++;
        return;
    }
    for (int set = 0; set < 1 << terms->experts; set++) {
        int routes = 0, allowed = 1;
        for (int64_t i = 0; i < terms->k; i++)
            ids[t * terms->k + i] = -1;
        for (int32_t e = 0; e < terms->experts; e++)
            if (set >> e & 1) {
                allowed &= in->value[t * WIDTH + e] > -INFINITY;
                if (routes < terms->k)
                    ids[t * terms->k + routes] = e;
                routes++;
            }
        if (allowed && routes == in->need[t])
            instance_enumerate(in, t + 1, ids);
    }
}

static const char *instance_name(const instance *in)
{
    static char text[160];
    snprintf(text, sizeof text, "%s (seed %llu, has %03x): T %d E %d k %d", kind_names[in->kind],
             (unsigned long long)in->seed,
             (unsigned)in->has, (int)in->terms.tokens, (int)in->terms.experts, (int)in->terms.k);
    return text;
}

/* -------------------------------------------------------------------------------------------------------------
 * problem */

typedef struct problem {
    int64_t n, couplings, assignments;
    double linear[64], weight[64][64], offset;
} problem;

static int problem_read(const spr_lowering *lowering, problem *p)
{
    static int32_t rows[4096], columns[4096];
    static double values[4096];
    spr_lower_report report = {.size = sizeof report};
    const spr_problem *from = spr_lowering_problem(lowering);
    spr_lowering_report(lowering, &report, NULL);
    spr_problem_size(from, &p->n, &p->couplings, NULL);
    check(p->n == report.variables && p->couplings == report.couplings, "report of sizes");
    check(report.assignments + report.actives + report.devices + report.nodes + report.slacks == p->n ||
          (p->n == 1 && p->couplings == 0), "report: variables by kind");
    p->assignments = report.assignments;
    if (p->n > 64)
        return 0;
    memset(p->weight, 0, sizeof p->weight);
    spr_problem_read(from, SPR_QUBO, p->linear, rows, columns, values, &p->offset, NULL);
    for (int64_t i = 0; i < p->couplings; i++)
        p->weight[rows[i]][columns[i]] = p->weight[columns[i]][rows[i]] = values[i];
    return 1;
}

static double energy_of(const spr_lowering *lowering, const uint8_t *bits)
{
    double energy = NAN;
    spr_problem_energy(spr_lowering_problem(lowering), bits, &energy, NULL);
    return energy;
}

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1.0 + fabs(a) + fabs(b));
}

/* Walks all settings of the variables from first on (Gray code); calls back with energy and bits. */
typedef void (*visit)(void *context, double energy, const uint8_t *bits);

static void walk(const problem *p, int64_t first, uint8_t *bits, double energy, visit call, void *context)
{
    double field[64];
    const int64_t count = p->n - first;
    for (int64_t i = 0; i < p->n; i++) {
        field[i] = p->linear[i];
        for (int64_t j = 0; j < p->n; j++)
            field[i] += bits[j] ? p->weight[i][j] : 0.0;
    }
    call(context, energy, bits);
    for (uint64_t step = 1; step < (uint64_t)1 << count; step++) {
        const int64_t i = first + __builtin_ctzll(step);
        const double sign = bits[i] ? -1.0 : 1.0;
        energy += sign * field[i];
        bits[i] ^= 1;
        for (int64_t j = 0; j < p->n; j++)
            field[j] += sign * p->weight[i][j];
        call(context, energy, bits);
    }
}

static void least(void *context, double energy, const uint8_t *bits)
{
    double *best = context;
    (void)bits;
    *best = energy < *best ? energy : *best;
}

/* (a) no auxiliary bits are better than those of encode, and with them the energy is H */
static void check_table(const instance *in, const spr_lowering *lowering, const problem *p, int which)
{
    uint8_t bits[64], other[64];
    spr_error error;
    const spr_status status = spr_lowering_encode(lowering, in->tables[which], bits, &error);
    if (status != SPR_OK) {
        check(0, "%s: encode of table %d: %s", instance_name(in), which, error.message);
        return;
    }
    const double energy = energy_of(lowering, bits);
    check(near(energy, in->energies[which]), "%s: table %d: energy %.17g, H %.17g", instance_name(in), which,
          energy, in->energies[which]);
    if (p->n - p->assignments > MOST_AUXILIARY)
        return;
    memcpy(other, bits, sizeof other);
    memset(other + p->assignments, 0, (size_t)(p->n - p->assignments));
    double best = energy_of(lowering, other);
    walk(p, p->assignments, other, best, least, &best);
    check(near(best, in->energies[which]), "%s: table %d: best auxiliary bits give %.17g, H %.17g",
          instance_name(in), which, best, in->energies[which]);
}

static void sorted(const instance *in, const int32_t *ids, int32_t *out)
{
    const int64_t k = in->terms.k;
    for (int64_t t = 0; t < in->terms.tokens; t++) {
        uint32_t set = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < k; i++)
            set |= ids[t * k + i] >= 0 ? (uint32_t)1 << ids[t * k + i] : 0;
        for (int32_t e = 0; e < in->terms.experts; e++)
            if (set >> e & 1)
                out[t * k + count++] = e;
        while (count < k)
            out[t * k + count++] = -1;
    }
}

static int find_table(const instance *in, const int32_t *ids)
{
    int32_t at[T * K];
    sorted(in, ids, at);
    for (int i = 0; i < in->count; i++)
        if (memcmp(at, in->tables[i], (size_t)(in->terms.tokens * in->terms.k) * sizeof at[0]) == 0)
            return i;
    return -1;
}

/* (c) a table survives the round trip if it is no worse than the known one */
static void check_round_trip(const instance *in, spr_lowering *lowering, int which, double known)
{
    uint8_t bits[256];
    int32_t ids[T * K];
    double energy;
    int64_t repairs;
    if (spr_lowering_encode(lowering, in->tables[which], bits, NULL) != SPR_OK)
        return;
    check(spr_lowering_decode(lowering, bits, ids, &energy, &repairs, NULL) == SPR_OK, "%s: decode",
          instance_name(in));
    const int got = find_table(in, ids);
    check(got >= 0, "%s: decode gives a table that breaks constraints", instance_name(in));
    if (in->energies[which] <= known - 1e-9)
        check(got == which && repairs == 0 && near(energy, in->energies[which]), "%s: table %d becomes %d, H %g, "
              "repairs %d", instance_name(in), which, got, energy, (int)repairs);
    else
        check(got >= 0 && energy <= known, "%s: table %d becomes %g, known %g", instance_name(in), which, energy,
              known);
}

static void check_garbage(const instance *in, spr_lowering *lowering, int64_t n, double known)
{
    uint8_t bits[256];
    int32_t ids[T * K];
    for (uint64_t round = 0; round < 8; round++) {
        double energy;
        for (int64_t i = 0; i < n; i++)
            bits[i] = (uint8_t)(round == 0 ? 0 : round == 1 ? 1 : support_random(in->seed + round,
                                                                                 900 + (uint64_t)i) % 2);
        check(spr_lowering_decode(lowering, bits, ids, &energy, NULL, NULL) == SPR_OK, "%s: decode",
              instance_name(in));
        const int got = find_table(in, ids);
        check(got >= 0 && energy <= known && near(energy, in->energies[got >= 0 ? got : 0]),
              "%s: garbage becomes table %d, H %g, known %g", instance_name(in), got, energy, known);
    }
}

/* (b) all states: the minimum and where it is taken */
typedef struct minima {
    const instance *in;
    spr_lowering *lowering;
    double best;
    int count;
    uint8_t bits[64][64];
    int64_t n;
} minima;

static void collect(void *context, double energy, const uint8_t *bits)
{
    minima *m = context;
    if (energy > m->best + 1e-8)
        return;
    if (energy < m->best - 1e-8) {
        m->best = energy;
        m->count = 0;
    }
    if (m->count < 64)
        memcpy(m->bits[m->count++], bits, (size_t)m->n);
}

static void check_minimum(const instance *in, spr_lowering *lowering, const problem *p, double expected)
{
    static minima m;
    uint8_t bits[64] = {0};
    m = (minima){.in = in, .lowering = lowering, .best = INFINITY, .n = p->n};
    walk(p, 0, bits, p->offset, collect, &m);
    check(fabs(m.best - expected) < 1e-7, "%s: minimum of the problem %.12g, of H %.12g", instance_name(in),
          m.best, expected);
    for (int i = 0; i < m.count; i++) {
        int32_t ids[T * K];
        double energy;
        int64_t repairs;
        spr_lowering_decode(lowering, m.bits[i], ids, &energy, &repairs, NULL);
        const int got = find_table(in, ids);
        check(got >= 0 && fabs(in->energies[got] - expected) < 1e-7 && repairs <= 0,
              "%s: a minimum decodes to H %g "
              "instead of %g, repairs %d", instance_name(in), energy, expected, (int)repairs);
    }
}

/* (f) How much smaller could all weights be? A state that breaks constraints costs F + factor * penalties, where F is
 * H with the auxiliary bits as they are; the factor must keep it above the minimum. */
typedef struct factor {
    const instance *in;
    const spr_lowering *lowering;
    double best, needed;
} factor;

static double ratios[16384];
static int ratio_count;

static int bit(int32_t literal, const uint8_t *bits)
{
    return literal >= 0 ? bits[literal] : literal == SPR_LOWER_ALWAYS;
}

static double relaxed(const spr_lowering *l, const uint8_t *bits)
{
    const spr__terms *terms = &l->terms;
    double sum = terms->constant, loads[E] = {0}, work[PLACES] = {0}, active[PLACES] = {0};
    for (int64_t t = 0; t < terms->tokens; t++)
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            if (!bit(l->literal[i], bits))
                continue;
            sum -= (double)terms->value[t * WIDTH + l->expert[i]];
            loads[l->expert[i]] += 1.0;
            for (int64_t j = l->start[t]; j < i && terms->pair != NULL; j++)
                sum += bit(l->literal[j], bits) ? (double)terms->pair[l->expert[i] * WIDTH + l->expert[j]] : 0.0;
        }
    for (int64_t i = 0; l->on_device != NULL && i < terms->tokens * terms->devices; i++)
        sum += bit(l->on_device[i], bits) * terms->touch_device;
    for (int64_t i = 0; l->on_node != NULL && i < terms->tokens * terms->nodes; i++)
        sum += bit(l->on_node[i], bits) * terms->touch_node;
    for (int64_t e = 0; e < terms->experts; e++) {
        const double over = loads[e] - terms->target[e];
        if (terms->balance > 0.0 && terms->target[e] > 0.0)
            sum += 0.5 * terms->balance * over * over / terms->target[e];
        work[terms->device[e]] += terms->cost[e] * loads[e];
        active[terms->device[e]] += bit(l->active[e], bits);
        sum += bit(l->active[e], bits) * terms->activation[e];
    }
    for (int64_t d = 0; d < terms->devices; d++) {
        const double target = terms->device_target[d];
        sum += 0.5 * terms->level * active[d] * active[d];
        if (terms->device_balance > 0.0 && target > 0.0)
            sum += 0.5 * terms->device_balance * (work[d] - target) * (work[d] - target) / target;
    }
    return sum;
}

static void need_factor(void *context, double energy, const uint8_t *bits)
{
    factor *f = context;
    const double low = relaxed(f->lowering, bits), penalty = energy - low;
    check(penalty > -1e-7, "%s: a state of energy %g has penalties of %g", instance_name(f->in), energy, penalty);
    if (penalty > 1e-7 && low < f->best && (f->best - low) / penalty > f->needed)
        f->needed = (f->best - low) / penalty;
}

static void check_factor(const instance *in, const spr_lowering *lowering, const problem *p, double best)
{
    factor f = {in, lowering, best, 0.0};
    uint8_t bits[64] = {0};
    walk(p, 0, bits, p->offset, need_factor, &f);
    check(f.needed <= 1.0 + 1e-9, "%s: weights are too small by a factor of %g", instance_name(in), f.needed);
    if (f.needed > 0.0 && ratio_count < (int)(sizeof ratios / sizeof ratios[0]))
        ratios[ratio_count++] = 1.0 / f.needed;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* -----------------------------------------------------------------------------------------------------------------
 * run */

static double bounds_gap, bound_count;

/* What must hold of every table: those that are no worse than the known one are within reach. Returns the least H
 * that is. */
static double check_reach(const instance *in, const spr_lowering *lowering, const spr_lower_settings *settings,
                          double known)
{
    double reachable = INFINITY;
    for (int j = 0; j < in->count; j++) {
        uint8_t bits[256];
        if (spr_lowering_encode(lowering, in->tables[j], bits, NULL) == SPR_OK)
            reachable = in->energies[j] < reachable ? in->energies[j] : reachable;
        else if (settings->candidates == 0)
            check(settings->kernelise && in->energies[j] > known - 1e-9, "%s: table %d left out, H %g, known %g",
                  instance_name(in), j, in->energies[j], known);
    }
    check(reachable <= known, "%s: the known table is not within reach", instance_name(in));
    check(settings->candidates > 0 || reachable == in->best, "%s: the optimum is not within reach",
          instance_name(in));
    return reachable;
}

static void check_lowering(const instance *in, spr_lowering *lowering, const spr_lower_settings *settings, double known)
{
    const double reachable = check_reach(in, lowering, settings, known);
    static problem p;
    spr_lower_report report = {.size = sizeof report};
    spr_lowering_report(lowering, &report, NULL);
    check(report.bound <= in->best + 1e-9 * (1.0 + fabs(in->best)), "%s: bound %.12g, optimum %.12g",
          instance_name(in), report.bound, in->best);
    check(near(report.known, known), "%s: known %g, H %g", instance_name(in), report.known, known);
    if (!problem_read(lowering, &p))
        return;
    const int stride = in->count / 40 + 1;
    for (int j = (int)draw(in, 32, stride); j < in->count; j += stride) {
        uint8_t bits[256];
        if (spr_lowering_encode(lowering, in->tables[j], bits, NULL) == SPR_OK)
            check_table(in, lowering, &p, j);
        check_round_trip(in, lowering, j, known);
    }
    check_garbage(in, lowering, p.n, known);
    if (p.n <= MOST_BITS)
        check_minimum(in, lowering, &p, reachable);
    if (p.n <= 12 && settings->candidates == 0 && settings->kernelise == 0)
        check_factor(in, lowering, &p, reachable);
}

static void run(instance *in)
{
    const spr__terms *terms = &in->terms;
    int32_t ids[T * K];
    instance_enumerate(in, 0, ids);
    if (in->count == 0)
        return;
    const int known[3] = {in->best_at, in->worst_at, (int)draw(in, 30, in->count)};
    for (int i = 0; i < 8; i++) {
        const int which = known[i % 4 == 3 ? 2 : i % 4];
        spr_lower_settings settings = {.size = sizeof settings, .kernelise = i >= 3 && i != 6,
                                       .candidates = i >= 6 ? terms->k + draw(in, 31, terms->experts) : 0};
        spr_lowering *lowering;
        spr_error error;
        const spr_status status = spr__lowering_new(terms, in->tables[which], &settings, spr__memory_of(NULL, NULL),
                                                    &lowering, &error);
        check(status == SPR_OK, "%s: %s", instance_name(in), error.message);
        if (status != SPR_OK)
            return;
        check_lowering(in, lowering, &settings, in->energies[which]);
        spr_lower_report report = {.size = sizeof report};
        spr_lowering_report(lowering, &report, NULL);
        if (i == 0) {
            bounds_gap += in->best - report.bound;
            bound_count++;
        }
        spr_lowering_free(lowering);
    }
}

int main(void)
{
    const char *quick = getenv("SPR_TEST_QUICK");
    const int rounds = quick != NULL && strcmp(quick, "1") == 0 ? 20 : 200;
    static instance in;
    static int32_t tables[MOST_TABLES][T * K];
    static double energies[MOST_TABLES];
    for (int kind = 0; kind < KINDS + 3; kind++) {
        int many = kind == KINDS || kind == KINDS + 1 ? 6 * rounds : rounds, feasible = 0;
        bounds_gap = bound_count = 0;
        for (int i = 0; i < many; i++) {
            instance_make(&in, kind, (uint64_t)(1000 * kind + i));
            in.tables = tables;
            in.energies = energies;
            run(&in);
            feasible += in.count > 0;
        }
        printf("%-16s %4d instances, mean gap of the bound %.4f\n", kind_names[kind], feasible,
               bounds_gap / bound_count);
    }
    qsort(ratios, (size_t)ratio_count, sizeof ratios[0], ascending);
    if (ratio_count > 0)
        printf("weights over the smallest common factor that would do, %d problems: median %.3g, nine tenths below "
               "%.3g\n",
               ratio_count, ratios[ratio_count / 2], ratios[ratio_count * 9 / 10]);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
