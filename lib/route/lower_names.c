/* SPDX-License-Identifier: MIT
 * Names of variables, for humans. */
#include "lower.h"

#include <string.h>

typedef struct lower_names_text {
    char *at;
    size_t used, size;
} lower_names_text;

/* Counts on when there is no room. */
static void lower_names_put(lower_names_text *text, const char *part)
{
    for (; *part != '\0'; part++, text->used++)
        if (text->used + 1 < text->size)
            text->at[text->used] = *part;
}

static void lower_names_number(lower_names_text *text, int64_t number)
{
    char digits[24];
    size_t i = sizeof digits - 1;
    digits[i] = '\0';
    do
        digits[--i] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    lower_names_put(text, digits + i);
}

static void lower_names_two(lower_names_text *text, const char *one, int64_t first, const char *two, int64_t second)
{
    lower_names_put(text, one);
    lower_names_number(text, first);
    lower_names_put(text, two);
    lower_names_number(text, second);
    lower_names_put(text, ")");
}

static void lower_names_slack(lower_names_text *text, const spr__lower_row *row, int64_t digit)
{
    static const char *const kinds[] = {"slack(capacity of expert ", "slack(active limit of device ",
                                        "slack(device limit of token ", "slack(node limit of token "};
    lower_names_two(text, kinds[row->kind], row->index, ", ", digit);
}

spr_status spr_lowering_name(const spr_lowering *lowering, int64_t variable, char *name, size_t size, spr_error *error)
{
    if (lowering == NULL || name == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", lowering == NULL ? "lowering" : "name");
    const spr_lower_report *r = &lowering->report;
    lower_names_text text = {name, 0, size};
    int64_t i = variable;
    if (variable < 0 || variable >= r->variables)
        return spr__fail(error, SPR_ERROR_VARIABLE, "variable is %lld; accepted is 0..%lld", (long long)variable,
                         (long long)r->variables - 1);
    const int32_t first = lowering->first[variable], second = lowering->second[variable];
    if (r->assignments + r->actives + r->devices + r->nodes + r->slacks == 0)
        lower_names_put(&text, "nothing");
    else if (i < r->assignments)
        lower_names_two(&text, "x(token ", first, ", expert ", second);
    else if ((i -= r->assignments) < r->actives) {
        lower_names_put(&text, "active(expert ");
        lower_names_number(&text, first);
        lower_names_put(&text, ")");
    } else if ((i -= r->actives) < r->devices)
        lower_names_two(&text, "device(token ", first, ", device ", second);
    else if (i - r->devices < r->nodes)
        lower_names_two(&text, "node(token ", first, ", node ", second);
    else
        lower_names_slack(&text, &lowering->rows[first], second);
    if (text.used + 1 > size)
        return spr__fail(error, SPR_ERROR_SIZE, "size is %zu; the name needs %zu", size, text.used + 1);
    name[text.used] = '\0';
    return spr__ok(error);
}
