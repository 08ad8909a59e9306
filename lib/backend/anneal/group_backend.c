/* SPDX-License-Identifier: MIT
 * Backend "grouped": the annealer for squares and constraints under its own name. */
#include "../backends.h"
#include "group.h"

static const spr_option_info group_backend_options[] = {
    {"runs", NULL, "annealing runs, each twice as long as the one before; a unit of work is 1000 proposed moves", 1.0, 60.0, 10.0,
     SPR_TYPE_INTEGER, 0}};

static int32_t group_backend_accepts(const spr_problem_view *problem, spr_error *error)
{
    (void)error;
    return problem->terms != NULL ? 60 : 5;
}

const spr_backend spr__backend_grouped = {sizeof(spr_backend), SPR_BACKEND_ABI, SPR_BACKEND_DETERMINISTIC | SPR_BACKEND_TERMS,
                                          "grouped", "annealing by moves that keep constraints", sizeof(spr__group_state),
                                          group_backend_options, 1, NULL, group_backend_accepts, spr__group_init,
                                          spr__group_warm, spr__group_step, spr__group_fini};
