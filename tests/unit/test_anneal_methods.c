/* SPDX-License-Identifier: MIT
 * The annealer's methods: each finds the optimum of small problems, with the same bits from every variant and thread; and
 * the replicas of parallel tempering follow Boltzmann's distribution at their temperatures. */
#include "suites.h"

#include "support.h"
#include "spinroute/qubo.h"

/* its own state is looked into */
#define spr__method_tempering test_method_tempering
#include "../../lib/backend/anneal/method_tempering.c"
#undef spr__method_tempering

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const char *const methods[] = {"auto", "anneal", "tempering", "population", "tabu", "relink"};
static const char *const layouts[] = {"dense", "sparse"};
static const char *const variants[] = {"portable", "avx2", "avx512", "neon"};
enum { METHODS = COUNT(methods), LAYOUTS = COUNT(layouts), MOST = 14, LARGE = 300, SAMPLES = 20 };

static spr_error error;

static void succeeded(spr_status got)
{
    ck_assert_msg(got == SPR_OK, "returned %d: %s", got, error.message);
}

/* ----------------------------------------------------------------------------------------------------------- problems */

/* Each variable is coupled to the next ones, in a circle. kind: couplings of one size, whole or real numbers. */
static spr_problem *circle(int64_t n, int64_t next, int kind, uint64_t seed)
{
    static const double unit[] = {1.0, 3.0, 0.137};
    double linear[LARGE], values[LARGE * 4];
    int32_t rows[LARGE * 4], columns[LARGE * 4];
    int64_t entries = 0;
    uint64_t drawn = 0;
    spr_problem *made;
    for (int64_t i = 0; i < n; i++) {
        linear[i] = unit[kind] * ((double)(support_random(seed, drawn++) % 7) - 3.0);
        for (int64_t k = 1; k <= next; k++) {
            const uint64_t any = support_random(seed, drawn++);
            rows[entries] = (int32_t)i;
            columns[entries] = (int32_t)((i + k) % n);
            values[entries++] = unit[kind] * (kind == 0 ? 2.0 * (double)(any % 2) - 1.0 : (double)(any % 41) - 20.0);
        }
    }
    succeeded(spr_problem_from_entries(NULL, NULL, SPR_QUBO, n, linear, entries, rows, columns, values, 0.5, &made, &error));
    return made;
}

static spr_solver *solver_of(const spr_problem *problem, const char *method, const char *layout, const char *kernel)
{
    spr_solver *solver;
    succeeded(spr_solver_new(NULL, NULL, NULL, "anneal", problem, &solver, &error));
    succeeded(spr_solver_set_text(solver, "presolve", "off", &error));
    succeeded(spr_solver_set_text(solver, "method", method, &error));
    succeeded(spr_solver_set_text(solver, "layout", layout, &error));
    succeeded(spr_solver_set_text(solver, "kernel", kernel, &error));
    return solver;
}

START_TEST(methods_find_the_optimum)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        spr_problem *problem = circle(MOST, 1 + (int64_t)seed % 4, (int)seed % 3, seed);
        double best = HUGE_VAL;
        for (int number = 0; number < 1 << MOST; number++) {
            uint8_t bits[MOST];
            double energy;
            for (int i = 0; i < MOST; i++)
                bits[i] = number >> i & 1;
            succeeded(spr_problem_energy(problem, bits, &energy, &error));
            best = energy < best ? energy : best;
        }
        for (int k = 0; k < METHODS * LAYOUTS; k++) {
            spr_solver *solver = solver_of(problem, methods[k % METHODS], layouts[k / METHODS], "auto");
            spr_solve_result result = {.size = sizeof result};
            succeeded(spr_solver_set_integer(solver, "sweeps", 100, &error));
            succeeded(spr_solver_set_integer(solver, "reads", k / METHODS == 0 ? 16 : 64, &error));
            succeeded(spr_solver_solve(solver, &result, &error));
            ck_assert_msg(result.energy == best, "%s, %s, seed %d: %.17g, the optimum is %.17g", methods[k % METHODS],
                          layouts[k / METHODS], (int)seed, result.energy, best);
            spr_solver_free(solver);
        }
        spr_problem_free(problem);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- same bits */

typedef struct answer {
    spr_solve_result result;
    double energy[SAMPLES];
    uint8_t bits[SAMPLES][LARGE];
} answer;

static void backwards(void *user, int64_t count, spr_parallel_task task, void *context)
{
    (void)user;
    while (count-- > 0)
        task(context, count);
}

static void solve(const spr_problem *problem, int k, const char *kernel, spr_parallel_for parallel, answer *a)
{
    spr_solver *solver = solver_of(problem, methods[k % METHODS], layouts[k / METHODS], kernel);
    memset(a, 0, sizeof *a);
    a->result.size = sizeof a->result;
    succeeded(spr_solver_set_integer(solver, "reads", k / METHODS == 0 ? 20 : 600, &error));
    succeeded(spr_solver_set_integer(solver, "samples", SAMPLES, &error));
    succeeded(spr_solver_set_parallel(solver, parallel, NULL, &error));
    succeeded(spr_solver_solve(solver, &a->result, &error));
    for (int64_t i = 0; i < a->result.samples; i++)
        succeeded(spr_solver_get_sample(solver, i, a->bits[i], &a->energy[i], NULL, &error));
    a->result.seconds = 0.0;
    spr_solver_free(solver);
}

START_TEST(methods_give_the_same_bits)
{
    static answer want, got;
    for (int kind = 0; kind < 3; kind++) {
        spr_problem *problem = circle(LARGE - 7, 3, kind, 40 + (uint64_t)kind);
        for (int k = 0; k < METHODS * LAYOUTS; k++) {
            solve(problem, k, "portable", NULL, &want);
            ck_assert_int_gt(want.result.samples, 0);
            for (int v = 0; v <= COUNT(variants); v++) {
                if (v < COUNT(variants) && spr__spin_find(variants[v]) == NULL)
                    continue;
                solve(problem, k, v < COUNT(variants) ? variants[v] : "auto", v % 2 == 0 ? backwards : NULL, &got);
                ck_assert_msg(memcmp(&want, &got, sizeof want) == 0, "%s, %s, kind %d: variant %d gives other bits",
                              methods[k % METHODS], layouts[k / METHODS], kind, v);
            }
        }
        spr_problem_free(problem);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------- memory */

/* Requests served; the one to refuse. */
typedef struct refusal {
    int64_t requests, refuse;
} refusal;

static void *serve(void *user, void *pointer, size_t old_size, size_t new_size)
{
    refusal *r = user;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return ++r->requests == r->refuse ? NULL : realloc(pointer, new_size);
}

START_TEST(methods_end_well_without_memory)
{
    spr_problem *problem = circle(40, 3, 1, 4);
    for (int k = 0; k < METHODS * LAYOUTS; k++) {
        refusal r = {0, 0};
        int64_t refused = 0;
        for (spr_status status = SPR_ERROR_MEMORY; status != SPR_OK; refused++) {
            spr_solver *solver = NULL;
            spr_solve_result result = {.size = sizeof result};
            r = (refusal){0, refused + 1};
            status = spr_solver_new(serve, &r, NULL, "anneal", problem, &solver, &error);
            if (status == SPR_OK) {
                succeeded(spr_solver_set_text(solver, "presolve", "off", &error));
                succeeded(spr_solver_set_text(solver, "method", methods[k % METHODS], &error));
                succeeded(spr_solver_set_text(solver, "layout", layouts[k / METHODS], &error));
                succeeded(spr_solver_set_integer(solver, "reads", 1, &error));
                status = spr_solver_solve(solver, &result, &error);
            }
            spr_solver_free(solver);
            ck_assert_msg(status == SPR_OK || status == SPR_ERROR_MEMORY, "returned %d: %s", status, error.message);
            ck_assert_int_lt(refused, 300);
        }
        ck_assert_int_gt(refused, 10);
    }
    spr_problem_free(problem);
}
END_TEST

/* -------------------------------------------------------------------------------------------- Boltzmann's distribution */

enum { RING = 6, LONG = 40, STATES = 1 << RING, RUNG = 26, TIMES = 6000 };

static void *taken[64];
static int taken_count;

static void *lend(void *engine, size_t bytes)
{
    (void)engine;
    support_must(taken_count < COUNT(taken), "lend", "too many arrays");
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    support_must(memory != NULL, "lend", "no memory");
    return taken[taken_count++] = memset(memory, 0, (bytes + 63) / 64 * 64);
}

typedef struct ring_problem {
    spr_problem_view view;
    spr_host host;
    double linear[LONG], value[2 * LONG];
    int64_t start[LONG + 1];
    int32_t column[2 * LONG];
} ring_problem;

static void ring_fill(ring_problem *p, int n, int kind)
{
    static const double size[] = {1.0, 7.0, 0.731}, step[] = {0.0, 1.0, 0.017};
    memset(p, 0, sizeof *p);
    for (int i = 0; i < n; i++) {
        const int before = (i + n - 1) % n, after = (i + 1) % n;
        const double sign = i % 3 == 0 ? 1.0 : -1.0, other = before % 3 == 0 ? 1.0 : -1.0;
        p->linear[i] = (double)(i % 4 - 1) * 0.5 * size[kind];
        p->start[i + 1] = 2 * (i + 1);
        p->column[2 * i] = before < after ? before : after;
        p->column[2 * i + 1] = before < after ? after : before;
        p->value[2 * i + (before < after)] = sign * (size[kind] + step[kind] * i);
        p->value[2 * i + (before > after)] = other * (size[kind] + step[kind] * before);
    }
    p->view = (spr_problem_view){sizeof p->view, n, n, p->linear, p->start, p->column, p->value, 0.25, NULL};
    p->host = (spr_host){.size = sizeof p->host, .problem = &p->view, .allocate = lend};
}

static double ring_energy(const ring_problem *p, const uint8_t *bits)
{
    double energy = p->view.offset;
    for (int i = 0; i < p->view.variables; i++) {
        energy += bits[i] * p->linear[i];
        for (int64_t at = p->start[i]; at < p->start[i + 1]; at++)
            energy += 0.5 * bits[i] * bits[p->column[at]] * p->value[at];
    }
    return energy;
}

static void give_back(void)
{
    while (taken_count > 0)
        free(taken[--taken_count]);
}

/* 63 degrees of freedom: mean 63, deviation 11. Samples are some sweeps apart, but not quite independent. */
static void tempered(int kind, int layout)
{
    static const double temperature[] = {1.3, 11.0, 1.1};
    ring_problem p;
    spr__model model;
    spr__pool pool = {0};
    spr__run run;
    int64_t counts[STATES] = {0}, samples = 0;
    double weight[STATES], all = 0.0, square = 0.0;
    ring_fill(&p, RING, kind);
    ck_assert_int_eq(spr__model_open(&model, &p.host, spr__spin_best(), layout), SPR_OK);
    ck_assert(layout == SPR_MODEL_DENSE || model.numbers == kind);
    ck_assert(spr__run_open(&run, &p.host, &test_method_tempering, &model, &pool));
    const int rung = layout == SPR_MODEL_DENSE ? TEMPERING_DENSE * 13 / 16 : RUNG, copies = layout == SPR_MODEL_DENSE ? 1 : 2;
    const int sweeps = TEMPERING_EXCHANGE * (layout == SPR_MODEL_DENSE ? 3 : TEMPERING_CLUSTERS);
    const spr__task task = {1000000, 12.0 * temperature[kind], 0.6 * temperature[kind], 0, 0, NULL, 5};
    spr__run_start(&run, &test_method_tempering, &task);
    const tempering_own *own = (const tempering_own *)run.own;
    for (int time = 0; time < TIMES; time++) {
        /* until just after exchanges and clusters */
        spr__run_advance(&run, layout == SPR_MODEL_DENSE ? sweeps * TEMPERING_DENSE : sweeps);
        for (int copy = 0; copy < copies; copy++, samples++) {
            uint8_t bits[RING];
            int state = 0;
            if (layout == SPR_MODEL_DENSE)
                spr__replica_bits(&own->dense[own->place[rung]], bits);
            else
                spr__bundle_bits(&run.bundle, own->place[rung * copies + copy], bits);
            for (int i = 0; i < RING; i++)
                state |= bits[i] << i;
            counts[state]++;
        }
    }
    for (int s = 0; s < STATES; s++) {
        uint8_t bits[RING];
        for (int i = 0; i < RING; i++)
            bits[i] = s >> i & 1;
        all += weight[s] = exp(-ring_energy(&p, bits) / own->temperature[rung]);
    }
    for (int s = 0; s < STATES; s++) {
        const double expected = (double)samples * weight[s] / all;
        ck_assert_msg(expected > 5.0, "kind %d: %g expected", kind, expected);
        square += ((double)counts[s] - expected) * ((double)counts[s] - expected) / expected;
    }
    ck_assert_msg(square < 130.0, "kind %d, layout %d: chi-square %g", kind, layout, square);
    give_back();
}

START_TEST(tempering_follows_boltzmann)
{
    for (int kind = SPR_MODEL_SMALL; kind <= SPR_MODEL_REAL; kind++) {
        tempered(kind, SPR_MODEL_SPARSE);
        tempered(kind, SPR_MODEL_DENSE);
    }
}
END_TEST

START_TEST(clusters_keep_the_sum_of_energies)
{
    int64_t moved = 0;
    for (int kind = SPR_MODEL_SMALL; kind <= SPR_MODEL_REAL; kind++) {
        ring_problem p;
        spr__model model;
        spr__pool pool = {0};
        spr__run run;
        const spr__task task = {1000, 4.0, 1.0, 0, 0, NULL, 5};
        ring_fill(&p, LONG, kind);
        ck_assert_int_eq(spr__model_open(&model, &p.host, spr__spin_best(), SPR_MODEL_SPARSE), SPR_OK);
        ck_assert(spr__run_open(&run, &p.host, &test_method_tempering, &model, &pool));
        spr__run_start(&run, &test_method_tempering, &task);
        for (int lane = 0; lane < SPR_LANES; lane += 2)
            for (int64_t i = 0; i < LONG; i++) {
                uint8_t bits[2][LONG];
                double before[SPR_LANES], after[SPR_LANES];
                if (!tempering_differ(&run, i, lane, lane + 1))
                    continue;
                spr__bundle_energies(&run.bundle, before);
                tempering_cluster(&run, i, lane, lane + 1);
                spr__bundle_energies(&run.bundle, after);
                ck_assert_double_eq_tol(before[lane] + before[lane + 1], after[lane] + after[lane + 1], 1e-4);
                for (int k = 0; k < 2; k++) {
                    spr__bundle_bits(&run.bundle, lane + k, bits[k]);
                    ck_assert_double_eq_tol(after[lane + k], ring_energy(&p, bits[k]), 1e-4);
                }
                ck_assert(bits[0][i] != bits[1][i]);
                moved += before[lane] != after[lane];
            }
        give_back();
    }
    ck_assert_int_gt(moved, 500);
}
END_TEST

/* A problem and its multiple by a power of two are the same problem, also where floats would overflow or be 0. */
START_TEST(the_scale_does_not_matter)
{
    static answer plain, scaled;
    static double linear[60], values[60 * 4];
    static int32_t rows[60 * 4], columns[60 * 4];
    double offset;
    int64_t couplings;
    spr_problem *problem = circle(60, 4, 2, 77), *multiple;
    succeeded(spr_problem_read(problem, SPR_QUBO, linear, rows, columns, values, &offset, &error));
    succeeded(spr_problem_size(problem, NULL, &couplings, &error));
    for (int way = 0; way < 2; way++) {
        const double factor = ldexp(1.0, way == 0 ? 400 : -400);
        double more[60], much[60 * 4];
        for (int i = 0; i < 60; i++)
            more[i] = factor * linear[i];
        for (int64_t i = 0; i < couplings; i++)
            much[i] = factor * values[i];
        succeeded(spr_problem_from_entries(NULL, NULL, SPR_QUBO, 60, more, couplings, rows, columns, much, factor * offset,
                                           &multiple, &error));
        for (int k = 0; k < METHODS * LAYOUTS; k++) {
            solve(problem, k, "auto", NULL, &plain);
            solve(multiple, k, "auto", NULL, &scaled);
            ck_assert_msg(plain.result.energy < 0.0 && memcmp(plain.bits, scaled.bits, sizeof plain.bits) == 0 &&
                          factor * plain.result.energy == scaled.result.energy, "%s, %s, way %d: other samples",
                          methods[k % METHODS], layouts[k / METHODS], way);
        }
        spr_problem_free(multiple);
    }
    spr_problem_free(problem);
}
END_TEST

Suite *suite_anneal_methods(void)
{
    Suite *suite = suite_create("anneal_methods");
    TCase *all = tcase_create("all");
    suite_add_tcase(suite, all);
    tcase_set_timeout(all, 120);
    tcase_add_test(all, methods_find_the_optimum);
    if (getenv("SPR_TEST_QUICK") == NULL)
        tcase_add_test(all, methods_give_the_same_bits);
    tcase_add_test(all, methods_end_well_without_memory);
    tcase_add_test(all, the_scale_does_not_matter);
    tcase_add_test(all, clusters_keep_the_sum_of_energies);
    if (getenv("SPR_TEST_QUICK") == NULL)
        tcase_add_test(all, tempering_follows_boltzmann);
    return suite;
}
