/* SPDX-License-Identifier: MIT
 * The semidefinite bound: signs become unit vectors (Goemans and Williamson, 1995), found one at a time, each opposite to
 * the pull of the others (P.-W. Wang and J. Z. Kolter, "The mixing method", 2017). The lengths of the pulls make the dual
 * solution; a Cholesky factorisation proves that it is one. Far better than other bounds where couplings are dense, and
 * far dearer: it is asked where a large subtree hangs on it. */
#include "exact.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

enum { RELAX_MOST = EXACT_MOST_BRANCHED + 1, RELAX_RANK = 12, RELAX_SWEEPS = 24, RELAX_TEST = 3 };

struct exact_relaxation {
    double vector[RELAX_MOST][RELAX_MOST][RELAX_RANK];   /* by depth; of the variable at a depth, the last is the constant 1 */
    double matrix[RELAX_MOST][RELAX_MOST];               /* objective of the node: sum of all entries times products */
    double factor[RELAX_MOST][RELAX_MOST];
    double pull[RELAX_MOST];
    int64_t effort;                                      /* in hundreds of multiplications or so */
};

exact_relaxation *spr__exact_relax_open(const spr_host *host)
{
    exact_relaxation *relax = (exact_relaxation *)host->allocate(host->engine, sizeof *relax);
    if (relax == NULL)
        return NULL;
    for (int64_t i = 0; i < RELAX_MOST; i++)
        for (int64_t r = 0; r < RELAX_RANK; r++) {
            const uint64_t drawn = host->random(host->engine, 1, (uint64_t)(i * RELAX_RANK + r));
            relax->vector[0][i][r] = (double)(drawn >> 11) / 9007199254740992.0 - 0.5;
        }
    return relax;
}

/* The node's energy in signs: entries 0..rest-1 are variables, entry rest is the constant. Returns the constant term. */
static double relax_fill(exact_relaxation *relax, const exact_node *node)
{
    const int64_t rest = node->n - node->depth;
    double constant = node->energy;
    for (int64_t i = 0; i < rest; i++) {
        const double *weight = node->weight[node->depth + i] + node->depth;
        double sum = 0.0;
        for (int64_t j = 0; j < rest; j++) {
            relax->matrix[i][j] = j == i ? 0.0 : 0.125 * weight[j];
            sum += j == i ? 0.0 : weight[j];
        }
        const double field = node->field[node->depth + i];
        relax->matrix[i][rest] = relax->matrix[rest][i] = 0.25 * field + 0.125 * sum;
        constant += 0.5 * field + 0.125 * sum;
    }
    relax->matrix[rest][rest] = 0.0;
    return constant;
}

/* Turns each vector against the pull of the others; returns the objective that the last pulls amount to. */
static double relax_sweep(exact_relaxation *relax, double (*vector)[RELAX_RANK], int64_t size)
{
    double total = 0.0;
    for (int64_t i = 0; i < size; i++) {
        double pull[RELAX_RANK] = {0.0}, square = 0.0;
        for (int64_t j = 0; j < size; j++)
            for (int r = 0; r < RELAX_RANK; r++)
                pull[r] += relax->matrix[i][j] * vector[j][r];
        for (int r = 0; r < RELAX_RANK; r++)
            square += pull[r] * pull[r];
        const double length = sqrt(square);
        relax->pull[i] = length;
        total += length;
        for (int r = 0; r < RELAX_RANK && length > 0.0; r++)
            vector[i][r] = -pull[r] / length;
    }
    relax->effort += 1 + size * size / 16;
    return total;
}

/* The objective of the vectors as they are; their pulls are left in pull. */
static double relax_objective(exact_relaxation *relax, double (*vector)[RELAX_RANK], int64_t size)
{
    double objective = 0.0;
    for (int64_t i = 0; i < size; i++) {
        double pull[RELAX_RANK] = {0.0}, square = 0.0;
        for (int64_t j = 0; j < size; j++)
            for (int r = 0; r < RELAX_RANK; r++)
                pull[r] += relax->matrix[i][j] * vector[j][r];
        for (int r = 0; r < RELAX_RANK; r++) {
            square += pull[r] * pull[r];
            objective += pull[r] * vector[i][r];
        }
        relax->pull[i] = sqrt(square);
    }
    relax->effort += 1 + size * size / 16;
    return objective;
}

/* Is the matrix positive definite, with pull * scale as its diagonal? least: what is no more is rounding. */
static int relax_is_definite(exact_relaxation *relax, int64_t size, double scale, double least)
{
    relax->effort += 1 + size * size * size / 300;
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = i == j ? relax->pull[i] * scale : relax->matrix[i][j];
            for (int64_t k = 0; k < j; k++)
                sum -= relax->factor[i][k] * relax->factor[j][k];
            if (i != j)
                relax->factor[i][j] = sum / relax->factor[j][j];
            else if (!(sum > least))
                return 0;
            else
                relax->factor[i][i] = sqrt(sum);
        }
    return 1;
}

/* Vectors of a node: those of its parent, made unit vectors at the root. */
static void relax_inherit(exact_relaxation *relax, const exact_node *node)
{
    const int64_t k = node->depth;
    if (k > 0)
        memcpy(relax->vector[k], relax->vector[k - 1] + 1, (RELAX_MOST - 1) * sizeof relax->vector[0][0]);
    for (int64_t i = 0; k == 0 && i < RELAX_MOST; i++) {
        double square = 0.0;
        for (int r = 0; r < RELAX_RANK; r++)
            square += relax->vector[0][i][r] * relax->vector[0][i][r];
        for (int r = 0; r < RELAX_RANK; r++)
            relax->vector[0][i][r] /= sqrt(square);
    }
}

int spr__exact_relax_cuts(exact_relaxation *relax, const exact_node *node, double target, int64_t *effort)
{
    const int64_t size = node->n - node->depth + 1;
    double (*vector)[RELAX_RANK] = relax->vector[node->depth];
    relax_inherit(relax, node);
    const double constant = relax_fill(relax, node);
    int cuts = 0;
    relax->effort = 0;
    for (int sweep = 1; sweep <= RELAX_SWEEPS && !cuts; sweep++) {
        relax_sweep(relax, vector, size);
        if (sweep % RELAX_TEST != 0)
            continue;
        /* these vectors are a solution: the bound cannot be higher */
        if (constant + relax_objective(relax, vector, size) < target)
            break;
        double total = 0.0, largest = 0.0;
        for (int64_t i = 0; i < size; i++) {
            total += relax->pull[i];
            largest = relax->pull[i] > largest ? relax->pull[i] : largest;
        }
        /* the dual may be worsened by as much as there is room to the target */
        const double room = (constant - total - target) / total;
        cuts = room > 1e-4 && relax_is_definite(relax, size, 1.0 + room, 1e-13 * largest);
    }
    *effort += relax->effort;
    return cuts;
}
