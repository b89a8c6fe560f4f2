#include "resize/renumber.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-table.h"
#include "resize/renumber-parts.h"

int renumber_damaged(struct error *error, uint32_t number, const char *what)
{
    error_set(error, ERROR_CORRUPT, "inode %" PRIu32 ": %s", number, what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int compare_from(const void *key, const void *item)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct resize_inode_move *)item)->from;

    return a < b ? -1 : a > b;
}

static int compare_numbers(const void *first, const void *second)
{
    uint32_t a = *(const uint32_t *)first, b = *(const uint32_t *)second;

    return a < b ? -1 : a > b;
}

static const struct resize_inode_move *find_move(const struct renumber *renumber, uint32_t number)
{
    if (renumber->count == 0 || number < renumber->moves[0].from ||
        number > renumber->moves[renumber->count - 1].from)
        return NULL;
    return bsearch(&number, renumber->moves, renumber->count, sizeof *renumber->moves,
                   compare_from);
}

uint32_t renumber_new_number(const struct renumber *renumber, uint32_t number)
{
    const struct resize_inode_move *move = find_move(renumber, number);

    return move ? move->to : number;
}

struct renumber_found *renumber_find(const struct renumber *renumber, uint32_t number)
{
    const struct resize_inode_move *move = find_move(renumber, number);

    return move ? &renumber->found[move - renumber->moves] : NULL;
}

static bool is_taken(const struct renumber *renumber, uint32_t number)
{
    return renumber->count > 0 && number >= renumber->taken[0] &&
           number <= renumber->taken[renumber->count - 1] &&
           bsearch(&number, renumber->taken, renumber->count, sizeof *renumber->taken,
                   compare_numbers);
}

/* In the second pass a block may mention a new number already (R2). */
int renumber_resolve(const struct renumber *renumber, uint32_t number, uint32_t where,
                     uint32_t *ret_number, struct error *error)
{
    const struct ext2_super_block *super = renumber->ext4->fs->super;

    if (number > super->s_inodes_count ||
        (number < EXT2_FIRST_INODE(super) && number != EXT2_ROOT_INO) ||
        (!renumber->writing && is_taken(renumber, number))) {
        error_set(error, ERROR_CORRUPT,
                  "inode %" PRIu32 " mentions inode %" PRIu32 " (one in use expected)", where,
                  number);
        return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
    }
    *ret_number = renumber_new_number(renumber, number);
    return 0;
}

static int note_bytes(struct renumber *renumber, uint64_t offset, uint64_t size,
                      struct error *error)
{
    uint64_t block_size = renumber->ext4->geometry.block_size, start = offset / block_size;
    struct ext4_run run = {start, divide_up(offset + size, block_size) - start};

    return renumber->written ? resize_zones_add(renumber->written, run, error) : 0;
}

int renumber_put(struct renumber *renumber, uint64_t offset, const void *bytes, size_t size,
                 struct error *error)
{
    errcode_t code;

    if (!renumber->writing)
        return note_bytes(renumber, offset, size, error);
    code = io_channel_write_byte(renumber->ext4->fs->io, offset, (int)size, bytes);
    return code ? ext4_set_error(error, &renumber->ext4->io, code,
                                 "cannot write what mentions inodes that move")
                : 0;
}

uint32_t renumber_seed(const struct renumber *renumber, const struct renumber_inode *inode,
                       uint32_t number)
{
    uint8_t bytes[8];

    put_le32(bytes, number);
    put_le32(bytes + 4, inode->inode->i_generation);
    return ext2fs_crc32c_le(renumber->ext4->fs->csum_seed, bytes, sizeof bytes);
}

/* Whether the moves are what the header asks for. */
static int check_moves(struct renumber *renumber, struct error *error)
{
    struct ext2_super_block *super = renumber->ext4->fs->super;
    uint32_t lowest = (uint32_t)max_u64(EXT2_FIRST_INODE(super), EXT2_GOOD_OLD_FIRST_INO);

    if (ext2fs_has_feature_stable_inodes(super))
        return error_set(error, ERROR_REFUSED,
                         "inodes have to get other numbers, which the filesystem forbids "
                         "(stable_inodes: it may hold files encrypted by their numbers)");
    for (size_t i = 0; i < renumber->count; i++) {
        uint32_t from = renumber->moves[i].from, to = renumber->moves[i].to;

        if (from < lowest || from > super->s_inodes_count || from == super->s_journal_inum ||
            to < lowest || to > super->s_inodes_count ||
            (i > 0 && from <= renumber->moves[i - 1].from) || find_move(renumber, to) ||
            (i > 0 && renumber->taken[i] == renumber->taken[i - 1]))
            return error_set(error, ERROR_REFUSED, "inode %" PRIu32 " can't become inode %" PRIu32,
                             from, to);
    }
    return renumber_check_free(renumber, error);
}

/* Inodes without a name that the superblock mentions. */
static bool is_in_superblock(const struct renumber *renumber, uint32_t number)
{
    const struct ext2_super_block *super = renumber->ext4->fs->super;

    return number == super->s_orphan_file_inum || number == super->s_usr_quota_inum ||
           number == super->s_grp_quota_inum || number == super->s_prj_quota_inum;
}

/* What the first pass has to know of an inode itself. */
static int note_inode(struct renumber *renumber, const struct renumber_inode *inode,
                      struct error *error)
{
    struct renumber_found *found = renumber_find(renumber, inode->from);

    if (inode->inode->i_links_count == 0 &&
        inode->from >= EXT2_FIRST_INODE(renumber->ext4->fs->super))
        return renumber_damaged(error, inode->from, "it is in use, and has no links");
    if (!found)
        return 0;
    found->seen = true;
    found->links = inode->inode->i_links_count;
    found->is_directory = LINUX_S_ISDIR(inode->inode->i_mode);
    found->is_value = inode->inode->i_flags & EXT4_EA_INODE_FL;
    return 0;
}

/* All that belongs to one inode; the slot is the caller's to write. */
static int do_inode(struct renumber *renumber, struct renumber_inode *inode, struct error *error)
{
    if (inode->to != inode->from)
        inode->rewritten = true;
    renumber_back_reference(renumber, inode);
    if (LINUX_S_ISDIR(inode->inode->i_mode) && renumber_directory(renumber, inode, error))
        return -1;
    if (renumber_attributes(renumber, inode, error))
        return -1;
    return renumber_own_blocks(renumber, inode, error);
}

static struct renumber_inode make_inode(const struct renumber *renumber, uint32_t number,
                                        uint8_t *bytes)
{
    return (struct renumber_inode){
        .from = number,
        .to = renumber_new_number(renumber, number),
        .bytes = bytes,
        .inode = (struct ext2_inode_large *)(void *)bytes,
    };
}

/* A reserved inode is the root, or nobody's: no file, and no attributes (journal, quota). */
static bool is_nobodys(const struct renumber *renumber, uint32_t number)
{
    return number < EXT2_FIRST_INODE(renumber->ext4->fs->super) && number != EXT2_ROOT_INO;
}

static int look_at(struct renumber *renumber, uint32_t number, uint8_t *bytes, struct error *error)
{
    struct renumber_inode inode = make_inode(renumber, number, bytes);
    uint32_t *list;

    if (is_nobodys(renumber, number))
        return 0;
    if (ext4_inode_check(renumber->ext4, number, bytes, error) ||
        note_inode(renumber, &inode, error) || do_inode(renumber, &inode, error))
        return -1;
    if (!inode.changes && !inode.rewritten)
        return 0;
    list = array_make_room(renumber->changing, renumber->changing_count,
                           &renumber->changing_capacity, sizeof *list, error);
    if (!list)
        return -1;
    renumber->changing = list;
    list[renumber->changing_count++] = number;
    return 0;
}

/* R3. */
static int check_found(const struct renumber *renumber, struct error *error)
{
    for (size_t i = 0; i < renumber->count; i++) {
        const struct renumber_found *found = &renumber->found[i];
        uint32_t number = renumber->moves[i].from, expected = found->links;

        if (!found->seen)
            return error_set(error, ERROR_REFUSED,
                             "inode %" PRIu32 " can't become another: it isn't in use", number);
        if (found->is_directory)
            expected = 1;
        else if (found->is_value || is_in_superblock(renumber, number))
            expected = 0;
        if (found->names != expected || (found->is_value && found->values == 0) ||
            (!found->is_value && found->values != 0)) {
            error_set(error, ERROR_CORRUPT,
                      "inode %" PRIu32 " has %" PRIu32 " names in directories, and %" PRIu32
                      " attributes that it is the value of (%" PRIu32 " names expected)",
                      number, found->names, found->values, expected);
            return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
        }
    }
    return 0;
}

static int compare_values(const void *first, const void *second)
{
    return compare_numbers(&((const struct renumber_back_reference *)first)->value,
                           &((const struct renumber_back_reference *)second)->value);
}

/* Value inodes that only mention their parent were passed over before it was known. */
static int add_back_references(struct renumber *renumber, struct error *error)
{
    for (size_t i = 0; i < renumber->back_reference_count; i++) {
        uint32_t *list = array_make_room(renumber->changing, renumber->changing_count,
                                         &renumber->changing_capacity, sizeof *list, error);

        if (!list)
            return -1;
        renumber->changing = list;
        list[renumber->changing_count++] = renumber->back_references[i].value;
    }
    if (renumber->back_reference_count == 0)
        return 0;
    qsort(renumber->back_references, renumber->back_reference_count,
          sizeof *renumber->back_references, compare_values);
    qsort(renumber->changing, renumber->changing_count, sizeof *renumber->changing,
          compare_numbers);
    return 0;
}

static void cleanup_renumber(struct renumber *renumber)
{
    free(renumber->found);
    free(renumber->taken);
    free(renumber->blocks);
    free(renumber->attributes);
    free(renumber->changing);
    free(renumber->back_references);
    ext4_block_map_free(&renumber->map);
}

static int first_pass(struct renumber *renumber, struct error *error)
{
    uint32_t block_size = renumber->ext4->geometry.block_size;

    renumber->found = calloc(renumber->count + 1, sizeof *renumber->found);
    renumber->taken = calloc(renumber->count + 1, sizeof *renumber->taken);
    renumber->blocks = malloc((size_t)max_u64(RENUMBER_PIECE, block_size));
    renumber->attributes = malloc(block_size);
    if (!renumber->found || !renumber->taken || !renumber->blocks || !renumber->attributes)
        return error_set_no_memory(error);
    for (size_t i = 0; i < renumber->count; i++)
        renumber->taken[i] = renumber->moves[i].to;
    qsort(renumber->taken, renumber->count, sizeof *renumber->taken, compare_numbers);
    return check_moves(renumber, error) || renumber_walk(renumber, look_at, error) ||
                   check_found(renumber, error) || add_back_references(renumber, error)
               ? -1
               : 0;
}

/* Writes what changes of one inode, and moves it. */
static int change(struct renumber *renumber, uint32_t number, uint8_t *bytes, struct error *error)
{
    struct renumber_inode inode = make_inode(renumber, number, bytes);
    struct ext4 *ext4 = renumber->ext4;

    if (ext4_inodes_read(ext4, number, 1, bytes, error) ||
        ext4_inode_check(ext4, number, bytes, error) || do_inode(renumber, &inode, error) ||
        (inode.rewritten && ext4_inode_write(ext4, inode.to, bytes, error)))
        return -1;
    return inode.to == number ? 0 : ext4_inodes_zero(ext4, number, 1, error);
}

static void change_superblock(const struct renumber *renumber)
{
    struct ext2_super_block *super = renumber->ext4->fs->super;

    super->s_lpf_ino = renumber_new_number(renumber, super->s_lpf_ino);
    super->s_orphan_file_inum = renumber_new_number(renumber, super->s_orphan_file_inum);
    super->s_usr_quota_inum = renumber_new_number(renumber, super->s_usr_quota_inum);
    super->s_grp_quota_inum = renumber_new_number(renumber, super->s_grp_quota_inum);
    super->s_prj_quota_inum = renumber_new_number(renumber, super->s_prj_quota_inum);
}

static int second_pass(struct renumber *renumber, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = calloc(1, EXT4_INODE_BYTES(renumber->ext4));

    if (!bytes)
        return error_set_no_memory(error);
    renumber->writing = true;
    if (renumber_zero_unused(renumber, error))
        return -1;
    for (size_t i = 0; i < renumber->changing_count; i++)
        if ((i == 0 || renumber->changing[i] != renumber->changing[i - 1]) &&
            change(renumber, renumber->changing[i], bytes, error))
            return -1;
    if (renumber_write_bitmaps(renumber, error))
        return -1;
    change_superblock(renumber);
    ext2fs_flush_icache(renumber->ext4->fs);
    return 0;
}

static int note_slot(struct renumber *renumber, uint32_t number, struct error *error)
{
    ext2_filsys fs = renumber->ext4->fs;
    uint64_t bitmap = ext2fs_inode_bitmap_loc(fs, ext4_inode_group(renumber->ext4, number));
    uint32_t block_size = renumber->ext4->geometry.block_size;

    return note_bytes(renumber, ext4_inode_offset(renumber->ext4, number),
                      EXT2_INODE_SIZE(fs->super), error) ||
                   note_bytes(renumber, bitmap * block_size, block_size, error)
               ? -1
               : 0;
}

/* Slots, and the bitmaps of their groups. */
static int note_slots(struct renumber *renumber, struct error *error)
{
    for (size_t i = 0; i < renumber->changing_count; i++) {
        uint32_t number = renumber->changing[i];

        if (note_slot(renumber, number, error) ||
            note_slot(renumber, renumber_new_number(renumber, number), error))
            return -1;
    }
    return 0;
}

int resize_renumber_check(struct ext4 *ext4, const struct resize_inode_move *moves, size_t count,
                          struct resize_zones *written, struct error *error)
{
    CLEANUP(cleanup_renumber)
    struct renumber renumber = {.ext4 = ext4, .moves = moves, .count = count, .written = written};

    if (count == 0)
        return 0;
    if (first_pass(&renumber, error))
        return -1;
    return written ? note_slots(&renumber, error) : 0;
}

int resize_renumber(struct ext4 *ext4, const struct resize_inode_move *moves, size_t count,
                    struct error *error)
{
    CLEANUP(cleanup_renumber)
    struct renumber renumber = {.ext4 = ext4, .moves = moves, .count = count};

    if (count == 0)
        return 0;
    return first_pass(&renumber, error) || second_pass(&renumber, error) ? -1 : 0;
}
