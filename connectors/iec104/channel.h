/* channel.h -- the bytes of one connection, as they are or through TLS 1.2 or later, which IEC 62351-3 asks for.
 *
 * The handshake goes with the first bytes that are read or written, in either direction. Files are read anew for each connection, so renewed ones are taken.
 *
 * Takes: a connected socket that does not block.  Memory: OpenSSL's.  Threads: one at a time; the program ignores SIGPIPE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

typedef struct Iec104Tls {
    bool is_used;
    const char *ca;                  // authorities, NULL: those of the system
    const char *certificate, *key;   // our own, NULL: none
} Iec104Tls;

typedef struct Iec104Channel {
    int file;         // -1: none
    SSL *session;     // NULL: bytes as they are
    short read_wants, write_wants;  // what the last of them waits for: POLLIN, POLLOUT or 0
    char why[160];    // it ended: "" while it has not
} Iec104Channel;

/// Begin on a socket, which belongs to the channel from then on. False: `why` says which file is wrong.
bool iec104__channel_open(Iec104Channel *channel, int file, const Iec104Tls *tls, const char *host);
void iec104__channel_close(Iec104Channel *channel);
/// How many bytes; 0 when none go now, or when it has ended.
size_t iec104__channel_read(Iec104Channel *channel, uint8_t *bytes, size_t room);
size_t iec104__channel_write(Iec104Channel *channel, const uint8_t *bytes, size_t count);
/// Whether more can be read than poll would say.
bool iec104__channel_has_more(const Iec104Channel *channel);
/// What to poll for.
short iec104__channel_events(const Iec104Channel *channel);
