/* SPDX-License-Identifier: MIT
 * What the demo measures (demo.c) and how it shows it (demo_text.c, demo_svg.c). */
#ifndef SPINROUTE_DEMO_REPORT_H
#define SPINROUTE_DEMO_REPORT_H

#include <stdint.h>
#include <stdio.h>

/* One layer, over all its batches. Loads are those of the full batch in which greedy is most uneven. */
struct demo_layer {
    int64_t routes;             /* routes wanted                                                          */
    int64_t greedy_over;        /* greedy routes over capacity                                            */
    int64_t over;               /* Spinroute's, counted from its tables                                   */
    int64_t dropped;            /* routes without an expert: only when the capacity is too small for all  */
    double greedy_peak, peak;   /* largest load / mean load of any full batch                             */
    double greedy_affinity, affinity;
    double gap;                 /* of the worst batch; infinite when routes were dropped                   */
    double sweeps, chains;      /* mean of the batches                                                    */
    double greedy_ms, cold_ms, warm_ms;     /* median per full batch; warm_ms < 0: there was no warm batch */
    int64_t first, tokens;      /* the batch whose loads follow                                           */
    int64_t capacity;
    int32_t *greedy_load;       /* [experts], sorted by greedy load, largest first                        */
    int32_t *load;              /* [experts], the same experts                                            */
};

struct demo {
    const char *name;           /* of the model                                                           */
    int64_t layers, tokens, experts, k, batch;
    double capacity_factor;     /* as asked for                                                           */
    int64_t capacity;           /* of an expert in a full batch                                           */
    int repeats;
    struct demo_layer *layer;   /* [layers]                                                               */
};

void demo_print(const struct demo *demo, FILE *to);

/* One self-contained picture. Returns 0, or -1 when the file cannot be written (errno tells why). */
int demo_write_svg(const struct demo *demo, const char *path);

#endif
