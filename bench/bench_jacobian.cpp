// Jacobian and c_IMA of 12,000 validation samples of the Fig. 2 decoder (d = 3, H = 60, 4 linear layers) in forward mode, on
// one core, against the FMA limit measured in the same run.
//
//   bench_jacobian [--pairs N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "engine/dataset.h"
#include "models/vae.h"

namespace elbow::bench {
namespace {

constexpr Index samples = 12000;
constexpr Index rows_at_once = 250;  // value and tangents of a layer stay in the second-level cache

class Jacobians {
 public:
  explicit Jacobians(Activation activation)
      : vae_(config(activation)),
        parameters_(vae_.initial_parameters(1, DType::float32)),
        latents_(normal({1, Stream::sources}, samples, vae_.config().latent_dim, DType::float32)) {}

  void run() const {
    const NoGradient off;
    for (Index first = 0; first < samples; first += rows_at_once) {
      c_ima(vae_.decode(parameters_, seeded(Variable(rows(latents_, first, rows_at_once)))).tangents);
    }
  }

  /// A product for the value and one for each tangent, per weight and sample.
  double flop() const {
    const auto d = static_cast<double>(vae_.config().latent_dim),
               hidden = static_cast<double>(vae_.config().hidden);
    return 2 * static_cast<double>(samples) * (1 + d) * (2 * d * hidden + 2 * hidden * hidden);
  }

 private:
  static VaeConfig config(Activation activation) {
    VaeConfig config;
    config.activation = activation;
    return config;
  }

  Vae vae_;
  Parameters parameters_;
  Tensor latents_;
};

void measure(Activation activation, int pairs) {
  const Jacobians jacobians(activation);
  jacobians.run();
  std::vector<double> milliseconds, ratios;
  for (int pair = 0; pair < pairs; ++pair) {
    const double peak = fma_peak_flops();
    const double start = thread_seconds();
    jacobians.run();
    const double seconds = thread_seconds() - start;
    milliseconds.push_back(seconds * 1e3);
    ratios.push_back(seconds * peak / jacobians.flop());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{:20} {:8.2f} ms {:8.2f} times the limit of {:.2f} GFLOP ({:.2f} to {:.2f})\n",
             name(activation), median(milliseconds), median(ratios), jacobians.flop() * 1e-9, *least, *most);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  CLI::App app("Jacobian and c_IMA of 12,000 samples against the FMA limit of one core");
  int pairs = 15;
  app.add_option("--pairs", pairs, "times that work and limit are measured")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  for (const auto activation :
       {elbow::Activation::leaky_relu, elbow::Activation::smooth_leaky_relu, elbow::Activation::gelu}) {
    elbow::bench::measure(activation, pairs);
  }
  return 0;
}
