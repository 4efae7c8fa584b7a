#include "sync/feeds.h"

enum { TWINS = 5, TICKS = 8, SAMPLES_MAX = 64 };

/* A plant as it was loaded, for many runs from the same beginning. */
typedef struct Origin {
    Plant *plant;
    void *bytes;
} Origin;

static Origin origin_open(int twins, size_t threads)
{
    Origin origin = {.plant = plants_fleet(twins, threads)};
    origin.bytes = mem_alloc(plant_snapshot_size(origin.plant));
    ck_assert_ptr_nonnull(origin.bytes);
    plant_snapshot(origin.plant, origin.bytes);
    return origin;
}

static Feed origin_feed(const Origin *origin)
{
    ErrText why;
    ck_assert_int_eq(plant_restore(origin->plant, origin->bytes, plant_snapshot_size(origin->plant), &why), ERR_OK);
    return feeds_open(origin->plant);
}

static void origin_close(Origin *origin)
{
    mem_free(origin->bytes);
    plant_destroy(origin->plant);
}

// --- order ---------------------------------------------------------------------------------------------------------

static size_t random_samples(const Plant *plant, uint64_t seed, Sample *out)
{
    const size_t count = 1 + (size_t)(random_uniform(seed, 0, 0) * (SAMPLES_MAX - 1));
    const int encoder = model_find(plant_model(plant, 0), "encoder");
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        random_words(seed, 1, i, words);
        out[i] = (Sample){.time = FEEDS_START + (int64_t)(random_uniform(seed, 2, i) * TICKS * (double)plant->step_ns), .value = 0.2 + 0.05 * random_normal(seed, 3, i),
                          .tag = plant_tag(plant, words[0] % TWINS, (uint16_t)encoder)};
    }
    return count;
}

static void shuffle(uint64_t seed, Sample *samples, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        const size_t other = (size_t)(random_uniform(seed, 4, i) * (double)i);
        const Sample kept = samples[i - 1];
        samples[i - 1] = samples[other];
        samples[other] = kept;
    }
}

/* Hash over all ticks when the samples are filed in this order, all at once or each before its tick runs. */
static uint64_t hash_of(const Origin *origin, const Sample *samples, size_t count, bool at_once)
{
    Feed feed = origin_feed(origin);
    uint64_t hash = 0;
    size_t folded = 0;
    sync_begin(feed.sync, FEEDS_START);
    for (int tick = 0; tick < TICKS; tick++) {
        for (size_t i = 0; i < count; i++)
            if (at_once ? tick == 0 : (samples[i].time - FEEDS_START) / origin->plant->step_ns == tick)
                ck_assert_int_eq(feeds_sample(&feed, FEEDS_PROVIDER, samples[i]).fate, FATE_USED);
        folded += feeds_tick(&feed);
        hash = hash_bytes(hash, &(uint64_t){plant_hash(feed.plant)}, sizeof hash);
    }
    ck_assert_uint_eq(folded, count);
    sync_destroy(feed.sync);
    return hash;
}

START_TEST(the_order_of_arrival_changes_nothing)
{
    Origin origin = origin_open(TWINS, 1);
    uint64_t last = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        Sample samples[SAMPLES_MAX];
        const size_t count = random_samples(origin.plant, seed, samples);
        const uint64_t expected = hash_of(&origin, samples, count, true);
        for (uint64_t again = 0; again < 3; again++) {
            shuffle(seed * 3 + again, samples, count);
            ck_assert_uint_eq(hash_of(&origin, samples, count, again % 2), expected);
        }
        ck_assert_uint_ne(expected, last);
        last = expected;
    }
    origin_close(&origin);
}
END_TEST

START_TEST(samples_of_one_tick_are_folded_in_by_time)
{
    // where samples are folded in by time, exchanging their times is another story than exchanging their arrival
    Origin origin = origin_open(2, 1);
    uint64_t hashes[3];
    for (int kind = 0; kind < 3; kind++) {
        const double values[2] = {0.3, 0.1}, times[2] = {0.01, 0.1};
        Feed feed = origin_feed(&origin);
        sync_begin(feed.sync, FEEDS_START);
        for (int i = 0; i < 2; i++) {
            const int sample = kind == 1 ? 1 - i : i;
            feeds_good(&feed, "p0001.encoder", times[kind == 2 ? 1 - sample : sample], values[sample]);
        }
        ck_assert_uint_eq(feeds_tick(&feed), 2);
        hashes[kind] = plant_hash(feed.plant);
        ck_assert_double_eq(plant_value(feed.plant, plants_tag(feed.plant, "p0001.encoder")), kind == 2 ? 0.3 : 0.1);  // the newest
        sync_destroy(feed.sync);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_uint_ne(hashes[0], hashes[2]);
    origin_close(&origin);
}
END_TEST

START_TEST(a_crowded_tick_has_the_same_bits_on_any_number_of_threads)
{
    uint64_t hashes[3];
    for (size_t threads = 1; threads <= 3; threads++) {
        Feed feed = feeds_open(plants_fleet(200, threads));
        sync_begin(feed.sync, FEEDS_START);
        const int encoder = model_find(plant_model(feed.plant, 0), "encoder");
        hashes[threads - 1] = 0;
        for (int tick = 0; tick < 40; tick++) {
            size_t filed = 0;
            for (uint32_t twin = 0; twin < 200; twin++)
                for (uint64_t n = 0; n < (twin * 7 + (uint32_t)tick) % 4; n++, filed++)
                    feeds_sample(&feed, FEEDS_PROVIDER, (Sample){.time = FEEDS_START + tick * feed.plant->step_ns + (int64_t)n * 1000 + twin, .value = 0.3 * random_normal(n, twin, (uint64_t)tick),
                                                                 .tag = plant_tag(feed.plant, twin, (uint16_t)encoder)});
            ck_assert_uint_eq(feeds_tick(&feed), filed);
            hashes[threads - 1] = hash_bytes(hashes[threads - 1], &(uint64_t){plant_hash(feed.plant)}, sizeof(uint64_t));
        }
        feeds_close(&feed);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_uint_eq(hashes[0], hashes[2]);
}
END_TEST

// --- fates ---------------------------------------------------------------------------------------------------------

START_TEST(what_cannot_be_used_is_counted_and_changes_nothing)
{
    uint64_t hashes[2];
    for (int spoilt = 0; spoilt < 2; spoilt++) {
        Feed feed = feeds_open(plants_fleet(2, 1));
        const TagId tag = plants_tag(feed.plant, "p0001.encoder");
        sync_begin(feed.sync, FEEDS_START);
        feeds_good(&feed, "p0001.encoder", 0.01, 0.21);
        feeds_tick(&feed);
        feeds_good(&feed, "p0001.encoder", 0.13, 0.22);
        if (spoilt) {
            const Filed late = feeds_good(&feed, "p0001.encoder", 0.02, 9), duplicate = feeds_good(&feed, "p0001.encoder", 0.13, 9), future = feeds_good(&feed, "p0001.encoder", 8 * 86400, 9);
            const Filed bad = feeds_sample(&feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(0.14), .value = 9, .tag = tag, .quality = QUALITY_BAD});
            ck_assert_int_eq(late.fate, FATE_LATE);
            ck_assert_int_eq(duplicate.fate, FATE_DUPLICATE);
            ck_assert_int_eq(future.fate, FATE_FUTURE);
            ck_assert_int_eq(bad.fate, FATE_BAD);
            ck_assert_int_eq(late.tick, -1);
            ck_assert_int_eq(duplicate.tick, -1);
            ck_assert_int_eq(future.tick, -1);
            ck_assert_int_eq(bad.tick, -1);
            ck_assert_uint_eq(bad.seq, 6);
            const SyncCounters *counters = sync_counters(feed.sync);
            ck_assert_uint_eq(counters->samples, 6);
            ck_assert_uint_eq(counters->used, 2);
            ck_assert_uint_eq(counters->late, 1);
            ck_assert_uint_eq(counters->duplicate, 1);
            ck_assert_uint_eq(counters->future, 1);
            ck_assert_uint_eq(counters->bad, 1);
            ck_assert_uint_eq(counters->dropped, 0);
        }
        ck_assert_uint_eq(feeds_tick(&feed), 1);
        hashes[spoilt] = plant_hash(feed.plant);
        feeds_close(&feed);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
}
END_TEST

START_TEST(uncertain_samples_are_used_and_shown_once_they_are)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    Quality quality;
    const TagId tag = plants_tag(feed.plant, "p0001.encoder");
    const Filed filed = feeds_sample(&feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(1), .value = 0.2, .tag = tag, .quality = QUALITY_UNCERTAIN});
    ck_assert_int_eq(filed.fate, FATE_USED);
    ck_assert_int_eq(sync_sample_time(feed.sync, tag, &quality), TIME_NONE);
    feeds_tick(&feed);
    ck_assert_int_eq(sync_sample_time(feed.sync, tag, &quality), feeds_at(1));
    ck_assert_int_eq(quality, QUALITY_UNCERTAIN);
    feeds_close(&feed);
}
END_TEST

START_TEST(the_same_time_of_another_tag_is_no_duplicate)
{
    Feed feed = feeds_open(plants_fleet(3, 1));
    ck_assert_int_eq(feeds_good(&feed, "p0001.encoder", 1, 0.2).fate, FATE_USED);
    ck_assert_int_eq(feeds_good(&feed, "p0002.encoder", 1, 0.2).fate, FATE_USED);
    ck_assert_int_eq(feeds_good(&feed, "p0001.encoder", 1.000000001, 0.2).fate, FATE_USED);
    ck_assert_int_eq(feeds_good(&feed, "p0001.encoder", 1, 0.2).fate, FATE_DUPLICATE);
    feeds_close(&feed);
}
END_TEST

START_TEST(names_are_those_of_the_protocol)
{
    ck_assert_str_eq(fate_name(FATE_USED), "used");
    ck_assert_str_eq(fate_name(FATE_BAD), "bad");
    ck_assert_str_eq(verdict_name(VERDICT_NONE), "none");
    ck_assert_str_eq(verdict_name(VERDICT_SILENCE), "silence");
    ck_assert_str_eq(sensor_quality_name(SENSOR_GOOD), "good");
    ck_assert_str_eq(sensor_quality_name(SENSOR_SILENT), "silent");
}
END_TEST

START_TEST(an_input_acts_from_the_next_step_on)
{
    Feed feed = feeds_open(plants_load("return plant 'works' { step = 0.5, clock = 'provider', assets = { a = { 'tank' } } }", 1));
    sync_begin(feed.sync, FEEDS_START);
    feeds_good(&feed, "a.inflow", 0.1, 1e-3);
    const double before = *plants_cell(feed.plant, "a.level");
    feeds_tick(&feed);
    const double first = *plants_cell(feed.plant, "a.level") - before;
    ck_assert_double_eq(*plants_cell(feed.plant, "a.inflow"), 1e-3);
    feeds_tick(&feed);
    const double second = *plants_cell(feed.plant, "a.level") - before - first;
    ck_assert_double_eq_tol(second - first, (1e-3 - 4 / 6e4) * 0.5 / 0.02, 1e-4);
    feeds_close(&feed);
}
END_TEST

START_TEST(a_twin_in_quarantine_is_not_corrected)
{
    Feed feed = feeds_open(plants_fleet(2, 1));
    sync_begin(feed.sync, FEEDS_START);
    *plants_cell(feed.plant, "p0001.drive") = NAN;
    feeds_tick(&feed);
    ck_assert_uint_eq(plant_quarantined(feed.plant), 1);
    const double angle = *plants_cell(feed.plant, "p0001.angle"), other = *plants_cell(feed.plant, "p0002.angle");
    feeds_good(&feed, "p0001.encoder", 0.2, 0.5);
    feeds_good(&feed, "p0002.encoder", 0.2, 0.5);
    feeds_tick(&feed);
    ck_assert_double_eq(*plants_cell(feed.plant, "p0001.angle"), angle);
    ck_assert_double_ne(*plants_cell(feed.plant, "p0002.angle"), other);
    feeds_close(&feed);
}
END_TEST

START_TEST(a_sample_that_is_no_number_quarantines_nobody_else)
{
    Feed feed = feeds_open(plants_fleet(3, 1));
    sync_begin(feed.sync, FEEDS_START);
    for (int tick = 0; tick < 3; tick++) {
        feeds_good(&feed, "p0001.encoder", tick * 0.125, NAN);
        feeds_good(&feed, "p0002.encoder", tick * 0.125, 0.2);
        feeds_tick(&feed);
    }
    ck_assert(isfinite(*plants_cell(feed.plant, "p0001.angle")));
    ck_assert(!plant_is_quarantined(feed.plant, 1));
    ck_assert(!plant_is_quarantined(feed.plant, 2));
    feeds_close(&feed);
}
END_TEST

// --- clocks --------------------------------------------------------------------------------------------------------

START_TEST(a_tick_waits_for_the_slowest_provider)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    feeds_join(&feed, 1);
    feeds_join(&feed, 2);
    ck_assert(!sync_ready(feed.sync, 0));
    ck_assert_int_eq(sync_now(feed.sync), TIME_NONE);

    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 2, feeds_at(0));
    ck_assert_int_eq(sync_now(feed.sync), feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(10));
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_TIME, 2, feeds_at(0.125) - 1);
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_TIME, 2, feeds_at(0.125));
    ck_assert(sync_ready(feed.sync, 0));
    feeds_tick(&feed);
    ck_assert_int_eq(sync_now(feed.sync), feeds_at(0.125));
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_close(&feed);
}
END_TEST

START_TEST(samples_carry_the_clock_too)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    feeds_join(&feed, FEEDS_PROVIDER);
    feeds_good(&feed, "p0001.encoder", 0.05, 0.2);
    ck_assert(!sync_ready(feed.sync, 0));
    ck_assert_int_eq(sync_time(feed.sync, sync_next_tick(feed.sync)), feeds_at(0.125));
    feeds_good(&feed, "p0001.encoder", 0.13, 0.2);
    ck_assert(sync_ready(feed.sync, 0));
    ck_assert_uint_eq(feeds_tick(&feed), 1);
    feeds_close(&feed);
}
END_TEST

START_TEST(a_provider_that_has_said_nothing_yet_does_not_block)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    feeds_join(&feed, 1);
    feeds_join(&feed, 2);
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(1));
    ck_assert(sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_TIME, 2, feeds_at(0));  // from its first word on it does
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_close(&feed);
}
END_TEST

START_TEST(a_provider_that_left_no_longer_counts)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    feeds_join(&feed, 1);
    feeds_join(&feed, 2);
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 2, feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(5));
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_LEFT, 2, 0);
    ck_assert(sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_LEFT, 1, 0);  // without anybody time stands still
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_LEFT, 77, 0);
    feeds_join(&feed, 3);
    feeds_tell(&feed, ARRIVAL_TIME, 3, feeds_at(7));
    ck_assert(sync_ready(feed.sync, 0));
    feeds_close(&feed);
}
END_TEST

START_TEST(a_time_far_ahead_does_not_carry_the_clock)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    feeds_join(&feed, 1);
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(0));
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(8 * 86400));
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(6 * 86400));
    ck_assert(sync_ready(feed.sync, 0));
    feeds_close(&feed);
}
END_TEST

START_TEST(more_providers_than_there_is_room_for_do_no_harm)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    for (uint32_t provider = 1; provider <= 300; provider++)
        feeds_join(&feed, provider);
    for (uint32_t provider = 1; provider <= 300; provider++)
        feeds_tell(&feed, ARRIVAL_TIME, provider, feeds_at(0));
    for (uint32_t provider = 1; provider <= 256; provider++)
        feeds_tell(&feed, ARRIVAL_TIME, provider, feeds_at(1));
    ck_assert(sync_ready(feed.sync, 0));
    feeds_tell(&feed, ARRIVAL_LEFT, 10, 0);
    feeds_join(&feed, 301);  // in the place of the one that left
    feeds_tell(&feed, ARRIVAL_TIME, 301, feeds_at(0));
    ck_assert(!sync_ready(feed.sync, 0));
    feeds_close(&feed);
}
END_TEST

START_TEST(the_time_of_day_waits_as_long_as_the_plant_says)
{
    Feed feed = feeds_open(plants_load("return plant 'works' { step = 0.5, wait = 2, assets = { a = { 'tank' } } }", 1));
    ck_assert(!sync_ready(feed.sync, feeds_at(0)));
    sync_begin(feed.sync, feeds_at(0));
    ck_assert(!sync_ready(feed.sync, feeds_at(2.5) - 1));
    ck_assert_int_eq(sync_patience(feed.sync, feeds_at(2.4), NS_PER_S), 100 * NS_PER_MS);
    ck_assert_int_eq(sync_patience(feed.sync, feeds_at(0), NS_PER_S), NS_PER_S);
    ck_assert_int_eq(sync_patience(feed.sync, feeds_at(9), NS_PER_S), 0);
    ck_assert(sync_ready(feed.sync, feeds_at(2.5)));

    // what providers say of the time changes nothing, and a clock that is wrong is noticed
    feeds_join(&feed, 1);
    feeds_tell(&feed, ARRIVAL_TIME, 1, feeds_at(1000));
    feeds_tick(&feed);
    ck_assert(!sync_ready(feed.sync, feeds_at(2.9)));
    ck_assert_int_eq(feeds_good(&feed, "a.gauge", 2.9 + 61, 0.3).fate, FATE_FUTURE);
    ck_assert_int_eq(feeds_good(&feed, "a.gauge", 2.9 + 59, 0.3).fate, FATE_USED);
    feeds_close(&feed);
}
END_TEST

START_TEST(times_before_1970_fall_into_their_tick)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    sync_begin(feed.sync, -1);
    ck_assert_int_eq(sync_next_tick(feed.sync), -1);
    ck_assert_int_eq(sync_time(feed.sync, -1), 0);
    sync_begin(feed.sync, -125 * NS_PER_MS);
    ck_assert_int_eq(sync_next_tick(feed.sync), -1);
    sync_begin(feed.sync, -125 * NS_PER_MS - 1);
    ck_assert_int_eq(sync_next_tick(feed.sync), -2);
    feeds_close(&feed);
}
END_TEST

// --- over a restart ------------------------------------------------------------------------------------------------

enum { RUN = 200, STOP = 100, AHEAD = 5, FILED_MAX = RUN * 8 };

/* What arrives before tick `tick` runs: samples up to AHEAD ticks ahead, a duplicate and a late one among them. */
static void arrive(Feed *feed, int tick, Filed *journal, size_t *count)
{
    const int encoder = model_find(plant_model(feed->plant, 0), "encoder");
    for (uint64_t i = 0; i < 5; i++) {
        const int64_t ahead = (int64_t)(random_uniform(11, i, (uint64_t)tick) * AHEAD * (double)feed->plant->step_ns);
        const Sample sample = {.time = FEEDS_START + tick * feed->plant->step_ns + (i == 4 ? -ahead : ahead), .value = 0.2 * random_normal(12, i, (uint64_t)tick),
                               .tag = plant_tag(feed->plant, (uint32_t)i % 3, (uint16_t)encoder)};
        journal[(*count)++] = feeds_sample(feed, FEEDS_PROVIDER, sample);
        if (i == 2)
            journal[(*count)++] = feeds_sample(feed, FEEDS_PROVIDER, sample);
    }
}

static void expect_same(const Filed *a, const Filed *b)
{
    ck_assert_int_eq(a->sample.time, b->sample.time);
    ck_assert_uint_eq(a->sample.tag, b->sample.tag);
    ck_assert_double_eq(a->sample.value, b->sample.value);
    ck_assert_int_eq(a->tick, b->tick);
    ck_assert_uint_eq(a->seq, b->seq);
    ck_assert_int_eq(a->fate, b->fate);
}

START_TEST(a_run_that_was_interrupted_is_the_run_that_was_not)
{
    static Filed journal[FILED_MAX], after[FILED_MAX];
    uint64_t hashes[RUN];
    size_t count = 0, at_stop = 0, after_count = 0;
    ErrText why = {""};
    Feed first = feeds_open(plants_fleet(3, 1)), second = feeds_open(plants_fleet(3, 2));
    void *plant_bytes = mem_alloc(plant_snapshot_size(first.plant)), *sync_bytes = mem_alloc(sync_snapshot_size(first.sync));

    sync_begin(first.sync, FEEDS_START);
    for (int tick = 0; tick < RUN; tick++) {
        if (tick == STOP) {
            plant_snapshot(first.plant, plant_bytes);
            sync_snapshot(first.sync, sync_bytes);
        }
        arrive(&first, tick, journal, &count);
        if (tick == STOP + 20)
            at_stop = count;  // the end comes here: what was filed until then is on record
        feeds_tick(&first);
        hashes[tick] = plant_hash(first.plant);
    }

    ck_assert_int_eq(plant_restore(second.plant, plant_bytes, plant_snapshot_size(second.plant), &why), ERR_OK);
    ck_assert_int_eq(sync_restore(second.sync, sync_bytes, sync_snapshot_size(second.sync), &why), ERR_OK);
    const int64_t next = sync_next_tick(second.sync);
    for (size_t i = 0; i < at_stop; i++)
        if (journal[i].tick >= next)
            sync_refile(second.sync, &journal[i]);
    sync_number_from(second.sync, journal[at_stop - 1].seq);
    for (int tick = STOP; tick < RUN; tick++) {
        ck_assert(tick > STOP + 20 || sync_ready(second.sync, 0));  // replaying waits for nobody
        if (tick > STOP + 20)
            arrive(&second, tick, after, &after_count);
        feeds_tick(&second);
        ck_assert_msg(plant_hash(second.plant) == hashes[tick], "other bits at tick %d", tick);
    }
    for (size_t i = 0; i < after_count; i++)
        expect_same(&after[i], &journal[at_stop + i]);
    ck_assert_uint_eq(sync_counters(second.sync)->late, sync_counters(first.sync)->late - 21);  // what was late in between is not filed again
    mem_free(plant_bytes);
    mem_free(sync_bytes);
    feeds_close(&first);
    feeds_close(&second);
}
END_TEST

START_TEST(a_refiled_sample_is_known_when_it_comes_again)
{
    Feed feed = feeds_open(plants_fleet(1, 1));
    sync_begin(feed.sync, FEEDS_START);
    const Sample sample = {.time = feeds_at(0.3), .value = 0.2, .tag = plants_tag(feed.plant, "p0001.encoder")};
    sync_refile(feed.sync, &(Filed){.sample = sample, .tick = sync_next_tick(feed.sync) + 2, .seq = 40, .fate = FATE_USED});
    const Filed again = feeds_sample(&feed, FEEDS_PROVIDER, sample);
    ck_assert_int_eq(again.fate, FATE_DUPLICATE);
    ck_assert_uint_eq(again.seq, 41);
    feeds_close(&feed);
}
END_TEST

START_TEST(a_snapshot_of_another_size_is_refused)
{
    Feed feed = feeds_open(plants_fleet(2, 1));
    const size_t size = sync_snapshot_size(feed.sync);
    void *bytes = mem_alloc(size + 8);
    ErrText why = {""};
    ck_assert_int_eq(sync_restore(feed.sync, bytes, size + 8, &why), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(why.text, "expected"));
    mem_free(bytes);
    feeds_close(&feed);
}
END_TEST

START_TEST(another_script_knows_the_tags_that_are_still_there)
{
    Feed from = feeds_open(plants_fleet(3, 1));
    sync_begin(from.sync, FEEDS_START);
    feeds_good(&from, "p0001.encoder", 0.01, 0.2);
    feeds_good(&from, "p0003.encoder", 0.02, 0.3);
    feeds_tick(&from);
    feeds_good(&from, "p0003.encoder", 0.2, 0.4);   // still waits
    feeds_good(&from, "p0002.encoder", 60, 0.4);    // far ahead, of a tag that goes
    const size_t plant_size = plant_snapshot_size(from.plant), size = sync_snapshot_size(from.sync);
    void *plant_bytes = mem_alloc(plant_size), *bytes = mem_alloc(size);
    plant_snapshot(from.plant, plant_bytes);
    sync_snapshot(from.sync, bytes);

    Feed to = feeds_open(plants_load("return plant 'fleet' { step = 0.125, clock = 'provider', assets = { p0001 = { 'pendulum' }, p0003 = { 'pendulum' }, q = { 'pendulum' } } }", 1));
    Lineage lineage;
    ErrText why = {""};
    Quality quality;
    ck_assert_int_eq(lineage_read(&lineage, to.plant, plant_bytes, plant_size, &why), ERR_OK);
    ck_assert_int_eq(sync_adopt(to.sync, &lineage, bytes, 1000, &why), ERR_PARSE);
    ck_assert_int_eq(sync_adopt(to.sync, &lineage, bytes, size, &why), ERR_OK);
    ck_assert_int_eq(sync_next_tick(to.sync), sync_next_tick(from.sync));
    ck_assert_int_eq(feeds_good(&to, "p0003.encoder", 0.2, 0.4).fate, FATE_DUPLICATE);
    ck_assert_int_eq(feeds_good(&to, "p0001.encoder", 0.2, 0.4).fate, FATE_USED);
    const Filed next = feeds_good(&to, "q.encoder", 0.2, 0.4);
    ck_assert_int_eq(next.fate, FATE_USED);
    ck_assert_uint_eq(next.seq, 7);
    ck_assert_uint_eq(sync_counters(to.sync)->samples, 7);

    // within one process, what waits goes on waiting
    feeds_join(&from, 9);
    feeds_tell(&from, ARRIVAL_TIME, 9, feeds_at(0.3));
    ck_assert_int_eq(sync_succeed(to.sync, from.sync, &lineage), ERR_OK);
    ck_assert_int_eq(sync_sample_time(to.sync, plants_tag(to.plant, "p0003.encoder"), &quality), feeds_at(0.02));
    ck_assert_int_eq(sync_sample_time(to.sync, plants_tag(to.plant, "q.encoder"), &quality), TIME_NONE);
    ck_assert(sync_ready(to.sync, 0));
    ck_assert_uint_eq(feeds_tick(&to), 3);
    ck_assert(!sync_ready(to.sync, 0));
    lineage_fini(&lineage);
    mem_free(plant_bytes);
    mem_free(bytes);
    feeds_close(&from);
    feeds_close(&to);
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    Plant *plant = plants_fleet(3, 1);
    const int encoder = model_find(plant_model(plant, 0), "encoder");
    size_t failures = 0, folded = 0;
    for (size_t n = 1; n < 12; n++) {
        Sync *sync;
        kit_fail_allocation(n);
        if (sync_create(plant, &sync)) {
            failures++;
            kit_fail_allocation(0);
            continue;
        }
        Feed feed = {plant, sync};
        sync_begin(sync, FEEDS_START);
        for (int i = 0; i < 2000; i++)
            feeds_sample(&feed, FEEDS_PROVIDER, (Sample){.time = FEEDS_START + i * 1000, .value = 0.2, .tag = plant_tag(plant, (uint32_t)i % 3, (uint16_t)encoder)});
        folded += feeds_tick(&feed);
        failures += sync_counters(sync)->dropped > 0;
        kit_fail_allocation(0);
        sync_destroy(sync);
    }
    ck_assert_uint_gt(failures, 4);
    ck_assert_uint_gt(folded, 0);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("sync.sync", the_order_of_arrival_changes_nothing, samples_of_one_tick_are_folded_in_by_time, a_crowded_tick_has_the_same_bits_on_any_number_of_threads,
         what_cannot_be_used_is_counted_and_changes_nothing, uncertain_samples_are_used_and_shown_once_they_are, the_same_time_of_another_tag_is_no_duplicate, names_are_those_of_the_protocol,
         an_input_acts_from_the_next_step_on, a_twin_in_quarantine_is_not_corrected, a_sample_that_is_no_number_quarantines_nobody_else, a_tick_waits_for_the_slowest_provider,
         samples_carry_the_clock_too, a_provider_that_has_said_nothing_yet_does_not_block, a_provider_that_left_no_longer_counts, a_time_far_ahead_does_not_carry_the_clock,
         more_providers_than_there_is_room_for_do_no_harm, the_time_of_day_waits_as_long_as_the_plant_says, times_before_1970_fall_into_their_tick,
         a_run_that_was_interrupted_is_the_run_that_was_not, a_refiled_sample_is_known_when_it_comes_again, a_snapshot_of_another_size_is_refused, another_script_knows_the_tags_that_are_still_there, no_failing_allocation_is_fatal)
