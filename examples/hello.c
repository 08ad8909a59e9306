/* SPDX-License-Identifier: MIT
 * The smallest use of Spinroute: 16 tokens that all like expert 0 best, 8 experts, 2 experts per token. */
#include <spinroute.h>
#include <stdio.h>

enum { TOKENS = 16, EXPERTS = 8, K = 2 };

#define TRY(call) do { if ((call) < 0) { fprintf(stderr, "%s\n", error.message); return 1; } } while (0)

int main(void)
{
    spr_error error;
    spr_plan *plan;
    spr_workspace *workspace;
    float logits[TOKENS * EXPERTS];
    int32_t ids[TOKENS * K], counts[EXPERTS];
    for (int i = 0; i < TOKENS * EXPERTS; i++)
        logits[i] = (float)(i * 37 % 101) / 50 + (i % EXPERTS == 0 ? 3.0f : 0.0f);

    TRY(spr_plan_new(NULL, NULL, &plan, &error));                            /* what to solve */
    TRY(spr_plan_set_preset(plan, "spinroute", &error));
    TRY(spr_plan_set_integer(plan, "experts", EXPERTS, &error));
    TRY(spr_plan_set_integer(plan, "k", K, &error));
    TRY(spr_plan_seal(plan, &error));
    TRY(spr_workspace_new(plan, TOKENS, NULL, NULL, &workspace, &error));    /* all scratch memory */

    spr_statistics found = {.size = sizeof found};
    spr_batch batch = {.size = sizeof batch, .tokens = TOKENS, .logits = logits};
    spr_table table = {.size = sizeof table, .ids = ids, .counts = counts, .statistics = &found};
    TRY(spr_route(workspace, &batch, &table, &error));                       /* one call per batch */

    for (int t = 0; t < TOKENS; t++)
        printf("token %2d goes to experts %d and %d\n", t, (int)ids[t * K], (int)ids[t * K + 1]);
    for (int e = 0; e < EXPERTS; e++)
        printf("expert %d has %d tokens, at most %d allowed\n", e, (int)counts[e], (int)found.capacity);
    printf("the fullest expert has %d; greedily it would have %d\n", (int)found.max_load, (int)found.greedy_max_load);
    spr_workspace_free(workspace);
    spr_plan_free(plan);
    return 0;
}
