/* bench_ingest -- samples per second from the socket to the corrected state, and how long each takes; beside a libwebsockets server that only receives.
 *
 * Both servers run in this process, the clients (flood.h) in processes of their own. Pollux runs as `pollux serve` does: a service thread, the tick's
 * thread, a fleet of tanks with a gauge each, a step of 1 ms; a sample counts when the tick has folded it in. The bare server has the same options, and
 * counts the samples of the frames that it has received.
 *
 * bench_ingest [SECONDS [TWINS [BURST]]]: each measurement takes SECONDS (2); 1024 twins; a burst of 2,000,000 samples. Markdown. */
#include <libwebsockets.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "app/app.h"
#include "bench/flood.h"

static const size_t FRAMES[] = {1, 16, 64, 256};
enum { FRAME_COUNT = sizeof FRAMES / sizeof *FRAMES, RX_CHUNK = 32 * 1024, SAMPLED = 8 };
static const double KUKSA_RATE = 84000;
#define WARM_NS (500 * NS_PER_MS)

static const char model_text[] =
    "return model \"tank\" {\n"
    "  doc = \"An open tank\", params = { area = { 2, \"m^2\" } }, inputs = { inflow = { 0, \"l/s\" } },\n"
    "  states = { level = { 0.5, \"m\", sd = 0.1, noise = 1e-3 } },\n"
    "  equations = function(t) t.level.rate = t.inflow / t.area end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "}\n";
static const char plant_text[] =
    "return plant \"works\" { step = %g, clock = \"provider\", assets = { fleet(\"tank\", %zu, \"tank\", function(i) return {} end) } }\n";

static char folder[] = "/tmp/bench_ingest.XXXXXX";

_Noreturn static void die(const char *why)
{
    fprintf(stderr, "bench_ingest: %s\n", why);
    exit(EXIT_FAILURE);
}

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

static const char *write_script(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        die(path);
    return path;
}

// Clients, as processes: this program once more.

static pid_t start_client(const char *role, const FloodDef *def, int *out)
{
    char port[16], bulk[4], bare[4], twins[24], frame[24], rate[32], seconds[32], count[24];
    snprintf(port, sizeof port, "%d", def->port);
    snprintf(bulk, sizeof bulk, "%d", def->bulk);
    snprintf(bare, sizeof bare, "%d", def->bare);
    snprintf(twins, sizeof twins, "%zu", def->twins);
    snprintf(frame, sizeof frame, "%zu", def->frame);
    snprintf(rate, sizeof rate, "%g", def->rate);
    snprintf(seconds, sizeof seconds, "%g", def->seconds);
    snprintf(count, sizeof count, "%zu", def->count);
    int ends[2];
    if (pipe(ends))
        die("no pipe");
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "bench_ingest", role, port, bulk, bare, twins, frame, rate, seconds, count, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    *out = ends[0];
    return child;
}

static void end_client(pid_t child, int out)
{
    int status;
    waitpid(child, &status, 0);
    close(out);
    if (status)
        die("a client failed");
}

static int be_client(char **argv)
{
    const FloodDef def = {.port = atoi(argv[2]), .bulk = atoi(argv[3]), .bare = atoi(argv[4]), .twins = strtoul(argv[5], NULL, 10),
                          .frame = strtoul(argv[6], NULL, 10), .rate = atof(argv[7]), .seconds = atof(argv[8]), .count = strtoul(argv[9], NULL, 10)};
    if (strcmp(argv[1], "send") == 0) {
        flood_send(&def);
        return 0;
    }
    Ages ages = {{0}, 0};
    flood_listen(&def, &ages);
    printf("%g %g %g %llu\n", ages_quantile(&ages, 0.5), ages_quantile(&ages, 0.99), ages_quantile(&ages, 0.999), (unsigned long long)ages.count);
    return 0;
}

/* Whether the process has ended; it is not waited for. */
static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

// A rate: what was counted between the end of the warm-up and the end of the client.

typedef struct Meter {
    int64_t start, warm, now;
    int64_t worked_warm, worked_now;  // by all threads of this process, which are the server's
    uint64_t at_warm, count;
} Meter;

static int64_t worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static void meter_read(Meter *meter, uint64_t count)
{
    const int64_t now = elapsed();
    if (count == 0)
        return;
    if (meter->start == 0)
        meter->start = now;
    if (meter->warm == 0 && now > meter->start + WARM_NS) {
        meter->warm = now;
        meter->worked_warm = worked();
        meter->at_warm = count;
    }
    if (count > meter->count) {
        meter->count = count;
        meter->now = now;
        meter->worked_now = worked();
    }
}

typedef struct Figures {
    double rate, cost_ns;  // samples per second; work for each
    double p50, p99, p999;
} Figures;

static Figures meter_figures(const Meter *meter)
{
    const double count = (double)(meter->count - meter->at_warm);
    if (meter->now <= meter->warm || count <= 0)
        return (Figures){NAN, NAN, NAN, NAN, NAN};
    return (Figures){.rate = count / ((double)(meter->now - meter->warm) / 1e9), .cost_ns = (double)(meter->worked_now - meter->worked_warm) / count};
}

// The bare server.

static _Atomic uint64_t bare_frames;

static int on_bare(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user, (void)in, (void)length;
    if (reason == LWS_CALLBACK_RECEIVE && lws_is_final_fragment(wsi))
        atomic_fetch_add_explicit(&bare_frames, 1, memory_order_relaxed);
    return 0;
}

typedef struct Bare {
    uv_loop_t loop;
    uv_async_t end;
    struct lws_context *lws;
    struct lws_protocols protocols[4];
    pthread_t thread;
    int port;
} Bare;

static void on_end(uv_async_t *end)
{
    uv_stop(end->loop);
}

static void *serve_bare(void *self)
{
    Bare *bare = self;
    uv_run(&bare->loop, UV_RUN_DEFAULT);
    lws_context_destroy(bare->lws);
    uv_close((uv_handle_t *)&bare->end, NULL);
    uv_run(&bare->loop, UV_RUN_DEFAULT);
    if (bare->lws)
        lws_context_destroy(bare->lws);
    uv_run(&bare->loop, UV_RUN_DEFAULT);
    uv_loop_close(&bare->loop);
    return NULL;
}

static void bare_open(Bare *bare)
{
    *bare = (Bare){.protocols = {{.name = "http", .callback = lws_callback_http_dummy},
                                 {.name = "pollux.v1.json", .callback = on_bare, .rx_buffer_size = RX_CHUNK},
                                 {.name = "pollux.v1.bin", .callback = on_bare, .rx_buffer_size = RX_CHUNK}}};
    uv_loop_init(&bare->loop);
    uv_async_init(&bare->loop, &bare->end, on_end);
    void *loops[] = {&bare->loop};
    const struct lws_context_creation_info info = {.iface = "127.0.0.1", .protocols = bare->protocols, .vhost_name = "bare", .gid = -1, .uid = -1,
                                                   .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6,
                                                   .foreign_loops = loops, .pcontext = &bare->lws, .pt_serv_buf_size = RX_CHUNK};
    lws_set_log_level(LLL_ERR, NULL);
    bare->lws = lws_create_context(&info);
    struct lws_vhost *host = bare->lws ? lws_create_vhost(bare->lws, &info) : NULL;
    if (!host || pthread_create(&bare->thread, NULL, serve_bare, bare))
        die("the bare server cannot start");
    bare->port = lws_get_vhost_listen_port(host);
}

static Figures measure_bare(FloodDef def)
{
    Bare bare;
    bare_open(&bare);
    def.port = bare.port;
    def.bare = true;
    int out;
    Meter meter = {0};
    atomic_store(&bare_frames, 0);
    const pid_t client = start_client("send", &def, &out);
    // the first frames provide
    const uint64_t before = 1 + (def.bulk ? (def.twins + 4095) / 4096 : 0);
    while (!has_ended(client)) {
        const uint64_t frames = atomic_load(&bare_frames);
        meter_read(&meter, frames > before ? (frames - before) * def.frame : 0);
        clock_system.sleep_ns(clock_system.self, NS_PER_MS);
    }
    end_client(client, out);
    uv_async_send(&bare.end);
    pthread_join(bare.thread, NULL);
    return meter_figures(&meter);
}

// Pollux.

typedef struct Pollux {
    App *app;
    Websocket *websocket;
    Server *server;
    Ages ages;
    uint64_t folded;
    int64_t warm;  // elapsed time from which ages count
} Pollux;

/* A tick has folded these in. */
static void on_ticked(void *self, const App *app, Batch batch)
{
    Pollux *pollux = self;
    (void)app;
    pollux->folded += batch.count;
    if (elapsed() < pollux->warm)
        return;
    const int64_t now = flood_utc();
    for (size_t i = 0; i < batch.count; i += SAMPLED)
        ages_add(&pollux->ages, now - batch.items[i].sample.time);
}

static void pollux_open(Pollux *pollux, double step, size_t twins, const char *history)
{
    ErrText why = {""};
    char text[512], path[256];
    snprintf(text, sizeof text, plant_text, step, twins);
    snprintf(path, sizeof path, "%s", write_script("plant.lua", text));
    *pollux = (Pollux){.warm = INT64_MAX};
    const AppDef def = {.plant = path, .history = history, .quiet = true, .ticked = on_ticked, .self = pollux};
    if (app_create(&def, &pollux->app, &why))
        die(why.text);
    program_codegen_wait();
    const Plant *plant = pollux->app->plant;
    const WebsocketDef websocket = {.tags = plant->tags, .plant = plant->name, .step = plant->step, .speed = 1, .provider_clock = true};
    if (websocket_create(&websocket, &pollux->websocket))
        die("no memory");
    const ServerDef server = {.plant = plant, .devices = websocket_handler(pollux->websocket), .history = history};
    if (server_create(&server, &pollux->server, &why))
        die(why.text);
    app_serve(pollux->app, pollux->server, pollux->websocket);
    app_add_connector(pollux->app, (Connector){&websocket_connector, pollux->websocket});
}

static void pollux_close(Pollux *pollux)
{
    server_destroy(pollux->server);
    app_destroy(pollux->app);
    websocket_destroy(pollux->websocket);
}

static void pollux_turn(Pollux *pollux)
{
    App *app = pollux->app;
    if (!app_poll(app))
        app->def.clock->sleep_ns(app->def.clock->self, app_patience(app, 2 * NS_PER_MS));
}

static void check_lost(const Pollux *pollux)
{
    const ConnectorStats stats = websocket_connector.stats(pollux->websocket);
    const SyncCounters *counters = sync_counters(pollux->app->sync);
    if (stats.dropped + stats.refused + counters->late + counters->duplicate + counters->future + counters->dropped)
        fprintf(stderr, "bench_ingest: dropped %llu, refused %llu, late %llu, duplicate %llu, future %llu, lost %llu\n", (unsigned long long)stats.dropped,
                (unsigned long long)stats.refused, (unsigned long long)counters->late, (unsigned long long)counters->duplicate,
                (unsigned long long)counters->future, (unsigned long long)counters->dropped);
}

static Figures measure_pollux(FloodDef def, const char *history)
{
    Pollux pollux;
    pollux_open(&pollux, 0.001, def.twins, history);
    def.port = server_port(pollux.server);
    int out;
    Meter meter = {0};
    const pid_t client = start_client("send", &def, &out);
    while (!has_ended(client)) {
        pollux_turn(&pollux);
        meter_read(&meter, pollux.folded);
        pollux.warm = meter.warm ? meter.warm : INT64_MAX;
    }
    end_client(client, out);
    check_lost(&pollux);
    pollux_close(&pollux);
    Figures figures = meter_figures(&meter);
    figures.p50 = ages_quantile(&pollux.ages, 0.5);
    figures.p99 = ages_quantile(&pollux.ages, 0.99);
    figures.p999 = ages_quantile(&pollux.ages, 0.999);
    return figures;
}

static void measure_rates(const FloodDef *base)
{
    printf("| frames of | samples each | bare: samples/s | Pollux: samples/s | ratio | work for each, ns: bare | Pollux | "
           "p50, ms | p99, ms | p99.9, ms | at 84,000/s: p50, ms | p99, ms | p99.9, ms |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (int bulk = 0; bulk <= 1; bulk++)
        for (size_t i = 0; i < FRAME_COUNT; i++) {
            FloodDef def = *base;
            def.bulk = bulk;
            def.frame = FRAMES[i];
            const Figures bare = measure_bare(def), flood = measure_pollux(def, NULL);
            def.rate = KUKSA_RATE;
            const Figures calm = measure_pollux(def, NULL);
            printf("| %s | %zu | %.0f | %.0f | %.2f | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", bulk ? "pollux.v1.bin" : "JSON", def.frame,
                   bare.rate, flood.rate, flood.rate / bare.rate, bare.cost_ns, flood.cost_ns, flood.p50, flood.p99, flood.p999, calm.p50, calm.p99, calm.p999);
            fflush(stdout);
        }
}

static void measure_history(const FloodDef *base)
{
    char path[256];
    snprintf(path, sizeof path, "%s/history.db", folder);
    printf("\n| with a history | samples each | Pollux: samples/s | p50, ms | p99, ms |\n| --- | --- | --- | --- | --- |\n");
    for (int bulk = 0; bulk <= 1; bulk++) {
        FloodDef def = *base;
        def.bulk = bulk;
        def.frame = 256;
        const Figures figures = measure_pollux(def, path);
        printf("| %s | %zu | %.0f | %.2f | %.2f |\n", bulk ? "pollux.v1.bin" : "JSON", def.frame, figures.rate, figures.p50, figures.p99);
        fflush(stdout);
        char command[300];
        snprintf(command, sizeof command, "rm -f %s/history.db*", folder);
        if (system(command))
            die("the history cannot be removed");
    }
}

// From the socket to a subscriber.

static void measure_passing(const FloodDef *base)
{
    printf("\n| a sample reaches a subscriber, 84,000/s | samples each | samples seen | p50, ms | p99, ms | p99.9, ms |\n"
           "| --- | --- | --- | --- | --- | --- |\n");
    for (int bulk = 0; bulk <= 1; bulk++)
        for (size_t i = 0; i < 2; i++) {
            FloodDef def = *base, listener = *base;
            Pollux pollux;
            pollux_open(&pollux, 0.1, def.twins, NULL);
            def.port = listener.port = server_port(pollux.server);
            def.rate = KUKSA_RATE;
            def.frame = FRAMES[i];
            def.bulk = bulk;
            listener.bulk = true;
            int out, heard;
            const pid_t ears = start_client("listen", &listener, &heard), client = start_client("send", &def, &out);
            while (!has_ended(client) || !has_ended(ears))
                pollux_turn(&pollux);
            FILE *const answer = fdopen(dup(heard), "r");
            double p50, p99, p999;
            unsigned long long count;
            if (!answer || fscanf(answer, "%lf %lf %lf %llu", &p50, &p99, &p999, &count) != 4)
                die("the listener said nothing");
            fclose(answer);
            end_client(client, out);
            end_client(ears, heard);
            check_lost(&pollux);
            pollux_close(&pollux);
            printf("| %s | %zu | %llu | %.3f | %.3f | %.3f |\n", bulk ? "pollux.v1.bin" : "JSON", def.frame, count, p50, p99, p999);
            fflush(stdout);
        }
}

// Everything at once.

static void measure_burst(const FloodDef *base, size_t count)
{
    printf("\n| a burst in one tick | samples | folded in | lost | from the first to the tick's end, s |\n| --- | --- | --- | --- | --- |\n");
    for (int bulk = 0; bulk <= 1; bulk++) {
        FloodDef def = *base;
        Pollux pollux;
        def.twins = count / 2;
        def.frame = 250;
        def.bulk = bulk;
        def.count = count;
        def.seconds = 60;
        pollux_open(&pollux, 1, def.twins, NULL);
        def.port = server_port(pollux.server);
        int out;
        const pid_t client = start_client("send", &def, &out);
        int64_t first = 0, last = 0;
        while (!has_ended(client) && pollux.folded < count) {
            pollux_turn(&pollux);
            if (!first && sync_counters(pollux.app->sync)->samples)
                first = elapsed();
            last = elapsed();
        }
        kill(client, SIGTERM);
        waitpid(client, NULL, 0);
        close(out);
        check_lost(&pollux);
        printf("| %s | %zu | %llu | %lld | %.2f |\n", bulk ? "pollux.v1.bin" : "JSON", count, (unsigned long long)pollux.folded,
               (long long)count - (long long)pollux.folded, (double)(last - first) / 1e9);
        fflush(stdout);
        pollux_close(&pollux);
    }
}

int main(int argc, char **argv)
{
    if (argc == 10)
        return be_client(argv);
    const FloodDef base = {.seconds = argc > 1 ? atof(argv[1]) : 2, .twins = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024};
    const size_t burst = argc > 3 ? strtoul(argv[3], NULL, 10) : 2000000;
    ErrText why = {""};
    if (!mkdtemp(folder))
        die("no folder");
    log_set_level(LOG_ERROR);
    write_script("tank.lua", model_text);
    program_codegen(CODEGEN_AUTO, &why);
    program_thread_init();

    measure_rates(&base);
    measure_history(&base);
    measure_passing(&base);
    if (burst)
        measure_burst(&base, burst);

    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    program_codegen(CODEGEN_OFF, NULL);
    unit_forget_all();
    return system(command) ? EXIT_FAILURE : EXIT_SUCCESS;
}
