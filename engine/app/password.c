#include "app/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void on_interrupt(int number)
{
    (void)number;  // it ends the read, and the terminal gets its echo back
}

/* One line of standard input without its end. */
static Err read_line(char out[static PASSWORD_ROOM], ErrText *why)
{
    size_t length = 0;
    char byte = 0;
    ssize_t got;
    while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n')
        if (length < PASSWORD_ROOM - 1 && byte && byte != '\r')
            out[length++] = byte;
    out[length] = 0;
    if (got < 0)
        return err_set(why, ERR_CLOSED, "nothing has changed");
    return length || got == 1 ? ERR_OK : err_set(why, ERR_CLOSED, "expected a password on standard input");
}

static Err read_hidden(const char *prompt, char out[static PASSWORD_ROOM], ErrText *why)
{
    struct termios before, hidden;
    struct sigaction interrupt = {.sa_handler = on_interrupt}, old;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_set(why, ERR_IO, "the terminal: %s", strerror(errno));
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    sigaction(SIGINT, &interrupt, &old);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);

    fputs(prompt, stderr);
    const Err err = read_line(out, why);
    fputc('\n', stderr);

    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigaction(SIGINT, &old, NULL);
    return err;
}

Err password_ask(const char *name, char out[static PASSWORD_ROOM], ErrText *why)
{
    char prompt[100], again[PASSWORD_ROOM];
    if (!isatty(STDIN_FILENO))
        return read_line(out, why);
    snprintf(prompt, sizeof prompt, "new password of %.40s: ", name);
    Err err = read_hidden(prompt, out, why);
    if (!err)
        err = read_hidden("the same again: ", again, why);
    if (!err && strcmp(out, again) != 0)
        err = err_set(why, ERR_RANGE, "the two differ: nothing has changed");
    secret_wipe(again, sizeof again);
    return err;
}

Err password_enter(const char *name, char out[static PASSWORD_ROOM], ErrText *why)
{
    char prompt[100];
    snprintf(prompt, sizeof prompt, "password of %.40s: ", name);
    return isatty(STDIN_FILENO) ? read_hidden(prompt, out, why) : read_line(out, why);
}
