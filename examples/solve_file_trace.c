/* SPDX-License-Identifier: MIT
 * When which energy was found. */
#define _POSIX_C_SOURCE 200809L
#include "solve_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double solve_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void solve_trace_add(struct solve_trace *trace, int64_t work, double energy)
{
    if (trace->points > 0 && !(energy < trace->point[trace->points - 1].energy))
        return;
    if (trace->points == trace->room) {
        const int64_t room = trace->room > 0 ? 2 * trace->room : 64;
        struct solve_point *larger = realloc(trace->point, (size_t)room * sizeof *larger);
        if (larger == NULL)
            return;
        trace->point = larger;
        trace->room = room;
    }
    trace->point[trace->points++] = (struct solve_point){solve_clock() - trace->start, energy, work};
}

int solve_trace_write(const struct solve_trace *trace, const char *path)
{
    FILE *to = fopen(path, "w");
    if (to == NULL)
        return solve_complain(SOLVE_OUTPUT, path, strerror(errno));
    fputs("seconds\twork\tenergy\n", to);
    for (int64_t i = 0; i < trace->points; i++)
        fprintf(to, "%.6f\t%lld\t%.17g\n", trace->point[i].seconds, (long long)trace->point[i].work,
                trace->point[i].energy);
    const int failed = ferror(to);
    return fclose(to) != 0 || failed ? solve_complain(SOLVE_OUTPUT, path, "cannot be written") : SOLVE_OK;
}
