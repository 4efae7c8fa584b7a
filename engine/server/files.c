/* files.c -- what the browser may keep: files whose name carries a hash for ever, all others only with a question (ETag). */
#include "server/files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 32 * 1024 * 1024 };

static const char page_without_dashboard[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Pollux</title>"
    "<body style=\"font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem\">"
    "<h1>Pollux is running</h1><p>The dashboard is not there yet. Build it once, then load this page again:</p>"
    "<pre>cd web\nnpm ci\nnpm run build</pre>"
    "<p>Without it: <a href=\"/api/v1/plant\">the plant</a>, <a href=\"/api/v1/alarms\">its alarms</a>, "
    "<a href=\"/api/v1/commands\">its commands</a>.</p></body></html>\n";

static const char *content_type(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},             {".png", "image/png"},                     {".ico", "image/x-icon"},
        {".json", "application/json"},         {".map", "application/json"},              {".webmanifest", "application/manifest+json"},
        {".woff2", "font/woff2"},              {".txt", "text/plain; charset=utf-8"},     {".wasm", "application/wasm"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static bool is_plain(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *at = path; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("/.-_", *at))
            return false;
        if (at[0] == '/' && (at[1] == '.' || at[1] == '/'))
            return false;
    }
    return true;
}

static Err read_open_file(int file, Text *body)
{
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
        return ERR_UNKNOWN;
    if (info.st_size > FILE_MAX)
        return ERR_RANGE;

    char chunk[16384];
    ssize_t got;
    while ((got = read(file, chunk, sizeof chunk)) > 0 && body->length <= FILE_MAX)
        text_add(body, chunk, (size_t)got);
    if (got < 0)
        return ERR_IO;
    return body->failed ? ERR_MEMORY : ERR_OK;
}

static Err read_file(const char *path, Text *body)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? ERR_UNKNOWN : ERR_IO;
    const Err err = read_open_file(file, body);
    close(file);
    return err;
}

void files_answer(const char *web, const char *path, Reply *reply)
{
    const bool index = strcmp(path, "/") == 0 || strcmp(path, "/index.html") == 0;
    char full[4096];
    Err err = ERR_UNKNOWN;
    if (web && is_plain(path) && snprintf(full, sizeof full, "%s%s", web, index ? "/index.html" : path) < (int)sizeof full)
        err = read_file(full, reply->body);

    if (err == ERR_UNKNOWN && index) {
        reply->status = 200;
        reply->type = "text/html; charset=utf-8";
        text_put(reply->body, page_without_dashboard);
        return;
    }
    if (err != ERR_OK) {
        reply_problem(reply, err == ERR_UNKNOWN ? 404 : 500, err == ERR_UNKNOWN ? "nothing is at %.200s" : "%.200s cannot be read", path);
        return;
    }
    reply->status = 200;
    reply->type = content_type(index ? ".html" : path);
    reply_tag(reply);
    if (strncmp(path, "/assets/", 8) == 0)
        reply->cache = "public, max-age=31536000, immutable";
}
