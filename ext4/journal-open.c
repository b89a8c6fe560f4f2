#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-tree.h"
#include "ext4/journal-format.h"
#include "ext4/journal.h"
#include "image-format/disk.h"

int ext4_journal_bad(struct error *error, const char *what, uint64_t value)
{
    error_set(error, ERROR_CORRUPT, "the filesystem's journal has %s %" PRIu64, what, value);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* Where the inode lies, in bytes. */
static int find_inode(struct disk *disk, const struct ext4_geometry *geometry, uint32_t number,
                      uint32_t inode_size, uint64_t *ret_offset, struct error *error)
{
    uint32_t group = (number - 1) / geometry->group_inodes;
    uint32_t index = group / geometry->descriptors;
    uint32_t descriptor_size = geometry->block_size / geometry->descriptors;
    uint64_t place = index < geometry->flat_descriptor_blocks
                         ? ext4_flat_descriptors_start(geometry, 0) + index
                         : ext4_meta_descriptor_block(geometry, index, 0);
    uint8_t descriptor[EXT2_MIN_DESC_SIZE_64BIT];
    uint64_t table;

    if (disk_read(disk,
                  place * geometry->block_size +
                      (uint64_t)(group % geometry->descriptors) * descriptor_size,
                  descriptor, geometry->is_64bit ? sizeof descriptor : EXT2_MIN_DESC_SIZE, error))
        return -1;
    table = get_le32(descriptor + offsetof(struct ext4_group_desc, bg_inode_table));
    if (geometry->is_64bit)
        table |=
            (uint64_t)get_le32(descriptor + offsetof(struct ext4_group_desc, bg_inode_table_hi))
            << 32;
    if (table <= geometry->first_block ||
        !range_fits(table, geometry->inode_table_blocks, geometry->blocks))
        return ext4_journal_bad(error, "its inode in a table outside of the filesystem, at block",
                                table);
    *ret_offset = table * geometry->block_size +
                  (uint64_t)((number - 1) % geometry->group_inodes) * inode_size;
    return 0;
}

static bool inode_checksum_matches(const struct ext2_super_block *super, uint32_t number,
                                   const uint8_t *bytes, uint32_t inode_size)
{
    const size_t low = 0x7c, high = 0x82;
    const struct ext2_inode_large *inode = (const struct ext2_inode_large *)bytes;
    bool has_high = inode_size > EXT2_GOOD_OLD_INODE_SIZE &&
                    inode->i_extra_isize >= EXT4_INODE_CSUM_HI_EXTRA_END;
    uint32_t crc = ext4_inode_checksum_seed(super, number, inode->i_generation);
    uint8_t zeros[2] = {0, 0};

    crc = ext2fs_crc32c_le(crc, bytes, low);
    crc = ext2fs_crc32c_le(crc, zeros, sizeof zeros);
    if (!has_high) {
        crc = ext2fs_crc32c_le(crc, bytes + low + 2, inode_size - low - 2);
        return get_le16(bytes + low) == (uint16_t)crc;
    }
    crc = ext2fs_crc32c_le(crc, bytes + low + 2, high - low - 2);
    crc = ext2fs_crc32c_le(crc, zeros, sizeof zeros);
    crc = ext2fs_crc32c_le(crc, bytes + high + 2, inode_size - high - 2);
    return get_le16(bytes + low) == (uint16_t)crc && get_le16(bytes + high) == crc >> 16;
}

/* Adds to the map, which has no holes. */
static int add_run(const struct ext4_tree_run *run, void *context, struct error *error)
{
    struct journal *journal = context;
    struct journal_run *last = journal->run_count ? &journal->runs[journal->run_count - 1] : NULL;
    void *runs;

    if (run->part != EXT4_TREE_KEPT)
        return 0;
    if (run->unwritten || run->logical != (last ? last->logical + last->run.count : 0))
        return ext4_journal_bad(error, "a hole, or blocks never written, before block",
                                run->logical);
    if (last && run->run.start == last->run.start + last->run.count) {
        last->run.count += run->run.count;
        return 0;
    }
    runs = array_make_room(journal->runs, journal->run_count, &journal->run_capacity,
                           sizeof *journal->runs, error);
    if (!runs)
        return -1;
    journal->runs = runs;
    journal->runs[journal->run_count++] = (struct journal_run){run->logical, run->run};
    return 0;
}

static int read_map(struct disk *disk, const struct ext4_geometry *geometry,
                    const struct ext2_super_block *super, struct journal *journal,
                    struct error *error)
{
    uint32_t inode_size = super->s_rev_level == 0 ? 128 : super->s_inode_size;
    size_t room =
        inode_size > sizeof(struct ext2_inode_large) ? inode_size : sizeof(struct ext2_inode_large);
    uint32_t number = super->s_journal_inum;
    CLEANUP_FREE uint8_t *bytes = calloc(1, room);
    struct ext2_inode_large *inode = (struct ext2_inode_large *)bytes;
    struct ext4_tree tree = {
        .disk = disk,
        .geometry = geometry,
        .number = number,
        .inode = inode,
        .visit = add_run,
        .context = journal,
    };
    uint64_t offset = 0;

    if (!bytes)
        return error_set_no_memory(error);
    if (number == 0 || number > super->s_inodes_count)
        return ext4_journal_bad(error, "the inode number", number);
    if (find_inode(disk, geometry, number, inode_size, &offset, error) ||
        disk_read(disk, offset, bytes, inode_size, error))
        return -1;
    if (super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM &&
        !inode_checksum_matches(super, number, bytes, inode_size))
        return ext4_journal_bad(error, "a wrong checksum in its inode", number);
    if (!LINUX_S_ISREG(inode->i_mode) || inode->i_links_count == 0 ||
        inode->i_flags & EXT4_INLINE_DATA_FL)
        return ext4_journal_bad(error, "an inode that is no file, with the mode", inode->i_mode);
    ext4_tree_prepare(&tree, super);
    return ext4_tree_cut(&tree, EXT4_TREE_WHOLE, error);
}

/* The blocks that the map has. */
static uint64_t journal_blocks(const struct journal *journal)
{
    const struct journal_run *last = journal->runs + journal->run_count;

    return journal->run_count ? last[-1].logical + last[-1].run.count : 0;
}

int ext4_journal_read(struct journal *journal, uint32_t block, uint8_t *bytes, struct error *error)
{
    size_t low = 0, high = journal->run_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (journal->runs[middle].logical <= block)
            low = middle;
        else
            high = middle;
    }
    return disk_read(journal->disk,
                     (journal->runs[low].run.start + (block - journal->runs[low].logical)) *
                         journal->block_size,
                     bytes, journal->block_size, error);
}

static int read_features(struct journal *journal, struct error *error)
{
    const uint8_t *super = journal->super;
    uint32_t compat = get_be32(super + JOURNAL_SUPER_COMPAT);
    uint32_t incompat = get_be32(super + JOURNAL_SUPER_INCOMPAT);
    uint32_t unknown =
        (incompat & ~(uint32_t)JOURNAL_INCOMPAT_KNOWN) | get_be32(super + JOURNAL_SUPER_RO_COMPAT);
    bool has_v2 = incompat & JOURNAL_INCOMPAT_CSUM_V2;

    if (unknown) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the filesystem's journal has features that are unknown here (0x%x)", unknown);
        return error_set_remedy(error, "mount the filesystem once where it is used");
    }
    journal->has_v3 = incompat & JOURNAL_INCOMPAT_CSUM_V3;
    journal->has_checksums = has_v2 || journal->has_v3;
    journal->has_old_checksum = compat & JOURNAL_COMPAT_CHECKSUM;
    journal->has_64bit = incompat & JOURNAL_INCOMPAT_64BIT;
    journal->has_async_commit = incompat & JOURNAL_INCOMPAT_ASYNC_COMMIT;
    if (has_v2 + journal->has_v3 + journal->has_old_checksum > 1)
        return ext4_journal_bad(error, "more than one kind of checksums: features", incompat);
    if (incompat & JOURNAL_INCOMPAT_FAST_COMMIT) {
        journal->fast_blocks = get_be32(super + JOURNAL_SUPER_FAST_BLOCKS);
        if (journal->fast_blocks == 0)
            journal->fast_blocks = JOURNAL_FAST_DEFAULT_BLOCKS;
    }
    if (!journal->has_checksums)
        return 0;
    if (super[JOURNAL_SUPER_CHECKSUM_TYPE] != JOURNAL_CHECKSUM_CRC32C)
        return ext4_journal_bad(error, "the checksum type", super[JOURNAL_SUPER_CHECKSUM_TYPE]);
    journal->seed = ext2fs_crc32c_le(~UINT32_C(0), super + JOURNAL_SUPER_UUID, 16);
    return 0;
}

static int check_super_checksum(struct journal *journal, struct error *error)
{
    uint8_t *super = journal->super;
    uint32_t found = get_be32(super + JOURNAL_SUPER_CHECKSUM), computed;

    if (!journal->has_checksums)
        return 0;
    put_be32(super + JOURNAL_SUPER_CHECKSUM, 0);
    computed = ext2fs_crc32c_le(~UINT32_C(0), super, JOURNAL_SUPER_SIZE);
    put_be32(super + JOURNAL_SUPER_CHECKSUM, found);
    return found == computed
               ? 0
               : ext4_journal_bad(error, "a superblock with a wrong checksum:", found);
}

static int read_log_place(struct journal *journal, struct error *error)
{
    const uint8_t *super = journal->super;
    uint32_t length = get_be32(super + JOURNAL_SUPER_MAX_LENGTH);

    if (get_be32(super + JOURNAL_SUPER_BLOCK_SIZE) != journal->block_size)
        return ext4_journal_bad(error, "the block size",
                                get_be32(super + JOURNAL_SUPER_BLOCK_SIZE));
    if (length > journal_blocks(journal))
        return ext4_journal_bad(error, "fewer blocks than its length, which is", length);
    journal->first = get_be32(super + JOURNAL_SUPER_FIRST);
    if (journal->fast_blocks >= length)
        return ext4_journal_bad(error,
                                "more blocks for fast commits than it has:", journal->fast_blocks);
    journal->last = length - journal->fast_blocks;
    if (journal->first == 0 || journal->first >= journal->last)
        return ext4_journal_bad(error, "a log that begins at block", journal->first);
    journal->start = get_be32(super + JOURNAL_SUPER_START);
    journal->start_sequence = get_be32(super + JOURNAL_SUPER_SEQUENCE);
    if (journal->start != 0 && (journal->start < journal->first || journal->start >= journal->last))
        return ext4_journal_bad(error, "its oldest transaction outside of the log, at block",
                                journal->start);
    return 0;
}

static int read_super(struct journal *journal, struct error *error)
{
    CLEANUP_FREE uint8_t *block = malloc(journal->block_size);
    uint32_t type;

    if (!block)
        return error_set_no_memory(error);
    if (journal_blocks(journal) == 0)
        return ext4_journal_bad(error, "no blocks, but its inode is there: blocks", 0);
    if (ext4_journal_read(journal, 0, block, error))
        return -1;
    type = get_be32(block + JOURNAL_HEADER_TYPE);
    if (get_be32(block + JOURNAL_HEADER_MAGIC) != JOURNAL_MAGIC ||
        (type != JOURNAL_SUPER_V1 && type != JOURNAL_SUPER_V2))
        return ext4_journal_bad(error, "no superblock, but a block of type", type);
    journal->super = TAKE(block);
    if (type == JOURNAL_SUPER_V2 &&
        (read_features(journal, error) || check_super_checksum(journal, error)))
        return -1;
    if (get_be32(journal->super + JOURNAL_SUPER_ERRNO) != 0) {
        error_set(error, ERROR_REFUSED,
                  "the filesystem's journal says that writing it failed once (error %d)",
                  (int)get_be32(journal->super + JOURNAL_SUPER_ERRNO));
        return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
    }
    return read_log_place(journal, error);
}

static int compare_runs(const void *a, const void *b)
{
    const struct journal_run *first = a, *second = b;

    return first->run.start < second->run.start ? -1 : first->run.start > second->run.start;
}

/* A block that is there twice would be read as what was written over it. */
static int check_overlaps(struct journal *journal, struct error *error)
{
    struct journal_run *sorted = calloc(journal->run_count, sizeof *sorted);

    if (!sorted)
        return error_set_no_memory(error);
    journal->by_place = sorted;
    memcpy(sorted, journal->runs, journal->run_count * sizeof *sorted);
    qsort(sorted, journal->run_count, sizeof *sorted, compare_runs);
    for (size_t i = 1; i < journal->run_count; i++)
        if (sorted[i - 1].run.start + sorted[i - 1].run.count > sorted[i].run.start)
            return ext4_journal_bad(error, "one block twice:", sorted[i].run.start);
    return 0;
}

int ext4_journal_open(struct disk *disk, const struct ext4_geometry *geometry,
                      const struct ext2_super_block *super, struct journal *journal,
                      struct error *error)
{
    *journal = (struct journal){
        .disk = disk,
        .block_size = geometry->block_size,
        .blocks = geometry->blocks,
        .disk_blocks = disk->size / geometry->block_size,
        .super_block = SUPERBLOCK_OFFSET / geometry->block_size,
        .super_offset = SUPERBLOCK_OFFSET % geometry->block_size,
    };
    return read_map(disk, geometry, super, journal, error) || read_super(journal, error) ||
                   check_overlaps(journal, error)
               ? -1
               : 0;
}

void ext4_journal_free(struct journal *journal)
{
    free(journal->runs);
    free(journal->by_place);
    free(journal->super);
    free(journal->revokes);
    *journal = (struct journal){0};
}
