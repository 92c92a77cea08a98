#pragma once
// From argv to options: flags outrank the configuration file, which outranks the experiment's defaults.
#include <string>

#include "experiments/experiment.h"
#include "experiments/options.h"

namespace elbow {

struct CommandLine {
  Options options;
  std::string answer;  ///< what --help or --version print; the options then mean nothing
};

/// Throws UsageError, or DataError for a configuration file that cannot be read. With --resume and without
/// --config the file is the config.toml of the folder to resume, so that options need not be repeated.
CommandLine parse_command_line(int argc, const char* const* argv, const Experiment& experiment);

}  // namespace elbow
