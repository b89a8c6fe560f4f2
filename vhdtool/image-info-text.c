#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "program/words.h"
#include "vhdtool/image-info.h"

static void print_text(FILE *out, const char *name, const char *text)
{
    if (text && text[0])
        fprintf(out, "  %-16s%s\n", name, text);
}

static void print_size(FILE *out, const char *name, uint64_t bytes)
{
    char text[SIZE_TEXT_SIZE];

    size_format(bytes, text);
    fprintf(out, "  %-16s%s", name, text);
    if (bytes >= 1024)
        fprintf(out, " (%" PRIu64 " bytes)", bytes);
    fputc('\n', out);
}

static void print_container(FILE *out, const struct image_info *info)
{
    const struct disk_description *disk = &info->description;
    char id[GUID_TEXT_SIZE];

    print_size(out, "virtual size", disk->virtual_size);
    print_size(out, "file size", disk->file_size);
    print_size(out, "allocated", disk->allocated_size);
    if (info->knows_reclaimable)
        print_size(out, "reclaimable", info->reclaimable_size);
    if (disk->block_size)
        print_size(out, "block size", disk->block_size);
    fprintf(out, "  %-16s%" PRIu32 " bytes, physical %" PRIu32 "\n", "sectors",
            disk->logical_sector_size, disk->physical_sector_size);
    if (!guid_is_zero(&disk->id)) {
        guid_format(&disk->id, id);
        print_text(out, "id", id);
    }
    print_text(out, "log", disk->log);
    print_text(out, "creator", disk->creator);
}

static void print_filesystem(FILE *out, const struct filesystem_facts *facts)
{
    if (!facts->type[0])
        return;
    print_text(out, "filesystem", facts->type);
    print_text(out, "label", facts->label);
    print_text(out, "uuid", facts->uuid);
    print_text(out, "state", facts->state);
    if (!facts->is_ext)
        return;
    print_size(out, "size", facts->size);
    print_size(out, "used", facts->used_size);
    print_size(out, "free", facts->free_size);
    fprintf(out, "  %-16s%" PRIu32 " bytes\n", "blocks", facts->block_size);
    fprintf(out, "  %-16s%" PRIu64 ", %" PRIu64 " free\n", "inodes", facts->inodes,
            facts->free_inodes);
    fprintf(out, "  %-16s", "features");
    for (unsigned i = 0; i < facts->feature_count; i++)
        fprintf(out, "%s%s", i ? " " : "", facts->features[i]);
    fputc('\n', out);
    print_text(out, "last mounted", facts->last_mounted);
    print_text(out, "system", facts->os);
}

static void print_partitions(FILE *out, const struct disk_contents *contents)
{
    print_text(out, "partitions", contents->partition_table);
    for (unsigned i = 0; i < contents->partition_count; i++) {
        const struct partition_facts *partition = &contents->partitions[i];
        char size[SIZE_TEXT_SIZE];

        size_format(partition->size, size);
        fprintf(out, "    %-14u%s at byte %" PRIu64 "  %s%s%s\n", partition->number, size,
                partition->start, partition->type, partition->name[0] ? "  " : "", partition->name);
    }
}

char *image_info_text(const struct image_info *info)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fprintf(out, "%s: %s, %s\n", info->path, info->description.format, info->description.type);
    print_container(out, info);
    print_partitions(out, &info->contents);
    print_filesystem(out, &info->contents.filesystem);
    if (fclose(out))
        return NULL;
    program_clean_text(text);
    return TAKE(text);
}
