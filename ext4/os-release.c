#include "ext4/os-release.h"

#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"

#define READ_MAX (64 * KIB) /* of a file; the real ones have 400 bytes */

/* Copies one shell word: bare, in single or in double quotes. */
static void unquote(const char *word, char *name, size_t name_size)
{
    char quote = *word == '"' || *word == '\'' ? *word++ : '\0';
    size_t length = 0;

    for (; *word && *word != '\n' && length + 1 < name_size; word++) {
        if (quote ? *word == quote : *word == ' ' || *word == '\t')
            break;
        if (*word == '\\' && quote != '\'' && word[1] && word[1] != '\n')
            word++;
        name[length++] = *word;
    }
    name[length] = '\0';
}

void os_release_parse(const char *text, char *name, size_t name_size)
{
    static const char key[] = "PRETTY_NAME=";

    name[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, strlen(key)) == 0)
            unquote(line + strlen(key), name, name_size);
    }
}

/* Reads the file's start as a text into buffer, which has READ_MAX + 1 bytes. */
static errcode_t read_start(ext2_filsys fs, ext2_ino_t ino, char *buffer)
{
    struct ext2_inode inode;
    unsigned length = 0;
    ext2_file_t file;
    errcode_t code = ext2fs_read_inode(fs, ino, &inode);

    if (code)
        return code;
    if (!LINUX_S_ISREG(inode.i_mode))
        return EXT2_ET_BAD_INODE_NUM;
    code = ext2fs_file_open2(fs, ino, &inode, 0, &file);
    if (code)
        return code;
    code = ext2fs_file_read(file, buffer, READ_MAX, &length);
    ext2fs_file_close(file);
    buffer[length] = '\0';
    return code;
}

void os_release_read(ext2_filsys fs, char *name, size_t name_size)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    CLEANUP_FREE char *text = malloc(READ_MAX + 1);

    name[0] = '\0';
    for (size_t i = 0; text && i < sizeof paths / sizeof *paths && !name[0]; i++) {
        ext2_ino_t ino;

        if (ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, paths[i], &ino) == 0 &&
            read_start(fs, ino, text) == 0)
            os_release_parse(text, name, name_size);
    }
}
