#include "engine/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using json = nlohmann::json;

constexpr std::size_t length_bytes = sizeof(std::uint64_t);
constexpr std::size_t longest_header = std::size_t{1} << 20;
constexpr std::size_t largest_file = std::size_t{1} << 34;
constexpr int deepest_level = 3;  // header, tensor, shape
constexpr const char* metadata_key = "__metadata__";
constexpr const char* checksum_key = "crc32";

/// Where a tensor lies in the data section, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Entry {
  std::string name;
  DType dtype;
  Shape shape;
  Span span;
};

bool is_fit_name(std::string_view name) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !name.empty() && name != metadata_key && name.find("..") == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), is_control);
}

const char* format_name(DType dtype) { return dtype == DType::float64 ? "F64" : "F32"; }

std::string checksum(const json& header_without_it, std::string_view data) {
  const std::string text = header_without_it.dump();
  uLong value = crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
  value = crc32_z(value, reinterpret_cast<const Bytef*>(data.data()), data.size());
  return fmt::format("{:08x}", value);
}

/// Takes one file apart. Memory for tensors is the caller's affair, once everything here has been found
/// right.
class Reader {
 public:
  Reader(std::string_view bytes, const std::filesystem::path& source) : source_(source) {
    split(bytes);
    parse();
    read_metadata();
    for (const std::string& name : names_) entries_.push_back(read_entry(name));
    verify_coverage();
    verify_checksum();
  }

  const std::vector<Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::string_view data() const { return data_; }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw DataError(
        fmt::format("[safetensors] {}: expected {}, found {}; the file is damaged or of another kind",
                    in_quotes(source_.string(), std::string::npos), expected, found));
  }

  void split(std::string_view bytes) {
    std::uint64_t length = 0;
    if (bytes.size() < length_bytes) refuse("at least 8 bytes", fmt::format("{}", bytes.size()));
    std::memcpy(&length, bytes.data(), length_bytes);
    bytes.remove_prefix(length_bytes);
    if (length > longest_header) {
      refuse(fmt::format("a header of at most {} bytes", longest_header),
             fmt::format("a length of {}", length));
    }
    if (length > bytes.size()) {
      refuse(fmt::format("{} bytes of header", length), fmt::format("{} up to the file's end", bytes.size()));
    }
    text_ = bytes.substr(0, length);
    data_ = bytes.substr(length);
  }

  void parse() {
    // The JSON library would skip a byte order mark and take a zero byte for the end.
    if (!text_.starts_with('{')) refuse("a header that starts with '{'", in_quotes(text_.substr(0, 1)));
    if (text_.find('\0') != std::string_view::npos) refuse("JSON as header", "a zero byte in it");
    std::set<std::string> keys[deepest_level + 1];
    const auto check = [&](int depth, json::parse_event_t event, json& value) {
      using Event = json::parse_event_t;
      if ((event == Event::object_start || event == Event::array_start) && depth >= deepest_level) {
        refuse(fmt::format("at most {} levels in the header", deepest_level), "more");
      }
      if (event == Event::object_start) keys[depth + 1].clear();
      if (event == Event::key) {
        const std::string key = value.get<std::string>();
        if (!keys[depth].insert(key).second) refuse("every key once", in_quotes(key) + " twice");
        if (depth == 1 && key != metadata_key) names_.push_back(key);
      }
      return true;
    };
    try {
      header_ = json::parse(text_, check);
    } catch (const json::parse_error& error) {
      refuse("JSON as header", fmt::format("an error at its byte {}", error.byte));
    } catch (const json::exception&) {
      refuse("JSON as header", "a number out of range");
    }
  }

  void read_metadata() {
    const auto section = header_.find(metadata_key);
    if (section == header_.end()) return;
    if (!section->is_object()) refuse("an object as __metadata__", section->type_name());
    for (const auto& [key, value] : section->items()) {
      if (!value.is_string())
        refuse(fmt::format("a string as metadata {}", in_quotes(key)), value.type_name());
      metadata_[key] = value.get<std::string>();
    }
  }

  Entry read_entry(const std::string& name) const {
    const json& fields = header_[name];
    const std::string tensor = "tensor " + in_quotes(name);
    if (!is_fit_name(name)) refuse("names without control characters and '..'", tensor);
    if (!fields.is_object() || fields.size() != 3 || !fields.contains("dtype") || !fields.contains("shape") ||
        !fields.contains("data_offsets")) {
      refuse("dtype, shape and data_offsets of " + tensor, in_quotes(fields.dump()));
    }
    Entry entry{name, read_dtype(tensor, fields["dtype"]), read_shape(tensor, fields["shape"]), {}};
    const std::vector<std::uint64_t> offsets = read_integers(tensor, "data_offsets", fields["data_offsets"]);
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size()) {
      refuse(fmt::format("data_offsets [begin, end] of {} within {} bytes of data", tensor, data_.size()),
             fmt::format("{}", offsets));
    }
    entry.span = {offsets[0], offsets[1]};
    const std::uint64_t size = entry.span.end - entry.span.begin;
    // read_shape bounds the count by 2^60, so that the product fits.
    const std::uint64_t expected = static_cast<std::uint64_t>(entry.shape.count()) * size_of(entry.dtype);
    if (size != expected) {
      refuse(fmt::format("{} bytes for {} {} {}", expected, tensor, format_name(entry.dtype),
                         to_string(entry.shape)),
             fmt::format("{}", size));
    }
    return entry;
  }

  DType read_dtype(const std::string& tensor, const json& value) const {
    if (value == "F32") return DType::float32;
    if (value == "F64") return DType::float64;
    refuse("dtype F32 or F64 of " + tensor, in_quotes(value.dump()));
  }

  Shape read_shape(const std::string& tensor, const json& value) const {
    const std::vector<std::uint64_t> extents = read_integers(tensor, "shape", value);
    if (extents.size() > max_rank) {
      refuse(fmt::format("at most {} axes of {}", max_rank, tensor), fmt::format("{}", extents.size()));
    }
    Shape shape;
    Index product = 1;  // of the extents that are not 0: strides must not overflow either
    for (const std::uint64_t extent : extents) {
      const std::uint64_t factor = std::max<std::uint64_t>(extent, 1);
      if (__builtin_mul_overflow(product, factor, &product) || product > Index{1} << 60) {
        refuse(fmt::format("at most 2^60 elements of {}", tensor), fmt::format("shape {}", extents));
      }
      shape.append(static_cast<Index>(extent));
    }
    return shape;
  }

  std::vector<std::uint64_t> read_integers(const std::string& tensor, const char* what,
                                           const json& list) const {
    const bool is_right = list.is_array() && std::all_of(list.begin(), list.end(), [](const json& item) {
                            return item.is_number_unsigned();
                          });
    if (!is_right) {
      refuse(fmt::format("a list of integers from 0 as {} of {}", what, tensor), in_quotes(list.dump()));
    }
    return list.get<std::vector<std::uint64_t>>();
  }

  void verify_coverage() const {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : entries_) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const Entry* left, const Entry* right) {
      return std::pair(left->span.begin, left->span.end) < std::pair(right->span.begin, right->span.end);
    });
    std::size_t covered = 0;
    for (const Entry* entry : sorted) {
      if (entry->span.begin != covered) {
        refuse(fmt::format("tensor {} to begin at byte {} of the data", in_quotes(entry->name), covered),
               fmt::format("{}, which is {}", entry->span.begin,
                           entry->span.begin > covered ? "a gap" : "an overlap"));
      }
      covered = entry->span.end;
    }
    if (covered != data_.size()) {
      refuse(fmt::format("{} bytes of data", covered), fmt::format("{}", data_.size()));
    }
  }

  void verify_checksum() {
    const auto stored = metadata_.find(checksum_key);
    if (stored == metadata_.end()) return;
    header_[metadata_key].erase(checksum_key);
    const std::string actual = checksum(header_, data_);
    if (stored->second != actual) refuse("crc32 " + in_quotes(stored->second), in_quotes(actual));
    metadata_.erase(stored);
  }

  const std::filesystem::path& source_;
  std::string_view text_;
  std::string_view data_;
  json header_;
  std::vector<std::string> names_;  // in the header's order, which `json` does not keep
  std::map<std::string, std::string> metadata_;
  std::vector<Entry> entries_;
};

void verify_names(const std::vector<NamedTensor>& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    if (!is_fit_name(name)) {
      throw UsageError("[safetensors] expected a name without control characters and '..', got " +
                       in_quotes(name));
    }
    if (!names.insert(name).second)
      throw UsageError("[safetensors] two tensors are named " + in_quotes(name));
    if (!tensor.defined()) throw UsageError("[safetensors] undefined tensor " + in_quotes(name));
    if (tensor.dtype() == DType::complex128) {
      throw UsageError(fmt::format("[safetensors] expected float32 or float64, got {} {}",
                                   elbow::name(tensor.dtype()), in_quotes(name)));
    }
  }
}

/// The float64 tensors first: behind an odd number of float32 values they would not be aligned.
std::vector<Span> lay_out(const std::vector<NamedTensor>& tensors) {
  std::vector<Span> spans(tensors.size());
  std::size_t end = 0;
  for (const DType dtype : {DType::float64, DType::float32}) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].tensor.dtype() != dtype) continue;
      spans[i] = {end, end + tensors[i].tensor.bytes()};
      end = spans[i].end;
    }
  }
  return spans;
}

std::string join_data(const std::vector<NamedTensor>& tensors, const std::vector<Span>& spans) {
  std::size_t size = 0;
  for (const Span& span : spans) size = std::max(size, span.end);
  std::string data(size, '\0');
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor tensor = tensors[i].tensor.to(Device::cpu);
    if (tensor.bytes() > 0) std::memcpy(data.data() + spans[i].begin, tensor.address(), tensor.bytes());
  }
  return data;
}

}  // namespace

const Tensor& find(const std::vector<NamedTensor>& tensors, std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedTensor& named : tensors) {
    if (named.name == name) return named.tensor;
    names.push_back(named.name);
  }
  throw DataError(fmt::format("[safetensors] expected a tensor {}, found {}", in_quotes(name),
                              in_quotes(fmt::format("{}", fmt::join(names, ", ")), 400)));
}

std::string encode_safetensors(const std::vector<NamedTensor>& tensors,
                               const std::map<std::string, std::string>& metadata) {
  verify_names(tensors);
  if (metadata.contains(checksum_key)) throw UsageError("[safetensors] metadata 'crc32' is the file's own");
  const std::vector<Span> spans = lay_out(tensors);
  const std::string data = join_data(tensors, spans);

  nlohmann::ordered_json header;
  header[metadata_key] = metadata;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i].tensor;
    nlohmann::ordered_json shape = nlohmann::ordered_json::array();
    for (int axis = 0; axis < tensor.shape().rank(); ++axis) shape.push_back(tensor.shape()[axis]);
    header[tensors[i].name] = {{"dtype", format_name(tensor.dtype())},
                               {"shape", shape},
                               {"data_offsets", {spans[i].begin, spans[i].end}}};
  }
  std::string text;
  try {
    const std::string value = checksum(json(header), data);
    header[metadata_key][checksum_key] = value;
    text = header.dump();
  } catch (const json::exception&) {
    throw UsageError("[safetensors] a name or metadata is not UTF-8");
  }
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
  if (text.size() > longest_header) {
    throw UsageError(fmt::format("[safetensors] expected names and metadata of at most {} bytes, got {}",
                                 longest_header, text.size()));
  }
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), length_bytes) + text + data;
}

Safetensors decode_safetensors(std::string_view bytes, const std::filesystem::path& source) {
  const Reader reader(bytes, source);
  Safetensors file;
  file.metadata = reader.metadata();
  for (const Entry& entry : reader.entries()) {
    const Tensor tensor(entry.shape, entry.dtype);
    if (tensor.bytes() > 0)
      std::memcpy(tensor.address(), reader.data().data() + entry.span.begin, tensor.bytes());
    file.tensors.push_back({entry.name, tensor});
  }
  return file;
}

void save_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  write_atomically(path, encode_safetensors(tensors, metadata));
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  return decode_safetensors(read_file(path, largest_file), path);
}

}  // namespace elbow
