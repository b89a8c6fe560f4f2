#include <ext2fs/ext2fs.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/journal-format.h"
#include "ext4/journal-log.h"
#include "image-format/disk.h"

/* One going through what is to be replayed. */
struct replay {
    struct journal_walk walk;
    uint8_t *data;
    journal_visit *visit;
    void *context;
    uint32_t revoked;
};

static void cleanup_replay(struct replay *replay)
{
    ext4_journal_walk_end(&replay->walk);
    free(replay->data);
}

static bool tag_checksum_matches(const struct replay *replay, const struct journal_tag *tag)
{
    const struct journal *journal = replay->walk.journal;
    uint8_t sequence[4];
    uint32_t crc;

    if (!journal->has_checksums)
        return true;
    put_be32(sequence, replay->walk.sequence);
    crc = ext2fs_crc32c_le(journal->seed, sequence, sizeof sequence);
    crc = ext2fs_crc32c_le(crc, replay->data, journal->block_size);
    return tag->checksum == (journal->has_v3 ? crc : crc & 0xffff);
}

static int replay_tag(struct replay *replay, const struct journal_tag *tag, struct error *error)
{
    struct journal *journal = replay->walk.journal;

    if (ext4_journal_is_revoked(journal, tag->block, replay->walk.sequence)) {
        replay->revoked++;
        return ext4_journal_walk_skip(&replay->walk, 1, error);
    }
    if (ext4_journal_read(journal, replay->walk.position, replay->data, error) ||
        ext4_journal_walk_skip(&replay->walk, 1, error))
        return -1;
    if (!tag_checksum_matches(replay, tag))
        return ext4_journal_bad(error, "a wrong checksum in what it has logged for block",
                                tag->block);
    if (tag->flags & JOURNAL_TAG_ESCAPED)
        put_be32(replay->data, JOURNAL_MAGIC);
    return replay->visit(tag->block, replay->data, replay->context, error);
}

static int replay_descriptor(struct replay *replay, struct error *error)
{
    struct journal *journal = replay->walk.journal;
    struct journal_tag tag;
    size_t offset = 0;

    while (ext4_journal_next_tag(journal, replay->walk.block, &offset, &tag))
        if (replay_tag(replay, &tag, error))
            return -1;
    return 0;
}

int ext4_journal_for_each(struct journal *journal, journal_visit *visit, void *context,
                          uint32_t *ret_revoked, struct error *error)
{
    CLEANUP(cleanup_replay)
    struct replay replay = {
        .data = malloc(journal->block_size),
        .visit = visit,
        .context = context,
    };

    if (ext4_journal_walk_begin(journal, &replay.walk, error))
        return -1;
    if (!replay.data)
        return error_set_no_memory(error);
    while (replay.walk.sequence != journal->end_sequence) {
        uint32_t type;

        if (ext4_journal_walk_read(&replay.walk, error))
            return -1;
        type = ext4_journal_walk_type(&replay.walk);
        if (type == JOURNAL_DESCRIPTOR && replay_descriptor(&replay, error))
            return -1;
        if (type == JOURNAL_COMMIT)
            replay.walk.sequence++;
    }
    if (ret_revoked)
        *ret_revoked = replay.revoked;
    return 0;
}

/* What ext4_journal_check has seen. */
struct check {
    const struct journal *journal;
    uint64_t last;       /* the last block that is written */
    uint64_t new_blocks; /* of the filesystem, as the last superblock in the log says; 0: none */
};

static bool is_journal_block(const struct journal *journal, uint64_t block)
{
    size_t low = 0, high = journal->run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ext4_run *run = &journal->by_place[middle].run;

        if (block < run->start)
            high = middle;
        else if (block - run->start >= run->count)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* The filesystem may have been growing when it was left. */
static int check_super(struct check *check, const uint8_t *bytes, struct error *error)
{
    const uint8_t *p = bytes + check->journal->super_offset;
    struct ext2_super_block super;
    uint64_t blocks;

    memcpy(&super, p, sizeof super);
    if (super.s_magic != EXT2_SUPER_MAGIC || super.s_log_block_size > 6 ||
        UINT32_C(1024) << super.s_log_block_size != check->journal->block_size)
        return ext4_journal_bad(error, "something in its log that is no superblock, for block",
                                check->journal->super_block);
    blocks = super.s_blocks_count;
    if (super.s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT)
        blocks |= (uint64_t)super.s_blocks_count_hi << 32;
    check->new_blocks = blocks;
    return 0;
}

static int check_block(uint64_t block, const uint8_t *bytes, void *context, struct error *error)
{
    struct check *check = context;
    const struct journal *journal = check->journal;

    if (block < journal->super_block || block >= journal->disk_blocks)
        return ext4_journal_bad(error,
                                "a block in its log for a place outside of the filesystem:", block);
    if (is_journal_block(journal, block))
        return ext4_journal_bad(error, "a block in its log for one of its own blocks:", block);
    check->last = max_u64(check->last, block);
    return block == journal->super_block ? check_super(check, bytes, error) : 0;
}

int ext4_journal_check(struct journal *journal, struct error *error)
{
    struct check check = {.journal = journal};

    if (ext4_journal_for_each(journal, check_block, &check, NULL, error))
        return -1;
    if (check.last >= max_u64(journal->blocks, check.new_blocks))
        return ext4_journal_bad(
            error, "a block in its log for a place outside of the filesystem:", check.last);
    return 0;
}

/* What ext4_journal_replay counts. */
struct writing {
    struct journal *journal;
    uint32_t blocks;
};

static int write_block(uint64_t block, const uint8_t *bytes, void *context, struct error *error)
{
    struct writing *writing = context;
    uint32_t block_size = writing->journal->block_size;

    writing->blocks++;
    return disk_write(writing->journal->disk, block * block_size, bytes, block_size, error);
}

/* The log is empty, and the next transaction has a number that nothing in it has. */
static int write_super(struct journal *journal, struct error *error)
{
    uint8_t *super = journal->super;

    put_be32(super + JOURNAL_SUPER_START, 0);
    put_be32(super + JOURNAL_SUPER_SEQUENCE, journal->end_sequence + 1);
    if (journal->has_checksums) {
        put_be32(super + JOURNAL_SUPER_CHECKSUM, 0);
        put_be32(super + JOURNAL_SUPER_CHECKSUM,
                 ext2fs_crc32c_le(~UINT32_C(0), super, JOURNAL_SUPER_SIZE));
    }
    return disk_write(journal->disk, journal->runs[0].run.start * journal->block_size, super,
                      JOURNAL_SUPER_SIZE, error);
}

int ext4_journal_replay(struct journal *journal, uint32_t *ret_blocks, uint32_t *ret_revoked,
                        struct error *error)
{
    struct writing writing = {.journal = journal};

    *ret_blocks = *ret_revoked = 0;
    if (journal->start == 0)
        return 0;
    if (ext4_journal_for_each(journal, write_block, &writing, ret_revoked, error) ||
        write_super(journal, error))
        return -1;
    *ret_blocks = writing.blocks;
    return 0;
}
