/*
 * Contents of files, and the two files whose contents know where they are.
 */
#include "base/checked.h"
#include "resize/relocate.h"

static int copy_bytes(struct resize_relocating *relocating, uint64_t from, uint64_t to,
                      uint64_t size, struct error *error)
{
    struct ext4_io *io = &relocating->ext4->io;

    while (size > 0) {
        uint64_t part = min_u64(size, RESIZE_COPY_SIZE);

        if (disk_read(io->disk, from, relocating->buffer, (size_t)part, error) ||
            ext4_io_write(io, to, relocating->buffer, part, error))
            return -1;
        from += part;
        to += part;
        size -= part;
    }
    return 0;
}

int resize_copy_blocks(struct resize_relocating *relocating, uint64_t from, uint64_t to,
                       uint64_t count, struct error *error)
{
    struct ext4_io *io = &relocating->ext4->io;
    uint64_t block_size = relocating->ext4->geometry.block_size;
    uint64_t offset = from * block_size, end = (from + count) * block_size;
    uint64_t distance = (to - from) * block_size;

    while (offset < end) {
        struct disk_extent extent;

        if (disk_get_extent(io->disk, offset, end, &extent, error))
            return -1;
        if (extent.state == DISK_EXTENT_DATA
                ? copy_bytes(relocating, offset, offset + distance, extent.size, error)
                : ext4_io_zero(io, offset + distance, extent.size, error))
            return -1;
        offset += extent.size;
    }
    relocating->copied += count * block_size;
    return 0;
}

/* The place of an orphan file's block is part of its checksum. */
static int copy_orphans(struct resize_relocating *relocating, uint32_t number, uint64_t from,
                        uint64_t to, uint64_t count, struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    ext2_filsys fs = ext4->fs;

    for (uint64_t i = 0; i < count; i++) {
        errcode_t code = io_channel_read_blk64(fs->io, from + i, 1, relocating->buffer);

        if (code == 0)
            code =
                ext2fs_orphan_file_block_csum_set(fs, number, to + i, (char *)relocating->buffer);
        if (code == 0)
            code = io_channel_write_blk64(fs->io, to + i, 1, relocating->buffer);
        if (code)
            return ext4_set_error(error, &ext4->io, code, "cannot move the orphan file");
    }
    relocating->copied += count * fs->blocksize;
    return 0;
}

static int copy_part(struct resize_relocating *relocating, uint32_t number, struct ext4_run part,
                     uint64_t to, struct error *error)
{
    const struct ext2_super_block *super = relocating->ext4->fs->super;
    bool is_orphan_file = super->s_feature_compat & EXT4_FEATURE_COMPAT_ORPHAN_FILE &&
                          number == super->s_orphan_file_inum;

    return is_orphan_file ? copy_orphans(relocating, number, part.start, to, part.count, error)
                          : resize_copy_blocks(relocating, part.start, to, part.count, error);
}

/* What was behind the contents becomes zeros. */
static int zero_rest(struct resize_relocating *relocating, uint64_t to, uint64_t count,
                     struct error *error)
{
    uint64_t block_size = relocating->ext4->geometry.block_size;

    return ext4_io_zero(&relocating->ext4->io, to * block_size, count * block_size, error);
}

int resize_copy_contents(struct resize_relocating *relocating, uint32_t number, struct error *error)
{
    for (size_t i = 0; i < relocating->map.count; i++) {
        const struct ext4_mapping *mapping = &relocating->map.mappings[i];
        struct ext4_run run = {mapping->start, mapping->count}, part;
        uint64_t end = mapping->start + resize_mapping_contents(relocating->ext4, number, mapping);
        uint64_t to;

        while (resize_relocation_meet(&relocating->plan->relocation, run, &part, &to)) {
            uint64_t contents = end > part.start ? min_u64(end - part.start, part.count) : 0;

            if (copy_part(relocating, number, (struct ext4_run){part.start, contents}, to, error) ||
                (!mapping->unwritten &&
                 zero_rest(relocating, to + contents, part.count - contents, error)))
                return -1;
            run.count -= part.start + part.count - run.start;
            run.start = part.start + part.count;
        }
    }
    return 0;
}
