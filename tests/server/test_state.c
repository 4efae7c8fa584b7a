/* test_state.c -- the triple buffer: the newest is seen, what is seen stands still, and nobody waits. */
#include "server/state.h"

#include <pthread.h>

#include "rig.h"

static void capture(States *states, Rig *rig, int64_t tick)
{
    const ServerNow now = {.tick = tick, .time = tick};
    states_capture(states, rig->sync, &now);
}

START_TEST(the_newest_is_seen_and_stands_still)
{
    Rig *rig = rig_open();
    States states = {0};
    ck_assert_int_eq(states_init(&states, rig->plant), ERR_OK);
    ck_assert_uint_eq(states_newest(&states)->sequence, 0);

    capture(&states, rig, 1);
    capture(&states, rig, 2);
    const State *seen = states_newest(&states);
    ck_assert_int_eq(seen->now.tick, 2);
    for (int64_t tick = 3; tick < 10; tick++) {
        capture(&states, rig, tick);
        ck_assert_int_eq(seen->now.tick, 2);
    }
    ck_assert_int_eq(states_newest(&states)->now.tick, 9);
    ck_assert_int_eq(states_newest(&states)->now.tick, 9);
    states_fini(&states);
    rig_close(rig);
}
END_TEST

START_TEST(numbers_are_those_of_the_plant)
{
    Rig *rig = rig_open();
    for (int i = 0; i < 5; i++)
        rig_sample(rig, i, 31);
    States states = {0};
    ck_assert_int_eq(states_init(&states, rig->plant), ERR_OK);
    static const ServerConnection connections[CONNECTIONS_MAX + 5] = {[0] = {.name = "first"}, [CONNECTIONS_MAX] = {.name = "too many"}};
    const ServerNow now = {.tick = 4, .connections = connections, .connection_count = CONNECTIONS_MAX + 5};
    states_capture(&states, rig->sync, &now);
    const State *state = states_newest(&states);

    const TagId level = rig_tag(rig, "tank1.level"), gauge = rig_tag(rig, "tank1.gauge");
    Quality quality;
    ck_assert_double_eq(state->readings[level].value, plant_value(rig->plant, level));
    ck_assert_double_eq(state->readings[level].sd, plant_sd(rig->plant, level));
    ck_assert_int_eq(state->readings[level].time, TIME_NONE);
    ck_assert_double_eq(state->readings[gauge].value, 0.31);
    ck_assert(isnan(state->readings[gauge].sd));
    ck_assert_int_eq(state->readings[gauge].time, sync_sample_time(rig->sync, gauge, &quality));
    ck_assert_double_gt(state->sensors[0].sd, 0);
    ck_assert_str_eq(state->causes.bytes + state->twins[0].cause, sync_verdict(rig->sync, 0)->text);
    ck_assert_uint_eq(state->counters.used, sync_counters(rig->sync)->used);
    ck_assert_uint_eq(state->now.connection_count, CONNECTIONS_MAX);
    ck_assert_str_eq(state->now.connections[0].name, "first");
    states_fini(&states);
    rig_close(rig);
}
END_TEST

static _Atomic bool over;

static void *read_on(void *context)
{
    States *states = context;
    int64_t last = 0;
    while (!over) {
        const State *state = states_newest(states);
        ck_assert_int_ge(state->now.tick, last);
        ck_assert_int_eq(state->now.tick, state->now.time);
        ck_assert_int_eq(state->now.tick, (int64_t)state->sequence);
        last = state->now.tick;
    }
    return NULL;
}

START_TEST(two_threads_never_see_half_a_state)
{
    Rig *rig = rig_open();
    States states = {0};
    ck_assert_int_eq(states_init(&states, rig->plant), ERR_OK);
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_on, &states), 0);
    for (int64_t tick = 1; tick <= 20000; tick++)
        capture(&states, rig, tick);
    over = true;
    pthread_join(reader, NULL);
    ck_assert_int_eq(states_newest(&states)->now.tick, 20000);
    states_fini(&states);
    rig_close(rig);
}
END_TEST

/* Of a fleet the numbers of those are shown that somebody looks at, and the first few. */
START_TEST(of_a_fleet_is_shown_what_is_looked_at)
{
    enum { FLEET = 5000 };
    char model[512], path[512];
    Plant *plant;
    Sync *sync;
    ErrText why = {""};
    States states = {0};
    snprintf(model, sizeof model, "%s/dot.lua", kit_folder());
    snprintf(path, sizeof path, "%s/dots.lua", kit_folder());
    FILE *file = fopen(model, "w");
    fputs("return model 'dot' { states = { x = { 0, '1' } }, equations = function(t) t.x.rate = 0 * t.x / quantity(1, 's') end }", file);
    fclose(file);
    file = fopen(path, "w");
    fputs("return plant 'dots' { assets = { fleet('dot', 5000, 'dot', function(i) return { x = i } end) } }", file);
    fclose(file);
    ck_assert_msg(plant_load(path, 1, &plant, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(sync_create(plant, &sync), ERR_OK);
    ck_assert_int_eq(states_init(&states, plant), ERR_OK);

    states_watch(&states, FLEET - 1);
    states_capture(&states, sync, &(ServerNow){.tick = 1});
    const State *state = states_newest(&states);
    ck_assert_uint_eq(state->shown_count, SHOWN_FIRST + 1);
    ck_assert_int_eq(state_slot(state, 1000), -1);
    ck_assert_ptr_null(states_reading(&states, state, plant_tag(plant, 1000, 0)));
    ck_assert_double_eq(states_reading(&states, state, plant_tag(plant, FLEET - 1, 0))->value, FLEET);

    // the oldest looks are forgotten first
    for (uint32_t twin = 100; twin < 100 + SHOWN_MAX; twin++)
        states_watch(&states, twin);
    states_capture(&states, sync, &(ServerNow){.tick = 2});
    state = states_newest(&states);
    ck_assert_uint_eq(state->shown_count, SHOWN_MAX);
    ck_assert_int_eq(state_slot(state, FLEET - 1), -1);
    for (uint32_t twin = 100; twin < 100 + SHOWN_MAX; twin++)
        ck_assert_double_eq(states_reading(&states, state, plant_tag(plant, twin, 0))->value, twin + 1);
    states_fini(&states);
    sync_destroy(sync);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("server.state", of_a_fleet_is_shown_what_is_looked_at, the_newest_is_seen_and_stands_still, numbers_are_those_of_the_plant, two_threads_never_see_half_a_state)
