/* score_report.c -- a score as a table for people, and as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/score.h"

static const char *const SPAN_TITLES[SPANS] = {"outside events and 3 minutes after", "outside events", "the whole recording"};
static const char *const SPAN_KEYS[SPANS] = {"calm", "outside_events", "all"};

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

/* Seconds from the beginning of the recording, from which an event may lie any time away. */
static double since(const Score *score, int64_t time)
{
    return ((double)time - (double)score->first) / (double)NS_PER_S;
}

static double false_per_day(const Score *score)
{
    const double days = since(score, score->last) / 86400;
    return days > 0 ? (double)score->judgement.false_episodes / days : NAN;
}

static const Episode *finder(const Score *score, const Incident *incident)
{
    return incident->finder == SIZE_MAX ? NULL : &score->episodes[incident->finder];
}

// --- for people ----------------------------------------------------------------------------------------------------

static void print_incident(const Score *score, const Incident *incident)
{
    const Episode *episode = finder(score, incident);
    printf("  %-22.22s %9.1f %9.1f ", incident->name, since(score, incident->begin), since(score, incident->end));
    if (!episode) {
        printf("%9s\n", "missed");
        return;
    }
    printf("%9.1f %9.1f ", since(score, episode->raised), seconds(episode->raised - incident->begin));
    if (episode->returned == TIME_NONE)
        printf("%9s %14s", "stands", "");
    else
        printf("%9.1f %14.1f", since(score, episode->returned), seconds(episode->returned - incident->end));
    const char *cause = verdict_name(episode->cause);
    const bool wrong = incident->cause[0] && strcmp(incident->cause, cause) != 0;
    printf("  %s%s%s\n", cause, wrong ? ", and it was " : "", wrong ? incident->cause : "");
}

static void print_episodes(const Score *score, EpisodeKind kind, const char *title)
{
    for (size_t e = 0; e < score->episode_count; e++)
        if (score->episodes[e].kind == kind)
            printf("  %-22s %9s %9s %9.1f  %s\n", title, "", "", since(score, score->episodes[e].raised), score->episodes[e].text);
}

static void print_judgement(const Score *score)
{
    const Judgement *judgement = &score->judgement;
    if (score->incident_count)
        printf("  found %zu of %zu, missed %zu, raised again %zu, ", judgement->found, score->incident_count, judgement->missed, judgement->again);
    else
        printf("  no events were given, so every alarm is false: ");
    printf("false episodes %zu (%.3g per day)\n", judgement->false_episodes, false_per_day(score));
    if (judgement->causes)
        printf("  named the right cause of %zu of %zu\n", judgement->causes_right, judgement->causes);
    if (score->dropped)
        printf("  %llu more episodes found no room, and count for nothing above\n", (unsigned long long)score->dropped);
}

static void print_alarms(const Score *score)
{
    if (score->incident_count + score->episode_count > 0)
        printf("  %-22s %9s %9s %9s %9s %9s %14s  %s\n", "event", "begins", "ends", "raised", "delay", "returned", "after the end", "cause named");
    for (size_t i = 0; i < score->incident_count; i++)
        print_incident(score, &score->incidents[i]);
    print_episodes(score, EPISODE_AGAIN, "raised again");
    print_episodes(score, EPISODE_FALSE, "FALSE EPISODE");
    fputs(score->incident_count + score->episode_count > 0 ? "\n" : "", stdout);
    print_judgement(score);
}

static int name_width(const Score *score)
{
    int width = 6;
    for (size_t i = 0; i < score->sensor_count; i++) {
        const int length = (int)strlen(tags_name(score->simulated->tags, score->sensors[i].tag).text);
        width = length > width ? length : width;
    }
    return width;
}

static void print_sensor(const Score *score, const SensorScore *of, Span span, int width)
{
    const Accuracy *one_step = &of->one_step[span];
    char bounds[32];
    double low, high;
    accuracy_nis_bounds(one_step->count, &low, &high);
    snprintf(bounds, sizeof bounds, "%.2f .. %.2f", low, high);
    printf("  %-*s %-6s %8zu %10.4f", width, tags_name(score->simulated->tags, of->tag).text, unit_name(of->unit), one_step->count,
           unit_scale_from_si(of->unit, accuracy_rms(one_step)));
    if (span == SPAN_CALM)
        printf(" %10.4f %10.4f", unit_scale_from_si(of->unit, accuracy_rms(&of->simulated)),
               unit_scale_from_si(of->unit, accuracy_rms(&of->restarted)));
    else
        printf(" %10s %10s", "", "");
    printf(" %9.2f  %-14s %6.2f %9.2f %% %14.1f\n", accuracy_nis(one_step), bounds, accuracy_lag1(one_step),
           100 * (double)one_step->beyond / (double)one_step->count, one_step->log_likelihood);
}

static void print_sensors(const Score *score, Span span)
{
    const int width = name_width(score);
    printf("\n%s, RMS errors per sensor:\n", score->incident_count ? SPAN_TITLES[span] : SPAN_TITLES[SPAN_ALL]);
    printf("  %-*s %-6s %8s %10s %10s %10s %9s  %-14s %6s %11s %14s\n", width, "sensor", "unit", "samples", "one step", span == SPAN_CALM ? "simulated" : "",
           span == SPAN_CALM ? "restarted" : "", "mean NIS", "95 % bounds", "lag 1", "beyond gate", "log-likelihood");
    for (size_t i = 0; i < score->sensor_count; i++)
        if (score->sensors[i].one_step[span].count)
            print_sensor(score, &score->sensors[i], span, width);
}

void score_print_table(const Score *score)
{
    printf("recording: %.0f s; times below are seconds from its beginning\n\n", since(score, score->last));
    print_alarms(score);
    // without events all spans are the whole recording
    for (Span span = 0; span < (score->incident_count ? SPANS : 1); span++)
        print_sensors(score, span);
    if (score->overtaken)
        printf("\n%llu samples came in one tick with a newer one of their sensor: they were used, but their innovations are not among these\n",
               (unsigned long long)score->overtaken);
    printf("\nhash over all ticks: %016llx\n", (unsigned long long)score->hash);
}

// --- for machines --------------------------------------------------------------------------------------------------

static void json_pair(Text *text, const char *key, double value)
{
    text_format(text, ",\"%s\":", key);
    text_json_number(text, value);
}

static void json_incident(Text *text, const Score *score, const Incident *incident)
{
    const Episode *episode = finder(score, incident);
    text_put(text, "{\"event\":");
    text_json_string(text, incident->name);
    text_put(text, ",\"twin\":");
    text_json_string(text, incident->twin);
    text_format(text, ",\"begin\":%lld,\"end\":%lld,\"cause\":\"%s\",\"found\":%s", (long long)incident->begin, (long long)incident->end, incident->cause,
                episode ? "true" : "false");
    if (episode)
        text_format(text, ",\"raised\":%lld,\"delay\":%.3f,\"cause_named\":\"%s\"", (long long)episode->raised, seconds(episode->raised - incident->begin),
                    verdict_name(episode->cause));
    if (episode && episode->returned != TIME_NONE)
        text_format(text, ",\"returned\":%lld,\"returned_after_end\":%.3f", (long long)episode->returned,
                    seconds(episode->returned - incident->end));
    text_put(text, "}");
}

static void json_episode(Text *text, const Episode *episode)
{
    text_put(text, "{\"twin\":");
    text_json_string(text, episode->twin);
    text_format(text, ",\"raised\":%lld,\"returned\":", (long long)episode->raised);
    if (episode->returned == TIME_NONE)
        text_put(text, "null");
    else
        text_format(text, "%lld", (long long)episode->returned);
    text_format(text, ",\"cause\":\"%s\",\"false\":%s,\"text\":", verdict_name(episode->cause), episode->kind == EPISODE_FALSE ? "true" : "false");
    text_json_string(text, episode->text);
    text_put(text, "}");
}

static void json_rms(Text *text, const char *key, const Accuracy *accuracy, const Unit *unit)
{
    text_format(text, ",\"%s\":{\"samples\":%zu", key, accuracy->count);
    json_pair(text, "rms", unit_scale_from_si(unit, accuracy_rms(accuracy)));
}

static void json_one_step(Text *text, const char *key, const Accuracy *accuracy, const Unit *unit)
{
    double low, high;
    accuracy_nis_bounds(accuracy->count, &low, &high);
    json_rms(text, key, accuracy, unit);
    json_pair(text, "nis", accuracy_nis(accuracy));
    json_pair(text, "nis_low", low);
    json_pair(text, "nis_high", high);
    json_pair(text, "lag1", accuracy_lag1(accuracy));
    json_pair(text, "log_likelihood", accuracy->log_likelihood);
    text_format(text, ",\"beyond_gate\":%zu}", accuracy->beyond);
}

static void json_sensor(Text *text, const Score *score, const SensorScore *of)
{
    text_put(text, "{\"sensor\":");
    text_json_string(text, tags_name(score->simulated->tags, of->tag).text);
    text_put(text, ",\"unit\":");
    text_json_string(text, unit_name(of->unit));
    for (Span span = 0; span < SPANS; span++)
        json_one_step(text, SPAN_KEYS[span], &of->one_step[span], of->unit);
    json_rms(text, "simulated", &of->simulated, of->unit);
    text_put(text, "}");
    json_rms(text, "restarted", &of->restarted, of->unit);
    text_put(text, "}}");
}

void score_print_json(const Score *score)
{
    const Judgement *judgement = &score->judgement;
    Text text = {0};
    text_put(&text, "{\"events\":[");
    for (size_t i = 0; i < score->incident_count; i++) {
        text_put(&text, i ? "," : "");
        json_incident(&text, score, &score->incidents[i]);
    }
    text_put(&text, "],\"episodes\":[");
    for (size_t e = 0; e < score->episode_count; e++) {
        text_put(&text, e ? "," : "");
        json_episode(&text, &score->episodes[e]);
    }
    text_put(&text, "],\"sensors\":[");
    for (size_t i = 0; i < score->sensor_count; i++) {
        text_put(&text, i ? "," : "");
        json_sensor(&text, score, &score->sensors[i]);
    }
    text_format(&text, "],\"found\":%zu,\"missed\":%zu,\"raised_again\":%zu,\"false_episodes\":%zu", judgement->found, judgement->missed, judgement->again,
                judgement->false_episodes);
    text_format(&text, ",\"causes\":%zu,\"causes_right\":%zu", judgement->causes, judgement->causes_right);
    json_pair(&text, "false_per_day", false_per_day(score));
    text_format(&text, ",\"dropped\":%llu,\"overtaken\":%llu,\"hash\":\"%016llx\"}\n", (unsigned long long)score->dropped, (unsigned long long)score->overtaken,
                (unsigned long long)score->hash);
    fputs(text.bytes ? text.bytes : "", stdout);
    text_fini(&text);
}
