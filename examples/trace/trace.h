/* Reader of router-logit traces; README.md holds the file format. */
#ifndef SPINROUTE_TRACE_H
#define SPINROUTE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element types of the logits, as stored in the header. */
enum trace_dtype {
    TRACE_FLOAT32 = 0,
    TRACE_HALF = 1,     /* IEEE binary16 */
    TRACE_BFLOAT16 = 2
};

/* One trace in memory.  Filled by trace_read, read-only for the caller. */
struct trace {
    uint32_t layers;
    uint32_t tokens;
    uint32_t experts;
    uint32_t k;           /* experts per token of the model, 1..experts */
    uint32_t dtype;       /* one of enum trace_dtype */
    size_t element_size;  /* bytes per logit: 4 or 2 */
    char name[33];        /* model name, always zero-terminated */
    void *data;           /* all logits; owned by the trace */
};

/*
 * Read the trace file at path into *t.
 *
 * Returns 0 on success; the caller then owns *t and gives it to trace_free.
 * Returns -1 on failure: *t is all zero, nothing needs freeing, and
 * err[0..err_size) holds a zero-terminated text saying what is wrong.
 * err may be NULL when err_size is 0.
 *
 * Every field is checked, and the file must be exactly as long as its header
 * says.  The values of the logits are not checked: they may be NaN or infinite.
 */
int trace_read(const char *path, struct trace *t, char *err, size_t err_size);

/*
 * The router logits of one layer, 0 <= layer < t->layers.
 *
 * Shape [tokens, experts], row-major, no padding between rows; element type
 * t->dtype, t->element_size bytes each.  The pointer belongs to the trace and
 * is valid until trace_free.  Returns NULL when layer is out of range.
 */
const void *trace_layer(const struct trace *t, uint32_t layer);

/* Free what trace_read allocated and zero *t.  A zeroed *t and NULL are fine. */
void trace_free(struct trace *t);

#ifdef __cplusplus
}
#endif

#endif
