#include "base/size.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"

static const char units[] = "KMGTP";

/* The power of 1024 that a suffix stands for, or -1. */
static int suffix_power(const char *suffix)
{
    const char *unit;

    if (*suffix == '\0' || strcasecmp(suffix, "B") == 0)
        return 0;
    unit = strchr(units, toupper((unsigned char)*suffix));
    if (!unit)
        return -1;
    suffix++;
    if (*suffix != '\0' && strcasecmp(suffix, "B") != 0 && strcasecmp(suffix, "iB") != 0)
        return -1;
    return (int)(unit - units) + 1;
}

/* Reads digits into *ret_value; returns how many there were, or -1 on overflow. */
static int read_digits(const char **text, uint64_t *ret_value)
{
    int count = 0;

    for (*ret_value = 0; isdigit((unsigned char)**text); (*text)++, count++) {
        if (!checked_multiply(*ret_value, 10, ret_value) ||
            !checked_add(*ret_value, (uint64_t)(**text - '0'), ret_value))
            return -1;
    }
    return count;
}

/* scale times the decimals at *text, rounded down; at most 12 digits count. */
static uint64_t read_decimals(const char **text, uint64_t scale, int *ret_digits)
{
    __uint128_t sum = 0;
    __uint128_t weight = 1;

    for (*ret_digits = 0; isdigit((unsigned char)**text); (*text)++, (*ret_digits)++) {
        if (*ret_digits < 12) {
            weight *= 10;
            sum = sum * 10 + (unsigned)(**text - '0');
        }
    }
    return (uint64_t)(sum * scale / weight);
}

/* A size without a sign. */
static int parse_magnitude(const char *text, uint64_t *ret_size)
{
    const char *fraction = NULL;
    uint64_t whole, part = 0;
    int digits, decimals = 0, power;
    uint64_t scale;

    digits = read_digits(&text, &whole);
    if (digits < 0)
        return -1;
    if (*text == '.') {
        fraction = ++text;
        read_decimals(&text, 0, &decimals);
    }
    if (digits == 0 && decimals == 0)
        return -1;
    power = suffix_power(text);
    if (power < 0)
        return -1;
    scale = UINT64_C(1) << (10 * power);
    if (fraction)
        part = read_decimals(&fraction, scale, &decimals);
    if (!checked_multiply(whole, scale, ret_size) || !checked_add(*ret_size, part, ret_size))
        return -1;
    return *ret_size > INT64_MAX ? -1 : 0;
}

int size_parse(const char *text, uint64_t present, uint64_t *ret_size)
{
    char sign = *text;
    uint64_t size;

    if (parse_magnitude(sign == '+' || sign == '-' ? text + 1 : text, &size))
        return -1;
    if (sign == '-') {
        if (size > present)
            return -1;
        size = present - size;
    } else if (sign == '+' && (!checked_add(present, size, &size) || size > INT64_MAX)) {
        return -1;
    }
    *ret_size = size;
    return 0;
}

void size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE])
{
    uint64_t scale = 1;
    int power = 0;
    double value;

    while (power < 5 && bytes / scale >= 1024) {
        scale *= 1024;
        power++;
    }
    if (power == 0) {
        snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
        return;
    }
    value = (double)bytes / (double)scale;
    snprintf(text, SIZE_TEXT_SIZE,
             bytes % scale == 0 ? "%.0f %ciB"
             : value < 10       ? "%.2f %ciB"
             : value < 100      ? "%.1f %ciB"
                                : "%.0f %ciB",
             value, units[power - 1]);
}
