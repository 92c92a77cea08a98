#pragma once
// numpy's files, made by hand: good ones, and what a test wants to spoil.
#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace elbow::test {

/// The bytes of a number, or of all of a vector.
template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
std::string raw(const std::vector<T>& values) {
  std::string bytes;
  for (const T& value : values) bytes += raw(value);
  return bytes;
}

/// `header` as it stands, with the format's version before it.
inline std::string npy_with_header(const std::string& header, const std::string& data, char version = 1) {
  const std::string length = version == 1 ? raw(static_cast<std::uint16_t>(header.size()))
                                          : raw(static_cast<std::uint32_t>(header.size()));
  return std::string("\x93NUMPY") + version + '\0' + length + header + data;
}

/// As numpy writes it: npy("|u1", "(2, 3)", ...).
inline std::string npy(const std::string& element, const std::string& shape, const std::string& data,
                       char version = 1) {
  return npy_with_header(
      "{'descr': '" + element + "', 'fortran_order': False, 'shape': " + shape + ", }   \n", data, version);
}

struct ZipMember {
  std::string name;
  std::string content;
  bool is_deflated = false;
};

inline std::string deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

/// An archive; with `large`, all sizes and places are where 64-bit numbers are.
inline std::string zip_of(const std::vector<ZipMember>& members, bool large = false) {
  const auto u16 = [](std::size_t value) { return raw(static_cast<std::uint16_t>(value)); };
  const auto u32 = [](std::size_t value) { return raw(static_cast<std::uint32_t>(value)); };
  const auto u64 = [](std::size_t value) { return raw(static_cast<std::uint64_t>(value)); };
  const auto narrow = [&](std::size_t value) { return u32(large ? 0xffffffff : value); };
  std::string archive, directory;
  for (const ZipMember& member : members) {
    const std::string stored = member.is_deflated ? deflated(member.content) : member.content;
    const std::uint32_t checksum = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(member.content.data()), member.content.size()));
    const std::string sizes = u64(member.content.size()) + u64(stored.size());
    const std::string local_extra = u16(1) + u16(16) + sizes;  // numpy always has it
    const std::string extra =
        large ? u16(7) + u16(1) + "x" + u16(1) + u16(24) + sizes + u64(archive.size()) : "";
    const std::string common =
        u16(0) + u16(member.is_deflated ? 8 : 0) + u32(0) + u32(checksum);  // flags, method, time, checksum
    directory += "PK\1\2" + u32(0) + common + narrow(stored.size()) + narrow(member.content.size()) +
                 u16(member.name.size()) + u16(extra.size()) + u16(0) + std::string(8, '\0') +
                 narrow(archive.size()) + member.name + extra;
    archive += "PK\3\4" + u16(45) + common + u32(0xffffffff) + u32(0xffffffff) + u16(member.name.size()) +
               u16(local_extra.size()) + member.name + local_extra + stored;
  }
  const std::size_t at = archive.size(), count = members.size();
  archive += directory;
  if (large) {
    archive += "PK\6\6" + u64(44) + u32(0) + u32(0) + u32(0) + u64(count) + u64(count) +
               u64(directory.size()) + u64(at) + "PK\6\7" + u32(0) + u64(at + directory.size()) + u32(1);
  }
  const std::size_t shown = large ? 0xffff : count;
  return archive + "PK\5\6" + u32(0) + u16(shown) + u16(shown) + narrow(directory.size()) + narrow(at) +
         u16(0);
}

}  // namespace elbow::test
