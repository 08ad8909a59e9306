/* SPDX-License-Identifier: MIT
 * Which of the two methods serves a problem. */
#include "exact.h"

#include "../../base/error.h"

#include <math.h>

#include "../../base/exact.h"

/* up to so many variables branching beats all but small tables */
enum { EXACT_DENSE = 64, EXACT_SMALL_BITS = 14, EXACT_MOST_SPLIT = 45, EXACT_QUICK = 60 };

typedef struct exact_state {
    const spr_host *host;
    exact_elimination *elimination;
    exact_branching *branching;
    int32_t done;
} exact_state;

/* Greatest common divisor with one more number; -1 if that is no integer. */
static int64_t exact_divisor(int64_t grain, double number)
{
    if (grain < 0 || number != floor(number))
        return -1;
    int64_t rest = (int64_t)fabs(number);
    while (rest > 0) {
        const int64_t next = grain % rest;
        grain = rest;
        rest = next;
    }
    return grain;
}

double spr__exact_grain(const spr_problem_view *problem)
{
    int64_t grain = 0;
    if (spr__exact_size(problem) >= 9007199254740992.0)
        return 0.0;
    for (int64_t i = 0; i < problem->variables; i++)
        grain = exact_divisor(grain, problem->linear[i]);
    for (int64_t at = 0; at < 2 * problem->couplings; at++)
        grain = exact_divisor(grain, problem->value[at]);
    return grain > 0 ? (double)grain : 0.0;
}

int spr__exact_is_symmetric(const spr_problem_view *problem)
{
    for (int64_t i = 0; i < problem->variables; i++) {
        double sum = 2.0 * problem->linear[i];
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            sum += problem->value[at];
        if (sum != 0.0)
            return 0;
    }
    return 1;
}

double spr__exact_size(const spr_problem_view *problem)
{
    double size = fabs(problem->offset);
    for (int64_t i = 0; i < problem->variables; i++)
        size += fabs(problem->linear[i]);
    for (int64_t at = 0; at < 2 * problem->couplings; at++)
        size += 0.5 * fabs(problem->value[at]);
    return size;
}

/* What serves a problem, and how well. */
typedef enum exact_method { EXACT_NONE, EXACT_BRANCH, EXACT_ELIMINATE } exact_method;

static exact_method exact_choose(const spr_problem_view *problem, int32_t *preference)
{
    exact_order order;
    const int64_t n = problem->variables;
    *preference = n > EXACT_MOST_BRANCHED ? 0 : n <= EXACT_QUICK ? 80 : 5;
    if (!spr__exact_plan(problem, &order))
        return EXACT_NONE;
    if (order.entries <= ldexp(1.0, n > EXACT_DENSE ? EXACT_TABLE_BITS : EXACT_SMALL_BITS)) {
        *preference = 90;
        return EXACT_ELIMINATE;
    }
    if (n <= EXACT_MOST_BRANCHED)
        return EXACT_BRANCH;
    *preference = order.split <= EXACT_MOST_SPLIT ? 5 : 0;
    return order.split <= EXACT_MOST_SPLIT ? EXACT_ELIMINATE : EXACT_NONE;
}

static int32_t exact_accepts(const spr_problem_view *problem, spr_error *error)
{
    int32_t preference;
    if (exact_choose(problem, &preference) == EXACT_NONE)
        spr__fail(error, SPR_ERROR_UNSUPPORTED, "%lld variables with %lld couplings are too many: accepted are up to %d, or up "
                  "to %d whose couplings are so few that elimination leaves small tables, except for %d variables",
                  (long long)problem->variables, (long long)problem->couplings, EXACT_MOST_BRANCHED, EXACT_MOST_ELIMINATED,
                  EXACT_MOST_SPLIT);
    return preference;
}

static spr_status exact_init(void *memory, const spr_host *host, spr_error *error)
{
    exact_state *state = (exact_state *)memory;
    int32_t preference;
    (void)error;
    state->host = host;
    if (exact_choose(host->problem, &preference) == EXACT_ELIMINATE)
        state->elimination = spr__exact_eliminate_open(host);
    else
        state->branching = spr__exact_branch_open(host);
    return state->elimination != NULL || state->branching != NULL ? SPR_OK : SPR_ERROR_MEMORY;
}

static spr_status exact_warm(void *memory, const uint8_t *bits, spr_error *error)
{
    exact_state *state = (exact_state *)memory;
    (void)error;
    if (state->branching != NULL)
        spr__exact_branch_warm(state->branching, bits);
    else
        spr__exact_eliminate_warm(state->elimination, bits);
    return SPR_OK;
}

/* One unit of work is 4096 table entries, or 1024 nodes between tables, or 4096 nodes of branching. */
static spr_status exact_step(void *memory, int64_t budget, int64_t *used, spr_error *error)
{
    exact_state *state = (exact_state *)memory;
    (void)error;
    if (!state->done)
        state->done = state->elimination != NULL ? spr__exact_eliminate_step(state->elimination, state->host, budget, used)
                                                 : spr__exact_branch_step(state->branching, state->host, budget, used);
    return state->done ? SPR_STEP_DONE : SPR_STEP_RUNNING;
}

static void exact_fini(void *memory)
{
    (void)memory;
}

const spr_backend spr__backend_exact = {sizeof(spr_backend), SPR_BACKEND_ABI,
                                        SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_PROVES, "exact",
                                        "proves the optimum of small or sparse problems by elimination or branch and bound",
                                        sizeof(exact_state), NULL, 0, NULL, exact_accepts, exact_init, exact_warm, exact_step,
                                        exact_fini};
