/*
 * What of a journal means nothing: all but its superblock, since it is empty in a filesystem that
 * ext4_open_checked has opened. The kernel reads no other block of it before it has written it
 * anew.
 * Source: kernel fs/jbd2/{journal,recovery}.c (journal_reset, jbd2_journal_recover).
 */
#ifndef EXT4_JOURNAL_UNUSED_H
#define EXT4_JOURNAL_UNUSED_H

#include "ext4/free-runs.h"

/* Visits the blocks of the filesystem that are such, in the journal's order; none where the journal
 * isn't inode 8. Errors as ext4_block_map_read. */
int ext4_journal_unused_each(struct ext4 *ext4, ext4_free_run_visit *visit, void *context,
                             struct error *error);

#endif
