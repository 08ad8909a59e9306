/* SPDX-License-Identifier: MIT
 * Half precision numbers to float, exactly. */
#ifndef SPR_BASE_HALF_H
#define SPR_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float spr__bfloat_to_float(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float spr__half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u, fraction = half & 1023u;
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23) | fraction << 13;
    float value;
    if (exponent == 0) {
        /* zero and subnormal: a multiple of 2^-24 */
        value = (float)fraction * 5.9604644775390625e-8f;
        return sign != 0 ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
