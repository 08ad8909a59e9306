/* SPDX-License-Identifier: MIT
 * Vectors of whole numbers and floats in NEON (64-bit ARM). All whole vectors are int16x8_t; bytes are the same register. */
#define TARGET
#define INLINE static inline __attribute__((always_inline))
enum { SPIN(small_lanes) = 16, SPIN(half_lanes) = 8, SPIN(real_lanes) = 4 };
#define small int16x8_t
#define half int16x8_t
#define real float32x4_t
#define small_mask int16x8_t
#define half_mask int16x8_t
#define real_mask uint32x4_t
#define B(a) vreinterpretq_s8_s16(a)
#define H(a) vreinterpretq_s16_s8(a)

INLINE small SPIN(small_load)(const int8_t *p) { return H(vld1q_s8(p)); }
INLINE void SPIN(small_store)(int8_t *p, small a) { vst1q_s8(p, B(a)); }
INLINE small SPIN(small_set)(int a) { return H(vdupq_n_s8((int8_t)a)); }
INLINE small SPIN(small_add)(small a, small b) { return H(vaddq_s8(B(a), B(b))); }
INLINE small SPIN(small_sub)(small a, small b) { return H(vsubq_s8(B(a), B(b))); }
INLINE small_mask SPIN(small_le)(small a, small b) { return vreinterpretq_s16_u8(vcleq_s8(B(a), B(b))); }
INLINE int SPIN(small_any)(small_mask m) { return vmaxvq_u32(vreinterpretq_u32_s16(m)) != 0; }
INLINE small SPIN(small_not_where)(small_mask m, small a) { return veorq_s16(a, m); }
INLINE small SPIN(small_keep)(small_mask m, small a) { return vandq_s16(m, a); }

INLINE half SPIN(half_load)(const int16_t *p) { return vld1q_s16(p); }
INLINE void SPIN(half_store)(int16_t *p, half a) { vst1q_s16(p, a); }
INLINE half SPIN(half_widen)(const int8_t *p) { return vmovl_s8(vld1_s8(p)); }
INLINE half SPIN(half_set)(int a) { return vdupq_n_s16((int16_t)a); }
INLINE half SPIN(half_add)(half a, half b) { return vaddq_s16(a, b); }
INLINE half SPIN(half_sub)(half a, half b) { return vsubq_s16(a, b); }
INLINE half SPIN(half_mul)(half a, half b) { return vmulq_s16(a, b); }
INLINE half SPIN(half_high)(half a, half b)
{
    const uint16x8_t x = vreinterpretq_u16_s16(a), y = vreinterpretq_u16_s16(b);
    const uint32x4_t low = vmull_u16(vget_low_u16(x), vget_low_u16(y)), high = vmull_high_u16(x, y);
    return vreinterpretq_s16_u16(vuzp2q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high)));
}
INLINE half SPIN(half_least)(half a, half b)
{
    return vreinterpretq_s16_u16(vminq_u16(vreinterpretq_u16_s16(a), vreinterpretq_u16_s16(b)));
}
INLINE half SPIN(half_abs)(half a) { return vabsq_s16(a); }
INLINE half SPIN(half_most)(half a, half b)
{
    return vreinterpretq_s16_u16(vmaxq_u16(vreinterpretq_u16_s16(a), vreinterpretq_u16_s16(b)));
}
INLINE half SPIN(half_shift)(half a, int by)
{
    return vreinterpretq_s16_u16(vshlq_u16(vreinterpretq_u16_s16(a), vdupq_n_s16((int16_t)-by)));
}
INLINE half SPIN(half_halve)(half a) { return vshrq_n_s16(a, 1); }
INLINE half_mask SPIN(half_le)(half a, half b) { return vreinterpretq_s16_u16(vcleq_s16(a, b)); }
INLINE half_mask SPIN(half_eq)(half a, half b) { return vreinterpretq_s16_u16(vceqq_s16(a, b)); }
INLINE uint32_t SPIN(half_bits)(half_mask m)
{
    static const uint16_t place[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    return vaddvq_u16(vandq_u16(vreinterpretq_u16_s16(m), vld1q_u16(place)));
}
INLINE int SPIN(half_any)(half_mask m) { return vmaxvq_u16(vreinterpretq_u16_s16(m)) != 0; }
INLINE half SPIN(half_not_where)(half_mask m, half a) { return veorq_s16(a, m); }
INLINE half SPIN(half_keep)(half_mask m, half a) { return vandq_s16(m, a); }

INLINE small SPIN(and)(small a, small b) { return vandq_s16(a, b); }
INLINE small SPIN(or)(small a, small b) { return vorrq_s16(a, b); }
INLINE small SPIN(xor)(small a, small b) { return veorq_s16(a, b); }
INLINE small SPIN(without)(small a, small b) { return vbicq_s16(b, a); }

INLINE real SPIN(real_load)(const float *p) { return vld1q_f32(p); }
INLINE void SPIN(real_store)(float *p, real a) { vst1q_f32(p, a); }
INLINE real SPIN(real_set)(float a) { return vdupq_n_f32(a); }
INLINE real SPIN(real_add)(real a, real b) { return vaddq_f32(a, b); }
INLINE real SPIN(real_mul)(real a, real b) { return vmulq_f32(a, b); }
INLINE real SPIN(real_half)(const int16_t *p) { return vcvtq_f32_s32(vmovl_s16(vld1_s16(p))); }
INLINE real SPIN(real_small)(const int8_t *p)
{
    const int16_t a[4] = {p[0], p[1], p[2], p[3]};
    return SPIN(real_half)(a);
}
INLINE real SPIN(real_where)(real_mask m, real a, real b) { return vbslq_f32(m, a, b); }
INLINE real_mask SPIN(real_le)(real a, real b) { return vcleq_f32(a, b); }
INLINE uint32_t SPIN(real_bits)(real_mask m)
{
    static const uint32_t place[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(place)));
}
INLINE int SPIN(real_any)(real_mask m) { return vmaxvq_u32(m) != 0; }
INLINE real SPIN(real_turn)(real a, const int32_t *state)
{
    return vreinterpretq_f32_s32(veorq_s32(vreinterpretq_s32_f32(a), vshlq_n_s32(vld1q_s32(state), 31)));
}
INLINE real SPIN(real_flip)(real_mask m, int32_t *state)
{
    const int32x4_t x = vld1q_s32(state);
    vst1q_s32(state, veorq_s32(x, vreinterpretq_s32_u32(m)));
    return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(vcvtq_f32_s32(vorrq_s32(x, vdupq_n_s32(1))))));
}
#undef B
#undef H
