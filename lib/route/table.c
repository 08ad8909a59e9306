/* SPDX-License-Identifier: MIT
 * From ids to the rest of the table: a counting sort, stable in the flat index. */
#include "call.h"

#include <string.h>

void spr__tabulate(const int32_t *ids, int64_t routes, int64_t experts, int32_t *counts, int32_t *offsets,
                   int32_t *sorted, int32_t *positions)
{
    memset(counts, 0, (size_t)experts * sizeof counts[0]);
    if (positions != NULL)
        for (int64_t i = 0; i < routes; i++)
            positions[i] = ids[i] < 0 ? -1 : counts[ids[i]]++;
    else
        for (int64_t i = 0; i < routes; i++)
            if (ids[i] >= 0)
                counts[ids[i]]++;
    offsets[0] = 0;
    for (int64_t e = 0; e < experts; e++)
        offsets[e + 1] = offsets[e] + counts[e];
    if (sorted == NULL)
        return;
    if (positions != NULL) {
        for (int64_t i = 0; i < routes; i++)
            if (ids[i] >= 0)
                sorted[offsets[ids[i]] + positions[i]] = (int32_t)i;
        for (int64_t i = offsets[experts]; i < routes; i++)
            sorted[i] = -1;
        return;
    }
    /* each expert's own offset is its cursor; afterwards it stands where the next expert began */
    for (int64_t i = 0; i < routes; i++)
        if (ids[i] >= 0)
            sorted[offsets[ids[i]]++] = (int32_t)i;
    for (int64_t e = experts; e > 0; e--)
        offsets[e] = offsets[e - 1];
    offsets[0] = 0;
    for (int64_t i = offsets[experts]; i < routes; i++)
        sorted[i] = -1;
}
