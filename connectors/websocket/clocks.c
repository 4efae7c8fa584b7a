/* clocks.c -- the clocks of devices, measured by what comes from them. */
#include "connectors/websocket/inside.h"

bool websocket__are_clocks_measured(const Websocket *websocket)
{
    return !websocket->def.provider_clock && websocket->def.speed == 1;
}

/* Said once for each setting of a clock: that is when somebody can do something about it. */
static void warn_of_clock(const Websocket *websocket, Guest *guest, const ClockReading *reading)
{
    const int64_t off = reading->offset < 0 ? -reading->offset : reading->offset;
    guest->warned &= reading->settings == guest->shown.clock.settings;
    if (guest->warned || (double)(off - reading->uncertainty) < websocket->def.step * (double)NS_PER_S)
        return;
    guest->warned = true;
    log_write(LOG_WARNING, "websocket", "device \"%s\": its clock is %.3f s %s%s", guest->shown.name, (double)off / (double)NS_PER_S,
              reading->offset < 0 ? "behind" : "ahead", websocket->def.corrected ? ", which is corrected" : ": set it, or let clocks = \"corrected\" correct its samples");
}

bool websocket__hear_clock(Websocket *websocket, Guest *guest, int64_t stamp, bool historical)
{
    const int64_t came = websocket->def.clock->utc_ns(websocket->def.clock->self);
    ClockReading reading;
    if (!historical)
        source_clock_hear(&guest->clock, stamp, came);
    if (!source_clock_read(&guest->clock, came, &reading))
        return !websocket->def.corrected;

    warn_of_clock(websocket, guest, &reading);
    pthread_mutex_lock(&websocket->lock);
    guest->shown.measured = true;
    guest->shown.clock = reading;
    pthread_mutex_unlock(&websocket->lock);
    if (websocket->def.corrected && !historical)
        clock_map_hear(&guest->map, stamp, came, &reading);
    return !websocket->def.corrected || guest->map.count > 0;
}

int64_t websocket__corrected(const Guest *guest, int64_t stamp)
{
    return guest->map.count > 0 ? clock_map_time(&guest->map, stamp) : stamp;
}
