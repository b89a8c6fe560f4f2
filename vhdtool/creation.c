#include "vhdtool/creation.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/checked.h"
#include "base/crc32c.h"
#include "program/words.h"
#include "vhdtool/command.h"

#define DEFAULT_BLOCK_SIZE (1 * MIB)
#define LABEL_MAX 16
#define PHYSICAL_SECTOR_SIZE 4096

/* A new image's format: --format, or the name's ending. */
static int check_format(const struct options *options, const char *path, struct error *error)
{
    static const char *const known[] = {"vhdx", "vhd", "raw", "img"};
    const char *format = option_value(options, "format");
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');

    if (!format && !dot)
        return error_set(error, ERROR_USAGE,
                         "the name doesn't say the format (.vhdx or --format=vhdx expected)");
    if (!format)
        format = dot + 1;
    if (strcasecmp(format, "vhdx") == 0)
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(format, known[i]) == 0)
            return error_set(error, ERROR_UNSUPPORTED, "%s images can't be made yet (vhdx can)",
                             format);
    }
    return error_set(error, ERROR_USAGE, "\"%s\" is no known format (vhdx expected)", format);
}

static int plan_container(const struct options *options, struct vhdx_create_options *vhdx,
                          struct error *error)
{
    const char *size = options->operands[1];
    uint64_t block_size, sector_size;

    if (size[0] == '+' || size[0] == '-')
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is relative, and there is no size yet (512G or the like expected)",
                         size);
    if (operand_size(size, 0, &vhdx->virtual_size, error) ||
        option_size(options, "block-size", DEFAULT_BLOCK_SIZE, &block_size, error) ||
        option_size(options, "sector-size", 512, &sector_size, error))
        return -1;
    if (vhdx->virtual_size == 0)
        return error_set(error, ERROR_USAGE, "an image of no size can't be made");
    if (block_size > UINT32_MAX || sector_size == 0 || sector_size > UINT32_MAX)
        return error_set(
            error, ERROR_USAGE,
            "--block-size or --sector-size can't be had (1M to 256M, and 512 or 4096, expected)");
    vhdx->virtual_size = round_up(vhdx->virtual_size, sector_size);
    vhdx->block_size = (uint32_t)block_size;
    vhdx->logical_sector_size = (uint32_t)sector_size;
    vhdx->physical_sector_size = PHYSICAL_SECTOR_SIZE;
    return vhdx_create_check(vhdx, error);
}

/* The bytes in the order of RFC 4122, which filesystems use. */
static void uuid_from_guid(const struct guid *guid, uint8_t ret_uuid[16])
{
    char text[GUID_TEXT_SIZE];

    guid_format(guid, text);
    uuid_parse(text, ret_uuid);
}

static void new_uuid(uint8_t ret_uuid[16])
{
    struct guid guid;

    guid_generate(&guid);
    uuid_from_guid(&guid, ret_uuid);
}

static int plan_filesystem(const struct options *options, struct creation *creation,
                           struct error *error)
{
    const char *uuid = option_value(options, "uuid");
    struct guid guid;

    creation->ext4.label = option_value(options, "label");
    creation->ext4.from = option_value(options, "from");
    creation->with_ext4 = option_value(options, "ext4") || creation->ext4.from;
    if (!creation->with_ext4 && (creation->ext4.label || uuid))
        return error_set(error, ERROR_USAGE,
                         "--label and --uuid are a filesystem's (--ext4 or --from expected)");
    if (creation->ext4.label && strlen(creation->ext4.label) > LABEL_MAX)
        return error_set(error, ERROR_USAGE, "the label \"%s\" is too long (%d bytes at most)",
                         creation->ext4.label, LABEL_MAX);
    if (uuid && guid_parse(uuid, &guid))
        return error_set(error, ERROR_USAGE, "\"%s\" is no UUID", uuid);
    new_uuid(creation->ext4.uuid);
    new_uuid(creation->ext4.hash_seed);
    if (uuid)
        uuid_from_guid(&guid, creation->ext4.uuid);
    return 0;
}

/* Takes epoch for the present and, so that different images still get different ids, what was
 * asked for as the seed of the ids. */
static int fix_time_and_ids(const struct options *options, const char *epoch, uint32_t *ret_time,
                            struct error *error)
{
    uint32_t sum = crc32c(0, options->operands[1], strlen(options->operands[1]) + 1);

    if (program_read_epoch(epoch, ret_time, error))
        return -1;
    for (const struct option_spec *spec = options->command->options; spec->name; spec++) {
        const char *value = option_value(options, spec->name);

        if (value)
            sum = crc32c(sum, value, strlen(value) + 1);
    }
    guid_seed((uint64_t)*ret_time << 32 | sum);
    return 0;
}

int creation_plan(const struct options *options, const char *epoch, struct creation *ret_creation,
                  struct error *error)
{
    struct creation creation = {.path = options->operands[0]};

    creation.ext4.time = (uint32_t)time(NULL);
    if (epoch && fix_time_and_ids(options, epoch, &creation.ext4.time, error))
        return -1;
    if (check_format(options, creation.path, error) ||
        plan_container(options, &creation.vhdx, error) ||
        plan_filesystem(options, &creation, error))
        return -1;
    guid_generate(&creation.vhdx.id);
    *ret_creation = creation;
    return 0;
}
