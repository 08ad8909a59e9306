/* SPDX-License-Identifier: MIT
 * Template: Metropolis sweeps of SPR_LANES sparse replicas side by side; and what they read their thresholds from. */

KERNEL void SPIN(replicas_small)(spr__replicas *r, int64_t first, int64_t last)
{
    enum { parts = SPR_LANES / SPIN(small_lanes), lanes = SPIN(small_lanes) };
    int8_t *fields = (int8_t *)r->field, *states = (int8_t *)r->state;
    const int8_t *const thresholds[2] = {(const int8_t *)r->thresholds[0], (const int8_t *)r->thresholds[1]};
    const small one = SPIN(small_set)(1);
    uint32_t offset = r->offset;
    for (int64_t i = first; i < last; i++) {
        const int8_t *threshold = thresholds[r->odd[i]] + offset;
        int8_t *field = fields + i * SPR_LANES, *state = states + i * SPR_LANES;
        const small even = SPIN(small_set)(r->odd[i] - 1);
        small x[parts];
        small_mask flips[parts];
        int any = 0;
        offset = (offset + r->step) & (SPR_DRAWS - 1);
        for (int v = 0; v < parts; v++) {
            x[v] = SPIN(small_load)(state + v * lanes);
            const small gain = SPIN(small_sub)(SPIN(xor)(SPIN(small_load)(field + v * lanes), x[v]), SPIN(and)(x[v], even));
            flips[v] = SPIN(small_le)(gain, SPIN(small_load)(threshold + v * lanes));
            any |= SPIN(small_any)(flips[v]);
        }
        if (!any)
            continue;
        small delta[parts];
        for (int v = 0; v < parts; v++) {
            SPIN(small_store)(state + v * lanes, SPIN(small_not_where)(flips[v], x[v]));
            delta[v] = SPIN(small_keep)(flips[v], SPIN(or)(x[v], one));
        }
        int64_t at = r->start[i];
        for (const int64_t end = r->minus[i]; at < end; at++) {
            int8_t *other = fields + (int64_t)r->column[at] * SPR_LANES;
            for (int v = 0; v < parts; v++)
                SPIN(small_store)(other + v * lanes, SPIN(small_add)(SPIN(small_load)(other + v * lanes), delta[v]));
        }
        for (const int64_t end = r->start[i + 1]; at < end; at++) {
            int8_t *other = fields + (int64_t)r->column[at] * SPR_LANES;
            for (int v = 0; v < parts; v++)
                SPIN(small_store)(other + v * lanes, SPIN(small_sub)(SPIN(small_load)(other + v * lanes), delta[v]));
        }
    }
    r->offset = offset;
}

KERNEL void SPIN(replicas_whole)(spr__replicas *r, int64_t first, int64_t last)
{
    enum { parts = SPR_LANES / SPIN(half_lanes), lanes = SPIN(half_lanes) };
    int16_t *fields = (int16_t *)r->field, *states = (int16_t *)r->state;
    const int16_t *const thresholds[2] = {(const int16_t *)r->thresholds[0], (const int16_t *)r->thresholds[1]};
    const half one = SPIN(half_set)(1);
    uint32_t offset = r->offset;
    for (int64_t i = first; i < last; i++) {
        const int16_t *threshold = thresholds[r->odd[i]] + offset;
        int16_t *field = fields + i * SPR_LANES, *state = states + i * SPR_LANES;
        const half even = SPIN(half_set)(r->odd[i] - 1);
        half x[parts];
        half_mask flips[parts];
        int any = 0;
        offset = (offset + r->step) & (SPR_DRAWS - 1);
        for (int v = 0; v < parts; v++) {
            x[v] = SPIN(half_load)(state + v * lanes);
            const half gain = SPIN(half_sub)(SPIN(xor)(SPIN(half_load)(field + v * lanes), x[v]), SPIN(and)(x[v], even));
            flips[v] = SPIN(half_le)(gain, SPIN(half_load)(threshold + v * lanes));
            any |= SPIN(half_any)(flips[v]);
        }
        if (!any)
            continue;
        half delta[parts];
        for (int v = 0; v < parts; v++) {
            SPIN(half_store)(state + v * lanes, SPIN(half_not_where)(flips[v], x[v]));
            delta[v] = SPIN(half_keep)(flips[v], SPIN(or)(x[v], one));
        }
        for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
            int16_t *other = fields + (int64_t)r->column[at] * SPR_LANES;
            const half weight = SPIN(half_set)(r->weight[at]);
            for (int v = 0; v < parts; v++)
                SPIN(half_store)(other + v * lanes, SPIN(half_add)(SPIN(half_load)(other + v * lanes),
                                                                  SPIN(half_mul)(delta[v], weight)));
        }
    }
    r->offset = offset;
}

KERNEL void SPIN(replicas_real)(spr__replicas *r, int64_t first, int64_t last)
{
    enum { parts = SPR_LANES / SPIN(real_lanes), lanes = SPIN(real_lanes) };
    float *fields = (float *)r->field;
    int32_t *states = (int32_t *)r->state;
    uint32_t offset = r->offset;
    for (int64_t i = first; i < last; i++) {
        const float *threshold = (const float *)r->thresholds[0] + offset;
        const float *field = fields + i * SPR_LANES;
        int32_t *state = states + i * SPR_LANES;
        real_mask flips[parts];
        int any = 0;
        offset = (offset + r->step) & (SPR_DRAWS - 1);
        for (int v = 0; v < parts; v++) {
            const real gain = SPIN(real_turn)(SPIN(real_load)(field + v * lanes), state + v * lanes);
            flips[v] = SPIN(real_le)(gain, SPIN(real_load)(threshold + v * lanes));
            any |= SPIN(real_any)(flips[v]);
        }
        if (!any)
            continue;
        real delta[parts];
        for (int v = 0; v < parts; v++)
            delta[v] = SPIN(real_flip)(flips[v], state + v * lanes);
        for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
            float *other = fields + (int64_t)r->column[at] * SPR_LANES;
            const real weight = SPIN(real_set)(r->real_weight[at]);
            for (int v = 0; v < parts; v++)
                SPIN(real_store)(other + v * lanes, SPIN(real_add)(SPIN(real_load)(other + v * lanes),
                                                                   SPIN(real_mul)(delta[v], weight)));
        }
    }
    r->offset = offset;
}

/* Twice the energy, per lane: the fields of what is on, once as they are and once as they are with nothing on. */
KERNEL void SPIN(sums_small)(const spr__replicas *r, const int16_t *origin, double *sums)
{
    enum { block = 128 };        /* so many times 255 stay within int16_t */
    for (int lane = 0; lane < SPR_LANES; lane++)
        sums[lane] = 0.0;
    for (int64_t first = 0; first < r->variables; first += block) {
        const int64_t last = first + block < r->variables ? first + block : r->variables;
        int16_t part[SPR_LANES] = {0};
        for (int64_t i = first; i < last; i++) {
            const int8_t *field = (const int8_t *)r->field + i * SPR_LANES, *state = (const int8_t *)r->state + i * SPR_LANES;
            const int16_t own = (int16_t)(origin[i] + r->odd[i]);
            for (int lane = 0; lane < SPR_LANES; lane++)
                part[lane] = (int16_t)(part[lane] + ((int16_t)state[lane] & (int16_t)(field[lane] + own)));
        }
        for (int lane = 0; lane < SPR_LANES; lane++)
            sums[lane] += part[lane];
    }
}

KERNEL void SPIN(sums_whole)(const spr__replicas *r, const int16_t *origin, double *sums)
{
    enum { block = 16384 };
    for (int lane = 0; lane < SPR_LANES; lane++)
        sums[lane] = 0.0;
    for (int64_t first = 0; first < r->variables; first += block) {
        const int64_t last = first + block < r->variables ? first + block : r->variables;
        int32_t part[SPR_LANES] = {0};
        for (int64_t i = first; i < last; i++) {
            const int16_t *field = (const int16_t *)r->field + i * SPR_LANES, *state = (const int16_t *)r->state + i * SPR_LANES;
            const int32_t own = origin[i] + r->odd[i];
            for (int lane = 0; lane < SPR_LANES; lane++)
                part[lane] += (int32_t)state[lane] & (field[lane] + own);
        }
        for (int lane = 0; lane < SPR_LANES; lane++)
            sums[lane] += part[lane];
    }
}

/* Fields that fit the states: those of zeros and what each neighbour adds. */
KERNEL void SPIN(settle_small)(spr__replicas *r, const int16_t *origin)
{
    enum { parts = SPR_LANES / SPIN(small_lanes), lanes = SPIN(small_lanes) };
    for (int64_t i = 0; i < r->variables; i++) {
        small a[parts];
        for (int v = 0; v < parts; v++)
            a[v] = SPIN(small_set)(origin[i]);
        for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
            const int8_t *state = (const int8_t *)r->state + (int64_t)r->column[at] * SPR_LANES;
            for (int v = 0; v < parts; v++)
                a[v] = at < r->minus[i] ? SPIN(small_sub)(a[v], SPIN(small_load)(state + v * lanes))
                                        : SPIN(small_add)(a[v], SPIN(small_load)(state + v * lanes));
        }
        for (int v = 0; v < parts; v++)
            SPIN(small_store)((int8_t *)r->field + i * SPR_LANES + v * lanes, a[v]);
    }
}

KERNEL void SPIN(settle_whole)(spr__replicas *r, const int16_t *origin)
{
    enum { parts = SPR_LANES / SPIN(half_lanes), lanes = SPIN(half_lanes) };
    for (int64_t i = 0; i < r->variables; i++) {
        half a[parts];
        for (int v = 0; v < parts; v++)
            a[v] = SPIN(half_set)(origin[i]);
        for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
            const int16_t *state = (const int16_t *)r->state + (int64_t)r->column[at] * SPR_LANES;
            const half weight = SPIN(half_set)(r->weight[at]);
            for (int v = 0; v < parts; v++)
                a[v] = SPIN(half_add)(a[v], SPIN(and)(SPIN(half_load)(state + v * lanes), weight));
        }
        for (int v = 0; v < parts; v++)
            SPIN(half_store)((int16_t *)r->field + i * SPR_LANES + v * lanes, a[v]);
    }
}

KERNEL int32_t SPIN(largest)(const int16_t *field, int64_t variables)
{
    half most = SPIN(half_set)(0);
    int64_t i = 0;
    int32_t largest = 0;
    for (; i + SPIN(half_lanes) <= variables; i += SPIN(half_lanes))
        most = SPIN(half_most)(most, SPIN(half_abs)(SPIN(half_load)(field + i)));
    uint16_t rest[SPR_SPAN];
    SPIN(half_store)((int16_t *)(void *)rest, most);
    for (int v = 0; v < SPIN(half_lanes); v++)
        largest = rest[v] > largest ? rest[v] : largest;
    for (; i < variables; i++)
        largest = field[i] > largest ? field[i] : -field[i] > largest ? -field[i] : largest;
    return largest;
}

/* whole draws in half units */
#define UNITS(draw) ((uint16_t)((uint16_t)((uint32_t)(draw) * heat->factor >> 16) >> heat->shift))

KERNEL void SPIN(thresholds_small)(const uint16_t *draws, const spr__heat *heat, int32_t odd, int8_t *thresholds)
{
    for (int i = 0; i < SPR_DRAWS_ROOM; i++) {
        const uint16_t units = UNITS(draws[i]);
        const int16_t least = (int16_t)(units < 254 ? units : 254);
        thresholds[i] = (int8_t)((int16_t)(least - odd) >> 1);
    }
    if (heat->frozen)
        memset(thresholds, -1, SPR_DRAWS_ROOM);
}

KERNEL void SPIN(thresholds_whole)(const uint16_t *draws, const spr__heat *heat, int32_t odd, int16_t *thresholds)
{
    for (int i = 0; i < SPR_DRAWS_ROOM; i++) {
        const uint16_t units = UNITS(draws[i]);
        const int16_t least = (int16_t)(units < INT16_MAX ? units : INT16_MAX);
        thresholds[i] = (int16_t)((least - odd) >> 1);
    }
    if (heat->frozen)
        memset(thresholds, -1, SPR_DRAWS_ROOM * sizeof *thresholds);
}

KERNEL void SPIN(ladder_small)(const uint16_t *draws, const uint16_t *factors, int32_t shift, int32_t odd, int8_t *thresholds)
{
    for (int row = 0; row < SPR_DRAWS; row += SPR_LANES)
        for (int lane = 0; lane < SPR_LANES; lane++) {
            const uint16_t units = (uint16_t)((uint16_t)((uint32_t)draws[row + lane] * factors[lane] >> 16) >> shift);
            const int16_t least = (int16_t)(units < 254 ? units : 254);
            thresholds[row + lane] = (int8_t)((int16_t)(least - odd) >> 1);
        }
}

KERNEL void SPIN(ladder_whole)(const uint16_t *draws, const uint16_t *factors, int32_t shift, int32_t odd, int16_t *thresholds)
{
    for (int row = 0; row < SPR_DRAWS; row += SPR_LANES)
        for (int lane = 0; lane < SPR_LANES; lane++) {
            const uint16_t units = (uint16_t)((uint16_t)((uint32_t)draws[row + lane] * factors[lane] >> 16) >> shift);
            const int16_t least = (int16_t)(units < INT16_MAX ? units : INT16_MAX);
            thresholds[row + lane] = (int16_t)((least - odd) >> 1);
        }
}
#undef UNITS
