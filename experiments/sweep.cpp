#include "experiments/sweep.h"

#include <fmt/format.h>

#include <algorithm>
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
#include "experiments/machine.h"
#include "experiments/progress.h"
#include "experiments/run_record.h"
#include "experiments/stop.h"
#include "models/fused_steps.h"

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

/// A run that a worker has begun.
struct Going {
  std::size_t run;
  PreparedRun prepared;
  bool profiled;  ///< for this run the options ask for a recording
  Pace saving{};
  FusedSteps* planned = nullptr;
  Index shown_epoch = -1;
  std::string error{};  ///< what ended it
  bool ended = false;

  Training& training() const { return *prepared.training; }
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
        runs_at_once_(runs_at_once(options, runs.size())),
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

  /// A worker's life: take runs, so many at a time, until there are none or something ends them all.
  void work() {
    try {
      std::vector<Going> group;
      while (!ended()) {
        while (has_room(group) && take_next(group)) continue;
        if (group.empty()) return;
        const ProfilerRange range(group.front().training().device(), label_.c_str());
        make_steps(group);
        for (Going& going : group) follow(going);
        std::erase_if(group, [](const Going& going) { return going.ended; });
      }
      for (const Going& going : group) save(going.run, going.training());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
  }

  bool ended() const { return stop_requested() || failed_; }

  bool has_room(const std::vector<Going>& group) const {
    return group.empty() || (group.front().training().is_fused() && group.size() < runs_at_once_);
  }

  /// Adds the next run that has no record; false if there is none.
  bool take_next(std::vector<Going>& group) {
    for (std::size_t i = next_++; i < runs_.size(); i = next_++) {
      if (records_[i]) continue;
      group.push_back(begun(i));
      return true;
    }
    return false;
  }

  Going begun(std::size_t i) {
    PreparedRun prepared = prepare_(runs_[i]);
    Training& training = *prepared.training;
    if (!training.remark().empty() && !remarked_.exchange(true)) log_info(training.remark());
    if (checkpoint_exists(state_path(i))) {
      const LoadedCheckpoint loaded = load_checkpoint(state_path(i), fingerprint(i));
      if (!loaded.warning.empty()) log_warning(loaded.warning);
      training.restore(loaded.checkpoint);
    }
    const bool profiled = training.steps() < options_.profile.first && !profiled_.exchange(true);
    if (profiled) training.profile(options_.profile);
    return {i, std::move(prepared), profiled};
  }

  /// Of those that a kernel can make steps of, together; of the others an epoch each.
  void make_steps(std::vector<Going>& group) {
    std::vector<FusedSteps*> planned;
    for (Going& going : group) {
      if (going.training().finished()) continue;
      going.planned = going.training().plan_steps();
      if (going.planned != nullptr) planned.push_back(going.planned);
    }
    FusedSteps::make(planned);
    for (Going& going : group) {
      try {
        if (going.training().finished()) continue;
        if (going.planned != nullptr) {
          going.training().take_steps();
        } else {
          going.training().run_epoch([this] { return ended(); });
        }
      } catch (const NumericalError& error) {
        going.error = error.what();
      }
    }
  }

  /// What is to be done between a run's steps, and after its last.
  void follow(Going& going) {
    if (!going.error.empty() || (going.training().finished() && !ended())) {
      finish(going);
      return;
    }
    if (ended()) return;  // all are saved
    if (going.saving.due()) going.saving.run([&] { save(going.run, going.training()); });
    if (going.training().epoch() == going.shown_epoch) return;
    going.shown_epoch = going.training().epoch();
    show_progress(going.run, going.training());
    show_history(going.run, going.training());
  }

  void finish(Going& going) {
    const std::size_t i = going.run;
    const Training& training = going.training();
    RunRecord record{runs_[i], "done", 0, 0, {}, {}};
    try {
      if (going.error.empty()) record.values = going.prepared.measure();
    } catch (const NumericalError& error) {
      going.error = error.what();
    }
    if (!going.error.empty()) record.status = going.error;
    // A longer run may yet get there.
    if (going.profiled && training.steps() < options_.profile.first) profiled_ = false;
    record.steps = training.steps();
    record.epochs = training.epoch();
    record.history = training.history();
    save_record(record_path(i), record, fingerprint(i), training.layout(), training.best_parameters());
    remove_state(i);
    progress_.update(static_cast<int>(i), 1);
    going.ended = true;
    const std::lock_guard lock(mutex_);
    records_[i] = std::move(record);
    write_tables();
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
  const std::size_t runs_at_once_;
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

std::size_t runs_at_once(const Options& options, std::size_t runs) {
  if (backend(device_of(options)).block_memory == 0) return 1;
  const auto workers = static_cast<std::size_t>(std::max(options.threads, 1));
  return (runs + workers - 1) / workers;
}

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
