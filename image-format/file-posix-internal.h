/*
 * What the units of file-posix share.
 */
#ifndef IMAGE_FORMAT_FILE_POSIX_INTERNAL_H
#define IMAGE_FORMAT_FILE_POSIX_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "image-format/file.h"

struct posix_file {
    struct file file;
    int descriptor;
    char *temporary; /* the name until it is published; NULL when there is none to remove */
    char *side_path; /* of the side file; NULL: it can't have one */
    bool is_device;
    bool is_ours; /* locked: nobody else writes to it */
    /* What the system said of a file that is ours: nothing but data, and a hole behind. The same
     * as zeros: nothing is known. To find it out a system may walk over all of the data, so that
     * asking for every piece of a dense file would take quadratic time. */
    uint64_t data_from, data_to;
};

static inline struct posix_file *posix_of(struct file *file)
{
    return (struct posix_file *)file;
}

/* Takes ownership of descriptor, also on failure. */
struct posix_file *posix_new(const char *name, int descriptor, bool writable, struct error *error);
void posix_close(struct file *file);

/* From here to there, data become holes, or holes data. */
void posix_forget_data(struct posix_file *posix, uint64_t from, uint64_t to);

/* Makes the folder's entry for path durable. */
int posix_flush_folder(const char *path, struct error *error);

/* Refuses to write to a file on which a loop device stands. */
int posix_check_loop_devices(const struct stat *status, struct error *error);

/* The size of a block device, and of its sectors. */
int posix_device_size(int descriptor, uint64_t *ret_size, struct error *error);
int posix_device_sectors(int descriptor, struct file_host_facts *facts, struct error *error);

/* See file.h. */
int posix_read(struct file *file, uint64_t offset, void *buffer, size_t size, struct error *error);
int posix_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                struct error *error);
int posix_get_size(struct file *file, uint64_t *ret_size, struct error *error);
int posix_flush(struct file *file, struct error *error);
int posix_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
int posix_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
int posix_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error);
int posix_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error);
int posix_open_side(struct file *file, bool create, struct file **ret_side, struct error *error);
int posix_remove_side(struct file *file, struct error *error);

/* The side file's path for the image at path: beside the real file, whatever link led to it; for
 * a device, where files outlive a restart. NULL sets error. */
char *posix_side_path(const char *path, bool is_device, struct error *error);

/* Where the side file of a device lies. */
#define POSIX_DEVICE_SIDE_FOLDER "/var/tmp"

#endif
