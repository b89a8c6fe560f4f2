/* Journals written by debugfs: all kinds of checksums, logs that end in the middle, and what is
 * refused before a byte is written. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ext4/recovery.h"
#include "image-format/disk.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

static struct error error;

/* $1: the image; $2: what opens the journal, after the words of mke2fs and a comma. Three
 * transactions: descriptors at 1, 6, 11, commits at 5, 8, 13; then block 14000 is revoked, 14001
 * written anew. Then commands: poke BLOCK OFFSET BYTES changes the journal. */
static const char maker[] =
    "mkfs=${2%,,*}; open=${2##*,,}; "
    "truncate -s 16M \"$1\"; mke2fs -q -t ext4 -b 1024 $mkfs \"$1\"; d=$(mktemp -d); "
    "printf '\\300\\073\\071\\230' >$d/one; seq 1 5000 | head -c 1020 >>$d/one; "
    "seq 1 5000 | head -c 2048 >$d/two; cat $d/one $d/two >$d/three; "
    "printf '%s\\n' \"$open\" \"jw -b 14000,14001,14002 $d/three\" \"jw -b 14000 $d/two\" "
    "\"jw -r 14000\" \"jw -b 14001 $d/two\" jc | debugfs -w -f - \"$1\" >/dev/null; rm -r $d; "
    "dumpe2fs -h \"$1\" 2>/dev/null | grep -q needs_recovery";

#define POKE                                                                      \
    "poke() { local b=$(debugfs -R \"bmap <8> $1\" \"$image\" 2>/dev/null); "     \
    "printf \"$3\" | dd of=\"$image\" bs=1 seek=$((b * 1024 + $2)) conv=notrunc " \
    "status=none; }; image=$1; "

static char *make(const char *kind)
{
    char *path = host_temporary_file(NULL, &error);

    cr_assert_eq(host_shell(maker, path, kind, &error), 0, "%s", error.message);
    return path;
}

static int recover(const char *path, struct ext4_recovery *ret_recovery)
{
    struct disk *disk;
    int result;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_assert_eq(disk_begin(disk, &error), 0);
    result = ext4_recover(disk, 1700000000, ret_recovery, &error);
    disk_close(disk);
    return result;
}

/* After the change of the journal: as e2fsck has it, the blocks included. */
static void expect_same(const char *kind, const char *change, uint32_t transactions)
{
    char *path = make(kind), *by_e2fsck;
    struct ext4_recovery recovery;

    cr_assert_eq(host_shell(change, path, "", &error), 0, "%s", error.message);
    by_e2fsck = filesystem_copy(path, &error);
    cr_assert_eq(e2fsck_recovers(by_e2fsck, &error), 0, "%s", error.message);
    cr_assert_eq(recover(path, &recovery), 0, "%s: %s", kind, error.message);
    cr_expect_eq(recovery.transactions, transactions, "%s: %u transactions", kind,
                 recovery.transactions);
    cr_expect_eq(same_filesystem(path, by_e2fsck, &error), 0, "%s: %s", kind, error.message);
    cr_expect_eq(host_shell("cmp <(tail -c +14336001 \"$1\" | head -c 3072) "
                            "<(tail -c +14336001 \"$2\" | head -c 3072)",
                            path, by_e2fsck, &error),
                 0, "%s: %s", kind, error.message);
    filesystem_remove(path);
    filesystem_remove(by_e2fsck);
}

/* After the change, the error's kind and a part of its sentence; and the image is as it was. */
static void expect_refusal(const char *kind, const char *change, enum error_kind expected,
                           const char *sentence)
{
    char *path = make(kind), *before;
    struct ext4_recovery recovery;

    cr_assert_eq(host_shell(change, path, "", &error), 0, "%s", error.message);
    before = filesystem_copy(path, &error);
    cr_expect_eq(recover(path, &recovery), -1, "%s", change);
    cr_expect_eq(error.kind, expected, "%s: %s", change, error.message);
    cr_expect_not_null(strstr(error.message, sentence), "%s: %s", change, error.message);
    cr_expect_gt(strlen(error.remedy), 0, "%s", change);
    cr_expect_eq(host_shell("cmp \"$1\" \"$2\"", path, before, &error), 0, "%s: %s", change,
                 error.message);
    filesystem_remove(path);
    filesystem_remove(before);
}

#define PLAIN "-O ^metadata_csum,,jo"
#define V2 "-O metadata_csum,,jo -c -v 2"
#define V3 "-O metadata_csum,,jo -c -v 3"

Test(recovery_of_journals, all_kinds_of_checksums)
{
    expect_same(PLAIN, "true", 4);
    expect_same("-O ^metadata_csum,^64bit,,jo", "true", 4);
    expect_same(V2, "true", 4);
    expect_same("-O metadata_csum,^64bit,,jo -c -v 2", "true", 4);
    expect_same(V3, "true", 4);
    expect_same("-O metadata_csum,^64bit,,jo -c -v 3", "true", 4);
    expect_same("-O ^extents,^64bit,^metadata_csum,,jo", "true", 4);
}

/* The kinds are what they are called. */
Test(recovery_of_journals, the_kinds_are_there)
{
    char *v2 = make(V2), *v3 = make(V3);

    cr_expect_eq(host_shell("dumpe2fs -h \"$1\" 2>/dev/null | grep -q journal_checksum_v2 && "
                            "dumpe2fs -h \"$2\" 2>/dev/null | grep -q journal_checksum_v3",
                            v2, v3, &error),
                 0);
    filesystem_remove(v2);
    filesystem_remove(v3);
}

/* Nothing of a transaction without its commit block is replayed. */
Test(recovery_of_journals, ends_before_what_is_not_committed)
{
    expect_same(PLAIN, POKE "poke 8 0 '\\0\\0\\0\\0'", 1);
    expect_same(V3, POKE "poke 8 0 '\\0\\0\\0\\0'", 1);
    expect_same(PLAIN, POKE "poke 8 11 '\\7'", 1);
    expect_same(PLAIN, POKE "poke 1 0 '\\0'", 0);
    expect_same(PLAIN, POKE "poke 9 7 '\\11'", 2);
}

/* As the kernel, which counts them before it looks for the commit block. */
Test(recovery_of_journals, more_revokes_than_fit_where_nothing_is_committed)
{
    expect_same(PLAIN, POKE "poke 10 0 '\\0\\0\\0\\0'", 2);
    expect_refusal(PLAIN, POKE "poke 10 0 '\\0\\0\\0\\0'; poke 9 12 '\\77'", ERROR_CORRUPT,
                   "more records");
}

Test(recovery_of_journals, damage_that_checksums_show)
{
    expect_refusal(V3, POKE "poke 1 30 '\\77'", ERROR_CORRUPT, "transaction 1");
    expect_refusal(V3, POKE "poke 3 500 '\\1\\2'", ERROR_CORRUPT, "logged for block 14001");
    expect_refusal(V2, POKE "poke 3 500 '\\1\\2'", ERROR_CORRUPT, "logged for block 14001");
    expect_refusal(V3, POKE "poke 8 48 '\\177'", ERROR_CORRUPT, "transaction 2");
    expect_refusal(V3, POKE "poke 9 17 '\\1'", ERROR_CORRUPT, "transaction 3");
    expect_refusal(V3, POKE "poke 0 30 '\\1'", ERROR_CORRUPT, "superblock with a wrong checksum");
}

Test(recovery_of_journals, superblocks_of_the_journal)
{
    expect_refusal(PLAIN, POKE "poke 0 35 '\\5'", ERROR_REFUSED, "error 5");
    expect_refusal(PLAIN, POKE "poke 0 40 '\\1'", ERROR_UNSUPPORTED, "features");
    expect_refusal(PLAIN, POKE "poke 0 47 '\\1'", ERROR_UNSUPPORTED, "features");
    expect_refusal(PLAIN, POKE "poke 0 43 '\\30'", ERROR_CORRUPT, "more than one kind");
    expect_refusal(PLAIN, POKE "poke 0 0 '\\1'", ERROR_CORRUPT, "no superblock");
    expect_refusal(PLAIN, POKE "poke 0 14 '\\20'", ERROR_CORRUPT, "the block size");
    expect_refusal(PLAIN, POKE "poke 0 16 '\\1'", ERROR_CORRUPT, "fewer blocks than its length");
    expect_refusal(PLAIN, POKE "poke 0 20 '\\1'", ERROR_CORRUPT, "a log that begins");
    expect_refusal(PLAIN, POKE "poke 0 28 '\\1'", ERROR_CORRUPT, "outside of the log");
}

Test(recovery_of_journals, places_that_cannot_be)
{
    /* The first tag's block: beyond the filesystem, the boot block, the journal's own. */
    expect_refusal("-O ^metadata_csum,^64bit,,jo", POKE "poke 1 13 '\\1'", ERROR_CORRUPT,
                   "outside of the filesystem");
    expect_refusal("-O ^metadata_csum,^64bit,,jo", POKE "poke 1 12 '\\0\\0\\0\\0'", ERROR_CORRUPT,
                   "outside of the filesystem");
    expect_refusal("-O ^metadata_csum,^64bit,,jo",
                   POKE "b=$(debugfs -R 'bmap <8> 700' \"$1\" 2>/dev/null); "
                        "poke 1 14 \"$(printf '\\\\x%02x\\\\x%02x' $((b / 256)) $((b % 256)))\"",
                   ERROR_CORRUPT, "its own blocks");
    /* The superblock's place, and something else for it. */
    expect_refusal("-O ^metadata_csum,^64bit,,jo", POKE "poke 1 12 '\\0\\0\\0\\1'", ERROR_CORRUPT,
                   "no superblock");
}

Test(recovery_of_journals, inodes_that_are_no_journal)
{
    expect_refusal(PLAIN, "debugfs -w -R 'ssv journal_inum 0' \"$1\"", ERROR_REFUSED,
                   "another device");
    expect_refusal(PLAIN, "debugfs -w -R 'ssv journal_inum 2' \"$1\"", ERROR_CORRUPT, "no file");
    expect_refusal(PLAIN, "debugfs -w -R 'ssv journal_inum 999999' \"$1\"", ERROR_CORRUPT,
                   "inode number 999999");
    expect_refusal(PLAIN, "debugfs -w -R 'sif <8> block[5] 99999999' \"$1\"", ERROR_CORRUPT,
                   "inode 8");
    expect_refusal(PLAIN, "debugfs -w -R 'punch <8> 100 100' \"$1\"", ERROR_CORRUPT, "a hole");
    expect_refusal(PLAIN, "debugfs -w -R 'ssv state 3' \"$1\"", ERROR_REFUSED, "errors");
}
