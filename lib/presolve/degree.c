/* SPDX-License-Identifier: MIT
 * Variables of degree 1 to 3 are minimised out: what is left of them is a function of their neighbours, which linear parts
 * and couplings can express, with three neighbours where fields allow (the star and the triangle). */
#include "work.h"

#include <math.h>

#include "../base/exact.h"

static double degree_least(double x)
{
    return x < 0.0 ? x : 0.0;
}

/* What the minimum over x of x (linear + a y + b z) is as a function of y and z. */
typedef struct degree_minimum {
    double offset, y, z, both;
} degree_minimum;

static degree_minimum degree_minimise(spr__residue *work, double linear, double a, double b)
{
    double at_y = linear, at_z = linear;
    spr__work_add(work, &at_y, a);
    spr__work_add(work, &at_z, b);
    double at_both = at_y;
    spr__work_add(work, &at_both, b);
    const double least = degree_least(linear);
    degree_minimum minimum = {least, degree_least(at_y), degree_least(at_z), degree_least(at_both)};
    spr__work_add(work, &minimum.both, -minimum.y);
    spr__work_add(work, &minimum.both, -minimum.z);
    spr__work_add(work, &minimum.both, least);
    spr__work_add(work, &minimum.y, -least);
    spr__work_add(work, &minimum.z, -least);
    return minimum;
}

static int degree_one(spr__residue *work, int32_t i)
{
    const int32_t half = work->first[i], j = work->to[half];
    const spr__step step = {SPR__STEP_BEST, SPR__RULE_DEGREE_1, i, 0, {j, -1, -1}, work->linear[i],
                            {work->value[half / 2], 0.0, 0.0}};
    const degree_minimum minimum = degree_minimise(work, step.linear, step.weight[0], 0.0);
    spr__work_set_value(work, half, 0.0);
    spr__work_add(work, &work->offset, minimum.offset);
    spr__work_add_linear(work, j, minimum.y);
    spr__work_gone(work, i, &step);
    return 1;
}

/* Of a new weight: still a multiple of the unit of all couplings, and of their size if they all have the same, so that
 * narrow numbers, or a bit, go on holding them. */
static int degree_fits(const spr__residue *work, double weight)
{
    if (work->wide)
        return 1;
    if (work->equal > 0.0 && weight != 0.0 && fabs(weight) != work->equal)
        return 0;
    return work->unit == 0.0 || floor(weight / work->unit) * work->unit == weight;
}

static int degree_two(spr__residue *work, int32_t i)
{
    const int32_t half_y = work->first[i], half_z = work->next[half_y];
    const int32_t y = work->to[half_y], z = work->to[half_z];
    const spr__step step = {SPR__STEP_BEST, SPR__RULE_DEGREE_2, i, 0, {y, z, -1}, work->linear[i],
                            {work->value[half_y / 2], work->value[half_z / 2], 0.0}};
    const double doubt = work->doubt;
    const degree_minimum minimum = degree_minimise(work, step.linear, step.weight[0], step.weight[1]);
    const int32_t there = minimum.both != 0.0 ? spr__work_find(work, y, z) : -1;
    double sum = there >= 0 ? work->value[there / 2] : 0.0;
    spr__work_add(work, &sum, minimum.both);
    if (!degree_fits(work, sum) || (work->exact && work->doubt > doubt)) {
        work->doubt = doubt;
        return 0;
    }
    spr__work_set_value(work, half_z, 0.0);
    if (there >= 0 || sum == 0.0)
        spr__work_set_value(work, half_y, 0.0);
    else
        spr__work_move(work, half_y, z, sum);
    if (there >= 0)
        spr__work_set_value(work, there, sum);
    spr__work_add(work, &work->offset, minimum.offset);
    spr__work_add_linear(work, y, minimum.y);
    spr__work_add_linear(work, z, minimum.z);
    spr__work_gone(work, i, &step);
    return 1;
}

/* The minimum over x of x (linear + a y + b z + c u) has a term in y z u as a rule; where its factor is 0, as without fields,
 * three couplings express it. Only where every sum is exact. */
static int degree_three(spr__residue *work, int32_t i)
{
    int32_t half[3], end[3], there[3];
    double weight[3], least[8], pair[3], sum[3], from_end[3];
    const double doubt = work->doubt;
    half[0] = work->first[i];
    half[1] = work->next[half[0]];
    half[2] = work->next[half[1]];
    for (int e = 0; e < 3; e++) {
        end[e] = work->to[half[e]];
        weight[e] = work->value[half[e] / 2];
    }
    for (int set = 0; set < 8; set++) {
        double cost = work->linear[i];
        for (int e = 0; e < 3; e++)
            if (set >> e & 1)
                spr__work_add(work, &cost, weight[e]);
        least[set] = degree_least(cost);
    }
    double cubic = least[7];
    for (int e = 0; e < 3; e++) {
        const int one = 1 << e, two = 1 << (e + 1) % 3;
        spr__work_add(work, &cubic, -least[7 - one]);
        spr__work_add(work, &cubic, least[one]);
        pair[e] = least[one | two];
        spr__work_add(work, &pair[e], -least[one]);
        spr__work_add(work, &pair[e], -least[two]);
        spr__work_add(work, &pair[e], least[0]);
        from_end[e] = least[one];
        spr__work_add(work, &from_end[e], -least[0]);
        there[e] = pair[e] != 0.0 ? spr__work_find(work, end[e], end[(e + 1) % 3]) : -1;
        sum[e] = there[e] >= 0 ? work->value[there[e] / 2] : 0.0;
        spr__work_add(work, &sum[e], pair[e]);
    }
    spr__work_add(work, &cubic, -least[0]);
    if (!work->exact || cubic != 0.0 || work->doubt > doubt) {
        work->doubt = doubt;
        return 0;
    }
    const spr__step step = {SPR__STEP_BEST, SPR__RULE_DEGREE_3, i, 0, {end[0], end[1], end[2]}, work->linear[i],
                            {weight[0], weight[1], weight[2]}};
    for (int e = 0; e < 3; e++)
        if (there[e] >= 0 || sum[e] == 0.0)
            spr__work_set_value(work, half[e], 0.0);
        else
            spr__work_move(work, half[e], end[(e + 1) % 3], sum[e]);
    for (int e = 0; e < 3; e++) {
        if (there[e] >= 0)
            spr__work_set_value(work, there[e], sum[e]);
        spr__work_add_linear(work, end[e], from_end[e]);
    }
    spr__work_add(work, &work->offset, least[0]);
    spr__work_gone(work, i, &step);
    return 1;
}

int spr__reduce_degree(spr__residue *work, int32_t i)
{
    if (work->degree[i] == 1)
        return degree_one(work, i);
    if (work->degree[i] == 3 && work->effort < work->most_effort && work->wide)
        return degree_three(work, i);
    return work->degree[i] == 2 && work->effort < work->most_effort ? degree_two(work, i) : 0;
}
