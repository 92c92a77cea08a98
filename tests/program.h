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

}  // namespace elbow
