/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void spr__layout_begin(spr__layout_check *check, spr_error *error)
{
    memset(check, 0, sizeof *check);
    check->error = error;
    check->status = spr__ok(error);
}

void spr__layout_range(spr__layout_check *check, const char *name, int64_t value, int64_t minimum, int64_t maximum)
{
    if (check->status == SPR_OK && (value < minimum || value > maximum))
        check->status = spr__fail(check->error, SPR_ERROR_ARGUMENT,
                                  "%s is %" PRId64 "; it must be %" PRId64 "..%" PRId64, name, value, minimum, maximum);
}

void spr__layout_divides(spr__layout_check *check, const char *name, int64_t value, const char *whole_name,
                         int64_t whole)
{
    if (check->status == SPR_OK && (value < 1 || whole % value != 0))
        check->status = spr__fail(check->error, SPR_ERROR_ARGUMENT,
                                  "%s is %" PRId64 "; it must be at least 1 and divide %s, which is %" PRId64, name,
                                  value, whole_name, whole);
}

void spr__layout_shape(spr__layout_check *check, int64_t tokens, int64_t k, int64_t experts)
{
    spr__layout_range(check, "tokens", tokens, 0, INT64_MAX);
    spr__layout_range(check, "k", k, 1, SPR__LAYOUT_K);
    spr__layout_range(check, "experts", experts, 1, SPR__LAYOUT_EXPERTS);
}

void spr__layout_int32_routes(spr__layout_check *check, int64_t tokens, int64_t k)
{
    if (check->status == SPR_OK && tokens > INT32_MAX / k)
        check->status = spr__fail(check->error, SPR_ERROR_SIZE,
                                  "tokens is %" PRId64 " and k is %" PRId64 "; tokens*k must be at most %" PRId32,
                                  tokens, k, INT32_MAX);
}

void spr__layout_size(spr__layout_check *check, const char *name, int64_t size, int64_t needed, const char *rule)
{
    if (check->status == SPR_OK && size < needed)
        check->status = spr__fail(check->error, SPR_ERROR_SIZE,
                                  "%s is %" PRId64 "; it must be at least %" PRId64 " (%s)", name, size, needed, rule);
}

static size_t layout_element(spr__layout_type type, size_t *alignment)
{
    /* What a struct member of the type is aligned to is its natural alignment in every dialect of C and C++. */
    struct layout_uint8 { char before; uint8_t value; };
    struct layout_int32 { char before; int32_t value; };
    struct layout_int64 { char before; int64_t value; };
    struct layout_float { char before; float value; };
    switch (type) {
    case SPR__LAYOUT_UINT8: *alignment = offsetof(struct layout_uint8, value); return sizeof(uint8_t);
    case SPR__LAYOUT_INT32: *alignment = offsetof(struct layout_int32, value); return sizeof(int32_t);
    case SPR__LAYOUT_INT64: *alignment = offsetof(struct layout_int64, value); return sizeof(int64_t);
    case SPR__LAYOUT_FLOAT: *alignment = offsetof(struct layout_float, value); return sizeof(float);
    }
    assert(!"unknown element type");
    *alignment = 1;
    return 1;
}

void spr__layout_array(spr__layout_check *check, const char *name, const void *data, spr__layout_type type, int written,
                       int64_t rows, int64_t columns)
{
    if (check->status != SPR_OK)
        return;
    assert(rows >= 0 && columns >= 0 && check->count < SPR__LAYOUT_ARRAYS);
    size_t alignment, element = layout_element(type, &alignment);
    uint64_t most = (uint64_t)PTRDIFF_MAX / element;
    if (rows > 0 && (uint64_t)columns > most / (uint64_t)rows) {
        check->status = spr__fail(check->error, SPR_ERROR_SIZE,
                                  "%s has %" PRId64 "*%" PRId64 " elements of %zu bytes; memory holds at most %" PRIu64,
                                  name, rows, columns, element, most);
        return;
    }
    size_t bytes = (size_t)((uint64_t)rows * (uint64_t)columns) * element;
    if (data == NULL && bytes > 0) {
        check->status = spr__fail(check->error, SPR_ERROR_ARGUMENT,
                                  "%s is NULL; it must point to %" PRId64 " elements", name, rows * columns);
        return;
    }
    spr__array *array = &check->arrays[check->count++];
    array->name = name;
    array->data = data;
    array->bytes = bytes;
    array->alignment = alignment;
    array->written = written;
}

void spr__layout_arrays_done(spr__layout_check *check)
{
    if (check->status == SPR_OK)
        check->status = spr__check_arrays(check->arrays, check->count, check->error);
}

static void layout_bad_id(spr__layout_check *check, int64_t flat, int64_t k, int32_t id, int64_t experts)
{
    check->status = spr__fail(check->error, SPR_ERROR_EXPERT_ID,
                              "ids of token %" PRId64 ", slot %" PRId64 " is %" PRId32 "; it must be -1..%" PRId64,
                              flat / k, flat % k, id, experts - 1);
}

int64_t spr__layout_ids(spr__layout_check *check, const int32_t *ids, int64_t tokens, int64_t k, int64_t experts)
{
    int64_t routes = 0;
    if (check->status != SPR_OK)
        return 0;
    for (int64_t flat = 0; flat < tokens * k; flat++) {
        if ((uint32_t)ids[flat] + 1u > (uint32_t)experts) {
            layout_bad_id(check, flat, k, ids[flat], experts);
            return 0;
        }
        routes += ids[flat] >= 0;
    }
    return routes;
}

void spr__layout_count_ids(spr__layout_check *check, const int32_t *ids, int64_t tokens, int64_t k, int64_t experts,
                           int32_t *counts)
{
    if (check->status != SPR_OK)
        return;
    assert(tokens <= INT32_MAX / k);
    memset(counts, 0, ((size_t)experts + 1) * sizeof *counts);
    for (int64_t flat = 0; flat < tokens * k; flat++) {
        uint32_t entry = (uint32_t)ids[flat] + 1u;
        if (entry > (uint32_t)experts) {
            layout_bad_id(check, flat, k, ids[flat], experts);
            return;
        }
        counts[entry]++;
    }
}
