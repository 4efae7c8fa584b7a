/* Modbus RTU over a pair of pseudo-terminals, with libmodbus' own server as station 1 at the other end. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <unistd.h>

#include "connectors/modbus_rig.h"

/* Two pseudo-terminals, and a thread that carries bytes between them as a cable does. Our own hold on their far ends keeps them when a program goes. */
typedef struct Cable {
    int near[2], far[2];
    char names[2][64];
    atomic_bool noisy, ends;
    pthread_t thread;
} Cable;

static Cable cable;
static Rig rig;

/* Carry what there is from one end to the other; on a noisy line some of it is spoilt. */
static void carry(int from, int to)
{
    uint8_t bytes[512];
    const ssize_t length = read(from, bytes, sizeof bytes);
    // what is for another station stays away from libmodbus' server: it takes the next frame for that one's answer, whatever it is
    if (length <= 0 || (from == cable.near[0] && bytes[0] != 1))
        return;
    if (atomic_load(&cable.noisy))
        bytes[length / 2] ^= 0x10;
    for (ssize_t sent = 0; sent < length;) {
        const ssize_t count = write(to, bytes + sent, (size_t)(length - sent));
        sent += count > 0 ? count : length;
    }
}

static void *carry_all(void *unused)
{
    (void)unused;
    while (!atomic_load(&cable.ends)) {
        struct pollfd files[] = {{.fd = cable.near[0], .events = POLLIN}, {.fd = cable.near[1], .events = POLLIN}};
        poll(files, 2, 20);
        for (int i = 0; i < 2; i++)
            if (files[i].revents & POLLIN)
                carry(cable.near[i], cable.near[1 - i]);
    }
    return NULL;
}

static void begin_cable(void)
{
    for (int i = 0; i < 2; i++) {
        struct termios raw = {0};
        cfmakeraw(&raw);
        ck_assert_int_eq(openpty(&cable.near[i], &cable.far[i], cable.names[i], &raw, NULL), 0);
    }
    ck_assert_int_eq(pthread_create(&cable.thread, NULL, carry_all, NULL), 0);
}

static void end_cable(void)
{
    atomic_store(&cable.ends, true);
    pthread_join(cable.thread, NULL);
    for (int i = 0; i < 2; i++) {
        close(cable.near[i]);
        close(cable.far[i]);
    }
}

static Peer begin_station(void)
{
    return peer_start((const char *const[]){POLLUX_PROGRAMS "/modbus_server", cable.names[1], NULL});
}

static const char *serial_options(const char *device)
{
    static char text[256];
    static const char form[] = "{\"device\":\"%s\",\"baud\":115200,\"parity\":\"none\",\"stop_bits\":1,"
                               "\"every\":0.02,\"timeout\":0.2,\"retry\":0.05,\"retry_most\":0.2}";
    snprintf(text, sizeof text, form, device);
    return text;
}

#define rig_of(device, ...) \
    rig_open(&rig, &modbus_kind, serial_options(device), (const RigBinding[]){__VA_ARGS__}, sizeof((const RigBinding[]){__VA_ARGS__}) / sizeof(RigBinding))

START_TEST(a_serial_line_is_read_and_written)
{
    begin_cable();
    Peer peer = begin_station();
    rig_of(cable.names[0], {"{\"holding\":12}"}, {"{\"discrete\":1}"}, {"{\"holding\":40,\"type\":\"float64\"}", true},
           {"{\"holding\":40,\"type\":\"float64\"}"});
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD) && rig_has(&rig, 1, 1, QUALITY_GOOD));
    rig_expect_done(&rig, 2, 1.0 / 3.0);
    rig_wait(&rig, rig_has(&rig, 3, 1.0 / 3.0, QUALITY_GOOD));
    rig_close(&rig);
    peer_kill(&peer);
    end_cable();
}
END_TEST

START_TEST(a_station_that_died_is_found_again_and_no_command_comes_twice)
{
    begin_cable();
    Peer peer = begin_station();
    rig_of(cable.names[0], {"{\"holding\":12}"}, {"{\"holding\":40}", true}, {"{\"input\":3999}"});
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 3);
    peer_kill(&peer);
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_BAD) && rig.left == 1);
    peer = begin_station();
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD) && rig.joined == 2);
    rig_wait(&rig, rig_has(&rig, 2, 0, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 4);
    rig_wait(&rig, rig_has(&rig, 2, 1, QUALITY_GOOD));
    rig_close(&rig);
    peer_kill(&peer);
    end_cable();
}
END_TEST

/* Nobody has the number 2 on this line. */
START_TEST(a_station_that_is_silent_does_not_silence_the_others)
{
    begin_cable();
    Peer peer = begin_station();
    rig_of(cable.names[0], {"{\"holding\":12}"}, {"{\"holding\":12,\"unit_id\":2}"});
    rig_wait(&rig, rig.received[0] >= 20);
    ck_assert_uint_eq(rig.received[1], 0);
    ck_assert_uint_eq(rig.left, 0);
    ck_assert_ptr_nonnull(strstr(exchange_state(rig.exchange).fault, "unit_id 2, holding 12 to 12"));
    rig_close(&rig);
    peer_kill(&peer);
    end_cable();
}
END_TEST

START_TEST(noise_is_not_taken_for_values)
{
    begin_cable();
    Peer peer = begin_station();
    rig_of(cable.names[0], {"{\"holding\":12}"});
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD));
    atomic_store(&cable.noisy, true);
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_BAD));
    atomic_store(&cable.noisy, false);
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD));
    rig_close(&rig);
    peer_kill(&peer);
    end_cable();
}
END_TEST

/* An adapter that is pulled out takes its device away, and brings it back under the same name. */
START_TEST(an_adapter_that_was_pulled_out_is_opened_again)
{
    char device[300];
    begin_cable();
    snprintf(device, sizeof device, "%s/adapter", kit_folder());
    ck_assert_int_eq(symlink(cable.names[0], device), 0);
    Peer peer = begin_station();
    rig_of(device, {"{\"holding\":12}"});
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD));

    unlink(device);
    peer_kill(&peer);
    end_cable();
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_BAD) && rig.left == 1);
    atomic_store(&cable.ends, false);
    begin_cable();
    peer = begin_station();
    ck_assert_int_eq(symlink(cable.names[0], device), 0);
    rig_wait(&rig, rig_has(&rig, 0, 12, QUALITY_GOOD) && rig.joined == 2);
    rig_close(&rig);
    peer_kill(&peer);
    end_cable();
}
END_TEST

KIT_MAIN("connectors.modbus_serial", a_serial_line_is_read_and_written, a_station_that_died_is_found_again_and_no_command_comes_twice,
         a_station_that_is_silent_does_not_silence_the_others, noise_is_not_taken_for_values, an_adapter_that_was_pulled_out_is_opened_again)
