#include "experiments/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <vector>

#include "engine/device.h"
#include "engine/files.h"
#include "experiments/build_info.h"
#include "experiments/config_file.h"
#include "experiments/run_folder.h"
#include "experiments/settings.h"
#include "experiments/text.h"
#include "kernels/error.h"

namespace elbow {
namespace {

void expect_protocol(const Experiment& experiment, Protocol asked) {
  std::vector<std::string> names;
  for (const Protocol protocol : experiment.protocols) {
    if (protocol == asked) return;
    names.push_back(name(protocol));
  }
  throw UsageError(fmt::format("[--protocol] expected {}, got {}: {} has no other protocol; leave it out",
                               fmt::join(names, " or "), name(asked), experiment.name));
}

std::string help_line(const OptionDescription& option, const Options& defaults) {
  std::string shown = option.fallback;
  if (shown.empty() && !option.value.empty()) shown = option.format(defaults).value_or("");
  return shown.empty() ? option.help : fmt::format("{} [{}]", option.help, shown);
}

/// CLI11 parts groups by two blank lines.
std::string one_blank_line(std::string text) {
  for (std::size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  return text;
}

std::string versions() {
  const BuildInfo& build = build_info();
  const std::string& reason = unavailable_reason(Device::cuda);
  return fmt::format("elbow {}\ncompiler: {} {}\nback ends: cpu, cuda{}\n", version_text(), build.compiler,
                     build.flags, reason.empty() ? "" : " (" + reason + ")");
}

/// CLI11 splits the words; every value stays text, so that flags and files are read, and refused, by the same
/// code.
class Parser {
 public:
  explicit Parser(const Experiment& experiment)
      : app_(fmt::format("{}: {}", experiment.figure, experiment.question), experiment.name) {
    const Options defaults = defaults_of(experiment, Protocol::text, default_recipe(Protocol::text), false);
    app_.set_help_flag();
    app_.allow_extras();
    app_.get_formatter()->column_width(25);
    for (const OptionDescription& option : option_table())
      if (experiment.accepted.count(option.name) > 0) add(option, help_line(option, defaults));
    help_ = add_switch("-h,--help", "print this", "Machine and files");
    version_ = add_switch("--version", "print version, compiler and back ends", "Machine and files");
    app_.footer(fmt::format("Example: {} --quick --out runs/first", experiment.name));
  }

  std::vector<Setting> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      throw UsageError(fmt::format("{}; see --help", error.what()));
    }
    std::vector<Setting> settings;
    for (const auto& [name, option] : options_) {
      const std::vector<std::string>& values = option->results();
      if (values.size() > 1) throw UsageError(fmt::format("[--{}] given twice; keep one of them", name));
      if (!values.empty())
        settings.push_back({name, values[0], ValueKind::untyped, in_quotes(values[0]), "", 0});
    }
    // Only the first: what follows it may be its value.
    const std::vector<std::string> unknown_words = app_.remaining();
    if (!unknown_words.empty()) settings.push_back(unknown(unknown_words.front()));
    return settings;
  }

  /// What --help or --version print, "" if neither was given.
  std::string answer() const {
    if (help_->count() > 0) return one_blank_line(app_.help());
    return version_->count() > 0 ? versions() : "";
  }

 private:
  CLI::Option* add_switch(const std::string& flag, const std::string& help, const std::string& group) {
    return app_.add_flag(flag, help)->group(group)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  CLI::Option* add_valued(const OptionDescription& option, const std::string& help) {
    // A missing value becomes an empty one, which no option takes.
    return app_.add_option(option.flag(), help)
        ->expected(0, 1)
        ->type_name(option.value)
        ->group(option.group)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void add(const OptionDescription& option, const std::string& help) {
    options_.emplace_back(option.name, option.value.empty() ? add_switch(option.flag(), help, option.group)
                                                            : add_valued(option, help));
  }

  static Setting unknown(const std::string& word) {
    if (!word.starts_with("--"))
      throw UsageError(fmt::format("{}: options start with --; see --help", in_quotes(word)));
    return {word.substr(2, word.find('=') - 2), "", ValueKind::untyped, "", "", 0};
  }

  CLI::App app_;
  std::vector<std::pair<std::string, CLI::Option*>> options_;
  CLI::Option* help_ = nullptr;
  CLI::Option* version_ = nullptr;
};

/// The configuration file behind these flags, "" for none.
std::filesystem::path config_of(const Options& flags) {
  if (!flags.config.empty() || !flags.resume) return flags.config;
  const std::filesystem::path stored = folder_to_resume(flags.out) / RunFolder::config_name;
  return std::filesystem::exists(stored) ? stored : std::filesystem::path();
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, const Experiment& experiment) {
  Parser parser(experiment);
  const std::vector<Setting> flags = parser.parse(argc, argv);
  CommandLine result;
  result.answer = parser.answer();
  if (!result.answer.empty()) return result;

  Options wishes;
  apply(flags, experiment.accepted, wishes);
  const std::filesystem::path config = config_of(wishes);
  std::vector<Setting> file;
  if (!config.empty()) file = read_config(config, experiment.name);

  // What decides the defaults is settled first.
  const auto overlay = [&](Options& options) {
    apply(file, experiment.accepted, options);
    apply(flags, experiment.accepted, options);
  };
  const auto names_recipe = [](const Setting& setting) { return setting.name == "recipe"; };
  const bool recipe_given = std::any_of(file.begin(), file.end(), names_recipe) ||
                            std::any_of(flags.begin(), flags.end(), names_recipe);
  wishes = Options();
  overlay(wishes);
  if (!recipe_given) wishes.recipe = default_recipe(wishes.protocol);
  result.options = defaults_of(experiment, wishes);
  overlay(result.options);
  expect_protocol(experiment, result.options.protocol);
  if (experiment.validate) experiment.validate(result.options);
  return result;
}

}  // namespace elbow
