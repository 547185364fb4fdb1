/* SiFive FE310 (RV32IMAC): UART0 and mcycle (FE310-G000 Manual, chapter 18). */
#include <stdint.h>

#define BOARD_NAME "sifive-e"
#define BOARD_TIMER 3u /* CORTEX_TIMER_MCYCLE */
#define BOARD_TIMER_BITS 64u
#define BOARD_TICK_HZ 1000000000u /* QEMU's: one per nanosecond of emulated time */
#define BOARD_RING_BYTES 512u
#define BOARD_FRAME_BYTES 280u
#define BOARD_CHANNELS 4u
#define BOARD_MEMORY_BYTES 9216u

#define UART ((volatile uint32_t *)0x10013000)

static inline void board_start(void) {
    UART[2] = 1; /* txctrl: on */
    UART[3] = 1; /* rxctrl: on */
}

static inline uint64_t board_now(void) {
    uint32_t high, low, again;
    do {
        __asm volatile("csrr %0, mcycleh\n csrr %1, mcycle\n csrr %2, mcycleh"
                       : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

static inline uint32_t board_receive(uint8_t *bytes, uint32_t room) {
    uint32_t count = 0;
    while (count < room) {
        uint32_t word = UART[1];
        if (word >> 31) {
            break; /* empty */
        }
        bytes[count++] = (uint8_t)word;
    }
    return count;
}

static inline void board_transmit(const uint8_t *bytes, uint32_t count) {
    while (count--) {
        while (UART[0] >> 31) {
        }
        UART[0] = *bytes++;
    }
}
