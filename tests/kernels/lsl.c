/* What the program uses of liblsl, for tests: everything that it is given becomes a line of the file
 * that the environment variable FAKE_LSL names. Time stands still at 1000 s. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct stream {
    int number;
    int channels;
};

static FILE *out(void) {
    static FILE *file;
    if (!file) file = fopen(getenv("FAKE_LSL"), "w");
    return file;
}

static int streams, asked;

void *lsl_create_streaminfo(const char *name, const char *type, int32_t channels, double rate,
                            int32_t format, const char *source_id) {
    struct stream *stream = malloc(sizeof *stream);
    stream->number = streams++;
    stream->channels = channels;
    fprintf(out(), "stream %d|%s|%s|%d|%.17g|%d|%s\n", stream->number, name, type, channels, rate,
            format, source_id);
    return stream;
}

void lsl_destroy_streaminfo(void *stream) { free(stream); }

void *lsl_get_desc(void *stream) { return stream; }

void *lsl_append_child(void *place, const char *name) {
    (void)name;
    return place;
}

void *lsl_append_child_value(void *place, const char *name, const char *value) {
    fprintf(out(), "value %s|%s\n", name, value);
    return place;
}

void *lsl_create_outlet(void *info, int32_t chunk, int32_t buffered) {
    struct stream *outlet = malloc(sizeof *outlet);
    *outlet = *(struct stream *)info;
    (void)chunk;
    (void)buffered;
    return outlet;
}

void lsl_destroy_outlet(void *outlet) {
    fprintf(out(), "end %d\n", ((struct stream *)outlet)->number);
    fflush(out());
    free(outlet);
}

int32_t lsl_push_chunk_ftp(void *outlet, const float *values, unsigned long count, double time,
                           int32_t through) {
    struct stream *stream = outlet;
    if (count % (unsigned long)stream->channels || through != 1) return -3;
    fprintf(out(), "rows %d|%.17g|", stream->number, time);
    for (unsigned long i = 0; i < count; i++) fprintf(out(), " %.9g", (double)values[i]);
    fputc('\n', out());
    return 0;
}

int32_t lsl_push_sample_strtp(void *outlet, const char **text, double time, int32_t through) {
    if (through != 1) return -3;
    fprintf(out(), "text %d|%.17g|%s\n", ((struct stream *)outlet)->number, time, text[0]);
    return 0;
}

/* Somebody receives from the third look on. */
int32_t lsl_have_consumers(void *outlet) {
    (void)outlet;
    return ++asked >= 3 && asked < 5;
}

double lsl_local_clock(void) { return 1000.0; }

int32_t lsl_library_version(void) { return 116; }
