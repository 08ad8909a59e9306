/* SPDX-License-Identifier: MIT
 * Kernel template, part: rows of the expert graph in which the repair looks for shortest paths. */

KERNEL void LANE(offer_row)(const float *row, int64_t width, float value, int32_t token, const uint64_t *taken,
                            float *cost, int32_t *carrier)
{
    const vector from = SET(value), never = SET(INFINITY);
    for (int64_t f = 0; f < width; f += LANES) {
        mask closed = LANE(from_bits)((uint32_t)(taken[f >> 6] >> (f & 63)) & ((1u << LANES) - 1));
        vector x = SELECT(closed, never, SUB(from, LOAD(row + f))), old = LOAD(cost + f);
        mask better = GT(old, x);
        STORE(cost + f, SELECT(better, x, old));
        LANE(put)(carrier + f, better, token);
    }
}

KERNEL void LANE(relax_row)(const float *cost, const float *potential, int64_t width, float from, float own,
                            int32_t source, float *distance, int32_t *previous)
{
    const vector start = SET(from), mine = SET(own), zero = SET(0.0f);
    for (int64_t f = 0; f < width; f += LANES) {
        vector step = SUB(ADD(LOAD(cost + f), LOAD(potential + f)), mine), old = LOAD(distance + f);
        vector x = ADD(start, MAX(step, zero));
        mask better = GT(old, x);
        STORE(distance + f, SELECT(better, x, old));
        LANE(put)(previous + f, better, source);
    }
}
