/* SPDX-License-Identifier: MIT
 * Lends Spinroute a pool of threads, and compares: the same bits, both times.        usage: parallel [THREADS] */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <spinroute.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRY(call) do { if ((call) < 0) return fprintf(stderr, "parallel: %s\n", error.message), 1; } while (0)

/* One loop at a time; whoever is free takes its next index. */
static struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    spr_parallel_task task; void *context;
    int64_t count, next, done;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER};

/* The lock is held on entry and on return, not during the task. */
static void pool_take_indices(struct pool *p)
{
    while (p->next < p->count) {
        int64_t index = p->next++;
        pthread_mutex_unlock(&p->lock);
        p->task(p->context, index);
        pthread_mutex_lock(&p->lock);
        if (++p->done == p->count)
            pthread_cond_signal(&p->finished);
    }
}

static void *pool_thread(void *user)
{
    struct pool *p = user;
    pthread_mutex_lock(&p->lock);
    while (pthread_cond_wait(&p->work, &p->lock) == 0) /* until the program ends */
        pool_take_indices(p);
    return NULL;
}

/* The spr_parallel_for that Spinroute calls. */
static void pool_for(void *user, int64_t count, spr_parallel_task task, void *context)
{
    struct pool *p = user;
    pthread_mutex_lock(&p->lock);
    p->task = task, p->context = context, p->count = count, p->next = p->done = 0;
    pthread_cond_broadcast(&p->work);
    pool_take_indices(p);
    while (p->done < p->count)
        pthread_cond_wait(&p->finished, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

enum { TOKENS = 16384, EXPERTS = 64, K = 8, REPEATS = 15 };
static float logits[TOKENS * EXPERTS];
static struct result { int32_t ids[TOKENS * K]; float weights[TOKENS * K], prices[EXPERTS]; } results[2];

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2;
    double best[2] = {1e30, 1e30};
    pthread_t thread;
    spr_plan *plan; spr_workspace *workspace;
    spr_batch batch = {.size = sizeof batch, .tokens = TOKENS, .logits = logits};
    spr_error error;
    for (uint32_t i = 0, random = 1; i < TOKENS * EXPERTS; i++)    /* noise, and a liking for low experts */
        logits[i] = (float)((random = random * 1664525u + 1013904223u) >> 8) / (1 << 22) - (float)(i % EXPERTS) / 32;
    for (int i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, pool_thread, &pool) != 0)
            return fprintf(stderr, "parallel: thread %d of %d cannot be started\n", i + 1, threads), 1;
    TRY(spr_plan_new(NULL, NULL, &plan, &error));
    TRY(spr_plan_set_preset(plan, "spinroute", &error));
    TRY(spr_plan_seal(plan, &error));
    TRY(spr_workspace_new(plan, TOKENS, NULL, NULL, &workspace, &error));
    for (int i = 0; i < 2 * REPEATS; i++) {            /* by turns alone and with the pool */
        struct result *r = &results[i % 2];
        spr_table table = {.size = sizeof table, .ids = r->ids, .weights = r->weights, .prices = r->prices};
        TRY(spr_workspace_set_parallel(workspace, i % 2 == 1 ? pool_for : NULL, &pool, &error));
        const double start = milliseconds();
        TRY(spr_route(workspace, &batch, &table, &error));
        best[i % 2] = fmin(best[i % 2], milliseconds() - start);
    }
    const int same = memcmp(&results[0], &results[1], sizeof results[0]) == 0;
    printf("%d tokens, %d experts, top-%d: best of %d calls, on this machine\n"
           "the calling thread alone %8.3f ms\n%2d threads               %8.3f ms\nids, weights and prices  %s\n",
           TOKENS, EXPERTS, K, REPEATS, best[0], threads, best[1], same ? "the same bits" : "DIFFERENT");
    spr_workspace_free(workspace), spr_plan_free(plan);
    return !same;
}
