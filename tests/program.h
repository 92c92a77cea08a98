#pragma once
// Runs the body of a program in a child process, as a user would from a shell: exit code, stdout and stderr
// come back.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "experiments/experiment.h"

namespace elbow {

struct Ran {
  int code;  ///< exit code, or 128 + the signal that killed it
  std::string out;
  std::string err;
};

/// experiment_main with these arguments, in the folder `where`; `before` runs in the child first, for limits
/// and redirections.
Ran run_as_program(
    const Experiment& experiment, const std::vector<std::string>& arguments,
    const std::filesystem::path& where, const std::function<void()>& before = [] {});

/// Trains nothing: writes runs.csv with one row per seed and gamma^2. Accepts the common options, gamma2,
/// epochs, lr and batch, the last at most 1000.
Experiment dummy_experiment();

/// A new empty folder, removed with this object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Everything in a file; "" if there is none.
std::string content_of(const std::filesystem::path& file);
void put_file(const std::filesystem::path& file, const std::string& content);

}  // namespace elbow
