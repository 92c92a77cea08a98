#pragma once
// The main program of a benchmark: its command line, and what it leaves.
#include <functional>
#include <string>
#include <vector>

#include "bench/report.h"
#include "engine/device.h"

namespace CLI {
class App;
}

namespace elbow::bench {

struct Options {
  int pairs;                       ///< times that work and limit are measured
  std::vector<std::string> peers;  ///< to compare with: "torch", "jax"
  std::string folder;              ///< for what is left; empty: nothing is
};

bool asks(const Options&, const std::string& peer);

struct Benchmark {
  std::string name;
  std::string description;
  int pairs;                       ///< unless --pairs says otherwise
  std::vector<std::string> peers;  ///< that it knows
  std::function<void(const Options&, Report&)> measure;
  std::function<void(CLI::App&)> add_options = nullptr;  ///< more than --pairs, --vs and --json
};

/// --device cpu|cuda|executor.
void add_device_option(CLI::App&, Device&);

/// Leaves <name>.json if it is asked to. Returns the exit code.
int run(int argc, char** argv, const Benchmark&);

}  // namespace elbow::bench
