/* SPDX-License-Identifier: MIT */
#include "samples.h"
#include "../base/arena.h"

#include <string.h>

int spr__samples_open(spr__samples *samples, const spr__memory *memory, int64_t variables, int64_t room)
{
    memset(samples, 0, sizeof *samples);
    samples->variables = variables;
    samples->room = room;
    for (int pass = 0; pass < 2; pass++) {
        const uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)samples->block % SPR_ALIGNMENT) % SPR_ALIGNMENT;
        spr__arena arena = {pass == 0 ? NULL : (char *)samples->block + skip, 0};
        samples->energy = (double *)spr__arena_take(&arena, (size_t)room, sizeof(double));
        samples->occurrences = (int64_t *)spr__arena_take(&arena, (size_t)room, sizeof(int64_t));
        samples->rank = (int32_t *)spr__arena_take(&arena, (size_t)room, sizeof(int32_t));
        samples->bits = (uint8_t *)spr__arena_take(&arena, (size_t)room, (size_t)variables);
        if (pass == 0) {
            if (arena.used == SIZE_MAX)
                return 0;
            samples->bytes = arena.used + SPR_ALIGNMENT;
            samples->block = spr__allocate(memory, samples->bytes);
            if (samples->block == NULL)
                return 0;
        }
    }
    return 1;
}

void spr__samples_close(spr__samples *samples, const spr__memory *memory)
{
    spr__release(memory, samples->block, samples->bytes);
    memset(samples, 0, sizeof *samples);
}

void spr__samples_clear(spr__samples *samples)
{
    samples->used = 0;
}

/* Less than 0 if the state comes before the kept one. */
static int samples_compare(const spr__samples *samples, const uint8_t *bits, double energy, int32_t place)
{
    if (energy != samples->energy[place])
        return energy < samples->energy[place] ? -1 : 1;
    return memcmp(bits, samples->bits + (int64_t)place * samples->variables, (size_t)samples->variables);
}

void spr__samples_add(spr__samples *samples, const uint8_t *bits, double energy)
{
    int64_t low = 0, high = samples->used;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int order = samples_compare(samples, bits, energy, samples->rank[middle]);
        if (order == 0) {
            samples->occurrences[samples->rank[middle]]++;
            return;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == samples->room)
        return;
    /* the worst one gives its place */
    const int32_t place = samples->used < samples->room ? (int32_t)samples->used : samples->rank[samples->room - 1];
    samples->used += samples->used < samples->room;
    memmove(samples->rank + low + 1, samples->rank + low, (size_t)(samples->used - 1 - low) * sizeof samples->rank[0]);
    samples->rank[low] = place;
    memcpy(samples->bits + (int64_t)place * samples->variables, bits, (size_t)samples->variables);
    samples->energy[place] = energy;
    samples->occurrences[place] = 1;
}
