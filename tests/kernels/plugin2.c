/* The original's ABI 2: differences between neighbouring channels, times a parameter "factor". */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    uint32_t rows, channels, dtype;
    float factor;
};

cortex_init_result_t cortex_init(const cortex_plugin_config_t *config) {
    cortex_init_result_t result = {0};
    if (config->abi_version != 2 || config->struct_size < sizeof *config || config->channels < 2) {
        fprintf(stderr, "[plugin2] refused: %u channels\n", config->channels);
        return result;
    }
    struct state *state = calloc(1, sizeof *state);
    state->rows = config->window_length_samples;
    state->channels = config->channels;
    state->dtype = config->dtype;
    state->factor = 1.0f;
    const char *at = strstr(config->kernel_params, "factor:");
    if (at != NULL) {
        state->factor = strtof(at + strlen("factor:"), NULL);
    }
    result.handle = state;
    result.output_window_length_samples = state->rows;
    result.output_channels = state->channels - 1;
    return result;
}

void cortex_process(void *handle, const void *input, void *output) {
    const struct state *state = handle;
    size_t to = 0;
    for (uint32_t t = 0; t < state->rows; t++) {
        for (uint32_t c = 0; c + 1 < state->channels; c++) {
            size_t from = (size_t)t * state->channels + c;
            if (state->dtype == 2) {
                const int16_t *x = input;
                ((int16_t *)output)[to++] = (int16_t)(x[from + 1] - x[from]);
            } else {
                const float *x = input;
                ((float *)output)[to++] = state->factor * (x[from + 1] - x[from]);
            }
        }
    }
}

void cortex_teardown(void *handle) { free(handle); }
