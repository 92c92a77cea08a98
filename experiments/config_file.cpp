#include "experiments/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>

#include <toml++/toml.h>

#include "engine/files.h"
#include "experiments/text.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr std::size_t largest_config = 1 << 20;

/// A node as the command line would write it, and its type.
struct PlainValue {
  ValueKind kind = ValueKind::other;
  std::string text;
};

PlainValue scalar(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return {ValueKind::boolean, value->get() ? "true" : "false"};
  if (const auto* value = node.as_integer()) return {ValueKind::integer, std::to_string(value->get())};
  if (const auto* value = node.as_floating_point()) return {ValueKind::number, shortest(value->get())};
  if (const auto* value = node.as_string()) return {ValueKind::string, value->get()};
  return {};
}

PlainValue plain(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (!array) return scalar(node);
  PlainValue list{ValueKind::integers, ""};
  for (const toml::node& element : *array) {
    const PlainValue entry = scalar(element);
    if (entry.kind == ValueKind::number) list.kind = ValueKind::numbers;
    if (entry.kind != ValueKind::integer && entry.kind != ValueKind::number) return {};
    list.text += (list.text.empty() ? "" : ",") + entry.text;
  }
  return list;
}

std::string shown(const toml::node& node) {
  if (node.is_table()) return "a table";
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

toml::table parse(const std::filesystem::path& file) {
  const std::string content = read_file(file, largest_config);
  try {
    return toml::parse(content, file.string());
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
  }
}

void require_experiment(const Setting& setting, std::string_view experiment) {
  if (setting.kind == ValueKind::string && setting.text == experiment) return;
  throw UsageError(fmt::format("{} expected \"{}\", got {}; run that program, or take the line out",
                               setting.where(), experiment, setting.found));
}

}  // namespace

std::vector<Setting> read_config(const std::filesystem::path& file, std::string_view experiment) {
  const toml::table table = parse(file);
  std::vector<Setting> settings;
  for (const auto& [key, node] : table) {
    PlainValue value = plain(node);
    Setting setting{std::string(key.str()),
                    std::move(value.text),
                    value.kind,
                    shown(node),
                    file.string(),
                    static_cast<int>(key.source().begin.line)};
    if (setting.name == "experiment") {
      require_experiment(setting, experiment);
    } else {
      settings.push_back(std::move(setting));
    }
  }
  std::stable_sort(settings.begin(), settings.end(),
                   [](const Setting& left, const Setting& right) { return left.line < right.line; });
  return settings;
}

std::string config_text(std::string_view experiment, const Options& options,
                        const std::set<std::string>& accepted) {
  std::string text =
      fmt::format("# Resolved options; {} --config with this file runs it again.\n", experiment);
  text += fmt::format("experiment = \"{}\"\n", experiment);
  for (const auto& [key, value] : stored_values(options, accepted))
    text += fmt::format("{} = {}\n", key, value);
  return text;
}

void require_same_config(const std::filesystem::path& stored, std::string_view experiment,
                         const Options& options, const std::set<std::string>& accepted) {
  Options before;
  apply(read_config(stored, experiment), accepted, before);
  std::map<std::string, std::string> old_values;
  for (auto& [key, value] : stored_values(before, accepted)) old_values[key] = value;
  for (const auto& [key, value] : stored_values(options, accepted)) {
    const auto old = old_values.find(key);
    if (old != old_values.end() && old->second == value) continue;
    throw UsageError(fmt::format(
        "[--resume] {} has {}, now it is {}; drop that option to go on, or start anew without "
        "--resume",
        stored.string(), old == old_values.end() ? "no " + key : key + " = " + old->second, value));
  }
}

}  // namespace elbow
