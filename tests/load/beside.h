/* beside.h -- what the measurements of connectors share: Pollux runs in their process, and peers beside it. */
#pragma once

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

static char folder[] = "/tmp/pollux_load.XXXXXX";

_Noreturn static inline void die(const char *why)
{
    fprintf(stderr, "load: %s\n", why);
    exit(EXIT_FAILURE);
}

static inline int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

static inline void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        die(path);
}

static inline int find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof address) || getsockname(file, (struct sockaddr *)&address, &length))
        die("no port");
    close(file);
    return ntohs(address.sin_port);
}

static inline pid_t begin_child(void)
{
    const pid_t id = fork();
    if (id < 0)
        die("no process");
    if (id == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return id;
}

/* Seconds that a process has worked. */
static inline double worked(pid_t id)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
    FILE *const file = fopen(path, "r");
    if (!file || fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die(path);
    fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Seconds that this thread has worked. */
static inline double worked_here(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
