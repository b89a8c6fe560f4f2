#include "ext4/orphan-list.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/inode-tree.h"

static int add_number(struct orphan_work *work, struct orphan_list *list, uint32_t number,
                      struct error *error)
{
    const struct ext2_super_block *super = work->space.ext4->fs->super;
    void *numbers;

    if (number < EXT2_FIRST_INODE(super) || number > super->s_inodes_count)
        return orphan_bad(error, number, "can't be a deleted file");
    numbers =
        array_make_room(list->numbers, list->count, &list->capacity, sizeof *list->numbers, error);
    if (!numbers)
        return -1;
    list->numbers = numbers;
    list->numbers[list->count++] = number;
    return 0;
}

static int next_in_chain(struct orphan_work *work, uint32_t number, uint32_t *ret_next,
                         struct error *error)
{
    CLEANUP(orphan_inode_free) struct orphan_inode inode = {0};

    if (orphan_inode_read(work, number, &inode, error))
        return -1;
    *ret_next = inode.inode->i_dtime;
    return 0;
}

/* A loop is found before it has been gone through twice: it leads back to a mark that is set
 * anew each time the way has doubled. */
static int read_chain(struct orphan_work *work, struct orphan_list *list, struct error *error)
{
    uint32_t number = work->space.ext4->fs->super->s_last_orphan, mark = 0;
    size_t next_mark = 1;

    while (number != 0) {
        if (number == mark)
            return orphan_bad(error, number, "is in a chain that is a loop");
        if (add_number(work, list, number, error))
            return -1;
        if (list->count == next_mark) {
            mark = number;
            next_mark *= 2;
        }
        if (next_in_chain(work, number, &number, error))
            return -1;
    }
    return 0;
}

/* The blocks of the orphan file, in their order. */
struct file_map {
    uint64_t *blocks;
    size_t count, capacity;
};

static void free_map(struct file_map *map)
{
    free(map->blocks);
}

static int add_run(const struct ext4_tree_run *run, void *context, struct error *error)
{
    struct file_map *map = context;

    if (run->part != EXT4_TREE_KEPT)
        return 0;
    for (uint64_t i = 0; i < run->run.count; i++) {
        void *blocks =
            array_make_room(map->blocks, map->count, &map->capacity, sizeof *map->blocks, error);

        if (!blocks)
            return -1;
        map->blocks = blocks;
        if (run->unwritten || run->logical + i != map->count) {
            error_set(error, ERROR_CORRUPT, "the orphan file has a hole at block %zu", map->count);
            return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
        }
        map->blocks[map->count++] = run->run.start + i;
    }
    return 0;
}

static int read_file_map(struct orphan_work *work, struct file_map *map, struct error *error)
{
    CLEANUP(orphan_inode_free) struct orphan_inode inode = {0};
    struct ext4 *ext4 = work->space.ext4;
    uint32_t number = ext4->fs->super->s_orphan_file_inum;
    struct ext4_tree tree = {
        .disk = ext4->io.disk,
        .geometry = &ext4->geometry,
        .number = number,
        .visit = add_run,
        .context = map,
    };

    if (orphan_inode_read(work, number, &inode, error))
        return -1;
    tree.inode = inode.inode;
    if (!LINUX_S_ISREG(inode.inode->i_mode) || inode.inode->i_flags & EXT4_INLINE_DATA_FL ||
        EXT2_I_SIZE(inode.inode) % ext4->geometry.block_size != 0)
        return orphan_bad(error, number, "is no orphan file, though the superblock says so");
    ext4_tree_prepare(&tree, ext4->fs->super);
    if (ext4_tree_cut(&tree, EXT4_TREE_WHOLE, error))
        return -1;
    if (map->count < EXT2_I_SIZE(inode.inode) / ext4->geometry.block_size)
        return orphan_bad(error, number, "is an orphan file with fewer blocks than its size");
    map->count = EXT2_I_SIZE(inode.inode) / ext4->geometry.block_size;
    return 0;
}

static int bad_file_block(struct error *error, uint64_t place, const char *what)
{
    error_set(error, ERROR_CORRUPT, "the orphan file's block %llu has a wrong %s",
              (unsigned long long)place, what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int read_file_block(struct orphan_work *work, struct orphan_list *list, uint64_t place,
                           uint8_t *block, struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;
    ext2_filsys fs = ext4->fs;
    size_t before = list->count;
    errcode_t code = io_channel_read_blk64(fs->io, place, 1, block);
    void *blocks;

    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read the orphan file");
    if (ext2fs_orphan_block_tail(fs, (char *)block)->ob_magic != EXT4_ORPHAN_BLOCK_MAGIC)
        return bad_file_block(error, place, "magic number");
    if (!ext2fs_orphan_file_block_csum_verify(fs, fs->super->s_orphan_file_inum, place,
                                              (char *)block))
        return bad_file_block(error, place, "checksum");
    for (int i = 0; i < ext2fs_inodes_per_orphan_block(fs); i++) {
        uint32_t number = get_le32(block + (size_t)i * sizeof number);

        if (number != 0 && add_number(work, list, number, error))
            return -1;
    }
    if (list->count == before)
        return 0;
    blocks = array_make_room(list->file_blocks, list->file_block_count, &list->file_block_capacity,
                             sizeof *list->file_blocks, error);
    if (!blocks)
        return -1;
    list->file_blocks = blocks;
    list->file_blocks[list->file_block_count++] = place;
    return 0;
}

static int read_file(struct orphan_work *work, struct orphan_list *list, struct error *error)
{
    CLEANUP_FREE uint8_t *block = malloc(work->space.ext4->geometry.block_size);
    CLEANUP(free_map) struct file_map map = {0};

    if (!ext2fs_has_feature_orphan_file(work->space.ext4->fs->super))
        return 0;
    if (!block)
        return error_set_no_memory(error);
    if (read_file_map(work, &map, error))
        return -1;
    for (size_t i = 0; i < map.count; i++)
        if (read_file_block(work, list, map.blocks[i], block, error))
            return -1;
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return first < second ? -1 : first > second;
}

static int check_once(const struct orphan_list *list, struct error *error)
{
    CLEANUP_FREE uint32_t *sorted = calloc(list->count + 1, sizeof *sorted);

    if (!sorted)
        return error_set_no_memory(error);
    if (list->count > 0)
        memcpy(sorted, list->numbers, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, compare_numbers);
    for (size_t i = 1; i < list->count; i++)
        if (sorted[i] == sorted[i - 1])
            return orphan_bad(error, sorted[i], "is listed twice");
    return 0;
}

int orphan_list_read(struct orphan_work *work, struct orphan_list *list, struct error *error)
{
    return read_chain(work, list, error) || read_file(work, list, error) || check_once(list, error)
               ? -1
               : 0;
}

void orphan_list_free(struct orphan_list *list)
{
    free(list->numbers);
    free(list->file_blocks);
    *list = (struct orphan_list){0};
}

static int clear_file_block(struct orphan_work *work, uint64_t place, uint8_t *block,
                            struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;
    ext2_filsys fs = ext4->fs;
    errcode_t code = io_channel_read_blk64(fs->io, place, 1, block);

    memset(block, 0, (size_t)ext2fs_inodes_per_orphan_block(fs) * sizeof(uint32_t));
    if (code == 0)
        code = ext2fs_orphan_file_block_csum_set(fs, fs->super->s_orphan_file_inum, place,
                                                 (char *)block);
    if (code == 0)
        code = io_channel_write_blk64(fs->io, place, 1, block);
    return code ? ext4_set_error(error, &ext4->io, code, "cannot write the orphan file") : 0;
}

int orphan_list_clear(struct orphan_work *work, struct orphan_list *list, struct error *error)
{
    ext2_filsys fs = work->space.ext4->fs;
    CLEANUP_FREE uint8_t *block = malloc(work->space.ext4->geometry.block_size);

    if (!block)
        return error_set_no_memory(error);
    for (size_t i = 0; i < list->file_block_count; i++)
        if (clear_file_block(work, list->file_blocks[i], block, error))
            return -1;
    fs->super->s_last_orphan = 0;
    ext2fs_clear_feature_orphan_present(fs->super);
    return 0;
}
