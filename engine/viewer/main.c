/* main.c -- pollux-view: the visualizer, which `pollux view` becomes.
 *
 * A program of its own, so that a server needs neither SDL nor OpenGL to start. */
#include <signal.h>

#include "viewer/show.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return show(argc, argv);
}
