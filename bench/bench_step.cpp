// One training step of the Fig. 2 model through the general autograd path, against the FMA limit measured in
// the same run: forward, ELBO, backward and Adam; d = 3, H = 60, 4 linear layers, batch 64.
//
//   bench_step [--pairs N]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "bench/allocations.h"
#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "engine/adam.h"
#include "engine/dataset.h"
#include "models/vae.h"

namespace elbow::bench {
namespace {

constexpr Index batch = 64;
constexpr Index samples = 42000;
constexpr int steps_per_slice = 200;
constexpr double precision = 1e4;

/// A Fig. 2 training on standard normal data: what a step costs does not depend on the values.
class Step {
 public:
  explicit Step(Activation activation)
      : vae_(config(activation)),
        parameters_(vae_.initial_parameters(1, DType::float32)),
        adam_(parameters_),
        data_(normal({1, Stream::sources}, samples, vae_.config().observation_dim, DType::float32)) {}

  void run() {
    const Tensor x = shuffled_batch(data_, 1, 0, step_ % (samples / batch), batch);
    const Tensor noise = normal({1, Stream::training_noise, static_cast<std::uint32_t>(step_)}, batch,
                                vae_.config().latent_dim, DType::float32);
    const Elbo elbo = vae_.elbo(parameters_, Variable(x), noise, precision);
    adam_.step(parameters_, gradients(mean(elbo.reconstruction + elbo.kl), parameters_.variables()), 1e-3);
    ++step_;
  }

  /// Useful floating-point operations of a step: 3 products per weight and sample, but no gradient for the
  /// input.
  double flop() const {
    double weights = 0;
    for (int i = 0; i < vae_.layout().size(); ++i) {
      const Shape& shape = vae_.layout().shape(i);
      if (shape.rank() == 2) weights += static_cast<double>(shape.count());
    }
    const auto first = static_cast<double>(vae_.config().observation_dim * vae_.config().hidden);
    return 2 * static_cast<double>(batch) * (3 * weights - first);
  }

 private:
  static VaeConfig config(Activation activation) {
    VaeConfig config;
    config.activation = activation;
    return config;
  }

  Vae vae_;
  Parameters parameters_;
  Adam adam_;
  Tensor data_;
  Index step_ = 0;
};

void measure(Activation activation, int pairs) {
  Step step(activation);
  for (int i = 0; i < steps_per_slice; ++i) step.run();
  const std::size_t before = allocated_bytes();
  for (int i = 0; i < steps_per_slice; ++i) step.run();
  const std::size_t allocated = allocated_bytes() - before;
  std::vector<double> microseconds, peaks, ratios;
  for (int pair = 0; pair < pairs; ++pair) {
    const double peak = fma_peak_flops();
    const double start = thread_seconds();
    for (int i = 0; i < steps_per_slice; ++i) step.run();
    const double seconds = (thread_seconds() - start) / steps_per_slice;
    microseconds.push_back(seconds * 1e6);
    peaks.push_back(peak * 1e-9);
    ratios.push_back(seconds * peak / step.flop());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{:18} {:9.1f} {:12.1f} {:14.1f} {:9.2f} {:7.2f}..{:4.2f} {:9.0f} % {:12}\n", name(activation),
             median(microseconds), median(peaks), step.flop() / median(peaks) * 1e-3, median(ratios), *least,
             *most, 100 / median(ratios), static_cast<double>(allocated) / steps_per_slice);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow;
  const int pairs = argc == 3 && std::string_view(argv[1]) == "--pairs" ? std::atoi(argv[2]) : 9;
  fmt::print("Fig. 2 training step, autograd, one core; medians of {} interleaved pairs with the FMA peak\n",
             pairs);
  fmt::print("{:18} {:>9} {:>12} {:>14} {:>9} {:>13} {:>11} {:>12}\n", "activation", "us/step",
             "peak GFLOP/s", "limit us/step", "x limit", "(spread)", "of peak", "bytes/step");
  for (Activation activation : {Activation::leaky_relu, Activation::smooth_leaky_relu, Activation::gelu}) {
    bench::measure(activation, pairs);
  }
}
