#pragma once
// A sweep: independent trainings, one per seed and gamma^2, shared among worker threads; each leaves one
// file.
#include <functional>
#include <string>
#include <vector>

#include "experiments/options.h"
#include "experiments/run_folder.h"
#include "experiments/run_record.h"

namespace elbow {

/// Everything one run needs, made by the worker that trains it.
struct PreparedRun {
  VaeConfig vae;
  TrainingConfig training;
  Split data;  ///< on the device of the training
  std::function<Values(const Vae&, const Training&)> measure;
};

/// Trains every run that has no record in the folder yet, on options.threads workers, and returns the records in
/// the order of `runs`; runs.csv and history.csv then hold the same. Where a worker works changes no byte. A
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
