/* SPDX-License-Identifier: MIT
 * The library's own backends, one folder each; the registry lists them. */
#ifndef SPR_BACKEND_BACKENDS_H
#define SPR_BACKEND_BACKENDS_H

#include "../../include/spinroute/backend.h"

extern const spr_backend spr__backend_exact;
extern const spr_backend spr__backend_descent;
extern const spr_backend spr__backend_anneal;

#endif
