#pragma once
// GoogleTest with a Case as parameter.
#include <gtest/gtest.h>

#include <cctype>
#include <ostream>

#include "tests/cases.h"

namespace elbow::tests {

using CaseTest = ::testing::TestWithParam<Case>;

inline void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

/// "matmul_a_b_31_33_33_7_112"; the number keeps names apart.
inline std::string readable_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char letter : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(letter))) {
      name += letter;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  return name + (name.ends_with('_') ? "" : "_") + std::to_string(info.index);
}

}  // namespace elbow::tests
