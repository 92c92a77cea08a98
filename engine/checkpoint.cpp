#include "engine/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

using std::filesystem::path;

constexpr const char* format_key = "format";
constexpr const char* format_name = "elbow-checkpoint-1";
constexpr const char* fingerprint_key = "fingerprint";
constexpr std::string_view integer_prefix = "integer.";
constexpr std::string_view number_prefix = "number.";
constexpr std::string_view string_prefix = "string.";

std::string show(const path& file) { return in_quotes(file.string(), std::string::npos); }

[[noreturn]] void refuse(const path& file, const std::string& reason) {
  throw DataError(fmt::format("[checkpoint] {}: {}", show(file), reason));
}

std::map<std::string, std::string> to_metadata(const Checkpoint& checkpoint) {
  std::map<std::string, std::string> metadata{{format_key, format_name},
                                              {fingerprint_key, checkpoint.fingerprint}};
  for (const auto& [key, value] : checkpoint.integers)
    metadata[std::string(integer_prefix) + key] = fmt::to_string(value);
  // The shortest digits that read back as the same double.
  for (const auto& [key, value] : checkpoint.numbers)
    metadata[std::string(number_prefix) + key] = fmt::to_string(value);
  for (const auto& [key, value] : checkpoint.strings) metadata[std::string(string_prefix) + key] = value;
  return metadata;
}

template <class Value>
Value parse(const path& file, const std::string& key, const std::string& text) {
  Value value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    refuse(file, fmt::format("expected a number as {}, found {}", in_quotes(key), in_quotes(text)));
  }
  return value;
}

/// Throws DataError if `file` holds anything but a checkpoint.
Checkpoint read(const path& file) {
  Safetensors content = load_safetensors(file);
  Checkpoint checkpoint;
  checkpoint.tensors = std::move(content.tensors);
  for (const auto& [key, value] : content.metadata) {
    const auto starts_with = [&key = key](std::string_view prefix) { return key.starts_with(prefix); };
    if (key == format_key) {
      if (value != format_name)
        refuse(file, fmt::format("expected format {}, found {}", format_name, in_quotes(value)));
    } else if (key == fingerprint_key) {
      checkpoint.fingerprint = value;
    } else if (starts_with(integer_prefix)) {
      checkpoint.integers[key.substr(integer_prefix.size())] = parse<std::int64_t>(file, key, value);
    } else if (starts_with(number_prefix)) {
      checkpoint.numbers[key.substr(number_prefix.size())] = parse<double>(file, key, value);
    } else if (starts_with(string_prefix)) {
      checkpoint.strings[key.substr(string_prefix.size())] = value;
    } else {
      refuse(file, fmt::format("unknown entry {}", in_quotes(key)));
    }
  }
  for (const char* key : {format_key, fingerprint_key}) {
    if (!content.metadata.contains(key)) refuse(file, fmt::format("expected an entry '{}', found none", key));
  }
  return checkpoint;
}

template <class Value>
const Value& entry(const std::map<std::string, Value>& entries, const char* kind, const std::string& key) {
  const auto found = entries.find(key);
  if (found != entries.end()) return found->second;
  throw DataError(
      fmt::format("[checkpoint] expected {} {}, found none; start the run again", kind, in_quotes(key)));
}

/// The checkpoint, or the reason why there is none.
struct Attempt {
  std::optional<Checkpoint> checkpoint;
  std::string reason;
};

Attempt try_to_read(const path& file) {
  try {
    return {read(file), ""};
  } catch (const DataError& error) {
    return {std::nullopt, error.what()};
  }
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void verify_fingerprint(const path& file, std::string_view found, std::string_view expected) {
  constexpr std::ptrdiff_t context = 50;
  while (!found.empty() || !expected.empty()) {
    const std::string_view has = take_line(found);
    const std::string_view wants = take_line(expected);
    if (has == wants) continue;
    const std::ptrdiff_t same =
        std::mismatch(has.begin(), has.end(), wants.begin(), wants.end()).first - has.begin();
    const auto from = static_cast<std::size_t>(std::max<std::ptrdiff_t>(same - context, 0));
    refuse(file,
           fmt::format(
               "is of another run: it has {}, this run has {}; use the same configuration or another --out",
               in_quotes(has.substr(from)), in_quotes(wants.substr(from))));
  }
}

}  // namespace

std::int64_t Checkpoint::integer(const std::string& key) const { return entry(integers, "an integer", key); }
double Checkpoint::number(const std::string& key) const { return entry(numbers, "a number", key); }
const std::string& Checkpoint::text(const std::string& key) const { return entry(strings, "a string", key); }

path previous_checkpoint(const path& file) {
  path previous = file;
  previous += ".previous";
  return previous;
}

bool checkpoint_exists(const path& file) {
  std::error_code error;  // what cannot be looked at is left to load_checkpoint, which says why
  return std::filesystem::exists(file, error) || error ||
         std::filesystem::exists(previous_checkpoint(file), error);
}

void save_checkpoint(const path& file, const Checkpoint& checkpoint) {
  const path previous = previous_checkpoint(file);
  const Attempt last = try_to_read(file);
  if (last.checkpoint) {
    verify_fingerprint(file, last.checkpoint->fingerprint, checkpoint.fingerprint);
  } else if (const Attempt older = try_to_read(previous); older.checkpoint) {
    verify_fingerprint(previous, older.checkpoint->fingerprint, checkpoint.fingerprint);
  }
  write_atomically(file, encode_safetensors(checkpoint.tensors, to_metadata(checkpoint)),
                   last.checkpoint ? previous : path());
}

LoadedCheckpoint load_checkpoint(const path& file, const std::string& expected_fingerprint) {
  const path previous = previous_checkpoint(file);
  Attempt last = try_to_read(file);
  if (last.checkpoint) {
    verify_fingerprint(file, last.checkpoint->fingerprint, expected_fingerprint);
    return {std::move(*last.checkpoint), ""};
  }
  Attempt older = try_to_read(previous);
  if (!older.checkpoint) throw DataError(last.reason + "; nor can the one before be read: " + older.reason);
  verify_fingerprint(previous, older.checkpoint->fingerprint, expected_fingerprint);
  return {std::move(*older.checkpoint), fmt::format("{}; going on from {}", last.reason, show(previous))};
}

}  // namespace elbow
