/*
 * The name of the system installed in a filesystem, from os-release(5).
 */
#ifndef EXT4_OS_RELEASE_H
#define EXT4_OS_RELEASE_H

#include <ext2fs/ext2fs.h>
#include <stddef.h>

/* Reads PRETTY_NAME of /etc/os-release or /usr/lib/os-release; name becomes empty where there is
 * none. The filesystem may be open with EXT2_FLAG_SUPER_ONLY, and may lie. */
void os_release_read(ext2_filsys fs, char *name, size_t name_size);

/* Finds PRETTY_NAME in the text of such a file, its quotes and escapes removed. */
void os_release_parse(const char *text, char *name, size_t name_size);

#endif
