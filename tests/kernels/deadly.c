/* A kernel that breaks its process in the window and in the manner asked for. */
#include "cortex_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cortex_kernel_parameter parameters[] = {
    {"how", "", "What it does.",
     "nothing|segfault|abort|exit|loop|stack|overrun|overrun_by_one|close|write_input|divide|"
     "load_loop",
     0, 0, 0, CORTEX_CHOICE, 0},
    {"window", "", "In which window.", NULL, 0, 1e9, 3, CORTEX_COUNT, 0},
};

enum { NOTHING, SEGFAULT, ABORT, EXIT, LOOP, STACK, OVERRUN, ONE, CLOSE, INPUT, DIVIDE, PLAN_LOOP };

static volatile int forever = 1;

static int32_t plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    if (config->parameters[0] == PLAN_LOOP) {
        while (forever) {
        }
    }
    layout->memory_bytes = sizeof(uint32_t);
    layout->output_columns = config->channels;
    return CORTEX_OK;
}

static int32_t reset(const cortex_kernel_config *config, void *memory) {
    (void)config;
    memset(memory, 0, sizeof(uint32_t));
    return CORTEX_OK;
}

static int deep(int n) {
    volatile char frame[4096];
    memset((void *)frame, n, sizeof frame);
    return forever ? deep(n + 1) + frame[n % 4096] : 0;
}

static int32_t process(const cortex_kernel_config *config, void *memory, const void *input,
                       uint32_t rows, void *output) {
    uint32_t *window = memory;
    size_t bytes = (size_t)rows * config->channels * sizeof(float);
    memcpy(output, input, bytes);
    if ((*window)++ != (uint32_t)config->parameters[1]) {
        return CORTEX_OK;
    }
    switch ((int)config->parameters[0]) {
    case SEGFAULT:
        printf("last words\n");
        fflush(stdout);
        *(volatile int *)(size_t)(forever - 1) = 1;
        break;
    case ABORT:
        abort();
    case EXIT:
        exit(3);
    case LOOP:
        while (forever) {
        }
        break;
    case STACK:
        return deep(0);
    case OVERRUN:
        /* More than is ever written at once: the first window is the largest. */
        memset(output, 1, (size_t)config->window * config->channels * sizeof(float) + 4096);
        break;
    case ONE:
        ((float *)output)[(size_t)config->window * config->channels] = 1.0f;
        break;
    case CLOSE:
        for (int i = 0; i < 256; i++) {
            close(i);
        }
        break;
    case INPUT:
        ((float *)(size_t)input)[0] = 1.0f;
        break;
    case DIVIDE:
        return (int32_t)bytes / (forever - 1);
    default:
        break;
    }
    return CORTEX_OK;
}

static const cortex_kernel deadly = {
    (uint32_t)sizeof(cortex_kernel), CORTEX_OUTPUT_ROWS, CORTEX_FEED_HOPS, CORTEX_F32, 0, 2,
    (uint32_t)sizeof(cortex_kernel_parameter), 0, "deadly", "breaks its process", "uV", "",
    parameters, plan, reset, process, NULL, NULL, NULL};

CORTEX_EXPORT_KERNELS(&deadly);
