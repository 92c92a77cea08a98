#include "experiments/zip_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::uint16_t stored_method = 0, deflated_method = 8;
// A deflated block of one repeated byte: 258 bytes by 2 bits.
constexpr std::uint64_t largest_ratio = 1032;
constexpr std::uint64_t largest_content = std::uint64_t{1} << 34;

/// What stands in the 32-bit field of a number that needs 64 bits.
constexpr std::uint32_t see_extra = 0xffffffff;

[[noreturn]] void refuse(const std::filesystem::path& source, const std::string& expected,
                         const std::string& found) {
  throw DataError(fmt::format("[zip] {}: expected {}, found {}; the file is damaged or of another kind",
                              in_quotes(source.string(), std::string::npos), expected, found));
}

/// The little-endian fields of a record, one after another; the caller has compared the record's length.
class Fields {
 public:
  explicit Fields(std::string_view record) : left_(record) {}
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  void skip(std::size_t bytes) { left_.remove_prefix(bytes); }
  std::size_t size() const { return left_.size(); }
  std::string_view take_bytes(std::size_t bytes) {
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view left_;
};

}  // namespace

/// Finds the members of one archive.
class ZipFile::Directory {
 public:
  Directory(std::string_view content, const std::filesystem::path& source)
      : content_(content), source_(source) {
    find_directory();
    Fields directory(piece(directory_at_, directory_bytes_, "a directory"));
    for (std::uint64_t i = 0; i < count_; ++i) members.push_back(next_member(directory));
    if (directory.size() > 0) fail("nothing behind the last member's entry", "more");
    verify_names();
  }

  std::vector<Member> members;

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    refuse(source_, expected, found);
  }

  /// Bytes [at, at + size) of the archive.
  std::string_view piece(std::uint64_t at, std::uint64_t size, const std::string& what) const {
    if (at > content_.size() || size > content_.size() - at) {
      fail(fmt::format("{} of {} bytes at byte {}", what, size, at),
           fmt::format("a file of {} bytes", content_.size()));
    }
    return content_.substr(at, size);
  }

  /// The record at the archive's very end says where the directory is; behind it is only a comment.
  void find_directory() {
    constexpr std::size_t record = 22;
    const std::size_t at = content_.rfind("PK\5\6");
    if (at == content_.npos || content_.size() - at < record)
      fail("a zip archive's directory at the end", "none");
    Fields end(content_.substr(at + 4, record - 4));
    const auto disk = end.take<std::uint16_t>(), directory_disk = end.take<std::uint16_t>();
    const auto count_here = end.take<std::uint16_t>();
    count_ = end.take<std::uint16_t>();
    directory_bytes_ = end.take<std::uint32_t>();
    directory_at_ = end.take<std::uint32_t>();
    if (disk != directory_disk || count_here != count_) fail("an archive of one part", "one of several");
    if (count_ == 0xffff || directory_bytes_ == see_extra || directory_at_ == see_extra)
      find_large_directory(at);
  }

  /// The same with 64-bit numbers; a locator before the old record says where.
  void find_large_directory(std::size_t end_at) {
    constexpr std::size_t locator_bytes = 20, record_bytes = 56;
    if (end_at < locator_bytes) fail("a zip64 locator", "none");
    Fields locator(content_.substr(end_at - locator_bytes, locator_bytes));
    if (locator.take_bytes(4) != "PK\6\7") fail("a zip64 locator", "none");
    locator.skip(4);
    Fields end(piece(locator.take<std::uint64_t>(), record_bytes, "a zip64 directory record"));
    if (end.take_bytes(4) != "PK\6\6") fail("a zip64 directory record", "none");
    end.skip(28);
    count_ = end.take<std::uint64_t>();
    directory_bytes_ = end.take<std::uint64_t>();
    directory_at_ = end.take<std::uint64_t>();
  }

  Member next_member(Fields& directory) const {
    constexpr std::size_t fixed_bytes = 46;
    if (directory.size() < fixed_bytes) fail(fmt::format("entries of {} members", count_), "fewer");
    Fields entry(directory.take_bytes(fixed_bytes));
    if (entry.take_bytes(4) != "PK\1\2") fail("an entry of the directory", "something else");
    entry.skip(4);
    const auto flags = entry.take<std::uint16_t>();
    Member member;
    member.method = entry.take<std::uint16_t>();
    entry.skip(4);
    member.checksum = entry.take<std::uint32_t>();
    std::uint64_t stored_size = entry.take<std::uint32_t>();
    member.size = entry.take<std::uint32_t>();
    const auto name_bytes = entry.take<std::uint16_t>(), extra_bytes = entry.take<std::uint16_t>(),
               comment_bytes = entry.take<std::uint16_t>();
    entry.skip(8);
    std::uint64_t at = entry.take<std::uint32_t>();
    if (directory.size() < std::size_t{name_bytes} + extra_bytes + comment_bytes) {
      fail("a member's name and extra fields", "the directory's end");
    }
    member.name = directory.take_bytes(name_bytes);
    read_large_numbers(directory.take_bytes(extra_bytes), {&member.size, &stored_size, &at});
    directory.skip(comment_bytes);

    const std::string shown = "member " + in_quotes(member.name);
    if ((flags & 1) != 0) fail(shown + " to be readable", "it encrypted");
    if (member.method != stored_method && member.method != deflated_method) {
      fail(shown + " to be stored or deflated", fmt::format("method {}", member.method));
    }
    const bool is_possible = member.method == stored_method ? member.size == stored_size
                                                            : member.size / largest_ratio <= stored_size;
    if (!is_possible) {
      fail(fmt::format("{} of a size that {} bytes can hold", shown, stored_size),
           fmt::format("{}", member.size));
    }
    member.stored = stored_bytes(at, stored_size, shown);
    return member;
  }

  /// From the extra field 1: a 64-bit number for each that says see_extra, in this order.
  void read_large_numbers(std::string_view extra, std::initializer_list<std::uint64_t*> numbers) const {
    Fields fields(extra);
    std::string_view large;
    while (fields.size() >= 4) {
      const auto kind = fields.take<std::uint16_t>();
      const std::string_view body = fields.take_bytes(fields.take<std::uint16_t>());
      if (kind == 1) large = body;
    }
    Fields left(large);
    for (std::uint64_t* const number : numbers) {
      if (*number != see_extra) continue;
      if (left.size() < sizeof *number) fail("64-bit sizes of a member", "none");
      *number = left.take<std::uint64_t>();
    }
  }

  /// Behind a header of the member's own, whose name and extra field may have other lengths than the
  /// directory's.
  std::string_view stored_bytes(std::uint64_t at, std::uint64_t size, const std::string& shown) const {
    constexpr std::size_t fixed_bytes = 30;
    Fields header(piece(at, fixed_bytes, "the header of " + shown));
    if (header.take_bytes(4) != "PK\3\4") fail("the header of " + shown, "something else");
    header.skip(22);
    const auto name_bytes = header.take<std::uint16_t>(), extra_bytes = header.take<std::uint16_t>();
    return piece(at + fixed_bytes + name_bytes + extra_bytes, size, shown);
  }

  void verify_names() const {
    std::vector<std::string_view> names;
    for (const Member& member : members) names.push_back(member.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) fail("every name once", in_quotes(*twice) + " twice");
  }

  std::string_view content_;
  const std::filesystem::path& source_;
  std::uint64_t count_ = 0, directory_bytes_ = 0, directory_at_ = 0;
};

namespace {

/// False unless `stored` is one deflated stream that fills `content` to its last byte.
bool inflate_all(std::string_view stored, std::string& content) {
  z_stream stream{};
  constexpr int raw_window = -15;  // no zlib header around the data
  if (inflateInit2(&stream, raw_window) != Z_OK) throw std::bad_alloc();
  constexpr std::size_t longest = std::numeric_limits<uInt>::max();
  std::size_t read = 0, written = 0;
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data() + read));
    stream.avail_in = static_cast<uInt>(std::min(stored.size() - read, longest));
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + written);
    stream.avail_out = static_cast<uInt>(std::min(content.size() - written, longest));
    const uInt input = stream.avail_in, room = stream.avail_out;
    result = inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where neither moves on
    read += input - stream.avail_in;
    written += room - stream.avail_out;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && read == stored.size() && written == content.size();
}

}  // namespace

ZipFile::ZipFile(std::shared_ptr<const std::string> content, std::filesystem::path source)
    : content_(std::move(content)),
      source_(std::move(source)),
      members_(std::move(Directory(*content_, source_).members)) {}

std::vector<std::string> ZipFile::names() const {
  std::vector<std::string> names;
  for (const Member& member : members_) names.push_back(member.name);
  return names;
}

const ZipFile::Member* ZipFile::find(std::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& member) { return member.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

SharedBytes ZipFile::read(std::string_view name) const {
  const Member& member = *find(name);
  const std::string shown = "member " + in_quotes(name);
  SharedBytes result{content_, member.stored};
  if (member.size > largest_content) {
    refuse(source_, fmt::format("{} of at most {} bytes", shown, largest_content),
           fmt::format("{}", member.size));
  }
  if (member.method == deflated_method) {
    const auto inflated = std::make_shared<std::string>(member.size, '\0');
    if (!inflate_all(member.stored, *inflated)) {
      refuse(source_, fmt::format("{} to be {} deflated bytes", shown, member.size), "other data");
    }
    result = {inflated, *inflated};
  }
  const auto checksum = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(result.bytes.data()), result.bytes.size()));
  if (checksum != member.checksum) {
    refuse(source_, fmt::format("{} with the checksum {:08x}", shown, member.checksum),
           fmt::format("{:08x}", checksum));
  }
  return result;
}

}  // namespace elbow
