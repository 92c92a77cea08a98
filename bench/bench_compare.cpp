// Which measurements of two files of a benchmark (--json) differ by more than their noise.
//
//   bench_compare OLD.json NEW.json
#include <fmt/format.h>

#include <algorithm>

#include "bench/median.h"
#include "bench/report.h"
#include "kernels/error.h"

namespace elbow::bench {
namespace {

void compare(const std::string& old_file, const std::string& new_file) {
  const std::vector<Measurement> before = read_measurements(old_file), after = read_measurements(new_file);
  fmt::print("{:34} {:>9} {:>9} {:>7}\n", "times the limit", "old", "new", "ratio");
  for (const Measurement& now : after) {
    const auto old =
        std::find_if(before.begin(), before.end(), [&](const auto& m) { return m.name == now.name; });
    if (old == before.end()) {
      fmt::print("{:34} {:>9} {:9.3f}          only in the new file\n", now.name, "",
                 median(now.times_limit));
      continue;
    }
    const Change found = change(*old, now);
    const char* const verdict =
        !found.exceeds_noise ? "within noise" : (found.ratio < 1 ? "faster" : "slower");
    fmt::print("{:34} {:9.3f} {:9.3f} {:7.3f}  {}\n", now.name, median(old->times_limit),
               median(now.times_limit), found.ratio, verdict);
  }
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr,
               "error: expected OLD.json and NEW.json, what two states of the code left for --json\n");
    return 2;
  }
  try {
    elbow::bench::compare(argv[1], argv[2]);
  } catch (const elbow::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.exit_code();
  }
  return 0;
}
