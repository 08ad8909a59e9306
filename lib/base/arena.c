/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdint.h>

void *spr__arena_take(spr__arena *arena, size_t count, size_t size)
{
    size_t start = arena->used;
    if (start == SIZE_MAX || (size != 0 && count > (SIZE_MAX / 2 - start) / size)) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    arena->used = (start + count * size + SPR_ALIGNMENT - 1) / SPR_ALIGNMENT * SPR_ALIGNMENT;
    return arena->base == NULL ? NULL : arena->base + start;
}
