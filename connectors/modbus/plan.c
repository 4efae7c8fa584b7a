/* plan.c -- grouping by one sweep over the sorted points.
 *
 * A request that begins at the first point not served yet and takes the points behind it as far as it reaches is never worse than another: a request for
 * that point must begin there, and what it leaves out begins further on. */
#include "connectors/modbus/plan.h"

#include <assert.h>
#include <stdlib.h>

const char *const modbus_table_names[] = {"coil", "discrete", "holding", "input", NULL};

static int by_place(const void *a, const void *b)
{
    const Point *const left = a, *const right = b;
    const int64_t differences[] = {
        left->station - right->station,
        (int64_t)left->table - (int64_t)right->table,
        left->every_ns - right->every_ns,
        left->address - right->address,
        left->width - right->width,
    };
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (differences[i])
            return differences[i] < 0 ? -1 : 1;
    return 0;
}

bool table_has_bits(ModbusTable table)
{
    return table == TABLE_COIL || table == TABLE_DISCRETE;
}

static uint32_t end_of(const Point *point)
{
    return (uint32_t)point->address + point->width;
}

static bool joins(const Request *request, const Point *point, PlanLimits limits)
{
    const Point *const first = request->points;
    if (point->station != first->station || point->table != first->table || point->every_ns != first->every_ns)
        return false;
    const bool bits = table_has_bits(point->table);
    const uint32_t most = bits ? limits.bits : limits.registers;
    const uint32_t gap = bits ? 16u * limits.gap : limits.gap;
    const uint32_t end = (uint32_t)request->address + request->length;
    return point->address <= end + gap && end_of(point) - request->address <= most;
}

/* A request for the first of `points`. */
static Request begin(Point *points, Schedule schedule)
{
    return (Request){.points = points, .count = 1, .address = points->address, .length = points->width, .schedule = schedule};
}

/* The next of its points belongs to it too. */
static void take_next(Request *request)
{
    const uint32_t length = end_of(&request->points[request->count++]) - request->address;
    if (length > request->length)
        request->length = (uint16_t)length;
}

size_t plan_make(Point *points, size_t count, PlanLimits limits, int64_t start_ns, Request *out)
{
    assert(limits.registers >= REGISTERS_WIDEST && limits.registers <= REQUEST_REGISTERS_MAX && limits.bits > 0 && limits.bits <= REQUEST_BITS_MAX);
    if (count)
        qsort(points, count, sizeof *points, by_place);

    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (made && joins(&out[made - 1], &points[i], limits))
            take_next(&out[made - 1]);
        else
            out[made++] = begin(&points[i], (Schedule){start_ns, points[i].every_ns});
    }
    return made;
}

/* Where to cut: behind the widest gap, and where there are several as wide, nearest to the middle. 0: all points are of one place. */
static size_t find_cut(const Request *request)
{
    size_t cut = 0;
    int64_t widest = -1;
    const int64_t middle = (int64_t)request->count;
    uint32_t end = end_of(&request->points[0]);
    for (size_t i = 1; i < request->count; i++) {
        const Point *const point = &request->points[i];
        const int64_t gap = point->address > end ? point->address - end : 0;
        const bool differs = point->address != point[-1].address || point->width != point[-1].width;
        if (differs && (gap > widest || (gap == widest && llabs(2 * (int64_t)i - middle) < llabs(2 * (int64_t)cut - middle)))) {
            cut = i;
            widest = gap;
        }
        if (end_of(point) > end)
            end = end_of(point);
    }
    return cut;
}

bool plan_split(Request *requests, size_t *count, size_t index)
{
    assert(index < *count);
    const Request whole = requests[index];
    const size_t cut = find_cut(&whole);
    if (cut == 0)
        return false;

    for (size_t i = (*count)++; i > index + 1; i--)
        requests[i] = requests[i - 1];
    for (size_t half = 0; half < 2; half++) {
        Request *const part = &requests[index + half];
        *part = begin(whole.points + half * cut, whole.schedule);
        while (part->points + part->count < whole.points + (half ? whole.count : cut))
            take_next(part);
    }
    return true;
}
