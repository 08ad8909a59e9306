/* SPDX-License-Identifier: MIT */
#include "replicas.h"
#include "../../base/random.h"

#include <string.h>

#include "../../base/exact.h"

static const size_t replicas_width[3] = {sizeof(int8_t), sizeof(int16_t), sizeof(float)};

int spr__bundle_open(spr__bundle *bundle, const spr_host *host, const spr__model *model)
{
    const size_t width = replicas_width[model->numbers], bytes = (size_t)model->variables * SPR_LANES * width;
    memset(bundle, 0, sizeof *bundle);
    bundle->model = model;
    bundle->lanes = model->sparse;
    bundle->lanes.field = host->allocate(host->engine, bytes);
    bundle->lanes.state = host->allocate(host->engine, bytes);
    for (int odd = 0; odd < 2; odd++)
        bundle->lanes.thresholds[odd] = bundle->thresholds[odd] = host->allocate(host->engine, SPR_DRAWS_ROOM * width);
    return bundle->lanes.field != NULL && bundle->lanes.state != NULL && bundle->thresholds[0] != NULL &&
           bundle->thresholds[1] != NULL;
}

int spr__bundle_on(const spr__bundle *bundle, int64_t i, int lane)
{
    const int64_t at = i * SPR_LANES + lane;
    return bundle->model->numbers == SPR_MODEL_SMALL   ? ((const int8_t *)bundle->lanes.state)[at] != 0
           : bundle->model->numbers == SPR_MODEL_WHOLE ? ((const int16_t *)bundle->lanes.state)[at] != 0
                                                       : ((const int32_t *)bundle->lanes.state)[at] != 0;
}

static void replicas_set(spr__bundle *bundle, int64_t i, int lane, int on)
{
    const int64_t at = i * SPR_LANES + lane;
    if (bundle->model->numbers == SPR_MODEL_SMALL)
        ((int8_t *)bundle->lanes.state)[at] = (int8_t)-on;
    else if (bundle->model->numbers == SPR_MODEL_WHOLE)
        ((int16_t *)bundle->lanes.state)[at] = (int16_t)-on;
    else
        ((int32_t *)bundle->lanes.state)[at] = -on;
}

void spr__bundle_settle(spr__bundle *bundle)
{
    const spr__model *model = bundle->model;
    const spr__replicas *r = &bundle->lanes;
    if (model->numbers == SPR_MODEL_SMALL)
        model->kernel->settle_small(&bundle->lanes, model->origin);
    if (model->numbers == SPR_MODEL_WHOLE)
        model->kernel->settle_whole(&bundle->lanes, model->origin);
    for (int64_t i = 0; i < model->variables && model->numbers == SPR_MODEL_REAL; i++) {
        float *field = (float *)r->field + i * SPR_LANES;
        for (int lane = 0; lane < SPR_LANES; lane++)
            field[lane] = model->real_origin[i];
        for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
            const int32_t *state = (const int32_t *)r->state + (int64_t)r->column[at] * SPR_LANES;
            for (int lane = 0; lane < SPR_LANES; lane++)
                field[lane] -= (float)state[lane] * r->real_weight[at];
        }
    }
}

void spr__bundle_start(spr__bundle *bundle, uint64_t key)
{
    bundle->key = key;
    bundle->position = 0;
    for (int64_t i = 0; i < bundle->model->variables; i++) {
        const uint64_t drawn = spr__random_at(key, bundle->position++);
        for (int lane = 0; lane < SPR_LANES; lane++)
            replicas_set(bundle, i, lane, (int)(drawn >> lane & 1));
    }
    spr__bundle_settle(bundle);
}

void spr__bundle_put(spr__bundle *bundle, int lane, const uint8_t *bits)
{
    for (int64_t i = 0; i < bundle->model->variables; i++)
        replicas_set(bundle, i, lane, bits[i]);
}

static void replicas_pass(spr__bundle *bundle, uint32_t offset, uint32_t step, int64_t first, int64_t last)
{
    const spr__model *model = bundle->model;
    bundle->lanes.offset = offset;
    bundle->lanes.step = step;
    if (model->numbers == SPR_MODEL_SMALL)
        model->kernel->replicas_small(&bundle->lanes, first, last);
    else if (model->numbers == SPR_MODEL_WHOLE)
        model->kernel->replicas_whole(&bundle->lanes, first, last);
    else
        model->kernel->replicas_real(&bundle->lanes, first, last);
}

void spr__bundle_sweep(spr__bundle *bundle, const spr__heat *heat, int64_t first, int64_t last)
{
    const spr__model *model = bundle->model;
    const uint64_t random = spr__random_at(bundle->key, bundle->position++);
    if (memcmp(heat, &bundle->heat, sizeof *heat) != 0) {
        bundle->heat = *heat;
        for (int odd = 0; odd < 2; odd++)
            if (model->numbers == SPR_MODEL_SMALL)
                model->kernel->thresholds_small(model->draws, heat, odd, (int8_t *)bundle->thresholds[odd]);
            else if (model->numbers == SPR_MODEL_WHOLE)
                model->kernel->thresholds_whole(model->draws, heat, odd, (int16_t *)bundle->thresholds[odd]);
            else
                for (int i = 0; i < SPR_DRAWS_ROOM && odd == 0; i++)
                    ((float *)bundle->thresholds[0])[i] = heat->frozen ? -1e-30f : model->real_draws[i] * heat->scale;
    }
    replicas_pass(bundle, (uint32_t)random & (SPR_DRAWS - 1), ((uint32_t)(random >> 32) & (SPR_DRAWS - 1)) | 1, first, last);
}

void spr__bundle_climb(spr__bundle *bundle, const spr__ladder *ladder, int64_t first, int64_t last)
{
    enum { rows = SPR_DRAWS / SPR_LANES };
    const spr__model *model = bundle->model;
    const uint64_t random = spr__random_at(bundle->key, bundle->position++);
    const uint32_t shifted = (uint32_t)(random >> 16) % SPR_LANES; /* a lane has other draws in each sweep */
    bundle->heat = (spr__heat){0, -1, 0, 0.0f};
    for (int odd = 0; odd <= ladder->odd; odd++)
        if (model->numbers == SPR_MODEL_SMALL)
            model->kernel->ladder_small(model->draws + shifted, ladder->factor, ladder->shift, odd,
                                        (int8_t *)bundle->thresholds[odd]);
        else if (model->numbers == SPR_MODEL_WHOLE)
            model->kernel->ladder_whole(model->draws + shifted, ladder->factor, ladder->shift, odd,
                                        (int16_t *)bundle->thresholds[odd]);
        else
            for (int i = 0; i < SPR_DRAWS && odd == 0; i++)
                ((float *)bundle->thresholds[0])[i] = model->real_draws[i + (int)shifted] * ladder->scale[i % SPR_LANES];
    replicas_pass(bundle, (uint32_t)random % rows * SPR_LANES, ((uint32_t)(random >> 32) % rows | 1) * SPR_LANES, first, last);
}

void spr__bundle_flip(spr__bundle *bundle, int64_t i, int lane)
{
    const spr__model *model = bundle->model;
    const spr__replicas *r = &bundle->lanes;
    const int on = spr__bundle_on(bundle, i, lane), sign = on ? -1 : 1;
    replicas_set(bundle, i, lane, !on);
    for (int64_t at = r->start[i]; at < r->start[i + 1]; at++) {
        const int64_t place = (int64_t)r->column[at] * SPR_LANES + lane;
        if (model->numbers == SPR_MODEL_SMALL)
            ((int8_t *)r->field)[place] = (int8_t)(((int8_t *)r->field)[place] + (at < r->minus[i] ? sign : -sign));
        else if (model->numbers == SPR_MODEL_WHOLE)
            ((int16_t *)r->field)[place] = (int16_t)(((int16_t *)r->field)[place] + sign * r->weight[at]);
        else
            ((float *)r->field)[place] += (float)sign * r->real_weight[at];
    }
}

void spr__bundle_energies(const spr__bundle *bundle, double *energies)
{
    const spr__model *model = bundle->model;
    double twice[SPR_LANES] = {0};
    if (model->numbers == SPR_MODEL_SMALL)
        model->kernel->sums_small(&bundle->lanes, model->origin, twice);
    else if (model->numbers == SPR_MODEL_WHOLE)
        model->kernel->sums_whole(&bundle->lanes, model->origin, twice);
    else
        for (int64_t i = 0; i < model->variables; i++) {
            const float *field = (const float *)bundle->lanes.field + i * SPR_LANES;
            const int32_t *state = (const int32_t *)bundle->lanes.state + i * SPR_LANES;
            for (int lane = 0; lane < SPR_LANES; lane++)
                twice[lane] -= state[lane] * ((double)field[lane] + model->problem->linear[i] / model->unit);
        }
    for (int lane = 0; lane < SPR_LANES; lane++)
        energies[lane] = model->problem->offset + 0.5 * model->unit * twice[lane];
}

void spr__bundle_bits(const spr__bundle *bundle, int lane, uint8_t *bits)
{
    for (int64_t i = 0; i < bundle->model->variables; i++)
        bits[i] = (uint8_t)spr__bundle_on(bundle, i, lane);
}

/* Lanes to[k] become what lanes from[k] are, in this order. */
#define REPLICAS_COPY(type)                                                                                          \
    for (type *at = (type *)data, *const end = at + count * SPR_LANES; at < end; at += SPR_LANES)                    \
        for (int k = 0; k < changes; k++)                                                                            \
            at[to[k]] = at[from[k]]

static void replicas_copy(void *data, size_t width, int64_t count, const uint8_t *to, const uint8_t *from, int changes)
{
    if (width == sizeof(int8_t))
        REPLICAS_COPY(int8_t);
    else if (width == sizeof(int16_t))
        REPLICAS_COPY(int16_t);
    else
        REPLICAS_COPY(int32_t);
}
#undef REPLICAS_COPY

void spr__bundle_copy(spr__bundle *bundle, const uint8_t *to, const uint8_t *from, int changes)
{
    const size_t width = replicas_width[bundle->model->numbers];
    replicas_copy(bundle->lanes.field, width, bundle->model->variables, to, from, changes);
    replicas_copy(bundle->lanes.state, width, bundle->model->variables, to, from, changes);
}
