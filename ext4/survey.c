#include "ext4/survey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/claims.h"
#include "ext4/inode-check.h"
#include "ext4/inode-rules.h"
#include "ext4/inode-table.h"
#include "ext4/xattr-check.h"

/* Inode tables are read in pieces of this size. */
#define PIECE_SIZE (1 * MIB)

/* The walk: what it stands on, what it has found, and memory to work in. */
struct survey {
    struct ext4 *ext4;
    ext4_survey_visit *visit;
    void *context;
    struct ext4_claims claims;
    struct xattr_sharing sharing;
    struct ext4_block_map map;
    uint8_t *inode_bitmap; /* of the present group; block_size bytes */
    uint8_t *xattrs;       /* block_size bytes */
    uint8_t *piece;        /* of the inode table; with room for a whole ext2_inode_large behind it,
                              since inodes may be smaller */
    uint32_t used, directories; /* inodes of the present group */
};

static void cleanup_survey(struct survey *survey)
{
    ext4_claims_free(&survey->claims);
    xattr_sharing_free(&survey->sharing);
    ext4_block_map_free(&survey->map);
    free(survey->inode_bitmap);
    free(survey->xattrs);
    free(survey->piece);
}

static int bad_group(struct error *error, uint32_t group, const char *what, uint64_t in_descriptor,
                     uint64_t found)
{
    error_set(error, ERROR_CORRUPT,
              "group %" PRIu32 " has %" PRIu64 " %s in its descriptor (%" PRIu64 " were found)",
              group, in_descriptor, what, found);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* Claims a block that stands outside of all maps. */
static int claim_block(struct survey *survey, uint64_t block, const char *whose,
                       struct error *error)
{
    if (!inode_run_is_inside(survey->ext4, block, 1)) {
        error_set(error, ERROR_CORRUPT, "%s lies outside of the filesystem, at block %" PRIu64,
                  whose, block);
        return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
    }
    ext4_claims_add(&survey->claims, (struct ext4_run){block, 1});
    return 0;
}

/* Body and block. */
static int check_xattrs(struct survey *survey, uint32_t number, struct ext2_inode_large *inode,
                        uint64_t block, struct xattr_facts *facts, struct error *error)
{
    bool is_first;

    if (xattr_check_body(survey->ext4, number, inode, facts, error))
        return -1;
    if (block == 0)
        return 0;
    if (!inode_run_is_inside(survey->ext4, block, 1))
        return inode_is_damaged(error, number,
                                "its extended attributes lie outside of the filesystem, at "
                                "block %" PRIu64,
                                block);
    if (xattr_meet_block(&survey->sharing, survey->ext4, number, block, survey->xattrs, facts,
                         &is_first, error))
        return -1;
    return is_first ? claim_block(survey, block, "an xattr block", error) : 0;
}

/* The tree, and what the inode says of it. */
static int read_map(struct survey *survey, uint32_t number, const struct ext2_inode_large *inode,
                    const struct xattr_facts *facts, struct error *error)
{
    struct ext4_block_map *map = &survey->map;
    ext2_filsys fs = survey->ext4->fs;
    bool has_map = inode_has_map(fs, number, inode);

    map->count = 0;
    map->node_count = 0;
    map->has_extents = inode->i_flags & EXT4_EXTENTS_FL;
    if (has_map && ext4_block_map_read(survey->ext4, number, inode, map, error))
        return -1;
    if ((has_map || LINUX_S_ISREG(inode->i_mode)) &&
        inode_check_size(survey->ext4, number, inode, map, error))
        return -1;
    ext4_claims_add_map(&survey->claims, map);
    if (number == EXT2_RESIZE_INO)
        return inode->i_block[EXT2_DIND_BLOCK]
                   ? claim_block(survey, inode->i_block[EXT2_DIND_BLOCK],
                                 "the resize inode's double-indirect block", error)
                   : 0;
    /* Reading has done so for most. */
    if (number == EXT2_BAD_INO || (has_map && !ext2fs_has_feature_ea_inode(fs->super)))
        return 0;
    return inode_check_block_count(survey->ext4, number, inode, map, facts->charged_clusters, true,
                                   error);
}

static int take_used(struct survey *survey, uint32_t number, struct ext2_inode_large *inode,
                     struct error *error)
{
    ext2_filsys fs = survey->ext4->fs;
    uint64_t block = ext2fs_file_acl_block(fs, (const struct ext2_inode *)inode);
    struct xattr_facts facts = {0};

    if (!ext2fs_inode_csum_verify(fs, number, inode))
        return inode_is_damaged(error, number, "its checksum is wrong");
    if (inode_check_fields(survey->ext4, number, inode, error) ||
        check_xattrs(survey, number, inode, block, &facts, error))
        return -1;
    if (inode->i_flags & EXT4_INLINE_DATA_FL && !facts.has_inline_data)
        return inode_is_damaged(error, number, "its inline data is missing");
    if (read_map(survey, number, inode, &facts, error))
        return -1;
    survey->used++;
    survey->directories += LINUX_S_ISDIR(inode->i_mode);
    if (inode_is_reserved(fs->super, number) && survey->map.count == 0 && block == 0 &&
        (number != EXT2_RESIZE_INO || inode->i_block[EXT2_DIND_BLOCK] == 0))
        return 0;
    return survey->visit(
        &(struct ext4_inode_view){
            .number = number, .inode = inode, .map = &survey->map, .xattr_block = block},
        survey->context, error);
}

static bool is_used(const struct survey *survey, uint32_t index)
{
    return survey->inode_bitmap[index / 8] >> index % 8 & 1u;
}

/* count inodes of the group, from number first + 1 of it on, in the piece. */
static int take_piece(struct survey *survey, uint32_t group, uint32_t first, uint32_t count,
                      struct error *error)
{
    uint32_t group_inodes = survey->ext4->geometry.group_inodes;
    size_t inode_size = EXT2_INODE_SIZE(survey->ext4->fs->super);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = group * group_inodes + first + i + 1;
        struct ext2_inode_large *inode =
            (struct ext2_inode_large *)(survey->piece + i * inode_size);

        if (is_used(survey, first + i) ? take_used(survey, number, inode, error)
                                       : inode_check_free(survey->ext4, number, inode, error))
            return -1;
    }
    return 0;
}

/* The first count inodes of a group. */
static int take_table(struct survey *survey, uint32_t group, uint32_t count, struct error *error)
{
    ext2_filsys fs = survey->ext4->fs;
    uint32_t per_block = fs->blocksize / (uint32_t)EXT2_INODE_SIZE(fs->super);
    uint32_t per_piece = (uint32_t)(PIECE_SIZE / fs->blocksize) * per_block;

    for (uint32_t first = 0; first < count; first += per_piece) {
        uint32_t inodes = (uint32_t)min_u64(per_piece, count - first);
        errcode_t code =
            io_channel_read_blk64(fs->io, ext2fs_inode_table_loc(fs, group) + first / per_block,
                                  (int)divide_up(inodes, per_block), survey->piece);

        if (code)
            return ext4_set_error(error, &survey->ext4->io, code,
                                  "cannot read the inode table of group %" PRIu32, group);
        if (take_piece(survey, group, first, inodes, error))
            return -1;
    }
    return 0;
}

static int read_inode_bitmap(struct survey *survey, uint32_t group, struct error *error)
{
    ext2_filsys fs = survey->ext4->fs;
    errcode_t code =
        io_channel_read_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, group), 1, survey->inode_bitmap);

    return code ? ext4_set_error(error, &survey->ext4->io, code,
                                 "cannot read the inode bitmap of group %" PRIu32, group)
                : 0;
}

/* Reserved inodes are in use whatever they hold; none is in use where the table isn't. */
static int check_inode_bitmap(const struct survey *survey, uint32_t group, uint32_t table_inodes,
                              struct error *error)
{
    const struct ext4_geometry *geometry = &survey->ext4->geometry;
    uint32_t reserved = group == 0 ? EXT2_FIRST_INODE(survey->ext4->fs->super) - 1 : 0;

    for (uint32_t i = 0; i < min_u64(reserved, geometry->group_inodes); i++)
        if (!is_used(survey, i))
            return inode_is_damaged(error, i + 1, "it is reserved, and free in the inode bitmap");
    for (uint32_t i = table_inodes; i < geometry->group_inodes; i++)
        if (is_used(survey, i))
            return inode_is_damaged(error, group * geometry->group_inodes + i + 1,
                                    "it is in use, and lies in the unused part of its table");
    return 0;
}

static int take_group(struct survey *survey, uint32_t group, struct error *error)
{
    struct ext4 *ext4 = survey->ext4;
    uint32_t group_inodes = ext4->geometry.group_inodes;
    uint32_t count = ext4_inodes_initialised(ext4, group);
    bool is_there = !ext4->geometry.has_group_checksums ||
                    !ext2fs_bg_flags_test(ext4->fs, group, EXT2_BG_INODE_UNINIT);

    survey->used = 0;
    survey->directories = 0;
    if (is_there && (read_inode_bitmap(survey, group, error) ||
                     check_inode_bitmap(survey, group, count, error) ||
                     take_table(survey, group, count, error)))
        return -1;
    if (ext2fs_bg_free_inodes_count(ext4->fs, group) != group_inodes - survey->used)
        return bad_group(error, group, "free inodes", ext2fs_bg_free_inodes_count(ext4->fs, group),
                         group_inodes - survey->used);
    if (ext2fs_bg_used_dirs_count(ext4->fs, group) != survey->directories)
        return bad_group(error, group, "directories", ext2fs_bg_used_dirs_count(ext4->fs, group),
                         survey->directories);
    return 0;
}

static int prepare(struct survey *survey, struct error *error)
{
    const struct ext4_geometry *geometry = &survey->ext4->geometry;
    struct ext2_super_block *super = survey->ext4->fs->super;

    if (super->s_creator_os == EXT2_OS_HURD)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the filesystem was made for the Hurd, whose inodes hold other things");
    survey->inode_bitmap = malloc(geometry->block_size);
    survey->xattrs = malloc(geometry->block_size);
    survey->piece = calloc(1, PIECE_SIZE + sizeof(struct ext2_inode_large));
    if (!survey->inode_bitmap || !survey->xattrs || !survey->piece)
        return error_set_no_memory(error);
    if (ext4_claims_init(&survey->claims, geometry, error) ||
        ext4_claims_add_metadata(&survey->claims, survey->ext4->fs, error))
        return -1;
    return ext2fs_has_feature_mmp(super)
               ? claim_block(survey, super->s_mmp_block, "the multiple-mount block", error)
               : 0;
}

int ext4_survey(struct ext4 *ext4, ext4_survey_visit *visit, void *context, struct error *error)
{
    CLEANUP(cleanup_survey)
    struct survey survey = {.ext4 = ext4, .visit = visit, .context = context};

    if (prepare(&survey, error))
        return -1;
    for (uint32_t group = 0; group < ext4->geometry.groups; group++)
        if (take_group(&survey, group, error))
            return -1;
    if (xattr_check_sharing(&survey.sharing, error))
        return -1;
    return ext4_claims_compare(&survey.claims, ext4->fs, error);
}
