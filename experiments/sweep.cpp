#include "experiments/sweep.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "engine/files.h"
#include "engine/safetensors.h"
#include "experiments/log.h"
#include "experiments/progress.h"
#include "experiments/run_record.h"
#include "experiments/stop.h"

namespace elbow {
namespace {

using Clock = std::chrono::steady_clock;

/// Says when something is to be done again that may cost at most 5 % of the time.
class Pace {
 public:
  bool due() const { return Clock::now() >= next_; }
  template <class Work>
  void run(const Work& work) {
    constexpr int pause = 20;  // times what it took
    const auto start = Clock::now();
    work();
    next_ = Clock::now() + pause * (Clock::now() - start);
  }

 private:
  Clock::time_point next_ = Clock::now();
};

class Sweep {
 public:
  Sweep(const std::string& label, const std::vector<Run>& runs, const Options& options,
        const RunFolder& folder, const std::string& configuration,
        const std::function<PreparedRun(const Run&)>& prepare)
      : label_(label),
        runs_(runs),
        options_(options),
        folder_(folder),
        configuration_(configuration),
        prepare_(prepare),
        records_(runs.size()),
        running_(runs.size()),
        progress_(label, static_cast<int>(runs.size())) {}

  std::vector<RunRecord> execute() {
    for (std::size_t i = 0; i < runs_.size(); ++i) read_finished(i);
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < options_.threads; ++i) workers.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
    if (options_.profile.last > 0 && !profiled_ && !stop_requested()) {
      log_warning(
          fmt::format("[--profile] no run got to step {}: nothing was recorded", options_.profile.first));
    }
    write_tables();
    std::vector<RunRecord> finished;
    for (auto& record : records_) {
      if (record) finished.push_back(std::move(*record));
    }
    return finished;
  }

 private:
  std::filesystem::path record_path(std::size_t i) const {
    return folder_.file(fmt::format("checkpoints/{}.safetensors", name(runs_[i])));
  }
  std::filesystem::path state_path(std::size_t i) const {
    return folder_.file(fmt::format("checkpoints/{}.state.safetensors", name(runs_[i])));
  }
  std::string fingerprint(std::size_t i) const {
    const Run& run = runs_[i];
    const std::string method = run.method.empty() ? "" : fmt::format("method = {}\n", run.method);
    return fmt::format("seed = {}\ngamma2 = {}\n{}{}", run.seed, run.gamma2, method, configuration_);
  }

  void read_finished(std::size_t i) {
    if (!std::filesystem::exists(record_path(i))) return;
    records_[i] = load_record(record_path(i), runs_[i], fingerprint(i));
    remove_state(i);  // left if the earlier start was killed right after it wrote the record
    progress_.skip(static_cast<int>(i));
  }

  void remove_state(std::size_t i) const {
    std::filesystem::remove(state_path(i));
    std::filesystem::remove(previous_checkpoint(state_path(i)));
  }

  /// A worker's life: take the next run until there is none, or until something ends them all.
  void work() {
    try {
      for (std::size_t i = next_++; i < runs_.size() && !ended(); i = next_++) {
        if (records_[i]) continue;
        std::optional<RunRecord> record = train(i);
        const std::lock_guard lock(mutex_);
        records_[i] = std::move(record);
        write_tables();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
  }

  bool ended() const { return stop_requested() || failed_; }

  /// The record of run i, or nothing if a stop came first; its state is then saved.
  std::optional<RunRecord> train(std::size_t i) {
    const PreparedRun prepared = prepare_(runs_[i]);
    Training& training = *prepared.training;
    const ProfilerRange range(training.device(), label_.c_str());
    if (!training.remark().empty() && !remarked_.exchange(true)) log_info(training.remark());
    if (checkpoint_exists(state_path(i))) {
      const LoadedCheckpoint loaded = load_checkpoint(state_path(i), fingerprint(i));
      if (!loaded.warning.empty()) log_warning(loaded.warning);
      training.restore(loaded.checkpoint);
    }
    const std::int64_t first_profiled = options_.profile.first;
    const bool profiled = training.steps() < first_profiled && !profiled_.exchange(true);
    if (profiled) training.profile(options_.profile);
    RunRecord record{runs_[i], "done", 0, 0, {}, {}};
    try {
      if (!train_to_the_end(i, training)) return std::nullopt;
      record.values = prepared.measure();
    } catch (const NumericalError& error) {
      record.status = error.what();
    }
    if (profiled && training.steps() < first_profiled) profiled_ = false;  // a longer run may yet get there
    record.steps = training.steps();
    record.epochs = training.epoch();
    record.history = training.history();
    save_record(record_path(i), record, fingerprint(i), training.layout(), training.best_parameters());
    remove_state(i);
    progress_.update(static_cast<int>(i), 1);
    return record;
  }

  /// False if a stop came first; the state is then saved.
  bool train_to_the_end(std::size_t i, Training& training) {
    Pace saving;
    while (!training.finished()) {
      training.run_epoch([this] { return ended(); });
      if (ended() || saving.due()) saving.run([&] { save(i, training); });
      if (ended()) return false;
      show_progress(i, training);
      show_history(i, training);
    }
    return true;
  }

  void show_progress(std::size_t i, const Training& training) {
    const double share =
        static_cast<double>(training.epoch()) / static_cast<double>(training.config().epochs + 1);
    const auto& history = training.history();
    progress_.update(static_cast<int>(i), share,
                     history.empty()
                         ? ""
                         : fmt::format("{}: {} {:.3f}", name(runs_[i]), history.back().values.front().first,
                                       history.back().loss()));
  }

  void show_history(std::size_t i, const Training& training) {
    const std::lock_guard lock(mutex_);
    const bool is_new = !running_[i] || running_[i]->history.size() < training.history().size();
    if (!is_new) return;
    running_[i] = RunRecord{runs_[i], "running", training.steps(), training.epoch(), {}, training.history()};
    if (telling_.due()) telling_.run([this] { write_histories(); });
  }

  void save(std::size_t i, const Training& training) const {
    Checkpoint state = training.state();
    state.fingerprint = fingerprint(i);
    save_checkpoint(state_path(i), state);
  }

  void write_tables() const {
    std::vector<const RunRecord*> finished;
    for (const auto& record : records_) {
      if (record) finished.push_back(&*record);
    }
    folder_.write("runs.csv", runs_csv(finished));
    write_histories();
  }

  /// Of the finished runs, and of those that go on.
  void write_histories() const {
    std::vector<const RunRecord*> all;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (records_[i] || running_[i]) all.push_back(records_[i] ? &*records_[i] : &*running_[i]);
    }
    folder_.write("history.csv", history_csv(all));
  }

  const std::string& label_;
  const std::vector<Run>& runs_;
  const Options& options_;
  const RunFolder& folder_;
  const std::string configuration_;
  const std::function<PreparedRun(const Run&)>& prepare_;
  std::vector<std::optional<RunRecord>> records_;
  std::vector<std::optional<RunRecord>> running_;  // so far
  Pace telling_;
  Progress progress_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // records_, running_, the tables and failure_
  std::exception_ptr failure_;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> remarked_ = false;
  std::atomic<bool> profiled_ = false;  // a run has been, or is to be, profiled
};

}  // namespace

std::vector<RunRecord> run_sweep(const std::string& label, const std::vector<Run>& runs,
                                 const Options& options, const RunFolder& folder,
                                 const std::string& configuration,
                                 const std::function<PreparedRun(const Run&)>& prepare) {
  return Sweep(label, runs, options, folder, configuration, prepare).execute();
}

std::vector<Run> all_runs(const std::vector<std::uint64_t>& seeds, const std::vector<double>& gamma2) {
  std::vector<Run> runs;
  for (double precision : gamma2) {
    for (std::uint64_t seed : seeds) runs.push_back({seed, precision});
  }
  return runs;
}

}  // namespace elbow
