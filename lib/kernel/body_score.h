/* SPDX-License-Identifier: MIT
 * Kernel template, part: score functions. exp and log1p are polynomials of plain multiplications and additions, so that
 * every variant rounds alike; both are within 2 units in the last place. */

/* exp(x) for x <= 0; 0 below -87, where float runs out of normal numbers. */
INLINE vector LANE(exp)(vector x)
{
    vector shifted = ADD(MUL(MAX(x, SET(-87.0f)), SET(1.44269504088896341f)), SET(12582912.0f));
    vector n = SUB(shifted, SET(12582912.0f));
    /* x - n log 2 in two steps; the first is exact */
    vector r = SUB(SUB(MAX(x, SET(-87.0f)), MUL(n, SET(0.693359375f))), MUL(n, SET(-2.12194440e-4f)));
    vector p = SET(1.9875691500e-4f);
    p = ADD(MUL(p, r), SET(1.3981999507e-3f));
    p = ADD(MUL(p, r), SET(8.3334519073e-3f));
    p = ADD(MUL(p, r), SET(4.1665795894e-2f));
    p = ADD(MUL(p, r), SET(1.6666665459e-1f));
    p = ADD(MUL(p, r), SET(5.0000001201e-1f));
    p = ADD(ADD(MUL(MUL(p, r), r), r), SET(1.0f));
    return SELECT(GE(x, SET(-87.0f)), MUL(p, LANE(power)(shifted)), SET(0.0f));
}

/* log(1 + u) for 0 <= u <= 1 as 2 atanh(u / (2 + u)): relative accuracy also for tiny u. */
INLINE vector LANE(log1p)(vector u)
{
    vector s = DIV(u, ADD(u, SET(2.0f))), q = MUL(s, s);
    vector p = SET(1.0f / 17.0f);
    p = ADD(MUL(p, q), SET(1.0f / 15.0f));
    p = ADD(MUL(p, q), SET(1.0f / 13.0f));
    p = ADD(MUL(p, q), SET(1.0f / 11.0f));
    p = ADD(MUL(p, q), SET(1.0f / 9.0f));
    p = ADD(MUL(p, q), SET(1.0f / 7.0f));
    p = ADD(MUL(p, q), SET(1.0f / 5.0f));
    p = ADD(MUL(p, q), SET(1.0f / 3.0f));
    p = ADD(MUL(p, q), SET(1.0f));
    return MUL(MUL(p, s), SET(2.0f));
}

INLINE vector LANE(sigmoid)(vector x)
{
    vector small = LANE(exp)(MIN(x, SUB(SET(0.0f), x)));
    return DIV(SELECT(GE(x, SET(0.0f)), SET(1.0f), small), ADD(small, SET(1.0f)));
}

INLINE vector LANE(sqrt_softplus)(vector x)
{
    vector small = LANE(exp)(MIN(x, SUB(SET(0.0f), x)));
    return LANE(sqrt)(ADD(MAX(x, SET(0.0f)), LANE(log1p)(small)));
}

INLINE void LANE(softmax)(const float *tile, int64_t experts, float *maximum, float *sum, float *scores)
{
    const vector none = SET(-INFINITY);
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector top = none;
        for (int64_t e = 0; e < experts; e++)
            top = MAX(top, LOAD(tile + e * SPR_BLOCK + r));
        top = SELECT(GT(top, none), top, SET(0.0f));
        /* four partial sums, always the same four */
        vector part[4] = {SET(0.0f), SET(0.0f), SET(0.0f), SET(0.0f)};
        for (int64_t first = 0; first < experts; first += 4)
            for (int i = 0; i < 4; i++) {
                if (first + i >= experts)
                    break;
                vector x = LOAD(tile + (first + i) * SPR_BLOCK + r), power = LANE(exp)(SUB(x, top));
                part[i] = ADD(part[i], power);
                if (scores != NULL)
                    STORE(scores + (first + i) * SPR_BLOCK + r, SELECT(GT(x, none), power, none));
            }
        vector total = ADD(ADD(part[0], part[1]), ADD(part[2], part[3]));
        total = SELECT(GT(total, SET(0.0f)), total, SET(1.0f));
        STORE(maximum + r, top);
        STORE(sum + r, total);
        if (scores == NULL)
            continue;
        const vector inverse = DIV(SET(1.0f), total);
        for (int64_t e = 0; e < experts; e++)
            STORE(scores + e * SPR_BLOCK + r, MUL(LOAD(scores + e * SPR_BLOCK + r), inverse));
    }
}

KERNEL void LANE(softmax_sums)(const float *tile, int64_t experts, float *maximum, float *sum)
{
    LANE(softmax)(tile, experts, maximum, sum, NULL);
}

KERNEL void LANE(softmax_sums_row)(const float *row, int64_t experts, int64_t width, float *maximum, float *sum)
{
    float power[SPR_MAX_EXPERTS];
    vector top = SET(-INFINITY);
    for (int64_t e = 0; e < width; e += LANES)
        top = MAX(top, LOAD(row + e));
    float high = LANE(largest)(top);
    high = high > -INFINITY ? high : 0.0f;
    for (int64_t e = 0; e < width; e += LANES)
        STORE(power + e, LANE(exp)(SUB(LOAD(row + e), SET(high))));
    float part[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    int64_t e = 0;
    for (; e + 4 <= experts; e += 4)
        for (int i = 0; i < 4; i++)
            part[i] += power[e + i];
    for (int i = 0; e < experts; e++, i++)
        part[i] += power[e];
    float total = (part[0] + part[1]) + (part[2] + part[3]);
    *maximum = high;
    *sum = total > 0.0f ? total : 1.0f;
}

KERNEL void LANE(score)(float *tile, int64_t experts, int32_t score, float *maximum, float *sum)
{
    const vector none = SET(-INFINITY);
    if (score == SPR_SCORE_SOFTMAX) {
        LANE(softmax)(tile, experts, maximum, sum, tile);
        return;
    }
    for (int64_t i = 0; i < experts * SPR_BLOCK; i += LANES) {
        vector x = LOAD(tile + i);
        vector s = score == SPR_SCORE_SIGMOID ? LANE(sigmoid)(x) : LANE(sqrt_softplus)(x);
        STORE(tile + i, SELECT(GT(x, none), s, none));
    }
}
