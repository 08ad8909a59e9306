/* SPDX-License-Identifier: MIT
 * Template of a kernel variant: included once per lanes_*.h, which must have defined LANE(name), LANES, TARGET, vector,
 * mask. Each part is one idea; the last lines make the table. */
#ifndef INLINE
#define INLINE static inline
#endif
#define KERNEL static TARGET

#define SET LANE(set)
#define LOAD LANE(load)
#define STORE LANE(store)
#define ADD LANE(add)
#define SUB LANE(sub)
#define MUL LANE(mul)
#define DIV LANE(div)
#define MIN LANE(min)
#define MAX LANE(max)
#define GT LANE(gt)
#define GE LANE(ge)
#define EQ LANE(eq)
#define BITS LANE(bits)
#define SELECT LANE(select)

#include "body_load.h"
#include "body_score.h"
#include "body_threshold.h"
#include "body_group.h"
#include "body_pick.h"
#include "body_weigh.h"
#include "body_price.h"
#include "body_repair.h"
#include "body_interchange.h"
#include "body_reselect.h"

static const spr__kernel LANE(table) = {
    VARIANT, LANE(load_row), LANE(to_tile), LANE(to_rows), LANE(softmax_sums),
    LANE(softmax_sums_row), LANE(score), LANE(limit_groups), LANE(threshold), LANE(threshold_row), LANE(pick_row), LANE(order), LANE(weigh), LANE(margin), LANE(count),
    LANE(offer_rows), LANE(relax_row), LANE(nearest), LANE(span_row), LANE(to_whole), LANE(largest_place), LANE(move_gain),
    LANE(saving), LANE(whole_add), LANE(whole_subtract), LANE(best_swap), LANE(least_sums), LANE(rank)};

#undef SET
#undef LOAD
#undef STORE
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef MIN
#undef MAX
#undef GT
#undef GE
#undef EQ
#undef BITS
#undef SELECT
#undef KERNEL
#undef INLINE
#undef TARGET
#undef LANES
#undef vector
#undef mask
#undef VARIANT
#undef LANE
