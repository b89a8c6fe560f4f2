/* Whatever is in the journal and in the chain of orphans: recovering ends, and either refuses or
 * leaves a filesystem. Where checksums cover all of it, e2fsck finds nothing in what is left. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/preflight.h"
#include "ext4/recovery.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-disk.h"
#include "tests/support/random.h"

#define MAGIC UINT32_C(0xc03b3998)

struct attack {
    const char *mkfs_options, *mount_options, *work; /* work NULL: orphaned_filesystem's kind */
    unsigned tries;
    bool is_covered; /* by checksums */
    bool of_journal; /* else anything outside of file contents */
};

struct tally {
    unsigned refused, recovered, judged;
};

static struct error error;

static uint64_t blocks_of(const uint8_t *bytes)
{
    const struct ext2_super_block *super = (const struct ext2_super_block *)(bytes + 1024);

    return super->s_blocks_count;
}

static uint32_t block_size_of(const uint8_t *bytes)
{
    const struct ext2_super_block *super = (const struct ext2_super_block *)(bytes + 1024);

    return UINT32_C(1024) << super->s_log_block_size;
}

/* Where headers of the journal are. */
static size_t find_headers(const uint8_t *bytes, uint64_t *targets, size_t limit)
{
    uint32_t block_size = block_size_of(bytes);
    size_t count = 0;

    for (uint64_t block = 0; block < blocks_of(bytes) && count < limit; block++) {
        const uint8_t *p = bytes + block * block_size;

        if (get_be32(p) == MAGIC && get_be32(p + 4) >= 1 && get_be32(p + 4) <= 5)
            targets[count++] = block * block_size;
    }
    return count;
}

/* Superblock, descriptor, the inodes of files, and blocks of trees: all of blocks of 1 KiB. */
static size_t find_metadata(const uint8_t *bytes, uint64_t *targets, size_t limit)
{
    const struct ext2_super_block *super = (const struct ext2_super_block *)(bytes + 1024);
    uint64_t table = (uint64_t)get_le32(bytes + 2048 + 8) * 1024;
    size_t count = 0;

    targets[count++] = 1024;
    targets[count++] = 2048;
    for (uint32_t i = 10; i < 24; i++) {
        targets[count++] = table + (uint64_t)i * super->s_inode_size;
        targets[count++] = table + (uint64_t)i * super->s_inode_size + 40;
    }
    for (uint64_t offset = 0; offset < super->s_blocks_count * UINT64_C(1024) && count < limit;
         offset += 1024)
        if (get_le16(bytes + offset) == 0xf30a && get_le32(bytes + offset + 8) == 0)
            targets[count++] = offset;
    return count;
}

static size_t find_targets(const uint8_t *bytes, bool of_journal, uint64_t *targets, size_t limit)
{
    return of_journal ? find_headers(bytes, targets, limit) : find_metadata(bytes, targets, limit);
}

static uint64_t pick_place(uint64_t *random, const uint64_t *targets, size_t count,
                           uint32_t block_size)
{
    uint64_t target = targets[random_below(random, count)];

    /* Half of them where the fields are; some in the logged block that follows. */
    if (random_below(random, 2))
        return target + random_below(random, 64);
    return target + random_below(random, (uint64_t)block_size * 2);
}

static char *save(struct disk *disk)
{
    char *path = host_temporary_file(NULL, &error);

    cr_assert_eq(memory_disk_save(disk, path, &error), 0, "%s", error.message);
    return path;
}

/* A change may end the log early; where what was to follow is partly written back already, the
 * kernel's recovery leaves damage, too. */
static bool kernel_leaves_damage(struct disk *hostile)
{
    char *path = save(hostile);
    bool leaves = kernel_recovers(path, &error) == 0 && e2fsck_is_silent(path, &error) != 0;

    filesystem_remove(path);
    return leaves;
}

/* Takes ownership of the path. */
static void judge(char *recovered, struct disk *hostile)
{
    struct error complaint = {0};

    if (e2fsck_is_silent(recovered, &complaint))
        cr_expect(kernel_leaves_damage(hostile), "%s", complaint.message);
    filesystem_remove(recovered);
}

static bool is_to_judge(struct disk *disk, const struct attack *attack, struct tally *tally)
{
    struct error refusal;
    struct ext4 ext4;

    if (ext4_open_checked(disk, false, &ext4, &refusal))
        return false;
    ext4_release(&ext4);
    return attack->is_covered && tally->recovered % 8 == 1;
}

static void attempt(struct disk *disk, const struct attack *attack, struct tally *tally)
{
    struct ext4_recovery recovery;
    struct error refusal = {0};
    char *to_judge = NULL;

    cr_assert_eq(disk_begin(disk, &error), 0);
    if (ext4_recover(disk, 1700000000, &recovery, &refusal)) {
        cr_assert_gt(strlen(refusal.message), 0);
        tally->refused++;
    } else {
        tally->recovered++;
        if (is_to_judge(disk, attack, tally))
            to_judge = save(disk);
    }
    disk_abort(disk);
    if (to_judge) {
        tally->judged++;
        judge(to_judge, disk);
    }
}

static void strike(const struct attack *attack, uint64_t seed)
{
    char *path = attack->work ? dirty_filesystem("24M", attack->mkfs_options, attack->mount_options,
                                                 attack->work, &error)
                              : orphaned_filesystem("16M", attack->mkfs_options,
                                                    attack->mount_options, &error);
    struct tally tally = {0};
    uint64_t targets[20000], random = seed;
    struct disk *disk;
    uint32_t block_size;
    size_t count;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    cr_assert_eq(memory_disk_open(path, &disk, &error), 0, "%s", error.message);
    count = find_targets(memory_disk_bytes(disk), attack->of_journal, targets, 20000);
    cr_assert_gt(count, 3);
    block_size = block_size_of(memory_disk_bytes(disk));
    for (unsigned i = 0; i < attack->tries; i++) {
        uint8_t *bytes = memory_disk_bytes(disk);
        unsigned changes = 1 + (unsigned)random_below(&random, 3);
        uint64_t places[3];
        uint8_t old[3];

        for (unsigned j = 0; j < changes; j++) {
            uint64_t place = pick_place(&random, targets, count, block_size);

            places[j] = min_u64(place, disk->size - 1);
            old[j] = bytes[places[j]];
            bytes[places[j]] =
                (uint8_t)(random_below(&random, 3) ? random_next(&random) : bytes[places[j]] ^ 1u);
        }
        attempt(disk, attack, &tally);
        for (unsigned j = changes; j-- > 0;)
            bytes[places[j]] = old[j];
    }
    fprintf(stderr, "%s: %u refused, %u recovered, %u of them judged\n", attack->mkfs_options,
            tally.refused, tally.recovered, tally.judged);
    cr_expect_gt(tally.refused, 0);
    cr_expect_gt(tally.recovered, 0);
    disk_close(disk);
    filesystem_remove(path);
}

#define ATTACK(name, seed, ...)                      \
    Test(recovery_of_hostile, name, .timeout = 280)  \
    {                                                \
        strike(&(struct attack){__VA_ARGS__}, seed); \
    }

ATTACK(journal_with_checksums, 1, "-b 1024 -N 1024 -J size=1", "", "create revoke orphans", 1500,
       true, true)
ATTACK(journal_without, 2, "-b 1024 -N 1024 -O ^metadata_csum,^64bit -J size=1", "",
       "create revoke orphans", 1500, false, true)
ATTACK(journal_with_transaction_sums, 3, "-b 1024 -N 1024 -O ^metadata_csum -J size=1",
       "journal_checksum", "create revoke orphans", 500, false, true)
ATTACK(journal_of_data, 4, "-b 1024 -N 1024 -J size=1", "data=journal", "create orphans", 300, true,
       true)
ATTACK(orphan_file, 5, "-b 1024 -N 1024 -O orphan_file -J size=1", "", "create orphans", 500, true,
       true)
ATTACK(orphans_with_checksums, 6, "-b 1024 -O ^has_journal", "deleted", NULL, 1500, false, false)
ATTACK(orphans_without, 7, "-t ext2 -b 1024", "deleted", NULL, 1500, false, false)
ATTACK(extents_without, 8, "-b 1024 -O ^has_journal,^metadata_csum,^64bit", "truncated", NULL, 1500,
       false, false)
