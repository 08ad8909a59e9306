/* SPDX-License-Identifier: MIT
 * What the parts of solve_file share: the file (solve_file_input.c), the trace of energies (solve_file_trace.c), the
 * picture (solve_file_svg.c). Each part says on stderr what went wrong and returns the exit code. */
#ifndef SPINROUTE_SOLVE_FILE_H
#define SPINROUTE_SOLVE_FILE_H

#include <spinroute/qubo.h>
#include <stdio.h>

/* Exit codes. */
enum { SOLVE_OK = 0, SOLVE_USAGE = 1, SOLVE_INPUT = 2, SOLVE_SOLVER = 3, SOLVE_OUTPUT = 4 };

/* "solve_file: what: why" on stderr. Returns code. */
int solve_complain(int code, const char *what, const char *why);

/* A problem as its file states it. */
struct solve_input {
    const char *name;           /* of the file, - for stdin                                                  */
    const char *format;         /* as spr_problem_from_text takes it                                         */
    const char *objective;      /* what the file calls its value; NULL if that is the energy                 */
    double sign;                /* objective = sign * energy                                                 */
    spr_problem *problem;
};

/* format NULL: by the name. The caller frees input->problem. */
int solve_read(const char *name, const char *format, struct solve_input *input);

/* Each new best energy. */
struct solve_point {
    double seconds, energy;
    int64_t work;
};

struct solve_trace {
    struct solve_point *point;  /* [points]                                                                  */
    int64_t points, room;
    double start, end;          /* seconds of a monotonic clock                                              */
};

double solve_clock(void);

/* Adds a point if energy is better than the last one. Without memory the point is left out. */
void solve_trace_add(struct solve_trace *trace, int64_t work, double energy);

/* seconds, work, energy: separated by tabs, with a head line. */
int solve_trace_write(const struct solve_trace *trace, const char *path);

/* Energy against time, time in powers of ten. One self-contained picture. */
int solve_plot_write(const struct solve_trace *trace, const char *title, const char *path);

#endif
