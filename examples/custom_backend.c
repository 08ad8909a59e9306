/* SPDX-License-Identifier: MIT
 * A solver of your own: a small tabu search, written outside the library, registered, and run on a maximum cut.
 *
 *     cc examples/custom_backend.c $(pkg-config --cflags --libs spinroute) && ./a.out
 *
 * The engine does the rest: work and time limits, cancellation, samples, and the check of every energy. */
#include <math.h>
#include <spinroute/backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- the backend */

typedef struct tabu_state {
    const spr_host *host;
    uint8_t *bits;
    double *gain;                /* what the energy changes by when a variable flips */
    int64_t *free_at;            /* a variable that flipped rests until then */
    int64_t now, moves, tenure;
    double energy, best;
} tabu_state;

static const spr_option_info tabu_options[] = {
    {"moves", NULL, "flips before the search ends", 1, 1e12, 20000, SPR_TYPE_INTEGER, 0},
    {"tenure", NULL, "flips for which a flipped variable rests", 0, 1e6, 5, SPR_TYPE_INTEGER, 0}};

static int32_t tabu_accepts(const spr_problem_view *problem, spr_error *error)
{
    (void)problem;
    (void)error;
    return 20;                   /* anything; preferred to "descent", not to "exact" */
}

/* All zero: the energy is the offset and a flip gains the linear coefficient. */
static spr_status tabu_init(void *memory, const spr_host *host, spr_error *error)
{
    tabu_state *state = memory;
    const size_t n = (size_t)host->problem->variables;
    (void)error;
    state->host = host;
    state->moves = (int64_t)host->option(host->engine, "moves");
    state->tenure = (int64_t)host->option(host->engine, "tenure");
    state->bits = host->allocate(host->engine, n);
    state->gain = host->allocate(host->engine, n * sizeof *state->gain);
    state->free_at = host->allocate(host->engine, n * sizeof *state->free_at);
    if (state->bits == NULL || state->gain == NULL || state->free_at == NULL)
        return SPR_ERROR_MEMORY;
    memcpy(state->gain, host->problem->linear, n * sizeof *state->gain);
    state->energy = state->best = host->problem->offset;
    return SPR_OK;
}

static void tabu_flip(tabu_state *state, int64_t i)
{
    const spr_problem_view *p = state->host->problem;
    state->energy += state->gain[i];
    state->gain[i] = -state->gain[i];
    state->bits[i] ^= 1;
    for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
        const int64_t j = p->column[at];
        state->gain[j] += (state->bits[i] ? 1 : -1) * (state->bits[j] ? -1 : 1) * p->value[at];
    }
    state->free_at[i] = state->now + 1 + state->tenure;
}

static spr_status tabu_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    tabu_state *state = memory;
    (void)error;
    for (int64_t i = 0; i < state->host->problem->variables; i++)
        if (bits[i] != state->bits[i])
            tabu_flip(state, i);
    state->best = state->energy;
    return SPR_OK;
}

/* One unit of work: the best flip of a variable that does not rest. */
static spr_status tabu_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    tabu_state *state = memory;
    const spr_host *host = state->host;
    (void)error;
    for (; *used < budget && state->now < state->moves; ++*used, state->now++) {
        int64_t best = -1;
        for (int64_t i = 0; i < host->problem->variables; i++)
            if (state->now >= state->free_at[i] && (best < 0 || state->gain[i] < state->gain[best]))
                best = i;
        if (best >= 0)
            tabu_flip(state, best);
        if (state->energy < state->best || state->now == 0) {
            state->best = state->energy < state->best ? state->energy : state->best;
            if (host->offer(host->engine, state->bits, NAN) != 0)
                return SPR_STEP_RUNNING;        /* the engine knows why it says stop */
        }
    }
    return state->now < state->moves ? SPR_STEP_RUNNING : SPR_STEP_DONE;
}

static void tabu_fini(void *memory)
{
    (void)memory;                /* the engine frees what came from host->allocate */
}

static const spr_backend tabu = {sizeof tabu, SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC, "tabu", "one-flip tabu search",
                                 sizeof(tabu_state), tabu_options, 2, NULL, tabu_accepts, tabu_init, tabu_warm, tabu_step,
                                 tabu_fini};

/* -------------------------------------------------------------------------------------------------------- the program */

#define TRY(call) do { if ((call) < 0) { fprintf(stderr, "%s\n", error.message); return EXIT_FAILURE; } } while (0)

int main(void)
{
    /* the Petersen graph, whose largest cut has 12 of its 15 edges */
    static const char graph[] = "10 15\n1 2\n2 3\n3 4\n4 5\n5 1\n1 6\n2 7\n3 8\n4 9\n5 10\n6 8\n8 10\n10 7\n7 9\n9 6\n";
    spr_error error;
    spr_problem *problem;
    spr_registry *registry;
    spr_solver *solver;
    spr_solve_result result = {.size = sizeof result};
    uint8_t side[10];

    TRY(spr_problem_from_text(NULL, NULL, "rudy", graph, strlen(graph), &problem, &error));
    TRY(spr_registry_new(NULL, NULL, &registry, &error));
    TRY(spr_registry_add(registry, &tabu, &error));
    TRY(spr_solver_new(NULL, NULL, registry, "tabu", problem, &solver, &error));
    TRY(spr_solver_set_integer(solver, "tenure", 3, &error));
    TRY(spr_solver_solve(solver, &result, &error));
    TRY(spr_solver_get_sample(solver, 0, side, NULL, NULL, &error));

    printf("%s: a cut of %g edges after %lld flips; one side is", spr_solver_backend(solver), -result.energy,
           (long long)result.work);
    for (int i = 0; i < 10; i++)
        if (side[i])
            printf(" %d", i + 1);
    printf("\n");
    spr_solver_free(solver);
    spr_registry_free(registry);
    spr_problem_free(problem);
    return result.energy == -12 ? EXIT_SUCCESS : EXIT_FAILURE;
}
