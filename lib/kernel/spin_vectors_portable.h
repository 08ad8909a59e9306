/* SPDX-License-Identifier: MIT
 * Vectors of whole numbers and floats in plain C: 16 bytes where the compiler knows vectors of its own, else one number. */
#define TARGET
#if defined(__GNUC__) && !defined(SPR_PLAIN_C)
#define INLINE static inline __attribute__((always_inline))
enum { SPIN(small_lanes) = 16, SPIN(half_lanes) = 8, SPIN(real_lanes) = 4 };
#define VECTOR(type, bytes) __attribute__((vector_size(bytes))) type
typedef VECTOR(int16_t, 16) SPIN(halves);
typedef VECTOR(uint16_t, 16) SPIN(unsigned_halves);
typedef VECTOR(int8_t, 16) SPIN(smalls);
typedef VECTOR(int8_t, 8) SPIN(few_smalls);
typedef VECTOR(int32_t, 16) SPIN(wholes);
typedef VECTOR(float, 16) SPIN(reals);
typedef VECTOR(uint64_t, 16) SPIN(pair);
#undef VECTOR
#define small SPIN(halves)
#define half SPIN(halves)
#define real SPIN(reals)
#define small_mask SPIN(halves)
#define half_mask SPIN(halves)
#define real_mask SPIN(wholes)
#define B(a) ((SPIN(smalls))(a))
#define U(a) ((SPIN(unsigned_halves))(a))
#define H(a) ((SPIN(halves))(a))
#define ALL(a) {a, a, a, a, a, a, a, a}
INLINE int SPIN(any)(SPIN(pair) a) { return (a[0] | a[1]) != 0; }

INLINE small SPIN(small_load)(const int8_t *p) { small a; memcpy(&a, p, sizeof a); return a; }
INLINE void SPIN(small_store)(int8_t *p, small a) { memcpy(p, &a, sizeof a); }
INLINE small SPIN(small_set)(int a)
{
    const SPIN(halves) b = ALL((int16_t)((a & 255) * 257));
    return b;
}
INLINE small SPIN(small_add)(small a, small b) { return H(B(a) + B(b)); }
INLINE small SPIN(small_sub)(small a, small b) { return H(B(a) - B(b)); }
INLINE small_mask SPIN(small_le)(small a, small b) { return H(B(a) <= B(b)); }
INLINE half SPIN(half_load)(const int16_t *p) { half a; memcpy(&a, p, sizeof a); return a; }
INLINE void SPIN(half_store)(int16_t *p, half a) { memcpy(p, &a, sizeof a); }
INLINE half SPIN(half_widen)(const int8_t *p)
{
    SPIN(few_smalls) a;
    memcpy(&a, p, sizeof a);
    return __builtin_convertvector(a, half);
}
INLINE half SPIN(half_set)(int a) { const SPIN(halves) b = ALL((int16_t)a); return b; }
/* the upper half of products, from bytes */
INLINE half SPIN(half_high)(half a, half b)
{
    const SPIN(unsigned_halves) a1 = U(a) >> 8, a0 = U(a) & 255, b1 = U(b) >> 8, b0 = U(b) & 255;
    const SPIN(unsigned_halves) m1 = a1 * b0 + (a0 * b0 >> 8), m2 = a0 * b1 + (m1 & 255);
    return H(a1 * b1 + (m1 >> 8) + (m2 >> 8));
}
INLINE half SPIN(half_least)(half a, half b)
{
    const half m = H(U(a) < U(b));
    return (a & m) | (b & ~m);
}
INLINE half SPIN(half_most)(half a, half b)
{
    const half m = H(U(a) > U(b));
    return (a & m) | (b & ~m);
}
INLINE half SPIN(half_shift)(half a, int by) { return H(U(a) >> (uint16_t)by); }
INLINE uint32_t SPIN(half_bits)(half_mask m)
{
    const SPIN(few_smalls) bytes = __builtin_convertvector(m, SPIN(few_smalls));
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)(bytes[i] & 1 << (i & 7)) & (uint64_t)1 << i;
    return (uint32_t)x;
}
INLINE int SPIN(small_any)(small_mask m) { return SPIN(any)((SPIN(pair))m); }
INLINE real SPIN(real_load)(const float *p) { real a; memcpy(&a, p, sizeof a); return a; }
INLINE void SPIN(real_store)(float *p, real a) { memcpy(p, &a, sizeof a); }
INLINE real SPIN(real_set)(float a) { const real b = {a, a, a, a}; return b; }
INLINE uint32_t SPIN(real_bits)(real_mask m)
{
    return (uint32_t)((m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8));
}
INLINE int SPIN(real_any)(real_mask m) { return SPIN(any)((SPIN(pair))m); }
INLINE real SPIN(real_turn)(real a, const int32_t *state)
{
    SPIN(wholes) x;
    memcpy(&x, state, sizeof x);
    return (real)((SPIN(wholes))a ^ (x & INT32_MIN));
}
INLINE real SPIN(real_flip)(real_mask m, int32_t *state)
{
    SPIN(wholes) x, y;
    memcpy(&x, state, sizeof x);
    y = x ^ m;
    memcpy(state, &y, sizeof y);
    return __builtin_convertvector(m & (x | 1), real);
}
INLINE real SPIN(real_small)(const int8_t *p) { const real a = {p[0], p[1], p[2], p[3]}; return a; }
INLINE real SPIN(real_half)(const int16_t *p) { const real a = {p[0], p[1], p[2], p[3]}; return a; }
INLINE real SPIN(real_where)(real_mask m, real a, real b) { return (real)((m & (SPIN(wholes))a) | (~m & (SPIN(wholes))b)); }
#undef ALL
#undef B
#undef U
#undef H
#else
#define INLINE static inline
enum { SPIN(small_lanes) = 1, SPIN(half_lanes) = 1, SPIN(real_lanes) = 1 };
#define small int16_t
#define half int16_t
#define real float
#define small_mask int16_t
#define half_mask int16_t
#define real_mask int32_t
INLINE small SPIN(small_load)(const int8_t *p) { return *p; }
INLINE void SPIN(small_store)(int8_t *p, small a) { *p = (int8_t)a; }
INLINE small SPIN(small_set)(int a) { return (small)a; }
INLINE small SPIN(small_add)(small a, small b) { return (small)(int8_t)(a + b); }
INLINE small SPIN(small_sub)(small a, small b) { return (small)(int8_t)(a - b); }
INLINE small_mask SPIN(small_le)(small a, small b) { return (small_mask)-(a <= b); }
INLINE int SPIN(small_any)(small_mask m) { return m != 0; }
INLINE half SPIN(half_load)(const int16_t *p) { return *p; }
INLINE void SPIN(half_store)(int16_t *p, half a) { *p = a; }
INLINE half SPIN(half_widen)(const int8_t *p) { return *p; }
INLINE half SPIN(half_set)(int a) { return (half)a; }
INLINE half SPIN(half_high)(half a, half b) { return (half)((uint32_t)(uint16_t)a * (uint16_t)b >> 16); }
INLINE half SPIN(half_least)(half a, half b) { return (uint16_t)a < (uint16_t)b ? a : b; }
INLINE half SPIN(half_most)(half a, half b) { return (uint16_t)a > (uint16_t)b ? a : b; }
INLINE half SPIN(half_shift)(half a, int by) { return (half)((uint16_t)a >> by); }
INLINE uint32_t SPIN(half_bits)(half_mask m) { return m & 1; }
INLINE real SPIN(real_load)(const float *p) { return *p; }
INLINE void SPIN(real_store)(float *p, real a) { *p = a; }
INLINE real SPIN(real_set)(float a) { return a; }
INLINE real SPIN(real_small)(const int8_t *p) { return *p; }
INLINE real SPIN(real_half)(const int16_t *p) { return *p; }
INLINE real SPIN(real_where)(real_mask m, real a, real b) { return m != 0 ? a : b; }
INLINE uint32_t SPIN(real_bits)(real_mask m) { return m & 1; }
INLINE int SPIN(real_any)(real_mask m) { return m != 0; }
INLINE real SPIN(real_turn)(real a, const int32_t *state) { return *state != 0 ? -a : a; }
INLINE real SPIN(real_flip)(real_mask m, int32_t *state)
{
    const int32_t x = *state;
    *state = x ^ m;
    return (real)(m & (x | 1));
}
#endif
/* the same for both */
INLINE int SPIN(half_any)(half_mask m) { return SPIN(small_any)(m); }
INLINE small SPIN(small_not_where)(small_mask m, small a) { return (small)(a ^ m); }
INLINE small SPIN(small_keep)(small_mask m, small a) { return (small)(a & m); }
INLINE half SPIN(half_not_where)(half_mask m, half a) { return (half)(a ^ m); }
INLINE half SPIN(half_keep)(half_mask m, half a) { return (half)(a & m); }
INLINE half SPIN(half_add)(half a, half b) { return (half)(a + b); }
INLINE half SPIN(half_sub)(half a, half b) { return (half)(a - b); }
INLINE half SPIN(half_mul)(half a, half b) { return (half)(a * b); }
INLINE half SPIN(half_abs)(half a) { const half m = (half)(a >> 15); return (half)((a ^ m) - m); }
INLINE half SPIN(half_halve)(half a) { return (half)(a >> 1); }
INLINE half_mask SPIN(half_le)(half a, half b)
{
#if defined(__GNUC__) && !defined(SPR_PLAIN_C)
    return a <= b;
#else
    return (half_mask)-(a <= b);
#endif
}
INLINE half_mask SPIN(half_eq)(half a, half b)
{
#if defined(__GNUC__) && !defined(SPR_PLAIN_C)
    return a == b;
#else
    return (half_mask)-(a == b);
#endif
}
INLINE small SPIN(and)(small a, small b) { return (small)(a & b); }
INLINE small SPIN(or)(small a, small b) { return (small)(a | b); }
INLINE small SPIN(xor)(small a, small b) { return (small)(a ^ b); }
INLINE small SPIN(without)(small a, small b) { return (small)(b & ~a); }
INLINE real SPIN(real_add)(real a, real b) { return a + b; }
INLINE real SPIN(real_mul)(real a, real b) { return a * b; }
INLINE real_mask SPIN(real_le)(real a, real b)
{
#if defined(__GNUC__) && !defined(SPR_PLAIN_C)
    return a <= b;
#else
    return (real_mask)-(a <= b);
#endif
}
