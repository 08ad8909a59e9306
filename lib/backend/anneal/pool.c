/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* Every field of the state of zeros is minus half its row. */
int32_t spr__pool_even(const spr_problem_view *p)
{
    for (int64_t i = 0; i < p->variables; i++) {
        /* four sums at once: additions wait for each other */
        double part[4] = {0.0, 0.0, 0.0, 0.0}, size = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
            part[at & 3] += p->value[at];
            size += fabs(p->value[at]);
        }
        if (fabs(2.0 * p->linear[i] + (part[0] + part[1] + (part[2] + part[3]))) > 1e-12 * size)
            return 0;
    }
    return 1;
}

int spr__pool_open(spr__pool *pool, const spr_host *host, int32_t even)
{
    memset(pool, 0, sizeof *pool);
    pool->variables = host->problem->variables;
    pool->even = even;
    pool->bits = (uint8_t *)host->allocate(host->engine, (size_t)pool->variables * SPR_POOL_ROOM);
    return pool->bits != NULL;
}

static int64_t pool_distance(const spr__pool *pool, const uint8_t *a, const uint8_t *b)
{
    int64_t differ = 0;
    for (int64_t i = 0; i < pool->variables; i++)
        differ += a[i] ^ b[i];
    return pool->even && 2 * differ > pool->variables ? pool->variables - differ : differ;
}

void spr__pool_add(spr__pool *pool, const uint8_t *bits, double energy)
{
    int32_t worst = 0;
    for (int32_t k = 0; k < pool->used; k++)
        worst = pool->energy[k] > pool->energy[worst] ? k : worst;
    if (pool->used == SPR_POOL_ROOM && energy >= pool->energy[worst])
        return;
    for (int32_t k = 0; k < pool->used; k++)
        if (pool_distance(pool, pool->bits + k * pool->variables, bits) <= pool->variables / 128) {
            if (energy >= pool->energy[k])
                return;
            /* better than its near likeness: takes its place */
            memcpy(pool->bits + k * pool->variables, bits, (size_t)pool->variables);
            pool->energy[k] = energy;
            return;
        }
    const int32_t place = pool->used < SPR_POOL_ROOM ? pool->used++ : worst;
    memcpy(pool->bits + place * pool->variables, bits, (size_t)pool->variables);
    pool->energy[place] = energy;
}

void spr__pool_copy(spr__pool *pool, const spr__pool *other)
{
    memcpy(pool->bits, other->bits, (size_t)(pool->variables * other->used));
    memcpy(pool->energy, other->energy, sizeof pool->energy);
    pool->used = other->used;
}

double spr__pool_best(const spr__pool *pool)
{
    double best = INFINITY;
    for (int32_t k = 0; k < pool->used; k++)
        best = pool->energy[k] < best ? pool->energy[k] : best;
    return best;
}

void spr__pool_breed(const spr__pool *pool, uint64_t key, uint8_t *bits)
{
    const int64_t n = pool->variables;
    const uint64_t drawn = spr__random_at(key, 0);
    const int32_t used = pool->used;
    const int32_t one = (int32_t)((uint32_t)drawn % (uint32_t)used);
    const int32_t other = used > 1 ? (one + 1 + (int32_t)((uint32_t)(drawn >> 32) % (uint32_t)(used - 1))) % used : one;
    const uint8_t *a = pool->bits + one * n, *b = pool->bits + other * n;
    int64_t differ = 0;
    for (int64_t i = 0; i < n; i++)
        differ += a[i] ^ b[i];
    const uint8_t turn = pool->even && 2 * differ > n;
    uint64_t coins = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i % 64 == 0)
            coins = spr__random_at(key, 1 + (uint64_t)i / 64);
        bits[i] = (uint8_t)(a[i] == (b[i] ^ turn) ? a[i] : coins >> (i & 63) & 1);
    }
}
