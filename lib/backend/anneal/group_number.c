/* SPDX-License-Identifier: MIT
 * Logarithm and exponential by basic arithmetic: the same bits on every machine; good to about 1e-12. */
#include "group.h"

#include <math.h>

#include "../../base/exact.h"

double spr__group_log(double x)
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

double spr__group_exp(double x)
{
    const double part = x / 1024.0;
    double sum = 1.0;
    for (int i = 9; i >= 1; i--)
        sum = 1.0 + sum * part / (double)i;
    for (int i = 0; i < 10; i++)
        sum *= sum;
    return sum;
}
