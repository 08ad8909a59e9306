/* SPDX-License-Identifier: MIT
 *
 * spinroute/lower.h - the exact QUBO behind a route: any backend can be handed it, and its answer becomes a table again.
 *
 * The central property: for every table x that keeps all constraints,
 *
 *     energy of the problem at x, with the best auxiliary bits  =  H(x)            (the offset makes the constant zero)
 *
 * and the minimum of the problem is the minimum of H over such tables. H and its constraints are those of spinroute.h.
 *
 * Variables       x(t,e)      token t uses expert e
 *                 active(e)   expert e is active, an OR over tokens           where an activation cost, level or limit is set
 *                 device(t,d), node(t,n)   token t touches it, an OR          where a cost or a limit is set
 *                 slack       binary digits of the room left under a capacity or limit that can be exceeded
 *                 An OR that only one x can set is that x, without a variable of its own.
 * Weights         A constraint with violation v costs weight * v^2 (an OR: weight for each x whose auxiliary bit is 0). Its
 *                 weight is |lambda| + (H of a known table - bound) + a margin, where lambda is its multiplier in the
 *                 Lagrangian bound of H: a state that violates anything then costs more than the known table. That is the
 *                 proof (in full in lib/route/lower_weights.c), and the better the table and the bound, the smaller the
 *                 weights. With negative pairs, (k+1)/2 times the most negative one joins the weight of a token's k.
 * Constraints     With constraints set, a token's k is an SPR_EXACTLY, capacities and limits are SPR_AT_MOST without slack, and
 *                 balances and levels are squares: kept as objects, whatever T, they cost no couplings. ORs and pairs stay
 *                 couplings, and ORs stay penalties. The property holds for states that keep the constraints.
 * Kernel          With kernelise set, what the same multipliers prove is fixed and leaves the problem, round after round: an x
 *                 or an active(e) whose other value takes the bound above H of the known table. No table that is as good as
 *                 the known one is lost. With a bound that meets the known table, nothing but ties is left: it is optimal.
 */
#ifndef SPINROUTE_LOWER_H
#define SPINROUTE_LOWER_H

#include "qubo.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spr_lowering spr_lowering;

/* How to lower. Set size and what is not used to zero. NULL instead of a pointer to it: all zero. */
typedef struct spr_lower_settings {
    size_t size;                 /* sizeof(spr_lower_settings) of the caller                                           */
    int64_t candidates;          /* 0 = all experts; c >= k: each token keeps its c best experts by affinity, those of the known
                                    table and those it must keep. Fewer candidates may cost the optimum                */
    int64_t kernelise;           /* 1 = fix what is proved; the optimum, or the known table, stays reachable           */
    int64_t most_variables;      /* a problem with more is refused; 0 = 1e6                                            */
    int64_t most_couplings;      /* 0 = 1e8                                                                            */
    int64_t constraints;         /* 1 = the k of a token, capacities and limits become constraints, balances and levels squares
                                    (spr_problem_with_terms), for backends that take them; 0 = couplings and slack all of it */
} spr_lower_settings;

/* What a lowering holds. Set size. */
typedef struct spr_lower_report {
    size_t size;                 /* sizeof(spr_lower_report) of the caller                                             */
    int64_t variables;           /* of the problem, all kinds together                                                 */
    int64_t couplings;           /* exact once built; an upper bound in an estimate                                    */
    int64_t assignments;         /* variables x(t,e)                                                                   */
    int64_t actives, devices, nodes, slacks;   /* auxiliary variables by kind                                          */
    int64_t fixed_zero, fixed_one;   /* x(t,e) fixed by the kernel; those that tokens must keep are not counted        */
    int64_t pruned;              /* x(t,e) left out by candidates                                                      */
    double known;                /* H of the known table                                                               */
    double bound;                /* proved: no table has a smaller H                                                   */
    double smallest_weight, largest_weight;   /* of the constraints                                                    */
} spr_lower_report;

/* How large a lowering may become, before anything is built: upper bounds without kernel, from the plan alone. Numbers beyond
 * int64 become its maximum.
 *   tokens   of the batch
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STATE, SPR_ERROR_STRUCT_SIZE, SPR_ERROR_OPTION_RANGE (settings),
 * SPR_ERROR_SIZE (tokens). Any thread. */
SPR_API spr_status spr_lower_estimate(const spr_plan *plan, int64_t tokens, const spr_lower_settings *settings,
                                      spr_lower_report *report, spr_error *error);

/* Lowers a batch. Allocates from allocator; not for the hot path.
 *   workspace, batch   as for spr_route; the prices of the workspace are neither used nor changed
 *   ids                [T,k] a table for this batch that keeps all constraints, best from spr_route: its H enters the
 *                      weights and the kernel
 *   lowering           receives the handle, or NULL on failure; the caller frees it with spr_lowering_free. It keeps what
 *                      it needs of the batch; the plan must outlive it.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, the errors of spr_route for a batch, SPR_ERROR_MEMORY, SPR_ERROR_EXPERT_ID,
 * SPR_ERROR_INFEASIBLE (ids violates a constraint: message says which), SPR_ERROR_SIZE (larger than the limits: message gives
 * both numbers), SPR_ERROR_STRUCT_SIZE, SPR_ERROR_OPTION_RANGE (settings), SPR_ERROR_UNSUPPORTED (a plan that is plain top-k:
 * nothing to lower; message says which options make it balanced). The workspace's thread. */
SPR_API spr_status spr_lower(spr_workspace *workspace, const spr_batch *batch, const int32_t *ids,
                             const spr_lower_settings *settings, spr_allocator allocator, void *user,
                             spr_lowering **lowering, spr_error *error);

/* Frees a lowering and its problem. One thread. */
SPR_API void spr_lowering_free(spr_lowering *lowering);

/* The problem, owned by the lowering; NULL for NULL. With everything fixed it has one variable without any weight. */
SPR_API const spr_problem *spr_lowering_problem(const spr_lowering *lowering);

/* What the lowering holds, see spr_lower_report.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STRUCT_SIZE. Any thread. */
SPR_API spr_status spr_lowering_report(const spr_lowering *lowering, spr_lower_report *report, spr_error *error);

/* Name of a variable, for humans: "x(token 3, expert 17)", "active(expert 17)", "device(token 3, device 2)",
 * "node(token 3, node 0)", "slack(capacity of expert 17, 4)", "slack(active limit of device 2, 1)",
 * "slack(device limit of token 3, 1)", "slack(node limit of token 3, 1)"; "nothing" is the variable of a problem in which
 * everything is fixed. The number in a slack is its digit's worth; the last digit may be worth as much as another.
 *   name   [size] receives it, zero-terminated
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_VARIABLE, SPR_ERROR_SIZE. Any thread. */
SPR_API spr_status spr_lowering_name(const spr_lowering *lowering, int64_t variable, char *name, size_t size,
                                     spr_error *error);

/* The state of a table: for warm starts, and for checking the central property. Auxiliary bits are the ORs they stand for and
 * the room that is left; the best there are for a table that keeps all constraints.
 *   ids    [T,k] any table; routes that the constraints, the kernel or the candidates leave out, or routes missing that are
 *          fixed, or an expert without a route that is fixed as active, are SPR_ERROR_CONFLICT (message: which)
 *   bits   [variables]
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_EXPERT_ID, SPR_ERROR_CONFLICT. Any thread. */
SPR_API spr_status spr_lowering_encode(const spr_lowering *lowering, const int32_t *ids, uint8_t *bits,
                                       spr_error *error);

/* The table of a state, whatever the state: broken constraints are repaired greedily at least cost, auxiliary bits are
 * ignored. If the outcome violates a constraint or is worse than the known table, the known table is returned.
 *   bits      [variables] 0 or 1
 *   ids       [T,k], a token's experts by affinity, best first
 *   energy    receives H of ids; may be NULL
 *   repairs   receives the number of routes that were changed to keep constraints, or -1 if the known table was returned;
 *             may be NULL
 * Returns SPR_OK, SPR_ERROR_ARGUMENT (also a byte that is neither 0 nor 1). Allocates nothing. One thread at a time. */
SPR_API spr_status spr_lowering_decode(spr_lowering *lowering, const uint8_t *bits, int32_t *ids, double *energy,
                                       int64_t *repairs, spr_error *error);

#ifdef __cplusplus
}
#endif

#endif /* SPINROUTE_LOWER_H */
