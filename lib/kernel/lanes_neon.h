/* SPDX-License-Identifier: MIT
 * Lanes in NEON (AArch64). */
#define LANES 4
#define TARGET
#define INLINE static inline __attribute__((always_inline))

#define vector float32x4_t
#define mask uint32x4_t

INLINE vector LANE(set)(float a) { return vdupq_n_f32(a); }
INLINE vector LANE(load)(const float *p) { return vld1q_f32(p); }
INLINE void LANE(store)(float *p, vector a) { vst1q_f32(p, a); }
INLINE vector LANE(add)(vector a, vector b) { return vaddq_f32(a, b); }
INLINE vector LANE(sub)(vector a, vector b) { return vsubq_f32(a, b); }
INLINE vector LANE(mul)(vector a, vector b) { return vmulq_f32(a, b); }
INLINE vector LANE(div)(vector a, vector b) { return vdivq_f32(a, b); }
INLINE vector LANE(min)(vector a, vector b) { return vminq_f32(a, b); }
INLINE vector LANE(max)(vector a, vector b) { return vmaxq_f32(a, b); }
INLINE mask LANE(gt)(vector a, vector b) { return vcgtq_f32(a, b); }
INLINE mask LANE(ge)(vector a, vector b) { return vcgeq_f32(a, b); }
INLINE mask LANE(eq)(vector a, vector b) { return vceqq_f32(a, b); }
INLINE mask LANE(both)(mask a, mask b) { return vandq_u32(a, b); }
INLINE mask LANE(either)(mask a, mask b) { return vorrq_u32(a, b); }
INLINE uint32_t LANE(bits)(mask a)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(a, vld1q_u32(each)));
}
INLINE mask LANE(from_bits)(uint32_t b)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    return vtstq_u32(vdupq_n_u32(b), vld1q_u32(each));
}
INLINE vector LANE(select)(mask m, vector a, vector b) { return vbslq_f32(m, a, b); }
INLINE vector LANE(sqrt)(vector a) { return vsqrtq_f32(a); }
INLINE vector LANE(power)(vector a)
{
    uint32x4_t b = vshlq_n_u32(vreinterpretq_u32_f32(a), 23);
    return vreinterpretq_f32_u32(vaddq_u32(b, vdupq_n_u32(0x3f800000u)));
}
INLINE void LANE(store_int)(int32_t *p, vector a) { vst1q_s32(p, vcvtq_s32_f32(a)); }
INLINE void LANE(put)(int32_t *p, mask m, int32_t value) { vst1q_s32(p, vbslq_s32(m, vdupq_n_s32(value), vld1q_s32(p))); }
INLINE vector LANE(load_half)(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
INLINE vector LANE(load_bfloat)(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
INLINE vector LANE(set_bits)(int32_t a) { return vreinterpretq_f32_s32(vdupq_n_s32(a)); }
INLINE vector LANE(load_bits)(const int32_t *p) { return vreinterpretq_f32_s32(vld1q_s32(p)); }
INLINE void LANE(store_bits)(int32_t *p, vector a) { vst1q_s32(p, vreinterpretq_s32_f32(a)); }
INLINE void LANE(transpose)(const float *source, int64_t source_step, float *destination, int64_t step)
{
    float32x4x2_t a = vtrnq_f32(vld1q_f32(source), vld1q_f32(source + source_step));
    float32x4x2_t b = vtrnq_f32(vld1q_f32(source + 2 * source_step), vld1q_f32(source + 3 * source_step));
    vst1q_f32(destination, vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0])));
    vst1q_f32(destination + step, vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1])));
    vst1q_f32(destination + 2 * step, vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0])));
    vst1q_f32(destination + 3 * step, vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1])));
}
INLINE float LANE(largest)(vector a) { return vmaxvq_f32(a); }
