/* The survey, against e2fsck: what e2fsck finds nothing in passes, what it finds fault with in
 * inodes, trees, xattrs and bitmaps is refused. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4/survey.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

static struct error error;

/* What a walk has met. */
struct met {
    uint64_t inodes, blocks, nodes, xattr_blocks;
    uint32_t last;
    bool in_order;
};

static int meet(const struct ext4_inode_view *view, void *context, struct error *ret_error)
{
    struct met *met = context;

    (void)ret_error;
    met->in_order &= view->number > met->last;
    met->last = view->number;
    met->inodes += view->inode->i_links_count > 0;
    for (size_t i = 0; i < view->map->count; i++)
        met->blocks += view->map->mappings[i].count;
    met->nodes += view->map->node_count;
    met->xattr_blocks += view->xattr_block != 0;
    return 0;
}

/* 0, or -1 and the error: whatever is wrong, from opening on. */
static int survey(const char *path, struct met *ret_met)
{
    struct disk *disk;
    struct ext4 ext4;
    int result;

    *ret_met = (struct met){.in_order = true};
    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    result = ext4_open_checked(disk, false, &ext4, &error);
    if (result == 0) {
        result = ext4_survey(&ext4, meet, ret_met, &error);
        ext4_release(&ext4);
    }
    disk_close(disk);
    return result;
}

static char *run(const char *const arguments[], int *ret_status)
{
    char *output;

    cr_assert_eq(host_run(arguments, ret_status, &output, &error), 0, "%s", error.message);
    return output;
}

static bool is_clean(const char *path, char **ret_output)
{
    int status;

    *ret_output = run((const char *const[]){"e2fsck", "-fn", path, NULL}, &status);
    return status == 0 && !strstr(*ret_output, "? no");
}

/* Inodes that libext2fs finds with links. */
static struct met count_inodes(const char *path)
{
    struct met met = {0};
    struct ext2_inode inode;
    ext2_inode_scan scan;
    ext2_filsys fs;
    ext2_ino_t number;

    cr_assert_eq(ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs), 0);
    cr_assert_eq(ext2fs_open_inode_scan(fs, 0, &scan), 0);
    while (ext2fs_get_next_inode(scan, &number, &inode) == 0 && number != 0) {
        met.inodes += inode.i_links_count > 0;
        met.xattr_blocks += inode.i_links_count > 0 && ext2fs_file_acl_block(fs, &inode) != 0;
    }
    ext2fs_close_inode_scan(scan);
    ext2fs_close_free(&fs);
    return met;
}

static void expect_passes(const char *path, const char *what)
{
    struct met met, expected = count_inodes(path);
    char *output;

    cr_assert(is_clean(path, &output), "%s: %s", what, output);
    cr_expect_eq(survey(path, &met), 0, "%s: %s", what, error.message);
    cr_expect(met.in_order, "%s", what);
    cr_expect_eq(met.inodes, expected.inodes, "%s: %llu inodes, not %llu", what,
                 (unsigned long long)met.inodes, (unsigned long long)expected.inodes);
    cr_expect_eq(met.xattr_blocks, expected.xattr_blocks, "%s", what);
    free(output);
}

static const struct layout {
    const char *options;
    uint64_t size;
    unsigned trees;
} layouts[] = {
    {"-b 1024", 64 * MIB, 2},
    {"-b 4096", 300 * MIB, 2},
    {"-b 4096 -G 4096", 600 * MIB, 0},
    {"-b 2048 -O ^metadata_csum", 64 * MIB, 1},
    {"-b 1024 -O ^metadata_csum,^uninit_bg", 64 * MIB, 1},
    {"-b 1024 -O ^extents,^64bit", 64 * MIB, 2},
    {"-b 1024 -I 128 -O ^extents,^64bit,^metadata_csum,^flex_bg,^uninit_bg,^has_journal", 64 * MIB,
     2},
    {"-b 1024 -O ^sparse_super,^resize_inode,^metadata_csum", 64 * MIB, 1},
    {"-b 4096 -I 1024", 64 * MIB, 1},
    {"-b 1024 -O bigalloc -C 8192", 200 * MIB, 2},
    {"-b 4096 -O bigalloc -C 65536", 900 * MIB, 1},
    {"-b 1024 -C 2048 -O bigalloc,^has_journal", 100 * MIB, 0},
    {"-b 4096 -O inline_data", 64 * MIB, 2},
    {"-b 1024 -O ea_inode", 64 * MIB, 2},
    {"-b 4096 -O quota", 64 * MIB, 0},
    {"-b 4096 -O quota,project", 64 * MIB, 0},
    {"-b 4096 -O orphan_file", 64 * MIB, 1},
    {"-b 4096 -O casefold", 64 * MIB, 1},
    {"-b 1024 -O large_dir", 64 * MIB, 1},
    {"-b 1024 -O sparse_super2", 100 * MIB, 1},
    {"-b 1024 -g 512 -N 2048 -O meta_bg,^resize_inode", 60 * MIB, 1},
    {"-b 1024 -O mmp", 64 * MIB, 1},
    {"-b 4096 -O stable_inodes,encrypt,verity", 64 * MIB, 1},
    {"-b 65536", 600 * MIB, 1},
    {"-r 0 -b 1024", 50 * MIB, 0},
    {"-b 4096 -E resize=1000000", 200 * MIB, 1},
};

Test(ext4_survey, what_e2fsck_finds_nothing_in_passes)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *path = make_filesystem(layouts[i].options, layouts[i].size, layouts[i].trees, &error);

        cr_assert_not_null(path, "%s: %s", layouts[i].options, error.message);
        expect_passes(path, layouts[i].options);
        filesystem_remove(path);
    }
}

/* All kinds of files, some shared xattr blocks, large values, what was deleted. */
static const char population[] =
    "set -e; folder=$(mktemp -d); mount -o loop \"$0\" $folder || { rmdir $folder; exit 32; }; "
    "trap 'cd /; umount $folder; rmdir $folder' EXIT; cd $folder; "
    "mkdir a b b/c; for i in $(seq 300); do echo $i >a/file-$i; done; "
    "large=$(head -c 700 /dev/zero | tr '\\0' x); larger=$(head -c 9000 /dev/zero | tr '\\0' y); "
    "for i in $(seq 50); do setfattr -n user.same -v $large a/file-$i || break; done; "
    "for i in 1 2 3 4 5; do setfattr -n user.small -v $i a/file-20$i || break; done; "
    "for i in 1 2 3 4 5; do setfattr -n user.large -v $larger a/file-10$i 2>&- || break; done; "
    "rm a/file-7 a/file-8 a/file-300; ln -s short b/link; "
    "ln -s /$(head -c 200 /dev/zero | tr '\\0' z) b/long; ln a/file-1 b/hard; "
    "mknod b/null c 1 3; mknod b/block b 259 70000; mkfifo b/pipe; truncate -s 3G b/sparse; "
    "for i in $(seq 0 40 2000); do dd if=/dev/urandom of=b/sparse bs=1k count=3 seek=$((i * 1000)) "
    "conv=notrunc status=none; done; fallocate -n -l 2M b/kept 2>&- || true; "
    "fallocate -l 2M b/allocated 2>&- && fallocate -p -o 100k -l 60k b/allocated && "
    "dd if=/dev/urandom of=b/allocated bs=4k count=1 seek=75 conv=notrunc status=none || true; "
    "mkdir b/gone; rmdir b/gone; sync";

Test(ext4_survey, what_the_kernel_makes_passes)
{
    size_t mounted = 0;

    if (geteuid() != 0)
        cr_skip_test("mounting takes root");
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *path = make_filesystem(layouts[i].options, layouts[i].size, 0, &error);
        int status;
        char *output;

        cr_assert_not_null(path, "%s: %s", layouts[i].options, error.message);
        output = run((const char *const[]){"sh", "-c", population, path, NULL}, &status);
        /* mount's own word: this kernel doesn't know all features */
        cr_expect(status == 0 || status == 32, "%s: %s", layouts[i].options, output);
        mounted += status == 0;
        free(output);
        expect_passes(path, layouts[i].options);
        filesystem_remove(path);
    }
    cr_expect_gt(mounted, 15);
}

/* What debugfs does to a filesystem with one tree, checksums brought up to date. */
static const struct damage {
    const char *options, *commands[4];
} damages[] = {
    {"-b 1024", {"sif /tree0/file5 links_count 0"}},
    {"-b 1024", {"sif /tree0/file5 mode 0"}},
    {"-b 1024", {"sif /tree0/file5 dtime 1600000000"}},
    {"-b 1024", {"sif /tree0/file5 blocks 130"}},
    {"-b 1024", {"sif /tree0/file5 blocks_hi 1"}},
    {"-b 1024", {"sif /tree0/file5 size 100"}},
    {"-b 1024", {"sif /tree0 size 3000"}},
    {"-b 1024", {"sif /tree0 size 1024000"}},
    {"-b 1024", {"sif /tree0/file5 flags 0x10080000"}},
    {"-b 1024", {"sif /tree0/file5 flags 0"}},
    {"-b 1024", {"sif /tree0/file5 flags 0x40080000"}},
    {"-b 1024", {"sif /tree0/file5 flags 0x81000"}},
    {"-b 1024", {"sif /tree0/file5 faddr 7"}},
    {"-b 1024", {"sif /tree0/file5 extra_isize 7"}},
    {"-b 1024", {"sif /tree0/file5 extra_isize 200"}},
    {"-b 1024", {"sif /tree0/file5 file_acl 1"}},
    {"-b 1024", {"sif /tree0/file5 file_acl 70000"}},
    {"-b 1024", {"sif /tree0/file5 block[0] 0"}},
    {"-b 1024", {"sif /tree0/file5 block[0] 0x5f30a"}},
    {"-b 1024", {"sif /tree0/file5 block[1] 0x60004"}},
    {"-b 1024", {"sif /tree0/file5 block[1] 5"}},
    {"-b 1024", {"sif /tree0/file5 block[4] 0"}},
    {"-b 1024", {"sif /tree0/file5 block[4] 0x10040"}},
    {"-b 1024", {"sif /tree0/file5 block[5] 0"}},
    {"-b 1024", {"sif /tree0/file5 block[5] 70000"}},
    {"-b 1024", {"sif /tree0/short size 0"}},
    {"-b 1024", {"sif /tree0/short flags 0x80000"}},
    {"-b 1024", {"sif /tree0/long size 5000"}},
    {"-b 1024", {"sif <1> mode 0100600"}},
    {"-b 1024", {"sif <2> mode 0100755"}},
    {"-b 1024", {"sif <4> links_count 1"}},
    {"-b 1024", {"sif <6> mode 0100600"}},
    {"-b 1024", {"sif <7> block[0] 9000"}},
    {"-b 1024", {"sif <7> block[DIND] 0"}},
    {"-b 1024", {"sif <8> mode 040600"}},
    {"-b 1024", {"sif <8> blocks 8"}},
    {"-b 1024", {"rm /tree0/file7", "sif <22> links_count 1"}},
    {"-b 1024", {"rm /tree0/file7", "sif <22> dtime 0"}},
    {"-b 1024", {"freei <9>"}},
    {"-b 1024", {"freei /tree0/file5", "seti <900>"}},
    {"-b 1024", {"freeb 4410", "setb 8000"}},
    {"-b 1024", {"freeb 4410", "freeb 4413", "setb 8000 2"}},
    {"-b 1024", {"set_bg 0 used_dirs_count 9", "set_bg 0 checksum calc"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 block[0] 1"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 block[0] 70000"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 block[0] 0"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 block[IND] 60"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 block[IND] 70000"}},
    {"-b 1024 -O ^extents,^64bit", {"sif /tree0/file5 flags 0x80000"}},
    {"-b 1024 -O ^extents,^64bit", {"clri /tree0/file5"}},
    {"-b 1024 -O bigalloc -C 4096", {"sif /tree0/file5 block[5] 0x2001"}},
    {"-b 1024 -O bigalloc -C 4096", {"sif /tree0/file5 blocks 32"}},
    {"-b 4096 -O inline_data", {"sif /tree0/file2 flags 0"}},
    {"-b 4096 -O inline_data", {"sif /tree0/file2 blocks 16"}},
};

static void expect_refused(const char *path, const struct damage *damage)
{
    struct met met;
    char *output;
    int status;

    for (size_t i = 0; damage->commands[i]; i++)
        free(run((const char *const[]){"debugfs", "-w", "-R", damage->commands[i], path, NULL},
                 &status));
    cr_expect(!is_clean(path, &output), "%s, %s: e2fsck finds nothing", damage->options,
              damage->commands[0]);
    error = (struct error){0};
    cr_expect_eq(survey(path, &met), -1, "%s, %s passes: %s", damage->options, damage->commands[0],
                 output);
    cr_expect(error.kind == ERROR_CORRUPT && strstr(error.remedy, "e2fsck"), "%s, %s: %s",
              damage->options, damage->commands[0], error.message);
    free(output);
}

Test(ext4_survey, what_e2fsck_would_mend_is_refused)
{
    char *whole = NULL, *damaged = host_temporary_file(NULL, &error);

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        int status;

        if (i == 0 || strcmp(damages[i].options, damages[i - 1].options) != 0) {
            filesystem_remove(whole);
            whole = make_filesystem(damages[i].options, 64 * MIB, 1, &error);
            cr_assert_not_null(whole, "%s: %s", damages[i].options, error.message);
        }
        free(run((const char *const[]){"cp", "--sparse=always", whole, damaged, NULL}, &status));
        expect_refused(damaged, &damages[i]);
    }
    filesystem_remove(whole);
    filesystem_remove(damaged);
}

/* The blocks that are listed belong to inode 1, and only there. */
Test(ext4_survey, bad_blocks_are_claimed)
{
    char *list = host_temporary_file(NULL, &error), *path, options[128];
    FILE *file = fopen(list, "w");

    cr_assert_not_null(file);
    for (unsigned block = 20000; block < 20600; block += 2)
        fprintf(file, "%u\n", block);
    fclose(file);
    snprintf(options, sizeof options, "-b 1024 -l %s", list);
    path = make_filesystem(options, 64 * MIB, 1, &error);
    cr_assert_not_null(path, "%s", error.message);
    expect_passes(path, options);
    filesystem_remove(path);
    filesystem_remove(list);
}

/* One block that points to itself all over would be a tree of 2^30 blocks. */
Test(ext4_survey, a_tree_of_loops_takes_no_time, .timeout = 5)
{
    char *path = make_filesystem("-b 4096 -O ^extents,^64bit", 64 * MIB, 1, &error);
    uint32_t pointers[1024];
    struct met met;
    FILE *file;
    int status;

    cr_assert_not_null(path, "%s", error.message);
    for (size_t i = 0; i < 1024; i++)
        pointers[i] = 15000;
    file = fopen(path, "r+");
    cr_assert(file && fseek(file, 15000L * 4096, SEEK_SET) == 0 &&
              fwrite(pointers, sizeof pointers, 1, file) == 1);
    fclose(file);
    free(run((const char *const[]){"debugfs", "-w", "-R", "sif /tree0/file5 block[TIND] 15000",
                                   path, NULL},
             &status));
    cr_expect_eq(survey(path, &met), -1);
    cr_expect_not_null(strstr(error.message, "twice"), "%s", error.message);
    filesystem_remove(path);
}
