/* SPDX-License-Identifier: MIT
 * Variables of degree 1 and 2 are minimised out: what is left of them is a function of their neighbours, which a linear
 * part, or two and a coupling, can express. */
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
    const spr__step step = {SPR__STEP_BEST, SPR__RULE_DEGREE_1, i, 0, {j, -1}, work->linear[i],
                            {work->value[half / 2], 0.0}};
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
    if (work->equal > 0.0 && weight != 0.0 && fabs(weight) != work->equal)
        return 0;
    return work->unit == 0.0 || floor(weight / work->unit) * work->unit == weight;
}

static int degree_two(spr__residue *work, int32_t i)
{
    const int32_t half_y = work->first[i], half_z = work->next[half_y];
    const int32_t y = work->to[half_y], z = work->to[half_z];
    const spr__step step = {SPR__STEP_BEST, SPR__RULE_DEGREE_2, i, 0, {y, z}, work->linear[i],
                            {work->value[half_y / 2], work->value[half_z / 2]}};
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

int spr__reduce_degree(spr__residue *work, int32_t i)
{
    if (work->degree[i] == 1)
        return degree_one(work, i);
    return work->degree[i] == 2 && work->effort < work->most_effort ? degree_two(work, i) : 0;
}
