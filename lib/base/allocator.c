/* SPDX-License-Identifier: MIT */
#include "allocator.h"

#include <stdlib.h>

static void *allocator_libc(void *user, void *pointer, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_size);
}

spr__memory spr__memory_of(spr_allocator function, void *user)
{
    spr__memory memory = {function != NULL ? function : allocator_libc, user};
    return memory;
}

void *spr__allocate(const spr__memory *memory, size_t bytes)
{
    return memory->function(memory->user, NULL, 0, bytes);
}

void spr__release(const spr__memory *memory, void *pointer, size_t bytes)
{
    if (pointer != NULL)
        memory->function(memory->user, pointer, bytes, 0);
}
