/* SPDX-License-Identifier: MIT
 * Lanes in AVX2 with F16C. */
#define LANES 8
#define TARGET __attribute__((target("avx2,f16c,bmi,bmi2,popcnt,lzcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET

#define vector __m256
#define mask __m256

INLINE vector LANE(set)(float a) { return _mm256_set1_ps(a); }
INLINE vector LANE(load)(const float *p) { return _mm256_loadu_ps(p); }
INLINE void LANE(store)(float *p, vector a) { _mm256_storeu_ps(p, a); }
INLINE vector LANE(add)(vector a, vector b) { return _mm256_add_ps(a, b); }
INLINE vector LANE(sub)(vector a, vector b) { return _mm256_sub_ps(a, b); }
INLINE vector LANE(mul)(vector a, vector b) { return _mm256_mul_ps(a, b); }
INLINE vector LANE(div)(vector a, vector b) { return _mm256_div_ps(a, b); }
INLINE vector LANE(min)(vector a, vector b) { return _mm256_min_ps(a, b); }
INLINE vector LANE(max)(vector a, vector b) { return _mm256_max_ps(a, b); }
INLINE mask LANE(gt)(vector a, vector b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
INLINE mask LANE(ge)(vector a, vector b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
INLINE mask LANE(eq)(vector a, vector b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
INLINE mask LANE(both)(mask a, mask b) { return _mm256_and_ps(a, b); }
INLINE mask LANE(either)(mask a, mask b) { return _mm256_or_ps(a, b); }
INLINE uint32_t LANE(bits)(mask a) { return (uint32_t)_mm256_movemask_ps(a); }
INLINE mask LANE(from_bits)(uint32_t b)
{
    __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)b), each), each));
}
INLINE vector LANE(select)(mask m, vector a, vector b) { return _mm256_blendv_ps(b, a, m); }
INLINE vector LANE(sqrt)(vector a) { return _mm256_sqrt_ps(a); }
INLINE vector LANE(power)(vector a)
{
    __m256i b = _mm256_slli_epi32(_mm256_castps_si256(a), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(b, _mm256_set1_epi32(0x3f800000)));
}
INLINE void LANE(store_int)(int32_t *p, vector a) { _mm256_storeu_si256((__m256i *)(void *)p, _mm256_cvttps_epi32(a)); }
INLINE void LANE(put)(int32_t *p, mask m, int32_t value) { _mm256_maskstore_epi32(p, _mm256_castps_si256(m), _mm256_set1_epi32(value)); }
INLINE vector LANE(load_half)(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
INLINE vector LANE(load_bfloat)(const uint16_t *p)
{
    __m256i b = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(b, 16));
}
INLINE vector LANE(set_bits)(int32_t a) { return _mm256_castsi256_ps(_mm256_set1_epi32(a)); }
INLINE vector LANE(load_bits)(const int32_t *p) { return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
INLINE void LANE(store_bits)(int32_t *p, vector a) { _mm256_storeu_si256((__m256i *)(void *)p, _mm256_castps_si256(a)); }
INLINE void LANE(transpose)(const float *source, int64_t source_step, float *destination, int64_t step)
{
    __m256 a[8], b[8];
    for (int i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps(source + i * source_step);
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            a[i + 2 * j] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0x44);
            a[i + 2 * j + 1] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(destination + i * step, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(destination + (i + 4) * step, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}
INLINE float LANE(largest)(vector a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
