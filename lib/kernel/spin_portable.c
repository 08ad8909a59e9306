/* SPDX-License-Identifier: MIT
 * The annealer's loops in plain C. */
#include "spin.h"
#include "../base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "spin_places.h"
#include "../base/exact.h"
#include "fast.h"

#define VARIANT "portable"
#define SPIN(name) spr__portable_spin_##name
#include "spin_vectors_portable.h"
#include "body_spin.h"

const spr__spin_kernel *spr__portable_spin(void)
{
    return &spr__portable_spin_table;
}
