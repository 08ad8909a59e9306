/* SPDX-License-Identifier: MIT
 * Template: Metropolis sweeps of one dense replica in floats. */
enum { SPIN(real_parts) = SPR_SPAN / SPIN(real_lanes) };

KERNEL void SPIN(real_row)(float *field, const float *row, int32_t sign, int64_t count)
{
    const real factor = SPIN(real_set)((float)sign);
    for (int64_t j = 0; j < count; j += SPIN(real_lanes))
        SPIN(real_store)(field + j, SPIN(real_add)(SPIN(real_load)(field + j),
                                                   SPIN(real_mul)(SPIN(real_load)(row + j), factor)));
}

INLINE uint32_t SPIN(real_accept)(const float *field, const int32_t *state, const real *threshold)
{
    uint32_t bits = 0;
    for (int v = 0; v < SPIN(real_parts); v++) {
        const int at = v * SPIN(real_lanes);
        const real gain = SPIN(real_turn)(SPIN(real_load)(field + at), state + at);
        bits |= SPIN(real_bits)(SPIN(real_le)(gain, threshold[v])) << (at & 31);
    }
    return bits;
}

KERNEL int64_t SPIN(real_sweep)(spr__dense *dense, int64_t first, int64_t last)
{
    const real heat = SPIN(real_set)(dense->heat.scale);
    for (int64_t span = first; span < last; span++) {
        const int64_t here = span * SPR_SPAN;
        const float *draws = dense->real_draws + (spr__random_at(dense->key, dense->position++) & (SPR_DRAWS - 1));
        float *field = (float *)dense->field;
        int32_t *state = (int32_t *)dense->state;
        real threshold[SPIN(real_parts)];
        for (int v = 0; v < SPIN(real_parts); v++)
            threshold[v] = dense->heat.frozen ? SPIN(real_set)(-FLT_MIN)
                                              : SPIN(real_mul)(SPIN(real_load)(draws + v * SPIN(real_lanes)), heat);
        uint32_t accepted = SPIN(real_accept)(field + here, state + here, threshold);
        while (accepted != 0) {
            const int i = __builtin_ctz(accepted);
            const float *row = (const float *)dense->rows + (here + i) * dense->stride;
            SPIN(real_row)(field, row, state[here + i] != 0 ? -1 : 1, dense->stride);
            state[here + i] = ~state[here + i];
            dense->flips++;
            accepted = SPIN(real_accept)(field + here, state + here, threshold) & (uint32_t)((uint64_t)-2 << i);
        }
    }
    return last;
}
