/* SPDX-License-Identifier: MIT
 * Presolve and bounds as calls of their own. */
#include "presolve.h"
#include "../base/array.h"

#include <string.h>

#include "../base/exact.h"

static spr_status reduction_check(const spr_problem *problem, spr_error *error)
{
    if (problem == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "problem is NULL");
    return problem->view.terms == NULL
               ? SPR_OK
               : spr__fail(error, SPR_ERROR_UNSUPPORTED, "the problem has squares or constraints; accepted is one without: "
                           "spr_problem_expand makes couplings of them");
}

spr_status spr_problem_reduce(spr_allocator allocator, void *user, const spr_problem *problem, spr_problem **reduced,
                              spr_reduction **reduction, spr_error *error)
{
    if (reduced == NULL || reduction == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", reduced == NULL ? "reduced" : "reduction");
    *reduced = NULL;
    *reduction = NULL;
    const spr__memory memory = spr__memory_of(allocator, user);
    const spr__presolve_limits limits = {NULL, NULL, 1, 1, 0};
    spr_status status = reduction_check(problem, error);
    if (status == SPR_OK)
        status = spr__presolve(&memory, &problem->view, &limits, reduction, error);
    if (status != SPR_OK)
        return status;
    *reduced = (*reduction)->reduced;
    (*reduction)->reduced = NULL;
    return spr__ok(error);
}

void spr_reduction_free(spr_reduction *reduction)
{
    spr__presolve_free(reduction);
}

/* bits, and the arrays of both states, of which the reduced one may be none. */
static spr_status reduction_check_states(const spr_reduction *reduction, const uint8_t *reduced, const uint8_t *bits,
                                         int restores, spr_error *error)
{
    if (reduction == NULL || bits == NULL || (reduced == NULL && reduction->left > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", reduction == NULL ? "reduction"
                                                                  : bits == NULL    ? "bits"
                                                                                    : "reduced_bits");
    const spr__array arrays[] = {{"reduced_bits", reduced, (size_t)reduction->left, 1, !restores},
                                 {"bits", bits, (size_t)reduction->variables, 1, restores}};
    const spr_status status = spr__check_arrays(arrays, 2, error);
    const uint8_t *from = restores ? reduced : bits;
    for (int64_t i = 0; status == SPR_OK && i < (restores ? reduction->left : reduction->variables); i++)
        if (from[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "%s[%lld] is %d; accepted is 0 or 1",
                             restores ? "reduced_bits" : "bits", (long long)i, (int)from[i]);
    return status;
}

spr_status spr_reduction_restore(const spr_reduction *reduction, const uint8_t *reduced_bits, uint8_t *bits,
                                 spr_error *error)
{
    const spr_status status = reduction_check_states(reduction, reduced_bits, bits, 1, error);
    if (status != SPR_OK)
        return status;
    spr__presolve_restore(reduction, reduced_bits, bits);
    return spr__ok(error);
}

spr_status spr_reduction_project(const spr_reduction *reduction, const uint8_t *bits, uint8_t *reduced_bits,
                                 spr_error *error)
{
    const spr_status status = reduction_check_states(reduction, reduced_bits, bits, 0, error);
    if (status != SPR_OK)
        return status;
    spr__presolve_project(reduction, bits, reduced_bits);
    return spr__ok(error);
}

spr_status spr_reduction_report(const spr_reduction *reduction, spr_reduce_report *report, spr_error *error)
{
    if (reduction == NULL || report == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", reduction == NULL ? "reduction" : "report");
    if ((uintptr_t)report % sizeof(double) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "report is at %p; it must be aligned to %zu bytes", (const void *)report,
                         sizeof(double));
    const size_t least = offsetof(spr_reduce_report, rounding) + sizeof(double);
    if (report->size < least || report->size > 4096)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "report->size is %zu; accepted is sizeof(spr_reduce_report) = %zu",
                         report->size, sizeof *report);
    const int64_t *rules = reduction->rules;
    const spr_reduce_report full = {report->size, reduction->left, reduction->couplings, reduction->components,
                                       rules[SPR__RULE_ISOLATED], rules[SPR__RULE_PERSISTENT], rules[SPR__RULE_DOMINATED],
                                       rules[SPR__RULE_PAIR], rules[SPR__RULE_DEGREE_1], rules[SPR__RULE_DEGREE_2],
                                       rules[SPR__RULE_DEGREE_3], rules[SPR__RULE_ROOF], reduction->lower_bound, reduction->doubt};
    memcpy(report, &full, report->size < sizeof full ? report->size : sizeof full);
    return spr__ok(error);
}

spr_status spr_problem_bound(spr_allocator allocator, void *user, const spr_problem *problem, const char *method,
                             double *bound, spr_error *error)
{
    if (method == NULL || bound == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", method == NULL ? "method" : "bound");
    const spr__memory memory = spr__memory_of(allocator, user);
    spr_status status = reduction_check(problem, error);
    if (status != SPR_OK)
        return status;
    const spr__presolve_limits limits = {NULL, NULL, 2, 0, INT64_MAX};
    if (strcmp(method, "spectral") == 0)
        status = spr__presolve_spectral(&memory, &problem->view, &limits, bound, error);
    else if (strcmp(method, "roof") == 0) {
        spr_reduction *reduction;
        status = spr__presolve(&memory, &problem->view, &limits, &reduction, error);
        if (status == SPR_OK)
            *bound = reduction->lower_bound;
        spr__presolve_free(reduction);
    } else
        status = spr__fail(error, SPR_ERROR_OPTION_NAME, "method is \"%.60s\"; accepted is roof, spectral", method);
    return status == SPR_OK ? spr__ok(error) : status;
}
