#include "program/process-posix.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void remember_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void posix_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = remember_signal, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool posix_interrupted(void)
{
    return interrupted != 0;
}

double posix_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool posix_is_terminal(int descriptor)
{
    return isatty(descriptor) != 0;
}
