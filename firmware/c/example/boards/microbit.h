/* BBC micro:bit (nRF51822, Cortex-M0): UART0 and TIMER0 (nRF51 Series Reference Manual 3.0). */
#include <stdint.h>

#define BOARD_NAME "microbit"
#define BOARD_TIMER 2u /* CORTEX_TIMER_PERIPHERAL */
#define BOARD_TIMER_BITS 32u
#define BOARD_TICK_HZ 16000000u
/* QEMU holds received bytes back until they are read: nothing overruns. */
#define BOARD_RING_BYTES 512u
#define BOARD_FRAME_BYTES 280u
#define BOARD_CHANNELS 4u
#define BOARD_MEMORY_BYTES 9216u

#define UART(offset) (*(volatile uint32_t *)(0x40002000 + (offset)))
#define TIMER(offset) (*(volatile uint32_t *)(0x40008000 + (offset)))

static inline void board_start(void) {
    UART(0x508) = 24;         /* PSELTXD */
    UART(0x510) = 25;         /* PSELRXD */
    UART(0x524) = 0x0EBEDFA4; /* BAUDRATE: 921,600 */
    UART(0x500) = 4;          /* ENABLE */
    UART(0x000) = 1;          /* STARTRX */
    UART(0x008) = 1;          /* STARTTX */
    TIMER(0x504) = 0;         /* MODE: timer */
    TIMER(0x508) = 3;         /* BITMODE: 32 */
    TIMER(0x510) = 0;         /* PRESCALER: 16 MHz */
    TIMER(0x000) = 1;         /* START */
}

/* Counts up over 64 bits; read more often than the timer wraps (268 s). */
static inline uint64_t board_now(void) {
    static uint64_t ticks;
    TIMER(0x040) = 1; /* CAPTURE */
    ticks += (uint32_t)(TIMER(0x540) - (uint32_t)ticks);
    return ticks;
}

static inline uint32_t board_receive(uint8_t *bytes, uint32_t room) {
    uint32_t count = 0;
    while (count < room && UART(0x108)) { /* RXDRDY */
        UART(0x108) = 0;
        bytes[count++] = (uint8_t)UART(0x518);
    }
    return count;
}

static inline void board_transmit(const uint8_t *bytes, uint32_t count) {
    while (count--) {
        UART(0x11C) = 0; /* TXDRDY */
        UART(0x51C) = *bytes++;
        while (!UART(0x11C)) {
        }
    }
}
