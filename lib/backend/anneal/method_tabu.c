/* SPDX-License-Identifier: MIT
 * Methods "tabu": iterated tabu search (Palubeckis, Informatica 17, 2006), and "relink": path relinking between members of
 * the pool (Wang, Lu, Glover and Hao, European Journal of Operational Research 223, 2012): from one to the other by the best
 * flips of what differs, then tabu search from the best state of the middle of that path.
 *
 * On dense problems whose coefficients differ in size both come close to anneals bred from the pool, relink more than tabu,
 * but not past them; where all couplings are 1 or -1 they stay far behind. */
#include "tabu.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* flips without a better state, in n, after which the state is kicked; least flips of a kick, and the part of n that is the
 * most; the middle of a path leaves out this part of it at either end */
enum { TABU_PATIENCE = 20, TABU_KICK_LEAST = 10, TABU_KICK_PART = 8, TABU_ENDS = 3 };

typedef struct tabu_own {
    spr__tabu search;
    int64_t units;               /* left */
    int64_t kicks;
    int32_t *path;               /* [n] relink: variables flipped */
    int64_t length, walked;      /* of the path, 0 when it is done with; and flips of it done */
    int64_t middle;              /* flips to the best state of the middle part */
    double middle_energy;
    int64_t next;                /* flip to be made on the path; -1: on the way back */
    double gain;
} tabu_own;

static int tabu_open(spr__run *run, const spr_host *host)
{
    tabu_own *own = (tabu_own *)host->allocate(host->engine, sizeof *own);
    run->own = own;
    if (own == NULL)
        return 0;
    own->path = (int32_t *)host->allocate(host->engine, (size_t)run->model->variables * sizeof(int32_t));
    return own->path != NULL && spr__tabu_open(&own->search, run, host);
}

/* The search goes on from what the run has been given. */
static void tabu_start(spr__run *run)
{
    tabu_own *own = (tabu_own *)run->own;
    own->units = run->task.sweeps * run->model->parts;
    own->kicks = 0;
    own->length = 0;
    if (run->model->layout == SPR_MODEL_DENSE)
        spr__replica_bits(&run->replica, run->bits);
    else
        spr__bundle_bits(&run->bundle, 0, run->bits);
    spr__tabu_put(&own->search, run->bits, spr__random_at(run->task.key, 2));
    spr__tabu_begin(&own->search);
}

static void tabu_end(spr__run *run)
{
    tabu_own *own = (tabu_own *)run->own;
    spr__tabu_keep(&own->search);
    memcpy(run->bits, own->search.bits, (size_t)run->model->variables);
    run->energy[0] = own->search.best;
    run->results = 1;
    run->done = 1;
}

/* One flip, or a kick. */
static void tabu_flip_or_kick(spr__run *run)
{
    tabu_own *own = (tabu_own *)run->own;
    const int64_t n = run->model->variables;
    if (own->search.flips - own->search.improved <= TABU_PATIENCE * n || own->search.next < 0) {
        spr__tabu_move(&own->search);
        return;
    }
    const int64_t most = n / TABU_KICK_PART > TABU_KICK_LEAST ? n / TABU_KICK_PART : TABU_KICK_LEAST;
    const uint64_t drawn = spr__random_at(run->task.key, 3 + (uint64_t)own->kicks++) >> 32;
    const int64_t count = TABU_KICK_LEAST + (int64_t)(drawn % (uint64_t)(most - TABU_KICK_LEAST + 1));
    spr__tabu_kick(&own->search, count < n ? count : n);
}

static int64_t tabu_advance(spr__run *run, int64_t units)
{
    tabu_own *own = (tabu_own *)run->own;
    const int64_t flips = spr__tabu_unit(run->model);
    int64_t used = 0;
    for (; used < units && !run->done; used++) {
        for (int64_t k = 0; k < flips; k++)
            tabu_flip_or_kick(run);
        if (--own->units <= 0)
            tabu_end(run);
    }
    return used;
}

/* ------------------------------------------------------------------------------------------------------------- relink */

static void relink_start(spr__run *run)
{
    tabu_own *own = (tabu_own *)run->own;
    const spr__pool *pool = run->pool;
    const int64_t n = run->model->variables;
    if (pool->used < 2) {
        tabu_start(run);
        return;
    }
    const uint64_t drawn = spr__random_at(run->task.key, 1);
    const int32_t one = (int32_t)((uint32_t)drawn % (uint32_t)pool->used);
    const int32_t other = (one + 1 + (int32_t)((uint32_t)(drawn >> 32) % (uint32_t)(pool->used - 1))) % pool->used;
    const uint8_t *from = pool->bits + one * n, *goal = pool->bits + other * n;
    own->units = run->task.sweeps * run->model->parts;
    own->kicks = 0;
    spr__tabu_put(&own->search, from, spr__random_at(run->task.key, 2));
    int64_t differ = 0;
    for (int64_t i = 0; i < n; i++)
        differ += from[i] ^ goal[i];
    /* of the two opposites the one that is nearer */
    const uint8_t turn = pool->even && 2 * differ > n;
    own->length = turn ? n - differ : differ;
    for (int64_t i = 0; i < n; i++)
        own->search.barred[i] = from[i] != (goal[i] ^ turn) ? spr__tabu_free(&own->search, i) : INFINITY;
    own->walked = own->middle = 0;
    own->middle_energy = INFINITY;
    own->next = spr__tabu_flip(&own->search, -1, &own->gain);
    if (own->length == 0)
        spr__tabu_begin(&own->search);
}

/* A flip along the path, or on the way back to its best state; the search begins there. */
static void relink_walk(spr__run *run)
{
    tabu_own *own = (tabu_own *)run->own;
    spr__tabu *search = &own->search;
    if (own->walked < own->length - own->length / TABU_ENDS && own->next >= 0) {
        own->path[own->walked++] = (int32_t)own->next;
        search->energy += own->gain;
        search->barred[own->next] = INFINITY;
        own->next = spr__tabu_flip(search, own->next, &own->gain);
        if (own->walked >= own->length / TABU_ENDS && search->energy < own->middle_energy) {
            own->middle_energy = search->energy;
            own->middle = own->walked;
        }
        return;
    }
    own->next = -1;
    if (own->walked > own->middle) {
        double gain;
        own->walked--;
        spr__tabu_flip(search, own->path[own->walked], &gain);
        return;
    }
    search->energy = own->middle_energy < INFINITY ? own->middle_energy : search->energy;
    own->length = 0;
    spr__tabu_begin(search);
}

static int64_t relink_advance(spr__run *run, int64_t units)
{
    tabu_own *own = (tabu_own *)run->own;
    const int64_t flips = spr__tabu_unit(run->model);
    int64_t used = 0;
    for (; used < units && own->length > 0; used++)
        for (int64_t k = 0; k < flips && own->length > 0; k++)
            relink_walk(run);
    return used + (used < units ? tabu_advance(run, units - used) : 0);
}

const spr__method spr__method_tabu = {"tabu", tabu_open, tabu_start, tabu_advance};
const spr__method spr__method_relink = {"relink", tabu_open, relink_start, relink_advance};
