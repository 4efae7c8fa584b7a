/* talker.h -- a program that a test speaks with, line by line: what it says is kept and waited for. It ends with the test. */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"

enum { TALKER_PATIENCE_S = 30 };

typedef struct Talker {
    pid_t pid;
    int in, out;
    Text heard;
    size_t read;  // what was waited for lies before
} Talker;

static inline void talker_open(Talker *talker, const char *const *words)
{
    int in[2], out[2];
    *talker = (Talker){0};
    ck_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    talker->pid = fork();
    ck_assert_int_ge(talker->pid, 0);
    if (talker->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    talker->in = in[1];
    talker->out = out[0];
    ck_assert_int_eq(fcntl(talker->out, F_SETFL, O_NONBLOCK), 0);
    text_put(&talker->heard, "");
}

static inline void talker_say(Talker *talker, const char *line)
{
    ck_assert_int_eq(dprintf(talker->in, "%s\n", line), (int)strlen(line) + 1);
}

static inline void talker_hear(Talker *talker)
{
    char bytes[4096];
    for (ssize_t length; (length = read(talker->out, bytes, sizeof bytes)) > 0;)
        text_add(&talker->heard, bytes, (size_t)length);
}

/* How often it has said this, all in all. */
static inline size_t talker_count(Talker *talker, const char *words)
{
    size_t count = 0;
    talker_hear(talker);
    for (const char *at = talker->heard.bytes; (at = strstr(at, words)); at++)
        count++;
    return count;
}

/* Until it says this, behind what was waited for last. */
static inline void talker_await(Talker *talker, const char *words)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + TALKER_PATIENCE_S * NS_PER_S;
    const char *found;
    while (talker_hear(talker), !(found = strstr(talker->heard.bytes + talker->read, words))) {
        ck_assert_msg(clock_system.elapsed_ns(clock_system.self) < until, "it never said \"%s\", but: %s", words, talker->heard.bytes + talker->read);
        clock_system.sleep_ns(clock_system.self, 2 * NS_PER_MS);
    }
    talker->read = (size_t)(found - talker->heard.bytes) + strlen(words);
}

/* As a crash would. */
static inline void talker_kill(Talker *talker)
{
    kill(talker->pid, SIGKILL);
    waitpid(talker->pid, NULL, 0);
    close(talker->in);
    close(talker->out);
    text_fini(&talker->heard);
    *talker = (Talker){0};
}
