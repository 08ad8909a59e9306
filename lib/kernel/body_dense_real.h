/* SPDX-License-Identifier: MIT
 * Template: Metropolis sweeps and tabu moves of one dense replica with fields in floats. ROW, LOAD_ROW and ROWS(name) say how
 * couplings are stored: whole ones stay exact, as their fields are below 2^23 units. */
enum { ROWS(parts) = SPR_SPAN / SPIN(real_lanes) };

KERNEL void ROWS(row)(float *field, const ROW *row, int32_t sign, int64_t count)
{
    const real factor = SPIN(real_set)((float)sign);
    for (int64_t j = 0; j < count; j += SPIN(real_lanes))
        SPIN(real_store)(field + j, SPIN(real_add)(SPIN(real_load)(field + j), SPIN(real_mul)(LOAD_ROW(row + j), factor)));
}

INLINE uint32_t ROWS(accept)(const float *field, const int32_t *state, const real *threshold)
{
    uint32_t bits = 0;
    for (int v = 0; v < ROWS(parts); v++) {
        const int at = v * SPIN(real_lanes);
        const real gain = SPIN(real_turn)(SPIN(real_load)(field + at), state + at);
        bits |= SPIN(real_bits)(SPIN(real_le)(gain, threshold[v])) << (at & 31);
    }
    return bits;
}

KERNEL int64_t ROWS(sweep)(spr__dense *dense, int64_t first, int64_t last)
{
    const real heat = SPIN(real_set)(dense->heat.scale);
    for (int64_t span = first; span < last; span++) {
        const int64_t here = span * SPR_SPAN;
        const float *draws = dense->real_draws + (spr__random_at(dense->key, dense->position++) & (SPR_DRAWS - 1));
        float *field = (float *)dense->field;
        int32_t *state = (int32_t *)dense->state;
        real threshold[ROWS(parts)];
        for (int v = 0; v < ROWS(parts); v++)
            threshold[v] = dense->heat.frozen ? SPIN(real_set)(-FLT_MIN)
                                              : SPIN(real_mul)(SPIN(real_load)(draws + v * SPIN(real_lanes)), heat);
        uint32_t accepted = ROWS(accept)(field + here, state + here, threshold);
        while (accepted != 0) {
            const int i = __builtin_ctz(accepted);
            const ROW *row = (const ROW *)dense->rows + (here + i) * dense->stride;
            ROWS(row)(field, row, state[here + i] != 0 ? -1 : 1, dense->stride);
            state[here + i] = ~state[here + i];
            dense->flips++;
            accepted = ROWS(accept)(field + here, state + here, threshold) & (uint32_t)((uint64_t)-2 << i);
        }
    }
    return last;
}

KERNEL int64_t ROWS(choose)(spr__dense *dense, const float *barred, int64_t flip, float *least, float *least_of_all)
{
    const int32_t *state = (const int32_t *)dense->state;
    const ROW *row = (const ROW *)dense->rows + (flip >= 0 ? flip : 0) * dense->stride;
    float *field = (float *)dense->field;
    real best[ROWS(parts)], where[ROWS(parts)], all[ROWS(parts)];
    float bests[SPR_SPAN], wheres[SPR_SPAN], alls[SPR_SPAN];
    real factor = SPIN(real_set)(0.0f);
    if (flip >= 0) {
        int32_t *own = (int32_t *)dense->state + flip;
        factor = SPIN(real_set)(*own != 0 ? -1.0f : 1.0f);
        *own = ~*own;
        dense->flips++;
    }
    for (int v = 0; v < ROWS(parts); v++) {
        best[v] = all[v] = SPIN(real_set)(INFINITY);
        where[v] = SPIN(real_set)(-1.0f);
    }
    for (int64_t j = 0; j < dense->stride; j += SPR_SPAN) {
        const real here = SPIN(real_set)((float)j);
        for (int v = 0; v < ROWS(parts); v++) {
            const int64_t at = j + v * SPIN(real_lanes);
            const real own = SPIN(real_add)(SPIN(real_load)(field + at), SPIN(real_mul)(LOAD_ROW(row + at), factor));
            SPIN(real_store)(field + at, own);
            const real gain = SPIN(real_turn)(own, state + at), free = SPIN(real_add)(gain, SPIN(real_load)(barred + at));
            const real_mask keep = SPIN(real_le)(best[v], free);
            best[v] = SPIN(real_where)(keep, best[v], free);
            where[v] = SPIN(real_where)(keep, where[v], here);
            all[v] = SPIN(real_where)(SPIN(real_le)(all[v], gain), all[v], gain);
        }
    }
    for (int v = 0; v < ROWS(parts); v++) {
        SPIN(real_store)(bests + v * SPIN(real_lanes), best[v]);
        SPIN(real_store)(wheres + v * SPIN(real_lanes), where[v]);
        SPIN(real_store)(alls + v * SPIN(real_lanes), all[v]);
    }
    int64_t choice = -1;
    *least = *least_of_all = INFINITY;
    for (int lane = 0; lane < SPR_SPAN; lane++) {
        const int64_t at = (int64_t)wheres[lane] + lane;
        if (wheres[lane] >= 0.0f && (bests[lane] < *least || (bests[lane] <= *least && at < choice))) {
            *least = bests[lane] + 0.0f;
            choice = at;
        }
        if (alls[lane] < *least_of_all)
            *least_of_all = alls[lane] + 0.0f;
    }
    return choice;
}

#undef ROW
#undef ROWS
#undef LOAD_ROW
