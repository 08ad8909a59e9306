/* SPDX-License-Identifier: MIT
 * Counter-based random numbers: number counter of stream stream under a seed, a pure function of the three, so that any
 * of them can be drawn anywhere in any order. The mixing is the finaliser of splitmix64 (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014; constants by D. Stafford), applied twice. */
#ifndef SPR_BASE_RANDOM_H
#define SPR_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t spr__mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* One stream of numbers. */
static inline uint64_t spr__random_key(uint64_t seed, uint64_t stream)
{
    return spr__mix(seed * 0x9E3779B97F4A7C15u + stream * 0xD1B54A32D192ED03u + 0x632BE59BD9B4E019u);
}

static inline uint64_t spr__random_at(uint64_t key, uint64_t counter)
{
    return spr__mix(key + (counter + 1) * 0x9E3779B97F4A7C15u);
}

static inline uint64_t spr__random(uint64_t seed, uint64_t stream, uint64_t counter)
{
    return spr__random_at(spr__random_key(seed, stream), counter);
}

#endif
