/* Resources that are read and written, beside node's HTTP server, and what is pushed into an Inlet. */
#include <stdlib.h>
#include <zlib.h>

#include "connectors/http/http.h"
#include "connectors/kind_rig.h"
#include "kit/peer.h"

static Rig rig;
static Inlets *inlets;
static char port[8];

static Peer begin_peer(void)
{
    return peer_start((const char *const[]){"node", POLLUX_PEERS "/resource_server.mjs", port, NULL});
}

static const char *options_of(const char *more)
{
    static char text[256];
    snprintf(text, sizeof text, "{\"url\":\"http://127.0.0.1:%s\",\"every\":0.02,\"retry\":0.02,\"retry_most\":0.1%s}", port, more);
    return text;
}

static Peer begin(const char *more, const RigBinding *bindings, size_t count)
{
    snprintf(port, sizeof port, "%d", peer_free_port());
    Peer peer = begin_peer();
    rig_open(&rig, &http_kind, options_of(more), bindings, count);
    return peer;
}

#define begin_with(more, ...) begin(more, (const RigBinding[]){__VA_ARGS__}, sizeof((const RigBinding[]){__VA_ARGS__}) / sizeof(RigBinding))

static void end(Peer *peer)
{
    rig_close(&rig);
    peer_kill(peer);
}

// --- resources -----------------------------------------------------------------------------------------------------

START_TEST(what_is_written_is_read_again_in_each_form)
{
    Peer peer = begin_with("", {"{\"path\":\"/a\"}", true}, {"{\"path\":\"/a\"}"},
                           {"{\"path\":\"/b\",\"method\":\"POST\",\"payload\":\"json\",\"value\":\"/is/it\",\"id\":\"/id\"}", true},
                           {"{\"path\":\"/b\",\"payload\":\"json\",\"value\":\"/is/it\"}"}, {"{\"path\":\"/b\",\"payload\":\"json\",\"value\":\"/id\"}"});
    rig_wait(&rig, rig.joined);
    rig_expect_done(&rig, 0, 12.5);
    rig_expect_done(&rig, 2, -3);
    rig_wait(&rig, rig_has(&rig, 1, 12.5, QUALITY_GOOD) && rig_has(&rig, 3, -3, QUALITY_GOOD) && rig_has(&rig, 4, 2, QUALITY_GOOD));
    end(&peer);
}
END_TEST

START_TEST(an_answer_in_line_protocol_is_matched_as_what_is_pushed)
{
    Peer peer = begin_with("", {"{\"path\":\"/lines\",\"measurement\":\"tank\",\"field\":\"level\",\"tags\":{\"id\":\"1\"}}"},
                           {"{\"path\":\"/lines\",\"measurement\":\"tank\",\"field\":\"level\",\"tags\":{\"id\":\"2\"}}"});
    rig_wait(&rig, rig_has(&rig, 0, 1, QUALITY_GOOD) && rig_has(&rig, 1, 4, QUALITY_GOOD));
    ck_assert_int_eq(rig.newest[1].time, INT64_C(1700000000) * NS_PER_S);
    end(&peer);
}
END_TEST

START_TEST(what_has_not_changed_is_not_sent_again_and_still_counts_as_heard)
{
    Peer peer = begin_with("", {"{\"path\":\"/a\"}"}, {"{\"path\":\"/unchanged\"}"});
    rig_wait(&rig, rig.received[0] >= 10);
    rig_wait(&rig, rig.newest[1].value >= 5);
    ck_assert(rig_has(&rig, 0, 0, QUALITY_GOOD));
    end(&peer);
}
END_TEST

START_TEST(an_answer_that_is_none_silences_its_tags_alone)
{
    Peer peer = begin_with(",\"timeout\":0.5,\"limit\":200000", {"{\"path\":\"/a\"}"}, {"{\"path\":\"/a\",\"payload\":\"json\",\"value\":\"/x\"}"},
                           {"{\"path\":\"/refused\"}"}, {"{\"path\":\"/silent\"}"}, {"{\"path\":\"/long\"}"},
                           {"{\"path\":\"/nonsense\"}"}, {"{\"path\":\"/cut\"}"}, {"{\"path\":\"/nan\"}"},
                           {"{\"path\":\"/deep\",\"payload\":\"json\",\"value\":\"/0\"}"}, {"{\"path\":\"/deep\",\"measurement\":\"m\"}"});
    rig_wait(&rig, rig.received[0] >= 20 && exchange_state(rig.exchange).refused >= 50);
    for (size_t i = 1; i < rig.count; i++)
        ck_assert_msg(rig.received[i] == 0, "binding %zu has a value", i);
    end(&peer);
}
END_TEST

START_TEST(a_command_is_done_only_when_its_answer_says_so)
{
    Peer peer = begin_with(",\"timeout\":0.3", {"{\"path\":\"/refused\"}", true}, {"{\"path\":\"/silent\"}", true}, {"{\"path\":\"/a\"}", true},
                           {"{\"path\":\"/writes\"}"});
    rig_wait(&rig, rig.joined);
    rig_expect_failed(&rig, 0, 1, "status 403");
    rig_expect_failed(&rig, 1, 1, "no answer, it may have been carried out");
    rig_expect_done(&rig, 2, 1);
    rig_wait(&rig, rig_has(&rig, 3, 1, QUALITY_GOOD));
    end(&peer);
}
END_TEST

START_TEST(a_server_that_died_is_found_again_and_no_command_comes_twice)
{
    Peer peer = begin_with("", {"{\"path\":\"/a\"}"}, {"{\"path\":\"/b\"}", true}, {"{\"path\":\"/writes\"}"});
    rig_wait(&rig, rig_has(&rig, 0, 0, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 5);
    peer_kill(&peer);
    rig_wait(&rig, rig.newest[0].quality == QUALITY_BAD && rig.left == 1);
    rig_expect_failed(&rig, 1, 6, "there is no connection");
    peer = begin_peer();
    rig_wait(&rig, rig.joined == 2 && rig_has(&rig, 0, 0, QUALITY_GOOD) && rig_has(&rig, 2, 0, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 7);
    rig_wait(&rig, rig_has(&rig, 2, 1, QUALITY_GOOD));
    end(&peer);
}
END_TEST

/* A server whose certificate we signed ourselves: who was told so by `ca` trusts it, nobody else does. */
START_TEST(a_server_is_trusted_by_its_certificate_alone)
{
    char command[1024], certificate[300], key[300], options[256];
    snprintf(certificate, sizeof certificate, "%s/server.pem", kit_folder());
    snprintf(key, sizeof key, "%s/key.pem", kit_folder());
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null", key,
             certificate);
    ck_assert_int_eq(system(command), 0);
    snprintf(port, sizeof port, "%d", peer_free_port());
    Peer peer = peer_start((const char *const[]){"node", POLLUX_PEERS "/resource_server.mjs", port, certificate, key, NULL});

    for (int trusted = 0; trusted < 2; trusted++) {
        snprintf(options, sizeof options, "{\"url\":\"https://127.0.0.1:%s\",\"every\":0.02%s}", port, trusted ? ",\"ca\":\"server.pem\"" : "");
        rig_open(&rig, &http_kind, options, (const RigBinding[]){{"{\"path\":\"/a\"}", false}}, 1);
        rig_wait(&rig, trusted ? rig_has(&rig, 0, 0, QUALITY_GOOD) : strstr(exchange_state(rig.exchange).fault, "certificate") != NULL);
        ck_assert_uint_eq(rig.joined, (uint64_t)trusted);
        rig_close(&rig);
    }
    peer_kill(&peer);
}
END_TEST

// --- what is pushed ------------------------------------------------------------------------------------------------

static const RigBinding pushed[] = {
    {"{\"measurement\":\"tank\",\"field\":\"level\",\"tags\":{\"id\":\"1\"}}", false},
    {"{\"measurement\":\"tank\",\"field\":\"level\",\"tags\":{\"id\":\"2\"}}", false},
    {"{\"measurement\":\"tank\",\"field\":\"level\"}", false},
    {"{\"measurement\":\"room\"}", false},
    {"{}", false},
};
enum { PUSHED = sizeof pushed / sizeof *pushed };

static void begin_pushed(void)
{
    memset(&rig, 0, sizeof rig);
    ck_assert_int_eq(inlets_create(&inlets), ERR_OK);
    rig_bind(&rig, pushed, PUSHED);
    ConnectorDef def = rig_def(&rig, "{}");
    def.inlets = inlets;
    ConnectorFault fault = {0};
    ck_assert_msg(http_kind.open(&def, &rig.connector, &rig.exchange, &fault) == ERR_OK, "%s", fault.why.text);
}

static void end_pushed(void)
{
    rig_close(&rig);
    inlets_destroy(inlets);
}

/* `caller` is a tag that must not be sent, NULL for none. */
static bool may_provide(const void *caller, const char *tag)
{
    return !caller || strcmp(caller, tag) != 0;
}

static InletAnswer push_body(InletBody body)
{
    InletAnswer answer;
    body.may_provide = may_provide;
    inlets_take(inlets, "line", &body, &answer);
    return answer;
}

static InletAnswer push_text(InletForm form, const char *text)
{
    return push_body((InletBody){.form = form, .bytes = text, .length = strlen(text)});
}

static void expect(InletAnswer answer, int status, const char *text)
{
    ck_assert_msg(answer.status == status && strstr(answer.why.text, text), "expected %d %s, got %d %s", status, text, answer.status, answer.why.text);
}

START_TEST(lines_go_to_the_bindings_whose_tags_they_carry)
{
    begin_pushed();
    static const char lines[] = "tank,site=north,id=1 level=0.5,other=9 1700000000000000001\n"
                                "tank,id=2 level=0.75 1700000000000000002\n"
                                "room value=true\n";
    expect(push_text(INLET_LINES, lines), 204, "");
    rig_wait(&rig, rig_has(&rig, 0, 0.5, QUALITY_GOOD) && rig_has(&rig, 1, 0.75, QUALITY_GOOD) && rig_has(&rig, 3, 1, QUALITY_GOOD));
    ck_assert_int_eq(rig.newest[0].time, 1700000000000000001);
    // the one that names no tags takes both, and nothing else came
    ck_assert_uint_eq(rig.received[2], 2);
    ck_assert_uint_eq(rig.received[4], 0);
    ExchangeSeen seen[2];
    ck_assert_uint_eq(exchange_list_seen(rig.exchange, seen, 2), 1);
    ck_assert_str_eq(seen[0].address, "tank,site=north,id=1 other");
    end_pushed();
}
END_TEST

START_TEST(json_calls_tags_by_their_names)
{
    begin_pushed();
    expect(push_text(INLET_JSON, "{\"samples\":[{\"tag\":\"asset.channel4\",\"value\":3,\"time\":\"2023-11-14T22:13:20Z\",\"quality\":\"uncertain\"},"
                                 "{\"tag\":\"asset.channel0\",\"value\":false}]}"), 204, "");
    rig_wait(&rig, rig_has(&rig, 4, 3, QUALITY_UNCERTAIN) && rig_has(&rig, 0, 0, QUALITY_GOOD));
    ck_assert_int_eq(rig.newest[4].time, INT64_C(1700000000) * NS_PER_S);
    end_pushed();
}
END_TEST

START_TEST(a_body_is_taken_whole_or_not_at_all)
{
    begin_pushed();
    expect(push_text(INLET_LINES, "tank,id=1 level=1\ntank,id=1 level=\n"), 400, "line 2: a number");
    expect(push_text(INLET_LINES, "tank,id=1 level=1\ntank,id=1 level=\"high\"\n"), 400, "line 2, field \"level\": a number was expected");
    expect(push_text(INLET_JSON, "[{\"tag\":\"asset.channel0\",\"value\":1},{\"tag\":\"asset.other\",\"value\":1}]"), 400, "samples[1].tag");
    expect(push_text(INLET_JSON, "[{\"tag\":\"asset.channel0\",\"value\":\"1\"}]"), 400, "samples[0].value: a number");
    expect(push_text(INLET_JSON, "[{\"tag\":\"asset.channel0\",\"value\":1,\"time\":\"noon\"}]"), 400, "samples[0].time");
    expect(push_text(INLET_JSON, "[{\"tag\":\"asset.channel0\","), 400, "JSON was expected");
    expect(push_text(INLET_JSON, "{}"), 400, "an array of samples was expected");
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = "tank,id=1 level=1", .length = 17, .precision = "weeks"}), 400, "precision: ns");
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = "tank,id=1 level=1\0", .length = 18}), 400, "no byte of zero");
    static const char two[] = "tank,id=1 level=1\ntank,id=2 level=1";
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = two, .length = strlen(two), .caller = "asset.channel1"}), 403, "asset.channel1");
    expect(push_text(INLET_LINES, "# nothing\n"), 204, "");
    ck_assert_uint_eq(exchange_state(rig.exchange).samples, 0);
    end_pushed();
}
END_TEST

static size_t pack(const char *text, size_t length, unsigned char *out, size_t room)
{
    z_stream stream = {.next_in = (unsigned char *)text, .avail_in = (uInt)length, .next_out = out, .avail_out = (uInt)room};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

START_TEST(a_compressed_body_is_unpacked_up_to_a_bound)
{
    static unsigned char packed[1 << 20];
    static const char line[] = "tank,id=1 level=0.25";
    begin_pushed();
    size_t length = pack(line, strlen(line), packed, sizeof packed);
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = (char *)packed, .length = length, .gzip = true}), 204, "");
    rig_wait(&rig, rig_has(&rig, 0, 0.25, QUALITY_GOOD));
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = (char *)packed, .length = length - 9, .gzip = true}), 400, "not gzip, or not all of it");
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = line, .length = strlen(line), .gzip = true}), 400, "not gzip");

    // 40 MiB of line feeds are 40 KiB when they are packed
    const size_t bomb_length = 40 << 20;
    char *bomb = mem_alloc(bomb_length);
    ck_assert_ptr_nonnull(bomb);
    memset(bomb, '\n', bomb_length);
    length = pack(bomb, bomb_length, packed, sizeof packed);
    expect(push_body((InletBody){.form = INLET_LINES, .bytes = (char *)packed, .length = length, .gzip = true}), 413, "32 MiB");
    mem_free(bomb);
    end_pushed();
}
END_TEST

START_TEST(the_receipt_is_good_when_the_tick_says_that_the_samples_are_on_disk)
{
    begin_pushed();
    rig_wait(&rig, rig.joined);
    const InletAnswer answer = push_text(INLET_LINES, "tank,id=1 level=1\nroom value=2\n");
    Arrival arrivals[8];
    size_t count = 0;
    ck_assert(answer.status == 204 && answer.receipt && !inlets_have_stored(inlets, answer.receipt));
    while (count < 3)
        count += rig.connector.type->poll(rig.connector.self, arrivals + count, 8 - count);
    rig.connector.type->stored(rig.connector.self, arrivals[count - 2].mark);
    ck_assert(!inlets_have_stored(inlets, answer.receipt));
    rig.connector.type->stored(rig.connector.self, arrivals[count - 1].mark);
    ck_assert(inlets_have_stored(inlets, answer.receipt));
    end_pushed();
}
END_TEST

START_TEST(what_finds_no_room_is_refused_whole)
{
    enum { LINES = 100000 };
    begin_pushed();
    Text text = {0};
    for (int i = 0; i < LINES; i++)
        text_format(&text, "room value=%d %d\n", i, i + 1);
    expect(push_text(INLET_LINES, text.bytes), 204, "");
    expect(push_text(INLET_LINES, text.bytes), 503, "no room for 100000 samples");
    ck_assert_uint_eq(exchange_state(rig.exchange).samples, LINES);
    ck_assert_uint_eq(exchange_state(rig.exchange).dropped, 0);
    text_fini(&text);
    end_pushed();
}
END_TEST

START_TEST(a_name_that_is_none_is_refused_with_those_that_are)
{
    begin_pushed();
    InletAnswer answer;
    const InletBody body = {.form = INLET_LINES, .bytes = "", .may_provide = may_provide};
    inlets_take(inlets, "other", &body, &answer);
    expect(answer, 404, "no connector \"other\" takes samples here; there is: line");
    inlets_take(inlets, NULL, &body, &answer);
    expect(answer, 204, "");
    end_pushed();
}
END_TEST

// --- memory --------------------------------------------------------------------------------------------------------

START_TEST(memory_may_fail_at_every_allocation_of_opening)
{
    enum { ALLOCATIONS = 40 };  // more than there are
    size_t refused = 0;
    ck_assert_int_eq(inlets_create(&inlets), ERR_OK);
    for (size_t i = 1; i <= ALLOCATIONS; i++) {
        memset(&rig, 0, sizeof rig);
        rig_bind(&rig, (const RigBinding[]){{"{}", false}, {"{\"path\":\"/a\",\"measurement\":\"m\"}", false}, {"{\"path\":\"/b\"}", true}}, 3);
        ConnectorDef def = rig_def(&rig, "{\"url\":\"http://127.0.0.1:1\"}");
        def.inlets = inlets;
        ConnectorFault fault = {0};
        kit_fail_allocation(i);
        const Err err = http_kind.open(&def, &rig.connector, &rig.exchange, &fault);
        if (!err)
            rig.connector.type->close(rig.connector.self);
        kit_fail_allocation(0);
        ck_assert_msg(!err || (err == ERR_MEMORY && fault.why.text[0]), "%s", fault.why.text);
        refused += err != ERR_OK;
        json_decref(rig.options);
        json_decref(rig.entries);
    }
    ck_assert_uint_gt(refused, 10);
    inlets_destroy(inlets);
}
END_TEST

// --- the script ----------------------------------------------------------------------------------------------------

START_TEST(a_fault_names_its_key_and_what_was_expected)
{
    static const char plc[] = "{\"url\":\"http://plc\"}";
    static const struct {
        const char *options, *entry;
        bool writes;
        const char *key, *text;
    } cases[] = {
        {"{\"url\":\"ftp://plc\"}", "{}", false, "url", "\"http://HOST\""},
        {"{\"url\":\"http://plc\",\"headers\":{\"a b\":\"c\"}}", "{}", false, "headers", "\"a b\": a text"},
        {"{\"url\":\"http://plc\",\"key\":\"k.pem\"}", "{}", false, "key", "together"},
        {"{\"verify\":false}", "{}", false, "verify", "no such key"},
        {"{}", "{\"path\":\"/a\"}", false, "path", "the connector has no \"url\""},
        {"{}", "{}", true, "path", "a path was expected"},
        {"{}", "{\"field\":\"x\"}", false, "field", "\"measurement\" was expected too"},
        {"{}", "{\"measurement\":\"m\",\"tags\":{\"id\":1}}", false, "tags", "\"id\": a text"},
        {"{}", "{\"every\":1}", false, "every", "this is of a resource that has a \"path\""},
        {plc, "{\"path\":\"a\"}", false, "path", "a path was expected"},
        {plc, "{\"path\":\"/a\",\"method\":\"PATCH\"}", true, "method", "one of these was expected: PUT, POST"},
        {plc, "{\"path\":\"/a\",\"measurement\":\"m\"}", true, "measurement", "line protocol"},
        {plc, "{\"path\":\"/a\",\"payload\":\"json\",\"value\":\"/a\",\"id\":\"/a\"}", true, "value", "two pointers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&rig, 0, sizeof rig);
        rig_bind(&rig, &(RigBinding){cases[i].entry, cases[i].writes}, 1);
        const ConnectorDef def = rig_def(&rig, cases[i].options);
        ConnectorFault fault = {0};
        ck_assert_int_ne(http_kind.check(&def, &fault), ERR_OK);
        ck_assert_msg(strcmp(fault.key, cases[i].key) == 0 && strstr(fault.why.text, cases[i].text), "%s: %s", fault.key, fault.why.text);
        json_decref(rig.options);
        json_decref(rig.entries);
    }
}
END_TEST

KIT_MAIN("connectors.http", what_is_written_is_read_again_in_each_form, an_answer_in_line_protocol_is_matched_as_what_is_pushed,
         what_has_not_changed_is_not_sent_again_and_still_counts_as_heard,
         an_answer_that_is_none_silences_its_tags_alone, a_command_is_done_only_when_its_answer_says_so,
         a_server_is_trusted_by_its_certificate_alone, a_server_that_died_is_found_again_and_no_command_comes_twice,
         lines_go_to_the_bindings_whose_tags_they_carry, json_calls_tags_by_their_names, a_body_is_taken_whole_or_not_at_all,
         a_compressed_body_is_unpacked_up_to_a_bound, the_receipt_is_good_when_the_tick_says_that_the_samples_are_on_disk, what_finds_no_room_is_refused_whole,
         a_name_that_is_none_is_refused_with_those_that_are, memory_may_fail_at_every_allocation_of_opening, a_fault_names_its_key_and_what_was_expected)
