#pragma once
// A zip archive (PKWARE's APPNOTE 6.3.10) read from memory, trusting none of it: as much of the format as
// numpy's savez and savez_compressed write, and any other program that stores or deflates, with 64-bit sizes
// or without.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace elbow {

/// Bytes, and what keeps them alive.
struct SharedBytes {
  std::shared_ptr<const std::string> owner;
  std::string_view bytes;
};

class ZipFile {
 public:
  /// Reads the directory. `source` is the name in messages. Throws DataError: no archive, one that is cut
  /// short, of several parts or encrypted, another method than 0 (stored) and 8 (deflated), members beside
  /// the file or with one name, sizes that no deflated data have.
  ZipFile(std::shared_ptr<const std::string> content, std::filesystem::path source);

  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// The content of a member that there is: within the archive if it is stored, in new memory if it is
  /// deflated. Throws DataError where it is larger than 16 GiB or damaged: deflated data that do not end with
  /// their last byte, another size or CRC-32 than the directory says.
  SharedBytes read(std::string_view name) const;

 private:
  struct Member {
    std::string name;
    std::uint16_t method;
    std::uint32_t checksum;
    std::uint64_t size;
    std::string_view stored;
  };
  class Directory;

  const Member* find(std::string_view name) const;

  std::shared_ptr<const std::string> content_;
  std::filesystem::path source_;
  std::vector<Member> members_;
};

}  // namespace elbow
