// ctest labels: cuda
// No CUDA kernel that the tests do not run: every entry function that nvcc compiled was launched on the executor.
#include <cxxabi.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <regex>
#include <set>

#include "engine/files.h"
#include "tests/executor/executor.h"
#include "tests/kernel_hashes.h"

namespace elbow::test {
namespace {

std::string demangled(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : symbol;
}

/// From what ptxas reported of each kernel (cmake/keep_resources.sh).
std::set<std::string> compiled_kernels(const std::filesystem::path& reports) {
  std::set<std::string> kernels;
  const std::regex entry("Compiling entry function '([^']+)'");
  for (const auto& file : std::filesystem::recursive_directory_iterator(reports)) {
    if (file.path().extension() != ".resources") continue;
    const std::string text = read_file(file.path(), std::size_t{1} << 24);
    for (std::sregex_iterator found(text.begin(), text.end(), entry), end; found != end; ++found) {
      kernels.insert(demangled((*found)[1]));
    }
  }
  return kernels;
}

TEST(Completeness, EveryKernelThatNvccCompiledHasRunOnTheExecutor) {
  const std::filesystem::path reports = ELBOW_CUDA_REPORTS;
  if (!std::filesystem::exists(reports)) GTEST_SKIP() << "this build has no CUDA back end";
  for (const DType dtype : {DType::float32, DType::float64}) kernel_hashes(Device::executor, dtype);
  const std::vector<std::string> list = executor::launched_kernels();
  const std::set<std::string> launched(list.begin(), list.end());
  const std::set<std::string> compiled = compiled_kernels(reports);
  EXPECT_GT(compiled.size(), 50u) << reports << " was not understood";
  for (const std::string& kernel : compiled) {
    EXPECT_TRUE(launched.contains(kernel))
        << kernel << " was never launched: tests/kernel_hashes.cpp lacks a case";
  }
}

}  // namespace
}  // namespace elbow::test
