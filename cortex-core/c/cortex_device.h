/* cortex_device.h - the device's end of CORTEX's link, its generators and its kernels, for firmware in C.
 *
 * C11 or C++11, with libcortex.a (firmware/c). Nothing allocates, waits, or touches the hardware: the
 * firmware moves bytes and tells the time.
 *
 *     for (;;) {
 *         cortex_device_receive(device, bytes, uart_read(bytes), timer_now());
 *         switch (cortex_device_poll(device, timer_now(), &out, &count)) {
 *         case CORTEX_TRANSMIT: uart_write(out, count); break;
 *         case CORTEX_RUN: cortex_device_run(device, now, NULL); break;
 *         }
 *     }
 *
 * The firmware defines cortex_kernels (cortex_kernel.h): its kernels are what the host runs. docs/wire-format.md
 * specifies the link, docs/guides/firmware-in-c.md shows a whole firmware.
 */
#ifndef CORTEX_DEVICE_H
#define CORTEX_DEVICE_H

#include "cortex_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cortex_device_config.timer: what counts the ticks. */
#define CORTEX_TIMER_DWT 0u        /* Cortex-M cycle counter */
#define CORTEX_TIMER_SYSTICK 1u    /* with wraps counted */
#define CORTEX_TIMER_PERIPHERAL 2u /* a peripheral timer */
#define CORTEX_TIMER_MCYCLE 3u     /* RISC-V */
#define CORTEX_TIMER_MTIME 4u      /* RISC-V */

/* What the device is, and its memory. */
typedef struct cortex_device_config {
    uint32_t struct_size;         /* sizeof(cortex_device_config) */
    uint32_t timer;               /* CORTEX_TIMER_... */
    uint32_t timer_bits;          /* width of the raw counter */
    uint32_t boot_count;          /* starts so far; 0 when unknown */
    uint64_t tick_hz;             /* ticks per second */
    const char *board;            /* name, at most 24 bytes */
    const char *firmware_version; /* at most 16 bytes */
    uint32_t ring_bytes;          /* received bytes kept while nobody reads: at least frame_bytes + 160 */
    uint32_t frame_bytes;         /* longest frame taken, at least 207 */
    uint32_t channels;            /* most channels generated on the device */
    uint32_t memory_bytes;        /* what frames and channels leave holds a kernel, its input and output */
    void *memory;                 /* aligned to 16; the device's from now on */
} cortex_device_config;

typedef struct cortex_device cortex_device;

/* A device that waits for a host. NULL when memory, frames or ring are too small, or a field is wrong. */
cortex_device *cortex_device_start(const cortex_device_config *config);

/* Bytes that the receiver has taken from the line at now_ticks; count may be 0. */
void cortex_device_receive(cortex_device *device, const uint8_t *bytes, uint32_t count,
                           uint64_t now_ticks);

/* What is to be done. */
#define CORTEX_IDLE 0u     /* nothing until more bytes arrive */
#define CORTEX_TRANSMIT 1u /* write *count bytes from *bytes to the line, all of them, then poll again */
#define CORTEX_RUN 2u      /* call cortex_device_run, then poll again */
uint32_t cortex_device_poll(cortex_device *device, uint64_t now_ticks, const uint8_t **bytes,
                            uint32_t *count);

/* Runs a kernel over a window. now returns the time in ticks; it is called right before and right
 * after the kernel. Mask the receiver's interrupt around this call: its cost would be the kernel's. */
void cortex_device_run(cortex_device *device, uint64_t (*now)(void *context), void *context);

/* What the receiver has lost since the start, for the results. */
void cortex_device_losses(cortex_device *device, uint32_t overruns, uint32_t ring_overflows);

/* Defined by the firmware: called when something that cannot happen has happened, and never returns. */
#if defined(__cplusplus)
[[noreturn]] void cortex_panic(void);
#else
_Noreturn void cortex_panic(void);
#endif

/* Samples of generator version 1, without a host. Channel c of a seed is the same on every machine. */
#define CORTEX_BLOCK_ROWS 64u /* rows of one call */

typedef struct cortex_generator cortex_generator;

/* Bytes of memory for so many channels. */
uint32_t cortex_generator_bytes(uint32_t channels);

/* Pink noise, or a sine where low_corner_hz is 0: then amplitude_uv is its peak and frequency_hz counts.
 * NULL when a parameter is out of range or memory, aligned to 16, is too small. */
typedef struct cortex_signal {
    uint32_t struct_size; /* sizeof(cortex_signal) */
    uint32_t channels;    /* at least 1 */
    uint64_t seed;
    double sample_rate_hz;
    double amplitude_uv;  /* RMS of noise, peak of a sine */
    double low_corner_hz; /* of pink noise, such as 0.05 */
    double frequency_hz;  /* of a sine */
} cortex_signal;
cortex_generator *cortex_generator_start(const cortex_signal *signal, void *memory,
                                         uint32_t memory_bytes);

/* The next CORTEX_BLOCK_ROWS rows, interleaved, in microvolts. */
void cortex_generator_fill(cortex_generator *generator, float *rows);

/* The kernels of CORTEX that take numbers as parameters, to be called like kernels of one's own. */
extern const cortex_kernel_library cortex_core_kernels;

#ifdef __cplusplus
}
#endif

#endif
