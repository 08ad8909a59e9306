/* SPDX-License-Identifier: MIT
 * What is maintained of a state, and what a move changes of it. */
#include "group.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* ------------------------------------------------------------------------------------------------------------ take over */

static void group_field_swap(int32_t *list, int32_t *place, int32_t a, int32_t b)
{
    const int32_t at = place[a], to = place[b];
    list[at] = b;
    list[to] = a;
    place[a] = to;
    place[b] = at;
}

/* The place of a variable in a limit's list. */
static int32_t *group_field_place(const spr__group_limits *limits, int32_t variable, int32_t limit)
{
    int64_t at = limits->row[variable];
    while (limits->index[at] != limit)
        at++;
    return &limits->place[at];
}

/* Moves a variable of a limit's list over the border between those that are 1 and the rest. */
static void group_field_list(spr__group_limits *limits, int64_t at, int32_t variable, int turned_on)
{
    const int32_t limit = limits->index[at], border = turned_on ? limits->on[limit]++ : --limits->on[limit];
    int32_t *list = limits->member + limits->start[limit];
    const int32_t other = list[border], mine = limits->place[at];
    int32_t *place = other == variable ? &limits->place[at] : group_field_place(limits, other, limit);
    list[border] = variable;
    list[mine] = other;
    *place = mine;
    limits->place[at] = border;
}

static void group_field_list_group(spr__group_groups *groups, const uint8_t *bits, int64_t g)
{
    int32_t *list = groups->member + groups->start[g];
    const int32_t members = (int32_t)(groups->start[g + 1] - groups->start[g]);
    for (int32_t i = 0, on = 0; i < members; i++)
        if (bits[list[i]]) {
            group_field_swap(list, groups->place, list[i], list[on]);
            on++;
        }
}

void spr__group_load(spr__group_state *state, const uint8_t *bits)
{
    const spr_problem_view *p = state->problem;
    spr__group_squares *squares = &state->squares;
    spr__group_limits *limits = &state->limits;
    double pairs = 0.0;
    if (bits != state->bits)
        memcpy(state->bits, bits, (size_t)state->n);
    memset(limits->load, 0, (size_t)limits->count * sizeof limits->load[0]);
    memset(limits->on, 0, (size_t)limits->count * sizeof limits->on[0]);
    for (int64_t s = 0; s < squares->count; s++)
        squares->sum[s] = -p->terms->square_target[s];
    state->energy = 0.0;
    for (int64_t i = 0; i < state->n; i++) {
        double sum = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++)
            sum += state->bits[p->column[at]] ? state->value[at] : 0.0;
        state->field[i] = state->linear[i] + sum;
        if (!state->bits[i])
            continue;
        state->energy += state->linear[i];
        pairs += sum;
        for (int64_t at = squares->row[i]; at < squares->row[i + 1]; at++)
            squares->sum[squares->index[at]] += squares->factor[at];
        for (int64_t at = limits->row[i]; at < limits->row[i + 1]; at++) {
            limits->load[limits->index[at]] += limits->weight[at];
            group_field_list(limits, at, (int32_t)i, 1);
        }
    }
    state->energy += 0.5 * pairs;
    for (int64_t s = 0; s < squares->count; s++)
        state->energy += squares->weight[s] * (squares->sum[s] * squares->sum[s]);
    for (int64_t g = 0; g < state->groups.count; g++)
        group_field_list_group(&state->groups, state->bits, g);
    state->over = 0;
    for (int64_t c = 0; c < limits->count; c++)
        state->over += limits->load[c] > limits->most[c];
}

/* ----------------------------------------------------------------------------------------------------------------- move */

/* The coupling of two variables: a search in the shorter row. */
static double group_field_coupling(const spr__group_state *state, int32_t a, int32_t b)
{
    const int64_t *row = state->problem->row_start;
    if (row[a + 1] - row[a] > row[b + 1] - row[b]) {
        const int32_t other = a;
        a = b;
        b = other;
    }
    int64_t low = row[a], high = row[a + 1];
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (state->problem->column[middle] < b)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row[a + 1] && state->problem->column[low] == b ? state->value[low] : 0.0;
}

void spr__group_add(spr__group_state *state, int32_t variable)
{
    spr__group_move *move = &state->move;
    const spr__group_squares *squares = &state->squares;
    const spr__group_limits *limits = &state->limits;
    const int on = !state->bits[variable];
    double field = state->field[variable];
    if (state->problem->couplings > 0)
        for (int32_t f = 0; f < move->count; f++) {
            const double pair = group_field_coupling(state, variable, move->variable[f]);
            field += state->bits[move->variable[f]] ? -pair : pair;
        }
    double cost = on ? field : -field;
    for (int64_t at = squares->row[variable]; at < squares->row[variable + 1]; at++) {
        const int32_t s = squares->index[at];
        const double change = on ? squares->factor[at] : -squares->factor[at];
        cost += squares->weight[s] * (change * (2.0 * (squares->sum[s] + squares->shift[s]) + change));
        squares->shift[s] += change;
    }
    for (int64_t at = limits->row[variable]; at < limits->row[variable + 1]; at++) {
        const int64_t change = on ? limits->weight[at] : -limits->weight[at];
        limits->shift[limits->index[at]] += change;
        move->load += limits->price[limits->index[at]] * (double)change;
    }
    move->cost += cost;
    move->variable[move->count++] = variable;
}

double spr__group_fines(const spr__group_state *state)
{
    const spr__group_limits *limits = &state->limits;
    double fines = 0.0;
    for (int32_t f = 0; f < state->move.count; f++) {
        const int32_t v = state->move.variable[f];
        for (int64_t at = limits->row[v]; at < limits->row[v + 1]; at++) {
            const int32_t c = limits->index[at];
            const int64_t before = limits->load[c] - limits->most[c], after = before + limits->shift[c];
            const double change = (double)((after > 0 ? after : 0) - (before > 0 ? before : 0));
            fines += change * limits->fine[c];
            limits->shift[c] = 0;        /* each limit once; the move is over after this */
        }
    }
    return fines;
}

void spr__group_forget(spr__group_state *state)
{
    for (int32_t f = 0; f < state->move.count; f++) {
        const int32_t v = state->move.variable[f];
        for (int64_t at = state->squares.row[v]; at < state->squares.row[v + 1]; at++)
            state->squares.shift[state->squares.index[at]] = 0.0;
        for (int64_t at = state->limits.row[v]; at < state->limits.row[v + 1]; at++)
            state->limits.shift[state->limits.index[at]] = 0;
    }
    state->move.count = 0;
    state->move.cost = state->move.load = 0.0;
}

static void group_field_flip(spr__group_state *state, int32_t variable)
{
    const spr_problem_view *p = state->problem;
    spr__group_squares *squares = &state->squares;
    spr__group_limits *limits = &state->limits;
    const int on = state->bits[variable] ^= 1;
    for (int64_t at = p->row_start[variable]; at < p->row_start[variable + 1]; at++)
        state->field[p->column[at]] += on ? state->value[at] : -state->value[at];
    for (int64_t at = squares->row[variable]; at < squares->row[variable + 1]; at++)
        squares->sum[squares->index[at]] += on ? squares->factor[at] : -squares->factor[at];
    for (int64_t at = limits->row[variable]; at < limits->row[variable + 1]; at++) {
        const int32_t c = limits->index[at];
        state->over -= limits->load[c] > limits->most[c];
        limits->load[c] += on ? limits->weight[at] : -limits->weight[at];
        state->over += limits->load[c] > limits->most[c];
        group_field_list(limits, at, variable, on);
    }
}

void spr__group_apply(spr__group_state *state)
{
    spr__group_groups *groups = &state->groups;
    const spr__group_move *move = &state->move;
    for (int32_t f = 0; f < move->count; f++) {
        const int32_t v = move->variable[f], g = groups->owner[v];
        group_field_flip(state, v);
        /* exchanges of a group lie side by side: off, then on */
        if (g >= 0 && state->bits[v])
            group_field_swap(groups->member + groups->start[g], groups->place, v, move->variable[f - 1]);
    }
    state->energy += move->cost;
    spr__group_forget(state);
}
