#include <string.h>

#include "vhdtool/command.h"
#include "vhdtool/nearest.h"

const struct command *const commands[] = {
    &command_info, &command_create, &command_expand, &command_shrink, &command_compact, NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *command = commands; *command; command++) {
        if (strcmp((*command)->name, name) == 0)
            return *command;
    }
    return NULL;
}

const char *command_nearest(const char *name)
{
    struct nearest nearest = nearest_begin(name);

    for (const struct command *const *command = commands; *command; command++)
        nearest_consider(&nearest, (*command)->name);
    return nearest.word;
}
