/* SPDX-License-Identifier: MIT
 * Every allocation may fail. A scenario runs with an allocator that refuses the n-th request, n = 1, 2, .. until none
 * is refused. Each refusal must come back as SPR_ERROR_MEMORY with a message, leave the handles usable, and pass when
 * tried again; the allocator counts bytes and checks the sizes of what is freed. The last line is "N passed, N
 * failed". */
#include "../unit/support.h"
#include "spinroute/qubo.h"

#include <stdarg.h>

static int passed, failed;

static void torture_check(int holds, const char *format, ...)
{
    if (holds) {
        passed++;
        return;
    }
    va_list arguments;
    failed++;
    va_start(arguments, format);
    fputs("FAIL ", stdout);
    vprintf(format, arguments);
    fputs("\n", stdout);
    va_end(arguments);
}

/* -------------------------------------------------------------------------------------------------------- allocator */

enum { MOST_BLOCKS = 64 };

typedef struct ledger {
    int64_t requests, refuse;    /* the request with number refuse gets NULL; 0 = none */
    size_t bytes;                /* in use */
    int faults;                  /* resized, freed with a wrong size, freed what is not there */
    void *blocks[MOST_BLOCKS];
    size_t sizes[MOST_BLOCKS];
} ledger;

static void ledger_free(ledger *book, void *pointer, size_t size)
{
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (book->blocks[i] == pointer) {
            book->faults += book->sizes[i] != size;
            book->bytes -= book->sizes[i];
            book->blocks[i] = NULL;
            memset(pointer, 0xDD, size);       /* a later use shows */
            free(pointer);
            return;
        }
    book->faults++;
}

static void *ledger_allocate(void *user, void *pointer, size_t old_size, size_t new_size)
{
    ledger *book = user;
    if (new_size == 0) {
        if (pointer != NULL)
            ledger_free(book, pointer, old_size);
        return NULL;
    }
    book->faults += pointer != NULL || old_size != 0;
    if (++book->requests == book->refuse)
        return NULL;
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (book->blocks[i] == NULL) {
            void *block = malloc(new_size);
            support_must(block != NULL, "malloc", "no memory for the test itself");
            memset(block, 0xCC, new_size);     /* nobody may count on zeros */
            book->blocks[i] = block;
            book->sizes[i] = new_size;
            book->bytes += new_size;
            return block;
        }
    support_must(0, "torture", "more blocks in use than the ledger holds");
    return NULL;
}

/* --------------------------------------------------------------------------------------------------------- scenario */

enum { T = 40, E = 16, K = 2 };

/* 1 when the call has to be made again: it was refused memory, and said so. */
static int torture_refused(const ledger *book, int64_t requests_before, spr_status status, const spr_error *error,
                           const char *what)
{
    int refused = book->refuse > requests_before && book->refuse <= book->requests;
    torture_check(status == (refused ? SPR_ERROR_MEMORY : SPR_OK), "request %d, %s: status %d (%s)", (int)book->refuse,
                  what, (int)status, error->message);
    torture_check(error->status == status && (error->message[0] != '\0') == refused, "request %d, %s: message '%s'",
                  (int)book->refuse, what, error->message);
    return refused;
}

/* Makes a call, and once more when it was refused. */
#define ATTEMPT(what, call) \
    do { \
        int64_t before_ = book->requests; \
        spr_status status_ = (call); \
        if (torture_refused(book, before_, status_, &error, what)) { \
            int64_t again_ = book->requests; \
            status_ = (call); \
            torture_refused(book, again_, status_, &error, what); \
        } \
    } while (0)

static void scenario_arrays(ledger *book, spr_plan *plan)
{
    static const float reals[E] = {1, 2, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1};
    static const int32_t allowed[E] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    static const int32_t places[E] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    static const int32_t device[E] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    spr_error error;
    ATTEMPT("array bias", spr_plan_set_array_float(plan, "bias", reals, E, &error));
    ATTEMPT("array cost", spr_plan_set_array_float(plan, "cost", reals, E, &error));
    ATTEMPT("array share", spr_plan_set_array_float(plan, "share", reals, E, &error));
    ATTEMPT("array allowed", spr_plan_set_array_int32(plan, "allowed", allowed, E, &error));
    ATTEMPT("array capacity", spr_plan_set_array_int32(plan, "capacity", places, E, &error));
    ATTEMPT("array device", spr_plan_set_array_int32(plan, "device", device, E, &error));
    ATTEMPT("array bias again", spr_plan_set_array_float(plan, "bias", reals, E, &error));
    ATTEMPT("array cost removed", spr_plan_set_array_float(plan, "cost", NULL, 0, &error));
}

/* Arrays of the quadratic terms; the last ones stay. */
static void scenario_couplings(ledger *book, spr_plan *plan)
{
    static const float activation[E] = {1, 2, 0, 1, 1, 1, 0, 1, 3, 1, 1, 1, 1, 1, 1, 1};
    static const int32_t node[E] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    static const int32_t first[] = {0, 1, 5}, second[] = {3, 2, 9};
    static const float values[] = {0.5f, -0.5f, 0.25f};
    float dense[E * E];
    spr_error error;
    for (int e = 0; e < E; e++)
        for (int f = 0; f < E; f++)
            dense[e * E + f] = (float)(e * f % 5 - 2) / 8.0f;
    ATTEMPT("array activation", spr_plan_set_array_float(plan, "activation", activation, E, &error));
    ATTEMPT("array node", spr_plan_set_array_int32(plan, "node", node, E, &error));
    ATTEMPT("array coactivation", spr_plan_set_array_float(plan, "coactivation", dense, E * E, &error));
    ATTEMPT("coactivation again", spr_plan_set_array_float(plan, "coactivation", dense, E * E, &error));
    ATTEMPT("coactivation removed", spr_plan_set_array_float(plan, "coactivation", NULL, 0, &error));
    ATTEMPT("pairs", spr_plan_set_pairs(plan, "coactivation", first, second, values, 2, &error));
    ATTEMPT("other pairs", spr_plan_set_pairs(plan, "coactivation", first, second, values, 3, &error));
}

static void scenario_weights(ledger *book, spr_plan *plan)
{
    spr_error error;
    ATTEMPT("nodes", spr_plan_set_integer(plan, "nodes", 2, &error));
    ATTEMPT("activation_weight", spr_plan_set_real(plan, "activation_weight", 0.1, &error));
    ATTEMPT("active_level_weight", spr_plan_set_real(plan, "active_level_weight", 0.1, &error));
    ATTEMPT("device_touch_weight", spr_plan_set_real(plan, "device_touch_weight", 0.1, &error));
    ATTEMPT("node_touch_weight", spr_plan_set_real(plan, "node_touch_weight", 0.1, &error));
    ATTEMPT("hysteresis_weight", spr_plan_set_real(plan, "hysteresis_weight", 0.1, &error));
    ATTEMPT("node_limit", spr_plan_set_integer(plan, "node_limit", 1, &error));
}

static void scenario_options(ledger *book, spr_plan *plan)
{
    spr_error error;
    ATTEMPT("preset", spr_plan_set_preset(plan, "switch", &error));
    ATTEMPT("experts of the preset away", spr_plan_set_integer(plan, "experts", E + 1, &error));
    ATTEMPT("experts", spr_plan_set_integer(plan, "experts", E, &error));
    ATTEMPT("k", spr_plan_set_integer(plan, "k", K, &error));
    ATTEMPT("overflow", spr_plan_set_text(plan, "overflow", "reroute", &error));
    ATTEMPT("devices", spr_plan_set_integer(plan, "devices", 4, &error));
    ATTEMPT("balance_weight", spr_plan_set_real(plan, "balance_weight", 0.1, &error));
    ATTEMPT("device_balance_weight", spr_plan_set_real(plan, "device_balance_weight", 0.1, &error));
    ATTEMPT("start", spr_plan_set_text(plan, "start", "warm", &error));
}

static void scenario_route(ledger *book, spr_workspace *workspace, support_table *out)
{
    float logits[T * E], weights[T * K], scores[T * E];
    int32_t ids[T * K], previous[T * K];
    uint8_t resident[E];
    spr_error error;
    for (int i = 0; i < T * E; i++)
        logits[i] = support_normal(1, (uint64_t)i) + (float)(i % E) / 8.0f;
    for (int i = 0; i < T * K; i++)
        previous[i] = (i / K * 3 + i % K) % E;
    for (int e = 0; e < E; e++)
        resident[e] = e % 2 == 0;
    spr_batch batch = support_batch(logits, T);
    batch.previous = previous;
    batch.resident = resident;
    const int64_t before = book->requests;
    for (int i = 0; i < 2; i++)
        ATTEMPT("spr_route", spr_route(workspace, &batch, &out->table, &error));
    ATTEMPT("spr_select", spr_select(workspace, &batch, ids, &error));
    ATTEMPT("spr_weights", spr_weights(workspace, &batch, ids, weights, &error));
    ATTEMPT("spr_scores", spr_scores(workspace, &batch, scores, &error));
    ATTEMPT("spr_workspace_set_prices", spr_workspace_set_prices(workspace, NULL, &error));
    torture_check(book->requests == before, "routing made %d requests", (int)(book->requests - before));
    torture_check(support_table_contradiction(out) == NULL && support_table_intact(out), "the table is wrong");
}

/* Setting up, routing, taking down; the table goes to out, so that runs can be compared. */
static void scenario_run(ledger *book, int quadratic, support_table *out)
{
    spr_plan *plan = NULL;
    spr_workspace *workspace = NULL, *second = NULL;
    spr_error error;
    int64_t requests;
    ATTEMPT("spr_plan_new", spr_plan_new(ledger_allocate, book, &plan, &error));
    scenario_options(book, plan);
    scenario_arrays(book, plan);
    if (quadratic) {
        scenario_weights(book, plan);
        scenario_couplings(book, plan);
    }
    ATTEMPT("spr_plan_seal", spr_plan_seal(plan, &error));
    ATTEMPT("spr_workspace_new", spr_workspace_new(plan, T, ledger_allocate, book, &workspace, &error));
    requests = book->requests;
    ATTEMPT("second workspace", spr_workspace_new(plan, 1, ledger_allocate, book, &second, &error));
    torture_check(book->requests - requests == 1 + (book->refuse == requests + 1), "a workspace took %d requests",
                  (int)(book->requests - requests));
    scenario_route(book, workspace, out);
    spr_workspace_free(second);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
}

/* A refused new leaves NULL behind and nothing allocated. */
static void scenario_abandoned(void)
{
    ledger book;
    spr_plan *plan = (spr_plan *)&book;
    spr_error error;
    memset(&book, 0, sizeof book);
    book.refuse = 1;
    torture_check(spr_plan_new(ledger_allocate, &book, &plan, &error) == SPR_ERROR_MEMORY && plan == NULL &&
                  book.bytes == 0, "a refused plan is not NULL");
    spr_plan *whole = support_plan("experts=8 k=2");
    spr_workspace *workspace = (spr_workspace *)&book;
    spr_plan_seal(whole, NULL);
    book.refuse = book.requests + 1;
    torture_check(spr_workspace_new(whole, 8, ledger_allocate, &book, &workspace, &error) == SPR_ERROR_MEMORY &&
                  workspace == NULL && book.bytes == 0, "a refused workspace is not NULL");
    spr_plan_free(whole);
    torture_check(book.faults == 0, "%d faults", book.faults);
}

/* Request after request is refused; returns how many there are. */
static int64_t scenario_repeat(int quadratic)
{
    support_table first, next;
    int64_t refusals = 0, made = 1;                   /* requests of the run before; run 0 refuses none */
    support_table_open(&first, T, K, E);
    support_table_open(&next, T, K, E);
    for (int64_t n = 0; n <= made; n++) {
        ledger book;
        memset(&book, 0, sizeof book);
        book.refuse = n;
        support_table_clear(&next);
        scenario_run(&book, quadratic, n == 0 ? &first : &next);
        torture_check(book.bytes == 0, "request %d refused: %zu bytes leaked", (int)n, book.bytes);
        torture_check(book.faults == 0, "request %d refused: %d faults of the allocator's contract", (int)n,
                      book.faults);
        refusals += n > 0 && book.requests >= n;
        made = book.requests;
        torture_check(n == 0 || support_table_equal(&first, &next), "request %d refused: another table", (int)n);
    }
    support_table_close(&first);
    support_table_close(&next);
    return refusals;
}

/* ---------------------------------------------------------------------------------------------------------- presolve */

/* A clique with a tail, and fields: every kind of work is done, and something is left. */
static spr_problem *presolve_problem(void)
{
    enum { CLIQUE = 9, N = 14 };
    int32_t rows[N * N], columns[N * N];
    double linear[N], values[N * N];
    int64_t entries = 0;
    spr_problem *problem = NULL;
    for (int i = 0; i < N; i++)
        linear[i] = i % 3 - 1;
    for (int i = 0; i < N; i++)
        for (int j = i < CLIQUE ? 0 : i - 1; j < i; j++) {
            rows[entries] = i;
            columns[entries] = j;
            values[entries++] = (i * 7 + j * 3) % 5 < 2 ? 1.0 : -1.0;
        }
    spr_problem_from_entries(NULL, NULL, SPR_ISING, N, linear, entries, rows, columns, values, 0.0, &problem, NULL);
    return problem;
}

static void presolve_calls(ledger *book, const spr_problem *problem, double *energy)
{
    spr_problem *reduced = NULL;
    spr_reduction *reduction = NULL;
    spr_solver *solver = NULL;
    spr_error error;
    double bound = 0.0;
    spr_solve_result result = {.size = sizeof result};
    ATTEMPT("spr_problem_reduce", spr_problem_reduce(ledger_allocate, book, problem, &reduced, &reduction, &error));
    ATTEMPT("spr_problem_bound", spr_problem_bound(ledger_allocate, book, problem, "roof", &bound, &error));
    ATTEMPT("spr_solver_new", spr_solver_new(ledger_allocate, book, NULL, "descent", problem, &solver, &error));
    spr_solver_set_text(solver, "presolve", "on", NULL);
    spr_solver_set_integer(solver, "work", 5000, NULL);
    ATTEMPT("spr_solver_solve", spr_solver_solve(solver, &result, &error));
    torture_check(reduced != NULL && result.lower_bound <= result.energy, "presolve left nothing, or %g below its bound %g",
                  result.energy, result.lower_bound);
    *energy = result.energy;
    spr_solver_free(solver);
    spr_reduction_free(reduction);
    spr_problem_free(reduced);
}

static int64_t presolve_repeat(void)
{
    spr_problem *problem = presolve_problem();
    int64_t refusals = 0, made = 1;
    double first = 0.0, energy = 0.0;
    for (int64_t n = 0; n <= made; n++) {
        ledger book;
        memset(&book, 0, sizeof book);
        book.refuse = n;
        presolve_calls(&book, problem, n == 0 ? &first : &energy);
        torture_check(book.bytes == 0 && book.faults == 0, "request %d refused: %zu bytes leaked, %d faults", (int)n, book.bytes,
                      book.faults);
        torture_check(n == 0 || energy == first, "request %d refused: energy %g", (int)n, energy);
        refusals += n > 0 && book.requests >= n;
        made = book.requests;
    }
    spr_problem_free(problem);
    return refusals;
}

int main(void)
{
    const int64_t presolve = presolve_repeat();
    const int64_t plain = scenario_repeat(0), quadratic = scenario_repeat(1);
    scenario_abandoned();
    printf("%d requests refused in turn\n", (int)(plain + quadratic + presolve));
    torture_check(presolve >= 30, "only %d requests of presolve were refused", (int)presolve);
    torture_check(plain >= 9 && quadratic >= plain + 6, "only %d and %d requests were refused", (int)plain,
                  (int)quadratic);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
