/* SPDX-License-Identifier: MIT
 * Runs all suites. Check's own variables apply: CK_FORK, CK_VERBOSITY, CK_RUN_SUITE, CK_RUN_CASE. */
#include <stdio.h>
#include <stdlib.h>

#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_golden());
    int run, failed;

    srunner_add_suite(runner, suite_anneal_methods());
    srunner_add_suite(runner, suite_formats());
    srunner_add_suite(runner, suite_layout());
    srunner_add_suite(runner, suite_plan());
    srunner_add_suite(runner, suite_quadratic());
    srunner_add_suite(runner, suite_presolve());
    srunner_add_suite(runner, suite_qubo());
    srunner_add_suite(runner, suite_random());
    srunner_add_suite(runner, suite_route());
    srunner_add_suite(runner, suite_semantics());
    srunner_add_suite(runner, suite_solver());
    srunner_add_suite(runner, suite_spin());
    srunner_add_suite(runner, suite_tabu());
    srunner_add_suite(runner, suite_terms());
    srunner_run_all(runner, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%d passed, %d failed\n", run - failed, failed);
    /* No test at all is not a success: a misspelt CK_RUN_SUITE would look like one. */
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
