/* SPDX-License-Identifier: MIT
 * Between the tables of the open-expert search (interchange.c) and the search (interchange_search.c). */
#ifndef SPR_ROUTE_INTERCHANGE_TABLES_H
#define SPR_ROUTE_INTERCHANGE_TABLES_H

#include "interchange.h"

/* an expert that cannot be had now, in vacant, same and other: sums with it stay within int32 */
enum { SPR_INTERCHANGE_SHUT = -(1 << 30) };

/* Starts from the set of all experts that are among some token's best; only loss and stuck are kept. */
void spr__interchange_open(spr__interchange *search, const spr__terms *terms, const spr__kernel *kernel);

/* From now on gain and saved are kept too. */
void spr__interchange_build_tables(spr__interchange *search);

/* What closing e gives back, what opening f costs: fee and level. */
int32_t spr__interchange_refund(const spr__interchange *search, int32_t e);
int32_t spr__interchange_cost(const spr__interchange *search, int32_t f);

/* What that many active experts of a device cost by the level. */
int64_t spr__interchange_level(const spr__interchange *search, int64_t active);

/* Fills same and other: gain of each closed expert less its cost; very small where a limit forbids it. */
void spr__interchange_price_openings(spr__interchange *search);

/* The moves; search->worth follows. Closing needs stuck[e] == 0, opening needs the tables. */
void spr__interchange_close_expert(spr__interchange *search, int32_t e);
void spr__interchange_open_expert(spr__interchange *search, int32_t f);

/* May e close when f opens first? */
int spr__interchange_rescues(const spr__interchange *search, int32_t e, int32_t f);

#endif
