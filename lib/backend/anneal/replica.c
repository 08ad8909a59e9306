/* SPDX-License-Identifier: MIT */
#include "replica.h"
#include "../../base/random.h"

#include <string.h>

#include "../../base/exact.h"

int spr__replica_open(spr__replica *replica, const spr_host *host, const spr__model *model)
{
    const size_t width = model->numbers == SPR_MODEL_REAL ? sizeof(float) : sizeof(int16_t);
    memset(replica, 0, sizeof *replica);
    replica->model = model;
    replica->dense.variables = model->variables;
    replica->dense.stride = model->stride;
    replica->dense.rows = model->rows;
    replica->dense.odd = model->odd;
    replica->dense.draws = model->draws;
    replica->dense.real_draws = model->real_draws;
    replica->dense.field = host->allocate(host->engine, (size_t)model->stride * width);
    replica->dense.state = host->allocate(host->engine, (size_t)model->stride * width);
    return replica->dense.field != NULL && replica->dense.state != NULL;
}

/* How many flips are safe now; void if fewer than a span may need. */
static void replica_look(spr__replica *replica)
{
    const spr__model *model = replica->model;
    if (model->numbers == SPR_MODEL_REAL || model->bounded) {
        replica->dense.room = INT64_MAX;
        return;
    }
    const int32_t largest = model->kernel->largest((const int16_t *)replica->dense.field, model->variables);
    replica->dense.room = (INT16_MAX - largest) / model->largest;
    replica->overflowed |= replica->dense.room < SPR_SPAN;
}

/* Adds the row of variable i to the fields. */
static void replica_add(spr__replica *replica, int64_t i)
{
    const spr__model *model = replica->model;
    const int64_t stride = model->stride;
    if (model->numbers == SPR_MODEL_SMALL)
        model->kernel->row_small((int16_t *)replica->dense.field, (const int8_t *)model->rows + i * stride, 1, stride);
    else if (model->numbers == SPR_MODEL_WHOLE)
        model->kernel->row_whole((int16_t *)replica->dense.field, (const int16_t *)model->rows + i * stride, 1, stride);
    else
        model->kernel->row_real((float *)replica->dense.field, (const float *)model->rows + i * stride, 1, stride);
}

void spr__replica_start(spr__replica *replica, const uint8_t *bits, uint64_t key)
{
    const spr__model *model = replica->model;
    const int real = model->numbers == SPR_MODEL_REAL;
    replica->overflowed = 0;
    replica->dense.key = key;
    replica->dense.position = 0;
    replica->dense.flips = 0;
    memset(replica->dense.state, 0, (size_t)model->stride * (real ? sizeof(int32_t) : sizeof(int16_t)));
    if (real)
        memcpy(replica->dense.field, model->real_origin, (size_t)model->stride * sizeof(float));
    else
        memcpy(replica->dense.field, model->origin, (size_t)model->stride * sizeof(int16_t));
    replica->dense.room = 0;
    for (int64_t i = 0; i < model->variables && !replica->overflowed; i++) {
        const uint64_t drawn = bits == NULL ? spr__random_at(key, replica->dense.position + (uint64_t)i / 64) >> (i & 63) : bits[i];
        if ((drawn & 1) == 0)
            continue;
        if (replica->dense.room < SPR_SPAN)
            replica_look(replica);
        replica->dense.room -= !(real || model->bounded);
        replica_add(replica, i);
        if (real)
            ((int32_t *)replica->dense.state)[i] = -1;
        else
            ((int16_t *)replica->dense.state)[i] = -1;
    }
    replica->dense.position = (uint64_t)model->variables / 64 + 1;
    replica_look(replica);
}

void spr__replica_sweep(spr__replica *replica, const spr__heat *heat, int64_t first, int64_t last)
{
    const spr__model *model = replica->model;
    replica->dense.heat = *heat;
    while (first < last && !replica->overflowed) {
        first = model->numbers == SPR_MODEL_SMALL   ? model->kernel->dense_small(&replica->dense, first, last)
                : model->numbers == SPR_MODEL_WHOLE ? model->kernel->dense_whole(&replica->dense, first, last)
                                                    : model->kernel->dense_real(&replica->dense, first, last);
        if (first < last)
            replica_look(replica);
    }
}

double spr__replica_energy(const spr__replica *replica)
{
    const spr__model *model = replica->model;
    double twice = 0.0;
    for (int64_t i = 0; i < model->variables; i++)
        if (model->numbers == SPR_MODEL_REAL)
            twice += ((const int32_t *)replica->dense.state)[i] ? (double)((const float *)replica->dense.field)[i] +
                                                                  model->problem->linear[i] : 0.0;
        else if (((const int16_t *)replica->dense.state)[i] != 0)
            twice += model->unit * (((const int16_t *)replica->dense.field)[i] - 0.5 * model->odd[i]) +
                     model->problem->linear[i];
    return model->problem->offset + 0.5 * twice;
}

void spr__replica_bits(const spr__replica *replica, uint8_t *bits)
{
    for (int64_t i = 0; i < replica->model->variables; i++)
        bits[i] = replica->model->numbers == SPR_MODEL_REAL ? ((const int32_t *)replica->dense.state)[i] & 1
                                                            : ((const int16_t *)replica->dense.state)[i] & 1;
}
