/* Arm MPS2 with the AN386 image (Cortex-M4F): UART0 and TIMER0 of the CMSDK (DDI 0479). */
#include <stdint.h>

#ifndef BOARD_NAME
#define BOARD_NAME "mps2-an386"
#endif
#define BOARD_TIMER 2u /* CORTEX_TIMER_PERIPHERAL */
#define BOARD_TIMER_BITS 32u
#define BOARD_TICK_HZ 25000000u
#define BOARD_RING_BYTES 16384u
#define BOARD_FRAME_BYTES 4120u
#define BOARD_CHANNELS 64u
#define BOARD_MEMORY_BYTES (1u << 20)

#define UART ((volatile uint32_t *)0x40004000)
#define TIMER ((volatile uint32_t *)0x40000000)

static inline void board_start(void) {
    UART[4] = 27;  /* 921,600 baud */
    UART[2] = 0x3; /* transmitter, receiver */
    TIMER[2] = TIMER[1] = UINT32_MAX;
    TIMER[0] = 1;
}

/* Counts up over 64 bits; read more often than the timer wraps (172 s). */
static inline uint64_t board_now(void) {
    static uint64_t ticks;
    ticks += (uint32_t)(~TIMER[1] - (uint32_t)ticks);
    return ticks;
}

static inline uint32_t board_receive(uint8_t *bytes, uint32_t room) {
    uint32_t count = 0;
    while (count < room && (UART[1] & 2)) {
        bytes[count++] = (uint8_t)UART[0];
    }
    return count;
}

static inline void board_transmit(const uint8_t *bytes, uint32_t count) {
    while (count--) {
        while (UART[1] & 1) {
        }
        UART[0] = *bytes++;
    }
}
