#include "resize/pack.h"

int resize_plan_packing(struct ext4 *ext4, uint64_t unit_size, struct resize_packing *ret_packing,
                        struct error *error)
{
    (void)ext4;
    (void)unit_size;
    (void)ret_packing;
    return error_set(error, ERROR_UNSUPPORTED, "packing a filesystem is not possible yet");
}

void resize_packing_free(struct resize_packing *packing)
{
    resize_plan_free(&packing->plan);
    resize_zones_free(&packing->emptied);
}
