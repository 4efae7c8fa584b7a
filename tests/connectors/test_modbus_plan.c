#include "connectors/modbus/plan.h"

#include <string.h>

#include "kit/kit.h"

enum { FEW = 9, MANY = 500 };

static const PlanLimits standard = {REQUEST_REGISTERS_MAX, REQUEST_BITS_MAX, 0};

static uint32_t drawn(uint64_t seed, uint64_t counter, uint32_t below)
{
    uint32_t words[4];
    random_words(seed, 1, counter, words);
    return words[0] % below;
}

static Point point_at(ModbusTable table, uint16_t address, uint16_t width)
{
    return (Point){.station = 1, .table = table, .address = address, .width = width, .every_ns = NS_PER_S};
}

static bool is_bits(const Point *point)
{
    return table_has_bits(point->table);
}

static Point drawn_point(uint64_t seed, uint64_t i, uint32_t addresses)
{
    static const uint16_t widths[] = {1, 2, 4};
    Point point = point_at(drawn(seed, 4 * i, 4), (uint16_t)drawn(seed, 4 * i + 1, addresses), widths[drawn(seed, 4 * i + 2, 3)]);
    if (is_bits(&point))
        point.width = 1;
    point.station = (uint8_t)(1 + drawn(seed, 4 * i + 3, 2));
    return point;
}

static uint32_t end_of(const Point *point)
{
    return (uint32_t)point->address + point->width;
}

/* Whether one request may carry the points of `mask`, told address by address. */
static bool may_be_one(const Point *points, uint32_t mask, PlanLimits limits)
{
    bool wanted[256] = {false};
    const Point *some = NULL;
    for (size_t i = 0; i < FEW; i++) {
        if (!(mask & 1u << i))
            continue;
        if (some && (points[i].table != some->table || points[i].station != some->station))
            return false;
        some = &points[i];
        memset(wanted + points[i].address, true, points[i].width);
    }
    size_t first = 256, last = 0, unwanted = 0;
    for (size_t i = 0; i < 256; i++) {
        if (!wanted[i]) {
            unwanted++;
            continue;
        }
        if (first == 256)
            first = i;
        else if (unwanted > limits.gap * (is_bits(some) ? 16u : 1u))
            return false;
        last = i, unwanted = 0;
    }
    return last + 1 - first <= (is_bits(some) ? limits.bits : limits.registers);
}

/* The fewest requests for the points of each set: over all ways to part it. */
static size_t fewest_requests(const Point *points, PlanLimits limits)
{
    static size_t fewest[1 << FEW];
    static bool one[1 << FEW];
    for (uint32_t mask = 1; mask < 1 << FEW; mask++) {
        one[mask] = may_be_one(points, mask, limits);
        fewest[mask] = SIZE_MAX;
        for (uint32_t part = mask; part; part = (part - 1) & mask)
            if (one[part] && fewest[mask ^ part] + 1 < fewest[mask])
                fewest[mask] = fewest[mask ^ part] + 1;
    }
    return fewest[(1 << FEW) - 1];
}

static void check_plan(const Request *requests, size_t count, const Point *points, size_t point_count, PlanLimits limits)
{
    const Point *next = points;
    for (size_t i = 0; i < count; i++) {
        const Request *const request = &requests[i];
        ck_assert_ptr_eq(request->points, next);
        ck_assert_uint_gt(request->count, 0);
        ck_assert_uint_le(request->length, is_bits(next) ? limits.bits : limits.registers);
        for (size_t k = 0; k < request->count; k++, next++) {
            ck_assert_uint_ge(next->address, request->address);
            ck_assert_uint_le(end_of(next), (uint32_t)request->address + request->length);
            ck_assert(next->table == request->points->table && next->station == request->points->station && next->every_ns == request->points->every_ns);
        }
    }
    ck_assert_ptr_eq(next, points + point_count);
}

START_TEST(no_way_to_group_has_fewer_requests)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        const PlanLimits limits = {(uint16_t)(4 + drawn(seed, 1000, 12)), (uint16_t)(4 + drawn(seed, 1001, 30)), (uint16_t)drawn(seed, 1002, 4)};
        Point points[FEW];
        Request requests[FEW];
        for (size_t i = 0; i < FEW; i++)
            points[i] = drawn_point(seed, i, 40);
        const size_t count = plan_make(points, FEW, limits, 0, requests);
        check_plan(requests, count, points, FEW, limits);
        ck_assert_uint_eq(count, fewest_requests(points, limits));
    }
}
END_TEST

START_TEST(every_point_is_read_by_one_request_within_the_limits)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        static Point points[MANY];
        static Request requests[MANY];
        for (size_t i = 0; i < MANY; i++) {
            points[i] = drawn_point(seed, i, 0xfff0);
            points[i].every_ns = NS_PER_S * (1 + drawn(seed, 4 * MANY + i, 2));
        }
        const size_t count = plan_make(points, MANY, standard, 0, requests);
        check_plan(requests, count, points, MANY, standard);
    }
}
END_TEST

START_TEST(two_thousand_registers_are_sixteen_requests)
{
    static Point points[2000];
    static Request requests[2000];
    for (uint16_t i = 0; i < 2000; i++)
        points[i] = point_at(TABLE_HOLDING, (uint16_t)(1999 - i), 1);
    ck_assert_uint_eq(plan_make(points, 2000, standard, 0, requests), 16);
    for (uint16_t i = 0; i < 2000; i++)
        points[i] = point_at(TABLE_COIL, i, 1);
    ck_assert_uint_eq(plan_make(points, 2000, standard, 0, requests), 1);
}
END_TEST

START_TEST(a_gap_is_read_along_only_where_that_is_allowed)
{
    Point points[] = {point_at(TABLE_INPUT, 10, 2), point_at(TABLE_INPUT, 15, 1), point_at(TABLE_COIL, 0, 1), point_at(TABLE_COIL, 49, 1)};
    Request requests[4];
    ck_assert_uint_eq(plan_make(points, 4, (PlanLimits){125, 2000, 2}, 0, requests), 4);
    ck_assert_uint_eq(plan_make(points, 4, (PlanLimits){125, 2000, 3}, 0, requests), 2);
    ck_assert_uint_eq(requests[0].length, 50);
    ck_assert_uint_eq(requests[1].length, 6);
}
END_TEST

START_TEST(the_last_address_of_a_table_is_read)
{
    Point points[] = {point_at(TABLE_HOLDING, 65535, 1), point_at(TABLE_HOLDING, 65532, 2)};
    Request requests[2];
    ck_assert_uint_eq(plan_make(points, 2, (PlanLimits){125, 2000, 100}, 0, requests), 1);
    ck_assert_uint_eq(requests[0].address, 65532);
    ck_assert_uint_eq(requests[0].length, 4);
}
END_TEST

/* A device that lacks one address of a request of 128: bisection finds it in 7 splits, and all others are still read. */
START_TEST(splitting_isolates_an_address_in_a_logarithm_of_turns)
{
    enum { COUNT = 124, LACKING = 77 };
    static Point points[COUNT];
    static Request requests[COUNT];
    for (uint16_t i = 0; i < COUNT; i++)
        points[i] = point_at(TABLE_HOLDING, i, 1);
    size_t count = plan_make(points, COUNT, standard, 0, requests);
    ck_assert_uint_eq(count, 1);

    size_t turns = 0;
    for (bool refused = true; refused; turns++) {
        refused = false;
        for (size_t i = 0; i < count && !refused; i++)
            if (requests[i].address <= LACKING && requests[i].address + requests[i].length > LACKING)
                refused = plan_split(requests, &count, i);
    }
    check_plan(requests, count, points, COUNT, standard);
    ck_assert_uint_le(turns, 8);
}
END_TEST

START_TEST(a_split_begins_with_what_nobody_asked_for)
{
    Point points[] = {point_at(TABLE_HOLDING, 0, 1), point_at(TABLE_HOLDING, 1, 1), point_at(TABLE_HOLDING, 2, 1), point_at(TABLE_HOLDING, 9, 1)};
    Request requests[4];
    size_t count = plan_make(points, 4, (PlanLimits){125, 2000, 10}, 0, requests);
    ck_assert_uint_eq(count, 1);
    ck_assert(plan_split(requests, &count, 0));
    ck_assert_uint_eq(requests[0].length, 3);
    ck_assert_uint_eq(requests[1].address, 9);
}
END_TEST

START_TEST(two_points_of_one_place_are_not_split)
{
    Point points[] = {point_at(TABLE_HOLDING, 4, 1), point_at(TABLE_HOLDING, 4, 1)};
    Request requests[2];
    size_t count = plan_make(points, 2, standard, 0, requests);
    ck_assert(!plan_split(requests, &count, 0));
    ck_assert_uint_eq(count, 1);
}
END_TEST

KIT_MAIN("connectors.modbus_plan", no_way_to_group_has_fewer_requests, every_point_is_read_by_one_request_within_the_limits,
         two_thousand_registers_are_sixteen_requests, a_gap_is_read_along_only_where_that_is_allowed, the_last_address_of_a_table_is_read,
         splitting_isolates_an_address_in_a_logarithm_of_turns, a_split_begins_with_what_nobody_asked_for, two_points_of_one_place_are_not_split)
