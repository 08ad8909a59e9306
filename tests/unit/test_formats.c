/* SPDX-License-Identifier: MIT
 * Text formats: what a text means, what is refused and where, and that what is written is read back. */
#include "problem_support.h"

#include <locale.h>

/* Under memcheck: what takes minutes there is left out. */
static int quick(void)
{
    return getenv("SPR_TEST_QUICK") != NULL;
}

/* --------------------------------------------------------------------------------------------------- reading texts */

/* The problem as a new text; the caller frees it. */
static char *text_of(const char *format)
{
    size_t needed = 0;
    failed(spr_problem_to_text(problem, format, NULL, 0, &needed, &error), SPR_ERROR_SIZE, "size", "0", "needs");
    char *text = malloc(needed);
    ck_assert_ptr_nonnull(text);
    succeeded(spr_problem_to_text(problem, format, text, needed, NULL, &error));
    ck_assert_uint_eq(strlen(text) + 1, needed);
    return text;
}

/* Infinity, starting values, bounds' duals, no names. */
#define QPLIB_END "1e300\n0\n0\n0\n0\n0\n0\n"

START_TEST(texts_are_read_as_these_problems)
{
    /* format, text, then the same QUBO as a list of entries with its offset and number of variables */
    static const char *const cases[][3] = {
        {"coo", "0 1 2\n", "# offset = 0\n2 1\n0 1 2\n"},
        {"coo", "4\n0 1 2\n", "# offset = 0\n4 1\n0 1 2\n"},
        {"coo", "4 2\n1 0 2\n3 3 -1", "# offset = 0\n4 2\n0 1 2\n3 3 -1\n"},
        {"coo", "c qbsolv\np qubo 0 3 1 1\n0 0 5\n0 2 1\n", "# offset = 0\n3 2\n0 0 5\n0 2 1\n"},
        {"coo", "# vartype = BINARY\n0 1 2\n# offset = 1.5\n", "# offset = 1.5\n2 1\n0 1 2\n"},
        {"coo", "0 1 1\n# vartype = SPIN\n0 0 3\n", "# offset = -2\n2 3\n0 0 4\n0 1 4\n1 1 -2\n"},
        {"coo", " #vartype=SPIN\n#offset=3 # more\n0 0 3\n", "# offset=0\n1 1\n0 0 6\n"},
        {"coo", "# vartype: SPIN\n# offset: none\n0 0 1\n", "# offset=-1\n1 1\n0 0 2\n"},
        {"coo", "p qubo unconstrained 4 0 2\n0 1 1\n0 3 1\n", "# offset=0\n4 2\n0 1 1\n0 3 1\n"},
        {"coo", "#\n# offset is 2\n# vartypes = SPIN\n0 1 1\n", "# offset = 0\n2 1\n0 1 1\n"},
        {"coo", "\n% a\nc b\nc\n \t\n0\t1  1 # c\r\n0 2 1#d\n\n", "# offset = 0\n3 2\n0 1 1\n0 2 1\n"},
        {"coo", "0 1 1\r\n\r\n1 2 +1.\r\n", "# offset = 0\n3 2\n0 1 1\n1 2 1\n"},
        {"coo", "00 1 -.5e+1\n1 1 25E-2", "# offset = 0\n2 2\n0 1 -5\n1 1 0.25\n"},
        {"coo", "0 2 1\n2 0 -1\n1 1 0\n", "# offset = 0\n3 0\n"},
        {"bqp", "2 3\n1 1 5\n1 2 -3\n2 2 1\n", "# offset = 0\n2 3\n0 0 -5\n0 1 6\n1 1 -1\n"},
        {"bqp", "1\n2 1\n2 1 3\n", "# offset = 0\n2 1\n0 1 -6\n"},
        {"bqp", "% a\r\n7 0\r\n", "# offset = 0\n7 0\n"},
        {"biqmac", "2 3\n1 1 5\n1 2 -3\n2 2 1\n", "# offset = 0\n2 3\n0 0 5\n0 1 -6\n1 1 1\n"},
        {"biqmac", "3 3\r\n1 2 1\r\n2 1 2\r\n3 3 0\r\n", "# offset = 0\n3 1\n0 1 6\n"},
        {"rudy", "3 2\n1 2 5\n3 2 -1", "# offset = 0\n3 5\n0 0 -5\n0 1 10\n1 1 -4\n1 2 -2\n2 2 1\n"},
        {"rudy", "# a\n3 2 \n1 2\n1 2 1 \n", "# offset = 0\n3 3\n0 0 -2\n0 1 4\n1 1 -2\n"},
        {"qplib", "A\nQBN\nminimize\n3\n3\n2 1 4\n2 2 6\n2 1 1\n-1\n1\n2 5\n7.5\n" QPLIB_END,
         "# offset = 7.5\n3 4\n0 0 -1\n0 1 2.5\n1 1 8\n2 2 -1\n"},
        {"qplib", "A # b\nDBB\nmaximize # c\n! d\n2\n% e\n1\n2 2 6\n0\n1 # f\n1 5\n-1\n" QPLIB_END "!\n",
         "# offset = 1\n2 2\n0 0 -5\n1 1 -3\n"},
        {"qplib", "A\r\nLBN\r\nmaximize\r\n2\r\n0\r\n1\r\n2 1\r\n0\r\n" QPLIB_END, "# offset = 0\n2 1\n1 1 -1\n"},
        {"qplib", "A\nCBN\nminimize\n2\n0\n0\n0\n0\n1e9\n1\n1\n2 0\n0\n0\n2\n1 a b c d e f g\n2 x\n0",
         "# offset = 0\n2 0\n"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        statement got, want;
        succeeded(parse(cases[i][0], cases[i][1], strlen(cases[i][1])));
        succeeded(read_back(SPR_QUBO, &got));
        succeeded(parse("coo", cases[i][2], strlen(cases[i][2])));
        succeeded(read_back(SPR_QUBO, &want));
        ck_assert_msg(memcmp(&got, &want, sizeof got) == 0, "case %d: %s", (int)i, cases[i][1]);
    }
    ck_assert(parse("coo", "# offset = 4\n3\n0 0 1\n2 0 -3\n", 28) == SPR_OK);
    ck_assert_double_eq(energy_of(BITS(1, 1, 1)), 2.0);
}
END_TEST

#define QPLIB(rest) "A\nQBB\nmaximize\n" rest
#define BAD(format, text, line, told) {format, text, sizeof text - 1, line, told}

START_TEST(malformed_texts_are_refused_with_their_line)
{
    static const struct bad {
        const char *format, *text;
        size_t bytes;
        const char *line, *told;
    } cases[] = {
        BAD("coo", "", "line 1", "no entries"), BAD("coo", "\n# a\n", "line 2", "no entries"),
        BAD("coo", "0 1 1\n0 1\n", "line 2", "fewer than 3"), BAD("coo", "0 1 1\n0 1 1 1\n", "line 2", "more than 3"),
        BAD("coo", "1 1 1 1\n", "line 1", "more than 3"), BAD("coo", "5 1 1 1 1\n", "line 1", "more than 3"),
        BAD("coo", "0\n", "line 1", "variables is 0"), BAD("coo", "2147483647\n", "line 1", "is 2147483647"),
        BAD("coo", "3 -1\n", "line 1", "entries is -1"), BAD("coo", "3 2\n0 1 1\n", "line 2", "says 2"),
        BAD("coo", "3 1\n0 1 1\n0 2 1\n", "line 3", "says 1"), BAD("coo", "p\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3\n0 1 1\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3 2 0\n0 0 1\n0 1 1\n", "line 3", "says 2"),
        BAD("coo", "p qubo 0 3 1 2\n0 0 1\n0 1 1\n", "line 3", "says 3"),
        BAD("coo", "p qubo 0 3 4611686018427387903 4611686018427387904\n0 0 1\n", "line 1", "couplings is 4611"),
        BAD("coo", "p qubo 0\n", "line 1", "p qubo 0 n"), BAD("coo", "p qubo 0 3 1 1 1\n", "line 1", "p qubo 0 n"),
        BAD("coo", "p qubo 0 3 2 0\n0 0 1\n0 1 1\n", "line 3", "1 diagonals; its first line says 2"),
        BAD("coo", "# vartype=\n0 1 1\n", "line 1", "SPIN or BINARY"),
        BAD("coo", "# offset=\n0 1 1\n", "line 1", "offset is missing"),
        BAD("coo", "0 1 1\n# offset = 1,5\n", "line 2", "\"1,5\""),
        BAD("coo", "p cnf 0 3 1 1\n", "line 1", "p qubo 0 n"), BAD("coo", "p qubo 0 x 1 1\n", "line 1", "\"x\""),
        BAD("coo", "2\n\n0 2 1\n", "line 3", "second index is 2; accepted is 0..1"),
        BAD("coo", "-1 0 1\n", "line 1", "index is -1"), BAD("coo", "0 2147483646 1\n", "line 1", "is 2147483646"),
        BAD("coo", "0 99999999999999999999 1\n", "line 1", "whole number"), BAD("coo", "x 1 1\n", "line 1", "\"x\""),
        BAD("coo", "0 1.0 1\n", "line 1", "\"1.0\""), BAD("coo", "0 1 nan\n", "line 1", "\"nan\""),
        BAD("coo", "0 1 1\r\n0 1 -inf\r\n", "line 2", "\"-inf\""), BAD("coo", "0 1 1e999\n", "line 1", "\"1e999\""),
        BAD("coo", "0 1 0x10\n", "line 1", "\"0x10\""), BAD("coo", "0 1 1,5\n", "line 1", "\"1,5\""),
        BAD("coo", "0 1 1x\n", "line 1", "\"1x\""), BAD("coo", "0 1 --1\n", "line 1", "\"--1\""),
        BAD("coo", "0 1 .\n", "line 1", "\".\""), BAD("coo", "0 1 1e\n", "line 1", "finite decimal number"),
        BAD("coo", "0 1 1\n0 \0 1\n", "line 2", "no text"), BAD("coo", "0 1 1\n0 1 \xff\n", "line 2", "no text"),
        BAD("coo", "0 1 1\n# vartype = CAT\n", "line 2", "SPIN or BINARY"),
        BAD("coo", "# offset = inf\n0 1 1\n", "line 1", "offset is \"inf\""),
        BAD("bqp", "", "line 1", "n entries"), BAD("bqp", "2\n2 1\n1 2 7\n2 1\n1 2 8\n", "line 1", "one instance"),
        BAD("bqp", "2 1 1\n", "line 1", "more than 2"), BAD("bqp", "0 1\n", "line 1", "variables is 0"),
        BAD("bqp", "2 1\n0 1 5\n", "line 2", "first index is 0; accepted is 1..2"),
        BAD("bqp", "2 1\n1 3 5\n", "line 2", "second index is 3"), BAD("bqp", "2 1\n1 2\n", "line 2", "fewer than 3"),
        BAD("bqp", "2 1\n1 1 5\n1 2 5\n", "line 3", "more than the 1 entries"),
        BAD("bqp", "3 3\n1 1 5\n1 2 5\n", "line 3", "ends after 2"), BAD("bqp", "2 x\n", "line 1", "\"x\""),
        BAD("bqp", "2 1\n1 2 5 #\n1 2 5 5\n", "line 3", "more than the 1 entries"),
        BAD("bqp", "-3 1\n", "line 1", "variables is -3"), BAD("bqp", "3 -1\n", "line 1", "entries is -1"),
        BAD("bqp", "3\n", "line 1", "fewer than 2"), BAD("bqp", "3 1\n1 2 1e400\n", "line 2", "\"1e400\""),
        BAD("bqp", "3 1\n1 2 nan\n", "line 2", "\"nan\""), BAD("bqp", "99999999999999999999 1\n", "line 1", "whole"),
        BAD("bqp", "3 99999999999999999999\n", "line 1", "whole"), BAD("bqp", "\x89PNG\r\n\x1a\n", "line 1", "fewer"),
        BAD("bqp", "\x1f\x8b \x08\n", "line 1", "no text"), BAD("bqp", "2 1\r\n1 2 x\r\n", "line 2", "\"x\""),
        BAD("biqmac", "", "line 1", "n entries"), BAD("biqmac", "0 0\n", "line 1", "variables is 0"),
        BAD("biqmac", "1\n2 1\n1 2 1\n", "line 1", "one instance"), BAD("biqmac", "2 1\n1 2\n", "line 2", "fewer than 3"),
        BAD("biqmac", "2 2\n1 2 1\n", "line 2", "ends after 1"),
        BAD("biqmac", "2 1\n1 2 1\n2 2 1\n", "line 3", "more than the 1"),
        BAD("biqmac", "2 1\n1 2 1\n3 1\n1 3 1\n", "line 3", "more than the 1"),
        BAD("biqmac", "2 1\n1 3 1\n", "line 2", "second index is 3"), BAD("biqmac", "2 1\n0 1 1\n", "line 2", "index is 0"),
        BAD("biqmac", "2 1\n1 2 inf\n", "line 2", "\"inf\""), BAD("biqmac", "2 1\n\x01 2 3\n", "line 2", "no text"),
        BAD("rudy", "0 0\n", "line 1", "variables is 0"), BAD("rudy", "", "line 1", "n entries"),
        BAD("rudy", "2 1\n1 2 1\n1 2 1\n", "line 3", "more than the 1"),
        BAD("rudy", "2 1\n1 3 1\n", "line 2", "second index is 3"), BAD("rudy", "2 1\n0 1\n", "line 2", "first index is 0"),
        BAD("rudy", "2 1\n1 2 nan\n", "line 2", "\"nan\""), BAD("rudy", "2 1\n1 2 1 1\n", "line 2", "more than 3"),
        BAD("rudy", "2 1\n1 2 1\n3 1\n1 3 1\n", "line 3", "more than the 1"),
        BAD("coo", "2 1\n0 1 1\n3 1\n0 2 1\n", "line 3", "fewer than 3"), BAD("rudy", "2 1 1\n", "line 1", "more than 2"), BAD("rudy", "\xff\xfe 1\n", "line 1", "no text"),
        BAD("qplib", "", "line 1", "name of the problem"), BAD("qplib", "A\n", "line 1", "type of the problem"),
        BAD("qplib", "A\nQBX\n", "line 2", "three letters"), BAD("qplib", "A\nXBN\n", "line 2", "three letters"),
        BAD("qplib", "A\nQXN\n", "line 2", "three letters"), BAD("qplib", "A\nQB\n", "line 2", "three letters"),
        BAD("qplib", "A\n\0BN\n", "line 2", "three letters"), BAD("qplib", "A\nQBNN\n", "line 2", "three letters"),
        BAD("qplib", "A\nQIN\n", "line 2", "not binary"), BAD("qplib", "A\nQCB\n", "line 2", "not binary"),
        BAD("qplib", "A\nQMN\n", "line 2", "not binary"), BAD("qplib", "A\nQGN\n", "line 2", "not binary"),
        BAD("qplib", "A\nQBL\n", "line 2", "constraints"), BAD("qplib", "A\nLBQ\n", "line 2", "constraints"),
        BAD("qplib", "A\nQBN\nminimise\n", "line 3", "minimize or maximize"),
        BAD("qplib", "A\nQBN\n", "line 2", "minimize or maximize"), BAD("qplib", QPLIB(""), "line 3", "number of variables"),
        BAD("qplib", QPLIB("0\n"), "line 4", "variables is 0"), BAD("qplib", QPLIB("2.5\n"), "line 4", "\"2.5\""),
        BAD("qplib", QPLIB("99999999999999999999\n"), "line 4", "whole number"),
        BAD("qplib", QPLIB("2000000000\n"), "line 4", "variables is 2000000000"),
        BAD("qplib", QPLIB("3 1\n"), "line 4", "more than 1 word;"), BAD("qplib", QPLIB("3\n-1\n"), "line 5", "terms is -1"),
        BAD("qplib", QPLIB("3\n2\n2 1 1\n0\n0\n0\n") QPLIB_END, "line 7", "fewer than 3 words"),
        BAD("qplib", QPLIB("3\n1\n2 1 1\n3 1 1\n"), "line 7", "more than 1 word;"),
        BAD("qplib", QPLIB("3\n2\n2 1 1\n"), "line 6", "ends before \"i j value\""),
        BAD("qplib", QPLIB("3\n1000000000000000000\n2 1 1\n"), "line 6", "ends before"),
        BAD("qplib", QPLIB("3\n1\n1 2 1\n"), "line 6", "row 1, column 2 is above the diagonal"),
        BAD("qplib", QPLIB("3\n1\n4 2 1\n"), "line 6", "first index is 4; accepted is 1..3"),
        BAD("qplib", QPLIB("3\n1\n2 0 1\n"), "line 6", "second index is 0"),
        BAD("qplib", QPLIB("3\n1\n2 1 nan\n"), "line 6", "\"nan\""),
        BAD("qplib", QPLIB("3\n1\n2 1 1e999\n"), "line 6", "\"1e999\""),
        BAD("qplib", QPLIB("3\n1\n2 2 5e-324\n"), "line 6", "half of it"),
        BAD("qplib", QPLIB("3\n0\n"), "line 5", "linear coefficient"), BAD("qplib", QPLIB("3\n0\ninf\n"), "line 6", "\"inf\""),
        BAD("qplib", QPLIB("3\n0\n0\n4\n"), "line 7", "accepted is 0..3"),
        BAD("qplib", QPLIB("3\n0\n0\n1\n4 1\n"), "line 8", "index is 4"),
        BAD("qplib", QPLIB("3\n0\n0\n1\n2\n"), "line 8", "fewer than 2"),
        BAD("qplib", QPLIB("3\n0\n0\n1\n2 x\n"), "line 8", "\"x\""),
        BAD("qplib", QPLIB("3\n0\n0\n0\n"), "line 7", "constant of the objective"),
        BAD("qplib", QPLIB("3\n0\n0\n0\nx\n"), "line 8", "\"x\""),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n"), "line 8", "value for infinity"),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n1e9\n0\n4\n"), "line 11", "accepted is 0..3"),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n1e9\n0\n0\n0\n0\n0\n"), "line 14", "names of constraints"),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n1e9\n0\n0\n0\n0\n1\n4 a\n"), "line 15", "index is 4"),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n1e9\n0\n0\n0\n0\n0\n1\n"), "line 15", "accepted is 0..0"),
        BAD("qplib", QPLIB("3\n0\n0\n0\n0\n") QPLIB_END "! a\nB\n", "line 17", "goes on behind"),
        BAD("rudy", "3 1\n2 2 1\n", "line 2", "joins 2 to itself"), BAD("rudy", "3 1\n2\n", "line 2", "fewer than 3"),
        BAD("rudy", "3 1\n1 two 1\n", "line 2", "\"two\""), BAD("rudy", "3 2\n1 2\n", "line 2", "ends after 1")};
    for (const struct bad *c = cases; c < cases + COUNT(cases); c++) {
        failed(parse(c->format, c->text, c->bytes), SPR_ERROR_PARSE, c->line, c->told, "");
        ck_assert_ptr_null(problem);
    }
}
END_TEST

/* A text that announces what it holds is refused when its end is missing, wherever it is cut. */
START_TEST(truncated_texts_are_refused)
{
    static const char *const texts[][2] = {
        {"coo", "3 2\n0 1 1\n1 2 1\n"}, {"coo", "p qubo 0 3 1 1\n0 0 1\n1 2 1\n"}, {"bqp", "1\n3 2\n1 2 1\n2 3 1\n"},
        {"biqmac", "3 2\n1 2 1\n2 3 1\n"}, {"rudy", "3 2\n1 2\n2 3\n"},
        {"qplib", "A\nQBN\nminimize\n3\n1\n2 1 1\n0\n1\n1 5\n0\n" QPLIB_END}};
    for (size_t i = 0; i < COUNT(texts); i++) {
        const char *text = texts[i][1];
        const size_t bytes = strlen(text);
        /* without the last digit: the last line is gone */
        for (size_t cut = 0; cut + 1 < bytes; cut++) {
            /* "3" alone is a coo text of its own, "1" of a count of 12 is none */
            if (strcmp(texts[i][0], "coo") == 0 && memchr(text, '\n', cut) == NULL)
                continue;
            failed(parse(texts[i][0], text, cut), SPR_ERROR_PARSE, "line ", "", "");
            ck_assert_ptr_null(problem);
        }
        succeeded(parse(texts[i][0], text, bytes));
    }
}
END_TEST

/* Any bytes: a line is named, nothing is left behind. */
START_TEST(garbage_is_refused)
{
    static const char *const formats[] = {"coo", "bqp", "biqmac", "rudy", "qplib"};
    for (uint64_t seed = 0; seed < (quick() ? 300u : 5000u); seed++) {
        char bytes[64];
        const size_t length = (size_t)whole(seed, 0, 9, sizeof bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)support_random(seed, i + 1);
        bytes[0] = (char)0x80;
        failed(parse(formats[seed % COUNT(formats)], bytes, length), SPR_ERROR_PARSE, "line ", "", "");
        ck_assert_ptr_null(problem);
    }
}
END_TEST

START_TEST(numbers_of_a_text_are_bounded)
{
    char text[500] = "0 1 0.";
    memset(text + 6, '3', 398);
    succeeded(parse("coo", text, 4 + 400));
    ck_assert_double_eq(energy_of(BITS(1, 1)), 1.0 / 3.0);
    memset(text + 6, '3', 399);
    failed(parse("coo", text, 4 + 401), SPR_ERROR_PARSE, "line 1", "the value", "0.3333");
    failed(parse("coo", "0 1 1e308\n1 0 1e308", 19), SPR_ERROR_NOT_FINITE, "variables 0 and 1",
           "add up", "");
    failed(parse("bqp", "2 1\n1 2 1e308\n", 14), SPR_ERROR_PARSE, "line 2", "1e+308", "double");
}
END_TEST

/* Digits with and without a point, around the lengths that are exact: the nearest double, as strtod gives it. */
START_TEST(numbers_are_the_nearest_doubles)
{
    for (uint64_t seed = 0; seed < (quick() ? 300u : 5000u); seed++) {
        const int digits = (int)whole(seed, 0, 1, 19), point = (int)whole(seed, 1, -1, digits);
        char text[64] = "0 0 ", *at = text + 4;
        if (seed % 3 > 0)
            *at++ = seed % 3 == 1 ? '-' : '+';
        for (int i = 0; i < digits; i++) {
            if (i == point)
                *at++ = '.';
            *at++ = (char)('0' + whole(seed, 2 + (uint64_t)i, 0, 9));
        }
        if (point == digits)
            *at++ = '.';
        *at = '\0';
        succeeded(parse("coo", text, strlen(text)));
        ck_assert_msg(energy_of(BITS(1)) == strtod(text + 4, NULL), "%s", text);
    }
}
END_TEST

/* Values that the form of the problem cannot hold are those of a line. */
START_TEST(values_that_do_not_fit_are_told_with_their_line)
{
    failed(parse("bqp", "2 1\n1 2 -1e308\n", 15), SPR_ERROR_PARSE, "line 2", "-1e+308", "-2 times");
    failed(parse("rudy", "2 1\n1 2 5e-324\n", 15), SPR_ERROR_PARSE, "line 2", "324", "0.5 times");
    failed(parse("bqp", "2 2\n1 1 1e308\n2 2 1e308\n", 24), SPR_ERROR_NOT_FINITE, "absolute values", "add up", "");
}
END_TEST

/* A number alone does not take all memory: 2^20 variables are free, the others must come with bytes. */
START_TEST(short_texts_have_few_variables)
{
    char text[32];
    for (int format = 0; format < 4; format++) {
        static const char *const names[] = {"coo", "bqp", "rudy", "biqmac"}, *const ends[] = {"", " 0", " 0", " 0"};
        const int64_t most = (1 << 20) + (format == 0 ? 7 : 9);
        int64_t n = 0;
        snprintf(text, sizeof text, "%d%s", (int)most, ends[format]);
        succeeded(parse(names[format], text, strlen(text)));
        succeeded(spr_problem_size(problem, &n, NULL, &error));
        ck_assert_int_eq(n, most);
        snprintf(text, sizeof text, "%d%s", (int)most + 1, ends[format]);
        failed(parse(names[format], text, strlen(text)), SPR_ERROR_PARSE, "line 1", "variables is",
               "accepted is 1..10485");
    }
    failed(parse("coo", "0 2000000000 1\n", 15), SPR_ERROR_PARSE, "line 1", "second index is 2000000000", "0..1048590");
    succeeded(spr_problem_from_entries(NULL, NULL, 0, (1 << 20) + 100, NULL, 0, NULL, NULL, NULL, 0, &problem, &error));
    failed(spr_problem_to_text(problem, "coo", text, sizeof text, NULL, &error), SPR_ERROR_CONFLICT,
           "1048676 variables",
           "1048576 more", "text");
}
END_TEST

START_TEST(signs_of_the_formats)
{
    const double q[3][3] = {{5, -3, 2}, {0, -1, 4}, {0, 0, 7}};
    const char matrix[] = "3 6\n1 1 5\n1 2 -3\n1 3 2\n2 2 -1\n2 3 4\n3 3 7\n", graph[] = "3 3\n1 2 -3\n1 3 2\n2 3 4\n";
    for (int number = 0; number < 8; number++) {
        double objective = 0.0, cut = 0.0;
        uint8_t x[MOST];
        state(x, number);
        for (int i = 0; i < 3; i++)
            for (int j = i; j < 3; j++) {
                objective += (i == j ? 1.0 : 2.0) * q[i][j] * x[i] * x[j];
                cut += x[i] != x[j] ? q[i][j] : 0.0;
            }
        succeeded(parse("bqp", matrix, sizeof matrix - 1));
        ck_assert_double_eq(energy_of(x), -objective);
        succeeded(parse("biqmac", matrix, sizeof matrix - 1));
        ck_assert_double_eq(energy_of(x), objective);
        succeeded(parse("rudy", graph, sizeof graph - 1));
        ck_assert_double_eq(energy_of(x), -cut);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------- writing texts */

/* Writes, reads, and finds the same bits and the same text again. */
static void comes_back(const char *format, int32_t form)
{
    statement first, second;
    ck_assert_int_ge(read_back(form, &first), SPR_OK);
    char *text = text_of(format);
    ck_assert_int_ge(parse(format, text, strlen(text)), SPR_OK);
    ck_assert_int_ge(read_back(form, &second), SPR_OK);
    equal(&first, &second);
    char *again = text_of(format);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
}

/* Any double of moderate size: all 53 bits. */
static double noise(uint64_t seed, uint64_t i)
{
    return ldexp((double)(int64_t)support_random(seed, i), (int)whole(seed, i + 1000, -200, 100));
}

START_TEST(what_is_written_is_read_back_bit_for_bit)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        statement s = any(SPR_ISING, seed);
        succeeded(make(&s));
        comes_back("coo", SPR_ISING);
        comes_back("coo", SPR_QUBO);
        for (int64_t i = 0; i < s.n; i++)
            s.linear[i] = noise(seed, 50 + (uint64_t)i);
        for (int64_t k = 0; k < s.entries; k++)
            s.values[k] = noise(seed, 100 + (uint64_t)k);
        s.offset = noise(seed, 1);
        ck_assert_int_ge(make(&s), SPR_OK);
        comes_back("coo", SPR_ISING);
        comes_back("coo", SPR_QUBO);
        s = any(SPR_QUBO, seed);
        statement graph = {.form = SPR_ISING, .n = s.n};
        succeeded(make(&s));
        comes_back("coo", SPR_QUBO);
        for (int64_t i = 0; i < s.n; i++)
            s.linear[i] = noise(seed, 50 + (uint64_t)i);
        for (int64_t k = 0; k < s.entries; k++)
            s.values[k] = noise(seed, 100 + (uint64_t)k);
        s.offset = noise(seed, 1);
        succeeded(make(&s));
        comes_back("coo", SPR_QUBO);
        comes_back("qplib", SPR_QUBO);
        s.offset = 0.0;
        succeeded(make(&s));
        comes_back("bqp", SPR_QUBO);
        comes_back("biqmac", SPR_QUBO);
        for (int64_t k = 0; k < s.entries; k++) {
            const double value = 0.25 * (double)whole(seed, 500 + (uint64_t)k, -9, 9);
            graph.offset -= s.rows[k] != s.columns[k] ? value : 0.0;
            graph.rows[graph.entries] = s.rows[k];
            graph.columns[graph.entries] = s.columns[k];
            graph.values[graph.entries] = value;
            graph.entries += s.rows[k] != s.columns[k];
        }
        succeeded(make(&graph));
        comes_back("rudy", SPR_ISING);
    }
}
END_TEST

/* Sums of such weights are rounded, in the same way each time. */
START_TEST(graphs_of_any_weights_come_back)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        char text[ENTRIES * 40], *at = text;
        at += sprintf(at, "%d %d\n", MOST, ENTRIES);
        for (int k = 0; k < ENTRIES; k++) {
            const int i = (int)whole(seed, 2 * (uint64_t)k, 1, MOST - 1);
            at += sprintf(at, "%d %d %.17g\n", MOST, i, noise(seed, 100 + (uint64_t)k));
        }
        ck_assert_int_ge(parse("rudy", text, strlen(text)), SPR_OK);
        comes_back("rudy", SPR_ISING);
        comes_back("rudy", SPR_QUBO);
        comes_back("coo", SPR_ISING);
    }
}
END_TEST

START_TEST(indices_and_counts_are_written_as_digits)
{
    const char text[] = "1000 1\n10 1000 30\n";
    succeeded(parse("rudy", text, sizeof text - 1));
    char *again = text_of("rudy");
    ck_assert_str_eq(again, text);
    free(again);
}
END_TEST

START_TEST(a_text_too_long_is_told_and_cut)
{
    const char whole_text[] = "2 2\n1 2 -3\n2 2 7\n";
    succeeded(parse("bqp", whole_text, sizeof whole_text - 1));
    for (size_t size = 1; size < sizeof whole_text; size++) {
        char text[64], shown[8];
        size_t needed = 0;
        memset(text, '!', sizeof text);
        snprintf(shown, sizeof shown, "%d", (int)size);
        failed(spr_problem_to_text(problem, "bqp", text, size, &needed, &error), SPR_ERROR_SIZE, "size", shown, "18");
        ck_assert_uint_eq(needed, sizeof whole_text);
        ck_assert(memcmp(text, whole_text, size - 1) == 0 && text[size - 1] == '\0' && text[size] == '!');
    }
}
END_TEST

START_TEST(texts_and_formats_are_checked)
{
    const statement offset = {.n = 1, .offset = 1}, ising = {.form = SPR_ISING, .n = 2, .linear = {1}};
    char text[64];
    failed(spr_problem_from_text(NULL, NULL, NULL, "1", 1, &problem, &error), SPR_ERROR_ARGUMENT, "format", "NULL", "");
    failed(spr_problem_from_text(NULL, NULL, "coo", NULL, 1, &problem, &error), SPR_ERROR_ARGUMENT, "text", "NULL", "");
    failed(spr_problem_from_text(NULL, NULL, "coo", "1", 1, NULL, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(parse("cnf", "1", 1), SPR_ERROR_OPTION_NAME, "format", "cnf", "coo, bqp, biqmac, rudy, qplib");
    succeeded(make(&offset));
    failed(spr_problem_to_text(NULL, "coo", text, 9, NULL, &error), SPR_ERROR_ARGUMENT, "problem", "NULL", "");
    failed(spr_problem_to_text(problem, NULL, text, 9, NULL, &error), SPR_ERROR_ARGUMENT, "format", "NULL", "");
    failed(spr_problem_to_text(problem, "coo", NULL, 9, NULL, &error), SPR_ERROR_ARGUMENT, "text", "NULL", "");
    failed(spr_problem_to_text(problem, "cnf", text, 9, NULL, &error), SPR_ERROR_OPTION_NAME, "format", "cnf", "bqp");
    failed(spr_problem_to_text(problem, "bqp", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "offset 1", "bqp", "");
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "Ising", "");
    succeeded(make(&ising));
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "linear", "");
    const statement apart = {.form = SPR_ISING, .n = 2, .entries = 1, .columns = {1}, .values = {2}, .offset = -1};
    succeeded(make(&apart));
    failed(spr_problem_to_text(problem, "rudy", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "rudy", "offset -1", "-2");
    const statement odd = {.n = 2, .entries = 1, .columns = {1}, .values = {4.9406564584124654e-324}};
    succeeded(make(&odd));
    failed(spr_problem_to_text(problem, "bqp", text, 64, NULL, &error), SPR_ERROR_CONFLICT, "bqp", "half", "324");
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- memory */

static spr_status read_with(ledger *book, const char *const *text)
{
    return spr_problem_from_text(ledger_serve, book, text[0], text[1], strlen(text[1]), &problem, &error);
}

START_TEST(every_allocation_of_a_reader_may_fail)
{
    static const char *const texts[][2] = {
        {"coo", "# vartype = SPIN\n3 3\n0 1 1\n1 0 1\n0 2 1\n"},
        {"bqp", "2 2\n1 1 1\n1 2 1\n"},
        {"biqmac", "2 2\n1 1 1\n1 2 1\n"},
        {"rudy", "3 1\n1 2\n"},
        {"qplib", "A\nQBN\nminimize\n2\n1\n2 1 1\n0\n0\n0\n1e300\n0\n0\n0\n0\n0\n0\n"}};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ledger book = {.limit = 1 << 20};
        spr_status status = SPR_ERROR_MEMORY;
        while (status != SPR_OK) {
            book.requests = 0;
            book.refuse++;
            ck_assert_int_lt(book.refuse, 50);
            status = read_with(&book, texts[i]);
            if (status == SPR_OK)
                continue;
            failed(status, SPR_ERROR_MEMORY, "no memory", "", "");
            ck_assert_ptr_null(problem);
            ck_assert_uint_eq(book.bytes, 0);
        }
        ck_assert_int_gt(book.refuse, 3);
        teardown();
        ck_assert_uint_eq(book.bytes, 0);
    }
}
END_TEST

START_TEST(a_header_alone_asks_for_no_memory)
{
    static const char *const cases[][2] = {{"coo", "2 1000000000000000000\n0 1 1\n"},
                                           {"bqp", "2 1000000000000000000\n1 2 1\n"},
                                           {"biqmac", "2 1000000000000000000\n1 2 1\n"},
                                           {"rudy", "2 1000000000000000000\n1 2 1\n"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        ledger book = {.limit = 1024};
        failed(spr_problem_from_text(ledger_serve, &book, cases[i][0], cases[i][1], strlen(cases[i][1]), &problem,
                                     &error), SPR_ERROR_PARSE, "line 2", "ends after 1", "1000000000000000000");
        ck_assert_uint_eq(book.bytes, 0);
    }
}
END_TEST

/* 24 bytes per coupling and variable; while it is made 12 per entry and 16 per variable more; of a text 16 per line. */
START_TEST(memory_is_what_the_header_says)
{
    enum { N = 20000, M = 200000 };
    int32_t *rows = malloc(M * sizeof *rows), *columns = malloc(M * sizeof *columns);
    double *values = malloc(M * sizeof *values);
    char *text = malloc(M * 24), *at = text + sprintf(text, "%d %d\n", N, M);
    int64_t couplings = 0;
    for (int k = 0; k < M; k++) {
        rows[k] = (int32_t)whole(1, 2 * (uint64_t)k, 0, N - 2);
        columns[k] = (int32_t)whole(1, 2 * (uint64_t)k + 1, rows[k] + 1, N - 1);
        values[k] = (double)whole(2, (uint64_t)k, 1, 9);
        at += sprintf(at, "%d %d %d\n", (int)rows[k] + 1, (int)columns[k] + 1, (int)values[k]);
    }
    for (int how = 0; how < 3; how++) {
        ledger book = {.limit = SIZE_MAX};
        teardown();
        succeeded(how < 2 ? spr_problem_from_entries(ledger_serve, &book, how, N, NULL, M, rows, columns, values, 0.0,
                                                     &problem, &error)
                          : spr_problem_from_text(ledger_serve, &book, "rudy", text, (size_t)(at - text), &problem,
                                                  &error));
        succeeded(spr_problem_size(problem, NULL, &couplings, &error));
        const size_t kept = (size_t)couplings * 24 + N * 24, spare = 2048, lines = how == 2 ? (size_t)M * 16 : 0;
        ck_assert_uint_le(book.bytes, kept + spare);
        ck_assert_uint_le(book.most, kept + M * 12 + N * 16 + lines + spare);
        teardown();
    }
    free(rows);
    free(columns);
    free(values);
    free(text);
}
END_TEST

/* ----------------------------------------------------------------------------------------------------------- locale */

START_TEST(a_locale_with_a_comma_changes_nothing)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR.utf8", "ps_AF"};
    const char text[] = "# offset = 0.125\n2\n0 1 1.5\n1 1 -2.5e-1\n";
    size_t found = 0;
    while (found < COUNT(names) && setlocale(LC_ALL, names[found]) == NULL)
        found++;
    if (found == COUNT(names))
        printf("skipped: no locale with a comma is installed\n");
    succeeded(parse("coo", text, sizeof text - 1));
    ck_assert_double_eq(energy_of(BITS(1, 1)), 1.375);
    char *here = text_of("coo");
    failed(parse("coo", "0 1 1,5\n", 8), SPR_ERROR_PARSE, "line 1", "1,5", "");
    setlocale(LC_ALL, "C");
    succeeded(parse("coo", text, sizeof text - 1));
    char *there = text_of("coo");
    ck_assert_str_eq(here, there);
    free(here);
    free(there);
}
END_TEST

/* --------------------------------------------------------------------------------------------- published instances */

#define PUBLISHED "../shared/data/qubo/"

/* A file as one text with a zero behind it, unpacked if its name ends in .gz; NULL if it is not here. */
static char *file_text(const char *path, size_t *bytes)
{
    static const size_t room = (size_t)1 << 26;
    char command[256];
    const int packed = strstr(path, ".gz") != NULL;
    FILE *file = fopen(path, "rb");
    if (file != NULL && packed) {
        fclose(file);
        snprintf(command, sizeof command, "gzip -dc '%s'", path);
        file = popen(command, "r");
    }
    if (file == NULL)
        return NULL;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    *bytes = fread(text, 1, room - 1, file);
    ck_assert_uint_lt(*bytes, room - 1);
    text[*bytes] = '\0';
    ck_assert_int_eq(packed ? pclose(file) : fclose(file), 0);
    return text;
}

/* The next number of a text, what follows # left out: nothing of the library's reader. */
static double scan(const char **at)
{
    while (**at == ' ' || **at == '\n' || **at == '\r' || **at == '\t' || **at == '#')
        if (*(*at)++ == '#')
            *at += strcspn(*at, "\n");
    char *end = NULL;
    const double number = strtod(*at, &end);
    ck_assert(end != *at);
    *at = end;
    return number;
}

/* What a text says: sizes, the objective in its own sense, nonzero couplings. */
typedef struct scanned {
    int64_t n, entries, couplings;
    double objective, sign;      /* energy = sign * objective */
} scanned;

static scanned scan_matrix(const char *format, const char *at, const uint8_t *x)
{
    const int graph = strcmp(format, "rudy") == 0;
    scanned to = {0};
    to.sign = strcmp(format, "biqmac") == 0 ? 1.0 : -1.0;
    to.n = (int64_t)scan(&at);
    to.entries = (int64_t)scan(&at);
    for (int64_t k = 0; k < to.entries; k++) {
        const int i = (int)scan(&at), j = (int)scan(&at);
        const double w = scan(&at);
        const int both = x[i - 1] && x[j - 1], apart = x[i - 1] != x[j - 1];
        to.objective += graph ? apart * w : both * (i == j ? w : 2.0 * w);
        to.couplings += i != j && w != 0.0;
    }
    return to;
}

static scanned scan_qplib(const char *at, const uint8_t *x)
{
    scanned to = {0};
    to.sign = strstr(at, "maximize") != NULL ? -1.0 : 1.0;
    at = strstr(at, "mize\n") + 5;
    to.n = (int64_t)scan(&at);
    to.entries = (int64_t)scan(&at);
    for (int64_t k = 0; k < to.entries; k++) {
        const int i = (int)scan(&at), j = (int)scan(&at);
        const double both = x[i - 1] && x[j - 1];
        to.couplings += i != j;
        to.objective += 0.5 * scan(&at) * both;
    }
    const double usual = scan(&at);
    for (int64_t i = 0; i < to.n; i++)
        to.objective += usual * x[i];
    for (int64_t k = (int64_t)scan(&at); k > 0; k--) {
        const int i = (int)scan(&at);
        to.objective += (scan(&at) - usual) * x[i - 1];
    }
    to.objective += scan(&at);
    return to;
}

/* The sizes are those of the manifest and of the text, the energy of a state is that of the text. */
static void is_read(const char *format, const char *path, int64_t n, int64_t count)
{
    static uint8_t x[1 << 15];
    int64_t got_n = 0, got_couplings = 0;
    size_t bytes = 0;
    char *text = file_text(path, &bytes);
    ck_assert_msg(text != NULL, "%s cannot be read", path);
    ck_assert_int_lt(n, 1 << 15);
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = support_random(2026, i) & 1;
    const scanned want = strcmp(format, "qplib") == 0 ? scan_qplib(text, x) : scan_matrix(format, text, x);
    const spr_status status = parse(format, text, bytes);
    ck_assert_msg(status == SPR_OK, "%s: %s", path, error.message);
    free(text);
    succeeded(spr_problem_size(problem, &got_n, &got_couplings, &error));
    ck_assert_msg(got_n == n && want.n == n, "%s: n is %d", path, (int)got_n);
    ck_assert_msg(want.entries == count && got_couplings == want.couplings && got_couplings > 0, "%s: %d couplings",
                  path, (int)got_couplings);
    ck_assert_double_eq(energy_of(x), want.sign * want.objective);
}

/* Every instance of one MANIFEST.tsv: file, n, entries; the first one only if it must be quick. */
static void manifest_is_read(const char *folder, const char *format)
{
    char path[128], line[1024], name[64];
    long long n, count;
    int read = 0;
    snprintf(path, sizeof path, PUBLISHED "%s/MANIFEST.tsv", folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("skipped: %s is not here\n", path);
        return;
    }
    while ((read == 0 || !quick()) && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || sscanf(line, "%63s %lld %lld", name, &n, &count) != 3)
            continue;
        snprintf(path, sizeof path, PUBLISHED "%s/%s%s", folder, name, strcmp(folder, "K2000") == 0 ? ".gz" : "");
        is_read(format, path, n, count);
        read++;
    }
    fclose(file);
    ck_assert_int_gt(read, 0);
}

START_TEST(published_instances_are_read)
{
    static const char *const folders[][2] = {{"bqp", "bqp"}, {"be", "biqmac"}, {"gka", "biqmac"}, {"Gset", "rudy"},
                                             {"rudy_biqmac", "rudy"}, {"K2000", "rudy"}, {"QPLIB", "qplib"}};
    for (size_t i = 0; i < COUNT(folders); i++)
        if (!quick() || strcmp(folders[i][0], "K2000") != 0)
            manifest_is_read(folders[i][0], folders[i][1]);
}
END_TEST

/* The best known objective, in the sense of its text: so the signs are those of the literature. */
static void best_is_reached(const char *format, const char *name, double energy)
{
    spr_solver *solver = NULL;
    spr_solve_result result = {.size = sizeof result};
    size_t bytes = 0;
    char path[128];
    snprintf(path, sizeof path, PUBLISHED "%s", name);
    char *text = file_text(path, &bytes);
    if (text == NULL) {
        printf("skipped: %s is not here\n", path);
        return;
    }
    succeeded(parse(format, text, bytes));
    free(text);
    succeeded(spr_solver_new(NULL, NULL, NULL, "descent", problem, &solver, &error));
    succeeded(spr_solver_set_real(solver, "target", energy, &error));
    succeeded(spr_solver_set_integer(solver, "restarts", 10000, &error));
    succeeded(spr_solver_solve(solver, &result, &error));
    ck_assert_msg(result.energy == energy, "%s: %g instead of %g", name, result.energy, energy);
    spr_solver_free(solver);
}

START_TEST(signs_are_those_of_the_literature)
{
    best_is_reached("bqp", "bqp/bqp50.1.txt", -2098);
    best_is_reached("biqmac", "gka/gka1a.sparse", -3414);
    best_is_reached("rudy", "rudy_biqmac/pm1s_80.0", -79);
    if (quick())
        return;
    best_is_reached("biqmac", "be/be100.1.sparse", -19412);
    best_is_reached("rudy", "rudy_biqmac/w09_100.0", -2121);
    best_is_reached("qplib", "QPLIB/QPLIB_5882.qplib", -25388);
    best_is_reached("qplib", "QPLIB/QPLIB_5875.qplib", -43757);
}
END_TEST

Suite *suite_formats(void)
{
    Suite *suite = suite_create("formats");
    TCase *all = tcase_create("all");
    const TTest *const tests[] = {
        texts_are_read_as_these_problems, malformed_texts_are_refused_with_their_line, truncated_texts_are_refused,
        garbage_is_refused, numbers_of_a_text_are_bounded,
        numbers_are_the_nearest_doubles,
        values_that_do_not_fit_are_told_with_their_line, short_texts_have_few_variables,
        graphs_of_any_weights_come_back,
        signs_of_the_formats, what_is_written_is_read_back_bit_for_bit, indices_and_counts_are_written_as_digits,
        a_text_too_long_is_told_and_cut, texts_and_formats_are_checked, every_allocation_of_a_reader_may_fail,
        a_header_alone_asks_for_no_memory, memory_is_what_the_header_says,
        a_locale_with_a_comma_changes_nothing, published_instances_are_read,
        signs_are_those_of_the_literature};
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_set_timeout(all, 300);
    suite_add_tcase(suite, all);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(all, tests[i]);
    return suite;
}
