/* SPDX-License-Identifier: MIT
 * Kernel template, part: logits of any dtype to float rows, rows to tiles and back. */

INLINE vector LANE(load_any)(const void *logits, int32_t dtype, int64_t at)
{
    if (dtype == SPR_FLOAT32)
        return LOAD((const float *)logits + at);
    if (dtype == SPR_FLOAT16)
        return LANE(load_half)((const uint16_t *)logits + at);
    return LANE(load_bfloat)((const uint16_t *)logits + at);
}

KERNEL int LANE(load_row)(const void *logits, int32_t dtype, int64_t experts, int64_t width, float *row)
{
    const vector infinity = SET(INFINITY);
    uint32_t good = (1u << LANES) - 1;
    int64_t e = 0;
    for (; e + LANES <= experts; e += LANES) {
        vector x = LANE(load_any)(logits, dtype, e);
        good &= BITS(GT(infinity, x));
        STORE(row + e, x);
    }
    if (e < experts) {
        /* The last few are widened in a buffer of their own: nothing beyond the caller's row is read. */
        float tail[LANES];
        uint16_t half_tail[LANES];
        int64_t left = experts - e;
        STORE(tail, SET(-INFINITY));
        if (dtype == SPR_FLOAT32) {
            memcpy(tail, (const float *)logits + e, (size_t)left * 4);
        } else {
            float wide[LANES];
            memset(half_tail, 0, sizeof half_tail);
            memcpy(half_tail, (const uint16_t *)logits + e, (size_t)left * 2);
            STORE(wide, LANE(load_any)(half_tail, dtype, 0));
            memcpy(tail, wide, (size_t)left * 4);
        }
        vector x = LOAD(tail);
        good &= BITS(GT(infinity, x));
        STORE(row + e, x);
        e += LANES;
    }
    for (; e < width; e += LANES)
        STORE(row + e, SET(-INFINITY));
    return good != (1u << LANES) - 1;
}

KERNEL void LANE(to_tile)(const float *rows, int64_t width, float *tile)
{
    for (int64_t e = 0; e < width; e += LANES)
        for (int64_t r = 0; r < SPR_BLOCK; r += LANES)
            LANE(transpose)(rows + r * width + e, width, tile + e * SPR_BLOCK + r, SPR_BLOCK);
}

KERNEL void LANE(to_rows)(const float *tile, int64_t width, float *rows)
{
    for (int64_t e = 0; e < width; e += LANES)
        for (int64_t r = 0; r < SPR_BLOCK; r += LANES)
            LANE(transpose)(tile + e * SPR_BLOCK + r, SPR_BLOCK, rows + r * width + e, width);
}
