#include "ext4resize/undo-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/size.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"

#define SUPER_BLOCK 1 /* block of the undo file; 0 is the header */
#define FIRST_KEY_BLOCK 2
#define KEY_SIZE 16
#define KEYS_A_BLOCK                                                            \
    (UNDO_BLOCK_SIZE / KEY_SIZE - 1) /* the first place is the key block's head \
                                      */
#define KEY_MAGIC 0xcadecade
#define KEY_LONGEST (512 * UNDO_BLOCK_SIZE) /* bytes that one key may stand for */
#define HEADER_SIZE 512
#define FLAG_FINISHED 1
#define SUPER_MAGIC_OFFSET                                                \
    56 /* of s_magic, which is stored inverted: the file is no filesystem \
        */

/* The header's fields, by byte. */
enum {
    HEADER_KEYS = 8,
    HEADER_SUPER_BLOCK = 16,
    HEADER_KEY_BLOCK = 24,
    HEADER_BLOCK_SIZE = 32,
    HEADER_FILESYSTEM_BLOCK_SIZE = 36,
    HEADER_SUPER_CHECKSUM = 40,
    HEADER_STATE = 44,
    HEADER_CHECKSUM = 508,
};

struct undo_log {
    struct file *file;
    bool is_named;
    uint8_t key_block[UNDO_BLOCK_SIZE];
    unsigned keys_here;             /* in key_block */
    uint64_t keys;                  /* in all */
    uint64_t key_place, next_place; /* blocks of the undo file: of key_block, the first free one */
    uint64_t next_block;            /* of the image: what would continue the last key */
};

/* As e2fsprogs has it: without the final inversion. */
static uint32_t checksum(const void *bytes, size_t size)
{
    return ~crc32c(0, bytes, size);
}

static struct file *create_file(const char *path, bool *ret_is_named, struct error *error)
{
    struct error ignored;
    CLEANUP(cleanup_file) struct file *file = NULL;
    uint64_t size;

    *ret_is_named = file_posix_check_free(path, &ignored) != 0;
    if (!*ret_is_named)
        return file_posix_create(path, error);
    file = file_posix_open(path, true, error);
    if (!file || file_lock(file, error) || file_get_size(file, &size, error))
        return NULL;
    if (size == 0)
        return TAKE(file);
    error_set(error, ERROR_REFUSED, "it exists already (an undo file is begun, never continued)");
    error_set_remedy(error, "give another name, or remove the file if nothing is to be undone");
    return NULL;
}

struct undo_log *undo_log_create(const char *path, struct error *error)
{
    struct undo_log *log = calloc(1, sizeof *log);

    if (!log) {
        error_set_no_memory(error);
        return NULL;
    }
    log->file = create_file(path, &log->is_named, error);
    if (!log->file) {
        error_wrap(error, "the undo file %s", path);
        free(log);
        return NULL;
    }
    log->key_place = FIRST_KEY_BLOCK;
    log->next_place = FIRST_KEY_BLOCK + 1;
    return log;
}

int undo_log_check_space(struct undo_log *log, uint64_t size, struct error *error)
{
    char need_text[SIZE_TEXT_SIZE], free_text[SIZE_TEXT_SIZE];
    struct file_host_facts facts;

    if (file_host_facts(log->file, &facts, error))
        return error_wrap(error, "the undo file %s", log->file->name);
    if (size <= facts.free_space)
        return 0;
    size_format(size, need_text);
    size_format(facts.free_space, free_text);
    error_set(error, ERROR_REFUSED,
              "the undo file %s: %s are free where it lies (%s expected: it may need as much)",
              log->file->name, free_text, need_text);
    return error_set_remedy(error, "free that much there, or put the undo file elsewhere");
}

static int write_key_block(struct undo_log *log, struct error *error)
{
    put_le32(log->key_block, KEY_MAGIC);
    put_le32(log->key_block + 4, 0);
    put_le32(log->key_block + 4, checksum(log->key_block, UNDO_BLOCK_SIZE));
    return file_write(log->file, log->key_place * UNDO_BLOCK_SIZE, log->key_block, UNDO_BLOCK_SIZE,
                      error);
}

/* The place of a new key, in a new key block when this one is full. */
static uint8_t *new_key(struct undo_log *log, uint64_t block, struct error *error)
{
    uint8_t *key;

    if (log->keys_here == KEYS_A_BLOCK) {
        if (write_key_block(log, error))
            return NULL;
        memset(log->key_block, 0, sizeof log->key_block);
        log->keys_here = 0;
        log->key_place = log->next_place++;
    }
    log->keys++;
    key = log->key_block + ++log->keys_here * KEY_SIZE;
    put_le64(key, block);
    put_le32(key + 8, checksum(NULL, 0));
    put_le32(key + 12, 0);
    return key;
}

/* The key that piece bytes from block on go under. */
static uint8_t *key_for(struct undo_log *log, uint64_t block, struct error *error)
{
    uint8_t *last = log->key_block + log->keys_here * KEY_SIZE;
    uint32_t size = log->keys_here > 0 ? get_le32(last + 12) : 0;

    if (size > 0 && size < KEY_LONGEST && size % UNDO_BLOCK_SIZE == 0 && log->next_block == block)
        return last;
    return new_key(log, block, error);
}

/* Adds no more than one key may stand for. */
static int add_piece(struct undo_log *log, uint64_t block, const uint8_t *contents, size_t size,
                     size_t *ret_added, struct error *error)
{
    uint8_t *key = key_for(log, block, error);
    uint32_t before;
    size_t piece;

    if (!key)
        return -1;
    before = get_le32(key + 12);
    piece = (size_t)min_u64(size, KEY_LONGEST - before);
    /* Zeros are left as a hole. */
    if (!bytes_are_zero(contents, piece) &&
        file_write(log->file, log->next_place * UNDO_BLOCK_SIZE, contents, piece, error))
        return -1;
    put_le32(key + 8, ~crc32c(~get_le32(key + 8), contents, piece));
    put_le32(key + 12, before + (uint32_t)piece);
    log->next_place += divide_up(piece, UNDO_BLOCK_SIZE);
    log->next_block = block + piece / UNDO_BLOCK_SIZE;
    *ret_added = piece;
    return 0;
}

int undo_log_add(struct undo_log *log, uint64_t block, const uint8_t *contents, size_t size,
                 struct error *error)
{
    while (size > 0) {
        size_t added;

        if (add_piece(log, block, contents, size, &added, error))
            return error_wrap(error, "the undo file %s", log->file->name);
        block += added / UNDO_BLOCK_SIZE;
        contents += added;
        size -= added;
    }
    return 0;
}

static int write_head(struct undo_log *log, const uint8_t *super, bool finished,
                      struct error *error)
{
    uint8_t head[(SUPER_BLOCK + 1) * UNDO_BLOCK_SIZE] = "E2UNDO02";
    uint8_t *copy = head + SUPER_BLOCK * UNDO_BLOCK_SIZE;

    put_le64(head + HEADER_KEYS, log->keys);
    put_le64(head + HEADER_SUPER_BLOCK, SUPER_BLOCK);
    put_le64(head + HEADER_KEY_BLOCK, FIRST_KEY_BLOCK);
    put_le32(head + HEADER_BLOCK_SIZE, UNDO_BLOCK_SIZE);
    put_le32(head + HEADER_FILESYSTEM_BLOCK_SIZE, UNDO_BLOCK_SIZE);
    put_le32(head + HEADER_SUPER_CHECKSUM, checksum(super, UNDO_SUPER_SIZE));
    put_le32(head + HEADER_STATE, finished ? FLAG_FINISHED : 0);
    put_le32(head + HEADER_CHECKSUM, checksum(head, HEADER_CHECKSUM));
    memcpy(copy, super, UNDO_SUPER_SIZE);
    put_le16(copy + SUPER_MAGIC_OFFSET, (uint16_t)~get_le16(super + SUPER_MAGIC_OFFSET));
    return file_write(log->file, 0, head, sizeof head, error);
}

static int name_file(struct undo_log *log, struct error *error)
{
    if (log->is_named)
        return file_flush(log->file, error);
    if (file_posix_publish(log->file, error))
        return -1;
    log->is_named = true;
    return 0;
}

int undo_log_save(struct undo_log *log, const uint8_t *super, bool finished, struct error *error)
{
    if (write_key_block(log, error) || write_head(log, super, finished, error) ||
        file_set_size(log->file, log->next_place * UNDO_BLOCK_SIZE, error) || name_file(log, error))
        return error_wrap(error, "the undo file %s", log->file->name);
    return 0;
}

void undo_log_free(struct undo_log *log)
{
    if (!log)
        return;
    file_close(log->file);
    free(log);
}
