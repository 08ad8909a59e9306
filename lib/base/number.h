/* SPDX-License-Identifier: MIT
 * Numbers in text, whatever the host's locale. */
#ifndef SPR_BASE_NUMBER_H
#define SPR_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Reads the decimal number that bytes bytes of text are, with a point; nothing before or behind it. Returns 0 if they
 * are none. inf and nan are none; overflow gives an infinity. */
int spr__number_real(const char *text, size_t bytes, double *number);

/* The same for an integer; 0 also when it does not fit. */
int spr__number_integer(const char *text, size_t bytes, int64_t *number);

/* Writes a number so that reading it gives the same bits. text: [32]. Returns its length. */
size_t spr__number_write(double number, char *text);

/* The same for an integer: digits only. */
size_t spr__number_write_integer(int64_t number, char *text);

#endif
