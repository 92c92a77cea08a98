#pragma once
// Options in a TOML file: one key per option, no tables. `experiment` may name the program that the file is
// for.
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/options.h"
#include "experiments/settings.h"

namespace elbow {

/// The file's settings in the order of its lines. Throws DataError if it cannot be read; UsageError with file
/// and line if it is not TOML, names a key twice, or is for another experiment than `experiment`.
std::vector<Setting> read_config(const std::filesystem::path& file, std::string_view experiment);

/// A file that read_config understands: every stored option among `accepted`.
std::string config_text(std::string_view experiment, const Options& options,
                        const std::set<std::string>& accepted);

/// Checks that a run folder's config.toml asks for the same results as `options`. Throws UsageError naming
/// the first key that differs, and both values.
void require_same_config(const std::filesystem::path& stored, std::string_view experiment,
                         const Options& options, const std::set<std::string>& accepted);

}  // namespace elbow
