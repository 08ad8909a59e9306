/* SPDX-License-Identifier: MIT
 * The variant in plain C. */
#include "kernel.h"
#include "../../include/spinroute.h"
#include "../base/half.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/exact.h"
#include "fast.h"

#define VARIANT "portable"
#define LANE(name) spr__portable_##name
#include "lanes_portable.h"
#include "body.h"

const spr__kernel *spr__portable_kernel(void)
{
    return &spr__portable_table;
}
