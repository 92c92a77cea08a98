#include "experiments/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/text.h"
#include "kernels/error.h"

namespace elbow {
namespace {

bool fits(ValueKind given, ValueKind wanted) {
  return given == wanted || given == ValueKind::untyped ||
         (given == ValueKind::integer && wanted == ValueKind::number) ||
         (given == ValueKind::integers && wanted == ValueKind::numbers);
}

[[noreturn]] void reject_name(const Setting& setting, const std::set<std::string>& accepted) {
  const bool from_file = !setting.file.empty();
  std::set<std::string> candidates;
  for (const std::string& name : accepted) candidates.insert(from_file ? find_option(name)->key() : name);
  const std::string guess = nearest(setting.name, candidates);
  const std::string mend = guess.empty() ? "--help lists what there is"
                                         : fmt::format("did you mean {}{}?", from_file ? "" : "--", guess);
  throw UsageError(fmt::format("{} no such {}; {}", setting.where(), from_file ? "key" : "option", mend));
}

[[noreturn]] void reject_value(const Setting& setting, const OptionDescription& option) {
  const std::string example = setting.file.empty()
                                  ? option.flag() + (option.value.empty() ? "" : " " + option.example)
                                  : option.key() + " = " + option.toml(option.example);
  throw UsageError(fmt::format("{} expected {}, got {}; for example {}", setting.where(), option.expected,
                               setting.found, example));
}

}  // namespace

std::string Setting::where() const {
  return file.empty() ? fmt::format("[--{}]", name) : fmt::format("{}:{}: [{}]", file, line, name);
}

void apply(const Setting& setting, const std::set<std::string>& accepted, Options& options) {
  const bool from_file = !setting.file.empty();
  const OptionDescription* option = find_option(setting.name);
  // A file spells dry_run, the command line dry-run, and neither takes the other's.
  const bool known = option && setting.name == (from_file ? option->key() : option->name);
  if (!known) reject_name(setting, accepted);
  if (accepted.count(option->name) == 0)
    throw UsageError(fmt::format("{} means nothing to this experiment; leave it out", setting.where()));
  if (from_file && option->name == "config")
    throw UsageError(fmt::format("{} a file cannot name another; put all keys in one", setting.where()));
  if (!fits(setting.kind, option->kind) || !option->parse(options, setting.text))
    reject_value(setting, *option);
}

void apply(const std::vector<Setting>& settings, const std::set<std::string>& accepted, Options& options) {
  const auto find = [&](std::string_view name) {
    return std::find_if(settings.begin(), settings.end(), [&](const Setting& setting) {
      const OptionDescription* option = find_option(setting.name);
      return option && option->name == name;
    });
  };
  for (const Setting& setting : settings) apply(setting, accepted, options);
  const auto count = find("seeds");
  const auto list = find("seed-list");
  if (count != settings.end() && list != settings.end())
    throw UsageError(fmt::format("{} contradicts {}; keep one of them", count->where(), list->where()));
}

std::vector<std::pair<std::string, std::string>> stored_values(const Options& options,
                                                               const std::set<std::string>& accepted) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const OptionDescription& option : option_table()) {
    if (!option.stored || accepted.count(option.name) == 0) continue;
    if (const auto text = option.format(options)) values.emplace_back(option.key(), option.toml(*text));
  }
  return values;
}

std::string departure(const Options& options, const Options& defaults,
                      const std::set<std::string>& accepted) {
  for (const OptionDescription& option : option_table()) {
    const bool counts = option.stored && accepted.count(option.name) > 0 && option.name != "device" &&
                        option.name != "trainer" && option.name != "quick";
    if (!counts || option.format(options) == option.format(defaults)) continue;
    const auto ours = option.format(options);
    const auto theirs = option.format(defaults);
    if (!ours) continue;  // the other of --seeds and --seed-list tells
    return fmt::format("{} = {}{}", option.key(), option.toml(*ours),
                       theirs ? " instead of " + option.toml(*theirs) : "");
  }
  return "";
}

}  // namespace elbow
