/* SPDX-License-Identifier: MIT
 * What the running CPU (and its operating system) offers. */
#ifndef SPR_BASE_CPU_H
#define SPR_BASE_CPU_H

int spr__cpu_has_avx2(void);             /* AVX2, F16C, BMI, BMI2 */
int spr__cpu_has_avx512(void);           /* AVX-512 F, BW, DQ, VL and the above */

#endif
