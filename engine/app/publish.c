#include "app/publish.h"

#include <stdio.h>
#include <string.h>

#include "app/inside.h"

enum { SERVER_CONNECTIONS = 64 };

// --- what the server shows ------------------------------------------------------------------------------------------

static ServerConnection show_device(const WebsocketDevice *device)
{
    ServerConnection shown = {.kind = "websocket", .connected = device->connected, .samples = device->samples, .refused = device->refused,
                              .dropped = device->dropped, .lost = device->lost, .last = device->last, .measured = device->measured, .clock = device->clock,
                              .since = TIME_NONE};
    _Static_assert(sizeof shown.name >= sizeof device->name && sizeof shown.peer >= sizeof device->peer, "a device's names have room");
    memcpy(shown.name, device->name, sizeof device->name);
    memcpy(shown.peer, device->peer, sizeof device->peer);
    return shown;
}

static ServerConnection show_way(const WayState *way)
{
    const ExchangeState *state = &way->exchange;
    ServerConnection shown = {.connected = state->connected, .samples = state->samples, .refused = state->refused, .dropped = state->dropped, .lost = way->lost,
                              .last = way->last, .is_way = true, .since = state->since, .unchanged = state->unchanged, .missed = state->missed,
                              .stale = state->stale, .commands = state->commands, .failed = state->failed, .attempts = state->attempts,
                              .busy_ns = state->busy_ns};
    snprintf(shown.name, sizeof shown.name, "%s", state->name);
    snprintf(shown.kind, sizeof shown.kind, "%s", state->kind);
    snprintf(shown.peer, sizeof shown.peer, "%s", state->peer);
    snprintf(shown.fault, sizeof shown.fault, "%s", state->fault);
    return shown;
}

/* The plant's own connectors, and devices that have come. */
static size_t list_connections(const App *app, ServerConnection *out)
{
    size_t count = 0;
    for (size_t i = 0; app->ways && i < ways_count(app->ways); i++) {
        const WayState way = ways_state(app->ways, i);
        out[count++] = show_way(&way);
    }
    WebsocketDevice devices[SERVER_CONNECTIONS];
    const size_t device_count = websocket_devices(app->websocket, devices, SERVER_CONNECTIONS);
    for (size_t i = 0; i < device_count; i++)
        out[count++] = show_device(&devices[i]);
    return count;
}

void publish_now(App *app)
{
    if (!app->server || app->replaying)
        return;
    ServerConnection connections[PLANT_CONNECTORS_MAX + SERVER_CONNECTIONS];
    const HistoryStats written = app->history ? history_stats(app->history) : (HistoryStats){0};
    const ServerNow now = {
        .connection_count = list_connections(app, connections),
        .connections = connections,
        .refused = *app->refused ? app->refused : NULL,
        .tick = app->tick,
        .time = app->now,
        .ticks = app->ticks,
        .speed = app->def.speed,
        .dry_run = gate_is_dry(app->gate),
        .paused = app->tempo.paused,
        .speed_limit = app->tempo.speed,
        .overruns = app->overruns,
        .forecasts_skipped = lookout_skipped(app->lookout),
        .backlog_samples = app->backlog.samples,
        .backlog_ns = app->backlog.since == TIME_NONE ? 0 : app__elapsed(app) - app->backlog.since,
        .longest_backlog_samples = app->backlog.longest_samples,
        .longest_backlog_ns = app->backlog.longest_ns,
        .handler_errors = alarms_handler_errors(app->alarms),
        .events_unheard = alarms_unheard(app->alarms),
        .alarms_dropped = alarms_dropped(app->alarms),
        .history_waits = written.waits,
        .history_errors = written.errors,
        .history_waiting = app->history ? history_waiting(app->history) : 0,
        .tick_durations = app->tick_durations,
    };
    server_publish(app->server, app->plant, app->sync, app->alarms, app->gate, &now);
    app->news = false;
}

// --- what the log tells ---------------------------------------------------------------------------------------------

static void tell_alarms(const App *app)
{
    size_t count;
    const Alarm *alarms = alarms_changed(app->alarms, &count);
    for (size_t i = 0; i < count && !app->def.quiet && !app->replaying; i++) {
        char time[32];
        const bool raised = alarms[i].state == ALARM_RAISED;
        time_format(raised ? alarms[i].raised : app->now, time);
        log_write(raised ? LOG_WARNING : LOG_INFO, "alarm", "%s  #%llu %s %s: %s", time, (unsigned long long)alarms[i].id, alarm_state_name(alarms[i].state),
                  alarms[i].name, alarms[i].text);
    }
}

static void tell_commands(const App *app)
{
    size_t count;
    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count && !app->def.quiet && !app->replaying; i++) {
        const Command *command = &commands[i];
        const double value = unit_from_si(tags_get(app->plant->tags, command->wish.tag).unit, command->wish.value);
        log_write(LOG_INFO, "gate", "command #%llu %s = %g %s%s%s", (unsigned long long)command->id, app__tag_name(app, command->wish.tag).text, value,
                  command_state_name(command->state), *command->detail ? ": " : "", command->detail);
    }
}

void publish_lines(const App *app)
{
    tell_alarms(app);
    tell_commands(app);
}
