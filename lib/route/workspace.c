/* SPDX-License-Identifier: MIT */
#include "quadratic.h"
#include "../base/arena.h"

#include <math.h>
#include <string.h>

/* blocks in a chunk at least, and chunks at most: enough for a server's threads, little memory */
enum { WORKSPACE_CHUNK_BLOCKS = 8, WORKSPACE_CHUNKS = 64 };

static int64_t workspace_chunk_blocks(int64_t blocks)
{
    int64_t spread = (blocks + WORKSPACE_CHUNKS - 1) / WORKSPACE_CHUNKS;
    return spread > WORKSPACE_CHUNK_BLOCKS ? spread : WORKSPACE_CHUNK_BLOCKS;
}

static void workspace_lay_chunk(spr__arena *arena, const spr_plan *plan, spr__chunk *chunk)
{
    size_t width = (size_t)plan->width, lanes = (size_t)plan->options.k * SPR_BLOCK;
    chunk->rows = (float *)spr__arena_take(arena, width * SPR_BLOCK, sizeof(float));
    chunk->keys = (float *)spr__arena_take(arena, width * SPR_BLOCK, sizeof(float));
    chunk->tile = (float *)spr__arena_take(arena, width * SPR_BLOCK, sizeof(float));
    size_t groups = plan->grouped ? ((size_t)plan->grouping.groups + 15) / 16 * 16 : 0;
    chunk->groups = (float *)spr__arena_take(arena, groups * SPR_BLOCK, sizeof(float));
    chunk->values = (float *)spr__arena_take(arena, lanes, sizeof(float));
    chunk->chosen = (int32_t *)spr__arena_take(arena, lanes, sizeof(int32_t));
    chunk->place = (int32_t *)spr__arena_take(arena, lanes, sizeof(int32_t));
    chunk->words = (uint64_t *)spr__arena_take(arena, (size_t)plan->words, sizeof(uint64_t));
    chunk->counts = (int32_t *)spr__arena_take(arena, plan->balanced ? SPR_LEVELS * width : 0, sizeof(int32_t));
}

static void workspace_lay_market(spr__arena *arena, const spr_plan *plan, spr__market *market)
{
    size_t width = (size_t)plan->width, devices = (size_t)plan->options.devices + 1;
    market->price = (double *)spr__arena_take(arena, width, sizeof(double));
    market->total = (double *)spr__arena_take(arena, width, sizeof(double));
    market->step = (double *)spr__arena_take(arena, width, sizeof(double));
    market->device_price = (double *)spr__arena_take(arena, devices, sizeof(double));
    market->supply = (double *)spr__arena_take(arena, width, sizeof(double));
    market->target = (double *)spr__arena_take(arena, width, sizeof(double));
    market->device_target = (double *)spr__arena_take(arena, devices, sizeof(double));
    market->device_work = (double *)spr__arena_take(arena, devices, sizeof(double));
    market->cost = (double *)spr__arena_take(arena, width, sizeof(double));
    market->device = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    market->levels = (float *)spr__arena_take(arena, SPR_LEVELS * width, sizeof(float));
    market->demand = (int32_t *)spr__arena_take(arena, SPR_LEVELS * width, sizeof(int32_t));
    market->asked = (float *)spr__arena_take(arena, width, sizeof(float));
}

static void workspace_lay_graph(spr__arena *arena, const spr_plan *plan, size_t tokens, spr__graph *graph)
{
    size_t width = (size_t)plan->width;
    graph->cost = (float *)spr__arena_take(arena, width * width, sizeof(float));
    graph->carrier = (int32_t *)spr__arena_take(arena, width * width, sizeof(int32_t));
    graph->potential = (float *)spr__arena_take(arena, width, sizeof(float));
    graph->distance = (float *)spr__arena_take(arena, width, sizeof(float));
    graph->open = (float *)spr__arena_take(arena, width, sizeof(float));
    graph->previous = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    graph->stale = (uint64_t *)spr__arena_take(arena, width, sizeof(uint64_t));
    graph->contested = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    graph->offering = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    graph->place = (int32_t *)spr__arena_take(arena, tokens, sizeof(int32_t));
    graph->holders = (uint64_t *)spr__arena_take(arena, (size_t)plan->options.experts * ((tokens + 63) / 64),
                                                 sizeof(uint64_t));
    graph->path = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    graph->chain = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
}

/* Places everything behind the workspace; with arena->base NULL it only measures. */
static void workspace_lay(spr__arena *arena, const spr_plan *plan, int64_t max_tokens, spr_workspace *workspace)
{
    memset(workspace, 0, sizeof *workspace);
    int64_t blocks = spr__blocks(max_tokens);
    size_t width = (size_t)plan->width, tokens = (size_t)blocks * SPR_BLOCK, routes = tokens * (size_t)plan->options.k;
    workspace->plan = plan;
    workspace->max_tokens = max_tokens;
    workspace->chunk_blocks = workspace_chunk_blocks(blocks);
    int64_t chunks = (blocks + workspace->chunk_blocks - 1) / workspace->chunk_blocks;
    workspace->chunks = (spr__chunk *)spr__arena_take(arena, (size_t)chunks, sizeof(spr__chunk));
    for (int64_t i = 0; i < chunks; i++) {
        spr__chunk spare;
        workspace_lay_chunk(arena, plan, workspace->chunks != NULL ? &workspace->chunks[i] : &spare);
    }
    workspace->prices = (float *)spr__arena_take(arena, width, sizeof(float));
    workspace->counts = (int32_t *)spr__arena_take(arena, width, sizeof(int32_t));
    workspace->offsets = (int32_t *)spr__arena_take(arena, width + 1, sizeof(int32_t));
    workspace->takes_part = (uint8_t *)spr__arena_take(arena, tokens, sizeof(uint8_t));
    if (plan->has_capacity) {
        workspace->sorted = (int32_t *)spr__arena_take(arena, routes, sizeof(int32_t));
        workspace->weights = (float *)spr__arena_take(arena, routes, sizeof(float));
        workspace->drop_keys = (uint64_t *)spr__arena_take(arena, tokens, sizeof(uint64_t));
    }
    if (plan->balanced) {
        workspace->shift = (float *)spr__arena_take(arena, tokens, sizeof(float));
        workspace->total = (float *)spr__arena_take(arena, tokens, sizeof(float));
        workspace->rows = (float *)spr__arena_take(arena, tokens * width, sizeof(float));
        workspace->tiles = (float *)spr__arena_take(arena, tokens * width, sizeof(float));
        workspace->taken = (uint64_t *)spr__arena_take(arena, tokens * (size_t)plan->words, sizeof(uint64_t));
        workspace->gap = (float *)spr__arena_take(arena, tokens, sizeof(float));
        workspace->next = (float *)spr__arena_take(arena, tokens, sizeof(float));
        workspace->block_affinity = (double *)spr__arena_take(arena, (size_t)blocks, sizeof(double));
        workspace->block_slack = (double *)spr__arena_take(arena, (size_t)blocks, sizeof(double));
        workspace->block_routes = (double *)spr__arena_take(arena, (size_t)blocks, sizeof(double));
        workspace_lay_market(arena, plan, &workspace->market);
        workspace_lay_graph(arena, plan, tokens, &workspace->graph);
        if (plan->quadratic)
            workspace->quadratic = spr__quadratic_lay(arena, plan, tokens);
    }
    if (workspace->prices != NULL)
        memset(workspace->prices, 0, width * sizeof(float));
}

spr_status spr_workspace_size(const spr_plan *plan, int64_t max_tokens, size_t *bytes, spr_error *error)
{
    if (plan == NULL || bytes == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", plan == NULL ? "plan" : "bytes");
    if (!plan->sealed)
        return spr__fail(error, SPR_ERROR_STATE, "plan is not sealed; call spr_plan_seal first");
    int64_t most = (INT32_MAX - SPR_BLOCK) / (plan->options.k > plan->width ? plan->options.k : plan->width);
    if (max_tokens < 1 || max_tokens > most)
        return spr__fail(error, SPR_ERROR_SIZE, "max_tokens is %lld; accepted is 1..%lld for this plan",
                         (long long)max_tokens, (long long)most);
    spr__arena arena = {NULL, 0};
    spr_workspace measured;
    spr__arena_take(&arena, 1, sizeof measured);
    workspace_lay(&arena, plan, max_tokens, &measured);
    if (arena.used == SIZE_MAX)
        return spr__fail(error, SPR_ERROR_SIZE, "max_tokens is %lld; the workspace would not fit the address space",
                         (long long)max_tokens);
    *bytes = arena.used + SPR_ALIGNMENT;
    return spr__ok(error);
}

spr_status spr_workspace_place(const spr_plan *plan, int64_t max_tokens, void *memory, size_t bytes,
                               spr_workspace **workspace, spr_error *error)
{
    size_t needed;
    if (workspace == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "workspace is NULL");
    *workspace = NULL;
    spr_status status = spr_workspace_size(plan, max_tokens, &needed, error);
    if (status != SPR_OK)
        return status;
    if (memory == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "memory is NULL");
    if (bytes < needed)
        return spr__fail(error, SPR_ERROR_SIZE, "bytes is %zu; the workspace needs %zu", bytes, needed);
    uintptr_t skip = (SPR_ALIGNMENT - (uintptr_t)memory % SPR_ALIGNMENT) % SPR_ALIGNMENT;
    spr__arena arena = {(char *)memory + skip, 0};
    *workspace = (spr_workspace *)spr__arena_take(&arena, 1, sizeof **workspace);
    workspace_lay(&arena, plan, max_tokens, *workspace);
    return spr__ok(error);
}

spr_status spr_workspace_new(const spr_plan *plan, int64_t max_tokens, spr_allocator allocator, void *user,
                             spr_workspace **workspace, spr_error *error)
{
    size_t bytes;
    if (workspace == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "workspace is NULL");
    *workspace = NULL;
    spr_status status = spr_workspace_size(plan, max_tokens, &bytes, error);
    if (status != SPR_OK)
        return status;
    spr__memory memory = spr__memory_of(allocator, user);
    void *block = spr__allocate(&memory, bytes);
    if (block == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a workspace of %zu bytes", bytes);
    status = spr_workspace_place(plan, max_tokens, block, bytes, workspace, error);
    (*workspace)->memory = memory;
    (*workspace)->block = block;
    (*workspace)->block_bytes = bytes;
    return status;
}

void spr_workspace_free(spr_workspace *workspace)
{
    if (workspace == NULL || workspace->block == NULL)
        return;
    spr__memory memory = workspace->memory;
    spr__release(&memory, workspace->block, workspace->block_bytes);
}

spr_status spr_workspace_set_prices(spr_workspace *workspace, const float *prices, spr_error *error)
{
    if (workspace == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "workspace is NULL");
    int64_t experts = workspace->plan->options.experts;
    if ((uintptr_t)prices % sizeof(float) != 0)
        return spr__fail(error, SPR_ERROR_ALIGNMENT, "prices is at %p; it must be aligned to 4 bytes",
                         (const void *)prices);
    for (int64_t e = 0; prices != NULL && e < experts; e++)
        if (!isfinite(prices[e]))
            return spr__fail(error, SPR_ERROR_NOT_FINITE, "prices[%lld] is %g; it must be finite", (long long)e,
                             (double)prices[e]);
    for (int64_t e = 0; e < experts; e++)
        workspace->prices[e] = prices != NULL ? prices[e] : 0.0f;
    workspace->has_prices = prices != NULL;
    return spr__ok(error);
}

spr_status spr_workspace_set_parallel(spr_workspace *workspace, spr_parallel_for parallel_for, void *user,
                                      spr_error *error)
{
    if (workspace == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "workspace is NULL");
    workspace->parallel_for = parallel_for;
    workspace->parallel_user = user;
    return spr__ok(error);
}

typedef struct workspace_job {
    spr_workspace *workspace;
    int64_t blocks;
    spr__work work;
    void *context;
} workspace_job;

static void workspace_run_chunk(void *context, int64_t index)
{
    const workspace_job *job = (const workspace_job *)context;
    int64_t first = index * job->workspace->chunk_blocks, last = first + job->workspace->chunk_blocks;
    job->work(job->context, &job->workspace->chunks[index], first, last < job->blocks ? last : job->blocks);
}

int64_t spr__chunks_used(const spr_workspace *workspace, int64_t blocks)
{
    int64_t chunks = (blocks + workspace->chunk_blocks - 1) / workspace->chunk_blocks;
    return workspace->parallel_for == NULL && chunks > 1 ? 1 : chunks;
}

void spr__for_blocks(spr_workspace *workspace, int64_t blocks, spr__work work, void *context)
{
    int64_t chunks = spr__chunks_used(workspace, blocks);
    if (chunks <= 1) {
        work(context, &workspace->chunks[0], 0, blocks);
        return;
    }
    workspace_job job = {workspace, blocks, work, context};
    workspace->parallel_for(workspace->parallel_user, chunks, workspace_run_chunk, &job);
}
