# SPDX-License-Identifier: MIT
# The unit tests in one process under memcheck; every kind of leak is an error.
. tests/check/lib.sh
if ! has valgrind; then
    skip "valgrind: not installed"
    finish
fi
CK_FORK=no SPR_TEST_QUICK=1 valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all \
    --errors-for-leak-kinds=all "$B/unit"
test_that "memcheck found nothing" [ $? -eq 0 ]
finish
