/* Any bytes as a payload of Sparkplug, as a host's state and as a topic: what is read is in its limits, and reads back as it was when it is written. */
#include "connectors/sparkplug/place.h"
#include "connectors/sparkplug/report.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_metric(const Metric *metric, const Metric *again)
{
    require(again->has_alias == metric->has_alias && again->alias == metric->alias && again->historical == metric->historical && again->type == metric->type);
    require(!again->name == !metric->name && (!metric->name || strcmp(again->name, metric->name) == 0));
    require(again->has_number == (metric->has_number && isfinite(metric->number)));
    require(!again->has_number || again->number == metric_round(metric->type, metric->number));
    require(metric->time == TIME_NONE || again->time == metric->time);
}

static void read_report(const uint8_t *bytes, size_t size)
{
    Report report, again;
    ErrText why = {""};
    if (report_read(bytes, size, &report, &why) != ERR_OK) {
        require(*why.text && !report.metrics);
        return;
    }
    require(report.sequence >= -1 && report.sequence <= 255);
    Text text = {0};
    require(report_write(&report, &text) == ERR_OK);
    require(report_read(text.bytes ? text.bytes : "", text.length, &again, NULL) == ERR_OK);
    require(again.count == report.count && again.sequence == report.sequence && again.time == report.time);
    for (size_t i = 0; i < report.count; i++)
        check_metric(&report.metrics[i], &again.metrics[i]);
    text_fini(&text);
    report_fini(&again);
    report_fini(&report);
}

static void read_topic(const uint8_t *bytes, size_t size)
{
    char topic[1024], back[PLACE_TOPIC];
    Heading heading;
    const size_t length = size < sizeof topic ? size : sizeof topic - 1;
    memcpy(topic, bytes, length);
    topic[length] = 0;
    if (!heading_read(topic, &heading))
        return;
    heading_write(heading.message, heading.group, heading.node, *heading.device ? heading.device : NULL, back);
    require(strncmp(topic, back, strlen(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    bool online;
    int64_t time;
    read_report(bytes, size);
    read_topic(bytes, size);
    state_read((const char *)bytes, size, &online, &time);
    return 0;
}
