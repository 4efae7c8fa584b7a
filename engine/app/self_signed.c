#include "app/self_signed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum { LIFE_S = 365 * 24 * 3600 };

/* "DNS:localhost,IP:127.0.0.1,...". */
static Err write_alternatives(Text *out, const char *const *names, size_t count, ErrText *why)
{
    unsigned char address[16];
    text_put(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
    for (size_t i = 0; i < count; i++) {
        const char *name = names[i];
        const bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
        if (!is_address && (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")]))
            return err_set(why, ERR_RANGE, "--name: expected a host or an address, got \"%.60s\"", name);
        text_format(out, ",%s:%s", is_address ? "IP" : "DNS", name);
    }
    return out->failed ? err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY)) : ERR_OK;
}

static bool extend(X509 *certificate, int what, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, what, value);
    const bool done = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *common, const char *alternatives)
{
    unsigned char serial[8];
    X509_NAME *name = X509_get_subject_name(certificate);
    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    const bool numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return numbered && X509_set_version(certificate, X509_VERSION_3) == 1 && X509_gmtime_adj(X509_getm_notBefore(certificate), -60) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_S) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           extend(certificate, NID_subject_alt_name, alternatives) && extend(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(certificate, NID_ext_key_usage, "serverAuth") && X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* A new file, for its owner alone where `mode` says so. */
static FILE *open_new(const char *folder, const char *name, mode_t mode, ErrText *why)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *stream = file >= 0 ? fdopen(file, "w") : NULL;
    if (!stream)
        err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    return stream;
}

static Err write_files(const char *folder, X509 *certificate, EVP_PKEY *key, ErrText *why)
{
    FILE *secret = open_new(folder, "pollux.key", 0600, why);
    if (!secret)
        return ERR_IO;
    bool done = PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1;
    done = fclose(secret) == 0 && done;
    FILE *open_to_all = open_new(folder, "pollux.pem", 0644, why);
    if (!open_to_all)
        return ERR_IO;
    done = PEM_write_X509(open_to_all, certificate) == 1 && done;
    done = fclose(open_to_all) == 0 && done;
    return done ? ERR_OK : err_set(why, ERR_IO, "cannot write into %s", folder);
}

Err self_signed_write(const char *folder, const char *const *names, size_t count, ErrText *why)
{
    Text alternatives = {0};
    Err err = write_alternatives(&alternatives, names, count, why);
    if (!err && mkdir(folder, 0700) != 0 && errno != EEXIST)
        err = err_set(why, ERR_IO, "%s: %s", folder, strerror(errno));
    EVP_PKEY *key = err ? NULL : EVP_EC_gen("P-256");
    X509 *certificate = key ? X509_new() : NULL;
    if (!err && !(certificate && fill(certificate, key, count ? names[0] : "localhost", alternatives.bytes)))
        err = err_set(why, ERR_MEMORY, "OpenSSL cannot make a certificate");
    if (!err)
        err = write_files(folder, certificate, key, why);
    X509_free(certificate);
    EVP_PKEY_free(key);
    text_fini(&alternatives);
    return err;
}
