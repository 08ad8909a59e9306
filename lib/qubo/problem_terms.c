/* SPDX-License-Identifier: MIT
 * Squares and constraints beside a problem: checked, copied, read. */
#include "problem.h"
#include "../base/arena.h"
#include "../base/array.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* Lists of members, of squares or of constraints, for the checks they share. */
typedef struct problem_terms_lists {
    const char *name;
    int64_t count;
    const int64_t *start;
    const int32_t *member;
    const double *factor;
} problem_terms_lists;

/* -------------------------------------------------------------------------------------------------------------- checks */

static spr_status problem_terms_check_struct(const spr_problem_terms *terms, spr_problem_terms *known, spr_error *error)
{
    if (terms->size < sizeof *known || terms->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "terms->size is %zu; accepted is sizeof(spr_problem_terms) = %zu",
                         terms->size, sizeof *known);
    for (size_t i = sizeof *known; i < terms->size; i++)
        if (((const unsigned char *)terms)[i] != 0)
            return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "terms has a nonzero byte at %zu, beyond the %zu bytes that this "
                             "version knows", i, sizeof *known);
    *known = *terms;
    const struct { const char *name; const void *array; int64_t count; } needed[] = {
        {"square_start", known->square_start, known->squares}, {"square_member", known->square_member, known->squares},
        {"square_weight", known->square_weight, known->squares},
        {"constraint_kind", known->constraint_kind, known->constraints},
        {"constraint_start", known->constraint_start, known->constraints},
        {"constraint_member", known->constraint_member, known->constraints},
        {"constraint_bound", known->constraint_bound, known->constraints}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (needed[i].count < 0 || needed[i].count > INT32_MAX - 1)
            return spr__fail(error, needed[i].count < 0 ? SPR_ERROR_ARGUMENT : SPR_ERROR_SIZE, "terms->%s is %lld; accepted "
                             "is 0..%d", i < 3 ? "squares" : "constraints", (long long)needed[i].count, INT32_MAX - 1);
        if (needed[i].count > 0 && needed[i].array == NULL)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "terms->%s is NULL; it must hold the %lld %s", needed[i].name,
                             (long long)needed[i].count, i < 3 ? "squares" : "constraints");
    }
    const spr__array arrays[] = {
        {"square_start", known->square_start, 0, 8, 0}, {"square_member", known->square_member, 0, 4, 0},
        {"square_factor", known->square_factor, 0, 8, 0}, {"square_weight", known->square_weight, 0, 8, 0},
        {"square_target", known->square_target, 0, 8, 0}, {"constraint_kind", known->constraint_kind, 0, 4, 0},
        {"constraint_start", known->constraint_start, 0, 8, 0}, {"constraint_member", known->constraint_member, 0, 4, 0},
        {"constraint_factor", known->constraint_factor, 0, 8, 0}, {"constraint_bound", known->constraint_bound, 0, 8, 0}};
    return spr__check_arrays(arrays, (int)(sizeof arrays / sizeof arrays[0]), error);
}

/* seen: [variables] 0 on entry, lists that a variable was last in, counted from 1. */
static spr_status problem_terms_check_list(const problem_terms_lists *lists, int64_t list, int64_t variables, int32_t *seen,
                                           spr_error *error)
{
    for (int64_t at = lists->start[list]; at < lists->start[list + 1]; at++) {
        const int32_t i = lists->member[at];
        if (i < 0 || i >= variables)
            return spr__fail(error, SPR_ERROR_VARIABLE, "%s_member[%lld] is %d; accepted is 0..%lld", lists->name,
                             (long long)at, (int)i, (long long)variables - 1);
        if (lists->factor != NULL && !isfinite(lists->factor[at]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "%s_factor[%lld] is %g; it must be finite", lists->name,
                             (long long)at, lists->factor[at]);
        if (seen[i] == list + 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "%s_member[%lld] is %d, which is a member of %s %lld already",
                             lists->name, (long long)at, (int)i, lists->name, (long long)list);
        seen[i] = (int32_t)(list + 1);
    }
    return SPR_OK;
}

static spr_status problem_terms_check_lists(const problem_terms_lists *lists, int64_t variables, int32_t *seen,
                                            spr_error *error)
{
    if (lists->count > 0 && lists->start[0] != 0)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s_start[0] is %lld; it must be 0", lists->name,
                         (long long)lists->start[0]);
    memset(seen, 0, (size_t)variables * sizeof seen[0]);
    for (int64_t list = 0; list < lists->count; list++) {
        const int64_t members = lists->start[list + 1] - lists->start[list];
        if (lists->start[list + 1] <= lists->start[list] || members > variables)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "%s %lld starts at %lld and ends at %lld; accepted are 1..%lld members",
                             lists->name, (long long)list, (long long)lists->start[list], (long long)lists->start[list + 1],
                             (long long)variables);
        const spr_status status = problem_terms_check_list(lists, list, variables, seen, error);
        if (status != SPR_OK)
            return status;
    }
    return SPR_OK;
}

static spr_status problem_terms_check_bound(const spr_problem_terms *terms, int64_t c, spr_error *error)
{
    const double bound = terms->constraint_bound[c];
    const int64_t first = terms->constraint_start[c], end = terms->constraint_start[c + 1];
    const int exactly = terms->constraint_kind[c] == SPR_EXACTLY;
    if (!exactly && terms->constraint_kind[c] != SPR_AT_MOST)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "constraint_kind[%lld] is %d; accepted is 0 (exactly), 1 (at most)",
                         (long long)c, (int)terms->constraint_kind[c]);
    if (!isfinite(bound))
        return spr__fail(error, SPR_ERROR_NOT_FINITE, "constraint_bound[%lld] is %g; it must be finite", (long long)c, bound);
    if (bound < 0.0 || (exactly && bound != floor(bound)))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "constraint_bound[%lld] is %g; accepted is 0 or more%s", (long long)c, bound,
                         exactly ? ", whole" : "");
    if (exactly && bound > (double)(end - first))
        return spr__fail(error, SPR_ERROR_INFEASIBLE, "constraint %lld asks for %g of its %lld members", (long long)c, bound,
                         (long long)(end - first));
    for (int64_t at = first; terms->constraint_factor != NULL && at < end; at++)
        if (terms->constraint_factor[at] < 0.0 || (exactly && terms->constraint_factor[at] != 1.0))
            return spr__fail(error, SPR_ERROR_ARGUMENT, "constraint_factor[%lld] is %g; accepted is %s", (long long)at,
                             terms->constraint_factor[at], exactly ? "1 in an SPR_EXACTLY" : "0 or more");
    return SPR_OK;
}

/* One-hot groups that all lie in an AT_MOST take at least their smallest factors of it: work [constraints] [variables]. */
static spr_status problem_terms_check_room(const spr_problem_terms *terms, const int32_t *group, double *least, int32_t *hits,
                                           spr_error *error)
{
    for (int64_t c = 0; c < terms->constraints; c++) {
        double sum = 0.0, most = 0.0;
        const int64_t first = terms->constraint_start[c], end = terms->constraint_start[c + 1];
        if (terms->constraint_kind[c] != SPR_AT_MOST)
            continue;
        for (int round = 0; round < 2; round++)
            for (int64_t at = first; at < end; at++) {
                const int32_t g = group[terms->constraint_member[at]] - 1;
                const double factor = terms->constraint_factor != NULL ? terms->constraint_factor[at] : 1.0;
                if (round == 0)
                    most += factor;
                if (g < 0)
                    continue;
                const int64_t members = terms->constraint_start[g + 1] - terms->constraint_start[g];
                least[g] = round == 0 && (hits[g] == 0 || factor < least[g]) ? factor : least[g];
                hits[g] += round == 0;
                if (round == 1 && hits[g] > 0) {
                    const double must = terms->constraint_bound[g] - (double)(members - hits[g]);
                    sum += must > 0.0 ? must * least[g] : 0.0;
                    hits[g] = 0;
                }
            }
        if (sum - terms->constraint_bound[c] > 1e-12 * most)
            return spr__fail(error, SPR_ERROR_INFEASIBLE, "constraint %lld has the bound %g; the SPR_EXACTLY of its members take "
                             "%g of it at least", (long long)c, terms->constraint_bound[c], sum);
    }
    return SPR_OK;
}

static spr_status problem_terms_check_constraints(const spr_problem_terms *terms, int64_t variables, int32_t *group,
                                                  double *least, int32_t *hits, spr_error *error)
{
    memset(group, 0, (size_t)variables * sizeof group[0]);
    for (int64_t c = 0; c < terms->constraints; c++) {
        const spr_status status = problem_terms_check_bound(terms, c, error);
        if (status != SPR_OK)
            return status;
        for (int64_t at = terms->constraint_start[c]; terms->constraint_kind[c] == SPR_EXACTLY &&
             at < terms->constraint_start[c + 1]; at++) {
            int32_t *mine = &group[terms->constraint_member[at]];
            if (*mine > 0)
                return spr__fail(error, SPR_ERROR_CONFLICT, "variable %d is a member of constraints %d and %lld, both "
                                 "SPR_EXACTLY; accepted is one: say SPR_AT_MOST of the other",
                                 (int)terms->constraint_member[at], (int)*mine - 1, (long long)c);
            *mine = (int32_t)(c + 1);
        }
    }
    memset(hits, 0, (size_t)terms->constraints * sizeof hits[0]);
    return problem_terms_check_room(terms, group, least, hits, error);
}

static spr_status problem_terms_check_squares(const spr_problem_terms *terms, double size, spr_error *error)
{
    for (int64_t s = 0; s < terms->squares; s++) {
        const double target = terms->square_target != NULL ? terms->square_target[s] : 0.0;
        double sum = fabs(target);
        if (!isfinite(terms->square_weight[s]) || !isfinite(target))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "square %lld has weight %g and target %g; they must be finite",
                             (long long)s, terms->square_weight[s], target);
        for (int64_t at = terms->square_start[s]; at < terms->square_start[s + 1]; at++)
            sum += terms->square_factor != NULL ? fabs(terms->square_factor[at]) : 1.0;
        size += fabs(terms->square_weight[s]) * (sum * sum);
    }
    return isfinite(size) ? SPR_OK : spr__fail(error, SPR_ERROR_NOT_FINITE, "the absolute values of the terms of the energy add "
                                               "up to more than a double holds");
}

static spr_status problem_terms_check(const spr_problem_terms *terms, const spr_problem *base, spr__memory memory,
                                      spr_error *error)
{
    const int64_t n = base->view.variables;
    const problem_terms_lists squares = {"square", terms->squares, terms->square_start, terms->square_member,
                                         terms->square_factor};
    const problem_terms_lists constraints = {"constraint", terms->constraints, terms->constraint_start,
                                             terms->constraint_member, terms->constraint_factor};
    const size_t per = sizeof(double) + sizeof(int32_t), bytes = (size_t)terms->constraints * per +
                                                                 (size_t)n * sizeof(int32_t);
    double *least = (double *)spr__allocate(&memory, bytes);
    if (least == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory to check terms of %lld variables", (long long)n);
    int32_t *hits = (int32_t *)(void *)(least + terms->constraints), *seen = hits + terms->constraints;
    double size = fabs(base->view.offset);
    for (int64_t i = 0; i < n; i++)
        size += fabs(base->view.linear[i]);
    for (int64_t at = 0; at < 2 * base->view.couplings; at++)
        size += fabs(base->view.value[at]);
    spr_status status = problem_terms_check_lists(&squares, n, seen, error);
    if (status == SPR_OK)
        status = problem_terms_check_squares(terms, size, error);
    if (status == SPR_OK)
        status = problem_terms_check_lists(&constraints, n, seen, error);
    if (status == SPR_OK)
        status = problem_terms_check_constraints(terms, n, seen, least, hits, error);
    spr__release(&memory, least, bytes);
    return status;
}

/* --------------------------------------------------------------------------------------------------------- make, read */

/* The next array of the block, filled from one, or with a number. */
static double *problem_terms_doubles(spr__arena *arena, int64_t count, const double *from, double otherwise)
{
    double *to = (double *)spr__arena_take(arena, (size_t)count, sizeof(double));
    for (int64_t i = 0; to != NULL && i < count; i++)
        to[i] = from != NULL ? from[i] : otherwise;
    return to;
}

static void *problem_terms_bytes(spr__arena *arena, int64_t count, size_t size, const void *from)
{
    void *to = spr__arena_take(arena, (size_t)count, size);
    if (to != NULL && count > 0)
        memcpy(to, from, (size_t)count * size);
    return to;
}

static void problem_terms_lay(spr__arena *arena, const spr_problem_terms *from, spr_problem_terms *to)
{
    const int64_t squares = from->squares, constraints = from->constraints;
    memset(to, 0, sizeof *to);
    to->size = sizeof *to;
    to->squares = squares;
    to->constraints = constraints;
    if (squares > 0) {
        const int64_t members = from->square_start[squares];
        to->square_start = (const int64_t *)problem_terms_bytes(arena, squares + 1, 8, from->square_start);
        to->square_member = (const int32_t *)problem_terms_bytes(arena, members, 4, from->square_member);
        to->square_factor = problem_terms_doubles(arena, members, from->square_factor, 1.0);
        to->square_weight = problem_terms_doubles(arena, squares, from->square_weight, 0.0);
        to->square_target = problem_terms_doubles(arena, squares, from->square_target, 0.0);
    }
    if (constraints > 0) {
        const int64_t members = from->constraint_start[constraints];
        to->constraint_kind = (const int32_t *)problem_terms_bytes(arena, constraints, 4, from->constraint_kind);
        to->constraint_start = (const int64_t *)problem_terms_bytes(arena, constraints + 1, 8, from->constraint_start);
        to->constraint_member = (const int32_t *)problem_terms_bytes(arena, members, 4, from->constraint_member);
        to->constraint_factor = problem_terms_doubles(arena, members, from->constraint_factor, 1.0);
        to->constraint_bound = problem_terms_doubles(arena, constraints, from->constraint_bound, 0.0);
    }
}

static spr_status problem_terms_copy(const spr_problem_terms *from, spr_problem *to, spr_error *error)
{
    spr__arena arena = {NULL, 0};
    spr_problem_terms measured;
    problem_terms_lay(&arena, from, &measured);
    to->terms_bytes = arena.used < SIZE_MAX - SPR_ALIGNMENT ? arena.used + SPR_ALIGNMENT : SIZE_MAX;
    to->terms_block = to->terms_bytes < SIZE_MAX ? spr__allocate(&to->memory, to->terms_bytes) : NULL;
    if (to->terms_block == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for %lld squares and %lld constraints", (long long)from->squares,
                         (long long)from->constraints);
    const size_t skip = (SPR_ALIGNMENT - (uintptr_t)to->terms_block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
    arena = (spr__arena){(char *)to->terms_block + skip, 0};
    problem_terms_lay(&arena, from, &to->terms);
    if (from->squares > 0 || from->constraints > 0)
        to->view.terms = &to->terms;
    return SPR_OK;
}

spr_status spr_problem_with_terms(spr_allocator allocator, void *user, const spr_problem *base, const spr_problem_terms *terms,
                                  spr_problem **problem, spr_error *error)
{
    spr_problem_terms known;
    spr_problem *made = NULL;
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    *problem = NULL;
    if (base == NULL || terms == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", base == NULL ? "base" : "terms");
    if (base->view.terms != NULL)
        return spr__fail(error, SPR_ERROR_CONFLICT, "base has %lld squares and %lld constraints; accepted is a problem without",
                         (long long)base->terms.squares, (long long)base->terms.constraints);
    const spr__memory memory = spr__memory_of(allocator, user);
    spr_status status = problem_terms_check_struct(terms, &known, error);
    if (status == SPR_OK)
        status = problem_terms_check(&known, base, memory, error);
    if (status == SPR_OK)
        status = spr__problem_copy(&memory, base, &made, error);
    if (status == SPR_OK)
        status = problem_terms_copy(&known, made, error);
    if (status != SPR_OK) {
        spr_problem_free(made);
        return status;
    }
    *problem = made;
    return spr__ok(error);
}

spr_status spr_problem_read_terms(const spr_problem *problem, spr_problem_terms *terms, spr_error *error)
{
    if (problem == NULL || terms == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", problem == NULL ? "problem" : "terms");
    const size_t size = terms->size;
    if (size < sizeof *terms || size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "terms->size is %zu; accepted is sizeof(spr_problem_terms) = %zu", size,
                         sizeof *terms);
    memset(terms, 0, size);
    if (problem->view.terms != NULL)
        *terms = problem->terms;
    terms->size = size;
    return spr__ok(error);
}
