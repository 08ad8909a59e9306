/* SPDX-License-Identifier: MIT
 * Properties of spr_route on random instances, small ones against an exact solver written from the header alone.
 *
 * The exact solver keeps, for every vector of expert loads, the best affinity with which the tokens so far reach it;
 * the balance terms depend on the loads only, so the best value over all vectors is the optimum over all tables.
 * SPR_TEST_QUICK=1 runs a tenth of the cases. The last line is "N passed, N failed". */
#include "counted.h"
#include "../unit/support.h"

enum { MAX_TOKENS = 6, MAX_EXPERTS = 6, MAX_STATES = 7 * 7 * 7 * 7 * 7 * 7 };

/* -------------------------------------------------------------------------------------------------- small instances */

enum { UNIFORM, PER_EXPERT, BALANCE, BALANCE_CAPACITY, DEVICE, ALL_TERMS, CLASSES };
static const char *const class_names[CLASSES] = {"affinity, uniform capacity", "affinity, capacity per expert",
                                                 "expert balance", "expert balance and capacity",
                                                 "device balance", "all terms"};

typedef struct instance {
    int kind;
    uint64_t seed;
    int64_t tokens, experts, k, capacity, devices;   /* capacity of all experts; -1 = none, or in capacities */
    double a, b;
    int has_capacities, has_costs, has_shares, has_devices, has_allowed, has_mask, has_bias;
    int32_t capacities[MAX_EXPERTS], device[MAX_EXPERTS], allowed[MAX_EXPERTS];
    float costs[MAX_EXPERTS], shares[MAX_EXPERTS], bias[MAX_EXPERTS];
    float logits[MAX_TOKENS * MAX_EXPERTS];
    uint8_t mask[MAX_TOKENS];
    char options[512];
} instance;

static int64_t instance_draw(const instance *in, uint64_t what, int64_t below)
{
    return (int64_t)(support_random(in->seed, what) % (uint64_t)below);
}

static int instance_flips(const instance *in, uint64_t what, int64_t one_in)
{
    return instance_draw(in, what, one_in) == 0;
}

static void instance_make_logits(instance *in)
{
    const int64_t style = instance_draw(in, 10, 5);
    for (int64_t t = 0; t < in->tokens; t++)
        for (int64_t e = 0; e < in->experts; e++) {
            float *at = &in->logits[t * in->experts + e];
            uint64_t i = 100 + (uint64_t)(t * in->experts + e);
            *at = support_normal(in->seed, i);
            if (style == 1)
                *at = (float)instance_draw(in, i, 3);                            /* ties within and between tokens */
            else if (style == 2)
                *at = support_normal(in->seed, 100 + (uint64_t)e);               /* identical tokens */
            else if (style == 3)
                *at += e == 0 ? 4.0f : 0.0f;                                     /* everybody wants expert 0 */
            if (style == 4 && instance_draw(in, i + 1000, 4) == 0)
                *at = -INFINITY;
        }
}

static void instance_make(instance *in, int kind, uint64_t seed)
{
    memset(in, 0, sizeof *in);
    in->kind = kind;
    in->seed = seed;
    in->tokens = 1 + instance_draw(in, 0, MAX_TOKENS);
    in->experts = 2 + instance_draw(in, 1, MAX_EXPERTS - 1);
    in->k = 1 + instance_draw(in, 2, in->experts < 3 ? in->experts : 3);
    in->capacity = -1;
    if (kind == UNIFORM || kind == BALANCE_CAPACITY || kind == ALL_TERMS)
        in->capacity = (in->tokens * in->k + in->experts - 1) / in->experts + instance_draw(in, 3, 2);
    if (in->capacity > 1 && instance_flips(in, 4, 8))
        in->capacity--;
    in->has_capacities = kind == PER_EXPERT;
    if (kind == BALANCE || kind == BALANCE_CAPACITY || kind == ALL_TERMS)
        in->a = 0.01 * (double)(1 + instance_draw(in, 5, 200));
    if (kind == DEVICE || kind == ALL_TERMS) {
        in->devices = 1 + instance_draw(in, 6, in->experts);
        in->b = 0.01 * (double)(1 + instance_draw(in, 7, 200));
        in->has_costs = instance_flips(in, 20, 2);
        in->has_devices = instance_flips(in, 21, 2);
    }
    in->has_shares = (in->a > 0 || in->b > 0) && instance_flips(in, 22, 2);
    in->has_allowed = in->experts > in->k && instance_flips(in, 23, 6);
    in->has_mask = instance_flips(in, 24, 4);
    in->has_bias = instance_flips(in, 25, 4);
    for (int64_t e = 0; e < in->experts; e++) {
        uint64_t i = 30 + (uint64_t)e;
        in->capacities[e] = (int32_t)instance_draw(in, i, in->tokens + 1);
        in->device[e] = in->devices > 0 ? (int32_t)instance_draw(in, i + 10, in->devices) : 0;
        in->costs[e] = 0.25f * (float)(1 + instance_draw(in, i + 20, 12));
        in->shares[e] = 0.25f * (float)(1 + instance_draw(in, i + 30, 12));
        in->bias[e] = 0.1f * support_normal(seed, i + 40);
        in->allowed[e] = e != instance_draw(in, 26, in->experts);
    }
    for (int64_t t = 0; t < in->tokens; t++)
        in->mask[t] = (uint8_t)(instance_draw(in, 90 + (uint64_t)t, 3) != 0);
    instance_make_logits(in);
    snprintf(
        in->options, sizeof in->options,
        "experts=%d k=%d capacity=%d balance_weight=%.17g device_balance_weight=%.17g devices=%d affinity=%s score=%s",
        (int)in->experts, (int)in->k, in->capacity > 0 ? (int)in->capacity : 0, in->a, in->b, (int)in->devices,
        instance_flips(in, 27, 3) ? "logit" : "score", instance_flips(in, 28, 3) ? "sigmoid" : "softmax");
}

static void instance_start(const instance *in, support_router *router)
{
    spr_plan *plan = support_plan(in->options);
    spr_error error = {0, ""};
    spr_status worst = SPR_OK;
#define ARRAY(type, flag, name, values) \
    if (flag && worst == SPR_OK) \
        worst = spr_plan_set_array_##type(plan, name, values, in->experts, &error)
    ARRAY(int32, in->has_capacities, "capacity", in->capacities);
    ARRAY(int32, in->has_devices, "device", in->device);
    ARRAY(int32, in->has_allowed, "allowed", in->allowed);
    ARRAY(float, in->has_costs, "cost", in->costs);
    ARRAY(float, in->has_shares, "share", in->shares);
    ARRAY(float, in->has_bias, "bias", in->bias);
#undef ARRAY
    support_must(worst == SPR_OK, "array", error.message);
    support_router_start(router, plan, MAX_TOKENS);
}

static double instance_capacity(const instance *in, int64_t e)
{
    return in->has_capacities ? in->capacities[e] : in->capacity >= 0 ? (double)in->capacity : INFINITY;
}

/* The balance terms of H as the header writes them; an expert that is not allowed has no share. */
static double instance_balance(const instance *in, const int64_t *loads)
{
    double shares = 0.0, sum = 0.0, work[MAX_EXPERTS] = {0}, nu[MAX_EXPERTS] = {0};
    int64_t tokens = 0;
    for (int64_t t = 0; t < in->tokens; t++)
        tokens += !in->has_mask || in->mask[t];
    for (int64_t e = 0; e < in->experts; e++)
        shares += in->has_allowed && !in->allowed[e] ? 0.0 : in->has_shares ? in->shares[e] : 1.0;
    for (int64_t e = 0; e < in->experts; e++) {
        double share = in->has_allowed && !in->allowed[e] ? 0.0 : in->has_shares ? in->shares[e] : 1.0;
        double mu = (double)(tokens * in->k) * share / shares, cost = in->has_costs ? in->costs[e] : 1.0;
        int64_t d = in->devices == 0 ? 0 : in->has_devices ? in->device[e] : e * in->devices / in->experts;
        if (mu > 0.0)
            sum += in->a / 2 * ((double)loads[e] - mu) * ((double)loads[e] - mu) / mu;
        work[d] += cost * (double)loads[e];
        nu[d] += cost * mu;
    }
    for (int64_t d = 0; d < in->devices; d++)
        if (nu[d] > 0.0)
            sum += in->b / 2 * (work[d] - nu[d]) * (work[d] - nu[d]) / nu[d];
    return sum;
}

/* ----------------------------------------------------------------------------------------------------- exact solver */

typedef struct exact {
    int feasible;
    double optimum;              /* of H, when feasible */
    int64_t wanted;              /* routes if nobody were dropped */
    int64_t most;                /* most routes that fit in the capacities */
} exact;

static double value_now[MAX_STATES], value_next[MAX_STATES];

static int64_t exact_states(const instance *in, int64_t *powers)
{
    int64_t states = 1;
    for (int64_t e = 0; e < in->experts; e++, states *= in->tokens + 1)
        powers[e] = states;
    return states;
}

/* One token more: every set of experts of the sizes least..most that the capacities admit. */
static void exact_step(const instance *in, const float *scores, const int64_t *powers, int64_t states, int least,
                       int most, int count_routes)
{
    for (int64_t s = 0; s < states; s++)
        value_next[s] = -INFINITY;
    for (int set = 0; set < 1 << in->experts; set++) {
        int size = __builtin_popcount((unsigned)set);
        double gain = 0.0;
        int64_t step = 0;
        if (size < least || size > most)
            continue;
        for (int64_t e = 0; e < in->experts; e++)
            if (set >> e & 1) {
                gain += count_routes ? (scores[e] > -INFINITY ? 1.0 : -INFINITY) : scores[e];
                step += powers[e];
            }
        if (gain == -INFINITY)
            continue;
        for (int64_t s = 0; s < states; s++) {
            if (value_now[s] == -INFINITY)
                continue;
            int fits = 1;
            for (int64_t e = 0; e < in->experts; e++)
                fits &= !(set >> e & 1) || (double)(s / powers[e] % (in->tokens + 1) + 1) <= instance_capacity(in, e);
            if (fits && value_now[s] + gain > value_next[s + step])
                value_next[s + step] = value_now[s] + gain;
        }
    }
    memcpy(value_now, value_next, (size_t)states * sizeof value_now[0]);
}

static void exact_run(const instance *in, const float *scores, const int64_t *powers, int64_t states, int partly)
{
    for (int64_t s = 0; s < states; s++)
        value_now[s] = s == 0 ? 0.0 : -INFINITY;
    for (int64_t t = 0; t < in->tokens; t++) {
        int open = 0;
        for (int64_t e = 0; e < in->experts; e++)
            open += scores[t * in->experts + e] > -INFINITY;
        int size = open < in->k ? open : (int)in->k;
        exact_step(in, scores + t * in->experts, powers, states, partly ? 0 : size, size, partly);
    }
}

static exact exact_solve(const instance *in, const float *scores)
{
    exact result = {0, INFINITY, 0, 0};
    int64_t powers[MAX_EXPERTS] = {0}, states = exact_states(in, powers);
    for (int64_t t = 0; t < in->tokens; t++) {
        int64_t open = 0;
        for (int64_t e = 0; e < in->experts; e++)
            open += scores[t * in->experts + e] > -INFINITY;
        result.wanted += open < in->k ? open : in->k;
    }
    exact_run(in, scores, powers, states, 0);
    for (int64_t s = 0; s < states; s++)
        if (value_now[s] > -INFINITY) {
            int64_t loads[MAX_EXPERTS];
            for (int64_t e = 0; e < in->experts; e++)
                loads[e] = s / powers[e] % (in->tokens + 1);
            double energy = instance_balance(in, loads) - value_now[s];
            result.feasible = 1;
            result.optimum = energy < result.optimum ? energy : result.optimum;
        }
    if (result.feasible) {
        result.most = result.wanted;
        return result;
    }
    exact_run(in, scores, powers, states, 1);
    for (int64_t s = 0; s < states; s++)
        if (value_now[s] > (double)result.most)
            result.most = (int64_t)value_now[s];
    return result;
}

/* ----------------------------------------------------------------------------------------------------------- ledger */

typedef struct ledger {
    int64_t cases, infeasible, optimal;
    double worst_excess, sum_excess, worst_gap;
    uint64_t worst_seed;
} ledger;

/* Energy of the table from scores and loads, in double. */
static double small_energy(const instance *in, const float *scores, const support_table *out)
{
    double affinity = 0.0;
    int64_t loads[MAX_EXPERTS] = {0};
    for (int64_t i = 0; i < in->tokens * in->k; i++)
        if (out->table.ids[i] >= 0) {
            affinity += scores[i / in->k * in->experts + out->table.ids[i]];
            loads[out->table.ids[i]]++;
        }
    return instance_balance(in, loads) - affinity;
}

static void small_compare(const instance *in, const exact *truth, const support_table *out, const float *scores,
                          ledger *book)
{
    const spr_statistics *s = &out->statistics;
    const double energy = small_energy(in, scores, out);
    /* the larger of the optimum and of what the table is worth, as in spr_statistics.gap: H itself may be about 0 */
    const double scale = fmax(fmax(fabs(truth->optimum), fabs(s->affinity)), 1e-9);
    const double rounding = 1e-9 * (1.0 + fabs(energy));
    const int affine = in->kind == UNIFORM || in->kind == PER_EXPERT;
    double excess = (s->energy - truth->optimum) / scale;
#define WHERE "%s, seed %llu (%s): "
#define WHO class_names[in->kind], (unsigned long long)in->seed, in->options
    check(fabs(s->energy - energy) <= rounding, WHERE "energy %.12g is not H = %.12g", WHO, s->energy, energy);
    check(s->dropped == truth->wanted - truth->most, WHERE "dropped %lld, %lld of %lld must go", WHO,
          (long long)s->dropped, (long long)(truth->wanted - truth->most), (long long)truth->wanted);
    check(s->routes == truth->most, WHERE "%lld routes, expected %lld", WHO, (long long)s->routes,
          (long long)truth->most);
    book->cases++;
    if (!truth->feasible) {
        check(s->lower_bound == -INFINITY, WHERE "a bound without a feasible table", WHO);
        book->infeasible++;
        return;
    }
    check(s->lower_bound <= truth->optimum + rounding, WHERE "lower bound %.12g above the optimum %.12g", WHO,
          s->lower_bound, truth->optimum);
    check(s->energy >= truth->optimum - rounding, WHERE "energy %.12g below the optimum %.12g", WHO, s->energy,
          truth->optimum);
    /* device balance ends in a local search: see the README's limits; its mean is checked below */
    check(excess <= (affine ? 1e-4 : 0.1), WHERE "energy %.9g, optimum %.9g: excess %.3g", WHO, s->energy,
          truth->optimum, excess);
    book->optimal += excess <= 1e-6;
    book->sum_excess += excess > 0 ? excess : 0;
    if (excess > book->worst_excess) {
        book->worst_excess = excess;
        book->worst_seed = in->seed;
    }
    check(s->gap >= 0.0 && s->gap <= 1e6, WHERE "gap %g: energy %g, bound %g, affinity %g", WHO, s->gap,
          s->energy, s->lower_bound, s->affinity);
    book->worst_gap = s->gap > book->worst_gap ? s->gap : book->worst_gap;
}

static void small_case(int kind, uint64_t seed, ledger *book)
{
    instance in;
    instance_make(&in, kind, seed);
    support_router router;
    instance_start(&in, &router);
    support_table_close(&router.out);
    support_table_open(&router.out, in.tokens, in.k, in.experts);
    float scores[MAX_TOKENS * MAX_EXPERTS];
    spr_batch batch = support_batch(in.logits, in.tokens);
    spr_error error;
    batch.token_mask = in.has_mask ? in.mask : NULL;
    spr_status status = spr_scores(router.workspace, &batch, scores, &error);
    check(status == SPR_OK, "spr_scores: %s", error.message);
    exact truth = exact_solve(&in, scores);
    status = support_route(&router, &batch, &error);
    check(status == (truth.feasible ? SPR_OK : SPR_NOTICE_INFEASIBLE), WHERE "status %d, exact says %s",
          class_names[kind], (unsigned long long)seed, in.options, (int)status,
          truth.feasible ? "feasible" : "infeasible");
    const char *wrong = support_table_contradiction(&router.out);
    check(wrong == NULL, WHERE "%s", class_names[kind], (unsigned long long)seed, in.options, wrong);
    for (int64_t e = 0; e < in.experts; e++)
        check(router.out.table.counts[e] <= instance_capacity(&in, e), WHERE "expert %d over capacity",
              class_names[kind], (unsigned long long)seed, in.options, (int)e);
    for (int64_t i = 0; i < in.tokens * in.k; i++) {
        int32_t e = router.out.table.ids[i];
        check(e < 0 || scores[i / in.k * in.experts + e] > -INFINITY, WHERE "a forbidden expert was used",
              class_names[kind], (unsigned long long)seed, in.options);
    }
    small_compare(&in, &truth, &router.out, scores, book);
    support_router_close(&router);
}

static void small_all(uint64_t cases)
{
    printf("small instances: energy against the exact optimum\n");
    for (int kind = 0; kind < CLASSES; kind++) {
        ledger book;
        memset(&book, 0, sizeof book);
        for (uint64_t i = 0; i < cases; i++)
            small_case(kind, i * CLASSES + (uint64_t)kind, &book);
        int64_t feasible = book.cases - book.infeasible;
        printf("  %-30s %5lld cases, %4lld infeasible, %5lld optimal (%.1f %%), excess mean %.2g max %.2g (seed %llu), "
               "largest gap %.2g\n",
               class_names[kind], (long long)book.cases, (long long)book.infeasible, (long long)book.optimal,
               100.0 * (double)book.optimal / (double)feasible, book.sum_excess / (double)feasible, book.worst_excess,
               (unsigned long long)book.worst_seed, book.worst_gap);
        check(book.sum_excess <= 0.002 * (double)feasible, "%s: mean excess %.2g", class_names[kind],
              book.sum_excess / (double)feasible);
    }
}

/* ------------------------------------------------------------------------------------------------- medium instances */

enum { SPREAD, SKEWED, IDENTICAL, HOT, EQUAL, COARSE, DISTRIBUTIONS };
static const char *const distribution_names[DISTRIBUTIONS] = {"normal", "skewed", "identical tokens", "one expert hot",
                                                              "all logits equal", "coarse ties"};

static void medium_logits(float *logits, int64_t tokens, int64_t experts, int distribution, uint64_t seed)
{
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t e = 0; e < experts; e++) {
            const float own = support_normal(seed, (uint64_t)(t * experts + e));
            const float common = support_normal(seed + 1, (uint64_t)e);
            float *at = &logits[t * experts + e];
            *at = distribution == SPREAD      ? own
                  : distribution == SKEWED    ? own + 2.0f * common
                  : distribution == IDENTICAL ? common
                  : distribution == HOT       ? own + (e == 0 ? 6.0f : 0.0f)
                  : distribution == EQUAL     ? 0.5f
                                              : floorf(2.0f * own);
        }
}

typedef struct medium_shape {
    int64_t tokens, experts, k;
} medium_shape;

/* Tokens are alike: any loads up to C that add up to T*k are possible, so the best experts are filled one after
 * another. */
static double medium_alike_optimum(const medium_shape *shape, const float *scores, int64_t capacity)
{
    int64_t left = shape->tokens * shape->k, filled[64] = {0};
    double affinity = 0.0;
    capacity = capacity < shape->tokens ? capacity : shape->tokens;
    while (left > 0) {
        int64_t best = -1;
        for (int64_t e = 0; e < shape->experts; e++)
            if (!filled[e] && (best < 0 || scores[e] > scores[best]))
                best = e;
        int64_t load = left < capacity ? left : capacity;
        filled[best] = 1;
        affinity += (double)load * scores[best];
        left -= load;
    }
    return -affinity;
}

static double medium_case(const medium_shape *shape, double factor, const char *more, int distribution, uint64_t seed)
{
    char options[256];
    snprintf(options, sizeof options, "experts=%d k=%d capacity_factor=%g %s", (int)shape->experts, (int)shape->k,
             factor, more);
    support_router router;
    support_router_open(&router, options, shape->tokens);
    float *logits = malloc((size_t)(shape->tokens * shape->experts) * sizeof *logits);
    support_must(logits != NULL, "malloc", "no memory for logits");
    medium_logits(logits, shape->tokens, shape->experts, distribution, seed);
    spr_batch batch = support_batch(logits, shape->tokens);
    spr_error error;
    spr_status status = support_route(&router, &batch, &error);
    const spr_statistics *s = &router.out.statistics;
    const char *wrong = support_table_contradiction(&router.out);
    char where[512];
    snprintf(where, sizeof where, "T %d, %s, %s", (int)shape->tokens, options, distribution_names[distribution]);
    check(status == SPR_OK, "%s: status %d: %s", where, (int)status, error.message);
    check(wrong == NULL, "%s: %s", where, wrong != NULL ? wrong : "");
    check(support_table_intact(&router.out), "%s: wrote outside the arrays", where);
    check(s->routes == shape->tokens * shape->k, "%s: %lld routes", where, (long long)s->routes);
    check(s->capacity < 0 || s->max_load <= s->capacity, "%s: load %lld over %lld", where,
          (long long)s->max_load, (long long)s->capacity);
    check(s->energy >= s->lower_bound, "%s: energy %.12g below its bound %.12g", where, s->energy,
          s->lower_bound);
    if ((distribution == IDENTICAL || distribution == EQUAL) && strstr(more, "balance") == NULL) {
        float scores[64 * 512];
        spr_scores(router.workspace, &batch, scores, NULL);
        double optimum = medium_alike_optimum(shape, scores, s->capacity);
        check(s->energy <= optimum + 1e-4 * fabs(optimum), "%s: energy %.9g, optimum %.9g", where, s->energy,
              optimum);
    }
    if (distribution == SPREAD)
        check(s->gap <= 0.02, "%s: gap %.3g", where, s->gap);
    double gap = s->gap;
    free(logits);
    support_router_close(&router);
    return gap;
}

static void medium_all(uint64_t rounds)
{
    static const medium_shape shapes[] = {{64, 8, 1},   {64, 8, 2},   {100, 16, 4},
                                          {257, 32, 4}, {512, 64, 8}, {200, 60, 4}};
    static const double factors[] = {1.0, 1.05, 1.1, 1.25, 1.5};
    static const char *const terms[] = {"affinity=score", "affinity=logit", "balance_weight=0.1",
                                        "device_balance_weight=0.5 devices=4"};
    printf("medium instances: certified gap, the worst of %d shapes x 5 capacity factors x %d rounds\n",
           (int)(sizeof shapes / sizeof shapes[0]), (int)rounds);
    for (int m = 0; m < 4; m++)
        for (int d = 0; d < DISTRIBUTIONS; d++) {
            double worst = 0.0;
            for (uint64_t i = 0; i < rounds * 5 * sizeof shapes / sizeof shapes[0]; i++) {
                double gap = medium_case(&shapes[i / 5 % (sizeof shapes / sizeof shapes[0])], factors[i % 5], terms[m],
                                         d, 1000 + i);
                worst = gap > worst ? gap : worst;
            }
            printf("  %-36s %-18s worst gap %.3g\n", terms[m], distribution_names[d], worst);
        }
}

int main(void)
{
    const char *quick = getenv("SPR_TEST_QUICK");
    const uint64_t scale = quick != NULL && strcmp(quick, "1") == 0 ? 1 : 10;
    small_all(100 * scale);
    medium_all(scale == 1 ? 1 : 4);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
