#define _GNU_SOURCE
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ext4/recovery.h"
#include "ext4resize/job.h"
#include "ext4resize/options.h"
#include "ext4resize/undo-file.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "program/process-posix.h"

/* What isn't mounted may still be in use: opening it finds that out. */
static int check_mounted(const struct options *options, struct error *error)
{
    char where[4096] = "";
    int flags = 0;

    if (ext2fs_check_mount_point(options->device, &flags, where, sizeof where) ||
        !(flags & EXT2_MF_MOUNTED))
        return 0;
    error_set(error, ERROR_BUSY,
              "the filesystem is mounted on %s (one that isn't mounted expected: on-line resizing "
              "is not done here)",
              where[0] ? where : "some folder");
    return error_set_remedy(error, "unmount it, or let `resize2fs` grow it while it is mounted");
}

/* Where the undo file goes: an empty name leaves that to the environment, as resize2fs has it. */
static int choose_undo_path(struct job *job, struct error *error)
{
    const char *name = job->options->undo, *folder = getenv("E2FSPROGS_UNDO_DIR");
    const char *slash = strrchr(job->options->device, '/');
    const char *device = slash ? slash + 1 : job->options->device;
    int length = 0;

    if (!name || !job->changes)
        return 0;
    if (name[0])
        length = asprintf(&job->undo_path, "%s", name);
    else if (folder && folder[0] && strcmp(folder, "none") != 0)
        length = asprintf(&job->undo_path, "%s/resize2fs-%s.e2undo", folder, device);
    else
        fprintf(stderr, "No undo file is written: E2FSPROGS_UNDO_DIR names no folder for it.\n");
    if (length >= 0)
        return 0;
    job->undo_path = NULL;
    return error_set_no_memory(error);
}

static struct file *open_locked(const struct job *job, struct error *error)
{
    CLEANUP(cleanup_file)
    struct file *file = file_posix_open(job->options->device, job->changes, error);

    return file && file_lock(file, error) == 0 ? TAKE(file) : NULL;
}

/* Whatever becomes of this run, the image is whole then; and an undo file leads back to there. */
static int finish_earlier(struct job *job, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;
    struct file *file;

    if (!job->changes)
        return 0;
    file = open_locked(job, error);
    disk = file ? image_open(file, error) : NULL;
    if (!disk || image_finish(disk, &job->state.begun, error))
        return -1;
    if (job->state.begun)
        printf("A change that was interrupted is finished now.\n");
    return 0;
}

/* The bytes of the device: as they are, or with what changes kept in memory, or with what is
 * overwritten saved. */
static struct file *open_file(struct job *job, struct error *error)
{
    CLEANUP(cleanup_file) struct file *file = open_locked(job, error);
    struct file_host_facts facts;

    if (!file || file_host_facts(file, &facts, error) ||
        (job->options->flush && job->changes && file_flush(file, error)))
        return NULL;
    job->is_device = facts.is_device;
    if (!job->changes)
        return file_overlay_new(TAKE(file), error);
    if (!job->undo_path)
        return TAKE(file);
    job->undo = undo_file_new(TAKE(file), job->undo_path, error);
    return job->undo;
}

static int open_disk(struct job *job, struct error *error)
{
    struct file *file = open_file(job, error);

    if (!file)
        return -1;
    job->disk = image_open(file, error);
    if (!job->disk) {
        job->undo = NULL;
        return -1;
    }
    if (disk_describe(job->disk, &job->description, error))
        return -1;
    job->is_raw = strcmp(job->description.format, "raw") == 0;
    if (job->undo && !job->is_raw)
        return error_set(error, ERROR_UNSUPPORTED,
                         "an undo file (-z) can be written for a raw image or a block device only, "
                         "and this is %s",
                         job->description.format);
    return 0;
}

static void recovery_starts(void *context)
{
    struct job *job = context;

    job->state.begun = job->changes;
    posix_catch_interrupts();
}

static int recover(struct job *job, struct error *error)
{
    struct ext4_recovery recovery;

    if (ext4_recover_committed(job->disk, job->now, recovery_starts, job, &recovery, error))
        return error_wrap(error, "recovering the filesystem's journal");
    if (recovery.done && job->changes)
        printf("The filesystem was not unmounted: %u transactions replayed, %u orphans cleaned "
               "up.\n",
               recovery.transactions, recovery.truncated + recovery.deleted);
    return 0;
}

int job_open(struct job *job, struct error *error)
{
    bool is_there;

    if ((job->changes && check_mounted(job->options, error)) || choose_undo_path(job, error) ||
        finish_earlier(job, error) || open_disk(job, error))
        return -1;
    if (ext4_is_there(job->disk, &is_there, error))
        return -1;
    if (!is_there) {
        printf("Couldn't find valid filesystem superblock.\n");
        return error_set(error, ERROR_NOT_IMAGE, "there is no ext2, ext3 or ext4 filesystem on it");
    }
    if (recover(job, error) || ext4_open_checked(job->disk, job->options->force, &job->ext4, error))
        return -1;
    job->has_ext4 = true;
    return 0;
}

void job_close(struct job *job)
{
    resize_plan_free(&job->plan);
    if (job->has_ext4)
        ext4_release(&job->ext4);
    disk_close(job->disk);
    free(job->undo_path);
}
