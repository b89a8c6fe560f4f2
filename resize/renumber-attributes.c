/*
 * Extended attributes. One whose value is an inode mentions its number (neither the
 * attribute's hash nor the block's takes it in); some hold something that was computed with the
 * number of the inode that they belong to, and forbid that it moves.
 */
#include <inttypes.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/inode-table.h"
#include "ext4/xattrs.h"
#include "resize/renumber-parts.h"

/* Kernel: include/uapi/linux/fscrypt.h, fs/crypto/fscrypt_private.h. */
#define POLICY_FLAGS_OFFSET 3
#define POLICY_BY_INODE_NUMBER (0x08 | 0x10) /* IV_INO_LBLK_64, IV_INO_LBLK_32 */

/* Kernel: security/integrity/integrity.h, evm_crypto.c: all signatures but these have the inode's
 * number in them. */
#define EVM_PORTABLE_SIGNATURE 5

/* Contents that are encrypted by the inode's number couldn't be read any more. */
static int check_policy(const struct renumber_inode *inode, const struct ext4_xattr *xattr,
                        struct error *error)
{
    if (!xattr->value || xattr->value_size <= POLICY_FLAGS_OFFSET ||
        (xattr->value[0] != 1 && xattr->value[0] != 2))
        return error_set(error, ERROR_REFUSED,
                         "inode %" PRIu32 " has to get another number, and is encrypted in a way "
                         "that is unknown here",
                         inode->from);
    if (xattr->value[POLICY_FLAGS_OFFSET] & POLICY_BY_INODE_NUMBER)
        return error_set(error, ERROR_REFUSED,
                         "inode %" PRIu32 " has to get another number, and is encrypted with a key "
                         "that its number is part of",
                         inode->from);
    return 0;
}

static int check_signature(const struct renumber_inode *inode, const struct ext4_xattr *xattr,
                           struct error *error)
{
    if (xattr->value && xattr->value[0] == EVM_PORTABLE_SIGNATURE)
        return 0;
    error_set(error, ERROR_REFUSED,
              "inode %" PRIu32 " has to get another number, and is signed (security.evm) with that "
              "which it has",
              inode->from);
    return error_set_remedy(error, "remove the attribute with `setfattr -x security.evm`");
}

/* Kernel: EXT4_XATTR_INODE_GET_PARENT. Where the value's hash is in its i_atime, i_mtime says
 * nothing. */
static int note_back_reference(struct renumber *renumber, const struct renumber_inode *inode,
                               const struct ext4_xattr *xattr, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = malloc(EXT4_INODE_BYTES(renumber->ext4));
    const struct ext2_inode_large *value = (const struct ext2_inode_large *)(void *)bytes;
    struct renumber_back_reference *list;

    if (!bytes)
        return error_set_no_memory(error);
    if (ext4_inodes_read(renumber->ext4, xattr->value_inode, 1, bytes, error) ||
        ext4_inode_check(renumber->ext4, xattr->value_inode, bytes, error))
        return -1;
    if (!(value->i_flags & EXT4_EA_INODE_FL))
        return renumber_damaged(error, inode->from,
                                "a value of its attributes is an inode that isn't one for values");
    if (value->i_atime == xattr->hash || value->i_mtime != inode->from ||
        value->i_generation != inode->inode->i_generation)
        return 0;
    list = array_make_room(renumber->back_references, renumber->back_reference_count,
                           &renumber->back_reference_capacity, sizeof *list, error);
    if (!list)
        return -1;
    renumber->back_references = list;
    list[renumber->back_reference_count++] =
        (struct renumber_back_reference){xattr->value_inode, inode->to};
    return 0;
}

static int do_value(struct renumber *renumber, const struct renumber_inode *inode,
                    struct ext4_xattr *xattr, bool *ret_changed, struct error *error)
{
    struct renumber_found *found = renumber_find(renumber, xattr->value_inode);
    uint32_t number;

    if (renumber_resolve(renumber, xattr->value_inode, inode->from, &number, error))
        return -1;
    if (!renumber->writing && inode->to != inode->from &&
        note_back_reference(renumber, inode, xattr, error))
        return -1;
    if (found && !renumber->writing)
        found->values++;
    if (number != xattr->value_inode) {
        ext4_xattr_set_value_inode(xattr, number);
        *ret_changed = true;
    }
    return 0;
}

static int do_list(struct renumber *renumber, const struct renumber_inode *inode,
                   struct ext4_xattr_list list, bool *ret_changed, bool *ret_has_policy,
                   struct error *error)
{
    bool moves = inode->to != inode->from;
    struct ext4_xattr xattr;

    while (ext4_xattr_next(&list, &xattr)) {
        bool is_policy = ext4_xattr_is(&xattr, EXT4_XATTR_ENCRYPTION, "c");

        *ret_has_policy |= is_policy;
        if ((moves && is_policy && check_policy(inode, &xattr, error)) ||
            (moves && ext4_xattr_is(&xattr, EXT4_XATTR_SECURITY, "evm") &&
             check_signature(inode, &xattr, error)) ||
            (xattr.value_inode != 0 && do_value(renumber, inode, &xattr, ret_changed, error)))
            return -1;
    }
    return 0;
}

static int do_block(struct renumber *renumber, struct renumber_inode *inode, bool *ret_has_policy,
                    struct error *error)
{
    uint32_t block_size = renumber->ext4->geometry.block_size;
    struct ext4_xattr_list list;
    bool changed = false;
    uint64_t place;

    if (ext4_xattr_block_place(renumber->ext4, inode->from, inode->inode, &place, error))
        return -1;
    if (place == 0)
        return 0;
    if (ext4_xattr_block_read(renumber->ext4, inode->from, place, renumber->attributes, &list,
                              error) ||
        do_list(renumber, inode, list, &changed, ret_has_policy, error))
        return -1;
    if (!changed)
        return 0;
    inode->changes = true;
    ext4_xattr_block_seal(renumber->ext4, place, renumber->attributes);
    return renumber_put(renumber, place * block_size, renumber->attributes, block_size, error);
}

int renumber_attributes(struct renumber *renumber, struct renumber_inode *inode,
                        struct error *error)
{
    bool moves = inode->to != inode->from, has_policy = false, changed = false;
    struct ext4_xattr_list list;

    if (!moves && !ext2fs_has_feature_ea_inode(renumber->ext4->fs->super))
        return 0;
    if (ext4_xattrs_in_inode(renumber->ext4, inode->from, inode->bytes, &list, error) ||
        do_list(renumber, inode, list, &changed, &has_policy, error))
        return -1;
    inode->rewritten |= changed;
    if (do_block(renumber, inode, &has_policy, error))
        return -1;
    return !moves || has_policy || !(inode->inode->i_flags & EXT4_ENCRYPT_FL)
               ? 0
               : renumber_damaged(error, inode->from, "it is encrypted and doesn't say how");
}
