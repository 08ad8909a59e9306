/* SPDX-License-Identifier: MIT
 * Presolve never loses an optimum: on random small problems of many kinds, all states are counted, and after every single
 * step some optimum must be left. Restored energies are the reduced ones, bounds are bounds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counted.h"
#include "../unit/support.h"
#include "../../lib/presolve/work.h"

enum { MOST = 14 };

/* What kind of problem: how coefficients are drawn and which pairs are coupled. */
typedef struct kind {
    const char *name;
    int form, n, percent;        /* coupled pairs */
    double unit;                 /* coefficients are unit * integer; 0: real numbers */
    int couplings, linear;       /* integers -range..range */
    int ring;                    /* also couples i and i+1 */
} kind;

static const kind kinds[] = {
    {"tied qubo", SPR_QUBO, 10, 30, 1.0, 2, 2, 0},     {"tied dense qubo", SPR_QUBO, 8, 90, 1.0, 1, 2, 0},
    {"sparse qubo", SPR_QUBO, 14, 12, 1.0, 9, 9, 0},   {"tied ising", SPR_ISING, 10, 30, 1.0, 1, 1, 0},
    {"cut", SPR_ISING, 12, 25, 1.0, 1, 0, 0},          {"halves", SPR_QUBO, 11, 30, 0.125, 7, 5, 0},
    {"reals", SPR_QUBO, 11, 30, 0.0, 9, 9, 0},         {"real ising", SPR_ISING, 11, 20, 0.0, 9, 2, 0},
    {"dense", SPR_QUBO, 11, 100, 1.0, 50, 50, 0},      {"ring", SPR_ISING, 13, 4, 1.0, 1, 1, 1},
    {"ring qubo", SPR_QUBO, 13, 5, 1.0, 2, 3, 1},      {"strong fields", SPR_ISING, 10, 50, 1.0, 2, 4, 0},
    {"weak fields", SPR_ISING, 12, 35, 0.5, 3, 1, 0},  {"cubic-like", SPR_QUBO, 12, 26, 1.0, 1, 1, 1},
    {"tiny", SPR_QUBO, 3, 70, 1.0, 2, 2, 0},           {"two", SPR_ISING, 2, 80, 1.0, 2, 1, 0},
    {"fields", SPR_QUBO, 7, 60, 1.0, 4, 9, 0},         {"few fields", SPR_ISING, 8, 40, 1.0, 3, 1, 0},
    {"real fields", SPR_QUBO, 7, 60, 0.0, 5, 8, 0},    {"nothing", SPR_QUBO, 3, 50, 1.0, 0, 0, 0}};

enum { KINDS = (int)(sizeof kinds / sizeof kinds[0]) };

static double draw(const kind *k, int range, uint64_t seed, uint64_t *drawn)
{
    const uint64_t bits = support_random(seed, (*drawn)++);
    if (k->unit == 0.0)
        return ((double)(bits >> 11) / 9007199254740992.0 * 2.0 - 1.0) * range;
    return k->unit * ((double)(bits % (uint64_t)(2 * range + 1)) - range);
}

static spr_problem *make(const kind *k, uint64_t seed)
{
    double linear[MOST], values[MOST * MOST];
    int32_t rows[MOST * MOST], columns[MOST * MOST];
    int64_t entries = 0;
    uint64_t drawn = 0;
    spr_problem *made = NULL;
    for (int i = 0; i < k->n; i++)
        linear[i] = draw(k, k->linear, seed, &drawn);
    for (int i = 0; i < k->n; i++)
        for (int j = 0; j < i; j++) {
            const int coupled = (int)(support_random(seed, drawn++) % 100) < k->percent;
            const double value = draw(k, k->couplings, seed, &drawn);
            if (!coupled && !(k->ring && (i == j + 1 || (j == 0 && i == k->n - 1))))
                continue;
            rows[entries] = i;
            columns[entries] = j;
            values[entries++] = value;
        }
    spr_problem_from_entries(NULL, NULL, k->form, k->n, linear, entries, rows, columns, values, draw(k, 3, seed, &drawn),
                             &made, NULL);
    return made;
}

static double energy_of(const spr_problem *problem, uint32_t state, int n)
{
    uint8_t bits[MOST];
    for (int i = 0; i < n; i++)
        bits[i] = state >> i & 1;
    return spr__problem_energy(&problem->view, bits);
}

/* Is the state one that the step leaves? */
static int stays(const spr__step *step, uint32_t state)
{
    const int own = state >> step->variable & 1;
    double cost = step->linear;
    if (step->kind == SPR__STEP_FIX)
        return own == step->value;
    if (step->kind != SPR__STEP_BEST)
        return (own == (int)(state >> step->neighbour[0] & 1)) == (step->kind == SPR__STEP_EQUAL);
    for (int e = 0; e < 3; e++)
        if (step->neighbour[e] >= 0 && state >> step->neighbour[e] & 1)
            cost += step->weight[e];
    return own == (cost < 0.0);
}

static int64_t rules_seen[SPR__RULES];

/* The least energy of the states that the steps so far leave is the least of all, after each step. */
static void check_steps(const kind *k, uint64_t seed, const double *energies, const spr_reduction *r, double slack)
{
    static char left[1 << MOST];
    const uint32_t states = 1u << k->n;
    double least = INFINITY;
    memset(left, 1, states);
    for (uint32_t s = 0; s < states; s++)
        least = energies[s] < least ? energies[s] : least;
    for (int64_t t = 0; t < r->variables - r->left; t++) {
        double now = INFINITY;
        for (uint32_t s = 0; s < states; s++) {
            left[s] &= (char)stays(&r->steps[t], s);
            now = left[s] && energies[s] < now ? energies[s] : now;
        }
        check(now <= least + slack, "%s %llu: step %d, rule %d on variable %d, leaves %.17g, least is %.17g", k->name,
              (unsigned long long)seed, (int)t, (int)r->steps[t].rule, (int)r->steps[t].variable, now, least);
        rules_seen[r->steps[t].rule]++;
    }
    check(r->lower_bound <= least + slack, "%s %llu: bound %.17g above %.17g", k->name, (unsigned long long)seed,
          r->lower_bound, least);
    if (r->left == 0)
        check(r->lower_bound >= least - slack, "%s %llu: nothing left, bound %.17g below %.17g", k->name,
              (unsigned long long)seed, r->lower_bound, least);
}

/* Every state of the reduced problem, restored, has the energy it has there, and the least is the least. */
static void check_states(const kind *k, uint64_t seed, const spr_problem *problem, const double *energies,
                         const spr_reduction *r, double slack)
{
    uint8_t reduced[MOST], bits[MOST], again[MOST];
    double least = INFINITY, found = INFINITY;
    for (uint32_t s = 0; s < 1u << k->n; s++)
        least = energies[s] < least ? energies[s] : least;
    for (uint32_t s = 0; s < 1u << r->left; s++) {
        for (int i = 0; i < r->left; i++)
            reduced[i] = s >> i & 1;
        spr__presolve_restore(r, reduced, bits);
        spr__presolve_project(r, bits, again);
        check(r->left == 0 || memcmp(reduced, again, (size_t)r->left) == 0, "%s %llu: project does not undo restore",
              k->name, (unsigned long long)seed);
        const double whole = spr__problem_energy(&problem->view, bits);
        const double part = r->left > 0 ? spr__problem_energy(&r->reduced->view, reduced) : whole;
        check(fabs(whole - part) <= slack, "%s %llu: reduced state %u has %.17g, restored %.17g", k->name,
              (unsigned long long)seed, s, part, whole);
        found = whole < found ? whole : found;
    }
    check(found <= least + slack, "%s %llu: the reduced problem reaches %.17g, the whole one %.17g", k->name,
          (unsigned long long)seed, found, least);
}

/* The roof dual is the least value of the function with min(x, y) for x y where the weight is negative and max(0, x + y - 1)
 * elsewhere, over x in {0, 1/2, 1} (Hammer, Hansen and Simeone). What is whole and the same in all its minima is fixed. */
static void check_roof(const kind *k, uint64_t seed, const spr_problem *problem, double slack)
{
    const spr_problem_view *view = &problem->view;
    const spr__presolve_limits limits = {NULL, NULL, 2, 0, 0};
    const spr__memory memory = spr__memory_of(NULL, NULL);
    int twice[MOST] = {0}, found, seen[MOST] = {0}, more;
    double least = INFINITY;
    spr__residue work;
    if (k->n > 8)
        return;
    do {
        double value = view->offset;
        for (int i = 0; i < k->n; i++) {
            value += 0.5 * view->linear[i] * twice[i];
            for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++) {
                const int j = view->column[at], sum = twice[i] + twice[j] - 2;
                value += 0.25 * view->value[at] * (view->value[at] < 0.0 ? (twice[i] < twice[j] ? twice[i] : twice[j])
                                                                         : (sum > 0 ? sum : 0));
            }
        }
        if (value < least)
            memset(seen, 0, sizeof seen);
        least = value < least ? value : least;
        for (int i = 0; value == least && i < k->n; i++)
            seen[i] |= 1 << twice[i];
        more = 0;
        for (int i = 0; !more && i < k->n; i++) {
            more = twice[i] < 2;
            twice[i] = more ? twice[i] + 1 : 0;
        }
    } while (more);
    check(spr__work_open(&work, &memory, view) && spr__reduce_roof(&work, &memory, &limits, &found), "no memory");
    check(work.bound == -INFINITY || fabs(work.bound - least) <= slack, "%s %llu: roof dual %.17g, should be %.17g", k->name,
          (unsigned long long)seed, work.bound, least);
    for (int i = 0; k->unit != 0.0 && work.bound > -INFINITY && i < k->n; i++)
        check(work.degree[i] < 0 || (seen[i] != 1 && seen[i] != 4), "%s %llu: variable %d is %d in all minima, not fixed", k->name,
              (unsigned long long)seed, i, seen[i] == 4);
    spr__work_close(&work, &memory);
}

/* The other bound, where the library has it: never above the least energy, and not far below it. */
static void check_spectral(const kind *k, uint64_t seed, const spr_problem *problem, const double *energies)
{
    double least = INFINITY, most = -INFINITY, bound = NAN;
    spr_error error;
    const spr_status status = spr_problem_bound(NULL, NULL, problem, "spectral", &bound, &error);
    for (uint32_t s = 0; s < 1u << k->n; s++) {
        least = energies[s] < least ? energies[s] : least;
        most = energies[s] > most ? energies[s] : most;
    }
    if (status == SPR_ERROR_UNSUPPORTED)
        return;
    check(status == SPR_OK && bound <= least && bound >= least - 0.6 * (most - least) - 1e-9,
          "%s %llu: status %d, spectral bound %.17g, energies %.17g to %.17g", k->name, (unsigned long long)seed, (int)status,
          bound, least, most);
}

/* What the work copy keeps up to date is what the rows say, whatever was done to them. */
static void check_copy(const kind *k, uint64_t seed, const spr_problem *problem)
{
    const spr__presolve_limits limits = {NULL, NULL, 2, 0, 0};
    const spr__memory memory = spr__memory_of(NULL, NULL);
    spr__residue work;
    spr__work_open(&work, &memory, &problem->view);
    for (int turn = 0; turn < 3 * k->n; turn++) {
        const int32_t i = (int32_t)(support_random(seed, (uint64_t)turn) % (uint64_t)k->n);
        if (work.degree[i] >= 0 && turn % 3 == 2)        /* a mere copy: what is lost does not matter here */
            spr__work_fix(&work, i, turn % 2, SPR__RULE_PAIR, -1);
        else if (work.degree[i] > 0 && turn % 3 == 1)
            spr__work_merge(&work, i, work.to[work.first[i]], turn % 2, SPR__RULE_PAIR);
        else if (work.degree[i] > 0 && !spr__reduce_degree(&work, i))
            spr__reduce_pairs(&work, &limits);
        int64_t couplings = 0, left = 0;
        for (int32_t v = 0; v < k->n; v++) {
            double low = work.linear[v], high = work.linear[v], largest = 0.0;
            int32_t degree = 0, before = -1;
            if (work.degree[v] < 0)
                continue;
            for (int32_t half = work.first[v]; half >= 0; before = half, half = work.next[half], degree++) {
                const double w = work.value[half / 2];
                check(work.prev[half] == before && work.to[half ^ 1] == v && work.degree[work.to[half]] > 0 && w != 0.0,
                      "%s %llu: row %d is torn", k->name, (unsigned long long)seed, (int)v);
                *(w < 0.0 ? &low : &high) += w;
                largest = fabs(w) > largest ? fabs(w) : largest;
            }
            left++;
            couplings += degree;
            check(degree == work.degree[v] && fabs(low - work.low[v]) + fabs(high - work.high[v]) <= 4.0 * work.doubt &&
                      largest <= work.largest[v] && work.mark[v] == 0,
                  "%s %llu: row %d has %d, %.17g..%.17g, told %d, %.17g..%.17g", k->name, (unsigned long long)seed, (int)v,
                  (int)degree, low, high, (int)work.degree[v], work.low[v], work.high[v]);
        }
        check(left == work.left && couplings == 2 * work.couplings, "%s %llu: counts", k->name, (unsigned long long)seed);
    }
    spr__work_close(&work, &memory);
}

static int64_t variables_seen, variables_left;

static void one(const kind *k, uint64_t seed, int roof)
{
    static double energies[1 << MOST];
    const spr__presolve_limits limits = {NULL, NULL, roof, 1, 0};
    const spr__memory memory = spr__memory_of(NULL, NULL);
    const double slack = k->unit == 0.0 ? 1e-12 * 100.0 : 0.0;
    spr_problem *problem = make(k, seed);
    spr_reduction *reduction;
    for (uint32_t s = 0; s < 1u << k->n; s++)
        energies[s] = energy_of(problem, s, k->n);
    const spr_status status = spr__presolve(&memory, &problem->view, &limits, &reduction, NULL);
    check(status == SPR_OK, "%s %llu: status %d", k->name, (unsigned long long)seed, (int)status);
    if (roof)
        check_roof(k, seed, problem, slack);
    if (!roof)
        check_copy(k, seed, problem);
    if (roof && seed % 8 == 0)
        check_spectral(k, seed, problem, energies);
    check_steps(k, seed, energies, reduction, slack);
    check_states(k, seed, problem, energies, reduction, slack);
    variables_seen += k->n;
    variables_left += reduction->left;
    spr__presolve_free(reduction);
    spr_problem_free(problem);
}

/* Larger problems, where states cannot be counted: the exact backend, and it again on what presolve leaves. */
static double solve(const spr_problem *problem, const char *presolve)
{
    spr_solver *solver = NULL;
    spr_error error = {0, ""};
    spr_solve_result result = {.size = sizeof result};
    if (spr_solver_new(NULL, NULL, NULL, "exact", problem, &solver, &error) == SPR_OK &&
        spr_solver_set_text(solver, "presolve", presolve, &error) == SPR_OK)
        spr_solver_solve(solver, &result, &error);
    check(result.outcome == SPR_OUTCOME_OPTIMAL, "exact, presolve %s: %s", presolve, error.message);
    spr_solver_free(solver);
    return result.energy;
}

static void larger(uint64_t seed)
{
    enum { N = 40, M = 64 };
    int32_t rows[M], columns[M];
    double linear[N], values[M];
    uint64_t drawn = 0;
    spr_problem *problem = NULL;
    const int range = 1 + (int)(seed % 4), fields = (int)(seed % 3), entries = 44 + (int)(seed % 21);
    for (int i = 0; i < N; i++)
        linear[i] = (double)(support_random(seed, drawn++) % (uint64_t)(2 * fields + 1)) - fields;
    for (int e = 0; e < entries; e++) {
        rows[e] = (int32_t)(support_random(seed, drawn++) % N);
        columns[e] = (int32_t)((rows[e] + 1 + support_random(seed, drawn++) % (N - 1)) % N);
        values[e] = (double)(support_random(seed, drawn++) % (uint64_t)(2 * range + 1)) - range;
    }
    spr_problem_from_entries(NULL, NULL, seed % 2 ? SPR_ISING : SPR_QUBO, N, linear, entries, rows, columns, values, 0.0, &problem,
                             NULL);
    const double off = solve(problem, "off"), on = solve(problem, "on");
    check(off == on, "larger %llu: %.17g, presolved %.17g", (unsigned long long)seed, off, on);
    spr_problem_free(problem);
}

int main(int count, char **arguments)
{
    const int64_t rounds = count > 1 ? atoll(arguments[1]) : 150;
    static const char *const names[SPR__RULES] = {"isolated", "persistent", "dominated", "pair", "degree 1", "degree 2", "degree 3",
                                                  "roof"};
    for (int k = 0; k < KINDS; k++) {
        variables_seen = variables_left = 0;
        for (int64_t round = 0; round < rounds; round++)
            for (int roof = 0; roof <= 2; roof += 2)
                one(&kinds[k], (uint64_t)(1000 * k + round), roof);
        printf("%-16s %5.1f %% of the variables left\n", kinds[k].name, 100.0 * (double)variables_left / (double)variables_seen);
    }
    for (int64_t round = 0; round < 2 * rounds; round++)
        larger((uint64_t)round);
    for (int rule = 0; rule < SPR__RULES; rule++) {
        printf("%-10s %lld\n", names[rule], (long long)rules_seen[rule]);
        check(rules_seen[rule] >= rounds / 50, "rule %s was hardly used", names[rule]);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
