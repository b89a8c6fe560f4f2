/* Inodes of real filesystems get other numbers: e2fsck finds nothing, the tree is what it was, and
 * the kernel reads it and writes to it. */
#include "tests/support/renumber-fixture.h"

/* All that debugfs makes, in every layout. */
Test(resize_renumber, layouts)
{
    static const char *const kinds[] = {
        "-b 1024 -g 2048 -N 3000",
        "-b 4096 -g 2048 -N 3000",
        "-b 2048 -I 512 -g 2048 -N 2000 -G 4",
        "-b 1024 -I 128 -g 2048 -N 3000",
        "-b 1024 -g 2048 -N 3000 -O ^metadata_csum,uninit_bg",
        "-b 1024 -g 2048 -N 3000 -O ^metadata_csum,^uninit_bg",
        "-b 1024 -g 2048 -N 3000 -I 128 -O ^metadata_csum,^uninit_bg,^extent,^has_journal,^64bit",
        "-b 1024 -g 2048 -N 3000 -I 128 -O ^metadata_csum,^flex_bg,^huge_file,^resize_inode",
        "-b 1024 -g 2048 -N 3000 -O ^extent,^64bit",
        "-b 1024 -g 2048 -N 3000 -O ^filetype",
        "-b 1024 -g 2048 -N 3000 -O ^dir_index",
        "-b 1024 -g 2048 -N 3000 -O inline_data",
        "-b 1024 -g 2048 -N 3000 -O inline_data,^metadata_csum",
        "-b 1024 -g 2048 -N 3000 -O ea_inode",
        "-b 1024 -g 2048 -N 3000 -O meta_bg,^resize_inode",
        "-b 1024 -g 2048 -N 3000 -O bigalloc -C 4096",
        "-b 1024 -g 2048 -N 3000 -O orphan_file",
        "-b 1024 -g 2048 -N 3000 -O metadata_csum_seed,casefold,large_dir",
        "-b 1024 -g 2048 -N 3000 -E lazy_itable_init=0",
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = make_filesystem(kinds[i], 24 * MIB, 2, &error);

        cr_assert_not_null(path, "%s: %s", kinds[i], error.message);
        renumber_and_judge(path, kinds[i], ANYWHERE, i);
        renumber_and_judge(path, kinds[i], DOWNWARDS, i);
        filesystem_remove(path);
    }
}

/* All that must survive, as the kernel tells it. */
static const char fingerprint[] =
    MOUNT "export LC_ALL=C; find . -type d -printf '%p %y %m %U:%G %T@ %n\\n' -o"
          " -printf '%p %y %m %U:%G %T@ %n %s %l\\n' | sort;"
          "find . -print0 | sort -z | xargs -0 -r getfattr -h -d -m - -e hex;"
          "find . -type f -print0 | sort -z | xargs -0 -r sha256sum;" LEAVE;

/* What a kernel that finds something odd would trip over. */
static const char use_it[] =
    MOUNT "mkdir new; seq 300 | sed 's,^,new/,' | xargs touch; rm -rf tree0 new/1*; mv new renewed;"
          "find . -type d | while read -r d; do echo x >\"$d/added\"; rm \"$d/added\"; done;" LEAVE;

/* A filesystem that the kernel fills. */
static void judge_by_kernel(const char *options, uint64_t size, const char *fill)
{
    CLEANUP_FREE char *before = NULL, *after = NULL;
    char *path;

    if (!can_mount())
        cr_skip("filesystems in files can't be mounted");
    path = make_filesystem(options, size, 1, &error);
    cr_assert_not_null(path, "%s: %s", options, error.message);
    free(run_script(fill, path));
    /* The kernel leaves trees that e2fsck would have narrower. */
    free(run_script("e2fsck -fy \"$1\" || test $? = 1", path));
    expect_clean(path, "before");
    before = run_script(fingerprint, path);
    renumber_and_judge(path, options, ANYWHERE, 7);
    renumber_and_judge(path, options, DOWNWARDS, 7);
    after = run_script(fingerprint, path);
    cr_expect_str_eq(before, after, "%s: the kernel sees another tree", options);
    expect_clean(path, options);
    free(run_script(use_it, path));
    expect_clean(path, "after the kernel used it");
    filesystem_remove(path);
}

static const char fill_large[] =
    MOUNT "mkdir -p large/sub few; seq -f large/entry-with-a-long-name-%.0f 10000 | xargs touch;"
          "ln large/entry-with-a-long-name-77 few/linked; mkdir large/d{1..50};"
          "rm large/entry-with-a-long-name-5*; mknod few/device c 5 6; mkfifo few/fifo;"
          "mkdir emptied; seq -f emptied/%.0f 400 | xargs touch; rm emptied/*;" LEAVE;

Test(resize_renumber, large_directories)
{
    judge_by_kernel("-b 1024 -N 16000", 32 * MIB, fill_large);
    judge_by_kernel("-b 4096 -N 16000 -O large_dir", 48 * MIB, fill_large);
    judge_by_kernel("-b 1024 -N 16000 -O ^metadata_csum,uninit_bg", 32 * MIB, fill_large);
    judge_by_kernel("-b 1024 -N 16000 -O ^dir_index", 32 * MIB, fill_large);
    judge_by_kernel("-b 1024 -N 16000 -O ^metadata_csum,^uninit_bg,^extent,^64bit -I 128", 32 * MIB,
                    fill_large);
}

static const char fill_inline[] = MOUNT
    "for i in $(seq 100); do mkdir -p a/b$i/c; echo text >a/b$i/file; ln -s b$i a/link$i; done;"
    "mkdir grown; touch grown/name-{1..8}; mkdir shrunk; touch shrunk/{1..9}; rm shrunk/*;"
    "for i in $(seq 20); do mkdir n$i; for j in $(seq $i); do mkdir n$i/$j; done; done;" LEAVE;

Test(resize_renumber, inline_directories)
{
    judge_by_kernel("-b 1024 -N 3000 -g 2048 -O inline_data", 32 * MIB, fill_inline);
    judge_by_kernel("-b 4096 -I 512 -N 3000 -O inline_data", 32 * MIB, fill_inline);
    judge_by_kernel("-b 1024 -N 3000 -O inline_data,^metadata_csum", 32 * MIB, fill_inline);
}

static const char fill_values[] = MOUNT
    "big=$(head -c 3000 /dev/zero | tr '\\0' x); mkdir values;"
    "for i in $(seq 60); do echo $i >values/$i; setfattr -n user.big -v $big$((i % 7)) values/$i;"
    " setfattr -n user.small -v $i values/$i; done;"
    "for i in $(seq 30); do setfattr -n user.second -v \"$(head -c 8000 /dev/zero | tr '\\0' y)$i\""
    " values/$i; done; mkdir values/d; setfattr -n user.big -v $big values/d;" LEAVE;

Test(resize_renumber, values_in_inodes)
{
    judge_by_kernel("-b 1024 -N 3000 -g 2048 -O ea_inode", 32 * MIB, fill_values);
    judge_by_kernel("-b 1024 -I 512 -N 3000 -O ea_inode,inline_data", 32 * MIB, fill_values);
    judge_by_kernel("-b 1024 -N 3000 -O ea_inode,^metadata_csum", 32 * MIB, fill_values);
    judge_by_kernel("-b 1024 -I 128 -N 3000 -O ea_inode", 32 * MIB, fill_values);
}

/* Not every kernel knows them: debugfs makes the names, and e2fsck the index over them. */
static const char fill_folded[] =
    "set -eu; { echo mkdir folded; echo set_inode_field folded flags 0x40080000; echo cd folded;"
    "for i in $(seq 400); do echo mkdir Sub-$i; echo symlink Link-$i target; done; } |"
    "debugfs -w -f - \"$1\"; e2fsck -fyD \"$1\" || test $? = 1;"
    "debugfs -R 'htree_dump folded' \"$1\" | grep -q 'Root node'";

Test(resize_renumber, folded_directories)
{
    char *path = make_filesystem("-b 1024 -N 3000 -O casefold", 32 * MIB, 0, &error);

    cr_assert_not_null(path, "%s", error.message);
    free(run_script(fill_folded, path));
    renumber_and_judge(path, "folded", ANYWHERE, 7);
    renumber_and_judge(path, "folded", DOWNWARDS, 7);
    filesystem_remove(path);
}

static const char fill_fragments[] =
    MOUNT "for i in $(seq 6); do for n in $(seq 0 2 400); do dd if=/dev/urandom of=sparse$i bs=1k "
          "count=1"
          " seek=$n conv=notrunc status=none; done; done; chown 70000:80000 sparse*;" LEAVE;

/* Extent trees with blocks of their own; owners beyond 16 bits. */
Test(resize_renumber, trees_of_extents)
{
    judge_by_kernel("-b 1024 -N 3000 -g 2048", 48 * MIB, fill_fragments);
    judge_by_kernel("-b 1024 -N 3000 -O orphan_file", 48 * MIB, fill_fragments);
}

/* Lengths of entries that don't fit into their field. */
Test(resize_renumber, blocks_of_64_kib)
{
    char *path = make_filesystem("-b 65536 -N 3000 -O ^has_journal", 96 * MIB, 1, &error);

    cr_assert_not_null(path, "%s", error.message);
    renumber_and_judge(path, "linear", ANYWHERE, 1);
    free(run_script("{ echo cd tree0/many; for i in $(seq 900); do"
                    "  echo symlink $(printf %0200d $i) target; done; } | debugfs -w -f - \"$1\";"
                    "e2fsck -fyD \"$1\" || test $? = 1; debugfs -R 'htree_dump tree0/many' \"$1\" |"
                    "grep -q 'Root node'",
                    path));
    renumber_and_judge(path, "hashed", ANYWHERE, 2);
    renumber_and_judge(path, "hashed", DOWNWARDS, 2);
    filesystem_remove(path);
}

/* The quota file of projects and the orphan file have numbers like others, and no names. Both are
 * made to move. */
Test(resize_renumber, inodes_that_the_superblock_mentions)
{
    static const char accounts[] = "debugfs -R 'list_quota project' \"$1\" 2>/dev/null";
    char *path = make_filesystem("-b 1024 -N 3000 -O project,orphan_file", 32 * MIB, 1, &error);
    CLEANUP_FREE char *before = NULL;
    struct moves moves = {0};
    struct opened opened;

    cr_assert_not_null(path, "%s", error.message);
    free(run_script("debugfs -w -R 'set_inode_field /tree0/file7 projid 4711' \"$1\";"
                    "tune2fs -Q usrquota,grpquota,prjquota \"$1\"",
                    path));
    before = run_script(accounts, path);
    cr_assert(strstr(before, "4711"), "%s", before);
    open_filesystem(path, &opened);
    add_move(&moves, opened.ext4.fs->super->s_prj_quota_inum, 2900);
    add_move(&moves, opened.ext4.fs->super->s_orphan_file_inum, 2990);
    close_filesystem(&opened);
    qsort(moves.list, moves.count, sizeof *moves.list, compare_moves);
    renumber(path, moves);
    free(moves.list);
    expect_clean(path, "both");
    for (uint64_t seed = 0; seed < 4; seed++) {
        CLEANUP_FREE char *after = NULL;

        renumber_and_judge(path, "anywhere", seed < 3 ? ANYWHERE : DOWNWARDS, seed);
        after = run_script(accounts, path);
        cr_expect_str_eq(before, after);
    }
    filesystem_remove(path);
}
