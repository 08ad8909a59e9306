/* SPDX-License-Identifier: MIT
 * Temperatures of an anneal, sweep after sweep. */
#ifndef SPR_BACKEND_ANNEAL_SCHEDULE_H
#define SPR_BACKEND_ANNEAL_SCHEDULE_H

#include <stdint.h>

enum { SPR_SCHEDULE_GEOMETRIC, SPR_SCHEDULE_LINEAR, SPR_SCHEDULE_ADAPTIVE };

typedef struct spr__schedule {
    int32_t kind;
    double temperature, hot, cold, factor;
    int64_t sweeps, done, stage; /* stage: sweeps between two looks at the acceptance */
} spr__schedule;

/* sweeps >= 1 from hot down to cold; 0 < cold <= hot. */
void spr__schedule_open(spr__schedule *schedule, int32_t kind, double hot, double cold, int64_t sweeps);

/* Does the next temperature depend on the acceptance? */
int spr__schedule_looks(const spr__schedule *schedule);

/* After a sweep; acceptance is read if spr__schedule_looks said so. Returns 0 when the schedule is over. */
int spr__schedule_next(spr__schedule *schedule, double acceptance);

#endif
