/* SPDX-License-Identifier: MIT
 * The lowered problem of random tiny instances against all tables and all states there are.
 *
 * H comes from its judge alone (terms.c), energies from the problem as it is read back. SPR_TEST_QUICK=1 runs a tenth of
 * the cases. The last line is "N passed, N failed". */
#include "counted.h"
#include "../unit/support.h"

#include "../../lib/route/lower.h"

enum { MAX_TOKENS = 3, MAX_EXPERTS = 4, MAX_K = 2, WIDTH = 16, MOST_BITS = 20, MAX_TABLES = 4096 };

/* -------------------------------------------------------------------------------------------------------- instances */

enum { AFFINITY, CAPACITY, BALANCE, DEVICE_BALANCE, TOUCH, NODE_TOUCH, DEVICE_LIMIT, NODE_LIMIT, ACTIVATION, LEVEL,
       ACTIVE_LIMIT, PAIRS, KEEP, MANY, ALL, CLASSES };

static const char *const class_names[] = {"affinity", "capacity", "balance", "device balance", "devices touched",
    "nodes touched", "device limit", "node limit", "activation", "active level", "active limit", "pairs", "quality floor",
    "many terms", "all terms"};

typedef struct instance {
    uint64_t seed;
    int kind;
    spr__terms terms;
    float value[MAX_TOKENS * WIDTH], pair[MAX_EXPERTS * WIDTH];
    int32_t need[MAX_TOKENS], device[WIDTH], node[WIDTH];
    uint64_t keep[MAX_TOKENS];
    double target[WIDTH], device_target[2], cost[WIDTH], supply[WIDTH], activation[WIDTH];

    int32_t tables[MAX_TABLES][MAX_TOKENS * MAX_K];     /* those that keep all constraints, and their H */
    double energies[MAX_TABLES];
    int64_t count, best;
} instance;

static int64_t draw(const instance *in, uint64_t what, int64_t below)
{
    return (int64_t)(support_random(in->seed, what) % (uint64_t)below);
}

static double weight(const instance *in, uint64_t what)
{
    return 0.05 * (double)(1 + draw(in, what, 40));
}

static int has(const instance *in, int kind)
{
    return in->kind == kind || in->kind == ALL || (in->kind == MANY && draw(in, 900 + (uint64_t)kind, 3) == 0);
}

static void instance_arrays(instance *in)
{
    spr__terms *terms = &in->terms;
    const int small = draw(in, 30, 3) == 0;
    for (int64_t e = 0; e < terms->experts; e++) {
        in->device[e] = (int32_t)draw(in, 40 + (uint64_t)e, terms->devices);
        in->node[e] = terms->nodes > 1 ? in->device[e] : 0;
        in->target[e] = draw(in, 50, 5) == 0 && e == 0 ? 0.0 : 0.5 * (double)(1 + draw(in, 60 + (uint64_t)e, 5));
        in->cost[e] = draw(in, 51, 2) ? 1.0 : 0.5 * (double)draw(in, 70 + (uint64_t)e, 5);
        in->supply[e] = has(in, CAPACITY) && draw(in, 80 + (uint64_t)e, 5) > 0
                            ? (double)((terms->tokens * terms->k + terms->experts - 1) / terms->experts +
                                       draw(in, 90 + (uint64_t)e, 3) - 1)
                            : INFINITY;
        in->activation[e] = has(in, ACTIVATION) ? weight(in, 100 + (uint64_t)e) * (double)draw(in, 110 + (uint64_t)e, 4)
                                               : 0.0;
        for (int64_t f = 0; f < e; f++)
            in->pair[e * WIDTH + f] = in->pair[f * WIDTH + e] =
                small ? (float)(draw(in, 120 + (uint64_t)(e * 8 + f), 3) - 1)
                      : support_normal(in->seed, 120 + (uint64_t)(e * 8 + f));
    }
    for (int64_t d = 0; d < terms->devices; d++)
        in->device_target[d] = 0.5 * (double)draw(in, 170 + (uint64_t)d, 7);
    for (int64_t t = 0; t < terms->tokens; t++) {
        int32_t allowed = 0;
        for (int64_t e = 0; e < terms->experts; e++) {
            const uint64_t i = 200 + (uint64_t)(t * 8 + e);
            float *value = &in->value[t * WIDTH + e];
            *value = small ? (float)draw(in, i, 3) : support_normal(in->seed, i);
            if (draw(in, 31, 3) == 0 && draw(in, i + 100, 4) == 0)
                *value = -INFINITY;
            allowed += *value > -INFINITY;
        }
        in->need[t] = allowed < terms->k ? allowed : (int32_t)terms->k;
        if (draw(in, 32, 4) == 0 && draw(in, 33 + (uint64_t)t, 3) == 0)
            in->need[t] = 0;
        for (int64_t i = 0, e = draw(in, 180 + (uint64_t)t, terms->experts); has(in, KEEP) && i < terms->experts; i++, e++)
            if (in->need[t] > 0 && in->value[t * WIDTH + e % terms->experts] > -INFINITY) {
                in->keep[t] = (uint64_t)(draw(in, 190 + (uint64_t)t, 3) > 0) << e % terms->experts;
                break;
            }
    }
}

static void instance_list(instance *in, int64_t t, int32_t *ids)
{
    const spr__terms *terms = &in->terms;
    if (t == terms->tokens) {
        int32_t scratch[2 * MAX_EXPERTS + 8];
        spr__violation violation;
        const double energy = spr__terms_energy(terms, ids, scratch, &violation);
        if (spr__violated(&violation) || in->count == MAX_TABLES)
            return;
        memcpy(in->tables[in->count], ids, sizeof in->tables[0]);
        in->energies[in->count] = energy;
        in->best = energy < in->energies[in->best] ? in->count : in->best;
        in->count++;
        return;
    }
    for (uint32_t bits = 0; bits < 1u << terms->experts; bits++) {
        int64_t held = 0;
        int allowed = __builtin_popcount(bits) == in->need[t];
        for (int64_t e = 0; e < terms->experts && allowed; e++)
            if (bits >> e & 1) {
                allowed = in->value[t * WIDTH + e] > -INFINITY;
                ids[t * terms->k + held++] = (int32_t)e;
            }
        for (; held < terms->k && allowed; held++)
            ids[t * terms->k + held] = -1;
        if (allowed)
            instance_list(in, t + 1, ids);
    }
}

static void instance_make(instance *in, int kind, uint64_t seed)
{
    int32_t ids[MAX_TOKENS * MAX_K] = {0};
    spr__terms *terms = &in->terms;
    memset(in, 0, sizeof *in);
    in->seed = seed;
    in->kind = kind;
    terms->tokens = draw(in, 12, 2) ? MAX_TOKENS : 1 + draw(in, 0, MAX_TOKENS);
    terms->experts = draw(in, 13, 2) ? MAX_EXPERTS : 2 + draw(in, 1, MAX_EXPERTS - 1);
    terms->k = 1 + draw(in, 2, MAX_K);
    terms->width = WIDTH;
    terms->words = 1;
    terms->devices = draw(in, 3, 4) == 0 ? 1 : 2;
    terms->nodes = 1 + draw(in, 4, terms->devices);
    terms->value = in->value;
    terms->need = in->need;
    terms->keep = has(in, KEEP) ? in->keep : NULL;
    terms->balance = has(in, BALANCE) ? weight(in, 5) : 0.0;
    terms->device_balance = has(in, DEVICE_BALANCE) ? weight(in, 6) : 0.0;
    terms->target = in->target;
    terms->device_target = in->device_target;
    terms->cost = in->cost;
    terms->supply = in->supply;
    terms->device = in->device;
    terms->node = in->node;
    terms->touch_device = has(in, TOUCH) ? weight(in, 7) : 0.0;
    terms->touch_node = has(in, NODE_TOUCH) ? weight(in, 8) : 0.0;
    terms->device_limit = has(in, DEVICE_LIMIT) ? 1 : 0;
    terms->node_limit = has(in, NODE_LIMIT) ? 1 : 0;
    terms->activation = in->activation;
    terms->level = has(in, LEVEL) ? weight(in, 9) : 0.0;
    terms->active_limit = has(in, ACTIVE_LIMIT) ? 1 + draw(in, 10, 2) : 0;
    terms->pair = has(in, PAIRS) ? in->pair : NULL;
    terms->constant = 0.25 * (double)draw(in, 11, 8);
    instance_arrays(in);
    instance_list(in, 0, ids);
}

/* ----------------------------------------------------------------------------------------------------------- states */

/* Least energy over the auxiliary bits for each setting of the x, by walking all states, one bit at a time. */
typedef struct walk {
    int64_t bits, x;
    double linear[MOST_BITS], couple[MOST_BITS][MOST_BITS], offset;
    double *least;               /* [2^x] */
    spr_problem_terms terms;     /* constraints, which a state must keep, and as bits what they speak of */
    uint64_t member[64];
    uint64_t minimiser;
    double minimum;
} walk;

/* Squares by their definition, term by term. */
static void walk_read_terms(walk *w, const spr_problem *problem)
{
    spr_error error;
    w->terms.size = sizeof w->terms;
    support_must(spr_problem_read_terms(problem, &w->terms, &error) == SPR_OK, "terms", error.message);
    const spr_problem_terms *t = &w->terms;
    for (int64_t s = 0; s < t->squares; s++) {
        w->offset += t->square_weight[s] * t->square_target[s] * t->square_target[s];
        for (int64_t i = t->square_start[s]; i < t->square_start[s + 1]; i++) {
            const double factor = t->square_factor[i];
            w->linear[t->square_member[i]] += t->square_weight[s] * (factor * factor - 2.0 * factor * t->square_target[s]);
            for (int64_t j = t->square_start[s]; j < t->square_start[s + 1]; j++)
                if (j != i)
                    w->couple[t->square_member[i]][t->square_member[j]] += 2.0 * t->square_weight[s] * factor *
                                                                           t->square_factor[j];
        }
    }
    support_must(t->constraints <= 64, "walk", "more than 64 constraints");
    for (int64_t c = 0; c < t->constraints; c++) {
        w->member[c] = 0;
        for (int64_t i = t->constraint_start[c]; i < t->constraint_start[c + 1]; i++) {
            check(t->constraint_factor[i] == 1.0, "a lowered constraint has a factor of %g", t->constraint_factor[i]);
            w->member[c] |= (uint64_t)1 << t->constraint_member[i];
        }
    }
}

static void walk_read(walk *w, const spr_problem *problem)
{
    int32_t rows[MOST_BITS * MOST_BITS], columns[MOST_BITS * MOST_BITS];
    double values[MOST_BITS * MOST_BITS];
    int64_t couplings;
    spr_error error;
    memset(w->couple, 0, sizeof w->couple);
    support_must(spr_problem_size(problem, NULL, &couplings, &error) == SPR_OK, "size", error.message);
    support_must(spr_problem_read(problem, SPR_QUBO, w->linear, rows, columns, values, &w->offset, &error) >= 0, "read",
                 error.message);
    for (int64_t i = 0; i < couplings; i++)
        w->couple[rows[i]][columns[i]] = w->couple[columns[i]][rows[i]] = values[i];
    walk_read_terms(w, problem);
}

static int walk_keeps(const walk *w, uint64_t state)
{
    for (int64_t c = 0; c < w->terms.constraints; c++) {
        const int sum = __builtin_popcountll(state & w->member[c]), bound = (int)w->terms.constraint_bound[c];
        if (w->terms.constraint_kind[c] == SPR_EXACTLY ? sum != bound : sum > bound)
            return 0;
    }
    return 1;
}

static void walk_all(walk *w)
{
    double field[MOST_BITS], energy = w->offset;
    uint64_t state = 0;
    memcpy(field, w->linear, sizeof field);
    for (uint64_t i = 0; i < (uint64_t)1 << w->x; i++)
        w->least[i] = INFINITY;
    w->minimum = INFINITY;
    for (uint64_t step = 1;; step++) {
        double *least = &w->least[state & (((uint64_t)1 << w->x) - 1)];
        const int keeps = walk_keeps(w, state);
        *least = keeps && energy < *least ? energy : *least;
        if (keeps && energy < w->minimum) {
            w->minimum = energy;
            w->minimiser = state;
        }
        if (step >> w->bits)
            return;
        const int flip = __builtin_ctzll(step);
        const double sign = state >> flip & 1 ? -1.0 : 1.0;
        energy += sign * field[flip];
        state ^= (uint64_t)1 << flip;
        for (int64_t i = 0; i < w->bits; i++)
            field[i] += sign * w->couple[flip][i];
    }
}

/* ------------------------------------------------------------------------------------------------------------ check */

static int same_sets(const spr__terms *terms, const int32_t *a, const int32_t *b)
{
    for (int64_t t = 0; t < terms->tokens; t++) {
        uint64_t one = 0, other = 0;
        for (int64_t i = 0; i < terms->k; i++) {
            one |= a[t * terms->k + i] >= 0 ? (uint64_t)1 << a[t * terms->k + i] : 0;
            other |= b[t * terms->k + i] >= 0 ? (uint64_t)1 << b[t * terms->k + i] : 0;
        }
        if (one != other)
            return 0;
    }
    return 1;
}

typedef struct memory_count {
    int64_t calls, fail_at, held;
} memory_count;

static void *memory_counted(void *user, void *pointer, size_t old_size, size_t new_size)
{
    memory_count *count = user;
    if (new_size > 0 && count->calls++ == count->fail_at)
        return NULL;
    count->held += (int64_t)new_size - (int64_t)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_size);
}

static void check_table(const instance *in, spr_lowering *lowering, int64_t table, const walk *w)
{
    const spr__terms *terms = &in->terms;
    const int32_t *ids = in->tables[table];
    const double expected = in->energies[table], known = lowering->report.known;
    const double slack = 1e-9 * (1.0 + fabs(expected) + fabs(lowering->report.largest_weight));
    const char *name = class_names[in->kind];
    const unsigned long long seed = (unsigned long long)in->seed;
    uint8_t *bits = calloc(1, (size_t)lowering->report.variables);
    int32_t found[MAX_TOKENS * MAX_K];
    double energy, decoded;
    int64_t repairs;
    uint64_t x = 0;
    spr_error error;
    const spr_status status = spr_lowering_encode(lowering, ids, bits, &error);
    if (status == SPR_ERROR_CONFLICT) {
        check(expected > known, "%s %llu: a table with %g is left out, known %g", name, seed, expected, known);
        free(bits);
        return;
    }
    check(status == SPR_OK, "%s %llu: encode says %s", name, seed, error.message);
    support_must(spr_problem_energy(lowering->problem, bits, &energy, &error) == SPR_OK, "energy", error.message);
    check(fabs(energy - expected) <= slack, "%s %llu: table %lld has H %.12g, its state %.12g", name, seed,
          (long long)table, expected, energy);
    int64_t violated = -1;
    check(spr_problem_violation(lowering->problem, bits, &violated, NULL, &error) == SPR_OK && violated == 0,
          "%s %llu: the state of table %lld violates %d constraints", name, seed, (long long)table, (int)violated);
    for (int64_t i = 0; i < lowering->report.assignments; i++)
        x |= (uint64_t)bits[i] << i;
    if (w != NULL)
        check(fabs(w->least[x] - expected) <= slack, "%s %llu: table %lld has H %.12g, its best state %.12g", name,
              seed, (long long)table, expected, w->least[x]);
    check(spr_lowering_decode(lowering, bits, found, &decoded, &repairs, &error) == SPR_OK, "%s %llu: decode says %s",
          name, seed, error.message);
    if (expected <= known)
        check(same_sets(terms, found, ids) && repairs == 0 && fabs(decoded - expected) <= slack,
              "%s %llu: table %lld comes back changed", name, seed, (long long)table);
    else
        check(repairs == -1 && decoded == known, "%s %llu: a table worse than the known one comes back", name, seed);
    free(bits);
}

/* Whatever the state: a table that keeps all constraints and is not worse. */
static void check_decode(const instance *in, spr_lowering *lowering, const uint8_t *bits, double most, const char *what)
{
    int32_t found[MAX_TOKENS * MAX_K], scratch[2 * MAX_EXPERTS + 8];
    double energy = 0.0;
    int64_t repairs = 0;
    spr_error error;
    spr__violation violation;
    const spr_status status = spr_lowering_decode(lowering, bits, found, &energy, &repairs, &error);
    const double judged = spr__terms_energy(&in->terms, found, scratch, &violation);
    check(status == SPR_OK && !spr__violated(&violation) && judged <= most + 1e-9 * (1.0 + fabs(most)) &&
              fabs(judged - energy) <= 1e-9 * (1.0 + fabs(judged)),
          "%s %llu: decode of %s gives %.12g (%.12g), accepted is %.12g", class_names[in->kind],
          (unsigned long long)in->seed, what, judged, energy, most);
}

/* The digits of a slack make 0..room, and no more. */
static void check_digits(const instance *in, const spr_lowering *lowering)
{
    const spr__lower_row *const kinds[] = {lowering->capacity, lowering->active_limit, lowering->device_limit,
                                           lowering->node_limit};
    const int64_t counts[] = {in->terms.experts, in->terms.devices, in->terms.tokens, in->terms.tokens};
    for (int kind = 0; kind < 4; kind++)
        for (int64_t i = 0; i < counts[kind]; i++) {
            const spr__lower_row *row = &kinds[kind][i];
            int64_t sum = 0, gaps = 0;
            for (int32_t j = 0; j < row->digits; j++) {
                gaps += lowering->variables[row->first + j].second > sum + 1;
                sum += lowering->variables[row->first + j].second;
            }
            check(!row->exists || (sum == row->range && gaps == 0), "%s %llu: row %lld has room %d, its digits make "
                  "%lld", class_names[in->kind], (unsigned long long)in->seed, (long long)i, (int)row->range,
                  (long long)sum);
        }
}

static void check_names(const instance *in, const spr_lowering *lowering)
{
    char names[64][80];
    spr_error error;
    int64_t twice = 0;
    for (int64_t i = 0; i < lowering->report.variables && i < 64; i++) {
        support_must(spr_lowering_name(lowering, i, names[i], sizeof names[i], &error) == SPR_OK, "name", error.message);
        for (int64_t j = 0; j < i; j++)      /* equal digits of one slack have equal names */
            twice += strcmp(names[i], names[j]) == 0 && strncmp(names[i], "slack", 5) != 0;
    }
    check(twice == 0 &&
              spr_lowering_name(lowering, lowering->report.variables, names[0], 80, &error) == SPR_ERROR_VARIABLE &&
              spr_lowering_name(lowering, 0, names[0], 4, &error) == SPR_ERROR_SIZE,
          "%s %llu: names", class_names[in->kind], (unsigned long long)in->seed);
}

typedef struct tally {
    int64_t cases, walked, variables, cells, fixed;
    double gap;
} tally;

static void check_lowering(const instance *in, spr_lowering *lowering, const spr_lower_settings *settings, tally *count)
{
    const spr_lower_report *r = &lowering->report;
    const double optimum = in->energies[in->best];
    const char *name = class_names[in->kind];
    const unsigned long long seed = (unsigned long long)in->seed;
    uint8_t *bits = calloc(1, (size_t)r->variables);
    walk w;
    const int walks = r->variables <= (in->seed % 16 == 0 ? MOST_BITS : 16);
    count->cases++;
    count->variables += r->variables;
    count->cells += in->terms.tokens * in->terms.experts;
    count->fixed += r->fixed_zero + r->fixed_one;
    count->gap += r->known - r->bound;
    check(r->bound <= optimum + 1e-12 * (1.0 + fabs(optimum)), "%s %llu: bound %.12g above the optimum %.12g", name,
          seed, r->bound, optimum);
    if (walks) {
        count->walked++;
        w.bits = r->variables;
        w.x = r->assignments;
        w.least = malloc(sizeof(double) << w.x);
        walk_read(&w, lowering->problem);
        walk_all(&w);
        const double slack = 1e-9 * (1.0 + fabs(optimum) + r->largest_weight);
        if (settings->candidates == 0) {
            check(fabs(w.minimum - optimum) <= slack, "%s %llu: minimum %.12g, optimum %.12g (kernel %d)", name, seed,
                  w.minimum, optimum, (int)settings->kernelise);
            for (int64_t i = 0; i < r->variables; i++)
                bits[i] = w.minimiser >> i & 1;
            check_decode(in, lowering, bits, optimum, "a minimiser");
        } else
            check(w.minimum >= optimum - slack && w.minimum <= r->known + slack,
                  "%s %llu: minimum %.12g, optimum %.12g, known %.12g (candidates)", name, seed, w.minimum, optimum,
                  r->known);
    }
    for (int64_t i = 0; i < in->count; i++)
        if (in->count <= 64 || i % 7 == 0 || i == in->best)
            if (settings->candidates == 0 || i == in->best)
                check_table(in, lowering, i, walks && settings->candidates == 0 ? &w : NULL);
    for (uint64_t garbage = 0; garbage < 4; garbage++) {
        for (int64_t i = 0; i < r->variables; i++)
            bits[i] = garbage < 2 ? (uint8_t)garbage : support_random(in->seed, 3000 + garbage * 64 + (uint64_t)i) & 1;
        check_decode(in, lowering, bits, r->known, "garbage");
    }
    check_names(in, lowering);
    if (!settings->constraints)
        check_digits(in, lowering);
    else
        check(r->slacks == 0, "%s %llu: slack beside constraints", name, seed);
    if (walks)
        free(w.least);
    free(bits);
}

/* Kernel off and on with a known table of any quality; then with the best one known, and with candidates. All that with
 * penalties, and with constraints. */
static void run(const instance *in, tally *count)
{
    for (int variant = 0; variant < 8; variant++) {
        spr_lower_settings settings = {.size = sizeof settings, .kernelise = variant & 1, .constraints = variant / 4};
        const int64_t known = variant % 4 < 2 ? draw(in, 2000, in->count) : in->best;
        memory_count memory = {0, -1, 0};
        spr_lowering *lowering = NULL;
        spr_error error;
        const spr__memory hooks = {memory_counted, &memory};
        if (variant % 4 == 3)
            settings.candidates = in->terms.k;
        spr_status status = spr__lowering_new(&in->terms, in->tables[known], &settings, hooks, &lowering, &error);
        check(status == SPR_OK, "%s %llu: status %d (%s)", class_names[in->kind], (unsigned long long)in->seed,
              (int)status, error.message);
        if (status != SPR_OK)
            continue;
        check_lowering(in, lowering, &settings, count);
        spr_lowering_free(lowering);
        check(memory.held == 0, "%s %llu: %lld bytes leaked", class_names[in->kind], (unsigned long long)in->seed,
              (long long)memory.held);
        const int64_t calls = memory.calls;
        for (int64_t fail = 0; fail < calls && in->seed % 8 == 0; fail++) {
            memory = (memory_count){0, fail, 0};
            status = spr__lowering_new(&in->terms, in->tables[known], &settings, hooks, &lowering, &error);
            check(status == SPR_ERROR_MEMORY && lowering == NULL && memory.held == 0,
                  "%s %llu: allocation %lld failed: status %d, %lld bytes held", class_names[in->kind],
                  (unsigned long long)in->seed, (long long)fail, (int)status, (long long)memory.held);
        }
    }
}

/* ----------------------------------------------------------------------------------------------------------- public */

enum { T = 12, E = 16, K = 3 };

static const char *const plans[] = {
    "capacity_factor=1.25",
    "balance_weight=0.2",
    "devices=4 device_balance_weight=0.2 balance_weight=0.1",
    "activation_weight=0.3",
    "activation_weight=0.2 resident_factor=0.25 hysteresis_weight=0.1",
    "devices=4 device_touch_weight=0.2 active_level_weight=0.05",
    "devices=4 device_limit=2 nodes=2 node_touch_weight=0.1 capacity_factor=1.5",
    "devices=2 active_limit=4 keep_top=1",
    "hysteresis_weight=0.4",
    "devices=4 nodes=2 node_limit=1 activation_weight=0.1",
};

static void public_lower(const char *name, spr_workspace *workspace, const spr_plan *plan, const spr_batch *batch,
                         const int32_t *ids, double energy, int kernelise)
{
    spr_lower_settings settings = {.size = sizeof settings, .kernelise = kernelise};
    spr_lower_report report = {.size = sizeof report}, estimate = {.size = sizeof estimate};
    spr_lowering *lowering;
    spr_error error;
    int32_t found[T * K];
    double state = 0.0, decoded = 0.0;
    int64_t repairs = -1;
    spr_status status = spr_lower(workspace, batch, ids, &settings, NULL, NULL, &lowering, &error);
    check(status == SPR_OK, "%s: spr_lower says %s", name, error.message);
    if (status != SPR_OK)
        return;
    support_must(spr_lowering_report(lowering, &report, &error) == SPR_OK, "report", error.message);
    status = spr_lower_estimate(plan, T, NULL, &estimate, &error);
    check(status == SPR_OK && estimate.variables >= report.variables && estimate.couplings >= report.couplings &&
              estimate.assignments >= report.assignments && estimate.actives >= report.actives &&
              estimate.devices >= report.devices && estimate.nodes >= report.nodes && estimate.slacks >= report.slacks,
          "%s: estimate %lld variables, %lld couplings; made %lld, %lld", name, (long long)estimate.variables,
          (long long)estimate.couplings, (long long)report.variables, (long long)report.couplings);
    check(fabs(report.known - energy) <= 1e-9 * (1.0 + fabs(energy)) && report.bound <= report.known,
          "%s: known %.12g, routed %.12g, bound %.12g", name, report.known, energy, report.bound);
    uint8_t *bits = calloc(1, (size_t)report.variables);
    check(spr_lowering_encode(lowering, ids, bits, &error) == SPR_OK &&
              spr_problem_energy(spr_lowering_problem(lowering), bits, &state, &error) == SPR_OK &&
              fabs(state - energy) <= 1e-9 * (1.0 + fabs(energy) + report.largest_weight),
          "%s: energy of the state %.12g, routed %.12g", name, state, energy);
    check(spr_lowering_decode(lowering, bits, found, &decoded, &repairs, &error) == SPR_OK && repairs == 0 &&
              memcmp(found, ids, sizeof found) == 0,
          "%s: the routed table comes back changed", name);
    free(bits);
    spr_lowering_free(lowering);
    settings.most_variables = 3;
    check(spr_lower(workspace, batch, ids, &settings, NULL, NULL, &lowering, &error) ==
                  (report.variables > 3 ? SPR_ERROR_SIZE : SPR_OK),
          "%s: three variables are said to be enough: %s", name, error.message);
    spr_lowering_free(lowering);
    settings.most_variables = 0;
    settings.most_couplings = 3;
    status = spr_lower(workspace, batch, ids, &settings, NULL, NULL, &lowering, &error);
    check(status == SPR_ERROR_SIZE || (status == SPR_OK && report.couplings <= 3),
          "%s: three couplings are said to be enough: %s", name, error.message);
    spr_lowering_free(lowering);
}

static void public_plan(const char *options, uint64_t seed)
{
    char text[256];
    float logits[T * E];
    int32_t ids[T * K], again[T * K], previous[T * K];
    uint8_t resident[E];
    spr_error error;
    spr_workspace *workspace;
    spr_statistics statistics = {.size = sizeof statistics};
    spr_table table = {.size = sizeof table, .ids = ids, .statistics = &statistics};
    snprintf(text, sizeof text, "experts=%d k=%d %s", E, K, options);
    spr_plan *plan = support_plan(text);
    support_must(spr_plan_seal(plan, &error) == SPR_OK, text, error.message);
    support_must(spr_workspace_new(plan, T, NULL, NULL, &workspace, &error) == SPR_OK, text, error.message);
    for (int i = 0; i < T * E; i++)
        logits[i] = support_normal(seed, (uint64_t)i) + support_normal(seed, 5000 + (uint64_t)(i % E));
    for (int i = 0; i < T * K; i++)
        previous[i] = (int32_t)((support_random(seed, 6000 + (uint64_t)(i / K)) + (uint64_t)(i % K)) % E);
    for (int e = 0; e < E; e++)
        resident[e] = support_random(seed, 7000 + (uint64_t)e) & 1;
    spr_batch batch = support_batch(logits, T);
    batch.previous = strstr(options, "hysteresis") != NULL ? previous : NULL;
    batch.resident = strstr(options, "resident") != NULL ? resident : NULL;
    const spr_status status = spr_route(workspace, &batch, &table, &error);
    if (status == SPR_OK) {
        public_lower(text, workspace, plan, &batch, ids, statistics.energy, 0);
        public_lower(text, workspace, plan, &batch, ids, statistics.energy, 1);
        /* the workspace routes as before */
        table.ids = again;
        check(spr_route(workspace, &batch, &table, &error) == SPR_OK, "%s: cannot route again", text);
        again[0] = again[1];
        spr_lowering *lowering;
        check(spr_lower(workspace, &batch, again, NULL, NULL, NULL, &lowering, &error) == SPR_ERROR_INFEASIBLE &&
                  lowering == NULL,
              "%s: a repeated expert is accepted", text);
        again[0] = E;
        check(spr_lower(workspace, &batch, again, NULL, NULL, NULL, &lowering, &error) == SPR_ERROR_EXPERT_ID,
              "%s: an expert that is none is accepted", text);
    }
    spr_workspace_free(workspace);
    spr_plan_free(plan);
}

static void public_errors(void)
{
    spr_plan *plan = support_plan("experts=16 k=3");
    spr_error error;
    spr_workspace *workspace;
    spr_lowering *lowering;
    float logits[E] = {0};
    const int32_t ids[K] = {0, 1, 2};
    spr_lower_report report = {.size = sizeof report};
    check(spr_lower_estimate(plan, 1, NULL, &report, &error) == SPR_ERROR_STATE, "an open plan is estimated");
    support_must(spr_plan_seal(plan, &error) == SPR_OK, "seal", error.message);
    support_must(spr_workspace_new(plan, 1, NULL, NULL, &workspace, &error) == SPR_OK, "workspace", error.message);
    const spr_batch batch = support_batch(logits, 1);
    check(spr_lower(workspace, &batch, ids, NULL, NULL, NULL, &lowering, &error) == SPR_ERROR_UNSUPPORTED,
          "a plan without balance is lowered");
    check(spr_lower(workspace, &batch, ids, NULL, NULL, NULL, NULL, &error) == SPR_ERROR_ARGUMENT, "no handle");
    spr_lower_settings settings = {.size = 3};
    check(spr_lower_estimate(plan, 1, &settings, &report, &error) == SPR_ERROR_STRUCT_SIZE, "size 3");
    settings = (spr_lower_settings){.size = sizeof settings, .candidates = 2};
    check(spr_lower_estimate(plan, 1, &settings, &report, &error) == SPR_ERROR_OPTION_RANGE, "fewer candidates than k");
    settings = (spr_lower_settings){.size = sizeof settings, .kernelise = 2};
    check(spr_lower_estimate(plan, 1, &settings, &report, &error) == SPR_ERROR_OPTION_RANGE, "kernelise 2");
    settings = (spr_lower_settings){.size = sizeof settings, .constraints = 2};
    check(spr_lower_estimate(plan, 1, &settings, &report, &error) == SPR_ERROR_OPTION_RANGE, "constraints 2");
    /* a caller from before there were constraints; what lies behind its size is not read */
    settings.size = offsetof(spr_lower_settings, constraints);
    check(spr_lower_estimate(plan, 1, &settings, &report, &error) == SPR_OK, "the size before constraints: %s", error.message);
    check(spr_lower_estimate(plan, -1, NULL, &report, &error) == SPR_ERROR_SIZE, "-1 tokens");
    check(spr_lower_estimate(plan, INT32_MAX, NULL, &report, &error) == SPR_OK && report.couplings > 0, "many tokens");
    check(spr_lowering_problem(NULL) == NULL, "a problem out of nothing");
    spr_lowering_free(NULL);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
}

int main(void)
{
    const int cases = getenv("SPR_TEST_QUICK") != NULL ? 15 : 150;
    static instance in;
    for (int kind = 0; kind < CLASSES; kind++) {
        tally count = {0, 0, 0, 0, 0, 0.0};
        for (int i = 0; i < cases; i++) {
            instance_make(&in, kind, (uint64_t)(kind * 1000000 + i));
            if (in.count > 0)
                run(&in, &count);
        }
        printf("%-16s %4lld lowerings, %4lld walked, %5.1f variables, %4.1f %% of x fixed, mean gap %.4f\n",
               class_names[kind], (long long)count.cases, (long long)count.walked,
               (double)count.variables / (double)(count.cases + 1), 100.0 * (double)count.fixed / (double)(count.cells + 1),
               count.gap / (double)(count.cases + 1));
    }
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        for (int j = 0; j < cases / 8; j++)
            public_plan(plans[i], (uint64_t)j);
    public_errors();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
