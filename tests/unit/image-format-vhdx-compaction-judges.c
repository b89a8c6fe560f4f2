/* A VHDX that was compacted, its table or its log moved, as QEMU and libvhdi see it. */
#include <string.h>
#include <unistd.h>

#include "tests/support/host.h"
#include "tests/support/vhdx-compaction-case.h"

/* The test ends where there is no such program. */
static void run(const char *const words[])
{
    CLEANUP_FREE char *output = NULL;
    int status;

    if (host_run(words, &status, &output, &error))
        cr_skip_test("no %s", words[0]);
    cr_assert_eq(status, 0, "%s %s: %s", words[0], words[1], output);
}

/* All marks that count are where QEMU reads, and no others. */
static void check_raw(const char *path)
{
    struct file *raw = memory_file_load(path, &error);

    cr_assert_not_null(raw, "%s", error.message);
    for (size_t i = 0; i < the_case.block_count; i++) {
        uint64_t at = the_case.blocks[i].block * the_case.block_size;
        uint8_t bytes[8];

        MUST(file_read(raw, at, bytes, sizeof bytes, &error));
        cr_expect_eq(get_le64(bytes), the_case.blocks[i].unused ? 0 : mark_of(at), "block %llu",
                     (unsigned long long)the_case.blocks[i].block);
    }
    file_close(raw);
}

static void compact_for_judges(void)
{
    CLEANUP_FREE char *path = host_temporary_file(NULL, &error);
    CLEANUP_FREE char *raw = host_temporary_file(NULL, &error);
    struct disk_compaction figures;

    open_image();
    MUST(compact_once(disk, &figures));
    cr_expect_eq(image_size(), figures.file_size);
    MUST(memory_file_store(image, path, &error));
    run((const char *[]){"qemu-img", "check", "-q", path, NULL});
    run((const char *[]){"vhdiinfo", path, NULL});
    run((const char *[]){"qemu-img", "convert", "-f", "vhdx", "-O", "raw", path, raw, NULL});
    check_raw(raw);
    unlink(path);
    unlink(raw);
    drop_image();
}

Test(vhdx_compaction_judges, a_table_that_moved)
{
    begin_case(40 * MIB, MIB, 100 * KIB);
    put_blocks(0, 10);
    resize(200 * GIB);
    put_blocks(20, 2);
    give_up_blocks(DISK_UNUSED_FREE, 2, 6);
    give_up_blocks(DISK_UNUSED_BLANK, 20, 1);
    ready_case();
    compact_for_judges();
}

Test(vhdx_compaction_judges, a_table_that_was_cut_short)
{
    begin_case(20 * MIB, MIB, 100 * KIB);
    put_blocks(0, 6);
    resize(2 * TIB);
    put_blocks(6, 3);
    resize(12 * MIB);
    give_up_blocks(DISK_UNUSED_FREE, 2, 2);
    ready_case();
    compact_for_judges();
}

Test(vhdx_compaction_judges, a_log_that_moved)
{
    make_long_case();
    leave_log_at_the_end();
    compact_for_judges();
}
