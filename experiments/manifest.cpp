#include "experiments/manifest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/files.h"
#include "experiments/build_info.h"
#include "experiments/log.h"
#include "experiments/machine.h"
#include "kernels/error.h"

namespace elbow {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* manifest_name = "manifest.json";
constexpr std::size_t largest_manifest = 1 << 24;

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// CRC-32 (zlib's) of a file as eight hexadecimal digits. Throws DataError.
std::string crc32_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  uLong checksum = ::crc32(0, nullptr, 0);
  std::vector<char> buffer(1 << 16);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    checksum =
        ::crc32(checksum, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(file.gcount()));
  if (!file.eof()) throw DataError(fmt::format("[manifest] cannot read {}", path.string()));
  return fmt::format("{:08x}", checksum);
}

/// Every file of the folder but the manifest and hidden ones, by name.
Json files_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != manifest_name && !name.starts_with('.'))
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  Json files = Json::object();
  for (const fs::path& path : paths)
    files[path.lexically_relative(folder).generic_string()] = {{"bytes", fs::file_size(path)},
                                                               {"crc32", crc32_of(path)}};
  return files;
}

Json libraries() {
  return {{"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)},
          {"zlib", ::zlibVersion()}};
}

}  // namespace

Manifest::Manifest(const RunFolder& folder, const std::string& experiment, const Options& options)
    : folder_(folder), experiment_(experiment), options_(options), earlier_starts_("[]") {
  const fs::path path = folder.path() / manifest_name;
  if (folder.resumed() && fs::exists(path)) {
    // A manifest tells, it decides nothing: an unreadable one is replaced.
    const Json old = Json::parse(read_file(path, largest_manifest), nullptr, false);
    if (old.is_object() && old.contains("starts") && old["starts"].is_array())
      earlier_starts_ = old["starts"].dump();
    else
      log_warning(fmt::format("{} is not a manifest; it is written anew", path.string()));
    const std::string revision = old.is_object() ? old.value("revision", "") : "";
    if (!revision.empty() && revision != build_info().revision)
      log_warning(fmt::format("the runs so far are of revision {}, this program is of {}", revision,
                              build_info().revision));
  }
  write("running", false);
}

void Manifest::finish(const std::string& status) { write(status, true); }

void Manifest::write(const std::string& status, bool ended) {
  const BuildInfo& build = build_info();
  Json start = {{"began", time_text(began_)}, {"revision", build.revision}, {"status", status}};
  if (ended) {
    start["ended"] = time_text(std::chrono::system_clock::now());
    start["wall_seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock_).count();
  }
  Json starts = Json::parse(earlier_starts_);
  starts.push_back(start);
  Json manifest = {{"experiment", experiment_},
                   {"version", build.version},
                   {"revision", build.revision},
                   {"modified", build.modified},
                   {"compiler", build.compiler},
                   {"flags", build.flags},
                   {"libraries", libraries()},
                   {"device", name(device_of(options_))},
                   {"device_line", device_line(options_)},
                   {"cpu", cpu_model()},
                   {"threads", options_.threads},
                   {"starts", starts}};
  if (ended) manifest["files"] = files_in(folder_.path());
  folder_.write(manifest_name, manifest.dump(2) + "\n");
}

}  // namespace elbow
