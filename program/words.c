#define _GNU_SOURCE
#include "program/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "resize/run.h"

void program_clean_text(char *text)
{
    unsigned char *p = (unsigned char *)text;

    for (; *p; p++) {
        bool is_c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* in UTF-8 */

        if ((*p < ' ' && *p != '\n') || *p == 0x7f || is_c1)
            *p = '?';
    }
}

void program_print_error(const char *program, const char *object, const struct error *error,
                         const char *state)
{
    CLEANUP_FREE char *text = NULL;

    if (asprintf(&text, "%s: %s%s%s%s%s\n%s%s", program, object ? object : "", object ? ": " : "",
                 error->message, state ? "; " : "", state ? state : "", error->remedy,
                 error->remedy[0] ? "\n" : "") < 0) {
        text = NULL;
        fprintf(stderr, "%s: out of memory\n", program);
        return;
    }
    program_clean_text(text);
    fputs(text, stderr);
}

const char *program_state_text(const struct resize_state *state)
{
    if (state->changed)
        return "the image is valid and has its new size";
    if (state->uncertain)
        return "the image is valid; it has its old size or its new one";
    if (state->moved)
        return "the image is valid and has its old size; some of it moved already";
    if (state->begun)
        return "the image is valid and has its old size";
    return "the image is untouched";
}

int program_finish_output(struct error *error)
{
    if (fflush(stdout) || ferror(stdout))
        return error_set_errno(error, errno, "cannot write to the standard output");
    return 0;
}

int program_read_epoch(const char *text, uint32_t *ret_seconds, struct error *error)
{
    unsigned long long seconds;
    char *end;

    errno = 0;
    seconds = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno || seconds > UINT32_MAX)
        return error_set(error, ERROR_USAGE,
                         "SOURCE_DATE_EPOCH=%s is no time (seconds since 1970 expected)", text);
    *ret_seconds = (uint32_t)seconds;
    return 0;
}

int program_now(uint32_t *ret_seconds, struct error *error)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");

    *ret_seconds = (uint32_t)time(NULL);
    return epoch ? program_read_epoch(epoch, ret_seconds, error) : 0;
}
