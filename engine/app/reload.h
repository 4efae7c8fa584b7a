/* reload.h -- another version of the plant's script, loaded beside the running one.
 *
 * Loading happens on a thread of its own, so ticks go on. What comes out is an App that is to succeed the running one (app_succeed), or why the
 * script was refused. With `watch` the files are looked at once a second: the plant's script, its parameter file and the scripts of its models; and, while the
 * newest version is refused, every script beside them, since nobody knows which of them it would use.
 *
 * Takes: an AppDef.  Gives: Apps.  Threads: one, the tick's; its own loads. */
#pragma once

#include "app/app.h"

typedef struct Reload Reload;

/// Before the first App is loaded: what changes from now on counts.
Err reload_create(const AppDef *def, bool watch, Reload **out);
/// Waits for the loading thread.
void reload_destroy(Reload *reload);
/// Load the script; when that is being done already, once more behind it.
void reload_ask(Reload *reload);

typedef enum ReloadResult { RELOAD_NOTHING, RELOAD_LOADED, RELOAD_REFUSED } ReloadResult;
/// What has come of it since. RELOAD_LOADED gives an App, RELOAD_REFUSED says `why`. `running` tells which files are looked at.
ReloadResult reload_poll(Reload *reload, const Plant *running, App **out, ErrText *why);
/// Whether something is being loaded, or asked for.
bool reload_is_busy(const Reload *reload);
