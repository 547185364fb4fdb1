/* The original CORTEX's interface as its libraries see it, written from its documentation. */
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t abi_version, struct_size, sample_rate_hz, window_length_samples, hop_samples,
        channels, dtype;
    uint8_t allow_in_place, reserved0[3];
    const void *kernel_params;
    uint32_t kernel_params_size;
    const void *calibration_state;
    uint32_t calibration_state_size;
} cortex_plugin_config_t;

typedef struct {
    void *handle;
    uint32_t output_window_length_samples, output_channels, capabilities;
} cortex_init_result_t;

typedef struct {
    void *calibration_state;
    uint32_t state_size_bytes, state_version;
} cortex_calibration_result_t;
