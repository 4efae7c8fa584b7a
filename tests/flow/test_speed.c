/* The real program twice, as it is used: a server and a device that plays a tape to it, at any speed. */
#include "flow/flow.h"

enum { EMULATE_MS = 60000 };

/* Serve, play the tape to it (`form` is one more option of the device, or NULL), end it; what took how long is left in `seconds`. */
static void serve_tape(const char *name, const char *speed, const char *form, const char *tape, const char *history, double *seconds)
{
    char device_name[32];
    Child server = CHILD_START(name, "serve", FLOW_PLANT, "--port", "0", "--history", history, "--speed", speed);
    child_await_port(&server);

    snprintf(device_name, sizeof device_name, "%s-device", name);
    const FlowPath url = child_url(&server);
    const int64_t began = clock_system.elapsed_ns(clock_system.self);
    Child device = CHILD_START(device_name, "emulate", FLOW_PLANT, "--tape", tape, "--url", url.text, form);
    const int status = child_wait(&device, EMULATE_MS);
    char *said = flow_read(device.err.text);
    ck_assert_msg(status == 0, "emulate: exit status %d; it said: %s", status, said);
    ck_assert_msg(strstr(said, " 0 were rejected") != NULL, "%s", said);
    free(said);
    *seconds = (double)(clock_system.elapsed_ns(clock_system.self) - began) / (double)NS_PER_S;
    child_stop(&server, SIGTERM);
}

static void assert_same_trip(const char *name, const char *speed, const char *form, double at_least_s)
{
    char file[32];
    snprintf(file, sizeof file, "%s.db", name);
    const FlowPath tape = flow_tape(), run = flow_path("run.db"), served = flow_path(file);
    double seconds;
    flow_play(tape.text, run.text, NULL);
    serve_tape(name, speed, form, tape.text, served.text, &seconds);
    ck_assert_double_ge(seconds, at_least_s);

    Record one, other;
    record_open(&one, run.text, FLOW_PLANT);
    record_open(&other, served.text, FLOW_PLANT);
    ck_assert_uint_ge(one.alarm_count, 1);
    assert_same_alarms(&one, &other);
    assert_same_estimates(&one, &other, false);  // the device also says that its time went on a little
    record_close(&one);
    record_close(&other);
}

START_TEST(a_tape_at_2000_times_its_speed_gives_the_alarms_and_estimates_of_run)
{
    assert_same_trip("fast", "2000", NULL, 0.5);  // of the 1,400 s of the tape
}
END_TEST

START_TEST(a_tape_as_fast_as_it_goes_gives_the_alarms_and_estimates_of_run)
{
    assert_same_trip("max", "max", NULL, 0);
}
END_TEST

START_TEST(a_tape_in_records_gives_the_alarms_and_estimates_of_run)
{
    assert_same_trip("records", "max", "--binary", 0);
}
END_TEST

KIT_MAIN("flow.speed", a_tape_at_2000_times_its_speed_gives_the_alarms_and_estimates_of_run, a_tape_as_fast_as_it_goes_gives_the_alarms_and_estimates_of_run,
         a_tape_in_records_gives_the_alarms_and_estimates_of_run)
