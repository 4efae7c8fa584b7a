/* show.h -- what a person types behind `pollux view`.
 *
 * Threads: the window's. */
#pragma once

/// Read the arguments, open source and window, and stay until the window is closed or the pictures are taken. Returns an exit status.
int show(int argc, char **argv);
