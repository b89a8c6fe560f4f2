/*
 * The arithmetic of an ext2/3/4 filesystem: how blocks fall into groups, where
 * the copies of the superblock and of the descriptors lie, and what becomes of
 * all that at another size. Pure: no disk, no libext2fs handle.
 *
 * Sources: kernel fs/ext4/super.c, resize.c, balloc.c (ext4_bg_has_super,
 * ext4_bg_num_gdb, ext4_num_base_meta_clusters) and Documentation/filesystems/
 * ext4; e2fsprogs lib/ext2fs/{closefs,initialize}.c for the last group.
 */
#ifndef EXT4_GEOMETRY_H
#define EXT4_GEOMETRY_H

#include <ext2fs/ext2_fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum ext4_backup_rule {
    EXT4_BACKUPS_EVERYWHERE, /* every group has a copy of the superblock */
    EXT4_BACKUPS_SPARSE,     /* groups 1 and powers of 3, 5, 7 (sparse_super) */
    EXT4_BACKUPS_TWO,        /* the two that the superblock names (sparse_super2) */
};

struct ext4_geometry {
    uint32_t block_size;         /* bytes */
    uint32_t cluster_blocks;     /* blocks a cluster; 1 without bigalloc */
    uint32_t first_block;        /* s_first_data_block */
    uint64_t blocks;             /* s_blocks_count */
    uint32_t group_blocks;       /* blocks a group */
    uint32_t group_clusters;     /* clusters a group: the bits of a block bitmap */
    uint32_t group_inodes;       /* inodes a group */
    uint32_t inode_table_blocks; /* a group */
    uint32_t flex_groups;        /* groups whose tables may lie together; 1 without flex_bg */
    uint32_t descriptors;        /* group descriptors a block */
    uint32_t groups;
    uint32_t flat_descriptor_blocks; /* behind the superblock, reserved ones not counted */
    uint32_t reserved_blocks;        /* for more of them (s_reserved_gdt_blocks) */
    bool meta_bg;                    /* descriptors from group first_meta_group on lie there */
    uint32_t first_meta_group;       /* flat_descriptor_blocks x descriptors */
    enum ext4_backup_rule backup_rule;
    uint32_t backup_groups[2]; /* of EXT4_BACKUPS_TWO; 0: none */
    bool is_64bit;
    bool has_group_checksums; /* uninit_bg or metadata_csum: groups may be uninitialised */
    bool has_resize_inode;
};

/* A run of blocks. */
struct ext4_run {
    uint64_t start, count; /* blocks */
};

/* For qsort: by start. */
int ext4_run_compare(const void *a, const void *b);

/* Takes the geometry out of a superblock (host byte order). ERROR_CORRUPT with the field's name
 * and value when a number can't be: afterwards all of the arithmetic below is safe. */
int ext4_geometry_read(const struct ext2_super_block *super, struct ext4_geometry *ret_geometry,
                       struct error *error);

/* The geometry at blocks blocks, growing from old. The size is rounded down to whole clusters; a
 * last group that couldn't hold its own tables and 50 blocks is dropped; inodes stay below 2^32.
 * When the descriptors outgrow the reserved blocks, the rest of the groups gets meta_bg
 * descriptors. ret->blocks may come out below what was asked for, down to old's.
 * ERROR_UNSUPPORTED beyond 2^32 blocks without the 64bit feature. */
int ext4_geometry_grow(const struct ext4_geometry *old, uint64_t blocks,
                       struct ext4_geometry *ret_new, struct error *error);

/* The geometry at blocks blocks or a little less, shrinking from old by the same rules. Blocks that
 * descriptors no longer fill are kept in reserve for them. False when nothing can be that small. */
bool ext4_geometry_shrink(const struct ext4_geometry *old, uint64_t blocks,
                          struct ext4_geometry *ret_new);

/* The geometry with or without the 64bit feature, whose descriptors are twice as large; the
 * size stays. ERROR_REFUSED when the size needs it. */
int ext4_geometry_convert(const struct ext4_geometry *old, bool to_64bit,
                          struct ext4_geometry *ret_new, struct error *error);

/* The fewest blocks that the group must have as the last one. */
uint64_t ext4_group_least_blocks(const struct ext4_geometry *geometry, uint32_t group);

uint64_t ext4_group_start(const struct ext4_geometry *geometry, uint32_t group);
uint64_t ext4_group_blocks(const struct ext4_geometry *geometry, uint32_t group);
uint32_t ext4_group_of(const struct ext4_geometry *geometry, uint64_t block);
/* Clusters of a group; its block bitmap has as many bits that count. */
uint32_t ext4_group_clusters(const struct ext4_geometry *geometry, uint32_t group);

/* Whether a group holds a superblock. */
bool ext4_group_has_super(const struct ext4_geometry *geometry, uint32_t group);
/* How many descriptor blocks follow at the group's start, reserved ones not counted. */
uint32_t ext4_group_descriptor_blocks(const struct ext4_geometry *geometry, uint32_t group);
/* Superblock, descriptors and reserved blocks: what a group begins with, before any table. */
struct ext4_run ext4_group_head(const struct ext4_geometry *geometry, uint32_t group);

/* Where the flat descriptors begin in a group that has a superblock. */
uint64_t ext4_flat_descriptors_start(const struct ext4_geometry *geometry, uint32_t group);

/* Where the primary descriptor block index lies. */
uint64_t ext4_descriptor_block(const struct ext4_geometry *geometry, uint32_t index);

/* Descriptor blocks of the whole filesystem, and where copy 0 (the primary), 1 or 2 of a meta_bg
 * one lies; 0 when there is no such copy. */
uint32_t ext4_descriptor_blocks(const struct ext4_geometry *geometry);
uint64_t ext4_meta_descriptor_block(const struct ext4_geometry *geometry, uint32_t index, int copy);

#endif
