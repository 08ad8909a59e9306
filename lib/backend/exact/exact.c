/* SPDX-License-Identifier: MIT
 * Which of the two methods serves a problem. */
#include "exact.h"

#include "../../base/error.h"

/* up to so many variables branching beats all but small tables */
enum { EXACT_DENSE = 44, EXACT_SMALL_BITS = 14 };

typedef struct exact_state {
    const spr_host *host;
    exact_elimination *elimination;
    exact_branching *branching;
    int32_t done;
} exact_state;

/* Is elimination possible, and not slower than branching would be? */
static int exact_can_eliminate(const spr_problem_view *problem)
{
    exact_order order;
    if (problem->variables > EXACT_MOST_ELIMINATED || !spr__exact_plan(problem, &order))
        return 0;
    return problem->variables > EXACT_DENSE || order.entries <= (double)(1 << EXACT_SMALL_BITS);
}

static int32_t exact_accepts(const spr_problem_view *problem, spr_error *error)
{
    if (exact_can_eliminate(problem))
        return 90;
    if (problem->variables <= EXACT_MOST_BRANCHED)
        return problem->variables <= 40 ? 80 : 5;
    spr__fail(error, SPR_ERROR_UNSUPPORTED, "%lld variables are too many: accepted are up to %d, or up to %d whose couplings "
              "are so few that elimination needs at most 2^%d table entries", (long long)problem->variables,
              EXACT_MOST_BRANCHED, EXACT_MOST_ELIMINATED, EXACT_TABLE_BITS);
    return 0;
}

static spr_status exact_init(void *memory, const spr_host *host, spr_error *error)
{
    exact_state *state = (exact_state *)memory;
    (void)error;
    state->host = host;
    if (exact_can_eliminate(host->problem))
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
    return SPR_OK;
}

/* One unit of work is 4096 table entries, or 4096 nodes. */
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
