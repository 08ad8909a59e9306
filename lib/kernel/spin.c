/* SPDX-License-Identifier: MIT
 * Which variants of the annealer's loops this CPU has. */
#include "spin.h"
#include "../base/cpu.h"

#include <stddef.h>
#include <string.h>

const spr__spin_kernel *spr__spin_find(const char *name)
{
    if (strcmp(name, "portable") == 0)
        return spr__portable_spin();
    if (strcmp(name, "avx2") == 0 && spr__cpu_has_avx2())
        return spr__avx2_spin();
    if (strcmp(name, "avx512") == 0 && spr__cpu_has_avx512())
        return spr__avx512_spin();
    if (strcmp(name, "neon") == 0)
        return spr__neon_spin();
    return NULL;
}

const spr__spin_kernel *spr__spin_best(void)
{
    static const char *const order[] = {"avx512", "avx2", "neon"};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const spr__spin_kernel *kernel = spr__spin_find(order[i]);
        if (kernel != NULL)
            return kernel;
    }
    return spr__portable_spin();
}
