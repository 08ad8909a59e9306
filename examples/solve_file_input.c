/* SPDX-License-Identifier: MIT
 * Reads a problem from a file or stdin: the library opens no files. */
#include "solve_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All bytes of a stream; NULL without memory. */
static char *read_all(FILE *from, size_t *bytes)
{
    size_t room = 1 << 16;
    char *text = malloc(room);
    *bytes = 0;
    while (text != NULL) {
        *bytes += fread(text + *bytes, 1, room - *bytes, from);
        if (*bytes < room)
            return text;
        char *larger = room < SIZE_MAX / 2 ? realloc(text, 2 * room) : NULL;
        if (larger == NULL)
            free(text);
        text = larger;
        room *= 2;
    }
    return NULL;
}

/* G1, G81.txt: a name of the G-set. */
static int is_gset(const char *name)
{
    const size_t digits = name[0] == 'G' ? strspn(name + 1, "0123456789") : 0;
    return digits > 0 && (name[1 + digits] == '\0' || strcmp(name + 1 + digits, ".txt") == 0);
}

/* NULL where the name does not say. */
static const char *format_of(const char *path)
{
    static const char *const endings[][2] = {{".qplib", "qplib"}, {".sparse", "biqmac"}, {".rud", "rudy"}, {".mc", "rudy"},
                                             {".rudy", "rudy"},   {".coo", "coo"},       {".qubo", "coo"}, {".bqp", "bqp"}};
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(dot, endings[i][0]) == 0)
            return endings[i][1];
    return is_gset(name) ? "rudy" : NULL;
}

/* The third line of a QPLIB text that is no comment says so. */
static int maximises(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    for (int line = 0; text < end;) {
        const char *next = memchr(text, '\n', (size_t)(end - text));
        next = next != NULL ? next + 1 : end;
        while (text < next && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n'))
            text++;
        const int counts = text < next && *text != '#' && *text != '%' && *text != '!';
        line += counts;
        if (counts && line == 3)
            return end - text >= 8 && memcmp(text, "maximize", 8) == 0;
        text = next;
    }
    return 0;
}

static void name_objective(struct solve_input *input, const char *text, size_t bytes)
{
    input->sign = 1.0;
    if (strcmp(input->format, "coo") == 0)
        return;
    input->objective = strcmp(input->format, "rudy") == 0 ? "cut" : "objective";
    if (strcmp(input->format, "rudy") == 0 || strcmp(input->format, "bqp") == 0 ||
        (strcmp(input->format, "qplib") == 0 && maximises(text, bytes)))
        input->sign = -1.0;
}

int solve_read(const char *name, const char *format, struct solve_input *input)
{
    spr_error error;
    size_t bytes = 0;
    *input = (struct solve_input){name, format != NULL ? format : format_of(name), NULL, 1.0, NULL};
    if (input->format == NULL)
        return solve_complain(SOLVE_USAGE, name, "the name does not say the format; give it by --format");
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    if (file == NULL)
        return solve_complain(SOLVE_INPUT, name, strerror(errno));
    char *text = read_all(file, &bytes);
    const int broken = ferror(file);
    if (file != stdin)
        fclose(file);
    if (text == NULL || broken) {
        free(text);
        return solve_complain(SOLVE_INPUT, name, broken ? "cannot be read" : "no memory for it");
    }
    const spr_status status = spr_problem_from_text(NULL, NULL, input->format, text, bytes, &input->problem, &error);
    if (status >= SPR_OK)
        name_objective(input, text, bytes);
    free(text);
    if (status != SPR_OK)
        fprintf(stderr, "solve_file: %s: %s\n", name, error.message);
    return status >= SPR_OK                 ? SOLVE_OK
           : status == SPR_ERROR_OPTION_NAME ? SOLVE_USAGE
                                             : SOLVE_INPUT;
}
