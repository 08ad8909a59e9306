/* SPDX-License-Identifier: MIT */
#include "couplings.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* What a caller lists. */
typedef struct couplings_entries {
    int64_t entries;
    const int32_t *rows, *columns;
    const double *values;
} couplings_entries;

static spr__coupling couplings_item(int32_t other, double value)
{
    spr__coupling item = {other, {0, 0}};
    memcpy(item.value, &value, sizeof value);
    return item;
}

static double couplings_value(const spr__coupling *item)
{
    double value;
    memcpy(&value, item->value, sizeof value);
    return value;
}

/* counts[v + 1] is a number of items: now counts[v] is where those of v begin. */
static void couplings_add_up(int64_t *counts, int64_t variables)
{
    for (int64_t v = 0; v < variables; v++)
        counts[v + 1] += counts[v];
}

/* By the larger variable, in the order given; other is the smaller one. place[v] is then where those of v end. */
static void couplings_sort_by_high(spr__couplings *to, const couplings_entries *in, spr__coupling *sorted)
{
    memset(to->place, 0, (size_t)(to->variables + 1) * sizeof to->place[0]);
    for (int64_t k = 0; k < in->entries; k++)
        if (in->rows[k] != in->columns[k])
            to->place[(in->rows[k] > in->columns[k] ? in->rows[k] : in->columns[k]) + 1]++;
    couplings_add_up(to->place, to->variables);
    for (int64_t k = 0; k < in->entries; k++) {
        const int32_t i = in->rows[k], j = in->columns[k];
        if (i != j)
            sorted[to->place[i > j ? i : j]++] = couplings_item(i > j ? j : i, in->values[k]);
    }
}

/* By the smaller variable; of one, still by the larger. */
static void couplings_sort_by_low(spr__couplings *to, const spr__coupling *sorted)
{
    const int64_t n = to->variables, items = to->place[n - 1];
    memset(to->end, 0, (size_t)n * sizeof to->end[0]);
    /* the smaller of two is never the last variable */
    for (int64_t at = 0; at < items; at++)
        to->end[sorted[at].other + 1]++;
    couplings_add_up(to->end, n - 1);
    for (int64_t high = 0, at = 0; high < n; high++)
        for (; at < to->place[high]; at++) {
            spr__coupling *item = &to->item[to->end[sorted[at].other]++];
            *item = sorted[at];
            item->other = (int32_t)high;
        }
}

/* The sum of the run of equal couplings from *at on, which ends before end; *at goes behind it. */
static double couplings_run(const spr__couplings *from, int64_t *at, int64_t end)
{
    const int32_t other = from->item[*at].other;
    double sum = 0.0;
    do
        sum += couplings_value(&from->item[(*at)++]);
    while (*at < end && from->item[*at].other == other);
    return sum;
}

/* In place. */
static spr_status couplings_merge(spr__couplings *in, spr_error *error)
{
    for (int64_t low = 0, at = 0; low < in->variables; low++) {
        const int64_t end = in->end[low];
        while (at < end) {
            const int32_t other = in->item[at].other;
            const double sum = couplings_run(in, &at, end);
            if (!isfinite(sum))
                return spr__fail(error, SPR_ERROR_NOT_FINITE,
                                 "entries of the coupling of variables %lld and %d, from 0, add up to more than a double "
                                 "holds", (long long)low, (int)other);
            if (sum != 0.0)
                in->item[in->used++] = couplings_item(other, sum);
        }
        in->end[low] = in->used;
    }
    return SPR_OK;
}

spr_status spr__couplings_open(spr__couplings *to, const spr__memory *memory, int64_t variables, int64_t entries,
                               const int32_t *rows, const int32_t *columns, const double *values, spr_error *error)
{
    const couplings_entries in = {entries, rows, columns, values};
    memset(to, 0, sizeof *to);
    to->memory = *memory;
    to->variables = variables;
    to->room = entries + 1;
    const size_t bytes = (size_t)to->room * sizeof to->item[0];
    to->item = (spr__coupling *)spr__allocate(memory, bytes);
    to->end = (int64_t *)spr__allocate(memory, (size_t)variables * sizeof to->end[0]);
    to->place = (int64_t *)spr__allocate(memory, (size_t)(variables + 1) * sizeof to->place[0]);
    spr__coupling *sorted = (spr__coupling *)spr__allocate(memory, bytes);
    const int served = to->item != NULL && to->end != NULL && to->place != NULL && sorted != NULL;
    if (served) {
        couplings_sort_by_high(to, &in, sorted);
        couplings_sort_by_low(to, sorted);
    }
    spr__release(memory, sorted, bytes);
    if (!served)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory to sort %lld entries", (long long)entries);
    return couplings_merge(to, error);
}

void spr__couplings_close(spr__couplings *couplings)
{
    const size_t n = (size_t)couplings->variables;
    spr__release(&couplings->memory, couplings->item, (size_t)couplings->room * sizeof couplings->item[0]);
    spr__release(&couplings->memory, couplings->end, n * sizeof couplings->end[0]);
    spr__release(&couplings->memory, couplings->place, (n + 1) * sizeof couplings->place[0]);
}

void spr__couplings_spread(spr__couplings *from, int64_t *row_start, int32_t *column, double *value)
{
    const int64_t n = from->variables;
    memset(row_start, 0, (size_t)(n + 1) * sizeof row_start[0]);
    for (int64_t low = 0, at = 0; low < n; low++) {
        row_start[low + 1] += from->end[low] - at;
        for (; at < from->end[low]; at++)
            row_start[from->item[at].other + 1]++;
    }
    couplings_add_up(row_start, n);
    memcpy(from->place, row_start, (size_t)n * sizeof row_start[0]);
    /* when a variable's turn comes, its row already holds what is left of the diagonal */
    for (int64_t low = 0, at = 0; low < n; low++)
        for (; at < from->end[low]; at++) {
            const int32_t high = from->item[at].other;
            const double weight = couplings_value(&from->item[at]);
            const int64_t right = from->place[low]++, left = from->place[high]++;
            column[right] = high;
            value[right] = weight;
            column[left] = (int32_t)low;
            value[left] = weight;
        }
}
