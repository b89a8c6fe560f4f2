#include "ext4/bitmaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/io.h"

/* Bitmaps read in one go: with flex_bg they lie next to each other. */
#define READ_AHEAD_GROUPS 128

static void set_bit(uint8_t *bitmap, uint32_t bit, bool value)
{
    if (value)
        bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
    else
        bitmap[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

void ext4_bitmap_mark(const struct ext4_geometry *geometry, uint32_t group, uint8_t *bitmap,
                      struct ext4_run run, bool used)
{
    uint64_t group_start = ext4_group_start(geometry, group);
    uint64_t start = max_u64(run.start, group_start);
    uint64_t end = min_u64(run.start + run.count, group_start + ext4_group_blocks(geometry, group));

    if (start >= end)
        return;
    start = (start - group_start) / geometry->cluster_blocks;
    end = divide_up(end - group_start, geometry->cluster_blocks);
    for (; start < end && start % 8 != 0; start++)
        set_bit(bitmap, (uint32_t)start, used);
    if (start < end)
        memset(bitmap + start / 8, used ? 0xff : 0, (size_t)(end / 8 - start / 8));
    for (start = max_u64(start, round_down(end, 8)); start < end; start++)
        set_bit(bitmap, (uint32_t)start, used);
}

uint32_t ext4_bitmap_next(const uint8_t *bitmap, uint32_t first, uint32_t limit, bool used)
{
    uint8_t passed = used ? 0x00 : 0xff;

    while (first < limit) {
        if (first % 8 == 0 && bitmap[first / 8] == passed) {
            first += 8;
            continue;
        }
        if ((bitmap[first / 8] >> first % 8 & 1u) == used)
            return first;
        first++;
    }
    return limit;
}

/* Zero bits among the first count. */
static uint32_t count_zeros(const uint8_t *bitmap, uint32_t count)
{
    uint32_t ones = 0, bit = 0;

    for (; bit + 64 <= count; bit += 64) {
        uint64_t word;

        memcpy(&word, bitmap + bit / 8, sizeof word);
        ones += (uint32_t)__builtin_popcountll(word);
    }
    for (; bit < count; bit++)
        ones += bitmap[bit / 8] >> bit % 8 & 1u;
    return count - ones;
}

uint32_t ext4_bitmap_free(const struct ext4_geometry *geometry, uint32_t group,
                          const uint8_t *bitmap)
{
    return count_zeros(bitmap, ext4_group_clusters(geometry, group));
}

void ext4_bitmap_set_padding(const struct ext4_geometry *geometry, uint32_t group, uint8_t *bitmap)
{
    uint32_t bit = ext4_group_clusters(geometry, group);

    for (; bit % 8 != 0; bit++)
        set_bit(bitmap, bit, true);
    memset(bitmap + bit / 8, 0xff, geometry->block_size - bit / 8);
}

void ext4_bitmap_init(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                      uint8_t *bitmap)
{
    const struct ext4_run own[] = {
        ext4_group_head(geometry, group),
        {ext2fs_block_bitmap_loc(fs, group), 1},
        {ext2fs_inode_bitmap_loc(fs, group), 1},
        {ext2fs_inode_table_loc(fs, group), geometry->inode_table_blocks},
    };

    memset(bitmap, 0, geometry->block_size);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ext4_bitmap_mark(geometry, group, bitmap, own[i], true);
    ext4_bitmap_set_padding(geometry, group, bitmap);
}

/* Whether anything of the group's own, head or table, lies in it. */
static bool holds_own_metadata(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group)
{
    uint64_t table = ext2fs_inode_table_loc(fs, group);

    return ext4_group_head(geometry, group).count > 0 ||
           ext4_group_of(geometry, ext2fs_block_bitmap_loc(fs, group)) == group ||
           ext4_group_of(geometry, ext2fs_inode_bitmap_loc(fs, group)) == group ||
           ext4_group_of(geometry, table) == group ||
           ext4_group_of(geometry, table + geometry->inode_table_blocks - 1) == group;
}

uint32_t ext4_bitmap_implied_free(const struct ext4_geometry *geometry, ext2_filsys fs,
                                  uint32_t group, uint8_t *work)
{
    if (!holds_own_metadata(geometry, fs, group))
        return ext4_group_clusters(geometry, group);
    ext4_bitmap_init(geometry, fs, group, work);
    return ext4_bitmap_free(geometry, group, work);
}

static struct ext4_io *io_of(ext2_filsys fs)
{
    return fs->priv_data;
}

int ext4_bitmap_read(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                     uint8_t *bitmap, struct error *error)
{
    errcode_t code;

    if (geometry->has_group_checksums && ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT)) {
        ext4_bitmap_init(geometry, fs, group, bitmap);
        return 0;
    }
    code = io_channel_read_blk64(fs->io, ext2fs_block_bitmap_loc(fs, group), 1, bitmap);
    return code ? ext4_set_error(error, io_of(fs), code, "cannot read the block bitmap of group %u",
                                 group)
                : 0;
}

int ext4_bitmap_write(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                      uint8_t *bitmap, struct error *error)
{
    errcode_t code;

    ext4_bitmap_set_padding(geometry, group, bitmap);
    ext2fs_bg_free_blocks_count_set(fs, group, ext4_bitmap_free(geometry, group, bitmap));
    ext2fs_bg_flags_clear(fs, group, EXT2_BG_BLOCK_UNINIT);
    ext2fs_block_bitmap_csum_set(fs, group, (char *)bitmap, (int)geometry->group_clusters / 8);
    ext2fs_group_desc_csum_set(fs, group);
    code = io_channel_write_blk64(fs->io, ext2fs_block_bitmap_loc(fs, group), 1, bitmap);
    return code ? ext4_set_error(error, io_of(fs), code,
                                 "cannot write the block bitmap of group %u", group)
                : 0;
}

/* A window of blocks that were read together. */
struct window {
    uint8_t *bytes;
    uint64_t start, count; /* blocks */
    uint8_t *work;         /* one block more, for whoever looks */
};

/* Points *ret_bytes at a block, reading it with those behind it when it isn't in the window. */
static int look_at(const struct ext4_geometry *geometry, ext2_filsys fs, struct window *window,
                   uint64_t block, const uint8_t **ret_bytes, struct error *error)
{
    if (block < window->start || block - window->start >= window->count) {
        uint64_t most = min_u64(READ_AHEAD_GROUPS, geometry->flex_groups);
        uint64_t count = min_u64(most, geometry->blocks - block);
        errcode_t code = io_channel_read_blk64(fs->io, block, (int)count, window->bytes);

        window->count = 0;
        if (code)
            return ext4_set_error(error, io_of(fs), code, "cannot read the bitmap in block %llu",
                                  (unsigned long long)block);
        window->start = block;
        window->count = count;
    }
    *ret_bytes = window->bytes + (block - window->start) * geometry->block_size;
    return 0;
}

static int bad_bitmap(struct error *error, const char *which, uint32_t group)
{
    error_set(error, ERROR_CORRUPT, "the %s bitmap of group %u has a wrong checksum", which, group);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int bad_count(struct error *error, const char *what, uint32_t group, uint32_t in_descriptor,
                     uint32_t in_bitmap)
{
    error_set(error, ERROR_CORRUPT,
              "group %u has %u free %s in its descriptor and %u in its bitmap (the same expected)",
              group, in_descriptor, what, in_bitmap);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* As the kernel asks (ext4_valid_block_bitmap): a bitmap that has the group's own tables as free
 * is none. Writing it back could land on somebody's data. */
static int check_own_metadata(const struct ext4_geometry *geometry, ext2_filsys fs,
                              struct window *window, uint32_t group, const uint8_t *bitmap,
                              struct error *error)
{
    if (!holds_own_metadata(geometry, fs, group))
        return 0;
    ext4_bitmap_init(geometry, fs, group, window->work);
    for (uint32_t i = 0; i < geometry->block_size; i++) {
        if ((window->work[i] & ~bitmap[i]) == 0)
            continue;
        error_set(error, ERROR_CORRUPT,
                  "the block bitmap of group %u has the group's own tables as free", group);
        return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
    }
    return 0;
}

static int check_block_bitmap(const struct ext4_geometry *geometry, ext2_filsys fs,
                              struct window *window, uint32_t group, struct error *error)
{
    uint32_t expected = ext2fs_bg_free_blocks_count(fs, group), found;
    const uint8_t *bitmap;

    if (look_at(geometry, fs, window, ext2fs_block_bitmap_loc(fs, group), &bitmap, error))
        return -1;
    if (!ext2fs_block_bitmap_csum_verify(fs, group, (char *)bitmap,
                                         (int)geometry->group_clusters / 8))
        return bad_bitmap(error, "block", group);
    if (check_own_metadata(geometry, fs, window, group, bitmap, error))
        return -1;
    found = ext4_bitmap_free(geometry, group, bitmap);
    return found == expected ? 0 : bad_count(error, "clusters", group, expected, found);
}

static int check_inode_bitmap(const struct ext4_geometry *geometry, ext2_filsys fs,
                              struct window *window, uint32_t group, struct error *error)
{
    uint32_t expected = ext2fs_bg_free_inodes_count(fs, group), found;
    const uint8_t *bitmap;

    if (look_at(geometry, fs, window, ext2fs_inode_bitmap_loc(fs, group), &bitmap, error))
        return -1;
    if (!ext2fs_inode_bitmap_csum_verify(fs, group, (char *)bitmap,
                                         (int)geometry->group_inodes / 8))
        return bad_bitmap(error, "inode", group);
    found = count_zeros(bitmap, geometry->group_inodes);
    return found == expected ? 0 : bad_count(error, "inodes", group, expected, found);
}

static bool is_initialised(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                           uint16_t flag)
{
    return !geometry->has_group_checksums || !ext2fs_bg_flags_test(fs, group, flag);
}

/* The counts of groups whose bitmaps are implied. */
static int check_implied(const struct ext4_geometry *geometry, ext2_filsys fs, struct error *error)
{
    CLEANUP_FREE uint8_t *work = malloc(geometry->block_size);

    if (!work)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        uint32_t clusters = ext2fs_bg_free_blocks_count(fs, group);
        uint32_t inodes = ext2fs_bg_free_inodes_count(fs, group);

        if (!is_initialised(geometry, fs, group, EXT2_BG_BLOCK_UNINIT) &&
            clusters != ext4_bitmap_implied_free(geometry, fs, group, work))
            return bad_count(error, "clusters", group, clusters,
                             ext4_bitmap_implied_free(geometry, fs, group, work));
        if (!is_initialised(geometry, fs, group, EXT2_BG_INODE_UNINIT) &&
            inodes != geometry->group_inodes)
            return bad_count(error, "inodes", group, inodes, geometry->group_inodes);
    }
    return 0;
}

/* One pass over the block bitmaps, one over the inode bitmaps: each kind lies in a row. */
static int check_all(const struct ext4_geometry *geometry, ext2_filsys fs, uint16_t flag,
                     int (*check)(const struct ext4_geometry *, ext2_filsys, struct window *,
                                  uint32_t, struct error *),
                     struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = malloc((size_t)READ_AHEAD_GROUPS * geometry->block_size);
    CLEANUP_FREE uint8_t *work = malloc(geometry->block_size);
    struct window window = {.bytes = bytes, .work = work};

    if (!bytes || !work)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++)
        if (is_initialised(geometry, fs, group, flag) && check(geometry, fs, &window, group, error))
            return -1;
    return 0;
}

int ext4_bitmaps_check(const struct ext4_geometry *geometry, ext2_filsys fs, struct error *error)
{
    return check_implied(geometry, fs, error) ||
                   check_all(geometry, fs, EXT2_BG_BLOCK_UNINIT, check_block_bitmap, error) ||
                   check_all(geometry, fs, EXT2_BG_INODE_UNINIT, check_inode_bitmap, error)
               ? -1
               : 0;
}
