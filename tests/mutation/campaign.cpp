#include "tests/mutation/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/mutation/workbench.h"

namespace elbow::mutation {
namespace {

namespace fs = std::filesystem;

const fs::path root = ELBOW_SOURCE_DIR;

/// How long each stage takes with the kernels as they are, found out when it is first needed.
class NormalTimes {
 public:
  double seconds(std::size_t stage, const std::string& file) {
    const std::lock_guard lock(mutex_[stage]);
    double& seconds = seconds_[stage][stages[stage].own_runs ? file : ""];
    if (seconds == 0) seconds = measured(stages[stage], file);
    return seconds;
  }
  double total() const {
    double total = 0;
    for (const auto& of_file : seconds_) {
      for (const auto& entry : of_file) total += entry.second;
    }
    return total;
  }

 private:
  static double measured(const Stage& stage, const std::string& file) {
    const fs::path build = root / "build" / stage.preset, log = root / "build" / "mutation" / "normal.log";
    const std::string program = (build / "tests/executor_kernels_test").string();
    const Ended ended = run_command(test_command(program, stage, file), root, log, 600);
    if (ended.well) return ended.seconds;
    throw std::runtime_error(
        fmt::format("executor_kernels_test in {} fails with the kernels as they are; {} says how",
                    build.string(), log.string()));
  }

  std::mutex mutex_[std::size(stages)];
  std::map<std::string, double> seconds_[std::size(stages)];  // by file, "" for all runs
};

/// The first that names `function`, or else the first.
const std::string& one_that_uses(const std::string& function, const std::vector<std::string>& kernels) {
  const std::regex name("\\b" + function + "\\b");
  for (const std::string& kernel : kernels) {
    if (std::regex_search(read_file(root / kernel), name)) return kernel;
  }
  return kernels.front();
}

/// One mutant at a time; a workbench for each preset.
class Worker {
 public:
  Worker(std::size_t number, std::size_t stage_count) : stage_count_(stage_count) {
    for (std::size_t s = 0; s < stage_count; ++s) {
      const std::string preset = stages[s].preset;
      if (benches_.count(preset) > 0) continue;
      const fs::path folder = root / "build" / "mutation" / fmt::format("{}-{}", preset, number);
      benches_.emplace(preset, Workbench(root / "build" / preset, folder));
    }
  }

  void examine(Result& result, NormalTimes& normal) {
    const std::vector<std::string> kernels = dependants(result.mutant.file);
    // Most mistakes show in float, and those in a header in one kernel: the rest need not be compiled for them.
    run_stages(result, {one_that_uses(function_of(result.mutant), kernels)}, Precision::float_alone, 1,
               normal);
    if (result.fate == Fate::survived) run_stages(result, kernels, Precision::all, stage_count_, normal);
  }

  double seconds() const {
    double total = 0;
    for (const auto& [preset, bench] : benches_) total += bench.seconds();
    return total;
  }

 private:
  void run_stages(Result& result, const std::vector<std::string>& kernels, Precision precision,
                  std::size_t count, NormalTimes& normal) {
    const char* built = "";
    for (std::size_t s = 0; s < count; ++s) {
      Workbench& bench = benches_.at(stages[s].preset);
      if (std::string_view(built) != stages[s].preset &&
          !bench.build(result.mutant.file, result.mutant.source, kernels, precision)) {
        result.fate = Fate::not_a_program;
        return;
      }
      built = stages[s].preset;
      // Four times: mutants are compiled without optimisation.
      const double usual = normal.seconds(s, result.mutant.file);
      const Ended ended = bench.test(stages[s], result.mutant.file, static_cast<unsigned>(4 * usual) + 2);
      if (!ended.well) {
        result.fate = Fate::killed;
        result.stage = s;
        result.out_of_time = ended.out_of_time;
        return;
      }
    }
  }

  std::size_t stage_count_;
  std::map<std::string, Workbench> benches_;
};

/// Lets all workers take from the same list until it is empty. The first exception of any of them is thrown.
void share_out(std::vector<Worker>& workers, const std::vector<Result*>& work, NormalTimes& normal,
               const std::function<void(const Result&)>& examined) {
  std::atomic<std::size_t> taken = 0;
  std::mutex mutex;  // of `examined` and `error`
  std::exception_ptr error;
  std::vector<std::jthread> threads;
  for (Worker& worker : workers) {
    threads.emplace_back([&] {
      try {
        for (std::size_t i = taken++; i < work.size(); i = taken++) {
          worker.examine(*work[i], normal);
          const std::lock_guard lock(mutex);
          examined(*work[i]);
        }
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
        taken = work.size();
      }
    });
  }
  threads.clear();
  if (error) std::rethrow_exception(error);
}

}  // namespace

std::vector<Listed> listed(const std::string& text, const std::string& list) {
  std::vector<Listed> all;
  std::istringstream lines(text);
  std::string file, before;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("kernels/")) {
      file = line;
    } else if (line.starts_with("- ")) {
      before = line.substr(2);
    } else if (line.starts_with("+ ") && !file.empty() && !before.empty()) {
      all.push_back({file, before, line.substr(2)});
    } else if (!line.empty() && !line.starts_with("#") && !line.starts_with("  ")) {
      throw std::runtime_error(
          fmt::format("{}:{}: '{}' is neither a file (kernels/...), nor a line "
                      "before ('- ') and after "
                      "('+ '), nor a reason (two blanks)",
                      list, number, line));
    }
  }
  return all;
}

bool is_listed(const Mutant& mutant, const std::vector<Listed>& list) {
  return std::any_of(list.begin(), list.end(), [&](const Listed& l) {
    return l.file == mutant.file && l.before == mutant.before && l.after == mutant.after;
  });
}

Campaign run_campaign(const std::vector<Mutant>& mutants, const std::vector<Listed>& equivalents,
                      std::size_t stage_count, const std::function<void(const Result&)>& examined) {
  const auto start = std::chrono::steady_clock::now();
  Campaign campaign;
  for (const Mutant& mutant : mutants) campaign.results.push_back({mutant});
  std::vector<Result*> work;
  for (Result& result : campaign.results) {
    if (is_listed(result.mutant, equivalents)) {
      result.fate = Fate::equivalent;
    } else {
      work.push_back(&result);
    }
  }
  std::vector<Worker> workers;
  const std::size_t count = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t w = 0; w < count; ++w) workers.emplace_back(w, stage_count);
  NormalTimes normal;
  share_out(workers, work, normal, examined);

  campaign.processor_seconds = normal.total();
  for (const Worker& worker : workers) campaign.processor_seconds += worker.seconds();
  campaign.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return campaign;
}

}  // namespace elbow::mutation
