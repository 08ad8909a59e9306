/* SPDX-License-Identifier: MIT
 * Options of a plan: one struct field, one enum and one table row per row of options.def. */
#ifndef SPR_ROUTE_OPTIONS_H
#define SPR_ROUTE_OPTIONS_H

#include "../base/error.h"

typedef struct spr__options {
#define INTEGER(name, standard, minimum, maximum, summary) int64_t name;
#define REAL(name, standard, minimum, maximum, summary) double name;
#define CHOICE2(name, a, b, summary) int64_t name;
#define CHOICE3(name, a, b, c, summary) int64_t name;
#define CHOICE4(name, a, b, c, d, summary) int64_t name;
#define CHOICE5(name, a, b, c, d, e, summary) int64_t name;
#include "options.def"
#undef INTEGER
#undef REAL
#undef CHOICE2
#undef CHOICE3
#undef CHOICE4
#undef CHOICE5
} spr__options;

#define INTEGER(name, standard, minimum, maximum, summary)
#define REAL(name, standard, minimum, maximum, summary)
#define CHOICE2(name, a, b, summary) enum { spr__##name##_##a, spr__##name##_##b };
#define CHOICE3(name, a, b, c, summary) enum { spr__##name##_##a, spr__##name##_##b, spr__##name##_##c };
#define CHOICE4(name, a, b, c, d, summary) \
    enum { spr__##name##_##a, spr__##name##_##b, spr__##name##_##c, spr__##name##_##d };
#define CHOICE5(name, a, b, c, d, e, summary) \
    enum { spr__##name##_##a, spr__##name##_##b, spr__##name##_##c, spr__##name##_##d, spr__##name##_##e };
#include "options.def"
#undef INTEGER
#undef REAL
#undef CHOICE2
#undef CHOICE3
#undef CHOICE4
#undef CHOICE5

void spr__options_reset(spr__options *options);

/* Each returns SPR_OK, SPR_ERROR_OPTION_NAME, SPR_ERROR_OPTION_TYPE or SPR_ERROR_OPTION_RANGE. */
spr_status spr__options_set_integer(spr__options *options, const char *name, int64_t value, spr_error *error);
spr_status spr__options_set_real(spr__options *options, const char *name, double value, spr_error *error);
spr_status spr__options_set_text(spr__options *options, const char *name, const char *value, spr_error *error);
spr_status spr__options_get_integer(const spr__options *options, const char *name, int64_t *value, spr_error *error);
spr_status spr__options_get_real(const spr__options *options, const char *name, double *value, spr_error *error);
spr_status spr__options_get_text(const spr__options *options, const char *name, const char **value, spr_error *error);

#endif
