/* cortex_kernel.h - the interface between CORTEX and a kernel of your own, version 1.
 *
 * C11 or C++11, no dependencies. A library exports one symbol, cortex_kernels, which lists one
 * table per kernel; CORTEX_EXPORT_KERNELS writes it. The same source is loaded as a shared library on
 * a desktop and linked into a firmware image. docs/reference/kernel-abi.md is the specification.
 *
 * A kernel allocates nothing. The host calls, on one thread:
 *
 *   plan     says how much memory the kernel needs and what shape its output has;
 *   reset    puts that memory into the state before the first sample (before every repeat);
 *   process  takes new rows and writes the output, once per window.
 *
 * Rows are interleaved: row t, channel c is value t * channels + c. Values are microvolts
 * (CORTEX_F32) or fixed-point steps of config->scale_uv microvolts (CORTEX_Q15, CORTEX_Q31).
 */
#ifndef CORTEX_KERNEL_H
#define CORTEX_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface. It changes when a field changes its meaning; fields that are added
 * at the end of a structure only change its struct_size. */
#define CORTEX_KERNEL_ABI 1u

/* Status of a call. Any other value is an error of the kernel's own: see describe. */
#define CORTEX_OK 0

/* Sample types: bits of cortex_kernel.dtypes, one of them in cortex_kernel_config.dtype. */
#define CORTEX_F32 1u /* float, microvolts */
#define CORTEX_Q15 2u /* int16_t, steps of scale_uv */
#define CORTEX_Q31 8u /* int32_t, steps of scale_uv */

/* cortex_kernel.output: what one call of process writes. */
#define CORTEX_OUTPUT_ROWS 0u   /* one row of output_columns values per input row */
#define CORTEX_OUTPUT_RESULT 1u /* one result of output_rows x output_columns values per call */

/* Bits of cortex_kernel.feeds: which rows a call of process may be given. */
#define CORTEX_FEED_HOPS 1u    /* the first window, then the new samples of each hop */
#define CORTEX_FEED_WINDOWS 2u /* the whole window every time, overlap included */

/* Bits of cortex_kernel.flags. */
#define CORTEX_BIT_EXACT 1u /* same input, same output bits on every target */

/* cortex_kernel_parameter.kind. A value is always passed as a double. */
#define CORTEX_NUMBER 0u /* a number in min..max */
#define CORTEX_COUNT 1u  /* a whole number in min..max */
#define CORTEX_CHOICE 2u /* the position, from 0, of a word of choices */

/* cortex_kernel_layout.parameter_at_fault when no parameter is. */
#define CORTEX_NO_PARAMETER UINT32_MAX

/* One parameter, as users write it below kernels[].params. */
typedef struct cortex_kernel_parameter {
    const char *name;     /* key, such as "f0_hz" */
    const char *unit;     /* such as "Hz"; "" for none */
    const char *doc;      /* one sentence */
    const char *choices;  /* CORTEX_CHOICE: words with | between them; else NULL */
    double min;           /* least value */
    double max;           /* greatest value */
    double default_value; /* when the user gives none; NAN: the kernel decides, and gets NAN */
    uint32_t kind;
    uint32_t reserved; /* 0 */
} cortex_kernel_parameter;

/* What a kernel is run with. It and all it points to keep their addresses from reset to the last
 * call of process. */
typedef struct cortex_kernel_config {
    uint32_t struct_size; /* of the host's structure */
    uint32_t channels;    /* at least 1 */
    uint32_t window;      /* samples per window, at least 1 */
    uint32_t hop;         /* new samples per window, 1..window */
    double sample_rate_hz;
    double scale_uv; /* microvolts per step; 1 with CORTEX_F32 */
    uint32_t dtype;
    uint32_t parameter_count;
    const double *parameters; /* in the table's order, within their ranges */
    const void *trained;      /* what train wrote, or NULL */
    uint32_t trained_bytes;
    uint32_t reserved; /* 0 */
} cortex_kernel_config;

/* What plan answers. The host sets struct_size and parameter_at_fault, and clears the rest. */
typedef struct cortex_kernel_layout {
    uint32_t struct_size;
    uint32_t memory_bytes;       /* state, tables and working memory together */
    uint32_t output_rows;        /* of a result; unused with CORTEX_OUTPUT_ROWS */
    uint32_t output_columns;     /* at least 1 */
    uint32_t parameter_at_fault; /* on an error: its position in the table */
    uint32_t reserved;           /* 0 */
} cortex_kernel_layout;

/* One kernel. Functions marked optional may be NULL. */
typedef struct cortex_kernel {
    uint32_t struct_size; /* sizeof(cortex_kernel) */
    uint32_t output;      /* CORTEX_OUTPUT_... */
    uint32_t feeds;       /* CORTEX_FEED_... bits */
    uint32_t dtypes;      /* CORTEX_F32 ... bits */
    uint32_t flags;
    uint32_t parameter_count;
    uint32_t parameter_size; /* sizeof(cortex_kernel_parameter) */
    uint32_t reserved;       /* 0 */
    const char *name;        /* as in configurations: a-z, 0-9 and _ */
    const char *summary;     /* one line */
    const char *output_unit; /* such as "uV" or "uV^2" */
    const char *output_names; /* of the output's columns, with commas between them; "" for none */
    const cortex_kernel_parameter *parameters;

    /* Checks config and fills layout in. */
    int32_t (*plan)(const cortex_kernel_config *config, cortex_kernel_layout *layout);
    /* Makes memory (memory_bytes of it, aligned to 16) the state before the first sample. */
    int32_t (*reset)(const cortex_kernel_config *config, void *memory);
    /* Takes rows of input and writes the output; input and output never overlap. On an error the
     * window counts as failed and the next one follows. */
    int32_t (*process)(const cortex_kernel_config *config, void *memory, const void *input,
                       uint32_t rows, void *output);
    /* Optional: samples met as missing (NaN, infinite, absurd) since the last reset. */
    uint32_t (*missing_samples)(const cortex_kernel_config *config, const void *memory);
    /* Optional: learns from windows of data (each window x channels values) and their labels (NULL
     * for none). With trained NULL only *trained_bytes is set: the most that may be written. */
    int32_t (*train)(const cortex_kernel_config *config, const void *data, uint32_t windows,
                     const int32_t *labels, void *trained, uint32_t *trained_bytes);
    /* Optional: the meaning of an error as the end of a sentence; a static string. */
    const char *(*describe)(int32_t status);
} cortex_kernel;

/* The exported symbol's type. */
typedef struct cortex_kernel_library {
    uint32_t abi;         /* CORTEX_KERNEL_ABI */
    uint32_t struct_size; /* sizeof(cortex_kernel_library) */
    uint32_t kernel_count;
    uint32_t reserved; /* 0 */
    const cortex_kernel *const *kernels;
} cortex_kernel_library;

#if defined(_WIN32)
#define CORTEX_KERNEL_PUBLIC __declspec(dllexport)
#elif defined(__GNUC__)
#define CORTEX_KERNEL_PUBLIC __attribute__((visibility("default")))
#else
#define CORTEX_KERNEL_PUBLIC
#endif

extern CORTEX_KERNEL_PUBLIC const cortex_kernel_library cortex_kernels;

/* CORTEX_EXPORT_KERNELS(&first, &second): once per library, at file scope. */
#define CORTEX_EXPORT_KERNELS(...)                                                             \
    static const cortex_kernel *const cortex_kernel_list_[] = {__VA_ARGS__};                   \
    const cortex_kernel_library cortex_kernels = {                                             \
        CORTEX_KERNEL_ABI, (uint32_t)sizeof(cortex_kernel_library),                            \
        (uint32_t)(sizeof(cortex_kernel_list_) / sizeof(cortex_kernel_list_[0])), 0,           \
        cortex_kernel_list_}

#ifdef __cplusplus
}
#endif

#endif
