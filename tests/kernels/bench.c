/* Kernels of the benchmark `handover`: one that copies, one that takes some 200 us a window. */
#include "cortex_kernel.h"

#include <string.h>

static int32_t plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t reset(const cortex_kernel_config *config, void *memory) {
    (void)config;
    (void)memory;
    return CORTEX_OK;
}

static int32_t copy_process(const cortex_kernel_config *config, void *memory, const void *input,
                            uint32_t rows, void *output) {
    (void)memory;
    memcpy(output, input, (size_t)rows * config->channels * sizeof(float));
    return CORTEX_OK;
}

static int32_t work_process(const cortex_kernel_config *config, void *memory, const void *input,
                            uint32_t rows, void *output) {
    (void)memory;
    const float *x = input;
    float *y = output;
    size_t values = (size_t)rows * config->channels;
    for (size_t i = 0; i < values; i++) {
        float sum = x[i];
        for (int n = 0; n < 160; n++) {
            sum = 0.5f * sum + 1.0f; /* each step waits for the one before */
        }
        y[i] = sum;
    }
    return CORTEX_OK;
}

#define KERNEL(name, process)                                                                      \
    {(uint32_t)sizeof(cortex_kernel), CORTEX_OUTPUT_ROWS, CORTEX_FEED_HOPS, CORTEX_F32,            \
     CORTEX_BIT_EXACT, 0, (uint32_t)sizeof(cortex_kernel_parameter), 0, name, "", "uV", "", NULL,  \
     plan, reset, process, NULL, NULL, NULL}

static const cortex_kernel copy = KERNEL("copy", copy_process);
static const cortex_kernel work = KERNEL("work", work_process);

CORTEX_EXPORT_KERNELS(&copy, &work);
