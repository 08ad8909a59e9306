/* SPDX-License-Identifier: MIT
 * Solves a QUBO, an Ising problem or a maximum cut from a file of one of the published formats. */
#include "solve_file.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: solve_file FILE|- [OPTION]...\n"
    "       solve_file --list\n"
    "  --format F          coo, bqp, biqmac, rudy or qplib; by default the name says it: .coo .qubo, .bqp, .sparse,\n"
    "                      .rud .rudy .mc G1 G1.txt, .qplib\n"
    "  --backend NAME      default auto\n"
    "  --seconds S         time limit; default 10 unless --work is given, 0 = none\n"
    "  --work W            limit in the backend's counted steps: the same answer every time, without --seconds\n"
    "  --target E          stop at an energy of at most E (energies are minimised: a cut of 12 is -12)\n"
    "  --seed N            default 0\n"
    "  --set OPTION=VALUE  an option of the backend, any number of times\n"
    "  --trace FILE        seconds, work, energy of each new best, as TSV\n"
    "  --plot FILE         the same as a picture (SVG)\n"
    "  --out FILE          the best state: n lines of 0 or 1\n"
    "  --list              the backends and their options\n"
    "exit codes: 0 solved, 1 wrong usage, 2 problem not read, 3 solver failed, 4 output not written\n";

enum { MOST_SETTINGS = 64 };

struct wishes {
    const char *file, *format, *backend, *trace, *plot, *out;
    const char *option[MOST_SETTINGS], *value[MOST_SETTINGS];
    int settings, list, limited;
};

/* For Ctrl-C: the best state so far is still printed. */
static spr_solver *volatile running;

static void interrupt(int signal_number)
{
    (void)signal_number;
    if (running != NULL)
        spr_solver_cancel(running);
}

int solve_complain(int code, const char *what, const char *why)
{
    fprintf(stderr, "solve_file: %s: %s\n", what, why);
    return code;
}

static int set(struct wishes *w, const char *option, const char *value)
{
    if (w->settings == MOST_SETTINGS)
        return solve_complain(SOLVE_USAGE, option, "more settings than 64");
    w->option[w->settings] = option;
    w->value[w->settings++] = value;
    w->limited |= strcmp(option, "seconds") == 0 || strcmp(option, "work") == 0;
    return SOLVE_OK;
}

/* "option=value"; cuts the argument in two. */
static int set_pair(struct wishes *w, char *pair)
{
    char *mark = strchr(pair, '=');
    if (mark == NULL)
        return solve_complain(SOLVE_USAGE, pair, "accepted is --set OPTION=VALUE");
    *mark = '\0';
    return set(w, pair, mark + 1);
}

static int read_arguments(int argc, char **argv, struct wishes *w)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"backend", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 's'}, {"work", required_argument, NULL, 's'},
        {"target", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 's'},
        {"set", required_argument, NULL, 'o'}, {"trace", required_argument, NULL, 't'},
        {"plot", required_argument, NULL, 'p'}, {"out", required_argument, NULL, 'x'},
        {"list", no_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int letter, index = 0, code = SOLVE_OK;
    while (code == SOLVE_OK && (letter = getopt_long(argc, argv, "", options, &index)) != -1)
        switch (letter) {
        case 'f': w->format = optarg; break;
        case 'b': w->backend = optarg; break;
        case 's': code = set(w, options[index].name, optarg); break;
        case 'o': code = set_pair(w, optarg); break;
        case 't': w->trace = optarg; break;
        case 'p': w->plot = optarg; break;
        case 'x': w->out = optarg; break;
        case 'l': w->list = 1; break;
        case 'h': fputs(usage, stdout); exit(SOLVE_OK);
        default: fputs(usage, stderr); return SOLVE_USAGE;
        }
    if (code == SOLVE_OK && !w->list && optind != argc - 1) {
        fputs(usage, stderr);
        return SOLVE_USAGE;
    }
    w->file = w->list ? NULL : argv[optind];
    return code;
}

/* ---------------------------------------------------------------------------------------------------------- backends */

static void list_options(const spr_solver *solver, int32_t first)
{
    spr_option_info o;
    for (int32_t i = first; i < spr_solver_option_count(solver); i++) {
        if (spr_solver_option_get_info(solver, i, &o, NULL) != SPR_OK)
            continue;
        if (o.type == SPR_TYPE_CHOICE)
            printf("    %-16s %s  (default number %g)\n", o.name, o.choices, o.standard);
        else
            printf("    %-16s %s, %.16g .. %.16g, default %.16g\n", o.name, o.type == SPR_TYPE_REAL ? "real" : "integer",
                   o.minimum, o.maximum, o.standard);
        printf("    %-16s %s\n", "", o.summary);
    }
}

static int list_backends(void)
{
    spr_error error = {0};
    spr_problem *problem = NULL;
    const int32_t row = 0, column = 1;
    const double value = 1.0;
    if (spr_problem_from_entries(NULL, NULL, SPR_QUBO, 2, NULL, 1, &row, &column, &value, 0.0, &problem, &error) != SPR_OK)
        return solve_complain(SOLVE_SOLVER, "--list", error.message);
    printf("every backend\n");
    list_options(NULL, 0);
    for (int32_t i = 0; i < spr_registry_count(NULL); i++) {
        const char *name = NULL, *summary = NULL;
        int32_t available = 0;
        spr_solver *solver = NULL;
        if (spr_registry_get_info(NULL, i, &name, &summary, &available, &error) != SPR_OK)
            continue;
        printf("%s: %s\n", name, summary);
        if (!available)
            printf("    not here: %s\n", error.message);
        else if (spr_solver_new(NULL, NULL, NULL, name, problem, &solver, &error) == SPR_OK)
            list_options(solver, spr_solver_option_count(NULL));
        spr_solver_free(solver);
    }
    spr_problem_free(problem);
    return SOLVE_OK;
}

/* ------------------------------------------------------------------------------------------------------------- solve */

static int32_t note(void *user, int64_t work, double energy, double seconds)
{
    (void)seconds;              /* 0 without a time limit; the trace has a clock of its own */
    if (isfinite(energy))
        solve_trace_add(user, work, energy);
    return 0;
}

static int prepare(const struct wishes *w, const struct solve_input *input, struct solve_trace *trace, spr_solver **solver)
{
    spr_error error;
    if (spr_solver_new(NULL, NULL, NULL, w->backend, input->problem, solver, &error) < SPR_OK)
        return solve_complain(error.status == SPR_ERROR_OPTION_NAME ? SOLVE_USAGE : SOLVE_SOLVER, "--backend",
                              error.message);
    for (int i = 0; i < w->settings; i++)
        if (spr_solver_set_text(*solver, w->option[i], w->value[i], &error) < SPR_OK)
            return solve_complain(SOLVE_USAGE, w->option[i], error.message);
    if ((!w->limited && spr_solver_set_real(*solver, "seconds", 10.0, &error) < SPR_OK) ||
        spr_solver_set_progress(*solver, note, trace, &error) < SPR_OK)
        return solve_complain(SOLVE_SOLVER, "solver", error.message);
    return SOLVE_OK;
}

static void report(const struct solve_input *input, const spr_solver *solver, const spr_solve_result *r,
                   const struct solve_trace *trace)
{
    static const char *const outcomes[] = {"none", "optimal, proved", "target reached", "finished", "work limit",
                                           "time limit", "cancelled", "failed"};
    int64_t n = 0, couplings = 0;
    spr_problem_size(input->problem, &n, &couplings, NULL);
    printf("problem    %s (%s): %lld variables, %lld couplings\n", input->name, input->format, (long long)n,
           (long long)couplings);
    printf("backend    %s\n", spr_solver_backend(solver));
    printf("outcome    %s\n", r->outcome >= 0 && r->outcome <= SPR_OUTCOME_FAILED ? outcomes[r->outcome] : "unknown");
    if (r->samples > 0) {
        printf("energy     %.15g\n", r->energy);
        if (input->objective != NULL)
            printf("%-10s %.15g (%s)\n", input->objective, 0.0 + input->sign * r->energy,
                   input->sign < 0.0 ? "maximised" : "minimised");
    }
    if (isfinite(r->lower_bound))
        printf("bound      %.15g, gap %.3g %%\n", r->lower_bound,
               r->energy > r->lower_bound ? 100.0 * (r->energy - r->lower_bound) / fmax(fabs(r->energy), 1e-300) : 0.0);
    else
        printf("bound      none proved\n");
    printf("seconds    %.3f\nwork       %lld\n", trace->end - trace->start, (long long)r->work);
}

static int write_state(const struct solve_input *input, const spr_solver *solver, const char *path)
{
    spr_error error;
    int64_t n = 0;
    spr_problem_size(input->problem, &n, NULL, NULL);
    uint8_t *bits = malloc((size_t)n);
    if (bits == NULL || spr_solver_get_sample(solver, 0, bits, NULL, NULL, &error) != SPR_OK) {
        const int code = solve_complain(SOLVE_OUTPUT, path, bits == NULL ? "no memory" : error.message);
        free(bits);
        return code;
    }
    FILE *to = fopen(path, "w");
    const char *why = strerror(errno);
    for (int64_t i = 0; to != NULL && i < n; i++)
        fprintf(to, "%d\n", (int)bits[i]);
    free(bits);
    const int failed = to == NULL || ferror(to);
    return (to != NULL && fclose(to) != 0) || failed ? solve_complain(SOLVE_OUTPUT, path, why) : SOLVE_OK;
}

static int solve(const struct wishes *w, const struct solve_input *input, struct solve_trace *trace, spr_solver *solver)
{
    spr_solve_result result = {.size = sizeof result};
    spr_error error;
    running = solver;
    signal(SIGINT, interrupt);
    trace->start = solve_clock();
    const spr_status status = spr_solver_solve(solver, &result, &error);
    running = NULL;
    if (result.samples > 0)
        solve_trace_add(trace, result.work, result.energy);
    trace->end = solve_clock();
    report(input, solver, &result, trace);
    int code = status < SPR_OK ? solve_complain(SOLVE_SOLVER, spr_solver_backend(solver), error.message) : SOLVE_OK;
    if (w->trace != NULL && code == SOLVE_OK)
        code = solve_trace_write(trace, w->trace);
    if (w->plot != NULL && code == SOLVE_OK)
        code = solve_plot_write(trace, input->name, w->plot);
    return w->out != NULL && code == SOLVE_OK ? write_state(input, solver, w->out) : code;
}

int main(int argc, char **argv)
{
    struct wishes w = {.backend = "auto"};
    struct solve_input input = {.problem = NULL};
    struct solve_trace trace = {.point = NULL};
    spr_solver *solver = NULL;
    int code = read_arguments(argc, argv, &w);
    if (code != SOLVE_OK || w.list)
        return code != SOLVE_OK ? code : list_backends();
    code = solve_read(w.file, w.format, &input);
    if (code == SOLVE_OK)
        code = prepare(&w, &input, &trace, &solver);
    if (code == SOLVE_OK)
        code = solve(&w, &input, &trace, solver);
    spr_solver_free(solver);
    spr_problem_free(input.problem);
    free(trace.point);
    return code;
}
