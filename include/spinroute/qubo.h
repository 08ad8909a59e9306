/* SPDX-License-Identifier: MIT
 *
 * spinroute/qubo.h - problems, solvers and samples: the QUBO level of Spinroute, and its manual.
 *
 * Life cycle:   problem (what to minimise, immutable)  ->  solver (a backend at work on it)  ->  samples (best first)
 *
 * Two forms of one problem over n variables
 *   QUBO    E(x) = offset + sum_i linear[i] x[i] + sum_{i<j} w[i,j] x[i] x[j],   x[i] in {0,1}
 *   Ising   E(s) = offset + sum_i linear[i] s[i] + sum_{i<j} w[i,j] s[i] s[j],   s[i] = 2 x[i] - 1 in {-1,+1}
 * Energies are minimised, always. States cross this interface as bytes 0 or 1 (x), whatever the form.
 *
 * The conventions of spinroute.h hold: statuses, spr_error, ownership, alignment, threads. Problems are immutable: any
 * number of threads may use one. A solver belongs to one thread at a time; only spr_solver_cancel may come from another.
 */
#ifndef SPINROUTE_QUBO_H
#define SPINROUTE_QUBO_H

#include "../spinroute.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------ problem */

typedef struct spr_problem spr_problem;

/* Forms. */
enum { SPR_QUBO = 0, SPR_ISING = 1 };

/* Makes a problem from a list of entries; everything is copied.
 *   form             SPR_QUBO or SPR_ISING: how linear, values and offset are meant
 *   variables        n, 1 .. 2^31-2
 *   linear           [n] finite, or NULL for zeros
 *   entries          number of entries of rows, columns, values; >= 0
 *   rows, columns    [entries] 0..n-1; (i,j) and (j,i) are the same coupling; entries of the same coupling are added up.
 *                    row == column is x[i]^2 = x[i], added to linear, in a QUBO, and s[i]^2 = 1, added to offset, in an
 *                    Ising problem
 *   values           [entries] finite
 *   offset           finite
 *   problem          receives the handle, or NULL on failure; the caller frees it with spr_problem_free
 * Entries of a coupling are added in the order given. Couplings whose entries add up to 0 are left out. Memory: 24 bytes
 * per coupling and 24 per variable; while it is made 12 more per entry and 16 per variable, and no less than 24 per entry
 * in all. Time grows in proportion to both: about a second for 10^7 entries of 10^5 variables in no order.
 * Returns SPR_OK, SPR_NOTICE_ROUNDED (an Ising problem whose QUBO form had to be rounded), SPR_ERROR_ARGUMENT,
 * SPR_ERROR_MEMORY, SPR_ERROR_NOT_FINITE (also when the absolute values of the coefficients of the QUBO form add up to
 * more than a double holds: so no energy overflows), SPR_ERROR_ALIGNMENT, SPR_ERROR_SIZE, SPR_ERROR_VARIABLE. Any
 * thread. */
SPR_API spr_status spr_problem_from_entries(spr_allocator allocator, void *user, int32_t form, int64_t variables,
                                            const double *linear, int64_t entries, const int32_t *rows,
                                            const int32_t *columns, const double *values, double offset,
                                            spr_problem **problem, spr_error *error);

/* The same from a square matrix: E = offset + sum_ij matrix[i,j] x[i] x[j] over all i and j (or s[i] s[j]); so a coupling
 * weighs matrix[i,j] + matrix[j,i], and an upper triangle alone is as good as a symmetric matrix.
 *   matrix       [n,n] finite;  row_stride in elements, >= n, 0 means n
 * Memory: as spr_problem_from_entries, where pairs that are not both 0 are the entries, and 16 bytes more for each of them
 * while it is made.
 * Returns as spr_problem_from_entries, and SPR_ERROR_STRIDE. Any thread. */
SPR_API spr_status spr_problem_from_dense(spr_allocator allocator, void *user, int32_t form, int64_t variables,
                                          const double *matrix, int64_t row_stride, double offset,
                                          spr_problem **problem, spr_error *error);

/* Reads a text that is in memory; the library opens no files. Lines end with \n or \r\n; blank lines are skipped; text
 * behind # is a comment, and so are lines that begin with % or with the word c. Numbers are decimal, with a point, in any
 * locale. Entries of the same coupling are added up, whatever the order of their indices. Where a text says how many
 * entries it has, it must have that many, neither more nor fewer. A text may have 2^20 variables more than it has bytes, so
 * that no short text takes all memory. Time grows in proportion to the bytes; memory while reading: that of
 * spr_problem_from_entries, and 16 bytes per line (8 per variable more for Ising "coo" and "qplib").
 *   format
 *     "coo"    "i j value" per line, 0-based. Optional first line "n" or "n entries" or "p qubo 0 n diagonals couplings"
 *              (qbsolv); without it n is the largest index + 1. QUBO, minimised; each line counts once, i == j is linear.
 *              A comment line "# vartype=SPIN" makes it an Ising problem, in which i == j is linear as well (as dimod
 *              writes it; "# vartype=BINARY" is a QUBO); "# offset=value" sets the offset.
 *     "bqp"    OR-Library (J.E. Beasley): "n entries", then "i j value", 1-based, to MAXIMISE sum_ij q_ij x_i x_j with q
 *              symmetric and listed once, so that an off-diagonal value counts twice. The problem holds the negative: its
 *              energy is minus the objective. A file of several instances (first line their number) is refused with
 *              SPR_ERROR_PARSE unless the number is 1.
 *     "biqmac" Biq Mac (A. Wiegele) .sparse: the same lines as "bqp", to MINIMISE sum_ij q_ij x_i x_j: energy is the
 *              objective. Nothing in a text tells it from "bqp"; be, gka and bqp50 to bqp500 there are of this kind.
 *     "rudy"   graphs for maximum cut (G-set, rudy, Biq Mac): "n edges", then "i j weight" (weight may be missing: 1),
 *              1-based, i other than j. Ising problem whose energy is minus the weight of the cut: couplings w/2, offset
 *              minus their sum.
 *     "qplib"  QPLIB (F. Furini et al.) .qplib of types with binary variables and no constraints (?BN, ?BB): objective
 *              1/2 x'Q x + b'x + q, 1-based, Q a lower triangle that is not mirrored: each line counts half its value,
 *              once, with which the published optima agree; entries above the diagonal are refused. Minimised, the
 *              energy is the objective; maximised, minus the objective, as the third line says. Lines that begin with !
 *              are comments as well; starting values and names are read over.
 *   text, bytes     the text; it need not end with a zero
 * Returns as spr_problem_from_entries, and SPR_ERROR_PARSE (message: line, what was found, what is accepted),
 * SPR_ERROR_OPTION_NAME (format). The caller frees the problem with spr_problem_free. Any thread. */
SPR_API spr_status spr_problem_from_text(spr_allocator allocator, void *user, const char *format, const char *text,
                                         size_t bytes, spr_problem **problem, spr_error *error);

/* Writes a problem as text of a format above, numbers so that they are read back exactly.
 *   text     [size] receives the text and a terminating zero; may be NULL when size is 0
 *   needed   receives the bytes of text and zero, also when size is too small (then SPR_ERROR_SIZE). May be NULL.
 * "coo" writes the form in which the problem was given. "bqp" needs a QUBO form with offset 0 and writes the negative,
 * couplings halved; "biqmac" the same, not negated. "qplib" writes the QUBO form, to minimise. "rudy" needs an Ising
 * problem without linear part whose offset is minus the sum of the couplings, added in ascending order.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_SIZE, SPR_ERROR_OPTION_NAME, SPR_ERROR_CONFLICT (the format cannot hold the
 * problem, as none holds squares and constraints, or it has more variables than a text of that length may have). Any
 * thread. */
SPR_API spr_status spr_problem_to_text(const spr_problem *problem, const char *format, char *text, size_t size,
                                       size_t *needed, spr_error *error);

/* Frees a problem; solvers made from it must be freed before. One thread. */
SPR_API void spr_problem_free(spr_problem *problem);

/* Numbers of variables and of couplings (pairs i < j with a weight other than 0). Either may be NULL.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. Any thread. */
SPR_API spr_status spr_problem_size(const spr_problem *problem, int64_t *variables, int64_t *couplings,
                                    spr_error *error);

/* Reads a problem back in either form, without squares and constraints: spr_problem_read_terms. Any output may be NULL.
 *   linear [n];  rows, columns, values [couplings] with rows[i] < columns[i], in ascending order;  offset
 * The conversion between forms is exact for coefficients that are integers or multiples of a power of two that leave the
 * sums within 53 bits; SPR_NOTICE_ROUNDED says that some coefficient had to be rounded.
 * Returns SPR_OK, SPR_NOTICE_ROUNDED, SPR_ERROR_ARGUMENT, SPR_ERROR_ALIGNMENT, SPR_ERROR_OVERLAP. Any thread. */
SPR_API spr_status spr_problem_read(const spr_problem *problem, int32_t form, double *linear, int32_t *rows,
                                    int32_t *columns, double *values, double *offset, spr_error *error);

/* Energy of a state, squares included, computed from scratch in double, in a fixed order: the judge of every answer.
 *   bits   [n] 0 or 1
 * Returns SPR_OK, SPR_ERROR_ARGUMENT (a byte that is neither 0 nor 1: message says where). Any thread. */
SPR_API spr_status spr_problem_energy(const spr_problem *problem, const uint8_t *bits, double *energy,
                                      spr_error *error);

/* ------------------------------------------------------------------------------------------ squares and constraints */

/* Kinds of constraints. */
enum {
    SPR_EXACTLY = 0,             /* sum x = bound: one-hot with bound 1, k-hot with bound k; bound whole, 0..members   */
    SPR_AT_MOST = 1              /* sum factor x <= bound: a knapsack; factors and bound >= 0                          */
};

/* What a problem holds beside couplings, kept as objects and never expanded: terms of energy that are squares,
 *     weight[s] (sum_{i in square s} factor[i] x[member[i]] - target[s])^2,
 * (a sum of squares over many variables is a low-rank coupling, with a diagonal in the linear part), and constraints. All is
 * over x in {0,1}, also beside an Ising problem. Lists lie one behind the other: list s is start[s] .. start[s+1]-1. Set size,
 * and what is not used to zero. */
typedef struct spr_problem_terms {
    size_t size;                        /* sizeof(spr_problem_terms) of the caller                                     */
    int64_t squares;                    /* 0 = none                                                                    */
    const int64_t *square_start;        /* [squares+1] ascending from 0                                                */
    const int32_t *square_member;       /* [square_start[squares]] 0..n-1, none twice in a square                      */
    const double *square_factor;        /* as many, finite; NULL = all 1                                               */
    const double *square_weight;        /* [squares] finite, of any sign                                               */
    const double *square_target;        /* [squares] finite; NULL = all 0                                              */
    int64_t constraints;                /* 0 = none                                                                    */
    const int32_t *constraint_kind;     /* [constraints] SPR_EXACTLY, SPR_AT_MOST                                      */
    const int64_t *constraint_start;    /* [constraints+1] ascending from 0                                            */
    const int32_t *constraint_member;   /* [constraint_start[constraints]] 0..n-1, none twice in a constraint          */
    const double *constraint_factor;    /* as many, finite, >= 0; 1 in SPR_EXACTLY; NULL = all 1                       */
    const double *constraint_bound;     /* [constraints] finite                                                        */
} spr_problem_terms;

/* Makes a problem from one without terms, and terms; everything is copied, so base may be freed. No list may be empty. A
 * variable may be a member of one SPR_EXACTLY and of any number of SPR_AT_MOST: where rows and columns must both be one-hot,
 * as in a permutation, say SPR_EXACTLY of the rows and SPR_AT_MOST of the columns. Memory: that of base, and about 24 bytes
 * per member of a square and 32 per member of a constraint.
 * Backends that do not take such problems (SPR_BACKEND_TERMS in spinroute/backend.h) are refused for them, "auto" passes
 * them over; spr_problem_expand is the way to them. Answers keep all constraints, whatever the backend; where it finds no
 * state that does, the solve ends as ever, with 0 samples. Presolve leaves such problems alone.
 * Returns SPR_OK, or SPR_ERROR_ARGUMENT (an impossible list, an empty one, a kind or a bound that is none, a variable twice
 * in a list, a factor that is negative or not 1), SPR_ERROR_CONFLICT (base has terms; a variable in two SPR_EXACTLY),
 * SPR_ERROR_INFEASIBLE (an SPR_EXACTLY bound above its members; an SPR_AT_MOST that is exceeded whatever the members are that
 * SPR_EXACTLY makes 1: what is plain to see, not a proof that there is a state),
 * SPR_ERROR_VARIABLE, SPR_ERROR_NOT_FINITE (also when the absolute terms of the energy add up to more than a double holds),
 * SPR_ERROR_ALIGNMENT, SPR_ERROR_STRUCT_SIZE, SPR_ERROR_SIZE, SPR_ERROR_MEMORY. Any thread. */
SPR_API spr_status spr_problem_with_terms(spr_allocator allocator, void *user, const spr_problem *base,
                                          const spr_problem_terms *terms, spr_problem **problem, spr_error *error);

/* Reads the squares and constraints of a problem: fills terms, whose size is set, with pointers into the problem, valid while
 * it lives; none is NULL but for what has 0 lists. Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STRUCT_SIZE. Any thread. */
SPR_API spr_status spr_problem_read_terms(const spr_problem *problem, spr_problem_terms *terms, spr_error *error);

/* What constraints a state violates. The left side is added up in double in the order of the members, and violates an
 * SPR_AT_MOST if it exceeds the bound by more than 1e-12 times the sum of the factors.
 *   bits         [n] 0 or 1
 *   violated     receives the number of violated constraints, 0 = none; may be NULL
 *   amount       receives the sum of what left sides exceed bounds by, or differ from them; may be NULL
 * Returns SPR_OK, SPR_ERROR_ARGUMENT (a byte that is neither 0 nor 1). Any thread. */
SPR_API spr_status spr_problem_violation(const spr_problem *problem, const uint8_t *bits, int64_t *violated,
                                         double *amount, spr_error *error);

/* The same problem without terms, for any backend: squares as couplings, constraints as penalties. Variables 0..n-1 are the
 * same; behind them lie, constraint by constraint, the slack digits 1, 2, 4, .., rest of each SPR_AT_MOST that can be
 * exceeded. A state with the best slack digits has the energy it had, and weight * (v/u)^2 more for each constraint it
 * violates by v; u is 1, or in SPR_AT_MOST the largest power of two of which all its factors are multiples: so at least
 * weight for each.
 *   weight     finite, > 0 where there are constraints, otherwise not used. More than the energies of states differ by, and the
 *              minimum keeps all constraints.
 * Returns as spr_problem_from_entries, and SPR_ERROR_OPTION_RANGE (weight), SPR_ERROR_UNSUPPORTED (an SPR_AT_MOST whose room
 * is more than 2^40 u: factors such as 0.1 have no u that serves; scale and round them), SPR_ERROR_SIZE (more than 2^31-2
 * variables or couplings to write). The caller frees the problem with spr_problem_free. Any thread. */
SPR_API spr_status spr_problem_expand(spr_allocator allocator, void *user, const spr_problem *problem, double weight,
                                      spr_problem **expanded, spr_error *error);

/* ----------------------------------------------------------------------------------------------------------- registry */

/* The list of backends a solver can be made from: those of the library, and those a program adds (spinroute/backend.h).
 * NULL, wherever a registry is expected, is the list of the library's own. A registry must outlive its solvers and may be
 * shared by threads once nothing is added any more. */
typedef struct spr_registry spr_registry;

/* Makes a registry that holds the library's backends; the caller frees it with spr_registry_free.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY. Any thread. */
SPR_API spr_status spr_registry_new(spr_allocator allocator, void *user, spr_registry **registry, spr_error *error);
SPR_API void spr_registry_free(spr_registry *registry);

/* Number of backends; name and one-sentence summary of backend number index (either may be NULL; constants).
 * *available receives 1 if the backend can run here, otherwise 0 with the reason in error->message (status stays SPR_OK).
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. Any thread. */
SPR_API int32_t spr_registry_count(const spr_registry *registry);
SPR_API spr_status spr_registry_get_info(const spr_registry *registry, int32_t index, const char **name,
                                         const char **summary, int32_t *available, spr_error *error);

/* ------------------------------------------------------------------------------------------------------------- solver */

typedef struct spr_solver spr_solver;

/* Makes a solver.
 *   registry   NULL = the library's backends
 *   backend    a name, or "auto" / NULL: the available backend with the highest preference for this problem
 *   problem    must outlive the solver
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY, SPR_ERROR_OPTION_NAME (no such backend), SPR_ERROR_UNSUPPORTED (it
 * cannot run here, or does not accept this problem, or not its squares and constraints: message says why). The caller frees
 * the solver with spr_solver_free, when no call on it runs. Any thread. */
SPR_API spr_status spr_solver_new(spr_allocator allocator, void *user, const spr_registry *registry,
                                  const char *backend, const spr_problem *problem, spr_solver **solver,
                                  spr_error *error);
SPR_API void spr_solver_free(spr_solver *solver);

/* Name of the backend at work: a constant of the backend. NULL for NULL. Any thread. */
SPR_API const char *spr_solver_backend(const spr_solver *solver);

/* Options by name: first those of every solver, then the backend's own.
 *   "seed"      integer  0 .. 2^53  (default 0)      numbers drawn are a function of seed, stream and counter
 *   "work"      integer  0 .. 2^53  (default 0)      limit in the backend's counted steps; 0 = none
 *   "seconds"   real     0 .. 1e6   (default 0)      wall-clock limit; 0 = none. Not repeatable: the result says the steps
 *   "target"    real     any        (default -inf)   stop once an energy <= target is found
 *   "samples"   integer  1 .. 10000 (default 10)     most samples kept
 *   "presolve"  auto off on         (default auto)   reduce the problem (spr_problem_reduce) before the backend sees it; auto: for
 *                                                    backends that ask for it, where a look at the problem promises something
 *   "bound"     auto off roof       (default auto)   a lower bound before the backend begins: auto, what presolve, where it is
 *               spectral                             done, has for little; the others as in spr_problem_bound. A sample that
 *                                                    meets it ends the solve
 * spr_solver_option_count is their number (NULL: of those of every solver), index 0-based; texts are constants. A value out of
 * range is refused, never clamped; spr_solver_set_text takes a word of a choice or a decimal number.
 * Return SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OPTION_NAME, _TYPE, _RANGE. The solver's thread. */
SPR_API int32_t spr_solver_option_count(const spr_solver *solver);
SPR_API spr_status spr_solver_option_get_info(const spr_solver *solver, int32_t index, spr_option_info *info,
                                              spr_error *error);
SPR_API spr_status spr_solver_set_integer(spr_solver *solver, const char *name, int64_t value, spr_error *error);
SPR_API spr_status spr_solver_set_real(spr_solver *solver, const char *name, double value, spr_error *error);
SPR_API spr_status spr_solver_set_text(spr_solver *solver, const char *name, const char *value, spr_error *error);

/* A state to start from in the next spr_solver_solve; copied. It is a sample of that solve, so no answer is worse.
 *   bits   [n] 0 or 1; NULL forgets it. It must keep the constraints of the problem
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY, SPR_ERROR_INFEASIBLE (message: the first constraint violated). The
 * solver's thread. */
SPR_API spr_status spr_solver_set_start(spr_solver *solver, const uint8_t *bits, spr_error *error);

/* Called between steps from spr_solver_solve: steps done, best energy so far (+inf if none), seconds since the start (0
 * without "seconds" set: no clock is read then). It may call spr_solver_cancel and nothing else on the solver. A return
 * value other than 0 cancels. NULL (the state of a new solver) for none.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. The solver's thread. */
typedef int32_t (*spr_progress)(void *user, int64_t work, double energy, double seconds);
SPR_API spr_status spr_solver_set_progress(spr_solver *solver, spr_progress progress, void *user, spr_error *error);

/* Lends the solver a parallel-for (spinroute.h) for its later solves; NULL, NULL (the state of a new solver) means the calling
 * thread. Backends that can use it run several replicas at once; samples, energies and counted work are the same with and
 * without it. Memory grows: by as many replicas as run at once.
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. The solver's thread. */
SPR_API spr_status spr_solver_set_parallel(spr_solver *solver, spr_parallel_for parallel_for, void *user, spr_error *error);

/* How a solve ended: apart from its status, which says whether the call failed. */
enum {
    SPR_OUTCOME_NONE = 0,        /* not solved yet                                                                     */
    SPR_OUTCOME_OPTIMAL = 1,     /* presolve or the backend has proved the first sample optimal                        */
    SPR_OUTCOME_TARGET = 2,      /* the target energy was reached                                                      */
    SPR_OUTCOME_FINISHED = 3,    /* the backend has done what it does                                                  */
    SPR_OUTCOME_WORK = 4,        /* the limit "work" was reached                                                       */
    SPR_OUTCOME_TIME = 5,        /* the limit "seconds" was reached                                                    */
    SPR_OUTCOME_CANCELLED = 6,   /* spr_solver_cancel, or the progress callback                                        */
    SPR_OUTCOME_FAILED = 7       /* the backend failed: the status says how; samples verified before that are kept     */
};

/* What a solve found out. Set size. */
typedef struct spr_solve_result {
    size_t size;                 /* sizeof(spr_solve_result) of the caller                                             */
    int64_t outcome;             /* SPR_OUTCOME_*                                                                      */
    int64_t work;                /* counted steps done                                                                 */
    int64_t offers;              /* states offered by the backend, or the one presolve has come to; all verified       */
    int64_t samples;             /* samples kept                                                                       */
    int64_t seed;                /* the seed used                                                                      */
    double energy;               /* of the first sample, +inf if none                                                  */
    double lower_bound;          /* proved by presolve or the backend; -inf if nothing was                             */
    double seconds;              /* wall clock, 0 unless "seconds" was set                                             */
} spr_solve_result;

/* Solves: runs the backend step by step until it ends or a limit is reached. Every offered energy is computed anew from
 * the problem; a backend that lies, fails, stands still or overruns is stopped, and what was verified before is kept.
 *   result   may be NULL
 * Returns SPR_OK (outcome says how it ended), or SPR_ERROR_ARGUMENT, SPR_ERROR_STRUCT_SIZE, SPR_ERROR_MEMORY,
 *   SPR_ERROR_BACKEND           the backend returned a failure; its own sentence is in the message
 *   SPR_ERROR_BACKEND_CLAIM     it claimed an energy or a bound that is not true, or offered a state that is none or
 *                               violates a constraint
 *   SPR_ERROR_BACKEND_STALLED   it neither works nor ends: 1000 steps in a row without counted work
 *   SPR_ERROR_BACKEND_OVERRUN   a step did more than the work it was allowed, or took far longer than it may
 *   SPR_ERROR_UNSUPPORTED, SPR_ERROR_SIZE   the option "bound" asks for what cannot be had: see spr_problem_bound
 * One thread at a time. Same problem, options, start and backend: same samples (backends that say they are deterministic,
 * no "seconds"). */
SPR_API spr_status spr_solver_solve(spr_solver *solver, spr_solve_result *result, spr_error *error);

/* Asks a running or the next spr_solver_solve to stop soon. The only call allowed from other threads and from signal
 * handlers. */
SPR_API void spr_solver_cancel(spr_solver *solver);

/* Sample number index of the last solve: distinct states, ordered by energy, then by their bits.
 *   bits     [n] or NULL;   energy, occurrences (how often it was offered) may be NULL
 * Returns SPR_OK, SPR_ERROR_ARGUMENT. The solver's thread. */
SPR_API spr_status spr_solver_get_sample(const spr_solver *solver, int64_t index, uint8_t *bits, double *energy,
                                         int64_t *occurrences, spr_error *error);

/* ----------------------------------------------------------------------------------------------------------- presolve */

/* What a solver's option "presolve" does, as calls of their own: a smaller problem with the same minimum, and the way back. */
typedef struct spr_reduction spr_reduction;

/* Reduces a problem until nothing applies any more. The rules, each of which leaves an optimum of what is there:
 *   isolated      no coupling (left): the better value
 *   persistent    one value is best whatever the others are (P. Hammer and S. Rudeanu, 1968)
 *   dominated     one coupling outweighs the rest of a variable's row: equal or opposite to that neighbour
 *   pairs         what two coupled variables imply together (F. Glover, M. Lewis and G. Kochenberger, 2018): one fixed, or
 *                 equal or opposite
 *   degree 1 to 3 the variable minimised out, its neighbours coupled instead. Degree 3 where three couplings can say it, as
 *                 without linear part in the Ising form (star and triangle). At first only what leaves equal sizes of
 *                 couplings equal, and the power of two that divides them, so that solvers can go on counting in narrow
 *                 numbers; the rest, when it is at least one variable in 3 of what is left
 *   roof          values that some optimum has by roof duality (P. Hammer, P. Hansen and B. Simeone, 1984; E. Boros and
 *                 P. Hammer, 2002), by one maximum flow of limited effort; not with more than 40 couplings per variable
 * With coefficients that are multiples of a power of two and together take up to 50 bits, all is exact: every energy of the
 * reduced problem is that of the restored state, and the minimum is the same. Otherwise rounding of single sums is added up, no
 * decision is taken that it could turn, and roof duality gives no values.
 *   problem      without squares and constraints
 *   reduced      receives what is left, a QUBO; NULL if no variable is left. The caller frees it with spr_problem_free, in any
 *                order with problem and reduction
 *   reduction    receives the way back; the caller frees it with spr_reduction_free
 * Time and memory are proportional to variables and couplings: about 100 bytes for each while it runs, and 72 per variable in the
 * reduction. Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY, SPR_ERROR_UNSUPPORTED (squares or constraints),
 * SPR_ERROR_SIZE (more than 2^30 couplings), SPR_ERROR_NOT_FINITE (coefficients of what is left would add up to more than a
 * double holds). Any thread. */
SPR_API spr_status spr_problem_reduce(spr_allocator allocator, void *user, const spr_problem *problem, spr_problem **reduced,
                                      spr_reduction **reduction, spr_error *error);
SPR_API void spr_reduction_free(spr_reduction *reduction);

/* The best state of the problem that goes with one of the reduced problem: same energy.
 *   reduced_bits   [variables left] 0 or 1; may be NULL if none is left
 *   bits           [variables of the problem]
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OVERLAP. Any thread. */
SPR_API spr_status spr_reduction_restore(const spr_reduction *reduction, const uint8_t *reduced_bits, uint8_t *bits,
                                         spr_error *error);

/* The other way: the values of what is left in a state of the problem. Restoring the result gives another state than bits where
 * bits does not agree with what was fixed.
 *   bits           [variables of the problem] 0 or 1
 *   reduced_bits   [variables left]; may be NULL if none is left
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_OVERLAP. Any thread. */
SPR_API spr_status spr_reduction_project(const spr_reduction *reduction, const uint8_t *bits, uint8_t *reduced_bits,
                                         spr_error *error);

/* What a reduction did. Set size. */
typedef struct spr_reduce_report {
    size_t size;                 /* sizeof(spr_reduce_report) of the caller                                         */
    int64_t variables;           /* left                                                                               */
    int64_t couplings;           /* left                                                                               */
    int64_t components;          /* connected components of what is left                                               */
    int64_t isolated;            /* variables gone by each rule, from here to roof                                     */
    int64_t persistent;
    int64_t dominated;
    int64_t pairs;
    int64_t degree_1;
    int64_t degree_2;
    int64_t degree_3;
    int64_t roof;
    double lower_bound;          /* no state of the problem has an energy below                                        */
    double rounding;             /* energies of the reduced problem may be off by that much; 0: all is exact           */
} spr_reduce_report;

/* Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_STRUCT_SIZE, SPR_ERROR_ALIGNMENT. Any thread. */
SPR_API spr_status spr_reduction_report(const spr_reduction *reduction, spr_reduce_report *report, spr_error *error);

/* A number that no state of the problem has an energy below.
 *   method    "roof": the roof dual of what presolve leaves, whatever it costs. Good for sparse problems with strong linear parts
 *             "spectral": of the least eigenvalue, after some steps that improve the diagonal (S. Poljak and F. Rendl, 1995).
 *             Good for dense problems; n up to 8192, memory 16 n^2 bytes, time some multiples of n^3. Not repeatable to the
 *             bit. A library that was built with make WITH_LAPACKE=1 has it
 * Returns SPR_OK, SPR_ERROR_ARGUMENT, SPR_ERROR_MEMORY, SPR_ERROR_OPTION_NAME (method), SPR_ERROR_SIZE, SPR_ERROR_NOT_FINITE,
 * SPR_ERROR_UNSUPPORTED (squares or constraints; no LAPACK, or it finds no eigenvalue). Any thread. */
SPR_API spr_status spr_problem_bound(spr_allocator allocator, void *user, const spr_problem *problem, const char *method,
                                     double *bound, spr_error *error);

/* ---------------------------------------------------------------------------------------------------------- "anneal"
 *
 * The backend for problems of any size; what needs saying beyond its options (spr_solver_option_get_info).
 *
 * Numbers    Coefficients that are whole multiples of a power of two (down to 2^-20, up to 2^40) are computed exactly in narrow
 *            whole numbers: int8_t fields where all couplings have one size, else int16_t; fields that would leave int16_t
 *            become floats, exact up to 2^23, and from there on all is float. Energies that count are double, by the engine.
 * Layout     "dense": one replica, rows of int8_t, int16_t or float, all n of a row added per flip. "sparse": 64 replicas side by
 *            side, one per SIMD lane. "auto" takes the one whose flips are cheaper.
 * Memory     dense: n * (n rounded up to 32) * 1, 2 or 4 bytes; sparse: 4 to 8 bytes per entry (two per coupling) and
 *            128, 256 or 512 bytes per variable. Both: some 80 bytes per variable for elite, results and indices. With a
 *            parallel-for there are 8 times the replicas beside the one matrix. n = 1e5 with 1e7 couplings of whole numbers: 0.16
 *            GB beside the 0.24 GB of the problem.
 * Search     "method" = "auto": rounds of 8 runs, longer from round to round; most start from children of two elite states: what
 *            they agree on, chance elsewhere, at part of the temperature. On sparse rows the best of 64 states takes over, cluster
 *            by cluster, what others do better (partition crossover); where that has nothing to give, the 64 are a population
 *            instead. "anneal": independent anneals. "population", "tempering" (sparse: 32 temperatures, isoenergetic
 *            clusters), "tabu", "relink": as their names say; sources in lib/backend/anneal.
 * Work       One unit is a part of a sweep, of one replica or of 64: a sweep has 1 + n^2/2^25 units (dense), or 1 + (2 couplings +
 *            16 n)/2^20 (sparse). With squares or constraints a unit is 1000 proposed moves.
 * Ends       With "work" or "seconds" it goes on until then; with "reads" after so many replicas; else after 6 rounds. Without
 *            "reads" the first run is a single sweep, so that there is an answer at once: a run that a limit cuts off offers
 *            nothing. Dense, with more than 2^18 couplings, what short runs find is offered when their round is over.
 * Squares and constraints are kept by the moves: every state offered satisfies them. If none is found there is no sample.
 * Threads    Runs of a round go to the parallel-for of spr_solver_set_parallel. The same samples and work with any number of
 *            threads, kernel and slicing. */

#ifdef __cplusplus
}
#endif

#endif /* SPINROUTE_QUBO_H */
