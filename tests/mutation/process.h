#pragma once
// Runs a shell command with a limit to the processor time it takes, which does not depend on how busy the machine is.
#include <filesystem>
#include <string>

namespace elbow::mutation {

struct Ended {
  bool well;         ///< exit code 0
  bool out_of_time;  ///< each process of the command may take `most_seconds`
  double seconds;    ///< of processor time, all processes together
};

/// In `folder`, without input; stdout and stderr go to `log`.
Ended run_command(const std::string& command, const std::filesystem::path& folder,
                  const std::filesystem::path& log, unsigned most_seconds);

}  // namespace elbow::mutation
