// ctest labels: cuda
// First truth: every operation's values and gradients against PyTorch in float64
// (tests/golden/operations/).

// A false alarm of GCC 12 inside <regex> when it optimises for AddressSanitizer.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/golden.h"
#include "tests/on_device.h"

namespace elbow::test {
namespace {

void compare(const Case& c, DType dtype, Device device) {
  const std::vector<GoldenArray> expected = golden_of(c);
  const Evaluation run = evaluate(c, c.build, dtype, device);
  ASSERT_EQ(run.arrays.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool is_output = i < run.outputs;
    const std::string what = fmt::format("{} {} {}", name(dtype), is_output ? "output" : "gradient",
                                         is_output ? i : i - run.outputs);
    EXPECT_TRUE(agree(what, run.arrays[i], expected[i].values, expected[i].shape,
                      c.roundings() * epsilon(dtype) * expected[i].norm));
  }
}

void compare_all(DType dtype, Device device) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    EXPECT_NO_THROW(compare(c, dtype, device));
  }
}

class Golden : public OnDevice {};
ELBOW_ON_DEVICES(Golden, Device::cpu, Device::cuda, Device::executor);
TEST_P(Golden, Float64) { compare_all(DType::float64, GetParam()); }
TEST_P(Golden, Float32) { compare_all(DType::float32, GetParam()); }

TEST(CaseList, NamesDiffer) {
  std::set<std::string> names;
  for (const Case& c : cases()) EXPECT_TRUE(names.insert(c.name).second) << c.name << " is there twice";
}

TEST(CaseList, GoldenFileHoldsNothingElse) {
  std::set<std::string> known;
  for (const Case& c : cases()) known.insert(c.golden);
  for (const std::string& key : golden_keys()) EXPECT_TRUE(known.contains(key)) << key << " is no case";
}

/// What a call of a declared parameter looks like in a case's expression: a Variable is an operand, or what a function
/// makes of one to bring it into range.
std::string argument_pattern(const std::string& parameter) {
  if (parameter.find("Variables") != std::string::npos || parameter.find("Shape") != std::string::npos ||
      parameter.find("Geometry") != std::string::npos)
    return R"(\{.*\})";
  if (parameter.find("Variable") != std::string::npos) return R"((?:[abc]|\w+\([abc]\)))";
  if (parameter.find("Tensor") != std::string::npos) return R"((?:[abc]\.value\(\)|\w+\([abc]\)))";
  return R"(-?[\w:.]+)";
}

/// A regular expression of the calls of "Variable operator+(const Variable& x, double number)".
std::string call_pattern(const std::string& name, const std::string& parameters) {
  std::vector<std::string> arguments;
  std::stringstream list(parameters);
  for (std::string parameter; std::getline(list, parameter, ',');)
    arguments.push_back(argument_pattern(parameter));
  if (!name.starts_with("operator")) return fmt::format("{}\\({}\\)", name, fmt::join(arguments, ", "));
  const std::string sign = name.substr(8);
  return arguments.size() == 1 ? fmt::format("\\{}{}", sign, arguments[0])
                               : fmt::format("{} \\{} {}", arguments[0], sign, arguments[1]);
}

TEST(CaseList, EveryDeclaredOperationHasACase) {
  std::string header = std::regex_replace(source_text("engine/ops.h"), std::regex("//[^\n]*"), "");
  header = std::regex_replace(header, std::regex("\\s+"), " ");
  const std::regex declaration(
      R"((?:Variable|LatentSample|LogDeterminant) (operator.|\w+)\(([^)]*)\) ?[;{])");
  int declarations = 0;
  for (std::sregex_iterator found(header.begin(), header.end(), declaration), end; found != end; ++found) {
    ++declarations;
    const std::regex call(call_pattern((*found)[1], (*found)[2]));
    const bool has_case = std::any_of(cases().begin(), cases().end(), [&call](const Case& c) {
      return std::regex_match(c.expression, call);
    });
    EXPECT_TRUE(has_case) << "no case in tests/cases.cpp calls " << found->str();
  }
  EXPECT_GE(declarations, 40) << "engine/ops.h was not understood";
}

}  // namespace
}  // namespace elbow::test
