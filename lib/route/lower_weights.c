/* SPDX-License-Identifier: MIT
 * Weights of the constraints.
 *
 * Claim: the states of the problem with an energy <= known are tables that keep all constraints, with energy H, and the
 * right auxiliary bits; so both have the same minimum and the same minimisers.
 *
 * Let F be H with the auxiliary bits in place of the ORs, v_i the violation of constraint i (a whole number; of an OR,
 * x (1 - y)), lambda_i its multiplier, need_t the token's experts, and |J| the most negative pair.
 * 1. The energy is E = F + sum weight_i v_i^2, and F = H where all v_i = 0.
 * 2. For every state F + sum lambda_i v_i + sum_t (need_t + 1)/2 |J| max(v_t, 0)^2 >= D, the bound of lower_bound.c:
 *    balances and squares lie above their tangents; slack has a multiplier >= 0, so none is cheapest;
 *    x (1 - y) >= x - y, with a multiplier >= 0; and a token with n = need_t + v experts has pairs of at least the sum
 *    of its experts' shares (half of the k - 1 most negative pairs of each), less n v |J|/2 where v > 0, and
 *    n v <= (need_t + 1) v^2. What is left is linear: each bit takes its cheaper value, and a token's
 *    sum_e (c_e - alpha) x_e + alpha need_t is least where x takes the need_t cheapest, with alpha between the dearest
 *    of these and the cheapest of the others.
 * 3. So E >= D + sum_i (weight_i v_i^2 - |lambda_i| |v_i|), with (need_t + 1)/2 |J| taken off the weights of tokens,
 *    and |v_i| <= v_i^2: with weight_i = |lambda_i| + (known - D) + margin, a state that violates anything has
 *    E >= D + (known - D) + margin > known. A constraint without a row in the problem has multiplier 0, or is one that
 *    no state can violate.
 * 4. Bits that are fixed, or are the same variable, leave fewer states: what holds for all holds for them, and D may be
 *    that of the fewer states.
 * 5. A table that keeps all constraints, however bad, has no better auxiliary bits than the ORs and the room left:
 *    with them all penalties are 0; a bit that is 1 for nothing costs >= 0; an OR's bit that is 0 costs a weight, which
 *    is at least the most that the bit can save (of an active expert, on a device with A of them, m + q (A - 1/2)).
 * Weights are rounded up to multiples of one power of two, about 1e-6 of the scale: sums of penalties are exact. */
#include "lower.h"

#include <math.h>

#include "../base/exact.h"

/* relative to the largest coefficient of H and the gap */
#define LOWER_WEIGHTS_MARGIN 1e-6

void spr__lower_weights_open(const spr_lowering *l, const spr__lower_dual *d, spr__lower_weights *weights)
{
    weights->gap = l->known > d->bound ? l->known - d->bound : 0.0;
    weights->gap += 1e-15 * d->magnitude;
    weights->margin = LOWER_WEIGHTS_MARGIN * (l->unit + weights->gap);
    weights->grid = ldexp(1.0, ilogb(weights->margin));
    weights->smallest = INFINITY;
    weights->largest = 0.0;
}

double spr__lower_weight(spr__lower_weights *weights, double multiplier, double least)
{
    double weight = fabs(multiplier) + weights->gap;
    weight = (weight > least ? weight : least) + weights->margin;
    weight = ceil(weight / weights->grid) * weights->grid;
    weights->smallest = weight < weights->smallest ? weight : weights->smallest;
    weights->largest = weight > weights->largest ? weight : weights->largest;
    return weight;
}

/* alpha nearest to 0, and what pairs ask for. */
double spr__lower_token_multiplier(const spr__lower_dual *d, const spr_lowering *l, int64_t t)
{
    const double low = d->low[t], high = d->high[t];
    const double alpha = low > 0.0 ? low : high < 0.0 ? high : 0.0;
    return fabs(alpha) + 0.5 * (double)(l->terms.need[t] + 1) * d->pair_least;
}
