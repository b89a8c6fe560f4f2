#include "ext4/superblock-facts.h"

#include <e2p/e2p.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/io.h"
#include "ext4/metered-disk.h"
#include "ext4/os-release.h"

/* What may be read to find out the facts: thousands of times what a healthy filesystem takes. */
#define ALLOWANCE (64 * MIB)

/* The name of the feature with number bit in one of the three sets, as dumpe2fs has it. */
static const char *feature_name(int set, unsigned bit)
{
    static char names[3][32][32]; /* libe2p has one buffer for all */

    snprintf(names[set][bit], sizeof names[set][bit], "%s", e2p_feature2string(set, 1u << bit));
    return names[set][bit];
}

static void add_features(struct filesystem_facts *facts, int set, uint32_t features)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        if (features >> bit & 1 && facts->feature_count < FILESYSTEM_MAX_FEATURES)
            facts->features[facts->feature_count++] = feature_name(set, bit);
    }
}

static const char *find_state(const struct ext2_super_block *super)
{
    if (super->s_state & EXT2_ERROR_FS || super->s_error_count > 0)
        return "errors";
    if (super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER ||
        !(super->s_state & EXT2_VALID_FS))
        return "dirty";
    return "clean";
}

/* count times unit; a number that a lying superblock makes too large becomes the largest. */
static uint64_t bytes_of(uint64_t count, uint32_t unit)
{
    uint64_t bytes;

    return checked_multiply(count, unit, &bytes) ? bytes : UINT64_MAX;
}

static void read_superblock(ext2_filsys fs, struct filesystem_facts *facts)
{
    struct ext2_super_block *super = fs->super;
    uint64_t blocks = ext2fs_blocks_count(super);
    uint64_t free_blocks = min_u64(ext2fs_free_blocks_count(super), blocks);

    facts->block_size = fs->blocksize;
    facts->size = bytes_of(blocks, fs->blocksize);
    facts->free_size = bytes_of(free_blocks, fs->blocksize);
    facts->used_size = bytes_of(blocks - free_blocks, fs->blocksize);
    facts->inodes = super->s_inodes_count;
    facts->free_inodes = min_u64(super->s_free_inodes_count, super->s_inodes_count);
    facts->state = find_state(super);
    add_features(facts, E2P_FEATURE_COMPAT, super->s_feature_compat);
    add_features(facts, E2P_FEATURE_INCOMPAT, super->s_feature_incompat);
    add_features(facts, E2P_FEATURE_RO_INCOMPAT, super->s_feature_ro_compat);
    snprintf(facts->last_mounted, sizeof facts->last_mounted, "%.*s",
             (int)sizeof super->s_last_mounted, (const char *)super->s_last_mounted);
    facts->is_ext = true;
}

void superblock_facts_read(struct disk *disk, struct filesystem_facts *facts)
{
    CLEANUP(cleanup_ext4) ext2_filsys fs = NULL;
    struct metered_disk metered;
    struct ext4_io io = {.disk = &metered.disk};
    char name[EXT4_IO_NAME_SIZE];

    metered_disk_init(&metered, disk, ALLOWANCE);
    ext4_io_name(&io, name);
    /* FORCE: unknown features are a fact like others. */
    if (ext2fs_open2(name, NULL, EXT2_FLAG_SUPER_ONLY | EXT2_FLAG_64BITS | EXT2_FLAG_FORCE, 0, 0,
                     &ext4_io_manager, &fs)) {
        fs = NULL;
        facts->state = "errors";
        return;
    }
    read_superblock(fs, facts);
    /* Where a file can't have the size, block numbers can't be trusted to stay within 64 bits. */
    if (!(fs->super->s_feature_incompat & ~(uint32_t)EXT2_LIB_FEATURE_INCOMPAT_SUPP) &&
        facts->size < INT64_MAX / 2)
        os_release_read(fs, facts->os, sizeof facts->os);
}
