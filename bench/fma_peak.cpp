#include "bench/fma_peak.h"

#include <algorithm>
#include <cstdint>

#include "bench/cpu_clock.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/fma_peak.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Runs `steps` steps of 12 independent chains; returns the float operations done. `sink` keeps the work
/// alive.
double run_chains(std::int64_t steps, float* sink) {
  constexpr int chains = 12;  // latency 4, two units: eight chains at least; twelve fit into 16 registers
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, sink[0]);
  const auto addend = hn::Set(d, sink[1]);
  hn::Vec<decltype(d)> sum[chains];
  HWY_UNROLL(12)
  for (int i = 0; i < chains; ++i)
    sum[i] = hn::Set(d, static_cast<float>(i));  // or the compiler would merge them
  for (std::int64_t step = 0; step < steps; ++step) {
    HWY_UNROLL(12)
    for (int i = 0; i < chains; ++i) sum[i] = hn::MulAdd(sum[i], factor, addend);
  }
  HWY_UNROLL(12)
  for (int i = 1; i < chains; ++i) sum[0] = hn::Add(sum[0], sum[i]);
  sink[2] = hn::GetLane(sum[0]);
  return 2.0 * chains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(steps);
}

}  // namespace elbow::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::bench {

HWY_EXPORT(run_chains);

double fma_peak_flops() {
  constexpr int slices = 40;
  constexpr std::int64_t steps = 40000;  // about half a millisecond
  float sink[3] = {0.5f, 0.25f, 0.0f};
  double best = 0;
  for (int slice = 0; slice < slices; ++slice) {
    const double start = thread_seconds();
    const double operations = HWY_DYNAMIC_DISPATCH(run_chains)(steps, sink);
    best = std::max(best, operations / (thread_seconds() - start));
  }
  return best;
}

}  // namespace elbow::bench
#endif
