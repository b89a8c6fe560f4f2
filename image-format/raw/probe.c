/*
 * What may be taken for a raw image. To write to an image of another format as if
 * it were raw would destroy it, and so the signatures of all formats of images
 * that are in use are looked for, those of VHDX and VHD also where the first one
 * of theirs is damaged.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/file.h"
#include "image-format/raw/raw.h"

#define SECTOR_SIZE 512

struct signature {
    const char *name;
    int64_t offset; /* bytes; below zero: from the file's end */
    const char *bytes;
    size_t size;
};

#define TEXT(text) text, sizeof text - 1

static const struct signature foreign[] = {
    {"VHDX", 0, TEXT("vhdxfile")},
    {"VHDX", 64 * 1024, TEXT("head")},
    {"VHDX", 128 * 1024, TEXT("head")},
    {"VHDX", 192 * 1024, TEXT("regi")},
    {"VHDX", 256 * 1024, TEXT("regi")},
    {"VHD", 0, TEXT("conectix")},
    {"VHD", -512, TEXT("conectix")},
    {"VHD", -511, TEXT("conectix")}, /* as programs before 2004 made it */
    {"qcow", 0, TEXT("QFI\xfb")},
    {"QED", 0, TEXT("QED\0")},
    {"VMDK", 0, TEXT("KDMV")},
    {"VMDK", 0, TEXT("COWD")},
    {"VMDK", 0, TEXT("# Disk DescriptorFile")},
    {"VDI", 64, TEXT("\x7f\x10\xda\xbe")},
    {"Parallels", 0, TEXT("WithoutFreeSpace")},
    {"Parallels", 0, TEXT("WithouFreSpacExt")},
    {"Bochs", 0, TEXT("Bochs Virtual HD Image")},
    {"compressed disk (cloop)", 0, TEXT("#!/bin/sh\n#V2.0 Format")},
    {"DMG", -512, TEXT("koly")},
    {"WIM", 0, TEXT("MSWIM\0\0\0")},
    {"EWF", 0, TEXT("EVF\x09\x0d\x0a\xff")},
};

/* What begins a disk: it is one also where its size is no whole number of sectors. */
static const struct signature disks[] = {
    {"MBR or boot sector", 510, TEXT("\x55\xaa")},
    {"GPT", 512, TEXT("EFI PART")},
    {"GPT", 4096, TEXT("EFI PART")},
    {"ext2, ext3 or ext4", 1024 + 56, TEXT("\x53\xef")},
    {"XFS", 0, TEXT("XFSB")},
    {"btrfs", 65536 + 64, TEXT("_BHRfS_M")},
    {"LUKS", 0, TEXT("LUKS\xba\xbe")},
    {"swap", 4086, TEXT("SWAPSPACE2")},
};

static int matches(struct file *file, uint64_t size, const struct signature *signature,
                   bool *ret_matches, struct error *error)
{
    uint8_t bytes[32];
    uint64_t offset = (uint64_t)signature->offset;

    *ret_matches = false;
    if (signature->offset < 0 && size < (uint64_t)-signature->offset)
        return 0;
    if (signature->offset < 0)
        offset = size - (uint64_t)-signature->offset;
    if (!range_fits(offset, signature->size, size))
        return 0;
    if (file_read(file, offset, bytes, signature->size, error))
        return -1;
    *ret_matches = memcmp(bytes, signature->bytes, signature->size) == 0;
    return 0;
}

/* The name of the first one that matches, or NULL. */
static int find(struct file *file, uint64_t size, const struct signature *list, size_t count,
                const char **ret_name, struct error *error)
{
    *ret_name = NULL;
    for (size_t i = 0; i < count; i++) {
        bool found;

        if (matches(file, size, &list[i], &found, error))
            return -1;
        if (found) {
            *ret_name = list[i].name;
            return 0;
        }
    }
    return 0;
}

int raw_probe(struct file *file, unsigned *ret_bits, struct error *error)
{
    (void)file;
    (void)error;
    *ret_bits = 1;
    return 0;
}

int raw_check(struct file *file, struct error *error)
{
    const char *name;
    uint64_t size;

    if (file_get_size(file, &size, error))
        return -1;
    if (size == 0)
        return error_set(error, ERROR_NOT_IMAGE, "it is empty, and so no disk image (VHDX or raw)");
    if (find(file, size, foreign, sizeof foreign / sizeof *foreign, &name, error))
        return -1;
    if (name)
        return error_set(error, ERROR_UNSUPPORTED,
                         "it is no disk image that can be opened (VHDX or raw): it has a "
                         "signature of %s, in another version or damaged",
                         name);
    if (size % SECTOR_SIZE == 0)
        return 0;
    if (find(file, size, disks, sizeof disks / sizeof *disks, &name, error))
        return -1;
    if (name)
        return 0;
    return error_set(error, ERROR_NOT_IMAGE,
                     "it is not a disk image that is known here (VHDX, or raw: whole sectors of "
                     "512 bytes, or a filesystem or partition table that begins in it)");
}
