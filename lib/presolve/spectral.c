/* SPDX-License-Identifier: MIT
 * The spectral bound (S. Poljak and F. Rendl, "Solving the max-cut problem using eigenvalues", 1995): as spins, with one more
 * spin that carries the fields, E = constant + s'Qs, and s'Qs >= N lambda_min(Q + diag u) - sum u for every u. LAPACK finds
 * the eigenvalue, and u goes where the squares of the lowest eigenvectors, taken together, say. Built by make WITH_LAPACKE=1 only: the one file that needs more than libc. */
#include "presolve.h"

#ifndef SPR_WITH_LAPACKE

spr_status spr__presolve_spectral(const spr__memory *memory, const spr_problem_view *view,
                                  const spr__presolve_limits *limits, double *bound, spr_error *error)
{
    (void)memory;
    (void)view;
    (void)limits;
    (void)bound;
    return spr__fail(error, SPR_ERROR_UNSUPPORTED, "the bound \"spectral\" needs LAPACK, and this library was built without; "
                     "make WITH_LAPACKE=1 builds it with");
}

#else

#include "../base/arena.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* the largest problem; eigenvalues computed are as many as take about so many multiplications, within these limits */
enum { SPECTRAL_MOST = 8192, SPECTRAL_LEAST_STEPS = 3, SPECTRAL_MOST_STEPS = 100, SPECTRAL_VECTORS = 8 };
static const double spectral_work = 4e10;

typedef struct spectral_frame {
    int64_t n;                   /* spins, with that of the fields */
    int fields;
    double *q, *copy;            /* [n*n] */
    double *shift, *slope;       /* [n] and where the shifts should go */
    double *vector;              /* [SPECTRAL_VECTORS*n] */
    double *values;              /* [n] LAPACK wants room for all eigenvalues */
    double constant;
    double size;                 /* sum of all absolute coefficients */
    void *block;
    size_t bytes;
} spectral_frame;

static int spectral_open(spectral_frame *frame, const spr__memory *memory, int64_t n)
{
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)frame->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        spr__arena arena = {pass == 0 ? NULL : (char *)frame->block + skip, 0};
        frame->q = (double *)spr__arena_take(&arena, (size_t)(n * n), sizeof(double));
        frame->copy = (double *)spr__arena_take(&arena, (size_t)(n * n), sizeof(double));
        frame->shift = (double *)spr__arena_take(&arena, (size_t)n, sizeof(double));
        frame->slope = (double *)spr__arena_take(&arena, (size_t)n, sizeof(double));
        frame->vector = (double *)spr__arena_take(&arena, (size_t)n * SPECTRAL_VECTORS, sizeof(double));
        frame->values = (double *)spr__arena_take(&arena, (size_t)n, sizeof(double));
        if (pass == 0) {
            frame->bytes = arena.used + SPR_ALIGNMENT;
            frame->block = arena.used == SIZE_MAX ? NULL : spr__allocate(memory, frame->bytes);
            if (frame->block == NULL)
                return 0;
        }
    }
    frame->n = n;
    return 1;
}

static double spectral_field(const spr_problem_view *view, int64_t i)
{
    double field = 0.5 * view->linear[i];
    for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++)
        field += 0.25 * view->value[at];
    return field;
}

/* Half of every coupling and field on either side of the diagonal. */
static void spectral_fill(spectral_frame *frame, const spr_problem_view *view)
{
    const int64_t n = frame->n;
    memset(frame->q, 0, (size_t)(n * n) * sizeof frame->q[0]);
    memset(frame->shift, 0, (size_t)n * sizeof frame->shift[0]);
    double squares = 0.0;
    frame->constant = view->offset;
    frame->size = fabs(view->offset);
    for (int64_t i = 0; i < view->variables; i++) {
        double pairs = 0.0;
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++) {
            frame->q[i * n + view->column[at]] = 0.125 * view->value[at];
            pairs += 0.125 * view->value[at];
            frame->size += fabs(view->value[at]);
        }
        frame->constant += 0.5 * view->linear[i] + pairs;
        frame->size += fabs(view->linear[i]);
        if (frame->fields) {
            const double half = 0.5 * spectral_field(view, i);
            frame->q[i * n + n - 1] = frame->q[(n - 1) * n + i] = half;
            squares += half * half;
        }
    }
    /* the row of the fields is much heavier than others: about so much on its diagonal, and little on theirs, makes up for it */
    if (frame->fields)
        frame->shift[n - 1] = 0.6 * sqrt(squares * (double)n);
}

/* Lower eigenvectors weigh more; with one alone, steps would go to and fro. */
static void spectral_slope(spectral_frame *frame, int64_t found)
{
    const int64_t n = frame->n;
    const double *values = frame->values, width = (values[found - 1] - values[0]) / 3.0;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        frame->slope[i] = -1.0;
    for (int64_t k = 0; k < found; k++)
        sum += width > 0.0 ? exp((values[0] - values[k]) / width) : 1.0;
    for (int64_t k = 0; k < found; k++) {
        const double weight = (width > 0.0 ? exp((values[0] - values[k]) / width) : 1.0) / sum;
        for (int64_t i = 0; i < n; i++)
            frame->slope[i] += weight * (double)n * frame->vector[k * n + i] * frame->vector[k * n + i];
    }
}

/* The bound that the shift gives, less what rounding may have added; the slope there. -inf if LAPACK fails. */
static double spectral_evaluate(spectral_frame *frame)
{
    const int64_t n = frame->n, vectors = n < SPECTRAL_VECTORS ? n : SPECTRAL_VECTORS;
    double shifts = 0.0, absolute = 0.0, squares = 0.0;
    lapack_int found = 0, support[2 * SPECTRAL_VECTORS];
    memcpy(frame->copy, frame->q, (size_t)(n * n) * sizeof frame->q[0]);
    for (int64_t i = 0; i < n; i++) {
        frame->copy[i * n + i] += frame->shift[i];
        shifts += frame->shift[i];
        absolute += fabs(frame->shift[i]);
    }
    for (int64_t k = 0; k < n * n; k++)
        squares += frame->copy[k] * frame->copy[k];
    const lapack_int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', (lapack_int)n, frame->copy, (lapack_int)n, 0.0,
                                           0.0, 1, (lapack_int)vectors, 0.0, &found, frame->values, frame->vector, (lapack_int)n, support);
    if (info != 0 || found != vectors || !isfinite(frame->values[0]))
        return -INFINITY;
    spectral_slope(frame, vectors);
    /* backward stable: the eigenvalue is off by a small multiple of n epsilon times the norm */
    const double spins = (double)n, epsilon = 16.0 * spins * DBL_EPSILON;
    return frame->constant + spins * frame->values[0] - shifts -
           epsilon * (spins * sqrt(squares) * 1.01 + absolute + frame->size + fabs(frame->constant));
}

spr_status spr__presolve_spectral(const spr__memory *memory, const spr_problem_view *view,
                                  const spr__presolve_limits *limits, double *bound, spr_error *error)
{
    spectral_frame frame;
    memset(&frame, 0, sizeof frame);
    if (view->variables > SPECTRAL_MOST)
        return spr__fail(error, SPR_ERROR_SIZE, "the problem has %lld variables; the bound \"spectral\" takes up to %d",
                         (long long)view->variables, SPECTRAL_MOST);
    for (int64_t i = 0; i < view->variables; i++)
        frame.fields |= spectral_field(view, i) != 0.0;
    if (!spectral_open(&frame, memory, view->variables + (frame.fields != 0)))
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for two matrices of %lld rows", (long long)view->variables + 1);
    spectral_fill(&frame, view);
    const double cube = (double)frame.n * (double)frame.n * (double)frame.n, many = spectral_work / cube;
    const int steps = many < SPECTRAL_LEAST_STEPS ? SPECTRAL_LEAST_STEPS
                                                  : many > SPECTRAL_MOST_STEPS ? SPECTRAL_MOST_STEPS : (int)many;
    double best = -INFINITY, last = -INFINITY, length = 0.0;
    for (int step = 0; step < steps; step++) {
        const double found = spectral_evaluate(&frame);
        if (found == -INFINITY || (limits->late != NULL && limits->late(limits->user)))
            break;
        /* the first step is a part of what the mean spin adds; then longer while they help, shorter where they do not */
        length = step == 0 ? 0.2 * fabs(found - frame.constant) / (double)frame.n : length * (found > last ? 1.2 : 0.6);
        best = found > best ? found : best;
        last = found;
        for (int64_t i = 0; i < frame.n; i++)
            frame.shift[i] += length * frame.slope[i];
    }
    spr__release(memory, frame.block, frame.bytes);
    if (best == -INFINITY)
        return spr__fail(error, SPR_ERROR_UNSUPPORTED, "LAPACK finds no eigenvalue of this problem's matrix");
    *bound = best;
    return SPR_OK;
}

#endif
