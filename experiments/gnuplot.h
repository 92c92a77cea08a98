#pragma once
#include <filesystem>
#include <string_view>

namespace elbow {

/// Runs gnuplot on the script of that name in the folder, without the user's settings. Throws DataError with
/// gnuplot's own words where it fails, and with the name of the package where it is not installed.
void run_gnuplot(const std::filesystem::path& folder, std::string_view script);

}  // namespace elbow
