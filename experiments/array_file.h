#pragma once
// Arrays from numpy's files, .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)
// and .npz, trusting no byte of them.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/zip_file.h"
#include "kernels/types.h"

namespace elbow {

struct FileArray {
  enum class Element { uint8, float32, float64 };
  Element element;
  std::vector<Index> shape;
  SharedBytes data;  ///< row-major, exactly as many bytes as `shape` says, at any alignment
};

std::string_view name(FileArray::Element element);

/// In double, whatever the elements are.
std::vector<double> to_doubles(const FileArray& array);

class ArrayFile {
 public:
  /// Reads a file of at most 16 GiB into memory; which kind it is, its first bytes say. Throws DataError for
  /// a file that cannot be read or is neither, and for an archive as ZipFile does.
  explicit ArrayFile(const std::filesystem::path& path);
  /// The same of a file's content; `path` is the name in messages.
  ArrayFile(std::shared_ptr<const std::string> content, std::filesystem::path path);

  /// Names of arrays, without ".npy"; the one of an .npy file is "".
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  /// An array that there is. Throws DataError: another version of the format than 1 to 3, a damaged header,
  /// elements other than uint8, float32 and float64 of this machine's byte order, Fortran order, or fewer or
  /// more bytes than the shape says.
  FileArray read(std::string_view name) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::string> content_;
  std::unique_ptr<const ZipFile> archive_;  ///< null for an .npy file
};

}  // namespace elbow
