/* Kernels of the tests behind cortex_kernel.h: rows, results, whole windows, fixed point, training. */
#include "cortex_kernel.h"

#include <math.h>
#include <string.h>

#define MIN_SIZE(type) (uint32_t)sizeof(type)

/* gain: y = gain * x + offset, in every sample type (the offset is added to floats only). */

enum { GAIN, REPEATS, SIGN, GAIN_PARAMETERS };

static const cortex_kernel_parameter gain_parameters[GAIN_PARAMETERS] = {
    {"gain", "", "Factor.", NULL, -1000.0, 1000.0, 2.0, CORTEX_NUMBER, 0},
    {"repeats", "", "How often the factor is applied.", NULL, 0.0, 4.0, 1.0, CORTEX_COUNT, 0},
    {"sign", "", "Whether the result is negated.", "plus|minus", 0.0, 0.0, 0.0, CORTEX_CHOICE, 0},
};

static int32_t gain_plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    if (config->parameters[GAIN] == 13.0) {
        layout->parameter_at_fault = GAIN;
        return 1;
    }
    layout->memory_bytes = sizeof(uint32_t);
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t gain_reset(const cortex_kernel_config *config, void *memory) {
    (void)config;
    memset(memory, 0, sizeof(uint32_t));
    return CORTEX_OK;
}

static int32_t gain_process(const cortex_kernel_config *config, void *memory, const void *input,
                            uint32_t rows, void *output) {
    double factor = config->parameters[SIGN] == 1.0 ? -1.0 : 1.0;
    for (double n = config->parameters[REPEATS]; n > 0.0; n -= 1.0) {
        factor *= config->parameters[GAIN];
    }
    uint32_t *missing = memory;
    size_t values = (size_t)rows * config->channels;
    for (size_t i = 0; i < values; i++) {
        if (config->dtype == CORTEX_Q15) {
            ((int16_t *)output)[i] = (int16_t)(((const int16_t *)input)[i] * factor);
        } else if (config->dtype == CORTEX_Q31) {
            ((int32_t *)output)[i] = (int32_t)(((const int32_t *)input)[i] * factor);
        } else {
            float x = ((const float *)input)[i];
            *missing += x != x;
            ((float *)output)[i] = (float)factor * x;
        }
    }
    return CORTEX_OK;
}

static uint32_t gain_missing(const cortex_kernel_config *config, const void *memory) {
    (void)config;
    return *(const uint32_t *)memory;
}

static const char *gain_describe(int32_t status) {
    return status == 1 ? "a gain of 13 brings bad luck" : NULL;
}

static const cortex_kernel gain = {
    MIN_SIZE(cortex_kernel), CORTEX_OUTPUT_ROWS, CORTEX_FEED_HOPS | CORTEX_FEED_WINDOWS,
    CORTEX_F32 | CORTEX_Q15 | CORTEX_Q31, CORTEX_BIT_EXACT, GAIN_PARAMETERS,
    MIN_SIZE(cortex_kernel_parameter), 0, "gain", "factor times the input", "uV", "",
    gain_parameters, gain_plan, gain_reset, gain_process, gain_missing, NULL, gain_describe};

/* mean: per channel the mean of the window, from a ring of its own, less what it was trained on. */

static int32_t mean_plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    if (config->trained != NULL && config->trained_bytes != config->channels * sizeof(float)) {
        return 2;
    }
    layout->memory_bytes = (uint32_t)(16 + config->window * config->channels * sizeof(float));
    layout->output_rows = 1;
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t mean_reset(const cortex_kernel_config *config, void *memory) {
    memset(memory, 0, 16 + config->window * config->channels * sizeof(float));
    return CORTEX_OK;
}

static int32_t mean_process(const cortex_kernel_config *config, void *memory, const void *input,
                            uint32_t rows, void *output) {
    uint32_t *next = memory;
    float *ring = (float *)((char *)memory + 16);
    const float *trained = config->trained;
    for (uint32_t t = 0; t < rows; t++) {
        memcpy(ring + *next * config->channels, (const float *)input + t * config->channels,
               config->channels * sizeof(float));
        *next = (*next + 1) % config->window;
    }
    for (uint32_t c = 0; c < config->channels; c++) {
        float sum = 0.0f;
        for (uint32_t t = 0; t < config->window; t++) {
            sum += ring[t * config->channels + c];
        }
        ((float *)output)[c] = sum / (float)config->window - (trained ? trained[c] : 0.0f);
    }
    return CORTEX_OK;
}

static int32_t mean_train(const cortex_kernel_config *config, const void *data, uint32_t windows,
                          const int32_t *labels, void *trained, uint32_t *trained_bytes) {
    *trained_bytes = config->channels * (uint32_t)sizeof(float);
    if (trained == NULL) {
        return CORTEX_OK;
    }
    for (uint32_t c = 0; c < config->channels; c++) {
        double sum = 0.0;
        for (uint32_t t = 0; t < windows * config->window; t++) {
            double weight = labels ? labels[t / config->window] : 1.0;
            sum += weight * ((const float *)data)[t * config->channels + c];
        }
        ((float *)trained)[c] = (float)(sum / (windows * config->window));
    }
    return CORTEX_OK;
}

static const cortex_kernel mean = {
    MIN_SIZE(cortex_kernel), CORTEX_OUTPUT_RESULT, CORTEX_FEED_HOPS, CORTEX_F32, CORTEX_BIT_EXACT,
    0, MIN_SIZE(cortex_kernel_parameter), 0, "mean", "mean of the window", "uV", "", NULL,
    mean_plan, mean_reset, mean_process, NULL, mean_train, NULL};

/* picky: refuses every window whose first sample is negative; wants whole windows. */

static int32_t picky_plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    (void)config;
    layout->output_rows = 1;
    layout->output_columns = 2;
    return CORTEX_OK;
}

static int32_t picky_reset(const cortex_kernel_config *config, void *memory) {
    (void)config;
    (void)memory;
    return CORTEX_OK;
}

static int32_t picky_process(const cortex_kernel_config *config, void *memory, const void *input,
                             uint32_t rows, void *output) {
    (void)memory;
    const float *x = input;
    ((float *)output)[0] = x[0];
    ((float *)output)[1] = x[(size_t)rows * config->channels - 1];
    return x[0] < 0.0f ? 7 : CORTEX_OK;
}

static const char *picky_describe(int32_t status) {
    return status == 7 ? "the first sample is negative" : "";
}

static const cortex_kernel picky = {
    MIN_SIZE(cortex_kernel), CORTEX_OUTPUT_RESULT, CORTEX_FEED_WINDOWS, CORTEX_F32, 0, 0,
    MIN_SIZE(cortex_kernel_parameter), 0, "picky", "first and last sample", "uV", "first, last",
    NULL, picky_plan, picky_reset, picky_process, NULL, NULL, picky_describe};

CORTEX_EXPORT_KERNELS(&gain, &mean, &picky);
