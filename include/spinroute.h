/* SPDX-License-Identifier: MIT
 *
 * spinroute.h - the whole user API of Spinroute, and its manual.
 *
 * Spinroute decides which experts each token of a mixture-of-experts (MoE) model goes to. Greedy top-k routers are one
 * setting of it; with a capacity or a balance weight the same call solves the assignment problem
 *
 *     minimise  H(x) = - sum_te s[t,e] x[t,e]                              affinity
 *                      + (a/2) sum_e (L[e] - mu[e])^2 / mu[e]              expert balance,  L[e] = sum_t x[t,e]
 *                      + (b/2) sum_d (W[d] - nu[d])^2 / nu[d]              device balance,  W[d] = sum_{e on d} c[e] L[e]
 *                      + g sum_t (devices touched by t) + g' sum_t (nodes touched by t)
 *                      + sum_e m[e] u[e],   u[e] = OR_t x[t,e]             active experts (weights read, or fetched)
 *                      + (q/2) sum_d A[d]^2,   A[d] = sum_{e on d} u[e]    active experts of each device
 *                      + sum_t sum_{e<f} J[e,f] x[t,e] x[t,f]              pairs of experts in one token
 *                      + h sum_te [x[t,e] != previous x[t,e]]              hysteresis
 *     subject to       sum_e x[t,e] = k,   L[e] <= C[e],   x binary
 *                      A[d] <= active_limit,   devices (nodes) touched by a token <= device_limit (node_limit)
 *                      a token's keep_top best experts stay
 *     with             mu[e] = tokens*k * share[e] / (sum of shares),   nu[d] = sum_{e on d} c[e] mu[e]
 *
 * (tokens that take part; experts that are not allowed have share 0 and no balance term). Each term is an option and off
 * by default. The first three lines are solved by prices, the others, the quadratic terms, by search and annealing.
 *
 * and returns, with the routing table, a proved lower bound of H. What is not in this file (or in spinroute/ beside it)
 * is not part of the API.
 *
 * Life cycle:   plan (what to solve)  ->  workspace (all scratch memory)  ->  route (one batch of tokens -> table)
 *
 * Conventions, valid for every function below
 *   Matrices    are row-major. T = tokens of the batch, E = experts, k = experts per token, D = devices.
 *   Flat index  of a route is t*k + slot; slot 0 is the expert the token ranks highest.
 *   Results     every fallible function returns a status (below). 0 is success, positive is success with a notice (the
 *               outputs are complete and valid), negative is failure (the outputs are unspecified, handles and inputs
 *               are as they were before the call).
 *   Errors      the last argument takes a caller-owned spr_error or NULL. It is written on every call: status 0 and an
 *               empty message on success, otherwise a sentence that names the argument, its value and what is accepted.
 *               There is no error state inside handles, so immutable handles can be shared without a lock.
 *   Memory      all arrays belong to the caller and are used only during the call, unless "copied" is said. They need
 *               the natural alignment of their element type and no more. Arrays that a call writes must not overlap
 *               each other or an array that it reads; this is checked.
 *   NULL        passing NULL to a _free function does nothing. Any other NULL that is not allowed explicitly is
 *               SPR_ERROR_ARGUMENT.
 *   Threads     a sealed plan is immutable: any number of threads may use it. A workspace belongs to one thread at a
 *               time. Different workspaces are independent. The library has no global state, starts no threads, reads
 *               no environment, never prints and never exits.
 *   Same bits   results depend on plan, batch and the prices carried by the workspace only: not on the parallel-for,
 *               the number of threads, the kernel variant (portable, AVX2, AVX-512, NEON) or the form of the build.
 *               A host that sets the CPU to flush denormals changes arithmetic beneath the library; then, and in builds
 *               with -ffast-math, this promise does not hold.
 */
#ifndef SPINROUTE_H
#define SPINROUTE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SPR_API
#  if defined(__GNUC__)
#    define SPR_API __attribute__((visibility("default")))
#  else
#    define SPR_API
#  endif
#endif

/* ------------------------------------------------------------------------------------------------ version and status */

/* The only place where the version is written. SPR_ABI is the number in the soname; it changes when a binary built
 * against an older header would break. */
#define SPR_VERSION_MAJOR 0
#define SPR_VERSION_MINOR 1
#define SPR_VERSION_PATCH 0
#define SPR_ABI 0

typedef int32_t spr_status;

/* Values are pinned for ever and never reused. */
enum {
    SPR_OK = 0,

    /* Notices: the call did its work. When several apply, the largest is returned; spr_statistics tells them all. */
    SPR_NOTICE_EMPTY = 1,        /* the batch has no tokens (T = 0): the table is valid and empty                      */
    SPR_NOTICE_DROPPED = 2,      /* the drop policy, asked for by the plan, dropped routes over capacity               */
    SPR_NOTICE_NOT_FINITE = 3,   /* rows with NaN or +inf were routed to no expert ("nonfinite" = "drop")              */
    SPR_NOTICE_INFEASIBLE = 4,   /* no assignment gives every token its k experts within the capacities (in causal
                                    mode: none was found in token order); the drop policy decided which routes went    */
    SPR_NOTICE_LIMIT = 5,        /* no table within "active_limit", "device_limit" and "node_limit" was found; this one
                                    exceeds them by spr_statistics.limit_excess                                        */
    SPR_NOTICE_ROUNDED = 6,      /* a coefficient was rounded when a problem was converted (spinroute/qubo.h)          */

    SPR_ERROR_ARGUMENT = -1,     /* NULL, negative or otherwise impossible argument                                    */
    SPR_ERROR_MEMORY = -2,       /* the allocator returned NULL                                                        */
    SPR_ERROR_OPTION_NAME = -3,  /* no option, array, preset or choice of that name                                    */
    SPR_ERROR_OPTION_TYPE = -4,  /* the option is of another type                                                      */
    SPR_ERROR_OPTION_RANGE = -5, /* value outside the option's range; it is never clamped                              */
    SPR_ERROR_CONFLICT = -6,     /* options that contradict each other, e.g. k greater than experts                    */
    SPR_ERROR_STATE = -7,        /* plan already sealed, or not sealed yet                                             */
    SPR_ERROR_TOKENS = -8,       /* more tokens than the workspace was made for, or a negative number                  */
    SPR_ERROR_DTYPE = -9,        /* unknown dtype                                                                      */
    SPR_ERROR_STRIDE = -10,      /* row stride smaller than the row                                                    */
    SPR_ERROR_NOT_FINITE = -11,  /* NaN or +inf where it is not accepted                                               */
    SPR_ERROR_ALIGNMENT = -12,   /* a pointer is not aligned to its element type                                       */
    SPR_ERROR_OVERLAP = -13,     /* a written array overlaps another array of the call                                 */
    SPR_ERROR_INFEASIBLE = -14,  /* as SPR_NOTICE_INFEASIBLE or _LIMIT, when the plan says "infeasible" = "error"      */
    SPR_ERROR_SIZE = -15,        /* a buffer is too small, or a size does not fit the index type                       */
    SPR_ERROR_EXPERT_ID = -16,   /* an expert id in a table is outside -1..experts-1                                   */
    SPR_ERROR_UNSUPPORTED = -17, /* this build or this CPU does not have what was asked for                            */
    SPR_ERROR_STRUCT_SIZE = -18, /* the size field of a struct is impossible, or unknown fields behind it are not zero */
    SPR_ERROR_VARIABLE = -19,    /* a variable of a problem is outside 0..n-1                                          */
    SPR_ERROR_PARSE = -20,       /* a text is not in its format; the message names the line                            */
    SPR_ERROR_BACKEND = -21,     /* a backend failed                                                                   */
    SPR_ERROR_BACKEND_CLAIM = -22,   /* a backend claimed what is not true                                             */
    SPR_ERROR_BACKEND_STALLED = -23, /* a backend neither works nor ends                                               */
    SPR_ERROR_BACKEND_OVERRUN = -24  /* a backend did more work, or took longer, than it was allowed                   */
};

/* Written by every fallible function; the memory is the caller's. */
typedef struct spr_error {
    int32_t status;              /* same value as the function returned                                                */
    char message[508];           /* one ASCII sentence, empty when status is 0, always zero-terminated                 */
} spr_error;

/* Version of the library that is running: 10000*major + 100*minor + patch. Compare with the macros above. Any thread. */
SPR_API int32_t spr_version_number(void);

/* The same as text "major.minor.patch". Constant, owned by the library. Any thread. */
SPR_API const char *spr_version_text(void);

/* SPR_ABI of the library that is running. A binding compares it with its own before any other call. Any thread. */
SPR_API int32_t spr_abi_number(void);

/* Name of a status as written above, for example "SPR_ERROR_TOKENS"; "unknown status" for other values. Constant, owned
 * by the library. Any thread. */
SPR_API const char *spr_status_name(spr_status status);

/* --------------------------------------------------------------------------------------------------------------- plan */

/* What to solve: shapes, router semantics, capacities, balance, topology. Built by the calls below, then sealed. */
typedef struct spr_plan spr_plan;

/* One function does all memory work of a handle. new_size 0 frees (pointer may be NULL) and returns NULL; otherwise it
 * returns new_size bytes aligned for any C type, or NULL when there are none. The library only allocates (pointer NULL,
 * old_size 0) and frees (with the size it asked for); it never resizes. NULL instead of a function means libc. */
typedef void *(*spr_allocator)(void *user, void *pointer, size_t old_size, size_t new_size);

/* Makes an empty plan.
 *   allocator, user   memory for the plan; NULL, NULL for libc's. Kept until spr_plan_free.
 *   plan              receives the handle, or NULL on failure. The caller frees it with spr_plan_free.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY. Any thread. */
SPR_API spr_status spr_plan_new(spr_allocator allocator, void *user, spr_plan **plan, spr_error *error);

/* Frees a plan. Workspaces made from it must be freed before. One thread. */
SPR_API void spr_plan_free(spr_plan *plan);

/* Sets the router semantics of a published model or framework (score, normalisation, groups, scaling, capacity, drops)
 * and its usual experts and k; every other option returns to its default, arrays are kept. Options set afterwards
 * override the preset. Names and meanings: spr_preset_info.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OPTION_NAME, SPR_ERROR_STATE. One thread. */
SPR_API spr_status spr_plan_set_preset(spr_plan *plan, const char *name, spr_error *error);

/* Sets an option by name (list: spr_option_info). A value out of range is refused, never clamped. spr_plan_set_text
 * sets an option of any type from text: a word for a choice, a decimal number otherwise.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OPTION_NAME, SPR_ERROR_OPTION_TYPE, SPR_ERROR_OPTION_RANGE,
 * SPR_ERROR_STATE. One thread. */
SPR_API spr_status spr_plan_set_integer(spr_plan *plan, const char *name, int64_t value, spr_error *error);
SPR_API spr_status spr_plan_set_real(spr_plan *plan, const char *name, double value, spr_error *error);
SPR_API spr_status spr_plan_set_text(spr_plan *plan, const char *name, const char *value, spr_error *error);

/* Reads an option back. The text of a choice is a constant owned by the library.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OPTION_NAME, SPR_ERROR_OPTION_TYPE. Any thread once sealed. */
SPR_API spr_status spr_plan_get_integer(const spr_plan *plan, const char *name, int64_t *value, spr_error *error);
SPR_API spr_status spr_plan_get_real(const spr_plan *plan, const char *name, double *value, spr_error *error);
SPR_API spr_status spr_plan_get_text(const spr_plan *plan, const char *name, const char **value, spr_error *error);

/* Sets an array by name; the values are copied. count must equal experts, so set the option "experts" first. NULL with
 * count 0 removes the array. Changing "experts" afterwards removes all arrays.
 *   float arrays
 *     "bias"      [E] finite; added to the scores for selection only (DeepSeek-V3 e_score_correction_bias, Megatron
 *                 expert_bias); combine weights do not see it. Default none.
 *     "cost"      [E] 1e-6 .. 1e6; c[e], work per token in the device balance. Default 1.
 *     "share"     [E] 1e-6 .. 1e6; the expert's part in mu, see above. Default equal shares.
 *     "activation"   [E] 0 .. 1e6; m[e] = activation_weight * activation[e] (* resident_factor if resident). Default 1.
 *     "coactivation" [E,E] finite, symmetric, count = experts*experts; J[e,f], the diagonal is ignored. Default none.
 *   int32 arrays
 *     "allowed"   [E] 0 or 1; experts with 0 are used by no token. Default 1.
 *     "capacity"  [E] >= 0; C[e] in tokens, instead of the capacity options. Default none.
 *     "device"    [E] 0..devices-1; device of each expert. Default: blocks of experts/devices in order.
 *     "node"      [E] 0..nodes-1; node of each expert, the same for all experts of a device. Default: blocks in order.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OPTION_NAME, SPR_ERROR_OPTION_TYPE (float array set as int32 or the other
 * way round), SPR_ERROR_OPTION_RANGE, SPR_ERROR_NOT_FINITE, SPR_ERROR_SIZE (count), SPR_ERROR_ALIGNMENT,
 * SPR_ERROR_MEMORY, SPR_ERROR_STATE. One thread. */
SPR_API spr_status spr_plan_set_array_float(spr_plan *plan, const char *name, const float *values, int64_t count,
                                            spr_error *error);
SPR_API spr_status spr_plan_set_array_int32(spr_plan *plan, const char *name, const int32_t *values, int64_t count,
                                            spr_error *error);

/* Sets pair couplings as a sparse symmetric array; replaces the array of that name. Entries that are not listed are 0.
 *   name            "coactivation"
 *   first, second   [count] experts, 0..experts-1, different from each other; a pair may be listed once, in either order
 *   values          [count] finite
 * Returns as spr_plan_set_array_float, and SPR_ERROR_EXPERT_ID, SPR_ERROR_CONFLICT (a pair listed twice). One thread. */
SPR_API spr_status spr_plan_set_pairs(spr_plan *plan, const char *name, const int32_t *first, const int32_t *second,
                                      const float *values, int64_t count, spr_error *error);

/* Checks that the options fit together, chooses the kernels for this CPU and makes the plan immutable. Sealing twice is
 * allowed and does nothing.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_CONFLICT, SPR_ERROR_UNSUPPORTED. One thread. */
SPR_API spr_status spr_plan_seal(spr_plan *plan, spr_error *error);

/* Expert capacity C, in tokens, that a sealed plan gives a batch with that many unmasked tokens; -1 when the plan has no
 * capacity. With the array "capacity" the largest entry is given. C = capacity if that option is set, otherwise
 * round(tokens*k/experts * capacity_factor), at least capacity_minimum, rounded up to capacity_multiple.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STATE. Any thread. */
SPR_API spr_status spr_plan_capacity(const spr_plan *plan, int64_t tokens, int64_t *capacity, spr_error *error);

/* Types of options. */
enum { SPR_TYPE_INTEGER = 1, SPR_TYPE_REAL = 2, SPR_TYPE_CHOICE = 3 };

/* One option. Texts are constants owned by the library. */
typedef struct spr_option_info {
    const char *name;
    const char *choices;         /* words separated by '|' for SPR_TYPE_CHOICE, otherwise NULL                         */
    const char *summary;         /* one sentence                                                                       */
    double minimum;              /* inclusive range; for a choice 0 .. number of words - 1                             */
    double maximum;
    double standard;             /* default; for a choice the index of the word                                        */
    int32_t type;                /* SPR_TYPE_*                                                                         */
    int32_t reserved;            /* 0                                                                                  */
} spr_option_info;

/* Number of options, and option number index (0-based, stable within a version).
 * spr_option_get_info returns SPR_OK or SPR_ERROR_ARGUMENT. Any thread. */
SPR_API int32_t spr_option_count(void);
SPR_API spr_status spr_option_get_info(int32_t index, spr_option_info *info, spr_error *error);

/* Number of presets; name of preset number index and a sentence with the source of its semantics. Either pointer may be
 * NULL. The texts are constants owned by the library.
 * spr_preset_get_info returns SPR_OK or SPR_ERROR_ARGUMENT. Any thread. */
SPR_API int32_t spr_preset_count(void);
SPR_API spr_status spr_preset_get_info(int32_t index, const char **name, const char **summary, spr_error *error);

/* ---------------------------------------------------------------------------------------------------------- workspace */

/* All scratch memory of routing, for batches of up to max_tokens tokens, and the prices carried from batch to batch. */
typedef struct spr_workspace spr_workspace;

/* Bytes that a workspace needs: with capacity or balance about 11*T*E (3.0 MiB for 4096 tokens x 64 experts, k = 8; 11 MiB
 * for 4096 x 256), without about 2*T*E (0.44 MiB; 1.6 MiB), T = max_tokens. Quadratic terms: about 2*T*(k + D) more, where
 * active experts count another 8*T*E (0.41 MiB for 64 x 128).
 *   plan         sealed
 *   max_tokens   1 .. 2^31-1 divided by k (and by experts): every index must fit int32
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STATE, SPR_ERROR_SIZE. Any thread. */
SPR_API spr_status spr_workspace_size(const spr_plan *plan, int64_t max_tokens, size_t *bytes, spr_error *error);

/* Makes a workspace with one allocation. The plan must outlive it. The caller frees it with spr_workspace_free.
 *   allocator, user   as for spr_plan_new
 * Returns as spr_workspace_size, and SPR_ERROR_MEMORY. Any thread. */
SPR_API spr_status spr_workspace_new(const spr_plan *plan, int64_t max_tokens, spr_allocator allocator, void *user,
                                     spr_workspace **workspace, spr_error *error);

/* Makes a workspace inside the caller's memory, which must stay until the last use; spr_workspace_free is then optional
 * and frees nothing.
 *   memory   at least spr_workspace_size bytes; any alignment
 * Returns as spr_workspace_size; SPR_ERROR_SIZE also when bytes is too small. Any thread. */
SPR_API spr_status spr_workspace_place(const spr_plan *plan, int64_t max_tokens, void *memory, size_t bytes,
                                       spr_workspace **workspace, spr_error *error);

SPR_API void spr_workspace_free(spr_workspace *workspace);

/* Sets the prices that the next call starts from (option "start" = "warm") or decides by ("mode" = "causal").
 *   prices   [E] finite, in units of the affinity; NULL forgets all prices (the state of a new workspace)
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_NOT_FINITE, SPR_ERROR_ALIGNMENT. The workspace's thread. */
SPR_API spr_status spr_workspace_set_prices(spr_workspace *workspace, const float *prices, spr_error *error);

/* A host's thread pool. It must call task(context, i) exactly once for every i in 0..count-1, in any order, on any
 * threads, and return when all calls have returned. */
typedef void (*spr_parallel_task)(void *context, int64_t index);
typedef void (*spr_parallel_for)(void *user, int64_t count, spr_parallel_task task, void *context);

/* Lends the workspace a parallel-for for its later calls; NULL, NULL (the state of a new workspace) means the calling
 * thread does everything. Results do not change by a bit.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. The workspace's thread. */
SPR_API spr_status spr_workspace_set_parallel(spr_workspace *workspace, spr_parallel_for parallel_for, void *user,
                                              spr_error *error);

/* -------------------------------------------------------------------------------------------------------------- route */

/* Types of logits. */
enum { SPR_FLOAT32 = 0, SPR_FLOAT16 = 1, SPR_BFLOAT16 = 2 };

/* One batch. Set size to sizeof(spr_batch) and what is not used to zero. */
typedef struct spr_batch {
    size_t size;                 /* sizeof(spr_batch) of the caller                                                    */
    int64_t tokens;              /* T, 0 .. the workspace's max_tokens                                                 */
    const void *logits;          /* [T,E] router logits. -inf forbids the expert to the token. May be NULL when T = 0  */
    int64_t row_stride;          /* elements from one row to the next, >= E; 0 means E                                 */
    int32_t dtype;               /* SPR_FLOAT32, SPR_FLOAT16 or SPR_BFLOAT16                                           */
    int32_t reserved;            /* 0                                                                                  */
    const uint8_t *token_mask;   /* [T] 0 = the token takes no expert (padding); NULL = all take part                  */
    const float *bias;           /* [E] finite, replaces the plan's "bias" for this batch; NULL = the plan's           */
    /* quadratic terms; a caller built before they existed passes a smaller size */
    const uint8_t *resident;     /* [E] 1 = the expert's weights are at hand ("resident_factor"); NULL = none          */
    const float *activation;     /* [E] >= 0, replaces the plan's "activation" for this batch; NULL = the plan's       */
    const int32_t *previous;     /* [T,k] the table that "hysteresis_weight" holds on to, -1 = none; an expert repeated in a row
                                    counts once; NULL = no such term                                                   */
} spr_batch;

/* What a routing call found out. Set size; the rest is written. Energies and affinities are in units of the affinity
 * (option "affinity"); "routes" are token-expert pairs. */
typedef struct spr_statistics {
    size_t size;                 /* sizeof(spr_statistics) of the caller                                               */
    int64_t tokens;              /* tokens that took part: not masked, not dropped as non-finite                       */
    int64_t routes;              /* routes in the table                                                                */
    int64_t dropped;             /* routes that a token should have had and has not                                    */
    int64_t not_finite;          /* rows with NaN or +inf                                                              */
    int64_t capacity;            /* C of this batch (largest entry of the array "capacity"), -1 = none                 */
    int64_t greedy_overflow;     /* routes over capacity before anything was done about it (plain top-k)               */
    int64_t price_overflow;      /* routes over capacity after the price sweeps, before repair                         */
    int64_t greedy_max_load;     /* largest load of an expert under plain top-k                                        */
    int64_t max_load;            /* largest load of an expert in the table                                             */
    int64_t active_experts;      /* experts with at least one route                                                    */
    int64_t device_touches;      /* sum over tokens of the number of devices touched; 0 without devices                */
    int64_t price_sweeps;        /* sweeps over the whole batch                                                        */
    int64_t repair_paths;        /* chains of moves applied by the repair                                              */
    double affinity;             /* sum of s over the routes of the table                                              */
    double greedy_affinity;      /* the same for plain top-k: an upper bound of any table's affinity                   */
    double energy;               /* H of the table; lower is better                                                    */
    double lower_bound;          /* no feasible table has a smaller H. Only when no route was dropped, else -inf       */
    double gap;                  /* (energy - lower_bound) / max(|lower_bound|, |affinity|); 0 = proved optimal        */
                                 /* Times are not measured here: that would be a system call. The host can.            */
    /* quadratic terms; a caller built before they existed passes a smaller size */
    int64_t node_touches;        /* sum over tokens of the number of nodes touched; 0 without nodes                    */
    int64_t max_active;          /* active experts on the device that has most of them (without devices: all)          */
    int64_t limit_excess;        /* by how much limits are exceeded: active experts, devices, nodes, experts of the quality
                                    floor and routes that are missing for it, added up                                 */
    int64_t changed;             /* routes that are not in batch->previous; 0 without it                               */
    int64_t moves;               /* moves proposed by the annealer                                                     */
    double start_energy;         /* H before the quadratic terms had a say: of the prices' table, or of top-k, whether or not
                                    that keeps the limits; 0 without such terms                                        */
} spr_statistics;

/* The routing table. Set size. Each array may be NULL when it is not wanted, except ids. All are written by the call. */
typedef struct spr_table {
    size_t size;                 /* sizeof(spr_table) of the caller                                                    */
    int32_t *ids;                /* [T,k] expert ids, the token's best first; -1 = no expert. A route that the drop
                                    policy removed leaves -1 in its slot. Order: what selection compares (score plus
                                    bias), descending, then expert id, ascending. Where the order of the scores is the
                                    order of the logits (no bias, no group sums, no balancing) the logits are compared,
                                    which also orders scores that round to the same number. Groups that tie: the
                                    earlier one                                                                        */
    float *weights;              /* [T,k] combine weights, 0 where ids is -1                                           */
    int32_t *counts;             /* [E] routes of each expert                                                          */
    int32_t *offsets;            /* [E+1] offsets[e] = routes of experts before e; offsets[E] = all routes             */
    int32_t *sorted;             /* [T*k] flat indices grouped by expert, ascending within an expert; the entries from
                                    offsets[E] on are -1                                                               */
    int32_t *positions;          /* [T,k] place of the route among its expert's, 0-based, -1 = no expert               */
    float *prices;               /* [E] what one more place at the expert is worth (dual variables, with the device's
                                    part); 0 without capacity and balance                                              */
    spr_statistics *statistics;  /* see above                                                                          */
} spr_table;

/* Routes one batch.
 *
 * Drops: "drop_order" = "probability" keeps the routes with the largest weight as it is known when dropping (normalised
 * with "normalize_order" = "before_drop", as Megatron does; not normalised with "after_drop", as DeepSpeed does), equal
 * weights: the earlier token.
 *
 * Without capacity and balance this is the plan's published router: top-k, weights, optional drops (options "overflow",
 * "drop_order"). With "overflow" = "reroute" and a capacity, or with a balance weight, it minimises H: prices are found
 * by alternating exact quantiles of rows and columns (the dual of the transportation problem: Bertsekas 1988; as a router
 * BIP, arXiv:2502.15451, and Megatron-LM quantile balancing), the remaining overflow is moved along shortest augmenting
 * paths, and the prices give the Lagrangian bound in the statistics.
 * No expert exceeds its capacity, ever. If no assignment exists in which all tokens keep k experts, as few routes as
 * possible are dropped, chosen by "drop_order", and SPR_NOTICE_INFEASIBLE is returned (or SPR_ERROR_INFEASIBLE).
 *
 * Quadratic terms: where active experts alone couple the tokens, a search over the sets of open experts (closings, openings,
 * swaps: Resende and Werneck 2007; the objective: OEA, arXiv:2511.02237); otherwise annealing of the whole table from the
 * prices' one, by moves that keep all constraints. The table is never worse than that start; effort is counted ("anneal_moves",
 * "seed"). Limits that were not reached give SPR_NOTICE_LIMIT (or SPR_ERROR_INFEASIBLE). Where capacity cannot be kept, drops
 * decide and these terms have no say.
 *
 * "mode" = "causal": tokens are decided in order, each by the prices of earlier batches and the places taken by earlier
 * tokens; no token sees a later one. The prices of this batch are computed afterwards, for the next call.
 *
 *   batch   see spr_batch;  table   see spr_table
 * Returns SPR_OK, a notice, or SPR_ERROR_ARGUMENT, _TOKENS, _DTYPE, _STRIDE, _NOT_FINITE (message: first token and
 * expert), _ALIGNMENT, _OVERLAP, _INFEASIBLE, _STRUCT_SIZE, _OPTION_RANGE (activation), _EXPERT_ID (previous). On failure the workspace's prices are unchanged.
 * No allocation, lock, system call or print. The workspace's thread. */
SPR_API spr_status spr_route(spr_workspace *workspace, const spr_batch *batch, const spr_table *table,
                             spr_error *error);

/* Selection alone: the ids of plain top-k under the plan's score, bias, groups and masks. No capacity, no balance.
 *   ids   [T,k] as in spr_table
 * Returns as spr_route. The workspace's thread. */
SPR_API spr_status spr_select(spr_workspace *workspace, const spr_batch *batch, int32_t *ids, spr_error *error);

/* Combine weights of given ids, e.g. for replay or recomputation: what spr_route would give a table with these ids.
 *   ids       [T,k] -1 or 0..E-1, in any order, from any source; repeated experts in a row are not detected
 *   weights   [T,k], 0 where ids is -1. Routes that were dropped are no longer in ids: with "normalize_order" =
 *             "before_drop" or "score" = "softmax_selected" the weights are then normalised over those that are.
 * Returns as spr_route, and SPR_ERROR_EXPERT_ID. The workspace's thread. */
SPR_API spr_status spr_weights(spr_workspace *workspace, const spr_batch *batch, const int32_t *ids, float *weights,
                               spr_error *error);

/* The affinity matrix s of H, exactly as the solver sees it: for auxiliary losses and for checking energies.
 *   scores   [T,E]; -inf where the expert is forbidden to the token (mask, -inf logit, group limit)
 * Returns as spr_route. The workspace's thread. */
SPR_API spr_status spr_scores(spr_workspace *workspace, const spr_batch *batch, float *scores, spr_error *error);

/* ------------------------------------------------------------------------------------------------------------ layouts
 * Pure functions of a table, for runtimes that want another form. Arguments common to all:
 *   ids [tokens,k] int32, -1 = no expert, an expert at most once in a row (not checked);  weights [tokens,k];
 *   tokens >= 0;  k 1..64;  experts 1..4096. An array without elements may be NULL.
 * Where outputs are int32, tokens*k (and the padded length of blocks) must fit int32, otherwise SPR_ERROR_SIZE.
 * All return SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_SIZE, SPR_ERROR_EXPERT_ID, SPR_ERROR_ALIGNMENT, SPR_ERROR_OVERLAP;
 * more is said where it applies. Any thread. No allocation. */

/* Block-aligned table (vLLM moe_align_block_size): the routes of each expert padded to a multiple of block.
 *   expert_map       [experts] local id 0..experts-1 of each global expert or -1; NULL = identity. Routes stay grouped by
 *                    global id; those of experts that are not local keep their blocks, with expert id -1 (vLLM's
 *                    ignore_invalid_experts = False; for True, map the ids before the call).
 *   sorted           [sorted_size] int32, flat indices grouped by expert, ascending; filler is tokens*k
 *   sorted_size      at least tokens*k + min(experts, tokens*k)*(block-1)
 *   block_experts    [block_experts_size] int32, expert of each block; 0 for blocks beyond *padded
 *   block_experts_size   at least ceil(sorted_size / block)
 *   padded           receives the number of used entries of sorted, a multiple of block
 *   block            1 .. 65536 */
SPR_API spr_status spr_layout_blocks(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t block,
                                     const int32_t *expert_map, int32_t *sorted, int64_t sorted_size,
                                     int32_t *block_experts, int64_t block_experts_size, int32_t *padded,
                                     spr_error *error);

/* Dispatch layout (DeepEP get_dispatch_layout): experts lie in equal blocks on ranks, ranks in equal blocks on nodes.
 *   ranks                 divides experts;  nodes divides ranks (DeepEP: ranks/8); 1 if tokens_per_node is NULL
 *   tokens_per_rank       [ranks] int32, tokens with at least one expert on the rank
 *   tokens_per_node       [nodes] int32, the same for nodes (num_tokens_per_rdma_rank); may be NULL
 *   tokens_per_expert     [experts] int32
 *   token_in_rank         [tokens,ranks] uint8, 0 or 1 */
SPR_API spr_status spr_layout_dispatch(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t ranks,
                                       int64_t nodes, int32_t *tokens_per_rank, int32_t *tokens_per_node,
                                       int32_t *tokens_per_expert, uint8_t *token_in_rank, spr_error *error);

/* Dense form (Megatron routing_map and probs, ONNX Runtime MoE router_weights). Either output may be NULL, not both.
 *   map     [tokens,experts] uint8, 1 where the token uses the expert
 *   dense   [tokens,experts] float, the weight there, 0 elsewhere; needs weights, which may be NULL otherwise */
SPR_API spr_status spr_layout_dense(const int32_t *ids, const float *weights, int64_t tokens, int64_t k,
                                    int64_t experts, uint8_t *map, float *dense, spr_error *error);

/* Logits that make a softmax-top-k router choose this table (ONNX Runtime com.microsoft.MoE without router_weights):
 * log(weight) at chosen experts, -1e30 elsewhere; its softmax over the chosen ones gives weight / sum of weights. A token
 * without any expert of positive weight cannot be expressed: its row is -1e30 throughout, which such a router takes as
 * equal weights.
 *   weights       finite, >= 0; a chosen expert of weight 0 gets -1e30 too
 *   log_weights   [tokens,experts] float
 * Also returns SPR_ERROR_NOT_FINITE for a weight that is negative, NaN or infinite. */
SPR_API spr_status spr_layout_log_weights(const int32_t *ids, const float *weights, int64_t tokens, int64_t k,
                                          int64_t experts, float *log_weights, spr_error *error);

/* Megatron-LM token dispatcher: stable expert-major permutation and splits for expert parallelism.
 *   ranks               divides experts (expert_model_parallel_size)
 *   sorted_indices      [sorted_size] int64 token ids, expert-major, ascending within an expert; entries from *routes on
 *                       are not written
 *   sorted_size         at least the number of routes; tokens*k always suffices
 *   tokens_per_expert   [experts] int64
 *   input_splits        [ranks] int64, routes per rank
 *   routes              receives the number of entries written to sorted_indices */
SPR_API spr_status spr_layout_permutation(const int32_t *ids, int64_t tokens, int64_t k, int64_t experts, int64_t ranks,
                                          int64_t *sorted_indices, int64_t sorted_size, int64_t *tokens_per_expert,
                                          int64_t *input_splits, int64_t *routes, spr_error *error);

/* DeepSpeed / Tutel slots, slot-major [k,tokens].
 *   capacity      1 .. 2^31-1; a location at or beyond it is an error (SPR_ERROR_SIZE), so give spr_plan_capacity
 *   slot_order    1 = all first choices take their places before any second choice (GShard, DeepSpeed top-2, Tutel);
 *                 0 = token order (DeepSpeed top-k). Routes that were dropped have no place: counts are after drops.
 *   indices       [k,tokens] int32 expert or -1
 *   locations     [k,tokens] int32 place inside the expert, -1 where indices is -1
 *   gates         [k,tokens] float weight, 0 where indices is -1
 *   counts        [experts] int32 */
SPR_API spr_status spr_layout_slots(const int32_t *ids, const float *weights, int64_t tokens, int64_t k,
                                    int64_t experts, int64_t capacity, int32_t slot_order, int32_t *indices,
                                    int32_t *locations, float *gates, int32_t *counts, spr_error *error);

#ifdef __cplusplus
}
#endif

#endif /* SPINROUTE_H */
