/* SPDX-License-Identifier: MIT
 * Exponentially distributed numbers. */
#ifndef SPR_BASE_EXPONENTIAL_H
#define SPR_BASE_EXPONENTIAL_H

#include <stdint.h>

/* -ln u, exponentially distributed with mean 1, u = (top 53 bits + 1) / 2^53: a worsening below temperature times it is
 * accepted, which is Metropolis' rule. Basic arithmetic only, so the same on every machine. */
double spr__exponential(uint64_t bits);

#endif
