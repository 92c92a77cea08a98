#include "tests/golden.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace elbow::test {
namespace {

const std::string folder = "tests/golden/operations";

nlohmann::json all_families() {
  nlohmann::json all;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ELBOW_SOURCE_DIR) + "/" + folder)) {
    all.update(nlohmann::json::parse(source_text(folder + "/" + entry.path().filename().string())));
  }
  return all;
}

const nlohmann::json& golden() {
  static const nlohmann::json all = all_families();
  return all;
}

}  // namespace

std::vector<GoldenArray> golden_of(const Case& c) {
  const auto entry = golden().find(c.golden);
  if (entry == golden().end()) {
    throw std::runtime_error(c.golden + ": no golden entry; see tests/golden/make_golden.py");
  }
  if ((*entry)["fingerprint"] != fmt::format("{:016x}", fingerprint(c))) {
    throw std::runtime_error(c.golden + ": the golden entry is of other operands; run make_golden.py again");
  }
  std::vector<GoldenArray> arrays;
  for (const nlohmann::json& array : (*entry)["arrays"]) {
    Shape shape;
    for (const Index extent : array["shape"]) shape.append(extent);
    arrays.push_back({shape, array["norm"], array["values"]});
  }
  return arrays;
}

std::vector<std::string> golden_keys() {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : golden().items()) keys.push_back(key);
  return keys;
}

std::string source_text(const std::string& path) {
  std::ifstream file(std::string(ELBOW_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

}  // namespace elbow::test
