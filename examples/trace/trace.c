#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 64
#define NAME_OFFSET 32
#define NAME_SIZE 32

/* Little-endian uint32 from four bytes, on any host. */
static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static int host_is_little_endian(void)
{
    const uint32_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* Multiply *size by n; returns 0 when the product does not fit. */
static int multiply(size_t *size, uint32_t n)
{
    if (n != 0 && *size > SIZE_MAX / n)
        return 0;
    *size *= n;
    return 1;
}

/* The name must be printable ASCII followed only by zeros. */
static int name_is_valid(const unsigned char *name)
{
    size_t i = 0;
    while (i < NAME_SIZE && name[i] >= 0x20 && name[i] <= 0x7e)
        i++;
    while (i < NAME_SIZE && name[i] == 0)
        i++;
    return i == NAME_SIZE;
}

/* Fill the header fields of *t.  Returns NULL, or what is wrong. */
static const char *parse_header(const unsigned char *h, struct trace *t)
{
    if (memcmp(h, "SPRTRACE", 8) != 0)
        return "not a trace: wrong magic";
    if (read_u32(h + 8) != 1)
        return "unknown version, only 1 is known";
    t->layers = read_u32(h + 12);
    t->tokens = read_u32(h + 16);
    t->experts = read_u32(h + 20);
    t->k = read_u32(h + 24);
    t->dtype = read_u32(h + 28);
    if (t->layers == 0 || t->tokens == 0 || t->experts == 0)
        return "layers, tokens or experts is zero";
    if (t->k == 0 || t->k > t->experts)
        return "k is not in 1..experts";
    if (t->dtype == TRACE_FLOAT32)
        t->element_size = 4;
    else if (t->dtype == TRACE_HALF || t->dtype == TRACE_BFLOAT16)
        t->element_size = 2;
    else
        return "unknown dtype";
    if (!name_is_valid(h + NAME_OFFSET))
        return "name is not zero-padded ASCII";
    memcpy(t->name, h + NAME_OFFSET, NAME_SIZE);
    t->name[NAME_SIZE] = 0;
    return NULL;
}

/* Read header and data from f.  Returns NULL, or what is wrong. */
static const char *read_stream(FILE *f, struct trace *t)
{
    unsigned char header[HEADER_SIZE];
    const char *wrong;
    size_t size;
    long end;

    if (!host_is_little_endian())
        return "this reader needs a little-endian host";
    if (fread(header, 1, HEADER_SIZE, f) != HEADER_SIZE)
        return "too short for a trace header";
    wrong = parse_header(header, t);
    if (wrong != NULL)
        return wrong;

    size = t->element_size;
    if (!multiply(&size, t->layers) || !multiply(&size, t->tokens) ||
        !multiply(&size, t->experts) || size > SIZE_MAX - HEADER_SIZE)
        return "sizes in the header overflow";

    /* Compare with the file before allocating: a header may claim anything. */
    if (fseek(f, 0, SEEK_END) != 0 || (end = ftell(f)) < 0)
        return "cannot find the file size";
    if ((unsigned long)end < size + HEADER_SIZE)
        return "file is shorter than its header says";
    if ((unsigned long)end > size + HEADER_SIZE)
        return "file is longer than its header says";
    if (fseek(f, HEADER_SIZE, SEEK_SET) != 0)
        return "cannot seek";

    t->data = malloc(size);
    if (t->data == NULL)
        return "out of memory";
    if (fread(t->data, 1, size, f) != size)
        return "read failed";
    return NULL;
}

/* Write "path: text" to err, cut to err_size. */
static void set_error(char *err, size_t err_size, const char *path,
                      const char *text, const char *detail)
{
    if (err_size > 0)
        (void)snprintf(err, err_size, "%s: %s%s", path, text, detail);
}

int trace_read(const char *path, struct trace *t, char *err, size_t err_size)
{
    const char *wrong;
    FILE *f;

    memset(t, 0, sizeof *t);
    f = fopen(path, "rb");
    if (f == NULL) {
        set_error(err, err_size, path, "cannot open: ", strerror(errno));
        return -1;
    }
    wrong = read_stream(f, t);
    (void)fclose(f);
    if (wrong != NULL) {
        set_error(err, err_size, path, wrong, "");
        trace_free(t);
        return -1;
    }
    return 0;
}

const void *trace_layer(const struct trace *t, uint32_t layer)
{
    if (t->data == NULL || layer >= t->layers)
        return NULL;
    /* Cannot overflow: trace_read checked the product over all layers. */
    return (const char *)t->data +
           (size_t)layer * t->tokens * t->experts * t->element_size;
}

void trace_free(struct trace *t)
{
    if (t != NULL) {
        free(t->data);
        memset(t, 0, sizeof *t);
    }
}
