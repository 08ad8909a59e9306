/* SPDX-License-Identifier: MIT
 * The tables behind a state: coefficients on grids, squares and limits by variable, groups. */
#include "group.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* --------------------------------------------------------------------------------------------------------------- grids */

/* The power of two of which numbers are taken multiples, so that sums up to most need no more than bits bits. Whole numbers
 * whose sum does not need more stay as they are. */
static double group_build_grid(double most, int bits)
{
    int exponent;
    if (!(most > 0.0))
        return 1.0;
    frexp(most, &exponent);
    return ldexp(1.0, exponent - bits);
}

static double group_build_round(double value, double grid)
{
    return rint(value / grid) * grid;
}

static void *group_build_take(const spr__group_state *state, int64_t count, size_t size)
{
    return state->host->allocate(state->host->engine, (size_t)count * size + 8);
}

static spr_status group_build_coefficients(spr__group_state *state)
{
    const spr_problem_view *p = state->problem;
    const int64_t ends = 2 * p->couplings;
    double most = 0.0;
    for (int64_t i = 0; i < state->n; i++)
        most += fabs(p->linear[i]);
    for (int64_t at = 0; at < ends; at++)
        most += fabs(p->value[at]);
    const double grid = group_build_grid(most, 52);
    int changed = 0;
    for (int64_t at = 0; at < ends && !changed; at++)
        changed = group_build_round(p->value[at], grid) != p->value[at];
    double *linear = (double *)group_build_take(state, state->n, sizeof(double));
    double *value = changed ? (double *)group_build_take(state, ends, sizeof(double)) : NULL;
    if (linear == NULL || (changed && value == NULL))
        return SPR_ERROR_MEMORY;
    for (int64_t i = 0; i < state->n; i++)
        linear[i] = group_build_round(p->linear[i], grid);
    for (int64_t at = 0; at < ends && changed; at++)
        value[at] = group_build_round(p->value[at], grid);
    state->linear = linear;
    state->value = changed ? value : p->value;
    return SPR_OK;
}

/* ------------------------------------------------------------------------------------------------------------- squares */

/* Rows from counts: [n+1], where row[i+1] holds the count of i. */
static void group_build_rows(int64_t *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        row[i + 1] += row[i];
}

/* Back to starts, after each was used as a cursor. */
static void group_build_unroll(int64_t *row, int64_t n)
{
    for (int64_t i = n; i > 0; i--)
        row[i] = row[i - 1];
    row[0] = 0;
}

static spr_status group_build_squares(spr__group_state *state)
{
    const spr_problem_terms *terms = state->problem->terms;
    spr__group_squares *q = &state->squares;
    q->count = terms != NULL ? terms->squares : 0;
    const int64_t members = q->count > 0 ? terms->square_start[q->count] : 0;
    q->row = (int64_t *)group_build_take(state, state->n + 1, sizeof(int64_t));
    q->index = (int32_t *)group_build_take(state, members, sizeof(int32_t));
    q->factor = (double *)group_build_take(state, members, sizeof(double));
    q->sum = (double *)group_build_take(state, q->count, sizeof(double));
    q->shift = (double *)group_build_take(state, q->count, sizeof(double));
    if (q->row == NULL || q->index == NULL || q->factor == NULL || q->sum == NULL || q->shift == NULL)
        return SPR_ERROR_MEMORY;
    if (q->count == 0)
        return SPR_OK;
    q->weight = terms->square_weight;
    for (int64_t at = 0; at < members; at++)
        q->row[terms->square_member[at] + 1]++;
    group_build_rows(q->row, state->n);
    for (int64_t s = 0; s < q->count; s++) {
        double most = fabs(terms->square_target[s]);
        for (int64_t at = terms->square_start[s]; at < terms->square_start[s + 1]; at++)
            most += fabs(terms->square_factor[at]);
        const double grid = group_build_grid(most, 52);
        for (int64_t at = terms->square_start[s]; at < terms->square_start[s + 1]; at++) {
            const int64_t to = q->row[terms->square_member[at]]++;
            q->index[to] = (int32_t)s;
            q->factor[to] = group_build_round(terms->square_factor[at], grid);
        }
    }
    group_build_unroll(q->row, state->n);
    return SPR_OK;
}

/* -------------------------------------------------------------------------------------------------------------- limits */

/* The unit of a limit's weights; 0 if nothing can exceed it. Weights that do not fit are rounded up. */
static double group_build_unit(const spr_problem_terms *terms, int64_t c)
{
    double sum = 0.0;
    for (int64_t at = terms->constraint_start[c]; at < terms->constraint_start[c + 1]; at++)
        sum += terms->constraint_factor[at];
    if (terms->constraint_kind[c] != SPR_AT_MOST || sum - terms->constraint_bound[c] <= 1e-12 * sum)
        return 0.0;
    return group_build_grid(sum, 50);
}

static spr_status group_build_limit_arrays(spr__group_state *state, int64_t members)
{
    spr__group_limits *l = &state->limits;
    l->row = (int64_t *)group_build_take(state, state->n + 1, sizeof(int64_t));
    l->index = (int32_t *)group_build_take(state, members, sizeof(int32_t));
    l->weight = (int64_t *)group_build_take(state, members, sizeof(int64_t));
    l->place = (int32_t *)group_build_take(state, members, sizeof(int32_t));
    l->start = (int64_t *)group_build_take(state, l->count + 1, sizeof(int64_t));
    l->member = (int32_t *)group_build_take(state, members, sizeof(int32_t));
    l->on = (int32_t *)group_build_take(state, l->count, sizeof(int32_t));
    l->most = (int64_t *)group_build_take(state, 4 * l->count, sizeof(int64_t));
    l->price = (double *)group_build_take(state, 5 * l->count, sizeof(double));
    if (l->row == NULL || l->index == NULL || l->weight == NULL || l->place == NULL || l->start == NULL ||
        l->member == NULL || l->on == NULL || l->most == NULL || l->price == NULL)
        return SPR_ERROR_MEMORY;
    l->load = l->most + l->count;
    l->shift = l->load + l->count;
    l->best_load = l->shift + l->count;
    l->best_price = l->price + l->count;
    l->fine = l->best_price + l->count;
    l->mean = l->fine + l->count;
    l->slope = l->mean + l->count;
    return SPR_OK;
}

/* Members with weight 0 are left out: runs twice, to count and to fill. */
static void group_build_limit(spr__group_state *state, int64_t from, int64_t to, double unit, int fill)
{
    const spr_problem_terms *terms = state->problem->terms;
    spr__group_limits *l = &state->limits;
    double sum = 0.0;
    int64_t next = l->start[to];
    for (int64_t at = terms->constraint_start[from]; at < terms->constraint_start[from + 1]; at++) {
        const int32_t v = terms->constraint_member[at];
        sum += terms->constraint_factor[at];
        if (!(terms->constraint_factor[at] > 0.0))
            continue;
        if (!fill) {
            l->row[v + 1]++;
            continue;
        }
        const int64_t mine = l->row[v]++;
        l->index[mine] = (int32_t)to;
        l->weight[mine] = (int64_t)ceil(terms->constraint_factor[at] / unit);
        l->mean[to] += (double)l->weight[mine];
        l->place[mine] = (int32_t)(next - l->start[to]);
        l->member[next++] = v;
    }
    if (!fill)
        return;
    l->start[to + 1] = next;
    l->mean[to] /= (double)(next - l->start[to]);
    l->most[to] = (int64_t)floor((terms->constraint_bound[from] + 0.5e-12 * sum) / unit);
}

static spr_status group_build_limits(spr__group_state *state)
{
    const spr_problem_terms *terms = state->problem->terms;
    const int64_t constraints = terms != NULL ? terms->constraints : 0;
    spr__group_limits *l = &state->limits;
    int64_t members = 0;
    for (int64_t c = 0; c < constraints; c++)
        if (group_build_unit(terms, c) > 0.0) {
            l->count++;
            members += terms->constraint_start[c + 1] - terms->constraint_start[c];
        }
    if (group_build_limit_arrays(state, members) != SPR_OK)
        return SPR_ERROR_MEMORY;
    for (int fill = 0; fill < 2; fill++) {
        int64_t to = 0;
        for (int64_t c = 0; c < constraints; c++) {
            const double unit = group_build_unit(terms, c);
            if (unit > 0.0)
                group_build_limit(state, c, to++, unit, fill);
        }
        if (!fill)
            group_build_rows(l->row, state->n);
    }
    group_build_unroll(l->row, state->n);
    return SPR_OK;
}

/* -------------------------------------------------------------------------------------------------------------- groups */

static void group_build_members(spr__group_state *state)
{
    const spr_problem_terms *terms = state->problem->terms;
    spr__group_groups *groups = &state->groups;
    int64_t g = 0, next = 0;
    for (int64_t i = 0; i < state->n; i++)
        groups->owner[i] = -1;
    for (int64_t c = 0; terms != NULL && c < terms->constraints; c++) {
        if (terms->constraint_kind[c] != SPR_EXACTLY)
            continue;
        groups->take[g] = (int32_t)terms->constraint_bound[c];
        for (int64_t at = terms->constraint_start[c]; at < terms->constraint_start[c + 1]; at++) {
            const int32_t v = terms->constraint_member[at];
            groups->owner[v] = (int32_t)g;
            groups->place[v] = (int32_t)(next - groups->start[g]);
            groups->candidate[next] = groups->at_limit[next] = v;
            groups->member[next++] = v;
        }
        groups->start[++g] = next;
    }
}

/* One slot for each member of a group that is 1 and could be another, and one for each variable in no group. */
void spr__group_slots(spr__group_state *state)
{
    spr__group_groups *groups = &state->groups;
    groups->slots = 0;
    for (int64_t g = 0; g < groups->count; g++)
        for (int32_t i = 0; i < groups->take[g] && groups->take[g] < groups->start[g + 1] - groups->start[g]; i++)
            groups->slot[groups->slots++] = (int32_t)g;
    for (int64_t i = 0; i < state->n; i++)
        if (groups->owner[i] < 0)
            groups->slot[groups->slots++] = (int32_t)(-1 - i);
    groups->slots_free = 0;
    for (int64_t i = 0; i < state->n; i++)
        groups->slots_free += groups->owner[i] < 0;
}

static spr_status group_build_groups(spr__group_state *state)
{
    const spr_problem_terms *terms = state->problem->terms;
    spr__group_groups *groups = &state->groups;
    for (int64_t c = 0; terms != NULL && c < terms->constraints; c++)
        groups->count += terms->constraint_kind[c] == SPR_EXACTLY;
    groups->owner = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    groups->start = (int64_t *)group_build_take(state, groups->count + 1, sizeof(int64_t));
    groups->member = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    groups->place = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    groups->take = (int32_t *)group_build_take(state, groups->count, sizeof(int32_t));
    groups->candidate = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    groups->at_limit = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    groups->slot = (int32_t *)group_build_take(state, state->n, sizeof(int32_t));
    if (groups->owner == NULL || groups->start == NULL || groups->member == NULL || groups->place == NULL ||
        groups->take == NULL || groups->candidate == NULL || groups->at_limit == NULL || groups->slot == NULL)
        return SPR_ERROR_MEMORY;
    group_build_members(state);
    spr__group_slots(state);
    return SPR_OK;
}

spr_status spr__group_build(spr__group_state *state)
{
    state->field = (double *)group_build_take(state, state->n, sizeof(double));
    state->work = (double *)group_build_take(state, state->n, sizeof(double));
    state->plain = (double *)group_build_take(state, state->n, sizeof(double));
    state->bits = (uint8_t *)group_build_take(state, state->n, 1);
    state->best = (uint8_t *)group_build_take(state, state->n, 1);
    state->log = (double *)group_build_take(state, SPR_GROUP_LOGS, sizeof(double));
    state->probe = (double *)group_build_take(state, SPR_GROUP_PROBES, sizeof(double));
    if (state->field == NULL || state->work == NULL || state->plain == NULL ||
        state->bits == NULL || state->best == NULL || state->log == NULL ||
        state->probe == NULL)
        return SPR_ERROR_MEMORY;
    for (int i = 0; i < SPR_GROUP_LOGS; i++)
        state->log[i] = -spr__log(((double)i + 0.5) / (double)SPR_GROUP_LOGS);
    spr_status status = group_build_coefficients(state);
    status = status == SPR_OK ? group_build_squares(state) : status;
    status = status == SPR_OK ? group_build_limits(state) : status;
    return status == SPR_OK ? group_build_groups(state) : status;
}
