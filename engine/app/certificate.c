/* certificate.c -- pollux certificate: devices that show a certificate, and one for this server to begin with. */
#include <stdio.h>

#include "app/commands.h"
#include "app/keys.h"
#include "app/self_signed.h"
#include "server/certificate.h"

static int allow_certificate(int argc, char **argv);
static int list_certificates(int argc, char **argv);
static int revoke_certificate(int argc, char **argv);
static int sign_self(int argc, char **argv);

static const Subcommand allow = {
    "certificate allow", "let a device in by its client certificate",
    "The certificate must be signed by the authority that `pollux serve --tls-client-ca` names. It is known by its fingerprint; with --by-subject by\n"
    "its subject, and then a renewed certificate of this subject is let in too.",
    allow_certificate};
static const Subcommand list = {"certificate list", "name, role and tags of every certificate that is let in", NULL, list_certificates};
static const Subcommand revoke = {"certificate revoke", "let nobody in by a certificate any more", "A running server closes the connections that came by it.", revoke_certificate};
static const Subcommand self_signed = {
    "certificate self-signed", "make a key and a certificate for this server, for a first try",
    "Writes FOLDER/pollux.pem and FOLDER/pollux.key, for `pollux serve --tls-certificate FOLDER/pollux.pem --tls-key FOLDER/pollux.key`. Browsers warn, since\n"
    "nobody vouches for it; programs trust it where they are told to (`curl --cacert FOLDER/pollux.pem`, `pollux emulate --ca FOLDER/pollux.pem`).",
    sign_self};

const Subcommand subcommand_certificate = {"certificate", "let devices in by their certificate, and make one for the server", NULL, command_certificate};

int command_certificate(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&allow, &list, &revoke, &self_signed};
    return options_choose(&subcommand_certificate, actions, sizeof actions / sizeof *actions, argc, argv);
}

static Err identify(const char *path, CertificateId *out, ErrText *why)
{
    X509 *certificate;
    Err err = certificate_load(path, &certificate, why);
    if (err)
        return err;
    if (!certificate_identify(certificate, out))
        err = err_set(why, ERR_RANGE, "%s: its subject is longer than %d bytes", path, KEY_SUBJECT_MAX);
    X509_free(certificate);
    return err;
}

static int allow_certificate(int argc, char **argv)
{
    const char *path = NULL, *file = NULL, *role = NULL;
    bool by_subject = false;
    OptionList provide = {0}, actuate = {0};
    Key key = {.kind = KEY_CERTIFICATE};
    const Option options[] = {
        {OPTION_OPERAND, "FILE", NULL, "the certificate, in PEM form", &file, 0, 0},
        {OPTION_OPERAND, "NAME", NULL, "of the device: what is done by it is recorded under this name", &key.name, 0, 0},
        {OPTION_FLAG, "by-subject", NULL, "any certificate of its subject", &by_subject, 0, 0},
        {OPTION_TEXT, "role", "ROLE", "viewer, operator, engineer or admin (none)", &role, 0, 0},
        {OPTION_LIST, "provide", "PATTERN", "tags that it may send samples of, * any letters; may be repeated", &provide, 0, 0},
        {OPTION_LIST, "actuate", "PATTERN", "actuators that it may be; may be repeated", &actuate, 0, 0},
        ACCESS_OPTION(&path),
    };
    const OptionResult parsed = options_parse(&allow, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    CertificateId id;
    if (keys_describe(&key, role, &provide, &actuate, NULL, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    if (identify(file, &id, &why))
        return subcommand_fail(EXIT_FAILED, &why);
    key.hash = id.fingerprint;
    key.subject = by_subject ? id.subject : NULL;
    return keys_add(path, &key);
}

static int list_certificates(int argc, char **argv)
{
    return keys_list(&list, KEY_CERTIFICATE, argc, argv);
}

static int revoke_certificate(int argc, char **argv)
{
    return keys_remove(&revoke, KEY_CERTIFICATE, argc, argv);
}

static int sign_self(int argc, char **argv)
{
    const char *folder = NULL;
    OptionList names = {0};
    const Option options[] = {
        {OPTION_OPERAND, "FOLDER", NULL, "where to; it is made where it is missing", &folder, 0, 0},
        {OPTION_LIST, "name", "HOST", "a name or address by which the server is called, beside localhost; may be repeated", &names, 0, 0},
    };
    const OptionResult parsed = options_parse(&self_signed, options, 2, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (self_signed_write(folder, names.items, names.count, &why))
        return subcommand_fail(EXIT_FAILED, &why);
    printf("%s/pollux.pem\n%s/pollux.key\n", folder, folder);
    return EXIT_DONE;
}
