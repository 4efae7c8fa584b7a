/* test_feed.c -- what subscribers are told, without a socket: values are read from the frames, as a client would. */
#include "server/feed.h"

#include "base/random.h"
#include "rig.h"
#include "server/frames.h"

enum { TICKS = 300 };

/* A plant that moves, and what the server keeps of it. */
typedef struct Scene {
    Rig *rig;
    States states;
    Picture picture;
    Feeds feeds;
    Text text;
    int second;
} Scene;

static void scene_open(Scene *scene)
{
    rig_tanks = 4;
    *scene = (Scene){.rig = rig_open()};
    ck_assert_int_eq(states_init(&scene->states, scene->rig->plant), ERR_OK);
    ck_assert_int_eq(picture_init(&scene->picture, &scene->states), ERR_OK);
}

static void scene_close(Scene *scene)
{
    while (scene->feeds.first)
        feeds_drop(&scene->feeds, scene->feeds.first);
    picture_fini(&scene->picture);
    states_fini(&scene->states);
    text_fini(&scene->text);
    rig_close(scene->rig);
    rig_tanks = 1;
}

/* A tick, and everybody who watches takes it in. */
static void scene_step(Scene *scene, double cm)
{
    rig_sample(scene->rig, scene->second++, cm);
    const ServerNow now = {.tick = scene->rig->tick, .time = sync_now(scene->rig->sync)};
    states_capture(&scene->states, scene->rig->sync, &now);
    if (!picture_take(&scene->picture, &scene->states, states_newest(&scene->states)))
        feeds_follow(&scene->feeds, &scene->states, &scene->picture);
    for (Feed *feed = scene->feeds.first; feed; feed = feed->next)
        feed_take(feed, scene->rig->plant, &scene->picture);
}

static double walk(Scene *scene)
{
    return 40 + 10 * sin(0.05 * scene->second) + 0.3 * random_normal(7, 1, (uint64_t)scene->second);
}

static Feed *feed_of(Scene *scene, const char *pattern, double dead_band)
{
    const Wish wish = {.tags = &pattern, .tag_count = 1, .dead_band = dead_band};
    Feed *feed = feeds_get(&scene->feeds, &wish, &scene->states, &scene->picture);
    ck_assert_ptr_nonnull(feed);
    return feed;
}

/* What a client does with a frame: newer values take the place of older ones. */
static void tell(Scene *scene, const Feed *feed, uint64_t after, json_t *client)
{
    const TickFrame frame = {.plant = scene->rig->plant, .states = &scene->states, .state = states_newest(&scene->states), .picture = &scene->picture,
                             .feed = feed, .after = after};
    text_clear(&scene->text);
    frame_tick(&scene->text, &frame);
    json_t *value = rig_parse(scene->text.bytes);
    ck_assert_uint_eq((uint64_t)json_integer_value(json_object_get(value, "revision")), scene->picture.revision);
    ck_assert_int_eq(json_object_update(client, json_object_get(value, "values")), 0);
    json_decref(value);
}

static double value_of(const json_t *client, const char *tag)
{
    return json_number_value(json_array_get(json_object_get(client, tag), 0));
}

START_TEST(equal_wishes_share_a_feed_and_others_do_not)
{
    Scene scene;
    scene_open(&scene);
    Feed *feed = feed_of(&scene, "tank*.level", 0);
    ck_assert_ptr_eq(feed_of(&scene, "tank*.level", 0), feed);
    ck_assert_ptr_ne(feed_of(&scene, "tank*.level", 0.5), feed);
    ck_assert_ptr_ne(feed_of(&scene, "tank1.level", 0), feed);
    const char *both[] = {"tank", "*.level"};
    const Wish two = {.tags = both, .tag_count = 2};
    ck_assert_ptr_ne(feeds_get(&scene.feeds, &two, &scene.states, &scene.picture), feed);
    scene_close(&scene);
}
END_TEST

START_TEST(a_feed_picks_the_tags_that_fit_and_no_other)
{
    Scene scene;
    scene_open(&scene);
    scene_step(&scene, 40);
    const Feed *feed = feed_of(&scene, "tank*.level", 0);
    ck_assert_uint_eq(feed->pick_count, 4);
    json_t *client = json_object();
    tell(&scene, feed, 0, client);
    ck_assert_uint_eq(json_object_size(client), 4);
    for (int i = 1; i <= 4; i++) {
        char tag[32];
        snprintf(tag, sizeof tag, "tank%d.level", i);
        ck_assert_double_eq_tol(value_of(client, tag), 100 * plant_value(scene.rig->plant, rig_tag(scene.rig, tag)), 1e-9);
        ck_assert(feed_picks(feed, rig_tag(scene.rig, tag)));
    }
    ck_assert(!feed_picks(feed, rig_tag(scene.rig, "tank1.gauge")));
    ck_assert(feed_concerns(feed, "tank3"));
    ck_assert(!feed_concerns(feed, "pump1"));
    ck_assert(feed_concerns(feed_of(&scene, "tank*", 0), "tank3"));
    ck_assert(!feed_concerns(feed_of(&scene, "tank2.*", 0), "tank3"));
    json_decref(client);
    scene_close(&scene);
}
END_TEST

START_TEST(no_value_strays_further_than_the_dead_band_from_what_was_told)
{
    static const double bands[] = {0.01, 0.5, 3, 100};
    for (size_t i = 0; i < sizeof bands / sizeof *bands; i++) {
        Scene scene;
        scene_open(&scene);
        scene_step(&scene, walk(&scene));
        Feed *feed = feed_of(&scene, "tank1.level", bands[i]);
        json_t *client = json_object();
        tell(&scene, feed, 0, client);
        uint64_t told = scene.picture.revision;
        int frames = 0;
        for (int tick = 0; tick < TICKS; tick++) {
            scene_step(&scene, walk(&scene));
            if (feed_has_changed(feed, &scene.picture, told)) {
                tell(&scene, feed, told, client);
                told = scene.picture.revision;
                frames++;
            }
            const double now = 100 * plant_value(scene.rig->plant, rig_tag(scene.rig, "tank1.level"));
            ck_assert_double_le(fabs(now - value_of(client, "tank1.level")), bands[i] + 1e-9);
        }
        // the level goes up and down by some ten centimetres
        ck_assert(bands[i] < 10 ? frames > 0 : frames == 0);
        ck_assert_int_lt(frames, TICKS);
        json_decref(client);
        scene_close(&scene);
    }
}
END_TEST

/* One client stays and is told at every tick; the other goes at a random one and comes back later: then both know the same. */
static void comes_back(const char *pattern, double dead_band, uint64_t seed)
{
    Scene scene;
    scene_open(&scene);
    scene_step(&scene, walk(&scene));
    Feed *feed = feed_of(&scene, pattern, dead_band);
    json_t *stayed = json_object(), *away = json_object();
    const uint64_t gone = (uint64_t)(TICKS * random_uniform(seed, 1, 0)), back = gone + (uint64_t)(TICKS * random_uniform(seed, 2, 0));
    uint64_t stayed_at = 0, away_at = 0;
    for (uint64_t tick = 0; tick <= back; tick++) {
        scene_step(&scene, walk(&scene));
        tell(&scene, feed, stayed_at, stayed);
        stayed_at = scene.picture.revision;
        if (tick <= gone) {
            tell(&scene, feed, away_at, away);
            away_at = scene.picture.revision;
        }
    }
    tell(&scene, feed, feed_resume(feed, away_at), away);
    ck_assert(json_equal(stayed, away));
    json_decref(stayed);
    json_decref(away);
    scene_close(&scene);
}

START_TEST(who_comes_back_has_the_picture_of_who_stayed)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        comes_back("*", 0, seed);
        comes_back("tank*.level", 0.7, 100 + seed);
    }
}
END_TEST

START_TEST(a_feed_that_does_not_know_what_was_told_tells_all)
{
    Scene scene;
    scene_open(&scene);
    scene_step(&scene, 40);
    Feed *feed = feed_of(&scene, "tank1.level", 1);
    const uint64_t told = scene.picture.revision;
    ck_assert_uint_eq(feed_resume(feed, told), told);
    feeds_drop(&scene.feeds, feed);

    // within the band of what is now, and twice as far from what the client was told
    scene_step(&scene, 40);
    feed = feed_of(&scene, "tank1.level", 1);
    ck_assert_uint_eq(feed_resume(feed, told), 0);
    scene_close(&scene);
}
END_TEST

START_TEST(revisions_rise_over_a_restart)
{
    Scene scene;
    scene_open(&scene);
    for (int i = 0; i < 50; i++)
        scene_step(&scene, 40);
    const uint64_t last = scene.picture.revision;
    sleep_ms(60);
    Picture picture = {0};
    ck_assert_int_eq(picture_init(&picture, &scene.states), ERR_OK);
    ck_assert_uint_gt(picture.since, last);
    picture_fini(&picture);
    scene_close(&scene);
}
END_TEST

KIT_MAIN("server.feed", equal_wishes_share_a_feed_and_others_do_not, a_feed_picks_the_tags_that_fit_and_no_other,
         no_value_strays_further_than_the_dead_band_from_what_was_told, who_comes_back_has_the_picture_of_who_stayed,
         a_feed_that_does_not_know_what_was_told_tells_all, revisions_rise_over_a_restart)
