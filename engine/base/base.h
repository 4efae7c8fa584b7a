/* base.h -- what everything else stands on.
 *
 * Takes: the C library, POSIX threads, xxHash.  Gives: errors, memory, rings, clocks, text, files, hashes, random numbers, a log, workers. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/ring.h"
#include "base/text.h"
#include "base/workers.h"
