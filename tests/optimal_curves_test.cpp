// ctest labels: threads
#include "experiments/optimal_curves.h"

#include <gtest/gtest.h>

#include "experiments/known_decoders.h"

namespace elbow {
namespace {

TEST(OptimalCurves, DoNotDependOnTheThreads) {
  const std::vector<KnownDecoder> decoders = {{"1", 1, triangular_weights(1, 2)},
                                              {"2", 2, separable_weights(2, 2)}};
  const std::vector<double> gamma2 = {1e3, 1e5};
  constexpr Index samples = 10;
  const auto alone = optimal_curves("alone", decoders, gamma2, samples, 1);
  const auto together = optimal_curves("together", decoders, gamma2, samples, 2);
  ASSERT_EQ(alone.size(), decoders.size());
  for (std::size_t i = 0; i < decoders.size(); ++i) {
    ASSERT_EQ(alone[i].ima_minus_elbo.size(), gamma2.size());
    EXPECT_EQ(alone[i].ima_minus_elbo.front().size(), static_cast<std::size_t>(samples));
    EXPECT_EQ(alone[i].ima_minus_elbo, together[i].ima_minus_elbo);
    EXPECT_EQ(alone[i].c_ima, together[i].c_ima);
    EXPECT_EQ(alone[i].log_density, together[i].log_density);
  }
}

}  // namespace
}  // namespace elbow
