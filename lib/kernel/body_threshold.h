/* SPDX-License-Identifier: MIT
 * Kernel template, part: the k-th largest value of each lane, by sorting networks (Batcher 1968): groups of experts are
 * sorted, then pairs of sorted lists are merged keeping only the best. No branch depends on data. */

#define EXCHANGE(a, i, j) do { vector high_ = MAX((a)[i], (a)[j]); (a)[j] = MIN((a)[i], (a)[j]); (a)[i] = high_; } while (0)

INLINE void LANE(sort4)(vector *a)
{
    EXCHANGE(a, 0, 1); EXCHANGE(a, 2, 3); EXCHANGE(a, 0, 2); EXCHANGE(a, 1, 3); EXCHANGE(a, 1, 2);
}

INLINE void LANE(sort8)(vector *a)
{
    EXCHANGE(a, 0, 1); EXCHANGE(a, 2, 3); EXCHANGE(a, 4, 5); EXCHANGE(a, 6, 7);
    EXCHANGE(a, 0, 2); EXCHANGE(a, 1, 3); EXCHANGE(a, 4, 6); EXCHANGE(a, 5, 7);
    EXCHANGE(a, 1, 2); EXCHANGE(a, 5, 6); EXCHANGE(a, 0, 4); EXCHANGE(a, 1, 5);
    EXCHANGE(a, 2, 6); EXCHANGE(a, 3, 7); EXCHANGE(a, 2, 4); EXCHANGE(a, 3, 5);
    EXCHANGE(a, 1, 2); EXCHANGE(a, 3, 4); EXCHANGE(a, 5, 6);
}

/* A bitonic list becomes descending. */
INLINE void LANE(bitonic4)(vector *a)
{
    EXCHANGE(a, 0, 2); EXCHANGE(a, 1, 3); EXCHANGE(a, 0, 1); EXCHANGE(a, 2, 3);
}

INLINE void LANE(bitonic8)(vector *a)
{
    EXCHANGE(a, 0, 4); EXCHANGE(a, 1, 5); EXCHANGE(a, 2, 6); EXCHANGE(a, 3, 7);
    LANE(bitonic4)(a); LANE(bitonic4)(a + 4);
}

INLINE void LANE(bitonic16)(vector *a)
{
    EXCHANGE(a, 0, 8); EXCHANGE(a, 1, 9); EXCHANGE(a, 2, 10); EXCHANGE(a, 3, 11);
    EXCHANGE(a, 4, 12); EXCHANGE(a, 5, 13); EXCHANGE(a, 6, 14); EXCHANGE(a, 7, 15);
    LANE(bitonic8)(a); LANE(bitonic8)(a + 8);
}

#undef EXCHANGE

INLINE vector LANE(priced)(const float *tile, int64_t e, const float *prices)
{
    vector x = LOAD(tile + e * SPR_BLOCK);
    return prices == NULL ? x : SUB(x, SET(prices[e]));
}

/* The best list[0..3] of width experts, descending; the same for 8 and 16. */
INLINE void LANE(best4)(const float *tile, int64_t width, const float *prices, vector *list)
{
    for (int64_t e = 0; e < width; e += 4) {
        vector a[4];
        for (int i = 0; i < 4; i++)
            a[i] = LANE(priced)(tile, e + i, prices);
        LANE(sort4)(a);
        if (e == 0) {
            for (int i = 0; i < 4; i++)
                list[i] = a[i];
        } else {
            for (int i = 0; i < 4; i++)
                list[i] = MAX(list[i], a[3 - i]);
            LANE(bitonic4)(list);
        }
    }
}

INLINE void LANE(best8)(const float *tile, int64_t width, const float *prices, vector *list)
{
    for (int64_t e = 0; e < width; e += 8) {
        vector a[8];
        for (int i = 0; i < 8; i++)
            a[i] = LANE(priced)(tile, e + i, prices);
        LANE(sort8)(a);
        if (e == 0) {
            for (int i = 0; i < 8; i++)
                list[i] = a[i];
        } else {
            for (int i = 0; i < 8; i++)
                list[i] = MAX(list[i], a[7 - i]);
            LANE(bitonic8)(list);
        }
    }
}

/* As above, of the values below bar only. */
INLINE void LANE(best16)(const float *tile, int64_t width, const float *prices, vector bar, vector *list)
{
    for (int i = 0; i < 16; i++)
        list[i] = SET(-INFINITY);
    for (int64_t e = 0; e < width; e += 8) {
        vector a[8];
        for (int i = 0; i < 8; i++) {
            vector x = LANE(priced)(tile, e + i, prices);
            a[i] = SELECT(GT(bar, x), x, SET(-INFINITY));
        }
        LANE(sort8)(a);
        for (int i = 0; i < 8; i++)
            list[15 - i] = MAX(list[15 - i], a[i]);
        LANE(bitonic16)(list);
    }
}

/* k > 16: sixteen ranks at a time; need says how many ranks below the bar the wanted one lies. */
INLINE void LANE(threshold_deep)(const float *tile, int64_t width, int32_t k, const float *prices, float *threshold)
{
    float need[LANES], bar[LANES], lists[16][LANES];
    for (int lane = 0; lane < LANES; lane++) {
        need[lane] = (float)k;
        bar[lane] = INFINITY;
    }
    for (int open = LANES; open > 0;) {
        vector list[16], seen = SET(0.0f);
        LANE(best16)(tile, width, prices, LOAD(bar), list);
        for (int i = 0; i < 16; i++)
            STORE(lists[i], list[i]);
        /* every value at least the sixteenth, with its ties */
        for (int64_t e = 0; e < width; e++) {
            vector x = LANE(priced)(tile, e, prices);
            mask in = LANE(both)(GE(x, list[15]), GT(LOAD(bar), x));
            seen = ADD(seen, SELECT(in, SET(1.0f), SET(0.0f)));
        }
        float count[LANES];
        STORE(count, seen);
        for (int lane = 0; lane < LANES; lane++) {
            if (need[lane] <= 0.0f)
                continue;
            if (need[lane] <= 16.0f || need[lane] <= count[lane] || lists[15][lane] == -INFINITY) {
                threshold[lane] = need[lane] <= 16.0f ? lists[(int)need[lane] - 1][lane] : lists[15][lane];
                need[lane] = 0.0f;
                open--;
            } else {
                need[lane] -= count[lane];
                bar[lane] = lists[15][lane];
            }
        }
    }
}

KERNEL void LANE(threshold)(const float *tile, int64_t width, int32_t k, const float *prices, float *threshold)
{
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector list[16];
        if (k == 1) {
            list[0] = LANE(priced)(tile + r, 0, prices);
            for (int64_t e = 1; e < width; e++)
                list[0] = MAX(list[0], LANE(priced)(tile + r, e, prices));
        } else if (k == 2) {
            list[0] = LANE(priced)(tile + r, 0, prices);
            list[1] = SET(-INFINITY);
            for (int64_t e = 1; e < width; e++) {
                vector x = LANE(priced)(tile + r, e, prices);
                list[1] = MAX(list[1], MIN(list[0], x));
                list[0] = MAX(list[0], x);
            }
        } else if (k <= 4) {
            LANE(best4)(tile + r, width, prices, list);
        } else if (k <= 8) {
            LANE(best8)(tile + r, width, prices, list);
        } else if (k <= 16) {
            LANE(best16)(tile + r, width, prices, SET(INFINITY), list);
        } else {
            LANE(threshold_deep)(tile + r, width, k, prices, threshold + r);
            continue;
        }
        STORE(threshold + r, list[k - 1]);
    }
}

/* Lanes are columns here: each keeps its best, then the best heads are taken one by one. */
KERNEL float LANE(threshold_row)(const float *row, int64_t width, int32_t k)
{
    float lists[17][SPR_BLOCK], head[SPR_BLOCK];
    const int64_t lines = width / SPR_BLOCK, padded = (lines + 7) / 8 * 8;
    float spare[SPR_MAX_EXPERTS];
    if (padded != lines) {
        memcpy(spare, row, (size_t)(width * 4));
        for (int64_t i = width; i < padded * SPR_BLOCK; i++)
            spare[i] = -INFINITY;
        row = spare;
    }
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector list[16] = {0};
        int depth = k <= 8 ? 8 : 16;
        if (k <= 8)
            LANE(best8)(row + r, padded, NULL, list);
        else
            LANE(best16)(row + r, padded, NULL, SET(INFINITY), list);
        for (int i = 0; i < depth; i++)
            STORE(lists[i] + r, list[i]);
        STORE(lists[depth] + r, SET(-INFINITY));
        STORE(head + r, list[0]);
    }
    int taken[SPR_BLOCK] = {0};
    for (int32_t j = 1;; j++) {
        vector top = LOAD(head);
        for (int64_t r = LANES; r < SPR_BLOCK; r += LANES)
            top = MAX(top, LOAD(head + r));
        float best = LANE(largest)(top);
        if (j == k)
            return best;
        for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
            uint32_t bits = BITS(EQ(LOAD(head + r), SET(best)));
            if (bits != 0) {
                int64_t lane = r + __builtin_ctz(bits);
                head[lane] = lists[++taken[lane]][lane];
                break;
            }
        }
    }
}
