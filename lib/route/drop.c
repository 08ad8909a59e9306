/* SPDX-License-Identifier: MIT
 * The drop policy: which of an expert's routes stay when it has more than its capacity. */
#include "call.h"

#include <string.h>

/* Smaller is kept first; no two routes of an expert have the same key. */
static uint64_t drop_key(int64_t order, float value, uint64_t token, uint64_t slot)
{
    uint32_t bits;
    if (order == spr__drop_order_position)
        return token;
    if (order == spr__drop_order_slot)
        return slot << 32 | token;
    memcpy(&bits, &value, sizeof bits);
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (uint64_t)~bits << 32 | token;
}

/* The key with rank smaller ones before it (quickselect, middle pivot). */
static uint64_t drop_nth(uint64_t *keys, int64_t count, int64_t rank)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        uint64_t pivot = keys[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (keys[i] < pivot)
                i++;
            while (keys[j] > pivot)
                j--;
            if (i <= j) {
                uint64_t key = keys[i];
                keys[i++] = keys[j];
                keys[j--] = key;
            }
        }
        if (rank <= j)
            high = j;
        else if (rank >= i)
            low = i;
        else
            break;
    }
    return keys[rank];
}

int64_t spr__drop(spr__call *call, const float *values)
{
    spr_workspace *workspace = call->workspace;
    const int64_t experts = call->plan->options.experts, k = call->plan->options.k;
    const int64_t order = call->plan->options.drop_order;
    int64_t dropped = 0;
    spr__tabulate(call->ids, call->tokens * k, experts, workspace->counts, workspace->offsets, workspace->sorted, NULL);
    for (int64_t e = 0; e < experts; e++) {
        const int64_t capacity = spr__expert_capacity(call->plan, call->statistics.tokens, e);
        const int64_t count = workspace->counts[e];
        const int32_t *routes = workspace->sorted + workspace->offsets[e];
        if (count <= capacity)
            continue;
        for (int64_t i = 0; i < count; i++)
            workspace->drop_keys[i] = drop_key(order, values[routes[i]], (uint64_t)(routes[i] / k),
                                               (uint64_t)(routes[i] % k));
        uint64_t first_out = drop_nth(workspace->drop_keys, count, capacity);
        for (int64_t i = 0; i < count; i++)
            if (drop_key(order, values[routes[i]], (uint64_t)(routes[i] / k), (uint64_t)(routes[i] % k)) >= first_out) {
                call->ids[routes[i]] = -1;
                dropped++;
            }
    }
    return dropped;
}
