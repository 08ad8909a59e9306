/* SPDX-License-Identifier: MIT
 * The suites of the unit tests, one per test_*.c; main.c runs them all. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *suite_anneal_methods(void);
Suite *suite_formats(void);
Suite *suite_golden(void);
Suite *suite_layout(void);
Suite *suite_plan(void);
Suite *suite_quadratic(void);
Suite *suite_presolve(void);
Suite *suite_qubo(void);
Suite *suite_random(void);
Suite *suite_route(void);
Suite *suite_semantics(void);
Suite *suite_solver(void);
Suite *suite_spin(void);
Suite *suite_tabu(void);
Suite *suite_terms(void);

#endif
