#include "server/secrets.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char TOKEN_PREFIX[] = "plx_";
static const int BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

_Static_assert(PASSWORD_HASH_ROOM >= crypto_pwhash_STRBYTES, "a hash of libsodium has room");

Err secrets_begin(ErrText *why)
{
    return sodium_init() >= 0 ? ERR_OK : err_set(why, ERR_IO, "libsodium finds no random numbers on this machine");
}

void secret_hash_print(const SecretHash *hash, char out[static SECRET_HASH_TEXT])
{
    for (size_t i = 0; i < sizeof hash->bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", hash->bytes[i]);
}

static int hex_digit(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = letter ? strchr(digits, letter) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool secret_hash_parse(const char *text, SecretHash *out)
{
    if (strlen(text) != 2 * sizeof out->bytes)
        return false;
    for (size_t i = 0; i < sizeof out->bytes; i++, text += 2) {
        if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
            return false;
        out->bytes[i] = (unsigned char)(16 * hex_digit(text[0]) + hex_digit(text[1]));
    }
    return true;
}

void secret_make(char out[static SECRET_ROOM])
{
    unsigned char bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(out, SECRET_ROOM, bytes, sizeof bytes, BASE64);
    sodium_memzero(bytes, sizeof bytes);
}

static SecretHash hash_of(const void *bytes, size_t size)
{
    SecretHash hash;
    crypto_generichash(hash.bytes, sizeof hash.bytes, bytes, size, NULL, 0);
    return hash;
}

SecretHash secret_hash(const char *text)
{
    return hash_of(text, strlen(text));
}

void token_make(char out[static TOKEN_ROOM])
{
    memcpy(out, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
    secret_make(out + strlen(TOKEN_PREFIX));
}

bool token_hash(const char *text, SecretHash *out)
{
    unsigned char bytes[SECRET_BYTES];
    size_t size;
    if (strlen(text) != TOKEN_ROOM - 1 || strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
        return false;
    text += strlen(TOKEN_PREFIX);
    if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &size, NULL, BASE64) != 0 || size != sizeof bytes)
        return false;
    *out = hash_of(bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
    return true;
}

Err password_hash(const char *password, char out[static PASSWORD_HASH_ROOM], ErrText *why)
{
    const size_t length = strlen(password);
    if (length < PASSWORD_MIN || length > PASSWORD_MAX)
        return err_set(why, ERR_RANGE, "a password has %d to %d bytes, got %zu", PASSWORD_MIN, PASSWORD_MAX, length);
    if (crypto_pwhash_str(out, password, length, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return err_set(why, ERR_MEMORY, "no memory to hash a password: that takes %zu MiB", (size_t)crypto_pwhash_MEMLIMIT_INTERACTIVE >> 20);
    return ERR_OK;
}

bool password_hash_is_one(const char *hash)
{
    return strlen(hash) < PASSWORD_HASH_ROOM && strncmp(hash, crypto_pwhash_STRPREFIX, strlen(crypto_pwhash_STRPREFIX)) == 0 &&
           crypto_pwhash_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) >= 0;
}

bool password_fits(const char *password, const char *hash)
{
    assert(password_hash_is_one(hash));
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void secret_wipe(void *bytes, size_t size)
{
    sodium_memzero(bytes, size);
}
