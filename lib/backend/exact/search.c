/* SPDX-License-Identifier: MIT
 * Search through the tables of an elimination (K. Kask and R. Dechter, 2001): variables are decided in the reverse of the
 * order in which they left. The tables tell what the rest costs at least, and exactly where no table had to be split: then
 * the first way down is the optimum. */
#include "tables.h"

#include "../../base/exact.h"

/* Index of the table under the values decided so far. */
static int64_t search_index(const exact_elimination *e, const exact_table *table)
{
    int64_t index = 0;
    for (int32_t i = 0; i < table->width; i++)
        index |= (int64_t)e->value[table->scope[i]] << i;
    return index;
}

/* What either value at a place adds: its functions, less what the tables it left had promised for them. */
static void search_cost(exact_elimination *e, int32_t p)
{
    const spr_problem_view *problem = e->problem;
    const int32_t v = e->order.variable[p];
    double zero = 0.0, one = problem->linear[v], promised = 0.0;
    for (int64_t at = problem->row_start[v]; at < problem->row_start[v + 1]; at++) {
        const int32_t q = e->place[problem->column[at]];
        one += q > p && e->value[q] ? problem->value[at] : 0.0;
    }
    e->value[p] = 0;
    for (int32_t t = e->arrived[p]; t >= 0; t = e->tables[t].next_arrived) {
        /* the place is the first of its scope: bit 0 */
        const int64_t index = search_index(e, &e->tables[t]);
        zero += e->tables[t].least[index];
        one += e->tables[t].least[index | 1];
    }
    for (int32_t t = e->sent[p]; t >= 0; t = e->tables[t].next_sent)
        promised += e->tables[t].least[search_index(e, &e->tables[t])];
    e->cost[p][0] = zero - promised;
    e->cost[p][1] = one - promised;
}

/* Could there be something better below? Less than rounding, or than two energies can differ by, is not. */
static int search_is_hopeful(const exact_elimination *e, double bound)
{
    const double rounding = 1e-12 * e->size;
    return bound < e->best - rounding && bound <= e->best - e->grain + rounding;
}

static void search_found(exact_elimination *e, const spr_host *host)
{
    e->best = e->bound[0];
    for (int32_t p = 0; p < e->n; p++)
        e->bits[e->order.variable[p]] = e->value[p];
    host->offer(host->engine, e->bits, e->best);
}

static void search_enter(exact_elimination *e, int32_t p)
{
    e->at = p;
    search_cost(e, p);
    e->left[p] = e->symmetric && p == e->n - 1 ? 1 : 3;
}

int spr__exact_search_node(exact_elimination *e, const spr_host *host)
{
    if (e->at == e->n) {
        search_enter(e, e->n - 1);
        return 0;
    }
    while (e->at < e->n && e->left[e->at] == 0)
        e->at++;
    if (e->at == e->n)
        return 1;
    const int32_t p = e->at;
    const int value = e->left[p] == 2 || (e->left[p] == 3 && e->cost[p][1] < e->cost[p][0]);
    e->left[p] = (int8_t)(e->left[p] & ~(1 << value));
    const double bound = e->bound[p + 1] + e->cost[p][value];
    if (!search_is_hopeful(e, bound))
        return 0;
    e->value[p] = (uint8_t)value;
    e->bound[p] = bound;
    if (p == 0)
        search_found(e, host);
    else
        search_enter(e, p - 1);
    return 0;
}
