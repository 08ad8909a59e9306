/* SPDX-License-Identifier: MIT
 * Kernel template, part: tables of the open-expert search (route/interchange.c), in whole numbers. Plain loops that
 * compilers vectorise; widths are multiples of 16. */

/* Largest value of a row, and the smallest that is not -inf (+inf if there is none). */
KERNEL void LANE(span_row)(const float *row, int64_t width, float *most, float *least)
{
    vector high = SET(-INFINITY), low = SET(INFINITY);
    for (int64_t f = 0; f < width; f += LANES) {
        const vector x = LOAD(row + f);
        high = MAX(high, x);
        low = MIN(low, SELECT(GT(x, SET(-INFINITY)), x, SET(INFINITY)));
    }
    *most = LANE(largest)(high);
    *least = -LANE(largest)(SUB(SET(0.0f), low));
}

KERNEL void LANE(to_whole)(const float *row, int64_t width, float most, float scale, int32_t none, int32_t *whole)
{
    const float lowest = (float)none;
    for (int64_t f = 0; f < width; f++) {
        /* -inf becomes lowest, which is a whole number that float holds */
        float below = (row[f] - most) * scale - 0.5f;
        below = below > lowest ? below : lowest;
        whole[f] = (int32_t)below;
    }
}

KERNEL int64_t LANE(largest_place)(const float *row, int64_t width)
{
    vector high = LOAD(row);
    for (int64_t f = LANES; f < width; f += LANES)
        high = MAX(high, LOAD(row + f));
    const vector most = SET(LANE(largest)(high));
    for (int64_t f = 0; f < width; f += LANES) {
        const uint32_t bits = BITS(EQ(LOAD(row + f), most));
        if (bits != 0)
            return f + __builtin_ctz(bits);
    }
    return 0;
}

KERNEL void LANE(move_gain)(const int32_t *row, int64_t width, int32_t worst_before, int32_t worst, int32_t *gain)
{
    for (int64_t f = 0; f < width; f++) {
        const int32_t now = row[f] > worst ? row[f] - worst : 0;
        const int32_t before = row[f] > worst_before ? row[f] - worst_before : 0;
        gain[f] += now - before;
    }
}

/* What a token adds to the rows of the experts it uses: the part of a closing that the opening of f saves. */
KERNEL void LANE(saving)(const int32_t *row, int64_t width, int32_t worst, int32_t next, int32_t *saved)
{
    for (int64_t f = 0; f < width; f++) {
        const int32_t least = row[f] < worst ? row[f] : worst;
        saved[f] = least > next ? least - next : 0;
    }
}

KERNEL void LANE(whole_add)(const int32_t *row, int64_t width, int32_t *sum)
{
    for (int64_t f = 0; f < width; f++)
        sum[f] += row[f];
}

KERNEL void LANE(whole_subtract)(const int32_t *row, const int32_t *less, int64_t width, int32_t *difference)
{
    for (int64_t f = 0; f < width; f++)
        difference[f] = row[f] - less[f];
}

KERNEL int64_t LANE(best_swap)(const int32_t *saved, const int32_t *same, const int32_t *other, const int32_t *device,
                               int32_t own, int64_t width, int32_t *sums)
{
    int32_t best = INT32_MIN;
    for (int64_t f = 0; f < width; f++) {
        sums[f] = saved[f] + (device[f] == own ? same[f] : other[f]);
        best = sums[f] > best ? sums[f] : best;
    }
    for (int64_t f = 0; f < width; f += 16) {
        int32_t any = 0;
        for (int64_t i = 0; i < 16; i++)
            any |= sums[f + i] == best;
        for (int64_t i = 0; any && i < 16; i++)
            if (sums[f + i] == best)
                return f + i;
    }
    return 0;
}
