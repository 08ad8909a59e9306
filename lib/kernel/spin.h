/* SPDX-License-Identifier: MIT
 * The inner loops of the annealer as a table of functions; one table per CPU variant, all with the same bits.
 *
 * Local fields are kept, not gains: field[i] says what E changes by when x[i] goes from 0 to 1, so a flip adds or takes off
 * one row of couplings. States are 0 or -1 (all bits set) in the width of the fields, so that a sign is one exclusive or.
 *
 * Whole numbers: with q the couplings, u their common unit and d the linear part, field = u * a[i] + r[i], and only a is
 * kept; r is 0 or, where odd[i] is -1, u/2. The gain of a flip in half units is then 2 g, g = a or -a; where odd it is
 * 2 g + 1, g = a or ~a. Thresholds are drawn in half units too.
 *
 * Metropolis' rule accepts a gain of at most temperature * -ln u. -ln u comes from a table of SPR_DRAWS values in random
 * order, read at an offset that is drawn anew for each span or variable. */
#ifndef SPR_KERNEL_SPIN_H
#define SPR_KERNEL_SPIN_H

#include <stdint.h>

enum {
    SPR_LANES = 64,              /* replicas side by side, one per lane */
    SPR_SPAN = 32,               /* variables of a dense replica that are looked at together */
    SPR_DRAWS = 8192,            /* entries of a table of draws */
    SPR_DRAWS_ROOM = SPR_DRAWS + SPR_LANES, /* and as it is stored: the first ones again behind the last */
    SPR_DRAWS_ONE = 4096         /* what stands for 1 in whole draws */
};

/* Temperature for whole numbers: a draw becomes (draw * factor >> 16) >> shift half units. */
typedef struct spr__heat {
    uint32_t factor;             /* 0 .. 65535 */
    int32_t shift;               /* 0 .. 15 */
    int32_t frozen;              /* temperature 0: only what lowers the energy is accepted */
    float scale;                 /* the same for real numbers: temperature itself */
} spr__heat;

/* One dense replica. Arrays are aligned to 64 bytes and padded to whole spans; padding of fields is the largest number of
 * its type, with state 0, so that it never flips. */
typedef struct spr__dense {
    int64_t variables, stride;   /* n; elements from row to row, a multiple of SPR_SPAN */
    const void *rows;            /* [n,stride] couplings / u: int8_t, int16_t or float; diagonal and padding 0 */
    void *field, *state;         /* [stride] int16_t, or float with int32_t states */
    const int16_t *odd;          /* [stride] 0 or -1; whole numbers only */
    const uint16_t *draws;       /* [SPR_DRAWS_ROOM] whole draws */
    const float *real_draws;     /* [SPR_DRAWS_ROOM] */
    spr__heat heat;
    uint64_t key;                /* stream of random numbers, counted by position */
    uint64_t position;
    int64_t flips;               /* counted up */
    int64_t room;                /* flips until fields must be looked at: none can have left int16_t before */
} spr__dense;

/* SPR_LANES sparse replicas, one per lane. Rows hold first the couplings of +u, then those of -u (unit weights), or all
 * with their weights. */
typedef struct spr__replicas {
    int64_t variables;
    const int64_t *start;        /* [n+1] */
    const int64_t *minus;        /* [n] where -u begins; unit weights only */
    const int32_t *column;
    const int16_t *weight;       /* [couplings*2] / u */
    const float *real_weight;
    const uint8_t *odd;          /* [n] 0 or 1 */
    void *field, *state;         /* [n,SPR_LANES] int8_t, int16_t, or float with int32_t states */
    const void *thresholds[2];   /* even and odd variables: [SPR_DRAWS_ROOM] of the fields' type */
    uint32_t offset, step;       /* where the next variable reads, and how far on the one after it; modulo SPR_DRAWS */
} spr__replicas;

typedef struct spr__spin_kernel {
    const char *name;

    /* One pass over spans first .. last-1 of a dense replica: each variable once, in order. Stops early, before a span, when
     * room is less than SPR_SPAN; returns the span it stopped at. */
    int64_t (*dense_small)(spr__dense *dense, int64_t first, int64_t last);   /* rows int8_t, fields int16_t */
    int64_t (*dense_whole)(spr__dense *dense, int64_t first, int64_t last);   /* rows int16_t, fields int16_t */
    int64_t (*dense_real)(spr__dense *dense, int64_t first, int64_t last);    /* rows float, fields float */

    /* Largest absolute field of a dense replica of whole numbers. */
    int32_t (*largest)(const int16_t *field, int64_t variables);

    /* Adds sign (1 or -1) times a row to the fields: count a multiple of SPR_SPAN. */
    void (*row_small)(int16_t *field, const int8_t *row, int32_t sign, int64_t count);
    void (*row_whole)(int16_t *field, const int16_t *row, int32_t sign, int64_t count);
    void (*row_real)(float *field, const float *row, int32_t sign, int64_t count);

    /* One pass over variables first .. last-1 of all replicas. */
    void (*replicas_small)(spr__replicas *replicas, int64_t first, int64_t last);   /* int8_t, unit weights */
    void (*replicas_whole)(spr__replicas *replicas, int64_t first, int64_t last);   /* int16_t */
    void (*replicas_real)(spr__replicas *replicas, int64_t first, int64_t last);    /* float */

    /* Fields that fit the states, given those of the state of zeros: [n]. */
    void (*settle_small)(spr__replicas *replicas, const int16_t *origin);
    void (*settle_whole)(spr__replicas *replicas, const int16_t *origin);

    /* Thresholds from whole draws for one temperature: SPR_DRAWS_ROOM entries; odd: for odd variables. */
    void (*thresholds_small)(const uint16_t *draws, const spr__heat *heat, int32_t odd, int8_t *thresholds);
    void (*thresholds_whole)(const uint16_t *draws, const spr__heat *heat, int32_t odd, int16_t *thresholds);

    /* The same with a temperature per lane, for reads at multiples of SPR_LANES: factors [SPR_LANES] and a common shift as in
     * spr__heat, SPR_DRAWS entries. */
    void (*ladder_small)(const uint16_t *draws, const uint16_t *factors, int32_t shift, int32_t odd, int8_t *thresholds);
    void (*ladder_whole)(const uint16_t *draws, const uint16_t *factors, int32_t shift, int32_t odd, int16_t *thresholds);

    /* Twice the energies of replicas of whole numbers without their constant, in u: sums [SPR_LANES]. origin: [n], the
     * fields of the state of zeros. */
    void (*sums_small)(const spr__replicas *replicas, const int16_t *origin, double *sums);
    void (*sums_whole)(const spr__replicas *replicas, const int16_t *origin, double *sums);

    /* As dense_real and row_real, for whole couplings: fields and temperature are in u, odd halves in the fields. */
    int64_t (*wide_small)(spr__dense *dense, int64_t first, int64_t last);
    int64_t (*wide_whole)(spr__dense *dense, int64_t first, int64_t last);
    void (*row_wide_small)(float *field, const int8_t *row, int32_t sign, int64_t count);
    void (*row_wide_whole)(float *field, const int16_t *row, int32_t sign, int64_t count);

    /* A move of tabu search on a dense replica with fields in floats: flips variable flip (-1: none), then returns for which
     * flip gain + barred is least, the first of equal ones; -1 if that is nowhere below infinity. barred [stride]: infinity
     * bars, and stands in the padding; small numbers break ties. least is that sum, least_of_all the least gain of all. */
    int64_t (*choose_small)(spr__dense *dense, const float *barred, int64_t flip, float *least, float *least_of_all);
    int64_t (*choose_whole)(spr__dense *dense, const float *barred, int64_t flip, float *least, float *least_of_all);
    int64_t (*choose_real)(spr__dense *dense, const float *barred, int64_t flip, float *least, float *least_of_all);
} spr__spin_kernel;

/* As spr__kernel_find and spr__kernel_best. */
const spr__spin_kernel *spr__spin_find(const char *name);
const spr__spin_kernel *spr__spin_best(void);

const spr__spin_kernel *spr__portable_spin(void);
const spr__spin_kernel *spr__avx2_spin(void);
const spr__spin_kernel *spr__avx512_spin(void);
const spr__spin_kernel *spr__neon_spin(void);

#endif
