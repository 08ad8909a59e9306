/* SPDX-License-Identifier: MIT
 * The contract of spinroute/backend.h, held against every backend of a registry: the library's own, and one of a third
 * party, written below. To have yours checked, add it to others[]. After them, backends that break the contract on
 * purpose: each must be stopped, named, and leave what was verified before. The last line is "N passed, N failed". */
#include "../property/counted.h"
#include "../unit/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "../../lib/engine/registry.h"
#include "../../lib/qubo/problem.h"
#include "problems.h"

enum { KEPT = 10, THREADS = 4 };

/* ------------------------------------------------------------------------------------------ a third party's backend */

/* All states in Gray code order, one flip apart: a unit of work is a state. */
typedef struct gray_state {
    const spr_host *host;
    uint8_t *bits;
    uint64_t next;
    double best;
} gray_state;

static int32_t gray_accepts(const spr_problem_view *problem, spr_error *error)
{
    if (problem->variables <= 14)
        return 1;
    if (error != NULL)
        snprintf(error->message, sizeof error->message, "more than 14 variables");
    return 0;
}

static spr_status gray_init(void *memory, const spr_host *host, spr_error *error)
{
    gray_state *state = memory;
    (void)error;
    state->host = host;
    state->best = INFINITY;
    state->bits = host->allocate(host->engine, (size_t)host->problem->variables);
    return state->bits != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static double gray_energy(const spr_problem_view *p, const uint8_t *bits)
{
    double energy = p->offset;
    for (int64_t i = 0; i < p->variables; i++) {
        energy += bits[i] ? p->linear[i] : 0.0;
        for (int64_t at = p->row_start[i]; bits[i] && at < p->row_start[i + 1]; at++)
            energy += bits[p->column[at]] ? 0.5 * p->value[at] : 0.0;
    }
    return energy;
}

static spr_status gray_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    gray_state *state = memory;
    const spr_host *host = state->host;
    const uint64_t end = (uint64_t)1 << host->problem->variables;
    (void)error;
    for (; *used < budget && state->next < end && host->cancelled(host->engine) == 0; ++*used) {
        for (int64_t i = 0; i < host->problem->variables; i++)
            state->bits[i] = (state->next ^ state->next >> 1) >> i & 1;
        state->next++;
        const double energy = gray_energy(host->problem, state->bits);
        state->best = energy < state->best ? energy : state->best;
        host->offer(host->engine, state->bits, energy);      /* told to stop, it is cancelled too */
    }
    if (state->next < end)
        return SPR_STEP_RUNNING;
    host->prove(host->engine, state->best);
    return SPR_STEP_DONE;
}

static void gray_fini(void *memory)
{
    (void)memory;
}

static const spr_backend gray = {
    sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PROVES, "gray", "tries all states",
    sizeof(gray_state), NULL, 0, NULL, gray_accepts, gray_init, NULL, gray_step, gray_fini};
static const spr_backend eager = {sizeof eager, SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PROVES |
                                  SPR_BACKEND_PRESOLVE, "eager", "the same for what presolve leaves", sizeof(gray_state),
                                  NULL, 0, NULL, gray_accepts, gray_init, NULL, gray_step, gray_fini};
static const spr_backend *const others[] = {&gray, &eager};

/* --------------------------------------------------------------------------------------------------------- problems */

/* A hash of all that a backend sees. */
static uint64_t problem_digest(const spr_problem_view *p)
{
    const void *const parts[] = {p, p->linear, p->row_start, p->column, p->value};
    const size_t n = (size_t)p->variables, ends = 2 * (size_t)p->couplings;
    const size_t bytes[] = {sizeof *p, n * sizeof(double), (n + 1) * sizeof(int64_t), ends * sizeof(int32_t),
                            ends * sizeof(double)};
    uint64_t digest = 1;
    for (int part = 0; part < 5; part++)
        for (size_t i = 0; i < bytes[part]; i++)
            digest = (digest ^ ((const uint8_t *)parts[part])[i]) * 0x100000001B3u;
    return digest;
}

/* -------------------------------------------------------------------------------------- a wrapper that counts calls */

/* Forwards to the backend under test, counts init and fini, and makes steps smaller: cut 0 leaves them as they are. */
static const spr_backend *watched;
static atomic_int watched_inits, watched_finis, watched_cut;

static spr_status watch_init(void *state, const spr_host *host, spr_error *error)
{
    atomic_fetch_add(&watched_inits, 1);
    return watched->init(state, host, error);
}

static spr_status watch_step(void *state, int64_t budget, int64_t *used, spr_error *error)
{
    const int64_t cut = atomic_load(&watched_cut);
    return watched->step(state, cut > 0 && cut < budget ? cut : budget, used, error);
}

static void watch_fini(void *state)
{
    atomic_fetch_add(&watched_finis, 1);
    watched->fini(state);
}

static spr_backend watch(const spr_backend *backend)
{
    spr_backend wrapper = *backend;
    watched = backend;
    wrapper.name = "watched";
    wrapper.init = watch_init;
    wrapper.step = watch_step;
    wrapper.fini = watch_fini;
    return wrapper;
}

/* ----------------------------------------------------------------------------------------------------------- solves */

/* What is under test now, for the messages too. */
typedef struct subject {
    const spr_backend *backend;
    const spr_registry *registry;        /* holds it, wrapped, as "watched" */
    const sample_problem *problem;
} subject;

typedef struct answer {
    spr_status status;
    spr_error error;
    spr_solve_result result;
    int64_t count, occurrences[KEPT];
    double energy[KEPT];
    uint8_t bits[KEPT][MOST];
} answer;

static void must(const subject *it, int holds, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check(holds, "%s, %s: %s", it->backend->name, it->problem->name, text);
}

static spr_solver *solver_open(const subject *it)
{
    spr_solver *solver;
    spr_error error;
    const spr_status status = spr_solver_new(NULL, NULL, it->registry, "watched", it->problem->handle, &solver, &error);
    support_must(status == SPR_OK, it->backend->name, error.message);
    spr_solver_set_integer(solver, "seed", 3, NULL);
    return solver;
}

static answer solver_run(spr_solver *solver)
{
    answer got;
    memset(&got, 0, sizeof got);
    got.result.size = sizeof got.result;
    got.status = spr_solver_solve(solver, &got.result, &got.error);
    while (got.count < KEPT && spr_solver_get_sample(solver, got.count, got.bits[got.count], &got.energy[got.count],
                                                     &got.occurrences[got.count], NULL) == SPR_OK)
        got.count++;
    return got;
}

static answer solve(const subject *it, int64_t work, double seconds, double target, const uint8_t *start)
{
    spr_solver *solver = solver_open(it);
    spr_solver_set_integer(solver, "work", work, NULL);
    spr_solver_set_real(solver, "seconds", seconds, NULL);
    spr_solver_set_real(solver, "target", target, NULL);
    spr_solver_set_start(solver, start, NULL);
    const answer got = solver_run(solver);
    spr_solver_free(solver);
    return got;
}

/* The same answer, from a backend that must give it. */
static int repeats(const subject *it, const answer *a, const answer *b)
{
    if ((it->backend->capabilities & SPR_BACKEND_DETERMINISTIC) == 0)
        return 1;
    return a->status == b->status && a->count == b->count && a->result.work == b->result.work &&
           a->result.offers == b->result.offers && a->result.outcome == b->result.outcome &&
           memcmp(a->energy, b->energy, sizeof a->energy) == 0 && memcmp(a->bits, b->bits, sizeof a->bits) == 0 &&
           memcmp(a->occurrences, b->occurrences, sizeof a->occurrences) == 0;
}

/* -------------------------------------------------------------------------------------------- what each one must do */

static void must_accept_purely(const subject *it)
{
    const spr_problem_view *view = &it->problem->handle->view;
    const uint64_t before = problem_digest(view);
    spr_error why = {0, ""};
    const int32_t first = it->backend->accepts(view, &why), second = it->backend->accepts(view, NULL);
    must(it, first == second && first >= 0 && first <= 100, "accepts says %d, then %d", (int)first, (int)second);
    must(it, first > 0 || why.message[0] != '\0', "refuses without a reason");
    must(it, problem_digest(view) == before, "accepts changed the problem");
}

static void must_be_true(const subject *it, const answer *got)
{
    const sample_problem *p = it->problem;
    const spr_solve_result *r = &got->result;
    const double slack = 1e-9 * p->scale;
    must(it, got->status == SPR_OK && got->error.message[0] == '\0', "status %d: %s", got->status, got->error.message);
    must(it, got->count == r->samples && r->samples <= r->offers + 1, "%d samples, %d told", (int)got->count,
         (int)r->samples);
    for (int64_t i = 0; i < got->count; i++) {
        const double energy = energy_of(p->handle, got->bits[i]);
        must(it, got->energy[i] == energy, "sample %d: %.17g, is %.17g", (int)i, got->energy[i], energy);
        must(it, keeps(p->handle, got->bits[i]), "sample %d violates a constraint", (int)i);
        must(it, got->occurrences[i] >= 1, "sample %d occurs %d times", (int)i, (int)got->occurrences[i]);
        must(it, i == 0 || got->energy[i - 1] < energy ||
             (got->energy[i - 1] == energy && memcmp(got->bits[i - 1], got->bits[i], (size_t)p->n) < 0),
             "sample %d is not behind the one before", (int)i);
    }
    must(it, r->energy == (got->count > 0 ? got->energy[0] : INFINITY), "energy %.17g", r->energy);
    must(it, r->lower_bound <= p->optimum + slack, "bound %.17g, optimum %.17g", r->lower_bound, p->optimum);
    must(it, r->outcome != SPR_OUTCOME_OPTIMAL || (r->energy <= p->optimum + slack && r->lower_bound == r->energy),
         "proved %.17g, optimum %.17g", r->energy, p->optimum);
    must(it, r->seed == 3, "seed %d", (int)r->seed);
}

static void must_not_be_worse_than_its_start(const subject *it)
{
    for (uint64_t round = 0; round < 6; round++) {
        uint8_t start[MOST];
        for (int64_t i = 0; i < it->problem->n; i++)
            start[i] = round < 2 ? (uint8_t)round : support_random(round, (uint64_t)i) & 1;
        /* the next state that keeps the constraints, counting up */
        for (int64_t i = 0; !keeps(it->problem->handle, start); i = 0) {
            while (i < it->problem->n && start[i] == 1)
                start[i++] = 0;
            if (i < it->problem->n)
                start[i] = 1;
        }
        const double energy = energy_of(it->problem->handle, start);
        const answer got = solve(it, round % 2 == 0 ? 1 : 0, 0.0, -INFINITY, start);
        must_be_true(it, &got);
        must(it, got.result.energy <= energy, "%.17g from a start of %.17g", got.result.energy, energy);
        const answer there = solve(it, 0, 0.0, energy, start);
        must(it, there.result.outcome == SPR_OUTCOME_TARGET && there.result.work == 0,
             "starts at its target: outcome %d after %d units", (int)there.result.outcome, (int)there.result.work);
    }
}

static void must_keep_to_its_work(const subject *it)
{
    static const int64_t limits[] = {1, 2, 3, 7, 100, 255, 256, 257, 1000, 5000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const answer got = solve(it, limits[i], 0.0, -INFINITY, NULL);
        const int64_t work = got.result.work, outcome = got.result.outcome;
        must_be_true(it, &got);
        must(it, work <= limits[i] && (outcome == SPR_OUTCOME_WORK ? work == limits[i]
                                       : outcome == SPR_OUTCOME_OPTIMAL || outcome == SPR_OUTCOME_FINISHED),
             "work=%d: %d units, outcome %d", (int)limits[i], (int)work, (int)outcome);
        const answer again = solve(it, limits[i], 0.0, -INFINITY, NULL);
        must(it, repeats(it, &got, &again), "work=%d: other samples again", (int)limits[i]);
        /* with a clock the slices grow and shrink */
        const answer sliced = solve(it, limits[i], 1000.0, -INFINITY, NULL);
        must(it, repeats(it, &got, &sliced), "work=%d: other samples from other slices",
             (int)limits[i]);
    }
}

static void must_solve_and_repeat(const subject *it)
{
    const answer first = solve(it, 0, 0.0, -INFINITY, NULL), again = solve(it, 0, 0.0, -INFINITY, NULL);
    /* backends may go on for as long as they are given: so as long as without limits */
    answer sliced = solve(it, first.result.work, 1000.0, -INFINITY, NULL);
    if (sliced.result.outcome == SPR_OUTCOME_WORK)
        sliced.result.outcome = first.result.outcome;
    must_be_true(it, &first);
    must(it, first.result.outcome == SPR_OUTCOME_OPTIMAL || first.result.outcome == SPR_OUTCOME_FINISHED, "outcome %d",
         (int)first.result.outcome);
    must(it, first.result.seconds == 0.0, "%g seconds without a clock", first.result.seconds);
    must(it, repeats(it, &first, &again), "other samples the second time");
    must(it, repeats(it, &first, &sliced), "other samples from other slices");
    for (int cut = 1; cut <= 64; cut = 3 * cut + 1) {
        watched_cut = cut;
        const answer got = solve(it, 0, 0.0, -INFINITY, NULL);
        watched_cut = 0;
        must(it, repeats(it, &first, &got), "other samples in slices of %d", cut);
    }
}

/* Whether it asks for that or not. */
static void must_serve_what_presolve_leaves(const subject *it)
{
    spr_solver *solver = solver_open(it);
    spr_solver_set_text(solver, "presolve", "on", NULL);
    spr_solver_set_text(solver, "bound", it->problem->handle->view.terms == NULL ? "roof" : "auto", NULL);
    const answer got = solver_run(solver), again = solver_run(solver);
    must_be_true(it, &got);
    must(it, repeats(it, &got, &again), "presolved: other samples the second time");
    spr_solver_free(solver);
}

static void must_stop_at_its_target(const subject *it)
{
    const double targets[] = {it->problem->optimum, it->problem->optimum - 1.0, INFINITY};
    for (int i = 0; i < 3; i++) {
        const answer got = solve(it, 0, 0.0, targets[i], NULL);
        must_be_true(it, &got);
        must(it, (got.result.outcome == SPR_OUTCOME_TARGET) == (got.result.energy <= targets[i]),
             "target %.17g, energy %.17g, outcome %d", targets[i], got.result.energy, (int)got.result.outcome);
        must(it, i != 2 || got.result.offers == 1, "%d offers, the first was good enough", (int)got.result.offers);
    }
}

/* ------------------------------------------------------------------------------- cancelled, interleaved, in threads */

typedef struct caller {
    spr_solver *cancel;          /* cancelled by call number at */
    const subject *other;        /* solved in call number at */
    int calls, at, value;
    answer got;
} caller;

static int32_t caller_progress(void *user, int64_t work, double energy, double seconds)
{
    caller *self = user;
    check(work >= 0 && !isnan(energy) && seconds >= 0.0, "progress: %d units, %g, %g s", (int)work, energy, seconds);
    if (++self->calls != self->at)
        return 0;
    spr_solver_cancel(self->cancel);
    if (self->other != NULL)
        self->got = solve(self->other, 0, 0.0, -INFINITY, NULL);
    return self->value;
}

static void must_be_cancelled_before(const subject *it)
{
    spr_solver *solver = solver_open(it);
    const answer plain = solver_run(solver);
    spr_solver_cancel(solver);
    const answer got = solver_run(solver), after = solver_run(solver);
    must(it, got.status == SPR_OK && got.result.outcome == SPR_OUTCOME_CANCELLED && got.result.work == 0,
         "cancelled before: outcome %d, %d units", (int)got.result.outcome, (int)got.result.work);
    must(it, repeats(it, &plain, &after), "the solve after a cancelled one is another");
    spr_solver_free(solver);
}

static void must_be_cancelled_by_progress(const subject *it)
{
    for (int way = 0; way < 4; way++) {
        spr_solver *solver = solver_open(it);
        caller user = {way % 2 == 0 ? solver : NULL, NULL, 0, 1 + way / 2, way % 2, {0}};
        spr_solver_set_real(solver, "seconds", 1000.0, NULL);
        spr_solver_set_progress(solver, caller_progress, &user, NULL);
        const answer got = solver_run(solver);
        must(it, got.status == SPR_OK && user.calls <= user.at &&
             (got.result.outcome == SPR_OUTCOME_CANCELLED) == (user.calls == user.at),
             "cancelled in call %d of %d: outcome %d", user.at, user.calls, (int)got.result.outcome);
        spr_solver_free(solver);
    }
}

/* One solver runs in the middle of another's solve. */
static void must_not_share_state(const subject *it)
{
    spr_solver *solver = solver_open(it);
    const answer plain = solver_run(solver);
    caller user = {NULL, it, 0, 1, 0, {0}};
    spr_solver_set_progress(solver, caller_progress, &user, NULL);
    const answer outer = solver_run(solver);
    must(it, repeats(it, &plain, &outer), "disturbed by another solver");
    must(it, user.calls == 0 || repeats(it, &plain, &user.got), "disturbed within another");
    spr_solver_free(solver);
}

typedef struct worker {
    const subject *it;
    answer got;
} worker;

static void *worker_run(void *context)
{
    worker *self = context;
    self->got = solve(self->it, 0, 0.0, -INFINITY, NULL);
    return NULL;
}

static void must_run_in_threads(const subject *it)
{
    const answer plain = solve(it, 0, 0.0, -INFINITY, NULL);
    worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i].it = it;
        support_must(pthread_create(&threads[i], NULL, worker_run, &workers[i]) == 0, "pthread_create", "failed");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        must(it, workers[i].got.status == SPR_OK, "in a thread: %s", workers[i].got.error.message);
        must(it, repeats(it, &plain, &workers[i].got), "other samples in a thread");
    }
}

/* ----------------------------------------------------------------------------------------------------------- memory */

typedef struct ledger {
    int64_t requests, refuse;    /* the request with number refuse gets nothing; 0 = none */
    int64_t bytes, blocks;       /* in use */
} ledger;

static void *ledger_allocate(void *user, void *pointer, size_t old_size, size_t new_size)
{
    ledger *book = user;
    if (new_size == 0) {
        book->bytes -= pointer != NULL ? (int64_t)old_size : 0;
        book->blocks -= pointer != NULL;
        free(pointer);
        return NULL;
    }
    if (++book->requests == book->refuse)
        return NULL;
    void *block = malloc(new_size);
    support_must(block != NULL, "malloc", "no memory for the test itself");
    memset(block, 0xCC, new_size);       /* nobody may count on zeros */
    book->bytes += (int64_t)new_size;
    book->blocks++;
    return block;
}

/* One life of a solver; what is refused is tried again. Returns the last answer. */
static answer memory_life(const subject *it, ledger *book, const uint8_t *start)
{
    spr_solver *solver;
    spr_error error;
    answer got;
    int tries = 0;
    spr_status status;
    do
        status = spr_solver_new(ledger_allocate, book, it->registry, "watched", it->problem->handle, &solver, &error);
    while (status == SPR_ERROR_MEMORY && solver == NULL && tries++ == 0);
    support_must(status == SPR_OK, it->backend->name, error.message);
    spr_solver_set_integer(solver, "seed", 3, NULL);
    do
        status = spr_solver_set_start(solver, start, &error);
    while (status == SPR_ERROR_MEMORY && tries++ == 0);
    do
        got = solver_run(solver);
    while (got.status == SPR_ERROR_MEMORY && tries++ == 0);
    must(it, tries == (book->refuse > 0 && book->refuse <= book->requests), "request %d refused, %d calls failed",
         (int)book->refuse, tries);
    spr_solver_free(solver);
    return got;
}

static void must_survive_without_memory(const subject *it)
{
    const uint8_t start[MOST] = {1};
    ledger none = {0};
    const answer plain = memory_life(it, &none, start);
    must(it, none.bytes == 0 && none.blocks == 0, "%d bytes leaked", (int)none.bytes);
    for (int64_t refuse = 1; refuse <= none.requests; refuse++) {
        ledger book = {0, refuse, 0, 0};
        const answer got = memory_life(it, &book, start);
        must_be_true(it, &got);
        must(it, repeats(it, &plain, &got), "other samples after request %d failed",
             (int)refuse);
        must(it, book.bytes == 0 && book.blocks == 0, "request %d refused: %d bytes leaked", (int)refuse,
             (int)book.bytes);
    }
}

static void backend_on_problem(const subject *it)
{
    must_accept_purely(it);
    if (it->backend->accepts(&it->problem->handle->view, NULL) == 0)
        return;
    watched_inits = watched_finis = 0;
    const uint64_t before = problem_digest(&it->problem->handle->view);
    must_solve_and_repeat(it);
    must_not_be_worse_than_its_start(it);
    must_keep_to_its_work(it);
    must_serve_what_presolve_leaves(it);
    must_stop_at_its_target(it);
    must_be_cancelled_before(it);
    must_be_cancelled_by_progress(it);
    must_not_share_state(it);
    must_run_in_threads(it);
    must_survive_without_memory(it);
    must(it, problem_digest(&it->problem->handle->view) == before, "the problem was changed");
    must(it, (watched_inits > 0 || (it->backend->capabilities & SPR_BACKEND_PRESOLVE) != 0) && watched_inits == watched_finis, "%d inits, %d finis", watched_inits, watched_finis);
}

static void backend_on_problems(const spr_backend *backend, const sample_problem *problems, int count)
{
    const spr_backend wrapper = watch(backend);
    spr_registry *registry;
    spr_error error;
    support_must(spr_registry_new(NULL, NULL, &registry, &error) == SPR_OK, "spr_registry_new", error.message);
    const spr_status status = spr_registry_add(registry, &wrapper, &error);
    check(status == SPR_OK, "%s, under another name: %s", backend->name, error.message);
    /* where everything takes long, every eighth problem */
    for (int i = 0; status == SPR_OK && i < count; i += getenv("SPR_TEST_QUICK") != NULL ? 8 : 1) {
        const subject it = {backend, registry, &problems[i]};
        if (problems[i].handle->view.terms == NULL || (backend->capabilities & SPR_BACKEND_TERMS) != 0)
            backend_on_problem(&it);
    }
    spr_registry_free(registry);
}

static void registry_tells_about(const spr_registry *registry, int32_t index)
{
    const char *name = NULL, *summary = NULL;
    int32_t available = -1;
    spr_error error;
    const spr_status status = spr_registry_get_info(registry, index, &name, &summary, &available, &error);
    const spr_backend *backend = spr__registry_at(registry, index);
    check(status == SPR_OK && name == backend->name && summary == backend->summary && summary[0] != '\0' &&
          available == 1 && error.status == SPR_OK, "backend %d: %s, available %d, %s", (int)index, backend->name,
          (int)available, error.message);
}

/* ----------------------------------------------------------------------------------------------------- bad backends */

enum {
    NO_FAULT, LYING_ENERGY, LYING_BOUND, NAN_BOUND, BYTE_TWO, LATE_FAILURE, BAD_INIT, BAD_WARM, TOO_MUCH,
    LESS_THAN_NONE, SLEEPER, IDLER, ENDLESS, NO_RESULT, LATE_MEMORY
};

static const spr_option_info rogue_options[] = {{"fault", NULL, "what it does wrong", 0, 14, 0, SPR_TYPE_INTEGER, 0}};
static int rogue_inits, rogue_finis;

typedef struct rogue_state {
    const spr_host *host;
    uint8_t *bits;
    int64_t steps;
    int fault;
} rogue_state;

static spr_status rogue_says(spr_error *error, const char *sentence)
{
    return snprintf(error->message, sizeof error->message, "%s", sentence) > 0 ? SPR_ERROR_STATE : SPR_OK;
}

static int32_t rogue_accepts(const spr_problem_view *problem, spr_error *error)
{
    (void)problem;
    (void)error;
    return 1;
}

static spr_status rogue_init(void *memory, const spr_host *host, spr_error *error)
{
    rogue_state *state = memory;
    rogue_inits++;
    state->host = host;
    state->fault = (int)host->option(host->engine, "fault");
    check(isnan(host->option(host->engine, "seed")), "a backend can read an option that is not its own");
    if (state->fault == BAD_INIT)
        return rogue_says(error, "the door is locked");
    state->bits = host->allocate(host->engine, (size_t)host->problem->variables);
    return state->bits != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static spr_status rogue_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    (void)bits;
    return ((rogue_state *)memory)->fault == BAD_WARM ? rogue_says(error, "the stove is cold") : SPR_OK;
}

static spr_status rogue_misbehave(rogue_state *state, int64_t budget, int64_t *used, spr_error *error)
{
    const spr_host *host = state->host;
    const struct timespec long_nap = {2, 200000000};
    switch (state->fault) {
    case LYING_ENERGY: host->offer(host->engine, state->bits, -1e9); return SPR_STEP_DONE;
    case LYING_BOUND: host->prove(host->engine, 1e9); return SPR_STEP_DONE;
    case NAN_BOUND: host->prove(host->engine, NAN); return SPR_STEP_DONE;
    case BYTE_TWO: state->bits[1] = 2; host->offer(host->engine, state->bits, NAN); return SPR_STEP_DONE;
    case LATE_FAILURE: return rogue_says(error, "the line went dead");
    case TOO_MUCH: *used = budget + 1; return SPR_STEP_DONE;
    case LESS_THAN_NONE: *used = -1; return SPR_STEP_DONE;
    case SLEEPER: nanosleep(&long_nap, NULL); return SPR_STEP_DONE;
    case IDLER: *used = 0; return SPR_STEP_RUNNING;
    case ENDLESS: return SPR_STEP_RUNNING;
    case NO_RESULT: return 7;
    case LATE_MEMORY: return host->allocate(host->engine, 8) != NULL ? SPR_STEP_DONE : rogue_says(error, "none lent");
    default: return SPR_STEP_DONE;
    }
}

/* Three honest offers, one per step; then the fault. */
static spr_status rogue_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    rogue_state *state = memory;
    *used = 1;
    if (state->steps == 3)
        return rogue_misbehave(state, budget, used, error);
    state->bits[0] = ++state->steps & 1;
    state->bits[1] = state->steps >> 1 & 1;
    state->host->offer(state->host->engine, state->bits, NAN);
    return SPR_STEP_RUNNING;
}

static void rogue_fini(void *memory)
{
    (void)memory;
    rogue_finis++;
}

static const spr_backend rogue = {
    sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PROVES, "rogue",
    "breaks the contract", sizeof(rogue_state), rogue_options, 1, NULL, rogue_accepts, rogue_init, rogue_warm,
    rogue_step, rogue_fini};

typedef struct rogue_case {
    int fault;
    spr_status status;
    int64_t outcome, samples, work;
    double seconds;
    const char *told;            /* in the message */
} rogue_case;

static const rogue_case rogue_cases[] = {
    {NO_FAULT, SPR_OK, SPR_OUTCOME_FINISHED, 3, 0, 0, ""},
    {LYING_ENERGY, SPR_ERROR_BACKEND_CLAIM, SPR_OUTCOME_FAILED, 3, 0, 0, "energy -1000000000"},
    {LYING_BOUND, SPR_ERROR_BACKEND_CLAIM, SPR_OUTCOME_FAILED, 3, 0, 0, "below 1000000000"},
    {NAN_BOUND, SPR_ERROR_BACKEND_CLAIM, SPR_OUTCOME_FAILED, 3, 0, 0, "bound that is not a number"},
    {BYTE_TWO, SPR_ERROR_BACKEND_CLAIM, SPR_OUTCOME_FAILED, 3, 0, 0, "byte 1"},
    {LATE_FAILURE, SPR_ERROR_BACKEND, SPR_OUTCOME_FAILED, 3, 0, 0, "the line went dead"},
    {BAD_INIT, SPR_ERROR_BACKEND, SPR_OUTCOME_FAILED, 0, 0, 0, "the door is locked"},
    {BAD_WARM, SPR_ERROR_BACKEND, SPR_OUTCOME_FAILED, 1, 0, 0, "the stove is cold"},
    {TOO_MUCH, SPR_ERROR_BACKEND_OVERRUN, SPR_OUTCOME_FAILED, 3, 0, 0, "257 units"},
    {LESS_THAN_NONE, SPR_ERROR_BACKEND_OVERRUN, SPR_OUTCOME_FAILED, 3, 0, 0, "-1 units"},
    {SLEEPER, SPR_ERROR_BACKEND_OVERRUN, SPR_OUTCOME_FAILED, 3, 0, 60, "2.2"},
    {IDLER, SPR_ERROR_BACKEND_STALLED, SPR_OUTCOME_FAILED, 3, 0, 0, "1000 steps"},
    {NO_RESULT, SPR_ERROR_BACKEND, SPR_OUTCOME_FAILED, 3, 0, 0, "status 7"},
    {LATE_MEMORY, SPR_ERROR_BACKEND, SPR_OUTCOME_FAILED, 3, 0, 0, "none lent"},
    {ENDLESS, SPR_OK, SPR_OUTCOME_WORK, 3, 5000, 0, ""},
    {ENDLESS, SPR_OK, SPR_OUTCOME_TIME, 3, 0, 0.05, ""}};

/* What was verified before is kept, in order and true. */
static void rogue_samples(const rogue_case *want, const answer *got, const sample_problem *problem)
{
    check(got->count == want->samples && got->result.samples == want->samples, "rogue %d: %d samples are kept, not %d",
          want->fault, (int)got->count, (int)want->samples);
    for (int64_t i = 0; i < got->count; i++)
        check(got->energy[i] == energy_of(problem->handle, got->bits[i]) &&
              (i == 0 || got->energy[i - 1] <= got->energy[i]), "rogue %d: sample %d is false", want->fault, (int)i);
}

static void rogue_run(spr_solver *solver, const rogue_case *want, const sample_problem *problem)
{
    const uint8_t start[MOST] = {0};
    rogue_inits = rogue_finis = 0;
    spr_solver_set_integer(solver, "fault", want->fault, NULL);
    spr_solver_set_integer(solver, "work", want->work, NULL);
    spr_solver_set_real(solver, "seconds", want->seconds, NULL);
    spr_solver_set_start(solver, want->fault == BAD_WARM ? start : NULL, NULL);
    const answer got = solver_run(solver);
    check(got.status == want->status && got.error.status == want->status && got.result.outcome == want->outcome,
          "rogue %d: %s, outcome %d: %s", want->fault, spr_status_name(got.status), (int)got.result.outcome,
          got.error.message);
    check(strstr(got.error.message, want->told) != NULL, "rogue %d: '%s' does not tell '%s'", want->fault,
          got.error.message, want->told);
    check(got.status == SPR_OK || strstr(got.error.message, "\"rogue\"") != NULL, "rogue %d: '%s' names no backend",
          want->fault, got.error.message);
    check(rogue_inits == 1 && rogue_finis == 1, "rogue %d: %d inits, %d finis", want->fault, rogue_inits, rogue_finis);
    check(want->outcome != SPR_OUTCOME_WORK || got.result.work == want->work, "rogue %d: %d units", want->fault,
          (int)got.result.work);
    check(want->outcome != SPR_OUTCOME_TIME || (got.result.seconds >= want->seconds && got.result.seconds < 2.0),
          "rogue %d: %g s", want->fault, got.result.seconds);
    rogue_samples(want, &got, problem);
}

static spr_solver *rogue_solver(const spr_backend *backend, const sample_problem *problem)
{
    static spr_registry registry;
    spr_solver *solver;
    spr_error error;
    registry.count = 0;
    support_must(spr_registry_add(&registry, backend, &error) == SPR_OK, "spr_registry_add", error.message);
    support_must(spr_solver_new(NULL, NULL, &registry, "rogue", problem->handle, &solver, &error) == SPR_OK,
                 "spr_solver_new", error.message);
    return solver;
}

/* One solver does all of it: after each failure it is as good as new. */
static void rogues(const sample_problem *problem)
{
    const rogue_case lie = {LYING_BOUND, SPR_ERROR_BACKEND_CLAIM, SPR_OUTCOME_FAILED, 3, 0, 0, "SPR_BACKEND_PROVES"};
    spr_backend meek = rogue;
    spr_solver *solver = rogue_solver(&rogue, problem);
    for (size_t i = 0; i < sizeof rogue_cases / sizeof rogue_cases[0]; i++) {
        rogue_run(solver, &rogue_cases[i], problem);
        rogue_run(solver, &rogue_cases[0], problem);
    }
    spr_solver_free(solver);
    meek.capabilities = SPR_BACKEND_DETERMINISTIC;      /* may not prove, were it the truth */
    solver = rogue_solver(&meek, problem);
    rogue_run(solver, &lie, problem);
    spr_solver_free(solver);
}

/* ------------------------------------------------------------------------------------------------------------- main */

int main(void)
{
    sample_problem problems[] = {
        problem_make("one variable", SPR_QUBO, 1, 0, 1.0, 0.0),
        problem_make("all zero", SPR_QUBO, 6, 0, 0.0, 0.0),
        problem_make("dense", SPR_QUBO, 10, 100, 1.0, 0.0),
        problem_make("dense, not whole", SPR_QUBO, 10, 100, 0.1, -7.3),
        problem_make("dense, larger", SPR_QUBO, 16, 100, 1.0, 0.0),
        problem_make("sparse", SPR_QUBO, 14, 15, 1.0, 5.0),
        problem_make("Ising with offset", SPR_ISING, 11, 60, 0.25, 100.5),
        problem_constrained("constrained", 12, 1.0),
        problem_constrained("constrained, not whole", 13, 0.1)};
    const int count = (int)(sizeof problems / sizeof problems[0]);
    spr_registry *registry;
    spr_error error;
    support_must(spr_registry_new(NULL, NULL, &registry, &error) == SPR_OK, "spr_registry_new", error.message);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        support_must(spr_registry_add(registry, others[i], &error) == SPR_OK, "spr_registry_add", error.message);
    for (int32_t i = 0; i < spr_registry_count(registry); i++) {
        registry_tells_about(registry, i);
        backend_on_problems(spr__registry_at(registry, i), problems, count);
    }
    rogues(&problems[2]);
    spr_registry_free(registry);
    for (int i = 0; i < count; i++)
        spr_problem_free(problems[i].handle);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
