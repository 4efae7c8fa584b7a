/* clock.c -- clocks, and RFC 3339 by the arithmetic of the civil calendar, which needs neither libc's time zones nor its locale. */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t system_read(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_utc(void *self)
{
    (void)self;
    return system_read(CLOCK_REALTIME);
}

static int64_t system_elapsed(void *self)
{
    (void)self;
    return system_read(CLOCK_MONOTONIC);
}

static void system_sleep(void *self, int64_t duration)
{
    (void)self;
    if (duration <= 0)
        return;
    struct timespec rest = {.tv_sec = duration / NS_PER_S, .tv_nsec = duration % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
        ;
}

const Clock clock_system = {system_utc, system_elapsed, system_sleep, NULL};

static int64_t fake_utc(void *self)
{
    return ((const FakeClock *)self)->utc_ns;
}

static int64_t fake_elapsed(void *self)
{
    return ((const FakeClock *)self)->elapsed_ns;
}

static void fake_sleep(void *self, int64_t duration)
{
    FakeClock *const fake = self;
    if (duration <= 0)
        return;
    fake->utc_ns += duration;
    fake->elapsed_ns += duration;
}

Clock clock_fake(FakeClock *fake)
{
    assert(fake);
    return (Clock){fake_utc, fake_elapsed, fake_sleep, fake};
}

/* Days from 1970-01-01. The year begins in March here, so that the leap day is its last and months have a closed form. */
static int64_t days_of_date(int64_t year, int month, int day)
{
    const int64_t y = month > 2 ? year : year - 1;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void time_format(int64_t time, char out[static 32])
{
    // rounded down, so that times before 1970 have a positive rest too
    int64_t seconds = time / NS_PER_S, rest = time % NS_PER_S;
    if (rest < 0) {
        rest += NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }

    int year, month, day;
    date_of_days(days, &year, &month, &day);
    int length = snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
                          (unsigned)(of_day / 3600) % 100u, (unsigned)(of_day / 60 % 60), (unsigned)(of_day % 60));
    if (rest % 1000 != 0)
        length += snprintf(out + length, 32 - (size_t)length, ".%09u", (unsigned)rest);
    else if (rest % NS_PER_MS != 0)
        length += snprintf(out + length, 32 - (size_t)length, ".%06u", (unsigned)(rest / 1000));
    else if (rest != 0)
        length += snprintf(out + length, 32 - (size_t)length, ".%03u", (unsigned)(rest / NS_PER_MS));
    snprintf(out + length, 32 - (size_t)length, "Z");
}

typedef struct Reader {
    const char *at, *end;
    bool failed;
} Reader;

/* A number of exactly `digits` digits, within its limits. */
static int read_number(Reader *reader, int digits, int low, int high)
{
    int number = 0;
    for (int i = 0; i < digits; i++, reader->at++) {
        if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9') {
            reader->failed = true;
            return low;
        }
        number = number * 10 + (*reader->at - '0');
    }
    reader->failed |= number < low || number > high;
    return number;
}

/* One of the characters of `choice`: which one. */
static char read_one(Reader *reader, const char *choice)
{
    for (; reader->at < reader->end && *choice; choice++)
        if (*reader->at == *choice) {
            reader->at++;
            return *choice;
        }
    reader->failed = true;
    return 0;
}

static int64_t read_fraction(Reader *reader)
{
    if (reader->at == reader->end || *reader->at != '.')
        return 0;
    reader->at++;

    int64_t fraction = 0, unit = NS_PER_S;
    const char *const begin = reader->at;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && unit > 1; reader->at++) {
        unit /= 10;
        fraction += (*reader->at - '0') * unit;
    }
    reader->failed |= reader->at == begin;
    return fraction;
}

static int64_t read_offset_seconds(Reader *reader)
{
    const char sign = read_one(reader, "Zz+-");
    if (sign != '+' && sign != '-')
        return 0;
    const int hours = read_number(reader, 2, 0, 23);
    read_one(reader, ":");
    const int minutes = read_number(reader, 2, 0, 59);
    return (sign == '+' ? 60 : -60) * (hours * 60 + minutes);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool time_parse(const char *text, size_t length, int64_t *out)
{
    assert(text || length == 0);
    assert(out);
    if (length == 0)
        return false;

    Reader reader = {text, text + length, false};
    const int year = read_number(&reader, 4, 0, 9999);
    read_one(&reader, "-");
    const int month = read_number(&reader, 2, 1, 12);
    read_one(&reader, "-");
    const int day = read_number(&reader, 2, 1, 31);
    read_one(&reader, "Tt");
    const int hour = read_number(&reader, 2, 0, 23);
    read_one(&reader, ":");
    const int minute = read_number(&reader, 2, 0, 59);
    read_one(&reader, ":");
    const int second = read_number(&reader, 2, 0, 60);  // a leap second is the first of the next minute
    int64_t fraction = read_fraction(&reader);
    const int64_t offset = read_offset_seconds(&reader);
    if (reader.failed || reader.at != reader.end || day > days_in_month(year, month))
        return false;

    // counted towards 1970, so that the first and the last second that an int64_t can tell do not overflow on the way
    int64_t seconds = days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    if (seconds < 0 && fraction > 0) {
        seconds++;
        fraction -= NS_PER_S;
    }

    // what lies beyond is refused, and so is the one value that means `no time`
    int64_t time;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &time) || __builtin_add_overflow(time, fraction, &time) || time == TIME_NONE)
        return false;
    *out = time;
    return true;
}
