#include "ext4/tree-pack.h"

#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define TAIL_MARK 0xde

_Static_assert(sizeof(struct ext2_dir_entry_tail) == TREE_PACK_TAIL_SIZE, "directory tail");

size_t tree_pack_entry_size(size_t name_size)
{
    return (name_size + EXT2_DIR_ENTRY_HEADER_LEN + 3) & ~(size_t)3;
}

void tree_pack_init(struct tree_pack *pack, size_t block_size, size_t fill_limit)
{
    *pack = (struct tree_pack){.block_size = block_size, .fill_limit = fill_limit};
}

void tree_pack_free(struct tree_pack *pack)
{
    free(pack->blocks);
    *pack = (struct tree_pack){0};
}

static uint8_t *last_block(const struct tree_pack *pack)
{
    return pack->blocks + (pack->block_count - 1) * pack->block_size;
}

void tree_pack_encode(uint8_t *p, uint32_t ino, size_t rec_size, uint8_t type, const char *name,
                      size_t name_size)
{
    put_le32(p, ino);
    put_le16(p + 4, (uint16_t)rec_size);
    p[6] = (uint8_t)name_size;
    p[7] = type;
    memcpy(p + EXT2_DIR_ENTRY_HEADER_LEN, name, name_size);
}

void tree_pack_finish(struct tree_pack *pack)
{
    size_t entries_size = pack->block_size - TREE_PACK_TAIL_SIZE;
    uint8_t *tail;

    if (pack->used == 0)
        return;
    put_le16(last_block(pack) + pack->last + 4, (uint16_t)(entries_size - pack->last));
    tail = last_block(pack) + entries_size;
    put_le16(tail + 4, TREE_PACK_TAIL_SIZE);
    tail[7] = TAIL_MARK;
    pack->used = 0;
}

int tree_pack_add_block(struct tree_pack *pack, uint8_t **ret_block, struct error *error)
{
    tree_pack_finish(pack);
    if (pack->block_count == pack->capacity) {
        size_t capacity = pack->capacity ? pack->capacity * 2 : 1;
        uint8_t *blocks = reallocarray(pack->blocks, capacity, pack->block_size);

        if (!blocks)
            return error_set_no_memory(error);
        pack->blocks = blocks;
        pack->capacity = capacity;
    }
    pack->block_count++;
    memset(last_block(pack), 0, pack->block_size);
    if (ret_block)
        *ret_block = last_block(pack);
    return 0;
}

int tree_pack_add(struct tree_pack *pack, uint32_t ino, uint8_t type, const char *name,
                  size_t name_size, struct error *error)
{
    size_t size = tree_pack_entry_size(name_size);

    if (pack->used == 0 || pack->used + size > pack->fill_limit) {
        if (tree_pack_add_block(pack, NULL, error))
            return -1;
    }
    pack->last = pack->used;
    tree_pack_encode(last_block(pack) + pack->last, ino, size, type, name, name_size);
    pack->used += size;
    return 0;
}

int tree_pack_add_empty(struct tree_pack *pack, struct error *error)
{
    if (tree_pack_add_block(pack, NULL, error))
        return -1;
    pack->last = 0;
    pack->used = EXT2_DIR_ENTRY_HEADER_LEN;
    tree_pack_finish(pack);
    return 0;
}
