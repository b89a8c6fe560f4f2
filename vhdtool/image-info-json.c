#include "vhdtool/image-info.h"
#include "vhdtool/report.h"

/* An empty text is one that isn't there. */
static json_t *text_or_null(const char *text)
{
    return text[0] ? json_from_text(text) : json_null();
}

static json_t *features_json(const struct filesystem_facts *facts)
{
    json_t *features = json_array();

    for (unsigned i = 0; i < facts->feature_count; i++)
        json_array_append_new(features, json_from_text(facts->features[i]));
    return features;
}

/* A number that only ext2, ext3 and ext4 tell here. */
static json_t *ext_number(const struct filesystem_facts *facts, uint64_t value)
{
    return facts->is_ext ? json_from_u64(value) : json_null();
}

json_t *filesystem_json(const struct filesystem_facts *facts)
{
    if (!facts->type[0])
        return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:o, s:o, s:o, s:o, s:o, s:o}", /* in order: */
        "type", json_from_text(facts->type), "label", text_or_null(facts->label), "uuid",
        text_or_null(facts->uuid), "block_size", ext_number(facts, facts->block_size), "size",
        ext_number(facts, facts->size), "used_size", ext_number(facts, facts->used_size),
        "free_size", ext_number(facts, facts->free_size), "minimum_size", "inodes",
        ext_number(facts, facts->inodes), "free_inodes", ext_number(facts, facts->free_inodes),
        "state", json_from_text(facts->state), "features", features_json(facts), "last_mounted",
        text_or_null(facts->last_mounted), "os", text_or_null(facts->os));
}

static json_t *partitions_json(const struct disk_contents *contents)
{
    json_t *partitions = json_array();

    for (unsigned i = 0; i < contents->partition_count; i++) {
        const struct partition_facts *partition = &contents->partitions[i];

        json_array_append_new(partitions, json_pack("{s:i, s:o, s:o, s:o, s:o, s:n}", "number",
                                                    (int)partition->number, "start",
                                                    json_from_u64(partition->start), "size",
                                                    json_from_u64(partition->size), "type",
                                                    text_or_null(partition->type), "name",
                                                    text_or_null(partition->name), "filesystem"));
    }
    return partitions;
}

json_t *image_info_json(const struct image_info *info)
{
    const struct disk_description *disk = &info->description;
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "path",
        json_from_text(info->path), "format", disk->format, "type", disk->type, "virtual_size",
        json_from_u64(disk->virtual_size), "file_size", json_from_u64(disk->file_size),
        "allocated_size", json_from_u64(disk->allocated_size), "block_size",
        disk->block_size ? json_from_u64(disk->block_size) : json_null(), "logical_sector_size",
        json_from_u64(disk->logical_sector_size), "physical_sector_size",
        json_from_u64(disk->physical_sector_size), "id", json_from_guid(&disk->id), "log",
        disk->log, "creator", text_or_null(disk->creator));
    json_t *rest =
        json_pack("{s:n, s:[o], s:o, s:o, s:o, s:o}", "parent", "chain", json_from_text(info->path),
                  "reclaimable_size",
                  info->knows_reclaimable ? json_from_u64(info->reclaimable_size) : json_null(),
                  "partition_table", json_from_text(info->contents.partition_table), "partitions",
                  partitions_json(&info->contents), "filesystem",
                  filesystem_json(&info->contents.filesystem));

    if (!object || !rest || json_object_update(object, rest)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(rest);
    return object;
}
