#include "ext4resize/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"

/* The bytes that a unit's letter stands for; 0: there is no such unit. */
static uint64_t unit_bytes(char letter, uint32_t block_size)
{
    switch (letter) {
    case '\0':
        return block_size;
    case 's':
        return 512;
    case 'K':
    case 'k':
        return KIB;
    case 'M':
    case 'm':
        return MIB;
    case 'G':
    case 'g':
        return GIB;
    case 'T':
    case 't':
        return TIB;
    default:
        return 0;
    }
}

int size_read_blocks(const char *text, uint32_t block_size, uint64_t *ret_blocks)
{
    unsigned long long number;
    uint64_t unit, bytes;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return -1;
    errno = 0;
    number = strtoull(text, &end, 0);
    if (errno || (end[0] && end[1]))
        return -1;
    unit = unit_bytes(end[0], block_size);
    if (unit == 0 || !checked_multiply(number, unit, &bytes) || bytes > INT64_MAX ||
        bytes < block_size)
        return -1;
    *ret_blocks = bytes / block_size;
    return 0;
}
