#include <limits.h>

#include <string.h>

#include "base/cleanup.h"
#include "compaction/compaction.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "vhdtool/command.h"
#include "vhdtool/image-info.h"
#include "vhdtool/report.h"

/* Beyond so many block groups, info leaves it to `compact --dry-run` to look at each: it is to take
 * neither the time nor the memory for that. */
#define FORESEEN_GROUPS 32768 /* 4 TiB in blocks of 4 KiB */

static bool is_too_large(const struct filesystem_facts *facts)
{
    return facts->is_ext &&
           facts->size / facts->block_size / (8 * facts->block_size) > FORESEEN_GROUPS;
}

/* What compact would give back. Looking for it changes what it looks at, in memory; and whatever
 * speaks against it leaves the figure open. Without --punch, a raw image
 * gives back nothing. */
static void foresee_compaction(const char *path, struct image_info *info)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;
    struct error ignored;
    struct file *file;

    if (strcmp(info->description.format, "raw") == 0 || is_too_large(&info->contents.filesystem))
        return;
    file = file_posix_open(path, false, &ignored);
    if (file)
        file = file_overlay_new(file, &ignored);
    disk = file ? image_open(file, &ignored) : NULL;
    if (disk &&
        compaction_foresee(disk, &info->knows_reclaimable, &info->reclaimable_size, &ignored))
        info->knows_reclaimable = false;
}

static int read_info(const char *path, struct image_info *ret_info, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;
    struct file *file = file_posix_open(path, false, error);

    if (!file)
        return -1;
    disk = image_open(file, error);
    if (!disk)
        return -1;
    ret_info->path = path;
    if (disk_describe(disk, &ret_info->description, error))
        return -1;
    if (disk_contents_read(disk, &ret_info->contents, error))
        return -1;
    foresee_compaction(path, ret_info);
    return 0;
}

static int print_info(const struct options *options, const struct image_info *info,
                      struct error *error)
{
    CLEANUP_FREE char *text = NULL;

    if (options->json)
        return report_json(image_info_json(info), error);
    text = image_info_text(info);
    if (!text)
        return error_set_no_memory(error);
    if (!options->quiet)
        report_text(text);
    return 0;
}

static int report_one(const struct options *options, const char *path)
{
    CLEANUP_FREE struct image_info *info = calloc(1, sizeof *info);
    struct error error;

    report_step(options, "reading %s", path);
    if (!info)
        error_set_no_memory(&error);
    else if (read_info(path, info, &error) == 0 && print_info(options, info, &error) == 0)
        return STATUS_DONE;
    report_error(path, &error, NULL);
    return exit_status(&error, false);
}

static int run_info(const struct options *options)
{
    int worst = STATUS_DONE;

    for (unsigned i = 0; i < options->operand_count; i++)
        worst = status_of_both(worst, report_one(options, options->operands[i]));
    return worst;
}

const struct command command_info = {
    .name = "info",
    .summary = "Say what an image is and what is in it",
    .usage = "info [OPTIONS] IMAGE...",
    .description = "Reads only. Where there are several images, it goes on after one that fails.\n",
    .min_operands = 1,
    .max_operands = UINT_MAX,
    .run = run_info,
};
