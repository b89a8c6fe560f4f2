/* Files of the host: their side files, and zeroing. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

static struct error error;
static char folder[64];
static char image_path[128], side_path[160], link_path[128];

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static void set_up(void)
{
    int descriptor;

    snprintf(folder, sizeof folder, "/tmp/vhdtool-posix-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(image_path, sizeof image_path, "%s/a.img", folder);
    snprintf(side_path, sizeof side_path, "%s.vhdtool-journal", image_path);
    snprintf(link_path, sizeof link_path, "%s/link.img", folder);
    descriptor = open(image_path, O_CREAT | O_RDWR, 0640);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(ftruncate(descriptor, MIB), 0);
    close(descriptor);
}

static void tear_down(void)
{
    unlink(image_path);
    unlink(side_path);
    unlink(link_path);
    rmdir(folder);
}

TestSuite(file_posix, .init = set_up, .fini = tear_down);

static struct file *open_image(const char *path, bool writable)
{
    struct file *file = file_posix_open(path, writable, &error);

    cr_assert_not_null(file, "%s", error.message);
    return file;
}

Test(file_posix, a_side_file_is_found_by_every_path)
{
    struct file *file = open_image(image_path, true), *side;
    char bytes[4] = "";
    struct stat status;

    MUST(file_open_side(file, false, &side, &error));
    cr_assert_null(side);
    MUST(file_open_side(file, true, &side, &error));
    MUST(file_write(side, 0, "abc", 3, &error));
    file_close(side);
    cr_assert_eq(file_open_side(file, true, &side, &error), -1, "made twice");
    file_close(file);
    cr_assert_eq(stat(side_path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640, "mode %o", status.st_mode & 0777);

    cr_assert_eq(symlink("a.img", link_path), 0);
    file = open_image(link_path, true);
    MUST(file_open_side(file, false, &side, &error));
    cr_assert_not_null(side, "not found through the link");
    MUST(file_read(side, 0, bytes, 3, &error));
    cr_assert_str_eq(bytes, "abc");
    file_close(side);
    MUST(file_remove_side(file, &error));
    cr_assert_neq(stat(side_path, &status), 0);
    file_close(file);
}

Test(file_posix, who_reads_makes_and_removes_no_side_file)
{
    struct file *file = open_image(image_path, false), *side;

    cr_assert_eq(file_open_side(file, true, &side, &error), -1);
    cr_assert_eq(file_remove_side(file, &error), -1);
    MUST(file_open_side(file, false, &side, &error));
    cr_assert_null(side);
    file_close(file);
}

Test(file_posix, a_side_file_that_is_a_link_is_refused)
{
    struct file *file = open_image(image_path, true), *side;

    cr_assert_eq(symlink(image_path, side_path), 0);
    cr_assert_eq(file_open_side(file, false, &side, &error), -1);
    cr_assert_eq(file_open_side(file, true, &side, &error), -1);
    file_close(file);
}

Test(file_posix, a_side_file_of_somebody_else_is_refused)
{
    struct file *file = open_image(image_path, true), *side;
    int descriptor = open(side_path, O_CREAT | O_RDWR, 0644);

    cr_assert_geq(descriptor, 0);
    if (fchown(descriptor, 12345, 12345) == 0) {
        cr_assert_eq(file_open_side(file, false, &side, &error), -1);
        cr_assert_eq(error.kind, ERROR_REFUSED);
        cr_assert_eq(chown(image_path, 12345, 12345), 0);
        MUST(file_open_side(file, false, &side, &error)); /* of the image's owner */
        file_close(side);
    }
    cr_assert_eq(fchmod(descriptor, 0666), 0);
    cr_assert_eq(file_open_side(file, false, &side, &error), -1, "everybody may write to it");
    close(descriptor);
    file_close(file);
}

Test(file_posix, a_file_of_two_names_gets_no_side_file)
{
    struct file *file = open_image(image_path, true), *side;

    cr_assert_eq(link(image_path, link_path), 0);
    cr_assert_eq(file_open_side(file, true, &side, &error), -1);
    cr_assert_eq(error.kind, ERROR_REFUSED);
    file_close(file);
}

Test(file_posix, zeros_and_nothing_else)
{
    static uint8_t model[MIB], found[MIB];
    struct file *file = open_image(image_path, true);
    uint64_t random = 5, size;

    memset(model, 0x77, MIB);
    MUST(file_write(file, 0, model, MIB, &error));
    for (int i = 0; i < 200; i++) {
        uint64_t offset = random_below(&random, MIB);
        uint64_t count = min_u64(random_below(&random, i % 2 ? 3000 : 90000), MIB - offset);

        MUST(file_write(file, offset, found, 1, &error));
        model[offset] = found[0];
        MUST(file_zero(file, offset, count, &error));
        memset(model + offset, 0, (size_t)count);
        MUST(file_read(file, 0, found, MIB, &error));
        cr_assert_arr_eq(found, model, MIB, "after %llu at %llu", (unsigned long long)count,
                         (unsigned long long)offset);
        memset(found, 0x77, MIB);
    }
    cr_assert_eq(file_zero(file, MIB - 1, 2, &error), -1, "beyond the end");
    MUST(file_get_size(file, &size, &error));
    cr_assert_eq(size, MIB);
    file_close(file);
}

Test(file_posix, what_is_no_file_and_no_device)
{
    cr_assert_null(file_posix_open("/dev/null", false, &error));
    cr_assert_eq(error.kind, ERROR_UNSUPPORTED);
    cr_assert_null(file_posix_open(folder, false, &error));
}
