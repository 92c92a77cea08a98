#pragma once
// The safetensors file format (https://huggingface.co/docs/safetensors): eight bytes with the header's
// length, a JSON header, the tensors' bytes. Tensors carry the names of a PyTorch state_dict.
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace elbow {

struct NamedTensor {
  std::string name;  ///< UTF-8, not empty, without control characters and without ".."
  Tensor tensor;
};

/// The tensor of that name; throws DataError with the names there are.
const Tensor& find(const std::vector<NamedTensor>&, std::string_view name);

struct Safetensors {
  std::vector<NamedTensor> tensors;  ///< float32 or float64, on the CPU, in the header's order
  std::map<std::string, std::string> metadata;
};

/// The file's bytes, a function of the arguments alone: header in the order given, data with the float64
/// tensors first, so that every tensor is aligned. Tensors of any device. A metadata entry "crc32" is added:
/// eight hexadecimal digits, the CRC-32 of the header without this entry (compact JSON, keys sorted, UTF-8)
/// followed by the data. Throws UsageError for a duplicate or unfit name, an undefined or complex tensor,
/// metadata with the key "crc32" or text that is not UTF-8, and a header beyond 1 MiB.
std::string encode_safetensors(const std::vector<NamedTensor>&,
                               const std::map<std::string, std::string>& metadata);

/// Reads `bytes`, trusting none of them; `source` is the name in messages. Whatever is not exactly such a
/// file is a DataError: header longer than the file or than 1 MiB, other JSON than the format's, duplicate
/// keys, sizes that overflow or that differ from shape times element size, data with gaps, overlaps or a
/// remainder, a dtype other than F32 and F64, more than `max_rank` axes, a "crc32" that does not match.
/// Without "crc32" nothing is compared. NaN and infinity are values like any other.
Safetensors decode_safetensors(std::string_view bytes, const std::filesystem::path& source);

/// encode_safetensors into a file, atomically.
void save_safetensors(const std::filesystem::path&, const std::vector<NamedTensor>&,
                      const std::map<std::string, std::string>& metadata = {});

/// decode_safetensors of a file of at most 16 GiB.
Safetensors load_safetensors(const std::filesystem::path&);

}  // namespace elbow
