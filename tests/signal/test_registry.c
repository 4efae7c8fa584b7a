#include "signal/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "signal/merge.h"

static FakeClock fake;
static Clock clock_of_test;
static char path[512];
static Registry *registry;

static void open_registry(void)
{
    ErrText why = {0};
    ck_assert_msg(registry_open(path, &clock_of_test, &registry, &why) == ERR_OK, "%s", why.text);
}

static void start(void)
{
    static int number;
    fake = (FakeClock){.utc_ns = 1800000000 * NS_PER_S};
    clock_of_test = clock_fake(&fake);
    snprintf(path, sizeof path, "%s/devices-%d.json", kit_folder(), number++);
    open_registry();
}

static void stop(void)
{
    registry_close(registry);
    unit_forget_all();
}

static void reopen(void)
{
    registry_close(registry);
    open_registry();
}

static Err try_arrive(RegistryEntry *known, const char *device, bool direct, RegistryEntry **out, ErrText *why)
{
    static const WireTag tags[] = {{"level", "cm"}, {"flow", NULL}};
    static const char *const actuators[] = {"valve"};
    const WireMessage provide = {.topic = WIRE_PROVIDE,
                                 .provide = {.device = device, .tags = tags, .tag_count = 2, .actuators = actuators, .actuator_count = 1}};
    static int link;
    return registry_arrive(registry, known, &(RegistryVisit){.provide = &provide, .kind = "websocket", .peer = "127.0.0.1:7", .direct = direct, .link = &link}, out, why);
}

static RegistryEntry *arrive(const char *device)
{
    RegistryEntry *entry;
    ErrText why = {0};
    ck_assert_msg(try_arrive(NULL, device, false, &entry, &why) == ERR_OK, "%s", why.text);
    return entry;
}

static const EntryBinding level_binding = {"level", "tank1.gauge", "cm"};

static void claim(RegistryEntry *entry, const char *credential)
{
    ck_assert_int_eq(registry_bind(registry, entry, &level_binding, 1, NULL), ERR_OK);
    registry_claim(registry, entry, credential, "anna");
}

static json_t *read_json(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

static void desire(RegistryEntry *entry, const char *text)
{
    json_t *patch = read_json(text);
    ck_assert_int_eq(registry_desire(registry, entry, patch, NULL), ERR_OK);
    json_decref(patch);
}

static void report(RegistryEntry *entry, const char *text)
{
    json_t *patch = read_json(text);
    ck_assert_int_eq(registry_report(registry, entry, patch, NULL), ERR_OK);
    json_decref(patch);
}

START_TEST(a_stranger_is_unclaimed_with_what_it_offers)
{
    start();
    const RegistryEntry *entry = arrive("rig-1");
    ck_assert_int_eq(entry_state(entry), ENTRY_UNCLAIMED);
    ck_assert_str_eq(entry->name, "rig-1");
    ck_assert_uint_eq(entry->tag_count, 3);
    ck_assert_str_eq(entry_tag(entry, "level")->unit, "cm");
    ck_assert(entry_tag(entry, "valve")->is_actuator);
    ck_assert_int_eq(entry->first_seen, fake.utc_ns);
    registry_hear(entry_tag(entry, "level"), 12.5, 99);
    ck_assert_double_eq(entry_tag(entry, "level")->value, 12.5);
    stop();
}
END_TEST

START_TEST(what_was_decided_is_there_after_a_restart_and_strangers_are_not)
{
    start();
    arrive("stranger");
    RegistryEntry *rig = arrive("rig-1");
    claim(rig, "rig-1");
    desire(rig, "{\"period\":2}");
    report(rig, "{\"version\":\"1.4\"}");
    registry_set_disabled(registry, arrive("nuisance"), true);
    reopen();

    ck_assert_uint_eq(registry_count(registry), 2);
    rig = registry_find(registry, "rig-1");
    ck_assert_int_eq(entry_state(rig), ENTRY_CLAIMED);
    ck_assert(!rig->connected);
    ck_assert_str_eq(rig->credential, "rig-1");
    ck_assert_str_eq(rig->claimed_by, "anna");
    ck_assert_str_eq(entry_binding(rig, "level")->tag, "tank1.gauge");
    ck_assert_str_eq(entry_binding(rig, "level")->unit, "cm");
    ck_assert_uint_eq(rig->tag_count, 3);
    ck_assert_uint_eq(rig->desired.version, 1);
    ck_assert_int_eq(json_integer_value(json_object_get(rig->desired.object, "period")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(rig->reported.object, "version")), "1.4");
    ck_assert_int_eq(rig->first_seen, fake.utc_ns);
    ck_assert_int_eq(entry_state(registry_find(registry, "nuisance")), ENTRY_DISABLED);
    stop();
}
END_TEST

START_TEST(a_decision_is_on_disk_when_its_version_is_saved)
{
    start();
    claim(arrive("rig-1"), "");
    for (int i = 0; i < 30000 && registry_saved(registry) < registry_version(registry); i++)
        usleep(1000);
    ck_assert_uint_eq(registry_saved(registry), registry_version(registry));
    Registry *other;
    ck_assert_int_eq(registry_open(path, &clock_of_test, &other, NULL), ERR_OK);
    ck_assert_ptr_nonnull(registry_find(other, "rig-1"));
    registry_close(other);
    stop();
}
END_TEST

START_TEST(a_disk_that_cannot_be_written_is_told)
{
    start();
    char folder[600];
    snprintf(folder, sizeof folder, "%s.new", path);
    ck_assert_int_eq(mkdir(folder, 0700), 0);  // where the new version would be written
    claim(arrive("rig-1"), "");
    ErrText why = {0};
    for (int i = 0; i < 30000 && !registry_has_failed(registry, &why); i++)
        usleep(1000);
    ck_assert_msg(strstr(why.text, path) != NULL, "%s", why.text);
    ck_assert_uint_lt(registry_saved(registry), registry_version(registry));

    // and is written when it can be again
    ck_assert_int_eq(rmdir(folder), 0);
    fake.elapsed_ns += 60 * NS_PER_S;
    registry_look(registry);
    for (int i = 0; i < 30000 && registry_saved(registry) < registry_version(registry); i++)
        usleep(1000);
    ck_assert_uint_eq(registry_saved(registry), registry_version(registry));
    stop();
}
END_TEST

START_TEST(strangers_come_a_few_at_a_time)
{
    start();
    RegistryEntry *entry;
    char name[32];
    ErrText why = {0};
    for (int i = 0; i < REGISTRY_STRANGERS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        arrive(name);
    }
    ck_assert_int_eq(try_arrive(NULL, "one-more", false, &entry, &why), ERR_FULL);
    ck_assert_msg(strstr(why.text, "no room") != NULL, "%s", why.text);

    // one that has left makes a place, but not before some time has passed
    registry_leave(registry, registry_find(registry, "s0"));
    ck_assert_int_eq(try_arrive(NULL, "one-more", false, &entry, &why), ERR_FULL);
    ck_assert_msg(strstr(why.text, "try again") != NULL, "%s", why.text);
    fake.elapsed_ns += 2 * NS_PER_S;
    ck_assert_int_eq(try_arrive(NULL, "one-more", false, &entry, &why), ERR_OK);
    stop();
}
END_TEST

START_TEST(of_strangers_that_left_some_are_remembered)
{
    start();
    char name[32];
    for (int i = 0; i < 5 * REGISTRY_STRANGERS_MAX; i++) {
        fake.elapsed_ns += 2 * NS_PER_S;
        fake.utc_ns += 2 * NS_PER_S;
        snprintf(name, sizeof name, "s%d", i);
        registry_leave(registry, arrive(name));
    }
    ck_assert_uint_eq(registry_count(registry), 2 * REGISTRY_STRANGERS_MAX);
    ck_assert_ptr_null(registry_find(registry, "s0"));
    ck_assert_ptr_nonnull(registry_find(registry, name));
    stop();
}
END_TEST

START_TEST(who_shows_no_credential_is_not_taken_for_who_was_claimed)
{
    start();
    RegistryEntry *rig = arrive("rig-1");
    ck_assert_ptr_eq(registry_recognize(registry, "rig-1", ""), rig);
    claim(rig, "rig-1");
    ck_assert_ptr_null(registry_recognize(registry, "rig-1", ""));
    ck_assert_ptr_eq(registry_recognize(registry, "whatever", "rig-1"), rig);
    ck_assert_ptr_eq(registry_recognize(registry, "rig-1", NULL), rig);

    // it gets a name of its own
    ck_assert_str_eq(arrive("rig-1")->name, "rig-1-2");
    stop();
}
END_TEST

START_TEST(a_device_that_is_replaced_leaves_name_and_bindings_to_the_other)
{
    start();
    RegistryEntry *rig = arrive("rig-1");
    claim(rig, "rig-1");
    desire(rig, "{\"period\":2}");
    report(rig, "{\"serial\":1}");
    const uint64_t reported = rig->reported.version;
    RegistryEntry *spare = arrive("spare");
    report(spare, "{\"serial\":2}");
    ck_assert_int_eq(registry_replace(registry, rig, rig, "", NULL), ERR_USAGE);
    ck_assert_int_eq(registry_replace(registry, rig, spare, "rig-1b", NULL), ERR_OK);
    reopen();

    ck_assert_uint_eq(registry_count(registry), 1);
    rig = registry_find(registry, "rig-1");
    ck_assert_str_eq(rig->calls, "spare");
    ck_assert_str_eq(rig->credential, "rig-1b");
    ck_assert_str_eq(rig->former[0], "rig-1");
    ck_assert_str_eq(entry_binding(rig, "level")->tag, "tank1.gauge");
    ck_assert_int_eq(json_integer_value(json_object_get(rig->desired.object, "period")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(rig->reported.object, "serial")), 2);
    ck_assert_uint_gt(rig->reported.version, reported);
    ck_assert_ptr_eq(registry_find_successor(registry, "rig-1"), rig);
    ck_assert_ptr_null(registry_find_credential(registry, "rig-1"));
    stop();
}
END_TEST

START_TEST(versions_rise_with_what_changes_and_the_delta_is_what_the_device_has_otherwise)
{
    start();
    RegistryEntry *rig = arrive("rig-1");
    desire(rig, "{\"period\":2,\"gain\":{\"p\":1}}");
    desire(rig, "{\"period\":2.0}");
    ck_assert_uint_eq(rig->desired.version, 1);
    report(rig, "{\"period\":1,\"gain\":{\"p\":1,\"i\":0}}");
    json_t *delta = registry_delta(rig), *wanted = read_json("{\"period\":2}");
    ck_assert(merge_is_same(delta, wanted));
    json_decref(delta);
    json_decref(wanted);

    desire(rig, "{\"gain\":null}");
    ck_assert_uint_eq(rig->desired.version, 2);
    ck_assert_uint_eq(rig->reported.version, 1);
    stop();
}
END_TEST

START_TEST(documents_that_are_too_large_or_too_deep_are_refused_and_change_nothing)
{
    start();
    RegistryEntry *rig = arrive("rig-1");
    ErrText why = {0};
    char *text = malloc(REGISTRY_DOCUMENT_MAX + 1);
    memset(text, 'x', REGISTRY_DOCUMENT_MAX);
    text[REGISTRY_DOCUMENT_MAX] = 0;
    json_t *large = json_pack("{s:s}", "a", text), *deep = read_json("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{}}}}}}}"), *list = read_json("[1]");
    ck_assert_int_eq(registry_desire(registry, rig, large, &why), ERR_RANGE);
    ck_assert_int_eq(registry_report(registry, rig, deep, &why), ERR_RANGE);
    ck_assert_msg(strstr(why.text, "nesting") != NULL, "%s", why.text);
    ck_assert_int_eq(registry_desire(registry, rig, list, &why), ERR_PARSE);
    ck_assert_uint_eq(rig->desired.version + rig->reported.version, 0);
    json_decref(large);
    json_decref(deep);
    json_decref(list);
    free(text);
    stop();
}
END_TEST

static RegistryChange told[8];
static size_t told_count;

static void hear_change(void *self, RegistryEntry *entry, RegistryChange change)
{
    (void)self;
    entry->link = NULL;
    told[told_count++] = change;
}

START_TEST(the_connector_is_told_of_what_is_decided)
{
    start();
    told_count = 0;
    registry_watch(registry, (RegistryWatch){hear_change, NULL});
    RegistryEntry *rig = arrive("rig-1");
    claim(rig, "");
    desire(rig, "{\"period\":2}");
    registry_set_disabled(registry, rig, true);
    registry_set_disabled(registry, rig, true);
    registry_set_disabled(registry, rig, false);
    registry_forget(registry, rig);
    const RegistryChange expected[] = {REGISTRY_BOUND, REGISTRY_BOUND, REGISTRY_DESIRED, REGISTRY_BARRED, REGISTRY_BARRED};
    ck_assert_uint_eq(told_count, 5);
    ck_assert_mem_eq(told, expected, sizeof expected);
    ck_assert_uint_eq(registry_count(registry), 0);
    stop();
}
END_TEST

START_TEST(strangers_are_welcome_for_a_limited_time_or_where_nobody_is_asked)
{
    start();
    ck_assert(!registry_is_pairing(registry));
    registry_pair(registry, 60 * NS_PER_S);
    ck_assert(registry_is_pairing(registry));
    ck_assert_int_eq(registry_pairing_end(registry), fake.utc_ns + 60 * NS_PER_S);
    fake.elapsed_ns += 60 * NS_PER_S;
    ck_assert(!registry_is_pairing(registry));
    ck_assert_int_eq(registry_pairing_end(registry), TIME_NONE);
    registry_pair(registry, 60 * NS_PER_S);
    registry_pair(registry, 0);
    ck_assert(!registry_is_pairing(registry));
    registry_open_door(registry);
    ck_assert_int_eq(registry_pairing_end(registry), INT64_MAX);
    stop();
}
END_TEST

/* Each of these is refused with a word of what is wrong. */
static const struct {
    const char *file, *word;
} wrong_files[] = {
    {"", "line 1"},
    {"{}", "list of devices"},
    {"{\"devices\":[{}]}", "devices[0].name"},
    {"{\"devices\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "devices[1].name"},
    {"{\"devices\":[{\"name\":\"a\",\"claimd\":true}]}", "claimd"},
    {"{\"devices\":[{\"name\":\"a\",\"claimed\":1}]}", "devices[0].claimed"},
    {"{\"devices\":[{\"name\":\"a\",\"first_seen\":\"yesterday\"}]}", "first_seen"},
    {"{\"devices\":[{\"name\":\"a\",\"bindings\":{\"level\":\"tank1.gauge\"}}]}", "bindings"},
    {"{\"devices\":[{\"name\":\"a\",\"bindings\":{\"level\":{\"tg\":\"tank1.gauge\"}}}]}", "bindings"},
    {"{\"devices\":[{\"name\":\"a\",\"desired\":{\"version\":-1}}]}", "desired"},
    {"{\"devices\":[{\"name\":\"a\",\"former\":[1]}]}", "former"},
    {"{\"devices\":[{\"name\":\"a\",\"tags\":[]}]}", "tags"},
};

START_TEST(a_file_that_is_wrong_is_refused_with_its_place)
{
    start();
    registry_close(registry);
    for (size_t i = 0; i < sizeof wrong_files / sizeof *wrong_files; i++) {
        ErrText why = {0};
        ck_assert_int_eq(file_replace(path, wrong_files[i].file, strlen(wrong_files[i].file), &why), ERR_OK);
        ck_assert_int_eq(registry_open(path, &clock_of_test, &registry, &why), ERR_PARSE);
        ck_assert_msg(strstr(why.text, wrong_files[i].word) && strstr(why.text, path), "%s", why.text);
    }
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(registry_open(path, &clock_of_test, &registry, NULL), ERR_IO);
    unit_forget_all();
}
END_TEST

START_TEST(a_binding_must_fit_the_plant)
{
    start();
    TagTable *tags;
    const Unit *cm;
    ErrText why = {0};
    ck_assert_int_eq(unit_parse("cm", &cm, NULL), ERR_OK);
    const TagChannel channels[] = {{"gauge", cm, TAG_SAMPLED}, {"level", cm, TAG_NOT_BOUND}, {"opening", unit_one(), TAG_ACTUATED}};
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    ck_assert_int_eq(tags_add(tags, "tank1", channels, 3, NULL), ERR_OK);
    const Unit *unit;
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"l", "tank1.gauge", "m"}, tags, &unit, &why), ERR_OK);
    ck_assert_str_eq(unit_name(unit), "m");
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"v", "tank1.opening", ""}, tags, &unit, &why), ERR_OK);
    ck_assert_ptr_eq(unit, unit_one());
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"l", "tank1.gauge", "kg"}, tags, NULL, &why), ERR_UNIT);
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"l", "tank1.gauge", "furlybits"}, tags, NULL, &why), ERR_UNIT);
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"l", "tank9.gauge", ""}, tags, NULL, &why), ERR_UNKNOWN);
    ck_assert_int_eq(entry_check_binding(&(EntryBinding){"l", "tank1.level", ""}, tags, NULL, &why), ERR_DENIED);
    tags_destroy(tags);
    stop();
}
END_TEST

START_TEST(opening_survives_every_failed_allocation)
{
    start();
    claim(arrive("rig-1"), "rig-1");
    registry_close(registry);
    for (size_t n = 1;; n++) {
        kit_fail_allocation(n);
        const Err err = registry_open(path, &clock_of_test, &registry, NULL);
        kit_fail_allocation(0);
        if (err == ERR_OK)
            break;
        ck_assert_msg(err == ERR_MEMORY || err == ERR_FULL, "%s", err_name(err));
        ck_assert_uint_lt(n, 100);
    }
    ck_assert_ptr_nonnull(registry_find(registry, "rig-1"));
    stop();
}
END_TEST

KIT_MAIN("signal.registry", a_stranger_is_unclaimed_with_what_it_offers, what_was_decided_is_there_after_a_restart_and_strangers_are_not, a_decision_is_on_disk_when_its_version_is_saved,
         a_disk_that_cannot_be_written_is_told, strangers_come_a_few_at_a_time, of_strangers_that_left_some_are_remembered, who_shows_no_credential_is_not_taken_for_who_was_claimed,
         a_device_that_is_replaced_leaves_name_and_bindings_to_the_other, versions_rise_with_what_changes_and_the_delta_is_what_the_device_has_otherwise,
         documents_that_are_too_large_or_too_deep_are_refused_and_change_nothing, the_connector_is_told_of_what_is_decided,
         strangers_are_welcome_for_a_limited_time_or_where_nobody_is_asked, a_file_that_is_wrong_is_refused_with_its_place, a_binding_must_fit_the_plant,
         opening_survives_every_failed_allocation)
