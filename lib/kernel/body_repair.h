/* SPDX-License-Identifier: MIT
 * Kernel template, part: rows of the expert graph in which the repair looks for shortest paths. */

KERNEL void LANE(offer_rows)(const float *rows, int64_t width, const int32_t *tokens, int64_t count, int64_t e,
                             const uint64_t *taken, int64_t words, int64_t first, int64_t last, float *cost,
                             int32_t *carrier)
{
    const vector never = SET(INFINITY);
    for (int64_t f = first; f < last; f += LANES) {
        vector least = LOAD(cost + f), who = LANE(load_bits)(carrier + f);
        for (int64_t i = 0; i < count; i++) {
            const int64_t token = tokens[i];
            const float *row = rows + token * width;
            const uint64_t word = taken[token * words + (f >> 6)];
            mask closed = LANE(from_bits)((uint32_t)(word >> (f & 63)) & ((1u << LANES) - 1));
            vector x = SELECT(closed, never, SUB(SET(row[e]), LOAD(row + f)));
            mask better = GT(least, x);
            least = SELECT(better, x, least);
            who = SELECT(better, LANE(set_bits)((int32_t)token), who);
        }
        STORE(cost + f, least);
        LANE(store_bits)(carrier + f, who);
    }
}

KERNEL void LANE(relax_row)(const float *cost, const float *potential, int64_t width, float from, float own,
                            int32_t source, float *open, int32_t *previous)
{
    const vector start = SET(from), mine = SET(own), zero = SET(0.0f);
    for (int64_t f = 0; f < width; f += LANES) {
        vector step = SUB(ADD(LOAD(cost + f), LOAD(potential + f)), mine), old = LOAD(open + f);
        vector x = ADD(start, MAX(step, zero));
        mask better = GT(old, x);
        STORE(open + f, SELECT(better, x, old));
        LANE(put)(previous + f, better, source);
    }
}

KERNEL int64_t LANE(nearest)(const float *open, int64_t width)
{
    const vector done = SET(-INFINITY), never = SET(INFINITY);
    vector least = never;
    for (int64_t f = 0; f < width; f += LANES) {
        vector x = LOAD(open + f);
        least = MIN(least, SELECT(GT(x, done), x, never));
    }
    const float nearest = -LANE(largest)(SUB(SET(0.0f), least));
    if (!(nearest < INFINITY))
        return -1;
    for (int64_t f = 0;; f += LANES) {
        uint32_t bits = BITS(EQ(LOAD(open + f), SET(nearest)));
        if (bits != 0)
            return f + __builtin_ctz(bits);
    }
}
