/* SPDX-License-Identifier: MIT
 * A problem made ready for the annealer's loops: narrow whole numbers where the coefficients allow, dense rows or sparse
 * ones, the table of draws, and temperatures that suit. */
#ifndef SPR_BACKEND_ANNEAL_MODEL_H
#define SPR_BACKEND_ANNEAL_MODEL_H

#include "../../../include/spinroute/backend.h"
#include "../../kernel/spin.h"

enum { SPR_MODEL_AUTO, SPR_MODEL_DENSE, SPR_MODEL_SPARSE };
enum { SPR_MODEL_SMALL, SPR_MODEL_WHOLE, SPR_MODEL_REAL };

typedef struct spr__model {
    const spr_problem_view *problem;
    const spr__spin_kernel *kernel;
    int64_t variables, stride;   /* n; padded to whole spans */
    int32_t layout, numbers;     /* SPR_MODEL_* */
    int64_t parts;               /* units of work in a sweep */
    int32_t largest;             /* |coupling| / unit, whole numbers */
    int32_t bounded;             /* no state takes a field out of int16_t */
    double unit;                 /* u of spin.h, in units of E; a power of two for real numbers */
    double inverse;              /* 1/unit if that is exact, else 0 */
    void *rows;                  /* dense: [n,stride] */
    int16_t *odd;                /* [stride], dense whole numbers */
    int16_t *origin;             /* [stride] fields of the state of zeros; bounded whole numbers */
    float *real_origin;          /* [stride]; the others, odd halves included */
    spr__replicas sparse;        /* sparse: all but fields, states and thresholds */
    int64_t *sparse_start, *sparse_minus;
    int32_t *sparse_column;
    int16_t *sparse_weight;
    float *sparse_real;
    uint8_t *sparse_odd;
    uint16_t *draws;             /* [SPR_DRAWS_ROOM] */
    float *real_draws;
    double hot, cold;            /* temperatures between which to anneal, in units of E */
} spr__model;

/* Prepares a model; memory from host. layout: SPR_MODEL_AUTO or a wish. Returns SPR_OK, SPR_ERROR_MEMORY. */
spr_status spr__model_open(spr__model *model, const spr_host *host, const spr__spin_kernel *kernel, int32_t layout);

/* The heat of a temperature in units of E; 0 = frozen. */
spr__heat spr__model_heat(const spr__model *model, double temperature);

#endif
