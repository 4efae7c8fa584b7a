#include "server/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static bool read_subject(const X509 *certificate, char out[static KEY_SUBJECT_MAX + 1])
{
    char *text;
    BIO *memory = BIO_new(BIO_s_mem());
    if (!memory)
        return false;
    const int wrote = X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    const long length = BIO_get_mem_data(memory, &text);
    const bool fits = wrote >= 0 && length >= 0 && length <= KEY_SUBJECT_MAX;
    snprintf(out, KEY_SUBJECT_MAX + 1, "%.*s", fits ? (int)length : 0, text);
    BIO_free(memory);
    return fits;
}

bool certificate_identify(const X509 *certificate, CertificateId *out)
{
    unsigned size = sizeof out->fingerprint.bytes;
    return X509_digest(certificate, EVP_sha256(), out->fingerprint.bytes, &size) == 1 && read_subject(certificate, out->subject);
}

Err certificate_load(const char *path, X509 **out, ErrText *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    *out = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    ERR_clear_error();
    return *out ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected a certificate in PEM form (-----BEGIN CERTIFICATE-----)", path);
}

bool certificate_names(X509 *certificate, const char *host)
{
    return X509_check_ip_asc(certificate, host, 0) == 1 || X509_check_host(certificate, host, 0, 0, NULL) == 1;
}
