/* SPDX-License-Identifier: MIT
 * Vectors of whole numbers and floats in AVX-512 (F, BW, DQ, VL). */
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c,bmi,bmi2,popcnt,lzcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET
enum { SPIN(small_lanes) = 64, SPIN(half_lanes) = 32, SPIN(real_lanes) = 16 };
#define small __m512i
#define half __m512i
#define real __m512
#define small_mask __mmask64
#define half_mask __mmask32
#define real_mask __mmask16

INLINE small SPIN(small_load)(const int8_t *p) { return _mm512_loadu_si512(p); }
INLINE void SPIN(small_store)(int8_t *p, small a) { _mm512_storeu_si512(p, a); }
INLINE small SPIN(small_set)(int a) { return _mm512_set1_epi8((char)a); }
INLINE small SPIN(small_add)(small a, small b) { return _mm512_add_epi8(a, b); }
INLINE small SPIN(small_sub)(small a, small b) { return _mm512_sub_epi8(a, b); }
INLINE small_mask SPIN(small_le)(small a, small b) { return _mm512_cmple_epi8_mask(a, b); }
INLINE int SPIN(small_any)(small_mask m) { return m != 0; }
INLINE small SPIN(small_not_where)(small_mask m, small a) { return _mm512_xor_si512(a, _mm512_movm_epi8(m)); }
INLINE small SPIN(small_keep)(small_mask m, small a) { return _mm512_maskz_mov_epi8(m, a); }

INLINE half SPIN(half_load)(const int16_t *p) { return _mm512_loadu_si512(p); }
INLINE void SPIN(half_store)(int16_t *p, half a) { _mm512_storeu_si512(p, a); }
INLINE half SPIN(half_widen)(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
INLINE half SPIN(half_set)(int a) { return _mm512_set1_epi16((short)a); }
INLINE half SPIN(half_add)(half a, half b) { return _mm512_add_epi16(a, b); }
INLINE half SPIN(half_sub)(half a, half b) { return _mm512_sub_epi16(a, b); }
INLINE half SPIN(half_mul)(half a, half b) { return _mm512_mullo_epi16(a, b); }
INLINE half SPIN(half_high)(half a, half b) { return _mm512_mulhi_epu16(a, b); }
INLINE half SPIN(half_least)(half a, half b) { return _mm512_min_epu16(a, b); }
INLINE half SPIN(half_abs)(half a) { return _mm512_abs_epi16(a); }
INLINE half SPIN(half_most)(half a, half b) { return _mm512_max_epu16(a, b); }
INLINE half SPIN(half_shift)(half a, int by) { return _mm512_srl_epi16(a, _mm_cvtsi32_si128(by)); }
INLINE half SPIN(half_halve)(half a) { return _mm512_srai_epi16(a, 1); }
INLINE half_mask SPIN(half_le)(half a, half b) { return _mm512_cmple_epi16_mask(a, b); }
INLINE half_mask SPIN(half_eq)(half a, half b) { return _mm512_cmpeq_epi16_mask(a, b); }
INLINE uint32_t SPIN(half_bits)(half_mask m) { return m; }
INLINE int SPIN(half_any)(half_mask m) { return m != 0; }
INLINE half SPIN(half_not_where)(half_mask m, half a) { return _mm512_xor_si512(a, _mm512_movm_epi16(m)); }
INLINE half SPIN(half_keep)(half_mask m, half a) { return _mm512_maskz_mov_epi16(m, a); }

INLINE small SPIN(and)(small a, small b) { return _mm512_and_si512(a, b); }
INLINE small SPIN(or)(small a, small b) { return _mm512_or_si512(a, b); }
INLINE small SPIN(xor)(small a, small b) { return _mm512_xor_si512(a, b); }
/* b without a */
INLINE small SPIN(without)(small a, small b) { return _mm512_andnot_si512(a, b); }

INLINE real SPIN(real_load)(const float *p) { return _mm512_loadu_ps(p); }
INLINE void SPIN(real_store)(float *p, real a) { _mm512_storeu_ps(p, a); }
INLINE real SPIN(real_set)(float a) { return _mm512_set1_ps(a); }
INLINE real SPIN(real_add)(real a, real b) { return _mm512_add_ps(a, b); }
INLINE real SPIN(real_mul)(real a, real b) { return _mm512_mul_ps(a, b); }
INLINE real SPIN(real_small)(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
INLINE real SPIN(real_half)(const int16_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
/* a where m, else b */
INLINE real SPIN(real_where)(real_mask m, real a, real b) { return _mm512_mask_blend_ps(m, b, a); }
INLINE real_mask SPIN(real_le)(real a, real b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
INLINE uint32_t SPIN(real_bits)(real_mask m) { return m; }
INLINE int SPIN(real_any)(real_mask m) { return m != 0; }
/* a where state is 0, -a where it is -1 */
INLINE real SPIN(real_turn)(real a, const int32_t *state)
{
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a),
                                                _mm512_slli_epi32(_mm512_loadu_si512(state), 31)));
}
/* where m: state goes to the other one; returns its change 1 or -1, else 0 */
INLINE real SPIN(real_flip)(real_mask m, int32_t *state)
{
    const __m512i x = _mm512_loadu_si512(state);
    _mm512_storeu_si512(state, _mm512_xor_si512(x, _mm512_movm_epi32(m)));
    return _mm512_maskz_cvtepi32_ps(m, _mm512_or_si512(x, _mm512_set1_epi32(1)));
}
