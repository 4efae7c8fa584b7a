#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "app/commands.h"

atomic_int stop_asked;

static void on_signal(int number)
{
    stop_asked = 1;
    signal(number, SIG_DFL);  // whoever asks twice means it
}

void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

atomic_int reload_asked;
static bool had_terminal;

static bool has_terminal(void)
{
    const int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0)
        close(terminal);
    return terminal >= 0;
}

static void on_hangup(int number)
{
    (void)number;
    if (had_terminal && !has_terminal())
        stop_asked = 1;
    else
        reload_asked = 1;
}

void reload_on_signal(void)
{
    had_terminal = has_terminal();
    struct sigaction action = {.sa_handler = on_hangup};
    sigaction(SIGHUP, &action, NULL);
}
