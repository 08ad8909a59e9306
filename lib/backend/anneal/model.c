/* SPDX-License-Identifier: MIT */
#include "model.h"
#include "scale.h"
#include "../../base/exponential.h"
#include "../../base/random.h"

#include <float.h>
#include <math.h>

#include "../../base/exact.h"

/* bytes of dense rows beyond which rows are sparse; share of couplings above which dense rows are the quicker ones, for
 * couplings of one size, whole and real ones */
static const double model_most_bytes = 4294967296.0;
static const double model_density[3] = {0.13, 0.05, 0.04};
/* bytes of whole dense rows that a cache near the core holds, and that share beyond */
static const double model_cache = 2097152.0, model_far = 0.12;
/* vectors of fields that a unit of work may change */
static const double model_unit = 1048576.0;
/* temperatures as parts of half the root of the sum of a variable's squared couplings, the median variable's; dense
 * rows, sparse rows */
static const double model_hot[2] = {0.21, 0.5}, model_cold[2] = {0.01, 0.04};
/* variables that are asked for the median */
enum { MODEL_SAMPLE = 256 };

static void *model_take(const spr_host *host, int64_t count, size_t size, int *missing)
{
    void *taken = count > 0 && (uint64_t)count < SIZE_MAX / 2 / size ? host->allocate(host->engine, (size_t)count * size) : NULL;
    *missing |= taken == NULL;
    return taken;
}

/* ------------------------------------------------------------------------------------------------------------- draws */

/* -ln u at SPR_DRAWS places of equal distance, in random order. */
static void model_draw(spr__model *model)
{
    for (int i = 0; i < SPR_DRAWS; i++) {
        const double draw = spr__exponential(((uint64_t)(2 * i + 1) << 50) - 1);
        model->draws[i] = (uint16_t)(draw * SPR_DRAWS_ONE + 0.5);
        model->real_draws[i] = (float)draw;
    }
    const uint64_t key = spr__random_key(0, 0);
    for (int i = SPR_DRAWS - 1; i > 0; i--) {
        const int j = (int)((spr__random_at(key, (uint64_t)i) >> 32) * (uint64_t)(i + 1) >> 32);
        const uint16_t draw = model->draws[i];
        const float real = model->real_draws[i];
        model->draws[i] = model->draws[j];
        model->real_draws[i] = model->real_draws[j];
        model->draws[j] = draw;
        model->real_draws[j] = real;
    }
    for (int i = SPR_DRAWS; i < SPR_DRAWS_ROOM; i++) {
        model->draws[i] = model->draws[i - SPR_DRAWS];
        model->real_draws[i] = model->real_draws[i - SPR_DRAWS];
    }
}

spr__heat spr__model_heat(const spr__model *model, double temperature)
{
    spr__heat heat = {0, 0, !(temperature > 0.0), (float)(temperature / model->unit)};
    double factor = temperature > 0.0 ? temperature * 2.0 / model->unit * (65536.0 / SPR_DRAWS_ONE) : 0.0;
    for (; factor <= 32767.0 && factor > 0.0 && heat.shift < 15; factor *= 2.0)
        heat.shift++;
    heat.factor = factor < 65535.0 ? (uint32_t)factor : 65535;
    return heat;
}

/* ------------------------------------------------------------------------------------------------------- temperatures */

/* Half the root of the sum of squared couplings, of the median of up to MODEL_SAMPLE variables that have any. */
static double model_spread(const spr__model *model)
{
    const spr_problem_view *p = model->problem;
    double spread[MODEL_SAMPLE];
    const int64_t step = p->variables / MODEL_SAMPLE + 1;
    int64_t count = 0;
    for (int64_t i = 0; i < p->variables; i += step) {
        double squares = 0.0;
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++)
            squares += (p->value[at] / model->unit) * (p->value[at] / model->unit);
        if (!(squares > 0.0))
            continue;
        int64_t place = count++;
        for (; place > 0 && spread[place - 1] > squares; place--)
            spread[place] = spread[place - 1];
        spread[place] = squares;
    }
    return count > 0 ? 0.5 * model->unit * sqrt(spread[count / 2]) : 0.0;
}

static void model_temperatures(spr__model *model)
{
    double spread = model_spread(model);
    for (int64_t i = 0; i < model->variables && !(spread > 0.0); i++)
        spread = fabs(model->problem->linear[i]);
    spread = spread > 0.0 ? spread : 1.0;
    const int sparse = model->layout == SPR_MODEL_SPARSE;
    model->hot = model_hot[sparse] * spread;
    model->cold = model_cold[sparse] * spread;
}

/* -------------------------------------------------------------------------------------------------------------- dense */

/* A multiple of the unit, in units: without a division where that is exact too. */
static inline double model_units(const spr__model *model, double value)
{
    return model->inverse > 0.0 ? value * model->inverse : value / model->unit;
}

static void model_fill_dense(spr__model *model)
{
    const spr_problem_view *p = model->problem;
    for (int64_t i = 0; i < p->variables; i++) {
        const int64_t first = p->row_start[i], last = p->row_start[i + 1], row = i * model->stride;
        if (model->numbers == SPR_MODEL_SMALL)
            for (int64_t at = first; at < last; at++)
                ((int8_t *)model->rows)[row + p->column[at]] = (int8_t)(int32_t)model_units(model, p->value[at]);
        else if (model->numbers == SPR_MODEL_WHOLE)
            for (int64_t at = first; at < last; at++)
                ((int16_t *)model->rows)[row + p->column[at]] = (int16_t)(int32_t)model_units(model, p->value[at]);
        else
            for (int64_t at = first; at < last; at++)
                ((float *)model->rows)[row + p->column[at]] = (float)model_units(model, p->value[at]);
    }
}

/* ------------------------------------------------------------------------------------------------------------- sparse */

static void model_fill_sparse(spr__model *model)
{
    const spr_problem_view *p = model->problem;
    const int passes = model->numbers == SPR_MODEL_SMALL ? 2 : 1;
    int64_t used = 0;
    for (int64_t i = 0; i < p->variables; i++) {
        model->sparse_start[i] = used;
        for (int pass = 0; pass < passes; pass++) {
            for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++) {
                if (passes == 2 && (p->value[at] > 0.0) != (pass == 0))
                    continue;
                model->sparse_column[used] = p->column[at];
                if (model->numbers == SPR_MODEL_WHOLE)
                    model->sparse_weight[used] = (int16_t)model_units(model, p->value[at]);
                else if (model->numbers == SPR_MODEL_REAL)
                    model->sparse_real[used] = (float)model_units(model, p->value[at]);
                used++;
            }
            if (pass == 0)
                model->sparse_minus[i] = used;
        }
    }
    model->sparse_start[p->variables] = used;
    model->sparse = (spr__replicas){p->variables, model->sparse_start, model->sparse_minus, model->sparse_column,
                                    model->sparse_weight, model->sparse_real, model->sparse_odd, NULL, NULL,
                                    {NULL, NULL}, 0, 1};
}

/* ------------------------------------------------------------------------------------------------------------ choices */

/* Fields of the state of zeros, and which variables are odd. Padding never flips. */
static void model_fill_origin(spr__model *model)
{
    const spr_problem_view *p = model->problem;
    for (int64_t i = 0; i < model->stride; i++) {
        const double linear = i < p->variables ? p->linear[i] / model->unit : INT16_MAX;
        if (model->real_origin != NULL)
            model->real_origin[i] = i < p->variables ? (float)linear : FLT_MAX;
        if (model->numbers == SPR_MODEL_REAL)
            continue;
        const double whole = floor(linear);
        if (model->origin != NULL)
            model->origin[i] = (int16_t)whole;
        if (model->odd != NULL)
            model->odd[i] = linear > whole ? -1 : 0;
        else if (i < p->variables)
            model->sparse_odd[i] = linear > whole;
    }
}

static int32_t model_numbers(const spr__model *model, const spr__scale *scale)
{
    const int dense = model->layout == SPR_MODEL_DENSE;
    if (!scale->whole)
        return SPR_MODEL_REAL;
    if (!dense)
        return scale->largest <= 1.0 && scale->reach <= INT8_MAX ? SPR_MODEL_SMALL
               : scale->reach <= INT16_MAX ? SPR_MODEL_WHOLE : SPR_MODEL_REAL;
    /* fields that can leave int16_t are watched; those that would soon, or fast, or leave what floats hold exactly, are real */
    if (scale->reach > INT16_MAX && (scale->typical > 24000.0 || scale->largest > 200.0 || scale->reach > 8388607.0))
        return SPR_MODEL_REAL;
    return scale->largest <= INT8_MAX ? SPR_MODEL_SMALL : SPR_MODEL_WHOLE;
}

static int32_t model_layout(const spr_problem_view *p, const spr__scale *scale, int32_t wish)
{
    const double n = (double)p->variables;
    const int kind = !scale->whole ? SPR_MODEL_REAL : scale->largest <= 1.0 && scale->reach <= INT8_MAX ? SPR_MODEL_SMALL
                                                                                                        : SPR_MODEL_WHOLE;
    if (n * n * (kind == SPR_MODEL_REAL ? 4.0 : 1.0) > model_most_bytes)
        return SPR_MODEL_SPARSE;
    if (wish != SPR_MODEL_AUTO)
        return wish;
    /* rows that do not fit the cache are no longer quicker */
    const double density = kind == SPR_MODEL_WHOLE && n * n > model_cache ? model_far : model_density[kind];
    return 2.0 * (double)p->couplings > density * n * n ? SPR_MODEL_DENSE : SPR_MODEL_SPARSE;
}

static void model_take_arrays(spr__model *model, const spr_host *host, int *missing)
{
    static const size_t width[3] = {sizeof(int8_t), sizeof(int16_t), sizeof(float)};
    const int64_t n = model->variables, couplings = 2 * model->problem->couplings;
    model->draws = (uint16_t *)model_take(host, SPR_DRAWS_ROOM, sizeof(uint16_t), missing);
    model->real_draws = (float *)model_take(host, SPR_DRAWS_ROOM, sizeof(float), missing);
    if (model->numbers == SPR_MODEL_REAL || !model->bounded)
        model->real_origin = (float *)model_take(host, model->stride, sizeof(float), missing);
    else
        model->origin = (int16_t *)model_take(host, model->stride, sizeof(int16_t), missing);
    if (model->layout == SPR_MODEL_DENSE) {
        model->rows = model_take(host, n * model->stride, width[model->numbers], missing);
        if (model->numbers != SPR_MODEL_REAL)
            model->odd = (int16_t *)model_take(host, model->stride, sizeof(int16_t), missing);
        return;
    }
    model->sparse_start = (int64_t *)model_take(host, n + 1, sizeof(int64_t), missing);
    model->sparse_minus = (int64_t *)model_take(host, n, sizeof(int64_t), missing);
    model->sparse_odd = (uint8_t *)model_take(host, n, sizeof(uint8_t), missing);
    model->sparse_column = (int32_t *)model_take(host, couplings + 1, sizeof(int32_t), missing);
    if (model->numbers == SPR_MODEL_WHOLE)
        model->sparse_weight = (int16_t *)model_take(host, couplings + 1, sizeof(int16_t), missing);
    if (model->numbers == SPR_MODEL_REAL)
        model->sparse_real = (float *)model_take(host, couplings + 1, sizeof(float), missing);
}

spr_status spr__model_open(spr__model *model, const spr_host *host, const spr__spin_kernel *kernel, int32_t layout)
{
    const spr_problem_view *p = host->problem;
    spr__scale scale;
    int missing = 0;
    spr__scale_find(p, &scale);
    *model = (spr__model){0};
    model->problem = p;
    model->kernel = kernel;
    model->variables = p->variables;
    model->stride = (p->variables + SPR_SPAN - 1) / SPR_SPAN * SPR_SPAN;
    model->layout = model_layout(p, &scale, layout);
    model->numbers = model_numbers(model, &scale);
    model->unit = scale.unit;
    int exponent;
    model->inverse = frexp(model->unit, &exponent) == 0.5 ? 1.0 / model->unit : 0.0;
    model->largest = scale.largest <= INT16_MAX ? (int32_t)scale.largest : INT16_MAX;
    model->bounded = scale.reach <= INT16_MAX;
    const double touched = model->layout == SPR_MODEL_DENSE ? (double)model->stride * (double)model->stride / SPR_SPAN
                                                            : (double)(2 * p->couplings + 16 * p->variables);
    model->parts = (int64_t)(touched / model_unit) + 1;
    model_take_arrays(model, host, &missing);
    if (missing)
        return SPR_ERROR_MEMORY;
    model_draw(model);
    model_temperatures(model);
    model_fill_origin(model);
    if (model->layout == SPR_MODEL_DENSE)
        model_fill_dense(model);
    else
        model_fill_sparse(model);
    return SPR_OK;
}
