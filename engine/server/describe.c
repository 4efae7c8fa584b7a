/* describe.c -- what tells programs how to speak with this server: OpenAPI, JSON Schemas, Thing Descriptions. docs/protocol.md, "Descriptions". */
#include <stdio.h>

#include "server/documents.h"
#include "server/inside.h"
#include "server/routes.h"
#include "server/things.h"

static void put_document(const char *path, Reply *reply)
{
    const Embedded *document = embedded_find(documents, path);
    if (!document) {
        reply_problem(reply, 404, "no document \"%.100s\": GET /api/v1/openapi.json refers to all that there are", path);
        return;
    }
    text_add(reply->body, document->bytes, document->length);
    reply_tag(reply);
}

static void answer_openapi(Server *server, const Request *request, Reply *reply)
{
    (void)server, (void)request;
    put_document("openapi.json", reply);
    reply->type = reply->status == 200 ? "application/vnd.oai.openapi+json;version=3.1" : reply->type;
}

static void answer_schema(Server *server, const Request *request, Reply *reply)
{
    (void)server;
    char path[160];
    snprintf(path, sizeof path, "schemas/%.140s", request->parts[0]);
    put_document(path, reply);
    reply->type = reply->status == 200 ? "application/schema+json" : reply->type;
}

/* The address that the reader used is part of a description. */
static ThingPlace place_of(const Server *server, const Request *request, char *base, size_t room)
{
    snprintf(base, room, "%s/api/v1/", request->origin);
    return (ThingPlace){.base = base, .needs_token = server->access != NULL};
}

static void answer_plant_thing(Server *server, const Request *request, Reply *reply)
{
    char base[400];
    const ThingPlace place = place_of(server, request, base, sizeof base);
    thing_plant(reply->body, server->plant, &place);
    reply->type = "application/td+json";
    reply_tag(reply);
}

static void answer_twin_thing(Server *server, const Request *request, Reply *reply)
{
    char base[400];
    const ThingPlace place = place_of(server, request, base, sizeof base);
    const int64_t twin = plant_find(server->plant, request->parts[0]);
    if (twin < 0) {
        reply_problem(reply, 404, "no twin \"%.100s\" in plant %s", request->parts[0], server->plant->name);
        return;
    }
    thing_twin(reply->body, server->plant, (uint32_t)twin, &place);
    reply->type = "application/td+json";
    reply_tag(reply);
}

const Route describe_routes[] = {
    {.method = "GET", .path = "/api/v1/openapi.json", .right = RIGHT_NONE, .answer = answer_openapi},
    {.method = "GET", .path = "/api/v1/schemas/*", .right = RIGHT_NONE, .answer = answer_schema},
    {.method = "GET", .path = "/.well-known/wot", .right = RIGHT_VIEW, .answer = answer_plant_thing},
    {.method = "GET", .path = "/api/v1/twins/*/td", .right = RIGHT_VIEW, .answer = answer_twin_thing},
    {0},
};
