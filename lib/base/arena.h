/* SPDX-License-Identifier: MIT
 * One block of memory cut into aligned arrays. With base NULL it only measures. */
#ifndef SPR_BASE_ARENA_H
#define SPR_BASE_ARENA_H

#include <stddef.h>

enum { SPR_ALIGNMENT = 64 };

typedef struct spr__arena {
    char *base;                  /* aligned to SPR_ALIGNMENT, or NULL */
    size_t used;                 /* SIZE_MAX after an overflow */
} spr__arena;

/* count elements of size bytes; NULL when only measuring. */
void *spr__arena_take(spr__arena *arena, size_t count, size_t size);

#endif
