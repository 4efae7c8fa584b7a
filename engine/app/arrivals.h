/* arrivals.h -- what the connectors bring: each arrival goes where it belongs, and is acknowledged when the disk has it.
 *
 * Samples are filed, answers go to the gate. Ticks run between arrivals, not behind them, so that it does not matter how many arrive at once [I4]. A connector
 * marks what it brings; once everything up to a mark is in history it is told so, and a device that was told forgets its copy.
 *
 * Threads: the tick's. */
#pragma once

#include "app/app.h"

/// Room for what waits for the disk, of all connectors, zeroed: mem_free. NULL without memory.
struct AppReceipt *arrivals_receipts(void);
/// Take some of what waits in connectors that are patient, or in all others, with the ticks that become complete. Returns how many arrivals and ticks that were.
size_t arrivals_take(App *app, bool patient);
/// Take all that waits.
void arrivals_drain(App *app);
/// What devices answer at a stop; what else they bring is not acknowledged, and comes again.
void arrivals_take_outcomes(App *app);
/// Tell connectors how far the disk has their samples.
void arrivals_acknowledge(App *app);
