#pragma once
// Time on a device whose calls return before it has done what they ask for.
#include <algorithm>
#include <chrono>
#include <functional>

#include "engine/tensor.h"

namespace elbow::bench {

class DeviceClock {
 public:
  explicit DeviceClock(Device device) : probe_(Tensor::zeros({1}, DType::float32, device)) {}

  /// Seconds per call of `calls` calls, one after the other.
  double seconds(const std::function<void()>& work, int calls) const {
    probe_.item();  // returns when the device has done all before it
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) work();
    probe_.item();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
  }

  /// How many calls take about ten milliseconds.
  int calls_for_a_slice(const std::function<void()>& work) const {
    seconds(work, 1);
    const double once = seconds(work, 3);
    return static_cast<int>(std::clamp(0.01 / once, 1.0, 3000.0));
  }

 private:
  Tensor probe_;
};

/// Bytes per second, read and written, of a copy of 2 * `large` float32 elements.
inline double copy_rate(Device device, Index large, const DeviceClock& clock) {
  const Tensor from = Tensor::zeros({2 * large}, DType::float32, device);
  Tensor to = Tensor::zeros({2 * large}, DType::float32, device);
  const auto copy = [&] { to.assign(from); };
  return 2 * static_cast<double>(from.bytes()) / clock.seconds(copy, clock.calls_for_a_slice(copy));
}

}  // namespace elbow::bench
