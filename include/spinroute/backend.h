/* SPDX-License-Identifier: MIT
 *
 * spinroute/backend.h - for authors of solver backends.
 *
 * A backend proposes states of a problem; the engine owns time, work limits, cancellation, memory, randomness and truth.
 * So a backend is six functions and some data, and the suite in tests/conform runs over it without another line.
 * This header may change faster than spinroute.h: SPR_BACKEND_ABI says when. New members come at the end of structs only.
 */
#ifndef SPINROUTE_BACKEND_H
#define SPINROUTE_BACKEND_H

#include "qubo.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPR_BACKEND_ABI 1

/* What a backend sees of a problem: always its QUBO form, symmetric, rows in ascending order of column. Valid and constant
 * from init to fini.   E(x) = offset + sum_i linear[i] x[i] + 1/2 sum_i sum_{j in row i} value[j] x[i] x[column[j]] */
typedef struct spr_problem_view {
    size_t size;                 /* sizeof(spr_problem_view) of the engine                                             */
    int64_t variables;           /* n                                                                                  */
    int64_t couplings;           /* pairs i < j                                                                        */
    const double *linear;        /* [n]                                                                                */
    const int64_t *row_start;    /* [n+1] row i is row_start[i] .. row_start[i+1]-1                                    */
    const int32_t *column;       /* [2*couplings]                                                                      */
    const double *value;         /* [2*couplings]                                                                      */
    double offset;
    /* Squares and constraints, all arrays given; NULL = none. Only a backend with SPR_BACKEND_TERMS sees any; E above is then
     * the part without the squares, and every state it offers must keep the constraints. */
    const struct spr_problem_terms *terms;
} spr_problem_view;

/* What the engine lends a backend, from init to fini; the only functions a backend may call. */
typedef struct spr_host {
    size_t size;                 /* sizeof(spr_host) of the engine                                                     */
    void *engine;                /* passed back to the functions below                                                 */
    const spr_problem_view *problem;

    /* Memory, freed by the engine after fini. Only init may allocate; after it the answer is NULL. NULL also when there is
     * none: return SPR_ERROR_MEMORY then. Aligned to 64 bytes, zeroed. */
    void *(*allocate)(void *engine, size_t bytes);

    /* Random bits: number counter of stream stream, a function of the option "seed" and these two. Pure. */
    uint64_t (*random)(void *engine, uint64_t stream, uint64_t counter);

    /* Offers a state with the energy it claims to have (NaN: no claim). The engine computes the energy anew, which costs as
     * much as reading the problem once, so offer what is worth it. A claim may differ from the truth by 1e-9 of the scale:
     * |offset| plus the sum of the absolute coefficients. Not 0: stop, return from step as soon as possible, with
     * SPR_STEP_RUNNING: whoever was stopped is not done. The bits are copied. */
    int32_t (*offer)(void *engine, const uint8_t *bits, double energy);

    /* States that no state of the problem has an energy below bound. The engine believes it unless a sample refutes it by
     * more than 1e-9 of the scale. A backend that is done, and has proved a bound within 4e-12 of the scale of the best
     * sample, has proved that sample optimal. Only with SPR_BACKEND_PROVES. */
    void (*prove)(void *engine, double bound);

    /* Not 0: cancelled, or out of time; look at it at least every 10 ms in a long step. */
    int32_t (*cancelled)(void *engine);

    /* Value of one of the backend's own options (a choice as its index). NaN if there is no such option. */
    double (*option)(void *engine, const char *name);

    /* The parallel-for of spr_solver_set_parallel: calls task(context, i) for i = 0 .. count-1, in any order, perhaps at the
     * same time, and returns when all are done. Tasks may call nothing of the host but random. NULL if there is none: what
     * a backend offers must not depend on that. */
    void (*parallel)(void *engine, int64_t count, spr_parallel_task task, void *context);

    /* Not 0: "seconds" or "work" is set, so a backend that could go on for ever may do so. */
    int32_t limited;

    /* The option "target": an offer that low ends the solve, so make it at once. */
    double target;
} spr_host;

/* Capabilities, bits. */
enum {
    SPR_BACKEND_DETERMINISTIC = 1,  /* same problem, options, seed and start: same offers in the same order after the same
                                       work, whatever the budgets of the steps are                                     */
    SPR_BACKEND_PROVES = 2,         /* may call prove                                                                  */
    SPR_BACKEND_PRESOLVE = 4,       /* wants the problem presolved when the option "presolve" is auto: it then sees what
                                       is left, which may be anything that spr_problem_reduce makes of a problem it accepts */
    SPR_BACKEND_TERMS = 8           /* takes problems with squares and constraints                                     */
};

/* Results of step. Anything else is a failure: a negative status, with the reason in error. */
enum { SPR_STEP_RUNNING = 0, SPR_STEP_DONE = 1 };

/* One backend: a constant, with static lifetime. A member is used if it lies within size; a function marked optional may
 * be NULL. A backend has no global state; several of its states may live at once, in different threads. */
typedef struct spr_backend {
    size_t size;                 /* sizeof(spr_backend)                                                                */
    int32_t abi;                 /* SPR_BACKEND_ABI                                                                    */
    int32_t capabilities;        /* SPR_BACKEND_*                                                                      */
    const char *name;            /* [a-z0-9-], at most 31 characters                                                   */
    const char *summary;         /* one sentence                                                                       */
    size_t state_size;           /* bytes of state; the engine allocates them, zeroed, aligned to 64 bytes             */
    const spr_option_info *options;  /* [option_count] or NULL; names must differ from those of every solver           */
    int64_t option_count;

    /* Optional. Can it run here at all: library present, credentials, device? SPR_OK, or SPR_ERROR_UNSUPPORTED with the
     * reason in error. No side effects. */
    spr_status (*probe)(spr_error *error);

    /* How well it suits a problem: 0 = not at all (reason in error), 1..100 = preference for "auto". Pure and quick. */
    int32_t (*accepts)(const spr_problem_view *problem, spr_error *error);

    /* Prepares state. After a failure (anything but SPR_OK) fini is still called and must cope. May allocate. error is never
     * NULL, here and in warm and step; in probe and accepts it may be. */
    spr_status (*init)(void *state, const spr_host *host, spr_error *error);

    /* Optional. Start from this state; called after init, before the first step. The engine has offered it already. It may
     * offer a better one at once. */
    spr_status (*warm)(void *state, const uint8_t *bits, spr_error *error);

    /* Does at most budget units of work (budget >= 1), adds them to *used (0 before the call), and returns SPR_STEP_RUNNING,
     * SPR_STEP_DONE or a failure; then it is not called again. What a unit is, the backend says in its summary of options;
     * one unit must not take longer than about 10 ms. Does not block longer than that either: a remote backend polls here,
     * and a poll is a unit. 1000 steps in a row that use nothing are taken for the end of it (SPR_ERROR_BACKEND_STALLED), a
     * step that uses more than its budget, or that takes more than 2 seconds when "seconds" is set, for an overrun: without
     * "seconds" no clock is read, and budgets are 256 units; with it they are a few milliseconds' worth. No allocation. */
    spr_status (*step)(void *state, int64_t budget, int64_t *used, spr_error *error);

    /* Releases whatever is not the engine's memory. Called exactly once. */
    void (*fini)(void *state);
} spr_backend;

/* Adds a backend to a registry; the struct must outlive it.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT (message names the member that is missing or wrong), SPR_ERROR_CONFLICT (name of the
 * backend or of an option taken), SPR_ERROR_STRUCT_SIZE, SPR_ERROR_UNSUPPORTED (another SPR_BACKEND_ABI), SPR_ERROR_SIZE
 * (64 are there already). One thread. */
SPR_API spr_status spr_registry_add(spr_registry *registry, const spr_backend *backend, spr_error *error);

#ifdef __cplusplus
}
#endif

#endif /* SPINROUTE_BACKEND_H */
