// Hashes of every kernel's results in float32 on one device, as JSON; or how they differ from such a file, or from
// each other when they are computed again, by several threads at once. tests/golden/executor_hashes.json is its
// output for the executor.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/kernel_hashes.h"

namespace elbow::test {
namespace {

nlohmann::json as_json(const KernelHashes& hashes) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [kernel, hash] : hashes) json[kernel] = fmt::format("{:016x}", hash);
  return json;
}

/// Prints the kernels whose hash is another one, or absent from one of the two; their number.
int differences(const std::string& what, const nlohmann::json& expected, const nlohmann::json& found) {
  int count = 0;
  const auto report = [&](const std::string& kernel, const std::string& before, const std::string& now) {
    if (before == now) return;
    fmt::print("{}: {}: expected {}, found {}\n", what, kernel, before, now);
    ++count;
  };
  for (const auto& [kernel, hash] : expected.items())
    report(kernel, hash, found.value(kernel, "no such kernel"));
  for (const auto& [kernel, hash] : found.items()) {
    if (!expected.contains(kernel)) report(kernel, "no such kernel", hash);
  }
  return count;
}

/// Computes all hashes `repeats` times on each of `threads` threads, whose kernels run on streams of their own.
int differences_when_repeated(const nlohmann::json& expected, Device device, int repeats, int threads) {
  std::vector<std::future<std::vector<nlohmann::json>>> results;
  for (int thread = 0; thread < threads; ++thread) {
    results.push_back(std::async(std::launch::async, [=] {
      std::vector<nlohmann::json> all;
      for (int i = 0; i < repeats; ++i) all.push_back(as_json(kernel_hashes(device, DType::float32)));
      return all;
    }));
  }
  int count = 0;
  for (int thread = 0; thread < threads; ++thread) {
    const std::vector<nlohmann::json> all = results[thread].get();
    for (std::size_t i = 0; i < all.size(); ++i) {
      count += differences(fmt::format("thread {} repetition {}", thread, i), expected, all[i]);
    }
  }
  return count;
}

int run(int argc, char** argv) {
  CLI::App app("Hashes of every kernel's results in float32, as JSON");
  std::string device_name = "executor", golden;
  int repeats = 0, threads = 1;
  app.add_option("--device", device_name)
      ->check(CLI::IsMember({"cpu", "cuda", "executor"}))
      ->capture_default_str();
  app.add_option("--against", golden, "print only how the hashes differ from this file's")
      ->check(CLI::ExistingFile);
  app.add_option("--repeats", repeats, "compute them so many times more, on each thread")
      ->capture_default_str();
  app.add_option("--threads", threads, "threads that do so at the same time")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Device device = Device::cpu;
  for (const Device each : {Device::cuda, Device::executor}) {
    if (device_name == name(each)) device = each;
  }
  const nlohmann::json hashes = as_json(kernel_hashes(device, DType::float32));
  int different = differences_when_repeated(hashes, device, repeats, threads);
  if (golden.empty()) {
    if (repeats == 0) std::cout << hashes.dump(1) << '\n';
  } else {
    different += differences(golden, nlohmann::json::parse(std::ifstream(golden)), hashes);
  }
  if (repeats > 0 || !golden.empty()) {
    fmt::print("{} kernels' results on {}, {} repetitions on {} threads: {} differences\n", hashes.size(),
               name(device), repeats, threads, different);
  }
  return different == 0 ? 0 : 1;
}

}  // namespace
}  // namespace elbow::test

int main(int argc, char** argv) {
  try {
    return elbow::test::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
}
