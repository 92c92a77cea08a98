// ctest labels: cuda
// Steps by one kernel where a block of threads makes them: which models one has room for.
#include <gtest/gtest.h>

#include "engine/device.h"
#include "models/fused_steps.h"

namespace elbow {
namespace {

std::string obstacle(Index layers, Index hidden, Index batch) {
  VaeConfig config;
  config.layers = layers;
  config.hidden = hidden;
  return FusedSteps::obstacle(Vae(config), batch, DType::float32, Device::executor);
}

TEST(VaeStepsOfABlock, HaveRoomForTheModelsOfThePaper) {
  EXPECT_EQ(obstacle(4, 60, 64), "");
  EXPECT_EQ(obstacle(2, 30, 64), "");
}

TEST(VaeStepsOfABlock, LeaveLargeModelsToTheTape) {
  EXPECT_EQ(obstacle(4, 120, 64).substr(0, 49), "a block of threads of executor would have to shar");
  EXPECT_NE(obstacle(4, 60, 512).find(" bytes, and can share 232448"), std::string::npos)
      << obstacle(4, 60, 512);
}

}  // namespace
}  // namespace elbow
