/* A kernel to begin with: the input times a gain. cortex-host new kernel writes a larger one. */
#include "cortex_kernel.h"

static const cortex_kernel_parameter parameters[] = {
    {"gain", "", "Factor.", NULL, -1e6, 1e6, 2.0, CORTEX_NUMBER, 0},
};

static int32_t plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t reset(const cortex_kernel_config *config, void *memory) {
    (void)config, (void)memory;
    return CORTEX_OK;
}

static int32_t process(const cortex_kernel_config *config, void *memory, const void *input,
                       uint32_t rows, void *output) {
    (void)memory;
    const float *x = input, gain = (float)config->parameters[0];
    float *y = output;
    for (uint32_t i = 0; i < rows * config->channels; i++) {
        y[i] = gain * x[i];
    }
    return CORTEX_OK;
}

static const cortex_kernel gain = {
    .struct_size = sizeof(cortex_kernel),
    .output = CORTEX_OUTPUT_ROWS,
    .feeds = CORTEX_FEED_HOPS,
    .dtypes = CORTEX_F32,
    .flags = CORTEX_BIT_EXACT,
    .parameter_count = 1,
    .parameter_size = sizeof(cortex_kernel_parameter),
    .name = "gain",
    .summary = "the input times a factor",
    .output_unit = "uV",
    .output_names = "",
    .parameters = parameters,
    .plan = plan,
    .reset = reset,
    .process = process,
};

CORTEX_EXPORT_KERNELS(&gain);
