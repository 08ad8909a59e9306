/* SPDX-License-Identifier: MIT */
#include "exponential.h"

#include <math.h>

#include "exact.h"

double spr__exponential(uint64_t bits)
{
    /* -ln u, u = (top 53 bits + 1) / 2^53 = m * 2^(shift-53) with 1 <= m < 2; ln m by the series of atanh, |z| < 1/3 */
    const uint64_t whole = (bits >> 11) + 1;
    const int shift = 63 - __builtin_clzll(whole);
    const double m = (double)whole / (double)((uint64_t)1 << shift), z = (m - 1.0) / (m + 1.0), zz = z * z;
    const double log_m = 2.0 * z * (1.0 + zz * (1.0 / 3 + zz * (1.0 / 5 + zz * (1.0 / 7 + zz * (1.0 / 9)))));
    const double minus_log = (53 - shift) * 0.69314718055994530942 - log_m;
    return minus_log > 0.0 ? minus_log : 0.0;
}

double spr__log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2.0;
        exponent--;
    }
    /* log m = 2 atanh((m-1)/(m+1)) */
    const double z = (m - 1.0) / (m + 1.0), square = z * z;
    double sum = 0.0;
    for (int i = 25; i >= 1; i -= 2)
        sum = sum * square + 1.0 / (double)i;
    return 2.0 * z * sum + (double)exponent * 0.69314718055994531;
}

double spr__exp(double x)
{
    if (!(x > -700.0 && x < 700.0))
        return x >= 700.0 ? HUGE_VAL : x <= -700.0 ? 0.0 : x;
    const double part = x / 1024.0;
    double sum = 1.0;
    for (int i = 9; i >= 1; i--)
        sum = 1.0 + sum * part / (double)i;
    for (int i = 0; i < 10; i++)
        sum *= sum;
    return sum;
}
