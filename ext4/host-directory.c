#define _GNU_SOURCE
#include "ext4/host-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"

static void close_stream(DIR **stream)
{
    if (*stream)
        closedir(*stream);
}

static void free_level(struct host_level *level)
{
    for (size_t i = 0; i < level->name_count; i++)
        free(level->names[i]);
    free(level->names);
    *level = (struct host_level){0};
}

int host_walk_set_error(const struct host_walk *walk, int errno_value, const char *what,
                        struct error *error)
{
    bool at_top = !walk->path || walk->path[0] == '\0';

    return error_set_errno(error, errno_value, "can't %s %s%s%s", what, walk->top,
                           at_top ? "" : "/", at_top ? "" : walk->path);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct host_level *level, const char *name, size_t *capacity,
                    struct error *error)
{
    char **names;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    names = array_make_room(level->names, level->name_count, capacity, sizeof *names, error);
    if (!names)
        return -1;
    level->names = names;
    level->names[level->name_count] = strdup(name);
    if (!level->names[level->name_count])
        return error_set_no_memory(error);
    level->name_count++;
    return 0;
}

/* Reads all names of the directory that is open as fd. */
static int read_names(const struct host_walk *walk, int fd, struct host_level *level,
                      struct error *error)
{
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    CLEANUP(close_stream) DIR *stream = own_fd < 0 ? NULL : fdopendir(own_fd);
    size_t capacity = 0;
    struct dirent *entry;

    if (!stream) {
        host_walk_set_error(walk, errno, "read the directory", error);
        if (own_fd >= 0)
            close(own_fd);
        return -1;
    }
    for (;;) {
        errno = 0;
        entry = readdir(stream);
        if (!entry)
            break;
        if (add_name(level, entry->d_name, &capacity, error))
            return -1;
    }
    if (errno != 0)
        return host_walk_set_error(walk, errno, "read the directory", error);
    if (level->name_count > 0)
        qsort(level->names, level->name_count, sizeof *level->names, compare_names);
    return 0;
}

static int push_level(struct host_walk *walk, int fd, const struct stat *facts, struct error *error)
{
    struct host_level level = {
        .device = facts->st_dev,
        .inode = facts->st_ino,
        .path_size = strlen(walk->path),
    };
    struct host_level *levels;

    levels = array_make_room(walk->levels, walk->depth, &walk->capacity, sizeof *levels, error);
    if (!levels)
        return -1;
    walk->levels = levels;
    if (read_names(walk, fd, &level, error)) {
        free_level(&level);
        return -1;
    }
    walk->levels[walk->depth++] = level;
    return 0;
}

/* Reading leaves no trace where the host allows that: to the owner and to root. */
static int open_quietly(int fd, const char *name, int flags)
{
    int opened = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOATIME | flags);

    return opened >= 0 || errno != EPERM ? opened : openat(fd, name, O_RDONLY | O_CLOEXEC | flags);
}

int host_walk_open(struct host_walk *walk, const char *top, struct stat *ret_facts,
                   struct error *error)
{
    *walk = (struct host_walk){.fd = -1, .top = top, .path_capacity = 256};
    walk->path = calloc(1, walk->path_capacity);
    if (!walk->path)
        return error_set_no_memory(error);
    walk->fd = open_quietly(AT_FDCWD, top, O_DIRECTORY);
    if (walk->fd < 0)
        return host_walk_set_error(walk, errno, "open", error);
    if (fstat(walk->fd, ret_facts))
        return host_walk_set_error(walk, errno, "look at", error);
    return push_level(walk, walk->fd, ret_facts, error);
}

static int set_path(struct host_walk *walk, size_t base_size, const char *name, struct error *error)
{
    size_t name_size = strlen(name);
    size_t needed = base_size + 1 + name_size + 1;

    if (needed > walk->path_capacity) {
        char *path = realloc(walk->path, needed * 2);

        if (!path)
            return error_set_no_memory(error);
        walk->path = path;
        walk->path_capacity = needed * 2;
    }
    if (base_size > 0)
        walk->path[base_size++] = '/';
    memcpy(walk->path + base_size, name, name_size + 1);
    return 0;
}

/* Back to the directory above, if it still is what it was. */
static int leave(struct host_walk *walk, struct error *error)
{
    const struct host_level *above;
    struct stat facts;
    int fd;

    walk->path[walk->levels[walk->depth - 1].path_size] = '\0';
    free_level(&walk->levels[--walk->depth]);
    if (walk->depth == 0)
        return 0;
    above = &walk->levels[walk->depth - 1];
    fd = openat(walk->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return host_walk_set_error(walk, errno, "go back from", error);
    close(walk->fd);
    walk->fd = fd;
    if (fstat(fd, &facts))
        return host_walk_set_error(walk, errno, "go back from", error);
    if (facts.st_dev != above->device || facts.st_ino != above->inode)
        return error_set(error, ERROR_SYSTEM, "%s/%s was moved while it was read", walk->top,
                         walk->path);
    return 0;
}

int host_walk_next(struct host_walk *walk, const char **ret_name, struct stat *ret_facts,
                   struct error *error)
{
    while (walk->depth > 0) {
        struct host_level *level = &walk->levels[walk->depth - 1];

        if (level->next < level->name_count) {
            *ret_name = level->names[level->next++];
            if (set_path(walk, level->path_size, *ret_name, error))
                return -1;
            if (fstatat(walk->fd, *ret_name, ret_facts, AT_SYMLINK_NOFOLLOW))
                return host_walk_set_error(walk, errno, "look at", error);
            return 1;
        }
        if (leave(walk, error))
            return -1;
    }
    return 0;
}

int host_walk_open_name(const struct host_walk *walk, const char *name, const struct stat *facts,
                        struct error *error)
{
    int fd = open_quietly(walk->fd, name, O_NOFOLLOW | O_NONBLOCK);
    struct stat now;

    if (fd < 0)
        return host_walk_set_error(walk, errno, "open", error);
    if (fstat(fd, &now) || now.st_dev != facts->st_dev || now.st_ino != facts->st_ino) {
        close(fd);
        return error_set(error, ERROR_SYSTEM, "%s/%s was replaced while it was read", walk->top,
                         walk->path);
    }
    return fd;
}

void host_walk_close_name(int fd)
{
    if (fd >= 0)
        close(fd);
}

int host_walk_enter(struct host_walk *walk, int fd, const struct stat *facts, struct error *error)
{
    close(walk->fd);
    walk->fd = fd;
    return push_level(walk, fd, facts, error);
}

void host_walk_close(struct host_walk *walk)
{
    while (walk->depth > 0)
        free_level(&walk->levels[--walk->depth]);
    free(walk->levels);
    free(walk->path);
    host_walk_close_name(walk->fd);
    *walk = (struct host_walk){.fd = -1};
}

/* Moves to where the next data begins and ends; false when there is none. */
static bool find_data(struct host_file *file)
{
    off_t start = lseek(file->fd, (off_t)file->offset, SEEK_DATA);
    off_t end;

    if (start < 0 && errno == ENXIO)
        return false;
    if (start < 0) { /* this filesystem knows no holes */
        file->data_end = file->size;
        return file->offset < file->size;
    }
    end = lseek(file->fd, start, SEEK_HOLE);
    file->offset = (uint64_t)start;
    file->data_end = end < 0 ? file->size : min_u64((uint64_t)end, file->size);
    return file->offset < file->data_end;
}

static int next_piece(struct tree_data *data, const void **ret_bytes, size_t *ret_size,
                      uint64_t *ret_offset, struct error *error)
{
    struct host_file *file = (struct host_file *)data;
    ssize_t count;
    size_t size;

    if (file->offset >= file->data_end && !find_data(file))
        return 0;
    size = (size_t)min_u64(HOST_FILE_BUFFER_SIZE, file->data_end - file->offset);
    do
        count = pread(file->fd, file->buffer, size, (off_t)file->offset);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return host_walk_set_error(file->walk, errno, "read", error);
    if (count == 0) /* it has become shorter */
        return 0;
    *ret_bytes = file->buffer;
    *ret_size = (size_t)count;
    *ret_offset = file->offset;
    file->offset += (uint64_t)count;
    return 1;
}

void host_file_init(struct host_file *file, const struct host_walk *walk, int fd, uint64_t size,
                    uint8_t *buffer)
{
    *file = (struct host_file){
        .data.next = next_piece, .walk = walk, .fd = fd, .size = size, .buffer = buffer};
}
