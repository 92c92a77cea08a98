#pragma once
// Processor time of the calling thread: what a single-threaded benchmark measures, so that other work on the
// machine does not count.
#include <ctime>

namespace elbow::bench {

/// Seconds of processor time that this thread has used.
inline double thread_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace elbow::bench
