#include "bench/copy_bandwidth.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "bench/cpu_clock.h"

namespace elbow::bench {

double copy_bandwidth() {
  constexpr std::size_t bytes = std::size_t{256} << 20;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const double start = thread_seconds();
    std::memcpy(to.data(), from.data(), bytes);
    best = std::max(best, 2.0 * bytes / (thread_seconds() - start));
  }
  return best;
}

}  // namespace elbow::bench
