/*
 * libblkid looks at a file descriptor, and a virtual disk has none. It looks
 * at the disk's start and end, though, and so it gets a sparse file of the
 * disk's size in memory that holds these two, and the chain of logical
 * partitions, which can lie anywhere.
 */
#include <blkid.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/facts.h"
#include "ext4/preflight.h"
#include "ext4/superblock-facts.h"
#include "image-format/disk.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"

#define HEAD_SIZE (2 * MIB)
#define TAIL_SIZE (1 * MIB)
#define MBR_SIZE 512
#define MBR_ENTRIES 446 /* where the four of them begin */
#define MBR_ENTRY_SIZE 16
#define GPT_SIGNATURE "EFI PART"
#define GPT_SIGNATURE_SIZE 8

static void cleanup_probe(blkid_probe *probe)
{
    blkid_free_probe(*probe);
}

/* Copies a range of the disk, cut at the disk's end. */
static int copy_range(struct disk *disk, struct file *scratch, uint64_t offset, uint64_t size,
                      struct error *error)
{
    CLEANUP_FREE void *buffer = NULL;

    if (offset >= disk->size)
        return 0;
    size = min_u64(size, disk->size - offset);
    buffer = malloc((size_t)size);
    if (!buffer)
        return error_set_no_memory(error);
    return disk_read(disk, offset, buffer, (size_t)size, error) ||
                   file_write(scratch, offset, buffer, (size_t)size, error)
               ? -1
               : 0;
}

static bool is_extended(const uint8_t *entry)
{
    return entry[4] == 0x05 || entry[4] == 0x0f || entry[4] == 0x85;
}

/* Where a partition record's entry points to, in bytes from the record's base. */
static uint64_t entry_offset(const uint8_t *entry, uint32_t sector_size)
{
    return (uint64_t)get_le32(entry + 8) * sector_size;
}

/* Copies the partition records of the extended partition at start, each of which names the next
 * one in its second entry. */
static int copy_logical_partitions(struct disk *disk, struct file *scratch, uint64_t start,
                                   uint32_t sector_size, struct error *error)
{
    uint64_t offset = start;

    for (int count = 0; count < FILESYSTEM_MAX_PARTITIONS; count++) {
        uint8_t record[MBR_SIZE];
        const uint8_t *next = record + MBR_ENTRIES + MBR_ENTRY_SIZE;

        if (!range_fits(offset, sizeof record, disk->size))
            return 0;
        if (disk_read(disk, offset, record, sizeof record, error) ||
            file_write(scratch, offset, record, sizeof record, error))
            return -1;
        if (get_le16(record + MBR_SIZE - 2) != 0xaa55 || !is_extended(next))
            return 0;
        offset = start + entry_offset(next, sector_size);
    }
    return 0;
}

/* Any 512 bytes do: what isn't a partition record only has more copied than is needed. */
static int copy_extended_partitions(struct disk *disk, struct file *scratch, uint32_t sector_size,
                                    struct error *error)
{
    uint8_t record[MBR_SIZE];

    if (disk->size < sizeof record)
        return 0;
    if (disk_read(disk, 0, record, sizeof record, error))
        return -1;
    for (int i = 0; i < 4; i++) {
        const uint8_t *entry = record + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

        if (is_extended(entry) &&
            copy_logical_partitions(disk, scratch, entry_offset(entry, sector_size), sector_size,
                                    error))
            return -1;
    }
    return 0;
}

static int copy_what_counts(struct disk *disk, struct file *scratch, uint32_t sector_size,
                            struct error *error)
{
    uint64_t tail = disk->size > TAIL_SIZE ? disk->size - TAIL_SIZE : 0;

    return copy_range(disk, scratch, 0, HEAD_SIZE, error) ||
                   copy_range(disk, scratch, tail, TAIL_SIZE, error) ||
                   copy_extended_partitions(disk, scratch, sector_size, error)
               ? -1
               : 0;
}

/* Copies one of libblkid's values; empty where it has none. */
static void copy_value(blkid_probe probe, const char *name, char *text, size_t size)
{
    const char *value;

    if (blkid_probe_lookup_value(probe, name, &value, NULL))
        value = "";
    snprintf(text, size, "%s", value);
}

/* Signatures of several filesystems are there: an old one outlived mkfs. If ext is among them,
 * that is what a mount of this image would find. */
static bool probe_ext_only(blkid_probe probe)
{
    char ext2[] = "ext2", ext3[] = "ext3", ext4[] = "ext4";
    char *names[] = {ext4, ext3, ext2, NULL};

    blkid_probe_enable_partitions(probe, 0);
    return blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, names) == 0 &&
           blkid_do_safeprobe(probe) == 0;
}

static void read_filesystem(struct disk *disk, blkid_probe probe, struct filesystem_facts *facts)
{
    copy_value(probe, "TYPE", facts->type, sizeof facts->type);
    copy_value(probe, "LABEL", facts->label, sizeof facts->label);
    copy_value(probe, "UUID", facts->uuid, sizeof facts->uuid);
    for (char *p = facts->uuid; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (strncmp(facts->type, "ext", 3) == 0)
        superblock_facts_read(disk, facts);
}

static void read_partition(blkid_partition partition, bool is_gpt, struct partition_facts *facts)
{
    const char *type = blkid_partition_get_type_string(partition);
    const char *name = blkid_partition_get_name(partition);

    facts->number = (unsigned)blkid_partition_get_partno(partition);
    /* libblkid counts in 512 bytes whatever the sectors are. */
    facts->start = (uint64_t)blkid_partition_get_start(partition) * 512;
    facts->size = (uint64_t)blkid_partition_get_size(partition) * 512;
    if (is_gpt)
        snprintf(facts->type, sizeof facts->type, "%s", type ? type : "");
    else
        snprintf(facts->type, sizeof facts->type, "0x%02x",
                 (unsigned)blkid_partition_get_type(partition));
    snprintf(facts->name, sizeof facts->name, "%s", name ? name : "");
}

static void read_partitions(blkid_probe probe, struct disk_contents *contents)
{
    blkid_partlist list = blkid_probe_get_partitions(probe);
    blkid_parttable table = list ? blkid_partlist_get_table(list) : NULL;
    const char *type = table ? blkid_parttable_get_type(table) : NULL;
    bool is_gpt = type && strcmp(type, "gpt") == 0;
    int count = list ? blkid_partlist_numof_partitions(list) : 0;

    if (!type || (!is_gpt && strcmp(type, "dos") != 0))
        return;
    contents->partition_table = is_gpt ? "gpt" : "mbr";
    for (int i = 0; i < count && contents->partition_count < FILESYSTEM_MAX_PARTITIONS; i++)
        read_partition(blkid_partlist_get_partition(list, i), is_gpt,
                       &contents->partitions[contents->partition_count++]);
}

/* A record without entries beside a filesystem is a boot loader's, and no partition table. */
static bool is_partitioned(blkid_probe probe)
{
    const char *ignored;
    blkid_partlist list;

    if (blkid_probe_lookup_value(probe, "PTTYPE", &ignored, NULL))
        return false;
    list = blkid_probe_get_partitions(probe);
    return (list && blkid_partlist_numof_partitions(list) > 0) ||
           blkid_probe_lookup_value(probe, "TYPE", &ignored, NULL) != 0;
}

/* An entry with a type and a size, in what ends as a partition record does. What a boot loader has
 * there instead may look alike. */
static bool has_partition_entry(const uint8_t *record)
{
    if (get_le16(record + MBR_SIZE - 2) != 0xaa55)
        return false;
    for (int i = 0; i < 4; i++) {
        const uint8_t *entry = record + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

        if (entry[4] != 0 && get_le32(entry + 12) != 0)
            return true;
    }
    return false;
}

/* Traces of a partition table, also of one that nobody would follow: a record with a boot flag that
 * is none, GPT without the record that goes before it, or its copy at the disk's end alone. */
static int look_for_tables(struct disk *disk, bool *ret_found, struct error *error)
{
    const uint64_t headers[] = {512, 4096, disk->size - 512, disk->size - 4096};
    uint8_t bytes[MBR_SIZE];

    if (disk_read(disk, 0, bytes, MBR_SIZE, error))
        return -1;
    *ret_found = has_partition_entry(bytes);
    for (size_t i = 0; i < sizeof headers / sizeof *headers && !*ret_found; i++) {
        if (!range_fits(headers[i], GPT_SIGNATURE_SIZE, disk->size))
            continue;
        if (disk_read(disk, headers[i], bytes, GPT_SIGNATURE_SIZE, error))
            return -1;
        *ret_found = memcmp(bytes, GPT_SIGNATURE, GPT_SIGNATURE_SIZE) == 0;
    }
    return 0;
}

/* Whether an ext superblock is at its place, and something else on the disk as well. */
static int look_beside_ext(struct disk *disk, const struct disk_contents *contents,
                           bool *ret_ambiguous, struct error *error)
{
    bool is_there;

    *ret_ambiguous = false;
    if (ext4_is_there(disk, &is_there, error))
        return -1;
    if (!is_there)
        return 0;
    *ret_ambiguous = strncmp(contents->filesystem.type, "ext", 3) != 0;
    return *ret_ambiguous ? 0 : look_for_tables(disk, ret_ambiguous, error);
}

void disk_contents_name(const struct disk_contents *contents, char *name, size_t size)
{
    if (contents->partition_table)
        snprintf(name, size, "%s partition table", contents->partition_table);
    else
        snprintf(name, size, "%s", contents->filesystem.type);
}

static int probe_contents(struct disk *disk, int descriptor, uint32_t sector_size,
                          struct disk_contents *contents, struct error *error)
{
    CLEANUP(cleanup_probe) blkid_probe probe = blkid_new_probe();
    int found;

    if (!probe)
        return error_set_no_memory(error);
    if (blkid_probe_set_device(probe, descriptor, 0, 0) ||
        blkid_probe_set_sectorsize(probe, sector_size))
        return 0; /* too small to hold anything */
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_DEFAULT | BLKID_SUBLKS_BADCSUM);
    blkid_probe_enable_partitions(probe, 1);
    found = blkid_do_safeprobe(probe);
    if (found == 0 && is_partitioned(probe))
        read_partitions(probe, contents);
    else if (found == 0 || (found == -2 && probe_ext_only(probe)))
        read_filesystem(disk, probe, &contents->filesystem);
    contents->ambiguous = found == -2;
    return 0;
}

int disk_contents_read(struct disk *disk, struct disk_contents *ret_contents, struct error *error)
{
    CLEANUP_FREE struct disk_contents *contents = calloc(1, sizeof *contents);
    CLEANUP(cleanup_file) struct file *scratch = NULL;
    struct disk_description description;
    bool beside_ext;
    int descriptor;

    if (!contents)
        return error_set_no_memory(error);
    if (disk_describe(disk, &description, error))
        return -1;
    scratch = file_posix_scratch(disk->size, &descriptor, error);
    if (!scratch || copy_what_counts(disk, scratch, description.logical_sector_size, error) ||
        probe_contents(disk, descriptor, description.logical_sector_size, contents, error) ||
        look_beside_ext(disk, contents, &beside_ext, error))
        return -1;
    contents->ambiguous |= beside_ext;
    *ret_contents = *contents;
    return 0;
}
