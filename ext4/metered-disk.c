#include "ext4/metered-disk.h"

#include <string.h>

#include "base/checked.h"

static int metered_read(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                        struct error *error)
{
    struct metered_disk *self = (struct metered_disk *)disk;
    uint64_t cost = max_u64(size, 4 * KIB);

    if (cost > self->allowance)
        self->allowance = 0;
    if (cost > self->allowance || !range_fits(offset, size, self->below->size) ||
        disk_read(self->below, offset, buffer, size, error)) {
        memset(buffer, 0, size);
        return 0;
    }
    self->allowance -= cost;
    return 0;
}

static const struct disk_operations metered_operations = {.read = metered_read};

void metered_disk_init(struct metered_disk *self, struct disk *below, uint64_t allowance)
{
    *self = (struct metered_disk){
        .disk = {.operations = &metered_operations, .size = INT64_MAX},
        .below = below,
        .allowance = allowance,
    };
}
