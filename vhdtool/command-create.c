#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "image-format/disk.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "program/process-posix.h"
#include "vhdtool/command.h"
#include "vhdtool/creation.h"
#include "vhdtool/report.h"
#include "vhdtool/watched-file.h"

/* How a creation went. */
struct outcome {
    uint64_t file_size; /* bytes */
    double seconds;
};

static int fill_disk(const struct options *options, const struct creation *creation,
                     struct disk *disk, struct error *error)
{
    if (!creation->with_ext4)
        return 0;
    report_step(options, "making the filesystem%s%s", creation->ext4.from ? " from " : "",
                creation->ext4.from ? creation->ext4.from : "");
    if (disk_begin(disk, error) || ext4_create(disk, &creation->ext4, error))
        return -1;
    return disk_commit(disk, error);
}

/* Makes the image in a file that has no name yet. */
static struct disk *make_disk(const struct options *options, const struct creation *creation,
                              struct file *file, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;

    report_step(options, "making the image");
    if (vhdx_create(file, &creation->vhdx, error)) {
        file_close(file);
        return NULL;
    }
    disk = image_open(file, error);
    if (!disk || fill_disk(options, creation, disk, error) || watched_file_check_interrupted(error))
        return NULL;
    return TAKE(disk);
}

static int carry_out(const struct options *options, const struct creation *creation,
                     const char **ret_state, struct outcome *ret_outcome, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;
    double start = posix_clock();
    struct disk_description description;
    struct progress_display display;
    struct file *named = file_posix_create(creation->path, error);
    struct file *file = named ? watched_file_new(named, &display.progress, error) : NULL;

    *ret_state = "no image was made";
    progress_begin(&display, options, creation->path);
    disk = file ? make_disk(options, creation, file, error) : NULL;
    progress_end(&display);
    if (!disk || disk_describe(disk, &description, error))
        return -1;
    if (file_posix_publish(named, error)) {
        if (file_posix_is_published(named))
            *ret_state = "the image is there, and whole";
        return -1;
    }
    *ret_state = NULL;
    ret_outcome->file_size = description.file_size;
    ret_outcome->seconds = posix_clock() - start;
    return 0;
}

static json_t *creation_json(const struct creation *creation, const struct outcome *outcome)
{
    const struct vhdx_create_options *vhdx = &creation->vhdx;
    char uuid[UUID_STR_LEN];
    json_t *filesystem = json_null();

    uuid_unparse_lower(creation->ext4.uuid, uuid);
    if (creation->with_ext4)
        filesystem = json_pack("{s:s, s:o, s:s}", "type", "ext4", "label",
                               json_from_text(creation->ext4.label), "uuid", uuid);
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "path",
                     json_from_text(creation->path), "format", "vhdx", "type", "dynamic",
                     "virtual_size", json_from_u64(vhdx->virtual_size), "block_size",
                     json_from_u64(vhdx->block_size), "logical_sector_size",
                     json_from_u64(vhdx->logical_sector_size), "physical_sector_size",
                     json_from_u64(vhdx->physical_sector_size), "id", json_from_guid(&vhdx->id),
                     "filesystem", filesystem, "dry_run", outcome == NULL, "file_size",
                     outcome ? json_from_u64(outcome->file_size) : json_null(), "seconds",
                     outcome ? json_real(outcome->seconds) : json_null());
}

/* outcome: NULL for a plan. */
static int report_creation(const struct options *options, const struct creation *creation,
                           const struct outcome *outcome, struct error *error)
{
    const char *label = creation->ext4.label ? creation->ext4.label : "";
    char size[SIZE_TEXT_SIZE], block_size[SIZE_TEXT_SIZE];

    if (options->json)
        return report_json(creation_json(creation, outcome), error);
    size_format(creation->vhdx.virtual_size, size);
    size_format(creation->vhdx.block_size, block_size);
    report_summary(options, "%s%s: dynamic vhdx of %s, blocks of %s%s%s%s%s%s%s",
                   outcome ? "" : "would make ", creation->path, size, block_size,
                   creation->with_ext4 ? ", with ext4" : "", *label ? " \"" : "", label,
                   *label ? "\"" : "", creation->ext4.from ? " from " : "",
                   creation->ext4.from ? creation->ext4.from : "");
    return 0;
}

/* *ret_state: what there is after a failure, where that is known. */
static int create(const struct options *options, const char **ret_state, struct error *error)
{
    struct creation creation;
    struct outcome outcome;

    *ret_state = NULL;
    if (creation_plan(options, getenv("SOURCE_DATE_EPOCH"), &creation, error))
        return -1;
    if (options->dry_run)
        return file_posix_check_free(creation.path, error)
                   ? -1
                   : report_creation(options, &creation, NULL, error);
    if (carry_out(options, &creation, ret_state, &outcome, error))
        return -1;
    return report_creation(options, &creation, &outcome, error);
}

static int run_create(const struct options *options)
{
    struct error error;
    const char *state;

    if (create(options, &state, &error) == 0)
        return STATUS_DONE;
    report_error(options->operands[0], &error, state);
    return exit_status(&error, true);
}

static const struct option_spec create_options[] = {
    {"format", 0, "FORMAT", "vhdx; by default what the name ends in"},
    {"block-size", 0, "SIZE", "what the image grows by: 1M to 256M, 1M by default"},
    {"sector-size", 0, "BYTES", "the disk's logical sector: 512, the default, or 4096"},
    {"ext4", 0, NULL, "put an ext4 filesystem on it, as WSL makes it"},
    {"label", 0, "TEXT", "the filesystem's name, up to 16 bytes"},
    {"uuid", 0, "UUID", "the filesystem's id; by default a new one"},
    {"from", 0, "DIR", "put what is in the folder into the filesystem; means --ext4"},
    {0},
};

const struct command command_create = {
    .name = "create",
    .summary = "Make a new image, empty or with an ext4 filesystem",
    .usage = "create [OPTIONS] IMAGE SIZE",
    .description =
        "SIZE is what the disk can hold; the file starts small and grows. The image gets its\n"
        "name when it is whole, and replaces no file. With SOURCE_DATE_EPOCH in the environment,\n"
        "times and ids follow from it, and the same words make the same image.\n",
    .options = create_options,
    .min_operands = 2,
    .max_operands = 2,
    .changes = true,
    .run = run_create,
};
