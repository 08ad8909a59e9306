# SPDX-License-Identifier: MIT
# The first C example of README.md must compile without a warning, run, and return 0.
. tests/check/lib.sh
awk '/^```c$/ && !done { inside = 1; next } /^```/ && inside { inside = 0; done = 1 } inside' README.md >"$work/readme.c"
test_that "README.md has an example" [ -s "$work/readme.c" ]
test_that "it compiles" $CC -Wall -Wextra -Werror -Iinclude "$work/readme.c" -L"$B" -lspinroute -lm -o "$work/readme"
test_that "it runs" env LD_LIBRARY_PATH="$B" "$work/readme"
for program in hello qubo_route assign_jobs custom_backend; do
    test_that "examples/$program.c runs" "$B/$program"
done
test_that "examples/solve_file.c proves the cut of examples/petersen.rud" \
    sh -c "'$B/solve_file' examples/petersen.rud --backend exact | tee '$work/cut' && grep -q '^cut  *12 ' '$work/cut'"
test_that "examples/palubeckis.c makes the same p3000.1 everywhere" \
    sh -c "test \"\$('$B/palubeckis' p3000.1 | cksum)\" = '2245735196 28425328'"
for wrong in '' nowhere.rud 'examples/petersen.rud --format bqp' 'examples/petersen.rud --out /nowhere/bits'; do
    sh -c "'$B/solve_file' $wrong" >"$work/out" 2>&1
    test_that "examples/solve_file.c fails with a sentence: '$wrong'" [ $? -gt 0 -a -s "$work/out" ]
done
finish
