/* SPDX-License-Identifier: MIT */
#include "scale.h"

#include <math.h>

#include "../../base/exact.h"

/* coefficients finer than 2^-20 or beyond 2^40 count as real */
enum { SCALE_FINEST = 20 };
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

/* Takes a number into a common divisor; 0 = none yet. Quick where it changes nothing. */
static int64_t scale_join(int64_t divisor, double value)
{
    const int64_t whole = (int64_t)value;
    if (divisor == 1 || whole == 0)
        return divisor;
    if (divisor > 0 && (divisor & (divisor - 1)) == 0)
        return (whole & (divisor - 1)) == 0 ? divisor : scale_divisor(divisor, whole);
    if (divisor > 0 && divisor <= INT32_MAX && whole >= INT32_MIN && whole <= INT32_MAX)
        return (int32_t)whole % (int32_t)divisor == 0 ? divisor : scale_divisor(divisor, whole);
    return scale_divisor(divisor, whole);
}

/* Smallest s = 2^k, k = 0 .. SCALE_FINEST, that makes all values whole; 0 if there is none. */
static double scale_power(const double *values, int64_t count, double from)
{
    double power = from;
    for (int64_t i = 0; i < count; i++) {
        double value = values[i] * power;
        if (fabs(value) > scale_most)
            return 0.0;
        while (value != (double)(int64_t)value) {
            power *= 2.0;
            value *= 2.0;
            if (power > (double)(1 << SCALE_FINEST) || fabs(value) > scale_most)
                return 0.0;
        }
    }
    return power;
}

static void scale_reach(const spr_problem_view *p, spr__scale *scale)
{
    const double inverse = 1.0 / scale->unit;
    for (int64_t i = 0; i < p->variables; i++) {
        double up = 0.0, down = 0.0, squares = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
            const double value = p->value[at] * inverse;
            up += value > 0.0 ? value : 0.0;
            down += value < 0.0 ? -value : 0.0;
            squares += value * value;
            scale->largest = fabs(value) > scale->largest ? fabs(value) : scale->largest;
        }
        const double linear = p->linear[i] * inverse;
        const double most = fabs(linear + up) > fabs(linear - down) ? fabs(linear + up) : fabs(linear - down);
        const double middle = fabs(linear + 0.5 * (up - down)) + 4.0 * sqrt(squares);
        scale->reach = most > scale->reach ? most : scale->reach;
        scale->typical = middle > scale->typical ? middle : scale->typical;
    }
}

void spr__scale_find(const spr_problem_view *p, spr__scale *scale)
{
    *scale = (spr__scale){0, 1.0, 0, 0.0, 0.0, 0.0};
    double power = scale_power(p->value, 2 * p->couplings, 1.0);
    power = power > 0.0 ? scale_power(p->linear, p->variables, power) : 0.0;
    if (power > 0.0) {
        int64_t couplings = 0, all;
        for (int64_t at = 0; at < 2 * p->couplings && couplings != 1; at++)
            couplings = scale_join(couplings, p->value[at] * power);
        all = couplings;
        int32_t half = couplings > 0 && couplings % 2 == 0;
        for (int64_t i = 0; i < p->variables; i++) {
            all = scale_join(all, p->linear[i] * power);
            half = half && (int64_t)(p->linear[i] * power) % (couplings / 2) == 0;
        }
        all = all > 0 ? all : 1;
        scale->whole = 1;
        scale->half = half && all != couplings;
        scale->unit = (double)(half ? couplings : all) / power;
    }
    scale_reach(p, scale);
}
