/* What an owner takes up, changed in the quota files: e2fsck tells whether it is right. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-table.h"
#include "ext4/quota.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/must.h"
#include "tests/support/plain-disk.h"
#include "tests/support/random.h"

static struct error error;

/* The output of a shell script, whose $1 is path. */
static void run_script(const char *script, const char *path)
{
    CLEANUP_FREE char *output = NULL;
    int status;

    cr_assert_eq(host_run((const char *[]){"bash", "-c", script, "bash", path, NULL}, &status,
                          &output, &error),
                 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s", output);
}

/* What e2fsck has to say; NULL when all is well. The caller frees it. */
static char *find_fault(const char *path)
{
    char *output;
    int status;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    if (status != 0 || strstr(output, "? no") || strstr(output, "WARNING"))
        return output;
    free(output);
    return NULL;
}

static void expect_clean(const char *path, const char *what)
{
    CLEANUP_FREE char *fault = find_fault(path);

    cr_assert_null(fault, "%s: %s", what, fault);
}

/* A filesystem with files of owners all over the range of ids, and accounts of users and groups
 * (and projects, where it has them) as tune2fs makes them. */
static char *make(const char *options)
{
    char *path = make_filesystem(options, 24 * MIB, 1, &error);

    cr_assert_not_null(path, "%s", error.message);
    run_script("set -eu; for i in $(seq -w 0 199); do n=$((10#$i));"
               "  f=/tree0/many/entry-with-a-longish-name-$i;"
               "  echo set_inode_field $f uid $((n * 21474836));"
               "  echo set_inode_field $f gid $((n % 40 * 300000 + n % 3));"
               "  echo set_inode_field $f projid $((n % 7 * 1000000));"
               "done | debugfs -w -f - \"$1\" >/dev/null 2>&1;"
               "kinds=usrquota,grpquota; if dumpe2fs -h \"$1\" | grep -q project; then"
               "  kinds=$kinds,prjquota; fi; tune2fs -Q $kinds \"$1\"",
               path);
    expect_clean(path, options);
    return path;
}

struct opened {
    struct disk *disk;
    struct ext4 ext4;
};

static void open_filesystem(const char *path, struct opened *ret)
{
    cr_assert_eq(plain_disk_open(path, &ret->disk, &error), 0, "%s", error.message);
    cr_assert_eq(ext4_open_checked(ret->disk, false, &ret->ext4, &error), 0, "%s", error.message);
    cr_assert_eq(disk_begin(ret->disk, &error), 0);
}

static void close_filesystem(struct opened *opened)
{
    cr_assert_eq(disk_commit(opened->disk, &error), 0);
    ext4_release(&opened->ext4);
    disk_close(opened->disk);
}

static uint8_t *read_inode(struct ext4 *ext4, uint32_t number)
{
    uint8_t *bytes = must_allocate(EXT4_INODE_BYTES(ext4));

    cr_assert_eq(ext4_inodes_read(ext4, number, 1, bytes, &error), 0);
    return bytes;
}

static uint32_t look_up(struct ext4 *ext4, const char *name)
{
    ext2_ino_t number;

    cr_assert_eq(ext2fs_namei(ext4->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, name, &number), 0, "%s",
                 name);
    return number;
}

static int64_t bytes_of(const uint8_t *inode)
{
    return (int64_t)((const struct ext2_inode_large *)(const void *)inode)->i_blocks * 512;
}

static int add(struct ext4 *ext4, const uint8_t *inode, int64_t bytes, int64_t inodes)
{
    return ext4_quota_add(ext4, (const struct ext2_inode_large *)(const void *)inode, bytes, inodes,
                          &error);
}

/* The file with one index takes over the owners of the other's. */
static void give_away(const char *path, unsigned from, unsigned to)
{
    CLEANUP_FREE uint8_t *giver = NULL, *taker = NULL, *mixed = NULL;
    struct ext2_inode_large *inode;
    struct opened opened;
    const struct ext2_inode_large *other;
    char name[64];
    uint32_t number;

    open_filesystem(path, &opened);
    snprintf(name, sizeof name, "/tree0/many/entry-with-a-longish-name-%03u", to);
    taker = read_inode(&opened.ext4, look_up(&opened.ext4, name));
    snprintf(name, sizeof name, "/tree0/many/entry-with-a-longish-name-%03u", from);
    number = look_up(&opened.ext4, name);
    giver = read_inode(&opened.ext4, number);
    mixed = read_inode(&opened.ext4, number);
    inode = (struct ext2_inode_large *)(void *)mixed;
    other = (const struct ext2_inode_large *)(void *)taker;
    inode->i_uid = other->i_uid;
    inode->i_gid = other->i_gid;
    inode->osd2.linux2.l_i_uid_high = other->osd2.linux2.l_i_uid_high;
    inode->osd2.linux2.l_i_gid_high = other->osd2.linux2.l_i_gid_high;
    if (EXT2_INODE_SIZE(opened.ext4.fs->super) > EXT2_GOOD_OLD_INODE_SIZE)
        inode->i_projid = other->i_projid;
    cr_assert(ext4_quota_counts(&opened.ext4, number, inode));
    cr_expect_eq(add(&opened.ext4, giver, -bytes_of(giver), -1), 0, "%s", error.message);
    cr_expect_eq(add(&opened.ext4, mixed, bytes_of(mixed), 1), 0, "%s", error.message);
    cr_assert_eq(ext4_inode_write(&opened.ext4, number, mixed, &error), 0);
    close_filesystem(&opened);
}

/* e2fsck counts anew what all owners take up. */
Test(ext4_quota, files_change_owners)
{
    static const char *const kinds[] = {
        "-b 1024 -O project",
        "-b 4096 -O project",
        "-b 1024 -I 128",
        "-b 2048 -O ^extent,^metadata_csum,^64bit,^uninit_bg",
        "-b 1024 -O bigalloc -C 8192",
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = make(kinds[i]);
        uint64_t seed = i;

        for (int round = 0; round < 25; round++)
            give_away(path, (unsigned)random_below(&seed, 200), (unsigned)random_below(&seed, 200));
        expect_clean(path, kinds[i]);
        filesystem_remove(path);
    }
}

/* e2fsck finds what is wrong by one. */
Test(ext4_quota, judge_sees_a_wrong_account)
{
    char *path = make("-b 1024 -O project"), *fault;
    struct opened opened;
    uint8_t *root;

    open_filesystem(path, &opened);
    root = read_inode(&opened.ext4, EXT2_ROOT_INO);
    cr_assert_eq(add(&opened.ext4, root, 1024, 0), 0);
    close_filesystem(&opened);
    fault = find_fault(path);
    cr_assert_not_null(fault);
    free(fault);
    open_filesystem(path, &opened);
    cr_assert_eq(add(&opened.ext4, root, -1024, 0), 0);
    close_filesystem(&opened);
    expect_clean(path, "put right");
    free(root);
    filesystem_remove(path);
}

/* Nobody has less than nothing. */
Test(ext4_quota, less_than_nothing_is_refused)
{
    char *path = make("-b 1024");
    struct opened opened;
    uint8_t *root;

    open_filesystem(path, &opened);
    root = read_inode(&opened.ext4, EXT2_ROOT_INO);
    cr_expect_eq(add(&opened.ext4, root, -((int64_t)1 << 40), 0), -1);
    cr_expect_eq(error.kind, ERROR_CORRUPT);
    cr_expect_eq(add(&opened.ext4, root, 0, -100000), -1);
    cr_expect_eq(add(&opened.ext4, root, INT64_MIN, 0), -1);
    close_filesystem(&opened);
    expect_clean(path, "refused");
    free(root);
    filesystem_remove(path);
}

/* An owner without a record. */
Test(ext4_quota, unknown_owner_is_refused)
{
    char *path = make("-b 1024");
    struct opened opened;
    uint8_t *root;

    open_filesystem(path, &opened);
    root = read_inode(&opened.ext4, EXT2_ROOT_INO);
    ((struct ext2_inode_large *)(void *)root)->i_uid = 4711;
    cr_expect_eq(add(&opened.ext4, root, 1, 0), -1);
    cr_expect_eq(error.kind, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "user quota file"), "%s", error.message);
    close_filesystem(&opened);
    free(root);
    filesystem_remove(path);
}

Test(ext4_quota, nothing_to_do_without_the_feature)
{
    char *path = make_filesystem("-b 1024", 4 * MIB, 0, &error);
    struct opened opened;
    uint8_t *root;

    open_filesystem(path, &opened);
    root = read_inode(&opened.ext4, EXT2_ROOT_INO);
    cr_expect_eq(add(&opened.ext4, root, 1024, 1), 0);
    close_filesystem(&opened);
    free(root);
    filesystem_remove(path);
}

/* Bytes of the quota file changed at will: an error, or a record changed, and no other place. */
Test(ext4_quota, damaged_files)
{
    char *path = make("-b 1024 -O ^metadata_csum,^uninit_bg");
    struct opened opened;
    uint64_t seed = 1;
    unsigned refused = 0;
    uint8_t *root;

    open_filesystem(path, &opened);
    root = read_inode(&opened.ext4, EXT2_ROOT_INO);
    for (int round = 0; round < 400; round++) {
        CLEANUP_FREE uint8_t *inode =
            read_inode(&opened.ext4, opened.ext4.fs->super->s_usr_quota_inum);
        blk64_t place;
        uint8_t block[1024], kept[1024];

        cr_assert_eq(ext2fs_bmap2(opened.ext4.fs, opened.ext4.fs->super->s_usr_quota_inum,
                                  (struct ext2_inode *)(void *)inode, NULL, 0,
                                  random_below(&seed, 7), NULL, &place),
                     0);
        cr_assert_eq(disk_read(opened.disk, place * 1024, kept, sizeof kept, &error), 0);
        memcpy(block, kept, sizeof block);
        for (int i = 0; i < 4; i++)
            block[random_below(&seed, i % 2 ? 64 : 1024)] = (uint8_t)random_next(&seed);
        cr_assert_eq(disk_write(opened.disk, place * 1024, block, sizeof block, &error), 0);
        if (add(&opened.ext4, root, 1024, 1)) {
            cr_expect_eq(error.kind, ERROR_CORRUPT);
            refused++;
        } else
            cr_expect(add(&opened.ext4, root, -1024, -1) == 0);
        cr_assert_eq(disk_write(opened.disk, place * 1024, kept, sizeof kept, &error), 0);
    }
    cr_expect_gt(refused, 40);
    close_filesystem(&opened);
    free(root);
    filesystem_remove(path);
}
