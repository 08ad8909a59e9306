/* SPDX-License-Identifier: MIT
 * What the variables are called. */
#include "lower.h"

/* Text that stops growing at its end; needed counts on. */
typedef struct lower_names_text {
    char *text;
    size_t size, needed;
} lower_names_text;

static void lower_names_put(lower_names_text *to, const char *text)
{
    for (; *text != '\0'; text++, to->needed++)
        if (to->needed + 1 < to->size)
            to->text[to->needed] = *text;
}

static void lower_names_number(lower_names_text *to, int64_t number)
{
    char digits[24];
    int at = 23;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    lower_names_put(to, digits + at);
}

static void lower_names_write(const spr__lower_variable *variable, lower_names_text *to)
{
    static const char *const first[] = {"x(token ", "active(expert ", "device(token ", "node(token ",
                                        "slack(capacity of expert ", "slack(active limit of device ",
                                        "slack(device limit of token ", "slack(node limit of token ", "nothing"};
    static const char *const second[] = {", expert ", NULL, ", device ", ", node ", ", ", ", ", ", ", ", "};
    lower_names_put(to, first[variable->kind]);
    if (variable->kind == SPR_LOWER_UNUSED)
        return;
    lower_names_number(to, variable->first);
    if (second[variable->kind] != NULL) {
        lower_names_put(to, second[variable->kind]);
        lower_names_number(to, variable->second);
    }
    lower_names_put(to, ")");
}

spr_status spr_lowering_name(const spr_lowering *lowering, int64_t variable, char *name, size_t size, spr_error *error)
{
    if (lowering == NULL || name == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", lowering == NULL ? "lowering" : "name");
    if (variable < 0 || variable >= lowering->report.variables)
        return spr__fail(error, SPR_ERROR_VARIABLE, "variable is %lld; accepted is 0..%lld", (long long)variable,
                         (long long)lowering->report.variables - 1);
    lower_names_text to = {name, size, 0};
    lower_names_write(&lowering->variables[variable], &to);
    if (to.needed >= size)
        return spr__fail(error, SPR_ERROR_SIZE, "size is %zu; the name needs %zu", size, to.needed + 1);
    name[to.needed] = '\0';
    return spr__ok(error);
}
