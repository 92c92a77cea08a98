#include "experiments/experiment.h"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <sstream>

#include "experiments/build_info.h"
#include "experiments/command_line.h"
#include "experiments/log.h"
#include "experiments/machine.h"
#include "experiments/manifest.h"
#include "experiments/run_folder.h"
#include "experiments/stop.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr int internal_error = 1;
constexpr int stopped = 130;

/// Prints to stdout. Throws DataError if that fails, unless the reader went away on purpose (`| head`).
void print_results(const std::string& text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno != EPIPE)
    throw DataError(fmt::format("[stdout] writing failed: {}; results of a run are also in its folder",
                                std::generic_category().message(errno)));
}

/// The manifest's last word on a run that failed; the failure itself matters more than whether this can be
/// written.
void finish_after(const std::exception& failure, Manifest& manifest) {
  try {
    manifest.finish(failure.what());
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
}

int run_program(int argc, char** argv, const Experiment& experiment) {
  CommandLine command_line = parse_command_line(argc, argv, experiment);
  if (!command_line.answer.empty()) {
    print_results(command_line.answer);
    return 0;
  }
  Options& options = command_line.options;
  resolve_machine(options);
  log_info(fmt::format("elbow {}  {}", version_text(), device_line(options)));
  if (options.dry_run) {
    print_results(experiment.plan(options));
    return 0;
  }
  watch_signals();
  const Outcome outcome = run_experiment(experiment, options);
  if (stop_requested()) {
    const std::string out = options.out.empty() ? "" : " --out " + options.out;
    log_info(fmt::format("stopped and saved; go on with: {} --resume{}", experiment.name, out));
  } else {
    std::ostringstream claims;
    print_claims(claims, outcome.claims, colour_wanted(STDOUT_FILENO));
    print_results(claims.str());
  }
  return exit_code(outcome);
}

}  // namespace

Recipe default_recipe(Protocol protocol) { return protocol == Protocol::text ? Recipe::best : Recipe::paper; }

Options defaults_of(const Experiment& experiment, const Options& asked) {
  Options options = experiment.defaults(asked);
  options.protocol = asked.protocol;
  options.recipe = asked.recipe;
  options.quick = asked.quick;
  return options;
}

Options defaults_of(const Experiment& experiment, Protocol protocol, Recipe recipe, bool quick) {
  Options asked;
  asked.protocol = protocol;
  asked.recipe = recipe;
  asked.quick = quick;
  return defaults_of(experiment, asked);
}

Outcome run_experiment(const Experiment& experiment, const Options& options) {
  const RunFolder folder(experiment, options);
  Manifest manifest(folder, experiment.name, options);
  log_info(fmt::format("{}  {}", experiment.name, folder.path().string()));
  Outcome outcome;
  try {
    outcome = experiment.run(options, folder);
    if (!stop_requested()) write_summary(folder.path(), experiment.question, outcome.claims);
  } catch (const std::exception& error) {
    finish_after(error, manifest);
    throw;
  }
  manifest.finish(stop_requested() ? "stopped" : "done");
  if (outcome.failed_runs > 0)
    log_warning(
        fmt::format("{} runs ended in a NaN or an overflow; runs.csv names them", outcome.failed_runs));
  return outcome;
}

int exit_code(const Outcome& outcome) {
  if (stop_requested()) return stopped;
  if (outcome.error != 0) return outcome.error;
  if (outcome.failed_runs > 0) return NumericalError("").exit_code();
  return failed_claims(outcome.claims) > 0 ? 6 : 0;
}

int experiment_main(int argc, char** argv, const Experiment& experiment) {
  // A full disk and a closed pipe are to come back as errors of write, not to kill a training.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_program(argc, argv, experiment);
  } catch (const Error& error) {
    log_error(error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    log_error("out of memory; try fewer --threads, a smaller --batch or --hidden");
    return internal_error;
  } catch (const std::exception& error) {
    log_error(fmt::format("internal error: {}", error.what()));
    return internal_error;
  }
}

}  // namespace elbow
