/* SPDX-License-Identifier: MIT
 * How a failure becomes a status and a sentence. */
#ifndef SPR_BASE_ERROR_H
#define SPR_BASE_ERROR_H

#include "../../include/spinroute.h"

#if defined(__GNUC__)
#  define SPR_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#  define SPR_PRINTF(format_at, first_at)
#endif

/* Clears *error (may be NULL) and returns SPR_OK. */
spr_status spr__ok(spr_error *error);

/* Writes status and a sentence to *error (may be NULL) and returns status. */
spr_status spr__fail(spr_error *error, spr_status status, const char *format, ...) SPR_PRINTF(3, 4);

#endif
