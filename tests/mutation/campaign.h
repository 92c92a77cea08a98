#pragma once
// The mutation test: every mutant of a kernel file is built into the executor and must fail the executor's tests.
#include <functional>
#include <string>
#include <vector>

#include "tests/mutation/mutants.h"

namespace elbow::mutation {

/// A build and a part of executor_kernels_test, cheapest first; the first that fails kills the mutant.
struct Stage {
  const char* name;
  const char* preset;
  const char* filter;
  bool own_runs;  ///< only runs that are named after the changed file, if there are any
};
// Most mistakes show in the file's own runs; those of all kernels are for what is left.
inline constexpr Stage stages[] = {
    {"forward", "cpu", "*/forward", true},
    {"other orders", "cpu", "*/reverse:*/random1:*/random2:*/random3", true},
    {"ASan, UBSan", "asan", "*/forward", true},
    {"TSan", "tsan", "*/SmallRuns.*/forward", true},  // large runs take minutes there
    {"all runs", "cpu", "*/forward:*/reverse:*/random1", false},
    {"all, ASan", "asan", "*/forward", false},
};
inline constexpr std::size_t plain_stages = 2;  ///< those before the first sanitizer

enum class Fate { killed, survived, equivalent, not_a_program };

struct Result {
  Mutant mutant;
  Fate fate = Fate::survived;
  std::size_t stage = 0;     ///< that killed it
  bool out_of_time = false;  ///< in that stage
};

/// A mutant that a list names, with the reason: in tests/mutation/equivalent.txt those that compute what the original
/// does, or differ where no test can look.
struct Listed {
  std::string file, before, after;
};
/// The entries of `text`, the file `list`. Throws std::runtime_error naming the line that cannot be read.
std::vector<Listed> listed(const std::string& text, const std::string& list);
bool is_listed(const Mutant&, const std::vector<Listed>&);

struct Campaign {
  std::vector<Result> results;  ///< in the order of the mutants
  double wall_seconds = 0;
  double processor_seconds = 0;
};

/// Runs the first `stage_count` stages for every mutant that is not equivalent, as many at a time as there are
/// processors, and calls `examined` after each. Throws std::runtime_error if the kernels as they are fail.
Campaign run_campaign(const std::vector<Mutant>&, const std::vector<Listed>&, std::size_t stage_count,
                      const std::function<void(const Result&)>& examined);

}  // namespace elbow::mutation
