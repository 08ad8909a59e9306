/* SPDX-License-Identifier: MIT
 * Kernel template, part: one price sweep over a block (margins of the tokens, demand for the experts at trial prices). */

KERNEL void LANE(margin)(const float *tile, int64_t width, const float *prices, const float *threshold, float *margin)
{
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        const vector bar = LOAD(threshold + r);
        vector next = SET(-INFINITY);
        for (int64_t e = 0; e < width; e++) {
            vector x = LANE(priced)(tile + r, e, prices);
            next = MAX(next, SELECT(GT(bar, x), x, SET(-INFINITY)));
        }
        STORE(margin + r, MUL(ADD(bar, next), SET(0.5f)));
    }
}

KERNEL void LANE(count)(const float *tile, int64_t experts, int64_t width, const float *margin, const float *levels,
                        int32_t *counts)
{
    vector at[SPR_BLOCK / LANES];
    for (int h = 0; h < SPR_BLOCK / LANES; h++)
        at[h] = LOAD(margin + h * LANES);
    for (int64_t e = 0; e < experts; e++) {
        vector x[SPR_BLOCK / LANES];
        for (int h = 0; h < SPR_BLOCK / LANES; h++)
            x[h] = SUB(LOAD(tile + e * SPR_BLOCK + h * LANES), at[h]);
        for (int j = 0; j < SPR_LEVELS; j++) {
            vector level = SET(levels[j * width + e]);
            int32_t found = 0;
            for (int h = 0; h < SPR_BLOCK / LANES; h++)
                found += __builtin_popcount(BITS(GT(x[h], level)));
            counts[j * width + e] += found;
        }
    }
}
