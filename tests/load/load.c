/* load.c -- what it costs to be watched, beside npm's `ws` where there is something to compare; scripts/load starts it.
 *
 * load SUBJECT SECONDS [COUNT] [FOLDER]: crowd, fanout, values or request; FOLDER is where ws_server.mjs finds `ws`. Pollux runs in this process as `pollux
 * serve` does (a service thread, the tick's thread), the clients in a process of their own, and so does `ws`. Markdown.
 *
 * Pollux and `ws` are measured in turn, ROUNDS times, with the same client, and the median of each is told: other load on the machine meets both. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/app.h"
#include "load/request.h"
#include "load/watch.h"

enum { ROUNDS = 3, FANOUT = 1000, VALUES = 100, LEAVES = 10000, REQUESTS_HZ = 2000 };
#define WARM_S 1.0

static const char model_text[] =
    "return model \"swing\" {\n"
    "  doc = \"Something that never stands still\", states = { x = { 1, \"m\", sd = 0.1, noise = 1e-3 }, v = { 0, \"m/s\", sd = 0.1, noise = 1e-3 } },\n"
    "  params = { k = { 1, \"1/s^2\" } },\n"
    "  equations = function(t) t.x.rate = t.v; t.v.rate = -t.k * t.x end,\n"
    "}\n";
static const char plant_text[] = "return plant \"swings\" { step = %g, clock = \"utc\", assets = { fleet(\"swing\", %zu, \"swing\", function(i) return {} end) } }\n";

static char folder[] = "/tmp/pollux_load.XXXXXX";
static const char *ws_folder;

_Noreturn static void die(const char *why)
{
    fprintf(stderr, "load: %s\n", why);
    exit(EXIT_FAILURE);
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

// Processes: clients are this program once more, `ws` is Node.

typedef struct Child {
    pid_t id;
    FILE *out;
    int in;
} Child;

static Child start(const char *const *words)
{
    int out[2], in[2];
    if (pipe(out) || pipe(in))
        die("no pipe");
    const pid_t id = fork();
    if (id == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(in[0], STDIN_FILENO);
        close(in[1]);
        close(out[0]);
        execvp(words[0], (char *const *)words);
        _exit(EXIT_FAILURE);
    }
    close(out[1]);
    close(in[0]);
    return (Child){id, fdopen(out[0], "r"), in[1]};
}

/* Returns how long it has worked, in µs. */
static double end(Child *child)
{
    int status;
    struct rusage usage;
    close(child->in);
    fclose(child->out);
    wait4(child->id, &status, 0, &usage);
    if (status)
        die("a process failed");
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* How long this process has worked, in µs. */
static double worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e6 * (double)time.tv_sec + (double)time.tv_nsec / 1e3;
}

static bool has_ended(const Child *child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child->id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->id;
}

static Child start_watch(const WatchDef *def)
{
    char port[16], count[24], seconds[32];
    snprintf(port, sizeof port, "%d", def->port);
    snprintf(count, sizeof count, "%zu", def->count);
    snprintf(seconds, sizeof seconds, "%g", def->seconds);
    const char *words[] = {"/proc/self/exe", "watch", port, def->path, def->protocol ? def->protocol : "", def->say ? def->say : "", count, seconds, NULL};
    return start(words);
}

static int be_watch(char **words)
{
    const WatchDef def = {.port = atoi(words[2]), .path = words[3], .protocol = *words[4] ? words[4] : NULL, .say = *words[5] ? words[5] : NULL,
                          .count = strtoul(words[6], NULL, 10), .warm_s = WARM_S, .seconds = atof(words[7])};
    const Watched watched = watch(&def);
    printf("%zu %zu %llu %llu %llu %llu %llu %.17g %.17g\n", watched.connected, watched.dropped, (unsigned long long)watched.all, (unsigned long long)watched.frames, (unsigned long long)watched.bytes,
           (unsigned long long)watched.least, (unsigned long long)watched.most, watched.values_per_frame, watched.seconds);
    return 0;
}

static Watched read_watched(Child *child)
{
    Watched watched;
    unsigned long long all, frames, bytes, least, most;
    if (fscanf(child->out, "%zu %zu %llu %llu %llu %llu %llu %lg %lg", &watched.connected, &watched.dropped, &all, &frames, &bytes, &least, &most, &watched.values_per_frame,
               &watched.seconds) != 9)
        die("the clients said nothing");
    watched.all = all;
    watched.frames = frames;
    watched.bytes = bytes;
    watched.least = least;
    watched.most = most;
    end(child);
    return watched;
}

static int be_request(char **words)
{
    const RequestDef def = {.port = atoi(words[2]), .path = words[3], .connections = 32, .rate_hz = REQUESTS_HZ, .warm_s = WARM_S, .seconds = atof(words[4])};
    const Latencies got = request_leaf(&def);
    printf("%zu %zu %.17g %.17g %.17g %.17g\n", got.count, got.failed, got.p50_ms, got.p99_ms, got.max_ms, got.rate_hz);
    return 0;
}

// Pollux.

typedef struct Pollux {
    App *app;
    Websocket *websocket;
    Server *server;
} Pollux;

static Pollux pollux_open(double step, size_t swings, double frame_rate_max)
{
    Pollux pollux;
    ErrText why = {""};
    char text[512], path[256];
    write_script("swing.lua", model_text);
    snprintf(text, sizeof text, plant_text, step, swings);
    snprintf(path, sizeof path, "%s", write_script("plant.lua", text));
    const AppDef def = {.plant = path, .speed = 1, .quiet = true};
    if (app_create(&def, &pollux.app, &why))
        die(why.text);
    const Plant *plant = pollux.app->plant;
    const WebsocketDef websocket = {.tags = plant->tags, .plant = plant->name, .step = plant->step, .speed = 1};
    if (websocket_create(&websocket, &pollux.websocket))
        die("no memory");
    const ServerDef server = {.plant = plant, .devices = websocket_handler(pollux.websocket), .frame_rate_max = frame_rate_max};
    if (server_create(&server, &pollux.server, &why))
        die(why.text);
    app_serve(pollux.app, pollux.server, pollux.websocket);
    app_add_connector(pollux.app, (Connector){&websocket_connector, pollux.websocket});
    return pollux;
}

static void pollux_close(Pollux *pollux)
{
    server_destroy(pollux->server);
    app_destroy(pollux->app);
    websocket_destroy(pollux->websocket);
}

static void run_until(Pollux *pollux, const Child *child)
{
    App *app = pollux->app;
    while (!has_ended(child))
        if (!app_poll(app))
            app->def.clock->sleep_ns(app->def.clock->self, app_patience(app, 2 * NS_PER_MS));
}

static void subscription(size_t tags, char *out, size_t room)
{
    // of 100 swings all: one pattern
    if (tags == VALUES) {
        snprintf(out, room, "{\"topic\":\"subscribe\",\"value\":{\"tags\":[\"*.x\"]}}");
        return;
    }
    size_t length = (size_t)snprintf(out, room, "{\"topic\":\"subscribe\",\"value\":{\"tags\":[");
    for (size_t i = 1; i <= tags; i++)
        length += (size_t)snprintf(out + length, room - length, "%s\"swing_%03zu.x\"", i > 1 ? "," : "", i);
    snprintf(out + length, room - length, "]}}");
}

/* `work` is what a frame cost, in µs of the server's process. */
static Watched watch_pollux(size_t tags, double seconds, double *work)
{
    char say[512];
    subscription(tags, say, sizeof say);
    Pollux pollux = pollux_open(0.001, VALUES, 1e6);
    const WatchDef def = {.port = server_port(pollux.server), .path = "/api/v1/ws", .protocol = "pollux.v1.json", .say = say, .count = FANOUT, .seconds = seconds};
    const double before = worked();
    Child child = start_watch(&def);
    run_until(&pollux, &child);
    pollux_close(&pollux);
    const Watched watched = read_watched(&child);
    *work = (worked() - before) / (double)watched.all;
    return watched;
}

static Watched watch_ws(size_t bytes, size_t messages, double seconds, double *work)
{
    char clients[24], size[24], count[24], script[512];
    snprintf(clients, sizeof clients, "%d", FANOUT);
    snprintf(size, sizeof size, "%zu", bytes);
    snprintf(count, sizeof count, "%zu", messages);
    snprintf(script, sizeof script, "%s/ws_server.mjs", ws_folder);
    const char *words[] = {"node", script, clients, size, count, NULL};
    Child server = start(words);
    int port;
    if (fscanf(server.out, "%d", &port) != 1)
        die("node did not start: is npm's ws there?");
    const WatchDef def = {.port = port, .path = "/", .count = FANOUT, .seconds = seconds};
    Child child = start_watch(&def);
    const Watched watched = read_watched(&child);
    *work = end(&server) / (double)watched.all;
    return watched;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

// Subjects.

/* `tags` values to all: a frame of Pollux, and of `ws` one as large for a few, or a message for each. */
static void measure_frames(size_t tags, bool one_each, double seconds)
{
    double ours[ROUNDS], theirs[ROUNDS], our_work[ROUNDS], their_work[ROUNDS], size = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const Watched pollux = watch_pollux(tags, seconds, &our_work[i]);
        if (!pollux.frames)
            die("no frame came");
        size = (double)pollux.bytes / (double)pollux.frames;
        const Watched ws = watch_ws(one_each ? 0 : (size_t)size, one_each ? tags : 1, seconds, &their_work[i]);
        ours[i] = (double)pollux.frames * (one_each ? pollux.values_per_frame : 1) / pollux.seconds;
        theirs[i] = (double)ws.frames / ws.seconds;
    }
    const double a = median(ours), b = median(theirs);
    printf("| %d | %.0f | %.0f | %.0f | %.2f | %.1f | %.1f |\n", FANOUT, size, a, b, a / b, median(our_work), median(their_work));
}

static double resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
        die("/proc/self/statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* Many who watch, each told once a second. Returns whether all heard everything. */
static bool measure_crowd(double seconds, size_t count)
{
    watch_raise_files(count + 256);
    Pollux pollux = pollux_open(1, VALUES, 0);
    const double before = resident_kib();
    const WatchDef def = {.port = server_port(pollux.server), .path = "/api/v1/ws", .protocol = "pollux.v1.json", .count = count, .seconds = seconds,
                          .say = "{\"topic\":\"subscribe\",\"value\":{\"tags\":[\"swing_001.*\"]}}"};
    Child child = start_watch(&def);
    run_until(&pollux, &child);
    const double after = resident_kib();
    pollux_close(&pollux);
    const Watched watched = read_watched(&child);
    printf("| %zu | %zu | %zu | %llu to %llu | %.0f | %.1f |\n", count, watched.connected, watched.dropped, (unsigned long long)watched.least,
           (unsigned long long)watched.most, (double)watched.frames / watched.seconds, (after - before) / (double)count);
    return watched.dropped == 0 && watched.connected == count && (double)watched.least >= floor(seconds) - 1;
}

static bool measure_request(double seconds)
{
    Pollux pollux = pollux_open(0.1, LEAVES, 0);
    char port[16], time[32];
    snprintf(port, sizeof port, "%d", server_port(pollux.server));
    snprintf(time, sizeof time, "%g", seconds);
    const char *words[] = {"/proc/self/exe", "request", port, "/api/v1/twins/swing_00001/x", time, NULL};
    Child child = start(words);
    run_until(&pollux, &child);
    pollux_close(&pollux);
    Latencies got;
    if (fscanf(child.out, "%zu %zu %lg %lg %lg %lg", &got.count, &got.failed, &got.p50_ms, &got.p99_ms, &got.max_ms, &got.rate_hz) != 6)
        die("the requests said nothing");
    end(&child);
    printf("| %d | %.0f | %zu | %.2f | %.2f | %.2f |\n", LEAVES, got.rate_hz, got.failed, got.p50_ms, got.p99_ms, got.max_ms);
    return got.failed == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "watch") == 0)
        return be_watch(argv);
    if (argc > 1 && strcmp(argv[1], "request") == 0 && argc == 5)
        return be_request(argv);
    if (argc < 4 || !mkdtemp(folder))
        die("load SUBJECT SECONDS COUNT [FOLDER]");
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    const double seconds = atof(argv[2]);
    ws_folder = argc > 4 ? argv[4] : ".";
    bool good = true;
    if (strcmp(argv[1], "crowd") == 0)
        good = measure_crowd(seconds, strtoul(argv[3], NULL, 10));
    else if (strcmp(argv[1], "fanout") == 0)
        measure_frames(2, false, seconds);
    else if (strcmp(argv[1], "values") == 0)
        measure_frames(VALUES, true, seconds);
    else if (strcmp(argv[1], "leaf") == 0)
        good = measure_request(seconds);
    else
        die("expected crowd, fanout, values or leaf");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
