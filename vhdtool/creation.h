/*
 * What create is asked for, from its words: the plan that it prints or carries out.
 */
#ifndef VHDTOOL_CREATION_H
#define VHDTOOL_CREATION_H

#include <stdbool.h>

#include "base/guid.h"
#include "ext4/create.h"
#include "image-format/vhdx/vhdx.h"

struct options;

struct creation {
    const char *path;
    struct vhdx_create_options vhdx;
    bool with_ext4;
    struct ext4_create_options ext4;
};

/* Decides everything, times and ids too; touches nothing. epoch: the text of SOURCE_DATE_EPOCH,
 * which makes both repeatable, or NULL. ERROR_USAGE, ERROR_UNSUPPORTED. */
int creation_plan(const struct options *options, const char *epoch, struct creation *ret_creation,
                  struct error *error);

#endif
