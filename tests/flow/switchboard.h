/* switchboard.h -- the peer of connectors/template: lines of text over TCP, on a thread of the test.
 *
 * What one guest sets (`set NAME NUMBER ID`) is answered with `ok ID`, remembered, and told to all others; who comes is told everything. */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "flow/flow.h"

enum { BOARD_GUESTS = 4, BOARD_NAMES = 16, BOARD_LINE = 256 };

typedef struct BoardGuest {
    int file;  // -1: none
    char line[BOARD_LINE];
    size_t length;
} BoardGuest;

typedef struct Switchboard {
    int port;
    pthread_t thread;
    atomic_bool ends;
    pthread_mutex_t lock;  // of what follows
    char names[BOARD_NAMES][32];
    double numbers[BOARD_NAMES];
    size_t settings[BOARD_NAMES];  // how often it was set
    size_t count;

    int listener;  // the thread's own, as the guests
    BoardGuest guests[BOARD_GUESTS];
} Switchboard;

static inline size_t board_place(Switchboard *board, const char *name)
{
    size_t place = 0;
    while (place < board->count && strcmp(board->names[place], name))
        place++;
    ck_assert_uint_lt(place, BOARD_NAMES);
    if (place == board->count)
        snprintf(board->names[board->count++], sizeof board->names[0], "%s", name);
    return place;
}

static inline void board_send(BoardGuest *guest, const char *line)
{
    if (guest->file >= 0 && send(guest->file, line, strlen(line), MSG_NOSIGNAL) < 0)
        close(guest->file), guest->file = -1;
}

static inline void board_take(Switchboard *board, BoardGuest *from, const char *line)
{
    char name[32], text[BOARD_LINE];
    double number;
    unsigned long long id;
    if (sscanf(line, "set %31s %lf %llu", name, &number, &id) != 3)
        return;
    pthread_mutex_lock(&board->lock);
    const size_t place = board_place(board, name);
    board->numbers[place] = number;
    board->settings[place]++;
    pthread_mutex_unlock(&board->lock);

    snprintf(text, sizeof text, "ok %llu\n", id);
    board_send(from, text);
    snprintf(text, sizeof text, "%s %.17g\n", name, number);
    for (size_t i = 0; i < BOARD_GUESTS; i++)
        if (&board->guests[i] != from)
            board_send(&board->guests[i], text);
}

static inline void board_read(Switchboard *board, BoardGuest *guest)
{
    const ssize_t length = recv(guest->file, guest->line + guest->length, sizeof guest->line - 1 - guest->length, 0);
    if (length <= 0) {
        close(guest->file);
        guest->file = -1;
        return;
    }
    guest->length += (size_t)length;
    guest->line[guest->length] = 0;
    for (char *end; (end = strchr(guest->line, '\n'));) {
        *end = 0;
        board_take(board, guest, guest->line);
        guest->length -= (size_t)(end + 1 - guest->line);
        memmove(guest->line, end + 1, guest->length + 1);
    }
}

static inline void board_welcome(Switchboard *board)
{
    char text[BOARD_LINE];
    BoardGuest *guest = board->guests;
    while (guest < board->guests + BOARD_GUESTS - 1 && guest->file >= 0)
        guest++;
    *guest = (BoardGuest){.file = accept(board->listener, NULL, NULL)};
    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count; i++) {
        snprintf(text, sizeof text, "%s %.17g\n", board->names[i], board->numbers[i]);
        board_send(guest, text);
    }
    pthread_mutex_unlock(&board->lock);
}

static inline void *board_run(void *self)
{
    Switchboard *board = self;
    while (!atomic_load(&board->ends)) {
        struct pollfd files[BOARD_GUESTS + 1] = {{.fd = board->listener, .events = POLLIN}};
        for (size_t i = 0; i < BOARD_GUESTS; i++)
            files[i + 1] = (struct pollfd){.fd = board->guests[i].file, .events = POLLIN};
        if (poll(files, BOARD_GUESTS + 1, 10) <= 0)
            continue;
        for (size_t i = 0; i < BOARD_GUESTS; i++)
            if (files[i + 1].revents)
                board_read(board, &board->guests[i]);
        if (files[0].revents)
            board_welcome(board);
    }
    return NULL;
}

/* Begin to listen: port 0 takes a free one, and a board that was killed listens again where it was. */
static inline void board_start(Switchboard *board)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)board->port)};
    socklen_t length = sizeof address;
    const int yes = 1;
    board->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(board->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_int_eq(bind(board->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(board->listener, 4), 0);
    ck_assert_int_eq(getsockname(board->listener, (struct sockaddr *)&address, &length), 0);
    board->port = ntohs(address.sin_port);
    for (size_t i = 0; i < BOARD_GUESTS; i++)
        board->guests[i].file = -1;
    atomic_store(&board->ends, false);
    ck_assert_int_eq(pthread_create(&board->thread, NULL, board_run, board), 0);
}

static inline void board_kill(Switchboard *board)
{
    atomic_store(&board->ends, true);
    pthread_join(board->thread, NULL);
    close(board->listener);
    for (size_t i = 0; i < BOARD_GUESTS; i++)
        if (board->guests[i].file >= 0)
            close(board->guests[i].file);
}

static inline size_t board_settings(Switchboard *board, const char *name)
{
    pthread_mutex_lock(&board->lock);
    const size_t settings = board->settings[board_place(board, name)];
    pthread_mutex_unlock(&board->lock);
    return settings;
}
