/* @NAME@: low-pass filter of first order, y[t] = y[t-1] + a (x[t] - y[t-1]) in every channel, with
 * a = w / (1 + w) and w = 2 pi cutoff_hz / sample_rate_hz (backward Euler).
 *
 * A missing sample (NaN, infinite, absurd) is replaced by the channel's previous one and counted. No
 * allocation and no library at all: it compiles for every board, and has the same bits there when
 * compiled with -ffp-contract=off. */
#include "cortex_kernel.h"

static const double two_pi = 6.283185307179586;

/* Larger magnitudes are no measurement, in microvolts. */
static const float limit_uv = 1e12f;

enum { CUTOFF_HZ, PARAMETERS };

static const cortex_kernel_parameter parameters[PARAMETERS] = {
    {"cutoff_hz", "Hz", "Frequency at which the gain is about -3 dB.", NULL, 0.001, 100000.0, 10.0,
     CORTEX_NUMBER, 0},
};

/* The kernel's memory: this, then the held samples and the outputs of all channels. */
typedef struct {
    uint32_t missing;
    float a;
} state;

static float *held_of(void *memory) { return (float *)((char *)memory + sizeof(state)); }

static int32_t plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    if (config->parameters[CUTOFF_HZ] >= config->sample_rate_hz / 2.0) {
        layout->parameter_at_fault = CUTOFF_HZ;
        return 1;
    }
    layout->memory_bytes = (uint32_t)(sizeof(state) + 2 * config->channels * sizeof(float));
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t reset(const cortex_kernel_config *config, void *memory) {
    double w = two_pi * config->parameters[CUTOFF_HZ] / config->sample_rate_hz;
    state *s = memory;
    float *held = held_of(memory);
    s->missing = 0;
    s->a = (float)(w / (1.0 + w));
    for (uint32_t i = 0; i < 2 * config->channels; i++) {
        held[i] = 0.0f;
    }
    return CORTEX_OK;
}

static int32_t process(const cortex_kernel_config *config, void *memory, const void *input,
                       uint32_t rows, void *output) {
    state *s = memory;
    float *held = held_of(memory);
    float *y = held + config->channels;
    const float *x = input;
    float *out = output;
    for (uint32_t t = 0; t < rows; t++) {
        for (uint32_t c = 0; c < config->channels; c++, x++, out++) {
            /* False for NaN. */
            if (*x >= -limit_uv && *x <= limit_uv) {
                held[c] = *x;
            } else {
                s->missing++;
            }
            y[c] += s->a * (held[c] - y[c]);
            *out = y[c];
        }
    }
    return CORTEX_OK;
}

static uint32_t missing_samples(const cortex_kernel_config *config, const void *memory) {
    (void)config;
    return ((const state *)memory)->missing;
}

static const char *describe(int32_t status) {
    return status == 1 ? "cutoff_hz must be below half the sample rate" : "";
}

const cortex_kernel @NAME@ = {
    (uint32_t)sizeof(cortex_kernel), CORTEX_OUTPUT_ROWS, CORTEX_FEED_HOPS, CORTEX_F32,
    CORTEX_BIT_EXACT, PARAMETERS, (uint32_t)sizeof(cortex_kernel_parameter), 0, "@NAME@",
    "low-pass filter of first order", "uV", "", parameters, plan, reset, process, missing_samples,
    NULL, describe};

CORTEX_EXPORT_KERNELS(&@NAME@);
