#pragma once
// manifest.json: where the results of a run folder come from. Written at the start and again, with the files'
// checksums, at the end; each start of a resumed run has its own entry under "starts".
#include <chrono>
#include <string>
#include <vector>

#include "experiments/options.h"
#include "experiments/run_folder.h"

namespace elbow {

class Manifest {
 public:
  /// Writes the manifest of a start: version, compiler, libraries, device, threads, time. Keeps the entries
  /// of earlier starts, and warns if one of them was of another revision. Options are resolved. Throws
  /// DataError.
  Manifest(const RunFolder& folder, const std::string& experiment, const Options& options);

  /// Adds the end, "done", "stopped" or what went wrong, and size and CRC-32 of every other file in the
  /// folder.
  void finish(const std::string& status);

 private:
  void write(const std::string& status, bool ended);

  const RunFolder& folder_;
  const std::string experiment_;
  const Options options_;
  const std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point clock_ = std::chrono::steady_clock::now();
  std::string earlier_starts_;  ///< a JSON array
};

}  // namespace elbow
