#include "bench/flood.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "signal/bulk.h"
#include "signal/tag.h"

enum {
    ANSWERS_EVERY = 16,  // frames
    TEMPLATE_SAMPLES = 32 * 1024,
    FRAME_ROOM = 256 * 1024,
    HEAD_MAX = 14,
    TIME_DIGITS = 19,
};
static const unsigned char MASK[4] = {0x5a, 0xc3, 0x17, 0x88};
#define WARM_NS (300 * NS_PER_MS)

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

// Ages.

void ages_add(Ages *ages, int64_t ns)
{
    const double steps = ns > 1000 ? log((double)ns / 1000) / log(1.05) : 0;
    ages->buckets[steps < AGES ? (size_t)steps : AGES - 1]++;
    ages->count++;
}

double ages_quantile(const Ages *ages, double part)
{
    uint64_t below = 0;
    for (size_t i = 0; i < AGES; i++) {
        below += ages->buckets[i];
        if ((double)below >= part * (double)ages->count)
            return pow(1.05, (double)(i + 1)) / 1000;
    }
    return INFINITY;
}

int64_t flood_utc(void)
{
    return clock_system.utc_ns(clock_system.self);
}

// The socket.

static void send_all(int file, const void *bytes, size_t length)
{
    for (ssize_t sent; length; bytes = (const char *)bytes + sent, length -= (size_t)sent)
        if ((sent = send(file, bytes, length, MSG_NOSIGNAL)) <= 0)
            die("send");
}

/* Answers are of no interest, but must be taken. */
static void pass_over(int file)
{
    static char scratch[1 << 16];
    while (recv(file, scratch, sizeof scratch, MSG_DONTWAIT) == sizeof scratch)
        continue;
}

static void expect(int file, const char *what)
{
    char text[1 << 16];
    size_t length = 0;
    do {
        const ssize_t got = recv(file, text + length, sizeof text - 1 - length, 0);
        if (got <= 0)
            die(length ? text : what);
        length += (size_t)got;
        text[length] = 0;
        for (size_t i = 0; i < length; i++)
            if (!text[i])
                text[i] = ' ';
    } while (!strstr(text, what));
}

static int open_socket(const FloodDef *def)
{
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)def->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (connect(file, (const struct sockaddr *)&address, sizeof address))
        die("connect");
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char request[512];
    snprintf(request, sizeof request,
             "GET /api/v1/ws HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
             def->port, def->bulk ? "pollux.v1.bin" : "pollux.v1.json");
    send_all(file, request, strlen(request));
    expect(file, "\r\n\r\n");
    return file;
}

// Frames.

/* The head of a masked frame; returns its size. */
static size_t put_head(unsigned char *out, bool binary, size_t length)
{
    size_t size = 2;
    out[0] = binary ? 0x82 : 0x81;
    out[1] = 0x80 | (length < 126 ? (unsigned char)length : length < 65536 ? 126 : 127);
    for (size_t bytes = length < 126 ? 0 : length < 65536 ? 2 : 8; bytes > 0; bytes--)
        out[size++] = (unsigned char)(length >> 8 * (bytes - 1));
    memcpy(out + size, MASK, sizeof MASK);
    return size + sizeof MASK;
}

static void mask(unsigned char *bytes, size_t length)
{
    uint64_t wide, word;
    memcpy(&wide, MASK, 4);
    memcpy((char *)&wide + 4, MASK, 4);
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++)
        bytes[i] ^= MASK[i % 4];
}

static void send_text(int file, const char *text)
{
    const size_t length = strlen(text);
    unsigned char *const frame = malloc(HEAD_MAX + length);
    const size_t head = put_head(frame, false, length);
    memcpy(frame + head, text, length);
    mask(frame + head, length);
    send_all(file, frame, head + length);
    free(frame);
}

/* What gauge `i` is called: as the plant's fleet is, each number as wide as the last. */
static TagName gauge_name(const FloodDef *def, size_t i)
{
    TagName name;
    snprintf(name.text, sizeof name.text, "tank_%0*zu.gauge", snprintf(NULL, 0, "%zu", def->twins), i + 1);
    return name;
}

static void provide(int file, const FloodDef *def)
{
    send_text(file, "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"flood\",\"tags\":{\"tank_*.gauge\":{}}}}");
    if (!def->bare)
        expect(file, "\"status\":200");
    for (size_t from = 0; def->bulk && from < def->twins; from += 4096) {
        Text text = {0};
        text_put(&text, "{\"topic\":\"numbers\",\"headers\":{\"id\":2},\"value\":{");
        for (size_t i = from; i < def->twins && i < from + 4096; i++)
            text_format(&text, "%s\"%s\":%zu", i > from ? "," : "", gauge_name(def, i).text, i);
        text_put(&text, "}}");
        send_text(file, text.bytes);
        text_fini(&text);
        if (!def->bare)
            expect(file, "\"status\":200");
    }
}

/* One frame's content, of which only id and times change. */
typedef struct Template {
    unsigned char *bytes;
    size_t length;
    size_t id_at, *times;  // where they stand
} Template;

static void make_template(const FloodDef *def, size_t index, Template *out)
{
    Text text = {0};
    *out = (Template){.times = malloc(def->frame * sizeof *out->times)};
    if (def->bulk)
        bulk_write_head(&text, &(BulkFrame){.kind = BULK_SAMPLES, .count = (uint32_t)def->frame});
    else
        text_put(&text, "{\"topic\":\"samples\",\"headers\":{\"id\":");
    out->id_at = def->bulk ? 8 : text.length;
    if (!def->bulk)
        text_put(&text, "1000000000},\"value\":[");
    for (size_t i = 0; i < def->frame; i++) {
        const size_t twin = (index * def->frame + i) % def->twins;
        const double value = round(1e4 * (0.5 + 0.01 * random_normal(1, 0, index * def->frame + i))) / 1e4;
        if (def->bulk) {
            out->times[i] = text.length;
            bulk_write_record(&text, &(BulkRecord){.value = value, .number = (uint32_t)twin});
        } else {
            text_format(&text, "%s[\"%s\",", i ? "," : "", gauge_name(def, twin).text);
            out->times[i] = text.length;
            text_format(&text, "1700000000000000000,%.4f]", value);
        }
    }
    text_put(&text, def->bulk ? "" : "]}");
    out->bytes = (unsigned char *)text.bytes;
    out->length = text.length;
}

static void put_digits(unsigned char *out, size_t digits, uint64_t number)
{
    while (digits-- > 0) {
        out[digits] = (unsigned char)('0' + number % 10);
        number /= 10;
    }
}

/* A whole frame at `out`: the template with a new id and time. Returns its size. */
static size_t put_frame(const FloodDef *def, const Template *template, int64_t id, int64_t time, unsigned char *out)
{
    const size_t head = put_head(out, def->bulk, template->length);
    unsigned char *const content = out + head, digits[TIME_DIGITS];
    memcpy(content, template->bytes, template->length);
    if (def->bulk)
        memcpy(content + template->id_at, &id, sizeof id);
    else
        put_digits(content + template->id_at, 10, 1000000000 + (uint64_t)id % 1000000000);
    if (!def->bulk)
        put_digits(digits, TIME_DIGITS, (uint64_t)time);
    for (size_t i = 0; i < def->frame; i++)
        memcpy(content + template->times[i], def->bulk ? (const void *)&time : digits, def->bulk ? sizeof time : TIME_DIGITS);
    mask(content, template->length);
    return head + template->length;
}

static void wait_until(int64_t due)
{
    for (int64_t left; (left = due - flood_utc()) > 0;)
        if (left > 200000)
            clock_system.sleep_ns(clock_system.self, left - 100000);
}

/* When the frame with the sample `sent` is due. */
static int64_t due_time(const FloodDef *def, int64_t start, uint64_t sent)
{
    return start + (int64_t)((double)sent / def->rate * 1e9);
}

/* The ticks up to `time` are complete. */
static void end_tick(int file, int64_t time)
{
    char text[128];
    snprintf(text, sizeof text, "{\"topic\":\"time\",\"value\":%lld}", (long long)time);
    send_text(file, text);
}

void flood_send(const FloodDef *def)
{
    const int file = open_socket(def);
    provide(file, def);

    // every gauge has its turn, some times with noise of its own each time: a calm fleet
    const size_t turns = def->twins < TEMPLATE_SAMPLES ? TEMPLATE_SAMPLES / def->twins : 1;
    const size_t template_count = turns * def->twins / def->frame;
    Template *templates = malloc(template_count * sizeof *templates);
    for (size_t i = 0; i < template_count; i++)
        make_template(def, i, &templates[i]);

    unsigned char *const frame = malloc(FRAME_ROOM);
    const int64_t start = flood_utc(), end = start + (int64_t)(def->seconds * 1e9);
    uint64_t sent = 0;
    int64_t id = 0, last = 0;
    while (def->count ? sent < def->count : flood_utc() < end) {
        if (def->rate > 0)
            wait_until(due_time(def, start, sent));
        int64_t now = flood_utc();
        if (def->count)
            now = start + id / (int64_t)(def->twins / def->frame);  // all of one tick
        last = now > last || def->count ? now : last + 1;
        send_all(file, frame, put_frame(def, &templates[(size_t)id % template_count], id, last, frame));
        sent += def->frame;
        if (++id % ANSWERS_EVERY == 0)
            pass_over(file);
    }
    if (def->count) {
        end_tick(file, start + 3 * NS_PER_S);
        wait_until(flood_utc() + (int64_t)(def->seconds * 1e9));
    }
    close(file);
}

// Listening.

/* The content of the next unmasked frame, when it is whole; how much of the buffer it takes. */
static size_t take_frame(const unsigned char *bytes, size_t length, const unsigned char **content, size_t *size)
{
    if (length < 2)
        return 0;
    size_t head = 2;
    *size = bytes[1] & 0x7f;
    const size_t extra = *size == 126 ? 2 : *size == 127 ? 8 : 0;
    if (length < 2 + extra)
        return 0;
    for (size_t i = *size = extra ? 0 : *size; i < extra; i++)
        *size = *size << 8 | bytes[head++];
    *content = bytes + head;
    return length < head + *size ? 0 : head + *size;
}

static void note_ages(const unsigned char *content, size_t size, Ages *ages)
{
    BulkFrame frame;
    BulkRecord record;
    const int64_t now = flood_utc();
    if (bulk_read(content, size, &frame, NULL) != ERR_OK || frame.kind != BULK_SAMPLES)
        return;
    for (size_t i = 0; i < frame.count; i++)
        if (!bulk_record(&frame, i, &record))
            ages_add(ages, now - record.time);
}

void flood_listen(const FloodDef *def, Ages *ages)
{
    static unsigned char buffer[1 << 22];
    const int file = open_socket(def);
    send_text(file, "{\"topic\":\"subscribe\",\"headers\":{\"id\":1},\"value\":{\"samples\":[\"*\"]}}");
    const int64_t start = flood_utc(), end = start + (int64_t)(def->seconds * 1e9);
    size_t length = 0;
    for (int64_t now; (now = flood_utc()) < end;) {
        struct pollfd poller = {.fd = file, .events = POLLIN};
        if (poll(&poller, 1, 100) <= 0)
            continue;
        const ssize_t got = recv(file, buffer + length, sizeof buffer - length, 0);
        if (got <= 0)
            die("recv");
        length += (size_t)got;
        size_t used = 0, taken, size;
        for (const unsigned char *content; (taken = take_frame(buffer + used, length - used, &content, &size)); used += taken)
            if ((buffer[used] & 0x0f) == 2 && now > start + WARM_NS)
                note_ages(content, size, ages);
        memmove(buffer, buffer + used, length -= used);
    }
    close(file);
}
