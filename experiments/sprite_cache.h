#pragma once
// Rendered sprites kept on disk, so that a data set is rendered once.
#include <cstdint>
#include <filesystem>
#include <functional>

#include "experiments/sprite_set.h"

namespace elbow {

/// $XDG_CACHE_HOME/elbow, or ~/.cache/elbow. Throws UsageError if neither variable is an absolute path.
std::filesystem::path default_cache_folder();

/// Bytes that a folder's disk has left for this user. Throws DataError.
std::uint64_t free_bytes(const std::filesystem::path& folder);

/// The file of `settings` in a cache folder: its shape, size, number of samples and a hash of all of them.
std::filesystem::path cache_file(const SpriteSettings& settings, const std::filesystem::path& folder);

/// The set of `settings`, mapped from its file in `folder`: 737 MB for 60,000 pictures of 64 pixels, which
/// are the system's to keep in memory or not, and `factors` beside it. The file is read once to compare its
/// checksum.
///
/// Where there is none, `folder` is created and the file rendered into it, a few megabytes at a time; so is
/// it, with a warning that says why, where a file is not exactly what these settings make: cut short,
/// damaged, or of other settings. Processes that want to render into one folder wait for each other. Reading
/// needs no permission to write. Nobody may cut a file short while it is mapped: the system would end the
/// program.
///
/// Throws UsageError as verify does, and DataError, before anything is written, if `free_space` says that the
/// file does not fit; or if it cannot be written. Messages call the folder --cache.
ImageSet cached_sprites(
    const SpriteSettings& settings, const std::filesystem::path& folder, int threads,
    const std::function<std::uint64_t(const std::filesystem::path&)>& free_space = free_bytes);

}  // namespace elbow
