/* The original's ABI 3 with calibration: the last row less the means learnt in calibration. */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

struct state {
    uint32_t rows, channels;
    float means[];
};

cortex_init_result_t cortex_init(const cortex_plugin_config_t *config) {
    cortex_init_result_t result = {0};
    uint32_t bytes = config->channels * (uint32_t)sizeof(float);
    if (config->abi_version != 3 || config->calibration_state_size != bytes) {
        return result;
    }
    struct state *state = malloc(sizeof *state + bytes);
    state->rows = config->window_length_samples;
    state->channels = config->channels;
    memcpy(state->means, config->calibration_state, bytes);
    result.handle = state;
    result.output_window_length_samples = 1;
    result.output_channels = state->channels;
    result.capabilities = 1;
    return result;
}

void cortex_process(void *handle, const void *input, void *output) {
    const struct state *state = handle;
    const float *last = (const float *)input + (size_t)(state->rows - 1) * state->channels;
    for (uint32_t c = 0; c < state->channels; c++) {
        ((float *)output)[c] = last[c] - state->means[c];
    }
}

void cortex_teardown(void *handle) { free(handle); }

cortex_calibration_result_t cortex_calibrate(const cortex_plugin_config_t *config,
                                             const void *data, uint32_t windows) {
    cortex_calibration_result_t result = {0};
    uint32_t rows = windows * config->window_length_samples;
    float *means = calloc(config->channels, sizeof(float));
    for (uint32_t c = 0; c < config->channels; c++) {
        double sum = 0.0;
        for (uint32_t t = 0; t < rows; t++) {
            sum += ((const float *)data)[(size_t)t * config->channels + c];
        }
        means[c] = (float)(sum / rows);
    }
    result.calibration_state = means;
    result.state_size_bytes = config->channels * (uint32_t)sizeof(float);
    result.state_version = 1;
    return result;
}
