/* A server that answers with anything but the answer: the connector comes through, with a new connection each time. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/modbus_rig.h"

enum { HEADER = 7, FRAME = 260, READ_HOLDING = 3, WRITE_SINGLE = 6, VALUE = 4711 };

/* What it does with a request. */
typedef enum Trick {
    // what libmodbus does not look at: transaction, function and count say that this is the answer
    TRICK_OTHER_PROTOCOL,
    TRICK_OTHER_STATION,
    TRICK_LONG_HEADER,  // announces more than there ever is
    TRICK_ZERO_HEADER,
    // exceptions, if odd ones
    TRICK_ODD_EXCEPTION,  // a code that nobody defined
    TRICK_NULL_EXCEPTION,
    // no answer
    TRICK_OTHER_TRANSACTION,
    TRICK_OTHER_FUNCTION,
    TRICK_OTHER_COUNT,
    TRICK_SHORT,     // half an answer, and the end
    TRICK_TRAILING,  // a good answer, and bytes behind it
    TRICK_NOISE,
    TRICK_FLOOD,     // more noise than fits into a frame
    TRICK_SLOW,      // a byte at a time, slower than the timeout allows
    TRICK_SILENCE,
    TRICK_CLOSE,
    TRICK_NONE,      // from here on it behaves
} Trick;

static atomic_int trick, tricks_played[TRICK_NONE + 1], connections, writes;
static int listener;
static Rig rig;

static ssize_t answer_to(const uint8_t *request, uint8_t *answer)
{
    memcpy(answer, request, 12);
    if (request[HEADER] == WRITE_SINGLE)
        return 12;
    // transaction, protocol 0, length 5, station; function, 2 bytes, the value
    memcpy(answer + 2, (const uint8_t[]){0, 0, 0, 5}, 4);
    memcpy(answer + HEADER, (const uint8_t[]){READ_HOLDING, 2, VALUE >> 8, VALUE & 255}, 4);
    return 11;
}

/* Spoil a good answer of `length` bytes; how many there are then. */
static ssize_t spoil(Trick which, uint8_t *answer, ssize_t length)
{
    switch (which) {
    case TRICK_OTHER_TRANSACTION: answer[1] ^= 0x55; break;
    case TRICK_OTHER_PROTOCOL: answer[3] = 9; break;
    case TRICK_OTHER_STATION: answer[6] ^= 0x10; break;
    case TRICK_OTHER_FUNCTION: answer[HEADER] = 4; break;
    case TRICK_OTHER_COUNT: answer[HEADER + 1] = 200; break;
    case TRICK_SHORT: return length / 2;
    case TRICK_LONG_HEADER: answer[4] = 0xff; break;
    case TRICK_ZERO_HEADER: answer[5] = 0; break;
    case TRICK_TRAILING: memset(answer + length, 0xee, 40); return length + 40;
    case TRICK_ODD_EXCEPTION:
    case TRICK_NULL_EXCEPTION:
        answer[5] = 3;
        answer[HEADER] |= 0x80;
        answer[HEADER + 1] = which == TRICK_ODD_EXCEPTION ? 0x77 : 0;
        return HEADER + 2;
    case TRICK_NOISE:
    case TRICK_FLOOD:
        for (ssize_t i = 0; i < FRAME; i++)
            answer[i] = (uint8_t)(i * 37 + 11);
        return FRAME;
    default: break;
    }
    return length;
}

static bool send_slowly(int file, const uint8_t *bytes, ssize_t length)
{
    for (ssize_t i = 0; i < length; i++) {
        if (send(file, bytes + i, 1, MSG_NOSIGNAL) != 1)
            return false;
        clock_system.sleep_ns(NULL, 50 * NS_PER_MS);
    }
    return true;
}

/* False: the connection is over. */
static bool play(int file, const uint8_t *request)
{
    uint8_t answer[FRAME + 64];
    const Trick which = atomic_load(&trick);
    const ssize_t length = spoil(which, answer, answer_to(request, answer));
    atomic_fetch_add(&tricks_played[which], 1);
    if (which == TRICK_CLOSE)
        return false;
    if (which == TRICK_SILENCE)
        return true;
    if (which == TRICK_SLOW)
        return send_slowly(file, answer, length);
    for (int i = 0; i < (which == TRICK_FLOOD ? 100 : 1); i++)
        if (send(file, answer, (size_t)length, MSG_NOSIGNAL) < 0)
            return false;
    return which != TRICK_SHORT;
}

static void *converse(void *unused)
{
    (void)unused;
    for (int file; (file = accept(listener, NULL, NULL)) >= 0; close(file)) {
        atomic_fetch_add(&connections, 1);
        uint8_t request[12];  // of all requests that it gets
        while (recv(file, request, sizeof request, MSG_WAITALL) == sizeof request) {
            if (request[HEADER] == WRITE_SINGLE)
                atomic_fetch_add(&writes, 1);
            if (!play(file, request))
                break;
        }
    }
    return NULL;
}

static pthread_t begin_server(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, converse, NULL), 0);
    return thread;
}

static void end_server(pthread_t thread)
{
    shutdown(listener, SHUT_RDWR);
    close(listener);
    pthread_join(thread, NULL);
}

static bool has_played_twice(Trick which)
{
    return atomic_load(&tricks_played[which]) >= 2;
}

static bool closes_the_connection(Trick which)
{
    return which >= TRICK_OTHER_TRANSACTION;
}

START_TEST(no_answer_wedges_it_and_what_is_none_costs_the_connection)
{
    int port;
    const pthread_t thread = begin_server(&port);
    atomic_store(&trick, TRICK_NONE);
    rig_open(&rig, &modbus_kind, line_options(port, "\"timeout\":0.2"), (const RigBinding[]){{"{\"holding\":8}", false}}, 1);
    for (Trick which = 0; which < TRICK_NONE; which++) {
        // it behaves, does it, and behaves again: each time the value comes back, by another connection where this one cannot be trusted
        rig_wait(&rig, rig_has(&rig, 0, VALUE, QUALITY_GOOD));
        const int before = atomic_load(&connections);
        atomic_store(&trick, which);
        rig_wait(&rig, has_played_twice(which));
        if (closes_the_connection(which))
            rig_wait(&rig, atomic_load(&connections) > before);
        rig.newest[0] = (Sample){0};
        atomic_store(&trick, TRICK_NONE);
    }
    rig_wait(&rig, rig_has(&rig, 0, VALUE, QUALITY_GOOD));
    rig_close(&rig);
    end_server(thread);
}
END_TEST

/* Reading may be repeated; a command that was sent and not answered is not sent again. */
START_TEST(a_write_without_an_answer_is_sent_once)
{
    int port;
    const pthread_t thread = begin_server(&port);
    atomic_store(&trick, TRICK_NONE);
    rig_open(&rig, &modbus_kind, line_options(port, "\"timeout\":0.1,\"attempts\":4"),
             (const RigBinding[]){{"{\"holding\":8}", true}, {"{\"holding\":9,\"every\":3600}", false}}, 2);
    rig_wait(&rig, rig.joined);
    atomic_store(&trick, TRICK_SILENCE);
    rig_expect_failed(&rig, 0, 1, "it was sent, and could not be read back");
    ck_assert_int_eq(atomic_load(&writes), 1);
    rig_close(&rig);
    end_server(thread);
}
END_TEST

/* The server always says VALUE: a command that asked for anything else was not carried out, whatever the answer to the write said. */
START_TEST(a_command_is_done_only_when_the_device_holds_what_was_sent)
{
    int port;
    const pthread_t thread = begin_server(&port);
    atomic_store(&trick, TRICK_NONE);
    rig_open(&rig, &modbus_kind, line_options(port, ""), (const RigBinding[]){{"{\"holding\":8}", true}}, 1);
    rig_wait(&rig, rig.joined);
    rig_expect_done(&rig, 0, VALUE);
    rig_expect_failed(&rig, 0, 12, "12 was sent, and it holds 4711");
    rig_close(&rig);
    end_server(thread);
}
END_TEST

KIT_MAIN("connectors.modbus_hostile", no_answer_wedges_it_and_what_is_none_costs_the_connection, a_write_without_an_answer_is_sent_once,
         a_command_is_done_only_when_the_device_holds_what_was_sent)
