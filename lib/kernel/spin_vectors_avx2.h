/* SPDX-License-Identifier: MIT
 * Vectors of whole numbers and floats in AVX2. */
#define TARGET __attribute__((target("avx2,f16c,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET
enum { SPIN(small_lanes) = 32, SPIN(half_lanes) = 16, SPIN(real_lanes) = 8 };
#define small __m256i
#define half __m256i
#define real __m256
#define small_mask __m256i
#define half_mask __m256i
#define real_mask __m256

INLINE small SPIN(small_load)(const int8_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE void SPIN(small_store)(int8_t *p, small a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
INLINE small SPIN(small_set)(int a) { return _mm256_set1_epi8((char)a); }
INLINE small SPIN(small_add)(small a, small b) { return _mm256_add_epi8(a, b); }
INLINE small SPIN(small_sub)(small a, small b) { return _mm256_sub_epi8(a, b); }
INLINE small_mask SPIN(small_le)(small a, small b) { return _mm256_cmpeq_epi8(_mm256_max_epi8(a, b), b); }
INLINE int SPIN(small_any)(small_mask m) { return !_mm256_testz_si256(m, m); }
INLINE small SPIN(small_not_where)(small_mask m, small a) { return _mm256_xor_si256(a, m); }
INLINE small SPIN(small_keep)(small_mask m, small a) { return _mm256_and_si256(m, a); }

INLINE half SPIN(half_load)(const int16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE void SPIN(half_store)(int16_t *p, half a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
INLINE half SPIN(half_widen)(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p)); }
INLINE half SPIN(half_set)(int a) { return _mm256_set1_epi16((short)a); }
INLINE half SPIN(half_add)(half a, half b) { return _mm256_add_epi16(a, b); }
INLINE half SPIN(half_sub)(half a, half b) { return _mm256_sub_epi16(a, b); }
INLINE half SPIN(half_mul)(half a, half b) { return _mm256_mullo_epi16(a, b); }
INLINE half SPIN(half_high)(half a, half b) { return _mm256_mulhi_epu16(a, b); }
INLINE half SPIN(half_least)(half a, half b) { return _mm256_min_epu16(a, b); }
INLINE half SPIN(half_abs)(half a) { return _mm256_abs_epi16(a); }
INLINE half SPIN(half_most)(half a, half b) { return _mm256_max_epu16(a, b); }
INLINE half SPIN(half_shift)(half a, int by) { return _mm256_srl_epi16(a, _mm_cvtsi32_si128(by)); }
INLINE half SPIN(half_halve)(half a) { return _mm256_srai_epi16(a, 1); }
INLINE half_mask SPIN(half_le)(half a, half b) { return _mm256_cmpeq_epi16(_mm256_max_epi16(a, b), b); }
INLINE half_mask SPIN(half_eq)(half a, half b) { return _mm256_cmpeq_epi16(a, b); }
INLINE uint32_t SPIN(half_bits)(half_mask m)
{
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1)));
}
INLINE int SPIN(half_any)(half_mask m) { return !_mm256_testz_si256(m, m); }
INLINE half SPIN(half_not_where)(half_mask m, half a) { return _mm256_xor_si256(a, m); }
INLINE half SPIN(half_keep)(half_mask m, half a) { return _mm256_and_si256(m, a); }

INLINE small SPIN(and)(small a, small b) { return _mm256_and_si256(a, b); }
INLINE small SPIN(or)(small a, small b) { return _mm256_or_si256(a, b); }
INLINE small SPIN(xor)(small a, small b) { return _mm256_xor_si256(a, b); }
INLINE small SPIN(without)(small a, small b) { return _mm256_andnot_si256(a, b); }

INLINE real SPIN(real_load)(const float *p) { return _mm256_loadu_ps(p); }
INLINE void SPIN(real_store)(float *p, real a) { _mm256_storeu_ps(p, a); }
INLINE real SPIN(real_set)(float a) { return _mm256_set1_ps(a); }
INLINE real SPIN(real_add)(real a, real b) { return _mm256_add_ps(a, b); }
INLINE real SPIN(real_mul)(real a, real b) { return _mm256_mul_ps(a, b); }
INLINE real SPIN(real_small)(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
INLINE real SPIN(real_half)(const int16_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
INLINE real SPIN(real_where)(real_mask m, real a, real b) { return _mm256_blendv_ps(b, a, m); }
INLINE real_mask SPIN(real_le)(real a, real b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
INLINE uint32_t SPIN(real_bits)(real_mask m) { return (uint32_t)_mm256_movemask_ps(m); }
INLINE int SPIN(real_any)(real_mask m) { return _mm256_movemask_ps(m) != 0; }
INLINE real SPIN(real_turn)(real a, const int32_t *state)
{
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)state);
    return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(x, 31)));
}
INLINE real SPIN(real_flip)(real_mask m, int32_t *state)
{
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)state);
    _mm256_storeu_si256((__m256i *)(void *)state, _mm256_xor_si256(x, _mm256_castps_si256(m)));
    return _mm256_and_ps(m, _mm256_cvtepi32_ps(_mm256_or_si256(x, _mm256_set1_epi32(1))));
}
