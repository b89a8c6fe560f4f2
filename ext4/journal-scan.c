/*
 * Where what is committed ends. As the kernel does it: the log is followed from
 * its oldest transaction on for as long as blocks have the sequence number that is
 * expected. What differs: a log that the kernel would replay in part, and then refuse to
 * mount, is refused as it is.
 */
#include <ext2fs/ext2fs.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/journal-format.h"
#include "ext4/journal-log.h"

struct scan {
    struct journal_walk walk;
    uint8_t *data;      /* a logged block */
    uint32_t old_crc;   /* of the transaction's blocks up to here: has_old_checksum */
    bool is_suspicious; /* a block of the transaction has a wrong checksum: damaged, or left over
                           from an earlier log */
    bool has_failed;    /* a commit block was there before its blocks; nothing may follow */
    uint64_t last_time; /* of the last commit */
};

static void cleanup_scan(struct scan *scan)
{
    ext4_journal_walk_end(&scan->walk);
    free(scan->data);
}

static int bad_transaction(struct error *error, uint32_t sequence)
{
    return ext4_journal_bad(error, "a wrong checksum in the committed transaction", sequence);
}

static int scan_descriptor(struct scan *scan, struct error *error)
{
    struct journal *journal = scan->walk.journal;
    uint32_t count = ext4_journal_count_tags(journal, scan->walk.block);

    if (!ext4_journal_tail_matches(journal, scan->walk.block))
        scan->is_suspicious = true;
    if (!journal->has_old_checksum)
        return ext4_journal_walk_skip(&scan->walk, count, error);
    scan->old_crc = ext2fs_crc32_be(scan->old_crc, scan->walk.block, journal->block_size);
    for (uint32_t i = 0; i < count; i++) {
        if (ext4_journal_read(journal, scan->walk.position, scan->data, error) ||
            ext4_journal_walk_skip(&scan->walk, 1, error))
            return -1;
        scan->old_crc = ext2fs_crc32_be(scan->old_crc, scan->data, journal->block_size);
    }
    return 0;
}

/* As newer kernels, not even of a transaction that isn't committed more records than fit. */
static int scan_revokes(struct scan *scan, struct error *error)
{
    struct journal *journal = scan->walk.journal;
    uint32_t end;

    if (ext4_journal_tail_matches(journal, scan->walk.block))
        return ext4_journal_revokes_end(journal, scan->walk.block, &end, error);
    scan->is_suspicious = true;
    return 0;
}

/* The sum over the transaction's blocks; one without a sum comes from an older kernel. */
static bool old_checksum_matches(const struct scan *scan)
{
    const uint8_t *block = scan->walk.block;
    uint8_t type = block[JOURNAL_COMMIT_CHECKSUM_TYPE], size = block[JOURNAL_COMMIT_CHECKSUM_SIZE];
    uint32_t found = get_be32(block + JOURNAL_COMMIT_CHECKSUM);

    if (!scan->walk.journal->has_old_checksum || (type == 0 && size == 0 && found == 0))
        return true;
    return type == JOURNAL_CHECKSUM_CRC32 && size == 4 && found == scan->old_crc;
}

/* With the first sector alone, too: the others are zeros, and may be missing. */
static bool commit_checksum_matches(const struct scan *scan)
{
    struct journal *journal = scan->walk.journal;
    uint8_t *block = scan->walk.block, *place = block + JOURNAL_COMMIT_CHECKSUM;
    uint32_t found = get_be32(place);
    bool matches;

    if (!journal->has_checksums)
        return true;
    put_be32(place, 0);
    matches = ext2fs_crc32c_le(journal->seed, block, journal->block_size) == found;
    if (!matches) {
        memcpy(scan->data, block, JOURNAL_COMMIT_USED);
        memset(scan->data + JOURNAL_COMMIT_USED, 0, journal->block_size - JOURNAL_COMMIT_USED);
        matches = ext2fs_crc32c_le(journal->seed, scan->data, journal->block_size) == found;
    }
    put_be32(place, found);
    return matches;
}

static int scan_commit(struct scan *scan, bool *ret_is_end, struct error *error)
{
    struct journal *journal = scan->walk.journal;
    uint64_t time = get_be64(scan->walk.block + JOURNAL_COMMIT_SECONDS);
    bool matches =
        !scan->is_suspicious && old_checksum_matches(scan) && commit_checksum_matches(scan);

    if (!matches && time < scan->last_time) {
        *ret_is_end = true; /* of an earlier use of the log */
        return 0;
    }
    if (scan->has_failed || scan->is_suspicious || (!matches && !journal->has_async_commit))
        return bad_transaction(error, scan->walk.sequence);
    if (!matches) {
        scan->has_failed = true;
        journal->end_sequence = scan->walk.sequence;
    }
    scan->last_time = time;
    scan->old_crc = ~UINT32_C(0);
    scan->walk.sequence++;
    return 0;
}

static int scan_block(struct scan *scan, bool *ret_is_end, struct error *error)
{
    switch (ext4_journal_walk_type(&scan->walk)) {
    case JOURNAL_DESCRIPTOR:
        return scan_descriptor(scan, error);
    case JOURNAL_REVOKE:
        return scan_revokes(scan, error);
    case JOURNAL_COMMIT:
        return scan_commit(scan, ret_is_end, error);
    default:
        *ret_is_end = true;
        return 0;
    }
}

static int find_end(struct journal *journal, struct error *error)
{
    CLEANUP(cleanup_scan)
    struct scan scan = {.data = malloc(journal->block_size), .old_crc = ~UINT32_C(0)};
    bool is_end = false;

    if (ext4_journal_walk_begin(journal, &scan.walk, error))
        return -1;
    if (!scan.data)
        return error_set_no_memory(error);
    while (!is_end && scan.walk.walked < journal->last - journal->first)
        if (ext4_journal_walk_read(&scan.walk, error) || scan_block(&scan, &is_end, error))
            return -1;
    if (!scan.has_failed)
        journal->end_sequence = scan.walk.sequence;
    return 0;
}

static int find_revokes(struct journal *journal, struct error *error)
{
    CLEANUP(ext4_journal_walk_end) struct journal_walk walk = {0};

    if (ext4_journal_walk_begin(journal, &walk, error))
        return -1;
    while (walk.sequence != journal->end_sequence) {
        uint32_t type, count = 0;

        if (ext4_journal_walk_read(&walk, error))
            return -1;
        type = ext4_journal_walk_type(&walk);
        if (type == JOURNAL_DESCRIPTOR)
            count = ext4_journal_count_tags(journal, walk.block);
        else if (type == JOURNAL_COMMIT)
            walk.sequence++;
        else if (type != JOURNAL_REVOKE)
            return ext4_journal_bad(error, "a block in its log of the type", type);
        if (ext4_journal_walk_skip(&walk, count, error) ||
            (type == JOURNAL_REVOKE &&
             ext4_journal_add_revokes(journal, walk.block, walk.sequence, error)))
            return -1;
    }
    ext4_journal_sort_revokes(journal);
    return 0;
}

/* A fast commit of the transaction that isn't committed, or of a later one, would be lost. */
static int check_fast_commits(struct journal *journal, struct error *error)
{
    CLEANUP_FREE uint8_t *block = malloc(journal->block_size);
    uint32_t transaction;

    if (!block)
        return error_set_no_memory(error);
    /* Kernels leave one block between log and fast commits. */
    for (uint32_t i = 0; i < 2 && i < journal->fast_blocks; i++) {
        if (ext4_journal_read(journal, journal->last + i, block, error))
            return -1;
        transaction = get_le32(block + JOURNAL_FAST_TRANSACTION);
        if (get_le16(block) != JOURNAL_FAST_HEAD ||
            journal_is_after(journal->end_sequence, transaction))
            continue;
        error_set(error, ERROR_REFUSED,
                  "the filesystem's journal holds fast commits, which can't be replayed here");
        return error_set_remedy(error, "mount the filesystem once where it is used, or run "
                                       "`e2fsck -f` on it");
    }
    return 0;
}

int ext4_journal_scan(struct journal *journal, struct error *error)
{
    journal->end_sequence = journal->start_sequence;
    if (journal->start != 0 && (find_end(journal, error) || find_revokes(journal, error)))
        return -1;
    return check_fast_commits(journal, error);
}
