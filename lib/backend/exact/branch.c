/* SPDX-License-Identifier: MIT
 * Branch and bound for dense problems (P. Pardalos and G. Rodgers, "Computational aspects of a branch and bound algorithm for
 * quadratic zero-one programming", 1990): variables in a fixed order, fields kept per depth, values that every completion
 * agrees on are forced. The bound splits each coupling between its two variables by weights that are tuned per depth. */
#include "exact.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { BRANCH_MOST = EXACT_MOST_BRANCHED, BRANCH_UNIT = 4096, BRANCH_STARTS = 64, BRANCH_TUNING = 60, BRANCH_RELAX = 20 };

struct exact_branching {
    int64_t n;
    int32_t order[BRANCH_MOST];                  /* variable decided at each depth */
    double weight[BRANCH_MOST][BRANCH_MOST];     /* couplings by depth, symmetric, diagonal 0 */
    double field[BRANCH_MOST + 1][BRANCH_MOST];  /* field[k][i]: of the variable at depth i >= k, given those above k */
    double energy[BRANCH_MOST + 1];              /* of those above k */
    double share[BRANCH_MOST][BRANCH_MOST];      /* share[k][i]: what the bound at depth k adds to the field of i >= k */
    double base[BRANCH_MOST];                    /* and to the energy */
    int8_t value[BRANCH_MOST], tried[BRANCH_MOST];
    uint8_t bits[BRANCH_MOST], best[BRANCH_MOST];
    double least, size, grain;                   /* grain: what two energies differ by at least */
    int symmetric;                               /* the first variable need not be 1 */
    int64_t depth, effort;                       /* effort: in nodes */
    exact_relaxation *relax;
    int32_t begun;
};

static double branch_energy(const exact_branching *b, const uint8_t *bits)
{
    double energy = b->energy[0];
    for (int64_t i = 0; i < b->n; i++)
        if (bits[i]) {
            energy += b->field[0][i];
            for (int64_t j = 0; j < i; j++)
                energy += bits[j] ? b->weight[i][j] : 0.0;
        }
    return energy;
}

/* bits by depth */
static void branch_improve(exact_branching *b, const uint8_t *bits, const spr_host *host)
{
    uint8_t state[BRANCH_MOST];
    const double energy = branch_energy(b, bits);
    if (!(energy < b->least))
        return;
    b->least = energy;
    memcpy(b->best, bits, (size_t)b->n);
    for (int64_t i = 0; i < b->n; i++)
        state[b->order[i]] = bits[i];
    host->offer(host->engine, state, NAN);
}

/* Variables that weigh most are decided first. */
static void branch_order(exact_branching *b, const spr_problem_view *problem)
{
    double weight[BRANCH_MOST];
    for (int64_t i = 0; i < b->n; i++) {
        weight[i] = fabs(problem->linear[i]);
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            weight[i] += fabs(problem->value[at]);
    }
    for (int64_t k = 0; k < b->n; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < b->n; i++)
            if (weight[i] >= 0.0 && (best < 0 || weight[i] > weight[best]))
                best = i;
        b->order[k] = (int32_t)best;
        weight[best] = -1.0;
    }
}

static void branch_read(exact_branching *b, const spr_problem_view *problem)
{
    int32_t depth[BRANCH_MOST];
    for (int64_t k = 0; k < b->n; k++)
        depth[b->order[k]] = (int32_t)k;
    b->energy[0] = problem->offset;
    b->size = spr__exact_size(problem);
    b->grain = spr__exact_grain(problem);
    b->symmetric = spr__exact_is_symmetric(problem);
    for (int64_t i = 0; i < b->n; i++) {
        b->field[0][depth[i]] = problem->linear[i];
        for (int64_t at = problem->row_start[i]; at < problem->row_start[i + 1]; at++)
            b->weight[depth[i]][depth[problem->column[at]]] = problem->value[at];
    }
}

/* The bound at depth k. A coupling w < 0 is at least w (p x + (1-p) y), one w > 0 at least w q (x + y - 1), for any p and q in
 * 0..1: then variables are independent. Sub-gradient steps move p and q so that both ends agree, at usual fields: those
 * with half of the variables above set. */
typedef struct branch_split {
    double part[BRANCH_MOST][BRANCH_MOST];       /* p of the lower index (w < 0), or q (w > 0) */
} branch_split;

static void branch_shares(exact_branching *b, int64_t k, const branch_split *split)
{
    b->base[k] = 0.0;
    for (int64_t i = k; i < b->n; i++)
        b->share[k][i] = 0.0;
    for (int64_t i = k; i < b->n; i++)
        for (int64_t j = i + 1; j < b->n; j++) {
            const double w = b->weight[i][j], part = split->part[i][j];
            b->share[k][i] += w * part;
            b->share[k][j] += w < 0.0 ? w * (1.0 - part) : w * part;
            b->base[k] -= w < 0.0 ? 0.0 : w * part;
        }
}

static void branch_tune(exact_branching *b, int64_t k, branch_split *split)
{
    double usual[BRANCH_MOST], best = -INFINITY, share[BRANCH_MOST], base = 0.0;
    memset(share, 0, sizeof share);
    for (int64_t i = k; i < b->n; i++) {
        usual[i] = b->field[0][i];
        for (int64_t j = 0; j < k; j++)
            usual[i] += 0.5 * b->weight[i][j];
        for (int64_t j = i + 1; j < b->n; j++)
            split->part[i][j] = b->weight[i][j] < 0.0 ? 0.5 : 0.0;
    }
    for (int step = 0; step < BRANCH_TUNING; step++) {
        branch_shares(b, k, split);
        double bound = b->base[k];
        for (int64_t i = k; i < b->n; i++)
            bound += usual[i] + b->share[k][i] < 0.0 ? usual[i] + b->share[k][i] : 0.0;
        if (bound > best) {
            best = bound;
            base = b->base[k];
            memcpy(share, b->share[k], sizeof share);
        }
        const double move = 0.5 / (1.0 + 0.2 * step);
        for (int64_t i = k; i < b->n; i++)
            for (int64_t j = i + 1; j < b->n; j++) {
                const int x = usual[i] + b->share[k][i] < 0.0, y = usual[j] + b->share[k][j] < 0.0;
                double *part = &split->part[i][j];
                *part += b->weight[i][j] < 0.0 ? move * (y - x) : b->weight[i][j] > 0.0 ? move * (x + y - 1) : 0.0;
                *part = *part < 0.0 ? 0.0 : *part > 1.0 ? 1.0 : *part;
            }
    }
    memcpy(b->share[k], share, sizeof share);
    b->base[k] = base;
}

exact_branching *spr__exact_branch_open(const spr_host *host)
{
    exact_branching *b = (exact_branching *)host->allocate(host->engine, sizeof *b);
    branch_split *split = (branch_split *)host->allocate(host->engine, sizeof *split);
    if (b == NULL || split == NULL || (b->relax = spr__exact_relax_open(host)) == NULL)
        return NULL;
    b->n = host->problem->variables;
    b->least = INFINITY;
    branch_order(b, host->problem);
    branch_read(b, host->problem);
    for (int64_t k = 0; k < b->n; k++)
        branch_tune(b, k, split);
    return b;
}

void spr__exact_branch_warm(exact_branching *b, const uint8_t *bits)
{
    uint8_t state[BRANCH_MOST];
    for (int64_t k = 0; k < b->n; k++)
        state[k] = bits[b->order[k]];
    b->least = branch_energy(b, state);
    memcpy(b->best, state, (size_t)b->n);
}

/* Descents from random states: a good incumbent cuts most of the tree. */
static void branch_descend(exact_branching *b, const spr_host *host)
{
    for (uint64_t start = 0; start < BRANCH_STARTS; start++) {
        double field[BRANCH_MOST];
        for (int64_t i = 0; i < b->n; i++)
            b->bits[i] = host->random(host->engine, 0, 2 * start + (uint64_t)i / 64) >> (i & 63) & 1;
        for (int64_t i = 0; i < b->n; i++) {
            field[i] = b->field[0][i];
            for (int64_t j = 0; j < b->n; j++)
                field[i] += b->bits[j] ? b->weight[i][j] : 0.0;
        }
        for (;;) {
            double least = -1e-12 * b->size;
            int64_t best = -1;
            for (int64_t i = 0; i < b->n; i++)
                if ((b->bits[i] ? -field[i] : field[i]) < least) {
                    least = b->bits[i] ? -field[i] : field[i];
                    best = i;
                }
            if (best < 0)
                break;
            b->bits[best] ^= 1;
            for (int64_t j = 0; j < b->n; j++)
                field[j] += b->bits[best] ? b->weight[best][j] : -b->weight[best][j];
        }
        branch_improve(b, b->bits, host);
    }
}

/* No completion of what is decided above k is better than this. */
static double branch_bound(const exact_branching *b, int64_t k)
{
    double bound = b->energy[k] + b->base[k];
    for (int64_t i = k; i < b->n; i++) {
        const double x = b->field[k][i] + b->share[k][i];
        bound += x < 0.0 ? x : 0.0;
    }
    return bound;
}

/* Which values the variable at depth k may take: bit 0 and bit 1. The rest of its row decides if its field cannot. */
static int branch_options(const exact_branching *b, int64_t k)
{
    double low = b->field[k][k], high = low;
    for (int64_t i = k + 1; i < b->n; i++) {
        low += b->weight[k][i] < 0.0 ? b->weight[k][i] : 0.0;
        high += b->weight[k][i] > 0.0 ? b->weight[k][i] : 0.0;
    }
    return low >= 0.0 ? 1 : high <= 0.0 ? 2 : 3;
}

static void branch_decide(exact_branching *b, int64_t k, int value)
{
    b->bits[k] = (uint8_t)value;
    b->energy[k + 1] = b->energy[k] + (value ? b->field[k][k] : 0.0);
    for (int64_t i = k + 1; i < b->n; i++)
        b->field[k + 1][i] = b->field[k][i] + (value ? b->weight[k][i] : 0.0);
}

/* Is there nothing better below? What is better by less than rounding, or than the grain, is not looked for. */
static int branch_is_cut(exact_branching *b, int64_t k)
{
    const double rounding = 1e-12 * b->size, target = b->least - (b->grain > 2.0 * rounding ? b->grain - rounding : rounding);
    if (branch_bound(b, k) >= target)
        return 1;
    if (b->n - k < BRANCH_RELAX)
        return 0;
    const exact_node node = {b->n, k, b->weight, b->field[k], b->energy[k]};
    return spr__exact_relax_cuts(b->relax, &node, target, &b->effort);
}

/* Opens a node: the values still to be tried at this depth. */
static void branch_enter(exact_branching *b, const spr_host *host)
{
    const int64_t k = b->depth;
    if (k == b->n) {
        branch_improve(b, b->bits, host);
        return;
    }
    b->tried[k] = 0;
    b->value[k] = 0;
    if (!branch_is_cut(b, k))
        b->value[k] = (int8_t)(b->symmetric && k == 0 ? 1 : branch_options(b, k));
}

/* One node. Returns nonzero when the tree is done. */
static int branch_node(exact_branching *b, const spr_host *host)
{
    while (b->depth >= 0 && (b->depth == b->n || (b->value[b->depth] & ~b->tried[b->depth]) == 0))
        b->depth--;
    if (b->depth < 0)
        return 1;
    const int64_t k = b->depth;
    const int left = b->value[k] & ~b->tried[k];
    /* the value that its field likes comes first */
    const int liked = b->field[k][k] + b->share[k][k] < 0.0 ? 2 : 1;
    const int take = left & liked ? liked : left;
    b->tried[k] = (int8_t)(b->tried[k] | take);
    branch_decide(b, k, take == 2);
    b->depth = k + 1;
    branch_enter(b, host);
    return 0;
}

int spr__exact_branch_step(exact_branching *b, const spr_host *host, int64_t budget, int64_t *used)
{
    for (; *used < budget; ++*used) {
        if (!b->begun) {
            b->begun = 1;
            branch_descend(b, host);
            branch_enter(b, host);
            continue;
        }
        for (b->effort = 0; b->effort < BRANCH_UNIT; b->effort++)
            if (branch_node(b, host)) {
                /* less what sums may have been rounded by */
                host->prove(host->engine, b->least - 2e-12 * b->size);
                ++*used;
                return 1;
            }
        if (host->cancelled(host->engine) != 0) {
            ++*used;
            return 0;
        }
    }
    return 0;
}
