#include "connectors/sparkplug/report.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sparkplug.pb-c.h"

const char *const metric_type_names[] = {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", NULL};

enum { QUALITY_STALE_CODE = 500, QUALITY_GOOD_CODE = 192 };

// Reading.

/* Signed integers are written as what has the same bits. */
static double read_int(uint32_t type, uint32_t bits)
{
    switch (type) {
    case METRIC_INT8:
        return (int8_t)bits;
    case METRIC_INT16:
        return (int16_t)bits;
    case METRIC_INT32:
        return (int32_t)bits;
    default:
        return bits;
    }
}

static bool read_number(const Spb__Metric *from, uint32_t type, double *out)
{
    switch (from->value_case) {
    case SPB__METRIC__VALUE_INT_VALUE:
        *out = read_int(type, from->int_value);
        return true;
    case SPB__METRIC__VALUE_LONG_VALUE:
        // some write small signed integers as long ones
        *out = type >= METRIC_INT8 && type <= METRIC_INT64 ? (double)(int64_t)from->long_value : (double)from->long_value;
        return true;
    case SPB__METRIC__VALUE_FLOAT_VALUE:
        *out = (double)from->float_value;
        return true;
    case SPB__METRIC__VALUE_DOUBLE_VALUE:
        *out = from->double_value;
        return true;
    case SPB__METRIC__VALUE_BOOLEAN_VALUE:
        *out = from->boolean_value;
        return true;
    default:
        return false;
    }
}

static uint64_t read_code(const Spb__Value *value)
{
    if (value->value_case == SPB__VALUE__VALUE_INT_VALUE)
        return value->int_value;
    return value->value_case == SPB__VALUE__VALUE_LONG_VALUE ? value->long_value : 0;
}

static Quality read_quality(const Spb__Properties *properties)
{
    if (!properties)
        return QUALITY_GOOD;
    for (size_t i = 0; i < properties->n_keys && i < properties->n_values; i++) {
        if (strcmp(properties->keys[i], "Quality") != 0)
            continue;
        const uint64_t code = read_code(properties->values[i]);
        return code == QUALITY_GOOD_CODE ? QUALITY_GOOD : code == QUALITY_STALE_CODE ? QUALITY_UNCERTAIN : QUALITY_BAD;
    }
    return QUALITY_GOOD;
}

/* From milliseconds; what does not fit is no time. */
static int64_t read_time(bool is_there, uint64_t ms)
{
    return is_there && ms <= (uint64_t)(INT64_MAX / NS_PER_MS) ? (int64_t)ms * NS_PER_MS : TIME_NONE;
}

static Metric read_metric(const Spb__Metric *from)
{
    Metric metric = {
        .name = from->name,
        .has_alias = from->has_alias,
        .alias = from->alias,
        .historical = from->has_is_historical && from->is_historical,
        .is_null = from->has_is_null && from->is_null,
        .time = read_time(from->has_timestamp, from->timestamp),
        .type = from->has_datatype ? from->datatype : METRIC_UNKNOWN,
        .quality = read_quality(from->properties),
    };
    metric.has_number = !metric.is_null && read_number(from, metric.type, &metric.number);
    return metric;
}

Err report_read(const void *bytes, size_t length, Report *out, ErrText *why)
{
    *out = (Report){.sequence = -1, .time = TIME_NONE};
    Spb__Payload *payload = spb__payload__unpack(NULL, length, bytes);
    if (!payload)
        return err_set(why, ERR_PARSE, "a payload of Sparkplug B was expected");
    out->payload = payload;
    out->metrics = mem_alloc((payload->n_metrics + 1) * sizeof *out->metrics);
    Err err = out->metrics ? ERR_OK : err_set(why, ERR_MEMORY, "out of memory");
    if (!err && payload->uuid && strcmp(payload->uuid, "SPBV1.0_COMPRESSED") == 0)
        err = err_set(why, ERR_PARSE, "compressed payloads are not read");
    if (!err && payload->has_seq && payload->seq > 255)
        err = err_set(why, ERR_RANGE, "a sequence number from 0 to 255 was expected");
    if (err) {
        report_fini(out);
        return err;
    }
    out->time = read_time(payload->has_timestamp, payload->timestamp);
    out->sequence = payload->has_seq ? (int)payload->seq : -1;
    for (; out->count < payload->n_metrics; out->count++)
        out->metrics[out->count] = read_metric(payload->metrics[out->count]);
    return ERR_OK;
}

void report_fini(Report *report)
{
    mem_free(report->metrics);
    if (report->payload)
        spb__payload__free_unpacked(report->payload, NULL);
    *report = (Report){.sequence = -1};
}

const Metric *report_find(const Report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->metrics[i].name && strcmp(report->metrics[i].name, name) == 0)
            return &report->metrics[i];
    return NULL;
}

// Writing.

static double cut(double number, double least, double most)
{
    const double whole = nearbyint(number);
    return whole < least ? least : whole > most ? most : whole;
}

double metric_round(uint32_t type, double number)
{
    switch (type) {
    case METRIC_INT8:
        return cut(number, INT8_MIN, INT8_MAX);
    case METRIC_INT16:
        return cut(number, INT16_MIN, INT16_MAX);
    case METRIC_INT32:
        return cut(number, INT32_MIN, INT32_MAX);
    case METRIC_INT64:
        return cut(number, -0x1p63, 0x1.fffffffffffffp62);
    case METRIC_UINT8:
        return cut(number, 0, UINT8_MAX);
    case METRIC_UINT16:
        return cut(number, 0, UINT16_MAX);
    case METRIC_UINT32:
        return cut(number, 0, UINT32_MAX);
    case METRIC_UINT64:
    case METRIC_DATE_TIME:
        return cut(number, 0, 0x1.fffffffffffffp63);
    case METRIC_FLOAT:
        return (double)(float)number;
    case METRIC_BOOLEAN:
        return number != 0;
    default:
        return number;
    }
}

static void write_number(uint32_t type, double number, Spb__Metric *out)
{
    const double rounded = metric_round(type, number);
    switch (type) {
    case METRIC_INT8:
    case METRIC_INT16:
    case METRIC_INT32:
        out->value_case = SPB__METRIC__VALUE_INT_VALUE;
        out->int_value = (uint32_t)(int32_t)rounded;
        break;
    case METRIC_UINT8:
    case METRIC_UINT16:
    case METRIC_UINT32:
        out->value_case = SPB__METRIC__VALUE_INT_VALUE;
        out->int_value = (uint32_t)rounded;
        break;
    case METRIC_INT64:
        out->value_case = SPB__METRIC__VALUE_LONG_VALUE;
        out->long_value = (uint64_t)(int64_t)rounded;
        break;
    case METRIC_UINT64:
    case METRIC_DATE_TIME:
        out->value_case = SPB__METRIC__VALUE_LONG_VALUE;
        out->long_value = (uint64_t)rounded;
        break;
    case METRIC_FLOAT:
        out->value_case = SPB__METRIC__VALUE_FLOAT_VALUE;
        out->float_value = (float)rounded;
        break;
    case METRIC_BOOLEAN:
        out->value_case = SPB__METRIC__VALUE_BOOLEAN_VALUE;
        out->boolean_value = rounded != 0;
        break;
    default:
        out->value_case = SPB__METRIC__VALUE_DOUBLE_VALUE;
        out->double_value = rounded;
    }
}

static void write_metric(const Metric *metric, Spb__Metric *out)
{
    spb__metric__init(out);
    out->name = (char *)(uintptr_t)metric->name;
    out->has_alias = metric->has_alias;
    out->alias = metric->alias;
    out->has_timestamp = metric->time != TIME_NONE && metric->time >= 0;
    out->timestamp = out->has_timestamp ? (uint64_t)(metric->time / NS_PER_MS) : 0;
    out->has_datatype = metric->type != METRIC_UNKNOWN;
    out->datatype = metric->type;
    out->has_is_historical = out->is_historical = metric->historical;
    out->has_is_null = out->is_null = metric->is_null || !metric->has_number || !isfinite(metric->number);
    if (!out->is_null)
        write_number(metric->type, metric->number, out);
}

Err report_write(const Report *report, Text *out)
{
    Spb__Payload payload = SPB__PAYLOAD__INIT;
    const size_t count = report->count;
    Spb__Metric *items = mem_alloc((count + 1) * sizeof *items);
    Spb__Metric **list = mem_alloc((count + 1) * sizeof *list);
    for (size_t i = 0; items && list && i < count; i++) {
        write_metric(&report->metrics[i], &items[i]);
        list[i] = &items[i];
    }
    payload.has_timestamp = report->time != TIME_NONE;
    payload.timestamp = payload.has_timestamp ? (uint64_t)(report->time / NS_PER_MS) : 0;
    payload.has_seq = report->sequence >= 0;
    payload.seq = payload.has_seq ? (uint64_t)report->sequence : 0;
    payload.n_metrics = count;
    payload.metrics = list;

    const size_t size = items && list ? spb__payload__get_packed_size(&payload) : 0;
    unsigned char *bytes = items && list ? mem_alloc(size + 1) : NULL;
    if (bytes)
        text_add(out, (const char *)bytes, spb__payload__pack(&payload, bytes));
    const bool done = bytes && !out->failed;
    mem_free(bytes);
    mem_free(list);
    mem_free(items);
    return done ? ERR_OK : ERR_MEMORY;
}
