/* SPDX-License-Identifier: MIT
 * Exponential, logarithm and exponentially distributed numbers by basic arithmetic: the same bits on every machine, which a
 * mathematical library does not promise. */
#ifndef SPR_BASE_EXPONENTIAL_H
#define SPR_BASE_EXPONENTIAL_H

#include <stdint.h>

/* -ln u, exponentially distributed with mean 1, u = (top 53 bits + 1) / 2^53: a worsening below temperature times it is
 * accepted, which is Metropolis' rule. */
double spr__exponential(uint64_t bits);

/* Good to about 1e-12: ln x, x > 0; and e^x, 0 below -700, HUGE_VAL from 700. */
double spr__log(double x);
double spr__exp(double x);

#endif
