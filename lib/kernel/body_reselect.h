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
