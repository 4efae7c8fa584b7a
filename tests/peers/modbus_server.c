/* modbus_server.c -- a register server by libmodbus, for tests: by TCP on a port of loopback, or by RTU on a serial line as station 1.
 *
 *     modbus_server PORT|DEVICE [wavering]
 *
 * It says its port or device when it is ready. Addresses 0 to 3999 are there, but for a hole. At the start holding registers hold their address, input
 * registers 10,000 more, every third coil and every odd discrete input is on. Input register 3999 counts requests that wrote. Wavering holding registers hold
 * 3,000 and up to 25 more or less, another number each time that they are read. */
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESSES = 4000, HOLE = 3000, HOLE_END = 3010, WRITES = 3999, CLIENTS_MAX = 32, STATION = 1, READ_HOLDING = 3, LEVEL = 3000, SPREAD = 25 };

static modbus_mapping_t *mapping;
static bool wavering;

static int fail(const char *what)
{
    fprintf(stderr, "modbus_server: %s: %s\n", what, modbus_strerror(errno));
    return EXIT_FAILURE;
}

static void fill(void)
{
    for (int i = 0; i < ADDRESSES; i++) {
        mapping->tab_bits[i] = i % 3 == 0;
        mapping->tab_input_bits[i] = i % 2;
        mapping->tab_registers[i] = (uint16_t)i;
        mapping->tab_input_registers[i] = (uint16_t)(10000 + i);
    }
    mapping->tab_input_registers[WRITES] = 0;
}

/* Whether a request reads or writes what is not there; a count stands behind the address of all functions but those that write one. */
static bool touches_hole(const uint8_t *pdu)
{
    const int address = pdu[1] << 8 | pdu[2], count = pdu[0] == 5 || pdu[0] == 6 || pdu[0] == 22 ? 1 : pdu[3] << 8 | pdu[4];
    return address < HOLE_END && address + count > HOLE;
}

static void answer(modbus_t *context, const uint8_t *request, int length)
{
    const uint8_t *const pdu = request + modbus_get_header_length(context);
    if (touches_hole(pdu)) {
        modbus_reply_exception(context, request, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
        return;
    }
    if (wavering && pdu[0] == READ_HOLDING)
        for (int i = pdu[1] << 8 | pdu[2], end = i + (pdu[3] << 8 | pdu[4]); i < end && i < ADDRESSES; i++)
            mapping->tab_registers[i] = (uint16_t)(LEVEL - SPREAD + rand() % (2 * SPREAD + 1));
    if (pdu[0] >= 5)
        mapping->tab_input_registers[WRITES]++;
    modbus_reply(context, request, length, mapping);
}

/* One request of whoever has one; false when the client is gone. */
static bool serve(modbus_t *context, int client)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(context, client);
    const int length = modbus_receive(context, request);
    if (length > 0)
        answer(context, request, length);
    return length >= 0;
}

static int serve_tcp(const char *port)
{
    modbus_t *context = modbus_new_tcp("127.0.0.1", atoi(port));
    struct pollfd files[1 + CLIENTS_MAX] = {{.fd = context ? modbus_tcp_listen(context, 4) : -1, .events = POLLIN}};
    if (files[0].fd < 0)
        return fail(port);
    puts(port);
    fflush(stdout);

    for (nfds_t count = 1; poll(files, count, -1) > 0;) {
        for (nfds_t i = count; i-- > 1;)
            if (files[i].revents && !serve(context, files[i].fd)) {
                close(files[i].fd);
                files[i] = files[--count];
            }
        if (files[0].revents && count <= CLIENTS_MAX)
            files[count++] = (struct pollfd){.fd = modbus_tcp_accept(context, &files[0].fd), .events = POLLIN};
    }
    return fail("poll");
}

static int serve_rtu(const char *device)
{
    modbus_t *context = modbus_new_rtu(device, 115200, 'N', 8, 1);
    if (!context || modbus_set_slave(context, STATION) != 0 || modbus_connect(context) != 0)
        return fail(device);
    puts(device);
    fflush(stdout);

    uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
    for (;;) {
        const int length = modbus_receive(context, request);
        if (length > 0)
            answer(context, request, length);
        else if (length < 0 && errno != ETIMEDOUT && errno < MODBUS_ENOBASE)
            return fail("receive");
    }
}

int main(int argc, char **argv)
{
    wavering = argc == 3 && strcmp(argv[2], "wavering") == 0;
    if (argc != 2 && !wavering)
        return fprintf(stderr, "usage: modbus_server PORT|DEVICE [wavering]\n"), EXIT_FAILURE;
    mapping = modbus_mapping_new(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES);
    if (!mapping)
        return fail("tables");
    fill();
    return argv[1][0] == '/' ? serve_rtu(argv[1]) : serve_tcp(argv[1]);
}
