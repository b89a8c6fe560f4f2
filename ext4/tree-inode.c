#include "ext4/tree-inode.h"

#include <inttypes.h>
#include <string.h>

#include "ext4/tree-attributes.h"

/* A time has 34 bits: the sign extends the first 32, the epoch's two are added on top. */
#define EARLIEST_TIME INT64_C(-0x80000000)
#define LATEST_TIME INT64_C(0x37fffffff)

#define PERMISSION_BITS 07777u

struct encoded_time {
    uint32_t seconds, extra;
};

static struct encoded_time encode_time(int64_t seconds, long nanoseconds)
{
    uint64_t epoch;

    if (seconds < EARLIEST_TIME) {
        seconds = EARLIEST_TIME;
        nanoseconds = 0;
    } else if (seconds > LATEST_TIME) {
        seconds = LATEST_TIME;
        nanoseconds = 0;
    }
    epoch = (uint64_t)(seconds - (int32_t)(uint32_t)seconds) >> 32 & EXT4_EPOCH_MASK;
    return (struct encoded_time){
        .seconds = (uint32_t)seconds,
        .extra = (uint32_t)epoch | (uint32_t)nanoseconds << EXT4_EPOCH_BITS,
    };
}

static void set_mtime(union tree_inode *inode, struct encoded_time time)
{
    inode->large.i_mtime = time.seconds;
    inode->large.i_mtime_extra = time.extra;
}

static void set_atime(union tree_inode *inode, struct encoded_time time)
{
    inode->large.i_atime = time.seconds;
    inode->large.i_atime_extra = time.extra;
}

static void set_ctime(union tree_inode *inode, struct encoded_time time)
{
    inode->large.i_ctime = time.seconds;
    inode->large.i_ctime_extra = time.extra;
}

void tree_inode_init(union tree_inode *inode, uint16_t mode, int64_t now)
{
    struct encoded_time time = encode_time(now, 0);

    memset(inode, 0, sizeof *inode);
    inode->large.i_mode = mode;
    inode->large.i_links_count = 1;
    inode->large.i_extra_isize = sizeof inode->large - EXT2_GOOD_OLD_INODE_SIZE;
    inode->large.i_crtime = time.seconds;
    inode->large.i_crtime_extra = time.extra;
    set_mtime(inode, time);
    set_atime(inode, time);
    set_ctime(inode, time);
}

static void set_times(union tree_inode *inode, struct archive_entry *entry, int64_t now)
{
    struct encoded_time time = encode_time(now, 0);

    if (archive_entry_mtime_is_set(entry))
        time = encode_time(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
    set_mtime(inode, time);
    if (archive_entry_atime_is_set(entry))
        time = encode_time(archive_entry_atime(entry), archive_entry_atime_nsec(entry));
    set_atime(inode, time);
    time = encode_time(now, 0);
    if (archive_entry_ctime_is_set(entry))
        time = encode_time(archive_entry_ctime(entry), archive_entry_ctime_nsec(entry));
    set_ctime(inode, time);
}

int tree_inode_set_metadata(union tree_inode *inode, struct archive_entry *entry, int64_t now,
                            struct error *error)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    unsigned permissions = archive_entry_mode(entry) & PERMISSION_BITS;

    if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%s belongs to user %" PRId64 " and group %" PRId64
                         " (numbers of 32 bits expected)",
                         archive_entry_pathname(entry), uid, gid);
    permissions = tree_attributes_permissions(entry, permissions);
    inode->large.i_mode = (uint16_t)((inode->large.i_mode & LINUX_S_IFMT) | permissions);
    inode->large.i_uid = (uint16_t)uid;
    inode->large.i_uid_high = (uint16_t)(uid >> 16);
    inode->large.i_gid = (uint16_t)gid;
    inode->large.i_gid_high = (uint16_t)(gid >> 16);
    set_times(inode, entry, now);
    return 0;
}

void tree_inode_set_device(union tree_inode *inode, struct archive_entry *entry)
{
    uint32_t major = (uint32_t)archive_entry_rdevmajor(entry);
    uint32_t minor = (uint32_t)archive_entry_rdevminor(entry);

    if (major < 256 && minor < 256)
        inode->large.i_block[0] = major << 8 | minor;
    else
        inode->large.i_block[1] = (minor & 0xff) | major << 8 | (minor & ~UINT32_C(0xff)) << 12;
}

uint8_t tree_inode_file_type(unsigned mode)
{
    switch (mode & LINUX_S_IFMT) {
    case LINUX_S_IFREG:
        return EXT2_FT_REG_FILE;
    case LINUX_S_IFDIR:
        return EXT2_FT_DIR;
    case LINUX_S_IFCHR:
        return EXT2_FT_CHRDEV;
    case LINUX_S_IFBLK:
        return EXT2_FT_BLKDEV;
    case LINUX_S_IFIFO:
        return EXT2_FT_FIFO;
    case LINUX_S_IFSOCK:
        return EXT2_FT_SOCK;
    case LINUX_S_IFLNK:
        return EXT2_FT_SYMLINK;
    default:
        return EXT2_FT_UNKNOWN;
    }
}
