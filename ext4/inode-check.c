#include "ext4/inode-check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int inode_is_damaged(struct error *error, uint32_t number, const char *format, ...)
{
    char what[sizeof error->message - 32];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    error_set(error, ERROR_CORRUPT, "inode %" PRIu32 ": %s", number, what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int inode_read_block(struct ext4 *ext4, uint32_t number, uint64_t block, uint8_t *bytes,
                     struct error *error)
{
    errcode_t code = io_channel_read_blk64(ext4->fs->io, block, 1, bytes);

    if (code)
        ext4_set_error(error, &ext4->io, code, "inode %" PRIu32 ": cannot read block %" PRIu64,
                       number, block);
    return code ? -1 : 0;
}
