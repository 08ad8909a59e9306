/* SPDX-License-Identifier: MIT
 * Presolve: the reductions in turn until none applies, then what is left as a problem of its own. */
#include "presolve.h"
#include "work.h"
#include "../base/arena.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* variables looked at between two looks at the time; up to so many couplings per variable, or so few variables, one that
 * promises something is enough, and fields are; beyond, so many are asked first, and one of so many must promise; one in so
 * many with few neighbours; roof duals in a row */
enum { PRESOLVE_LOOK = 4096, PRESOLVE_SPARSE = 4, PRESOLVE_SMALL = 64, PRESOLVE_FIRST = 64, PRESOLVE_PART = 128, PRESOLVE_FEW = 3,
       PRESOLVE_ROOFS = 4 };

/* ------------------------------------------------------------------------------------------------------------- a look */

/* Sums in four lanes, so that they do not wait for each other. *field: this variable has one, as a spin. */
static int presolve_row_promises(const spr_problem_view *view, int64_t i, int *field)
{
    double below[4] = {0.0, 0.0, 0.0, 0.0}, sizes[4] = {0.0, 0.0, 0.0, 0.0}, largest[4] = {0.0, 0.0, 0.0, 0.0};
    const int64_t end = view->row_start[i + 1];
    for (int64_t at = view->row_start[i]; at < end; at += 4)
        for (int64_t k = 0; k < 4 && k < end - at; k++) {
            const double w = view->value[at + k], size = fabs(w);
            below[k] += w;
            sizes[k] += size;
            largest[k] = size > largest[k] ? size : largest[k];
        }
    const double sum = (below[0] + below[1]) + (below[2] + below[3]), size = (sizes[0] + sizes[1]) + (sizes[2] + sizes[3]);
    const double low = view->linear[i] + 0.5 * (sum - size), high = view->linear[i] + 0.5 * (sum + size);
    const double one = largest[0] > largest[1] ? largest[0] : largest[1], two = largest[2] > largest[3] ? largest[2] : largest[3];
    const double most = one > two ? one : two;
    *field |= 2.0 * view->linear[i] + sum != 0.0;
    return end - view->row_start[i] <= 3 || low >= 0.0 || high <= 0.0 || (most >= -low && most >= high);
}

int spr__presolve_promises(const spr_problem_view *view)
{
    const int64_t n = view->variables;
    const int sparse = n <= PRESOLVE_SMALL || view->couplings <= PRESOLVE_SPARSE * n;
    const int64_t wanted = sparse ? 1 : 1 + n / PRESOLVE_PART;
    int64_t found = 0;
    int field = 0;
    /* dense rows cost much to read: the first ones stand for all */
    for (int64_t i = 0; i < n && found < wanted && !(sparse && field) && (sparse || found > 0 || i < PRESOLVE_FIRST); i++)
        found += presolve_row_promises(view, i, &field);
    return found >= wanted || (sparse && field);
}

/* -------------------------------------------------------------------------------------------------------------- reduce */

static int presolve_late(const spr__presolve_limits *limits)
{
    return limits->late != NULL && limits->late(limits->user) != 0;
}

static void presolve_settle(spr__residue *work, const spr__presolve_limits *limits)
{
    int64_t looks = 0;
    for (int32_t i = spr__work_next(work); i >= 0; i = spr__work_next(work)) {
        if (++looks % PRESOLVE_LOOK == 0 && presolve_late(limits))
            return;
        if (!spr__reduce_fix(work, i) && !spr__reduce_degree(work, i))
            spr__reduce_dominated(work, i);
    }
}

/* Are there so many variables of few neighbours that wider couplings are a small price for having them gone? Then they are
 * to be looked at again. */
static int presolve_widen(spr__residue *work)
{
    int64_t few = 0;
    for (int64_t i = 0; i < work->variables; i++)
        few += work->degree[i] >= 2 && work->degree[i] <= 3;
    if (work->wide || !work->exact || few * PRESOLVE_FEW < work->left || few == 0)
        return 0;
    work->wide = 1;
    for (int32_t i = 0; i < work->variables; i++)
        if (work->degree[i] >= 2 && work->degree[i] <= 3)
            spr__work_push(work, i);
    return 1;
}

/* 0 if there is no memory. */
static int presolve_reduce(spr__residue *work, const spr__memory *memory, const spr__presolve_limits *limits)
{
    for (int round = 0, found = 1; found && round < PRESOLVE_ROOFS; round++) {
        do
            presolve_settle(work, limits);
        while (!presolve_late(limits) && (spr__reduce_pairs(work, limits) || presolve_widen(work)));
        if (presolve_late(limits))
            break;
        if (!spr__reduce_roof(work, memory, limits, &found))
            return 0;
    }
    presolve_settle(work, limits);
    return 1;
}

/* No energy is lower than this: as binary variables, a coupling below 0 counts half to each of its ends; as spins, each
 * coupling and each field counts its size. */
static double presolve_simple_bound(const spr__residue *work)
{
    double binary = work->offset, spin = work->offset, size = fabs(work->offset);
    for (int64_t i = 0; i < work->variables; i++) {
        if (work->degree[i] < 0)
            continue;
        const double least = 0.5 * (work->linear[i] + work->low[i]), field = 0.5 * (work->low[i] + work->high[i]);
        binary += least < 0.0 ? least : 0.0;
        spin += (field < 0.0 ? field : 0.0) - 0.25 * (work->high[i] - work->linear[i]);
        size += fabs(work->linear[i]) + (work->high[i] - work->low[i]);
    }
    const double bound = binary > spin ? binary : spin;
    return bound - 2.0 * work->doubt - (work->exact ? 0.0 : ldexp(size, -51) * (double)(work->left + 8));
}

/* Energies are multiples of what all coefficients are. */
static double presolve_raise(const spr__residue *work, double bound)
{
    return work->exact && work->doubt == 0.0 && work->fine > 0.0 ? ceil(bound / work->fine) * work->fine : bound;
}

/* ---------------------------------------------------------------------------------------------------- what is left of it */

/* Connected components by search along the rows; mark and queue are free by now. */
static int64_t presolve_components(spr__residue *work)
{
    int64_t components = 0;
    for (int64_t i = 0; i < work->variables; i++) {
        if (work->degree[i] < 0 || work->mark[i])
            continue;
        int64_t used = 1;
        components++;
        work->mark[i] = 1;
        work->queue[0] = (int32_t)i;
        while (used > 0)
            for (int32_t half = work->first[work->queue[--used]]; half >= 0; half = work->next[half])
                if (!work->mark[work->to[half]]) {
                    work->mark[work->to[half]] = 1;
                    work->queue[used++] = work->to[half];
                }
    }
    memset(work->mark, 0, (size_t)work->variables * sizeof work->mark[0]);
    return components;
}

static size_t presolve_step_bytes(const spr_reduction *reduction)
{
    return (size_t)(reduction->variables - reduction->left) * sizeof(spr__step) + 8;
}

static size_t presolve_kept_bytes(const spr_reduction *reduction)
{
    return (size_t)reduction->left * sizeof(int32_t) + 8;
}

void spr__presolve_free(spr_reduction *reduction)
{
    if (reduction == NULL)
        return;
    const spr__memory memory = reduction->memory;
    spr_problem_free(reduction->reduced);
    spr__release(&memory, reduction->steps, presolve_step_bytes(reduction));
    spr__release(&memory, reduction->kept, presolve_kept_bytes(reduction));
    spr__release(&memory, reduction, sizeof *reduction);
}

/* The couplings that are left, with the new numbers in work->mark. */
static void presolve_entries(const spr__residue *work, const spr_reduction *reduction, double *linear, int32_t *rows,
                             int32_t *columns, double *values)
{
    int64_t entries = 0;
    for (int64_t k = 0; k < reduction->left; k++) {
        const int32_t i = reduction->kept[k];
        linear[k] = work->linear[i];
        for (int32_t half = work->first[i]; half >= 0; half = work->next[half]) {
            if (work->to[half] < i)
                continue;
            rows[entries] = (int32_t)k;
            columns[entries] = work->mark[work->to[half]];
            values[entries++] = work->value[half / 2];
        }
    }
}

static spr_status presolve_problem(spr__residue *work, spr_reduction *reduction, spr_error *error)
{
    const spr__memory *memory = &reduction->memory;
    const size_t n = (size_t)reduction->left, c = (size_t)work->couplings;
    spr__arena arena = {NULL, 0};
    double *linear = NULL, *values = NULL;
    int32_t *rows = NULL, *columns = NULL;
    void *block = NULL;
    size_t bytes = 0;
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        arena = (spr__arena){pass == 0 ? NULL : (char *)block + skip, 0};
        linear = (double *)spr__arena_take(&arena, n, sizeof(double));
        values = (double *)spr__arena_take(&arena, c, sizeof(double));
        rows = (int32_t *)spr__arena_take(&arena, c, sizeof(int32_t));
        columns = (int32_t *)spr__arena_take(&arena, c, sizeof(int32_t));
        if (pass > 0)
            break;
        bytes = arena.used + SPR_ALIGNMENT;
        block = arena.used == SIZE_MAX ? NULL : spr__allocate(memory, bytes);
        if (block == NULL)
            return spr__fail(error, SPR_ERROR_MEMORY, "no memory for the %zu couplings that presolve leaves", c);
    }
    presolve_entries(work, reduction, linear, rows, columns, values);
    const spr_status status = spr_problem_from_entries(memory->function, memory->user, SPR_QUBO, reduction->left, linear,
                                                       work->couplings, rows, columns, values, work->offset,
                                                       &reduction->reduced, error);
    spr__release(memory, block, bytes);
    return status;
}

static spr_status presolve_close(spr__residue *work, const spr__presolve_limits *limits, spr_reduction *reduction,
                                 spr_error *error)
{
    int64_t kept = 0;
    reduction->variables = reduction->left = work->variables;
    if (work->step_count < limits->least)
        return spr__ok(error);
    reduction->left = work->left;
    reduction->couplings = work->couplings;
    reduction->doubt = work->doubt;
    memcpy(reduction->rules, work->rules, sizeof reduction->rules);
    reduction->steps = (spr__step *)spr__allocate(&reduction->memory, presolve_step_bytes(reduction));
    reduction->kept = (int32_t *)spr__allocate(&reduction->memory, presolve_kept_bytes(reduction));
    if (reduction->steps == NULL || reduction->kept == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a reduction of %lld variables", (long long)work->variables);
    memcpy(reduction->steps, work->steps, (size_t)work->step_count * sizeof work->steps[0]);
    for (int64_t i = 0; i < work->variables; i++)
        if (work->degree[i] >= 0) {
            work->mark[i] = (int32_t)kept;
            reduction->kept[kept++] = (int32_t)i;
        }
    return reduction->left > 0 ? presolve_problem(work, reduction, error) : spr__ok(error);
}

spr_status spr__presolve(const spr__memory *memory, const spr_problem_view *view, const spr__presolve_limits *limits,
                         spr_reduction **reduction, spr_error *error)
{
    spr__residue work;
    *reduction = NULL;
    if (view->couplings > INT32_MAX / 2 - 1)
        return spr__fail(error, SPR_ERROR_SIZE, "the problem has %lld couplings; presolve takes up to %d",
                         (long long)view->couplings, INT32_MAX / 2 - 1);
    spr_reduction *made = (spr_reduction *)spr__allocate(memory, sizeof *made);
    if (made == NULL || !spr__work_open(&work, memory, view)) {
        spr__release(memory, made, sizeof *made);
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory to presolve %lld variables and %lld couplings",
                         (long long)view->variables, (long long)view->couplings);
    }
    memset(made, 0, sizeof *made);
    made->memory = *memory;
    spr_status status = SPR_ERROR_MEMORY;
    if (presolve_reduce(&work, memory, limits)) {
        const double simple = presolve_simple_bound(&work);
        made->lower_bound = presolve_raise(&work, simple > work.bound ? simple : work.bound);
        made->components = limits->components ? presolve_components(&work) : -1;
        status = presolve_close(&work, limits, made, error);
    } else
        spr__fail(error, status, "no memory for the roof dual of %lld variables", (long long)view->variables);
    spr__work_close(&work, memory);
    if (status != SPR_OK) {
        spr__presolve_free(made);
        return status;
    }
    *reduction = made;
    return SPR_OK;
}
