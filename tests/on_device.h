#pragma once
// Tests that every device runs: TEST_P(OnDevice, ...), instantiated with ELBOW_ON_DEVICES.
#include <gtest/gtest.h>

#include "engine/device.h"

namespace elbow::test {

/// One that cannot be had is skipped with its reason.
class OnDevice : public ::testing::TestWithParam<Device> {
 protected:
  void SetUp() override {
    if (!unavailable_reason(GetParam()).empty()) GTEST_SKIP() << unavailable_reason(GetParam());
  }
};

/// Names the tests Each/<fixture>.<test>/<device>: gpu-check chooses them by the last part.
#define ELBOW_ON_DEVICES(fixture, ...)                                    \
  INSTANTIATE_TEST_SUITE_P(Each, fixture, ::testing::Values(__VA_ARGS__), \
                           [](const auto& info) { return std::string(name(info.param)); })

}  // namespace elbow::test
