/* SPDX-License-Identifier: MIT
 * Memory through the host's allocator. */
#ifndef SPR_BASE_ALLOCATOR_H
#define SPR_BASE_ALLOCATOR_H

#include "../../include/spinroute.h"

typedef struct spr__memory {
    spr_allocator function;      /* never NULL */
    void *user;
} spr__memory;

/* NULL function: libc. */
spr__memory spr__memory_of(spr_allocator function, void *user);

void *spr__allocate(const spr__memory *memory, size_t bytes);
void spr__release(const spr__memory *memory, void *pointer, size_t bytes);

#endif
