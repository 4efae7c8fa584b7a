/* emulate.c -- pollux emulate: the device side, a recording or Castor, over a real WebSocket. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/emulate.h"
#include "app/record.h"
#include "app/token_file.h"
#include "connectors/tape/tape.h"
#include "connectors/websocket/device.h"
#include "plant/castor.h"

const Subcommand subcommand_emulate = {
    "emulate", "be the device: play a recording, or emulate the plant, to a running `pollux serve` or into a file",
    "Without --tape the plant itself is emulated: the models of the script with process noise, sensor noise, and what the script's\n"
    "table `emulate` says; commands are obeyed. With --tape the recording is played; commands are acknowledged, but a recording\n"
    "cannot obey. With --write nothing is sent: what the plant's tape has columns of is written as a recording. Faults: TWIN.FAULT@AT[+LASTS], one that the twin's model knows (`pollux check MODEL` names them), or\n"
    "TAG:KIND[:SIZE]@AT[+LASTS], KIND one of factor, set (of a state, parameter or input), bias, drift, stuck, noise, spike,\n"
    "silence (of a sensor); seconds of plant time from the start. For example --fault incubator.lid@120+60 or\n"
    "--fault incubator.t2:stuck@600+120. --offline 600+120 loses the line for two minutes: the device goes on measuring, comes back, and\n"
    "sends its log marked as historical, behind what is live. Its desired \"period\" (`pollux devices desired`) is how many seconds lie between two samples.\n"
    "--clock 2.1+14 stamps with a clock that is 2.1 s ahead and gains 14 ppm.\n"
    "--through line,plc emulates what stands behind the plant's own connectors: what the engine reads there is written, and what it writes moves the\n"
    "actuators; samples of tags that are bound to none of them are not sent.",
    command_emulate};

enum {
    BATCH = 512,
    WAIT_MS = 20,
    GOODBYE_S = 30,  // how long the last samples may wait for their answer
    PERIOD_MAX_S = 3600,
    LOG_ROOM = 4 * 1000 * 1000,  // samples, 250 MB that are touched when there is a log
};

typedef struct Emulation {
    const Plant *plant;  // for names and units
    Castor *castor;      // NULL when a tape is played
    Tape *tape;          // NULL when the plant is emulated
    Device *device;
    double speed;        // NAN until it is known: the engine's
    double offline_at, offline_lasts;  // s of plant time from the start: there is no line
    double ahead, drift_ppm;           // of the clock that stamps: s
    int64_t first;       // where the emulated plant began
    double period;       // s between two samples that it sends of a sensor, as it is desired; 0: all that there are
    int64_t next_due;    // plant time of the next
    bool quiet;
} Emulation;

static double shown(const Emulation *emulation, TagId tag, double si)
{
    // twelve digits are more than any sensor has, and take back what converting added: 25 degC is said as 25
    char text[32];
    snprintf(text, sizeof text, "%.12g", unit_from_si(tags_get(emulation->plant->tags, tag).unit, si));
    return strtod(text, NULL);
}

static void say(const Emulation *emulation, const char *text)
{
    if (!emulation->quiet)
        log_write(LOG_INFO, "emulate", "%s", text);
}

static void on_notice(void *self, const char *text)
{
    say(self, text);
}

static const char *on_command(void *self, uint64_t id, const char *tag, double value, const char *reason)
{
    Emulation *emulation = self;
    static char refusal[160];
    char text[320];
    snprintf(text, sizeof text, "command #%llu: %s = %g (%s)", (unsigned long long)id, tag, value, reason);
    say(emulation, text);
    if (!emulation->castor)
        return NULL;

    ErrText why;
    const TagId found = tags_find(emulation->plant->tags, tag);
    if (found == TAG_NONE || castor_command(emulation->castor, found, unit_to_si(tags_get(emulation->plant->tags, found).unit, value), &why)) {
        snprintf(refusal, sizeof refusal, "%.150s", found == TAG_NONE ? "no such actuator" : why.text);
        return refusal;
    }
    return NULL;
}

// Its twin: what it says of itself, and how it is to be set.

static void report(Emulation *emulation)
{
    json_t *said = json_pack("{s:s,s:s,s:f}", "program", "pollux emulate", "version", POLLUX_VERSION, "period", emulation->period);
    if (!said || device_report(emulation->device, said))
        log_write(LOG_WARNING, "emulate", "no memory to report how it is set");
    json_decref(said);
}

/* What is not a time to wait is left as it is, and reported so. */
static void on_config(void *self, const json_t *delta)
{
    Emulation *emulation = self;
    const json_t *period = json_object_get(delta, "period");
    char text[80];
    if (json_is_number(period) && json_number_value(period) >= 0 && json_number_value(period) <= PERIOD_MAX_S) {
        emulation->period = json_number_value(period);
        emulation->next_due = TIME_NONE;
        snprintf(text, sizeof text, "a sample every %g s from now on", emulation->period);
        say(emulation, text);
    }
    report(emulation);
}

/* Whether what is measured now is sent. */
static bool is_due(Emulation *emulation, int64_t time)
{
    if (emulation->period <= 0)
        return true;
    if (emulation->next_due != TIME_NONE && time < emulation->next_due)
        return false;
    emulation->next_due = time + (int64_t)(emulation->period * (double)NS_PER_S);
    return true;
}

/* What the device's clock says at `time`. */
static int64_t stamp(const Emulation *emulation, int64_t time)
{
    return time + llround(emulation->ahead * (double)NS_PER_S + (double)(time - emulation->first) * emulation->drift_ppm * 1e-6);
}

/* Hand samples over, waiting while the device cannot take more. */
static bool hand_over(Emulation *emulation, const Sample *samples, size_t count)
{
    WireSample out[BATCH];
    TagName names[BATCH];
    for (size_t done = 0; done < count;) {
        const size_t n = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < n; i++) {
            const Sample *sample = &samples[done + i];
            names[i] = tags_name(emulation->plant->tags, sample->tag);
            out[i] = (WireSample){.tag = names[i].text, .time = stamp(emulation, sample->time), .value = shown(emulation, sample->tag, sample->value),
                                  .quality = (Quality)sample->quality};
        }
        while (device_send(emulation->device, out, n) == ERR_FULL) {
            if (stop_asked || device_state(emulation->device).refused)
                return false;
            device_service(emulation->device, WAIT_MS * NS_PER_MS);
        }
        done += n;
    }
    return true;
}

/* Serve the socket until `due` of elapsed time (at once when the pace is unlimited). */
static void wait_until(Emulation *emulation, int64_t due)
{
    do {
        const int64_t left = due - clock_system.elapsed_ns(clock_system.self);
        device_service(emulation->device, left < 0 ? 0 : left < WAIT_MS * NS_PER_MS ? left : WAIT_MS * NS_PER_MS);
    } while (!stop_asked && !device_state(emulation->device).refused && clock_system.elapsed_ns(clock_system.self) < due);
}

static bool wait_connected(Emulation *emulation)
{
    while (!stop_asked && !device_state(emulation->device).refused && !device_state(emulation->device).connected)
        device_service(emulation->device, WAIT_MS * NS_PER_MS);
    const DeviceState state = device_state(emulation->device);
    if (isnan(emulation->speed))
        emulation->speed = state.speed > 0 ? state.speed : INFINITY;
    return state.connected && !stop_asked;
}

/* When in elapsed time the plant's time comes to `time`. */
static int64_t due_time(const Emulation *emulation, int64_t started, int64_t first, int64_t time)
{
    return isinf(emulation->speed) ? INT64_MIN : started + (int64_t)((double)(time - first) / emulation->speed);
}

static void warn_if_past(const Emulation *emulation, int64_t first)
{
    const DeviceState state = device_state(emulation->device);
    char from[32], here[32], text[256];
    if (state.from == TIME_NONE || state.from <= first)
        return;
    time_format(state.from, from);
    time_format(first, here);
    snprintf(text, sizeof text,
             "the plant has gone up to %s, the recording begins at %s: older samples are kept but not used (pollux serve --fresh starts anew)", from, here);
    log_write(LOG_WARNING, "emulate", "%s", text);
}

static void play_tape(Emulation *emulation)
{
    size_t count;
    const Sample *samples = tape_samples(emulation->tape, &count);
    const int64_t started = clock_system.elapsed_ns(clock_system.self), first = count ? samples[0].time : 0;
    warn_if_past(emulation, first);
    for (size_t i = 0; i < count && !stop_asked && !device_state(emulation->device).refused;) {
        // what is due together goes together
        const int64_t due = due_time(emulation, started, first, samples[i].time);
        size_t n = 1;
        while (i + n < count && n < BATCH && due_time(emulation, started, first, samples[i + n].time) <= due)
            n++;
        wait_until(emulation, due);
        if (!hand_over(emulation, &samples[i], n))
            return;
        i += n;
    }
    if (count)
        device_send_time(emulation->device, samples[count - 1].time + (int64_t)(emulation->plant->step * 2 * (double)NS_PER_S));
}

void emulate__tell_fault(const Castor *castor)
{
    bool began;
    const Fault *fault = castor_fault_changed(castor, &began);
    if (fault)
        log_write(LOG_INFO, "emulate", "fault \"%s\" %s", fault->name, began ? "begins" : "ends");
}

static void keep_line(const Emulation *emulation)
{
    const double time = (double)(castor_time(emulation->castor) - emulation->first) / (double)NS_PER_S;
    if (emulation->offline_lasts > 0)
        device_cut(emulation->device, time >= emulation->offline_at && time < emulation->offline_at + emulation->offline_lasts);
}

/* The emulated plant begins now, or where the engine's plant has come to, which may have run faster than the day. */
static Err emulate_plant(Emulation *emulation, ErrText *why)
{
    const int64_t started = clock_system.elapsed_ns(clock_system.self), utc = clock_system.utc_ns(clock_system.self),
                  from = device_state(emulation->device).from;
    const int64_t first = from != TIME_NONE && from > utc ? from : utc;
    emulation->first = first;
    castor_begin(emulation->castor, first);
    while (!stop_asked && !device_state(emulation->device).refused) {
        size_t count;
        const Err err = castor_step(emulation->castor, why);
        if (err)
            return err;
        wait_until(emulation, due_time(emulation, started, first, castor_time(emulation->castor)));
        if (!emulation->quiet)
            emulate__tell_fault(emulation->castor);
        keep_line(emulation);
        const Sample *samples = castor_samples(emulation->castor, &count);
        if (is_due(emulation, castor_time(emulation->castor)) && !hand_over(emulation, samples, count))
            break;
        device_send_time(emulation->device, castor_time(emulation->castor));
    }
    return ERR_OK;
}

/* Wait for the answers to what was sent last. */
static void say_goodbye(Emulation *emulation)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + GOODBYE_S * NS_PER_S;
    while (!stop_asked && device_state(emulation->device).waiting && clock_system.elapsed_ns(clock_system.self) < until)
        device_service(emulation->device, WAIT_MS * NS_PER_MS);
    device_service(emulation->device, 200 * NS_PER_MS);  // the last commands' answers go out

    const DeviceState state = device_state(emulation->device);
    char text[160];
    snprintf(text, sizeof text, "sent %llu samples, %llu are stored, %llu were rejected; %llu commands", (unsigned long long)state.sent,
             (unsigned long long)state.stored, (unsigned long long)state.rejected, (unsigned long long)state.commands);
    say(emulation, text);
}

typedef struct Offer {
    WireTag *tags;
    const char **actuators;
    size_t tag_count, actuator_count;
} Offer;

static bool is_recorded(const Plant *plant, TagId tag)
{
    for (size_t c = 0; c < plant->recording.count; c++)
        if (plant->recording.columns[c].tag == tag)
            return true;
    return false;
}

/* How much of a name stands before its number: of `cell_0042` five bytes. */
static size_t stem_length(const char *name)
{
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
        length--;
    return length;
}

/* Whether both are there, of one model, and named alike but for their numbers. */
static bool are_alike(const Plant *plant, uint32_t twin, uint32_t other)
{
    if (other >= plant->twin_count || plant_model(plant, twin) != plant_model(plant, other))
        return false;
    const char *name = plant->twins[twin].name;
    const size_t length = stem_length(name);
    return length == stem_length(plant->twins[other].name) && strncmp(name, plant->twins[other].name, length) == 0;
}

/* How a tag is offered: by its name, or in a fleet as `cell_*.voltmeter`, which stands for all of them. A recording has what it has columns of. */
static TagName offered_name(const Emulation *emulation, TagId tag)
{
    const Plant *plant = emulation->plant;
    const uint32_t twin = plant_place(plant, tag).twin;
    TagName name = tags_name(plant->tags, tag);
    if (emulation->castor && (are_alike(plant, twin, twin - 1) || are_alike(plant, twin, twin + 1))) {
        const Tag t = tags_get(plant->tags, tag);
        snprintf(name.text, sizeof name.text, "%.*s*.%s", (int)stem_length(t.asset), t.asset, t.channel);
    }
    return name;
}

/* Each sensor and input once, by channel: `last` is the name that was offered last for the channel. */
static Err offer_sampled(const Emulation *emulation, TagId tag, const char **last, Arena *arena, Offer *offer)
{
    const TagName name = offered_name(emulation, tag);
    if (*last && strcmp(*last, name.text) == 0)
        return ERR_OK;
    *last = arena_text(arena, name.text);
    offer->tags[offer->tag_count++] = (WireTag){*last, unit_name(tags_get(emulation->plant->tags, tag).unit)};
    return *last ? ERR_OK : ERR_MEMORY;
}

static Err offer_actuated(const Emulation *emulation, TagId tag, Arena *arena, Offer *offer)
{
    const char *name = arena_text(arena, tags_name(emulation->plant->tags, tag).text);
    offer->actuators[offer->actuator_count++] = name;
    return name ? ERR_OK : ERR_MEMORY;
}

/* What this device provides: every sensor and input that it has samples of, and every actuator. */
static Err make_offer(const Emulation *emulation, Arena *arena, Offer *offer, ErrText *why)
{
    const Plant *plant = emulation->plant;
    const uint32_t count = tags_count(plant->tags);
    const char *last[MODEL_CHANNELS_MAX] = {NULL};
    offer->tags = arena_new(arena, WireTag, count);
    offer->actuators = arena_new(arena, const char *, count);
    Err err = offer->tags && offer->actuators ? ERR_OK : ERR_MEMORY;
    for (TagId tag = 0; tag < count && !err; tag++) {
        const TagRole role = tags_get(plant->tags, tag).role;
        if (role == TAG_SAMPLED && (emulation->castor || is_recorded(plant, tag)))
            err = offer_sampled(emulation, tag, &last[plant_place(plant, tag).channel], arena, offer);
        else if (role == TAG_ACTUATED)
            err = offer_actuated(emulation, tag, arena, offer);
    }
    return err ? err_set(why, err, "no memory") : ERR_OK;
}

/* `def` says where the engine is and how to be let in; the rest follows from what is emulated. */
static Err open_link(Emulation *emulation, const DeviceDef *def, const char *token_file, ErrText *why)
{
    Arena arena = {0};
    Offer offer = {0};
    char token[TOKEN_TEXT_ROOM];
    Err err = make_offer(emulation, &arena, &offer, why);
    if (!err)
        err = token_read(token_file, token, why);
    if (!err) {
        DeviceDef whole = *def;
        whole.token = *token ? token : NULL;
        whole.log = emulation->offline_lasts > 0 ? LOG_ROOM : 0;
        whole.tags = offer.tags;
        whole.tag_count = offer.tag_count;
        whole.actuators = offer.actuators;
        whole.actuator_count = offer.actuator_count;
        whole.config = emulation->castor ? on_config : NULL;
        err = device_open(&whole, &emulation->device, why);
    }
    if (!err)
        report(emulation);
    arena_fini(&arena);
    return err;
}

static Err open_castor(Emulation *emulation, const char *path, long seed, bool faults, const OptionList *more, ErrText *why)
{
    Err err = castor_create(path, (uint64_t)seed, faults, &emulation->castor, why);
    for (size_t i = 0; i < more->count && !err; i++)
        err = castor_add_fault(emulation->castor, more->items[i], why) ? ERR_USAGE : ERR_OK;  // typed, not scripted
    if (!err)
        emulation->plant = castor_plant(emulation->castor);
    return err;
}

/* A+B: two numbers, the second of which may carry the sign. */
static Err read_pair(const char *option, const char *text, double *first, double *second, ErrText *why)
{
    char *end = NULL;
    if (!text)
        return ERR_OK;
    *first = strtod(text, &end);
    const char *const rest = end;
    if (end != text && (*rest == '+' || *rest == '-'))
        *second = strtod(rest, &end);
    return end != rest && !*end && isfinite(*first) && isfinite(*second)
               ? ERR_OK
               : err_set(why, ERR_USAGE, "emulate: --%s wants two numbers, as in 600+120, got \"%s\"", option, text);
}

static Err read_mishaps(Emulation *emulation, const char *offline, const char *clock, ErrText *why)
{
    Err err = read_pair("offline", offline, &emulation->offline_at, &emulation->offline_lasts, why);
    if (!err && offline && !(emulation->offline_at >= 0 && emulation->offline_lasts > 0))
        err = err_set(why, ERR_USAGE, "emulate: --offline wants seconds from 0 on, and how many, got \"%s\"", offline);
    if (!err)
        err = read_pair("clock", clock, &emulation->ahead, &emulation->drift_ppm, why);
    if (!err && fabs(emulation->ahead) > 1e8)
        err = err_set(why, ERR_USAGE, "emulate: --clock takes a clock for at most 1e8 s ahead or behind");
    return err;
}

int command_emulate(int argc, char **argv)
{
    const char *path = NULL, *tape = NULL, *offline = NULL, *clock = NULL, *file = NULL, *token_file = NULL, *through = NULL;
    long seed = 1, seconds = 600;
    bool no_faults = false;
    OptionList faults = {0};
    Emulation emulation = {.speed = NAN};
    DeviceDef device = {.url = "ws://localhost:8080", .name = "emulator", .command = on_command, .notice = on_notice, .self = &emulation};
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "the plant script that the server runs", &path, 0, 0},
        {OPTION_TEXT, "url", "URL", "where it runs (ws://localhost:8080)", &device.url, 0, 0},
        {OPTION_TEXT, "through", "NAMES", "connectors of the plant, with commas between: their peers instead of a server", &through, 0, 0},
        {OPTION_TEXT, "token-file", "FILE", "a token that lets it in ($POLLUX_TOKEN)", &token_file, 0, 0},
        {OPTION_TEXT, "ca", "FILE", "of wss://: whose certificates are trusted (PEM; those of this machine)", &device.ca, 0, 0},
        {OPTION_TEXT, "certificate", "FILE", "of wss://: a certificate that lets it in (PEM)", &device.certificate, 0, 0},
        {OPTION_TEXT, "key", "FILE", "the certificate's private key (PEM)", &device.key, 0, 0},
        {OPTION_TEXT, "tape", "FILE", "play this recording instead of emulating", &tape, 0, 0},
        {OPTION_SPEED, "speed", "N", "N times real time, or max (the server's --speed)", &emulation.speed, 0, 0},
        {OPTION_FLAG, "binary", NULL, "send samples as records (pollux.v1.bin) instead of JSON", &device.bulk, 0, 0},
        {OPTION_TEXT, "name", "NAME", "what this device is called (emulator)", &device.name, 0, 0},
        {OPTION_LIST, "fault", "FAULT", "something that goes wrong, see below; may be repeated", &faults, 0, 0},
        {OPTION_TEXT, "offline", "AT+LASTS", "lose the line then, for so many seconds, and send the log behind", &offline, 0, 0},
        {OPTION_TEXT, "clock", "AHEAD+PPM", "stamp with a clock that is so many seconds ahead and gains so much", &clock, 0, 0},
        {OPTION_FLAG, "no-faults", NULL, "leave out the faults of the script", &no_faults, 0, 0},
        {OPTION_WHOLE, "seed", "N", "of the noise (1)", &seed, 0, INT32_MAX},
        {OPTION_TEXT, "write", "FILE", "write a recording, as fast as possible, instead of sending", &file, 0, 0},
        {OPTION_WHOLE, "seconds", "N", "of plant time that are written (600)", &seconds, 1, INT32_MAX},
        {OPTION_FLAG, "quiet", NULL, "say nothing but errors", &emulation.quiet, 0, 0},
    };
    const OptionResult parsed = options_parse(&subcommand_emulate, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    Plant *plant = NULL;
    stop_on_signals();
    if (tape && (faults.count || offline || clock || file || through)) {
        const char *option = faults.count ? "fault" : offline ? "offline" : clock ? "clock" : file ? "write" : "through";
        err_set(&why, ERR_USAGE, "emulate: --%s goes with an emulated plant, not with --tape", option);
        return subcommand_fail(EXIT_USAGE, &why);
    }
    if (through && (offline || clock || file || !isnan(emulation.speed))) {
        err_set(&why, ERR_USAGE, "emulate: --%s goes with a server, not with --through", offline ? "offline" : clock ? "clock" : file ? "write" : "speed");
        return subcommand_fail(EXIT_USAGE, &why);
    }
    if (read_mishaps(&emulation, offline, clock, &why))
        return subcommand_fail(EXIT_USAGE, &why);

    Err err = tape ? plant_load(path, 1, &plant, &why) : open_castor(&emulation, path, seed, !no_faults, &faults, &why);
    if (!err && tape) {
        emulation.plant = plant;
        err = tape_open(tape, &plant->recording, &emulation.tape, &why);
    }
    if (!err && through)
        err = emulate__through(emulation.castor, through, emulation.quiet, &why);
    else if (!err && file)
        err = record_castor(emulation.castor, (double)seconds, file, &why);
    else if (!err)
        err = open_link(&emulation, &device, token_file, &why);
    if (!err && emulation.device && wait_connected(&emulation)) {
        if (emulation.tape)
            play_tape(&emulation);
        else
            err = emulate_plant(&emulation, &why);
        say_goodbye(&emulation);
    }
    if (!err && emulation.device && device_state(emulation.device).refused)
        err = err_set(&why, ERR_DENIED, "%s does not take what this plant provides: does it run the same plant script?", device.url);

    device_close(emulation.device);
    castor_destroy(emulation.castor);
    tape_close(emulation.tape);
    plant_destroy(plant);
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : EXIT_DONE;
}
