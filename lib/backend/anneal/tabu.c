/* SPDX-License-Identifier: MIT */
#include "tabu.h"
#include "../../base/random.h"

#include <math.h>
#include <string.h>

#include "../../base/exact.h"

/* a variable is barred for n / TABU_PART and up to TABU_CHANCE flips; variables drawn for a flip of a kick */
enum { TABU_PART = 100, TABU_CHANCE = 10, TABU_DRAWN = 4 };
/* a unit of work is this part of n flips, about the cost of a sweep of an anneal; but it looks at about so many fields at most */
enum { TABU_UNIT = 64, TABU_LOOKS = 1 << 21 };
/* a 1024th of what gains of whole numbers differ by */
#define TABU_TIE (0.5f / 1024.0f)

int64_t spr__tabu_unit(const spr__model *model)
{
    const int64_t n = model->variables, flips = n / TABU_UNIT + 1, most = TABU_LOOKS / n + 1;
    return flips < most ? flips : most;
}

int spr__tabu_open(spr__tabu *tabu, spr__run *run, const spr_host *host)
{
    const spr__model *model = run->model;
    const int64_t n = model->variables, cap = n / 2 > 1 ? n / 2 : 1;
    tabu->model = model;
    tabu->replica = &run->replica;
    tabu->least = n / TABU_PART + 1 < cap ? n / TABU_PART + 1 : cap;
    tabu->most = n / TABU_PART + TABU_CHANCE < cap ? n / TABU_PART + TABU_CHANCE : cap;
    for (tabu->size = 2; tabu->size <= tabu->most;)
        tabu->size *= 2;
    tabu->barred = (float *)host->allocate(host->engine, (size_t)model->stride * sizeof(float));
    tabu->until = (int64_t *)host->allocate(host->engine, (size_t)n * sizeof(int64_t));
    tabu->ring = (int32_t *)host->allocate(host->engine, (size_t)tabu->size * sizeof(int32_t));
    tabu->bits = (uint8_t *)host->allocate(host->engine, (size_t)n);
    if (tabu->barred == NULL || tabu->until == NULL || tabu->ring == NULL || tabu->bits == NULL)
        return 0;
    if (model->layout == SPR_MODEL_DENSE)
        return 1;
    tabu->field = (double *)host->allocate(host->engine, (size_t)n * sizeof(double));
    tabu->state = (uint8_t *)host->allocate(host->engine, (size_t)n);
    return tabu->field != NULL && tabu->state != NULL;
}

/* -------------------------------------------------------------------------------------------------------------- flips */

double spr__tabu_gain(const spr__tabu *tabu, int64_t i)
{
    if (tabu->model->layout == SPR_MODEL_DENSE)
        return spr__replica_gain(tabu->replica, i);
    return tabu->state[i] ? -tabu->field[i] : tabu->field[i];
}

static int64_t tabu_flip_sparse(spr__tabu *tabu, int64_t flip, double *gain, double *gain_of_all)
{
    const spr_problem_view *p = tabu->model->problem;
    const double unit = tabu->model->unit;
    double least = INFINITY;
    int64_t choice = -1;
    *gain = *gain_of_all = INFINITY;
    if (flip >= 0) {
        const double sign = tabu->state[flip] ? -1.0 : 1.0;
        tabu->state[flip] ^= 1;
        for (int64_t at = p->row_start[flip]; at < p->row_start[flip + 1]; at++)
            tabu->field[p->column[at]] += sign * p->value[at];
    }
    for (int64_t i = 0; i < p->variables; i++) {
        const double own = tabu->state[i] ? -tabu->field[i] : tabu->field[i];
        *gain_of_all = own < *gain_of_all ? own : *gain_of_all;
        const double ranked = own + unit * (double)tabu->barred[i];
        if (ranked < least) {
            least = ranked;
            *gain = own;
            choice = i;
        }
    }
    return choice;
}

static int64_t tabu_flip(spr__tabu *tabu, int64_t flip, double *gain, double *gain_of_all)
{
    const spr__model *model = tabu->model;
    const spr__spin_kernel *kernel = model->kernel;
    float least, least_of_all;
    if (model->layout == SPR_MODEL_SPARSE)
        return tabu_flip_sparse(tabu, flip, gain, gain_of_all);
    const int64_t choice = (model->numbers == SPR_MODEL_REAL    ? kernel->choose_real
                            : model->numbers == SPR_MODEL_SMALL ? kernel->choose_small
                                                                : kernel->choose_whole)(&tabu->replica->dense, tabu->barred,
                                                                                        flip, &least, &least_of_all);
    *gain = choice >= 0 ? spr__replica_gain(tabu->replica, choice) : INFINITY;
    *gain_of_all = model->unit * (double)least_of_all;
    return choice;
}

int64_t spr__tabu_flip(spr__tabu *tabu, int64_t flip, double *gain)
{
    double gain_of_all;
    return tabu_flip(tabu, flip, gain, &gain_of_all);
}

/* ------------------------------------------------------------------------------------------------------------- states */

float spr__tabu_free(const spr__tabu *tabu, int64_t i)
{
    const uint64_t drawn = spr__random_at(tabu->key, (uint64_t)tabu->flips) + (uint64_t)i * 0x9E3779B97F4A7C15u;
    return tabu->model->numbers == SPR_MODEL_REAL ? 0.0f : (float)(spr__mix(drawn) >> 54) * TABU_TIE;
}

static void tabu_free_all(spr__tabu *tabu)
{
    const int64_t n = tabu->model->variables;
    for (int64_t i = 0; i < tabu->model->stride; i++)
        tabu->barred[i] = i < n ? spr__tabu_free(tabu, i) : INFINITY;
    memset(tabu->until, 0, (size_t)n * sizeof(int64_t));
    for (int64_t k = 0; k < tabu->size; k++)
        tabu->ring[k] = -1;
}

void spr__tabu_put(spr__tabu *tabu, const uint8_t *bits, uint64_t key)
{
    const spr_problem_view *p = tabu->model->problem;
    tabu->key = key;
    tabu->flips = 0;
    tabu_free_all(tabu);
    if (tabu->model->layout == SPR_MODEL_DENSE) {
        spr__replica_start(tabu->replica, bits, key);
        spr__replica_widen(tabu->replica);
        tabu->energy = spr__replica_energy(tabu->replica);
        return;
    }
    double twice = 0.0;
    memcpy(tabu->state, bits, (size_t)p->variables);
    for (int64_t i = 0; i < p->variables; i++) {
        tabu->field[i] = p->linear[i];
        for (int64_t at = p->row_start[i]; at < p->row_start[i + 1]; at++)
            tabu->field[i] += bits[p->column[at]] ? p->value[at] : 0.0;
        twice += bits[i] ? tabu->field[i] + p->linear[i] : 0.0;
    }
    tabu->energy = p->offset + 0.5 * twice;
}

void spr__tabu_keep(spr__tabu *tabu)
{
    if (tabu->ahead && tabu->model->layout == SPR_MODEL_DENSE)
        spr__replica_bits(tabu->replica, tabu->bits);
    else if (tabu->ahead)
        memcpy(tabu->bits, tabu->state, (size_t)tabu->model->variables);
    tabu->ahead = 0;
}

void spr__tabu_begin(spr__tabu *tabu)
{
    tabu_free_all(tabu);
    tabu->best = tabu->energy;
    tabu->ahead = 1;
    tabu->improved = tabu->flips;
    tabu->next = spr__tabu_flip(tabu, -1, &tabu->gain);
}

/* ------------------------------------------------------------------------------------------------------------- search */

/* Bars the variable of this flip, and frees those whose time is over. */
static void tabu_bar(spr__tabu *tabu, int64_t i)
{
    const uint64_t drawn = spr__random_at(tabu->key, (uint64_t)tabu->flips) >> 32;
    tabu->barred[i] = INFINITY;
    tabu->until[i] = tabu->flips + tabu->least + (int64_t)(drawn % (uint64_t)(tabu->most - tabu->least + 1));
    for (int64_t back = tabu->least; back <= tabu->most && back <= tabu->flips; back++) {
        const int32_t j = tabu->ring[(tabu->flips - back) & (tabu->size - 1)];
        if (j >= 0 && tabu->until[j] <= tabu->flips)
            tabu->barred[j] = spr__tabu_free(tabu, j);
    }
    tabu->ring[tabu->flips & (tabu->size - 1)] = (int32_t)i;
}

void spr__tabu_move(spr__tabu *tabu)
{
    double gain_of_all;
    if (tabu->next < 0)
        return;
    if (tabu->ahead && tabu->gain >= 0.0)
        spr__tabu_keep(tabu);
    tabu->energy += tabu->gain;
    tabu->flips++;
    tabu_bar(tabu, tabu->next);
    if (tabu->energy < tabu->best) {
        tabu->best = tabu->energy;
        tabu->ahead = 1;
        tabu->improved = tabu->flips;
    }
    tabu->next = tabu_flip(tabu, tabu->next, &tabu->gain, &gain_of_all);
    /* a barred one that leads to a new best state, or all are barred */
    if (tabu->next >= 0 && !(gain_of_all < tabu->gain && tabu->energy + gain_of_all < tabu->best))
        return;
    for (int64_t i = 0; i < tabu->model->variables; i++)
        if (spr__tabu_gain(tabu, i) <= gain_of_all) {
            tabu->next = i;
            tabu->gain = gain_of_all;
            return;
        }
}

void spr__tabu_kick(spr__tabu *tabu, int64_t count)
{
    const uint64_t n = (uint64_t)tabu->model->variables;
    spr__tabu_keep(tabu);
    tabu_free_all(tabu);
    for (int64_t k = 0; k < count; k++) {
        int64_t choice = -1;
        double least = INFINITY;
        for (int draw = 0; draw < TABU_DRAWN; draw++) {
            const uint64_t drawn = spr__random_at(tabu->key, (uint64_t)(tabu->flips * TABU_DRAWN + draw) | (uint64_t)1 << 62);
            const int64_t i = (int64_t)((drawn >> 32) * n >> 32);
            const double gain = spr__tabu_gain(tabu, i);
            if (gain < least && tabu->barred[i] < INFINITY) {
                least = gain;
                choice = i;
            }
        }
        tabu->flips++;
        if (choice < 0)
            continue;
        tabu->barred[choice] = INFINITY;
        tabu->energy += least;
        spr__tabu_flip(tabu, choice, &least);
    }
    tabu_free_all(tabu);
    if (tabu->energy < tabu->best) {
        tabu->best = tabu->energy;
        tabu->ahead = 1;
    }
    tabu->improved = tabu->flips;
    tabu->next = spr__tabu_flip(tabu, -1, &tabu->gain);
}
