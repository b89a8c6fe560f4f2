#include "ext4resize/options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

const char options_usage[] =
    "Usage: ext4resize [-d debug_flags] [-f] [-F] [-M] [-P] [-p] device [-b|-s|new_size] "
    "[-S RAID-stride] [-z undo_file]\n";

const char options_help[] =
    "\n"
    "Makes the ext2, ext3 or ext4 filesystem on a device or in a disk image another size, in\n"
    "resize2fs's place. A power cut at any moment leaves a filesystem that is whole.\n"
    "\n"
    "new_size is in blocks of the filesystem, or in the unit that its last letter names: s for\n"
    "sectors of 512 bytes, K, M, G or T for powers of 1024. Without it, the filesystem takes the\n"
    "device's size. A file is extended, or cut off, to the filesystem's size.\n"
    "\n"
    "Options:\n"
    "  -b                 convert the filesystem to 64-bit block numbers, at the same size\n"
    "  -d debug_flags     unless 0: print the plan before it is carried out\n"
    "  -f                 go on in spite of refusals that allow it\n"
    "  -F                 flush the device before anything is read\n"
    "  -M                 shrink the filesystem to the smallest size that holds what is in it\n"
    "  -p                 show how far moving what is in the way has come\n"
    "  -P                 print that smallest size, in blocks, and change nothing\n"
    "  -s                 convert the filesystem to 32-bit block numbers\n"
    "  -S RAID-stride     note a RAID's stride in the superblock, in blocks\n"
    "  -z undo_file       save what is overwritten, so that e2undo can restore it\n"
    "      --dry-run      print the plan, change nothing\n"
    "      --help         print this help\n"
    "      --version      print the version\n";

enum { OPTION_DRY_RUN = UCHAR_MAX + 1, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

/* A number that isn't negative, in the whole of text; LONG_MAX where it is none. */
static long number_of(const char *text)
{
    char *end;
    long number;

    if (!isdigit((unsigned char)text[0]))
        return LONG_MAX;
    number = strtol(text, &end, 10);
    return *end ? LONG_MAX : number;
}

/* Letters that only set a flag: where it is; NULL: of another one. */
static bool *flag_of(struct options *options, int letter)
{
    switch (letter) {
    case 'b':
        return &options->to_64bit;
    case 'f':
        return &options->force;
    case 'F':
        return &options->flush;
    case 'M':
        return &options->to_minimum;
    case 'p':
        return &options->show_progress;
    case 'P':
        return &options->print_minimum;
    case 's':
        return &options->to_32bit;
    case OPTION_DRY_RUN:
        return &options->dry_run;
    case OPTION_HELP:
        return &options->help;
    case OPTION_VERSION:
        return &options->version;
    default:
        return NULL;
    }
}

static int take_option(struct options *options, int letter)
{
    bool *flag = flag_of(options, letter);

    if (flag) {
        *flag = true;
        return 0;
    }
    switch (letter) {
    case 'd':
        options->debug |= number_of(optarg);
        return 0;
    case 'S':
        options->stride = number_of(optarg);
        return 0;
    case 'z':
        options->undo = optarg;
        return 0;
    default:
        return -1;
    }
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    struct options options = {.stride = -1};
    int letter;

    while ((letter = getopt_long(argc, argv, "d:fFhMPpS:bsz:", long_options, NULL)) != -1) {
        if (take_option(&options, letter))
            return -1;
    }
    if (optind < argc)
        options.device = argv[optind++];
    if (optind < argc)
        options.size = argv[optind++];
    if (optind < argc || (!options.device && !options.help && !options.version))
        return -1;
    *ret_options = options;
    return 0;
}
