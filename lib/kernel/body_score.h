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

KERNEL void LANE(softmax_sums)(const float *tile, int64_t experts, float *maximum, float *sum)
{
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector top = SET(-INFINITY);
        for (int64_t e = 0; e < experts; e++)
            top = MAX(top, LOAD(tile + e * SPR_BLOCK + r));
        top = SELECT(GT(top, SET(-INFINITY)), top, SET(0.0f));
        /* four partial sums, always the same four */
        vector part[4] = {SET(0.0f), SET(0.0f), SET(0.0f), SET(0.0f)};
        int64_t e = 0;
        for (; e + 4 <= experts; e += 4)
            for (int i = 0; i < 4; i++)
                part[i] = ADD(part[i], LANE(exp)(SUB(LOAD(tile + (e + i) * SPR_BLOCK + r), top)));
        for (int i = 0; e < experts; e++, i++)
            part[i] = ADD(part[i], LANE(exp)(SUB(LOAD(tile + e * SPR_BLOCK + r), top)));
        vector total = ADD(ADD(part[0], part[1]), ADD(part[2], part[3]));
        STORE(maximum + r, top);
        STORE(sum + r, SELECT(GT(total, SET(0.0f)), total, SET(1.0f)));
    }
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

KERNEL void LANE(score)(float *tile, int64_t experts, int32_t score, const float *maximum, const float *sum)
{
    const vector forbidden = SET(-INFINITY);
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector top = SET(0.0f), inverse = SET(1.0f);
        if (score == SPR_SCORE_SOFTMAX) {
            top = LOAD(maximum + r);
            inverse = DIV(SET(1.0f), LOAD(sum + r));
        }
        for (int64_t e = 0; e < experts; e++) {
            vector x = LOAD(tile + e * SPR_BLOCK + r), s;
            if (score == SPR_SCORE_SOFTMAX)
                s = MUL(LANE(exp)(SUB(x, top)), inverse);
            else if (score == SPR_SCORE_SIGMOID)
                s = LANE(sigmoid)(x);
            else
                s = LANE(sqrt_softplus)(x);
            STORE(tile + e * SPR_BLOCK + r, SELECT(GT(x, forbidden), s, forbidden));
        }
    }
}
