/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"

/* NUMBER_EXACT: digits that a double always holds. */
enum { NUMBER_LONGEST = 400, NUMBER_LONGEST_POINT = 16, NUMBER_EXACT = 15 };

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

/* Few digits and a point: both the digits and the power of ten are exact, so one division rounds as it should (W. Clinger,
 * How to read floating point numbers accurately, 1990). 0 where that does not hold. */
static int number_short(const char *text, size_t bytes, double *number)
{
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t at = number_skip_sign(text, bytes, 0), digits = 0, behind = 0;
    int64_t value = 0;
    int point = 0;
    if (bytes > at + NUMBER_EXACT + 1)
        return 0;
    for (; at < bytes; at++) {
        if (text[at] >= '0' && text[at] <= '9') {
            value = 10 * value + (text[at] - '0');
            digits++;
            behind += (size_t)point;
        } else if (text[at] == '.' && !point)
            point = 1;
        else
            return 0;
    }
    if (digits == 0 || digits > NUMBER_EXACT)
        return 0;
    const double size = (double)value / tens[behind];
    *number = text[0] == '-' ? -size : size;
    return 1;
}

int spr__number_real(const char *text, size_t bytes, double *number)
{
    char copy[NUMBER_LONGEST + NUMBER_LONGEST_POINT + 1];
    if (number_short(text, bytes, number))
        return 1;
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
    if (point < bytes) {
        const char *local = localeconv()->decimal_point;
        const size_t length = strlen(local);
        if (length > NUMBER_LONGEST_POINT)
            return 0;
        memcpy(copy + point, local, length);
        memcpy(copy + point + length, text + point + 1, bytes - point - 1);
        copy[bytes + length - 1] = '\0';
    }
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

size_t spr__number_write_integer(int64_t number, char *text)
{
    char backwards[20];
    size_t digits = 0, length = 0;
    uint64_t rest = number < 0 ? 0u - (uint64_t)number : (uint64_t)number;
    do
        backwards[digits++] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        text[length++] = '-';
    while (digits > 0)
        text[length++] = backwards[--digits];
    text[length] = '\0';
    return length;
}

/* Puts a point in the place of the locale's, which may be longer. */
static size_t number_localise_back(char *text)
{
    const char *point = localeconv()->decimal_point;
    const size_t length = strlen(point);
    char *at = length > 0 ? strstr(text, point) : NULL;
    if (at != NULL) {
        *at = '.';
        memmove(at + 1, at + length, strlen(at + length) + 1);
    }
    return strlen(text);
}

size_t spr__number_write(double number, char *text)
{
    char local[64];
    /* the common case, quickly; -0 is none of it */
    if (number > -1e15 && number < 1e15 && number == (double)(int64_t)number && (number != 0.0 || !signbit(number)))
        return spr__number_write_integer((int64_t)number, text);
    /* 15 digits are enough for a number of at most 15 digits, 17 for any */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(local, sizeof local, "%.*g", digits, number);
        if (strtod(local, NULL) == number)
            break;
    }
    const size_t length = number_localise_back(local);
    memcpy(text, local, length + 1);
    return length;
}
