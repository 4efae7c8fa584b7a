/* through.c -- the emulated plant behind the peers of its connectors: the plant's own connectors, turned round, are its instruments. */
#include <math.h>
#include <string.h>

#include "app/commands.h"
#include "app/emulate.h"
#include "app/ways.h"

static const int64_t NAP_NS = NS_PER_MS;  // between two looks at what has arrived

typedef struct Through {
    Castor *castor;
    const Plant *plant;
    Connector connector;
    double *told;   // by tag: what an actuator was told last
    uint64_t sent;  // to instruments
    bool quiet;
} Through;

static void obey(Through *through, const Sample *sample)
{
    if (sample->quality == QUALITY_BAD || through->told[sample->tag] == sample->value)
        return;
    through->told[sample->tag] = sample->value;

    ErrText why;
    const Unit *unit = tags_get(through->plant->tags, sample->tag).unit;
    const TagName name = tags_name(through->plant->tags, sample->tag);
    if (castor_command(through->castor, sample->tag, sample->value, &why))
        log_write(LOG_WARNING, "emulate", "%s is not obeyed: %s", name.text, why.text);
    else if (!through->quiet)
        log_write(LOG_INFO, "emulate", "%s = %.6g %s", name.text, unit_from_si(unit, sample->value), unit_name(unit));
}

static void take_orders(Through *through)
{
    enum { ROOM = 256 };
    Arrival arrivals[ROOM];
    for (size_t count; (count = through->connector.type->poll(through->connector.self, arrivals, ROOM));)
        for (size_t i = 0; i < count; i++)
            if (arrivals[i].kind == ARRIVAL_SAMPLE)
                obey(through, &arrivals[i].sample);
            else if (!through->quiet && arrivals[i].kind != ARRIVAL_OUTCOME)
                ways_tell(through->connector.self, &through->connector, &arrivals[i]);
}

static void wait_until(Through *through, int64_t due)
{
    do {
        take_orders(through);
        const int64_t left = due - clock_system.elapsed_ns(clock_system.self);
        if (left > 0)
            clock_system.sleep_ns(clock_system.self, left < NAP_NS ? left : NAP_NS);
    } while (!stop_asked && clock_system.elapsed_ns(clock_system.self) < due);
}

/* An instrument shows its newest value: what its way cannot take until the next step is superseded by then. */
static void show(Through *through, const Sample *samples, size_t count, int64_t due)
{
    for (size_t i = 0; i < count; i++) {
        const CommandWish wish = {.tag = samples[i].tag, .value = samples[i].value};
        const Command command = {.id = ++through->sent, .wish = wish, .time = samples[i].time, .deadline = INT64_MAX};
        while (through->connector.type->send(through->connector.self, &command) == ERR_FULL && clock_system.elapsed_ns(clock_system.self) < due)
            clock_system.sleep_ns(clock_system.self, NAP_NS);
    }
}

static Err run(Through *through, ErrText *why)
{
    const int64_t started = clock_system.elapsed_ns(clock_system.self), first = clock_system.utc_ns(clock_system.self);
    castor_begin(through->castor, first);
    while (!stop_asked) {
        const Err err = castor_step(through->castor, why);
        if (err)
            return err;
        const int64_t due = started + castor_time(through->castor) - first;
        wait_until(through, due);
        if (!through->quiet)
            emulate__tell_fault(through->castor);
        size_t count;
        const Sample *samples = castor_samples(through->castor, &count);
        show(through, samples, count, due + through->plant->step_ns);
    }
    return ERR_OK;
}

/* "line,plc" */
static size_t split(char *names, const char **out, size_t room)
{
    size_t count = 0;
    char *rest = names;
    for (char *name; count < room && (name = strsep(&rest, ","));)
        out[count++] = name;
    return count;
}

Err emulate__through(Castor *castor, const char *names, bool quiet, ErrText *why)
{
    Arena arena = {0};
    Ways *ways = NULL;
    const char *list[PLANT_CONNECTORS_MAX];
    const Plant *plant = castor_plant(castor);
    char *copy = arena_text(&arena, names);
    double *told = arena_new(&arena, double, tags_count(plant->tags) + 1);
    Err err = copy && told ? ERR_OK : err_set(why, ERR_MEMORY, "no memory");
    for (TagId tag = 0; !err && tag < tags_count(plant->tags); tag++)
        told[tag] = NAN;

    if (!err)
        err = ways_open_turned(plant, list, split(copy, list, PLANT_CONNECTORS_MAX), &ways, why);
    if (!err) {
        Through through = {.castor = castor, .plant = plant, .connector = ways_connector(ways), .told = told, .quiet = quiet};
        err = run(&through, why);
    }
    ways_destroy(ways);
    arena_fini(&arena);
    return err;
}
