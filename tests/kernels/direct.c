/* Calls a library of the original CORTEX directly, without anything of this project:
 *
 *   direct LIBRARY DTYPE CHANNELS WINDOW HOP RATE WINDOWS STATE|- INPUT OUTPUT
 *
 * INPUT holds interleaved samples of the dtype; OUTPUT gets what each window gave. */
#define _GNU_SOURCE
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    void *data = malloc(*bytes + 1);
    if (fread(data, 1, *bytes, file) != *bytes) {
        exit(2);
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv) {
    if (argc != 11) {
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    cortex_init_result_t (*init)(const cortex_plugin_config_t *);
    void (*process)(void *, const void *, void *);
    void (*teardown)(void *);
    *(void **)&init = dlsym(library, "cortex_init");
    *(void **)&process = dlsym(library, "cortex_process");
    *(void **)&teardown = dlsym(library, "cortex_teardown");

    cortex_plugin_config_t config = {0};
    config.abi_version = dlsym(library, "cortex_calibrate") != NULL ? 3 : 2;
    config.struct_size = sizeof config;
    config.dtype = (uint32_t)atoi(argv[2]);
    config.channels = (uint32_t)atoi(argv[3]);
    config.window_length_samples = (uint32_t)atoi(argv[4]);
    config.hop_samples = (uint32_t)atoi(argv[5]);
    config.sample_rate_hz = (uint32_t)atoi(argv[6]);
    config.kernel_params = "";
    size_t bytes;
    if (strcmp(argv[8], "-") != 0) {
        char *state = read_file(argv[8], &bytes);
        config.calibration_state = state + 16;
        config.calibration_state_size = (uint32_t)(bytes - 16);
    }
    char *input = read_file(argv[9], &bytes);
    cortex_init_result_t made = init(&config);
    if (made.handle == NULL) {
        fprintf(stderr, "refused\n");
        return 3;
    }
    size_t size = config.dtype == 2 ? 2 : 4;
    size_t values = (size_t)made.output_window_length_samples * made.output_channels;
    void *output = malloc(values * size);
    FILE *file = fopen(argv[10], "wb");
    for (int window = 0; window < atoi(argv[7]); window++) {
        process(made.handle,
                input + (size_t)window * config.hop_samples * config.channels * size, output);
        fwrite(output, size, values, file);
    }
    fclose(file);
    teardown(made.handle);
    return 0;
}
