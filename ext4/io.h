/*
 * libext2fs over a virtual disk: an io_manager that reads and writes through
 * disk.h, and what libext2fs's errors become.
 *
 * Writes go into the disk's transaction. A write that touches no block of the
 * committed filesystem is unreferenced (disk.h, D2) and may go in place; all
 * else is shadowed. The committed filesystem owns [0, committed_size) here, but for
 * what its space (ext4/space.h) says is free.
 */
#ifndef EXT4_IO_H
#define EXT4_IO_H

#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "base/error.h"

struct disk;
struct ext4_space;

/* What an open filesystem stands on; filled in by the caller, and outlives the filesystem. */
struct ext4_io {
    struct disk *disk;
    uint64_t committed_size;  /* bytes; writes at or beyond it are unreferenced. 0: a new one */
    struct ext4_space *space; /* what of that is free; NULL: nothing. Its own to set */
    struct error
        first_error; /* the disk's own words for the first failure, kind ERROR_NONE: none */
};

/* The io_manager, and the name under which ext2fs_open2 and ext2fs_initialize find io. */
#define EXT4_IO_NAME_SIZE 32
extern struct struct_io_manager ext4_io_manager;
void ext4_io_name(const struct ext4_io *io, char name[EXT4_IO_NAME_SIZE]);

/* Writes, or makes zeros of, bytes of the disk: in place where the committed filesystem doesn't
 * use them. */
int ext4_io_write(struct ext4_io *io, uint64_t offset, const void *data, uint64_t size,
                  struct error *error);
int ext4_io_zero(struct ext4_io *io, uint64_t offset, uint64_t size, struct error *error);

/* Turns a failure of libext2fs into an error: the disk's own words where the disk failed, else
 * "what: libext2fs's text" of kind ERROR_CORRUPT. Always returns -1. */
int ext4_set_error(struct error *error, const struct ext4_io *io, errcode_t code,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Closes without flushing: what wasn't written stays unwritten. NULL is fine. */
void ext4_close(ext2_filsys fs);
static inline void cleanup_ext4(ext2_filsys *fs)
{
    ext4_close(*fs);
}

#endif
