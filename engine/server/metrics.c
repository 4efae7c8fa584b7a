/* metrics.c -- GET /metrics: what Prometheus scrapes, in its text form 0.0.4 (prometheus.io, "Exposition formats").
 *
 * Names end in their unit, counters in _total, and times are seconds. What has a line per twin or sensor is told of the twins that are shown:
 * SHOWN_MAX at the most. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/inside.h"
#include "server/routes.h"

// The form.

static void put_family(Text *out, const char *name, const char *type, const char *help)
{
    text_format(out, "# HELP pollux_%s %s\n# TYPE pollux_%s %s\n", name, help, name, type);
}

static void put_number(Text *out, double value)
{
    if (isfinite(value))
        text_json_number(out, value);
    else
        text_put(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    text_put(out, "\n");
}

static void put_label_value(Text *out, const char *value)
{
    for (; *value; value++)
        if (*value == '\n')
            text_put(out, "\\n");
        else
            text_format(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
}

/* One line of a family; `label` NULL for none. */
static void put_line(Text *out, const char *name, const char *label, const char *label_value, double value)
{
    text_format(out, "pollux_%s", name);
    if (label) {
        text_format(out, "{%s=\"", label);
        put_label_value(out, label_value);
        text_put(out, "\"}");
    }
    text_put(out, " ");
    put_number(out, value);
}

static void put_single(Text *out, const char *name, const char *type, const char *help, double value)
{
    put_family(out, name, type, help);
    put_line(out, name, NULL, NULL, value);
}

static void put_histogram(Text *out, const char *name, const char *help, const Histogram *histogram)
{
    uint64_t count = 0;
    put_family(out, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        text_format(out, "pollux_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)histogram_bounds[i] / 1e9, count);
    }
    count += histogram->counts[HISTOGRAM_BOUNDS];
    text_format(out, "pollux_%s_bucket{le=\"+Inf\"} %" PRIu64 "\npollux_%s_sum ", name, count, name);
    put_number(out, (double)histogram->sum_ns / 1e9);
    text_format(out, "pollux_%s_count %" PRIu64 "\n", name, count);
}

// The content.

static void put_build(Text *out, const Plant *plant)
{
    put_family(out, "build_info", "gauge", "1, with the version of Pollux and the plant that it runs.");
    text_put(out, "pollux_build_info{version=\"" POLLUX_VERSION "\",plant=\"");
    put_label_value(out, plant->name);
    text_put(out, "\"} 1\n");
}

static void put_ticks(Text *out, const State *state)
{
    const ServerNow *now = &state->now;
    put_single(out, "ticks_total", "counter", "Ticks that have run since the start.", (double)now->ticks);
    put_single(out, "tick_overruns_total", "counter", "Ticks that ran too late.", (double)now->overruns);
    put_histogram(out, "tick_duration_seconds", "How long ticks take.", &now->tick_durations);
    put_single(out, "plant_time_seconds", "gauge", "The plant's time, since 1970.", now->time == TIME_NONE ? NAN : (double)now->time / 1e9);
    put_single(out, "backlog_samples", "gauge", "Samples that the tick has taken since it last had nothing to do.", (double)now->backlog_samples);
    put_single(out, "backlog_seconds", "gauge", "How long the tick has worked since it last had nothing to do.", (double)now->backlog_ns / 1e9);
    put_single(out, "handler_errors_total", "counter", "Lua handlers that failed or ran away.", (double)now->handler_errors);
    put_single(out, "handler_events_unheard_total", "counter", "Events for which the handlers' budget was not enough.", (double)now->events_unheard);
    put_single(out, "alarms_dropped_total", "counter", "Alarms for which there was no room.", (double)now->alarms_dropped);
}

static void put_gate(Text *out, const State *state)
{
    size_t held = 0, blocked = 0;
    for (size_t i = 0; i < state->actuator_count; i++) {
        held += state->actuators[i].held;
        blocked += state->actuators[i].mode == ACTUATOR_BLOCKED;
    }
    put_single(out, "dry_run", "gauge", "1 while commands are decided and not handed over.", state->now.dry_run);
    put_single(out, "actuators_held", "gauge", "Actuators that are held at their fail-safe values.", (double)held);
    put_single(out, "actuators_blocked", "gauge", "Actuators that nobody may command.", (double)blocked);
}

static void put_samples(Text *out, const State *state)
{
    const SyncCounters *counters = &state->counters;
    const struct {
        const char *fate;
        uint64_t count;
    } fates[] = {{"used", counters->used},     {"late", counters->late}, {"duplicate", counters->duplicate},
                 {"future", counters->future}, {"bad", counters->bad},   {"dropped", counters->dropped}};
    put_family(out, "samples_total", "counter", "Samples by what became of them.");
    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++)
        put_line(out, "samples_total", "fate", fates[i].fate, (double)fates[i].count);
    put_single(out, "samples_amended_total", "counter", "Samples that came behind their tick and were used; they are among those used.",
               (double)state->rewinds.amended);
    put_single(out, "rewinds_total", "counter", "How often twins went back for late samples.", (double)state->rewinds.rewinds);
    put_single(out, "rewind_seconds_total", "counter", "Time spent on late samples.", (double)state->rewinds.spent_ns / 1e9);
}

static double connection_samples(const ServerConnection *connection)
{
    return (double)connection->samples;
}

static double connection_refused(const ServerConnection *connection)
{
    return (double)connection->refused;
}

static double connection_dropped(const ServerConnection *connection)
{
    return (double)connection->dropped;
}

static double connection_is_up(const ServerConnection *connection)
{
    return connection->connected;
}

static double connection_offset(const ServerConnection *connection)
{
    return connection->measured ? connection->clock.offset : NAN;
}

static double way_unchanged(const ServerConnection *way)
{
    return (double)way->unchanged;
}

static double way_missed(const ServerConnection *way)
{
    return (double)way->missed;
}

static double way_stale(const ServerConnection *way)
{
    return way->stale;
}

static double way_commands(const ServerConnection *way)
{
    return (double)way->commands;
}

static double way_failed(const ServerConnection *way)
{
    return (double)way->failed;
}

static double way_attempts(const ServerConnection *way)
{
    return (double)way->attempts;
}

static double way_busy(const ServerConnection *way)
{
    return (double)way->busy_ns / 1e9;
}

typedef struct ConnectionFamily {
    const char *name, *type, *help;
    double (*value)(const ServerConnection *connection);
} ConnectionFamily;

/* Of the plant's connectors, or of the devices that have come. */
static void put_connection_families(Text *out, const State *state, const char *label, bool ways, const ConnectionFamily *families, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_family(out, families[i].name, families[i].type, families[i].help);
        for (size_t k = 0; k < state->now.connection_count; k++)
            if (state->connections[k].is_way == ways)
                put_line(out, families[i].name, label, state->connections[k].name, families[i].value(&state->connections[k]));
    }
}

static void put_devices(Text *out, const State *state)
{
    static const ConnectionFamily families[] = {
        {"device_connected", "gauge", "1 while the device is connected.", connection_is_up},
        {"device_samples_total", "counter", "Samples that the device sent.", connection_samples},
        {"device_refused_total", "counter", "Samples of the device that could not be taken.", connection_refused},
        {"device_dropped_total", "counter", "Samples of the device for which there was no room.", connection_dropped},
        {"device_clock_offset_seconds", "gauge", "By how much the clock of the device is ahead.", connection_offset},
    };
    put_connection_families(out, state, "device", false, families, sizeof families / sizeof *families);
}

static void put_ways(Text *out, const State *state)
{
    static const ConnectionFamily families[] = {
        {"connector_connected", "gauge", "1 while the connector has its connection.", connection_is_up},
        {"connector_samples_total", "counter", "Samples that the connector brought.", connection_samples},
        {"connector_refused_total", "counter", "What came and could not be read.", connection_refused},
        {"connector_dropped_total", "counter", "Samples of the connector for which there was no room.", connection_dropped},
        {"connector_unchanged_total", "counter", "Samples that were left out within their dead bands.", way_unchanged},
        {"connector_missed_total", "counter", "Turns of the connector's schedule that were left out.", way_missed},
        {"connector_stale_tags", "gauge", "Tags of the connector that are silent.", way_stale},
        {"connector_commands_total", "counter", "Commands that were handed to the connector.", way_commands},
        {"connector_failed_total", "counter", "Commands that the connector could not carry out.", way_failed},
        {"connector_attempts_total", "counter", "Attempts at connecting.", way_attempts},
        {"connector_busy_seconds_total", "counter", "Processor time of the connector's thread.", way_busy},
    };
    put_connection_families(out, state, "connector", true, families, sizeof families / sizeof *families);
}

static void put_twins(Text *out, const Server *server, const State *state)
{
    const Plant *plant = server->plant;
    uint64_t parted = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        parted += (uint64_t)__builtin_popcountll(state->parted[i]);
    put_single(out, "twins", "gauge", "Twins of the plant.", plant->twin_count);
    put_single(out, "twins_diverged", "gauge", "Twins that have parted from their assets.", (double)parted);
    put_single(out, "twins_quarantined", "gauge", "Twins that stand still because their numbers broke.", (double)state->quarantined);

    put_family(out, "twin_nis", "gauge", "The divergence statistic of a twin: windowed normalised innovation squared.");
    for (uint32_t slot = 0; slot < state->shown_count; slot++)
        put_line(out, "twin_nis", "twin", plant->twins[state->shown[slot]].name, state->twins[slot].nis);
    put_family(out, "twin_nis_limit", "gauge", "What the divergence statistic of a twin must stay below.");
    for (uint32_t slot = 0; slot < state->shown_count; slot++)
        put_line(out, "twin_nis_limit", "twin", plant->twins[state->shown[slot]].name, state->twins[slot].nis_limit);
}

static void put_innovations(Text *out, const Server *server, const State *state)
{
    const Plant *plant = server->plant;
    put_family(out, "sensor_innovation_sigmas", "gauge", "The last innovation of a sensor in its standard deviations.");
    for (uint32_t slot = 0; slot < state->shown_count; slot++) {
        const uint32_t twin = state->shown[slot];
        const Model *model = plant_model(plant, twin);
        for (uint16_t i = 0; i < model->sensor_count; i++) {
            const SensorHealth *sensor = &state->sensors[(size_t)slot * server->states.sensors_max + i];
            if (isfinite(sensor->sd))
                put_line(out, "sensor_innovation_sigmas", "tag", tags_name(plant->tags, plant_tag(plant, twin, model->sensors[i].channel)).text,
                         sensor->innovation / sensor->sd);
        }
    }
}

static void put_alarms(Text *out, const Journal *journal)
{
    unsigned count[ALARM_OVER + 1] = {0};
    for (size_t i = 0; i < journal->alarm_count; i++)
        count[journal->alarms[i].state]++;
    put_family(out, "alarms", "gauge", "Alarms that are not over, by their state.");
    for (AlarmState state = ALARM_RAISED; state < ALARM_OVER; state++)
        put_line(out, "alarms", "state", alarm_state_name(state), count[state]);
}

static void put_forecasts(Text *out, Desk *desk, const State *state)
{
    DeskStats stats = {0};
    if (desk)
        desk_stats(desk, &stats);
    put_family(out, "forecasts_total", "counter", "Forecasts by how they ended.");
    for (DeskState end = DESK_DONE; end <= DESK_EXPIRED; end++)
        put_line(out, "forecasts_total", "end", desk_state_name(end), (double)stats.ended[end]);
    put_single(out, "forecasts_refused_total", "counter", "Forecasts for which there was no place.", (double)stats.refused);
    put_single(out, "forecasts_waiting", "gauge", "Forecasts that have not ended.", stats.waiting);
    put_single(out, "forecasts_skipped_total", "counter", "Standing forecasts that were not done in time.", (double)state->now.forecasts_skipped);
    put_histogram(out, "forecast_duration_seconds", "How long forecasts take that come to their end.", &stats.durations);
}

static void put_history(Text *out, const ServerNow *now)
{
    put_single(out, "history_waiting_rows", "gauge", "Rows that wait for the disk.", (double)now->history_waiting);
    put_single(out, "history_waits_total", "counter", "How often the tick waited for the disk.", (double)now->history_waits);
    put_single(out, "history_errors_total", "counter", "Commits that failed.", (double)now->history_errors);
}

static void put_clients(Text *out, const Server *server)
{
    const ServerCounters *counters = &server->counters;
    put_single(out, "websocket_clients", "gauge", "WebSocket connections.", (double)server->client_count);
    put_single(out, "websocket_subscribers", "gauge", "WebSocket connections that are told of ticks.",
               (double)(show_viewer_count(&server->show) - server->events_count));
    put_single(out, "websocket_listeners", "gauge", "WebSocket connections that are told of samples as they come.", (double)server->listener_count);
    put_single(out, "event_streams", "gauge", "Streams of server-sent events.", (double)server->events_count);
    put_single(out, "http_connections_total", "counter", "Connections that came.", (double)counters->connections);
    put_single(out, "http_mute_connections_total", "counter", "Connections that ended, or had to go, before a request had come.", (double)counters->mute);
    put_single(out, "clients_turned_away_total", "counter", "Clients and streams that found no room.", (double)counters->turned_away);
    put_single(out, "clients_unread_total", "counter", "Clients and streams that were cut off because they did not read.", (double)counters->unread);
    put_single(out, "websocket_malformed_total", "counter", "Frames that could not be read.", (double)counters->malformed);
    put_single(out, "frames_skipped_total", "counter", "Frames of values that slow clients did not get.", (double)counters->skipped);
}

static void put_webhooks(Text *out, const Server *server)
{
    const struct {
        const char *name, *help;
        size_t place;
    } families[] = {
        {"webhook_delivered_total", "Alarm events that a webhook took.", offsetof(WebhookStats, delivered)},
        {"webhook_refused_total", "Alarm events that a webhook refused for good.", offsetof(WebhookStats, refused)},
        {"webhook_dropped_total", "Alarm events for which a webhook had no room left.", offsetof(WebhookStats, dropped)},
        {"webhook_repeated_total", "Tries to tell a webhook that were made again.", offsetof(WebhookStats, repeated)},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        put_family(out, families[i].name, "counter", families[i].help);
        for (size_t k = 0; k < server->webhook_count; k++) {
            const WebhookStats stats = webhook_stats(server->webhooks[k]);
            put_line(out, families[i].name, "url", webhook_url(server->webhooks[k]), (double)*(const uint64_t *)((const char *)&stats + families[i].place));
        }
    }
}

static size_t count_open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count > 3 ? count - 3 : 0;  // this folder itself, and the two names that every folder has
}

static void put_process(Text *out)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%*u %lu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    const double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    put_single(out, "memory_resident_bytes", "gauge", "Memory of the process.", (double)pages * (double)sysconf(_SC_PAGESIZE));
    put_single(out, "cpu_seconds_total", "counter", "Processor time of the process.", seconds);
    put_single(out, "open_files", "gauge", "Files and sockets that are open.", (double)count_open_files());
}

static void answer_metrics(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const State *state = states_shown(&server->states);
    Text *out = reply->body;
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    put_build(out, server->plant);
    put_ticks(out, state);
    put_gate(out, state);
    put_samples(out, state);
    put_devices(out, state);
    put_ways(out, state);
    put_twins(out, server, state);
    put_innovations(out, server, state);
    put_alarms(out, &server->journal);
    put_forecasts(out, server->desk, state);
    put_history(out, &state->now);
    put_clients(out, server);
    put_webhooks(out, server);
    put_process(out);
}

const Route metrics_routes[] = {
    {.method = "GET", .path = "/metrics", .right = RIGHT_VIEW, .answer = answer_metrics},
    {0},
};
