/*
 * Who claims which clusters, kept as four numbers a group: how many clusters
 * are claimed, and the sums of their positions in the group, of the positions'
 * squares and of their cubes, modulo 2^64. Claims in any order come to the same
 * sums as the bits of the block bitmap when each used cluster is claimed once, and
 * no other. Two different sets with the same four sums have four members each
 * of which the other has none: nothing less goes unseen.
 */
#ifndef EXT4_CLAIMS_H
#define EXT4_CLAIMS_H

#include "ext4/block-map.h"

struct power_sums {
    uint64_t count, sum, squares, cubes;
};

struct ext4_claims {
    const struct ext4_geometry *geometry;
    struct power_sums *groups;
};

/* Nothing is claimed yet. ext4_claims_free frees what it holds; zeros are fine. */
int ext4_claims_init(struct ext4_claims *claims, const struct ext4_geometry *geometry,
                     struct error *error);
void ext4_claims_free(struct ext4_claims *claims);

/* Claims the clusters that the run lies in; it lies within the filesystem. */
void ext4_claims_add(struct ext4_claims *claims, struct ext4_run run);

/* Claims what an inode maps, and the nodes of its tree. A cluster that two neighbouring mappings
 * share is claimed once. */
void ext4_claims_add_map(struct ext4_claims *claims, const struct ext4_block_map *map);

/* Claims the head and the tables of each group; clusters that these share are claimed once. */
int ext4_claims_add_metadata(struct ext4_claims *claims, ext2_filsys fs, struct error *error);

/* Compares with all block bitmaps, those that are implied among them. ERROR_CORRUPT names the
 * group. */
int ext4_claims_compare(const struct ext4_claims *claims, ext2_filsys fs, struct error *error);

#endif
