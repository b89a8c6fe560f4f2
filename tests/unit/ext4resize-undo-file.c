/* Whatever is done to a file that is saved: e2undo gives back what it held at first, also when the
 * program ends in the middle of it; and until then it reads as one that isn't saved. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4resize/undo-file.h"
#include "image-format/file.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

#define LARGEST_WRITE (300 * KIB)

static struct error error;

struct setting {
    char folder[64];
    char undo_path[96], image_path[96];
    struct file *old, *image, *plain; /* memory files; plain: what image is to be */
    struct file *undo;
    uint64_t random;
};

static void expect(int result, const char *what)
{
    cr_assert_eq(result, 0, "%s: %s", what, error.message);
}

static void write_both(struct setting *setting, uint64_t offset, size_t size)
{
    uint8_t *bytes = must_allocate(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next(&setting->random);
    expect(file_write(setting->plain, offset, bytes, size, &error), "write");
    expect(file_write(setting->undo, offset, bytes, size, &error), "write");
    free(bytes);
}

static void set_up(struct setting *setting, uint64_t seed)
{
    uint64_t size;

    *setting = (struct setting){.random = seed};
    strcpy(setting->folder, "/tmp/undo-file-test.XXXXXX");
    cr_assert_not_null(mkdtemp(setting->folder));
    snprintf(setting->undo_path, sizeof setting->undo_path, "%s/undo", setting->folder);
    snprintf(setting->image_path, sizeof setting->image_path, "%s/image", setting->folder);
    size = 6 * MIB + 512 * random_below(&setting->random, 9);
    setting->plain = setting->undo = memory_file_new(size);
    for (int i = 0; i < 20; i++) /* the rest are holes */
        write_both(setting, random_below(&setting->random, size - LARGEST_WRITE),
                   1 + random_below(&setting->random, LARGEST_WRITE));
    write_both(setting, 1024, 1024);
    setting->old = memory_file_snapshot(setting->plain);
    setting->image = memory_file_snapshot(setting->plain);
    setting->undo = undo_file_new(lent_file_new(setting->image), setting->undo_path, &error);
    cr_assert_not_null(setting->undo, "%s", error.message);
}

static void tear_down(struct setting *setting)
{
    unlink(setting->undo_path);
    unlink(setting->image_path);
    rmdir(setting->folder);
    file_close(setting->old);
    file_close(setting->image);
    file_close(setting->plain);
}

/* What e2undo makes of the image as it is now has the old contents; what it grew by stays. */
static void check_undone(const struct setting *setting, const char *options)
{
    struct file *undone;
    char command[320];
    uint64_t old_size, size;

    expect(memory_file_store(setting->image, setting->image_path, &error), "store");
    snprintf(command, sizeof command, "e2undo %s %s %s >/dev/null 2>&1", options,
             setting->undo_path, setting->image_path);
    cr_assert_eq(system(command), 0, "%s", command);
    undone = memory_file_load(setting->image_path, &error);
    cr_assert_not_null(undone);
    expect(file_get_size(setting->old, &old_size, &error), "size");
    expect(file_get_size(undone, &size, &error), "size");
    cr_assert_geq(size, old_size);
    expect(file_set_size(undone, old_size, &error), "set size");
    cr_assert(memory_file_equal(undone, setting->old), "e2undo %s: byte %llu differs", options,
              (unsigned long long)memory_file_difference(undone, setting->old));
    file_close(undone);
}

static void read_both(struct setting *setting, uint64_t offset, size_t size)
{
    uint8_t *found = must_allocate(size), *expected = must_allocate(size);

    expect(file_read(setting->plain, offset, expected, size, &error), "read");
    expect(file_read(setting->undo, offset, found, size, &error), "read");
    cr_assert_eq(memcmp(found, expected, size), 0, "%zu bytes at %llu", size,
                 (unsigned long long)offset);
    free(found);
    free(expected);
}

static void do_something(struct setting *setting)
{
    uint64_t size, offset;
    size_t length = 1 + random_below(&setting->random, LARGEST_WRITE);

    expect(file_get_size(setting->plain, &size, &error), "size");
    offset = random_below(&setting->random, size - LARGEST_WRITE);
    switch (random_below(&setting->random, 8)) {
    case 0:
        expect(file_zero(setting->plain, offset, length, &error), "zero");
        expect(file_zero(setting->undo, offset, length, &error), "zero");
        break;
    case 1:
        expect(file_flush(setting->undo, &error), "flush");
        break;
    case 2:
        write_both(setting, size - length / 2, length); /* it grows */
        break;
    case 3:
        size = 2 * MIB + random_below(&setting->random, 6 * MIB);
        expect(file_set_size(setting->plain, size, &error), "set size");
        expect(file_set_size(setting->undo, size, &error), "set size");
        break;
    case 4:
        read_both(setting, offset, length);
        break;
    default:
        write_both(setting, offset, length);
    }
}

Test(undo_file, e2undo_gives_back_what_was_there)
{
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct setting setting;

        set_up(&setting, seed);
        for (unsigned i = 0; i < 5 + seed; i++)
            do_something(&setting);
        expect(undo_file_finish(setting.undo, &error), "finish");
        cr_assert(memory_file_equal(setting.image, setting.plain), "seed %u", (unsigned)seed);
        file_close(setting.undo);
        check_undone(&setting, "");
        tear_down(&setting);
    }
}

Test(undo_file, e2undo_gives_it_back_in_the_middle_too)
{
    struct setting setting;

    set_up(&setting, 4711);
    for (unsigned i = 0; i < 40; i++) {
        do_something(&setting);
        if (access(setting.undo_path, F_OK) == 0)
            check_undone(&setting, "-f");
        else
            cr_assert(memory_file_equal(setting.image, setting.old), "it isn't saved");
    }
    file_close(setting.undo);
    tear_down(&setting);
}

Test(undo_file, without_a_change_there_is_none)
{
    struct setting setting;

    set_up(&setting, 1);
    expect(undo_file_finish(setting.undo, &error), "finish");
    file_close(setting.undo);
    cr_assert_eq(rmdir(setting.folder), 0, "something was left in it");
    tear_down(&setting);
}
