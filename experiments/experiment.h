#pragma once
// An experiment: a question of the paper, what may be asked of it, how it answers. `experiment_main` makes it
// a program.
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/device.h"
#include "experiments/claims.h"
#include "experiments/options.h"

namespace elbow {

class RunFolder;

struct Outcome {
  std::vector<Claim> claims;
  int failed_runs = 0;  ///< runs that ended in a NaN or an overflow
  int error = 0;        ///< exit code of an error that did not end everything, 0 for none
};

struct Experiment {
  std::string name;                ///< the program's, "self_consistency"
  std::string question;            ///< one sentence, for --help and the summary's title
  std::string figure;              ///< "Fig. 2"
  std::set<std::string> accepted;  ///< names of options: common_options() and its own
  /// Values of every accepted option. They may depend on what was asked for: protocol, recipe and quick, which
  /// need not be set, and dim, which is 0 unless given.
  std::function<Options(const Options& asked)> defaults;
  /// Checks options against each other and the data, for example a batch larger than the training set; throws
  /// UsageError. May be empty.
  std::function<void(const Options&)> validate;
  /// What --dry-run prints: runs, steps, estimated memory. Lines end with a newline.
  std::function<std::string(const Options&)> plan;
  /// Trains, writes runs.csv, history.csv, figures and checkpoints into the folder. Returns early once
  /// stop_requested(). The summary is written from the claims.
  std::function<Outcome(const Options&, const RunFolder&)> run;
  /// What there is to reproduce; another one is refused.
  std::vector<Protocol> protocols = {Protocol::text, Protocol::authors};
};

/// The recipe that a protocol is run with unless another is asked for.
Recipe default_recipe(Protocol protocol);

/// `defaults` with protocol, recipe and quick as asked.
Options defaults_of(const Experiment& experiment, const Options& asked);
Options defaults_of(const Experiment& experiment, Protocol protocol, Recipe recipe, bool quick);

/// Runs in a run folder, new or resumed, and writes config, manifest and summary. Options are resolved.
Outcome run_experiment(const Experiment& experiment, const Options& options);

/// 130 after a stop, else the error, else 5 for failed runs, else 6 for claims that do not hold, else 0.
int exit_code(const Outcome& outcome);

/// The body of main: parses, runs, and turns whatever is thrown into one line on stderr and an exit code.
int experiment_main(int argc, char** argv, const Experiment& experiment);

}  // namespace elbow
