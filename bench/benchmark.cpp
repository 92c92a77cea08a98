#include "bench/benchmark.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "bench/copy_bandwidth.h"
#include "bench/fma_peak.h"
#include "kernels/error.h"

namespace elbow::bench {

bool asks(const Options& options, const std::string& peer) {
  return std::find(options.peers.begin(), options.peers.end(), peer) != options.peers.end();
}

void add_device_option(CLI::App& app, Device& device) {
  const auto choose = [&device](const std::string& chosen) {
    for (const Device each : {Device::cpu, Device::cuda, Device::executor}) {
      if (chosen == name(each)) device = each;
    }
  };
  app.add_option_function<std::string>("--device", choose)
      ->check(CLI::IsMember({"cpu", "cuda", "executor"}))
      ->default_str(name(device));
}

int run(int argc, char** argv, const Benchmark& benchmark) {
  CLI::App app(benchmark.description);
  Options options{benchmark.pairs, {}, ""};
  app.add_option("--pairs", options.pairs, "times that work and limit are measured")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--vs", options.peers, "peers to compare with, of torch and jax")
      ->delimiter(',')
      ->check(CLI::IsMember({"torch", "jax"}));
  app.add_option("--json", options.folder,
                 fmt::format("folder that gets {}.json, for bench_compare", benchmark.name));
  if (benchmark.add_options) benchmark.add_options(app);
  CLI11_PARSE(app, argc, argv);
  try {
    Report report{benchmark.name, {}, {}, {}};
    std::erase_if(options.peers, [&](const std::string& peer) {
      const bool unknown =
          std::find(benchmark.peers.begin(), benchmark.peers.end(), peer) == benchmark.peers.end();
      if (unknown) fmt::print("{}: not compared with {}\n", peer, benchmark.name);
      return unknown;
    });
    if (!options.folder.empty()) std::filesystem::create_directories(options.folder);
    benchmark.measure(options, report);
    if (!options.folder.empty()) {
      if (!report.limits) report.limits = {"cpu, one core", fma_peak_flops(), copy_bandwidth()};
      write_report(std::filesystem::path(options.folder) / (benchmark.name + ".json"), report);
    }
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}

}  // namespace elbow::bench
