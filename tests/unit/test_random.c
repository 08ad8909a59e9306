/* SPDX-License-Identifier: MIT
 * Whether the counter-based random numbers look like random ones: along counters, streams and seeds, and when one bit of
 * these changes. The limits are five standard deviations and more, and the numbers never change: no test is lucky. */
#include "suites.h"

#include "support.h"
#include "../../lib/base/random.h"

enum { DRAWS = 1 << 16 };

/* Number i along one of the three coordinates, the others as given. */
static uint64_t draw(int along, uint64_t other, uint64_t i)
{
    return along == 0 ? spr__random(other, other + 1, i) : along == 1 ? spr__random(other, i, other + 1)
                                                                      : spr__random(i, other, other + 1);
}

/* The numbers are part of what results depend on: a change of them is a change of results. */
START_TEST(random_numbers_stay_the_same)
{
    ck_assert(spr__random(0, 0, 0) == 0xF5DD724FF3B8A536u);
    ck_assert(spr__random(0, 0, 1) == 0x7C6EDE0099D1DAC1u);
    ck_assert(spr__random(1, 2, 3) == 0x4368D24133419CCAu);
    ck_assert(spr__random((uint64_t)1 << 53, UINT64_MAX, UINT64_MAX) == 0x9F1EEE63914A3304u);
}
END_TEST

START_TEST(each_bit_is_one_half_of_the_time)
{
    for (int along = 0; along < 3; along++)
        for (int bit = 0; bit < 64; bit++) {
            int64_t ones = 0;
            for (uint64_t i = 0; i < DRAWS; i++)
                ones += (int64_t)(draw(along, 7, i) >> bit & 1);
            ck_assert_msg(llabs(2 * ones - DRAWS) < 5 * 256, "along %d, bit %d: %d ones", along, bit, (int)ones);
        }
}
END_TEST

/* Chi-square over the 256 values of each byte: mean 255, deviation 22.6. */
START_TEST(bytes_are_uniform)
{
    for (int along = 0; along < 3; along++)
        for (int byte = 0; byte < 8; byte++) {
            double square = 0.0;
            int64_t counts[256] = {0};
            for (uint64_t i = 0; i < DRAWS; i++)
                counts[draw(along, 3, i) >> (8 * byte) & 255]++;
            for (int value = 0; value < 256; value++)
                square += (double)((counts[value] - 256) * (counts[value] - 256)) / 256.0;
            ck_assert_msg(square > 140 && square < 370, "along %d, byte %d: chi-square %g", along, byte, square);
        }
}
END_TEST

/* Neighbours differ in half of their bits: deviation of the mean 4 / 256. */
START_TEST(neighbours_do_not_look_alike)
{
    for (int along = 0; along < 3; along++) {
        int64_t differ = 0;
        for (uint64_t i = 0; i < DRAWS; i++)
            differ += __builtin_popcountll(draw(along, 5, i) ^ draw(along, 5, i + 1));
        ck_assert_msg(fabs((double)differ / DRAWS - 32.0) < 0.1, "along %d: %g bits", along, (double)differ / DRAWS);
    }
}
END_TEST

START_TEST(one_bit_changes_half_of_the_bits)
{
    for (int along = 0; along < 3; along++)
        for (int bit = 0; bit < 52; bit++) {
            int64_t differ = 0;
            for (uint64_t i = 0; i < 1024; i++)
                differ += __builtin_popcountll(draw(along, 9, i) ^ draw(along, 9, i ^ (uint64_t)1 << bit));
            ck_assert_msg(fabs((double)differ / 1024 - 32.0) < 0.8, "along %d, bit %d: %g bits", along, bit,
                          (double)differ / 1024);
        }
}
END_TEST

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Small seeds, streams and counters, as they are used: no number comes twice. */
START_TEST(no_number_comes_twice)
{
    static uint64_t numbers[32 * 32 * 64];
    size_t count = 0;
    for (uint64_t seed = 0; seed < 32; seed++)
        for (uint64_t stream = 0; stream < 32; stream++)
            for (uint64_t counter = 0; counter < 64; counter++)
                numbers[count++] = spr__random(seed, stream, counter);
    qsort(numbers, count, sizeof numbers[0], compare);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_ne(numbers[i - 1], numbers[i]);
}
END_TEST

Suite *suite_random(void)
{
    Suite *suite = suite_create("random");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {random_numbers_stay_the_same, each_bit_is_one_half_of_the_time, bytes_are_uniform,
                                  neighbours_do_not_look_alike, one_bit_changes_half_of_the_bits, no_number_comes_twice};
    suite_add_tcase(suite, all);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
