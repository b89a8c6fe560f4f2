#define _GNU_SOURCE
#include "tests/support/host.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/support/must.h"

extern char **environ;

char *host_temporary_file(int *ret_descriptor, struct error *error)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    char *path;
    int descriptor;

    if (asprintf(&path, "%s/vhdtool-test-XXXXXX", folder ? folder : "/tmp") < 0)
        abort();
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor < 0) {
        error_set_errno(error, errno, "cannot create %s", path);
        free(path);
        return NULL;
    }
    if (ret_descriptor)
        *ret_descriptor = descriptor;
    else
        close(descriptor);
    return path;
}

/* The environment with the variables that make programs say and do the same everywhere. */
static char **plain_environment(void)
{
    static const char *const plain[] = {
        "LC_ALL=C",
        "E2FSPROGS_FAKE_TIME=1700000000",
        "SOURCE_DATE_EPOCH=1700000000",
        "MKE2FS_SKIP_PROGRESS=1",
    };
    size_t count = 0, at = 0;
    char **copy;

    while (environ[count])
        count++;
    copy = must_resize(NULL, count + 5, sizeof *copy);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        copy[at++] = (char *)(uintptr_t)plain[i];
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LC_ALL=", 7) != 0)
            copy[at++] = environ[i];
    copy[at] = NULL;
    return copy;
}

/* Returns 0 or an errno value. */
static int spawn_somewhere(pid_t *ret_pid, const posix_spawn_file_actions_t *actions,
                           const char *const arguments[], char *const environment[])
{
    static const char *const folders[] = {"", "/usr/sbin/", "/sbin/"};
    int result = ENOENT;

    for (size_t i = 0; i < 3 && result == ENOENT; i++) {
        char path[256];

        snprintf(path, sizeof path, "%s%s", folders[i], arguments[0]);
        result =
            posix_spawnp(ret_pid, path, actions, NULL, (char **)(uintptr_t)arguments, environment);
    }
    return result;
}

static int spawn(pid_t *ret_pid, const char *const arguments[], int output)
{
    CLEANUP_FREE char **environment = plain_environment();
    posix_spawn_file_actions_t actions;
    int result;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    result = spawn_somewhere(ret_pid, &actions, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static char *read_all(int descriptor)
{
    size_t size = 0, capacity = 4096;
    char *text = must_allocate(capacity);
    ssize_t got;

    while ((got = read(descriptor, text + size, capacity - size - 1)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        size += got > 0 ? (size_t)got : 0;
        if (size + 1 == capacity)
            text = must_resize(text, capacity *= 2, 1);
    }
    text[size] = '\0';
    return text;
}

int host_run(const char *const arguments[], int *ret_status, char **ret_output, struct error *error)
{
    int ends[2], result, status;
    char *output;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return error_set_errno(error, errno, "cannot make a pipe");
    result = spawn(&pid, arguments, ends[1]);
    close(ends[1]);
    if (result) {
        close(ends[0]);
        return error_set_errno(error, result, "cannot run %s", arguments[0]);
    }
    output = read_all(ends[0]);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ret_output)
        *ret_output = TAKE(output);
    free(output);
    return 0;
}
