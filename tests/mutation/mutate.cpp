// Changes the CUDA kernels in small ways, one at a time, and says which changes the executor's tests do not notice.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/mutation/campaign.h"
#include "tests/mutation/workbench.h"

namespace elbow::mutation {
namespace {

namespace fs = std::filesystem;

const fs::path root = ELBOW_SOURCE_DIR;
constexpr double least_killed = 0.99;  // of the mutants that are programs and not equivalent

/// What has neither device code nor launch arithmetic, but calls of libraries, which other tests check one by one:
/// tests/executor/kernels_test.cpp lets each call of the runtime fail, cublas_test.cpp and cudnn_test.cpp hold what cuBLAS and
/// cuDNN are given to their documentation. Ranges are names for a profiler and change no result. The tensor core's tile is in no kernel yet;
/// language_test.cpp holds it to the manual.
const std::set<std::string> left_out{"kernels/blas.cuh",
                                     "kernels/convolution_dnn.cu",
                                     "kernels/convolution_dnn.cuh",
                                     "kernels/cuda_backend.cu",
                                     "kernels/dnn.cuh",
                                     "kernels/dnn_functions.cu",
                                     "kernels/dnn_functions.cuh",
                                     "kernels/matmul_blas.cu",
                                     "kernels/matmul_blas.cuh",
                                     "kernels/range.cuh",
                                     "kernels/tensor_tile.cuh"};

std::vector<std::string> kernel_files() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(root / "kernels")) {
    const std::string file = "kernels/" + entry.path().filename().string();
    const fs::path extension = entry.path().extension();
    if ((extension == ".cu" || extension == ".cuh") && left_out.count(file) == 0) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// All synchronisations, and one statement of each kernel.
std::vector<Mutant> few_of(std::vector<Mutant> mutants) {
  std::set<std::string> kernels_seen;
  std::erase_if(mutants, [&](const Mutant& m) {
    if (m.operation == synchronisation) return false;
    return m.operation != "statement" || m.file.ends_with(".cuh") || !kernels_seen.insert(m.file).second;
  });
  return mutants;
}

void print_survivor(const Result& result) {
  const Mutant& m = result.mutant;
  fmt::print("{}:{}: survived ({})\n- {}\n+ {}\n\n", m.file, m.line, m.operation, m.before, m.after);
  std::fflush(stdout);
}

struct Counts {
  std::size_t mutants = 0, killed[std::size(stages)] = {}, out_of_time = 0, survived = 0, equivalent = 0,
              no_program = 0;

  void add(const Result& result) {
    ++mutants;
    if (result.fate == Fate::killed) ++killed[result.stage];
    out_of_time += result.out_of_time;
    survived += result.fate == Fate::survived;
    equivalent += result.fate == Fate::equivalent;
    no_program += result.fate == Fate::not_a_program;
  }
  std::size_t all_killed() const {
    std::size_t sum = 0;
    for (const std::size_t count : killed) sum += count;
    return sum;
  }
  double killed_share() const {
    const std::size_t judged = all_killed() + survived;
    return judged == 0 ? 1 : static_cast<double>(all_killed()) / static_cast<double>(judged);
  }
  void print(const std::string& name) const {
    fmt::print("| {} | {} |", name, mutants);
    for (const std::size_t count : killed) fmt::print(" {} |", count);
    fmt::print(" {} | {} | {} | {} |\n", out_of_time, survived, equivalent, no_program);
  }
};

Counts print_table(const std::vector<Result>& results) {
  std::map<std::string, Counts> of_file;
  Counts all;
  for (const Result& result : results) {
    of_file[result.mutant.file].add(result);
    all.add(result);
  }
  fmt::print("| file | mutants |");
  for (const Stage& stage : stages) fmt::print(" {} |", stage.name);
  fmt::print(" of these out of time | survived | equivalent | not a program |\n|---|{}\n",
             "---|---|---|---|---|---|---|---|---|");
  for (const auto& [file, counts] : of_file) counts.print("`" + file + "`");
  all.print("all");
  return all;
}

/// Entries of `list` for files that were looked at, but that fit no mutant.
std::size_t print_outdated(const std::string& list, const std::vector<Listed>& entries,
                           const std::vector<Mutant>& mutants, const std::vector<std::string>& files) {
  std::size_t outdated = 0;
  for (const Listed& e : entries) {
    if (std::find(files.begin(), files.end(), e.file) == files.end()) continue;
    const auto fits = [&](const Mutant& mutant) { return is_listed(mutant, {e}); };
    if (std::any_of(mutants.begin(), mutants.end(), fits)) continue;
    fmt::print("{} names what is no mutant of {} any more; take it out:\n- {}\n+ {}\n\n", list, e.file,
               e.before, e.after);
    ++outdated;
  }
  return outdated;
}

int run(std::vector<std::string> files, bool quick) {
  const std::vector<std::string> known = kernel_files();
  for (const std::string& file : files) {
    if (std::find(known.begin(), known.end(), file) == known.end()) {
      fmt::print(stderr, "mutate: '{}' is not one of {}\n", file, fmt::join(known, ", "));
      return 2;
    }
  }
  if (files.empty()) files = known;
  std::vector<Mutant> mutants;
  for (const std::string& file : files) {
    for (Mutant& mutant : mutants_of(file, read_file(root / file))) mutants.push_back(std::move(mutant));
  }
  const std::string equivalent_list = "tests/mutation/equivalent.txt",
                    tsan_list = "tests/mutation/only_tsan.txt";
  const std::vector<Listed> equivalents = listed(read_file(root / equivalent_list), equivalent_list);
  const std::vector<Listed> only_tsan = listed(read_file(root / tsan_list), tsan_list);
  const std::size_t outdated = print_outdated(equivalent_list, equivalents, mutants, files) +
                               print_outdated(tsan_list, only_tsan, mutants, files);
  if (quick) {
    mutants = few_of(std::move(mutants));
    std::erase_if(mutants, [&](const Mutant& mutant) { return is_listed(mutant, only_tsan); });
  }

  std::size_t examined = 0, unsynchronised = 0;
  const auto show = [&](const Result& result) {
    fmt::print(stderr, "\r{} mutants run", ++examined);
    if (result.fate != Fate::survived) return;
    print_survivor(result);
    unsynchronised += result.mutant.operation == synchronisation;
  };
  const Campaign campaign =
      run_campaign(mutants, equivalents, quick ? plain_stages : std::size(stages), show);
  fmt::print(stderr, "\n");
  const Counts all = print_table(campaign.results);
  fmt::print("\n{} of {} killed, {:.2f} %; {:.0f} s, {:.0f} s of processor time.\n", all.all_killed(),
             all.all_killed() + all.survived, 100 * all.killed_share(), campaign.wall_seconds,
             campaign.processor_seconds);
  if (unsynchronised > 0) fmt::print("{} deleted synchronisations survived; none may.\n", unsynchronised);
  if (all.killed_share() < least_killed) fmt::print("At least {} % have to be killed.\n", 100 * least_killed);
  const bool too_few_programs = all.no_program * 10 > all.mutants;
  if (too_few_programs)
    fmt::print("More than a tenth is not a program; build/mutation/cpu-0/build.log says why.\n");
  return too_few_programs || unsynchronised > 0 || outdated > 0 || all.killed_share() < least_killed ? 1 : 0;
}

}  // namespace
}  // namespace elbow::mutation

int main(int argc, char** argv) {
  CLI::App app(
      "Changes the CUDA kernels in small ways, one at a time, and says which changes the tests do not "
      "notice.");
  std::vector<std::string> files;
  bool quick = false;
  app.add_option("files", files, "kernels/<name>.cu or .cuh; all if none is named");
  app.add_flag("--quick", quick, "All synchronisations and one statement of each kernel, without sanitizers");
  CLI11_PARSE(app, argc, argv);
  try {
    return elbow::mutation::run(files, quick);
  } catch (const std::exception& error) {
    fmt::print(stderr, "mutate: {}\n", error.what());
    return 2;
  }
}
