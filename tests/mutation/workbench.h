#pragma once
// Where mutants are built and tested: one build of the project whose executor gets one kernel file exchanged.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/mutation/campaign.h"
#include "tests/mutation/process.h"

namespace elbow::mutation {

/// Which instances of a kernel's templates are the mutant's; float_alone takes the others from the kernel as it is.
enum class Precision { float_alone, all };

class Workbench {
 public:
  /// Uses the objects and the test program of the build in `build`, and works in `folder`, which is made anew.
  Workbench(const std::filesystem::path& build, const std::filesystem::path& folder);

  /// Compiles `kernels`, of those that depend on `file`, with `source` in its place, and links the executor. False if
  /// that is not a program.
  bool build(const std::string& file, const std::string& source, const std::vector<std::string>& kernels,
             Precision);

  /// Runs a stage of executor_kernels_test with the executor built last, in which `file` was changed.
  Ended test(const Stage& stage, const std::string& file, unsigned most_seconds);

  double seconds() const { return seconds_; }  ///< of processor time so far

 private:
  void precompile_language();
  bool run(const std::string& command);
  std::string compile_command(const std::string& kernel) const;
  std::filesystem::path object(const std::string& kernel) const;

  std::filesystem::path build_;
  std::filesystem::path folder_;
  std::map<std::string, std::string> compile_commands_;  // by kernels/<name>.cu
  std::map<std::string, std::string> objects_;           // the same, as they are in the commands
  std::string link_command_;
  double seconds_ = 0;
};

/// Runs executor_kernels_test, the file `program`, as a stage does for mutants of `file`.
std::string test_command(const std::string& program, const Stage& stage, const std::string& file);

/// The whole file. Throws std::runtime_error naming it.
std::string read_file(const std::filesystem::path&);

/// The kernels/*.cu that are compiled anew when `file` changes, in the order of the alphabet.
std::vector<std::string> dependants(const std::string& file);

}  // namespace elbow::mutation
