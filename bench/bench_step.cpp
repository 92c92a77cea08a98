// One training step of a VAE (mini-batch, noise, forward, ELBO, backward, Adam) against the limit of multiply-adds measured in
// the same run: on one core, by one kernel and on the tape; or of many models at once on a GPU.
//
//   bench_step [--device cpu|cuda] [--pairs N] [--vs torch,jax] [--json FOLDER]
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/allocations.h"
#include "bench/benchmark.h"
#include "bench/device_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/models_at_once.h"
#include "bench/peer.h"
#include "bench/steps.h"
#include "engine/dispatch.h"

namespace elbow::bench {
namespace {

struct NamedWorkload {
  const char* name;
  Workload shape;
};
constexpr NamedWorkload workloads[] = {
    {"Fig.2", {3, 4, 60, Activation::leaky_relu, 64}},
    {"Fig.2", {3, 4, 60, Activation::smooth_leaky_relu, 64}},
    {"Fig.2", {3, 4, 60, Activation::gelu, 64}},
    {"Moebius", {3, 2, 30, Activation::leaky_relu, 64}},
    {"Moebius", {3, 2, 30, Activation::gelu, 64}},
    {"wide", {10, 4, 256, Activation::leaky_relu, 256}},
};
std::string title(const NamedWorkload& w) { return fmt::format("{} {}", w.name, name(w.shape.activation)); }

void record(Measurement& m, double seconds, double limit) {
  m.microseconds.push_back(seconds * 1e6);
  m.times_limit.push_back(seconds / limit);
}

std::string row(const Measurement& m) {
  const auto [least, most] = std::minmax_element(m.times_limit.begin(), m.times_limit.end());
  return fmt::format("{:26} {:9.2f} {:7.2f} {:6.2f} to {:5.2f}", m.name, median(m.microseconds),
                     median(m.times_limit), *least, *most);
}

/// Fused and on the tape, each beside the limit.
void measure(const NamedWorkload& w, int pairs, Report& report) {
  Steps fused(w.shape, Trainer::fused), tape(w.shape, Trainer::autograd);
  fused.seconds();
  const std::size_t before = allocated_bytes();
  fused.seconds();
  const std::size_t allocated = allocated_bytes() - before;
  Measurement ours{title(w), {}, {}}, on_tape{title(w) + ", on the tape", {}, {}};
  for (int pair = 0; pair < pairs; ++pair) {
    const double limit = fused.flop() / fma_peak_flops();
    record(ours, fused.seconds(), limit);
    record(on_tape, tape.seconds(), limit);
  }
  fmt::print("{} {:11.2f} {:9}\n", row(ours), median(on_tape.microseconds), allocated);
  report.measurements.push_back(ours);
  report.measurements.push_back(on_tape);
}

/// A device that trains many models at once, and the product of square matrices that says what it makes of its multiply-adds.
class ManyModels {
 public:
  explicit ManyModels(Device device)
      : device_(device),
        clock_(device),
        square_(normal({1, Stream::test}, side_, side_, DType::float32).to(device)),
        product_(Tensor::zeros({side_, side_}, DType::float32, device)) {
    multiply();  // cuBLAS's first call takes its time
  }

  Limits limits() const {
    return {backend(device_).description, flop_per_second(),
            copy_rate(device_, is_gpu() ? Index{1} << 26 : 1000, clock_)};
  }

  /// A step of one of the models that are trained by one launch.
  void measure(const NamedWorkload& w, int pairs, Report& report) const {
    const Index models = is_gpu() ? 120 : 2, steps = is_gpu() ? 200 : 2;
    const std::string obstacle =
        FusedSteps::obstacle(Steps::vae(w.shape), w.shape.batch, DType::float32, device_);
    if (!obstacle.empty()) {
      fmt::print("{:26} not by the kernel: {}\n", title(w), obstacle);
      return;
    }
    const ModelsAtOnce trainings(w.shape, models, steps, device_);
    trainings.run();
    Measurement ours{title(w), {}, {}};
    const auto made = static_cast<double>(models * steps);
    for (int pair = 0; pair < pairs; ++pair) {
      const double limit = trainings.flop() / flop_per_second();
      const double seconds = clock_.seconds([&] { trainings.run(); }, 1);
      record(ours, seconds / made, limit / made);
    }
    fmt::print("{} {:11.2f} {:9}\n", row(ours), median(ours.microseconds) * static_cast<double>(models),
               models);
    report.measurements.push_back(ours);
  }

 private:
  bool is_gpu() const { return device_ == Device::cuda; }

  void multiply() const {
    const kernels::MatrixView<float> view{square_.data<float>(), 0, side_, 1};
    elbow::run(device_,
               kernels::Matmul<float>{1, side_, side_, side_, view, view, product_.data<float>(), false});
  }

  double flop_per_second() const {
    const auto side = static_cast<double>(side_);
    return 2 * side * side * side / clock_.seconds([&] { multiply(); }, 3);
  }

  Device device_;
  Index side_ = is_gpu() ? 8192 : 32;
  DeviceClock clock_;
  Tensor square_;
  Tensor product_;
};

/// Asks bench/peers/step.py with these words, and prints each way with what it takes in units of our time.
void compare_with(const std::string& peer, Report& report) {
  const auto lines = ask_peer("step.py " + peer);
  for (const auto& words : lines) {
    const std::string of = words.at(0) + " " + words.at(1);
    const double theirs = std::stod(words.at(4));
    const auto ours = std::find_if(report.measurements.begin(), report.measurements.end(),
                                   [&](const Measurement& m) { return m.name == of; });
    if (ours == report.measurements.end()) continue;
    report.peers.push_back({of, words.at(2) + " " + words.at(3), theirs});
    fmt::print("{:26} {:24} {:9.2f} us, {:6.1f} times as long\n", of, report.peers.back().peer, theirs,
               theirs / median(ours->microseconds));
  }
}

void print_heading(const char* fifth, const char* sixth) {
  fmt::print("{:26} {:>9} {:>7} {:>15} {:>11} {:>9}\n", "", "us/step", "x limit", "(spread)", fifth, sixth);
}

void measure_all(Device device, const Options& options, Report& report) {
  if (device == Device::cpu) {
    print_heading("tape us", "B/epoch");
    for (const NamedWorkload& workload : workloads) measure(workload, options.pairs, report);
  } else {
    const ManyModels many(device);
    report.limits = many.limits();
    print_heading("all, us", "models");
    for (const NamedWorkload& workload : workloads) many.measure(workload, options.pairs, report);
  }
  for (const std::string& peer : options.peers) compare_with(peer + " " + name(device), report);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  elbow::Device device = elbow::Device::cpu;
  const auto add_options = [&](CLI::App& app) { add_device_option(app, device); };
  const auto measure = [&](const Options& options, Report& report) { measure_all(device, options, report); };
  return run(
      argc, argv,
      {"step",
       "Training steps against the multiply-adds of one core, or of a GPU that trains many models at once",
       9,
       {"torch", "jax"},
       measure,
       add_options});
}
