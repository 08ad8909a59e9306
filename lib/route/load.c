/* SPDX-License-Identifier: MIT
 * Logits of one block. */
#include "call.h"

#include <math.h>

static void load_nothing(float *row, int64_t width)
{
    for (int64_t e = 0; e < width; e++)
        row[e] = -INFINITY;
}

void spr__load_block(const spr__call *call, int64_t block, int64_t count, float *rows)
{
    const spr_plan *plan = call->plan;
    const int64_t width = plan->width, experts = plan->options.experts;
    for (int64_t r = 0; r < count; r++) {
        const int64_t t = block * SPR_BLOCK + r;
        float *row = rows + r * width;
        if (t >= call->tokens || (call->token_mask != NULL && call->token_mask[t] == 0)) {
            call->workspace->takes_part[t] = 0;
            load_nothing(row, width);
            continue;
        }
        int bad = call->kernel->load_row(call->logits + t * call->row_bytes, call->dtype, experts, width, row);
        call->workspace->takes_part[t] = bad ? 2 : 1;
        if (bad)
            load_nothing(row, width);
        else if (plan->allowed != NULL)
            for (int64_t e = 0; e < experts; e++)
                row[e] = plan->allowed[e] ? row[e] : -INFINITY;
    }
}
