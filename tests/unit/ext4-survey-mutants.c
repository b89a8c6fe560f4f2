/* Random damage to inodes, trees, xattr blocks and bitmaps: the survey ends, whatever it meets, and
 * where e2fsck finds blocks that are claimed twice, bad trees or wrong bitmaps, it has refused. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/checked.h"
#include "ext4/survey.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"
#include "tests/support/random.h"

#define MUTANTS 60 /* of each layout */

static struct error error;

/* What is to be damaged. */
enum kind { INODE, NODE, XATTRS, BLOCK_BITMAP, INODE_BITMAP, KINDS };

struct target {
    enum kind kind;
    uint32_t number;       /* of the inode */
    uint64_t offset, size; /* bytes of the file */
};

struct targets {
    struct target *list;
    size_t count, capacity;
    ext2_filsys fs;
};

static void add_target(struct targets *targets, enum kind kind, uint32_t number, uint64_t offset,
                       uint64_t size)
{
    targets->list = array_make_room(targets->list, targets->count, &targets->capacity,
                                    sizeof *targets->list, &error);
    cr_assert_not_null(targets->list);
    targets->list[targets->count++] = (struct target){kind, number, offset, size};
}

static int collect(const struct ext4_inode_view *view, void *context, struct error *ret_error)
{
    struct targets *targets = context;
    ext2_filsys fs = targets->fs;
    uint32_t index = view->number - 1, per_group = fs->super->s_inodes_per_group;

    (void)ret_error;
    add_target(targets, INODE, view->number,
               ext2fs_inode_table_loc(fs, index / per_group) * fs->blocksize +
                   (uint64_t)(index % per_group) * EXT2_INODE_SIZE(fs->super),
               EXT2_INODE_SIZE(fs->super));
    for (size_t i = 0; i < view->map->node_count; i++)
        add_target(targets, NODE, view->number, view->map->nodes[i] * fs->blocksize, fs->blocksize);
    if (view->xattr_block)
        add_target(targets, XATTRS, view->number, view->xattr_block * fs->blocksize, fs->blocksize);
    return 0;
}

/* visit may be NULL. */
static int survey(const char *path, struct targets *targets, ext4_survey_visit *visit)
{
    struct disk *disk;
    struct ext4 ext4;
    int result;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    result = ext4_open_checked(disk, false, &ext4, &error);
    if (result == 0) {
        targets->fs = ext4.fs;
        result = ext4_survey(&ext4, visit, targets, &error);
        if (result == 0 && targets->count > 0 && visit == collect)
            for (uint32_t group = 0; group < ext4.geometry.groups; group++) {
                add_target(targets, BLOCK_BITMAP, 0,
                           ext2fs_block_bitmap_loc(ext4.fs, group) * ext4.fs->blocksize,
                           ext4.geometry.group_clusters / 8);
                add_target(targets, INODE_BITMAP, 0,
                           ext2fs_inode_bitmap_loc(ext4.fs, group) * ext4.fs->blocksize,
                           ext4.geometry.group_inodes / 8);
            }
        ext4_release(&ext4);
    }
    disk_close(disk);
    return result;
}

static int ignore(const struct ext4_inode_view *view, void *context, struct error *ret_error)
{
    (void)view;
    (void)context;
    (void)ret_error;
    return 0;
}

static const char *const kinds[] = {"inode", "node", "xattrs", "block bitmap", "inode bitmap"};

/* Damages some bytes of the target, most of them near its beginning. */
static size_t damage(uint8_t *bytes, uint64_t size, uint64_t *random)
{
    uint64_t at = random_below(random, random_below(random, 2) ? size : min_u64(size, 128));

    switch (random_below(random, 5)) {
    case 0:
        bytes[at] ^= (uint8_t)(1 << random_below(random, 8));
        break;
    case 1:
        bytes[at] = (uint8_t)random_next(random);
        break;
    case 2:
        bytes[at] = (uint8_t)(bytes[at] + 1);
        break;
    case 3:
        bytes[at] = 0;
        break;
    default: { /* two stretches change places */
        uint64_t other = random_below(random, size - 3) & ~UINT64_C(3);
        uint8_t kept[4];

        at = min_u64(at & ~UINT64_C(3), size - 4);
        memcpy(kept, bytes + at, 4);
        memcpy(bytes + at, bytes + other, 4);
        memcpy(bytes + other, kept, 4);
    }
    }
    return at;
}

static bool has_any(const char *output, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(output, words[i]))
            return true;
    return false;
}

/* Names and their inodes, and what is in files, are not looked at: who moves blocks needn't know.
 * All else that e2fsck finds must not go unseen. */
static bool is_grave(const char *output)
{
    static const char *const mild[] = {"ref count is", "Symlink", "HTree", "htree", "filetype"};
    static const char *const grave[] = {"ultiply-claimed", "bitmap differences", "xtent",
                                        "illegal block",   "i_blocks is",        "zero dtime",
                                        "count wrong for"};

    return has_any(output, grave, sizeof grave / sizeof *grave) ||
           (strstr(output, "? no") && !has_any(output, mild, sizeof mild / sizeof *mild));
}

static void judge(const char *path, const struct target *target, const char *what)
{
    struct targets none = {0};
    int refused = survey(path, &none, ignore), status;
    char *output;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    if (getenv("SHOW") && (refused != 0) != (status != 0 || strstr(output, "? no")))
        printf("%s: %s of inode %u: survey: %s; e2fsck: %d %s\n\n", what, kinds[target->kind],
               target->number, refused ? error.message : "passes", status, output);
    cr_expect(refused || !is_grave(output), "%s: %s of inode %u passes: %s", what,
              kinds[target->kind], target->number, output);
    free(output);
}

/* One mutant; the file is the old one afterwards. */
static void mutate(const char *path, int fd, const struct target *target, uint64_t *random)
{
    uint8_t old[EXT2_MAX_BLOCK_SIZE], new[EXT2_MAX_BLOCK_SIZE];
    char what[64];
    size_t at;

    cr_assert_eq(pread(fd, old, target->size, (off_t)target->offset), (ssize_t)target->size);
    memcpy(new, old, target->size);
    at = damage(new, target->size, random);
    if (memcmp(old, new, target->size) == 0)
        return;
    snprintf(what, sizeof what, "byte %zu: %02x to %02x", at, old[at], new[at]);
    cr_assert_eq(pwrite(fd, new, target->size, (off_t)target->offset), (ssize_t)target->size);
    judge(path, target, what);
    cr_assert_eq(pwrite(fd, old, target->size, (off_t)target->offset), (ssize_t)target->size);
}

static const struct target *choose(const struct targets *targets, uint64_t *random)
{
    enum kind kind = (enum kind)random_below(random, KINDS);
    size_t at = (size_t)random_below(random, targets->count);

    for (size_t i = 0; i < targets->count; i++)
        if (targets->list[(at + i) % targets->count].kind == kind)
            return &targets->list[(at + i) % targets->count];
    return &targets->list[at];
}

static const char *const layouts[] = {
    "-b 1024 -O ^metadata_csum -N 1024",
    "-b 1024 -O ^extents,^64bit,^metadata_csum -N 1024",
    "-b 1024 -O bigalloc,^metadata_csum -C 4096 -N 1024",
    "-b 1024 -O inline_data,^metadata_csum -N 1024",
    "-b 1024 -O ea_inode -N 1024",
};

Test(ext4_survey_mutants, nothing_grave_passes)
{
    uint64_t random = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 1;
    int mutants = getenv("SHOW") ? atoi(getenv("SHOW")) : MUTANTS;

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *path = make_filesystem(layouts[i], 24 * MIB, 1, &error);
        struct targets targets = {0};
        int fd;

        cr_assert_not_null(path, "%s: %s", layouts[i], error.message);
        cr_assert_eq(survey(path, &targets, collect), 0, "%s", error.message);
        fd = open(path, O_RDWR | O_CLOEXEC);
        cr_assert_geq(fd, 0);
        for (int mutant = 0; mutant < mutants; mutant++)
            mutate(path, fd, choose(&targets, &random), &random);
        close(fd);
        free(targets.list);
        filesystem_remove(path);
    }
}
