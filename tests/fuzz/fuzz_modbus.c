/* fuzz_modbus.c -- any bytes as registers, and as a plan's points: what a number is read from is written back, and every point is read once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/modbus/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { POINTS_MAX = 256, POINT_BYTES = 6 };

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_registers(const uint8_t *bytes)
{
    RegisterForm form = {bytes[0] % (REGISTER_FLOAT64 + 1), bytes[0] / 16 % 4, BIT_NONE};
    if (register_width(form.type) == 1 && bytes[1] < 16)
        form.bit = bytes[1];
    uint16_t registers[REGISTERS_WIDEST], again[REGISTERS_WIDEST] = {0};
    memcpy(registers, bytes + 2, sizeof registers);

    const double number = register_decode(form, registers);
    ErrText why = {""};
    if (register_encode(form, number, again, &why) != ERR_OK) {
        // what rounds up to the end of the widest types is behind it
        require(!isfinite(number) || fabs(number) >= 0x1p63);
        require(why.text[0]);
        return;
    }
    require(register_decode(form, again) == number);
}

static size_t read_points(const uint8_t *bytes, size_t size, Point *points)
{
    size_t count = 0;
    for (; size >= POINT_BYTES && count < POINTS_MAX; bytes += POINT_BYTES, size -= POINT_BYTES) {
        Point *const point = &points[count++];
        *point = (Point){.binding = count, .station = bytes[0], .table = bytes[1] % 4, .every_ns = 1 + bytes[2] % 3};
        point->width = table_has_bits(point->table) ? 1 : (uint16_t)(1 << bytes[3] % 3);
        memcpy(&point->address, bytes + 4, sizeof point->address);
        if (point->address > UINT16_MAX + 1 - point->width)
            point->address = (uint16_t)(UINT16_MAX + 1 - point->width);
    }
    return count;
}

static void check_requests(const Request *requests, size_t count, size_t point_count)
{
    size_t read = 0;
    for (size_t i = 0; i < count; i++) {
        const Request *const request = &requests[i];
        require(request->count > 0 && request->length > 0);
        require(request->length <= (table_has_bits(request->points->table) ? REQUEST_BITS_MAX : REQUEST_REGISTERS_MAX));
        require(request->address + request->length <= UINT16_MAX + 1);
        for (size_t k = 0; k < request->count; k++) {
            const Point *const point = &request->points[k];
            require(point->address >= request->address && point->address + point->width <= request->address + request->length);
        }
        read += request->count;
    }
    require(read == point_count);
}

static void check_plan(const uint8_t *bytes, size_t size)
{
    static Point points[POINTS_MAX];
    static Request requests[POINTS_MAX];
    const size_t point_count = read_points(bytes + 2, size - 2, points);
    const PlanLimits limits = {(uint16_t)(REGISTERS_WIDEST + bytes[0] % (REQUEST_REGISTERS_MAX - REGISTERS_WIDEST + 1)), REQUEST_BITS_MAX, bytes[1]};
    size_t count = plan_make(points, point_count, limits, 0, requests);
    check_requests(requests, count, point_count);

    // split until nothing is left to split
    for (size_t i = 0; i < count;)
        if (!plan_split(requests, &count, i))
            i++;
    check_requests(requests, count, point_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 10)
        return 0;
    check_registers(bytes);
    check_plan(bytes, size);
    return 0;
}
