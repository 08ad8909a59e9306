/* SPDX-License-Identifier: MIT
 * Include last in the kernels: their short loops over lanes and levels want to be unrolled whatever the flags. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)
#pragma GCC optimize("O3")
#endif
