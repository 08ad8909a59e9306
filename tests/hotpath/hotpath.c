/* SPDX-License-Identifier: MIT
 * Proves that routing calls neither allocate nor enter the kernel once their workspace exists.
 *
 * Each mode runs in a child process. The malloc family of this binary traps while armed, and a seccomp filter ends the
 * child at any system call but write and exit_group. Two controls show that both traps work. Linux on x86-64 or arm64;
 * link the static library, so that its calls come here. The last line is "N passed, N failed".
 *
 * Sanitizers and valgrind replace malloc and make system calls of their own: this program is not for them. */
#include "../unit/support.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOTPATH_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define HOTPATH_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "hotpath.c knows the system calls of x86-64 and arm64 only"
#endif

/* ------------------------------------------------------------------------------------------------ the malloc family */

static volatile sig_atomic_t armed;

/* A heap that only grows; enough for one child. The size lies before each block, for realloc. */
enum { HEAP_BYTES = 256 << 20, HEAP_ALIGNMENT = 64 };
static char *heap;
static size_t heap_used;

static void *heap_take(size_t alignment, size_t size)
{
    if (armed)
        __builtin_trap();
    if (heap == NULL) {
        heap = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (heap == MAP_FAILED)
            __builtin_trap();
    }
    if (alignment < HEAP_ALIGNMENT)
        alignment = HEAP_ALIGNMENT;
    size_t at = (heap_used + sizeof size + alignment - 1) / alignment * alignment;
    if (size > HEAP_BYTES - at) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(heap + at - sizeof size, &size, sizeof size);
    heap_used = at + size;
    return heap + at;
}

void *malloc(size_t size)
{
    return heap_take(1, size);
}

void *calloc(size_t count, size_t size)
{
    return count != 0 && size > HEAP_BYTES / count ? NULL : heap_take(1, count * size);   /* fresh pages are zero */
}

void *realloc(void *old, size_t size)
{
    void *block = heap_take(1, size);
    size_t old_size = 0;
    if (old != NULL)
        memcpy(&old_size, (char *)old - sizeof old_size, sizeof old_size);
    if (block != NULL && old != NULL)
        memcpy(block, old, old_size < size ? old_size : size);
    return block;
}

void free(void *block)
{
    (void)block;
    if (armed)
        __builtin_trap();
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = heap_take(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return heap_take(alignment, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return heap_take(alignment, size);
}

/* ----------------------------------------------------------------------------------------------------------- filter */

/* From here on every system call but write and exit_group kills the process with SIGSYS. */
static void filter_install(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HOTPATH_ARCHITECTURE, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        _exit(77);
}

/* ------------------------------------------------------------------------------------------------------------ modes */

enum { TOKENS = 300 };

typedef struct hotpath_mode {
    const char *name;
    const char *options;
    spr_status wanted;           /* of spr_route */
    int32_t dtype;
} hotpath_mode;

static const hotpath_mode modes[] = {
    {"plain", "experts=64 k=8", SPR_OK, SPR_FLOAT32},
    {"plain, float16", "experts=64 k=8 score=sigmoid normalize=sum", SPR_OK, SPR_FLOAT16},
    {"plain, bfloat16, k 20", "experts=256 k=20", SPR_OK, SPR_BFLOAT16},
    {"groups", "experts=64 k=6 score=sigmoid groups=8 group_limit=3 group_score=top2_sum", SPR_OK, SPR_FLOAT32},
    {"drop by probability", "experts=64 k=8 capacity_factor=1 overflow=drop", SPR_NOTICE_DROPPED, SPR_FLOAT32},
    {"drop by slot", "experts=64 k=8 capacity_factor=1 overflow=drop drop_order=slot normalize=sum "
                     "normalize_order=after_drop", SPR_NOTICE_DROPPED, SPR_FLOAT32},
    {"reroute, cold", "experts=64 k=8 capacity_factor=1", SPR_OK, SPR_FLOAT32},
    {"reroute, warm", "experts=64 k=8 capacity_factor=1 start=warm", SPR_OK, SPR_FLOAT32},
    {"reroute, portable", "experts=64 k=8 capacity_factor=1 kernel=portable", SPR_OK, SPR_FLOAT32},
    {"causal", "experts=64 k=8 capacity_factor=1.5 mode=causal", SPR_OK, SPR_FLOAT32},
    {"causal, drop by position", "experts=64 k=8 capacity_factor=1 mode=causal overflow=drop drop_order=position",
     SPR_NOTICE_DROPPED, SPR_FLOAT32},
    {"expert balance", "experts=64 k=8 balance_weight=0.1", SPR_OK, SPR_FLOAT32},
    {"device balance", "experts=64 k=8 device_balance_weight=0.1 devices=8", SPR_OK, SPR_FLOAT32},
    {"infeasible, dropped", "experts=64 k=8 capacity=20", SPR_NOTICE_INFEASIBLE, SPR_FLOAT32},
    {"infeasible, refused", "experts=64 k=8 capacity=20 infeasible=error", SPR_ERROR_INFEASIBLE, SPR_FLOAT32},
    {"activation", "experts=64 k=8 activation_weight=0.5 anneal_moves=500", SPR_OK, SPR_FLOAT32},
    {"level, residents", "experts=64 k=8 devices=8 active_level_weight=0.2 activation_weight=0.1 resident_factor=0.5",
     SPR_OK, SPR_BFLOAT16},
    {"limit of active experts", "experts=64 k=8 devices=8 active_limit=4 anneal_schedule=adaptive", SPR_OK,
     SPR_FLOAT32},
    {"touches, capacity", "experts=64 k=8 devices=8 nodes=2 device_touch_weight=0.02 node_touch_weight=0.02 "
                          "capacity_factor=1.25", SPR_OK, SPR_FLOAT32},
    {"limits of devices and nodes", "experts=64 k=8 devices=8 nodes=4 device_limit=3 node_limit=2 capacity_factor=2",
     SPR_OK, SPR_FLOAT32},
    {"nodes alone", "experts=64 k=8 nodes=4 node_limit=2", SPR_OK, SPR_FLOAT16},
    {"pairs", "experts=64 k=8 pairs", SPR_OK, SPR_FLOAT32},
    {"hysteresis, floor", "experts=64 k=8 hysteresis_weight=0.01 keep_top=2", SPR_OK, SPR_FLOAT32},
    {"limit out of reach", "experts=64 k=8 keep_top=8 active_limit=8", SPR_NOTICE_LIMIT, SPR_FLOAT32},
    {"limit out of reach, refused", "experts=64 k=8 keep_top=8 active_limit=8 infeasible=error", SPR_ERROR_INFEASIBLE,
     SPR_FLOAT32},
    {"all terms", "experts=64 k=8 devices=8 nodes=4 device_touch_weight=0.01 node_touch_weight=0.01 device_limit=6 "
                  "activation_weight=0.1 resident_factor=0.5 active_level_weight=0.01 active_limit=7 "
                  "balance_weight=0.05 hysteresis_weight=0.005 capacity_factor=2 anneal_moves=500 seed=3 pairs",
     SPR_OK, SPR_FLOAT32},
};
enum { MODES = sizeof modes / sizeof modes[0] };

enum { CONTROL_NONE, CONTROL_MALLOC, CONTROL_SYSTEM_CALL };

/* The kernel's own getpid: libc could answer from a cache. */
static void control_run(int control)
{
    void *volatile block;
    if (control == CONTROL_MALLOC) {
        block = malloc(1);
        (void)block;
    }
    if (control == CONTROL_SYSTEM_CALL)
        syscall(SYS_getpid);
}

/* The word "pairs" at the end of the options stands for an array. */
static void mode_open(const hotpath_mode *mode, support_router *router)
{
    enum { PAIRS = 40 };
    char options[512];
    int32_t first[PAIRS], second[PAIRS];
    float values[PAIRS];
    spr_error error;
    const size_t length = strlen(mode->options);
    const int pairs = length > 6 && strcmp(mode->options + length - 6, " pairs") == 0;
    snprintf(options, sizeof options, "%.*s", (int)(length - (pairs ? 6 : 0)), mode->options);
    spr_plan *plan = support_plan(options);
    for (int i = 0; i < PAIRS; i++) {
        first[i] = i;
        second[i] = i + 7;
        values[i] = support_normal(4, (uint64_t)i) / 64.0f;
    }
    if (pairs)
        support_must(spr_plan_set_pairs(plan, "coactivation", first, second, values, PAIRS, &error) == SPR_OK,
                     mode->name, error.message);
    support_router_start(router, plan, TOKENS);
}

/* Residents, activation and the table before, for the terms that ask for them. */
static void mode_remember(const support_router *router, spr_batch *batch)
{
    static uint8_t resident[256];
    static float activation[256];
    static int32_t previous[TOKENS * 64];
    for (int64_t e = 0; e < router->experts; e++) {
        resident[e] = e % 3 == 0;
        activation[e] = (float)(e % 5) / 4.0f;
    }
    for (int64_t i = 0; i < TOKENS * router->k; i++)
        previous[i] = (int32_t)((i / router->k * 11 + i % router->k) % router->experts);
    batch->resident = resident;
    batch->activation = activation;
    batch->previous = previous;
}

/* Two batches through every routing call, then one that fails; ends the process: 0 = as wanted. */
static void mode_run(const hotpath_mode *mode, int control)
{
    static float logits[TOKENS * 256];
    static float weights[TOKENS * 64];
    static float scores[TOKENS * 256];
    static int32_t ids[TOKENS * 64];
    support_router router;
    spr_error error;
    mode_open(mode, &router);
    for (int64_t i = 0; i < TOKENS * router.experts; i++)
        logits[i] = support_normal(1, (uint64_t)i) + support_normal(2, (uint64_t)(i % router.experts));
    spr_batch batch = support_batch(logits, TOKENS), broken = batch;
    mode_remember(&router, &batch);
    uint16_t *narrow = (uint16_t *)(void *)logits;
    batch.dtype = mode->dtype;
    for (int64_t i = 0; i < TOKENS * router.experts && mode->dtype != SPR_FLOAT32; i++)
        narrow[i] = (uint16_t)(support_random(3, (uint64_t)i) % 0x4400); /* 0..4 in float16, 0..1000 in bfloat16 */
    static float nan_row[256];
    for (int i = 0; i < 256; i++)
        nan_row[i] = NAN;
    broken.logits = nan_row;
    broken.tokens = 1;

    int wrong = 0;
    filter_install();
    armed = 1;
    for (int i = 0; i < 2; i++)
        wrong |= (spr_route(router.workspace, &batch, &router.out.table, &error) != mode->wanted) << 0;
    wrong |= (spr_select(router.workspace, &batch, ids, &error) < 0) << 1;
    wrong |= (spr_weights(router.workspace, &batch, ids, weights, &error) < 0) << 2;
    wrong |= (spr_scores(router.workspace, &batch, scores, &error) < 0) << 3;
    wrong |= (spr_route(router.workspace, &broken, &router.out.table, &error) != SPR_ERROR_NOT_FINITE) << 4;
    control_run(control);
    armed = 0;
    _exit(wrong);
}

/* Wait status of a child that runs the mode. */
static int mode_wait(const hotpath_mode *mode, int control)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        mode_run(mode, control);
    support_must(child > 0 && waitpid(child, &status, 0) == child, "fork", "no child");
    return status;
}

int main(void)
{
    int passed = 0, failed = 0;
    int system_call = mode_wait(&modes[0], CONTROL_SYSTEM_CALL), allocation = mode_wait(&modes[0], CONTROL_MALLOC);
    if (WIFEXITED(system_call) && WEXITSTATUS(system_call) == 77) {
        printf("this kernel does not allow seccomp filters\n0 passed, 1 failed\n");
        return 1;
    }
    int traps = WIFSIGNALED(system_call) && WTERMSIG(system_call) == SIGSYS && WIFSIGNALED(allocation) &&
                (WTERMSIG(allocation) == SIGILL || WTERMSIG(allocation) == SIGTRAP);
    if (!traps)
        printf("FAIL controls: a getpid ended with %#x, a malloc with %#x\n", (unsigned)system_call,
               (unsigned)allocation);
    passed += traps;
    failed += !traps;
    for (int i = 0; i < MODES; i++) {
        int status = mode_wait(&modes[i], CONTROL_NONE);
        if (status == 0) {
            passed++;
            continue;
        }
        failed++;
        if (WIFSIGNALED(status))
            printf("FAIL %s: %s\n", modes[i].name, WTERMSIG(status) == SIGSYS ? "made a system call"
                   : WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP ? "allocated" : "crashed");
        else
            printf("FAIL %s: wrong statuses, bit set %#x\n", modes[i].name, WEXITSTATUS(status));
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
