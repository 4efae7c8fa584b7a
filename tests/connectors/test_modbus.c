/* Modbus by TCP, beside two servers that we did not write: libmodbus' own and npm's modbus-serial. */
#include "connectors/modbus_rig.h"

static Rig rig;

#define rig_of(port, more, ...) \
    rig_open(&rig, &modbus_kind, line_options(port, more), (const RigBinding[]){__VA_ARGS__}, sizeof((const RigBinding[]){__VA_ARGS__}) / sizeof(RigBinding))

TEST_BESIDE_EACH_SERVER(every_table_and_type_is_read)
{
    rig_of(server->port, "", {"{\"coil\":3}"}, {"{\"coil\":4}"}, {"{\"discrete\":5}"}, {"{\"input\":7}"}, {"{\"holding\":9}"}, {"{\"holding\":5,\"bit\":0}"},
           {"{\"holding\":5,\"bit\":1}"}, {"{\"holding\":0,\"type\":\"bool\"}"}, {"{\"holding\":6,\"type\":\"uint32\"}"},
           {"{\"holding\":6,\"type\":\"int32\",\"order\":\"CDAB\"}"}, {"{\"holding\":258,\"type\":\"int16\",\"order\":\"DCBA\"}"},
           {"{\"holding\":0,\"type\":\"int64\"}"}, {"{\"holding\":0,\"type\":\"uint64\",\"order\":\"CDAB\"}"});
    static const double expected[] = {1, 0, 1, 10007, 9, 1, 0, 0, 6 * 65536 + 7, 7 * 65536 + 6, 513, 0x100020003, 0x3000200010000};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        rig_wait(&rig, rig_has(&rig, i, expected[i], QUALITY_GOOD));
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(a_command_is_done_when_it_has_been_read_back)
{
    rig_of(server->port, "\"order\":\"CDAB\"", {"{\"holding\":100,\"type\":\"float32\"}", true}, {"{\"holding\":100,\"type\":\"float32\"}"},
           {"{\"coil\":7}", true}, {"{\"coil\":7}"}, {"{\"holding\":110,\"type\":\"int16\"}", true}, {"{\"holding\":110,\"type\":\"int16\"}"});
    rig_wait(&rig, rig.joined);
    rig_expect_done(&rig, 0, 0.1);
    rig_expect_done(&rig, 2, 1);
    rig_expect_done(&rig, 4, -5);
    rig_wait(&rig, rig_has(&rig, 1, (float)0.1, QUALITY_GOOD));
    rig_wait(&rig, rig_has(&rig, 3, 1, QUALITY_GOOD));
    rig_wait(&rig, rig_has(&rig, 5, -5, QUALITY_GOOD));
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(what_a_device_refuses_is_said_in_its_words)
{
    rig_of(server->port, "", {"{\"holding\":3005}", true}, {"{\"holding\":1}", true}, {"{\"input\":1}"}, {"{\"input\":4000}"});
    rig_wait(&rig, rig.joined);
    rig_expect_failed(&rig, 0, 1, "Illegal data address");
    rig_expect_failed(&rig, 1, 70000, "70000 does not fit into uint16");
    rig_wait(&rig, exchange_state(rig.exchange).refused > 0);
    ck_assert_ptr_nonnull(strstr(exchange_state(rig.exchange).fault, "unit_id 1, input 4000 to 4000: Illegal data address"));
    rig_wait(&rig, rig_has(&rig, 2, 10001, QUALITY_GOOD));
    ck_assert_uint_eq(rig.received[3], 0);
    rig_close(&rig);
}

/* libmodbus' server has function 22, modbus-serial's has not. */
TEST_BESIDE_EACH_SERVER(one_bit_of_a_register_is_written_without_the_others)
{
    rig_of(server->port, "", {"{\"holding\":1365,\"bit\":1}", true}, {"{\"holding\":1365}"});
    rig_wait(&rig, rig_has(&rig, 1, 0x555, QUALITY_GOOD));
    if (server->kind == SERVER_LIBMODBUS) {
        rig_expect_done(&rig, 0, 1);
        rig_wait(&rig, rig_has(&rig, 1, 0x557, QUALITY_GOOD));
        rig_expect_done(&rig, 0, 0);
        rig_wait(&rig, rig_has(&rig, 1, 0x555, QUALITY_GOOD));
    } else {
        rig_expect_failed(&rig, 0, 1, "Illegal function");
    }
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(addresses_that_are_not_there_do_not_take_their_neighbours_along)
{
    enum { FIRST = 2990, COUNT = 30 };
    RigBinding bindings[COUNT];
    char entries[COUNT][32];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(entries[i], sizeof entries[i], "{\"holding\":%zu}", FIRST + i);
        bindings[i] = (RigBinding){entries[i], false};
    }
    rig_open(&rig, &modbus_kind, line_options(server->port, ""), bindings, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t address = FIRST + i;
        if (address < 3000 || address >= 3010)
            rig_wait(&rig, rig_has(&rig, i, (double)address, QUALITY_GOOD));
        else
            ck_assert_uint_eq(rig.received[i], 0);
    }
    ck_assert_uint_eq(exchange_state(rig.exchange).attempts, 1);
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(a_server_that_died_is_found_again_and_no_command_comes_twice)
{
    rig_of(server->port, "", {"{\"holding\":20}"}, {"{\"holding\":21}", true}, {"{\"input\":3999}"});
    rig_wait(&rig, rig_has(&rig, 0, 20, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 5);
    rig_wait(&rig, rig_has(&rig, 2, 1, QUALITY_GOOD));

    // the gap is said, and what is asked for in it fails at once
    peer_kill(&server->peer);
    rig_wait(&rig, rig_has(&rig, 0, 20, QUALITY_BAD) && rig.left == 1);
    rig_expect_failed(&rig, 1, 6, "there is no connection to 127.0.0.1");
    server_start(server);
    rig_wait(&rig, rig_has(&rig, 0, 20, QUALITY_GOOD) && rig.joined == 2);
    rig_wait(&rig, rig_has(&rig, 2, 0, QUALITY_GOOD));
    rig_expect_done(&rig, 1, 7);
    rig_wait(&rig, rig_has(&rig, 2, 1, QUALITY_GOOD));
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(a_line_that_only_writes_finds_its_server_again_too)
{
    rig_of(server->port, "", {"{\"holding\":21}", true});
    rig_wait(&rig, rig.joined == 1);
    rig_expect_done(&rig, 0, 5);
    peer_kill(&server->peer);
    rig_wait(&rig, rig.left == 1);
    rig_wait(&rig, strstr(exchange_state(rig.exchange).fault, "127.0.0.1:") != NULL);  // who it is that refuses
    server_start(server);
    rig_wait(&rig, rig.joined == 2);
    rig_expect_done(&rig, 0, 6);
    rig_close(&rig);
}

/* Whatever the load of the machine: turns that were made and turns that were left out add up to the time that went by. */
TEST_BESIDE_EACH_SERVER(the_rate_holds_and_does_not_drift)
{
    enum { TURNS = 60 };
    static const int64_t period = NS_PER_S / 50;
    rig_of(server->port, "", {"{\"holding\":1}"}, {"{\"input\":1,\"every\":0.1}"});
    rig_wait(&rig, rig.received[0] == 1);
    const int64_t first = rig.newest[0].time;
    const uint64_t missed = exchange_state(rig.exchange).missed;
    rig_wait(&rig, rig.received[0] == 1 + TURNS);

    const double turns = (double)(rig.newest[0].time - first) / (double)period;
    const double left_out = (double)(exchange_state(rig.exchange).missed - missed);
    ck_assert_double_ge(turns, TURNS - 1);
    ck_assert_double_le(turns, TURNS + left_out + 1);
    rig_close(&rig);
}

TEST_BESIDE_EACH_SERVER(the_time_of_a_sample_is_that_of_its_request)
{
    const int64_t before = clock_system.utc_ns(NULL);
    rig_of(server->port, "", {"{\"holding\":1}"});
    rig_wait(&rig, rig.received[0] == 1);
    ck_assert_int_ge(rig.newest[0].time, before);
    ck_assert_int_le(rig.newest[0].time, clock_system.utc_ns(NULL));
    rig_close(&rig);
}

KIT_MAIN("connectors.modbus", every_table_and_type_is_read, a_command_is_done_when_it_has_been_read_back, what_a_device_refuses_is_said_in_its_words,
         one_bit_of_a_register_is_written_without_the_others, addresses_that_are_not_there_do_not_take_their_neighbours_along,
         a_server_that_died_is_found_again_and_no_command_comes_twice, a_line_that_only_writes_finds_its_server_again_too,
         the_rate_holds_and_does_not_drift, the_time_of_a_sample_is_that_of_its_request)
