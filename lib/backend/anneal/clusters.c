/* SPDX-License-Identifier: MIT */
#include "clusters.h"

#include <string.h>

#include "../../base/exact.h"

int spr__clusters_open(spr__clusters *clusters, const spr_host *host, int32_t even)
{
    const size_t n = (size_t)host->problem->variables;
    *clusters = (spr__clusters){host->problem, even, NULL, NULL};
    clusters->stack = (int32_t *)host->allocate(host->engine, n * sizeof(int32_t));
    clusters->differ = (uint8_t *)host->allocate(host->engine, n);
    return clusters->stack != NULL && clusters->differ != NULL;
}

/* Collects the cluster of variable first on the stack, from which it leaves differ; returns its size and what E gains when
 * all of it flips. */
static int64_t clusters_walk(spr__clusters *clusters, const uint8_t *bits, int64_t first, double *gain)
{
    const spr_problem_view *p = clusters->problem;
    int64_t size = 1;
    double sum = 0.0;
    clusters->stack[0] = (int32_t)first;
    clusters->differ[first] = 2;
    for (int64_t k = 0; k < size; k++) {
        const int64_t i = clusters->stack[k];
        double field = p->linear[i], inside = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
            const int32_t j = p->column[at];
            field += bits[j] ? p->value[at] : 0.0;
            if (clusters->differ[j] == 0)
                continue;
            inside += bits[i] == bits[j] ? p->value[at] : -p->value[at];
            if (clusters->differ[j] == 1) {
                clusters->differ[j] = 2;
                clusters->stack[size++] = j;
            }
        }
        sum += (bits[i] ? -field : field) + 0.5 * inside;
    }
    *gain = sum;
    return size;
}

double spr__clusters_take(spr__clusters *clusters, uint8_t *bits, const uint8_t *other)
{
    const int64_t n = clusters->problem->variables;
    int64_t differ = 0;
    double fell = 0.0;
    for (int64_t i = 0; i < n; i++)
        differ += clusters->differ[i] = bits[i] ^ other[i];
    if (clusters->even && 2 * differ > n)
        for (int64_t i = 0; i < n; i++)
            clusters->differ[i] ^= 1;
    for (int64_t i = 0; i < n; i++) {
        double gain;
        if (clusters->differ[i] != 1)
            continue;
        const int64_t size = clusters_walk(clusters, bits, i, &gain);
        const int take = gain < 0.0;
        fell -= take ? gain : 0.0;
        for (int64_t k = 0; k < size; k++) {
            clusters->differ[clusters->stack[k]] = 0;
            bits[clusters->stack[k]] ^= (uint8_t)take;
        }
    }
    return fell;
}
