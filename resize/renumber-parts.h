/*
 * For the files of renumbering: what they share.
 *
 * Two passes. The first looks at all inodes in use: it checks them, counts what names the inodes
 * that move, and lists the inodes of which anything changes; nothing is put. The second
 * takes those alone and puts what changes. Both run the same code over an inode.
 *
 *   R1. The inode bitmaps are written last: until then they say which slots are in use under the
 *       old numbers.
 *   R2. A slot that an inode moves to is in use in neither pass, and no number is both moved from
 *       and moved to. So doing a block again that was done already (an attribute block that
 *       inodes share) changes nothing.
 *   R3. Every inode that moves is mentioned as often as its count of links says, or the first
 *       pass refuses: no mention can have been missed.
 */
#ifndef RESIZE_RENUMBER_PARTS_H
#define RESIZE_RENUMBER_PARTS_H

#include <stdbool.h>

#include "ext4/block-map.h"
#include "resize/renumber.h"

/* What the first pass finds out about an inode that moves. */
struct renumber_found {
    uint32_t names;  /* directory entries, without "." and ".." */
    uint32_t values; /* attributes whose value it holds */
    uint32_t links;  /* i_links_count */
    bool seen, is_directory, is_value;
};

/* A value inode that mentions, as Lustre made them, whose attribute it holds. */
struct renumber_back_reference {
    uint32_t value, parent; /* the value's old number, the parent's new one */
};

struct renumber {
    struct ext4 *ext4;
    const struct resize_inode_move *moves;
    size_t count;
    struct renumber_found *found; /* of each move */
    uint32_t *taken;              /* the numbers that are moved to, sorted */
    bool writing;                 /* the second pass */
    struct resize_zones *written; /* what it will write, noted in the first; NULL: it isn't */
    struct ext4_block_map map;    /* of the inode that is looked at */
    uint8_t *blocks;              /* RENUMBER_PIECE bytes, or a block: of the inode's blocks */
    uint8_t *attributes;          /* block_size bytes: of its attributes */
    uint32_t *changing;           /* inodes of which anything changes, in order */
    size_t changing_count, changing_capacity;
    struct renumber_back_reference *back_references; /* sorted by value in the second pass */
    size_t back_reference_count, back_reference_capacity;
};

#define RENUMBER_PIECE (256 * 1024)

/* An inode that is looked at. */
struct renumber_inode {
    uint32_t from, to; /* the same where it doesn't move */
    uint8_t *bytes;    /* its slot, EXT4_INODE_BYTES */
    struct ext2_inode_large *inode;
    bool changes;   /* anything at all */
    bool rewritten; /* the slot itself */
};

/* The number that an inode has from now on. */
uint32_t renumber_new_number(const struct renumber *renumber, uint32_t number);

/* As renumber_new_number, of a number that mentions one that has to be in use. ERROR_CORRUPT where
 * it can't be; where: for the message, the inode that mentions it. */
int renumber_resolve(const struct renumber *renumber, uint32_t number, uint32_t where,
                     uint32_t *ret_number, struct error *error);

/* What is known of an inode that moves; NULL of another. */
struct renumber_found *renumber_find(const struct renumber *renumber, uint32_t number);

/* Writes bytes in the second pass; notes where in the first. */
int renumber_put(struct renumber *renumber, uint64_t offset, const void *bytes, size_t size,
                 struct error *error);

/* ERROR_CORRUPT: "inode N: what", with the remedy. Always returns -1. */
int renumber_damaged(struct error *error, uint32_t number, const char *what);

/* What the checksums of an inode's blocks begin with. */
uint32_t renumber_seed(const struct renumber *renumber, const struct renumber_inode *inode,
                       uint32_t number);

/* All entries of a directory, and the checksums of its blocks. */
int renumber_directory(struct renumber *renumber, struct renumber_inode *inode,
                       struct error *error);

/* One block of a directory: entries and checksum. *ret_changed is set where the block changes. */
struct renumber_block {
    uint8_t *bytes;
    uint64_t logical; /* 0: the directory's first */
    bool is_indexed;  /* the directory is an htree */
};
int renumber_directory_block(struct renumber *renumber, const struct renumber_inode *inode,
                             struct renumber_block block, bool *ret_changed, struct error *error);

/* Entries that fill size bytes. dots: how many of the first are "." and "..". */
int renumber_entries(struct renumber *renumber, const struct renumber_inode *inode, uint8_t *bytes,
                     size_t size, unsigned dots, bool *ret_changed, struct error *error);

/* Values of extended attributes that are inodes, and attributes that forbid a move. */
int renumber_attributes(struct renumber *renumber, struct renumber_inode *inode,
                        struct error *error);

/* What else has the number of an inode that moves in it: its tree's checksums, and those of the
 * orphan file. */
int renumber_own_blocks(struct renumber *renumber, struct renumber_inode *inode,
                        struct error *error);

/* A value's back reference; in the second pass, when all are known. */
void renumber_back_reference(struct renumber *renumber, struct renumber_inode *inode);

/* Calls visit with each inode in use, in the order of numbers. bytes may be changed. */
typedef int renumber_visit(struct renumber *renumber, uint32_t number, uint8_t *bytes,
                           struct error *error);
int renumber_walk(struct renumber *renumber, renumber_visit *visit, struct error *error);

/* Whether all that is moved to is free; then, making it ready; and the bitmaps. */
int renumber_check_free(struct renumber *renumber, struct error *error);
int renumber_zero_unused(struct renumber *renumber, struct error *error);
int renumber_write_bitmaps(struct renumber *renumber, struct error *error);

#endif
