#include "base/bytes.h"

#include <string.h>

bool bytes_are_zero(const void *p, size_t size)
{
    const uint8_t *bytes = p;

    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}
