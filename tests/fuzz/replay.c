/* SPDX-License-Identifier: MIT
 * Feeds files to a fuzz target without a fuzzer: replay FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 1 << 20 };

static int replay(const char *name)
{
    FILE *file = fopen(name, "rb");
    uint8_t *bytes = malloc(LONGEST);
    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be read\n", name);
        if (file != NULL)
            fclose(file);
        free(bytes);
        return 1;
    }
    const size_t size = fread(bytes, 1, LONGEST, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

int main(int count, char **names)
{
    int failed = 0;
    for (int i = 1; i < count; i++)
        failed += replay(names[i]);
    printf("%d passed, %d failed\n", count - 1 - failed, failed);
    return failed > 0;
}
