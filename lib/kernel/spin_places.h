/* SPDX-License-Identifier: MIT
 * The places in a span. */
#ifndef SPR_KERNEL_SPIN_PLACES_H
#define SPR_KERNEL_SPIN_PLACES_H

#include "spin.h"

static const int16_t spin_places[SPR_SPAN] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                              16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

#endif
