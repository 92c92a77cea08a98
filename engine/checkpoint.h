#pragma once
// The state of a training on disk, so that a run that was stopped or killed goes on as if it had not been.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/safetensors.h"

namespace elbow {

/// Everything a training needs besides its configuration. Keys are free; values survive bit for bit (a NaN as
/// some NaN).
struct Checkpoint {
  /// Configuration of the run, one `key = value` per line: a checkpoint is for this run and no other.
  std::string fingerprint;
  std::vector<NamedTensor> tensors;  ///< parameters, moments of the optimiser, ...
  std::map<std::string, std::int64_t> integers;
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> strings;

  // One entry; DataError with its name if there is none. For tensors: `find(tensors, name)`.
  std::int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;
  const std::string& text(const std::string& key) const;
};

struct LoadedCheckpoint {
  Checkpoint checkpoint;
  std::string warning;  ///< empty, or one sentence on why the previous checkpoint was taken
};

/// Where the checkpoint before the last one is kept: `path` with ".previous" added.
std::filesystem::path previous_checkpoint(const std::filesystem::path& path);

/// Whether there is anything for `load_checkpoint` to look at.
bool checkpoint_exists(const std::filesystem::path& path);

/// Writes `path`, a safetensors file, and keeps the one before it; whenever the process is killed, one of the
/// two is whole and holds the last or the last but one state. A damaged file at `path` is not kept in the
/// place of a good one. Throws DataError if it cannot be written, or if `path` or its previous is the
/// checkpoint of another run; what was there is there still.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint&);

/// Reads `path` or, if that is missing or damaged, the previous checkpoint; tensors are on the CPU.
/// Throws DataError if neither can be read, or if the checkpoint is of another run: the message then shows
/// the first line in which the fingerprints differ. Writes nothing.
LoadedCheckpoint load_checkpoint(const std::filesystem::path& path, const std::string& expected_fingerprint);

}  // namespace elbow
