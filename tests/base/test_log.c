/* The log: whole lines, nothing below the level, nothing that an outsider could forge. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"

static char written[1 << 20];

/* What `speak` wrote to standard error. */
static const char *listen_to(void (*speak)(void))
{
    char path[512];
    snprintf(path, sizeof path, "%s/log", kit_folder());
    const int kept = dup(STDERR_FILENO);
    ck_assert_ptr_nonnull(freopen(path, "w", stderr));
    speak();
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);

    FILE *const file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    written[fread(written, 1, sizeof written - 1, file)] = 0;
    fclose(file);
    return written;
}

static void speak_on_every_level(void)
{
    log_write(LOG_DEBUG, "base", "unheard");
    log_write(LOG_INFO, "server", "listening on %d", 8080);
    log_set_level(LOG_ERROR);
    log_write(LOG_WARNING, "base", "unheard");
    log_write(LOG_ERROR, "history", "disk");
    log_set_level(LOG_DEBUG);
    log_write(LOG_DEBUG, "base", "heard");
}

START_TEST(levels_below_are_not_written)
{
    const char *const lines = listen_to(speak_on_every_level);
    ck_assert_ptr_nonnull(strstr(lines, " info    server: listening on 8080\n"));
    ck_assert_ptr_nonnull(strstr(lines, " error   history: disk\n"));
    ck_assert_ptr_nonnull(strstr(lines, " debug   base: heard\n"));
    ck_assert_ptr_null(strstr(lines, "unheard"));
    int64_t time;
    ck_assert(time_parse(lines, strcspn(lines, " "), &time));
}
END_TEST

static void speak_hostile(void)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    log_write(LOG_ERROR, "base", "a\nb\r\x1b[31mc\x7f");
    log_write(LOG_ERROR, "base", "%s", text);
}

START_TEST(a_message_is_one_line_whatever_it_holds)
{
    const char *const lines = listen_to(speak_hostile);
    ck_assert_ptr_nonnull(strstr(lines, " error   base: a b  [31mc \n"));
    size_t count = 0;
    for (const char *line = lines; (line = strchr(line, '\n')); line++)
        count++;
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(lines[strlen(lines) - 1], '\n');
}
END_TEST

static void speak_to_machines(void)
{
    log_set_form(LOG_JSON);
    log_write(LOG_WARNING, "server", "a \"peer\" in C:\\plant\nsaid no");
    log_set_form(LOG_TEXT);
}

START_TEST(a_machine_gets_an_object_per_line)
{
    const char *const lines = listen_to(speak_to_machines);
    ck_assert_ptr_nonnull(strstr(lines, "\",\"level\":\"warning\",\"who\":\"server\",\"message\":\"a \\\"peer\\\" in C:\\\\plant said no\"}\n"));
    ck_assert(strncmp(lines, "{\"time\":\"", 9) == 0);
}
END_TEST

static void *speak_often(void *argument)
{
    for (int i = 0; i < 500; i++)
        log_write(LOG_ERROR, (const char *)argument, "0123456789012345678901234567890123456789");
    return NULL;
}

static void speak_together(void)
{
    static char first[] = "first", second[] = "second";
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, speak_often, second), 0);
    speak_often(first);
    pthread_join(other, NULL);
}

START_TEST(lines_of_two_threads_do_not_mix)
{
    char *rest = (char *)listen_to(speak_together);
    size_t count = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
        const char *const message = strstr(line, ": ");
        ck_assert_ptr_nonnull(message);
        ck_assert_str_eq(message, ": 0123456789012345678901234567890123456789");
    }
    ck_assert_uint_eq(count, 1000);
}
END_TEST

KIT_MAIN("base.log", levels_below_are_not_written, a_message_is_one_line_whatever_it_holds, a_machine_gets_an_object_per_line, lines_of_two_threads_do_not_mix)
