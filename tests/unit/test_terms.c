/* SPDX-License-Identifier: MIT
 * Squares and constraints beside a problem: what is accepted, energies and violations against their definitions, the
 * expansion, and what the engine lets through. */
#include "suites.h"

#include "support.h"
#include "spinroute/backend.h"

static spr_error error;
static spr_problem *base, *problem;

enum { N = 6 };

/* Two groups of three, a knapsack over both, two squares. */
static const int64_t square_start[] = {0, 3, 7};
static const int32_t square_member[] = {0, 2, 4, 1, 3, 5, 0};
static const double square_factor[] = {1.0, -2.0, 0.5, 1.0, 1.0, 3.0, 2.0};
static const double square_weight[] = {2.0, -0.5}, square_target[] = {1.0, 2.5};
static const int32_t kind[] = {SPR_EXACTLY, SPR_EXACTLY, SPR_AT_MOST};
static const int64_t constraint_start[] = {0, 3, 6, 10};
static const int32_t constraint_member[] = {0, 1, 2, 3, 4, 5, 0, 1, 3, 4};
static const double constraint_factor[] = {1, 1, 1, 1, 1, 1, 3.0, 2.0, 2.5, 0.5}, bound[] = {1.0, 2.0, 4.5};

static spr_problem_terms good(void)
{
    spr_problem_terms terms = {sizeof terms, 2, square_start, square_member, square_factor, square_weight, square_target,
                               3, kind, constraint_start, constraint_member, constraint_factor, bound};
    return terms;
}

static void setup(void)
{
    static const double linear[N] = {1.0, -2.0, 0.5, 3.0, -1.0, 0.0}, values[] = {2.0, -3.0, 1.5};
    static const int32_t rows[] = {0, 1, 4}, columns[] = {1, 3, 5};
    ck_assert_int_eq(spr_problem_from_entries(NULL, NULL, SPR_QUBO, N, linear, 3, rows, columns, values, 0.25, &base, &error),
                     SPR_OK);
}

static void teardown(void)
{
    spr_problem_free(problem);
    spr_problem_free(base);
    problem = base = NULL;
}

static spr_status make(const spr_problem_terms *terms)
{
    spr_problem_free(problem);
    problem = NULL;
    return spr_problem_with_terms(NULL, NULL, base, terms, &problem, &error);
}

static void make_good(void)
{
    const spr_problem_terms terms = good();
    ck_assert_msg(make(&terms) == SPR_OK, "%s", error.message);
    ck_assert_str_eq(error.message, "");
}

static void refused(const spr_problem_terms *terms, spr_status want, const char *one, const char *two)
{
    const spr_status got = make(terms);
    ck_assert_msg(got == want, "returned %d (%s), expected %d about %s", got, error.message, want, one);
    ck_assert_msg(strstr(error.message, one) != NULL && strstr(error.message, two) != NULL, "'%s' does not tell %s and %s",
                  error.message, one, two);
    ck_assert_ptr_null(problem);
}

static void bits_of(int state, int n, uint8_t *bits)
{
    for (int i = 0; i < n; i++)
        bits[i] = state >> i & 1;
}

/* By the definition. */
static double energy_by_hand(const uint8_t *bits)
{
    double energy;
    ck_assert_int_eq(spr_problem_energy(base, bits, &energy, &error), SPR_OK);
    for (int s = 0; s < 2; s++) {
        double sum = -square_target[s];
        for (int64_t at = square_start[s]; at < square_start[s + 1]; at++)
            sum += square_factor[at] * bits[square_member[at]];
        energy += square_weight[s] * sum * sum;
    }
    return energy;
}

static int violated_by_hand(const uint8_t *bits, double *amount)
{
    int violated = 0;
    *amount = 0.0;
    for (int c = 0; c < 3; c++) {
        double sum = -bound[c];
        for (int64_t at = constraint_start[c]; at < constraint_start[c + 1]; at++)
            sum += constraint_factor[at] * bits[constraint_member[at]];
        sum = kind[c] == SPR_EXACTLY ? fabs(sum) : sum > 0.0 ? sum : 0.0;
        violated += sum > 0.0;
        *amount += sum;
    }
    return violated;
}

START_TEST(energies_and_violations_are_those_of_the_definition)
{
    make_good();
    for (int state = 0; state < 1 << N; state++) {
        uint8_t bits[N];
        double energy, amount, by_hand;
        int64_t violated;
        bits_of(state, N, bits);
        ck_assert_int_eq(spr_problem_energy(problem, bits, &energy, &error), SPR_OK);
        ck_assert_double_eq(energy, energy_by_hand(bits));
        ck_assert_int_eq(spr_problem_violation(problem, bits, &violated, &amount, &error), SPR_OK);
        ck_assert_int_eq(violated, violated_by_hand(bits, &by_hand));
        ck_assert_double_eq(amount, by_hand);
    }
    uint8_t bad[N] = {0, 0, 0, 2, 0, 0};
    ck_assert_int_eq(spr_problem_violation(problem, bad, NULL, NULL, &error), SPR_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "bits[3] is 2"));
    ck_assert_int_eq(spr_problem_violation(NULL, bad, NULL, NULL, &error), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_problem_violation(problem, NULL, NULL, NULL, NULL), SPR_ERROR_ARGUMENT);
}
END_TEST

START_TEST(terms_are_copied_and_read_back)
{
    double weight[] = {2.0, -0.5};
    spr_problem_terms terms = good(), read = {sizeof read, 7, NULL, NULL, NULL, NULL, NULL, 9, NULL, NULL, NULL, NULL, NULL};
    terms.square_weight = weight;
    terms.square_factor = NULL;
    ck_assert_int_eq(make(&terms), SPR_OK);
    weight[0] = 99.0;
    ck_assert_int_eq(spr_problem_read_terms(problem, &read, &error), SPR_OK);
    ck_assert_int_eq(read.squares, 2);
    ck_assert_int_eq(read.constraints, 3);
    ck_assert_double_eq(read.square_weight[0], 2.0);
    ck_assert_double_eq(read.square_factor[1], 1.0);
    ck_assert_mem_eq(read.constraint_member, constraint_member, sizeof constraint_member);
    ck_assert_mem_eq(read.constraint_bound, bound, sizeof bound);
    ck_assert_int_eq(spr_problem_read_terms(base, &read, &error), SPR_OK);
    ck_assert(read.squares == 0 && read.constraints == 0 && read.constraint_bound == NULL && read.size == sizeof read);
    read.size = 8;
    ck_assert_int_eq(spr_problem_read_terms(problem, &read, &error), SPR_ERROR_STRUCT_SIZE);
    ck_assert_int_eq(spr_problem_read_terms(NULL, &read, &error), SPR_ERROR_ARGUMENT);
    /* the base part is read as ever */
    double linear[N];
    int64_t couplings;
    ck_assert_int_eq(spr_problem_read(problem, SPR_QUBO, linear, NULL, NULL, NULL, NULL, &error), SPR_OK);
    ck_assert_double_eq(linear[1], -2.0);
    ck_assert_int_eq(spr_problem_size(problem, NULL, &couplings, &error), SPR_OK);
    ck_assert_int_eq(couplings, 3);
    ck_assert_int_eq(spr_problem_to_text(problem, "coo", NULL, 0, NULL, &error), SPR_ERROR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(error.message, "spr_problem_expand"));
}
END_TEST

START_TEST(nothing_beside_a_problem_is_a_plain_problem)
{
    spr_problem_terms none = {sizeof none, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL};
    spr_solver *solver;
    ck_assert_int_eq(make(&none), SPR_OK);
    ck_assert_int_eq(spr_solver_new(NULL, NULL, NULL, "exact", problem, &solver, &error), SPR_OK);
    spr_solver_free(solver);
}
END_TEST

START_TEST(an_ising_base_keeps_its_form)
{
    static const double linear[2] = {1.0, 0.5}, value = 2.0;
    static const int32_t zero = 0, one = 1;
    static const int64_t starts[] = {0, 2};
    static const int32_t members[] = {0, 1}, kinds[] = {SPR_EXACTLY};
    static const double k = 1.0;
    spr_problem_terms terms = {sizeof terms, 0, NULL, NULL, NULL, NULL, NULL, 1, kinds, starts, members, NULL, &k};
    double back[2], offset;
    spr_problem_free(base);
    ck_assert_int_eq(spr_problem_from_entries(NULL, NULL, SPR_ISING, 2, linear, 1, &zero, &one, &value, 0.125, &base, &error),
                     SPR_OK);
    ck_assert_int_eq(make(&terms), SPR_OK);
    spr_problem_free(base);
    base = NULL;
    ck_assert_int_eq(spr_problem_read(problem, SPR_ISING, back, NULL, NULL, NULL, &offset, &error), SPR_OK);
    ck_assert(back[0] == 1.0 && back[1] == 0.5 && offset == 0.125);
}
END_TEST

START_TEST(impossible_arguments_are_refused)
{
    spr_problem_terms terms = good();
    ck_assert_int_eq(spr_problem_with_terms(NULL, NULL, base, &terms, NULL, &error), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_problem_with_terms(NULL, NULL, base, NULL, &problem, &error), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_problem_with_terms(NULL, NULL, NULL, &terms, &problem, &error), SPR_ERROR_ARGUMENT);
    terms.size = 16;
    refused(&terms, SPR_ERROR_STRUCT_SIZE, "size is 16", "accepted");
    unsigned char large[sizeof terms + 8] = {0};
    terms = good();
    terms.size = sizeof large;
    memcpy(large, &terms, sizeof terms);
    large[sizeof terms + 3] = 1;
    spr_problem_terms *aligned = malloc(sizeof large);
    memcpy(aligned, large, sizeof large);
    refused(aligned, SPR_ERROR_STRUCT_SIZE, "nonzero byte", "beyond");
    free(aligned);
    terms = good();
    terms.squares = -1;
    refused(&terms, SPR_ERROR_ARGUMENT, "squares is -1", "0..");
    terms = good();
    terms.constraints = (int64_t)1 << 40;
    refused(&terms, SPR_ERROR_SIZE, "constraints is", "0..");
    terms = good();
    terms.constraint_bound = NULL;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_bound is NULL", "3 constraints");
    terms = good();
    terms.square_weight = (const double *)((const char *)square_weight + 4);
    refused(&terms, SPR_ERROR_ALIGNMENT, "square_weight", "aligned");
    make_good();
    spr_problem *again;
    terms = good();
    ck_assert_int_eq(spr_problem_with_terms(NULL, NULL, problem, &terms, &again, &error), SPR_ERROR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(error.message, "2 squares and 3 constraints"));
}
END_TEST

START_TEST(bad_lists_are_refused)
{
    spr_problem_terms terms = good();
    int32_t member[10];
    memcpy(member, constraint_member, sizeof member);
    terms.constraint_member = member;
    member[4] = N;
    refused(&terms, SPR_ERROR_VARIABLE, "constraint_member[4] is 6", "0..5");
    member[4] = -1;
    refused(&terms, SPR_ERROR_VARIABLE, "constraint_member[4] is -1", "0..5");
    member[4] = 3;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_member[4] is 3", "already");
    member[4] = 0;
    refused(&terms, SPR_ERROR_CONFLICT, "variable 0", "constraints 0 and 1");
    terms = good();
    int64_t start[] = {0, 3, 3, 10};
    terms.constraint_start = start;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint 1 starts at 3 and ends at 3", "1..6");
    start[2] = 2;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint 1 starts at 3 and ends at 2", "1..6");
    start[0] = 1;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_start[0] is 1", "must be 0");
    terms = good();
    int64_t squares[] = {0, 0, 7};
    terms.square_start = squares;
    refused(&terms, SPR_ERROR_ARGUMENT, "square 0 starts at 0", "ends at 0");
    terms = good();
    int32_t twice[] = {0, 2, 0, 1, 3, 5, 0};
    terms.square_member = twice;
    refused(&terms, SPR_ERROR_ARGUMENT, "square_member[2] is 0", "already");
}
END_TEST

START_TEST(bad_numbers_are_refused)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        spr_problem_terms terms = good();
        double numbers[10];
        memcpy(numbers, square_factor, sizeof square_factor);
        numbers[5] = bad[i];
        terms.square_factor = numbers;
        refused(&terms, SPR_ERROR_NOT_FINITE, "square_factor[5]", "finite");
        terms = good();
        double two[] = {1.0, bad[i]};
        terms.square_weight = two;
        refused(&terms, SPR_ERROR_NOT_FINITE, "square 1", "finite");
        terms = good();
        terms.square_target = two;
        refused(&terms, SPR_ERROR_NOT_FINITE, "square 1", "finite");
        terms = good();
        memcpy(numbers, constraint_factor, sizeof numbers);
        numbers[8] = bad[i];
        terms.constraint_factor = numbers;
        refused(&terms, SPR_ERROR_NOT_FINITE, "constraint_factor[8]", "finite");
        terms = good();
        double bounds[] = {1.0, 2.0, bad[i]};
        terms.constraint_bound = bounds;
        refused(&terms, SPR_ERROR_NOT_FINITE, "constraint_bound[2]", "finite");
    }
    spr_problem_terms terms = good();
    double heavy[] = {1e308, 1.0};
    terms.square_weight = heavy;
    refused(&terms, SPR_ERROR_NOT_FINITE, "add up to more", "double");
    terms = good();
    double numbers[10];
    memcpy(numbers, constraint_factor, sizeof numbers);
    terms.constraint_factor = numbers;
    numbers[7] = -1.0;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_factor[7] is -1", "0 or more");
    numbers[7] = 2.0;
    numbers[1] = 2.0;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_factor[1] is 2", "1 in an SPR_EXACTLY");
    terms = good();
    int32_t kinds[] = {0, 2, 1};
    terms.constraint_kind = kinds;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_kind[1] is 2", "at most");
}
END_TEST

START_TEST(bounds_that_nothing_meets_are_refused)
{
    spr_problem_terms terms = good();
    double bounds[] = {1.0, 2.0, 4.5};
    terms.constraint_bound = bounds;
    bounds[0] = 4.0;
    refused(&terms, SPR_ERROR_INFEASIBLE, "constraint 0 asks for 4", "3 members");
    bounds[0] = 1.5;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_bound[0] is 1.5", "whole");
    bounds[0] = -1.0;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_bound[0] is -1", "0 or more");
    bounds[0] = 1.0;
    bounds[2] = -0.5;
    refused(&terms, SPR_ERROR_ARGUMENT, "constraint_bound[2] is -0.5", "0 or more");
    /* group 1 has two of 3, 4, 5; one of 3 and 4 at least, which takes 0.5 */
    bounds[2] = 0.25;
    refused(&terms, SPR_ERROR_INFEASIBLE, "constraint 2 has the bound 0.25", "take 0.5");
    bounds[2] = 0.5;
    ck_assert_int_eq(make(&terms), SPR_OK);
    /* all three of each group: two of each are in the knapsack, twice the smaller factor is what is seen */
    bounds[0] = bounds[1] = 3.0;
    bounds[2] = 4.75;
    refused(&terms, SPR_ERROR_INFEASIBLE, "constraint 2", "take 5 of it");
}
END_TEST

START_TEST(expanded_energies_are_the_same_plus_penalties)
{
    spr_problem *expanded;
    int64_t variables;
    make_good();
    ck_assert_int_eq(spr_problem_expand(NULL, NULL, problem, 16.0, &expanded, &error), SPR_OK);
    ck_assert_int_eq(spr_problem_size(expanded, &variables, NULL, &error), SPR_OK);
    /* room of 4.5 in units of 0.5: 9 = 1 + 2 + 4 + 2 */
    ck_assert_int_eq(variables, N + 4);
    for (int state = 0; state < 1 << N; state++) {
        uint8_t bits[N + 4];
        double best = INFINITY, energy, penalty = 0.0;
        bits_of(state, N, bits);
        for (int slack = 0; slack < 16; slack++) {
            bits_of(slack, 4, bits + N);
            ck_assert_int_eq(spr_problem_energy(expanded, bits, &energy, &error), SPR_OK);
            best = fmin(best, energy);
        }
        for (int c = 0; c < 3; c++) {
            double sum = -bound[c];
            for (int64_t at = constraint_start[c]; at < constraint_start[c + 1]; at++)
                sum += constraint_factor[at] * bits[constraint_member[at]];
            sum = c < 2 ? sum : sum > 0.0 ? sum / 0.5 : 0.0;
            penalty += 16.0 * sum * sum;
        }
        ck_assert_double_eq_tol(best, energy_by_hand(bits) + penalty, 1e-9);
    }
    spr_problem_free(expanded);
}
END_TEST

START_TEST(expansion_says_what_it_needs)
{
    spr_problem *expanded;
    make_good();
    static const double bad[] = {0.0, -1.0, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(spr_problem_expand(NULL, NULL, problem, bad[i], &expanded, &error), SPR_ERROR_OPTION_RANGE);
        ck_assert_ptr_null(expanded);
    }
    ck_assert_int_eq(spr_problem_expand(NULL, NULL, NULL, 1.0, &expanded, &error), SPR_ERROR_ARGUMENT);
    ck_assert_int_eq(spr_problem_expand(NULL, NULL, problem, 1.0, NULL, &error), SPR_ERROR_ARGUMENT);
    /* without constraints the weight is not used */
    spr_problem_terms terms = good();
    terms.constraints = 0;
    ck_assert_int_eq(make(&terms), SPR_OK);
    ck_assert_int_eq(spr_problem_expand(NULL, NULL, problem, NAN, &expanded, &error), SPR_OK);
    for (int state = 0; state < 1 << N; state++) {
        uint8_t bits[N];
        double energy;
        bits_of(state, N, bits);
        ck_assert_int_eq(spr_problem_energy(expanded, bits, &energy, &error), SPR_OK);
        ck_assert_double_eq_tol(energy, energy_by_hand(bits), 1e-12);
    }
    spr_problem_free(expanded);
    /* tenths have no grid */
    double tenths[10] = {1, 1, 1, 1, 1, 1, 0.1, 0.2, 0.3, 0.7};
    terms = good();
    terms.constraint_factor = tenths;
    double bounds[] = {1.0, 2.0, 1.0};
    terms.constraint_bound = bounds;
    ck_assert_int_eq(make(&terms), SPR_OK);
    ck_assert_int_eq(spr_problem_expand(NULL, NULL, problem, 1.0, &expanded, &error), SPR_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "constraint 2"));
    /* 0.1 + 0.2 is 0.3, for the judge */
    const uint8_t bits[N] = {1, 1, 0, 0, 0, 0};
    int64_t violated;
    bounds[2] = 0.3;
    bounds[1] = 1.0;
    ck_assert_int_eq(make(&terms), SPR_OK);
    ck_assert_int_eq(spr_problem_violation(problem, bits, &violated, NULL, &error), SPR_OK);
    ck_assert_int_eq(violated, 2);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------------- the engine */

START_TEST(backends_that_take_no_terms_are_refused)
{
    spr_solver *solver;
    make_good();
    ck_assert_int_eq(spr_solver_new(NULL, NULL, NULL, "exact", problem, &solver, &error), SPR_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "spr_problem_expand"));
    ck_assert_ptr_null(solver);
}
END_TEST

/* Offers one state, and says it takes terms. */
static uint8_t offered[N];

static int32_t offer_accepts(const spr_problem_view *view, spr_error *why)
{
    (void)view;
    (void)why;
    return 100;
}

static spr_status offer_init(void *state, const spr_host *host, spr_error *why)
{
    (void)why;
    *(const spr_host **)state = host;
    return SPR_OK;
}

static spr_status offer_step(void *state, int64_t budget, int64_t *used, spr_error *why)
{
    const spr_host *host = *(const spr_host **)state;
    (void)budget;
    (void)why;
    *used = 1;
    host->offer(host->engine, offered, NAN);
    return SPR_STEP_DONE;
}

static void offer_fini(void *state)
{
    (void)state;
}

static const spr_backend offers = {
    sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_TERMS, "offers", "offers one state",
    sizeof(void *), NULL, 0, NULL, offer_accepts, offer_init, NULL, offer_step, offer_fini};

START_TEST(only_states_that_keep_the_constraints_are_let_through)
{
    spr_registry *registry;
    spr_solver *solver;
    spr_solve_result result = {.size = sizeof result};
    make_good();
    ck_assert_int_eq(spr_registry_new(NULL, NULL, &registry, &error), SPR_OK);
    ck_assert_int_eq(spr_registry_add(registry, &offers, &error), SPR_OK);
    ck_assert_int_eq(spr_solver_new(NULL, NULL, registry, "auto", problem, &solver, &error), SPR_OK);
    ck_assert_str_eq(spr_solver_backend(solver), "offers");
    for (int state = 0; state < 1 << N; state++) {
        double amount;
        bits_of(state, N, offered);
        const int violated = violated_by_hand(offered, &amount) > 0;
        const spr_status status = spr_solver_solve(solver, &result, &error);
        ck_assert_int_eq(status, violated ? SPR_ERROR_BACKEND_CLAIM : SPR_OK);
        ck_assert_int_eq(result.samples, !violated);
        ck_assert(!violated || strstr(error.message, "violates constraint") != NULL);
        ck_assert_int_eq(spr_solver_set_start(solver, offered, &error), violated ? SPR_ERROR_INFEASIBLE : SPR_OK);
        ck_assert(!violated || strstr(error.message, "violates constraint") != NULL);
        ck_assert_int_eq(spr_solver_set_start(solver, NULL, &error), SPR_OK);
    }
    spr_solver_free(solver);
    spr_registry_free(registry);
}
END_TEST

/* Every allocation fails once; nothing is lost. */
typedef struct ledger {
    int64_t requests, fail_at, live;
} ledger;

static void *ledger_allocate(void *user, void *pointer, size_t old_size, size_t new_size)
{
    ledger *book = user;
    if (new_size > 0 && book->requests++ == book->fail_at)
        return NULL;
    book->live += (int64_t)new_size - (int64_t)old_size;
    return new_size == 0 ? (free(pointer), NULL) : realloc(pointer, new_size);
}

START_TEST(every_allocation_may_fail)
{
    const spr_problem_terms terms = good();
    for (int what = 0; what < 3; what++)
        for (int64_t at = 0;; at++) {
            ledger book = {0, at, 0};
            spr_problem *made = NULL;
            spr_solver *solver = NULL;
            spr_status status;
            make_good();
            if (what == 0)
                status = spr_problem_with_terms(ledger_allocate, &book, base, &terms, &made, &error);
            else if (what == 1)
                status = spr_problem_expand(ledger_allocate, &book, problem, 9.0, &made, &error);
            else {
                status = spr_solver_new(ledger_allocate, &book, NULL, "anneal", problem, &solver, &error);
                if (status == SPR_OK) {
                    spr_solver_set_integer(solver, "work", 400, NULL);
                    status = spr_solver_solve(solver, NULL, &error);
                }
            }
            spr_problem_free(made);
            spr_solver_free(solver);
            ck_assert_int_eq(book.live, 0);
            if (status == SPR_OK && book.requests <= at) {
                ck_assert_int_gt(at, 2);
                break;
            }
            ck_assert_msg(status == SPR_ERROR_MEMORY && error.status == SPR_ERROR_MEMORY && error.message[0] != '\0',
                          "request %d of %d: %d, %s", (int)at, what, status, error.message);
        }
}
END_TEST

START_TEST(the_annealer_keeps_constraints_and_is_found_by_auto)
{
    spr_solver *solver;
    spr_solve_result result = {.size = sizeof result};
    double best = INFINITY;
    make_good();
    for (int state = 0; state < 1 << N; state++) {
        uint8_t bits[N];
        double amount;
        bits_of(state, N, bits);
        if (violated_by_hand(bits, &amount) == 0)
            best = fmin(best, energy_by_hand(bits));
    }
    ck_assert_int_eq(spr_solver_new(NULL, NULL, NULL, "auto", problem, &solver, &error), SPR_OK);
    ck_assert_int_eq(spr_solver_set_integer(solver, "work", 1000, &error), SPR_OK);
    ck_assert_int_eq(spr_solver_solve(solver, &result, &error), SPR_OK);
    ck_assert_double_eq_tol(result.energy, best, 1e-12);
    spr_solver_free(solver);
}
END_TEST

START_TEST(groups_that_leave_no_choice_have_one_state)
{
    static const int32_t kinds[] = {SPR_EXACTLY, SPR_EXACTLY}, members[] = {0, 1, 2, 3, 4, 5};
    static const int64_t starts[] = {0, 4, 6};
    static const double bounds[] = {0.0, 2.0};
    static const uint8_t only[N] = {0, 0, 0, 0, 1, 1};
    const spr_problem_terms terms = {sizeof terms, 0, NULL, NULL, NULL, NULL, NULL, 2, kinds, starts, members, NULL, bounds};
    spr_solver *solver;
    uint8_t bits[N];
    ck_assert_msg(make(&terms) == SPR_OK, "%s", error.message);
    for (int warm = 0; warm < 2; warm++) {
        ck_assert_int_eq(spr_solver_new(NULL, NULL, NULL, NULL, problem, &solver, &error), SPR_OK);
        ck_assert_int_eq(spr_solver_set_integer(solver, "work", 100, &error), SPR_OK);
        ck_assert_int_eq(spr_solver_set_start(solver, warm ? only : NULL, &error), SPR_OK);
        ck_assert_msg(spr_solver_solve(solver, NULL, &error) == SPR_OK, "%s", error.message);
        ck_assert_int_eq(spr_solver_get_sample(solver, 0, bits, NULL, NULL, &error), SPR_OK);
        ck_assert_mem_eq(bits, only, N);
        ck_assert_int_eq(spr_solver_get_sample(solver, 1, bits, NULL, NULL, &error), SPR_ERROR_ARGUMENT);
        spr_solver_free(solver);
    }
}
END_TEST

START_TEST(without_a_state_there_is_no_sample)
{
    /* two groups want a member each of the same knapsack, which holds one: too hidden to be refused when made */
    static const int32_t kinds[] = {SPR_EXACTLY, SPR_EXACTLY, SPR_AT_MOST, SPR_AT_MOST}, members[] = {0, 1, 2, 3, 0, 2, 1, 3};
    static const int64_t starts[] = {0, 2, 4, 6, 8};
    static const double bounds[] = {1.0, 1.0, 1.0, 0.0};
    const spr_problem_terms terms = {sizeof terms, 0, NULL, NULL, NULL, NULL, NULL, 4, kinds, starts, members, NULL, bounds};
    spr_solver *solver;
    spr_solve_result result = {.size = sizeof result};
    ck_assert_msg(make(&terms) == SPR_OK, "%s", error.message);
    ck_assert_int_eq(spr_solver_new(NULL, NULL, NULL, NULL, problem, &solver, &error), SPR_OK);
    ck_assert_int_eq(spr_solver_set_integer(solver, "reads", 3, &error), SPR_OK);
    ck_assert_int_eq(spr_solver_solve(solver, &result, &error), SPR_OK);
    ck_assert_int_eq(result.outcome, SPR_OUTCOME_FINISHED);
    ck_assert_int_eq(result.samples, 0);
    ck_assert(result.energy == INFINITY);
    spr_solver_free(solver);
}
END_TEST

Suite *suite_terms(void)
{
    Suite *suite = suite_create("terms");
    TCase *made = tcase_create("made"), *used = tcase_create("used");
    tcase_add_checked_fixture(made, setup, teardown);
    tcase_add_checked_fixture(used, setup, teardown);
    tcase_add_test(made, energies_and_violations_are_those_of_the_definition);
    tcase_add_test(made, terms_are_copied_and_read_back);
    tcase_add_test(made, nothing_beside_a_problem_is_a_plain_problem);
    tcase_add_test(made, an_ising_base_keeps_its_form);
    tcase_add_test(made, impossible_arguments_are_refused);
    tcase_add_test(made, bad_lists_are_refused);
    tcase_add_test(made, bad_numbers_are_refused);
    tcase_add_test(made, bounds_that_nothing_meets_are_refused);
    tcase_add_test(used, expanded_energies_are_the_same_plus_penalties);
    tcase_add_test(used, expansion_says_what_it_needs);
    tcase_add_test(used, backends_that_take_no_terms_are_refused);
    tcase_add_test(used, only_states_that_keep_the_constraints_are_let_through);
    tcase_add_test(used, every_allocation_may_fail);
    tcase_add_test(used, the_annealer_keeps_constraints_and_is_found_by_auto);
    tcase_add_test(used, groups_that_leave_no_choice_have_one_state);
    tcase_add_test(used, without_a_state_there_is_no_sample);
    suite_add_tcase(suite, made);
    suite_add_tcase(suite, used);
    return suite;
}
