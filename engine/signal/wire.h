/* wire.h -- the frames of pollux.v1.json, both directions, both sides. docs/protocol.md is the specification. A pollux.v1.bin connection speaks the
 * same, and has bulk.h for samples besides.
 *
 * Reading checks everything: what wire_read returns is well-formed, within limits, and its numbers are finite. Values are still in
 * the unit of the tag: whoever knows the tags converts.
 *
 * Memory: a Wire reads one message at a time into its own arena; a WireMessage is a view, valid until the next wire_read. */
#pragma once

#include <jansson.h>

#include "signal/connector.h"

enum {
    WIRE_FRAME_MAX = 256 * 1024,  // bytes
    WIRE_SAMPLES_MAX = 4096,      // in one message
    WIRE_DEPTH_MAX = 8,
    WIRE_TAGS_MAX = 4096,  // in one `provide`, or one `numbers`
    WIRE_PATTERNS_MAX = 64,  // in one `subscribe`
};
#define WIRE_ID_NONE INT64_MIN

typedef enum WireTopic {
    WIRE_PROVIDE,
    WIRE_NUMBERS,
    WIRE_SAMPLES,
    WIRE_TIME,
    WIRE_COMMAND,
    WIRE_CONFIG,
    WIRE_REPORTED,
    WIRE_SUBSCRIBE,
    WIRE_ACKNOWLEDGE,
    WIRE_COMMENT,
    WIRE_SHELVE,
    WIRE_UNSHELVE,
    WIRE_SUPPRESS,
    WIRE_UNSUPPRESS,
    WIRE_ACTUATE,
    WIRE_TOPIC_COUNT
} WireTopic;

typedef struct WireTag {
    const char *name;
    const char *unit;  // NULL: the tag's own
} WireTag;

typedef struct WireNumber {
    const char *tag;
    uint32_t number;
} WireNumber;

typedef struct WireSample {
    const char *tag;
    int64_t time;
    double value;
    Quality quality;
    const char *error;  // NULL, or what is wrong with this one: then the rest is not set
} WireSample;

/// What a device is told of the plant when it has said what it provides.
typedef struct WireWelcome {
    const char *plant;
    double step, speed;
    bool provider_clock;
    int64_t from;  // TIME_NONE before the first tick
    const char *unclaimed;  // NULL, or why nothing of it is used until somebody claims it (status 202)
} WireWelcome;

typedef struct WireMessage {
    WireTopic topic;   // WIRE_TOPIC_COUNT in a refusal of a frame whose topic could not be read
    int64_t id;        // headers.id, or WIRE_ID_NONE
    int status;        // headers.status, or 0: then this is not an answer
    bool historical;   // headers.historical: samples of a log, see docs/protocol.md
    const char *path;  // "" when there is none
    const char *detail;  // of a refusal, "" otherwise
    union {
        struct {
            const char *device;
            const WireTag *tags;
            size_t tag_count;
            const char *const *actuators;
            size_t actuator_count;
        } provide;  // answered (status 200): see `welcome`
        WireWelcome welcome;
        struct {
            const WireNumber *items;
            size_t count;
        } numbers;
        struct {
            const char *const *samples;  // patterns of tags whose samples are wanted as they come
            size_t count;
            const char *const *tags;  // patterns of tags whose values are wanted
            size_t tag_count;         // 0: the whole plant
            double dead_band;         // in the unit of each tag, 0 when there is none
            double rate_max_hz;       // 0 when there is none
            bool on_change;
            uint64_t after;           // the revision to go on from, 0 for none
        } subscribe;
        struct {
            const WireSample *items;
            size_t count;
        } samples;       // answered: `stored`
        struct {
            uint64_t count;
            ConnectorLosses lost;  // of this device, since the answer before
        } stored;
        uint64_t actuated;  // answered actuate: the command's id
        int64_t time;
        struct {
            const char *tag;
            double value;
            int64_t time, deadline;
            const char *reason;
        } command;  // answered: only status and detail
        struct {
            uint64_t version;     // of what is desired
            const json_t *delta;  // its members that the device has reported otherwise: an object
        } config;
        const json_t *reported;     // an object, a merge patch; answered: `reported_version`
        uint64_t reported_version;
        struct {
            uint64_t alarm;
            const char *by, *comment;
            double seconds;  // of a shelving
        } act;  // acknowledge, comment, shelve, unshelve, suppress, unsuppress
        struct {
            const char *tag;
            double value;
            const char *reason;
            bool dry_run;
        } actuate;  // answered: `actuated`
    };
} WireMessage;

typedef struct Wire Wire;

Err wire_create(Wire **out);
void wire_destroy(Wire *wire);

/// Read one frame. On failure `why` says what was expected and where; `out->id` and `out->topic` are set whenever the frame had them
/// (WIRE_ID_NONE and WIRE_TOPIC_COUNT otherwise), so that the refusal can name them. ERR_RANGE: too large (413); ERR_UNKNOWN: no such
/// topic; ERR_MEMORY; ERR_PARSE for the rest. A single wrong sample is not a failure, see WireSample.error.
Err wire_read(Wire *wire, const char *frame, size_t length, WireMessage *out, ErrText *why);
/// provide, numbers, samples, time, command, config, reported: what is said between devices and Pollux.
bool wire_is_device_topic(WireTopic topic);
/// NULL for WIRE_TOPIC_COUNT, as wire_write_refusal takes it.
const char *wire_topic_name(WireTopic topic);

// Writing: each adds one whole frame to `out`.

void wire_write_provide(Text *out, int64_t id, const char *device, const WireTag *tags, size_t tag_count, const char *const *actuators, size_t actuator_count);
/// What a tag is called in bulk frames, WIRE_TAGS_MAX at most.
void wire_write_numbers(Text *out, int64_t id, const WireNumber *numbers, size_t count);
void wire_write_welcome(Text *out, int64_t id, const WireWelcome *welcome);
void wire_write_samples(Text *out, int64_t id, const WireSample *samples, size_t count);
/// The same, of a log.
void wire_write_log(Text *out, int64_t id, const WireSample *samples, size_t count);
/// Samples for a subscriber, of which it has missed `skipped` so far.
void wire_write_stream(Text *out, uint64_t skipped, const WireSample *samples, size_t count);
void wire_write_stored(Text *out, int64_t id, uint64_t stored, ConnectorLosses lost);
void wire_write_time(Text *out, int64_t time);
/// `value` in the unit of the tag.
void wire_write_command(Text *out, const Command *command, const char *tag, double value);
/// What of that which is desired a device has otherwise.
void wire_write_config(Text *out, uint64_t version, const json_t *delta);
/// A merge patch of what a device says of itself, and the answer: the version of all that it has said.
void wire_write_reported(Text *out, int64_t id, const json_t *patch);
void wire_write_reported_version(Text *out, int64_t id, uint64_t version);
/// An answer without content: status 200.
void wire_write_done(Text *out, WireTopic topic, int64_t id);
/// The answer to `subscribe`: the revision that is shown, whether the client goes on where it was, and how many tags its patterns fit now.
void wire_write_subscribed(Text *out, int64_t id, uint64_t revision, bool resumed, size_t tags);
/// The answer to `actuate`: the id that the gate gave the command.
void wire_write_actuated(Text *out, int64_t id, uint64_t command);
/// A refusal: status, and an RFC 9457 problem whose title is the status' name. `topic` may be NULL when it could not be read; `path` may be NULL.
void wire_write_refusal(Text *out, const char *topic, int64_t id, int status, const char *path, const char *detail);
/// The problem object alone, as HTTP answers carry it.
void wire_write_problem(Text *out, int status, const char *detail);
