/* SPDX-License-Identifier: MIT
 * Times calls of the C API without Python in between. Built and loaded by bench.py; the library's functions come as
 * pointers, so that this file links against nothing. */
#include <time.h>

#include "spinroute.h"

/* One prepared call. Calls with ids and no table are spr_select. */
typedef struct bench_call {
    spr_workspace *workspace;
    const spr_batch *batch;
    const spr_table *table;
    int32_t *ids;
} bench_call;

typedef spr_status (*route_function)(spr_workspace *, const spr_batch *, const spr_table *, spr_error *);
typedef spr_status (*select_function)(spr_workspace *, const spr_batch *, int32_t *, spr_error *);

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Makes calls first, first + 1, ... of the count prepared ones, n in all, starting again from 0 after the last, and
 * writes the nanoseconds of each. Returns the first negative status, otherwise the largest. */
spr_status bench_loop(route_function route, select_function select, const bench_call *calls, int64_t count,
                      int64_t first, int64_t n, int64_t *nanoseconds, spr_error *error)
{
    spr_status worst = SPR_OK;
    for (int64_t i = 0; i < n; i++) {
        const bench_call *c = &calls[(first + i) % count];
        int64_t start = now();
        spr_status status = c->table ? route(c->workspace, c->batch, c->table, error)
                                     : select(c->workspace, c->batch, c->ids, error);
        nanoseconds[i] = now() - start;
        if (status < 0) return status;
        if (status > worst) worst = status;
    }
    return worst;
}
