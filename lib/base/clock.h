/* SPDX-License-Identifier: MIT */
#ifndef SPR_BASE_CLOCK_H
#define SPR_BASE_CLOCK_H

/* Seconds of a clock that never goes back, from some point on. */
double spr__clock_seconds(void);

#endif
