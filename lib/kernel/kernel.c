/* SPDX-License-Identifier: MIT
 * Which kernel variants this CPU has. */
#include "kernel.h"
#include "../base/cpu.h"

#include <stddef.h>
#include <string.h>

const spr__kernel *spr__kernel_find(const char *name)
{
    if (strcmp(name, "portable") == 0)
        return spr__portable_kernel();
    if (strcmp(name, "avx2") == 0 && spr__cpu_has_avx2())
        return spr__avx2_kernel();
    if (strcmp(name, "avx512") == 0 && spr__cpu_has_avx512())
        return spr__avx512_kernel();
    if (strcmp(name, "neon") == 0)
        return spr__neon_kernel();
    return NULL;
}

const spr__kernel *spr__kernel_best(void)
{
    static const char *const order[] = {"avx512", "avx2", "neon"};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const spr__kernel *kernel = spr__kernel_find(order[i]);
        if (kernel != NULL)
            return kernel;
    }
    return spr__portable_kernel();
}
