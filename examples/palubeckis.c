/* SPDX-License-Identifier: MIT
 * Prints a dense instance of G. Palubeckis (Multistart tabu search strategies for the unconstrained binary quadratic
 * optimization problem, 2004) in OR-Library's format bqp: they are published as a generator, not as files. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: palubeckis NAME | N,DENSITY,SEED\n"
                            "  NAME     p3000.1 .. p7000.3\n"
                            "  DENSITY  percent of the pairs, 0 .. 100;  SEED  1 .. 2147483646\n";

struct instance {
    const char *name;
    long n, density, seed;
};

static const struct instance published[] = {
    {"p3000.1", 3000, 50, 31000},  {"p3000.2", 3000, 80, 32000},  {"p3000.3", 3000, 80, 33000},
    {"p3000.4", 3000, 100, 34000}, {"p3000.5", 3000, 100, 35000}, {"p3000.6", 3000, 100, 36000},
    {"p4000.1", 4000, 50, 41000},  {"p4000.2", 4000, 80, 42000},  {"p4000.3", 4000, 80, 43000},
    {"p4000.4", 4000, 100, 44000}, {"p4000.5", 4000, 100, 45000}, {"p4000.6", 4000, 100, 46000},
    {"p5000.1", 5000, 50, 51000},  {"p5000.2", 5000, 80, 52000},  {"p5000.3", 5000, 80, 53000},
    {"p5000.4", 5000, 100, 54000}, {"p5000.5", 5000, 100, 55000}, {"p5000.6", 5000, 100, 56000},
    {"p6000.1", 6000, 50, 61000},  {"p6000.2", 6000, 80, 62000},  {"p6000.3", 6000, 100, 64000},
    {"p7000.1", 7000, 50, 71000},  {"p7000.2", 7000, 80, 72000},  {"p7000.3", 7000, 100, 74000}};

/* In 0..1: the minimal standard generator of Park and Miller, but over 2^31. */
static double next(int64_t *seed)
{
    *seed = *seed * 16807 % 2147483647;
    return (double)*seed / 2147483648.0;
}

static long next_value(int64_t *seed)
{
    return (long)floor(next(seed) * 201.0 - 100.0);
}

/* Goes through all entries that are not 0 and returns their number. */
static long walk(const struct instance *p, int print)
{
    int64_t seed = p->seed;
    long entries = 0;
    for (long i = 1; i <= p->n; i++)
        for (long j = i; j <= p->n; j++) {
            const long value = i == j || 100.0 * next(&seed) <= (double)p->density ? next_value(&seed) : 0;
            entries += value != 0;
            if (print && value != 0)
                printf("%ld %ld %ld\n", i, j, value);
        }
    return entries;
}

static int find(const char *text, struct instance *p)
{
    char more;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        if (strcmp(published[i].name, text) == 0) {
            *p = published[i];
            return 1;
        }
    return sscanf(text, "%ld,%ld,%ld%c", &p->n, &p->density, &p->seed, &more) == 3 && p->n > 0 && p->n <= 100000 &&
           p->density >= 0 && p->density <= 100 && p->seed > 0 && p->seed < 2147483647;
}

int main(int argc, char **argv)
{
    struct instance p;
    if (argc != 2 || !find(argv[1], &p)) {
        fputs(usage, stderr);
        return 1;
    }
    printf("%ld %ld\n", p.n, walk(&p, 0));
    walk(&p, 1);
    return fflush(stdout) != 0;
}
