#pragma once
// Where the results of one start of a program go: runs/<date-time>_<experiment>/, or --out.
//
//   config.toml manifest.json runs.csv history.csv summary.md summary.json figures/ checkpoints/
#include <filesystem>
#include <string>
#include <string_view>

#include "experiments/experiment.h"
#include "experiments/options.h"

namespace elbow {

/// --out, or runs/latest; throws DataError if that is to be taken and there is none.
std::filesystem::path folder_to_resume(const std::string& out);

class RunFolder {
 public:
  static constexpr const char* config_name = "config.toml";

  /// Creates the folder and config.toml in it, and points runs/latest to it if it is under runs/ by default.
  /// A folder that holds something is refused unless options.resume, and then its config.toml must ask for
  /// the same results;
  /// --resume with an --out that does not exist yet is a first start. Only one process at a time has the
  /// folder. Throws UsageError (exists, other configuration, in use), DataError (cannot be written).
  RunFolder(const Experiment& experiment, const Options& options);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// True if an earlier start left results here.
  bool resumed() const { return resumed_; }
  /// The path of a file in the folder, "runs.csv" or "figures/mcc.svg"; creates the folders above it.
  std::filesystem::path file(std::string_view name) const;
  /// Replaces a file's content at once, or not at all. Throws DataError.
  void write(std::string_view name, std::string_view content) const;

 private:
  void prepare(const Experiment& experiment, const Options& options);
  void lock();
  void unlock();

  std::filesystem::path path_;
  bool resumed_ = false;
  int lock_ = -1;
};

}  // namespace elbow
