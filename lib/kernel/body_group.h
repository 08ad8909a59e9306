/* SPDX-License-Identifier: MIT
 * Kernel template, part: group-limited selection (DeepSeek-V2/V3, Megatron device-limited routing). */

KERNEL void LANE(limit_groups)(float *tile, const spr__grouping *grouping, float *scratch)
{
    const vector none = SET(-INFINITY);
    const int64_t padded = (grouping->groups + 15) / 16 * 16;
    float threshold[SPR_BLOCK];
    for (int64_t g = 0; g < padded; g++)
        for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
            const float *column = tile + g * grouping->size * SPR_BLOCK + r;
            vector best[SPR_MAX_K];
            int32_t kept = grouping->score == SPR_GROUP_MAX ? 1 : grouping->score == SPR_GROUP_TOP2_SUM ? 2 : grouping->best;
            vector total = none;
            best[0] = none;
            if (g < grouping->groups) {
                for (int32_t i = 1; i < kept; i++)
                    best[i] = none;
                for (int64_t e = 0; e < grouping->size; e++) {
                    vector x = LOAD(column + e * SPR_BLOCK);
                    for (int32_t i = 0; i < kept; i++) {
                        vector high = MAX(best[i], x);
                        x = MIN(best[i], x);
                        best[i] = high;
                    }
                }
                total = best[0];
                for (int32_t i = 1; i < kept; i++)
                    total = ADD(total, best[i]);
            }
            STORE(scratch + g * SPR_BLOCK + r, total);
        }
    LANE(threshold)(scratch, padded, grouping->limit, NULL, threshold);
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        const vector bar = LOAD(threshold + r), one = SET(1.0f), zero = SET(0.0f);
        /* places left for groups that tie with the bar: the earliest take them */
        vector room = SET((float)grouping->limit);
        for (int64_t g = 0; g < grouping->groups; g++)
            room = SUB(room, SELECT(GT(LOAD(scratch + g * SPR_BLOCK + r), bar), one, zero));
        for (int64_t g = 0; g < grouping->groups; g++) {
            vector total = LOAD(scratch + g * SPR_BLOCK + r);
            mask tied = LANE(both)(EQ(total, bar), GT(room, zero));
            room = SUB(room, SELECT(tied, one, zero));
            mask chosen = LANE(either)(GT(total, bar), tied);
            for (int64_t e = g * grouping->size; e < (g + 1) * grouping->size; e++) {
                vector x = LOAD(tile + e * SPR_BLOCK + r);
                vector other = grouping->zero ? SELECT(GT(x, none), zero, none) : none;
                STORE(tile + e * SPR_BLOCK + r, SELECT(chosen, x, other));
            }
        }
    }
}
