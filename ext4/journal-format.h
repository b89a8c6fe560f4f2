/*
 * What the bytes of a jbd2 journal mean. Unlike the filesystem around it, all
 * of it is big-endian.
 *
 * The journal is a file; its block 0 holds the journal's superblock, the log is a
 * ring of the others. A transaction is a row of descriptor blocks, each followed by
 * the blocks that it describes, and revoke blocks (whose blocks are not to be replayed from
 * this or an earlier transaction), ended by a commit block. Each of these three kinds
 * begins with a header. A logged block that would begin with the header's magic number is
 * escaped: the log has zeros there.
 *
 * Sources: kernel Documentation/filesystems/ext4/journal.rst, include/linux/jbd2.h.
 */
#ifndef EXT4_JOURNAL_FORMAT_H
#define EXT4_JOURNAL_FORMAT_H

#define JOURNAL_MAGIC UINT32_C(0xc03b3998)

/* The header: three numbers. */
#define JOURNAL_HEADER_MAGIC 0
#define JOURNAL_HEADER_TYPE 4
#define JOURNAL_HEADER_SEQUENCE 8
#define JOURNAL_HEADER_SIZE 12

enum journal_block_type {
    JOURNAL_DESCRIPTOR = 1,
    JOURNAL_COMMIT = 2,
    JOURNAL_SUPER_V1 = 3, /* ends with s_errno: no features */
    JOURNAL_SUPER_V2 = 4,
    JOURNAL_REVOKE = 5,
};

/* The superblock. */
#define JOURNAL_SUPER_SIZE 1024
#define JOURNAL_SUPER_BLOCK_SIZE 0x0c
#define JOURNAL_SUPER_MAX_LENGTH 0x10 /* blocks, with this one */
#define JOURNAL_SUPER_FIRST 0x14      /* the log's first block */
#define JOURNAL_SUPER_SEQUENCE 0x18   /* of the first transaction in the log */
#define JOURNAL_SUPER_START 0x1c      /* its block; 0: the log is empty */
#define JOURNAL_SUPER_ERRNO 0x20
#define JOURNAL_SUPER_COMPAT 0x24
#define JOURNAL_SUPER_INCOMPAT 0x28
#define JOURNAL_SUPER_RO_COMPAT 0x2c
#define JOURNAL_SUPER_UUID 0x30
#define JOURNAL_SUPER_CHECKSUM_TYPE 0x50 /* one byte */
#define JOURNAL_SUPER_FAST_BLOCKS 0x54   /* at the journal's end; 0: 256 */
#define JOURNAL_SUPER_CHECKSUM 0xfc

#define JOURNAL_COMPAT_CHECKSUM 0x1 /* a commit block sums up its transaction's blocks */

#define JOURNAL_INCOMPAT_REVOKE 0x1
#define JOURNAL_INCOMPAT_64BIT 0x2
#define JOURNAL_INCOMPAT_ASYNC_COMMIT 0x4 /* a commit block may be there before its blocks */
#define JOURNAL_INCOMPAT_CSUM_V2 0x8
#define JOURNAL_INCOMPAT_CSUM_V3 0x10
#define JOURNAL_INCOMPAT_FAST_COMMIT 0x20
#define JOURNAL_INCOMPAT_KNOWN 0x3f

#define JOURNAL_CHECKSUM_CRC32 1
#define JOURNAL_CHECKSUM_CRC32C 4

/* Behind a descriptor's header lie tags; with checksums, the block ends with its own. Of a tag:
 * block (32 bits), then, but for v3, checksum and flags (16 bits each), then the block's high
 * bits with 64bit. v3: block, flags, high bits, checksum (32 bits each). The UUID that follows
 * (without the flag that it is the same) is of no use. */
#define JOURNAL_TAG_BLOCK 0
#define JOURNAL_TAG_CHECKSUM 4 /* 16 bits; not of v3 */
#define JOURNAL_TAG_FLAGS 6    /* the low 16 bits of v3's, too */
#define JOURNAL_TAG_BLOCK_HIGH 8
#define JOURNAL_TAG_CHECKSUM_V3 12
#define JOURNAL_TAG_UUID_SIZE 16
#define JOURNAL_TAIL_SIZE 4

#define JOURNAL_TAG_ESCAPED 1
#define JOURNAL_TAG_SAME_UUID 2
#define JOURNAL_TAG_LAST 8

/* A revoke block: after the header, the bytes in use with it, then block numbers. */
#define JOURNAL_REVOKE_USED 12
#define JOURNAL_REVOKE_FIRST 16

/* A commit block. */
#define JOURNAL_COMMIT_CHECKSUM_TYPE 12 /* one byte */
#define JOURNAL_COMMIT_CHECKSUM_SIZE 13 /* one byte */
#define JOURNAL_COMMIT_CHECKSUM 16
#define JOURNAL_COMMIT_SECONDS 48 /* 64 bits */
#define JOURNAL_COMMIT_USED 64    /* bytes that mean something */

/* Fast commits lie behind the log, one block apart; little-endian, as the filesystem. The first
 * block of a series begins with a head: tag and length (16 bits each), features, transaction. */
#define JOURNAL_FAST_DEFAULT_BLOCKS 256
#define JOURNAL_FAST_HEAD 9
#define JOURNAL_FAST_TRANSACTION 8

#endif
