#include "vhdtool/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guid.h"
#include "program/words.h"
#include "vhdtool/options.h"

int exit_status(const struct error *error, bool changing)
{
    switch (error->kind) {
    case ERROR_NONE:
        return STATUS_DONE;
    case ERROR_USAGE:
        return STATUS_USAGE;
    case ERROR_REFUSED:
    case ERROR_BUSY:
        return STATUS_REFUSED;
    case ERROR_NOT_IMAGE:
    case ERROR_CORRUPT:
    case ERROR_UNSUPPORTED:
        return changing ? STATUS_REFUSED : STATUS_FAILED;
    case ERROR_SYSTEM:
    case ERROR_NO_SPACE:
    case ERROR_INTERRUPTED:
        break;
    }
    return STATUS_FAILED;
}

int status_of_both(int one, int other)
{
    if (one == STATUS_FAILED || other == STATUS_FAILED)
        return STATUS_FAILED;
    return one > other ? one : other;
}

void report_error(const char *image, const struct error *error, const char *state)
{
    program_print_error("vhdtool", image, error, state);
}

void report_step(const struct options *options, const char *format, ...)
{
    va_list arguments;

    if (!options->verbose || options->quiet)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void report_text(const char *text)
{
    fputs(text, stdout);
}

void report_summary(const struct options *options, const char *format, ...)
{
    va_list arguments;

    if (options->quiet || options->json)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

int report_json(json_t *object, struct error *error)
{
    CLEANUP_FREE char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!line)
        return error_set_no_memory(error);
    puts(line);
    return 0;
}

json_t *json_from_u64(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Bytes that are no UTF-8 become U+FFFD each: names on a disk may hold any. */
static json_t *json_from_bytes(const char *text)
{
    size_t size = strlen(text);
    CLEANUP_FREE char *mended = malloc(size * 3 + 1);
    char *out = mended;

    if (!mended)
        return NULL;
    for (size_t i = 0; i < size;) {
        size_t length = size - i < 4 ? size - i : 4;
        json_t *piece = NULL;

        for (; length > 0 && !piece; length--)
            piece = json_stringn(text + i, length);
        length++;
        memcpy(out, piece ? text + i : "\xef\xbf\xbd", piece ? length : 3);
        out += piece ? length : 3;
        i += piece ? length : 1;
        json_decref(piece);
    }
    return json_stringn(mended, (size_t)(out - mended));
}

json_t *json_from_text(const char *text)
{
    json_t *string;

    if (!text)
        return json_null();
    string = json_string(text);
    return string ? string : json_from_bytes(text);
}

json_t *json_from_guid(const struct guid *guid)
{
    char text[GUID_TEXT_SIZE];

    if (guid_is_zero(guid))
        return json_null();
    guid_format(guid, text);
    return json_string(text);
}
