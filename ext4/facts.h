/*
 * What a filesystem says of itself, for reports. Reads only, and only what it
 * needs: neither all descriptors nor a bitmap.
 */
#ifndef EXT4_FACTS_H
#define EXT4_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct disk;

#define FILESYSTEM_TYPE_SIZE 32
#define FILESYSTEM_TEXT_SIZE 256
#define FILESYSTEM_MAX_FEATURES 96
#define FILESYSTEM_MAX_PARTITIONS 128

struct filesystem_facts {
    char type[FILESYSTEM_TYPE_SIZE]; /* libblkid's name ("ext4", "xfs", ...), empty: none found */
    char label[FILESYSTEM_TEXT_SIZE];
    char uuid[64];
    bool is_ext; /* ext2, ext3 or ext4, and its superblock reads well: the rest is filled in */
    uint32_t block_size;
    uint64_t size, used_size, free_size; /* bytes */
    uint64_t inodes, free_inodes;
    const char *state; /* "clean", "dirty" (journal needs recovery, or not unmounted), "errors" */
    const char *features[FILESYSTEM_MAX_FEATURES]; /* names as dumpe2fs has them */
    unsigned feature_count;
    char last_mounted[FILESYSTEM_TEXT_SIZE]; /* empty: never */
    char os[FILESYSTEM_TEXT_SIZE];           /* PRETTY_NAME of /etc/os-release, or empty */
};

struct partition_facts {
    unsigned number;
    uint64_t start, size; /* bytes */
    char type[64];        /* GUID for gpt, 0x83 for mbr */
    char name[FILESYSTEM_TEXT_SIZE];
};

struct disk_contents {
    struct filesystem_facts filesystem; /* of a disk without partitions */
    const char *partition_table;        /* NULL, "gpt", "mbr" */
    struct partition_facts partitions[FILESYSTEM_MAX_PARTITIONS];
    unsigned partition_count;
    /* There are signs of more than one thing: several filesystems', or an ext superblock's at its
     * place and a partition table's, a RAID member's, an encrypted volume's as well. One of them
     * is a leftover, and no bitmap of it says what is in use. */
    bool ambiguous;
};

/* What is on the disk, for a message ("xfs", "gpt partition table"); empty: nothing that is known.
 * Cut off at size bytes. */
void disk_contents_name(const struct disk_contents *contents, char *name, size_t size);

/* Looks at what lies on the disk, through libblkid and libext2fs. Contents that nobody knows are
 * no error, nor is a damaged filesystem: what could be read is filled in. */
int disk_contents_read(struct disk *disk, struct disk_contents *ret_contents, struct error *error);

#endif
