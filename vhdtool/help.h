/*
 * The help, made from the tables of commands and options.
 */
#ifndef VHDTOOL_HELP_H
#define VHDTOOL_HELP_H

struct command;

/* Prints the help of the program, or of one command where that isn't NULL. 0 or -1 (no memory). */
int help_print(const struct command *command);

#endif
