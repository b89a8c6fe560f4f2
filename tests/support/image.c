#include "tests/support/image.h"

#include <ext2fs/ext2_fs.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/judge.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"

static void must_succeed(int result, const struct error *error)
{
    if (result) {
        fprintf(stderr, "test image: %s\n", error->message);
        abort();
    }
}

static void copy_to_disk(struct file *from, struct disk *disk, struct error *error)
{
    CLEANUP_FREE uint8_t *piece = malloc(MIB);
    uint64_t size, offset = 0;

    must_succeed(file_get_size(from, &size, error), error);
    for (;;) {
        size_t count;

        must_succeed(file_next_data(from, offset, &offset, error), error);
        if (offset >= size)
            break;
        count = (size_t)min_u64(MIB, size - offset);
        must_succeed(file_read(from, offset, piece, count, error), error);
        must_succeed(disk_write(disk, offset, piece, count, error), error);
        offset += count;
    }
}

struct file *raw_image_with_ext4(const char *mkfs_options, uint64_t fs_size, uint64_t disk_size)
{
    struct error error = {0};
    char *path = make_filesystem(mkfs_options, fs_size, 1, &error);
    struct file *file;

    must_succeed(path ? 0 : -1, &error);
    file = memory_file_load(path, &error);
    filesystem_remove(path);
    must_succeed(file ? 0 : -1, &error);
    must_succeed(file_set_size(file, disk_size, &error), &error);
    return file;
}

struct file *image_of_filesystem(struct file *filesystem, uint64_t disk_size)
{
    struct vhdx_create_options options = {
        .virtual_size = disk_size,
        .block_size = MIB,
        .logical_sector_size = 512,
        .physical_sector_size = 4096,
    };
    struct file *file = memory_file_new(0), *result;
    struct error error = {0};
    struct disk *disk;

    must_succeed(vhdx_create(file, &options, &error), &error);
    disk = image_open(file, &error);
    must_succeed(disk ? 0 : -1, &error);
    must_succeed(disk_begin(disk, &error), &error);
    copy_to_disk(filesystem, disk, &error);
    must_succeed(disk_commit(disk, &error), &error);
    result = memory_file_snapshot(file); /* the disk owns file, and closes it */
    disk_close(disk);
    file_close(filesystem);
    return result;
}

struct file *image_with_ext4(const char *mkfs_options, uint64_t fs_size, uint64_t disk_size)
{
    return image_of_filesystem(raw_image_with_ext4(mkfs_options, fs_size, fs_size), disk_size);
}

struct file *image_of(const char *path, uint64_t disk_size)
{
    struct error error = {0};
    struct file *filesystem = memory_file_load(path, &error);

    must_succeed(filesystem ? 0 : -1, &error);
    return image_of_filesystem(filesystem, disk_size);
}

static int read_fs_size(struct disk *disk, uint64_t *ret_size, struct error *error)
{
    struct ext2_super_block super;

    if (disk_read(disk, 1024, &super, sizeof super, error))
        return -1;
    *ret_size = super.s_blocks_count;
    if (super.s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT)
        *ret_size |= (uint64_t)super.s_blocks_count_hi << 32;
    *ret_size <<= 10 + super.s_log_block_size;
    return 0;
}

const char *image_examine(struct judge *judge, const struct file *image,
                          struct image_state *ret_state)
{
    static char wrong[1024];
    struct error error = {0};
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    const struct judgement *judgement;

    if (disk) {
        ret_state->disk_size = disk->size;
        if (read_fs_size(disk, &ret_state->fs_size, &error) == 0 &&
            judge_contents(disk, &ret_state->contents, &error) == 0 &&
            judge_tree(judge, disk, &ret_state->tree, &error) == 0 &&
            judge_filesystem(judge, disk, &judgement, &error) == 0) {
            snprintf(wrong, sizeof wrong, "e2fsck: %.900s", judgement->output);
            return judgement->status == 0 ? NULL : wrong;
        }
    }
    snprintf(wrong, sizeof wrong, "%s", error.message);
    return wrong;
}
