/* line.c -- libmodbus behind five words of what became of a request. */
#include "connectors/modbus/line.h"

#include <assert.h>
#include <errno.h>
#include <modbus.h>

struct ModbusLine {
    const ModbusSettings *settings;
    modbus_t *context;
    bool open;
};

Err modbus_line_create(const ModbusSettings *settings, ModbusLine **out)
{
    ModbusLine *line = *out = mem_alloc(sizeof *line);
    if (!line)
        return ERR_MEMORY;
    line->settings = settings;
    if (settings->host)
        line->context = modbus_new_tcp_pi(settings->host, settings->port);
    else
        line->context = modbus_new_rtu(settings->device, settings->baud, settings->parity, settings->data_bits, settings->stop_bits);
    if (!line->context) {
        mem_free(line);
        *out = NULL;
        return ERR_MEMORY;
    }

    // without a timeout per byte the one of the answer covers all of it: a peer that dribbles is no better than a silent one
    const uint32_t s = (uint32_t)(settings->timeout_ns / NS_PER_S), us = (uint32_t)(settings->timeout_ns % NS_PER_S / 1000);
    modbus_set_response_timeout(line->context, s, us);
    modbus_set_byte_timeout(line->context, 0, 0);
    modbus_set_error_recovery(line->context, MODBUS_ERROR_RECOVERY_NONE);
    return ERR_OK;
}

void modbus_line_destroy(ModbusLine *line)
{
    if (!line)
        return;
    modbus_line_close(line);
    modbus_free(line->context);
    mem_free(line);
}

bool modbus_line_is_open(const ModbusLine *line)
{
    return line->open;
}

Err modbus_line_open(ModbusLine *line, ErrText *why)
{
    assert(!line->open);
    if (modbus_connect(line->context) != 0)
        return err_set(why, ERR_IO, "%s: %s", line->settings->peer, modbus_strerror(errno));
    line->open = true;
    return ERR_OK;
}

void modbus_line_close(ModbusLine *line)
{
    if (line->open)
        modbus_close(line->context);
    line->open = false;
}

int modbus_line_file(const ModbusLine *line)
{
    return line->open && line->settings->host ? modbus_get_socket(line->context) : -1;
}

/* A serial line stays open where bytes were wrong or missing, and what still comes of them is thrown away before the next request. */
static bool survives(const ModbusLine *line, int error)
{
    return line->settings->device && (error == ETIMEDOUT || error >= MODBUS_ENOBASE);
}

static Answer judge(ModbusLine *line, bool given, ErrText *why)
{
    const int error = errno;
    if (given)
        return ANSWER_GIVEN;
    err_set(why, ERR_IO, "%s", modbus_strerror(error));
    switch (error) {
    case EMBXILADD:
    case EMBXILVAL: return ANSWER_ILLEGAL;
    case EMBXGPATH:
    case EMBXGTAR: return ANSWER_ABSENT;
    case EMBBADEXC: return ANSWER_REFUSED;  // a code of the device's own
    default: break;
    }
    if (error >= MODBUS_ENOBASE && error < EMBXGTAR)
        return ANSWER_REFUSED;
    if (!survives(line, error))
        modbus_line_close(line);
    return ANSWER_LOST;
}

/* RTU has no number of a transaction: a late answer to the last request would be taken for one to this. */
static void address_station(ModbusLine *line, uint8_t station)
{
    modbus_set_slave(line->context, station);
    if (line->settings->device)
        modbus_flush(line->context);
}

static int read_bits(modbus_t *context, ModbusTable table, uint16_t address, uint16_t length, uint16_t *out)
{
    uint8_t bits[REQUEST_BITS_MAX];
    const int count = table == TABLE_COIL ? modbus_read_bits(context, address, length, bits) : modbus_read_input_bits(context, address, length, bits);
    for (int i = 0; i < count; i++)
        out[i] = bits[i];
    return count;
}

Answer modbus_line_read(ModbusLine *line, uint8_t station, ModbusTable table, uint16_t address, uint16_t length, uint16_t *out, ErrText *why)
{
    assert(line->open);
    assert(length <= (table_has_bits(table) ? REQUEST_BITS_MAX : REQUEST_REGISTERS_MAX));
    address_station(line, station);
    int count;
    if (table_has_bits(table))
        count = read_bits(line->context, table, address, length, out);
    else if (table == TABLE_HOLDING)
        count = modbus_read_registers(line->context, address, length, out);
    else
        count = modbus_read_input_registers(line->context, address, length, out);
    return judge(line, count == length, why);
}

/* One bit, in one step of the station's own: between a reading and a writing of ours somebody else could set another. */
static int write_bit(modbus_t *context, const Point *point, uint16_t bit)
{
    uint16_t mask = 0;
    register_encode(point->form, 1, &mask, NULL);
    return modbus_mask_write_register(context, point->address, (uint16_t)~mask, bit);
}

Answer modbus_line_write(ModbusLine *line, const Point *point, const uint16_t *registers, ErrText *why)
{
    assert(line->open);
    address_station(line, point->station);
    int count;
    if (point->table == TABLE_COIL)
        count = modbus_write_bit(line->context, point->address, registers[0]);
    else if (point->form.bit != BIT_NONE)
        count = write_bit(line->context, point, registers[0]);
    else if (point->width == 1)
        count = modbus_write_register(line->context, point->address, registers[0]);
    else
        count = modbus_write_registers(line->context, point->address, point->width, registers);
    return judge(line, count >= 0, why);
}
