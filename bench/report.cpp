#include "bench/report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/median.h"
#include "engine/files.h"
#include "experiments/build_info.h"
#include "experiments/machine.h"

namespace elbow::bench {
namespace {

struct Quartiles {
  double lower, upper;
};

Quartiles quartiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 4], values[values.size() - 1 - values.size() / 4]};
}

}  // namespace

void write_report(const std::filesystem::path& file, const Report& report) {
  const Limits& limits = *report.limits;
  nlohmann::ordered_json json = {
      {"benchmark", report.benchmark},
      {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
      {"processor", cpu_model()},
      {"vectors", vector_instructions()},
      {"threads", available_threads()},
      {"version", version_text()},
      {"compiler", build_info().compiler},
      {"flags", build_info().flags},
      {"device", limits.device},
      {"multiply_add_gigaflop_per_second", limits.flop_per_second * 1e-9},
      {"copy_gigabytes_per_second", limits.bytes_per_second * 1e-9},
  };
  for (const Measurement& m : report.measurements) {
    nlohmann::ordered_json row = {{"name", m.name},
                                  {"median_microseconds", median(m.microseconds)},
                                  {"median_times_limit", median(m.times_limit)},
                                  {"microseconds", m.microseconds},
                                  {"times_limit", m.times_limit}};
    if (m.bytes > 0) row["gigabytes_per_second"] = m.bytes / median(m.microseconds) * 1e-3;
    if (m.flop > 0) row["gigaflop_per_second"] = m.flop / median(m.microseconds) * 1e-3;
    json["measurements"].push_back(row);
  }
  for (const PeerTime& p : report.peers) {
    json["peers"].push_back({{"name", p.name}, {"peer", p.peer}, {"microseconds", p.microseconds}});
  }
  write_atomically(file, json.dump(1) + "\n");
}

std::vector<Measurement> read_measurements(const std::filesystem::path& file) {
  try {
    std::vector<Measurement> result;
    for (const auto& m : nlohmann::json::parse(read_file(file, std::size_t{1} << 24)).at("measurements")) {
      result.push_back({m.at("name"), m.at("microseconds"), m.at("times_limit")});
      if (result.back().times_limit.empty()) throw DataError("no measurement");
    }
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("{}: expected the JSON of a benchmark, {}", file.string(), error.what()));
  }
}

Change change(const Measurement& before, const Measurement& after) {
  const Quartiles old = quartiles(before.times_limit), now = quartiles(after.times_limit);
  return {median(after.times_limit) / median(before.times_limit),
          now.lower > old.upper || now.upper < old.lower};
}

}  // namespace elbow::bench
