/* SPDX-License-Identifier: MIT
 * Include last, in every file that computes with floating point: multiplications and additions are never fused, so that
 * all CPUs, compilers and flags give the same bits. (-ffast-math overrides this and voids the promise.) */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
