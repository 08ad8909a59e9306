/* SPDX-License-Identifier: MIT
 * A route as a QUBO: a decode batch is routed, its exact QUBO is built around the table, handed to a backend, and what the
 * backend finds becomes a table again. Any solver of QUBOs could stand in the middle: its answer is checked and never makes
 * the table worse.
 *
 *     cc examples/qubo_route.c $(pkg-config --cflags --libs spinroute) && ./a.out */
#include <spinroute.h>
#include <spinroute/lower.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOKENS = 6, EXPERTS = 12, K = 2 };

#define TRY(call) do { if ((call) < 0) { fprintf(stderr, "%s\n", error.message); return EXIT_FAILURE; } } while (0)

int main(void)
{
    spr_error error;
    spr_plan *plan;
    spr_workspace *workspace;
    spr_lowering *lowering;
    spr_solver *solver;
    float logits[TOKENS * EXPERTS];
    int32_t ids[TOKENS * K], found_ids[TOKENS * K];
    for (int i = 0; i < TOKENS * EXPERTS; i++)
        logits[i] = (float)(i * i * 31 % 97) / 24;

    /* each active expert costs as much as 0.2 of affinity: its weights must be read */
    TRY(spr_plan_new(NULL, NULL, &plan, &error));
    TRY(spr_plan_set_integer(plan, "experts", EXPERTS, &error));
    TRY(spr_plan_set_integer(plan, "k", K, &error));
    TRY(spr_plan_set_real(plan, "activation_weight", 0.2, &error));
    TRY(spr_plan_seal(plan, &error));
    TRY(spr_workspace_new(plan, TOKENS, NULL, NULL, &workspace, &error));
    spr_statistics found = {.size = sizeof found};
    spr_batch batch = {.size = sizeof batch, .tokens = TOKENS, .logits = logits};
    spr_table table = {.size = sizeof table, .ids = ids, .statistics = &found};
    TRY(spr_route(workspace, &batch, &table, &error));
    printf("routed: H = %.6f with %d active experts\n", found.energy, (int)found.active_experts);

    /* the QUBO, without what the multipliers prove already */
    spr_lower_settings settings = {.size = sizeof settings, .kernelise = 1};
    spr_lower_report report = {.size = sizeof report};
    TRY(spr_lower(workspace, &batch, ids, &settings, NULL, NULL, &lowering, &error));
    TRY(spr_lowering_report(lowering, &report, &error));
    printf("lowered: %d variables, %d couplings; fixed %d of %d; no table is below %.6f\n", (int)report.variables,
           (int)report.couplings, (int)(report.fixed_zero + report.fixed_one), TOKENS * EXPERTS, report.bound);

    /* any backend: the answer is a state of bits */
    uint8_t *bits = malloc((size_t)report.variables);
    double energy;
    int64_t repairs;
    TRY(spr_solver_new(NULL, NULL, NULL, "auto", spr_lowering_problem(lowering), &solver, &error));
    TRY(spr_solver_solve(solver, NULL, &error));
    TRY(spr_solver_get_sample(solver, 0, bits, &energy, NULL, &error));
    printf("solved by \"%s\": energy %.6f\n", spr_solver_backend(solver), energy);
    TRY(spr_lowering_decode(lowering, bits, found_ids, &energy, &repairs, &error));
    printf("decoded: H = %.6f, %s\n", energy, repairs < 0 ? "the routed table stays" : "no worse than the routed table");

    const int good = energy <= found.energy + 1e-9;
    spr_solver_free(solver);
    free(bits);
    spr_lowering_free(lowering);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
