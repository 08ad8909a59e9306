/* SPDX-License-Identifier: MIT */
#include "scale.h"

#include <math.h>

#include "../../base/exact.h"

/* coefficients finer than 2^-20 or beyond 2^40 count as real */
enum { SCALE_FINEST = 20, SCALE_SAMPLE = 256 };
static const double scale_most = 1099511627776.0;

static int64_t scale_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* What one pass over numbers finds. */
typedef struct scale_pass {
    double largest;              /* absolute value */
    uint64_t bits;               /* of all absolute values, or-ed */
    int32_t whole;
} scale_pass;

static void scale_look(const double *values, int64_t count, double power, scale_pass *pass)
{
    uint64_t bits = pass->bits;
    double largest = pass->largest;
    for (int64_t i = 0; i < count; i++) {
        const double value = fabs(values[i]) * power;
        const int64_t whole = value <= scale_most ? (int64_t)value : -1;
        if ((double)whole != value) {
            pass->whole = 0;
            return;
        }
        bits |= (uint64_t)whole;
        largest = value > largest ? value : largest;
    }
    pass->bits = bits;
    pass->largest = largest;
}

/* The couplings, each once: what is right of the diagonal. */
static void scale_look_above(const spr_problem_view *p, double power, scale_pass *pass)
{
    for (int64_t i = 0; i < p->variables && pass->whole; i++) {
        int64_t low = p->row_start[i], high = p->row_start[i + 1];
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            if (p->column[middle] < i)
                low = middle + 1;
            else
                high = middle;
        }
        scale_look(p->value + low, p->row_start[i + 1] - low, power, pass);
    }
}

/* The largest divisor of all numbers, given their common power of two. */
static int64_t scale_divide(const double *values, int64_t count, double power, uint64_t bits)
{
    const int64_t even = bits == 0 ? 1 : (int64_t)(bits & (~bits + 1));
    int64_t divisor = 0;
    for (int64_t i = 0; i < count && divisor != even; i++) {
        const int64_t whole = (int64_t)(values[i] * power);
        if (divisor == 0 || whole % divisor != 0)
            divisor = scale_divisor(divisor, whole);
    }
    return divisor;
}

/* Smallest power 2^k, k = 0 .. SCALE_FINEST, that makes couplings and linear part whole; 0 if there is none. */
static double scale_power(const spr_problem_view *p, scale_pass *couplings, scale_pass *linear)
{
    for (int k = 0; k <= SCALE_FINEST; k++) {
        const double power = (double)((int64_t)1 << k);
        *couplings = *linear = (scale_pass){0.0, 0, 1};
        scale_look(p->linear, p->variables, power, linear);
        if (linear->whole)
            scale_look_above(p, power, couplings);
        if (linear->whole && couplings->whole)
            return power;
    }
    return 0.0;
}

/* How far the field of a variable can go, and how far it goes for most states. */
static void scale_row(const spr_problem_view *p, int64_t i, double inverse, double *most, double *typical)
{
    double up = 0.0, down = 0.0, squares = 0.0;
    for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
        const double value = p->value[at] * inverse;
        up += value > 0.0 ? value : 0.0;
        down += value < 0.0 ? value : 0.0;
        squares += value * value;
    }
    const double linear = p->linear[i] * inverse, top = fabs(linear + up), bottom = fabs(linear + down);
    *most = top > bottom ? top : bottom;
    *typical = fabs(linear + 0.5 * (up + down)) + 4.0 * sqrt(squares);
}

/* Rows are added up where a simple bound does not say enough, and SCALE_SAMPLE of them for what is typical. */
static void scale_reach(const spr_problem_view *p, spr__scale *scale)
{
    const double inverse = 1.0 / scale->unit;
    const int64_t step = p->variables / SCALE_SAMPLE + 1;
    for (int64_t i = 0; i < p->variables; i++) {
        const double degree = (double)(p->row_start[i + 1] - p->row_start[i]);
        double most = fabs(p->linear[i] * inverse) + scale->largest * degree, typical = 0.0;
        const int enough = most <= INT16_MAX && (scale->largest > 1.0 || degree > 2.0 * INT8_MAX);
        if (i % step == 0 || (!enough && scale->reach <= INT16_MAX))
            scale_row(p, i, inverse, &most, &typical);
        scale->reach = most > scale->reach ? most : scale->reach;
        scale->typical = typical > scale->typical ? typical : scale->typical;
    }
    scale->reach += 1.0;
}

/* The power of two above all coefficients; 1 if they are all 0. */
static double scale_magnitude(const spr_problem_view *p)
{
    double largest = 0.0;
    int exponent;
    for (int64_t i = 0; i < p->variables; i++)
        largest = fabs(p->linear[i]) > largest ? fabs(p->linear[i]) : largest;
    for (int64_t at = 0; at < 2 * p->couplings; at++)
        largest = fabs(p->value[at]) > largest ? fabs(p->value[at]) : largest;
    frexp(largest, &exponent);
    /* its inverse must be a number too */
    exponent = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
    return largest > 0.0 ? ldexp(1.0, exponent) : 1.0;
}

void spr__scale_find(const spr_problem_view *p, spr__scale *scale)
{
    scale_pass couplings, linear;
    const double power = scale_power(p, &couplings, &linear);
    *scale = (spr__scale){0, 1.0, 0, INFINITY, INFINITY, INFINITY};
    if (!(power > 0.0)) {
        scale->unit = scale_magnitude(p);
        return;
    }
    const int64_t pairs = scale_divide(p->value, 2 * p->couplings, power, couplings.bits);
    const int64_t all = scale_divisor(pairs, scale_divide(p->linear, p->variables, power, linear.bits));
    int32_t half = pairs > 0 && pairs % 2 == 0 && pairs != all;
    for (int64_t i = 0; i < p->variables && half; i++)
        half = (int64_t)(p->linear[i] * power) % (pairs / 2) == 0;
    scale->whole = 1;
    scale->half = half;
    scale->unit = (double)(half ? pairs : all > 0 ? all : 1) / power;
    scale->largest = couplings.largest / (power * scale->unit);
    scale->reach = scale->typical = 0.0;
    scale_reach(p, scale);
}
