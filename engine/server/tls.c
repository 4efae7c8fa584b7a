#include "server/tls.h"

#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct Tls {
    char *certificate_path, *key_path, *client_ca_path;
    X509 *certificate;  // our own
    SSL_CTX *context;   // libwebsockets'
    SSL_CTX *outgoing;  // nothing goes out from here: without one libwebsockets would make its own, with all authorities of this machine
    struct timespec changed[2];  // certificate and key, when they were read last
};

/* The newest of OpenSSL's complaints. */
static Err tls_error(ErrText *why, const char *path, const char *expected)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    err_set(why, ERR_PARSE, "%s: expected %s%s%s", path, expected, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return ERR_PARSE;
}

/* Chain and key, into a context. */
static Err use_files(SSL_CTX *context, const Tls *tls, ErrText *why)
{
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_path) != 1)
        return tls_error(why, tls->certificate_path, "a certificate in PEM form, with the chain behind it");
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_path, SSL_FILETYPE_PEM) != 1)
        return tls_error(why, tls->key_path, "the private key of the certificate, in PEM form and without a password");
    if (tls->client_ca_path && SSL_CTX_load_verify_locations(context, tls->client_ca_path, NULL) != 1)
        return tls_error(why, tls->client_ca_path, "certificates of authorities, in PEM form");
    return ERR_OK;
}

/* libwebsockets would only say that it failed. */
static Err try_files(const Tls *tls, ErrText *why)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    const Err err = context ? use_files(context, tls, why) : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    SSL_CTX_free(context);
    return err;
}

static struct timespec changed_at(const char *path)
{
    struct stat info = {0};
    stat(path, &info);
    return info.st_mtim;
}

/* Whether one of the files is another than when this was asked last: whoever renews both may be between them. */
static bool note_change(Tls *tls)
{
    const struct timespec changed[2] = {changed_at(tls->certificate_path), changed_at(tls->key_path)};
    const bool differs = memcmp(changed, tls->changed, sizeof changed) != 0;
    memcpy(tls->changed, changed, sizeof changed);
    return differs;
}

/* Read the certificate for the names in it. */
static Err read_certificate(Tls *tls, ErrText *why)
{
    X509 *certificate;
    Err err = try_files(tls, why);
    if (!err)
        err = certificate_load(tls->certificate_path, &certificate, why);
    if (err)
        return err;
    X509_free(tls->certificate);
    tls->certificate = certificate;
    return ERR_OK;
}

static bool copy_path(const char *path, char **out)
{
    if (!path)
        return true;
    *out = mem_alloc(strlen(path) + 1);
    if (*out)
        memcpy(*out, path, strlen(path) + 1);
    return *out != NULL;
}

Err tls_open(const TlsDef *def, Tls **out, ErrText *why)
{
    Tls *tls = mem_alloc(sizeof *tls);
    if (!tls)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    const bool copied = copy_path(def->certificate, &tls->certificate_path) && copy_path(def->key, &tls->key_path) &&
                        copy_path(def->client_ca, &tls->client_ca_path);
    tls->outgoing = SSL_CTX_new(TLS_client_method());
    if (copied)
        note_change(tls);
    const Err err = copied && tls->outgoing ? read_certificate(tls, why) : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    if (err) {
        tls_close(tls);
        return err;
    }
    *out = tls;
    return ERR_OK;
}

void tls_close(Tls *tls)
{
    if (!tls)
        return;
    X509_free(tls->certificate);
    SSL_CTX_free(tls->outgoing);
    mem_free(tls->certificate_path);
    mem_free(tls->key_path);
    mem_free(tls->client_ca_path);
    mem_free(tls);
}

void tls_describe(Tls *tls, struct lws_context_creation_info *info)
{
    info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info->ssl_cert_filepath = tls->certificate_path;
    info->ssl_private_key_filepath = tls->key_path;
    info->ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
    info->provided_client_ssl_ctx = tls->outgoing;
    info->alpn = "http/1.1";  // frames of WebSockets are made by hand (socket.c), which HTTP/2 has others of
    if (!tls->client_ca_path)
        return;
    info->ssl_ca_filepath = tls->client_ca_path;
    info->options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT | LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED;
}

int tls_on_event(Tls *tls, enum lws_callback_reasons reason, void *user, size_t length)
{
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS && tls)
        tls->context = user;
    // libwebsockets would go on with a certificate that nobody vouches for
    return reason == LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION && !length;
}

void tls_look(Tls *tls)
{
    ErrText why = {0};
    if (!tls || !tls->context || !note_change(tls))
        return;
    if (read_certificate(tls, &why) || use_files(tls->context, tls, &why))
        log_write(LOG_ERROR, "tls", "the certificate has changed and is refused, the one before goes on: %s", why.text);
    else
        log_write(LOG_INFO, "tls", "the certificate has changed: it counts from the next connection on");
}

bool tls_is_named(const Tls *tls, const char *host)
{
    return tls && certificate_names(tls->certificate, host);
}

bool tls_peer(struct lws *wsi, CertificateId *out)
{
    SSL *ssl = lws_get_ssl(wsi);
    X509 *certificate = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    const bool vouched = certificate && SSL_get_verify_result(ssl) == X509_V_OK && certificate_identify(certificate, out);
    X509_free(certificate);
    return vouched;
}
