#include "connectors/iec104/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const option_keys[] = {"host", "port",     "station",     "originator", "k",      "w",    "t0",    "t1",         "t2",  "t3", "interrogate",
                                          "counters", "synchronise", "test", "answer", "zone", "retry", "retry_most", "tls", "ca", "certificate", "key", NULL};
static const char *const point_keys[] = {"address", "station", "type", "select", "terminates", "quality", NULL};

/* The bits of quality, by their names in scripts. What does not say how things stand now is bad: it would pull the twin away from the truth. */
static const struct {
    const char *name;
    uint8_t bit;
    Quality quality;
} flaws[IEC104_FLAWS] = {
    {"IV", ASDU_IV, QUALITY_BAD},
    {"NT", ASDU_NT, QUALITY_BAD},
    {"SB", ASDU_SB, QUALITY_UNCERTAIN},
    {"BL", ASDU_BL, QUALITY_BAD},
    {"OV", ASDU_OV, QUALITY_BAD},
    {"moving", ASDU_MOVING, QUALITY_UNCERTAIN},
    {"adjusted", ASDU_ADJUSTED, QUALITY_UNCERTAIN},
    {"between", ASDU_BETWEEN, QUALITY_BAD},
};

static int64_t read_seconds(Options *options, const char *key, double fallback, double min, double max)
{
    return (int64_t)(options_number(options, key, fallback, min, max) * (double)NS_PER_S);
}

/* 0 or a period that leaves room for answers. */
static int64_t read_period(Options *options, const char *key)
{
    const int64_t period = read_seconds(options, key, 0, 0, 86400 * 7);
    if (period && period < NS_PER_S)
        options_fail(options, key, "expected 0 or at least 1 s");
    return period;
}

static void read_transfer(Options *options, TransferDef *out)
{
    *out = (TransferDef){
        .t1_ns = read_seconds(options, "t1", 15, 1, 255),
        .t2_ns = read_seconds(options, "t2", 10, 1, 255),
        .t3_ns = read_seconds(options, "t3", 20, 1, 172800),
        .k = (uint16_t)options_integer(options, "k", 12, 1, TRANSFER_K_MAX),
        .w = (uint16_t)options_integer(options, "w", 8, 1, APCI_NUMBERS - 1),
    };
    ErrText why;
    if (!options->err && !transfer_def_check(out, &why))
        options_fail(options, out->w > out->k ? "w" : "t2", "%s", why.text);
}

/* A file beside the script, NULL where none is named. */
static const char *read_path(Options *options, const char *key, const char *folder, Arena *arena)
{
    const char *const path = options_text(options, key, NULL);
    if (!path || *path == '/' || !folder)
        return path;
    const char *const whole = arena_format(arena, "%s/%s", folder, path);
    if (!whole)
        options_fail(options, key, "%s", err_name(ERR_MEMORY));
    return whole;
}

static void read_tls(Options *options, const char *folder, Arena *arena, Iec104Tls *out)
{
    *out = (Iec104Tls){
        .is_used = options_flag(options, "tls", false),
        .ca = read_path(options, "ca", folder, arena),
        .certificate = read_path(options, "certificate", folder, arena),
        .key = read_path(options, "key", folder, arena),
    };
    if (!out->is_used && (out->ca || out->certificate || out->key))
        options_fail(options, out->ca ? "ca" : out->certificate ? "certificate" : "key", "this says something with tls = true only");
    if (!out->certificate != !out->key)
        options_fail(options, out->key ? "key" : "certificate", "a certificate and its key were expected");
}

static void read_options(Options *options, Iec104Settings *out)
{
    options_only(options, option_keys, NULL);
    out->host = options_text(options, "host", NULL);
    if (!out->host)
        options_fail(options, "", "expected host: the name or the address of the outstation");
    snprintf(out->port, sizeof out->port, "%d", (int)options_integer(options, "port", 2404, 1, 65535));
    snprintf(out->peer, sizeof out->peer, "%s:%s", out->host ? out->host : "", out->port);
    out->t0_ns = read_seconds(options, "t0", 30, 1, 255);
    out->retry_ns = read_seconds(options, "retry", 0.5, 0.01, 3600);
    out->retry_most_ns = read_seconds(options, "retry_most", 30, 0.01, 3600);
    if (out->retry_most_ns < out->retry_ns)
        options_fail(options, "retry_most", "at least the first wait was expected, %g s", (double)out->retry_ns / (double)NS_PER_S);

    MasterDef *const master = &out->master;
    read_transfer(options, &master->transfer);
    master->originator = (uint8_t)options_integer(options, "originator", 0, 0, 255);
    master->answer_ns = read_seconds(options, "answer", 10, 0.1, 255);
    master->zone_ns = (int64_t)(options_number(options, "zone", 0, -12, 14) * 3600) * NS_PER_S;
    master->periods_ns[MASTER_INTERROGATE] = read_period(options, "interrogate");
    master->periods_ns[MASTER_COUNTERS] = read_period(options, "counters");
    master->periods_ns[MASTER_SYNCHRONISE] = read_period(options, "synchronise");
    master->periods_ns[MASTER_TEST] = read_period(options, "test");
}

static int find_flaw(const char *name)
{
    for (int i = 0; i < IEC104_FLAWS; i++)
        if (strcmp(flaws[i].name, name) == 0)
            return i;
    return -1;
}

static void read_qualities(Options *options, Quality out[static IEC104_FLAWS])
{
    for (int i = 0; i < IEC104_FLAWS; i++)
        out[i] = flaws[i].quality;
    json_t *const given = json_object_get(options->object, "quality"), *value;
    if (given && !json_is_object(given))
        options_fail(options, "quality", "expected a table, for example { NT = \"uncertain\" }");
    const char *name;
    json_object_foreach(given, name, value) {
        const int flaw = find_flaw(name);
        if (flaw < 0)
            options_fail(options, "quality", "there is no %s: expected IV, NT, SB, BL, OV, moving, adjusted or between", name);
        else if (!json_is_string(value) || !quality_parse(json_string_value(value), &out[flaw]))
            options_fail(options, "quality", "expected %s to be \"good\", \"uncertain\" or \"bad\"", name);
    }
}

static AsduType read_type(Options *options)
{
    const char *const name = options_text(options, "type", "C_SE_NC");
    const AsduType type = name ? asdu_find_type(name) : ASDU_NONE;
    if (!asdu_is_command(type))
        options_fail(options, "type",
                     "expected the type of a command: C_SC_NA, C_DC_NA, C_RC_NA, C_SE_NA, C_SE_NB, C_SE_NC, C_BO_NA, or with a time C_SC_TA and so on");
    return type;
}

/* Clause 9 has a box for set points that are terminated, and none for the other commands: they are. */
static bool is_terminated(AsduType type)
{
    switch (type) {
        case ASDU_C_SC_NA:
        case ASDU_C_SC_TA:
        case ASDU_C_DC_NA:
        case ASDU_C_DC_TA:
        case ASDU_C_RC_NA:
        case ASDU_C_RC_TA:
            return true;
        default:
            return false;
    }
}

/* A binding may be written and read with the same keys: those of commands say nothing where it is read. */
static void read_point(Options *options, int64_t station, Iec104Point *out)
{
    options_only(options, point_keys, binding_keys);
    if (!options_has(options, "address"))
        options_fail(options, "", "expected address: of the information object, 1 to 16777215");
    out->address = (uint32_t)options_integer(options, "address", 1, 1, ASDU_ADDRESS_MAX);
    out->station = (uint16_t)options_integer(options, "station", station, 1, ASDU_STATION_MAX);
    out->type = read_type(options);
    out->select = options_flag(options, "select", false);
    out->terminates = options_flag(options, "terminates", is_terminated(out->type));
    if (out->select && (out->type == ASDU_C_BO_NA || out->type == ASDU_C_BO_TA))
        options_fail(options, "select", "%s cannot be selected", asdu_type_name(out->type));
    read_qualities(options, out->flaws);
}

/* The stations that anything is bound to are interrogated. */
static bool add_station(uint16_t stations[static MASTER_STATIONS], size_t *count, uint16_t station)
{
    for (size_t i = 0; i < *count; i++)
        if (stations[i] == station)
            return true;
    if (*count == MASTER_STATIONS)
        return false;
    stations[(*count)++] = station;
    return true;
}

static int compare_points(const void *a, const void *b)
{
    const Iec104Point *const left = a, *const right = b;
    if (left->station != right->station)
        return left->station < right->station ? -1 : 1;
    if (left->address != right->address)
        return left->address < right->address ? -1 : 1;
    return (left->binding > right->binding) - (left->binding < right->binding);
}

static Err read_points(const ConnectorDef *def, int64_t station, uint16_t *stations, Iec104Settings *out, ConnectorFault *fault)
{
    for (size_t i = 0; i < def->binding_count; i++) {
        const Binding *const binding = &def->bindings[i];
        Iec104Point *const point = &out->points[i];
        Options options = options_begin(binding->address, binding->name);
        point->binding = i;
        read_point(&options, station, point);
        if (!options.err && !add_station(stations, &out->master.station_count, point->station))
            options_fail(&options, "station", "at most %d stations stand behind one connection", MASTER_STATIONS);
        const Err err = connector_blame(fault, binding->tag, &options);
        if (err)
            return err;
        if (!binding->writes)
            out->read[out->read_count++] = *point;
    }
    qsort(out->read, out->read_count, sizeof *out->read, compare_points);
    return ERR_OK;
}

Err iec104__settings_read(const ConnectorDef *def, Arena *arena, Iec104Settings *out, ConnectorFault *fault)
{
    *out = (Iec104Settings){0};
    const size_t room = def->binding_count ? def->binding_count : 1;
    uint16_t *const stations = arena_new(arena, uint16_t, MASTER_STATIONS);
    out->points = arena_new(arena, Iec104Point, room);
    out->read = arena_new(arena, Iec104Point, room);
    if (!stations || !out->points || !out->read)
        return err_set(&fault->why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    out->master.stations = stations;

    Options options = options_begin(def->options, def->name);
    read_options(&options, out);
    read_tls(&options, def->folder, arena, &out->tls);
    const int64_t station = options_integer(&options, "station", 1, 1, ASDU_STATION_MAX);
    const Err err = connector_blame(fault, TAG_NONE, &options);
    return err ? err : read_points(def, station, stations, out, fault);
}

const Iec104Point *iec104__settings_find(const Iec104Settings *settings, uint16_t station, uint32_t address, size_t *count)
{
    const Iec104Point wanted = {.station = station, .address = address};
    size_t low = 0, high = settings->read_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_points(&settings->read[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < settings->read_count && settings->read[low + *count].station == station && settings->read[low + *count].address == address)
        ++*count;
    return *count ? &settings->read[low] : NULL;
}

Quality iec104__point_judge(const Iec104Point *point, uint8_t quality)
{
    Quality worst = QUALITY_GOOD;
    for (int i = 0; i < IEC104_FLAWS; i++)
        if (quality & flaws[i].bit && point->flaws[i] > worst)
            worst = point->flaws[i];
    return worst;
}
