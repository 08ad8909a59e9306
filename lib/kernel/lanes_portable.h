/* SPDX-License-Identifier: MIT
 * Lanes in plain C: what every other lanes_*.h does with instructions. */
#define LANES 8
#define TARGET

typedef struct { float x[LANES]; } LANE(vector);
typedef struct { uint32_t x[LANES]; } LANE(mask);
#define vector LANE(vector)
#define mask LANE(mask)

#define EACH for (int lane = 0; lane < LANES; lane++)
static inline vector LANE(set)(float a) { vector r; EACH r.x[lane] = a; return r; }
static inline vector LANE(load)(const float *p) { vector r; EACH r.x[lane] = p[lane]; return r; }
static inline void LANE(store)(float *p, vector a) { EACH p[lane] = a.x[lane]; }
static inline vector LANE(add)(vector a, vector b) { EACH a.x[lane] = a.x[lane] + b.x[lane]; return a; }
static inline vector LANE(sub)(vector a, vector b) { EACH a.x[lane] = a.x[lane] - b.x[lane]; return a; }
static inline vector LANE(mul)(vector a, vector b) { EACH a.x[lane] = a.x[lane] * b.x[lane]; return a; }
static inline vector LANE(div)(vector a, vector b) { EACH a.x[lane] = a.x[lane] / b.x[lane]; return a; }
static inline vector LANE(min)(vector a, vector b) { EACH a.x[lane] = a.x[lane] < b.x[lane] ? a.x[lane] : b.x[lane]; return a; }
static inline vector LANE(max)(vector a, vector b) { EACH a.x[lane] = a.x[lane] > b.x[lane] ? a.x[lane] : b.x[lane]; return a; }
static inline mask LANE(gt)(vector a, vector b) { mask r; EACH r.x[lane] = a.x[lane] > b.x[lane]; return r; }
static inline mask LANE(ge)(vector a, vector b) { mask r; EACH r.x[lane] = a.x[lane] >= b.x[lane]; return r; }
static inline mask LANE(eq)(vector a, vector b) { mask r; EACH r.x[lane] = a.x[lane] == b.x[lane]; return r; }
static inline mask LANE(both)(mask a, mask b) { EACH a.x[lane] = a.x[lane] & b.x[lane]; return a; }
static inline mask LANE(either)(mask a, mask b) { EACH a.x[lane] = a.x[lane] | b.x[lane]; return a; }
static inline uint32_t LANE(bits)(mask a) { uint32_t r = 0; EACH r |= a.x[lane] << lane; return r; }
static inline mask LANE(from_bits)(uint32_t b) { mask r; EACH r.x[lane] = (b >> lane) & 1; return r; }
static inline vector LANE(select)(mask m, vector a, vector b) { EACH a.x[lane] = m.x[lane] ? a.x[lane] : b.x[lane]; return a; }
static inline vector LANE(sqrt)(vector a) { EACH a.x[lane] = sqrtf(a.x[lane]); return a; }
/* 2^n for a = 1.5*2^23 + n with n in -126..127: the low bits of a are moved to the exponent. */
static inline vector LANE(power)(vector a)
{
    EACH {
        uint32_t b;
        memcpy(&b, &a.x[lane], 4);
        b = (b << 23) + 0x3f800000u;
        memcpy(&a.x[lane], &b, 4);
    }
    return a;
}
static inline void LANE(store_int)(int32_t *p, vector a) { EACH p[lane] = (int32_t)a.x[lane]; }
/* p[lane] = value where the mask is set */
static inline void LANE(put)(int32_t *p, mask m, int32_t value) { EACH if (m.x[lane]) p[lane] = value; }
static inline vector LANE(load_half)(const uint16_t *p) { vector r; EACH r.x[lane] = spr__half_to_float(p[lane]); return r; }
static inline vector LANE(load_bfloat)(const uint16_t *p) { vector r; EACH r.x[lane] = spr__bfloat_to_float(p[lane]); return r; }
/* whole numbers travelling in a vector, untouched by arithmetic */
static inline vector LANE(set_bits)(int32_t a) { vector r; EACH memcpy(&r.x[lane], &a, 4); return r; }
static inline vector LANE(load_bits)(const int32_t *p) { vector r; memcpy(&r, p, sizeof r); return r; }
static inline void LANE(store_bits)(int32_t *p, vector a) { memcpy(p, &a, sizeof a); }
/* destination[c][r] = source[r][c] for LANES x LANES floats */
static inline void LANE(transpose)(const float *source, int64_t source_step, float *destination, int64_t step)
{
    for (int r = 0; r < LANES; r++)
        EACH destination[lane * step + r] = source[r * source_step + lane];
}
static inline float LANE(largest)(vector a)
{
    float r = a.x[0];
    EACH r = a.x[lane] > r ? a.x[lane] : r;
    return r;
}
#undef EACH
