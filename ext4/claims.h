/*
 * Who claims which clusters, kept as two numbers a group: how many clusters are
 * claimed, and the sum of the weights of their positions in the group, modulo
 * 2^64. Claims in any order come to the same numbers as the bits of the block
 * bitmap when each used cluster is claimed once, and no other. The weights are
 * random, and others at every run: two sets that differ have the same sum with
 * a probability of 2^-64 or little more, and no image can be made to fool it.
 */
#ifndef EXT4_CLAIMS_H
#define EXT4_CLAIMS_H

#include "ext4/block-map.h"

struct claim_sums {
    uint64_t count, weight;
};

struct ext4_claims {
    const struct ext4_geometry *geometry;
    struct claim_sums *groups;
    uint64_t *weights; /* at index i, the weights of the positions below i of a group, added up */
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
