#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list arguments;

    error->kind = kind;
    error->remedy[0] = '\0';
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return -1;
}

int error_set_errno(struct error *error, int errno_value, const char *format, ...)
{
    va_list arguments;
    int written;

    error->kind = errno_value == ENOSPC || errno_value == EDQUOT ? ERROR_NO_SPACE : ERROR_SYSTEM;
    error->remedy[0] = '\0';
    va_start(arguments, format);
    written = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (written >= 0 && (size_t)written < sizeof error->message)
        snprintf(error->message + written, sizeof error->message - (size_t)written, ": %s",
                 strerror(errno_value));
    return -1;
}

int error_set_no_memory(struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "out of memory");
}

int error_set_remedy(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->remedy, sizeof error->remedy, format, arguments);
    va_end(arguments);
    return -1;
}

int error_wrap(struct error *error, const char *format, ...)
{
    char whole[sizeof error->message];
    va_list arguments;
    int written;

    va_start(arguments, format);
    written = vsnprintf(whole, sizeof whole, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= sizeof whole)
        return -1;
    snprintf(whole + written, sizeof whole - (size_t)written, ": %.*s",
             (int)(sizeof whole - (size_t)written), error->message);
    memcpy(error->message, whole, sizeof whole);
    return -1;
}
