// Batched slogdet on one core: 100,000 float matrices, with and without the inverse transpose, for each instruction
// set; time per matrix, and memory traffic as a share of what copying the same matrices reaches.
//
//   bench_slogdet [--pairs N] [--vs torch] [--json FOLDER]     torch: torch.linalg.slogdet, by bench/peers/slogdet.py
#include <fmt/format.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "bench/benchmark.h"
#include "bench/cpu_clock.h"
#include "bench/median.h"
#include "bench/peer.h"
#include "kernels/slogdet.h"

namespace elbow::bench {
namespace {

using kernels::Slogdet;

constexpr Index batch = 100000;
constexpr Index sizes[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};

/// Nanoseconds per matrix.
template <class Work>
double timed(const Work& work) {
  const double start = thread_seconds();
  work();
  return (thread_seconds() - start) / static_cast<double>(batch) * 1e9;
}

/// What torch.linalg.slogdet takes, nanoseconds per matrix for each n; empty if it cannot be asked.
std::map<Index, double> ask_torch() {
  std::map<Index, double> result;
  for (const auto& words : ask_peer("slogdet.py")) result[std::stol(words.at(0))] = std::stod(words.at(1));
  return result;
}

/// The limit is copying what is read and written.
void measure(Index n, const std::string& target, int pairs, const std::map<Index, double>& torch,
             Report& report) {
  const Index size = n * n;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> matrix(batch * size), inverse(batch * size), sign(batch), log(batch), state(batch);
  for (float& x : matrix) x = normal(random);
  Slogdet<float> forward{batch, n, matrix.data(), sign.data(), log.data(), state.data(), nullptr};
  Slogdet<float> both = forward;
  both.inverse_transpose = inverse.data();

  const double bytes = static_cast<double>(size) * sizeof(float);
  const double results = 3 * sizeof(float);
  std::vector<double> copies, forwards, boths;
  Measurement alone{fmt::format("{} slogdet {}", target, n), {}, {}};
  Measurement with_inverse{fmt::format("{} slogdet and inverse {}", target, n), {}, {}};
  const auto record = [&](Measurement& m, double nanoseconds, double moved) {
    m.microseconds.push_back(nanoseconds * 1e-3);
    m.times_limit.push_back(nanoseconds / copies.back() * 2 * bytes / moved);
  };
  for (int pair = 0; pair < pairs; ++pair) {
    copies.push_back(
        timed([&] { std::memcpy(inverse.data(), matrix.data(), matrix.size() * sizeof(float)); }));
    forwards.push_back(timed([&] { kernels::cpu::run(forward); }));
    boths.push_back(timed([&] { kernels::cpu::run(both); }));
    record(alone, forwards.back(), bytes + results);
    record(with_inverse, boths.back(), 2 * bytes + results);
  }
  report.measurements.push_back(alone);
  report.measurements.push_back(with_inverse);
  const double bandwidth = 2 * bytes / median(copies);  // gigabytes per second
  fmt::print("{:3} {:10.2f} {:14.2f} {:7.2f} {:10.1f} % {:10.1f} %", n, median(forwards), median(boths),
             median(boths) / median(forwards), 100 * (bytes + results) / median(forwards) / bandwidth,
             100 * (2 * bytes + results) / median(boths) / bandwidth);
  const auto found = torch.find(n);
  if (found != torch.end()) {
    fmt::print(" {:10.1f} {:6.1f} x", found->second, found->second / median(forwards));
    report.peers.push_back({alone.name, "torch.linalg.slogdet", found->second * 1e-3});
  }
  fmt::print("\n");
}

/// On each instruction set that this processor has.
void measure_all(const Options& options, Report& report) {
  const auto torch = asks(options, "torch") ? ask_torch() : std::map<Index, double>();
  const std::int64_t supported = hwy::SupportedTargets();
  for (const std::int64_t target : {HWY_NEON, HWY_AVX2, HWY_AVX3}) {
    if ((supported & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    fmt::print("{}, one core, {} matrices, nanoseconds per matrix\n", hwy::TargetName(target), batch);
    fmt::print("{:>3} {:>10} {:>14} {:>7} {:>12} {:>12}{}\n", "n", "slogdet", "with inverse", "ratio",
               "of memory", "of memory", torch.empty() ? "" : "      torch  faster");
    for (const Index n : sizes) measure(n, hwy::TargetName(target), options.pairs, torch, report);
  }
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(argc, argv,
             {"slogdet",
              "Batched slogdet on one core, beside copying the same matrices",
              15,
              {"torch"},
              measure_all});
}
