// Work over threads. Items are handed out one by one in ascending order, so an item should take well under a
// second (the pause between two looks at Ctrl-C) and well over a microsecond.
#pragma once

#include <cstddef>
#include <functional>

namespace facetry {

// At most this many threads work for one call. Starts as FACETRY_NUM_THREADS or the CPUs this process may
// use.
std::size_t num_threads();
void set_num_threads(std::size_t threads);

// Called on the calling thread between items, every 50 ms; it stops the work by throwing.
void set_interrupt_check(void (*check)());

using Work = std::function<void(std::size_t item)>;

// Runs items 0..items-1, split over threads when `nanoseconds` (an estimate of the whole) is worth it. Every
// thread that takes part calls make_work once, for its scratch. When work throws, the exception of the lowest
// item is rethrown: it does not depend on the number of threads.
void parallel_for(std::size_t items, double nanoseconds, const std::function<Work()>& make_work);

// For items that may last longer than a second: called now and then from inside, it throws after a Ctrl-C.
// Does nothing outside of parallel_for.
void check_stop();

}  // namespace facetry
