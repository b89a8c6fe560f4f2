/*
 * Access control lists reach libext2fs in the form in which Linux shows them
 * (version 2: a 32-bit version, then tag and permissions of 16 bits and an id
 * of 32 for each entry, ordered by tag and id); it makes ext4's own of them.
 */
#include "ext4/tree-attributes.h"

#include <archive.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/io.h"

#define ACL_VERSION 2
#define ACL_HEADER_SIZE 4
#define ACL_ENTRY_SIZE 8
#define ACL_NO_ID UINT32_MAX
#define ACL_PERMISSIONS \
    (ARCHIVE_ENTRY_ACL_READ | ARCHIVE_ENTRY_ACL_WRITE | ARCHIVE_ENTRY_ACL_EXECUTE)

_Static_assert(ARCHIVE_ENTRY_ACL_READ == 4 && ARCHIVE_ENTRY_ACL_WRITE == 2 &&
                   ARCHIVE_ENTRY_ACL_EXECUTE == 1,
               "libarchive's permissions are Linux's");

struct acl_entry {
    uint16_t tag, permissions;
    uint32_t id;
};

/* Linux's tag for libarchive's; 0: not one of a POSIX list. */
static uint16_t acl_tag(int archive_tag)
{
    switch (archive_tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
        return 0x01;
    case ARCHIVE_ENTRY_ACL_USER:
        return 0x02;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
        return 0x04;
    case ARCHIVE_ENTRY_ACL_GROUP:
        return 0x08;
    case ARCHIVE_ENTRY_ACL_MASK:
        return 0x10;
    case ARCHIVE_ENTRY_ACL_OTHER:
        return 0x20;
    default:
        return 0;
    }
}

static int compare_acl_entries(const void *a, const void *b)
{
    const struct acl_entry *left = a, *right = b;

    if (left->tag != right->tag)
        return left->tag < right->tag ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

/* Walks over one list of entry; false at its end. */
static bool next_acl_entry(struct archive_entry *entry, int type, struct acl_entry *ret_entry)
{
    int found_type, permissions, tag, id;
    const char *name;

    while (archive_entry_acl_next(entry, type, &found_type, &permissions, &tag, &id, &name) ==
           ARCHIVE_OK) {
        bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

        *ret_entry = (struct acl_entry){
            .tag = acl_tag(tag),
            .permissions = (uint16_t)(permissions & ACL_PERMISSIONS),
            .id = named ? (uint32_t)id : ACL_NO_ID,
        };
        if (ret_entry->tag != 0)
            return true;
    }
    return false;
}

unsigned tree_attributes_permissions(struct archive_entry *entry, unsigned permissions)
{
    const int type = ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
    struct acl_entry item;

    if (archive_entry_acl_reset(entry, type) == 0)
        return permissions;
    while (next_acl_entry(entry, type, &item))
        if (item.tag == acl_tag(ARCHIVE_ENTRY_ACL_MASK))
            permissions = (permissions & ~070u) | (unsigned)item.permissions << 3;
    return permissions;
}

static int set_attribute(struct ext2_xattr_handle *handle, struct tree_space *space,
                         const char *path, const char *name, const void *value, size_t size,
                         struct error *error)
{
    errcode_t code = ext2fs_xattr_set(handle, name, value, size);

    if (code == EXT2_ET_EA_NO_SPACE)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the extended attributes of %s are too large (an ext4 inode has one block "
                         "of %u bytes for them)",
                         path, space->fs->blocksize);
    return code ? tree_space_set_error(space, code, path, error) : 0;
}

/* Sets one of the two lists of entry, if it has it. */
static int store_acl(struct ext2_xattr_handle *handle, struct tree_space *space,
                     struct archive_entry *entry, int type, const char *name, struct error *error)
{
    int expected = archive_entry_acl_reset(entry, type);
    CLEANUP_FREE struct acl_entry *items = NULL;
    CLEANUP_FREE uint8_t *bytes = NULL;
    size_t count = 0;

    if (expected <= 0)
        return 0;
    items = calloc((size_t)expected, sizeof *items);
    bytes = malloc(ACL_HEADER_SIZE + (size_t)expected * ACL_ENTRY_SIZE);
    if (!items || !bytes)
        return error_set_no_memory(error);
    while (count < (size_t)expected && next_acl_entry(entry, type, &items[count]))
        count++;
    qsort(items, count, sizeof *items, compare_acl_entries);
    put_le32(bytes, ACL_VERSION);
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = bytes + ACL_HEADER_SIZE + i * ACL_ENTRY_SIZE;

        put_le16(p, items[i].tag);
        put_le16(p + 2, items[i].permissions);
        put_le32(p + 4, items[i].id);
    }
    return set_attribute(handle, space, archive_entry_pathname(entry), name, bytes,
                         ACL_HEADER_SIZE + count * ACL_ENTRY_SIZE, error);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Those of the namespaces that ext4 knows; the lists come by themselves. */
static bool is_for_ext4(const char *name)
{
    return has_prefix(name, "user.") || has_prefix(name, "trusted.") ||
           has_prefix(name, "security.");
}

static int store_all(struct ext2_xattr_handle *handle, struct tree_space *space,
                     struct archive_entry *entry, struct error *error)
{
    const char *path = archive_entry_pathname(entry);
    const char *name;
    const void *value;
    size_t size;

    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
        if (is_for_ext4(name) && set_attribute(handle, space, path, name, value, size, error))
            return -1;
    if (store_acl(handle, space, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access",
                  error))
        return -1;
    return store_acl(handle, space, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
                     "system.posix_acl_default", error);
}

static void close_handle(struct ext2_xattr_handle **handle)
{
    if (*handle)
        ext2fs_xattrs_close(handle);
}

int tree_attributes_store(struct tree_space *space, ext2_ino_t ino, struct archive_entry *entry,
                          struct error *error)
{
    CLEANUP(close_handle) struct ext2_xattr_handle *handle = NULL;
    errcode_t code;

    if (archive_entry_xattr_count(entry) == 0 &&
        archive_entry_acl_count(entry, ARCHIVE_ENTRY_ACL_TYPE_POSIX1E) == 0)
        return 0;
    code = ext2fs_xattrs_open(space->fs, ino, &handle);
    if (code)
        return tree_space_set_error(space, code, archive_entry_pathname(entry), error);
    return store_all(handle, space, entry, error);
}
