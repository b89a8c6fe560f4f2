/* Bytes of directories, inodes and attributes changed at will: refused, or without effect on what
 * e2fsck says; never a crash, and the check writes nothing. */
#include "tests/support/renumber-fixture.h"

struct place {
    uint64_t offset;
    size_t size;
};

struct places {
    struct place *list;
    size_t count;
};

static void add_place(struct places *places, uint64_t offset, size_t size)
{
    places->list = must_resize(places->list, places->count + 1, sizeof *places->list);
    places->list[places->count++] = (struct place){offset, size};
}

/* Blocks of directories, slots of inodes, and blocks of attributes. */
static void find_places(struct ext4 *ext4, struct places *places)
{
    CLEANUP_FREE uint8_t *bytes = must_allocate(EXT4_INODE_BYTES(ext4));
    struct ext2_inode_large *inode = (struct ext2_inode_large *)(void *)bytes;
    struct ext4_block_map map = {0};
    size_t block_size = ext4->geometry.block_size;

    for (uint32_t number = 2; number <= ext4->fs->super->s_inodes_count; number++) {
        cr_assert_eq(ext4_inodes_read(ext4, number, 1, bytes, &error), 0);
        if (inode->i_links_count == 0 || (number > 2 && number < 11))
            continue;
        if (inode->i_file_acl)
            add_place(places, inode->i_file_acl * block_size, block_size);
        if (inode->i_file_acl || LINUX_S_ISDIR(inode->i_mode) || number % 7 == 0)
            add_place(places, ext4_inode_offset(ext4, number), EXT2_INODE_SIZE(ext4->fs->super));
        if (!LINUX_S_ISDIR(inode->i_mode) || !ext4_inode_maps_blocks(ext4->fs, inode))
            continue;
        cr_assert_eq(ext4_block_map_read(ext4, number, inode, &map, &error), 0);
        for (size_t i = 0; i < map.count; i++)
            for (uint64_t j = 0; j < map.mappings[i].count; j++)
                add_place(places, (map.mappings[i].start + j) * block_size, block_size);
    }
    ext4_block_map_free(&map);
}

static bool is_clean(const char *path)
{
    CLEANUP_FREE char *output = NULL;
    int status;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    return status == 0 && !strstr(output, "? no");
}

/* A disk whose writes stay in memory would do as well: what is written is put back. */
static void damage(struct disk *disk, struct place place, uint64_t *seed)
{
    CLEANUP_FREE uint8_t *bytes = must_allocate(place.size);
    static const uint8_t odd[] = {0, 1, 2, 4, 8, 12, 16, 0x7f, 0x80, 0xff};

    cr_assert_eq(disk_read(disk, place.offset, bytes, place.size, &error), 0);
    for (uint64_t i = 0; i <= random_below(seed, 4); i++)
        bytes[random_below(seed, random_below(seed, 2) ? 48 : place.size)] =
            random_below(seed, 2) ? odd[random_below(seed, sizeof odd)]
                                  : (uint8_t)random_next(seed);
    cr_assert_eq(disk_write(disk, place.offset, bytes, place.size, &error), 0);
}

/* Returns whether it was refused. */
static bool try_damaged(const char *path, struct opened *opened, struct moves moves)
{
    struct digest before, after;
    int result;

    cr_assert_eq(judge_contents(opened->disk, &before, &error), 0);
    result = resize_renumber_check(&opened->ext4, moves.list, moves.count, NULL, &error);
    cr_assert_eq(judge_contents(opened->disk, &after, &error), 0);
    cr_expect(digest_equal(before, after), "the check wrote");
    if (result) {
        cr_expect(error.kind == ERROR_CORRUPT || error.kind == ERROR_REFUSED, "%s", error.message);
        return true;
    }
    if (is_clean(path)) {
        cr_expect_eq(tree_digest(path, &before, &error), 0);
        cr_assert_eq(resize_renumber(&opened->ext4, moves.list, moves.count, &error), 0, "%s",
                     error.message);
        write_accounts(&opened->ext4);
        expect_clean(path, "after harmless damage");
        cr_expect_eq(tree_digest(path, &after, &error), 0);
        cr_expect(digest_equal(before, after), "the tree is another");
    } else
        cr_expect_eq(resize_renumber(&opened->ext4, moves.list, moves.count, &error), 0, "%s",
                     error.message);
    return false;
}

static void try_kind(const char *options, unsigned rounds)
{
    char *path = make_filesystem(options, 6 * MIB, 1, &error);
    struct places places = {0};
    struct opened opened;
    struct moves moves;
    uint64_t seed = rounds;
    unsigned refused = 0;
    uint8_t *kept;
    size_t size;

    cr_assert_not_null(path, "%s: %s", options, error.message);
    free(run_script("e2fsck -fyD \"$1\" || test $? = 1", path));
    moves = choose(path, ANYWHERE, 3);
    open_filesystem(path, &opened);
    find_places(&opened.ext4, &places);
    size = (size_t)opened.disk->size;
    kept = must_allocate(size);
    cr_assert_eq(disk_read(opened.disk, 0, kept, size, &error), 0);
    close_filesystem(&opened);
    for (unsigned i = 0; i < rounds; i++) {
        open_filesystem(path, &opened);
        cr_assert_eq(disk_begin(opened.disk, &error), 0);
        damage(opened.disk, places.list[random_below(&seed, places.count)], &seed);
        refused += try_damaged(path, &opened, moves);
        cr_assert_eq(disk_write(opened.disk, 0, kept, size, &error), 0);
        close_filesystem(&opened);
    }
    cr_expect_gt(refused, rounds / 8, "%s: %u of %u refused", options, refused, rounds);
    filesystem_remove(path);
    free(places.list);
    free(moves.list);
    free(kept);
}

/* Without checksums, so that more than those is looked at. */
Test(resize_renumber_hostile, without_checksums)
{
    try_kind("-b 1024 -N 600 -O ^metadata_csum,^uninit_bg,^has_journal", 150);
}

Test(resize_renumber_hostile, inline_data)
{
    try_kind("-b 1024 -N 600 -O ^metadata_csum,^uninit_bg,^has_journal,inline_data", 100);
}

Test(resize_renumber_hostile, values_in_inodes)
{
    try_kind("-b 1024 -N 600 -O ^metadata_csum,^uninit_bg,^has_journal,ea_inode,^dir_index", 150);
}

Test(resize_renumber_hostile, with_checksums)
{
    try_kind("-b 1024 -N 600 -O ^has_journal", 60);
}
