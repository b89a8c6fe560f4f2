/*
 * Is this a good filesystem, and is the same in it as before? Asks e2fsck and
 * libext2fs, on a raw copy of the virtual disk's data that lies in memory
 * where the host allows it. Contents that were judged once aren't judged
 * again, which makes thousands of states of one image affordable.
 */
#ifndef TESTS_SUPPORT_JUDGE_H
#define TESTS_SUPPORT_JUDGE_H

#include "base/error.h"
#include "tests/support/digest.h"

struct disk;
struct judge;

#define JUDGED_WRONG_COUNTS 1000

struct judgement {
    int status;   /* e2fsck's exit status: 0 clean, 4 damaged; see host_run. JUDGED_WRONG_COUNTS
                     where it found fault and yet ended with 0 */
    char *output; /* what it printed; the judge's */
};

/* NULL sets error. */
struct judge *judge_new(struct error *error);

/* From now on e2fsck doesn't mind trees that could be narrower, as the kernel leaves them. */
void judge_allow_wide_trees(struct judge *judge);

/* NULL is fine. */
void judge_free(struct judge *judge);

/* `e2fsck -fn` on the whole disk. *ret_judgement lives as long as the judge. Returns -1 when the
 * disk can't be read or e2fsck can't be run; damage is no error here. */
int judge_filesystem(struct judge *judge, struct disk *disk, const struct judgement **ret_judgement,
                     struct error *error);

/* The digest of the disk's file tree; see tree-digest.h. */
int judge_tree(struct judge *judge, struct disk *disk, struct digest *ret_digest,
               struct error *error);

/* The digest of the disk's size and contents; absent ranges and zeros are alike. */
int judge_contents(struct disk *disk, struct digest *ret_digest, struct error *error);

#endif
