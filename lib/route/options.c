/* SPDX-License-Identifier: MIT */
#include "options.h"
#include "../base/number.h"

#include <string.h>

/* words: those of a choice, each zero-terminated, an empty one at the end */
typedef struct options_row {
    spr_option_info info;
    const char *words;
    size_t at;
} options_row;

#define ROW(name, type, choices, words, standard, minimum, maximum, summary) \
    {{#name, choices, summary, minimum, maximum, standard, type, 0}, words, offsetof(spr__options, name)},
#define INTEGER(name, standard, minimum, maximum, summary) \
    ROW(name, SPR_TYPE_INTEGER, NULL, NULL, standard, minimum, maximum, summary)
#define REAL(name, standard, minimum, maximum, summary) \
    ROW(name, SPR_TYPE_REAL, NULL, NULL, standard, minimum, maximum, summary)
#define CHOICE2(name, a, b, summary) ROW(name, SPR_TYPE_CHOICE, #a "|" #b, #a "\0" #b "\0", 0, 0, 1, summary)
#define CHOICE3(name, a, b, c, summary) \
    ROW(name, SPR_TYPE_CHOICE, #a "|" #b "|" #c, #a "\0" #b "\0" #c "\0", 0, 0, 2, summary)
#define CHOICE4(name, a, b, c, d, summary) \
    ROW(name, SPR_TYPE_CHOICE, #a "|" #b "|" #c "|" #d, #a "\0" #b "\0" #c "\0" #d "\0", 0, 0, 3, summary)
#define CHOICE5(name, a, b, c, d, e, summary) \
    ROW(name, SPR_TYPE_CHOICE, #a "|" #b "|" #c "|" #d "|" #e, #a "\0" #b "\0" #c "\0" #d "\0" #e "\0", 0, 0, 4, summary)
static const options_row options_rows[] = {
#include "options.def"
};
#undef ROW
#undef INTEGER
#undef REAL
#undef CHOICE2
#undef CHOICE3
#undef CHOICE4
#undef CHOICE5

static const int32_t options_total = (int32_t)(sizeof options_rows / sizeof options_rows[0]);

static int64_t *options_integer_at(const spr__options *options, const options_row *row)
{
    return (int64_t *)((char *)(uintptr_t)options + row->at);
}

static double *options_real_at(const spr__options *options, const options_row *row)
{
    return (double *)((char *)(uintptr_t)options + row->at);
}

static const char *options_word(const options_row *row, int64_t index)
{
    const char *word = row->words;
    while (index-- > 0)
        word += strlen(word) + 1;
    return word;
}

static const char *options_type_name(int32_t type)
{
    return type == SPR_TYPE_INTEGER ? "integer" : type == SPR_TYPE_REAL ? "real" : "choice";
}

static const options_row *options_find(const char *name)
{
    for (int32_t i = 0; i < options_total; i++)
        if (strcmp(options_rows[i].info.name, name) == 0)
            return &options_rows[i];
    return NULL;
}

static spr_status options_lookup(const char *name, int32_t type, const char *what, const options_row **row,
                                 spr_error *error)
{
    *row = options_find(name);
    if (*row == NULL)
        return spr__fail(error, SPR_ERROR_OPTION_NAME, "option \"%.80s\" does not exist; spr_option_get_info lists them",
                         name);
    if (type != 0 && (*row)->info.type != type)
        return spr__fail(error, SPR_ERROR_OPTION_TYPE, "option \"%s\" is of type %s, not %s", name,
                         options_type_name((*row)->info.type), what);
    return SPR_OK;
}

void spr__options_reset(spr__options *options)
{
    for (int32_t i = 0; i < options_total; i++) {
        const options_row *row = &options_rows[i];
        if (row->info.type == SPR_TYPE_REAL)
            *options_real_at(options, row) = row->info.standard;
        else
            *options_integer_at(options, row) = (int64_t)row->info.standard;
    }
}

spr_status spr__options_set_integer(spr__options *options, const char *name, int64_t value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, SPR_TYPE_INTEGER, "integer", &row, error);
    if (status != SPR_OK)
        return status;
    if (value < (int64_t)row->info.minimum || value > (int64_t)row->info.maximum)
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "option \"%s\" is %lld; accepted is %lld..%lld", name,
                         (long long)value, (long long)row->info.minimum, (long long)row->info.maximum);
    *options_integer_at(options, row) = value;
    return spr__ok(error);
}

spr_status spr__options_set_real(spr__options *options, const char *name, double value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, SPR_TYPE_REAL, "real", &row, error);
    if (status != SPR_OK)
        return status;
    if (!(value >= row->info.minimum && value <= row->info.maximum))
        return spr__fail(error, SPR_ERROR_OPTION_RANGE, "option \"%s\" is %g; accepted is %g..%g", name, value,
                         row->info.minimum, row->info.maximum);
    *options_real_at(options, row) = value;
    return spr__ok(error);
}

spr_status spr__options_set_text(spr__options *options, const char *name, const char *value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, 0, "", &row, error);
    if (status != SPR_OK)
        return status;
    if (row->info.type == SPR_TYPE_CHOICE) {
        for (int64_t i = 0; i <= (int64_t)row->info.maximum; i++)
            if (strcmp(options_word(row, i), value) == 0) {
                *options_integer_at(options, row) = i;
                return spr__ok(error);
            }
        return spr__fail(error, SPR_ERROR_OPTION_NAME, "option \"%s\" is \"%.80s\"; accepted is %s", name, value,
                         row->info.choices);
    }
    double real;
    int64_t integer;
    if (row->info.type == SPR_TYPE_REAL && spr__number_real(value, strlen(value), &real))
        return spr__options_set_real(options, name, real, error);
    if (row->info.type == SPR_TYPE_INTEGER && spr__number_integer(value, strlen(value), &integer))
        return spr__options_set_integer(options, name, integer, error);
    return spr__fail(error, SPR_ERROR_OPTION_RANGE, "option \"%s\" is \"%.80s\"; accepted is a number in %.17g..%.17g",
                     name, value, row->info.minimum, row->info.maximum);
}

spr_status spr__options_get_integer(const spr__options *options, const char *name, int64_t *value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, SPR_TYPE_INTEGER, "integer", &row, error);
    if (status != SPR_OK)
        return status;
    *value = *options_integer_at(options, row);
    return spr__ok(error);
}

spr_status spr__options_get_real(const spr__options *options, const char *name, double *value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, SPR_TYPE_REAL, "real", &row, error);
    if (status != SPR_OK)
        return status;
    *value = *options_real_at(options, row);
    return spr__ok(error);
}

spr_status spr__options_get_text(const spr__options *options, const char *name, const char **value, spr_error *error)
{
    const options_row *row;
    spr_status status = options_lookup(name, SPR_TYPE_CHOICE, "choice", &row, error);
    if (status != SPR_OK)
        return status;
    *value = options_word(row, *options_integer_at(options, row));
    return spr__ok(error);
}

int32_t spr_option_count(void)
{
    return options_total;
}

spr_status spr_option_get_info(int32_t index, spr_option_info *info, spr_error *error)
{
    if (info == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "info is NULL");
    if (index < 0 || index >= options_total)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "index is %d; accepted is 0..%d", (int)index, (int)options_total - 1);
    *info = options_rows[index].info;
    return spr__ok(error);
}
