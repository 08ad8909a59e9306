/* SPDX-License-Identifier: MIT
 * Tables to states and back. */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../base/exact.h"

/* ----------------------------------------------------------------------------------------------------------- encode */

/* What a bit stands for is known, or was set. */
static int lower_decode_bit(int32_t literal, const uint8_t *bits)
{
    return literal >= 0 ? bits[literal] : literal == SPR_LOWER_ALWAYS;
}

static void lower_decode_set(int32_t literal, int value, uint8_t *bits)
{
    if (literal >= 0)
        bits[literal] = (uint8_t)value;
}

/* Digits 1, 2, 4, .., rest of the slack that is nearest to what is left. */
static void lower_decode_slack(const spr__lower_row *row, int64_t used, uint8_t *bits)
{
    int64_t left = row->right - used, range = row->range, covered;
    if (!row->exists || row->digits == 0)
        return;
    left = left < 0 ? 0 : left > range ? range : left;
    covered = ((int64_t)1 << (row->digits - 1)) - 1;
    bits[row->first + row->digits - 1] = (uint8_t)(left > covered);
    left -= left > covered ? range - covered : 0;
    for (int32_t i = 0; i + 1 < row->digits; i++)
        bits[row->first + i] = (uint8_t)(left >> i & 1);
}

static void lower_decode_experts(const spr_lowering *l, uint8_t *bits)
{
    const spr__terms *terms = &l->terms;
    for (int64_t e = 0; e < terms->experts; e++) {
        int64_t load = 0;
        for (int64_t t = 0; t < terms->tokens; t++) {
            const int64_t i = spr__lower_find(l, t, (int32_t)e);
            load += i >= 0 && lower_decode_bit(l->literal[i], bits);
        }
        lower_decode_set(l->active[e], load > 0, bits);
        lower_decode_slack(&l->capacity[e], load, bits);
    }
    for (int64_t d = 0; d < terms->devices; d++) {
        int64_t active = 0;
        for (int64_t e = 0; e < terms->experts; e++)
            active += terms->device[e] == d && lower_decode_bit(l->active[e], bits);
        lower_decode_slack(&l->active_limit[d], active, bits);
    }
}

static void lower_decode_touches(const spr_lowering *l, int64_t t, const int32_t *map, int64_t places,
                                 const int32_t *literal, const spr__lower_row *row, uint8_t *bits)
{
    int64_t touched = 0;
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++)
        if (lower_decode_bit(l->literal[i], bits))
            lower_decode_set(literal[map[l->expert[i]]], 1, bits);
    for (int64_t p = 0; p < places; p++)
        touched += lower_decode_bit(literal[p], bits);
    lower_decode_slack(row, touched, bits);
}

static spr_status lower_decode_left_out(int64_t t, int64_t e, int has, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_CONFLICT,
                     "ids %s expert %lld at token %lld, which the lowering has fixed the other way",
                     has ? "holds" : "lacks", (long long)e, (long long)t);
}

/* Sets the entries of a token. */
static spr_status lower_decode_token(const spr_lowering *l, int64_t t, const int32_t *ids, uint8_t *bits,
                                     spr_error *error)
{
    for (int64_t j = 0; j < l->terms.k; j++) {
        if (ids[j] < -1 || ids[j] >= l->terms.experts)
            return spr__fail(error, SPR_ERROR_EXPERT_ID, "ids holds %d at token %lld, slot %lld; accepted is -1..%lld",
                             (int)ids[j], (long long)t, (long long)j, (long long)l->terms.experts - 1);
        const int64_t i = ids[j] >= 0 ? spr__lower_find(l, t, ids[j]) : -1;
        if (ids[j] >= 0 && (i < 0 || l->literal[i] == SPR_LOWER_NEVER))
            return lower_decode_left_out(t, ids[j], 1, error);
        if (ids[j] >= 0)
            lower_decode_set(l->literal[i], 1, bits);
    }
    for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
        int has = l->literal[i] != SPR_LOWER_ALWAYS;
        for (int64_t j = 0; j < l->terms.k && !has; j++)
            has = ids[j] == l->expert[i];
        if (!has)
            return lower_decode_left_out(t, l->expert[i], 0, error);
    }
    return SPR_OK;
}

/* An expert that the kernel has proved active counts as active whether or not the table uses it. */
static spr_status lower_decode_actives(const spr_lowering *l, const uint8_t *bits, spr_error *error)
{
    for (int64_t e = 0; e < l->terms.experts; e++) {
        int used = l->active[e] != SPR_LOWER_ALWAYS;
        for (int64_t t = 0; t < l->terms.tokens && !used; t++) {
            const int64_t i = spr__lower_find(l, t, (int32_t)e);
            used = i >= 0 && lower_decode_bit(l->literal[i], bits);
        }
        if (!used)
            return spr__fail(error, SPR_ERROR_CONFLICT, "ids does not use expert %lld, which the lowering has fixed as "
                             "active", (long long)e);
    }
    return SPR_OK;
}

spr_status spr_lowering_encode(const spr_lowering *l, const int32_t *ids, uint8_t *bits, spr_error *error)
{
    if (l == NULL || bits == NULL || (ids == NULL && l->terms.tokens > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", l == NULL ? "lowering" : bits == NULL ? "bits"
                         : "ids");
    memset(bits, 0, (size_t)l->report.variables);
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        const spr_status status = lower_decode_token(l, t, ids + t * l->terms.k, bits, error);
        if (status != SPR_OK)
            return status;
    }
    const spr_status status = lower_decode_actives(l, bits, error);
    if (status != SPR_OK)
        return status;
    lower_decode_experts(l, bits);
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        if (l->on_device != NULL)
            lower_decode_touches(l, t, l->terms.device, l->terms.devices, l->on_device + t * l->terms.devices,
                                 &l->device_limit[t], bits);
        if (l->on_node != NULL)
            lower_decode_touches(l, t, l->terms.node, l->terms.nodes, l->on_node + t * l->terms.nodes,
                                 &l->node_limit[t], bits);
    }
    return spr__ok(error);
}

/* ----------------------------------------------------------------------------------------------------------- decode */

void spr__lower_write(const spr_lowering *l, const uint8_t *on, const float *rank, int32_t *ids)
{
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        int32_t *row = ids + t * l->terms.k;
        int64_t count = 0;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            if (!on[i])
                continue;
            const int64_t first = t * l->terms.width;
            int64_t at = count < l->terms.k ? count++ : l->terms.k;
            for (; at > 0 && rank != NULL && rank[first + row[at - 1]] < rank[first + l->expert[i]]; at--)
                if (at < l->terms.k)
                    row[at] = row[at - 1];
            if (at < l->terms.k)
                row[at] = l->expert[i];
        }
        for (; count < l->terms.k; count++)
            row[count] = -1;
    }
}

void spr__lower_read(const spr_lowering *l, const int32_t *ids, uint8_t *on)
{
    memset(on, 0, (size_t)l->entries);
    for (int64_t i = 0; i < l->terms.tokens * l->terms.k; i++)
        if (ids[i] >= 0)
            on[spr__lower_find(l, i / l->terms.k, ids[i])] = 1;
}

/* Routes that came or went, a replacement counted once. */
static int64_t lower_decode_changes(const spr_lowering *l, const uint8_t *bits, const uint8_t *on)
{
    int64_t changes = 0;
    for (int64_t t = 0; t < l->terms.tokens; t++) {
        int64_t came = 0, went = 0;
        for (int64_t i = l->start[t]; i < l->start[t + 1]; i++) {
            const int before = lower_decode_bit(l->literal[i], bits);
            came += on[i] && !before;
            went += !on[i] && before;
        }
        changes += came > went ? came : went;
    }
    return changes;
}

spr_status spr_lowering_decode(spr_lowering *l, const uint8_t *bits, int32_t *ids, double *energy, int64_t *repairs,
                               spr_error *error)
{
    if (l == NULL || bits == NULL || (ids == NULL && l->terms.tokens > 0))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", l == NULL ? "lowering" : bits == NULL ? "bits"
                         : "ids");
    for (int64_t i = 0; i < l->report.variables; i++)
        if (bits[i] > 1)
            return spr__fail(error, SPR_ERROR_ARGUMENT, "bits[%lld] is %d; accepted is 0 or 1", (long long)i,
                             (int)bits[i]);
    spr__violation violation;
    for (int64_t i = 0; i < l->entries; i++)
        l->repair->on[i] = (uint8_t)lower_decode_bit(l->literal[i], bits);
    spr__lower_repair_run(l, l->repair);
    spr__lower_write(l, l->repair->on, NULL, ids);
    double value = spr__terms_energy(&l->terms, ids, l->repair->judge, &violation);
    int64_t changes = lower_decode_changes(l, bits, l->repair->on);
    if (spr__violated(&violation) || !(value <= l->known)) {
        spr__lower_read(l, l->table, l->repair->on);
        value = l->known;
        changes = -1;
    }
    spr__lower_write(l, l->repair->on, l->rank, ids);
    if (energy != NULL)
        *energy = value;
    if (repairs != NULL)
        *repairs = changes;
    return spr__ok(error);
}
