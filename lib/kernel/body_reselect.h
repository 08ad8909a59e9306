/* SPDX-License-Identifier: MIT
 * Kernel template, part: one step of the programme that chooses a token's experts (route/reselect.c). */

KERNEL void LANE(least_sums)(const double *base, const double *add, int64_t first, int64_t last, int64_t rows,
                             int64_t stride, int64_t count, double *least)
{
    for (int64_t r = 0; r < rows; r++, base += stride, least += stride)
        for (int64_t j = first; j <= last; j++) {
            const double more = add[j];
            const double *from = base - j;
            for (int64_t i = 0; i < count; i++) {
                const double sum = from[i] + more;
                least[i] = sum < least[i] ? sum : least[i];
            }
        }
}

/* Branch-free sorting of few keys: each one's place is the number of those before it. count is a multiple of 8. */
KERNEL void LANE(rank)(const double *keys, int64_t count, int64_t *places)
{
    for (int64_t e = 0; e < count; e++)
        places[e] = 0;
    for (int64_t f = 0; f < count; f++) {
        const double key = keys[f];
        for (int64_t e = 0; e < count; e++)
            places[e] += (key < keys[e]) | ((key == keys[e]) & (f < e));
    }
}
