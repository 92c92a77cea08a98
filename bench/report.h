#pragma once
// What a benchmark has measured, kept as JSON so that two states of the code can be compared (bench_compare).
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace elbow::bench {

struct Measurement {
  std::string name;
  std::vector<double> microseconds;  ///< one for each pair
  std::vector<double> times_limit;   ///< the same in units of the limit that was measured beside it
  double bytes = 0;                  ///< moved in one time, and
  double flop = 0;                   ///< done; 0: not told
};

struct PeerTime {
  std::string name;  ///< as the measurement's
  std::string peer;  ///< "torch eager"
  double microseconds;
};

/// Of the device that was measured.
struct Limits {
  std::string device;
  double flop_per_second;
  double bytes_per_second;
};

struct Report {
  std::string benchmark;
  std::vector<Measurement> measurements;
  std::vector<PeerTime> peers;
  std::optional<Limits> limits;  ///< none: those of one core of this machine, which run() measures
};

/// With machine, limits, compiler, revision and time. Precondition: there are limits. Throws DataError if `file` cannot
/// be written.
void write_report(const std::filesystem::path& file, const Report&);

/// The measurements of a file that write_report made. Throws DataError naming it if it is none.
std::vector<Measurement> read_measurements(const std::filesystem::path& file);

/// How the second differs from the first in times of the limit: a ratio of medians, and whether it is more than noise, which
/// is when the middle halves of both have nothing in common.
struct Change {
  double ratio;
  bool exceeds_noise;
};
Change change(const Measurement& before, const Measurement& after);

}  // namespace elbow::bench
