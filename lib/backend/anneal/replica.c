/* SPDX-License-Identifier: MIT */
#include "replica.h"
#include "../../base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* a replica becomes narrow when no field can leave int16_t within so many spans of flips */
enum { REPLICA_SPANS = 4 };

int spr__replica_open(spr__replica *replica, const spr_host *host, const spr__model *model)
{
    memset(replica, 0, sizeof *replica);
    replica->model = model;
    replica->dense.variables = model->variables;
    replica->dense.stride = model->stride;
    replica->dense.rows = model->rows;
    replica->dense.odd = model->odd;
    replica->dense.draws = model->draws;
    replica->dense.real_draws = model->real_draws;
    replica->dense.field = host->allocate(host->engine, (size_t)model->stride * sizeof(float));
    replica->dense.state = host->allocate(host->engine, (size_t)model->stride * sizeof(int32_t));
    return replica->dense.field != NULL && replica->dense.state != NULL;
}

/* In place, from the end: what is written lies behind what is still to be read. */
static void replica_widen_arrays(spr__replica *replica)
{
    const spr__model *model = replica->model;
    unsigned char *fields = (unsigned char *)replica->dense.field, *states = (unsigned char *)replica->dense.state;
    for (int64_t i = model->stride - 1; i >= 0; i--) {
        int16_t field, state;
        memcpy(&field, fields + i * (int64_t)sizeof field, sizeof field);
        memcpy(&state, states + i * (int64_t)sizeof state, sizeof state);
        const float wide_field = i < model->variables ? (float)field - 0.5f * (float)model->odd[i] : FLT_MAX;
        const int32_t wide_state = state;
        memcpy(fields + i * (int64_t)sizeof wide_field, &wide_field, sizeof wide_field);
        memcpy(states + i * (int64_t)sizeof wide_state, &wide_state, sizeof wide_state);
    }
}

void spr__replica_widen(spr__replica *replica)
{
    if (replica->wide)
        return;
    replica_widen_arrays(replica);
    replica->wide = 1;
    replica->dense.room = INT64_MAX;
}

/* Makes a wide replica of whole numbers narrow if its fields are far from the ends of int16_t. */
static void replica_narrow(spr__replica *replica)
{
    const spr__model *model = replica->model;
    unsigned char *fields = (unsigned char *)replica->dense.field, *states = (unsigned char *)replica->dense.state;
    const float *wide_fields = (const float *)replica->dense.field;
    double largest = 0.0;
    for (int64_t i = 0; i < model->variables; i++)
        largest = fabs((double)wide_fields[i]) > largest ? fabs((double)wide_fields[i]) : largest;
    if (largest + REPLICA_SPANS * SPR_SPAN * (double)model->largest > INT16_MAX)
        return;
    for (int64_t i = 0; i < model->stride; i++) {
        float wide_field;
        int32_t wide_state;
        memcpy(&wide_field, fields + i * (int64_t)sizeof wide_field, sizeof wide_field);
        memcpy(&wide_state, states + i * (int64_t)sizeof wide_state, sizeof wide_state);
        const int16_t field = i < model->variables ? (int16_t)floor((double)wide_field) : INT16_MAX;
        const int16_t state = (int16_t)wide_state;
        memcpy(fields + i * (int64_t)sizeof field, &field, sizeof field);
        memcpy(states + i * (int64_t)sizeof state, &state, sizeof state);
    }
    replica->wide = 0;
    replica->dense.room = 0;
}

/* How many flips are safe now; fewer than a span may need make the replica wide. */
static void replica_look(spr__replica *replica)
{
    const spr__model *model = replica->model;
    replica->dense.room = INT64_MAX;
    if (replica->wide || model->bounded)
        return;
    const int32_t largest = model->kernel->largest((const int16_t *)replica->dense.field, model->variables);
    replica->dense.room = (INT16_MAX - largest) / model->largest;
    if (replica->dense.room < SPR_SPAN)
        spr__replica_widen(replica);
}

/* Switches variable i on. */
static void replica_add(spr__replica *replica, int64_t i)
{
    const spr__model *model = replica->model;
    const spr__spin_kernel *kernel = model->kernel;
    const int64_t stride = model->stride;
    void *field = replica->dense.field;
    if (replica->wide)
        ((int32_t *)replica->dense.state)[i] = -1;
    else
        ((int16_t *)replica->dense.state)[i] = -1;
    if (model->numbers == SPR_MODEL_REAL)
        kernel->row_real((float *)field, (const float *)model->rows + i * stride, 1, stride);
    else if (model->numbers == SPR_MODEL_SMALL && replica->wide)
        kernel->row_wide_small((float *)field, (const int8_t *)model->rows + i * stride, 1, stride);
    else if (model->numbers == SPR_MODEL_SMALL)
        kernel->row_small((int16_t *)field, (const int8_t *)model->rows + i * stride, 1, stride);
    else if (replica->wide)
        kernel->row_wide_whole((float *)field, (const int16_t *)model->rows + i * stride, 1, stride);
    else
        kernel->row_whole((int16_t *)field, (const int16_t *)model->rows + i * stride, 1, stride);
}

void spr__replica_start(spr__replica *replica, const uint8_t *bits, uint64_t key)
{
    const spr__model *model = replica->model;
    replica->wide = model->numbers == SPR_MODEL_REAL || !model->bounded;
    replica->dense.key = key;
    replica->dense.position = (uint64_t)model->variables / 64 + 1;
    replica->dense.flips = 0;
    replica->dense.room = INT64_MAX;
    memset(replica->dense.state, 0, (size_t)model->stride * (replica->wide ? sizeof(int32_t) : sizeof(int16_t)));
    if (replica->wide)
        memcpy(replica->dense.field, model->real_origin, (size_t)model->stride * sizeof(float));
    else
        memcpy(replica->dense.field, model->origin, (size_t)model->stride * sizeof(int16_t));
    for (int64_t i = 0; i < model->variables; i++) {
        const uint64_t drawn = bits == NULL ? spr__random_at(key, (uint64_t)i / 64) >> (i & 63) : bits[i];
        if ((drawn & 1) != 0)
            replica_add(replica, i);
    }
}

void spr__replica_sweep(spr__replica *replica, const spr__heat *heat, int64_t first, int64_t last)
{
    const spr__model *model = replica->model;
    const spr__spin_kernel *kernel = model->kernel;
    spr__dense *dense = &replica->dense;
    dense->heat = *heat;
    if (replica->wide && first == 0 && model->numbers != SPR_MODEL_REAL)
        replica_narrow(replica);
    while (first < last) {
        if (model->numbers == SPR_MODEL_REAL)
            first = kernel->dense_real(dense, first, last);
        else if (model->numbers == SPR_MODEL_SMALL)
            first = replica->wide ? kernel->wide_small(dense, first, last) : kernel->dense_small(dense, first, last);
        else
            first = replica->wide ? kernel->wide_whole(dense, first, last) : kernel->dense_whole(dense, first, last);
        if (first < last)
            replica_look(replica);
    }
}

double spr__replica_gain(const spr__replica *replica, int64_t i)
{
    const spr__model *model = replica->model;
    const double field = replica->wide ? model->unit * (double)((const float *)replica->dense.field)[i]
                                       : model->unit * (((const int16_t *)replica->dense.field)[i] - 0.5 * model->odd[i]);
    const int on = replica->wide ? ((const int32_t *)replica->dense.state)[i] : ((const int16_t *)replica->dense.state)[i];
    return on ? -field : field;
}

double spr__replica_energy(const spr__replica *replica)
{
    const spr__model *model = replica->model;
    double twice = 0.0;
    for (int64_t i = 0; i < model->variables; i++)
        if (replica->wide ? ((const int32_t *)replica->dense.state)[i] : ((const int16_t *)replica->dense.state)[i])
            twice += model->problem->linear[i] - spr__replica_gain(replica, i);
    return model->problem->offset + 0.5 * twice;
}

void spr__replica_bits(const spr__replica *replica, uint8_t *bits)
{
    for (int64_t i = 0; i < replica->model->variables; i++)
        bits[i] = replica->wide ? ((const int32_t *)replica->dense.state)[i] & 1
                                : ((const int16_t *)replica->dense.state)[i] & 1;
}
