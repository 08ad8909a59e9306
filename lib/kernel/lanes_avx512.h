/* SPDX-License-Identifier: MIT
 * Lanes in AVX-512 (F, BW, DQ, VL: every server CPU that has AVX-512 since 2017). */
#define LANES 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c,bmi,bmi2,popcnt,lzcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET

#define vector __m512
#define mask __mmask16

INLINE vector LANE(set)(float a) { return _mm512_set1_ps(a); }
INLINE vector LANE(load)(const float *p) { return _mm512_loadu_ps(p); }
INLINE void LANE(store)(float *p, vector a) { _mm512_storeu_ps(p, a); }
INLINE vector LANE(add)(vector a, vector b) { return _mm512_add_ps(a, b); }
INLINE vector LANE(sub)(vector a, vector b) { return _mm512_sub_ps(a, b); }
INLINE vector LANE(mul)(vector a, vector b) { return _mm512_mul_ps(a, b); }
INLINE vector LANE(div)(vector a, vector b) { return _mm512_div_ps(a, b); }
INLINE vector LANE(min)(vector a, vector b) { return _mm512_min_ps(a, b); }
INLINE vector LANE(max)(vector a, vector b) { return _mm512_max_ps(a, b); }
INLINE mask LANE(gt)(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE mask LANE(ge)(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
INLINE mask LANE(eq)(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE mask LANE(both)(mask a, mask b) { return (mask)(a & b); }
INLINE mask LANE(either)(mask a, mask b) { return (mask)(a | b); }
INLINE uint32_t LANE(bits)(mask a) { return a; }
INLINE mask LANE(from_bits)(uint32_t b) { return (mask)b; }
INLINE vector LANE(select)(mask m, vector a, vector b) { return _mm512_mask_blend_ps(m, b, a); }
INLINE vector LANE(sqrt)(vector a) { return _mm512_sqrt_ps(a); }
INLINE vector LANE(power)(vector a)
{
    __m512i b = _mm512_slli_epi32(_mm512_castps_si512(a), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(b, _mm512_set1_epi32(0x3f800000)));
}
INLINE void LANE(store_int)(int32_t *p, vector a) { _mm512_storeu_si512(p, _mm512_cvttps_epi32(a)); }
INLINE void LANE(put)(int32_t *p, mask m, int32_t value) { _mm512_mask_storeu_epi32(p, m, _mm512_set1_epi32(value)); }
INLINE vector LANE(load_half)(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
INLINE vector LANE(load_bfloat)(const uint16_t *p)
{
    __m512i b = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(b, 16));
}
INLINE vector LANE(set_bits)(int32_t a) { return _mm512_castsi512_ps(_mm512_set1_epi32(a)); }
INLINE vector LANE(load_bits)(const int32_t *p) { return _mm512_castsi512_ps(_mm512_loadu_si512(p)); }
INLINE void LANE(store_bits)(int32_t *p, vector a) { _mm512_storeu_si512(p, _mm512_castps_si512(a)); }
INLINE void LANE(transpose)(const float *source, int64_t source_step, float *destination, int64_t step)
{
    __m512 a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = _mm512_loadu_ps(source + i * source_step);
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            __m512d low = _mm512_castps_pd(b[i + j]), high = _mm512_castps_pd(b[i + j + 2]);
            a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        a[i] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88);
        a[i + 8] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd);
    }
    for (int i = 0; i < 16; i++)
        _mm512_storeu_ps(destination + i * step, a[i]);
}
INLINE float LANE(largest)(vector a) { return _mm512_reduce_max_ps(a); }
