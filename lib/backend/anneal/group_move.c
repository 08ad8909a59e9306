/* SPDX-License-Identifier: MIT
 * Random moves: an exchange in a group or a flip, and the exchanges it forces where limits are full. */
#include "group.h"

#include "../../base/exact.h"

enum { GROUP_MOVE_TRIES = 4 };

static int group_move_holds(const spr__group_move *move, int32_t variable)
{
    for (int32_t f = 0; f < move->count; f++)
        if (move->variable[f] == variable)
            return 1;
    return 0;
}

static int group_move_holds_group(const spr__group_state *state, int32_t g)
{
    for (int32_t f = 0; f < state->move.count; f++)
        if (g >= 0 && state->groups.owner[state->move.variable[f]] == g)
            return 1;
    return 0;
}

/* A member of the group that is 0, mostly a promising one; -1 if what was drawn is 1. */
static int32_t group_move_candidate(const spr__group_state *state, int32_t g, uint64_t bits)
{
    const spr__group_groups *groups = &state->groups;
    const int64_t members = groups->start[g + 1] - groups->start[g];
    const int64_t few = groups->take[g] + state->few < members ? groups->take[g] + state->few : members;
    const int64_t among = (bits & 7) != 0 ? few : members;
    const int32_t v = groups->candidate[groups->start[g] + spr__group_below(bits >> 3, among)];
    return state->bits[v] ? -1 : v;
}

/* The group's variable in a limit, if it is 0 and the only or first one found; -1 otherwise. */
static int32_t group_move_in_limit(const spr__group_state *state, int32_t g, int32_t limit)
{
    const spr__group_groups *groups = &state->groups;
    const spr__group_limits *limits = &state->limits;
    const int32_t *list = groups->at_limit + groups->start[g];
    int64_t low = 0, high = groups->start[g + 1] - groups->start[g];
    const int64_t members = high;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int32_t v = list[middle];
        if ((limits->row[v] < limits->row[v + 1] ? limits->index[limits->row[v]] : INT32_MAX) < limit)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == members)
        return -1;
    const int32_t v = list[low];
    return limits->row[v] < limits->row[v + 1] && limits->index[limits->row[v]] == limit && !state->bits[v] ? v : -1;
}

/* A limit that the move exceeds, and by how much; -1 if there is none. */
static int32_t group_move_blocked(const spr__group_state *state, int64_t *over)
{
    const spr__group_limits *limits = &state->limits;
    for (int32_t f = state->move.count - 1; f >= 0; f--) {
        const int32_t v = state->move.variable[f];
        if (state->bits[v])
            continue;
        for (int64_t at = limits->row[v]; at < limits->row[v + 1]; at++) {
            const int32_t c = limits->index[at];
            *over = limits->load[c] + limits->shift[c] - limits->most[c];
            if (*over > 0 && limits->shift[c] > 0)
                return c;
        }
    }
    return -1;
}

/* Weight of a variable in a limit that it is a member of. */
static int64_t group_move_weight(const spr__group_limits *limits, int32_t variable, int32_t limit)
{
    int64_t at = limits->row[variable];
    while (limits->index[at] != limit)
        at++;
    return limits->weight[at];
}

/* A member of the limit that is 1 and makes enough room; -1 if a few draws find none. */
static int32_t group_move_victim(spr__group_state *state, int32_t limit, int64_t over)
{
    const spr__group_limits *limits = &state->limits;
    for (int i = 0; i < GROUP_MOVE_TRIES && limits->on[limit] > 0; i++) {
        const int32_t v = limits->member[limits->start[limit] + spr__group_below(spr__group_draw(state), limits->on[limit])];
        if (group_move_weight(limits, v, limit) >= over && !group_move_holds(&state->move, v) &&
            !group_move_holds_group(state, state->groups.owner[v]))
            return v;
    }
    return -1;
}

/* The group's variable in some limit that has room left; -1 if there is none. */
static int32_t group_move_with_room(spr__group_state *state, int32_t g)
{
    const spr__group_limits *limits = &state->limits;
    const int64_t from = spr__group_below(spr__group_draw(state), limits->count);
    for (int64_t i = 0; i < limits->count; i++) {
        const int64_t c = from + i < limits->count ? from + i : from + i - limits->count;
        if (limits->load[c] + limits->shift[c] < limits->most[c])
            return group_move_in_limit(state, g, (int32_t)c);
    }
    return -1;
}

/* What takes the place of a victim: mostly where the chain began, so that it closes; while limits are exceeded, where room
 * is left. */
static int32_t group_move_instead(spr__group_state *state, int32_t g)
{
    const spr__group_limits *limits = &state->limits;
    const uint64_t bits = spr__group_draw(state);
    const int32_t first = state->move.variable[0];
    if ((bits >> 63) != 0 && state->over > 0)
        return group_move_with_room(state, g);
    if ((bits >> 63) != 0 && state->bits[first] && limits->row[first] < limits->row[first + 1])
        return group_move_in_limit(state, g, limits->index[limits->row[first]]);
    return group_move_candidate(state, g, bits);
}

/* Exchanges for what the move exceeds; 0 if that finds no end. */
static int group_move_chain(spr__group_state *state)
{
    int64_t over;
    for (int32_t c; (c = group_move_blocked(state, &over)) >= 0;) {
        if (state->move.count + 2 > SPR_GROUP_FLIPS)
            return 0;
        const int32_t victim = group_move_victim(state, c, over);
        if (victim < 0)
            return 0;
        if (state->groups.owner[victim] < 0) {
            spr__group_add(state, victim);
            continue;
        }
        const int32_t instead = group_move_instead(state, state->groups.owner[victim]);
        if (instead < 0)
            return 0;
        spr__group_add(state, victim);
        spr__group_add(state, instead);
    }
    return 1;
}

/* A limit that is exceeded gives a member away; the chain that follows exceeds no other one. */
int spr__group_relieve(spr__group_state *state)
{
    const spr__group_limits *limits = &state->limits;
    const int64_t from = spr__group_below(spr__group_draw(state), limits->count);
    int64_t c = from;
    while (limits->load[c] <= limits->most[c])
        if ((c = c + 1 < limits->count ? c + 1 : 0) == from)
            return 0;
    const int32_t victim = limits->member[limits->start[c] + spr__group_below(spr__group_draw(state), limits->on[c])];
    const int32_t g = state->groups.owner[victim];
    if (g < 0) {
        spr__group_add(state, victim);
        return 1;
    }
    spr__group_add(state, victim);
    const int32_t instead = group_move_instead(state, g);
    if (instead < 0)
        return 0;
    spr__group_add(state, instead);
    return group_move_chain(state);
}

int spr__group_propose(spr__group_state *state)
{
    const spr__group_groups *groups = &state->groups;
    if (groups->slots == 0)
        return 0;
    const uint64_t bits = spr__group_draw(state);
    const int32_t slot = groups->slot[spr__group_below(bits, groups->slots)];
    if (slot >= 0) {
        const int32_t on = groups->member[groups->start[slot] + spr__group_below(bits >> 32, groups->take[slot])];
        const int32_t off = group_move_candidate(state, slot, spr__group_draw(state));
        if (off < 0)
            return 0;
        spr__group_add(state, on);
        spr__group_add(state, off);
    } else
        spr__group_add(state, -1 - slot);
    return group_move_chain(state);
}
