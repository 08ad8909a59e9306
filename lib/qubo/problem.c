/* SPDX-License-Identifier: MIT
 * Making problems: entries are checked, merged and mirrored into symmetric rows. */
#include "problem.h"
#include "couplings.h"
#include "../base/arena.h"
#include "../base/array.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* Entries as the caller gives them. */
typedef struct problem_entries {
    int64_t variables, entries;
    const double *linear;
    const int32_t *rows, *columns;
    const double *values;
    int cut;                     /* the offset follows from the couplings */
} problem_entries;

/* A caller's matrix, and what becomes of it. */
typedef struct problem_matrix {
    const double *matrix;
    int64_t n, stride;
} problem_matrix;

typedef struct problem_pairs {
    double *values;
    int32_t *rows, *columns;
} problem_pairs;

enum { PROBLEM_TILE = 32 };

static spr_status problem_check_shape(int32_t form, int64_t variables, spr_error *error)
{
    if (form != SPR_QUBO && form != SPR_ISING)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "form is %d; accepted is 0 (QUBO), 1 (Ising)", (int)form);
    if (variables < 1)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "variables is %lld; accepted is 1..%d", (long long)variables,
                         INT32_MAX - 1);
    if (variables > INT32_MAX - 1 || (uint64_t)variables > SIZE_MAX / 64)
        return spr__fail(error, SPR_ERROR_SIZE,
                         "variables is %lld; accepted is 1..%d, as far as memory can be addressed",
                         (long long)variables, INT32_MAX - 1);
    return SPR_OK;
}

static spr_status problem_check_entries(const problem_entries *in, double offset, spr_error *error)
{
    const int64_t n = in->variables;
    if (in->entries < 0 || (in->entries > 0 && (in->rows == NULL || in->columns == NULL || in->values == NULL)))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "entries is %lld; rows, columns and values must hold that many",
                         (long long)in->entries);
    if ((uint64_t)in->entries > SIZE_MAX / 64)
        return spr__fail(error, SPR_ERROR_SIZE, "entries is %lld; that many do not fit the address space",
                         (long long)in->entries);
    const spr__array arrays[] = {{"linear", in->linear, 0, sizeof(double), 0},
                                 {"rows", in->rows, 0, sizeof(int32_t), 0},
                                 {"columns", in->columns, 0, sizeof(int32_t), 0},
                                 {"values", in->values, 0, sizeof(double), 0}};
    spr_status status = spr__check_arrays(arrays, 4, error);
    if (status != SPR_OK)
        return status;
    if (!isfinite(offset))
        return spr__fail(error, SPR_ERROR_NOT_FINITE, "offset is %g; it must be finite", offset);
    for (int64_t i = 0; in->linear != NULL && i < n; i++)
        if (!isfinite(in->linear[i]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "linear[%lld] is %g; it must be finite", (long long)i,
                             in->linear[i]);
    for (int64_t k = 0; k < in->entries; k++) {
        if (in->rows[k] < 0 || in->rows[k] >= n || in->columns[k] < 0 || in->columns[k] >= n)
            return spr__fail(error, SPR_ERROR_VARIABLE, "entry %lld is at row %d, column %d; accepted is 0..%lld",
                             (long long)k, (int)in->rows[k], (int)in->columns[k], (long long)n - 1);
        if (!isfinite(in->values[k]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "values[%lld] is %g; it must be finite", (long long)k,
                             in->values[k]);
    }
    return SPR_OK;
}

static spr_status problem_allocate(spr__memory memory, int32_t form, int64_t n, int64_t couplings, spr_problem **made,
                                   spr_error *error)
{
    spr_problem *problem = (spr_problem *)spr__allocate(&memory, sizeof *problem);
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a problem of %lld variables", (long long)n);
    memset(problem, 0, sizeof *problem);
    problem->memory = memory;
    problem->form = form;
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)problem->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        spr__arena arena = {pass == 0 ? NULL : (char *)problem->block + skip, 0};
        problem->view.linear = (const double *)spr__arena_take(&arena, (size_t)n, sizeof(double));
        problem->view.row_start = (const int64_t *)spr__arena_take(&arena, (size_t)n + 1, sizeof(int64_t));
        problem->view.column = (const int32_t *)spr__arena_take(&arena, 2 * (size_t)couplings, sizeof(int32_t));
        problem->view.value = (const double *)spr__arena_take(&arena, 2 * (size_t)couplings, sizeof(double));
        if (form == SPR_ISING)
            problem->original_linear = (double *)spr__arena_take(&arena, (size_t)n, sizeof(double));
        if (pass == 0) {
            problem->block_bytes = arena.used == SIZE_MAX ? SIZE_MAX : arena.used + SPR_ALIGNMENT;
            problem->block = arena.used == SIZE_MAX ? NULL : spr__allocate(&memory, problem->block_bytes);
            if (problem->block == NULL) {
                spr__release(&memory, problem, sizeof *problem);
                return spr__fail(error, SPR_ERROR_MEMORY,
                                 "no memory for a problem of %lld variables and %lld couplings",
                                 (long long)n, (long long)couplings);
            }
        }
    }
    problem->view.size = sizeof problem->view;
    problem->view.variables = n;
    problem->view.couplings = couplings;
    *made = problem;
    return SPR_OK;
}

spr_status spr__problem_copy(const spr__memory *memory, const spr_problem *from, spr_problem **problem, spr_error *error)
{
    const size_t n = (size_t)from->view.variables, ends = 2 * (size_t)from->view.couplings;
    spr_problem *made;
    spr_status status = problem_allocate(*memory, from->form, from->view.variables, from->view.couplings, &made, error);
    if (status != SPR_OK)
        return status;
    memcpy((double *)(uintptr_t)made->view.linear, from->view.linear, n * sizeof(double));
    memcpy((int64_t *)(uintptr_t)made->view.row_start, from->view.row_start, (n + 1) * sizeof(int64_t));
    if (ends > 0) {
        memcpy((int32_t *)(uintptr_t)made->view.column, from->view.column, ends * sizeof(int32_t));
        memcpy((double *)(uintptr_t)made->view.value, from->view.value, ends * sizeof(double));
    }
    if (made->original_linear != NULL)
        memcpy(made->original_linear, from->original_linear, n * sizeof(double));
    made->view.offset = from->view.offset;
    made->original_offset = from->original_offset;
    made->rounded = from->rounded;
    *problem = made;
    return SPR_OK;
}

/* No energy of any state, nor the other form, may overflow: then the sum of all sizes does not. */
static spr_status problem_check_sizes(const spr_problem_view *view, spr_error *error)
{
    double size = fabs(view->offset);
    for (int64_t i = 0; i < view->variables; i++)
        size += fabs(view->linear[i]);
    for (int64_t at = 0; at < 2 * view->couplings; at++)
        size += fabs(view->value[at]);
    return isfinite(size) ? SPR_OK : spr__fail(error, SPR_ERROR_NOT_FINITE,
                                               "the absolute values of the coefficients of the "
                                               "QUBO form add up to more than a double holds");
}

/* Linear part and offset, diagonal entries included, in the given form; then everything as a QUBO. */
static spr_status problem_fill_linear(const problem_entries *in, double offset, spr_problem *problem, spr_error *error)
{
    double *linear = (double *)(uintptr_t)problem->view.linear;
    for (int64_t i = 0; i < in->variables; i++)
        linear[i] = in->linear != NULL ? in->linear[i] : 0.0;
    for (int64_t k = 0; k < in->entries; k++)
        if (in->rows[k] == in->columns[k]) {
            if (problem->form == SPR_QUBO)
                linear[in->rows[k]] += in->values[k];
            else
                offset += in->values[k];
        }
    if (in->cut)
        offset = spr__forms_cut_offset(&problem->view, 1.0);
    if (problem->form == SPR_ISING) {
        memcpy(problem->original_linear, linear, (size_t)in->variables * sizeof linear[0]);
        problem->original_offset = offset;
        problem->rounded = spr__forms_to_qubo(&problem->view, linear, (double *)(uintptr_t)problem->view.value,
                                              &offset);
    }
    problem->view.offset = offset;
    return problem_check_sizes(&problem->view, error);
}

static spr_status problem_build(spr__memory memory, int32_t form, problem_entries *in, double offset,
                                spr_problem **problem, spr_error *error)
{
    spr__couplings couplings;
    spr_problem *made = NULL;
    spr_status status = spr__couplings_open(&couplings, &memory, in->variables, in->entries, in->rows, in->columns,
                                            in->values, error);
    if (status == SPR_OK)
        status = problem_allocate(memory, form, in->variables, couplings.used, &made, error);
    if (status == SPR_OK) {
        spr__couplings_spread(&couplings, (int64_t *)(uintptr_t)made->view.row_start,
                              (int32_t *)(uintptr_t)made->view.column, (double *)(uintptr_t)made->view.value);
        status = problem_fill_linear(in, offset, made, error);
    }
    spr__couplings_close(&couplings);
    if (status != SPR_OK) {
        spr_problem_free(made);
        return status;
    }
    *problem = made;
    return made->rounded ? spr__fail(error, SPR_NOTICE_ROUNDED,
                                     "some coefficient was rounded in the QUBO form; its energies "
                                     "are those of the rounded problem")
                         : spr__ok(error);
}

spr_status spr_problem_from_entries(spr_allocator allocator, void *user, int32_t form, int64_t variables,
                                    const double *linear, int64_t entries, const int32_t *rows, const int32_t *columns,
                                    const double *values, double offset, spr_problem **problem, spr_error *error)
{
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    *problem = NULL;
    problem_entries in = {variables, entries, linear, rows, columns, values, 0};
    spr_status status = problem_check_shape(form, variables, error);
    if (status == SPR_OK)
        status = problem_check_entries(&in, offset, error);
    return status != SPR_OK ? status
                            : problem_build(spr__memory_of(allocator, user), form, &in, offset, problem, error);
}

spr_status spr__problem_from_cut(const spr__memory *memory, int64_t variables, int64_t entries, const int32_t *rows,
                                 const int32_t *columns, const double *values, spr_problem **problem, spr_error *error)
{
    problem_entries in = {variables, entries, NULL, rows, columns, values, 1};
    spr_status status = problem_check_entries(&in, 0.0, error);
    return status != SPR_OK ? status : problem_build(*memory, SPR_ISING, &in, 0.0, problem, error);
}

static spr_status problem_check_matrix(const double *matrix, int64_t n, int64_t stride, spr_error *error)
{
    if (matrix == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "matrix is NULL");
    if (stride < n || (uint64_t)stride > SIZE_MAX / 64 / (uint64_t)n)
        return spr__fail(error, SPR_ERROR_STRIDE, "row_stride is %lld; accepted is variables = %lld or more, or 0",
                         (long long)stride, (long long)n);
    if ((uintptr_t)matrix % sizeof(double) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "matrix is at %p; it must be aligned to 8 bytes",
                         (const void *)matrix);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (!isfinite(matrix[i * stride + j]))
                return spr__fail(error, SPR_ERROR_NOT_FINITE,
                                 "matrix holds %g at row %lld, column %lld; it must be finite",
                                 matrix[i * stride + j], (long long)i, (long long)j);
    return SPR_OK;
}

/* Entries (j,i), j <= i, of one tile, behind the entries before them. Returns how many there are now. */
static int64_t problem_pair_up_tile(const problem_matrix *from, int64_t row, int64_t column, int64_t entries,
                                    problem_pairs *to)
{
    const int64_t n = from->n, last_row = row + PROBLEM_TILE < n ? row + PROBLEM_TILE : n;
    for (int64_t i = row; i < last_row; i++)
        for (int64_t j = column; j < column + PROBLEM_TILE && j <= i; j++) {
            const double below = from->matrix[i * from->stride + j], above = from->matrix[j * from->stride + i];
            if (below == 0.0 && above == 0.0)
                continue;
            if (to != NULL) {
                to->values[entries] = i == j ? below : above + below;
                to->rows[entries] = (int32_t)j;
                to->columns[entries] = (int32_t)i;
            }
            entries++;
        }
    return entries;
}

/* Pairs of elements that are not both 0; to NULL: only their number. In tiles: one of each pair is down a column. */
static int64_t problem_pair_up(const problem_matrix *from, problem_pairs *to)
{
    int64_t entries = 0;
    for (int64_t row = 0; row < from->n; row += PROBLEM_TILE)
        for (int64_t column = 0; column <= row; column += PROBLEM_TILE)
            entries = problem_pair_up_tile(from, row, column, entries, to);
    return entries;
}

static spr_status problem_check_pairs(const problem_pairs *pairs, int64_t entries, spr_error *error)
{
    for (int64_t k = 0; k < entries; k++)
        if (!isfinite(pairs->values[k]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE,
                             "matrix at row %d, column %d and its mirror add up to more than a "
                             "double holds", (int)pairs->columns[k], (int)pairs->rows[k]);
    return SPR_OK;
}

spr_status spr_problem_from_dense(spr_allocator allocator, void *user, int32_t form, int64_t variables,
                                  const double *matrix, int64_t row_stride, double offset, spr_problem **problem,
                                  spr_error *error)
{
    const int64_t n = variables, stride = row_stride != 0 ? row_stride : n;
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    *problem = NULL;
    spr_status status = problem_check_shape(form, n, error);
    if (status == SPR_OK)
        status = problem_check_matrix(matrix, n, stride, error);
    if (status != SPR_OK)
        return status;
    const problem_matrix from = {matrix, n, stride};
    const int64_t entries = problem_pair_up(&from, NULL);
    spr__memory memory = spr__memory_of(allocator, user);
    const size_t bytes = (size_t)entries * (sizeof(double) + 2 * sizeof(int32_t)) + 8;
    problem_pairs pairs = {(double *)spr__allocate(&memory, bytes), NULL, NULL};
    if (pairs.values == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %lld entries", (long long)entries);
    pairs.rows = (int32_t *)(void *)(pairs.values + entries);
    pairs.columns = pairs.rows + entries;
    problem_pair_up(&from, &pairs);
    status = problem_check_pairs(&pairs, entries, error);
    if (status == SPR_OK)
        status = spr_problem_from_entries(allocator, user, form, n, NULL, entries, pairs.rows, pairs.columns,
                                          pairs.values, offset, problem, error);
    spr__release(&memory, pairs.values, bytes);
    return status;
}

void spr_problem_free(spr_problem *problem)
{
    if (problem == NULL)
        return;
    spr__memory memory = problem->memory;
    spr__release(&memory, problem->terms_block, problem->terms_bytes);
    spr__release(&memory, problem->block, problem->block_bytes);
    spr__release(&memory, problem, sizeof *problem);
}

spr_status spr_problem_size(const spr_problem *problem, int64_t *variables, int64_t *couplings, spr_error *error)
{
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    if (variables != NULL)
        *variables = problem->view.variables;
    if (couplings != NULL)
        *couplings = problem->view.couplings;
    return spr__ok(error);
}

static void problem_read_couplings(const spr_problem_view *view, double factor, int32_t *rows, int32_t *columns,
                                   double *values)
{
    int64_t to = 0;
    for (int64_t i = 0; i < view->variables; i++)
        for (int64_t at = view->row_start[i]; at < view->row_start[i + 1]; at++) {
            if (view->column[at] < i)
                continue;
            if (rows != NULL)
                rows[to] = (int32_t)i;
            if (columns != NULL)
                columns[to] = view->column[at];
            if (values != NULL)
                values[to] = factor * view->value[at];
            to++;
        }
}

spr_status spr_problem_read(const spr_problem *problem, int32_t form, double *linear, int32_t *rows, int32_t *columns,
                            double *values, double *offset, spr_error *error)
{
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    spr_status status = problem_check_shape(form, problem->view.variables, error);
    if (status != SPR_OK)
        return status;
    const spr_problem_view *view = &problem->view;
    const size_t n = (size_t)view->variables, c = (size_t)view->couplings;
    const spr__array arrays[] = {{"linear", linear, n * 8, 8, 1}, {"rows", rows, c * 4, 4, 1},
                                 {"columns", columns, c * 4, 4, 1}, {"values", values, c * 8, 8, 1},
                                 {"offset", offset, 8, 8, 1}};
    status = spr__check_arrays(arrays, 5, error);
    if (status != SPR_OK)
        return status;
    problem_read_couplings(view, form == SPR_ISING ? 0.25 : 1.0, rows, columns, values);
    double sum = view->offset;
    int rounded = form == SPR_QUBO && problem->rounded;
    if (form == SPR_ISING && problem->form == SPR_ISING) {
        sum = problem->original_offset;
        if (linear != NULL)
            memcpy(linear, problem->original_linear, n * sizeof linear[0]);
    } else if (form == SPR_ISING)
        rounded = spr__forms_to_ising(view, linear, &sum);
    else if (linear != NULL)
        memcpy(linear, view->linear, n * sizeof linear[0]);
    if (offset != NULL)
        *offset = sum;
    return rounded ? spr__fail(error, SPR_NOTICE_ROUNDED, "some coefficient had to be rounded in this form")
                   : spr__ok(error);
}
