/* SPDX-License-Identifier: MIT
 * Kernel template, part: from thresholds to chosen experts and their order. */

KERNEL int32_t LANE(pick_row)(const float *row, int64_t width, int32_t k, const float *prices, float threshold,
                              uint64_t *words)
{
    const vector bar = SET(threshold > -FLT_MAX ? threshold : -FLT_MAX);
    int32_t found = 0;
    for (int64_t w = 0; w * 64 < width; w++) {
        uint64_t word = 0;
        for (int64_t e = w * 64; e < w * 64 + 64 && e < width; e += LANES) {
            vector x = LOAD(row + e);
            if (prices != NULL)
                x = SUB(x, LOAD(prices + e));
            word |= (uint64_t)BITS(GE(x, bar)) << (e & 63);
        }
        words[w] = word;
        found += __builtin_popcountll(word);
    }
    if (found <= k)
        return found;
    /* Ties at the threshold: those above it stay, of the equal ones the smallest ids. */
    int32_t above = 0;
    for (int64_t w = 0; w * 64 < width; w++)
        for (uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
            int64_t e = w * 64 + __builtin_ctzll(rest);
            above += (prices != NULL ? row[e] - prices[e] : row[e]) > threshold;
        }
    int32_t room = k - above;
    for (int64_t w = 0; w * 64 < width; w++)
        for (uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
            int64_t e = w * 64 + __builtin_ctzll(rest);
            if ((prices != NULL ? row[e] - prices[e] : row[e]) > threshold)
                continue;
            if (room > 0)
                room--;
            else
                words[w] &= ~((uint64_t)1 << (e & 63));
        }
    return k;
}

KERNEL void LANE(order)(const float *values, int32_t k, int32_t *place)
{
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector rank[SPR_MAX_K];
        for (int32_t j = 0; j < k; j++)
            rank[j] = SET((float)j);
        for (int32_t j = 1; j < k; j++) {
            vector mine = LOAD(values + j * SPR_BLOCK + r);
            for (int32_t i = 0; i < j; i++) {
                vector overtakes = SELECT(GT(mine, LOAD(values + i * SPR_BLOCK + r)), SET(1.0f), SET(0.0f));
                rank[i] = ADD(rank[i], overtakes);
                rank[j] = SUB(rank[j], overtakes);
            }
        }
        for (int32_t j = 0; j < k; j++)
            LANE(store_int)(place + j * SPR_BLOCK + r, rank[j]);
    }
}
