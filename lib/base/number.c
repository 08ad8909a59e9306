/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LONGEST = 400 };

static size_t number_skip_digits(const char *text, size_t bytes, size_t at)
{
    while (at < bytes && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

static size_t number_skip_sign(const char *text, size_t bytes, size_t at)
{
    return at < bytes && (text[at] == '-' || text[at] == '+') ? at + 1 : at;
}

int spr__number_real(const char *text, size_t bytes, double *number)
{
    char copy[NUMBER_LONGEST + 1];
    size_t whole = number_skip_sign(text, bytes, 0), at = number_skip_digits(text, bytes, whole), point = bytes;
    size_t digits = at - whole;
    if (at < bytes && text[at] == '.') {
        point = at;
        at = number_skip_digits(text, bytes, at + 1);
        digits += at - point - 1;
    }
    if (digits == 0 || bytes > NUMBER_LONGEST)
        return 0;
    if (at < bytes && (text[at] == 'e' || text[at] == 'E')) {
        const size_t exponent = number_skip_sign(text, bytes, at + 1);
        at = number_skip_digits(text, bytes, exponent);
        if (at == exponent)
            return 0;
    }
    if (at != bytes)
        return 0;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (point < bytes)
        copy[point] = localeconv()->decimal_point[0];
    *number = strtod(copy, NULL);
    return 1;
}

int spr__number_integer(const char *text, size_t bytes, int64_t *number)
{
    size_t at = number_skip_sign(text, bytes, 0);
    uint64_t value = 0;
    const int negative = at > 0 && text[0] == '-';
    if (at == bytes || number_skip_digits(text, bytes, at) != bytes)
        return 0;
    for (; at < bytes; at++) {
        const uint64_t digit = (uint64_t)(text[at] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            return 0;
        value = 10 * value + digit;
    }
    *number = negative ? -(int64_t)value : (int64_t)value;
    return 1;
}

size_t spr__number_write(double number, char *text)
{
    const char point = localeconv()->decimal_point[0];
    int length = snprintf(text, 32, "%.17g", number);
    if (strtod(text, NULL) == number) {
        char shorter[32];
        for (int digits = 1; digits < 17; digits++) {
            int size = snprintf(shorter, sizeof shorter, "%.*g", digits, number);
            if (strtod(shorter, NULL) == number) {
                memcpy(text, shorter, (size_t)size + 1);
                length = size;
                break;
            }
        }
    }
    for (char *c = text; *c != '\0'; c++)
        *c = *c == point ? '.' : *c;
    return (size_t)length;
}
