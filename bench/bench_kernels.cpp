// Each kernel at the size of a training step and at a large one, against the limits of the device measured in the same
// run: how much of the memory's bandwidth or of the arithmetic it achieves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <vector>

#include "bench/benchmark.h"
#include "bench/device_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/models_at_once.h"
#include "engine/dispatch.h"
#include "engine/random.h"

namespace elbow::bench {
namespace {

using namespace kernels;

struct Work {
  bool near_a_limit;  ///< small arrays live in caches, and launching takes longer than moving them
  std::string kernel;
  std::string size;
  double bytes;  ///< of every input once and every output once
  double flop;   ///< useful ones, of products only: elsewhere memory is the limit
  std::function<void()> run;
};

/// Two sizes: that of Fig. 2's training step, and `large` float32 elements.
class Workloads {
 public:
  Workloads(Device device, Index large) : device_(device), large_(large) {
    for (const Index elements : {Index{64 * 60}, large}) {
      add_elementwise(elements);
      add_sums(elements / 60, 60);
      add_elbo(elements / 60);
      for (const Index n : {3, 8, 24, 128}) {
        add_determinants(std::max<Index>(1, elements / (n * n)), n);
      }
      add_c_ima(elements / 9);
    }
    for (const Index rows : {Index{64}, large / 1024}) add_product(rows, 60, 60);
    add_dual_mlp(64);
    add_dual_mlp(large / 1024);
    for (const Index batch : {Index{8}, large / (64 * 64 * 32)}) add_convolutions(std::max<Index>(1, batch));
    for (const Index batch : {Index{8}, large / (64 * 64 * 3)}) add_images(std::max<Index>(1, batch));
    const bool is_large = large >= Index{1} << 20;
    for (const Index models : {1, is_large ? 120 : 2}) add_trainings(models, is_large ? 100 : 1);
    const Index side = large >= Index{1} << 24 ? 1024 : 64;
    add_product(side, side, side / 2);
    add_product(4 * side, 4 * side, 4 * side);
  }
  const std::vector<Work>& all() const { return all_; }

 private:
  float* drawn(Index count) {
    kept_.push_back(uniform({1, Stream::test}, 0.25, 0.75, 1, count, DType::float32, device_));
    return kept_.back().data<float>();
  }

  template <class Arguments>
  void add(const char* kernel, std::string size, Index floats, const Arguments& arguments, double flop = 0) {
    const bool near_a_limit = flop > 0 || floats >= large_ / 60;
    all_.push_back({near_a_limit, kernel, std::move(size), 4.0 * static_cast<double>(floats), flop,
                    [device = device_, arguments] { elbow::run(device, arguments); }});
  }

  void add_elementwise(Index n) {
    const std::string size = fmt::format("{}", n);
    add("unary tanh", size, 2 * n, Unary<float>{UnaryFunction::tanh, n, 0, drawn(n), drawn(n)});
    add("unary square", size, 2 * n, Unary<float>{UnaryFunction::square, n, 0, drawn(n), drawn(n)});
    const Extents row{1, 1, 1, 1, n}, gapless{0, 0, 0, 0, 1};
    add("binary multiply", size, 3 * n,
        Binary<float>{BinaryFunction::multiply, row, gapless, gapless, drawn(n), drawn(n), drawn(n)});
    const Extents table{1, 1, 1, n / 60, 60}, across{0, 0, 0, 60, 1}, repeated{0, 0, 0, 0, 1};
    add("binary add, a row to each", size, 2 * n,
        Binary<float>{BinaryFunction::add, table, across, repeated, drawn(n), drawn(60), drawn(n)});
    add("copy, transposed", size, 2 * n,
        Copy<float>{{1, 1, 1, 60, n / 60}, {0, 0, 0, 1, 60}, {0, 0, 0, n / 60, 1}, drawn(n), drawn(n)});
    add("adam", size, 7 * n,
        kernels::Adam<float>{n, 1e-3, 0.9, 0.999, 1e-8, 0.1, 0.1, drawn(n), drawn(n), drawn(n), drawn(n)});
    add("random normal", size, n,
        Random<float>{Distribution::normal, 1, 1, 0, 0, n / 60, 60, 0, 1, drawn(n)});
    add("gather", size, 2 * n, Gather<float>{1, 1, 0, n / 3, 0, n / 3, 3, drawn(n), drawn(n)});
  }

  void add_sums(Index rows, Index columns) {
    const Index n = rows * columns;
    add("sum of rows", fmt::format("({}, {})", rows, columns), n + rows,
        Sum<float>{rows, columns, 1, drawn(n), drawn(rows)});
    add("sum of columns", fmt::format("({}, {})", rows, columns), n + columns,
        Sum<float>{1, rows, columns, drawn(n), drawn(columns)});
  }

  void add_elbo(Index batch) {
    constexpr Index dim = 3;
    const Index n = batch * dim;
    const std::string size = fmt::format("({}, {})", batch, dim);
    float* const encoder = drawn(2 * n);
    float* const prior = drawn(2 * dim);
    float* const noise = drawn(n);
    add("elbo_latent", size, 4 * n + batch,
        ElboLatent<float>{Prior::gaussian, KlForm::sampled, batch, dim, encoder, prior, noise, drawn(n),
                          drawn(batch)});
    add("elbo_latent_backward", size, 6 * n + batch,
        ElboLatentBackward<float>{Prior::gaussian, KlForm::sampled, batch, dim, encoder, prior, noise,
                                  drawn(n), drawn(batch), drawn(2 * n), drawn(2 * dim)});
    add("elbo_reconstruction", size, 2 * n + batch,
        ElboReconstruction<float>{batch, dim, 1e4, drawn(n), drawn(n), drawn(batch)});
    add("elbo_reconstruction_backward", size, 3 * n + batch,
        ElboReconstructionBackward<float>{batch, dim, 1e4, drawn(n), drawn(n), drawn(batch), drawn(n)});
  }

  void add_images(Index batch) {
    constexpr Index columns = 64 * 64 * 3;
    const Index n = batch * columns;
    const std::string size = fmt::format("({}, {})", batch, columns);
    const auto* const pixels = reinterpret_cast<const std::uint8_t*>(drawn(n / 4));
    add("pixels", size, n + n / 4, Pixels<float>{n, pixels, drawn(n)});
    add("pixel_reconstruction", size, n + n / 4 + batch,
        PixelReconstruction<float>{batch, columns, 1, pixels, drawn(n), drawn(batch)});
    add("pixel_reconstruction_backward", size, 2 * n + n / 4 + batch,
        PixelReconstructionBackward<float>{batch, columns, 1, pixels, drawn(n), drawn(batch), drawn(n)});
  }

  void add_determinants(Index batch, Index n) {
    const Index size = batch * n * n;
    float *const matrix = drawn(size), *const sign = drawn(batch), *const log = drawn(batch),
                 *const state = drawn(batch);
    auto* const workspace = reinterpret_cast<double*>(drawn(2 * slogdet_workspace(batch, n, true)));
    const std::string shape = fmt::format("({}, {}, {})", batch, n, n);
    add("slogdet", shape, size + 3 * batch,
        Slogdet<float>{batch, n, matrix, sign, log, state, nullptr, workspace});
    add("slogdet and inverse", shape, 2 * size + 3 * batch,
        Slogdet<float>{batch, n, matrix, sign, log, state, drawn(size), workspace});
  }

  void add_c_ima(Index batch) {
    constexpr Index n = 3;
    const Index size = batch * n * n;
    add("c_ima and gradient", fmt::format("({}, {}, {})", n, batch, n), 2 * size + batch,
        CIma<float>{batch, n, drawn(size), drawn(batch), drawn(size)});
  }

  void add_product(Index rows, Index depth, Index columns) {
    const MatrixView<float> left{drawn(rows * depth), 0, depth, 1};
    const MatrixView<float> right{drawn(depth * columns), 0, columns, 1};
    add("matmul", fmt::format("({}, {}) ({}, {})", rows, depth, depth, columns),
        rows * depth + depth * columns + rows * columns,
        Matmul<float>{1, rows, depth, columns, left, right, drawn(rows * columns), false},
        2.0 * static_cast<double>(rows) * static_cast<double>(depth) * static_cast<double>(columns));
  }

  /// Of Fig. 5's networks: the layer between 32 x 32 and 16 x 16 pixels, and the one that makes the image.
  void add_convolutions(Index batch) {
    for (const auto& [side, channels] : {std::pair<Index, Index>{32, 32}, {64, 3}}) {
      const ConvolutionShape s{batch, side, side, channels, side / 2, side / 2, 32, 4, 2, 1};
      const Index floats = s.large_count() + s.small_count() + s.weight_count();
      const double flop =
          2.0 * static_cast<double>(s.small_count()) * static_cast<double>(s.kernel * s.kernel * channels);
      const std::string shape = fmt::format("({}, {}, {}, {})", batch, side, side, channels);
      float *const large = drawn(s.large_count()), *const small = drawn(s.small_count()),
                   *const weight = drawn(s.weight_count()), *const bias = drawn(32),
                   *const workspace = drawn(convolution_weight_workspace(s));
      add("convolution", shape, floats, Convolution<float>{s, large, weight, bias, true, small, workspace},
          flop);
      add("transposed convolution", shape, floats,
          TransposedConvolution<float>{s, small, weight, bias, true, large, workspace}, flop);
      add("convolution's weight", shape, floats, ConvolutionWeight<float>{s, large, small, weight, workspace},
          flop);
    }
  }

  /// Of Fig. 2's decoder.
  void add_dual_mlp(Index batch) {
    constexpr Index d = 3, hidden = 60;
    DualMlp<float> a{
        batch, d, 4, {d, hidden, hidden, hidden, d}, {}, {}, Activation::leaky_relu, 0.2, {}, {}, {}, {}, {}};
    Index parameters = 0;
    for (Index i = 0; i < a.layers; ++i) {
      a.weights[i] = drawn(a.widths[i] * a.widths[i + 1]);
      a.biases[i] = drawn(a.widths[i + 1]);
      parameters += (a.widths[i] + 1) * a.widths[i + 1];
    }
    const Index planes = (1 + d) * batch;
    a.input = drawn(batch * d);
    a.tangents = drawn(d * batch * d);
    a.output = drawn(batch * d);
    a.output_tangents = drawn(d * batch * d);
    a.workspace = drawn(dual_mlp_workspace(a));
    add("dual_mlp", fmt::format("({}, {})", batch, d), parameters + 2 * planes * d, a,
        2.0 * static_cast<double>(planes) * static_cast<double>(2 * d * hidden + 2 * hidden * hidden));
  }

  /// Of Fig. 2 and of Möbius, each model's steps in one block of threads.
  void add_trainings(Index models, Index steps) {
    for (const auto& [name, workload] :
         {std::pair<const char*, Workload>{"Fig. 2", {3, 4, 60, Activation::leaky_relu, 64}},
          {"Moebius", {3, 2, 30, Activation::leaky_relu, 64}}}) {
      const auto trainings = std::make_shared<ModelsAtOnce>(workload, models, steps, device_);
      all_.push_back({true, fmt::format("vae_steps of {}", name),
                      fmt::format("({} models, {} steps)", models, steps), 0, trainings->flop(),
                      [trainings] { trainings->run(); }});
    }
  }

  Device device_;
  Index large_;
  std::vector<Tensor> kept_;
  std::vector<Work> all_;
};

/// A copy from one half of a large block to the other, bytes read and written; the CPU's multiply-adds, or what the
/// largest matrix product makes of the GPU's.
Limits measure_limits(Device device, Index large, const Work& largest_product, const DeviceClock& clock) {
  clock.seconds(largest_product.run, 1);  // cuBLAS's first call takes its time
  const double bytes = copy_rate(device, large, clock);
  const double flop =
      device == Device::cpu ? fma_peak_flops() : largest_product.flop / clock.seconds(largest_product.run, 3);
  return {backend(device).description, flop, bytes};
}

Measurement measure(const Work& work, const Work& largest_product, Device device, Index large, int pairs,
                    const DeviceClock& clock) {
  const int calls = clock.calls_for_a_slice(work.run);
  Measurement measured{work.kernel + " " + work.size, {}, {}, work.bytes, work.flop};
  for (int pair = 0; pair < pairs; ++pair) {
    const Limits limits = measure_limits(device, large, largest_product, clock);
    const double seconds = clock.seconds(work.run, calls);
    const double least = std::max(work.bytes / limits.bytes_per_second, work.flop / limits.flop_per_second);
    measured.microseconds.push_back(seconds * 1e6);
    measured.times_limit.push_back(seconds / least);
  }
  const double microseconds = median(measured.microseconds);
  fmt::print("{:28} {:>26} {:12.2f} {:10.1f} {:10.1f}", work.kernel, work.size, microseconds,
             work.bytes / microseconds * 1e-3, work.flop / microseconds * 1e-3);
  if (work.near_a_limit) {
    const auto [least, most] = std::minmax_element(measured.times_limit.begin(), measured.times_limit.end());
    fmt::print(" {:8.0f} % {:6.0f}..{:.0f}", 100 / median(measured.times_limit), 100 / *most, 100 / *least);
  }
  fmt::print("\n");
  std::fflush(stdout);
  return measured;
}

void measure_all(Device device, Index large, const std::string& kernel, const Options& options,
                 Report& report) {
  if (large == 0) large = Index{1} << (device == Device::cuda ? 26 : 22);
  const Workloads workloads(device, large);
  const Work& largest_product = workloads.all().back();
  const DeviceClock clock(device);
  const Limits limits = measure_limits(device, large, largest_product, clock);
  report.limits = limits;
  fmt::print("{}: a copy moves {:.1f} GB/s, multiply-adds {:.1f} GFLOP/s; medians of {} pairs\n",
             limits.device, limits.bytes_per_second * 1e-9, limits.flop_per_second * 1e-9, options.pairs);
  fmt::print("{:28} {:>26} {:>12} {:>10} {:>10} {:>10} {:>8}\n", "kernel", "size", "us", "GB/s", "GFLOP/s",
             "of limit", "(spread)");
  for (const Work& work : workloads.all()) {
    if (work.kernel.find(kernel) == std::string::npos) continue;
    report.measurements.push_back(measure(work, largest_product, device, large, options.pairs, clock));
  }
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  elbow::Device device = elbow::Device::cpu;
  elbow::Index large = 0;
  std::string kernel;
  const auto add_options = [&](CLI::App& app) {
    add_device_option(app, device);
    app.add_option("--large", large, "float32 elements of the large size; default 2^22, on CUDA 2^26");
    app.add_option("--kernel", kernel, "only rows whose kernel has this in its name");
  };
  const auto measure = [&](const Options& options, Report& report) {
    measure_all(device, large, kernel, options, report);
  };
  return run(argc, argv,
             {"kernels",
              "Every kernel against the limits of the device, measured in the same run",
              7,
              {},
              measure,
              add_options});
}
