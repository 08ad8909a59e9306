/* SPDX-License-Identifier: MIT */
#include "presets.h"

#include <string.h>

typedef struct presets_row {
    const char *name;
    const char *summary;
    const char *options;
} presets_row;

static const presets_row presets_rows[] = {
#define PRESET(name, summary, options) {#name, summary, options},
#include "presets.def"
#undef PRESET
};

static const int32_t presets_total = (int32_t)(sizeof presets_rows / sizeof presets_rows[0]);

/* text is "name=value name=value ..." */
static spr_status presets_apply_text(spr__options *options, const char *text, spr_error *error)
{
    while (*text != '\0') {
        char name[64], value[64];
        size_t name_size = strcspn(text, "="), value_size = strcspn(text + name_size + 1, " ");
        memcpy(name, text, name_size);
        name[name_size] = '\0';
        text += name_size + 1;
        memcpy(value, text, value_size);
        value[value_size] = '\0';
        text += value_size;
        text += strspn(text, " ");
        spr_status status = spr__options_set_text(options, name, value, error);
        if (status != SPR_OK)
            return status;
    }
    return spr__ok(error);
}

spr_status spr__preset_apply(spr__options *options, const char *name, spr_error *error)
{
    for (int32_t i = 0; i < presets_total; i++)
        if (strcmp(presets_rows[i].name, name) == 0) {
            spr__options_reset(options);
            return presets_apply_text(options, presets_rows[i].options, error);
        }
    return spr__fail(error, SPR_ERROR_OPTION_NAME, "preset \"%.80s\" does not exist; spr_preset_get_info lists them", name);
}

int32_t spr_preset_count(void)
{
    return presets_total;
}

spr_status spr_preset_get_info(int32_t index, const char **name, const char **summary, spr_error *error)
{
    if (index < 0 || index >= presets_total)
        return spr__fail(error, SPR_ERROR_ARGUMENT, "index is %d; accepted is 0..%d", (int)index, (int)presets_total - 1);
    if (name != NULL)
        *name = presets_rows[index].name;
    if (summary != NULL)
        *summary = presets_rows[index].summary;
    return spr__ok(error);
}
