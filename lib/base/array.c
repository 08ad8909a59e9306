/* SPDX-License-Identifier: MIT */
#include "array.h"

static int array_overlaps(const spr__array *a, const spr__array *b)
{
    uintptr_t a_first = (uintptr_t)a->data, b_first = (uintptr_t)b->data;
    return a->bytes > 0 && b->bytes > 0 && (b_first - a_first < a->bytes || a_first - b_first < b->bytes);
}

spr_status spr__check_arrays(const spr__array *arrays, int count, spr_error *error)
{
    for (int i = 0; i < count; i++) {
        if (arrays[i].data == NULL)
            continue;
        if ((uintptr_t)arrays[i].data % arrays[i].alignment != 0)
            return spr__fail(error, SPR_ERROR_ALIGNMENT, "%s is at %p; it must be aligned to %zu bytes", arrays[i].name,
                             arrays[i].data, arrays[i].alignment);
        for (int j = 0; j < i; j++)
            if (arrays[j].data != NULL && (arrays[i].written || arrays[j].written) &&
                array_overlaps(&arrays[i], &arrays[j]))
                return spr__fail(error, SPR_ERROR_OVERLAP,
                                 "%s (%zu bytes at %p) overlaps %s (%zu bytes at %p); arrays of a call must be apart",
                                 arrays[i].name, arrays[i].bytes, arrays[i].data, arrays[j].name, arrays[j].bytes,
                                 arrays[j].data);
    }
    return SPR_OK;
}
