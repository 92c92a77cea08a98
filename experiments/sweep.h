#pragma once
// A sweep: independent trainings, one per seed and gamma^2, shared among worker threads; each leaves one
// file.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "experiments/options.h"
#include "experiments/run_folder.h"
#include "experiments/run_record.h"
#include "models/training.h"

namespace elbow {

/// A run as the worker that trains it makes it.
struct PreparedRun {
  std::unique_ptr<Training> training;
  std::function<Values()> measure;  ///< of the training, when it has ended
};

/// The same from the training itself and a function of it.
template <class SomeTraining, class Measure>
PreparedRun prepared(std::unique_ptr<SomeTraining> training, Measure measure) {
  const SomeTraining& trained = *training;
  return {std::move(training), [&trained, measure] { return measure(trained); }};
}

/// How many runs a worker trains side by side: on a GPU its share of them all, of which one kernel makes the steps; else one.
std::size_t runs_at_once(const Options& options, std::size_t runs);

/// Trains every run that has no record in the folder yet, on options.threads workers, and returns the records in
/// the order of `runs`; runs.csv and history.csv then hold the same, and history.csv, now and then, what the runs
/// that go on have validated so far. Where a worker works changes no byte. A
/// run that ends in a NaN or an overflow is a record with that status. Stops early, saved, once
/// stop_requested(); the records are then those finished so far. `configuration` is what else decides a run's
/// result, one `key = value` per line. options.profile is for the first run that gets to its first step.
std::vector<RunRecord> run_sweep(const std::string& label, const std::vector<Run>& runs,
                                 const Options& options, const RunFolder& folder,
                                 const std::string& configuration,
                                 const std::function<PreparedRun(const Run&)>& prepare);

/// seeds x gamma2, gamma2 the slower one.
std::vector<Run> all_runs(const std::vector<std::uint64_t>& seeds, const std::vector<double>& gamma2);

}  // namespace elbow
