/*
 * ext4resize: resize2fs's command line, on devices and images of every format.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "ext4resize/job.h"
#include "ext4resize/options.h"
#include "program/words.h"

#define NAME "ext4resize"

/* As resize2fs has it: whatever went wrong. */
#define STATUS_FAILED 1

static int work(struct job *job, struct error *error)
{
    bool done;

    if (program_now(&job->now, error) || job_open(job, error) || job_choose_goal(job, &done, error))
        return -1;
    if (!done && job_make_plan(job, &done, error))
        return -1;
    if (done)
        return job_renew_copies(job, error);
    if (job->options->debug || job->options->dry_run)
        job_print_plan(job);
    return job->options->dry_run ? 0 : job_run(job, error);
}

static int resize(const struct options *options)
{
    CLEANUP(job_close)
    struct job job = {
        .options = options,
        .changes = !options->dry_run && !options->print_minimum,
    };
    struct error error, undo_error;
    int result;

    result = work(&job, &error);
    if (job_finish_undo(&job, &undo_error) && result == 0) {
        error = undo_error;
        result = -1;
    }
    if (result == 0)
        return 0;
    fflush(stdout);
    program_print_error(NAME, options->device, &error,
                        error.kind == ERROR_USAGE ? NULL : program_state_text(&job.state));
    return STATUS_FAILED;
}

static int run(int argc, char **argv)
{
    struct options options;

    fprintf(stderr, NAME " " PROGRAM_VERSION "\n");
    if (options_parse(argc, argv, &options)) {
        fputs(options_usage, stderr);
        return STATUS_FAILED;
    }
    if (options.help)
        printf("%s%s", options_usage, options_help);
    else if (options.version)
        printf(NAME " " PROGRAM_VERSION "\n");
    else
        return resize(&options);
    return 0;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    struct error error;

    if (program_finish_output(&error) && status == 0) {
        program_print_error(NAME, NULL, &error, NULL);
        return STATUS_FAILED;
    }
    return status;
}
