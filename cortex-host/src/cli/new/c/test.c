/* Properties of @NAME@: any split of the same rows gives the same bits; a constant passes. */
#include "cortex_kernel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS = 3, ROWS = 600 };

static _Alignas(16) char memory[4096];

static void run(const float *input, uint32_t step, float *output) {
    const double cutoff_hz = 10.0;
    cortex_kernel_config config = {sizeof config, CHANNELS, 100, 50, 250.0, 1.0, CORTEX_F32, 1,
                                   &cutoff_hz, NULL, 0, 0};
    cortex_kernel_layout layout = {sizeof layout, 0, 0, 0, CORTEX_NO_PARAMETER, 0};
    const cortex_kernel *kernel = cortex_kernels.kernels[0];
    assert(kernel->plan(&config, &layout) == CORTEX_OK);
    assert(layout.memory_bytes <= sizeof memory);
    assert(kernel->reset(&config, memory) == CORTEX_OK);
    for (uint32_t t = 0; t < ROWS; t += step) {
        uint32_t rows = t + step < ROWS ? step : ROWS - t;
        assert(kernel->process(&config, memory, input + t * CHANNELS, rows,
                               output + t * CHANNELS) == CORTEX_OK);
    }
}

int main(void) {
    static float input[ROWS * CHANNELS], whole[ROWS * CHANNELS], split[ROWS * CHANNELS];
    for (int i = 0; i < ROWS * CHANNELS; i++) {
        input[i] = (float)(i * 7919 % 1000) - 500.0f;
    }
    run(input, ROWS, whole);
    for (uint32_t step = 1; step < 50; step += 7) {
        run(input, step, split);
        assert(memcmp(whole, split, sizeof whole) == 0);
    }
    for (int i = 0; i < ROWS * CHANNELS; i++) {
        input[i] = 100.0f;
    }
    run(input, ROWS, whole);
    float last = whole[ROWS * CHANNELS - 1];
    assert(last > 99.99f && last < 100.01f);
    puts("@NAME@: ok");
    return 0;
}
