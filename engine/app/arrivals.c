#include "app/arrivals.h"

#include "app/inside.h"

enum {
    POLL_ROOM = 256,
    PATIENT_ROOM = 64,  // of a patient connector, before everybody else is looked at again
    RECEIPTS = 1024,    // per connector
    PROVIDER_BITS = 24,
};

/* A batch of samples of one connector that waits for the disk. */
typedef struct Receipt {
    uint64_t seq, mark;
} Receipt;

struct AppReceipt {
    Receipt items[RECEIPTS];
    size_t first, count;
    uint64_t mark;  // of the newest sample that was taken
    uint64_t seq;   // and the number it was filed under
};

struct AppReceipt *arrivals_receipts(void)
{
    return mem_alloc(APP_CONNECTORS_MAX * sizeof(struct AppReceipt));
}

static void keep_receipt(struct AppReceipt *receipts)
{
    const Receipt receipt = {receipts->seq, receipts->mark};
    if (receipts->count == RECEIPTS)
        receipts->items[(receipts->first + RECEIPTS - 1) % RECEIPTS] = receipt;  // the newest waits for more instead: nothing is told too early
    else
        receipts->items[(receipts->first + receipts->count++) % RECEIPTS] = receipt;
}

static void tell_arrival(const App *app, const Connector *connector, const Arrival *arrival)
{
    const bool joined = arrival->kind == ARRIVAL_JOINED, left = arrival->kind == ARRIVAL_LEFT;
    if (app->def.quiet || !(joined || left) || ways_tell(app->ways, connector, arrival))
        return;
    log_write(LOG_INFO, connector->type->name, "device \"%s\" %s", arrival->text, joined ? "is here" : "has gone");
}

static void tell_loss(const Connector *connector, uint32_t provider, Fate fate)
{
    const ConnectorLosses losses = {.late = fate == FATE_LATE, .duplicate = fate == FATE_DUPLICATE, .future = fate == FATE_FUTURE};
    if (connector->type->lost && (losses.late || losses.duplicate || losses.future))
        connector->type->lost(connector->self, provider, losses);
}

static void take_arrival(App *app, size_t connector, Arrival *arrival)
{
    Filed filed;
    tell_arrival(app, &app->connectors[connector], arrival);
    app->news |= arrival->kind == ARRIVAL_JOINED || arrival->kind == ARRIVAL_LEFT;
    if (arrival->kind == ARRIVAL_OUTCOME) {
        gate_answer(app->gate, arrival->command, arrival->done, arrival->text, app->now);
        return;
    }

    const uint32_t provider = arrival->provider;
    arrival->provider |= (uint32_t)connector << PROVIDER_BITS;
    const bool is_sample = sync_file(app->sync, arrival, &filed);
    if (!is_sample)
        return;
    if (app->history)
        history_append_sample(app->history, &filed);
    tell_loss(&app->connectors[connector], provider, (Fate)filed.fate);
    app->backlog.samples++;
    app->receipts[connector].seq = filed.seq;
    app->receipts[connector].mark = arrival->mark;
}

/* Devices' samples are passed on where they come in; those of the plant's own connectors come in here. */
static void pass_on(const App *app, const Arrival *arrivals, size_t count)
{
    Sample samples[POLL_ROOM];
    size_t passed = 0;
    for (size_t i = 0; i < count; i++)
        if (arrivals[i].kind == ARRIVAL_SAMPLE)
            samples[passed++] = arrivals[i].sample;
    if (app->server)
        server_pass(app->server, samples, passed);
}

/* Ticks run between arrivals [I4]. Returns how many arrived, and adds the ticks. */
static size_t poll_connector(App *app, size_t index, size_t *ticks)
{
    Arrival arrivals[POLL_ROOM];
    const Connector *connector = &app->connectors[index];
    const size_t count = connector->type->poll(connector->self, arrivals, connector->type->is_patient ? PATIENT_ROOM : POLL_ROOM);
    const uint64_t mark = app->receipts[index].mark;
    if (app->ways && connector->self == app->ways)
        pass_on(app, arrivals, count);
    for (size_t i = 0; i < count && !app__is_stopping(app); i++) {  // what is left behind was not acknowledged: devices send it again
        take_arrival(app, index, &arrivals[i]);
        *ticks += app__run_ready_ticks(app);
    }
    if (app->receipts[index].mark != mark)
        keep_receipt(&app->receipts[index]);
    return count;
}

size_t arrivals_take(App *app, bool patient)
{
    size_t done = 0, ticks = 0;
    for (size_t i = 0; i < app->connector_count; i++)
        if (app->connectors[i].type->is_patient == patient)
            done += poll_connector(app, i, &ticks);
    return done + ticks;
}

void arrivals_drain(App *app)
{
    size_t ticks = 0;
    for (size_t i = 0; i < app->connector_count; i++)
        while (poll_connector(app, i, &ticks))
            continue;
}

static void take_outcomes(App *app, const Connector *connector)
{
    Arrival arrivals[POLL_ROOM];
    const size_t count = connector->type->poll(connector->self, arrivals, POLL_ROOM);
    for (size_t i = 0; i < count; i++)
        if (arrivals[i].kind == ARRIVAL_OUTCOME)
            gate_answer(app->gate, arrivals[i].command, arrivals[i].done, arrivals[i].text, app->now);
}

void arrivals_take_outcomes(App *app)
{
    for (size_t i = 0; i < app->connector_count; i++)
        take_outcomes(app, &app->connectors[i]);
}

static bool is_durable(const App *app, uint64_t seq)
{
    return !app->history || seq <= history_durable(app->history);
}

void arrivals_acknowledge(App *app)
{
    for (size_t i = 0; i < app->connector_count; i++) {
        struct AppReceipt *receipts = &app->receipts[i];
        uint64_t mark = 0;
        for (; receipts->count && is_durable(app, receipts->items[receipts->first].seq); receipts->count--) {
            mark = receipts->items[receipts->first].mark;
            receipts->first = (receipts->first + 1) % RECEIPTS;
        }
        if (mark && app->connectors[i].type->stored)
            app->connectors[i].type->stored(app->connectors[i].self, mark);
    }
}
