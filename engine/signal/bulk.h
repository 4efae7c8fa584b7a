/* bulk.h -- the binary frames of pollux.v1.bin, for samples by the thousand. docs/protocol.md is the specification.
 *
 * A frame is a head of 16 bytes and, where it carries samples, one record of 24 bytes for each, or, where samples were lost, the 24 bytes that
 * say so: fixed places, little-endian. Tags are numbers that
 * whoever sends them has told by name before (the topic `numbers` of wire.h), so they mean the same when a plant's script is loaded anew. All that
 * is not samples stays JSON text on the same connection.
 *
 * Reading checks everything; a record that is wrong leaves the others alone. Memory: a BulkFrame is a view of the bytes that it was read from. */
#pragma once

#include "signal/connector.h"

enum { BULK_HEAD = 16, BULK_RECORD = 24, BULK_LOST = 24, BULK_SAMPLES_MAX = 4096 };

typedef enum BulkKind {
    BULK_SAMPLES = 1,  // records
    BULK_STORED,       // the answer to samples
    BULK_TIME,         // a device's time goes on
} BulkKind;

typedef struct BulkFrame {
    BulkKind kind;
    bool historical;  // BULK_SAMPLES: of a log. BULK_STORED: so were those that it answers; logs are answered apart from what is live
    uint32_t count;   // of records; BULK_STORED: samples that were stored since the last answer
    /// BULK_SAMPLES: chosen by the device, rising; to a subscriber, how many samples it has missed so far. BULK_STORED: all messages up to the one with
    /// this id are on disk. BULK_TIME: the time.
    int64_t id;
    ConnectorLosses lost;  // BULK_STORED: of this device, since the answer before
    const unsigned char *records;
} BulkFrame;

typedef struct BulkRecord {
    int64_t time;
    double value;
    uint32_t number;
    uint8_t quality;  // Quality
} BulkRecord;

/// Read one frame. ERR_RANGE: more than BULK_SAMPLES_MAX records; ERR_PARSE with what was expected for the rest.
Err bulk_read(const void *bytes, size_t length, BulkFrame *out, ErrText *why);
/// Record `index` of a frame; NULL, or what is wrong with it.
const char *bulk_record(const BulkFrame *frame, size_t index, BulkRecord *out);

// Writing: bytes are added to `out`. A frame of samples is its head and then `count` records; all others are whole.

void bulk_write_head(Text *out, const BulkFrame *frame);
void bulk_write_record(Text *out, const BulkRecord *record);
