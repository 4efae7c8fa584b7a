#include "connectors/iec104/channel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool fail(Iec104Channel *channel, const char *what, const char *reason)
{
    snprintf(channel->why, sizeof channel->why, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return false;
}

static const char *last_reason(void)
{
    return ERR_reason_error_string(ERR_peek_last_error());
}

static bool load_files(Iec104Channel *channel, SSL_CTX *context, const Iec104Tls *tls)
{
    const int known = tls->ca ? SSL_CTX_load_verify_locations(context, tls->ca, NULL) : SSL_CTX_set_default_verify_paths(context);
    if (known != 1)
        return fail(channel, tls->ca ? tls->ca : "the authorities of the system", last_reason());
    if (tls->certificate && SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1)
        return fail(channel, tls->certificate, last_reason());
    if (tls->key && SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1)
        return fail(channel, tls->key, last_reason());
    return true;
}

/* The other side is who its address says, or there is no connection. */
static bool expect_host(SSL *session, const char *host)
{
    X509_VERIFY_PARAM *const expected = SSL_get0_param(session);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1)
        return true;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

static bool begin_session(Iec104Channel *channel, SSL_CTX *context, const Iec104Tls *tls, const char *host)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!load_files(channel, context, tls))
        return false;
    channel->session = SSL_new(context);
    if (!channel->session || !expect_host(channel->session, host) || SSL_set_fd(channel->session, channel->file) != 1)
        return fail(channel, "TLS", last_reason());
    SSL_set_connect_state(channel->session);
    return true;
}

bool iec104__channel_open(Iec104Channel *channel, int file, const Iec104Tls *tls, const char *host)
{
    *channel = (Iec104Channel){.file = file};
    if (!tls->is_used)
        return true;
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    const bool begun = context ? begin_session(channel, context, tls, host) : fail(channel, "TLS", last_reason());
    SSL_CTX_free(context);  // the session holds it
    return begun;
}

void iec104__channel_close(Iec104Channel *channel)
{
    SSL_free(channel->session);
    if (channel->file >= 0)
        close(channel->file);
    *channel = (Iec104Channel){.file = -1};
}

/* What has kept a session from reading or writing: what it waits for, or why it has ended. */
static short explain_session(Iec104Channel *channel, int result)
{
    const int error = SSL_get_error(channel->session, result);
    if (error == SSL_ERROR_WANT_READ)
        return POLLIN;
    if (error == SSL_ERROR_WANT_WRITE)
        return POLLOUT;
    const long verified = SSL_get_verify_result(channel->session);
    if (verified != X509_V_OK)
        fail(channel, "its certificate", X509_verify_cert_error_string(verified));
    else if (error == SSL_ERROR_SSL)
        fail(channel, "TLS", last_reason());
    else
        fail(channel, "the other side closed the connection", NULL);
    return 0;
}

static short explain_socket(Iec104Channel *channel, ssize_t result, short waits_for)
{
    if (result < 0 && (errno == EAGAIN || errno == EINTR))
        return waits_for;
    fail(channel, result == 0 ? "the other side closed the connection" : strerror(errno), NULL);
    return 0;
}

size_t iec104__channel_read(Iec104Channel *channel, uint8_t *bytes, size_t room)
{
    assert(channel->file >= 0 && room > 0);
    const ssize_t count = channel->session ? SSL_read(channel->session, bytes, (int)room) : recv(channel->file, bytes, room, 0);
    channel->read_wants = 0;
    if (count > 0)
        return (size_t)count;
    channel->read_wants = channel->session ? explain_session(channel, (int)count) : explain_socket(channel, count, POLLIN);
    return 0;
}

size_t iec104__channel_write(Iec104Channel *channel, const uint8_t *bytes, size_t count)
{
    assert(channel->file >= 0 && count > 0);
    const ssize_t written = channel->session ? SSL_write(channel->session, bytes, (int)count) : send(channel->file, bytes, count, MSG_NOSIGNAL);
    channel->write_wants = 0;
    if (written > 0)
        return (size_t)written;
    channel->write_wants = channel->session ? explain_session(channel, (int)written) : explain_socket(channel, written, POLLOUT);
    return 0;
}

bool iec104__channel_has_more(const Iec104Channel *channel)
{
    return channel->session && SSL_pending(channel->session) > 0;
}

short iec104__channel_events(const Iec104Channel *channel)
{
    return POLLIN | ((channel->read_wants | channel->write_wants) & POLLOUT);
}
