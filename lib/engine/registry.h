/* SPDX-License-Identifier: MIT
 * The list of backends. */
#ifndef SPR_ENGINE_REGISTRY_H
#define SPR_ENGINE_REGISTRY_H

#include "../../include/spinroute/backend.h"
#include "../base/allocator.h"
#include "../base/error.h"

enum { SPR_REGISTRY_ROOM = 64 };

struct spr_registry {
    spr__memory memory;
    const spr_backend *added[SPR_REGISTRY_ROOM];
    int32_t count;
};

/* Number index of the list: the library's own first. */
const spr_backend *spr__registry_at(const spr_registry *registry, int32_t index);

/* By name, or the one that suits the problem best; with the reason if there is none. */
spr_status spr__registry_choose(const spr_registry *registry, const char *name, const spr_problem_view *problem,
                                const spr_backend **backend, spr_error *error);

#endif
