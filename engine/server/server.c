/* server.c -- one event loop in one thread, and what stands between it and the tick.
 *
 * The loop is ours and libwebsockets is a guest in it, so that an ordinary uv_async_t wakes it and it ends by an ordinary uv_stop; the
 * thread that ran it takes everything down. The tick's side of publishing is three hand-overs that never wait: changes into a ring,
 * numbers into a triple buffer, a wake-up. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "server/inside.h"

enum {
    FRAME_RATE = 20,  // Hz
    CLIENTS = 16384,
    CAPTURE_SHARE = 20,  // of the tick's time at most one part in so many goes into captures
    BEAT_MS = 100,
    LOOK_ACCESS_BEATS = 1000 / BEAT_MS,        // between two looks at the access file,
    LOOK_TLS_BEATS = 60 * 1000 / BEAT_MS,      // and at the certificate
    HEADERS_MAX = 8192,
    HEADERS_S = 5,         // for a request to come
    REQUESTS_MAX = 1024,   // that are being answered
    FILES_SPARE = 2048,    // beside those of clients
    PASSED_MAX = 16384,    // samples between two turns of the loop
    RX_CHUNK = 32 * 1024,
};

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// The event loop.

static void stand_still(Server *server)
{
    pthread_mutex_lock(&server->pause_lock);
    server->paused = true;
    pthread_cond_broadcast(&server->pause_changed);
    while (server->pausing)
        pthread_cond_wait(&server->pause_changed, &server->pause_lock);
    server->paused = false;
    pthread_mutex_unlock(&server->pause_lock);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The access file may be another, and a key or a login may have expired. */
static void look_at_access(Server *server)
{
    if (!server->access)
        return;
    if (access_look(server->access))
        audit_note(server->audit, &(AuditNote){.who = "pollux", .action = "access", .target = file_name(server->access->path),
                                               .detail = "the access file has changed"});
    server__recheck_clients(server);
}

static void on_wake(uv_async_t *handle)
{
    Server *server = handle->data;
    if (server->stopping) {
        uv_stop(&server->loop);
        return;
    }
    server__take_passed(server);
    if (server->pausing) {
        server__relay(server);  // behind the pause tags may be others
        stand_still(server);
    }
    if (atomic_exchange(&server->look_asked, false)) {
        tls_look(server->tls);
        look_at_access(server);
    }
    if (server->devices)
        server->devices->woken(server->devices->self);
    server__deliver(server);
    server__tell_awaiting(server);
    server__show(server);
}

static void on_beat(uv_timer_t *timer)
{
    Server *server = timer->data;
    if (server->audit && !server->reader)
        audit_keep(server->audit);
    if (server->devices)
        server->devices->woken(server->devices->self);
    server__tell_awaiting(server);  // what was pushed is on disk without anybody's saying so
    server->beats++;
    if (server->beats % LOOK_TLS_BEATS == 0)
        tls_look(server->tls);
    if (server->beats % LOOK_ACCESS_BEATS == 0)
        look_at_access(server);
}

static void on_turn_end(uv_check_t *check)
{
    server__relay(check->data);
}

static void ask_wake(void *server)
{
    uv_async_send(&((Server *)server)->wake);
}

static Err loop_init(Server *server)
{
    if (uv_loop_init(&server->loop) != 0)
        return ERR_MEMORY;
    server->loop.data = server;
    if (uv_async_init(&server->loop, &server->wake, on_wake) != 0)
        return ERR_MEMORY;
    uv_timer_init(&server->loop, &server->beat);
    uv_timer_init(&server->loop, &server->frame_timer);
    uv_timer_init(&server->loop, &server->rate_timer);
    uv_check_init(&server->loop, &server->turn_end);
    server->wake.data = server->beat.data = server->frame_timer.data = server->rate_timer.data = server->turn_end.data = server;
    uv_check_start(&server->turn_end, on_turn_end);
    uv_timer_start(&server->beat, on_beat, BEAT_MS, BEAT_MS);
    return ERR_OK;
}

/* On the thread that ran the loop, or on any when it never ran. */
static void loop_fini(Server *server)
{
    if (!server->loop.data)
        return;
    if (server->lws)
        lws_context_destroy(server->lws);
    if (server->wake.data) {
        uv_close((uv_handle_t *)&server->wake, NULL);
        uv_close((uv_handle_t *)&server->beat, NULL);
        uv_close((uv_handle_t *)&server->frame_timer, NULL);
        uv_close((uv_handle_t *)&server->rate_timer, NULL);
        uv_close((uv_handle_t *)&server->turn_end, NULL);
    }
    uv_run(&server->loop, UV_RUN_DEFAULT);

    // the first call closed its handles; the rest could not go before the loop had let go of them
    if (server->lws)
        lws_context_destroy(server->lws);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
}

static void *serve(void *self)
{
    Server *server = self;
    uv_run(&server->loop, UV_RUN_DEFAULT);
    access_close(server->access);  // its thread wakes the loop
    loop_fini(server);
    return NULL;
}

// The listening socket.

/* The address to listen on, as numbers; ERR_RANGE when it is none. */
static Err read_address(const char *bind, char out[static ADDRESS_ROOM], ErrText *why)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(out, ADDRESS_ROOM, "%s", !bind || strcmp(bind, "localhost") == 0 ? "127.0.0.1" : bind);
    if (getaddrinfo(out, NULL, &hints, &found) != 0)
        return err_set(why, ERR_RANGE, "--bind: expected an address of this machine, as in 127.0.0.1, ::1 or 0.0.0.0 (all of them), got \"%.60s\"", bind);
    freeaddrinfo(found);
    return ERR_OK;
}

bool server_is_loopback(const char *bind)
{
    char address[ADDRESS_ROOM];
    if (read_address(bind, address, NULL))
        return false;
    return strcmp(address, "::1") == 0 || strncmp(address, "127.", 4) == 0;
}

/* Who can be reached by others must know whom he speaks with. */
static Err check_exposure(const Server *server, const ServerDef *def, ErrText *why)
{
    if (server_is_loopback(def->bind)) {
        if (def->host_count && !server->access)
            return err_set(why, ERR_DENIED,
                           "--host names this server to others, so it needs an access file: --access FILE (`pollux user add NAME --role admin` makes one)");
        return ERR_OK;
    }
    if (!server->access || !access_lets_somebody_in(server->access))
        return err_set(why, ERR_DENIED,
                       "others can reach %.60s, so somebody has to be let in: `pollux user add NAME --role admin`, or `pollux token create NAME --role viewer`",
                       server->address);
    return ERR_OK;
}

/* Whom to let in, and how to speak. */
static Err lock_door(Server *server, const ServerDef *def, ErrText *why)
{
    const TlsDef tls = {def->tls_certificate, def->tls_key, def->tls_client_ca};
    Err err = read_address(def->bind, server->address, why);
    if (!err && !tls.certificate != !tls.key)
        err = err_set(why, ERR_USAGE, "TLS needs both, --tls-certificate and --tls-key");
    if (!err && tls.client_ca && !(tls.certificate && def->access))
        err = err_set(why, ERR_USAGE, "--tls-client-ca needs --tls-certificate, --tls-key and --access");
    if (!err && !tls.certificate && !server_is_loopback(def->bind))
        err = err_set(why, ERR_DENIED,
                      "others can reach %.60s, so it needs TLS: --tls-certificate FILE --tls-key FILE (`pollux certificate self-signed FOLDER` makes both for a first try); "
                      "without --bind the server is for this machine only",
                      server->address);
    if (!err && tls.certificate)
        err = tls_open(&tls, &server->tls, why);
    if (!err && def->access)
        err = access_open(def->access, ask_wake, server, &server->access, why);
    server->hosts = def->hosts;
    server->host_count = def->host_count;
    return err ? err : check_exposure(server, def, why);
}

/* libwebsockets does not say why it could not listen, so ask the same again. */
static Err explain_listen(const char *address, int port, ErrText *why)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int reason = 0;
    if (getaddrinfo(address, NULL, &hints, &found) == 0) {
        struct sockaddr_storage bound = {0};
        memcpy(&bound, found->ai_addr, found->ai_addrlen);
        if (found->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)&bound)->sin6_port = htons((uint16_t)port);
        else
            ((struct sockaddr_in *)&bound)->sin_port = htons((uint16_t)port);
        const int file = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (file < 0 || bind(file, (struct sockaddr *)&bound, found->ai_addrlen) != 0)
            reason = errno;
        if (file >= 0)
            close(file);
        freeaddrinfo(found);
    }
    return err_set(why, ERR_IO, "cannot listen on %s port %d: %s", address, port,
                   reason == EADDRINUSE ? "the port is in use (is another Pollux running?)" : reason ? strerror(reason) : "libwebsockets failed");
}

/* What libwebsockets calls an error is mostly a peer's. */
static void forward_log(int level, const char *line)
{
    (void)level;
    log_write(LOG_WARNING, "server", "%.*s", (int)strcspn(line, "\n"), line);
}

static const lws_retry_bo_t idle_policy = {.secs_since_valid_ping = 10, .secs_since_valid_hangup = 25};

static Err listen_on(Server *server, int port, ErrText *why)
{
    const char *address = server->address;
    const struct lws_protocols protocols[] = {
        {.name = "http", .callback = server__on_http, .per_session_data_size = server__http_session_size()},
        {.name = SUBPROTOCOL, .callback = server__on_socket, .per_session_data_size = server__client_size(), .rx_buffer_size = RX_CHUNK},
        {.name = SUBPROTOCOL_BULK, .callback = server__on_socket, .per_session_data_size = server__client_size(), .rx_buffer_size = RX_CHUNK},
        {.name = NULL},
    };
    memcpy(server->protocols, protocols, sizeof protocols);
    void *loops[] = {&server->loop};
    struct lws_context_creation_info info = {
        .port = port,
        .iface = address,
        .protocols = server->protocols,
        .vhost_name = "pollux",
        .server_string = "Pollux",
        .user = server,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   (strchr(address, ':') ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6),
        .foreign_loops = loops,
        .pcontext = &server->lws,  // becomes NULL when the context is gone
        .max_http_header_data = HEADERS_MAX,
        .max_http_header_pool = DOOR_MAX + STREAMS_MAX + REQUESTS_MAX,
        .pt_serv_buf_size = RX_CHUNK,
        .timeout_secs = HEADERS_S,
        .keepalive_timeout = 30,
        .retry_and_idle_policy = &idle_policy,
    };
    if (server->tls)
        tls_describe(server->tls, &info);
    lws_set_log_level(LLL_ERR, forward_log);
    server->lws = lws_create_context(&info);
    if (!server->lws)
        return err_set(why, ERR_MEMORY, "libwebsockets: cannot create a context");

    // what it would log here is in the error already
    lws_set_log_level(0, forward_log);
    struct lws_vhost *host = lws_create_vhost(server->lws, &info);
    lws_set_log_level(LLL_ERR, forward_log);
    if (!host)
        return explain_listen(address, port, why);
    server->port = lws_get_vhost_listen_port(host);
    return ERR_OK;
}

/* Each client is an open file. Where the hard limit admits fewer, there are fewer clients. */
static void raise_files(Server *server)
{
    struct rlimit limit;
    const rlim_t needed = server->clients_max + FILES_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return;
    server->clients_max = limit.rlim_cur / 2 > FILES_SPARE ? limit.rlim_cur - FILES_SPARE : limit.rlim_cur / 2;
    log_write(LOG_WARNING, "server", "room for %zu clients: the hard limit of open files is %llu (ulimit -Hn)", server->clients_max,
              (unsigned long long)limit.rlim_cur);
}

// Beginning and end.

static Err copy_web(Server *server, const char *web)
{
    if (!web)
        return ERR_OK;
    const size_t size = strlen(web) + 1;
    server->web = mem_alloc(size);
    if (server->web)
        memcpy(server->web, web, size);
    return server->web ? ERR_OK : ERR_MEMORY;
}

static Err server_init(Server *server, const ServerDef *def, ErrText *why)
{
    Err err = ERR_OK;
    if (def->history)
        err = history_reader_open(def->history, def->plant, &server->reader, why);
    if (err == ERR_OK && def->history)
        err = archive_open(def->history, def->plant, ask_wake, server, &server->archive, why);
    if (err != ERR_OK)
        return err;

    server->connections = mem_alloc(CONNECTIONS_MAX * sizeof *server->connections);
    err = server->connections ? copy_web(server, def->web) : ERR_MEMORY;
    if (err == ERR_OK)
        err = states_init(&server->states, def->plant);
    if (err == ERR_OK)
        err = show_init(&server->show, &server->states);
    if (err == ERR_OK)
        err = journal_init(&server->journal, def->plant, server->reader);
    if (err == ERR_OK)
        err = asks_init(&server->asks);
    if (err == ERR_OK)
        err = ring_init(&server->passed, sizeof(Sample), PASSED_MAX);
    if (err == ERR_OK)
        err = wire_create(&server->wire);
    if (err == ERR_OK)
        err = loop_init(server);
    return err == ERR_OK ? ERR_OK : err_set(why, err, "the server cannot begin: %s", err_name(err));
}

Err server_create(const ServerDef *def, Server **out, ErrText *why)
{
    assert(def->plant);
    assert(def->port >= 0);
    Server *server = mem_alloc(sizeof *server);
    if (!server)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    server->plant = def->plant;
    server->desk = def->desk;
    server->put_addresses = def->put_addresses;
    server->addresses = def->addresses;
    server->webhooks = def->webhooks;
    server->webhook_count = def->webhook_count;
    server->audit = def->audit;
    pthread_mutex_init(&server->pause_lock, NULL);
    pthread_cond_init(&server->pause_changed, NULL);
    server->frame_ns = (int64_t)(1e9 / (def->frame_rate_max > 0 ? def->frame_rate_max : FRAME_RATE));
    server->clients_max = def->clients_max ? def->clients_max : CLIENTS;
    raise_files(server);
    server->alive_at = now_ns();
    server->frame_at = server->capture_at = server->alive_at - server->frame_ns;

    Err err = server_init(server, def, why);
    if (err == ERR_OK)
        err = lock_door(server, def, why);
    if (err == ERR_OK)
        err = listen_on(server, def->port, why);
    server->inlets = def->inlets;
    if (err == ERR_OK && def->devices) {
        server->devices = def->devices;
        server->devices->server = server;
        server->devices->wake = ask_wake;
    }
    if (err == ERR_OK && def->registry) {
        server->registry = def->registry;
        registry_on_saved(server->registry, ask_wake, server);
        if (!server->access)
            registry_open_door(server->registry);
    }
    if (err == ERR_OK && pthread_create(&server->thread, NULL, serve, server) != 0)
        err = err_set(why, ERR_MEMORY, "the server cannot start its thread");
    if (err != ERR_OK) {
        server_destroy(server);
        return err;
    }
    server->running = true;
    if (server->desk)
        desk_tell(server->desk, ask_wake, server);
    *out = server;
    return ERR_OK;
}

void server_destroy(Server *server)
{
    if (!server)
        return;
    if (server->desk)
        desk_tell(server->desk, NULL, NULL);
    archive_stop(server->archive);
    if (server->running) {
        server->stopping = true;
        uv_async_send(&server->wake);
        pthread_join(server->thread, NULL);
    } else {
        access_close(server->access);
        loop_fini(server);
    }
    tls_close(server->tls);
    if (server->registry)
        registry_on_saved(server->registry, NULL, NULL);
    if (server->devices) {
        server->devices->wake = NULL;
        server->devices->pass = NULL;
    }
    history_reader_close(server->reader);
    archive_close(server->archive);
    states_fini(&server->states);
    show_fini(&server->show);
    journal_fini(&server->journal);
    asks_fini(&server->asks);
    ring_fini(&server->passed);
    wire_destroy(server->wire);
    text_fini(&server->out);
    text_fini(&server->names);
    text_fini(&server->stream);
    text_fini(&server->writing);
    text_fini(&server->scenarios);
    pthread_cond_destroy(&server->pause_changed);
    pthread_mutex_destroy(&server->pause_lock);
    mem_free(server->connections);
    mem_free(server->web);
    mem_free(server);
}

int server_port(const Server *server)
{
    return server->port;
}

void server_look(Server *server)
{
    server->look_asked = true;
    uv_async_send(&server->wake);
}

// The tick's side.

/* Show the newest numbers, unless that was done a moment ago: then the next call does it. */
static void capture_when_due(Server *server)
{
    const int64_t start = now_ns();
    server->alive_at = start;
    if (!server->capture_owed || start < server->capture_at)
        return;
    states_capture(&server->states, server->sync, &server->now);
    server->capture_owed = false;

    // the more there is to copy the rarer it is done
    const int64_t pause = CAPTURE_SHARE * (now_ns() - start);
    server->capture_at = start + (pause > server->frame_ns ? pause : server->frame_ns);
    uv_async_send(&server->wake);
}

/* What is aside asks for nobody's attention: it is not told as raised. */
static void tell_webhooks(const Server *server, const Plant *plant, const Alarms *alarms)
{
    size_t count;
    const Alarm *changed = alarms_changed(alarms, &count);
    for (size_t k = 0; k < count; k++) {
        if (changed[k].state == ALARM_RAISED && alarm_is_aside(&changed[k]))
            continue;
        for (size_t i = 0; i < server->webhook_count; i++)
            webhook_tell(server->webhooks[i], &changed[k], plant->twins[changed[k].twin].name);
    }
}

void server_publish(Server *server, const Plant *plant, const Sync *sync, const Alarms *alarms, const Gate *gate, const ServerNow *now)
{
    assert(plant == server->plant);
    const bool changed = journal_pass(&server->journal, alarms, gate);
    tell_webhooks(server, plant, alarms);

    server->sync = sync;
    server->states.gate = gate;
    server->now = *now;
    if (server->now.connection_count > CONNECTIONS_MAX)
        server->now.connection_count = CONNECTIONS_MAX;
    if (server->now.connection_count)
        memcpy(server->connections, now->connections, server->now.connection_count * sizeof *server->connections);
    server->now.connections = server->connections;
    server->capture_owed = true;
    capture_when_due(server);
    if (changed)
        uv_async_send(&server->wake);
}

bool server_poll(Server *server, ServerAsk *out)
{
    capture_when_due(server);
    return asks_take(&server->asks, out);
}

void server_answer(Server *server, uint64_t token, int status, const char *detail, uint64_t command)
{
    AskAnswer answer = {.token = token, .status = status, .command = command};
    snprintf(answer.detail, sizeof answer.detail, "%s", detail ? detail : "");
    asks_answer(&server->asks, &answer);
    uv_async_send(&server->wake);
}

void server_answer_alarm(Server *server, uint64_t token, const Alarm *alarm, const char *twin)
{
    AskAnswer answer = {.token = token, .status = 200, .alarm = *alarm};
    snprintf(answer.twin, sizeof answer.twin, "%s", twin);
    asks_answer(&server->asks, &answer);
    uv_async_send(&server->wake);
}

// Another version of the plant.

void server_pause(Server *server)
{
    pthread_mutex_lock(&server->pause_lock);
    server->pausing = true;
    uv_async_send(&server->wake);
    while (!server->paused)
        pthread_cond_wait(&server->pause_changed, &server->pause_lock);
    pthread_mutex_unlock(&server->pause_lock);
}

void server_resume(Server *server)
{
    pthread_mutex_lock(&server->pause_lock);
    server->pausing = false;
    pthread_cond_broadcast(&server->pause_changed);
    pthread_mutex_unlock(&server->pause_lock);
    uv_async_send(&server->wake);
}

static void swap_states(Server *server, States *states, Picture *picture)
{
    states_follow(states, &server->states);
    states_fini(&server->states);
    server->states = *states;
    show_follow(&server->show, &server->states, picture);
}

/* Asks of the plant before are forgotten; whoever waits for one is told when the service thread goes on. */
static void follow_desk(Server *server, Desk *desk)
{
    if (server->desk)
        desk_tell(server->desk, NULL, NULL);
    if (desk)
        desk_tell(desk, ask_wake, server);
    server->desk = desk;
    text_clear(&server->scenarios);
}

Err server_follow(Server *server, const Plant *plant, Desk *desk)
{
    States states = {0};
    Picture picture = {0};
    follow_desk(server, desk);
    Err err = states_init(&states, plant);
    if (err == ERR_OK)
        err = picture_init(&picture, &states);
    if (err != ERR_OK) {
        states_fini(&states);
        picture_fini(&picture);
        return err;
    }
    Show *show = &server->show;
    journal_follow(&server->journal, plant, &show->recent, picture_advance(&show->picture), show->told);
    swap_states(server, &states, &picture);
    history_reader_follow(server->reader, plant);
    archive_follow(server->archive, plant);
    server->plant = plant;
    server__follow_listeners(server);

    // what is owed was the other plant's
    server->capture_owed = false;
    server->capture_at = 0;
    return ERR_OK;
}
