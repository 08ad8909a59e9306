/* SPDX-License-Identifier: MIT
 * Kernel template, part: combine weights of selected experts. */

KERNEL void LANE(weigh)(float *logits, int32_t k, const spr__weighting *weighting, const float *maximum,
                        const float *sum)
{
    const vector none = SET(-INFINITY), zero = SET(0.0f), scale = SET(weighting->scale);
    for (int64_t r = 0; r < SPR_BLOCK; r += LANES) {
        vector top = none, total = zero;
        if (weighting->score == SPR_SCORE_SOFTMAX) {
            top = LOAD(maximum + r);
        } else if (weighting->score == SPR_SCORE_SOFTMAX_SELECTED) {
            for (int32_t j = 0; j < k; j++)
                top = MAX(top, LOAD(logits + j * SPR_BLOCK + r));
            top = SELECT(GT(top, none), top, zero);
        }
        for (int32_t j = 0; j < k; j++) {
            vector x = LOAD(logits + j * SPR_BLOCK + r), s;
            if (weighting->score == SPR_SCORE_SIGMOID)
                s = LANE(sigmoid)(x);
            else if (weighting->score == SPR_SCORE_SQRT_SOFTPLUS)
                s = LANE(sqrt_softplus)(x);
            else
                s = LANE(exp)(SUB(x, top));
            if (weighting->score == SPR_SCORE_SOFTMAX)
                s = DIV(s, LOAD(sum + r));
            s = SELECT(GT(x, none), s, zero);
            total = ADD(total, s);
            STORE(logits + j * SPR_BLOCK + r, s);
        }
        if (weighting->score == SPR_SCORE_SOFTMAX_SELECTED)
            total = SELECT(GT(total, zero), total, SET(1.0f));
        else if (weighting->normalize)
            total = ADD(total, SET(weighting->epsilon));
        else
            total = SET(1.0f);
        /* nothing selected, or scores that all underflowed: weights 0, not NaN */
        total = SELECT(GT(total, zero), total, SET(1.0f));
        for (int32_t j = 0; j < k; j++)
            STORE(logits + j * SPR_BLOCK + r, MUL(DIV(LOAD(logits + j * SPR_BLOCK + r), total), scale));
    }
}
