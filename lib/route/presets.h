/* SPDX-License-Identifier: MIT
 * Named option sets. */
#ifndef SPR_ROUTE_PRESETS_H
#define SPR_ROUTE_PRESETS_H

#include "options.h"

/* Resets the options and applies the preset; SPR_ERROR_OPTION_NAME if there is none of that name. */
spr_status spr__preset_apply(spr__options *options, const char *name, spr_error *error);

#endif
