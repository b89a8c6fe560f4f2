/* What few filesystems have, and what mentions inode numbers in them. */
#include "tests/support/renumber-fixture.h"

/* Slots that were never used hold anything where the table wasn't zeroed. */
Test(resize_renumber_rare, tables_that_hold_garbage)
{
    static const char *const kinds[] = {
        "-b 1024 -g 2048 -N 3000 -E lazy_itable_init=1",
        "-b 4096 -g 2048 -N 4000 -E lazy_itable_init=1 -O ^metadata_csum,uninit_bg",
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = make_filesystem(kinds[i], 24 * MIB, 2, &error);
        struct opened opened;
        uint64_t seed = i;
        uint32_t soiled = 0;

        cr_assert_not_null(path, "%s: %s", kinds[i], error.message);
        open_filesystem(path, &opened);
        cr_assert_eq(disk_begin(opened.disk, &error), 0);
        for (uint32_t group = 0; group < opened.ext4.geometry.groups; group++) {
            uint32_t first = group * opened.ext4.geometry.group_inodes + 1;
            uint32_t from = ext4_inodes_initialised(&opened.ext4, group);
            uint64_t garbage[32];

            if (ext2fs_bg_flags_test(opened.ext4.fs, group, EXT2_BG_INODE_ZEROED))
                continue;
            for (uint32_t j = from; j < opened.ext4.geometry.group_inodes; j++, soiled++) {
                for (size_t k = 0; k < sizeof garbage / sizeof *garbage; k++)
                    garbage[k] = random_next(&seed);
                cr_assert_eq(disk_write(opened.disk, ext4_inode_offset(&opened.ext4, first + j),
                                        garbage, sizeof garbage, &error),
                             0);
            }
        }
        cr_assert_eq(disk_commit(opened.disk, &error), 0);
        close_filesystem(&opened);
        cr_assert_gt(soiled, 1000);
        expect_clean(path, "garbage that nobody sees");
        renumber_and_judge(path, kinds[i], ANYWHERE, i);
        renumber_and_judge(path, kinds[i], DOWNWARDS, i);
        filesystem_remove(path);
    }
}

/* Values of attributes as Lustre made them: i_mtime is the number of the inode that has the
 * attribute, no hash of the value is kept, and i_blocks is that of the inode alone. The value's
 * number follows the other's. */
static const char fill_lustre[] =
    "set -eu; big=$(head -c 3000 /dev/zero | tr '\\0' x); for i in $(seq 10); do"
    "  value=$((11 + 2 * i)); echo symlink l$i t; echo ea_set l$i user.big $big$i;"
    "  echo \"set_inode_field <$value> mtime @$((value - 1))\";"
    "  echo \"set_inode_field <$value> atime @7\";"
    "  echo \"set_inode_field <$value> generation 77\"; echo set_inode_field l$i generation 77;"
    "done | debugfs -w -f - \"$1\"";

Test(resize_renumber_rare, values_that_mention_their_parent)
{
    char *path = make_filesystem("-b 1024 -N 2000 -O ea_inode", 16 * MIB, 0, &error);

    cr_assert_not_null(path, "%s", error.message);
    free(run_script(fill_lustre, path));
    expect_clean(path, "before");
    for (uint64_t seed = 0; seed < 4; seed++)
        renumber_and_judge(path, "values", ANYWHERE, seed);
    renumber_and_judge(path, "values", DOWNWARDS, 0);
    filesystem_remove(path);
}

/* The inode that lies before all others, and whose number the superblock may keep. */
Test(resize_renumber_rare, lost_and_found)
{
    char *path = make_filesystem("-b 1024 -N 2000", 16 * MIB, 0, &error);
    struct opened opened;

    cr_assert_not_null(path, "%s", error.message);
    open_filesystem(path, &opened);
    opened.ext4.fs->super->s_lpf_ino = 11;
    cr_assert_eq(disk_begin(opened.disk, &error), 0);
    cr_assert_eq(resize_renumber(&opened.ext4, &(struct resize_inode_move){11, 1234}, 1, &error), 0,
                 "%s", error.message);
    cr_expect_eq(opened.ext4.fs->super->s_lpf_ino, 1234);
    write_accounts(&opened.ext4);
    cr_assert_eq(disk_commit(opened.disk, &error), 0);
    close_filesystem(&opened);
    expect_clean(path, "lost+found");
    filesystem_remove(path);
}

#define KEY "tool=$(realpath \"${TESTS:-tests}/support/fscrypt.py\"); " MOUNT "python3 \"$tool\" . "

static const char fill_encrypted[] =
    KEY "|| exit 77; mkdir -p secret plain; python3 \"$tool\" . secret; mkdir -p secret/a/b/c;"
        "for i in $(seq 300); do echo $i >secret/a/file-$i; ln -s target-$i secret/link-$i; done;"
        "head -c 300000 /dev/urandom >secret/large; setfattr -n user.note -v text secret/large;"
        "rm secret/a/file-1*; touch plain/{1..50};" LEAVE;

/* The tree as one sees it who has the key. */
static const char read_encrypted[] = KEY "; sync; find . -printf '%p %y %m %T@ %n %l\n' | sort;"
                                         "find . -type f -print0 | sort -z | xargs -0 sha256sum;"
                                         "getfattr -R -d . 2>/dev/null | sort;" LEAVE;

static bool can_encrypt(void)
{
    CLEANUP_FREE char *output = NULL;
    char *path = make_filesystem("-b 4096 -O encrypt", 8 * MIB, 0, &error);
    const char *const words[] = {"bash", "-c", KEY "|| exit 77;" LEAVE, "bash", path, NULL};
    int status;

    cr_assert_not_null(path);
    cr_assert_eq(host_run(words, &status, &output, &error), 0);
    filesystem_remove(path);
    return status == 0;
}

Test(resize_renumber_rare, encrypted_files)
{
    char *path, *before, *after;

    if (!can_mount() || !can_encrypt())
        cr_skip("filesystems with encryption can't be mounted");
    path = make_filesystem("-b 4096 -N 2000 -O encrypt", 32 * MIB, 0, &error);
    cr_assert_not_null(path, "%s", error.message);
    free(run_script(fill_encrypted, path));
    before = run_script(read_encrypted, path);
    cr_assert(strstr(before, "file-44"), "%s", before);
    renumber_and_judge(path, "encrypted", ANYWHERE, 1);
    renumber_and_judge(path, "encrypted", DOWNWARDS, 1);
    after = run_script(read_encrypted, path);
    cr_expect_str_eq(before, after);
    expect_clean(path, "after the kernel read it");
    free(before);
    free(after);
    filesystem_remove(path);
}

/* The policy that ties contents to numbers, as the kernel writes it. */
Test(resize_renumber_rare, files_encrypted_by_number)
{
    struct opened opened;
    struct moves moves;
    char *path;

    if (!can_mount() || !can_encrypt())
        cr_skip("filesystems with encryption can't be mounted");
    path = make_filesystem("-b 4096 -N 2000 -O encrypt,stable_inodes", 16 * MIB, 0, &error);
    cr_assert_not_null(path, "%s", error.message);
    free(run_script(KEY "; mkdir secret; python3 \"$tool\" . secret 8; touch secret/{1..9};" LEAVE,
                    path));
    free(run_script("debugfs -w -R 'feature -stable_inodes' \"$1\"", path));
    moves = choose(path, ANYWHERE, 1);
    open_filesystem(path, &opened);
    cr_expect_eq(resize_renumber_check(&opened.ext4, moves.list, moves.count, NULL, &error), -1);
    cr_expect_eq(error.kind, ERROR_REFUSED);
    cr_expect(strstr(error.message, "its number is part of"), "%s", error.message);
    close_filesystem(&opened);
    free(moves.list);
    filesystem_remove(path);
}
