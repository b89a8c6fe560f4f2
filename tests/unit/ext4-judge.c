/* The judge of the tests: does it tell a good filesystem from a damaged one, the same tree from
 * another? */
#include <criterion/criterion.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "tests/support/host.h"
#include "tests/support/judge.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"
#include "tests/support/tree-digest.h"

static struct error error;

static char *make(const char *options)
{
    char *path = make_filesystem(options, 64 * MIB, 1, &error);

    cr_assert_not_null(path, "%s", error.message);
    return path;
}

static struct disk *open_disk(const char *path)
{
    struct disk *disk;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    return disk;
}

static struct digest tree_of(const char *path)
{
    struct digest digest;

    cr_assert_eq(tree_digest(path, &digest, &error), 0, "%s", error.message);
    return digest;
}

static void run(const char *const arguments[])
{
    char *output;
    int status;

    cr_assert_eq(host_run(arguments, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s", output);
    free(output);
}

static void debugfs(const char *path, const char *command)
{
    run((const char *const[]){"debugfs", "-w", "-R", command, path, NULL});
}

Test(judge, clean_and_damaged)
{
    char *path = make(NULL);
    struct disk *disk = open_disk(path);
    struct judge *judge = judge_new(&error);
    const struct judgement *clean, *again, *damaged;

    cr_assert_eq(judge_filesystem(judge, disk, &clean, &error), 0, "%s", error.message);
    cr_assert_eq(clean->status, 0, "%s", clean->output);
    cr_assert_eq(judge_filesystem(judge, disk, &again, &error), 0, "%s", error.message);
    cr_assert_eq(clean, again);
    debugfs(path, "set_inode_field /tree0/file3 links_count 7");
    cr_assert_eq(judge_filesystem(judge, disk, &damaged, &error), 0, "%s", error.message);
    cr_assert_eq(damaged->status, 4, "%s", damaged->output);
    cr_assert_not_null(strstr(damaged->output, "should be 1"));
    judge_free(judge);
    disk_close(disk);
    filesystem_remove(path);
}

Test(judge, contents_are_alike_whatever_the_holes)
{
    char *path = make(NULL);
    struct disk *disk = open_disk(path);
    struct judge *judge = judge_new(&error);
    struct digest before, after, tree;

    cr_assert_eq(judge_contents(disk, &before, &error), 0, "%s", error.message);
    disk_close(disk);
    run((const char *const[]){"fallocate", "--dig-holes", path, NULL});
    disk = open_disk(path);
    cr_assert_eq(judge_contents(disk, &after, &error), 0, "%s", error.message);
    cr_assert(digest_equal(before, after));
    cr_assert_eq(judge_tree(judge, disk, &tree, &error), 0, "%s", error.message);
    cr_assert(digest_equal(tree, tree_of(path)));
    judge_free(judge);
    disk_close(disk);
    filesystem_remove(path);
}

Test(judge, the_tree_is_the_same_on_any_layout)
{
    static const char *const layouts[] = {"-b 1024", "-b 4096", "-b 2048 -O ^extents,^64bit",
                                          "-b 4096 -I 128", "-b 4096 -O inline_data"};
    struct digest first = {{0, 0}};

    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        char *path = make(layouts[i]);

        if (i == 0)
            first = tree_of(path);
        cr_assert(digest_equal(first, tree_of(path)), "%s", layouts[i]);
        filesystem_remove(path);
    }
}

Test(judge, the_tree_survives_resize2fs)
{
    char *path = make("-b 1024");
    struct digest before = tree_of(path);

    run((const char *const[]){"resize2fs", "-f", path, "16M", NULL});
    cr_assert(digest_equal(before, tree_of(path)));
    run((const char *const[]){"resize2fs", "-f", path, "200M", NULL});
    cr_assert(digest_equal(before, tree_of(path)));
    filesystem_remove(path);
}

Test(judge, every_change_of_the_tree_is_seen)
{
    static const char *const changes[] = {
        "set_inode_field /tree0/file4 mode 0100600",
        "set_inode_field /tree0/file4 uid 70000",
        "set_inode_field /tree0/file4 gid 5",
        "set_inode_field /tree0/file4 mtime @7",
        "set_inode_field /tree0/file4 size 4999",
        "ea_set /tree0/file2 user.small other",
        "ea_rm /tree0/file3 user.large",
        "ea_set /tree0/many user.new x",
        "rm /tree0/file7",
        "ln /tree0/file5 /tree0/file5-too",
        "symlink /tree0/another file5",
        "mkdir /tree0/many/deep/er",
        "set_inode_field /tree0/short block[0] 7733",
        "punch /tree0/file6 10 12",
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *path = make("-b 4096");
        struct digest before = tree_of(path);

        debugfs(path, changes[i]);
        cr_assert(!digest_equal(before, tree_of(path)), "%s", changes[i]);
        filesystem_remove(path);
    }
}

Test(judge, same_bytes_every_time)
{
    char *a = make("-G 4096"), *b = make("-G 4096");

    run((const char *const[]){"cmp", a, b, NULL});
    filesystem_remove(a);
    filesystem_remove(b);
}

Test(judge, words_of_mke2fs)
{
    cr_assert_null(make_filesystem("-b 17", 64 * MIB, 0, &error));
    cr_assert_not_null(strstr(error.message, "mke2fs"), "%s", error.message);
}
