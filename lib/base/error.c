/* SPDX-License-Identifier: MIT */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

spr_status spr__ok(spr_error *error)
{
    if (error != NULL) {
        error->status = SPR_OK;
        error->message[0] = '\0';
    }
    return SPR_OK;
}

spr_status spr__fail(spr_error *error, spr_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}
