/* A whole firmware: the loop around the device session. boards/BOARD.h has the registers. */
#include "cortex_device.h"

static _Alignas(16) uint8_t memory[BOARD_MEMORY_BYTES];

static uint64_t now(void *context) {
    (void)context;
    return board_now();
}

void cortex_panic(void) {
    for (;;) {
    }
}

int main(void) {
    board_start();
    const cortex_device_config config = {
        .struct_size = sizeof config,
        .timer = BOARD_TIMER,
        .timer_bits = BOARD_TIMER_BITS,
        .tick_hz = BOARD_TICK_HZ,
        .board = BOARD_NAME,
        .firmware_version = "c-example",
        .ring_bytes = BOARD_RING_BYTES,
        .frame_bytes = BOARD_FRAME_BYTES,
        .channels = BOARD_CHANNELS,
        .memory = memory,
        .memory_bytes = sizeof memory,
    };
    cortex_device *device = cortex_device_start(&config);
    if (device == NULL) {
        cortex_panic();
    }
    for (;;) {
        uint8_t received[64];
        uint32_t count = board_receive(received, sizeof received);
        cortex_device_receive(device, received, count, board_now());
        const uint8_t *frame;
        switch (cortex_device_poll(device, board_now(), &frame, &count)) {
        case CORTEX_TRANSMIT:
            board_transmit(frame, count);
            break;
        case CORTEX_RUN:
            cortex_device_run(device, now, NULL);
            break;
        }
    }
}
