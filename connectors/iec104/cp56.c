#include "connectors/iec104/cp56.h"

#include "base/clock.h"

enum { MS_PER_MINUTE = 60000, DAYS_PER_ERA = 146097 };

typedef struct Date {
    int year, month, day;
} Date;

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970 of a date, and back: years are counted from March, so that the leap day comes last.
 * Source: Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t date_to_days(Date date)
{
    const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const int64_t era = floor_divide(year, 400), of_era = year - era * 400;
    const int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static Date date_of_days(int64_t days)
{
    const int64_t shifted = days + 719468, era = floor_divide(shifted, DAYS_PER_ERA), of_era = shifted - era * DAYS_PER_ERA;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    const Date date = {.month = (int)(month < 10 ? month + 3 : month - 9), .day = (int)(of_year - (153 * month + 2) / 5 + 1)};
    return (Date){(int)(year + era * 400 + (date.month <= 2)), date.month, date.day};
}

/* The year with these last two digits that is nearest to `now`. */
static int year_near(int digits, int now)
{
    return now - 50 + ((digits - (now - 50)) % 100 + 100) % 100;
}

bool cp56_read(const uint8_t bytes[static CP56_SIZE], int64_t now, int64_t zone_ns, int64_t *utc)
{
    const int ms = bytes[0] | bytes[1] << 8, minute = bytes[2] & 0x3f, hour = bytes[3] & 0x1f;
    const bool invalid = bytes[2] & 0x80, summer = bytes[3] & 0x80;
    const int digits = bytes[6] & 0x7f;
    Date date = {.month = bytes[5] & 0x0f, .day = bytes[4] & 0x1f};
    if (invalid || ms >= MS_PER_MINUTE || minute > 59 || hour > 23 || digits > 99)
        return false;

    // a date that does not come back the same does not exist
    const int64_t day_ns = 86400 * NS_PER_S;
    date.year = year_near(digits, date_of_days(floor_divide(now, day_ns)).year);
    if (date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    const int64_t days = date_to_days(date);
    if (date_of_days(days).month != date.month)
        return false;

    const int64_t of_day = ((int64_t)hour * 60 + minute) * MS_PER_MINUTE + ms;
    *utc = days * day_ns + of_day * NS_PER_MS - zone_ns - (summer ? 3600 * NS_PER_S : 0);
    return true;
}

void cp56_write(int64_t utc, int64_t zone_ns, uint8_t out[static CP56_SIZE])
{
    const int64_t ms = floor_divide(utc + zone_ns, NS_PER_MS), days = floor_divide(ms, 1440 * MS_PER_MINUTE), of_day = ms - days * 1440 * MS_PER_MINUTE;
    const Date date = date_of_days(days);
    const int of_minute = (int)(of_day % MS_PER_MINUTE), minutes = (int)(of_day / MS_PER_MINUTE);
    const int weekday = (int)(days + 3 - floor_divide(days + 3, 7) * 7) + 1;  // 1970 began on a Thursday; Monday is 1
    out[0] = (uint8_t)of_minute;
    out[1] = (uint8_t)(of_minute >> 8);
    out[2] = (uint8_t)(minutes % 60);
    out[3] = (uint8_t)(minutes / 60);
    out[4] = (uint8_t)(date.day | weekday << 5);
    out[5] = (uint8_t)date.month;
    out[6] = (uint8_t)(date.year % 100);
}
