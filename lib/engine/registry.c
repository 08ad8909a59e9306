/* SPDX-License-Identifier: MIT */
#include "registry.h"
#include "../backend/backends.h"

#include <string.h>

static const spr_backend *const registry_own[] = {&spr__backend_exact, &spr__backend_descent, &spr__backend_anneal};
enum { REGISTRY_OWN = (int)(sizeof registry_own / sizeof registry_own[0]) };

/* options that every solver has: a backend's must have other names */
static const char *const registry_taken[] = {"seed", "work", "seconds", "target", "samples", "presolve", "bound"};

const spr_backend *spr__registry_at(const spr_registry *registry, int32_t index)
{
    return index < REGISTRY_OWN ? registry_own[index] : registry->added[index - REGISTRY_OWN];
}

int32_t spr_registry_count(const spr_registry *registry)
{
    return REGISTRY_OWN + (registry != NULL ? registry->count : 0);
}

spr_status spr_registry_new(spr_allocator allocator, void *user, spr_registry **registry, spr_error *error)
{
    if (registry == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "registry is NULL");
    spr__memory memory = spr__memory_of(allocator, user);
    *registry = (spr_registry *)spr__allocate(&memory, sizeof **registry);
    if (*registry == NULL)
        return spr__fail(error, SPR_ERROR_MEMORY, "no memory for a registry of %zu bytes", sizeof **registry);
    memset(*registry, 0, sizeof **registry);
    (*registry)->memory = memory;
    return spr__ok(error);
}

void spr_registry_free(spr_registry *registry)
{
    if (registry == NULL)
        return;
    spr__memory memory = registry->memory;
    spr__release(&memory, registry, sizeof *registry);
}

static spr_status registry_probe(const spr_backend *backend, spr_error *error)
{
    spr_status status = backend->probe != NULL ? backend->probe(error) : SPR_OK;
    return status >= 0 ? spr__ok(error) : status;
}

spr_status spr_registry_get_info(const spr_registry *registry, int32_t index, const char **name, const char **summary,
                                 int32_t *available, spr_error *error)
{
    if (index < 0 || index >= spr_registry_count(registry))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "index is %d; accepted is 0..%d", (int)index,
                         (int)spr_registry_count(registry) - 1);
    const spr_backend *backend = spr__registry_at(registry, index);
    if (name != NULL)
        *name = backend->name;
    if (summary != NULL)
        *summary = backend->summary;
    spr__ok(error);
    if (available != NULL)
        *available = registry_probe(backend, error) == SPR_OK;
    if (error != NULL)
        error->status = SPR_OK;
    return SPR_OK;
}

static const spr_backend *registry_find(const spr_registry *registry, const char *name)
{
    for (int32_t i = 0; i < spr_registry_count(registry); i++)
        if (strcmp(spr__registry_at(registry, i)->name, name) == 0)
            return spr__registry_at(registry, i);
    return NULL;
}

static spr_status registry_unsupported(const spr_backend *backend, const char *reason, spr_error *error)
{
    return spr__fail(error, SPR_ERROR_UNSUPPORTED, "backend \"%s\" cannot serve this problem: %.300s", backend->name,
                     reason[0] != '\0' ? reason : "it gives no reason");
}

/* Squares and constraints go to those that say they take them. */
static int registry_takes(const spr_backend *backend, const spr_problem_view *problem)
{
    return problem->terms == NULL || (backend->capabilities & SPR_BACKEND_TERMS) != 0;
}

static spr_status registry_choose_named(const spr_backend *backend, const spr_problem_view *problem, spr_error *error)
{
    spr_error why = {0, ""};
    if (registry_probe(backend, &why) != SPR_OK)
        return registry_unsupported(backend, why.message, error);
    if (!registry_takes(backend, problem))
        return registry_unsupported(backend, "it takes no squares and constraints; spr_problem_expand makes couplings of them",
                                    error);
    why.message[0] = '\0';
    return backend->accepts(problem, &why) > 0 ? SPR_OK : registry_unsupported(backend, why.message, error);
}

spr_status spr__registry_choose(const spr_registry *registry, const char *name, const spr_problem_view *problem,
                                const spr_backend **backend, spr_error *error)
{
    int32_t best = 0;
    if (name != NULL && strcmp(name, "auto") != 0) {
        *backend = registry_find(registry, name);
        if (*backend == NULL)
            return spr__fail(error, SPR_ERROR_OPTION_NAME, "backend \"%.60s\" does not exist; spr_registry_get_info lists "
                             "them", name);
        return registry_choose_named(*backend, problem, error);
    }
    *backend = NULL;
    for (int32_t i = 0; i < spr_registry_count(registry); i++) {
        const spr_backend *candidate = spr__registry_at(registry, i);
        const int may = registry_takes(candidate, problem) && registry_probe(candidate, NULL) == SPR_OK;
        const int32_t preference = may ? candidate->accepts(problem, NULL) : 0;
        if (preference > best) {
            best = preference;
            *backend = candidate;
        }
    }
    return *backend != NULL ? SPR_OK
                            : spr__fail(error, SPR_ERROR_UNSUPPORTED, "no backend accepts a problem of %lld variables and "
                                        "%lld couplings%s", (long long)problem->variables, (long long)problem->couplings,
                                        problem->terms == NULL ? "" : " with squares and constraints; spr_problem_expand "
                                                                      "makes couplings of them");
}

static int registry_name_is_good(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-'))
            return 0;
    return length >= 1 && length <= 31 && strcmp(name, "auto") != 0;
}

static spr_status registry_check_options(const spr_backend *backend, spr_error *error)
{
    if (backend->option_count < 0 || backend->option_count > 1000 ||
        (backend->option_count > 0 && backend->options == NULL))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "backend->option_count is %lld; options must hold that many, at most 1000",
                         (long long)backend->option_count);
    for (int64_t i = 0; i < backend->option_count; i++) {
        const spr_option_info *option = &backend->options[i];
        if (option->name == NULL || option->summary == NULL || option->type < SPR_TYPE_INTEGER ||
            option->type > SPR_TYPE_CHOICE || (option->type == SPR_TYPE_CHOICE) != (option->choices != NULL) ||
            !(option->minimum <= option->standard && option->standard <= option->maximum))
            return spr__fail(error, SPR_ERROR_ARGUMENT, "backend->options[%lld] lacks a name, a summary, a type, choices or a "
                             "range that holds its default", (long long)i);
        for (size_t j = 0; j < sizeof registry_taken / sizeof registry_taken[0]; j++)
            if (strcmp(option->name, registry_taken[j]) == 0)
                return spr__fail(error, SPR_ERROR_CONFLICT, "backend->options[%lld] is \"%s\", which every solver has",
                                 (long long)i, option->name);
        for (int64_t j = 0; j < i; j++)
            if (strcmp(option->name, backend->options[j].name) == 0)
                return spr__fail(error, SPR_ERROR_CONFLICT, "backend->options[%lld] is \"%s\" again", (long long)i,
                                 option->name);
    }
    return SPR_OK;
}

spr_status spr_registry_add(spr_registry *registry, const spr_backend *backend, spr_error *error)
{
    if (registry == NULL || backend == NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "%s is NULL", registry == NULL ? "registry" : "backend");
    if (backend->size < offsetof(spr_backend, fini) + sizeof backend->fini)
        return spr__fail(error, SPR_ERROR_STRUCT_SIZE, "backend->size is %zu; accepted is sizeof(spr_backend) = %zu or more",
                         backend->size, sizeof *backend);
    if (backend->abi != SPR_BACKEND_ABI)
        return spr__fail(error, SPR_ERROR_UNSUPPORTED, "backend->abi is %d; this library has SPR_BACKEND_ABI = %d",
                         (int)backend->abi, SPR_BACKEND_ABI);
    const char *missing = backend->name == NULL      ? "name"
                          : backend->summary == NULL ? "summary"
                          : backend->accepts == NULL ? "accepts"
                          : backend->init == NULL    ? "init"
                          : backend->step == NULL    ? "step"
                          : backend->fini == NULL    ? "fini"
                                                     : NULL;
    if (missing != NULL)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "backend->%s is NULL; it cannot be left out", missing);
    if (!registry_name_is_good(backend->name))
        return spr__fail(error, SPR_ERROR_ARGUMENT, "backend->name is \"%.40s\"; accepted are 1..31 of a-z, 0-9 and -, except "
                         "auto", backend->name);
    if (backend->state_size > (size_t)1 << 40)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "backend->state_size is %zu; accepted is up to 2^40", backend->state_size);
    spr_status status = registry_check_options(backend, error);
    if (status != SPR_OK)
        return status;
    if (registry_find(registry, backend->name) != NULL)
        return spr__fail(error, SPR_ERROR_CONFLICT, "backend->name is \"%s\", which is in the registry already",
                         backend->name);
    if (registry->count == SPR_REGISTRY_ROOM)
        return spr__fail(error, SPR_ERROR_SIZE, "the registry is full: it holds %d backends", SPR_REGISTRY_ROOM);
    registry->added[registry->count++] = backend;
    return spr__ok(error);
}
