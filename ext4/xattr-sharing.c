#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/inode-check.h"
#include "ext4/xattr-check.h"

struct shared_xattrs {
    uint64_t place; /* of the block; 0: none here */
    uint64_t charged_clusters;
    uint32_t awaited; /* inodes that have yet to come */
};

/* Where place is, or is to go. There is always room. */
static struct shared_xattrs *find(struct shared_xattrs *table, size_t capacity, uint64_t place)
{
    size_t at = (size_t)(place * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1);

    while (table[at].place != 0 && table[at].place != place)
        at = (at + 1) & (capacity - 1);
    return &table[at];
}

/* Room for one more; at least half of the table stays free. */
static int make_room(struct xattr_sharing *sharing, struct error *error)
{
    size_t capacity = sharing->capacity ? sharing->capacity * 2 : 64;
    struct shared_xattrs *larger;

    if (sharing->count < sharing->capacity / 2)
        return 0;
    larger = calloc(capacity, sizeof *larger);
    if (!larger)
        return error_set_no_memory(error);
    for (size_t i = 0; i < sharing->capacity; i++)
        if (sharing->table[i].place != 0)
            *find(larger, capacity, sharing->table[i].place) = sharing->table[i];
    free(sharing->table);
    sharing->table = larger;
    sharing->capacity = capacity;
    return 0;
}

/* A block that one inode refers to isn't kept: another's claim would show in the sums. */
static int meet_first(struct xattr_sharing *sharing, struct ext4 *ext4, uint32_t number,
                      uint64_t place, uint8_t *work, struct xattr_facts *facts, struct error *error)
{
    const struct ext2_ext_attr_header *header = (const struct ext2_ext_attr_header *)work;
    struct xattr_facts found = {0};

    if (inode_read_block(ext4, number, place, work, error) ||
        xattr_check_block(ext4, number, place, work, &found, error))
        return -1;
    facts->charged_clusters += found.charged_clusters;
    if (header->h_refcount == 1)
        return 0;
    if (make_room(sharing, error))
        return -1;
    *find(sharing->table, sharing->capacity, place) =
        (struct shared_xattrs){place, found.charged_clusters, header->h_refcount - 1};
    sharing->count++;
    return 0;
}

int xattr_meet_block(struct xattr_sharing *sharing, struct ext4 *ext4, uint32_t number,
                     uint64_t place, uint8_t *work, struct xattr_facts *facts, bool *ret_is_first,
                     struct error *error)
{
    struct shared_xattrs *shared =
        sharing->capacity ? find(sharing->table, sharing->capacity, place) : NULL;

    *ret_is_first = !shared || shared->place == 0;
    if (*ret_is_first)
        return meet_first(sharing, ext4, number, place, work, facts, error);
    if (shared->awaited == 0)
        return inode_is_damaged(
            error, number,
            "the extended attributes in block %" PRIu64 " have more inodes than they count", place);
    shared->awaited--;
    facts->charged_clusters += shared->charged_clusters;
    return 0;
}

int xattr_check_sharing(const struct xattr_sharing *sharing, struct error *error)
{
    for (size_t i = 0; i < sharing->capacity; i++)
        if (sharing->table[i].awaited > 0) {
            error_set(error, ERROR_CORRUPT,
                      "the extended attributes in block %" PRIu64 " count %" PRIu32
                      " inodes more than they have",
                      sharing->table[i].place, sharing->table[i].awaited);
            return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
        }
    return 0;
}

void xattr_sharing_free(struct xattr_sharing *sharing)
{
    free(sharing->table);
    *sharing = (struct xattr_sharing){0};
}
