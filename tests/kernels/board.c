/* Kernels that show what libcortex.a gives to firmware in C: `generated` puts out generator v1's
 * pink noise whatever its input, `core_car` hands its calls to CORTEX's own car. */
#include "cortex_device.h"

enum { CHANNELS = 2 };

static int32_t plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    layout->memory_bytes = 16 + cortex_generator_bytes(CHANNELS);
    layout->output_columns = config->channels;
    return config->channels == CHANNELS && config->window == CORTEX_BLOCK_ROWS ? CORTEX_OK : 1;
}

static int32_t reset(const cortex_kernel_config *config, void *memory) {
    cortex_signal pink = {sizeof pink, CHANNELS, 42, config->sample_rate_hz, 100.0, 0.05, 0.0};
    void *room = (char *)memory + 16;
    /* No channels, too little memory: refused. */
    cortex_signal none = pink;
    none.channels = 0;
    uint32_t bytes = cortex_generator_bytes(CHANNELS);
    int refused = cortex_generator_start(&none, room, bytes) == NULL &&
                  cortex_generator_start(&pink, room, 100) == NULL;
    *(cortex_generator **)memory = cortex_generator_start(&pink, room, bytes);
    return *(cortex_generator **)memory != NULL && refused ? CORTEX_OK : 2;
}

static int32_t process(const cortex_kernel_config *config, void *memory, const void *input,
                       uint32_t rows, void *output) {
    (void)config, (void)input;
    if (rows != CORTEX_BLOCK_ROWS) {
        return 3;
    }
    cortex_generator_fill(*(cortex_generator **)memory, output);
    return CORTEX_OK;
}

static const cortex_kernel generated = {
    .struct_size = sizeof(cortex_kernel),
    .output = CORTEX_OUTPUT_ROWS,
    .feeds = CORTEX_FEED_HOPS,
    .dtypes = CORTEX_F32,
    .flags = CORTEX_BIT_EXACT,
    .parameter_size = sizeof(cortex_kernel_parameter),
    .name = "generated",
    .summary = "pink noise",
    .output_unit = "uV",
    .output_names = "",
    .plan = plan,
    .reset = reset,
    .process = process,
};

static const cortex_kernel *car(void) { return cortex_core_kernels.kernels[1]; }

static int32_t car_plan(const cortex_kernel_config *config, cortex_kernel_layout *layout) {
    return car()->plan(config, layout);
}

static int32_t car_reset(const cortex_kernel_config *config, void *memory) {
    return car()->reset(config, memory);
}

static int32_t car_process(const cortex_kernel_config *config, void *memory, const void *input,
                           uint32_t rows, void *output) {
    return car()->process(config, memory, input, rows, output);
}

static const cortex_kernel core_car = {
    .struct_size = sizeof(cortex_kernel),
    .output = CORTEX_OUTPUT_ROWS,
    .feeds = CORTEX_FEED_HOPS,
    .dtypes = CORTEX_F32,
    .flags = CORTEX_BIT_EXACT,
    .parameter_size = sizeof(cortex_kernel_parameter),
    .name = "core_car",
    .summary = "car of CORTEX",
    .output_unit = "uV",
    .output_names = "",
    .plan = car_plan,
    .reset = car_reset,
    .process = car_process,
};

CORTEX_EXPORT_KERNELS(&generated, &core_car);
