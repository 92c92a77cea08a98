// First truth: every operation's values and gradients against PyTorch in float64 (tests/golden/operations.json).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/parameterized.h"

namespace elbow::tests {

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(ELBOW_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << "cannot read " << path;
  return text.str();
}

const nlohmann::json& golden() {
  static const nlohmann::json file = nlohmann::json::parse(read("tests/golden/operations.json"));
  return file;
}

Shape shape_of(const nlohmann::json& array) {
  Shape shape;
  for (const Index extent : array["shape"]) shape.append(extent);
  return shape;
}

class Golden : public CaseTest {
 protected:
  void compare(DType dtype) {
    const Case& c = GetParam();
    ASSERT_TRUE(golden().contains(c.name)) << "no golden entry; see tests/golden/make_golden.py";
    const nlohmann::json& entry = golden()[c.name];
    ASSERT_EQ(entry["torch"], c.torch) << "the golden entry is of another expression; run make_golden.py again";
    ASSERT_EQ(entry["fingerprint"], fmt::format("{:016x}", fingerprint(c)))
        << "the golden entry is of other operands; run make_golden.py again";
    Evaluation run = evaluate(c, c.build, dtype);
    const std::size_t outputs = run.outputs.size();
    run.outputs.insert(run.outputs.end(), run.gradients.begin(), run.gradients.end());
    ASSERT_EQ(run.outputs.size(), entry["arrays"].size());
    for (std::size_t i = 0; i < run.outputs.size(); ++i) {
      const nlohmann::json& array = entry["arrays"][i];
      const std::string what = i < outputs ? fmt::format("{} of {}, output {}", name(dtype), c.expression, i)
                                           : fmt::format("{} of {}, gradient {}", name(dtype), c.expression, i - outputs);
      const double limit = c.roundings() * epsilon(dtype) * array["norm"].get<double>();
      EXPECT_TRUE(agree(what, run.outputs[i], array["values"].get<std::vector<double>>(), shape_of(array), limit));
    }
  }
};

TEST_P(Golden, Float64) { compare(DType::float64); }
TEST_P(Golden, Float32) { compare(DType::float32); }

INSTANTIATE_TEST_SUITE_P(Cases, Golden, ::testing::ValuesIn(cases()), readable_name);

TEST(CaseList, NamesDiffer) {
  std::set<std::string> names;
  for (const Case& c : cases()) EXPECT_TRUE(names.insert(c.name).second) << c.name << " is there twice";
}

TEST(CaseList, GoldenFileHoldsNothingElse) {
  std::set<std::string> names;
  for (const Case& c : cases()) names.insert(c.name);
  for (const auto& [name, entry] : golden().items()) EXPECT_TRUE(names.contains(name)) << name << " is no case";
}

/// What a call of a declared parameter looks like in a case's expression.
std::string argument_pattern(const std::string& parameter) {
  if (parameter.find("Variables") != std::string::npos || parameter.find("Shape") != std::string::npos) return R"(\{.*\})";
  if (parameter.find("Variable") != std::string::npos) return "[abc]";
  if (parameter.find("Tensor") != std::string::npos) return R"([abc]\.value\(\))";
  return R"(-?[\w:.]+)";
}

/// A regular expression of the calls of "Variable operator+(const Variable& x, double number)".
std::string call_pattern(const std::string& name, const std::string& parameters) {
  std::vector<std::string> arguments;
  std::stringstream list(parameters);
  for (std::string parameter; std::getline(list, parameter, ',');) arguments.push_back(argument_pattern(parameter));
  if (!name.starts_with("operator")) return fmt::format("{}\\({}\\)", name, fmt::join(arguments, ", "));
  const std::string sign = name.substr(8);
  return arguments.size() == 1 ? fmt::format("\\{}{}", sign, arguments[0])
                               : fmt::format("{} \\{} {}", arguments[0], sign, arguments[1]);
}

TEST(CaseList, EveryDeclaredOperationHasACase) {
  std::string header = std::regex_replace(read("engine/ops.h"), std::regex("//[^\n]*"), "");
  header = std::regex_replace(header, std::regex("\\s+"), " ");
  const std::regex declaration(R"((?:Variable|LatentSample) (operator.|\w+)\(([^)]*)\) ?[;{])");
  int declarations = 0;
  for (std::sregex_iterator found(header.begin(), header.end(), declaration), end; found != end; ++found) {
    ++declarations;
    const std::regex call(call_pattern((*found)[1], (*found)[2]));
    const bool has_case = std::any_of(cases().begin(), cases().end(),
                                      [&call](const Case& c) { return std::regex_match(c.expression, call); });
    EXPECT_TRUE(has_case) << "no case in tests/cases.cpp calls " << found->str();
  }
  EXPECT_GE(declarations, 40) << "engine/ops.h was not understood";
}

}  // namespace

}  // namespace elbow::tests
