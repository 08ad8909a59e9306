/* SPDX-License-Identifier: MIT
 * Template: Metropolis sweeps of one dense replica in whole numbers. ROW, LOAD_ROW and ROWS(name) say how couplings are
 * stored. */
enum { ROWS(parts) = SPR_SPAN / SPIN(half_lanes), ROWS(group) = 4 };

/* field[from..to-1] += the first plus rows - the next minus rows. The pointers are copied: a vector that is stored might
 * be one of them, for all the compiler knows. */
INLINE void ROWS(add_rows)(int16_t *field, const ROW *const *rows, const int plus, const int minus, int64_t from, int64_t to)
{
    const ROW *row[ROWS(group)];
    for (int k = 0; k < plus + minus; k++)
        row[k] = rows[k];
    for (int64_t j = from; j < to; j += SPIN(half_lanes)) {
        half a = SPIN(half_load)(field + j);
        for (int k = 0; k < plus; k++)
            a = SPIN(half_add)(a, LOAD_ROW(row[k] + j));
        for (int k = plus; k < plus + minus; k++)
            a = SPIN(half_sub)(a, LOAD_ROW(row[k] + j));
        SPIN(half_store)(field + j, a);
    }
}

/* The same, the numbers of rows known where the loop is compiled. */
KERNEL void ROWS(add_some)(int16_t *field, const ROW *const *rows, int plus, int minus, int64_t from, int64_t to)
{
    switch (plus * 8 + minus) {
    case 010: ROWS(add_rows)(field, rows, 1, 0, from, to); break;
    case 001: ROWS(add_rows)(field, rows, 0, 1, from, to); break;
    case 020: ROWS(add_rows)(field, rows, 2, 0, from, to); break;
    case 011: ROWS(add_rows)(field, rows, 1, 1, from, to); break;
    case 002: ROWS(add_rows)(field, rows, 0, 2, from, to); break;
    case 030: ROWS(add_rows)(field, rows, 3, 0, from, to); break;
    case 021: ROWS(add_rows)(field, rows, 2, 1, from, to); break;
    case 012: ROWS(add_rows)(field, rows, 1, 2, from, to); break;
    case 003: ROWS(add_rows)(field, rows, 0, 3, from, to); break;
    case 040: ROWS(add_rows)(field, rows, 4, 0, from, to); break;
    case 031: ROWS(add_rows)(field, rows, 3, 1, from, to); break;
    case 022: ROWS(add_rows)(field, rows, 2, 2, from, to); break;
    case 013: ROWS(add_rows)(field, rows, 1, 3, from, to); break;
    case 004: ROWS(add_rows)(field, rows, 0, 4, from, to); break;
    default: break;
    }
}

/* Rows of the variables in flipped go into all fields but those of span: on holds the states before. */
KERNEL void ROWS(spread)(spr__dense *dense, int64_t span, uint32_t flipped, uint32_t on)
{
    const ROW *rows[SPR_SPAN];
    const int64_t here = span * SPR_SPAN;
    int16_t *field = (int16_t *)dense->field;
    while (flipped != 0) {
        /* up to ROWS(group) rows: those that are added first */
        uint32_t some = 0;
        for (int k = 0; k < ROWS(group) && flipped != 0; k++) {
            some |= flipped & (~flipped + 1);
            flipped &= flipped - 1;
        }
        int count = 0;
        for (uint32_t up = some & ~on; up != 0; up &= up - 1)
            rows[count++] = (const ROW *)dense->rows + (here + __builtin_ctz(up)) * dense->stride;
        const int plus = count;
        for (uint32_t down = some & on; down != 0; down &= down - 1)
            rows[count++] = (const ROW *)dense->rows + (here + __builtin_ctz(down)) * dense->stride;
        ROWS(add_some)(field, rows, plus, count - plus, 0, here);
        ROWS(add_some)(field, rows, plus, count - plus, here + SPR_SPAN, dense->stride);
    }
}

/* Which variables of a span accept a flip. */
INLINE uint32_t ROWS(accept)(const half *a, const half *x, const half *odd, const half *threshold)
{
    uint32_t bits = 0;
    for (int v = 0; v < ROWS(parts); v++) {
        const half gain = SPIN(half_sub)(SPIN(xor)(a[v], x[v]), SPIN(without)(odd[v], x[v]));
        bits |= SPIN(half_bits)(SPIN(half_le)(gain, threshold[v])) << (v * SPIN(half_lanes) & 31);
    }
    return bits;
}

/* What gains of a span are compared with, from draw number position. */
INLINE void ROWS(thresholds)(const spr__dense *dense, int64_t span, uint64_t position, half *odd, half *threshold)
{
    const half factor = SPIN(half_set)((int)dense->heat.factor), most = SPIN(half_set)(INT16_MAX);
    const uint16_t *draws = dense->draws + (spr__random_at(dense->key, position) & (SPR_DRAWS - 1));
    for (int v = 0; v < ROWS(parts); v++) {
        const int at = v * SPIN(half_lanes);
        odd[v] = SPIN(half_load)(dense->odd + span * SPR_SPAN + at);
        const half drawn = SPIN(half_high)(SPIN(half_load)((const int16_t *)(const void *)draws + at), factor);
        const half units = SPIN(half_least)(SPIN(half_shift)(drawn, dense->heat.shift), most);
        threshold[v] = SPIN(half_halve)(SPIN(half_add)(dense->heat.frozen ? SPIN(half_set)(-1) : units, odd[v]));
    }
}

INLINE uint32_t ROWS(look)(const spr__dense *dense, int64_t span, const half *odd, const half *threshold, half *a, half *x)
{
    for (int v = 0; v < ROWS(parts); v++) {
        a[v] = SPIN(half_load)((const int16_t *)dense->field + span * SPR_SPAN + v * SPIN(half_lanes));
        x[v] = SPIN(half_load)((const int16_t *)dense->state + span * SPR_SPAN + v * SPIN(half_lanes));
    }
    return ROWS(accept)(a, x, odd, threshold);
}

/* Fetches the beginnings of the rows that a span will most likely need, while others are being added. */
INLINE void ROWS(fetch)(const spr__dense *dense, int64_t span, uint32_t accepted)
{
    for (; accepted != 0; accepted &= accepted - 1) {
        const ROW *row = (const ROW *)dense->rows + (span * SPR_SPAN + __builtin_ctz(accepted)) * dense->stride;
        __builtin_prefetch(row + span * SPR_SPAN);
        __builtin_prefetch(row);
        __builtin_prefetch(row + 64 / sizeof(ROW));
    }
}

KERNEL int64_t ROWS(sweep)(spr__dense *dense, int64_t first, int64_t last)
{
    int64_t span = first;
    half next_odd[ROWS(parts)], next_threshold[ROWS(parts)];
    if (first < last)
        ROWS(thresholds)(dense, first, dense->position, next_odd, next_threshold);
    for (; span < last && dense->room >= SPR_SPAN; span++) {
        const int64_t here = span * SPR_SPAN;
        half a[ROWS(parts)], x[ROWS(parts)], odd[ROWS(parts)], threshold[ROWS(parts)];
        memcpy(odd, next_odd, sizeof odd);
        memcpy(threshold, next_threshold, sizeof threshold);
        dense->position++;
        if (span + 1 < last) {
            ROWS(thresholds)(dense, span + 1, dense->position, next_odd, next_threshold);
            ROWS(fetch)(dense, span + 1, ROWS(look)(dense, span + 1, next_odd, next_threshold, a, x));
        }
        uint32_t accepted = ROWS(look)(dense, span, odd, threshold, a, x), flipped = 0, on = 0;
        if (accepted == 0)
            continue;
        for (int v = 0; v < ROWS(parts); v++)
            on |= SPIN(half_bits)(SPIN(half_le)(x[v], SPIN(half_set)(-1))) << (v * SPIN(half_lanes) & 31);
        while (accepted != 0) {
            const int i = __builtin_ctz(accepted);
            const ROW *row = (const ROW *)dense->rows + (here + i) * dense->stride + here;
            flipped |= (uint32_t)1 << i;
            for (int v = 0; v < ROWS(parts); v++) {
                const half delta = LOAD_ROW(row + v * SPIN(half_lanes));
                const half place = SPIN(half_load)(spin_places + v * SPIN(half_lanes));
                a[v] = on >> i & 1 ? SPIN(half_sub)(a[v], delta) : SPIN(half_add)(a[v], delta);
                x[v] = SPIN(half_not_where)(SPIN(half_eq)(place, SPIN(half_set)(i)), x[v]);
            }
            accepted = ROWS(accept)(a, x, odd, threshold) & (uint32_t)((uint64_t)-2 << i);
        }
        for (int v = 0; v < ROWS(parts); v++) {
            SPIN(half_store)((int16_t *)dense->field + here + v * SPIN(half_lanes), a[v]);
            SPIN(half_store)((int16_t *)dense->state + here + v * SPIN(half_lanes), x[v]);
        }
        const int count = __builtin_popcount(flipped);
        dense->flips += count;
        dense->room -= count;
        ROWS(spread)(dense, span, flipped, on);
    }
    return span;
}

KERNEL void ROWS(row)(int16_t *field, const ROW *row, int32_t sign, int64_t count)
{
    if (sign > 0)
        ROWS(add_rows)(field, &row, 1, 0, 0, count);
    else
        ROWS(add_rows)(field, &row, 0, 1, 0, count);
}

#undef ROW
#undef ROWS
#undef LOAD_ROW
